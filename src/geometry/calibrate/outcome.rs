//! What a calibration gives: geometries with their uncertainties, what is left at every ring, and what is odd.

use nalgebra::DMatrix;
use serde::Serialize;

use super::displace::{Displaced, DisplacementTest};
use super::joint::TiltTest;
use super::model::{LN_WAVELENGTH, Rotations};
use super::profile::Agreement;
use super::refine::Refined;
use super::remarks::Remark;
use super::settle::Settled;
use crate::geometry::{Detector, Geometry, Poni};

/// Names of the parameters, in the order of the covariance.
pub const PARAMETERS: [&str; 6] =
    ["distance_m", "poni1_m", "poni2_m", "rot1_rad", "rot2_rad", "wavelength_angstrom"];

/// How a parameter came to its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Fitted to the rings.
    Fitted,
    /// Given, and not fitted.
    Held,
    /// The rings do not determine it: assumed, within a σ that enters that of the others.
    Assumed,
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Parameter {
    /// As in [`PARAMETERS`].
    pub name: &'static str,
    /// In the unit of its name.
    pub value: f64,
    /// Standard deviation.
    pub sigma: f64,
    /// Where it is from.
    pub origin: Origin,
}

/// What is left of one ring.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RingResidual {
    /// Q of the ring, Å⁻¹.
    pub q_inv_angstrom: f64,
    /// 2θ, degrees.
    pub two_theta_deg: f64,
    /// Places at which it was found, and how many of them were kept.
    pub points: usize,
    /// Kept ones.
    pub kept: usize,
    /// Mean of found less expected, pixels across the ring.
    pub mean_px: f64,
    /// Root mean square of it.
    pub rms_px: f64,
    /// Standard deviation of Q at the ring by the geometry, relative.
    pub relative_sigma_q: f64,
}

/// What is left at one place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PointResidual {
    /// Number of the ring in the calibrant's list.
    pub ring: usize,
    /// χ, degrees.
    pub chi_deg: f64,
    /// Pixel coordinate, column and row.
    pub column_px: f64,
    /// Row.
    pub row_px: f64,
    /// 2θ found less 2θ expected, degrees.
    pub off_deg: f64,
    /// The same in pixels across the ring.
    pub off_px: f64,
    /// Standard deviation, pixels.
    pub sigma_px: f64,
    /// Whether it took part.
    pub kept: bool,
}

/// One frame's geometry.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibratedFrame {
    /// Placement and detector.
    pub geometry: Geometry,
    /// Values and standard deviations in the order of [`PARAMETERS`].
    pub parameters: [Parameter; 6],
    /// Their covariance.
    pub covariance: [[f64; 6]; 6],
    /// Where the beam meets the plane: column, row, and their standard deviations, pixels.
    pub centre_px: [f64; 2],
    /// Standard deviations.
    pub centre_sigma_px: [f64; 2],
    /// From the sample to there, m, and its standard deviation.
    pub along_beam_m: [f64; 2],
    /// Rings that were found.
    pub rings: Vec<RingResidual>,
    /// Every place.
    pub points: Vec<PointResidual>,
    /// Peaks of the frame against rings of the calibrant.
    pub agreement: Agreement,
    /// Full width at half maximum of the rings, pixels.
    pub fwhm_px: f64,
    /// Scatter of points beyond their counting statistics, pixels.
    pub point_scatter_px: f64,
    /// Scatter of rings as wholes, pixels.
    pub ring_scatter_px: f64,
}

/// A calibration.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Names of the calibrants.
    pub calibrants: Vec<String>,
    /// One for each frame.
    pub frames: Vec<CalibratedFrame>,
    /// Root mean square of the residuals that were kept, pixels across the ring.
    pub rms_px: f64,
    /// The same as Δ2θ, degrees.
    pub rms_deg: f64,
    /// Whether the tilts of several frames agree, where that was to be found out.
    pub tilt_test: Option<TiltTest>,
    /// Displacements of pixels that were kept; they are in the geometries' detector.
    pub displaced: Vec<Displaced>,
    /// Those that were looked for.
    pub displacement_tests: Vec<DisplacementTest>,
    /// What a user should know, worst first.
    pub remarks: Vec<Remark>,
}

/// What [`frame`] needs to know beside the fit.
pub(super) struct Context<'a> {
    pub(super) detector: &'a Detector,
    /// The one that places on rings were found with, without what was then found of its pixels.
    pub(super) seen_by: &'a Detector,
    pub(super) wavelength_angstrom: f64,
    pub(super) rings_q: &'a [f64],
    pub(super) wavelength: Origin,
}

