//! Form factors, f′, f″ and incoherent scattering of all elements to uranium against a second source, which other people calculated from other wave functions.

use halor::scattering::{FormFactor, incoherent_scattering};

const TABLE: &str = include_str!("scattering/xraylib.csv");
const S: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
const ENERGIES_KEV: [f64; 4] = [60.0, 80.0, 112.0, 130.0];
const SYMBOLS: &str = "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr \
    Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir \
    Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U";
/// Elements whose K edge is within 3 keV of an energy of the table: f′ and f″ turn there within less than the two sources'
/// edges agree.
const NEAR_AN_EDGE: [(&str, f64); 8] = [
    ("Tm", 60.0),
    ("Yb", 60.0),
    ("Au", 80.0),
    ("Hg", 80.0),
    ("Pt", 80.0),
    ("Pa", 112.0),
    ("Th", 112.0),
    ("U", 112.0),
];

#[test]
fn two_sources_of_form_factors_agree() {
    let rows: Vec<Vec<f64>> = TABLE
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .map(|line| line.split(',').map(|field| field.parse().unwrap()).collect())
        .collect();
    let symbols: Vec<&str> = SYMBOLS.split_whitespace().collect();
    assert_eq!((rows.len(), symbols.len()), (92, 92));
    let q: Vec<f64> = S.iter().map(|s| 4.0 * std::f64::consts::PI * s).collect();
    let (mut worst_f0, mut worst_f1, mut worst_f2) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (row, symbol) in rows.iter().zip(&symbols) {
        let z = row[0];
        for (e, energy) in ENERGIES_KEV.into_iter().enumerate() {
            let form = FormFactor::new(symbol, energy, &q).unwrap();
            // f0 is the same at all energies, and f′ at all Q: at Q → ∞ only f′ is left of both.
            let (f1, f2) = (row[10 + e], row[14 + e]);
            let differences: Vec<f64> =
                form.real.iter().zip(&row[1..10]).map(|(f, f0)| f - f0 - f1).collect();
            let edge = NEAR_AN_EDGE.contains(&(symbol, energy));
            let off = if edge { 0.45 } else { 0.2 };
            for (s, difference) in S.iter().zip(&differences) {
                worst_f0 = worst_f0.max((difference.abs() - off).max(0.0) / z);
                // f0 1.3 % of Z (U at s = 2 Å⁻¹), with f′ of the heaviest elements 0.2 electrons off.
                assert!(difference.abs() < 0.013 * z + off, "{symbol} s = {s}, {energy} keV: {difference}");
            }
            worst_f1 = worst_f1.max(differences[8].abs());
            if !edge {
                worst_f2 = worst_f2.max((form.imaginary - f2).abs());
                assert!((form.imaginary - f2).abs() < 0.08, "{symbol} {energy}: f″ {} {f2}", form.imaginary);
            }
        }
    }
    println!("f0 {worst_f0:.4} of Z, f′ with f0 at s = 6 {worst_f1:.3}, f″ {worst_f2:.3}");
}

const COMPTON: &str = include_str!("scattering/compton_profiles.csv");

/// Incoherent scattering by another way: electrons with the momenta of Hartree–Fock Compton profiles, each free but for the energy that it
/// needs to leave (impulse approximation). It does not hold where the transfer is no more than their momenta, at small x.
#[test]
fn two_ways_to_incoherent_scattering_agree() {
    // x in Å⁻¹, and how far apart the two are at most, in parts of Z: the largest differences of calibration/scattering/SOURCES.md,
    // rounded up.
    const APART: [(f64, f64); 8] = [
        (0.5, 0.061),
        (1.0, 0.03),
        (1.5, 0.018),
        (2.0, 0.011),
        (3.0, 0.01),
        (4.0, 0.014),
        (5.0, 0.014),
        (6.0, 0.018),
    ];
    let mut worst = [(0.0_f64, 0); APART.len()];
    let lines = COMPTON.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let mut elements = 0;
    for line in lines {
        let row: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
        let z = row[0] as usize;
        elements += 1;
        for (k, (x, apart)) in APART.into_iter().enumerate() {
            let found = (incoherent_scattering(z, x).unwrap() - row[k + 1]) / row[0];
            if found.abs() > worst[k].0.abs() {
                worst[k] = (found, z);
            }
            assert!(found.abs() < apart, "Z = {z}, x = {x}: {found} of Z");
        }
    }
    assert_eq!(elements, 92);
    println!("{worst:.4?}");
}
