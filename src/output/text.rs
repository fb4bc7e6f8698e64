//! One-dimensional results as text.
//!
//! `.xye` has `#` comments and three columns. `.iq .sq .fq .gr` have the layout of PDFgetX3's outputs, an INI header that
//! ends at `#### start data`, so that PDFgui and diffpy find composition, qmax and the data.

use std::fmt::Write;

use super::number::{push_exponent, push_fixed};
use crate::integrate::{Pattern, RadialUnit};
use crate::pdf::Pdf;
use crate::structure::StructureFactor;

/// What stands at the head of every output of a run: `key = value` pairs in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Header {
    /// Key and value, each on one line.
    pub entries: Vec<(String, String)>,
}

impl Header {
    /// This header with another value where the key is there already, else with one more line.
    pub fn replacing(&self, key: &str, value: impl std::fmt::Display) -> Header {
        let mut header = self.clone();
        match header.entries.iter_mut().find(|(known, _)| known == key) {
            Some(entry) => entry.1 = value.to_string(),
            None => header = header.with(key, value),
        }
        header
    }

    /// This header with one more line.
    pub fn with(&self, key: &str, value: impl std::fmt::Display) -> Header {
        let mut header = self.clone();
        header.entries.push((key.to_owned(), value.to_string().replace(['\n', '\r'], " ")));
        header
    }
}

/// The measured pattern: radial axis, I, σ. Empty bins are left out, and the header counts them.
pub fn xye(header: &Header, pattern: &Pattern) -> String {
    let axis = match pattern.unit {
        RadialUnit::QInvAngstrom => "Q_inv_angstrom",
        RadialUnit::TwoThetaDeg => "two_theta_deg",
        RadialUnit::DAngstrom => "d_angstrom",
    };
    const ROW: usize = 48;
    let empty = pattern.intensity.iter().filter(|i| !i.is_finite()).count();
    let mut text = String::with_capacity(2048 + ROW * pattern.radial.len());
    for (key, value) in &header.with("empty_bins_left_out", empty).entries {
        line(&mut text, format_args!("# {key} = {value}"));
    }
    line(&mut text, format_args!("# {axis} intensity sigma"));
    for (i, &radial) in pattern.radial.iter().enumerate() {
        if pattern.intensity[i].is_finite() {
            let (intensity, sigma) = (pattern.intensity[i], pattern.sigma[i]);
            push_fixed(&mut text, radial, 7);
            text.push(' ');
            push_exponent(&mut text, intensity, 9);
            text.push(' ');
            push_exponent(&mut text, sigma, 6);
            text.push('\n');
        }
    }
    text
}

/// I(Q) with the background subtracted: Q, I, σ, the I that an unpolarized constant makes per unit, and the σ that sums over
/// points take \[E4a\].
pub fn iq(header: &Header, pattern: &Pattern) -> String {
    let Pattern { radial, intensity, sigma, unpolarized, sigma_as_independent, .. } = pattern;
    let row = |i: usize| [radial[i], intensity[i], sigma[i], unpolarized[i], sigma_as_independent[i]];
    let labels = "Q(Å$^{-1}$)  I(Q)  sigma  unpolarized  sigma_as_independent";
    columns(header, labels, (0..radial.len()).map(row))
}

/// S(Q): Q, S, σ.
pub fn sq(header: &Header, structure: &StructureFactor) -> String {
    let rows = structure.q.iter().zip(&structure.s).zip(&structure.sigma);
    columns(header, "Q(Å$^{-1}$)  S(Q)  sigma", rows.map(|((q, s), e)| [*q, *s, *e]))
}

/// F(Q) as it is transformed: Q, F, σ.
pub fn fq(header: &Header, structure: &StructureFactor) -> String {
    let rows = structure.q.iter().zip(&structure.f).zip(&structure.f_sigma);
    columns(header, "Q(Å$^{-1}$)  F(Å$^{-1}$)  sigma", rows.map(|((q, f), e)| [*q, *f, *e]))
}

