//! Reflections of equal spacing, as the rings of a powder.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::amplitude::{Amplitudes, Complex, Weights, norm_squared};
use super::cell::{combine, dot};
use super::{Crystal, CrystalError};

/// All reflections with one spacing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ring {
    /// One of its reflections, the largest h, then k, then l.
    pub hkl: [i32; 3],
    /// Q in Å⁻¹; the spacing is 2π/Q.
    pub q: f64,
    /// Number of reflections that are not absent.
    pub multiplicity: u32,
    /// ∫ I dQ over the ring in electron units per atom · Å⁻¹.
    pub area: f64,
}

/// Points h, k, l in the box around the sphere of Qmax; half of them are reflections.
const MOST_POINTS: f64 = 1e7;
/// Spacings that differ relatively by less are one: rounding leaves 1e-15, measured cells have seven digits.
const SAME_Q: f64 = 1e-10;
/// Share of |Σ o|² below which the geometric sum of equal atoms is zero: thirds written with six digits leave 1e-8.
const ABSENT: f64 = 1e-6;

/// Reflections of one spacing that are not absent.
pub(super) struct Family {
    pub(super) q: f64,
    members: Vec<[i32; 3]>,
}

/// Atoms of one element and one displacement: their geometric sums decide what is absent.
struct Kind {
    atoms: Vec<usize>,
    occupied: f64,
}

/// e^{2πi h x} of every atom and axis for h = −limit … limit.
struct Phases {
    limits: [i32; 3],
    tables: Vec<[Vec<Complex>; 3]>,
}

impl Phases {
    fn new(crystal: &Crystal, limits: [i32; 3]) -> Self {
        let table = |x: f64, limit: i32| {
            let turn = |h: i32| {
                let (sin, cos) = (2.0 * PI * (f64::from(h) * x).fract()).sin_cos();
                [cos, sin]
            };
            (-limit..=limit).map(turn).collect()
        };
        let axes = |position: [f64; 3]| std::array::from_fn(|k| table(position[k], limits[k]));
        Self { limits, tables: crystal.atoms.iter().map(|atom| axes(atom.position)).collect() }
    }

    /// e^{2πi h·x} of one atom.
    fn at(&self, atom: usize, hkl: [i32; 3]) -> Complex {
        let turn = |k: usize| self.tables[atom][k][(hkl[k] + self.limits[k]) as usize];
        times(times(turn(0), turn(1)), turn(2))
    }
}

