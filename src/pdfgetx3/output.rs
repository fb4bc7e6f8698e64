//! Outputs in its layout: the effective configuration, then two columns.

use std::fmt::Write;

use super::{OutputType, PdfGetX3Config};
use crate::pattern_file::Axis;

/// One output file; numbers have as many digits as it takes to read the same ones again.
pub fn output_text(config: &PdfGetX3Config, input: &str, kind: OutputType, x: &[f64], y: &[f64]) -> String {
    let dataformat = match config.dataformat {
        Some(Axis::TwoThetaDeg | Axis::TwoThetaRad) => "twotheta",
        Some(Axis::QInvNm) => "Qnm",
        Some(Axis::QInvAngstrom) | None => "QA",
    };
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let version = format!("halor {} as PDFgetX3", env!("CARGO_PKG_VERSION"));
    let files = [
        ("dataformat", dataformat.to_owned()),
        ("inputfile", input.to_owned()),
        ("backgroundfile", config.backgroundfile.clone().unwrap_or_default()),
        ("outputtype", kind.name().to_owned()),
    ];
    let setup = [
        ("mode", "xray".to_owned()),
        ("wavelength", number(config.wavelength)),
        ("twothetazero", config.twothetazero.to_string()),
        ("composition", config.composition.clone().unwrap_or_default()),
        ("bgscale", config.bgscale.to_string()),
        ("rpoly", config.rpoly.to_string()),
        ("qmaxinst", number(config.qmaxinst)),
        ("qmin", config.qmin.to_string()),
        ("qmax", number(config.qmax)),
        ("rmin", config.rmin.to_string()),
        ("rmax", config.rmax.to_string()),
        ("rstep", config.rstep.to_string()),
    ];
    let block = |entries: &[(&str, String)]| -> String {
        entries.iter().map(|(key, value)| format!("{}\n", format!("{key} = {value}").trim_end())).collect()
    };
    let labels = match kind {
        OutputType::Iq => "Q(Å$^{-1}$)  I(a.u.)",
        OutputType::Sq => "Q(Å$^{-1}$)  S(1)",
        OutputType::Fq => "Q(Å$^{-1}$)  F(Å$^{-1}$)",
        OutputType::Gr => "r(Å)  G(Å$^{-2}$)",
    };
    let mut text = format!(
        "[DEFAULT]\n\nversion = {version}\n\n# input and output specifications\n{}\n# PDF calculation setup\n{}\n\
         # End of config {}\n\n#### start data\n#S 1\n#L {labels}\n",
        block(&files),
        block(&setup),
        "-".repeat(62)
    );
    for (x, y) in x.iter().zip(y) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{x} {y}");
    }
    text
}
