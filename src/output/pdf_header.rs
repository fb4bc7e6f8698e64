//! What the files of S(Q) and G(r) say of how they were made.

use super::Header;
use crate::config::PdfSettings;
use crate::structure::{Fluorescence, Form, Iteration, LowQ, Normalization, StructureSettings};

impl Header {
    /// This header with composition, normalisation and transform.
    pub fn with_pdf(&self, pdf: &PdfSettings) -> Header {
        let header = self.with("composition", &pdf.composition);
        let header = match &pdf.structure {
            StructureSettings::Absolute(absolute) => {
                let header = header
                    .with("scale", "absolute: electron units per atom")
                    .with(
                        "structure_factor",
                        match absolute.form {
                            Form::FaberZiman => "Faber-Ziman",
                            Form::AshcroftLangreth => "Ashcroft-Langreth",
                            Form::Gsas2 => "GSAS-II",
                        },
                    )
                    .with("qmin", absolute.q_range[0])
                    .with("qmax", absolute.q_range[1])
                    .with(
                        "normalization",
                        match absolute.normalization {
                            Normalization::HighQ { q_min } => format!("high Q from {q_min}"),
                            Normalization::KroghMoe => "Krogh-Moe".to_owned(),
                            Normalization::LowR { r_max_angstrom } => format!("low r to {r_max_angstrom}"),
                        },
                    )
                    .with(
                        "constant",
                        match absolute.fluorescence {
                            Fluorescence::Fit => "fitted with the scale",
                            Fluorescence::None => "none",
                        },
                    )
                    .with(
                        "below_qmin",
                        match absolute.low_q {
                            LowQ::Quartic => "S = a + b Q^2 + c Q^4",
                            LowQ::Parabola => "S = a + b Q^2",
                            LowQ::Constant => "S = a",
                            LowQ::Zero => "F = 0",
                        },
                    );
                let header = match absolute.polynomial {
                    Some(polynomial) => header
                        .with("rpoly", polynomial.r_poly_angstrom)
                        .with("rhole", polynomial.r_hole_angstrom),
                    None => header.with("rpoly", "off"),
                };
                let header = match absolute.iteration {
                    Some(Iteration { r_max_angstrom, count }) => {
                        header.with("low_r_iterations", format_args!("{count} to {r_max_angstrom}"))
                    }
                    None => header,
                };
                match absolute.density_per_cubic_angstrom {
                    Some(density) => header.with("density_atoms_per_cubic_angstrom", density),
                    None => header,
                }
            }
            StructureSettings::PdfGetX3(x3) => header
                .with("scale", "relative: PDFgetX3")
                .with("qmin", x3.qmin)
                .with("qmax", x3.qmax)
                .with("qmaxinst", x3.qmaxinst)
                .with("rpoly", x3.rpoly),
        };
        let r = pdf.transform.r;
        header
            .with("window", format_args!("{:?}", pdf.transform.window))
            .with("rmin", r.start)
            .with("rmax", r.at(r.count.saturating_sub(1)))
            .with("rstep", r.step)
    }
}
