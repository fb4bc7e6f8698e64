//! Files of PDFgetX3: its .cfg files and the headers of its outputs, which are configurations themselves, read and written.
//!
//! Its algorithm is in `structure::pdfgetx3`.

mod config;
mod ini;
mod output;

pub use config::{OutputType, PdfGetX3Config};
pub use ini::{PdfGetX3Error, is_config};
pub use output::output_text;
