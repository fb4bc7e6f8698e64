//! Azimuthal integration: the plan (a sparse matrix built once in f64) and the pattern that comes out.

mod build;
mod cache;
mod cake;
mod error;
mod filter;
mod pattern;
mod project;
mod sector;
mod split;

use std::ops::Range;

use crate::correct::{Correction, SignalModel};
use crate::frame::Shape;
use crate::geometry::Geometry;
use crate::grid::Bins;

pub use crate::units::RadialUnit;
pub(crate) use build::MOST_BINS;
pub use build::PlanSpec;
pub use cache::{PlanCache, user_folder};
pub use cake::{Cake, CakeAxes};
pub use error::PlanError;
#[cfg(test)]
pub(crate) use filter::COUNTS_OF_A_MEDIAN;
pub(crate) use filter::{Bin, EXCLUDED, Pixel, Space};
pub use filter::{ErrorModel, Filter};
pub use pattern::PatternError;

/// Name of the region that is the whole azimuth.
pub const RING: &str = "ring";

/// How a pixel's counts are shared between the bins that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Splitting {
    /// All to the bin of its centre.
    None,
    /// By its bounding box in (radial, χ): centre ± the largest distance of a corner.
    BoundingBox,
    /// By the area of its quadrilateral in (radial, χ).
    Full,
}

/// The word of the run file.
impl std::fmt::Display for Splitting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Splitting::None => "none",
            Splitting::BoundingBox => "bounding_box",
            Splitting::Full => "full",
        })
    }
}

/// Whether a sector is joined with the one opposite the beam.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// Only the sector itself.
    Single,
    /// The sector and its mirror image at χ + 180°.
    WithOpposite,
}

/// A part of the azimuth, in degrees of χ; it may wrap at ±180°.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Azimuth {
    /// All of it.
    Ring,
    /// [centre − width/2, centre + width/2].
    Sector {
        /// Middle.
        centre_deg: f64,
        /// Full width.
        width_deg: f64,
        /// Alone or with the opposite one.
        fold: Fold,
    },
}

/// A named part of the detector that gives one pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// `ring`, or the sector's name in the run file.
    pub name: String,
    /// Which part.
    pub azimuth: Azimuth,
}

/// Weights w_ib of pixel i in bin b \[E4\], in pixel order (compressed sparse rows, one row per pixel).
///
/// The entries of pixel i are `starts[i]..starts[i + 1]`. A bin index counts over all regions:
/// region · bins + radial bin, and then over the cells of the cake: regions · bins + azimuth bin · radial bins + radial bin.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelMatrix {
    /// Pixels + 1 offsets.
    pub starts: Vec<u32>,
    /// Bin of each entry.
    pub bins: Vec<u32>,
    /// Share of the pixel's area, 0 < w ≤ 1.
    pub weights: Vec<f32>,
}

impl PixelMatrix {
    /// Turns the rows of `pixels` round, to entries of each of `bins` bins in the order of pixels: `put` is given the place of each entry, its pixel
    /// counted from the first, and its weight. Gives bins + 1 offsets.
    pub(crate) fn by_bin(
        &self,
        bins: usize,
        pixels: &Range<usize>,
        mut put: impl FnMut(usize, u32, f32),
    ) -> Vec<u32> {
        let rows = &self.starts[pixels.start..=pixels.end];
        let mut starts = vec![0_u32; bins + 1];
        for &bin in &self.bins[rows[0] as usize..rows[rows.len() - 1] as usize] {
            starts[bin as usize + 1] += 1;
        }
        for bin in 0..bins {
            starts[bin + 1] += starts[bin];
        }
        let mut next = starts.clone();
        for (pixel, row) in (0_u32..).zip(rows.windows(2)) {
            for entry in row[0] as usize..row[1] as usize {
                let place = &mut next[self.bins[entry] as usize];
                put(*place as usize, pixel, self.weights[entry]);
                *place += 1;
            }
        }
        starts
    }
}

