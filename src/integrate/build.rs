//! Building the plan: every pixel is placed and split once, in f64.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::project::{Polar, Projection};
use super::sector::Cover;
use super::split::{Rows, Splitter};
use super::{
    Azimuth, CakeAxes, Filter, IntegrationPlan, PixelMatrix, PlanError, RadialUnit, Region, Splitting,
};
use crate::correct::{Correction, SignalModel};
use crate::frame::Mask;
use crate::geometry::Geometry;
use crate::grid::Bins;

/// Detector rows that are split together; the corners between them are computed once.
const BAND_ROWS: usize = 32;

/// Most matrix entries, 2 GiB of them and for a moment twice that: 14 for each pixel of the largest known detector.
const MOST_ENTRIES: usize = 1 << 28;

/// Entries that a thread adds before it counts them with those of the others.
const ENTRIES_BETWEEN_COUNTS: usize = 1 << 16;

/// Most bins over all regions and cells of the cake, 24 bytes of accumulators each.
pub(crate) const MOST_BINS: usize = 1 << 24;

/// What a plan is made of.
#[derive(Debug, Clone)]
pub struct PlanSpec<'a> {
    /// Detector and its placement.
    pub geometry: Geometry,
    /// The radial axis.
    pub unit: RadialUnit,
    /// Its bins, the same for all regions.
    pub bins: Bins,
    /// One pattern each; the first is the full ring.
    pub regions: Vec<Region>,
    /// A map of azimuth and radial axis, made in the same pass.
    pub cake: Option<CakeAxes>,
    /// How pixels are shared between bins.
    pub splitting: Splitting,
    /// What is done about pixels that do not belong to their ring.
    pub filter: Filter,
    /// Pixels that are left out of every frame.
    pub mask: &'a Mask,
    /// The factors that `norm` is made of, with `flat`.
    pub corrections: Vec<Correction>,
    /// What is known of each pixel by itself, row order: flat field times the sample's A/A(0); `None` = 1 everywhere.
    pub flat: Option<Vec<f32>>,
    /// From counts to signal and variance.
    pub signal: SignalModel,
    /// flat · Π corrections of each pixel, row order.
    pub norm: Vec<f64>,
}

impl IntegrationPlan {
    /// Places and splits every pixel of the detector.
    ///
    /// Bins are half-open, [edge, next edge), also the last; sectors hold their lower edge and not their upper.
    /// A pixel gets no entries where the mask is set and where its norm is not a positive finite number (a flat
    /// field of 0 says: dead), or its dark is not finite. Entries stand in pixel order, for each pixel by region and
    /// then by bin, the cells of the cake last, whatever the number of threads.
    ///
    /// Without splitting a pixel counts whole in the bin of its centre. The bounding box is centre ± the largest
    /// distance of a corner, in the radial axis and in χ. Full splitting takes the quadrilateral of the four corners
    /// in (radial, χ), cuts it with the sector, and gives each bin its share of the quadrilateral's area. The pixels
    /// on the beam's axis have no such quadrilateral: they are cut into 64 × 64 parts on the detector.
    /// The shares of a pixel add up to 1 but for what lies outside the radial range, and 1e-7 per bin.
    ///
    /// # Errors
    /// Arrays of another length than the detector's pixels, an axis or sector without extent, more bins or
    /// entries than fit in memory.
    pub fn build(spec: PlanSpec<'_>) -> Result<IntegrationPlan, PlanError> {
        check(&spec)?;
        let shape = spec.geometry.detector.shape;
        let projection = Projection::new(&spec.geometry, spec.unit);
        let covers: Vec<Cover> = spec.regions.iter().map(|region| Cover::new(&region.azimuth)).collect();
        let entries = AtomicUsize::new(0);
        let bands: Vec<Rows> = (0..shape.rows.div_ceil(BAND_ROWS))
            .into_par_iter()
            .map(|band| {
                let mut out = Rows::default();
                let mut splitter = Splitter::new(&projection, spec.bins, &covers, spec.cake, spec.splitting);
                let first = band * BAND_ROWS;
                let corner_row = |row: usize| -> Vec<Polar> {
                    match spec.splitting {
                        Splitting::None => Vec::new(),
                        Splitting::BoundingBox | Splitting::Full => {
                            (0..=shape.columns).map(|c| projection.at(row as f64, c as f64)).collect()
                        }
                    }
                };
                let mut lower = corner_row(first);
                let mut counted = 0;
                for row in first..shape.rows.min(first + BAND_ROWS) {
                    let upper = corner_row(row + 1);
                    for column in 0..shape.columns {
                        if !counts(&spec, row * shape.columns + column) {
                            out.lengths.push(0);
                            continue;
                        }
                        let corners = match spec.splitting {
                            Splitting::None => [Polar { radial: 0.0, chi: 0.0 }; 4],
                            Splitting::BoundingBox | Splitting::Full => {
                                [lower[column], lower[column + 1], upper[column + 1], upper[column]]
                            }
                        };
                        splitter.pixel(row, column, &corners, &mut out);
                        // Seldom, as the threads share the counter, but before memory runs out.
                        if out.bins.len() - counted > ENTRIES_BETWEEN_COUNTS {
                            if entries.fetch_add(out.bins.len() - counted, Ordering::Relaxed) > MOST_ENTRIES {
                                return out;
                            }
                            counted = out.bins.len();
                        }
                    }
                    lower = upper;
                }
                entries.fetch_add(out.bins.len() - counted, Ordering::Relaxed);
                out
            })
            .collect();
        if entries.into_inner() > MOST_ENTRIES {
            return Err(PlanError::TooManyEntries { most: MOST_ENTRIES });
        }
        let mut plan = IntegrationPlan::of_parts(spec, join(bands, shape.pixels()), Vec::new(), Vec::new());
        (plan.sharing, plan.unpolarized) =
            rayon::join(|| plan.sharing_of_bins(), || plan.unpolarized_of_bins());
        Ok(plan)
    }

