//! S(Q) of atoms against what is known without a histogram.

use std::f64::consts::PI;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::pair_tests::{FACE_CENTRED, crystal, gas, names};
use super::{AtomBox, AtomModel, PairRange, RWindow};
use crate::pdf::Window;
use crate::scattering::FormFactor;
use crate::simulate::{Glass, Harmonic, Matter, SofQ};

#[test]
fn coarse_bins_are_refused() {
    let range = PairRange { r_max_angstrom: 10.0, dr_angstrom: 0.1 };
    let found = AtomModel::new(&[gas(100, 20.0, &["Zr"], 1)], range, RWindow::None);
    assert!(found.unwrap_err().to_string().contains("0.1 Å wide"));
}

fn model(atoms: &AtomBox, r_max: f64, dr: f64, window: RWindow) -> AtomModel {
    let range = PairRange { r_max_angstrom: r_max, dr_angstrom: dr };
    AtomModel::new(std::slice::from_ref(atoms), range, window).unwrap()
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

/// Places of a crystal moved at random by up to `by` along each axis.
fn shaken(atoms: &AtomBox, by: f64, elements: &[&str], seed: u64) -> AtomBox {
    let mut random = Pcg64::seed_from_u64(seed);
    let positions = atoms.positions().iter().map(|p| p.map(|x| x + random.random_range(-by..by))).collect();
    let species = atoms.positions().iter().map(|_| random.random_range(0..elements.len()) as u8).collect();
    AtomBox::new(atoms.lattice().vectors(), positions, species, names(elements)).unwrap()
}

#[test]
fn independent_atoms_scatter_as_free_ones() {
    // S − 1 = (2/N)Σ sin(Qr)/(Qr) over N²V_k/2V pairs in each bin, each for itself: σ² = (2/V)∫4πr² sinc²(Qr) dr, at most
    // 8πR/(VQ²)·½·(1 + 1/2QR). The −1/N of g is −(4/3)πR³ρ0/N·3(sin x − x cos x)/x³ with x = QR. All within 5σ at 60 Q.
    let (count, edge, r_max) = (20_000, 70.0, 20.0);
    let q: Vec<f64> = (1..=60).map(|i| 0.4 * f64::from(i)).collect();
    let found = model(&gas(count, edge, &["Zr", "Cu"], 9), r_max, 0.01, RWindow::None);
    let s = found.s_of_q(112.0, &q).unwrap();
    for (q, s) in q.iter().zip(s) {
        let x = q * r_max;
        let box_knows =
            -4.0 / 3.0 * PI * r_max.powi(3) / edge.powi(3) * 3.0 * (x.sin() - x * x.cos()) / x.powi(3);
        let sigma = (4.0 * PI * r_max / (edge.powi(3) * q * q) * (1.0 + 0.5 / x)).sqrt();
        assert!((s - 1.0 - box_knows).abs() < 5.0 * sigma, "Q = {q}: {} and {sigma}", s - 1.0);
    }
}

/// Debye's sum over all pairs nearer than `r_max`, image by image, less the even density inside `r_max`: I(Q) per atom, and the
/// scatter that rounding of every distance to the middle of a bin of width `dr` makes.
fn debye(atoms: &AtomBox, r_max: f64, dr: f64, q: &[f64]) -> Vec<[f64; 2]> {
    let composition = atoms.composition();
    let elements = composition.elements.iter();
    let factors: Vec<FormFactor> =
        elements.map(|(symbol, _)| FormFactor::new(symbol, 20.0, q).unwrap()).collect();
    let vectors = atoms.lattice().vectors();
    let count = atoms.positions().len();
    let images = 3;
    let mut distances = Vec::new();
    for i in -images..=images {
        for j in -images..=images {
            for k in -images..=images {
                let shift: [f64; 3] = std::array::from_fn(|axis| {
                    f64::from(i) * vectors[0][axis]
                        + f64::from(j) * vectors[1][axis]
                        + f64::from(k) * vectors[2][axis]
                });
                for one in 0..count {
                    for other in (0..count).filter(|other| *other != one || [i, j, k] != [0; 3]) {
                        let squared: f64 = (0..3)
                            .map(|axis| {
                                atoms.positions()[other][axis] + shift[axis] - atoms.positions()[one][axis]
                            })
                            .map(|x| x * x)
                            .sum();
                        if squared < r_max * r_max {
                            distances.push((squared.sqrt(), atoms.species()[one], atoms.species()[other]));
                        }
                    }
                }
            }
        }
    }
    q.iter()
        .enumerate()
        .map(|(k, &q)| {
            let product = |i: usize, j: usize| {
                factors[i].real[k] * factors[j].real[k] + factors[i].imaginary * factors[j].imaginary
            };
            let (mut intensity, mut variance) = (0.0, 0.0);
            for &(r, i, j) in &distances {
                let product = product(i.into(), j.into()) / count as f64;
                intensity += product * sinc(q * r);
                // A pair and its mirror round alike: twice the sum of squares. d sinc/dr is below 1/r; dr/√12 is the
                // scatter of an even error.
                variance += 2.0 * (product / r * dr).powi(2) / 12.0;
            }
            let (mut own, mut mean) = (0.0, 0.0);
            for (i, (_, a)) in composition.elements.iter().enumerate() {
                own += a * product(i, i);
                mean += composition
                    .elements
                    .iter()
                    .enumerate()
                    .map(|(j, (_, b))| a * b * product(i, j))
                    .sum::<f64>();
            }
            let x = q * r_max;
            let even = 4.0 * PI * atoms.density() * mean * (x.sin() - x * x.cos()) / q.powi(3);
            [own + intensity - even, variance.sqrt()]
        })
        .collect()
}

#[test]
fn debye_sums_agree() {
    // 256 atoms of three elements at 20 keV, above the K edge of Zr where f″ counts, in a sheared box, with images to 16 Å. Rounding to bins of
    // 2 mÅ is random, 6σ of it; what is left of the even density's bins is (Q dr)⁴/1920 and (dr/r)², below 1e-6 of a
    // term that does not exceed 4πρ0 r_max/Q²·⟨f⟩².
    let start = crystal(4, 4.1, &FACE_CENTRED);
    let mixed = shaken(&start, 0.3, &["Zr", "Cu", "Al"], 21);
    let sheared = [[16.4, 0.0, 0.0], [4.1, 16.4, 0.0], [-4.1, 4.1, 16.4]];
    let atoms = AtomBox::new(
        sheared,
        mixed.positions().to_vec(),
        mixed.species().to_vec(),
        mixed.elements().to_vec(),
    )
    .unwrap();
    let q: Vec<f64> = (0..50).map(|i| 0.5 + 0.49 * f64::from(i)).collect();
    let (r_max, dr) = (16.0, 0.002);
    let found = model(&atoms, r_max, dr, RWindow::None);
    let s = found.s_of_q(20.0, &q).unwrap();
    let free = crate::scattering::FreeAtoms::new(&atoms.composition(), 20.0, &q).unwrap();
    for (k, [direct, sigma]) in debye(&atoms, r_max, dr, &q).into_iter().enumerate() {
        let coherent = free.mean_square_f[k] + free.mean_f_squared[k] * (s[k] - 1.0);
        let bound =
            6.0 * sigma + 1e-6 * 4.0 * PI * atoms.density() * r_max / (q[k] * q[k]) * free.mean_f_squared[k];
        assert!(
            (coherent - direct).abs() < bound,
            "Q = {}: {coherent}, directly {direct}, bound {bound}",
            q[k]
        );
        assert!(bound < 2e-3 * free.mean_square_f[k], "the bound {bound} means nothing");
    }
}

#[test]
fn a_random_mixture_scatters_as_one_mean_element() {
    // With elements drawn for places, f = ⟨f⟩(1 + δ): S_mixed − S = (1/N)Σ_{a≠b}(δ_a + δ_b + δ_aδ_b) sinc. Places of a perfect
    // lattice have the same Σ_b sinc for all a and Σδ = 0, so the middle part is left: σ² = 2v²/N·Σ_b sinc² with v = ⟨δ²⟩;
    // 6σ, and 6/N for the fractions being those of the box.
    let places = crystal(12, 4.107, &FACE_CENTRED);
    let mixed = shaken(&places, 1e-9, &["Zr", "Cu"], 4);
    let q: Vec<f64> = (1..40).map(|i| 0.61 * f64::from(i)).collect();
    let (one, two) = (model(&places, 20.0, 0.01, RWindow::Lorch), model(&mixed, 20.0, 0.01, RWindow::Lorch));
    let (plain, seen) = (one.s_of_q(112.0, &q).unwrap(), two.s_of_q(112.0, &q).unwrap());
    let free = crate::scattering::FreeAtoms::new(&mixed.composition(), 112.0, &q).unwrap();
    let count = mixed.positions().len() as f64;
    let (r, g, shells) = (one.pairs().r(), one.pairs().g(0, 0).unwrap(), one.pairs().shells());
    for k in 0..q.len() {
        let v = free.mean_square_f[k] / free.mean_f_squared[k] - 1.0;
        let squares: f64 = (0..r.len())
            .map(|i| {
                one.pairs().density()
                    * shells[i]
                    * g[i]
                    * (sinc(q[k] * r[i]) * sinc(PI * r[i] / 20.0)).powi(2)
            })
            .sum();
        let sigma = v * (2.0 / count * squares).sqrt();
        assert!(
            (seen[k] - plain[k]).abs() < 6.0 * sigma + 6.0 / count,
            "Q = {}: {} {sigma}",
            q[k],
            seen[k] - plain[k]
        );
    }
    // Number-weighted partials add up to the S of the places exactly: Σ c_i c_j S_ij.
    let fractions = [0, 1].map(|i| two.pairs().composition().elements[i].1);
    let partials = two.partials(&q);
    for (k, plain) in plain.iter().enumerate() {
        let sum: f64 = partials
            .iter()
            .map(|p| {
                let [i, j] = p.elements;
                let times = if i == j { 1.0 } else { 2.0 };
                times * fractions[i] * fractions[j] * p.s[k]
            })
            .sum();
        // Distances 4.107·√(n/2) Å lie at no edge of bins, so that a shake of 1e-9 Å moves none over one.
        assert!((sum - plain).abs() < 1e-9 * plain.abs().max(1.0), "{sum} {plain}");
    }
}

#[test]
fn bins_do_not_dampen_large_q() {
    // One model in bins of 0.02 and of 0.002 Å: rounding is random, σ² = 2/N·Σ(dr/r)²/12 with 4πρ0 r_max per atom for Σ1/r².
    // Without the factor of the bins S − 1 would be 1 % too small at 25 Å⁻¹ and bins of 0.02 Å.
    let atoms = shaken(&crystal(8, 4.1, &FACE_CENTRED), 0.05, &["Zr"], 2);
    let q: Vec<f64> = (20..=50).map(|i| 0.5 * f64::from(i)).collect();
    let (coarse, fine) =
        (model(&atoms, 12.0, 0.02, RWindow::None), model(&atoms, 12.0, 0.002, RWindow::None));
    let (coarse, fine) = (coarse.s_of_q(112.0, &q).unwrap(), fine.s_of_q(112.0, &q).unwrap());
    let sigma =
        (2.0 / atoms.positions().len() as f64 * 4.0 * PI * atoms.density() * 12.0 / 12.0).sqrt() * 0.02;
    for (a, b) in coarse.iter().zip(&fine) {
        assert!((a - b).abs() < 5.0 * sigma, "{a} {b} {sigma}");
    }
}

#[test]
fn every_kind_of_matter_gives_the_same_curves() {
    // A glass, and its own S(Q) as a table to 40 Å⁻¹, where S − 1 is below 1e-4 of its start.
    let glass = Glass::zr_based();
    let composition = crate::scattering::Composition::parse("Zr62 Cu15.5 Ni12.5 Al10").unwrap();
    let q: Vec<f64> = (0..4000).map(|i| 0.01 * f64::from(i)).collect();
    let s = q.iter().map(|q| glass.s_of_q(*q)).collect();
    let table = Matter::Table {
        s: SofQ::new(Harmonic::Zeroth, q, s).unwrap(),
        composition: composition.clone(),
        density: glass.density,
    };
    let closed = Matter::Glass { glass: glass.clone(), composition: composition.clone() };
    let (a, b) = (closed.intensity(112.0, 25.0).unwrap(), table.intensity(112.0, 25.0).unwrap());
    for q in (0..2500).map(|i| 0.01 * f64::from(i) + 0.003) {
        // The spline in steps of 0.01: 5/384·h⁴·3e4 = 4e-6, twice that (see `table`); electron units of ⟨f⟩² ≤ 1200.
        assert!((a.at(q) - b.at(q)).abs() < 8e-6 * 1200.0, "{q}: {} {}", a.at(q), b.at(q));
    }
    let seen = closed.pdf_through(112.0, 22.0, Window::Lorch).unwrap();
    let known = glass.pdf_through(22.0, Window::Lorch);
    for r in [0.5, 2.4, 2.72, 4.6, 9.7, 25.0, 59.0] {
        assert!((seen.at(r) - known.at(r)).abs() < 1e-10, "{r}: {} {}", seen.at(r), known.at(r));
    }
    let (n, m) = (
        closed.coordination_number_of(|r| known.at(r), 2.0, 3.6),
        glass.coordination_number_of(|r| known.at(r), 2.0, 3.6),
    );
    assert!((n - m).abs() < 1e-12 && closed.density() == 0.0528);
    // S that is negative beyond noise is no S(Q) of this composition.
    let wrong = SofQ::new(
        Harmonic::Zeroth,
        (1..30).map(f64::from).collect(),
        (1..30).map(|i| if i < 5 { -0.5 } else { 1.0 }).collect(),
    );
    let wrong = Matter::Table { s: wrong.unwrap(), composition, density: 0.05 };
    assert!(wrong.intensity(112.0, 25.0).unwrap_err().to_string().contains("Faber and Ziman"));
}

/// Atoms put into a cube one after the other, wherever none is nearer than `apart`.
fn apart(count: usize, edge: f64, apart: f64) -> AtomBox {
    let mut random = Pcg64::seed_from_u64(31);
    let mut positions: Vec<[f64; 3]> = Vec::new();
    while positions.len() < count {
        let point: [f64; 3] = std::array::from_fn(|_| edge * random.random_range(0.0..1.0));
        let away = |x: f64| (x - edge * (x / edge).round()).powi(2);
        let squared = |p: &[f64; 3]| (0..3).map(|k| away(p[k] - point[k])).sum::<f64>();
        if positions.iter().all(|p| squared(p) > apart * apart) {
            positions.push(point);
        }
    }
    let vectors = super::pair_tests::cube(edge);
    AtomBox::new(vectors, positions, vec![0; count], names(&["Zr"])).unwrap()
}

#[test]
fn a_model_of_atoms_is_seen_as_matter() {
    // A shaken crystal: G(r) through a Qmax far beyond the width of its peaks gives the neighbours that were counted. Shaking
    // by ±0.3 spreads distances by ±0.3·√8 at most, but hardly beyond 4 of their σ = 0.245 Å along a bond; at 30 Å⁻¹
    // e^{−(Qσ)²/2} is 0. The window of counting ends where g is small, so that bins' edges and bends cost below 0.02.
    let atoms = shaken(&crystal(8, 4.4, &FACE_CENTRED), 0.15, &["Zr"], 8);
    let found = model(&atoms, 17.0, 0.01, RWindow::None);
    let counted = found.pairs().neighbours(0, 0, 2.2, 3.76).unwrap();
    let matter = Matter::Atoms(found);
    let g = matter.pdf_through(112.0, 40.0, Window::None).unwrap();
    let seen = matter.coordination_number_of(|r| g.at(r), 2.2, 3.76);
    assert!((counted - 12.0).abs() < 0.05 && (seen - counted).abs() < 0.02, "{seen} {counted}");
    // The peaks of a crystal do not end at r_max: without a window the ripples of S are larger than S itself.
    assert!(matter.intensity(112.0, 12.0).unwrap_err().to_string().contains("Lorch"));
    // Spheres that do not overlap have a hole in g and no order far away: S and I(Q) are as free of trouble as a liquid's.
    let spheres = Matter::Atoms(model(&apart(1500, 35.0, 2.3), 17.0, 0.01, RWindow::None));
    let intensity = spheres.intensity(112.0, 12.0).unwrap();
    assert!((0..1200).all(|i| intensity.at(0.01 * f64::from(i)) >= 0.0));
    assert_eq!(matter.composition().elements, [("Zr".to_owned(), 1.0)]);
    assert!((matter.lowest_q() - 2.0 * PI / 17.0).abs() < 1e-12);
}