/// Everything an engine needs to integrate frames of one geometry; built once, in f64.
#[derive(Debug, Clone, PartialEq)]
pub struct IntegrationPlan {
    /// The geometry, for engines that evaluate it themselves.
    pub geometry: Geometry,
    /// Pixels that a frame must have.
    pub shape: Shape,
    /// The radial axis.
    pub unit: RadialUnit,
    /// Its bins, the same for all regions.
    pub bins: Bins,
    /// One pattern each; the first is the full ring.
    pub regions: Vec<Region>,
    /// The map of azimuth and radial axis, where one is made.
    pub cake: Option<CakeAxes>,
    /// How pixels were split.
    pub splitting: Splitting,
    /// What is done about pixels that do not belong to their ring.
    pub filter: Filter,
    /// Weights; a statically masked pixel has no entries.
    pub matrix: PixelMatrix,
    /// The factors that `norm` is made of, with `flat`.
    pub corrections: Vec<Correction>,
    /// What is known of each pixel by itself, row order: flat field times the sample's A/A(0); `None` = 1 everywhere.
    pub flat: Option<Vec<f32>>,
    /// flat · Π corrections of each pixel, row order.
    pub norm: Vec<f64>,
    /// From counts to signal and variance.
    pub signal: SignalModel,
    /// Variance that a bin shares with its neighbours, itself included, over its own: Σ w·norm·s/Σ w²·norm with s the
    /// pixel's sum of weights in the region \[E4a\]; 1 without splitting. One for each bin of each region and each cell.
    pub sharing: Vec<f64>,
    /// I that light without polarization makes per unit \[E4b\], one for each bin of each region and each cell: Σ w·norm/P over Σ w·norm; 1 where
    /// polarization is not corrected.
    pub unpolarized: Vec<f64>,
}

impl IntegrationPlan {
    /// Length of the accumulators: regions × bins, and the cells of the cake.
    pub fn accumulator_len(&self) -> usize {
        self.first_cell() + self.cake.map_or(0, |cake| cake.cells())
    }

    /// Index of the cake's first cell.
    pub(crate) fn first_cell(&self) -> usize {
        self.regions.len() * self.bins.count
    }
}

/// The sums of \[E4\] of one bin.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sums {
    /// Σ w·signal.
    pub signal: f64,
    /// Σ w²·variance.
    pub variance: f64,
    /// Σ w·norm.
    pub norm: f64,
}

/// The sums of \[E4\] for every bin of every region (region · bins + bin) and every cell of the cake, of one frame or of several added.
///
/// Kept rather than the ratio, so that frames can be added with their weights and files merged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Accumulators {
    /// Σ w·signal.
    pub signal: Vec<f64>,
    /// Σ w²·variance.
    pub variance: Vec<f64>,
    /// Σ w·norm over the pixels that counted; 0 in an empty bin, exactly.
    pub norm: Vec<f64>,
    /// Pixels inside the plan that were left out of these frames only (flagged, saturated, not finite).
    pub excluded_pixels: u64,
}

/// I against the radial axis with σ: one region of one frame, sample or background.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// The radial axis.
    pub unit: RadialUnit,
    /// Its n points: the bins' middles.
    pub radial: Vec<f64>,
    /// Intensity, n points; NaN in an empty bin.
    pub intensity: Vec<f64>,
    /// Standard uncertainty of each point from counting, n points; NaN in an empty bin.
    pub sigma: Vec<f64>,
    /// The σ to give to each point where points are treated as independent, n points: larger than `sigma` where pixels are
    /// split, since neighbouring bins then share counts \[E4a\]. Fits, sums and transforms over many bins need this one.
    pub sigma_as_independent: Vec<f64>,
    /// I of fluorescence per unit, n points: it is not polarized, so that the correction for polarization turns a constant into
    /// this \[E4b\]; 1 where polarization was not corrected.
    pub unpolarized: Vec<f64>,
}
