//! One test binary: laws on every engine, and agreement with independent numbers.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::print_stdout)]

mod common;
mod readers;
mod bad_files;
mod hdf5;
mod nexus;
mod geometry_pyfai;
mod integrate_pyfai;
mod engines;
mod filters;
mod gpu;
mod pdfgetx3;
mod pdf_command;
mod simulate_pyfai;
mod crystal_pdf;
mod resolution;
mod scattering;
mod truth;
mod tune;
mod anisotropy;
mod series;
mod schema;
mod twin;
mod uncertainty;
mod validation;
mod multiple_scattering;
mod outputs;
mod report;
mod run_file;
mod real_frames;
mod calibration;
#[path = "campaigns/camera.rs"]
mod camera;
mod calibration_joint;
mod container;
mod command_line;
mod journal;
mod watch;
mod start;
mod bench;
