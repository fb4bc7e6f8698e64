//! What the tests share: where the reference data are, and how numpy archives are read.

pub mod json_schema;

use std::io::Cursor;
use std::path::PathBuf;

/// A file or folder of the reference data (`HALOR_TEST_DATA`, default `../shared/data`).
///
/// `None`, with a line that says so, where the data are not there; with `HALOR_REQUIRE_DATA=1` that is a failure.
pub fn data(relative: &str) -> Option<PathBuf> {
    let root = std::env::var_os("HALOR_TEST_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("HALOR_REQUIRE_DATA").is_none(),
        "{} is missing and HALOR_REQUIRE_DATA is set",
        path.display()
    );
    eprintln!("skipped: {} is not there (set HALOR_TEST_DATA)", path.display());
    None
}

/// One array of a numpy archive.
pub struct Array {
    /// Values, row order.
    pub values: Vec<f64>,
}

/// Reads array `name` of the .npz file `path`, whatever its number type.
pub fn npz(path: &std::path::Path, name: &str) -> Array {
    let mut archive = npyz::npz::NpzArchive::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    let mut entry = archive
        .zip_archive()
        .by_name(&format!("{name}.npy"))
        .unwrap_or_else(|e| panic!("{}: no array `{name}`: {e}", path.display()));
    std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
    let npy = npyz::NpyFile::new(Cursor::new(&bytes[..])).unwrap();
    let (shape, order) = (npy.shape().to_vec(), npy.order());
    let npyz::DType::Plain(kind) = npy.dtype() else { panic!("{name}: structured array") };
    fn read<T: npyz::Deserialize>(bytes: &[u8], to_f64: fn(T) -> f64) -> Vec<f64> {
        npyz::NpyFile::new(Cursor::new(bytes))
            .unwrap()
            .into_vec::<T>()
            .unwrap()
            .into_iter()
            .map(to_f64)
            .collect()
    }
    let text = kind.to_string();
    let values = match text.trim_start_matches(['<', '>', '|', '=']) {
        "f8" => read::<f64>(&bytes, |v| v),
        "f4" => read::<f32>(&bytes, f64::from),
        "i8" => read::<i64>(&bytes, |v| v as f64),
        "u8" => read::<u64>(&bytes, |v| v as f64),
        "i4" => read::<i32>(&bytes, f64::from),
        "u4" => read::<u32>(&bytes, f64::from),
        "i2" => read::<i16>(&bytes, f64::from),
        "i1" => read::<i8>(&bytes, f64::from),
        "u1" => read::<u8>(&bytes, f64::from),
        other => panic!("{name}: numpy type {other}"),
    };
    let values = match order {
        npyz::Order::C => values,
        npyz::Order::Fortran => from_columns(&shape, &values),
    };
    Array { values }
}

/// Values whose first index runs fastest, in the order in which the last one does.
fn from_columns(shape: &[u64], values: &[f64]) -> Vec<f64> {
    let place = |mut index: usize| {
        let (mut place, mut stride) = (0, values.len());
        for length in shape.iter().rev().map(|length| *length as usize) {
            stride /= length;
            place += index % length * stride;
            index /= length;
        }
        place
    };
    (0..values.len()).map(|index| values[place(index)]).collect()
}

/// The numbers of a .npy file of float64.
pub fn npy(path: &std::path::Path) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    npyz::NpyFile::new(Cursor::new(bytes)).unwrap().into_vec().unwrap()
}

/// Runs a Python script with its arguments; false, with a line that says so, where Python or one of the `modules` is not there
/// (`HALOR_PYTHON`, default `python3`). With `HALOR_REQUIRE_PYTHON=1` that is a failure.
pub fn python(modules: &[&str], arguments: &[&std::path::Path]) -> bool {
    let program = std::env::var_os("HALOR_PYTHON").unwrap_or_else(|| "python3".into());
    let imports = format!("import {}", modules.join(", "));
    let probe = std::process::Command::new(&program).args(["-c", &imports]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("HALOR_REQUIRE_PYTHON").is_none(),
            "{} has no {modules:?} and HALOR_REQUIRE_PYTHON is set",
            program.to_string_lossy()
        );
        eprintln!("skipped: Python with {modules:?} is not there (set HALOR_PYTHON)");
        return false;
    }
    let output = std::process::Command::new(&program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    true
}

/// Writes a TIFF of rows × columns pixels that all hold `count`, exposed for a second.
pub fn flat_frame(path: &std::path::Path, [rows, columns]: [usize; 2], count: i32) {
    use halor::frame::{Counts, Frame, FrameHeader, Shape, write_tiff};
    let header = FrameHeader { exposure_s: Some(1.0), ..FrameHeader::default() };
    let shape = Shape { rows, columns };
    let frame = Frame { shape, counts: Counts::I32(vec![count; shape.pixels()].into()), header };
    write_tiff(std::fs::File::create(path).unwrap(), &frame).unwrap();
}
