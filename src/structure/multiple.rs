//! What is scattered twice in the sample, in electron units per atom \[E7c\].

use std::f64::consts::{PI, TAU};
use std::fmt;

use rayon::prelude::*;
use serde::Serialize;

use crate::correct::{SampleAbsorption, SampleShape};
use crate::scattering::{Composition, FreeAtoms, LARGEST_Q, ScatteringError, klein_nishina};
use crate::units::{two_theta_rad, wavelength_angstrom};

/// Points of the integral: within 0.5 % of one with 64 times as many (`more_points_do_not_change_it` below).
const POINTS: usize = 1 << 13;
/// Directions that it is computed for, evenly in Q; between them it is interpolated on straight lines.
const DIRECTIONS: usize = 48;
/// Cells of Q in which the directions of the first scattering are drawn.
const CELLS: usize = 1500;
/// A slab is taken to be so many times as wide as thick: rays along it leave it there.
const SLAB_WIDTH: f64 = 100.0;
/// Classical electron radius squared times 1 Å⁻³, in 1/m (CODATA 2018: 2.8179403262e-15 m).
const ELECTRON_AREA_PER_M: f64 = 7.940_787_682;

/// A sample in which rays may be scattered twice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MultipleScattering {
    /// Shape and attenuation; scattering in a container is not counted.
    pub sample: SampleAbsorption,
    /// Atoms per Å³.
    pub density_per_cubic_angstrom: f64,
    /// What is done about it.
    pub treatment: Treatment,
}

/// What is done about rays that are scattered twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// It is said how many there are.
    Estimate,
    /// They are subtracted as Compton scattering is.
    Subtract,
}

/// What is scattered twice, beside what free atoms scatter once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TwiceScattered {
    /// Mean over the Q range, relative.
    pub mean: f64,
    /// Largest in the Q range, relative.
    pub largest: f64,
    /// What was done about it.
    pub treatment: Treatment,
}

/// Above this mean it matters: about as much as the corrections whose omission is warned of.
const MATTERS: f64 = 0.02;

impl TwiceScattered {
    /// Of I_2 and of what free atoms scatter, both in electron units.
    pub(super) fn of(twice: &[f64], free: &[f64], treatment: Treatment) -> TwiceScattered {
        let shares = || twice.iter().zip(free).map(|(twice, free)| twice / free);
        let (mean, largest) = (shares().sum::<f64>() / twice.len() as f64, shares().fold(0.0, f64::max));
        TwiceScattered { mean, largest, treatment }
    }

    /// What to do where it matters and nothing is done.
    pub fn warning(&self) -> Option<String> {
        match self.treatment {
            Treatment::Estimate if self.mean > MATTERS => Some(format!(
                "{:.1} % of what is scattered was scattered twice, up to {:.1} %; write `corrections: {{multiple_scattering: subtract}}`, \
                 or take a thinner sample",
                100.0 * self.mean,
                100.0 * self.largest
            )),
            Treatment::Estimate | Treatment::Subtract => None,
        }
    }
}

impl fmt::Display for TwiceScattered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = match self.treatment {
            Treatment::Estimate => "left in",
            Treatment::Subtract => "subtracted",
        };
        let (mean, largest) = (100.0 * self.mean, 100.0 * self.largest);
        write!(f, "double scattering ({mean:.2} % of single, {largest:.2} % at most, {done})")
    }
}

impl MultipleScattering {
    /// I_2 in electron units per atom at each `q` in Å⁻¹, rising: what scattering in two places adds to a full ring of I whose
    /// absorption is corrected \[E7c\]. Energies are those of the beam after the first Compton scattering too, polarization is that
    /// of Thomson scattering of an unpolarized beam, which the mean over a ring is.
    ///
    /// # Errors
    /// Composition or energy outside the tables.
    pub fn intensity(
        &self,
        composition: &Composition,
        energy_kev: f64,
        q: &[f64],
    ) -> Result<Vec<f64>, ScatteringError> {
        self.intensity_of(composition, energy_kev, q, POINTS)
    }

