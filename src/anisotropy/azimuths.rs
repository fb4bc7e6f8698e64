//! Narrow sectors all around.

use crate::integrate::{Azimuth, Fold, Region};

/// Sectors of one width that together are the ring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Azimuths {
    /// Sectors of a whole turn; even where they are folded.
    bins: usize,
    fold: Fold,
}

/// The fewest sectors of a turn: cos 2χ and sin 2χ are told from the mean, with a few to spare.
pub(crate) const FEWEST_BINS: u64 = 8;
/// The most: half a degree each.
pub(crate) const MOST_BINS: u64 = 720;

impl Azimuths {
    /// `bins` sectors of a turn, an even number.
    pub fn new(bins: usize, fold: Fold) -> Azimuths {
        Azimuths { bins, fold }
    }

    /// How many patterns there are.
    pub fn count(&self) -> usize {
        match self.fold {
            Fold::Single => self.bins,
            Fold::WithOpposite => self.bins / 2,
        }
    }

    /// Whether each is joined with the one opposite the beam.
    pub fn is_folded(&self) -> bool {
        self.fold == Fold::WithOpposite
    }

    /// Full width of each.
    pub fn width_deg(&self) -> f64 {
        360.0 / self.bins as f64
    }

    /// χ of the middle of each; the first is at 0.
    pub fn centres_deg(&self) -> impl Iterator<Item = f64> + use<> {
        let width = self.width_deg();
        (0..self.count()).map(move |index| index as f64 * width)
    }

    /// By how much the mean over a sector of cos 2χ is less than that at its middle: sin w/w with its full width w.
    pub fn smearing(&self) -> f64 {
        let width = self.width_deg().to_radians();
        width.sin() / width
    }

    /// The parts of the detector.
    pub fn regions(&self) -> impl Iterator<Item = Region> + use<'_> {
        self.centres_deg().map(|centre_deg| Region {
            name: format!("chi {centre_deg:.2}"),
            azimuth: Azimuth::Sector { centre_deg, width_deg: self.width_deg(), fold: self.fold },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_sectors_are_half_as_many() {
        let all = Azimuths::new(36, Fold::Single);
        let half = Azimuths::new(36, Fold::WithOpposite);
        assert_eq!((all.count(), half.count(), all.width_deg()), (36, 18, 10.0));
        assert_eq!(half.centres_deg().last(), Some(170.0));
        assert_eq!(all.regions().count(), 36);
        // sin 10°/(10° in rad).
        assert!((all.smearing() - 0.994_931).abs() < 1e-6);
    }
}
