//! HDF5 and NeXus frames that h5py wrote come back as they were: number types, packings, chunks, masters, stopped collections.

use std::path::{Path, PathBuf};

use halor::frame::{FrameAddress, FrameError, Mask, Shape, image_count, peek_shape, read};

use crate::common::{data, npy, python};

/// The files of `hdf5/make.py`; `None` where h5py is not there.
fn made() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hdf5/make.py");
    python(&["h5py", "hdf5plugin"], &[Path::new(script), folder.path()]).then_some(folder)
}

fn address(path: PathBuf, image: usize) -> FrameAddress {
    FrameAddress { path, image }
}

/// All images of `file` are those of the array `name`.
#[track_caller]
fn same(folder: &Path, file: &str, name: &str) {
    let path = folder.join(file);
    let expected = npy(&folder.join(format!("{name}.npy")));
    let shape = Shape { rows: 61, columns: 47 };
    let count = expected.len() / shape.pixels();
    assert_eq!(image_count(&path).unwrap(), count, "{file}");
    assert_eq!(peek_shape(&path).unwrap(), shape, "{file}");
    for (image, values) in expected.chunks(shape.pixels()).enumerate() {
        let loaded = read(&address(path.clone(), image)).unwrap();
        assert_eq!(loaded.frame.shape, shape, "{file}");
        assert_eq!(loaded.frame.counts.to_f64(), values, "{file}, image {image}");
        assert!(loaded.file.bytes > 0 && loaded.file.xxh3_128 != 0, "{file}");
    }
    assert!(matches!(read(&address(path, count)), Err(FrameError::NoSuchImage { .. })), "{file}");
}

#[test]
fn h5py_and_halor_read_the_same_images() {
    let Some(folder) = made() else { return };
    let folder = folder.path();
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = file.strip_suffix(".h5") else { continue };
        if ["type_", "packed_", "chunks_"].iter().any(|kind| stem.starts_with(kind)) {
            same(folder, &file, stem.trim_end_matches("_earliest").trim_end_matches("_latest"));
            files += 1;
        }
    }
    assert_eq!(files, 12 + 6 * 4 * 2 + 3);
    same(folder, "chunks_axes.h5::/scan/images", "chunks_axes");
    same(folder, "chunks_axes.h5::scan", "chunks_axes");
}

#[test]
fn a_master_gives_the_images_of_its_files_and_names_the_one_that_is_gone() {
    let Some(folder) = made() else { return };
    let path = folder.path().join("scan_master.h5");
    let expected = npy(&folder.path().join("scan_master.npy"));
    assert_eq!(image_count(&path).unwrap(), 5);
    for (image, values) in expected.chunks(61 * 47).enumerate() {
        let header = {
            let loaded = read(&address(path.clone(), image)).unwrap();
            assert_eq!(loaded.frame.counts.to_f64(), values, "image {image}");
            loaded.frame.header
        };
        assert_eq!(header.detector.as_deref(), Some("Dectris EIGER2 CdTe, S/N E-08-0101"));
        assert_eq!(header.exposure_s, Some(0.5));
        assert_eq!(header.distance_m, Some(0.737));
        assert_eq!(header.pixel_m, Some([76e-6, 75e-6]));
        assert_eq!(header.beam_centre_px, Some([30.25, 23.5]));
        assert_eq!(header.wavelength_angstrom, Some(0.12423));
        assert_eq!(header.monitor, Some(1000.0 + image as f64));
        assert_eq!(header.timestamp.as_deref(), Some("2026-03-12T16:59:41"));
        // Pixels that hold the largest number of their type are no measurement.
        assert_eq!(header.count_cutoff, Some(f64::from(u32::MAX - 1)));
        let [temperature] = header.readings.as_slice() else { panic!("{:?}", header.readings) };
        assert_eq!(
            (temperature.name.as_str(), temperature.value, temperature.unit.as_str()),
            ("temperature", 300.0 + image as f64, "K")
        );
    }
    let gone = read(&address(path, 4)).unwrap_err().to_string();
    assert!(gone.contains("data_000003") && gone.contains("scan_data_000003.h5"), "{gone}");
    let mask = format!(
        "{}::/entry/instrument/detector/detectorSpecific/pixel_mask",
        folder.path().join("scan_master.h5").display()
    );
    assert_eq!(Mask::read(Path::new(&mask)).unwrap().count_bad(), 0);
}

