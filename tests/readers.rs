//! Frames and masks of the reference data against what tifffile, fabio and xxhash (Python) read from the same files.

use std::io::Write;
use std::path::{Path, PathBuf};

use halor::frame::{
    Counts, Frame, FrameAddress, FrameError, Mask, Shape, decode, image_count, peek_shape, read, read_array,
    write_cbf, write_tiff,
};
use proptest::prelude::*;

use crate::common::data;

const PILATUS: &str = "ceo2_pilatus1M_30keV/CeO2_Pil207_E30_2Nov2016_001.tif";
const CBF: &str = "ceo2_pilatus3_2M_CdTe_100keV/103852_CeO2_00001.cbf";

fn frame(path: &Path) -> Frame {
    read(&FrameAddress { path: path.to_path_buf(), image: 0 }).unwrap().frame
}

/// What the Python readers gave: whole numbers, so all of it is exact.
struct Expected {
    shape: (usize, usize),
    sum: i64,
    /// Σ (i mod 9973)·count of pixel i: another order of the pixels gives another number.
    weighted_sum: i64,
    minimum: f64,
    maximum: f64,
    /// (row, column) of the maximum.
    brightest: (usize, usize),
    /// Pixels of −1 and of −2.
    gaps_and_dead: (usize, usize),
}

impl Expected {
    fn check(&self, frame: &Frame) {
        let (rows, columns) = self.shape;
        assert_eq!(frame.shape, Shape { rows, columns });
        let values = frame.counts.to_f64();
        let weighted = values.iter().enumerate().map(|(i, &v)| (i as i64 % 9973) * v as i64).sum::<i64>();
        assert_eq!(values.iter().map(|&v| v as i64).sum::<i64>(), self.sum);
        assert_eq!(weighted, self.weighted_sum);
        assert_eq!(values.iter().copied().fold(f64::INFINITY, f64::min), self.minimum);
        assert_eq!(values.iter().copied().fold(f64::NEG_INFINITY, f64::max), self.maximum);
        assert_eq!(values[self.brightest.0 * columns + self.brightest.1], self.maximum);
        let count = |of: f64| values.iter().filter(|&&v| v == of).count();
        assert_eq!((count(-1.0), count(-2.0)), self.gaps_and_dead);
    }
}

#[test]
fn native_pilatus_tiff() {
    let Some(path) = data(PILATUS) else { return };
    let loaded = read(&FrameAddress { path, image: 0 }).unwrap();
    assert_eq!(loaded.file.bytes, 4_096_828);
    assert_eq!(loaded.file.xxh3_128, 0x8116_7cac_5754_83fe_24ac_b533_05db_f27d);
    Expected {
        shape: (1043, 981),
        sum: 12_796_289,
        weighted_sum: 64_047_168_433,
        minimum: -2.0,
        maximum: 2876.0,
        brightest: (451, 607),
        gaps_and_dead: (73_533, 27),
    }
    .check(&loaded.frame);
    assert!(matches!(loaded.frame.counts, Counts::I32(_)));
    let header = loaded.frame.header;
    assert_eq!(header.exposure_s, Some(2.0));
    assert_eq!(header.pixel_m, Some([172e-6, 172e-6]));
    assert_eq!(header.count_cutoff, Some(1_048_574.0));
    assert_eq!(header.detector.as_deref(), Some("PILATUS 1M-F"));
    assert_eq!(header.timestamp.as_deref(), Some("2016:11:02 17:46:53"));
    assert_eq!(header.wavelength_angstrom, None);

    let Some(path) = data("ceo2_pilatus1M_30keV/BCC1_2GPa_10s_001_00003.tif") else { return };
    let frame = frame(&path);
    assert_eq!(frame.header.exposure_s, Some(0.4));
    assert_eq!(frame.counts.to_f64().iter().sum::<f64>(), 8_203_294.0);
}

#[test]
fn pilatus3_cdte_cbf() {
    let Some(path) = data(CBF) else { return };
    let loaded = read(&FrameAddress { path, image: 0 }).unwrap();
    assert_eq!(loaded.file.bytes, 4_148_617);
    assert_eq!(loaded.file.xxh3_128, 0xe1de_75d5_4069_132d_cc9e_bbb6_b521_3d7e);
    Expected {
        shape: (1679, 1475),
        sum: 3_218_466_969,
        weighted_sum: 16_081_634_466_760,
        minimum: -2.0,
        maximum: 695_339.0,
        brightest: (1415, 242),
        gaps_and_dead: (202_020, 1045),
    }
    .check(&loaded.frame);
    assert!(matches!(loaded.frame.counts, Counts::I32(_)));
    let header = loaded.frame.header;
    assert_eq!(header.detector.as_deref(), Some("PILATUS3 2M, S/N 24-0134"));
    assert_eq!(header.timestamp.as_deref(), Some("2021-03-12T16:59:41.725"));
    assert_eq!(header.exposure_s, Some(30.0));
    assert_eq!(header.count_cutoff, Some(1_044_695.0));
    assert_eq!(header.wavelength_angstrom, Some(0.61995));
    assert_eq!(header.distance_m, Some(1.0));
    assert_eq!(header.beam_centre_px, Some([0.0, 0.0]));
    assert_eq!(header.pixel_m, Some([172e-6, 172e-6]));
}

