//! Incoherent scattering functions S(x, Z) of Hubbell et al. (1975); the table and its errors: `calibration/scattering/SOURCES.md`.

use std::sync::OnceLock;

use super::ScatteringError;
use super::element::SYMBOLS;

const TABLE: &str = include_str!("../../calibration/scattering/incoherent.csv");

/// x of the rows, and for each element S and dS/dx there.
struct Table {
    x: Vec<f64>,
    elements: Vec<Vec<[f64; 2]>>,
}

/// S(x, Z) in electrons: what an atom of atomic number `z` scatters incoherently, relative to one free electron
/// (without Klein–Nishina), at x = sin θ/λ in Å⁻¹. It rises from 0 at x = 0 to Z.
///
/// Hubbell et al., J. Phys. Chem. Ref. Data 4, 471 (1975).
///
/// # Errors
/// Z outside 1…98, or x outside 0…20 Å⁻¹.
pub fn incoherent_scattering(z: usize, x: f64) -> Result<f64, ScatteringError> {
    let table = table()?;
    let rows = z.checked_sub(1).and_then(|index| table.elements.get(index)).ok_or_else(|| {
        ScatteringError::NotTabulated { element: format!("Z = {z}"), table: "incoherent scattering" }
    })?;
    let last = table.x.len() - 1;
    if !(x >= 0.0 && x <= table.x[last]) {
        let four_pi = 4.0 * std::f64::consts::PI;
        return Err(ScatteringError::MomentumTransfer { q: four_pi * x, limit: four_pi * table.x[last] });
    }
    let upper = table.x.partition_point(|known| *known <= x).clamp(1, last);
    let ([s0, slope0], [s1, slope1]) = (rows[upper - 1], rows[upper]);
    let width = table.x[upper] - table.x[upper - 1];
    let u = (x - table.x[upper - 1]) / width;
    // Cubic with the given values and slopes at both ends.
    let rise = s1 - s0;
    let (a, b) = (slope0 * width - rise, rise - slope1 * width);
    Ok(s0 + u * rise + u * (1.0 - u) * ((1.0 - u) * a + u * b))
}

fn table() -> Result<&'static Table, ScatteringError> {
    static READ: OnceLock<Result<Table, String>> = OnceLock::new();
    READ.get_or_init(|| read(TABLE)).as_ref().map_err(|reason| ScatteringError::Tables(reason.clone()))
}

fn read(text: &str) -> Result<Table, String> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').skip(1).collect();
    if names != SYMBOLS {
        return Err("incoherent.csv: the columns are not H to Cf".to_string());
    }
    let mut x = Vec::new();
    let mut columns = vec![Vec::new(); names.len()];
    for line in lines {
        let numbers = line
            .split(',')
            .map(|field| field.parse::<f64>().map_err(|e| format!("incoherent.csv: `{field}`: {e}")))
            .collect::<Result<Vec<f64>, String>>()?;
        if numbers.len() != names.len() + 1 {
            return Err(format!("incoherent.csv: a row has {} numbers", numbers.len()));
        }
        x.push(numbers[0]);
        for (column, value) in columns.iter_mut().zip(&numbers[1..]) {
            column.push(*value);
        }
    }
    if x.len() < 3 {
        return Err("incoherent.csv: fewer than three rows".to_string());
    }
    let elements = columns.iter().map(|s| with_slopes(&x, s)).collect();
    Ok(Table { x, elements })
}

