//! A sample in a container \[E7b\]: the factors of Paalman & Pings, J. Appl. Phys. 33 (1962) 2635, for windows on both sides of a slab
//! and for a capillary.

use std::f64::consts::FRAC_PI_2;

use super::cylinder::{Bathed, CylinderTable, drawn_to_the_ends};

/// What holds the sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Container {
    /// Total attenuation coefficient at the beam's energy.
    pub mu_per_m: f64,
    /// Of each window of a slab; of a capillary, whose inside the sample fills.
    pub wall_m: f64,
}

/// What is left of rays, the mean over what scatters them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct PaalmanPings {
    /// A_s,sc: scattered by the sample, weakened by sample and container.
    pub(super) sample: f64,
    /// A_c,sc: scattered by the container, weakened by sample and container.
    pub(super) container: f64,
    /// A_c,c: scattered by the container, weakened by it alone.
    pub(super) empty: f64,
}

/// A slab across the beam of the depth d = μt between two windows of the depth w = μ_c t_c each, for rays at 2θ from the beam.
///
/// With k = 1/|cos 2θ| a layer D leaves of what it scatters itself e^{−D}(1 − e⁻ˣ)/x forward, x = D(k − 1), and (1 − e⁻ˣ)/x backward,
/// x = D(1 + k); what passes it loses e^{−D} going in and e^{−kD} going out. Along the slab nothing comes out.
pub(super) fn windows(depth: f64, window: f64, cos: f64) -> PaalmanPings {
    if cos == 0.0 {
        return PaalmanPings::default();
    }
    let mean = |x: f64| if x == 0.0 { 1.0 } else { -(-x).exp_m1() / x };
    let k = 1.0 / cos.abs();
    let own = |d: f64| if cos > 0.0 { (-d).exp() * mean(d * (k - 1.0)) } else { mean(d * (1.0 + k)) };
    let of_windows = |between: f64| {
        let through = window + between;
        let [front, back] = if cos > 0.0 {
            [(-k * through).exp(), (-through).exp()]
        } else {
            [1.0, (-(1.0 + k) * through).exp()]
        };
        0.5 * own(window) * (front + back)
    };
    PaalmanPings {
        sample: (-window * (1.0 + k)).exp() * own(depth),
        container: of_windows(depth),
        empty: of_windows(0.0),
    }
}

/// A capillary whose inner radius is 1, full of the sample, and the part of it that the beam lights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Capillary {
    /// μR of the sample.
    pub(super) mu_radius: f64,
    /// μ_c R, R the inner radius.
    pub(super) wall_mu_radius: f64,
    /// Outer radius over the inner one.
    pub(super) outer: f64,
    /// Half of the beam's width over R, at most `outer`.
    pub(super) half_width: f64,
}

impl Capillary {
    /// The factors for rays whose projection on the plane across the axis is turned by `angle` from the beam, at each k = way over
    /// its projection. Good to 2e-5 for μR and μ_c R up to 3, where the walls are cut by rays that graze the inside.
    ///
    /// Points are taken as in [`Bathed::transmission`]; those of the wall on both sides of the inside, and beside it.
    pub(super) fn factors(&self, angle: f64, longer: &[f64]) -> Vec<PaalmanPings> {
        let mut sums = vec![PaalmanPings::default(); longer.len()];
        let (mut inside, mut walls) = (0.0, 0.0);
        let points = drawn_to_the_ends();
        let tangent = (FRAC_PI_2 - angle).abs();
        let edge = self.half_width.min(1.0).asin();
        let cuts = if tangent < edge { vec![-edge, -tangent, tangent, edge] } else { vec![-edge, edge] };
        let mut add = |place: [f64; 2], weight: f64, scattered_by: Scatterer| {
            let ways = self.ways(place, angle);
            match scattered_by {
                Scatterer::Sample => inside += weight,
                Scatterer::Wall => walls += weight,
            }
            for (sum, k) in sums.iter_mut().zip(longer) {
                let wall = self.wall_mu_radius * (ways.wall_in + k * ways.wall_out);
                let both = weight * (-self.mu_radius * (ways.sample_in + k * ways.sample_out) - wall).exp();
                match scattered_by {
                    Scatterer::Sample => sum.sample += both,
                    Scatterer::Wall => {
                        sum.container += both;
                        sum.empty += weight * (-wall).exp();
                    }
                }
            }
        };
        for ends in cuts.windows(2) {
            let (middle, half) = (0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]));
            for (u, weight_u) in &points {
                let (x, rim) = (middle + half * u).sin_cos();
                let outer_rim = (self.outer * self.outer - x * x).sqrt();
                let (low, thick) = (0.5 * (rim + outer_rim), 0.5 * (outer_rim - rim));
                for (v, weight_v) in &points {
                    let weight = half * weight_u * rim * weight_v;
                    add([x, rim * v], weight * rim, Scatterer::Sample);
                    add([x, low + thick * v], weight * thick, Scatterer::Wall);
                    add([x, -low - thick * v], weight * thick, Scatterer::Wall);
                }
            }
        }
        let (middle, half) = (0.5 * (self.half_width + 1.0), 0.5 * (self.half_width - 1.0));
        if half > 0.0 {
            for (u, weight_u) in &points {
                let x = middle + half * u;
                let rim = (self.outer * self.outer - x * x).max(0.0).sqrt();
                for (v, weight_v) in &points {
                    let weight = half * weight_u * rim * weight_v;
                    add([x, rim * v], weight, Scatterer::Wall);
                    add([-x, rim * v], weight, Scatterer::Wall);
                }
            }
        }
        let mean = |sum: PaalmanPings| PaalmanPings {
            sample: sum.sample / inside,
            container: sum.container / walls,
            empty: sum.empty / walls,
        };
        sums.into_iter().map(mean).collect()
    }

    /// Ways through sample and wall, in units of R, of a ray along z that is scattered at `place` and leaves turned by `angle`.
    fn ways(&self, [x, z]: [f64; 2], angle: f64) -> Ways {
        let outer2 = self.outer * self.outer;
        // Along a straight line past the axis at √p2: from the place at `at` on, of the chords of both circles.
        let ahead = |p2: f64, at: f64| {
            let inner = (1.0 - p2).max(0.0).sqrt();
            let sample = (inner - at).clamp(0.0, 2.0 * inner);
            [sample, (outer2 - p2).max(0.0).sqrt() - at - sample]
        };
        let (sin, cos) = angle.sin_cos();
        let along = x * sin + z * cos;
        let across = x * cos - z * sin;
        let [sample_in, wall_in] = ahead(x * x, -z);
        let [sample_out, wall_out] = ahead(across * across, along);
        Ways { sample_in, wall_in, sample_out, wall_out }
    }
}

