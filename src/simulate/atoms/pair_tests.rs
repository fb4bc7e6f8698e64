//! Laws of g(r): independent atoms, shells of crystals, images of a small box.

use std::f64::consts::PI;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::{AtomBox, AtomsProblem, PairDistributions, PairRange};

/// Independent atoms in a cube, of the elements in turn.
pub(super) fn gas(count: usize, edge: f64, elements: &[&str], seed: u64) -> AtomBox {
    let mut random = Pcg64::seed_from_u64(seed);
    let positions =
        (0..count).map(|_| std::array::from_fn(|_| edge * random.random_range(0.0..1.0))).collect();
    let species = (0..count).map(|i| (i % elements.len()) as u8).collect();
    AtomBox::new(cube(edge), positions, species, names(elements)).unwrap()
}

/// `n`³ cells of edge `a` with atoms at these places, one element.
pub(super) fn crystal(n: usize, a: f64, basis: &[[f64; 3]]) -> AtomBox {
    let mut positions = Vec::new();
    for i in 0..n * n * n {
        let cell = [i / (n * n), i / n % n, i % n];
        positions.extend(basis.iter().map(|b| std::array::from_fn(|k| a * (cell[k] as f64 + b[k]))));
    }
    let species = vec![0; positions.len()];
    AtomBox::new(cube(a * n as f64), positions, species, names(&["Ni"])).unwrap()
}

pub(super) const FACE_CENTRED: [[f64; 3]; 4] =
    [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];

pub(super) fn cube(edge: f64) -> [[f64; 3]; 3] {
    [[edge, 0.0, 0.0], [0.0, edge, 0.0], [0.0, 0.0, edge]]
}

pub(super) fn names(elements: &[&str]) -> Vec<String> {
    elements.iter().map(|&name| name.to_owned()).collect()
}

pub(super) fn pairs(atoms: &AtomBox, r_max: f64, dr: f64) -> PairDistributions {
    let range = PairRange { r_max_angstrom: r_max, dr_angstrom: dr };
    PairDistributions::new(std::slice::from_ref(atoms), range).unwrap()
}

#[test]
fn independent_atoms_have_no_order() {
    // The number of pairs in a bin is binomial, near Poisson, with the mean N_i N_j V_k/V or N_i(N_i − 1)/2 · V_k/V.
    // 5.5σ for 3·398 bins is met by all with a chance of 5e-5; χ² per bin is 1 ± 5·√(2/1194).
    let (count, edge, dr) = (20_000, 70.0, 0.05);
    let atoms = gas(count, edge, &["Zr", "Cu"], 7);
    let found = pairs(&atoms, 20.0, dr);
    let (mut chi_squared, mut bins) = (0.0, 0.0);
    let each = (count / 2) as f64;
    for (i, j) in [(0, 0), (0, 1), (1, 1)] {
        for (k, g) in found.g(i, j).unwrap().iter().enumerate().skip(2) {
            let share = found.shells()[k] / edge.powi(3);
            let (expected, draws) =
                if i == j { (1.0 - 1.0 / each, each * (each - 1.0) / 2.0) } else { (1.0, each * each) };
            let sigma = 1.0 / (draws * share).sqrt();
            let pull = (g - expected) / sigma;
            assert!(pull.abs() < 5.5 + 0.5 * sigma, "{i} {j} bin {k}: g = {g}, {pull} σ");
            chi_squared += pull * pull;
            bins += 1.0;
        }
    }
    let spread = 5.0 * (2.0f64 / bins).sqrt();
    assert!((chi_squared / bins - 1.0).abs() < spread, "{} {spread}", chi_squared / bins);
}

