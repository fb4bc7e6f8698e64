//! Outputs mean what their headers say.

use std::path::Path;

use halor::batch::{RunOptions, run};
use halor::config::{DemoDetector, demo_twin, load};
use halor::output::Existing;
use halor::scattering::{Composition, FreeAtoms, klein_nishina};
use halor::units::two_theta_rad;

/// Header and rows of an output in PDFgetX3's layout.
fn read(path: &Path) -> (String, Vec<Vec<f64>>) {
    let text = std::fs::read_to_string(path).unwrap();
    let (header, data) = text.split_once("#### start data\n").unwrap();
    let rows = data.lines().filter(|line| !line.starts_with('#'));
    let numbers = |line: &str| line.split(' ').map(|v| v.parse().unwrap()).collect();
    (header.to_owned(), rows.map(numbers).collect())
}

fn entry<'a>(header: &'a str, key: &str) -> &'a str {
    let line = header.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    line.unwrap_or_else(|| panic!("no `{key}` in {header}"))
}

/// \[E9\] with α and m of the header, and c of the .iq, takes the .iq to the .sq, and α is that of the simulated beam.
#[test]
fn scale_and_constant_lead_from_intensity_to_structure() {
    let dir = tempfile::tempdir().unwrap();
    let twin = demo_twin(DemoDetector::Pilatus300k, dir.path(), &[]).unwrap().twin;
    let written = twin.write(Existing::Keep).unwrap();
    let loaded = load(written.run_files.last().unwrap(), &["pdf.r_poly_angstrom=off".to_owned()]).unwrap();
    run(&loaded, RunOptions { existing: Existing::Keep }, &|_| {}).unwrap();
    let output = |extension: &str| read(&loaded.config.output.join(format!("as-cast/as-cast.{extension}")));
    let (header, structure) = output("sq");
    let (_, intensity) = output("iq");
    assert_eq!(entry(&header, "rpoly"), "off");
    assert_eq!(entry(&header, "constant"), "fitted with the scale");
    assert_eq!(entry(&header, "below_qmin"), "S = a + b Q^2 + c Q^4");
    let number = |key: &str| entry(&header, key).parse::<f64>().unwrap();
    let (scale, constant) = (number("electron_units_per_intensity"), number("constant_electron_units"));
    // Counting on a tenth of a detector leaves 0.15 % where a constant is fitted with the scale.
    assert!((scale * twin.counts_per_eu_s - 1.0).abs() < 0.01, "{scale}");

    let q: Vec<f64> = intensity.iter().map(|row| row[0]).collect();
    let energy = twin.energy_kev();
    let atoms =
        FreeAtoms::new(&Composition::parse(entry(&header, "composition")).unwrap(), energy, &q).unwrap();
    let wavelength = twin.geometry().poni.wavelength_angstrom;
    let mut compared = 0;
    for (i, row) in intensity.iter().enumerate() {
        let Some(found) = structure.iter().find(|found| (found[0] - row[0]).abs() < 1e-9) else { continue };
        let compton = atoms.compton[i] * klein_nishina(two_theta_rad(q[i], wavelength), energy);
        let laue = atoms.mean_square_f[i] - atoms.mean_f_squared[i];
        let s = (scale * row[1] - constant * row[3] - compton - laue) / atoms.mean_f_squared[i];
        // Twelve digits after the point in both files; the header has all digits.
        assert!((s - found[1]).abs() < 1e-9, "Q = {}: {s}, {}", q[i], found[1]);
        compared += 1;
    }
    assert!(compared > 900, "{compared}");
}