    fn intensity_of(
        &self,
        composition: &Composition,
        energy_kev: f64,
        q: &[f64],
        points: usize,
    ) -> Result<Vec<f64>, ScatteringError> {
        let once = Once::new(composition, energy_kev, self.density_per_cubic_angstrom)?;
        let points: Vec<Point> = (0..points).map(|i| self.point(i)).collect();
        let last = q.iter().fold(0.0_f64, |a, q| a.max(*q)).min(once.q_max);
        let step = last / (DIRECTIONS - 1) as f64;
        let at = |k: usize| {
            let two_theta = two_theta_rad(step * k as f64, once.wavelength);
            self.towards(two_theta, &once, &points)
        };
        let nodes: Vec<f64> = (0..DIRECTIONS).into_par_iter().map(at).collect();
        let between = |q: &f64| {
            let place = (q / step).min((DIRECTIONS - 1) as f64);
            let lower = (place as usize).min(DIRECTIONS - 2);
            let share = place - lower as f64;
            nodes[lower] * (1.0 - share) + nodes[lower + 1] * share
        };
        Ok(q.iter().map(between).collect())
    }

    /// Mean over the points, each direction of the first scattering drawn with the mean of two densities: that of scattering once from
    /// the beam, and to the detector.
    fn towards(&self, two_theta: f64, once: &Once, points: &[Point]) -> f64 {
        let mu = self.sample.mu_per_m;
        let cos_total = two_theta.cos();
        let (mut twice, mut singly) = (0.0, 0.0);
        for (index, point) in points.iter().enumerate() {
            let out = turned([0.0, 0.0, 1.0], cos_total, point.around_beam);
            let from = if index % 2 == 0 { [0.0, 0.0, 1.0] } else { out };
            let first = turned(from, once.draw(point.scatter), point.around);
            let (c1, c2) = (first[2], dot(first, out));
            let drawn = 0.5 * (once.density(c1) + once.density(c2));
            let polarized = 0.5 * (c1 * c1 + c2 * c2 + (cos_total - c1 * c2).powi(2));
            let reach = self.way(point.place, first);
            let lost = -(-mu * reach).exp_m1();
            // The way between both places, of which e^{−μl} is the density; reach where nothing is absorbed.
            let (way, weight) = if mu * reach > 1e-9 {
                (-(-point.along * lost).ln_1p() / mu, lost / mu)
            } else {
                (point.along * reach, reach)
            };
            let second: [f64; 3] = std::array::from_fn(|k| point.place[k] + way * first[k]);
            let entered = point.weight * (-mu * self.way(point.place, [0.0, 0.0, -1.0])).exp();
            twice += entered
                * weight
                * (-mu * self.way(second, out)).exp()
                * once.scattered(c1)
                * once.scattered(c2)
                * polarized
                / drawn;
            singly += entered * (-mu * self.way(point.place, out)).exp();
        }
        let by_atom = ELECTRON_AREA_PER_M * self.density_per_cubic_angstrom;
        by_atom * twice / (singly * 0.5 * (1.0 + cos_total * cos_total))
    }

    /// Point number `index` of an additive sequence that fills six dimensions evenly (Roberts 2018; steps g^−k, g⁷ = g + 1): a place in the
    /// lit part of the sample, z along the beam from its middle, x across beam and axis.
    fn point(&self, index: usize) -> Point {
        const STEPS: [f64; 6] = [
            0.898_653_712_628_699_3,
            0.807_578_495_221_448,
            0.725_733_412_798_822_5,
            0.652_183_025_921_037_9,
            0.586_086_697_577_925_2,
            0.526_688_986_749_374_8,
        ];
        let part = |k: usize| (0.5 + STEPS[k] * index as f64).fract();
        let across = 2.0 * part(0) - 1.0;
        let along = 2.0 * part(1) - 1.0;
        let (place, weight) = match self.sample.shape {
            SampleShape::Slab { thickness_m } => ([0.0, 0.0, 0.5 * thickness_m * along], 1.0),
            SampleShape::Cylinder { diameter_m, beam_m, .. } => {
                let radius = 0.5 * diameter_m;
                let x = across * (0.5 * beam_m).min(radius);
                let half = (radius * radius - x * x).max(0.0).sqrt();
                ([x, 0.0, half * along], half / radius)
            }
        };
        Point {
            place,
            weight,
            scatter: part(2),
            around: TAU * part(3),
            along: part(4),
            around_beam: TAU * part(5),
        }
    }