#[test]
fn shells_of_crystals() {
    // fcc: 12, 6, 24, 12, 24, 8, 48 atoms at a√(n/2); simple cubic: 6, 12, 8, 6, 24 at a√n. Counts are whole numbers, so
    // only the rounding of sums is left. Edges between the shells lie away from all distances.
    let check = |atoms: &AtomBox, shells: &[(f64, f64)]| {
        let found = pairs(atoms, 9.3, 0.01);
        for (distance, count) in shells {
            let n = found.neighbours(0, 0, distance - 0.04, distance + 0.04).unwrap();
            assert!((n - count).abs() < 1e-9, "{distance}: {n}, not {count}");
        }
        let (mut lower, mut sum) = (0.0, 0.0);
        for (distance, count) in shells {
            sum += count;
            lower = distance + 0.04;
        }
        assert!((found.neighbours(0, 0, 0.0, lower).unwrap() - sum).abs() < 1e-9);
    };
    let a = 3.524;
    let fcc: Vec<(f64, f64)> = [12.0, 6.0, 24.0, 12.0, 24.0, 8.0, 48.0]
        .into_iter()
        .zip(1..)
        .map(|(count, n)| (a * (0.5 * f64::from(n)).sqrt(), count))
        .collect();
    // One cell meets nothing but its own images; seven cells have neighbours of all kinds.
    for n in [1, 2, 3, 7] {
        check(&crystal(n, a, &FACE_CENTRED), &fcc);
    }
    let simple: Vec<(f64, f64)> = [(1, 6.0), (2, 12.0), (3, 8.0), (4, 6.0), (5, 24.0)]
        .into_iter()
        .map(|(n, count)| (2.62 * f64::from(n).sqrt(), count))
        .collect();
    check(&crystal(5, 2.62, &[[0.0; 3]]), &simple);
}

#[test]
fn distances_beyond_the_box_are_those_of_its_images() {
    // A box and eight of it side by side are the same matter: the same counts, but for distances that rounding moves
    // over an edge; random distances are none of these, nor are 11.03 Å and its multiples by √2 and √3.
    let small = gas(60, 11.03, &["Zr", "Al"], 3);
    let (mut positions, mut species) = (Vec::new(), Vec::new());
    for image in 0..8 {
        let shift = [image / 4, image / 2 % 2, image % 2].map(|k| 11.03 * k as f64);
        positions.extend(small.positions().iter().map(|p| std::array::from_fn(|k| p[k] + shift[k])));
        species.extend_from_slice(small.species());
    }
    let large = AtomBox::new(cube(22.06), positions, species, names(&["Zr", "Al"])).unwrap();
    let (a, b) = (pairs(&small, 19.0, 0.1), pairs(&large, 19.0, 0.1));
    for (i, j) in [(0, 0), (0, 1), (1, 1)] {
        for (a, b) in a.g(i, j).unwrap().iter().zip(b.g(i, j).unwrap()) {
            assert!((a - b).abs() < 1e-12 * (1.0 + b), "{a} {b}");
        }
    }
    assert_eq!((a.meaningful_r(), b.meaningful_r()), (5.515, 11.03));
}

#[test]
fn a_sheared_cell_is_the_same_crystal() {
    // The primitive cell of fcc, made left-handed and sheared by whole vectors, holds one atom.
    let a = 3.524;
    let half = a / 2.0;
    let (u, v, w) = ([0.0, half, half], [half, 0.0, half], [half, half, 0.0]);
    let sheared = std::array::from_fn(|k| w[k] + 2.0 * u[k] + v[k]);
    let primitive = AtomBox::new([v, u, sheared], vec![[-40.3, 17.1, 5.5]], vec![0], names(&["Ni"])).unwrap();
    assert!((primitive.density() / (4.0 / a.powi(3)) - 1.0).abs() < 1e-14);
    let (one, four) = (pairs(&primitive, 15.03, 0.03), pairs(&crystal(1, a, &FACE_CENTRED), 15.03, 0.03));
    for (one, four) in one.g(0, 0).unwrap().iter().zip(four.g(0, 0).unwrap()) {
        assert!((one - four).abs() < 1e-11 * (1.0 + four), "{one} {four}");
    }
}

#[test]
fn an_average_is_the_mean_of_its_frames() {
    // ρ0(g − 1) of the average is the mean of that of the frames, of different volumes and orders of elements.
    let one = gas(400, 20.0, &["Zr", "Cu"], 1);
    let mut other = gas(400, 21.0, &["Zr", "Cu"], 2);
    other.elements.reverse();
    let range = PairRange { r_max_angstrom: 9.0, dr_angstrom: 0.5 };
    let both = PairDistributions::new(&[one.clone(), other.clone()], range).unwrap();
    let (a, b) = (pairs(&one, 9.0, 0.5), pairs(&other, 9.0, 0.5));
    assert!((both.density() - 0.5 * (a.density() + b.density())).abs() < 1e-15);
    for (k, g) in both.g(0, 0).unwrap().iter().enumerate() {
        let each = |p: &PairDistributions, i| p.density() * (p.g(i, i).unwrap()[k] - 1.0);
        assert!((both.density() * (g - 1.0) - 0.5 * (each(&a, 0) + each(&b, 1))).abs() < 1e-13);
    }
    let unlike = gas(400, 20.0, &["Zr", "Al"], 1);
    let message = PairDistributions::new(&[one, unlike], range).unwrap_err().to_string();
    assert!(message.contains("frame 1") && message.contains("200 Al, 200 Zr"), "{message}");
}

