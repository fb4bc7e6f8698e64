//! What a run leaves behind: text patterns, tables, pictures, `run.json`; each written to a temporary name and renamed.

mod again;
mod anisotropy;
mod atomic;
mod cake;
mod calibration;
mod exchange;
mod names;
mod nexus;
mod npy;
mod number;
mod pdf_header;
mod peaks_csv;
mod record;
mod series;
mod table;
mod text;
mod together;

pub use anisotropy::{cake_csv, harmonics_of_q_csv, harmonics_of_r_csv, sectors_csv};
pub use atomic::{Existing, OutputError, make_folder, write_file, write_through};
pub use cake::cake_npz;
pub use calibration::calibration_json;
pub use exchange::{chi, fxye};
pub use names::{Names, frame_names};
pub use nexus::{NexusFile, NexusImage, NexusRun, NexusTables, RegionOfImage};
pub use npy::npy_square;
pub use peaks_csv::{PeakRow, peaks_csv};
pub use record::{
    FrameRecord, InputRecord, Ledger, Redone, RunRecord, SampleLowRFit, SampleQuality, Status, Timings,
};
pub use series::{
    DifferenceRow, curve_difference_csv, curve_pair_csv, differences_csv, drift_csv, frames_csv, series_csv,
    sub_peaks_csv, trends_csv,
};
pub use table::{Cell, Table};
pub use text::{Header, fq, gr, iq, rdf, sq, weights_csv, xye};
pub use together::Together;
