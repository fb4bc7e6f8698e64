//! All frames together: what they have in common, what each has for itself, and what the rings leave open.

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::displace::{Displaced, DisplacementTest};
use super::model::{Freedom, Hold, LN_WAVELENGTH, Rotations, Tilts};
use super::outcome::Origin;
use super::profile::Agreement;
use super::refine::{Fit, Squares};
use super::settle::{Patience, Settled, Start};
use super::verdict::{Bench, FITTED_WAVELENGTH, RINGS};
use super::{CalibrateError, WavelengthFit};
use crate::correct::sensor_parallax;
use crate::geometry::{Detector, Parallax};
use crate::stats::chi_squared_exceeds;
use crate::units::energy_kev;

/// A distance known no better than this, relative, and a centre known no better, pixels, are not known.
const OPEN_DISTANCE: f64 = 0.01;
const OPEN_CENTRE_PX: f64 = 5.0;
/// A wavelength known no better than this, relative, is held: monochromators are set as well.
const OPEN_WAVELENGTH: f64 = 2e-3;
/// Frames have one tilt unless chance alone makes tilts that differ so much less often than this: a pair for each frame where one
/// would do costs a little of σ, one where they differ is wrong.
const BY_CHANCE: f64 = 0.01;
/// Why frames whose tilts cannot be compared have no calibration.
const NO_TILT_TEST: &str = "the frames' tilts cannot be compared, as their covariance is none; say whether they are `shared` or `own`";

/// Which frames have one tilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FrameTilts {
    /// All, unless the rings say that they differ.
    #[default]
    WhereTheyAgree,
    /// All: the detector was moved without a turn.
    Shared,
    /// None.
    Own,
}

/// Whether the tilts of several frames agree, each from its own rings: χ² of the differences with their covariance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TiltTest {
    /// Differences of rotations from those of one frame, of the frames that know them.
    pub differences: usize,
    /// Of the differences.
    pub chi_squared: f64,
    /// How often chance makes it as large.
    pub probability: f64,
    /// Whether one tilt was then fitted to all.
    pub shared: bool,
}

/// A fit that passed.
pub(super) struct Verdict {
    pub(super) fit: Settled,
    pub(super) agreements: Vec<Agreement>,
    pub(super) tilt_test: Option<TiltTest>,
    pub(super) wavelength: Origin,
    /// σ of a wavelength that was to be fitted and is held, relative.
    pub(super) open_wavelength: Option<f64>,
    pub(super) free_wavelength: Option<(f64, f64)>,
    /// What is left without and with parallax, where the sensor is known.
    pub(super) sensor: Option<Squares>,
    /// With the displacements that were kept.
    pub(super) detector: Detector,
    pub(super) displaced: Vec<Displaced>,
    pub(super) displacement_tests: Vec<DisplacementTest>,
}

