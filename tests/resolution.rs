//! Qdamp and Qbroad come back from G(r) in which they are known.

use halor::pdf::Window;
use halor::resolution::{FitRange, MeasuredPdf, fit, usual_range};
use halor::simulate::Crystal;
use halor::simulate::crystal::Weights;

use crate::common::data;

fn cubic(name: &str, a: f64, atoms: &[(&str, f64, f64)], ring_width: &str) -> Crystal {
    let atoms: Vec<String> = atoms
        .iter()
        .map(|(element, x, u)| {
            format!("{{element: {element}, position: [{x}, {x}, {x}], u_iso_angstrom2: {u}}}")
        })
        .collect();
    let text = format!(
        "name: {name}\ncell: {{a_angstrom: {a}, b_angstrom: {a}, c_angstrom: {a}, alpha_deg: 90, beta_deg: 90, gamma_deg: 90}}\n\
         centring: F\natoms: [{}]\nring_width: {ring_width}\n",
        atoms.join(", ")
    );
    Crystal::parse(&text, name).unwrap()
}

/// From the rings of the crystal, which know of no pairs: a width σ of the rings is Qdamp, and one of p·Q spreads the peak at r by p·r.
#[test]
fn widths_of_rings_come_back() {
    const CONSTANT: f64 = 0.025;
    const RELATIVE: f64 = 0.0015;
    let width = format!("{{constant_inv_angstrom: {CONSTANT}, relative: {RELATIVE}}}");
    for (q_max, window) in [(24.0, Window::None), (22.0, Window::Lorch)] {
        let nickel = cubic("Ni", 3.5238, &[("Ni", 0.0, 0.0055)], &width);
        let seen = nickel.pdf_through(q_max, window, Weights::AtomicNumber).unwrap();
        let r: Vec<f64> = (0..4500).map(|i| 0.01 * f64::from(i)).collect();
        let g = r.iter().map(|r| 0.8 * seen.at(*r)).collect();
        let measured = MeasuredPdf { r, g, q_max, window };
        // A cell of handbooks, 1e-4 larger, and other displacements.
        let calibrant = cubic("Ni", 3.524_15, &[("Ni", 0.0, 0.007)], "{constant_inv_angstrom: 0.0}");
        let range = usual_range(&measured, &calibrant).unwrap();
        let found = fit(&measured, &calibrant, range).unwrap();
        println!("{window:?}: {found:?}");
        let (damp, broad) = (found.q_damp_inv_angstrom, found.q_broad_inv_angstrom);
        // What the width in proportion to Q does at Qmax is no Gaussian in r: 1 % of Qdamp, 3 % of Qbroad.
        assert!((damp.value / CONSTANT - 1.0).abs() < 0.01 && damp.sigma < 0.005, "{damp:?}");
        let expected = RELATIVE / (2.0 * 0.0055_f64).sqrt();
        assert!((broad.value / expected - 1.0).abs() < 0.05, "{broad:?}, {expected}");
        // Spreading in proportion to Q moves peaks by some (p)² = 2e-6 of r: 1e-5 measured.
        assert!((found.cell.value * 3.524_15 / 3.5238 - 1.0).abs() < 2e-5, "{:?}", found.cell);
        assert!((found.scale.value / 0.8 - 1.0).abs() < 0.005, "{:?}", found.scale);
        assert!((found.u_iso_angstrom2[0].1.value / 0.0055 - 1.0).abs() < 0.02);
    }
}

