//! Sectors: which part of a turn a region covers.

use std::f64::consts::TAU;

use super::project::wrap;
use super::{Azimuth, Fold};

/// A sector that covers a full turn to this many degrees is the ring: its two edges are one.
const FULL_TURN_MARGIN_DEG: f64 = 1e-9;

/// [from, to) in rad, both in [−π, π); it goes through ±π where `to` < `from`.
///
/// Neighbouring sectors have the same number at their common edge, so that they share no pixel and leave none out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Arc {
    from: f64,
    to: f64,
}

impl Arc {
    fn new(centre_deg: f64, width_deg: f64) -> Self {
        let edge = |degrees: f64| (degrees - 360.0 * ((degrees + 180.0) / 360.0).floor()).to_radians();
        Arc { from: edge(centre_deg - 0.5 * width_deg), to: edge(centre_deg + 0.5 * width_deg) }
    }

    fn contains(&self, chi: f64) -> bool {
        let chi = wrap(chi);
        if self.from <= self.to {
            self.from <= chi && chi < self.to
        } else {
            chi >= self.from || chi < self.to
        }
    }

    /// The arc as [from, to] in angles relative to `chi`, twice: once with its start in [−π, π) and once a turn
    /// before. What spans less than a turn and lies within ±π of `chi` meets the arc only in these two.
    pub(super) fn relative_to(&self, chi: f64) -> [[f64; 2]; 2] {
        let length = if self.to < self.from { self.to + TAU - self.from } else { self.to - self.from };
        let start = wrap(self.from - chi);
        [[start, start + length], [start - TAU, start - TAU + length]]
    }
}

/// The azimuths of one region.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cover {
    /// All.
    Ring,
    /// These, which do not overlap.
    Arcs(Vec<Arc>),
}

impl Cover {
    pub(super) fn new(azimuth: &Azimuth) -> Self {
        let Azimuth::Sector { centre_deg, width_deg, fold } = *azimuth else { return Cover::Ring };
        let (arcs, turn) = match fold {
            Fold::Single => (vec![Arc::new(centre_deg, width_deg)], 360.0),
            Fold::WithOpposite => {
                (vec![Arc::new(centre_deg, width_deg), Arc::new(centre_deg + 180.0, width_deg)], 180.0)
            }
        };
        if width_deg >= turn - FULL_TURN_MARGIN_DEG { Cover::Ring } else { Cover::Arcs(arcs) }
    }

    /// Whether a point at χ (rad) is inside.
    pub(super) fn contains(&self, chi: f64) -> bool {
        match self {
            Cover::Ring => true,
            Cover::Arcs(arcs) => arcs.iter().any(|arc| arc.contains(chi)),
        }
    }

    /// Share of [chi − half_width, chi + half_width] that is inside.
    pub(super) fn share(&self, chi: f64, half_width: f64) -> f64 {
        match self {
            Cover::Ring => 1.0,
            Cover::Arcs(_) if half_width <= 0.0 => f64::from(self.contains(chi)),
            Cover::Arcs(arcs) => {
                let overlap = |[from, to]: [f64; 2]| (to.min(half_width) - from.max(-half_width)).max(0.0);
                let inside: f64 = arcs.iter().flat_map(|arc| arc.relative_to(chi)).map(overlap).sum();
                inside / (2.0 * half_width)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sector(centre_deg: f64, width_deg: f64, fold: Fold) -> Cover {
        Cover::new(&Azimuth::Sector { centre_deg, width_deg, fold })
    }

    #[test]
    fn sectors_wrap_at_any_centre() {
        for centre in [180.0, -180.0, 540.0, -170.0, 190.0, 350.0, -10.0, 0.0] {
            let cover = sector(centre, 30.0, Fold::Single);
            for (offset, inside) in [(-15.1, false), (-14.9, true), (0.0, true), (14.9, true), (15.1, false)]
            {
                let chi = (centre + offset).to_radians();
                let chi = chi.sin().atan2(chi.cos());
                assert_eq!(cover.contains(chi), inside, "centre {centre}, offset {offset}");
            }
        }
    }

    #[test]
    fn folding_adds_the_opposite_sector() {
        let cover = sector(90.0, 20.0, Fold::WithOpposite);
        for (chi_deg, inside) in
            [(90.0_f64, true), (-90.0, true), (-99.0, true), (0.0, false), (180.0, false)]
        {
            assert_eq!(cover.contains(chi_deg.to_radians()), inside, "{chi_deg}");
        }
        assert_eq!(sector(10.0, 180.0, Fold::WithOpposite), Cover::Ring);
        assert_eq!(sector(10.0, 360.0, Fold::Single), Cover::Ring);
        assert_ne!(sector(10.0, 359.0, Fold::Single), Cover::Ring);
    }

    /// A full set of sectors counts every azimuth once, also its own edges and ±π.
    #[test]
    fn sectors_tile_the_turn() {
        for count in [3, 7, 90] {
            let width = 360.0 / f64::from(count);
            let covers: Vec<Cover> = (0..count)
                .map(|i| sector((f64::from(i) + 0.5) * width - 180.0, width, Fold::Single))
                .collect();
            for step in 0..=720 {
                let chi = (f64::from(step) * 0.5 - 180.0).to_radians();
                if 360 % count == 0 {
                    assert_eq!(
                        covers.iter().filter(|cover| cover.contains(chi)).count(),
                        1,
                        "{count}, {chi}"
                    );
                }
                for half_width in [1e-3, 0.5, 3.0] {
                    let sum: f64 = covers.iter().map(|cover| cover.share(chi, half_width)).sum();
                    // Rounding of edges of a few rad over a box of 2e-3 rad.
                    assert!((sum - 1.0).abs() < 1e-11, "{count}, {chi}: {sum}");
                }
            }
        }
    }
}