/// G(r): r, G, dr = 0, dG, the four columns that PDFgui takes; and its σ from the choices of the analysis, where that is known.
pub fn gr(header: &Header, pdf: &Pdf, systematic: Option<&[f64]>) -> String {
    const LABELS: &str = "r(Å)  G(Å$^{-2}$)  dr(Å)  dG(Å$^{-2}$)";
    let rows = pdf.r.iter().zip(&pdf.g).zip(&pdf.sigma);
    match systematic {
        None => columns(header, LABELS, rows.map(|((r, g), e)| [*r, *g, 0.0, *e])),
        Some(systematic) => {
            let rows = rows.zip(systematic).map(|(((r, g), e), s)| [*r, *g, 0.0, *e, *s]);
            columns(header, &format!("{LABELS}  dG_syst(Å$^{{-2}}$)"), rows)
        }
    }
}

/// g, R and T with their σ from the same G: g = 1 + G/(4πρ0r), R = rG + 4πρ0r², T = R/r \[E11b\]; r = 0 is left out.
pub fn rdf(header: &Header, pdf: &Pdf, density: f64) -> String {
    let slope = 4.0 * std::f64::consts::PI * density;
    let rows = pdf.r.iter().zip(&pdf.g).zip(&pdf.sigma).filter(|((r, _), _)| **r > 0.0);
    let row = |((&r, &g), &sigma): ((&f64, &f64), &f64)| {
        let t = g + slope * r;
        [r, 1.0 + g / (slope * r), sigma / (slope * r), r * t, r * sigma, t, sigma]
    };
    columns(header, "r(Å)  g(1)  dg(1)  R(Å$^{-1}$)  dR(Å$^{-1}$)  T(Å$^{-2}$)  dT(Å$^{-2}$)", rows.map(row))
}

/// Rows with a value that is not finite (empty bins) are left out.
fn columns<const N: usize>(header: &Header, labels: &str, rows: impl Iterator<Item = [f64; N]>) -> String {
    let mut text = String::from("[DEFAULT]\n\n");
    for (key, value) in &header.entries {
        line(&mut text, format_args!("{key} = {value}"));
    }
    line(&mut text, format_args!("\n# End of config {}\n", "-".repeat(62)));
    line(&mut text, format_args!("#### start data\n#S 1\n#L {labels}"));
    for row in rows.filter(|row| row.iter().all(|v| v.is_finite())) {
        let mut separator = "";
        for value in row {
            text.push_str(separator);
            push_fixed(&mut text, value, 12);
            separator = " ";
        }
        text.push('\n');
    }
    text
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{content}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gr_file_has_what_pdfgui_looks_for() {
        let header =
            Header::default().with("composition", "Zr1").with("qmax", 22.0).with("note", "two\nlines");
        let text = gr(&header, &Pdf { r: vec![0.0, 0.01], g: vec![0.0, -0.5], sigma: vec![0.0, 0.1] }, None);
        assert!(text.contains("\nqmax = 22\n") && text.contains("\nnote = two lines\n"), "{text}");
        let data: Vec<&str> = text.split("#### start data\n").nth(1).unwrap().lines().collect();
        assert_eq!(data[2].split(' ').count(), 4);
        assert!(data[3].starts_with("0.010000000000 -0.500000000000 "), "{}", data[3]);
    }

    #[test]
    fn empty_bins_are_left_out_and_counted() {
        let pattern = Pattern {
            unit: RadialUnit::TwoThetaDeg,
            radial: vec![1.0, 2.0, 3.0],
            intensity: vec![5.0, f64::NAN, 7.0],
            sigma: vec![0.1, f64::NAN, 0.2],
            sigma_as_independent: vec![0.1, f64::NAN, 0.2],
            unpolarized: vec![1.0; 3],
        };
        let text = xye(&Header::default(), &pattern);
        assert!(
            text.contains("# empty_bins_left_out = 1\n# two_theta_deg intensity sigma\n1.0000000 5.0"),
            "{text}"
        );
        assert_eq!(text.lines().filter(|l| !l.starts_with('#')).count(), 2);
    }
}