#[derive(Debug, Clone, Copy)]
enum Scatterer {
    Sample,
    Wall,
}

#[derive(Debug, Clone, Copy)]
struct Ways {
    sample_in: f64,
    wall_in: f64,
    sample_out: f64,
    wall_out: f64,
}

/// The factors of a capillary on a grid of the angle and ln k.
#[derive(Debug, Clone)]
pub(super) struct CapillaryTable {
    sample: CylinderTable,
    container: CylinderTable,
    empty: CylinderTable,
}

impl CapillaryTable {
    /// For angles and ways up to `reach`.
    pub(super) fn new(capillary: Capillary, reach: [f64; 2]) -> CapillaryTable {
        let bent_as = Bathed {
            mu_radius: capillary.mu_radius.max(capillary.wall_mu_radius) * capillary.outer,
            half_width: capillary.half_width.min(1.0),
        };
        let table = |of: fn(&PaalmanPings) -> f64| {
            CylinderTable::of(bent_as, reach, &|angle, longer| {
                capillary.factors(angle, longer).iter().map(of).collect()
            })
        };
        CapillaryTable {
            sample: table(|factors| factors.sample),
            container: table(|factors| factors.container),
            empty: table(|factors| factors.empty),
        }
    }

    /// The factors at [angle, k], both within the reach.
    pub(super) fn at(&self, place: [f64; 2]) -> PaalmanPings {
        PaalmanPings {
            sample: self.sample.transmission(place),
            container: self.container.transmission(place),
            empty: self.empty.transmission(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Means over rings of polar points, ways from the distances to both circles.
    fn polar(capillary: &Capillary, angle: f64, k: f64) -> PaalmanPings {
        const TURNS: usize = 2000;
        const RINGS: usize = 150;
        let mean = |from: f64, to: f64, attenuation: &dyn Fn(Ways) -> f64| {
            let (mut sum, mut area) = (0.0, 0.0);
            for ring in 0..RINGS {
                let r = from + (to - from) * (ring as f64 + 0.5) / RINGS as f64;
                for turn in 0..TURNS {
                    let (sin, cos) = (std::f64::consts::TAU * (turn as f64 + 0.5) / TURNS as f64).sin_cos();
                    if (r * sin).abs() <= capillary.half_width {
                        sum += r * (-attenuation(capillary.ways([r * sin, r * cos], angle))).exp();
                        area += r;
                    }
                }
            }
            sum / area
        };
        let wall = |w: Ways| capillary.wall_mu_radius * (w.wall_in + k * w.wall_out);
        let both = |w: Ways| capillary.mu_radius * (w.sample_in + k * w.sample_out) + wall(w);
        PaalmanPings {
            sample: mean(0.0, 1.0, &both),
            container: mean(1.0, capillary.outer, &both),
            empty: mean(1.0, capillary.outer, &wall),
        }
    }

    fn close(found: PaalmanPings, expected: PaalmanPings, tolerance: f64) {
        for (found, expected) in [
            (found.sample, expected.sample),
            (found.container, expected.container),
            (found.empty, expected.empty),
        ] {
            assert!((found / expected - 1.0).abs() < tolerance, "{found}, expected {expected}");
        }
    }

    #[test]
    fn the_integral_is_the_sum_over_polar_points() {
        for (mu_radius, wall_mu_radius, outer, half_width, angle, k) in [
            (1.0, 0.5, 1.2, 1.2, 0.4, 1.0),
            (0.3, 2.0, 1.05, 1.05, 2.1, 1.2),
            (2.0, 1.0, 1.5, 1.5, 0.0, 1.0),
            (3.0, 3.0, 1.3, 1.3, 0.7, 1.1),
        ] {
            let capillary = Capillary { mu_radius, wall_mu_radius, outer, half_width };
            // Midpoints on 150 rings: (μ·2·1.5/150)²/24 = 3e-4·… of what bends; rays that graze the inside leave 1e-4.
            close(capillary.factors(angle, &[k])[0], polar(&capillary, angle, k), 2e-4);
        }
    }

    /// A wall of the sample's own matter makes a thicker rod: areas π and π(R₂² − 1).
    #[test]
    fn a_wall_of_the_same_matter_is_a_thicker_rod() {
        for (mu, outer, angle, k) in [(0.4, 1.1, 0.3, 1.0), (1.5, 1.4, 0.9, 1.3), (1.0, 1.02, 2.5, 1.0)] {
            let capillary = Capillary { mu_radius: mu, wall_mu_radius: mu, outer, half_width: outer };
            let found = capillary.factors(angle, &[k])[0];
            let mean = (found.sample + (outer * outer - 1.0) * found.container) / (outer * outer);
            let rod = Bathed { mu_radius: mu * outer, half_width: 1.0 }.transmission(angle, &[k])[0];
            // Rays that graze the inside cut the wall's points.
            assert!((mean / rod - 1.0).abs() < 2e-5, "{mu} {outer}: {mean}, {rod}");
        }
    }

    #[test]
    fn limits_without_wall_without_sample_and_of_little_matter() {
        let capillary = |mu_radius, wall_mu_radius, outer| Capillary {
            mu_radius,
            wall_mu_radius,
            outer,
            half_width: outer,
        };
        let found = capillary(1.3, 0.0, 1.1).factors(0.6, &[1.1])[0];
        let rod = Bathed { mu_radius: 1.3, half_width: 1.0 }.transmission(0.6, &[1.1])[0];
        // The same points.
        assert!((found.sample / rod - 1.0).abs() < 1e-12 && (found.empty - 1.0).abs() < 1e-12);
        let hollow = capillary(0.0, 0.8, 1.1).factors(0.6, &[1.1])[0];
        assert!((hollow.container / hollow.empty - 1.0).abs() < 1e-12);
        // A_s = 1 − μ⟨l⟩ − …: the mean way in a disc, in and out at φ = 0, is ∫ chord²/∫ chord = 16/(3π)·… of R.
        let thin = capillary(1e-6, 0.0, 1.1).factors(0.0, &[1.0])[0];
        let mean_chord = 16.0 / (3.0 * std::f64::consts::PI);
        assert!(((1.0 - thin.sample) / 1e-6 - mean_chord).abs() < 1e-5, "{}", (1.0 - thin.sample) / 1e-6);
        // A narrow beam through the middle meets a slab between windows.
        let narrow = Capillary { half_width: 1e-4, ..capillary(0.7, 2.0, 1.2) };
        close(narrow.factors(0.0, &[1.0])[0], windows(1.4, 0.4, 1.0), 1e-7);
    }

    #[test]
    fn windows_are_layers() {
        const LAYERS: usize = 20_000;
        let (depth, window) = (0.8, 0.3);
        for degrees in [0.0f64, 25.0, 70.0, 130.0, 180.0] {
            let cos = degrees.to_radians().cos();
            // Depth at each place of the stack of the three layers, and the mean over places between two depths.
            let mean = |from: f64, to: f64, total: f64| {
                let places = (0..LAYERS).map(|i| from + (to - from) * (i as f64 + 0.5) / LAYERS as f64);
                let out = |z: f64| if cos > 0.0 { (total - z) / cos } else { -z / cos };
                places.map(|z| (-z - out(z)).exp()).sum::<f64>() / LAYERS as f64
            };
            let (full, empty) = (depth + 2.0 * window, 2.0 * window);
            let expected = PaalmanPings {
                sample: mean(window, window + depth, full),
                container: 0.5 * (mean(0.0, window, full) + mean(window + depth, full, full)),
                empty: mean(0.0, empty, empty),
            };
            // The midpoint rule: (0.8·4/20000)²/24 = 1e-9.
            close(windows(depth, window, cos), expected, 1e-8);
        }
        assert_eq!(windows(1.0, 0.1, 0.0), PaalmanPings::default());
    }

    #[test]
    fn the_table_is_the_integral() {
        let capillary = Capillary { mu_radius: 1.0, wall_mu_radius: 0.8, outer: 1.05, half_width: 1.05 };
        let table = CapillaryTable::new(capillary, [0.7, 1.3]);
        for i in 0..30 {
            let angle = 0.7 * (f64::from(i) * 0.618_034).fract();
            let longer = 1.0 + 0.3 * (f64::from(i) * 0.414_214).fract();
            // What the integral of the walls leaves jumps from angle to angle.
            close(table.at([angle, longer]), capillary.factors(angle, &[longer])[0], 5e-5);
        }
    }
}