    /// A plan of what was computed from its specification.
    pub(super) fn of_parts(
        spec: PlanSpec<'_>,
        matrix: PixelMatrix,
        sharing: Vec<f64>,
        unpolarized: Vec<f64>,
    ) -> IntegrationPlan {
        IntegrationPlan {
            shape: spec.geometry.detector.shape,
            unit: spec.unit,
            bins: spec.bins,
            regions: spec.regions,
            cake: spec.cake,
            splitting: spec.splitting,
            filter: spec.filter,
            matrix,
            corrections: spec.corrections,
            flat: spec.flat,
            norm: spec.norm,
            signal: spec.signal,
            geometry: spec.geometry,
            sharing,
            unpolarized,
        }
    }

    /// Length of the accumulators of a specification's plan.
    pub(super) fn bins_of(spec: &PlanSpec<'_>) -> usize {
        spec.regions.len() * spec.bins.count + spec.cake.map_or(0, |cake| cake.cells())
    }

    /// \[E4a\] for pixels whose variance is in proportion to their norm, as where I changes little over a bin.
    fn sharing_of_bins(&self) -> Vec<f64> {
        let mut of_row = vec![0.0; self.accumulator_len()];
        let mut of_bin = vec![0.0; self.accumulator_len()];
        // The cake is one more region.
        let region = |bin: usize| (bin / self.bins.count).min(self.regions.len());
        let mut in_region = vec![0.0; self.regions.len() + 1];
        for (pixel, norm) in self.norm.iter().enumerate() {
            in_region.fill(0.0);
            for (bin, weight) in self.entries(pixel) {
                in_region[region(bin)] += weight;
            }
            for (bin, weight) in self.entries(pixel) {
                of_row[bin] += weight * norm * in_region[region(bin)];
                of_bin[bin] += weight * weight * norm;
            }
        }
        of_row.iter().zip(&of_bin).map(|(row, bin)| if *bin > 0.0 { row / bin } else { 1.0 }).collect()
    }

    /// \[E4b\]: what a constant that is not polarized becomes in each bin.
    fn unpolarized_of_bins(&self) -> Vec<f64> {
        let is_polarization = |correction: &&Correction| match correction {
            Correction::Polarization { .. } => true,
            Correction::SolidAngle | Correction::SensorEfficiency { .. } | Correction::AirPath { .. } => {
                false
            }
        };
        let Some(polarization) = self.corrections.iter().find(is_polarization) else {
            return vec![1.0; self.accumulator_len()];
        };
        let columns = self.shape.columns.max(1);
        let frame = self.geometry.lab_frame();
        let inverse: Vec<f64> = (0..self.shape.pixels())
            .into_par_iter()
            .map(|pixel| {
                let (row, column) = ((pixel / columns) as f64 + 0.5, (pixel % columns) as f64 + 0.5);
                1.0 / polarization.factor_in(&frame, &self.geometry, row, column)
            })
            .collect();
        let (mut of_constant, mut of_light) =
            (vec![0.0; self.accumulator_len()], vec![0.0; self.accumulator_len()]);
        for (pixel, norm) in self.norm.iter().enumerate() {
            for (bin, weight) in self.entries(pixel) {
                of_constant[bin] += weight * norm * inverse[pixel];
                of_light[bin] += weight * norm;
            }
        }
        let ratio = |(constant, light): (&f64, &f64)| if *light > 0.0 { constant / light } else { 1.0 };
        of_constant.iter().zip(&of_light).map(ratio).collect()
    }