#[test]
fn area_detector_tiff_without_description() {
    let Some(path) = data("ti64_pixium_89keV/pixium_03150.tif") else { return };
    let frame = frame(&path);
    Expected {
        shape: (1441, 1440),
        sum: 10_214_884,
        weighted_sum: 51_270_460_972,
        minimum: 0.0,
        maximum: 3320.0,
        brightest: (661, 469),
        gaps_and_dead: (0, 0),
    }
    .check(&frame);
    assert!(matches!(frame.counts, Counts::U16(_)));
    // Its Model is `Unknown`; nothing else is said.
    assert_eq!(frame.header, halor::frame::FrameHeader::default());
}

#[test]
fn simulated_frames_with_hot_pixels() {
    for (path, sum, weighted_sum, maximum, brightest) in [
        ("pyfai/centred/frame0.tif", 108_146_194, 540_547_536_093, 2530.0, (296, 274)),
        ("pyfai/centred/frame1.tif", 206_533_261, 810_201_579_229, 33_554_431.0, (0, 399)),
        ("pyfai/tilted/frame0.tif", 46_194_545, 230_100_669_082, 581.0, (618, 486)),
        ("pyfai/tilted/frame1.tif", 199_874_763, 1_036_963_918_878, 33_554_431.0, (159, 278)),
    ] {
        let Some(path) = data(path) else { return };
        let gaps_and_dead = (18_313, 300);
        Expected { shape: (619, 487), sum, weighted_sum, minimum: -2.0, maximum, brightest, gaps_and_dead }
            .check(&frame(&path));
    }
}

#[test]
fn deflated_masks_of_dioptas() {
    for (path, bad, weighted_sum) in [
        ("ceo2_pilatus1M_30keV/DiffractionMask_Dioptas.mask", 195_533, 954_588_674),
        ("ceo2_pilatus3_2M_CdTe_100keV/mask_103852_103853.mask", 203_104, 1_003_062_222),
        ("ceo2_pilatus3_2M_CdTe_100keV/mask_103852_Simon.mask", 203_065, 1_002_888_033),
        ("ti64_pixium_89keV/DLS_CeO2_1200mm.mask", 30_627, 151_450_353),
        ("ceo2_pilatus2M_61keV/mask.tif", 202_561, 1_000_539_577),
    ] {
        let Some(path) = data(path) else { return };
        let mask = Mask::read(&path).unwrap();
        assert_eq!(mask.count_bad(), bad, "{}", path.display());
        let weighted =
            mask.bad.iter().enumerate().filter(|&(_, &bad)| bad).map(|(i, _)| i % 9973).sum::<usize>();
        assert_eq!(weighted, weighted_sum, "{}", path.display());
    }
}

#[test]
fn one_mask_in_three_formats_is_the_flagged_pixels_of_its_frame() {
    for folder in ["centred", "tilted"] {
        let Some(folder) = data(&format!("pyfai/{folder}")) else { return };
        let [npy, edf, tif] = ["npy", "edf", "tif"].map(|end| {
            let path = folder.join(format!("mask.{end}"));
            assert_eq!(peek_shape(&path).unwrap(), Shape { rows: 619, columns: 487 });
            Mask::read(&path).unwrap()
        });
        assert!(npy == edf);
        assert!(npy == tif);
        assert_eq!(npy.count_bad(), 18_613);
        let frame = frame(&folder.join("frame0.tif"));
        let flagged: Vec<bool> = frame.counts.to_f64().iter().map(|count| *count < 0.0).collect();
        assert!(npy.bad == flagged);
    }
}

#[test]
fn a_mask_drawn_on_the_flipped_frame_covers_its_flagged_pixels() {
    let (Some(cbf), Some(mask)) = (data(CBF), data("ceo2_pilatus3_2M_CdTe_100keV/mask_103852_Simon.mask"))
    else {
        return;
    };
    let (frame, mask) = (frame(&cbf), Mask::read(&mask).unwrap());
    assert_eq!(frame.shape, mask.shape);
    let columns = frame.shape.columns;
    let flipped: Vec<bool> = mask.bad.chunks(columns).rev().flatten().copied().collect();
    let flagged: Vec<bool> = frame.counts.to_f64().iter().map(|count| *count < 0.0).collect();
    assert!(flipped == flagged);
}

