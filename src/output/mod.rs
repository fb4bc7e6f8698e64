//! What a run leaves behind: text patterns, tables, pictures, `run.json`; each written to a temporary name and renamed.

mod again;
mod atomic;
mod cake;
mod calibration;
mod names;
mod npy;
mod number;
mod pdf_header;
mod peaks_csv;
mod record;
mod text;
mod together;

pub use atomic::{Existing, OutputError, make_folder, write_file, write_through};
pub use cake::cake_npz;
pub use calibration::calibration_json;
pub use names::{Names, frame_names};
pub use npy::npy_square;
pub use peaks_csv::{PeakRow, peaks_csv};
pub use record::{
    FrameRecord, InputRecord, Ledger, Redone, RunRecord, SampleLowRFit, SampleQuality, Status, Timings,
};
pub use text::{Header, fq, gr, iq, rdf, sq, weights_csv, xye};
pub use together::Together;