    /// Matrix entries of pixel `pixel`: (bin over all regions, share).
    #[inline]
    pub fn entries(&self, pixel: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.matrix.starts[pixel] as usize..self.matrix.starts[pixel + 1] as usize;
        let weights = self.matrix.weights[range.clone()].iter();
        self.matrix.bins[range].iter().zip(weights).map(|(bin, weight)| (*bin as usize, f64::from(*weight)))
    }

    /// Σ w·norm of each bin of each region, the denominator of \[E4\] for a frame without excluded pixels.
    pub fn norm_sum(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.accumulator_len()];
        for (pixel, norm) in self.norm.iter().enumerate() {
            for (bin, weight) in self.entries(pixel) {
                sums[bin] += weight * norm;
            }
        }
        sums
    }

    /// Number of pixels that have a share in each bin of each region.
    pub fn pixel_count(&self) -> Vec<u32> {
        let mut counts = vec![0; self.accumulator_len()];
        for bin in &self.matrix.bins {
            counts[*bin as usize] += 1;
        }
        counts
    }
}

/// One matrix from those of consecutive rows. The number of entries fits in u32: [`MOST_ENTRIES`] is below.
fn join(bands: Vec<Rows>, pixels: usize) -> PixelMatrix {
    let entries = bands.iter().map(|band| band.bins.len()).sum();
    let mut matrix = PixelMatrix {
        starts: Vec::with_capacity(pixels + 1),
        bins: Vec::with_capacity(entries),
        weights: Vec::with_capacity(entries),
    };
    let mut start = 0;
    matrix.starts.push(start);
    for band in bands {
        matrix.starts.extend(band.lengths.iter().map(|length| {
            start += length;
            start
        }));
        matrix.bins.extend_from_slice(&band.bins);
        matrix.weights.extend_from_slice(&band.weights);
    }
    matrix
}

/// Whether a pixel may have entries.
pub(super) fn counts(spec: &PlanSpec<'_>, pixel: usize) -> bool {
    let norm = spec.norm[pixel];
    let dark = spec.signal.dark.as_ref();
    !spec.mask.bad[pixel]
        && norm > 0.0
        && norm.is_finite()
        && dark.is_none_or(|dark| dark.counts[pixel].is_finite() && dark.variance[pixel].is_finite())
}

pub(super) fn check(spec: &PlanSpec<'_>) -> Result<(), PlanError> {
    let shape = spec.geometry.detector.shape;
    if spec.mask.shape != shape {
        return Err(PlanError::MaskShape { found: spec.mask.shape, expected: shape });
    }
    let expected = shape.pixels();
    let dark = spec.signal.dark.as_ref();
    for (what, found) in [
        ("the mask", Some(spec.mask.bad.len())),
        ("the norm", Some(spec.norm.len())),
        ("the flat field", spec.flat.as_ref().map(Vec::len)),
        ("the dark frame", dark.map(|dark| dark.counts.len())),
        ("the dark frame's variance", dark.map(|dark| dark.variance.len())),
    ] {
        if let Some(found) = found.filter(|found| *found != expected) {
            return Err(PlanError::Length { what, found, expected });
        }
    }
    for bins in [Some(spec.bins), spec.cake.map(|cake| cake.radial)].into_iter().flatten() {
        let Bins { lower, upper, count } = bins;
        if count == 0 || !(lower >= 0.0 && upper > lower && upper.is_finite() && bins.width() > 0.0) {
            return Err(PlanError::Axis { lower, upper, count });
        }
    }
    if spec.cake.is_some_and(|cake| cake.azimuth_bins == 0) {
        return Err(PlanError::NoAzimuths);
    }
    let (regions, bins, cells) =
        (spec.regions.len(), spec.bins.count, spec.cake.map_or(0, |cake| cake.cells()));
    if regions.saturating_mul(bins).saturating_add(cells) > MOST_BINS {
        return Err(PlanError::TooManyBins { regions, bins, cells, most: MOST_BINS });
    }
    match spec.regions.first().map(|region| (&region.name, Cover::new(&region.azimuth))) {
        Some((_, Cover::Ring)) => {}
        Some((name, Cover::Arcs(_))) => {
            return Err(PlanError::FirstRegion { found: format!("sector `{name}`") });
        }
        None => return Err(PlanError::FirstRegion { found: "missing".into() }),
    }
    for region in &spec.regions {
        if let Azimuth::Sector { centre_deg, width_deg, fold: _ } = region.azimuth
            && !(centre_deg.is_finite() && width_deg > 0.0 && width_deg.is_finite())
        {
            return Err(PlanError::Sector { name: region.name.clone(), centre_deg, width_deg });
        }
    }
    Ok(())
}
