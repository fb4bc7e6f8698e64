//! What can be wrong with a geometry file or a detector's name.

use std::path::PathBuf;

use crate::frame::Shape;

/// Why there is no geometry.
#[derive(Debug, thiserror::Error)]
pub enum GeometryError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file can be read, but not as a geometry.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<GeometryError>,
    },
    /// A value that cannot be done without.
    #[error(
        "the geometry file has no `{key}`; a .poni file needs Distance, Poni1, Poni2, Rot1, Rot2 and Rot3"
    )]
    MissingKey {
        /// The key as .poni files spell it.
        key: &'static str,
    },
    /// A value that is not what its key needs.
    #[error("`{key}` of the geometry file is `{found}`; it must be {expected}")]
    BadValue {
        /// The key as .poni files spell it.
        key: &'static str,
        /// The text that stands there.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// The file asks for something that would be left out silently.
    #[error("the geometry file has {what}, which halor does not apply; {mend}")]
    NotApplied {
        /// What it asks for.
        what: String,
        /// What to do.
        mend: &'static str,
    },
    /// Neither the geometry file nor the run file gives the wavelength.
    #[error("the geometry file has no `Wavelength`; set `beam: {{energy_kev: …}}` in the run file")]
    NoWavelength,
    /// A displacement that the detector does not have.
    #[error(
        "`{name}: {px}` is no displacement of a detector of {modules} modules; there are `module 0 slow`, `module 0 fast` and \
         `module 0 turn`, to number {}, `radial`, `cos 2`, `sin 2`, `cos 3` and `sin 3`, in pixels",
        modules - 1
    )]
    UnknownDisplacement {
        /// What it is called.
        name: String,
        /// How far.
        px: f64,
        /// Modules of the detector.
        modules: usize,
    },
    /// No detector of this name.
    #[error(
        "no detector is called `{name}`; the nearest names are {}; or give `pixel_um` and `shape` instead of a name",
        nearest.join(", ")
    )]
    UnknownDetector {
        /// The name that was given.
        name: String,
        /// Names to choose from, nearest first.
        nearest: Vec<String>,
    },
    /// The detector was not sold with a sensor of this thickness.
    #[error("detector `{detector}` has no sensor of {found_um} µm; known are: {}", if sold.is_empty() { "none".to_owned() } else { sold.join(", ") })]
    UnknownSensor {
        /// The detector.
        detector: String,
        /// The thickness that was asked for.
        found_um: f64,
        /// Those that exist.
        sold: Vec<String>,
    },
    /// The pixel size belongs to another detector.
    #[error(
        "detector `{detector}` has pixels of {expected:?} m (slow, fast), the geometry file says {found:?} m; \
         correct the name or the pixel size"
    )]
    PixelSize {
        /// The detector.
        detector: String,
        /// As the file has it.
        found: [f64; 2],
        /// As the detector has it.
        expected: [f64; 2],
    },
    /// The shape belongs to another detector.
    #[error(
        "detector `{detector}` is {expected} pixels (rows × columns), the geometry file says {found}; correct the name or `max_shape`"
    )]
    DetectorShape {
        /// The detector.
        detector: String,
        /// As the file has it.
        found: Shape,
        /// As the detector has it.
        expected: Shape,
    },
    /// A detector that cannot be.
    #[error(
        "a detector of {shape} pixels (rows × columns) of {pixel_m:?} m is not possible; \
         it needs at least 1 and at most 2^28 pixels, and pixel sizes that are finite and above 0"
    )]
    ImpossibleDetector {
        /// Rows × columns.
        shape: Shape,
        /// Pixel size (slow, fast).
        pixel_m: [f64; 2],
    },
    /// A table of `calibration/detectors` is broken.
    #[error("the detector table {table} cannot be read: {reason}")]
    DetectorTable {
        /// Which one.
        table: &'static str,
        /// Why.
        reason: String,
    },
    /// d grows without limit towards the direct beam.
    #[error("the direct beam hits the detector, where d has no upper limit; set `range` under `integration`")]
    UnboundedD,
}