/// The frame's part of the fit.
pub(super) fn frame(
    settled: &Settled,
    index: usize,
    agreement: Agreement,
    context: &Context<'_>,
) -> CalibratedFrame {
    let refined = &settled.refined;
    let placement = refined.placements[index];
    let wavelength = context.wavelength_angstrom * refined.wavelength_factor;
    let poni = placement.poni(wavelength);
    let values = parameters(&poni);
    let start = settled.frames[index].start;
    // From the parameters of the fit to those of the file, by central differences.
    let moved = |k: usize, step: f64| {
        let mut placement = placement;
        let mut wavelength = wavelength;
        match k {
            0 => wavelength *= step.exp(),
            1 => placement.rot1_rad += step,
            2 => placement.rot2_rad += step,
            3 | 4 => placement.centre_m[k - 3] += step * start.along_m,
            _ => placement.along_m *= step.exp(),
        }
        parameters(&placement.poni(wavelength))
    };
    const STEP: f64 = 1e-6;
    let jacobian =
        DMatrix::from_fn(6, 6, |row, k| (moved(k, STEP)[row] - moved(k, -STEP)[row]) / (2.0 * STEP));
    let own = own_covariance(refined, index);
    let covariance = &jacobian * &own * jacobian.transpose();
    let tilt = match settled.frames[index].tilt {
        Rotations::Free => Origin::Fitted,
        Rotations::Assumed(_) => Origin::Assumed,
    };
    let origins = [Origin::Fitted, Origin::Fitted, Origin::Fitted, tilt, tilt, context.wavelength];
    let [slow_m, fast_m] = context.detector.pixel_m;
    let [row, column] = context.detector.pixel(placement.centre_m);
    let centre_sigma = [4, 3].map(|k| own[(k, k)].sqrt() * start.along_m);
    CalibratedFrame {
        geometry: Geometry { poni, detector: context.detector.clone(), parallax: placement.parallax },
        parameters: std::array::from_fn(|k| Parameter {
            name: PARAMETERS[k],
            value: values[k],
            sigma: covariance[(k, k)].max(0.0).sqrt(),
            origin: origins[k],
        }),
        covariance: std::array::from_fn(|k| std::array::from_fn(|l| covariance[(k, l)])),
        centre_px: [column, row],
        centre_sigma_px: [centre_sigma[0] / fast_m, centre_sigma[1] / slow_m],
        along_beam_m: [placement.along_m, placement.along_m * own[(5, 5)].sqrt()],
        rings: rings(refined, index, &own, context),
        points: points(settled, index, context.seen_by),
        agreement,
        fwhm_px: settled.fwhm_px[index],
        point_scatter_px: refined.scatter[index].points_px,
        ring_scatter_px: refined.scatter[index].rings_px,
    }
}

fn parameters(poni: &Poni) -> [f64; 6] {
    [poni.distance_m, poni.poni1_m, poni.poni2_m, poni.rot1_rad, poni.rot2_rad, poni.wavelength_angstrom]
}

/// Covariance of wavelength, rotations and the frame's own three parameters.
fn own_covariance(refined: &Refined, index: usize) -> DMatrix<f64> {
    let (tilt, own) = (refined.places.tilt(index), refined.places.own(index));
    let places = [LN_WAVELENGTH, tilt, tilt + 1, own, own + 1, own + 2];
    DMatrix::from_fn(6, 6, |k, l| refined.covariance[(places[k], places[l])])
}

fn rings(refined: &Refined, index: usize, own: &DMatrix<f64>, context: &Context<'_>) -> Vec<RingResidual> {
    let residuals: Vec<_> = refined.residuals.iter().filter(|r| r.frame == index).collect();
    let one = |ring: &[&super::refine::Residual]| {
        let kept: Vec<_> = ring.iter().filter(|r| r.kept).collect();
        let count = kept.len().max(1) as f64;
        let q = context.rings_q[ring[0].ring];
        let two_theta = 2.0
            * (q * context.wavelength_angstrom * refined.wavelength_factor / (4.0 * std::f64::consts::PI))
                .min(1.0)
                .asin();
        // Around a ring the centre's and the tilt's errors cancel; distance and wavelength stay:
        // Δq/q = Δ2θ/(2 tan θ) − Δλ/λ, Δ2θ = −sin 2θ cos 2θ·ΔD/D.
        let by_distance = -two_theta.sin() * two_theta.cos() / (2.0 * (0.5 * two_theta).tan());
        let variance = own[(0, 0)] - 2.0 * by_distance * own[(0, 5)] + by_distance.powi(2) * own[(5, 5)];
        RingResidual {
            q_inv_angstrom: q,
            two_theta_deg: two_theta.to_degrees(),
            points: ring.len(),
            kept: kept.len(),
            mean_px: kept.iter().map(|r| r.off_px).sum::<f64>() / count,
            rms_px: (kept.iter().map(|r| r.off_px.powi(2)).sum::<f64>() / count).sqrt(),
            relative_sigma_q: variance.max(0.0).sqrt(),
        }
    };
    residuals.chunk_by(|a, b| a.ring == b.ring).map(one).collect()
}

fn points(settled: &Settled, index: usize, detector: &Detector) -> Vec<PointResidual> {
    let refined = &settled.refined;
    let frame = refined.placements[index].lab_frame();
    let residuals = refined.residuals.iter().filter(|r| r.frame == index);
    let one = |(residual, point): (&super::refine::Residual, &super::points::RingPoint)| {
        let [row_px, column_px] = detector.pixel(point.place);
        PointResidual {
            ring: residual.ring,
            chi_deg: super::placement::direction(&frame, point.place).chi_rad.to_degrees(),
            column_px,
            row_px,
            off_deg: (residual.off_px * residual.pixel_rad).to_degrees(),
            off_px: residual.off_px,
            sigma_px: residual.sigma_px,
            kept: residual.kept,
        }
    };
    residuals.zip(&settled.frames[index].points).map(one).collect()
}