/// Slopes that keep a cubic monotone between its points (Steffen, Astron. Astrophys. 239, 443 (1990)); 0 at both ends,
/// as S ∝ x² at small x and is constant at large x.
fn with_slopes(x: &[f64], s: &[f64]) -> Vec<[f64; 2]> {
    let secant = |i: usize| (s[i + 1] - s[i]) / (x[i + 1] - x[i]);
    let slope = |i: usize| {
        if i == 0 || i + 1 == x.len() {
            return 0.0;
        }
        let (left, right) = (secant(i - 1), secant(i));
        let (h0, h1) = (x[i] - x[i - 1], x[i + 1] - x[i]);
        let parabola = (left * h1 + right * h0) / (h0 + h1);
        (left.signum() + right.signum()) * left.abs().min(right.abs()).min(0.5 * parabola.abs())
    };
    (0..x.len()).map(|i| [s[i], slope(i)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rises_from_zero_to_z() {
        for z in 1..=98 {
            assert_eq!(incoherent_scattering(z, 0.0).unwrap(), 0.0);
            let mut before = 0.0;
            for step in 1..=600 {
                let now = incoherent_scattering(z, 0.01 * f64::from(step)).unwrap();
                assert!(now >= before && now <= z as f64 + 1e-3, "Z = {z}, x = {}", 0.01 * f64::from(step));
                before = now;
            }
            // At x = 20 Å⁻¹ all but the innermost of Cf's electrons scatter as free ones.
            let end = incoherent_scattering(z, 20.0).unwrap();
            assert!((end / z as f64 - 1.0).abs() < 0.015, "Z = {z}: {end}");
        }
        assert!(incoherent_scattering(0, 1.0).is_err() && incoherent_scattering(99, 1.0).is_err());
        assert!(incoherent_scattering(8, -0.1).is_err() && incoherent_scattering(8, f64::NAN).is_err());
    }

    #[test]
    fn it_is_the_published_table() {
        // The 1975 table in the transcription of other hands, three digits: 0.5 of the last digit, 0.1 at most.
        for (z, x, published, digit) in [
            (40, 0.02, 0.322, 1e-3),
            (40, 0.09, 3.63, 1e-2),
            (40, 0.5, 16.7, 0.1),
            (8, 0.1, 0.977, 1e-3),
            (8, 2.0, 7.76, 1e-2),
            (58, 1.0, 33.1, 0.1),
            (29, 1.5, 23.1, 0.1),
        ] {
            let found = incoherent_scattering(z, x).unwrap();
            assert!((found - published).abs() <= 0.51 * digit, "Z = {z}, x = {x}: {found}, not {published}");
        }
        // Between the rows: xraylib's own spline through the full grid of the table, within 1e-3 of Z.
        for (z, x, spline) in SPLINE {
            let found = incoherent_scattering(z, x).unwrap();
            assert!((found - spline).abs() <= 1e-3 * z as f64, "Z = {z}, x = {x}: {found}, not {spline}");
        }
    }

    /// Hajdu's analytic fit (Acta Cryst. A 28, 250 (1972)) for Fe is another calculation: within 1.5 % of S.
    #[test]
    fn an_independent_calculation_agrees() {
        for (x, hajdu) in
            [(0.2, 5.820), (0.3, 8.351), (0.5, 12.733), (0.8, 16.746), (1.0, 18.427), (1.5, 21.374)]
        {
            let found = incoherent_scattering(26, x).unwrap();
            assert!((found / hajdu - 1.0).abs() < 0.015, "x = {x}: {found}, Hajdu {hajdu}");
        }
    }

    const SPLINE: [(usize, f64, f64); 25] = [
        (3, 0.0125, 0.0410),
        (3, 0.132, 1.1960),
        (3, 0.43, 2.2333),
        (3, 1.83, 2.9964),
        (3, 5.5, 3.0000),
        (13, 0.0125, 0.0607),
        (13, 0.132, 2.9937),
        (13, 0.43, 6.7751),
        (13, 1.83, 11.9386),
        (13, 5.5, 12.9740),
        (40, 0.0125, 0.1289),
        (40, 0.132, 5.3345),
        (40, 0.43, 14.9728),
        (40, 1.83, 31.6521),
        (40, 5.5, 38.4965),
        (58, 0.0125, 0.1797),
        (58, 0.132, 6.6903),
        (58, 0.43, 19.6910),
        (58, 1.83, 42.8872),
        (58, 5.5, 54.7210),
        (92, 0.0125, 0.2043),
        (92, 0.132, 7.9440),
        (92, 0.43, 24.4632),
        (92, 1.83, 59.5853),
        (92, 5.5, 83.1575),
    ];
}
