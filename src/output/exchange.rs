//! Patterns as GSAS and Fit2D read them.

use std::f64::consts::PI;
use std::fmt::Write;

use crate::integrate::{Pattern, RadialUnit};
use crate::output::Header;

/// The first line of both: where the pattern is from.
fn title(header: &Header) -> String {
    let of = |key| header.get(key).unwrap_or_default();
    let frame = header.get("frame").map(|frame| format!(", frame {frame}")).unwrap_or_default();
    // 80 characters are what both programs keep.
    format!("{}{frame}, {}, {}", of("sample"), of("sector"), of("version")).chars().take(80).collect()
}

/// GSAS's FXYE: 2θ in hundredths of a degree, I, σ; empty bins are left out. `wavelength_angstrom` turns Q and d into 2θ; points
/// that it cannot reach are left out too.
pub fn fxye(header: &Header, pattern: &Pattern, wavelength_angstrom: f64) -> String {
    let two_theta_deg = |x: f64| match pattern.unit {
        RadialUnit::TwoThetaDeg => x,
        RadialUnit::QInvAngstrom => 2.0 * (x * wavelength_angstrom / (4.0 * PI)).asin().to_degrees(),
        RadialUnit::DAngstrom => 2.0 * (wavelength_angstrom / (2.0 * x)).asin().to_degrees(),
    };
    let points = pattern.radial.iter().zip(&pattern.intensity).zip(&pattern.sigma);
    let mut rows: Vec<[f64; 3]> = points
        .map(|((x, intensity), sigma)| [100.0 * two_theta_deg(*x), *intensity, *sigma])
        .filter(|row| row.iter().all(|value| value.is_finite()))
        .collect();
    // d falls as 2θ grows.
    rows.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let start = rows.first().map_or(0.0, |row| row[0]);
    let span = rows.last().map_or(0.0, |row| row[0]) - start;
    let step = span / (rows.len().max(2) - 1) as f64;
    let mut text = format!("{:<80}\n", title(header));
    let _ = writeln!(text, "BANK 1 {0} {0} CONS {start:.4} {step:.6} 0 0 FXYE", rows.len());
    for [x, intensity, sigma] in rows {
        let _ = writeln!(text, "{x:14.6} {} {}", exponent(intensity), exponent(sigma));
    }
    text
}

/// Fit2D's .chi: four lines, then the radial axis and I; empty bins are left out.
pub fn chi(header: &Header, pattern: &Pattern) -> String {
    let axis = match pattern.unit {
        RadialUnit::QInvAngstrom => "Q (inverse Angstroms)",
        RadialUnit::TwoThetaDeg => "2-Theta Angle (Degrees)",
        RadialUnit::DAngstrom => "D-spacing (Angstroms)",
    };
    let points = pattern.radial.iter().zip(&pattern.intensity);
    let rows: Vec<(f64, f64)> = points
        .filter(|(_, intensity)| intensity.is_finite())
        .map(|(x, intensity)| (*x, *intensity))
        .collect();
    let mut text = format!("{}\n{axis}\nIntensity\n{:8}\n", title(header), rows.len());
    for (x, intensity) in rows {
        let _ = writeln!(text, "{} {}", exponent(x), exponent(intensity));
    }
    text
}

/// C's `%15.7E`: two digits of the exponent at least, with its sign.
fn exponent(value: f64) -> String {
    let text = format!("{value:.7e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let sign = if power < 0 { '-' } else { '+' };
    format!("{:>15}", format!("{digits}E{sign}{:02}", power.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(unit: RadialUnit, radial: &[f64]) -> Pattern {
        let n = radial.len();
        Pattern {
            unit,
            radial: radial.to_vec(),
            intensity: (0..n).map(|k| if k == 1 { f64::NAN } else { 1234.5678 * (k + 1) as f64 }).collect(),
            sigma: vec![0.5; n],
            sigma_as_independent: vec![0.5; n],
            unpolarized: vec![1.0; n],
        }
    }

    #[test]
    fn numbers_have_the_form_of_c() {
        assert_eq!(exponent(1234.5678), "  1.2345678E+03");
        assert_eq!(exponent(-1.5e-12), " -1.5000000E-12");
        assert_eq!(exponent(0.0), "  0.0000000E+00");
        assert_eq!(exponent(1e100), " 1.0000000E+100");
    }

    #[test]
    fn gsas_gets_two_theta_in_hundredths_of_a_degree_from_every_axis() {
        let wavelength = 0.2;
        // 2θ = 4, 6, 8° as Q and as d.
        let theta = [2.0_f64, 3.0, 4.0].map(f64::to_radians);
        let q = theta.map(|theta| 4.0 * PI * theta.sin() / wavelength);
        // d rises in a pattern, so that 8° comes first.
        let mut d = theta.map(|theta| wavelength / (2.0 * theta.sin()));
        d.reverse();
        for (unit, axis, first) in [
            (RadialUnit::TwoThetaDeg, [4.0, 6.0, 8.0], 1234.5678),
            (RadialUnit::QInvAngstrom, q, 1234.5678),
            (RadialUnit::DAngstrom, d, 3.0 * 1234.5678),
        ] {
            let text = fxye(&Header::default(), &pattern(unit, &axis), wavelength);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines[1], "BANK 1 2 2 CONS 400.0000 400.000000 0 0 FXYE", "{unit:?}");
            let rows: Vec<Vec<f64>> = lines[2..]
                .iter()
                .map(|line| line.split_whitespace().map(|value| value.parse().unwrap()).collect())
                .collect();
            assert_eq!((rows.len(), rows[0].len()), (2, 3));
            assert!((rows[0][0] - 400.0).abs() < 1e-6 && (rows[1][0] - 800.0).abs() < 1e-6, "{rows:?}");
            assert!((rows[0][1] - first).abs() < 1e-4 * first, "{rows:?}");
        }
    }

    #[test]
    fn fit2d_has_four_lines_and_two_columns() {
        let header =
            Header::default().with("sample", "aged").with("sector", "ring").with("version", "halor 1");
        let text = chi(&header, &pattern(RadialUnit::QInvAngstrom, &[0.5, 1.0, 1.5]));
        let expected = "aged, ring, halor 1\nQ (inverse Angstroms)\nIntensity\n       2\n\
            \x20 5.0000000E-01   1.2345678E+03\n  1.5000000E+00   3.7037034E+03\n";
        assert_eq!(text, expected);
    }
}