    /// Way from a place in the sample to its surface; the axis of a cylinder is y.
    fn way(&self, [x, _, z]: [f64; 3], [nx, _, nz]: [f64; 3]) -> f64 {
        match self.sample.shape {
            SampleShape::Slab { thickness_m } => {
                let to_face = 0.5 * thickness_m - z * nz.signum();
                (to_face.max(0.0) / nz.abs()).min(SLAB_WIDTH * thickness_m)
            }
            SampleShape::Cylinder { diameter_m, .. } => {
                let radius = 0.5 * diameter_m;
                let across2 = nx * nx + nz * nz;
                let b = x * nx + z * nz;
                let rest = (radius * radius - x * x - z * z).max(0.0);
                (((b * b + across2 * rest).sqrt() - b) / across2.max(1e-300)).min(SLAB_WIDTH * diameter_m)
            }
        }
    }
}

/// A place of the first scattering, and the other coordinates of a point of the integral, each from 0 to 1 or 2π.
struct Point {
    place: [f64; 3],
    weight: f64,
    scatter: f64,
    around: f64,
    along: f64,
    around_beam: f64,
}

/// Scattering of an atom in the sample, and directions drawn with about its density.
struct Once {
    wavelength: f64,
    /// End of the cells: back-scattering.
    q_max: f64,
    cell: f64,
    /// T = ⟨f²⟩ + |⟨f⟩|²(S − 1) + I_inc·KN at the ends of the cells, with S of a sphere of the volume of an atom that is free of others.
    scattered: Vec<f64>,
    /// T(1 + c²)/2 in the middle of each cell.
    drawn: Vec<f64>,
    /// Its sum times the widths in c up to the end of each cell.
    sums: Vec<f64>,
}

impl Once {
    fn new(composition: &Composition, energy_kev: f64, density: f64) -> Result<Once, ScatteringError> {
        let wavelength = wavelength_angstrom(energy_kev);
        let q_max = 4.0 * PI / wavelength;
        let cell = q_max / CELLS as f64;
        let q: Vec<f64> = (0..=CELLS).map(|i| cell * i as f64).collect();
        // Beyond the tables all electrons scatter as free ones.
        let tabulated: Vec<f64> = q.iter().map(|q| q.min(LARGEST_Q)).collect();
        let atoms = FreeAtoms::new(composition, energy_kev, &tabulated)?;
        let radius = (3.0 / (4.0 * PI * density)).cbrt();
        let scattered: Vec<f64> = (0..=CELLS)
            .map(|i| {
                let compton =
                    atoms.compton[i] * klein_nishina(2.0 * (i as f64 / CELLS as f64).asin(), energy_kev);
                atoms.mean_square_f[i] - atoms.mean_f_squared[i] * sphere(q[i] * radius) + compton
            })
            .collect();
        // cos 2θ = 1 − 2(Q/Qmax)².
        let cos = |q: f64| 1.0 - 2.0 * (q / q_max).powi(2);
        let drawn: Vec<f64> = (0..CELLS)
            .map(|i| {
                let c = cos(cell * (i as f64 + 0.5));
                0.25 * (scattered[i] + scattered[i + 1]) * (1.0 + c * c)
            })
            .collect();
        let mut sum = 0.0;
        let sums = (0..CELLS)
            .map(|i| {
                sum += drawn[i] * (cos(q[i]) - cos(q[i + 1]));
                sum
            })
            .collect();
        Ok(Once { wavelength, q_max, cell, scattered, drawn, sums })
    }

    /// Place of a direction among the cells.
    fn place(&self, cos: f64) -> f64 {
        (self.q_max * (0.5 * (1.0 - cos)).clamp(0.0, 1.0).sqrt() / self.cell).min(CELLS as f64)
    }

    /// T at a scattering angle.
    fn scattered(&self, cos: f64) -> f64 {
        let place = self.place(cos);
        let lower = (place as usize).min(CELLS - 1);
        let share = place - lower as f64;
        self.scattered[lower] * (1.0 - share) + self.scattered[lower + 1] * share
    }

    /// Density of drawn directions per solid angle.
    fn density(&self, cos: f64) -> f64 {
        self.drawn[(self.place(cos) as usize).min(CELLS - 1)] / (TAU * self.sums[CELLS - 1])
    }

