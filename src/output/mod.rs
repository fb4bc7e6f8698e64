//! What a run leaves behind: text patterns, tables, pictures, `run.json`; each written to a temporary name and renamed.

mod again;
mod anisotropy;
mod atomic;
mod cake;
mod calibration;
mod exchange;
pub mod faults;
mod lines;
mod names;
mod nexus;
mod npy;
mod number;
#[cfg(feature = "parquet")]
mod parquet;
mod pdf_header;
mod peaks_csv;
mod record;
mod series;
mod table;
mod tables;
mod text;
mod together;
mod weights;

pub use anisotropy::{cake_csv, harmonics_of_q_csv, harmonics_of_r_csv, sectors_csv};
pub use atomic::{
    Durability, Existing, OutputError, make_folder, remove_file, sweep, write_durably, write_file,
    write_through,
};
pub use cake::cake_npz;
pub use calibration::calibration_json;
pub use exchange::{chi, fxye};
pub use lines::Lines;
pub use names::{Names, frame_names};
pub use nexus::{NexusFile, NexusImage, NexusRun, NexusTables, RegionOfImage};
pub use npy::npy_square;
pub use peaks_csv::{PeakRow, peaks_csv};
pub use record::{
    FrameRecord, InputRecord, Ledger, Redone, RunRecord, RunTimes, SampleLowRFit, SampleQuality, Status,
    Timings,
};
pub use series::{
    DifferenceRow, columns_beside_readings, curve_difference_csv, curve_pair_csv, differences_csv, drift_csv,
    frames_csv, series_csv, sub_peaks_csv, trends_csv,
};
pub use table::{Cell, Table, TableError};
pub use tables::{table_files, write_table};
pub use text::{Header, fq, gr, iq, rdf, sq, xye};
pub use together::Together;
pub use weights::weights_csv;
