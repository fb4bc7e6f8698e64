//! halor: from diffraction halos to r.
//!
//! The modules stand in the order of the data flow. A frame of counts becomes a [`integrate::Pattern`] I(Q),
//! a [`structure::StructureFactor`] S(Q), a [`pdf::Pdf`] G(r) and a [`peaks::PeakTable`]; `pipeline` is the map
//! of the whole way. Physics is put into plans in f64, once for a geometry; engines only multiply.
//!
//! Units inside the code: Å, Å⁻¹, rad, keV, and metres for detector lengths (as PONI files have them).
//! Equation numbers such as \[E4\] refer to `docs/physics.md`.

pub mod units;
pub mod grid;
pub mod stats;
mod quadrature;
pub mod simd;
pub mod config;
pub mod frame;
pub mod geometry;
pub mod correct;
pub mod integrate;
pub mod engine;
mod text_file;
pub mod pattern_file;
pub mod scattering;
pub mod structure;
pub mod pdf;
pub mod peaks;
pub mod anisotropy;
pub mod series;
pub mod quality;
pub mod systematic;
pub mod reduce;
pub mod low_r;
pub mod pdfgetx3;
pub mod tune;
pub mod pipeline;
pub mod batch;
pub mod bench;
pub mod doctor;
pub mod start;
pub mod watch;
pub mod simulate;
pub mod resolution;
pub mod output;
pub mod compare;
pub mod report;