impl Bench<'_> {
    /// All frames together.
    pub(super) fn refined(&self, starts: &[Start]) -> Result<Verdict, CalibrateError> {
        let mut wavelength = match self.request.wavelength {
            WavelengthFit::Held => Hold::Held,
            WavelengthFit::Fitted => Hold::Within(FITTED_WAVELENGTH),
        };
        let (mut freedom, mut fit, mut tilt_test) = self.with_tilts(starts, wavelength)?;
        let known = fit.refined.sigma(LN_WAVELENGTH);
        let open_wavelength = (known > OPEN_WAVELENGTH).then_some(known);
        if open_wavelength.is_some() {
            wavelength = Hold::Held;
            (freedom, fit, tilt_test) = self.with_tilts(starts, wavelength)?;
        }
        self.is_determined(&fit)?;
        let agreements: Vec<Agreement> =
            (0..starts.len()).map(|index| self.agreement(&self.view, &fit, index)).collect();
        for (index, agreement) in agreements.iter().enumerate() {
            self.passes(&fit, index, agreement, RINGS[1])?;
        }
        let free = Freedom { wavelength: Hold::Free, ..freedom };
        let free_wavelength = (wavelength == Hold::Held)
            .then(|| Fit::new(self.view.ladder, &fit.frames, free).solve())
            .flatten()
            .map(|refined| (refined.wavelength_factor, refined.sigma(LN_WAVELENGTH)));
        let sensor = self.sensor_test(&fit, freedom);
        let displaced = self.view.displaced(&fit, freedom, self.request.displacements);
        let mut detector = self.request.detector.clone();
        if !displaced.fields.is_empty() {
            let more = displaced.fields.iter().copied().zip(displaced.refined.displaced_px.iter().copied());
            let before = detector.displacement.take().unwrap_or_default();
            detector.displacement = Some(before.and(more, &detector));
        }
        Ok(Verdict {
            displaced: displaced.kept(),
            displacement_tests: displaced.tests,
            fit: Settled { refined: displaced.refined, ..fit },
            detector,
            agreements,
            tilt_test,
            wavelength: if wavelength == Hold::Held { Origin::Held } else { Origin::Fitted },
            open_wavelength,
            free_wavelength,
            sensor,
        })
    }

    /// With one tilt or several, as asked for or as the rings have it.
    fn with_tilts(
        &self,
        starts: &[Start],
        wavelength: Hold,
    ) -> Result<(Freedom, Settled, Option<TiltTest>), CalibrateError> {
        let shared = Freedom { wavelength, tilts: Tilts::Shared };
        let own = Freedom { wavelength, tilts: Tilts::Own };
        let choice = if starts.len() > 1 { self.request.tilts } else { FrameTilts::Shared };
        match choice {
            FrameTilts::Shared => Ok((shared, self.settled(starts, shared)?, None)),
            FrameTilts::Own => Ok((own, self.settled(starts, own)?, None)),
            FrameTilts::WhereTheyAgree => {
                let fit = self.settled(starts, own)?;
                let test = tilt_test(&fit).ok_or_else(|| self.no_match(NO_TILT_TEST.to_owned()))?;
                if test.shared {
                    let together = self.settled(&in_one_tilt(&fit), shared)?;
                    return Ok((shared, together, Some(test)));
                }
                Ok((own, fit, Some(test)))
            }
        }
    }

    /// All tilts from the rings, but for those that they leave open, or left open when each frame was looked at for itself.
    fn settled(&self, starts: &[Start], freedom: Freedom) -> Result<Settled, CalibrateError> {
        let is_known = |start: &Start| start.tilt == Rotations::Free;
        let others_know = freedom.tilts == Tilts::Shared && starts.iter().any(is_known);
        let first = |(index, start): (usize, &Start)| {
            let free = Start { tilt: Rotations::Free, ..*start };
            if is_known(start) || others_know { free } else { self.assumed(start, index) }
        };
        let free: Vec<Start> = starts.iter().enumerate().map(first).collect();
        let fit = self.view.settle(&free, freedom, Patience::WHOLE);
        let is_open = |index: usize| {
            is_known(&free[index]) && fit.as_ref().is_none_or(|fit| fit.leaves_tilt_open(index))
        };
        let open: Vec<bool> = (0..starts.len()).map(is_open).collect();
        if !open.contains(&true) {
            return fit.ok_or_else(|| self.no_match("no fit of the rings converges".to_owned()));
        }
        let assume = |(index, start): (usize, &Start)| {
            if open[index] { self.assumed(start, index) } else { *start }
        };
        let starts: Vec<Start> = free.iter().enumerate().map(assume).collect();
        let fit = self.view.settle(&starts, freedom, Patience::WHOLE);
        fit.ok_or_else(|| self.no_match("no fit of the rings converges".to_owned()))
    }

    /// An error where distance or centre of a frame are open.
    fn is_determined(&self, fit: &Settled) -> Result<(), CalibrateError> {
        let pixel_m = self.request.detector.pixel_m[0].min(self.request.detector.pixel_m[1]);
        for (index, placement) in fit.refined.placements.iter().enumerate() {
            let own = fit.refined.places.own(index);
            let [slow, fast, distance] = [0, 1, 2].map(|k| fit.refined.sigma(own + k));
            let centre = slow.hypot(fast) * placement.along_m / pixel_m;
            let open = |parameter, sigma, unit| Err(CalibrateError::Undetermined { parameter, sigma, unit });
            if distance > OPEN_DISTANCE {
                return open("distance", (1e3 * distance * placement.along_m).round(), "mm");
            }
            if centre > OPEN_CENTRE_PX {
                return open("beam centre", centre.round(), "pixels");
            }
        }
        Ok(())
    }

    /// The same points with the sensor's parallax and without it.
    fn sensor_test(&self, fit: &Settled, freedom: Freedom) -> Option<Squares> {
        let sensor = self.request.detector.sensor.as_ref()?;
        let parallax = sensor_parallax(sensor, energy_kev(self.request.wavelength_angstrom)).ok()?;
        let residuals = |parallax: Option<Parallax>| {
            let mut frames = fit.frames.clone();
            frames.iter_mut().for_each(|frame| frame.start.parallax = parallax);
            Some(Fit::new(self.view.ladder, &frames, freedom).solve()?.residuals)
        };
        let (without, with) = (residuals(None)?, residuals(Some(parallax))?);
        // The smaller σ for both: what each scatters of its own is in the residuals.
        Some(Squares::of(&without, &with, f64::min))
    }
}