#[test]
fn real_frames_survive_every_writer_and_gzip() {
    for path in [PILATUS, CBF] {
        let Some(path) = data(path) else { return };
        let frame = frame(&path);
        let mut bytes = Vec::new();
        write_cbf(&mut bytes, &frame).unwrap();
        assert!(decode(&bytes, &path, 0).unwrap() == frame, "{} by CBF", path.display());
        bytes.clear();
        write_tiff(&mut bytes, &frame).unwrap();
        assert!(decode(&bytes, &path, 0).unwrap() == frame, "{} by TIFF", path.display());

        let folder = tempfile::tempdir().unwrap();
        let packed = folder.path().join("frame.tif.gz");
        let mut packer = flate2::write::GzEncoder::new(
            std::fs::File::create(&packed).unwrap(),
            flate2::Compression::fast(),
        );
        packer.write_all(&bytes).unwrap();
        packer.finish().unwrap();
        assert_eq!(peek_shape(&packed).unwrap(), frame.shape);
        assert_eq!(image_count(&packed).unwrap(), 1);
        let (shape, values) = read_array(&packed).unwrap();
        assert_eq!(shape, frame.shape);
        assert!(values == frame.counts.to_f32());
        assert!(matches!(
            read(&FrameAddress { path: packed, image: 1 }),
            Err(FrameError::NoSuchImage { image: 1, count: 1, .. })
        ));
    }
}

/// One file of each format that the reference data have, with its shape.
fn files() -> Vec<(PathBuf, Shape)> {
    let files = [
        (PILATUS, 1043, 981),
        (CBF, 1679, 1475),
        ("ti64_pixium_89keV/pixium_03150.tif", 1441, 1440),
        ("ti64_pixium_89keV/DLS_CeO2_1200mm.mask", 1441, 1440),
        ("pyfai/centred/mask.edf", 619, 487),
        ("pyfai/centred/mask.npy", 619, 487),
    ];
    files
        .into_iter()
        .filter_map(|(path, rows, columns)| Some((data(path)?, Shape { rows, columns })))
        .collect()
}

#[test]
fn shapes_are_found_without_the_data_and_cut_files_are_errors() {
    for (path, shape) in files() {
        assert_eq!(peek_shape(&path).unwrap(), shape, "{}", path.display());
        assert_eq!(image_count(&path).unwrap(), 1, "{}", path.display());
        let bytes = std::fs::read(&path).unwrap();
        let whole = decode(&bytes, &path, 0).unwrap();
        let cuts =
            (0..200).map(|i| i * 41).chain((0..50).map(|i| bytes.len().saturating_sub(1 + i * i * 19)));
        for cut in cuts.filter(|&cut| cut < bytes.len()) {
            match decode(&bytes[..cut], &path, 0) {
                Err(error) => assert!(error.to_string().starts_with(&path.display().to_string()), "{error}"),
                // The padding of a CBF or a tag that nobody reads: all the data are there.
                Ok(frame) => assert!(frame == whole && cut + 4200 > bytes.len(), "{}: {cut}", path.display()),
            }
        }
    }
}

#[test]
fn what_holds_no_image_is_refused() {
    if let Some(path) = data("formats/bitshuffle_regression_0.4.0.h5") {
        let error = read(&FrameAddress { path: path.clone(), image: 0 }).unwrap_err();
        assert!(error.to_string().contains("no dataset of images"), "{error}");
        assert!(peek_shape(&path).is_err() && image_count(&path).is_err() && Mask::read(&path).is_err());
    }
    for path in ["README.md", "pyfai/centred/geom.poni", "pyfai/centred/pixels.npz"] {
        let Some(path) = data(path) else { return };
        assert!(matches!(peek_shape(&path), Err(FrameError::Unrecognised { .. })), "{}", path.display());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens to the first kilobytes of a file, reading it gives a frame or an error.
    #[test]
    fn damaged_files_never_panic(changes in prop::collection::vec((0usize..2000, any::<u8>()), 1..8), from_end in any::<bool>()) {
        thread_local! {
            static FILES: Vec<(PathBuf, Vec<u8>)> =
                files().into_iter().map(|(path, _)| (path.clone(), std::fs::read(path).unwrap())).collect();
        }
        FILES.with(|files| {
            for (path, bytes) in files.iter().filter(|(_, bytes)| bytes.len() < 1_000_000) {
                let mut bytes = bytes.clone();
                for &(at, value) in &changes {
                    let at = if from_end { bytes.len() - 1 - at } else { at };
                    bytes[at] = value;
                }
                if let Ok(frame) = decode(&bytes, path, 0) {
                    assert_eq!(frame.counts.len(), frame.shape.pixels());
                }
            }
        });
    }
}