/// Curves of diffpy.srreal with Qdamp = 0.02 Å⁻¹.
#[test]
fn the_damping_of_diffpy_comes_back() {
    for (name, a, atoms) in [
        ("Ni", 3.523_87, vec![("Ni", 0.0, 0.004, 0.0055)]),
        ("Si", 5.431_02, vec![("Si", 0.0, 0.004, 0.006), ("Si", 0.25, 0.004, 0.006)]),
        (
            "CeO2",
            5.4113,
            vec![("Ce", 0.0, 0.004, 0.0035), ("O", 0.25, 0.006, 0.0075), ("O", 0.75, 0.006, 0.0075)],
        ),
    ] {
        let Some(path) = data(&format!("crystal_pdf/{name}.txt")) else { return };
        let text = std::fs::read_to_string(path).unwrap();
        let rows: Vec<Vec<f64>> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().map(|field| field.parse().unwrap()).collect())
            .collect();
        let measured = MeasuredPdf {
            r: rows.iter().map(|row| row[0]).collect(),
            g: rows.iter().map(|row| row[1]).collect(),
            q_max: 25.0,
            window: Window::None,
        };
        let sites: Vec<(&str, f64, f64)> = atoms.iter().map(|(e, x, u, _)| (*e, *x, *u)).collect();
        let calibrant = cubic(name, a, &sites, "{constant_inv_angstrom: 0.0}");
        let found = fit(&measured, &calibrant, FitRange { from: 1.5, to: 28.0 }).unwrap();
        println!("{name}: {found:?}");
        // Its transform cuts what lies beyond its own range, and with it rings at Qmax: 0.5 % of G (tests/crystal_pdf.rs).
        assert!((found.q_damp_inv_angstrom.value / 0.02 - 1.0).abs() < 0.02, "{name} {found:?}");
        assert!(found.q_broad_inv_angstrom.value < 0.01 && found.r_w < 0.03, "{name} {found:?}");
        assert!((found.cell.value - 1.0).abs() < 2e-5);
        for ((element, u), (_, _, _, truth)) in found.u_iso_angstrom2.iter().zip(
            atoms.iter().enumerate().filter(|(i, atom)| *i == 0 || atoms[i - 1].0 != atom.0).map(|(_, a)| a),
        ) {
            assert!((u.value / truth - 1.0).abs() < 0.05, "{name} {element}: {u:?} {truth}");
        }
        // Another calibrant, or r in other units: the cell ends at its bound, which is no least.
        let stretched = MeasuredPdf { r: measured.r.iter().map(|r| 1.04 * r).collect(), ..measured };
        let error = fit(&stretched, &calibrant, FitRange { from: 1.6, to: 28.0 }).unwrap_err().to_string();
        assert!(error.contains("does not settle"), "{name}: {error}");
    }
}

#[test]
fn what_cannot_be_fitted_is_said() {
    let nickel = Crystal::named("Ni").unwrap();
    let r: Vec<f64> = (0..2000).map(|i| 0.01 * f64::from(i)).collect();
    let g = r.iter().map(|r| r.sin()).collect();
    let measured = MeasuredPdf { g, r, q_max: 24.0, window: Window::None };
    let range = FitRange { from: 2.0, to: 18.0 };
    let message = |measured: &MeasuredPdf, range| fit(measured, &nickel, range).unwrap_err().to_string();
    assert!(message(&measured, FitRange { from: 2.0, to: 30.0 }).contains("inside the data"));
    assert!(message(&MeasuredPdf { q_max: f64::NAN, ..measured.clone() }, range).contains("Qmax"));
    let late = MeasuredPdf { r: measured.r[500..].to_vec(), g: measured.g.clone(), ..measured.clone() };
    assert!(message(&late, range).contains("values of G"));
    let late = MeasuredPdf { g: measured.g[500..].to_vec(), ..late };
    assert!(message(&late, range).contains("inside the data"));
    let falling: Vec<f64> = measured.r.iter().rev().copied().collect();
    assert!(message(&MeasuredPdf { r: falling, ..measured.clone() }, range).contains("r axis"));
    assert!(message(&MeasuredPdf { g: vec![0.0; 2000], ..measured.clone() }, range).contains("0 at all r"));
    let broken = MeasuredPdf { g: vec![f64::NAN; 2000], ..measured };
    assert!(message(&broken, range).contains("not finite"));
}