fn times(a: Complex, b: Complex) -> Complex {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

impl Crystal {
    /// Q in Å⁻¹ of the rings up to `q_max`, in order, without those that the structure forbids.
    ///
    /// # Errors
    /// A range with too many reflections.
    pub fn ring_positions(&self, q_max: f64) -> Result<Vec<f64>, CrystalError> {
        Ok(self.families(q_max)?.0.iter().map(|family| family.q).collect())
    }

    /// The rings up to `q_max` in Å⁻¹ with their strengths in a beam of this energy.
    ///
    /// # Errors
    /// A range with too many reflections; Q or energy beyond the tables of form factors.
    pub fn rings(&self, energy_kev: f64, q_max: f64) -> Result<Vec<Ring>, CrystalError> {
        self.rings_with(Weights::OfQ { energy_kev }, q_max)
    }

    /// The rings up to `q_max` for atoms that scatter with other weights.
    ///
    /// # Errors
    /// As [`Crystal::rings`].
    pub fn rings_with(&self, weights: Weights, q_max: f64) -> Result<Vec<Ring>, CrystalError> {
        let (families, phases) = self.families(q_max)?;
        let q = families.iter().map(|family| family.q).collect();
        let amplitudes = Amplitudes::new(self, weights, q)?;
        let scale = 2.0 * PI * PI / (self.cell.volume() * self.atoms_in_cell());
        let rings = families.par_iter().enumerate().map(|(i, family)| {
            let moving: Vec<Complex> = (0..self.atoms.len())
                .map(|atom| amplitudes.moving(self, atom, i).map(|part| self.atoms[atom].occupancy * part))
                .collect();
            let strength: f64 = family
                .members
                .iter()
                .map(|&hkl| {
                    let add = |sum: Complex, (atom, f): (usize, &Complex)| {
                        let part = times(*f, phases.at(atom, hkl));
                        [sum[0] + part[0], sum[1] + part[1]]
                    };
                    norm_squared(moving.iter().enumerate().fold([0.0; 2], add))
                })
                .sum();
            Ring {
                hkl: family.members.iter().copied().max().unwrap_or_default(),
                q: family.q,
                multiplicity: family.members.len() as u32,
                area: scale * strength / (family.q * family.q),
            }
        });
        Ok(rings.collect())
    }

    /// Reflections with Q ≤ `q_max` that are not absent, grouped by spacing, and the phases for all of them.
    fn families(&self, q_max: f64) -> Result<(Vec<Family>, Phases), CrystalError> {
        let lengths = self.cell.axes().map(|axis| dot(axis, axis).sqrt());
        // G·a = 2πh, so that |h| ≤ |G||a|/2π.
        let reach = lengths.map(|length| (q_max * length / (2.0 * PI)).floor());
        let points: f64 = reach.iter().map(|n| 2.0 * n + 1.0).product();
        if !(q_max > 0.0 && points <= MOST_POINTS) {
            let (name, volume) = (self.name.clone(), self.cell.volume());
            let found = volume * q_max.powi(3) / (6.0 * PI * PI);
            return Err(CrystalError::Reflections { name, q_max, volume, found, limit: 0.5 * MOST_POINTS });
        }
        let limits = reach.map(|n| n as i32);
        let phases = Phases::new(self, limits);
        let kinds = self.kinds();
        let reciprocal = self.cell.reciprocal();
        let mut found: Vec<(f64, [i32; 3])> = (-limits[0]..=limits[0])
            .into_par_iter()
            .flat_map_iter(|h| {
                let (phases, kinds, reciprocal) = (&phases, &kinds, &reciprocal);
                (-limits[1]..=limits[1])
                    .flat_map(move |k| (-limits[2]..=limits[2]).map(move |l| [h, k, l]))
                    .filter(|hkl| *hkl != [0; 3])
                    .filter_map(move |hkl| {
                        let g = combine(hkl.map(f64::from), reciprocal);
                        let q = dot(g, g).sqrt();
                        (q <= q_max && self.present(kinds, phases, hkl)).then_some((q, hkl))
                    })
            })
            .collect();
        found.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut families: Vec<Family> = Vec::new();
        for (q, hkl) in found {
            match families.last_mut() {
                Some(last) if q <= last.q * (1.0 + SAME_Q) => last.members.push(hkl),
                Some(_) | None => families.push(Family { q, members: vec![hkl] }),
            }
        }
        Ok((families, phases))
    }

    fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = Vec::new();
        for (index, atom) in self.atoms.iter().enumerate() {
            let same = |kind: &&mut Kind| {
                let first = &self.atoms[kind.atoms[0]];
                first.element == atom.element && first.u_iso_angstrom2 == atom.u_iso_angstrom2
            };
            match kinds.iter_mut().find(same) {
                Some(kind) => {
                    kind.atoms.push(index);
                    kind.occupied += atom.occupancy;
                }
                None => kinds.push(Kind { atoms: vec![index], occupied: atom.occupancy }),
            }
        }
        kinds
    }

    /// Whether the atoms of any kind do not cancel.
    fn present(&self, kinds: &[Kind], phases: &Phases, hkl: [i32; 3]) -> bool {
        kinds.iter().any(|kind| {
            let mut sum = [0.0; 2];
            for &atom in &kind.atoms {
                let phase = phases.at(atom, hkl);
                sum[0] += self.atoms[atom].occupancy * phase[0];
                sum[1] += self.atoms[atom].occupancy * phase[1];
            }
            norm_squared(sum) > ABSENT * kind.occupied * kind.occupied
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Crystal {
        Crystal::named(name).unwrap()
    }

    /// Monatomic crystal in a cell of 5 × 5 × 7 Å with this centring.
    fn centred(centring: &str) -> Crystal {
        let text = format!(
            "name: X\ncell: {{a_angstrom: 5, b_angstrom: 5, c_angstrom: 7, alpha_deg: 90, beta_deg: 90, gamma_deg: 90}}\n\
             centring: {centring}\natoms: [{{element: Fe, position: [0.1, 0.2, 0.3], u_iso_angstrom2: 0.005}}]\n\
             ring_width: {{constant_inv_angstrom: 0.01}}\n"
        );
        Crystal::parse(&text, "test").unwrap()
    }

    #[test]
    fn centrings_forbid_what_they_must() {
        // International Tables A, 2.2.13: what is there for each lattice.
        type Rule = fn(i32, i32, i32) -> bool;
        let rules: [(&str, Rule); 4] = [
            ("P", |_, _, _| true),
            ("C", |h, k, _| (h + k) % 2 == 0),
            ("I", |h, k, l| (h + k + l) % 2 == 0),
            ("F", |h, k, l| (h + k) % 2 == 0 && (k + l) % 2 == 0),
        ];
        for (centring, rule) in rules {
            let crystal = centred(centring);
            let mut expected = 0;
            for h in -12..=12 {
                for k in -12..=12 {
                    for l in -12..=12i32 {
                        let q = crystal.cell().q([h, k, l]);
                        expected += usize::from(q > 0.0 && q <= 8.0 && rule(h, k, l));
                    }
                }
            }
            let (families, _) = crystal.families(8.0).unwrap();
            let all: Vec<[i32; 3]> = families.iter().flat_map(|f| f.members.clone()).collect();
            assert_eq!(all.len(), expected, "{centring}");
            assert!(all.iter().all(|&[h, k, l]| rule(h, k, l)), "{centring}");
        }
    }

    #[test]
    fn rings_of_fluorite() {
        let rings = named("CeO2").rings(112.0, 5.1).unwrap();
        // International Tables A: 111, 200, 220, 311, 222, 400, 331 with 8, 6, 12, 24, 8, 6, 24 planes.
        let expected = [
            ([1, 1, 1], 8),
            ([2, 0, 0], 6),
            ([2, 2, 0], 12),
            ([3, 1, 1], 24),
            ([2, 2, 2], 8),
            ([4, 0, 0], 6),
            ([3, 3, 1], 24),
        ];
        let found: Vec<([i32; 3], u32)> = rings.iter().map(|r| (r.hkl, r.multiplicity)).collect();
        assert_eq!(&found[..7], &expected);
        // d(111) = a/√3 = 3.12442 Å.
        assert!((2.0 * PI / rings[0].q - 3.124_42).abs() < 1e-5);
        // Powder lines of ceria (PDF 34-0394): 220 and 311 stand to one another as 52 : 42. That pattern has the Lorentz
        // factor of copper radiation, 1/(sin²θ cos θ)·(1 + cos²2θ) against 1/Q² here; within the 5 % of a round number and of f.
        let lorentz = |n: f64| {
            let sin = 0.5 * 1.540_6 / 5.411_65 * n.sqrt();
            let cos = (1.0 - sin * sin).sqrt();
            (1.0 + (1.0 - 2.0 * sin * sin).powi(2)) / cos
        };
        let copper = rings[2].area * lorentz(8.0) / (rings[3].area * lorentz(11.0));
        assert!((copper / (52.0 / 42.0) - 1.0).abs() < 0.05, "{copper}");
    }

    #[test]
    fn spacings_of_the_line_standards() {
        // LaB6: 2θ in degrees at λ = 1.5405981 Å as PDF 34-0427 lists them for a = 4.1569 Å, three decimals.
        // Si: d in Å as PDF 27-1402 lists them for a = 5.43088 Å: measured lines, one unit of the fourth decimal. No 222, which
        // the diamond glide forbids.
        let rings = |name: &str, ours: &str, theirs: &str| {
            let (_, text) = super::super::file::EMBEDDED.iter().find(|(known, _)| *known == name).unwrap();
            assert!(text.contains(ours));
            Crystal::parse(&text.replace(ours, theirs), name).unwrap().rings(8.048, 7.9).unwrap()
        };
        let lab6 = [21.358, 30.385, 37.442, 43.507, 48.958, 53.989, 63.219, 67.548, 71.746, 75.844, 79.870];
        let lambda = 1.540_598_1;
        for (ring, expected) in rings("LaB6", "4.156826", "4.15690").iter().zip(lab6) {
            let found = 2.0 * (ring.q * lambda / (4.0 * PI)).asin().to_degrees();
            assert!((found - expected).abs() < 5.1e-4, "LaB6 {:?}: {found} {expected}", ring.hkl);
        }
        let si = [
            ([1, 1, 1], 3.1355),
            ([2, 2, 0], 1.9201),
            ([3, 1, 1], 1.6375),
            ([4, 0, 0], 1.3577),
            ([3, 3, 1], 1.2459),
            ([4, 2, 2], 1.1086),
            ([5, 1, 1], 1.0452),
            ([4, 4, 0], 0.9600),
            ([5, 3, 1], 0.9180),
            ([6, 2, 0], 0.8587),
            ([5, 3, 3], 0.8282),
        ];
        let found = rings("Si", "5.43123", "5.43088");
        assert!(found.len() >= si.len());
        for (ring, (plane, expected)) in found.iter().zip(si) {
            assert_eq!(ring.hkl, plane);
            assert!((2.0 * PI / ring.q - expected).abs() < 1e-4, "Si {plane:?}: {}", 2.0 * PI / ring.q);
        }
    }

    #[test]
    fn a_skewed_cell_of_the_same_crystal_has_the_same_rings() {
        // Nickel by its primitive rhombohedron: edge a/√2, angles of 60°, one atom.
        let text = "name: Ni\ncell: {a_angstrom: 2.491844296901, b_angstrom: 2.491844296901, c_angstrom: 2.491844296901, \
                    alpha_deg: 60, beta_deg: 60, gamma_deg: 60}\n\
                    atoms: [{element: Ni, position: [0.3, 0.1, 0.7], u_iso_angstrom2: 0.0049}]\n\
                    ring_width: {constant_inv_angstrom: 0.01}\n";
        let primitive = Crystal::parse(text, "test").unwrap().rings(112.0, 15.0).unwrap();
        let cubic = named("Ni").rings(112.0, 15.0).unwrap();
        assert_eq!(primitive.len(), cubic.len());
        for (a, b) in primitive.iter().zip(&cubic) {
            // The edge has 13 digits.
            assert!((a.q / b.q - 1.0).abs() < 1e-12 && a.multiplicity == b.multiplicity);
            assert!((a.area / b.area - 1.0).abs() < 1e-10);
        }
    }

    #[test]
    fn too_many_reflections_are_refused() {
        let nickel = named("Ni");
        for q_max in [f64::NAN, f64::INFINITY, 0.0, -1.0, 1e6] {
            assert!(nickel.ring_positions(q_max).is_err(), "{q_max}");
        }
        assert!(nickel.ring_positions(0.1).unwrap().is_empty());
        // Within reach of the reflections, beyond the form factors.
        assert!(nickel.rings(112.0, 80.0).is_err());
    }
}