#[test]
fn images_that_were_never_written_are_named_and_no_zeros() {
    let Some(folder) = made() else { return };
    let path = folder.path().join("stopped.h5");
    let expected = npy(&folder.path().join("stopped.npy"));
    assert_eq!(image_count(&path).unwrap(), 10);
    for image in 0..10 {
        match read(&address(path.clone(), image)) {
            Ok(loaded) => assert_eq!(loaded.frame.counts.to_f64(), expected[image * 61 * 47..][..61 * 47]),
            Err(error) => {
                assert!(image >= 4, "{error}");
                assert!(error.to_string().contains("not been written"), "{error}");
            }
        }
    }
}

#[test]
fn a_dataset_that_cannot_be_told_is_asked_for() {
    let Some(folder) = made() else { return };
    let at = |name: &str| folder.path().join(name);
    let error = read(&address(at("two.h5"), 0)).unwrap_err().to_string();
    assert!(error.contains("/a/images") && error.contains("/b/images"), "{error}");
    let error = read(&address(at("two.h5::/c"), 0)).unwrap_err().to_string();
    assert!(error.contains("no dataset /c") && error.contains("/b/images"), "{error}");
    let second = read(&address(at("two.h5::/b/images"), 1)).unwrap().frame;
    assert_eq!(second.counts.to_f64(), npy(&at("two.npy"))[61 * 47..]);
    let error = read(&address(at("none.h5"), 0)).unwrap_err().to_string();
    assert!(error.contains("no dataset of images"), "{error}");
    let error = read(&address(at("none.h5::/entry/table"), 0)).unwrap_err().to_string();
    assert!(error.contains("1 axes"), "{error}");
    std::fs::write(at("text.tif"), "II*\0").unwrap();
    let error = read(&address(at("text.tif::/data"), 0)).unwrap_err().to_string();
    assert!(error.contains("only an HDF5 file"), "{error}");
}

/// Cut at 200 places, and with 200 single bytes changed, a file gives an error or numbers, never a crash.
#[test]
fn damaged_files_are_refused() {
    let Some(folder) = made() else { return };
    let whole = std::fs::read(folder.path().join("packed_bslz4_u2_latest.h5")).unwrap();
    let path = folder.path().join("damaged.h5");
    let mut refused = 0;
    for step in 0..200 {
        std::fs::write(&path, &whole[..whole.len() * step / 200]).unwrap();
        refused += usize::from(read(&address(path.clone(), 2)).is_err());
        let mut changed = whole.clone();
        let place = changed.len() * step / 200;
        changed[place] ^= 0x41;
        std::fs::write(&path, &changed).unwrap();
        let _ = read(&address(path.clone(), 2));
    }
    // Nothing that is cut holds the last image, but for what may stand behind it.
    assert!(refused > 190, "{refused}");
}

/// The frame of CeO2 at 61.3 keV: shuffled and packed by gzip.
#[test]
fn a_real_file_has_its_image() {
    let Some(path) = data("ceo2_pilatus2M_61keV/ceria_50x30_740mm_000005_Pilatus2M.hdf5") else { return };
    assert_eq!(image_count(&path).unwrap(), 1);
    let frame = read(&address(path, 0)).unwrap().frame;
    assert_eq!(frame.shape, Shape { rows: 1679, columns: 1475 });
    // A Pilatus 2M has modules of 487 × 195 pixels with gaps of 7 columns and 17 rows, which are −1.
    let counts = frame.counts.to_f64();
    for (index, &value) in counts.iter().enumerate() {
        let (row, column) = (index / 1475, index % 1475);
        if row % 212 >= 195 || column % 494 >= 487 {
            assert_eq!(value, -1.0, "row {row}, column {column}");
        }
    }
    assert!(counts.iter().filter(|&&value| value > 100.0).count() > 2_200_000);
}