#[test]
fn threads_do_not_change_counts() {
    let atoms = gas(3000, 38.0, &["Zr"], 11);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let four = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    assert_eq!(one.install(|| pairs(&atoms, 15.0, 0.02)), four.install(|| pairs(&atoms, 15.0, 0.02)));
}

#[test]
fn what_cannot_be_counted_is_an_error() {
    let atoms = gas(1000, 27.0, &["Zr"], 5);
    let problem = |r_max_angstrom: f64, dr_angstrom: f64| {
        PairDistributions::new(std::slice::from_ref(&atoms), PairRange { r_max_angstrom, dr_angstrom })
            .unwrap_err()
    };
    for (r_max, dr) in [
        (0.0, 0.1),
        (-3.0, 0.1),
        (10.0, 0.0),
        (10.0, -1.0),
        (10.0, 9.0),
        (10.0, 1e-9),
        (f64::NAN, 0.1),
        (1e300, 1e-300),
    ] {
        assert!(matches!(problem(r_max, dr), AtomsProblem::Range { .. }), "{r_max} {dr}");
    }
    assert!(matches!(problem(1e6, 1.0), AtomsProblem::TooManyPairs { .. }));
    assert!(PairDistributions::new(&[], PairRange::of(&atoms)).is_err());
    let needle = AtomBox::new(
        [[1e5, 0.0, 0.0], [0.0, 1.5, 0.0], [0.0, 0.0, 1.5]],
        vec![[0.0; 3]; 2],
        vec![0; 2],
        names(&["Zr"]),
    )
    .unwrap();
    // Cells no longer than the needle is wide would be too many: their number follows that of the atoms.
    assert!((pairs(&needle, 10.0, 0.1).neighbours(0, 0, 0.0, 1.4).unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn boxes_that_are_none() {
    let new = |vectors, positions: Vec<[f64; 3]>, element: &str| {
        let species = vec![0; positions.len()];
        AtomBox::new(vectors, positions, species, names(&[element])).unwrap_err().to_string()
    };
    let inside = vec![[1.0; 3]];
    assert!(new(cube(0.0), inside.clone(), "Zr").contains("faces of the box"));
    assert!(new(cube(f64::NAN), inside.clone(), "Zr").contains("faces of the box"));
    assert!(new(cube(1e200), inside.clone(), "Zr").contains("faces of the box"));
    let flat = [[5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [3.0, 3.0, 0.0]];
    assert!(new(flat, inside.clone(), "Zr").contains("faces of the box"));
    assert!(new(cube(9.0), vec![[f64::NAN; 3]], "Zr").contains("no finite number"));
    assert!(new(cube(9.0), vec![[f64::INFINITY; 3]], "Zr").contains("no finite number"));
    assert!(new(cube(9.0), Vec::new(), "Zr").contains("no atom"));
    assert!(new(cube(2.0), vec![[0.0; 3]; 5], "Zr").contains("lengths in Å"));
    assert!(new(cube(9.0), inside.clone(), "zr").contains("did you mean `Zr`"));
    assert!(new(cube(9.0), inside.clone(), "ZrO2").contains("no element"));
    assert!(AtomBox::new(cube(9.0), inside.clone(), vec![1], names(&["Zr"])).is_err());
    let unused = AtomBox::new(cube(9.0), inside, vec![0], names(&["Zr", "Cu"])).unwrap_err();
    assert_eq!(unused.to_string(), "no atom of Cu");
    assert!((4.0 / 3.0 * PI * 0.001 - pairs(&gas(10, 9.0, &["Zr"], 1), 4.0, 0.1).shells()[0]).abs() < 1e-15);
}