/// Frames that have their tilts from their own rings: the differences from the first of them against their covariance (Wald,
/// Trans. Am. Math. Soc. 54 (1943) 426); `None` where that is none.
fn tilt_test(fit: &Settled) -> Option<TiltTest> {
    let refined = &fit.refined;
    let known: Vec<usize> =
        (0..fit.frames.len()).filter(|frame| fit.frames[*frame].tilt == Rotations::Free).collect();
    let agree = TiltTest { differences: 0, chi_squared: 0.0, probability: 1.0, shared: true };
    let Some((first, others)) = known.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Some(agree);
    };
    let tilt = |frame: usize, k: usize| {
        let placement = &refined.placements[frame];
        if k == 0 { placement.rot1_rad } else { placement.rot2_rad }
    };
    let count = 2 * others.len();
    let (of, k) = (|row: usize| others[row / 2], |row: usize| row % 2);
    let differences = DVector::from_fn(count, |row, _| tilt(of(row), k(row)) - tilt(*first, k(row)));
    let at = |frame: usize, k: usize| refined.places.tilt(frame) + k;
    let covariance = DMatrix::from_fn(count, count, |row, column| {
        let (a, b) = (at(of(row), k(row)), at(of(column), k(column)));
        let (a0, b0) = (at(*first, k(row)), at(*first, k(column)));
        let c = &refined.covariance;
        c[(a, b)] - c[(a, b0)] - c[(a0, b)] + c[(a0, b0)]
    });
    let chi_squared = differences.dot(&covariance.cholesky()?.solve(&differences));
    let probability = chi_squared_exceeds(chi_squared, count as f64);
    Some(TiltTest { differences: count, chi_squared, probability, shared: probability > BY_CHANCE })
}

/// Starts with the tilt that is known best.
fn in_one_tilt(fit: &Settled) -> Vec<Start> {
    let sigma = |frame: usize| {
        let tilt = fit.refined.places.tilt(frame);
        fit.refined.sigma(tilt).hypot(fit.refined.sigma(tilt + 1))
    };
    let known = (0..fit.frames.len()).filter(|frame| fit.frames[*frame].tilt == Rotations::Free);
    let best = known.min_by(|a, b| sigma(*a).total_cmp(&sigma(*b))).unwrap_or(0);
    let mut starts = fit.starts();
    let placement = starts[best].placement;
    for start in &mut starts {
        start.placement.rot1_rad = placement.rot1_rad;
        start.placement.rot2_rad = placement.rot2_rad;
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::calibrate::model::{FramePoints, Places};
    use crate::geometry::calibrate::placement::Placement;
    use crate::geometry::calibrate::refine::{Refined, Scatter};

    /// Two frames with tilts 1 mrad apart, whose covariance is `variance` times one.
    fn two_frames(variance: f64) -> Settled {
        let start = Placement {
            centre_m: [0.0; 2],
            along_m: 0.2,
            rot1_rad: 0.0,
            rot2_rad: 0.0,
            rot3_rad: 0.0,
            parallax: None,
        };
        let places = Places::new(2, Tilts::Own);
        let refined = Refined {
            placements: vec![start, Placement { rot1_rad: 1e-3, ..start }],
            wavelength_factor: 1.0,
            places,
            covariance: DMatrix::identity(places.fields(), places.fields()) * variance,
            displaced_px: Vec::new(),
            residuals: Vec::new(),
            scatter: vec![Scatter { points_px: 0.0, rings_px: 0.0 }; 2],
        };
        let frame = FramePoints { start, tilt: Rotations::Free, points: Vec::new() };
        Settled { refined, frames: vec![frame; 2], fwhm_px: vec![2.0; 2] }
    }

    /// χ² is 1e-6 over twice the variance; no covariance is no difference either.
    #[test]
    fn tilts_differ_by_their_covariance_only() {
        let test = tilt_test(&two_frames(1e-6)).unwrap();
        assert!(test.shared && (test.chi_squared - 0.5).abs() < 1e-12, "{test:?}");
        assert!(!tilt_test(&two_frames(1e-9)).unwrap().shared);
        assert!(tilt_test(&two_frames(0.0)).is_none());
        assert!(tilt_test(&two_frames(f64::NAN)).is_none());
    }
}