    /// The cosine that the part `part` of all drawn ones exceeds.
    fn draw(&self, part: f64) -> f64 {
        let wanted = part * self.sums[CELLS - 1];
        let index = self.sums.partition_point(|sum| *sum < wanted).min(CELLS - 1);
        let before = if index == 0 { 0.0 } else { self.sums[index - 1] };
        let share = ((wanted - before) / (self.sums[index] - before)).clamp(0.0, 1.0);
        let (low, high) = (index as f64, index as f64 + 1.0);
        let place2 = low * low + share * (high * high - low * low);
        1.0 - 2.0 * place2 / (CELLS * CELLS) as f64
    }
}

/// Transform of a sphere of radius 1, 1 at x = 0.
fn sphere(x: f64) -> f64 {
    if x < 1e-2 { 1.0 - 0.1 * x * x } else { 3.0 * (x.sin() - x * x.cos()) / (x * x * x) }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// The direction at an angle of this cosine from `axis`, turned `around` it.
fn turned(axis: [f64; 3], cos: f64, around: f64) -> [f64; 3] {
    let sin = (1.0 - cos * cos).max(0.0).sqrt();
    let (side, up) = (sin * around.cos(), sin * around.sin());
    // Two directions across the axis (Duff et al., J. Comput. Graph. Tech. 6 (2017) 1).
    let [x, y, z] = axis;
    let sign = 1.0_f64.copysign(z);
    let a = -1.0 / (sign + z);
    let b = x * y * a;
    let u = [1.0 + sign * x * x * a, sign * b, -sign * x];
    let v = [b, sign + y * y * a, -y];
    std::array::from_fn(|k| side * u[k] + up * v[k] + cos * axis[k])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rod(mu_per_m: f64) -> MultipleScattering {
        let shape = SampleShape::Cylinder { diameter_m: 2e-3, axis_rad: 0.3, beam_m: 1e-3 };
        MultipleScattering {
            sample: SampleAbsorption { mu_per_m, shape, container: None },
            density_per_cubic_angstrom: 0.05,
            treatment: Treatment::Estimate,
        }
    }

    #[test]
    fn more_points_do_not_change_it() {
        let glass = Composition::parse("Zr62 Cu15.5 Ni12.5 Al10").unwrap();
        let q = [0.0, 3.0, 10.0, 20.0, 25.0];
        let slab = MultipleScattering {
            sample: SampleAbsorption { shape: SampleShape::Slab { thickness_m: 1e-3 }, ..rod(600.0).sample },
            ..rod(600.0)
        };
        for sample in [rod(600.0), slab] {
            let some = sample.intensity(&glass, 112.0, &q).unwrap();
            let many = sample.intensity_of(&glass, 112.0, &q, 64 * POINTS).unwrap();
            for (some, many) in some.iter().zip(&many) {
                assert!((some / many - 1.0).abs() < 0.005, "{some} {many}");
            }
        }
    }

    #[test]
    fn it_grows_with_the_size_of_what_does_not_absorb() {
        let silica = Composition::parse("SiO2").unwrap();
        let of = |diameter_m: f64| {
            let mut sample = rod(0.0);
            sample.sample.shape = SampleShape::Cylinder { diameter_m, axis_rad: 0.0, beam_m: diameter_m };
            sample.intensity(&silica, 80.0, &[5.0]).unwrap()[0]
        };
        // The same points, stretched: rounding only.
        assert!((of(2e-3) / of(1e-3) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn drawn_directions_have_their_density() {
        let silica = Composition::parse("SiO2").unwrap();
        let once = Once::new(&silica, 80.0, 0.066).unwrap();
        // ∫ over all directions of the density is 1.
        let n = 200_000;
        let sum: f64 = (0..n).map(|i| once.density(-1.0 + 2.0 * (f64::from(i) + 0.5) / f64::from(n))).sum();
        assert!((TAU * 2.0 / f64::from(n) * sum - 1.0).abs() < 1e-4, "{sum}");
        let mean: f64 =
            (0..n).map(|i| once.draw((f64::from(i) + 0.5) / f64::from(n))).sum::<f64>() / f64::from(n);
        let expected: f64 = (0..n)
            .map(|i| -1.0 + 2.0 * (f64::from(i) + 0.5) / f64::from(n))
            .map(|c| TAU * 2.0 / f64::from(n) * c * once.density(c))
            .sum();
        assert!((mean - expected).abs() < 1e-5, "{mean} {expected}");
    }
}
