use std::path::Path;

use super::*;
use crate::frame::FrameHeader;

fn read(bytes: &[u8]) -> Result<Frame, FrameError> {
    decode(&Source::new(Path::new("x.cbf"), bytes))
}

fn frame(counts: Counts) -> Frame {
    let header =
        FrameHeader { exposure_s: Some(30.0), beam_centre_px: Some([1.5, 2.5]), ..FrameHeader::default() };
    Frame { shape: Shape { rows: 2, columns: 3 }, counts, header }
}

fn written(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_cbf(&mut bytes, frame).unwrap();
    bytes
}

/// The file with the first `old` replaced; the data are bytes, so no text functions.
fn replaced(bytes: &[u8], old: &str, new: &str) -> Vec<u8> {
    let at = find(bytes, old.as_bytes()).unwrap();
    [&bytes[..at], new.as_bytes(), &bytes[at + old.len()..]].concat()
}

#[test]
fn frames_of_every_whole_type_come_back() {
    for counts in [
        Counts::I32(vec![-2, -1, 0, i32::MAX, i32::MIN, 7].into()),
        Counts::U32(vec![0, u32::MAX, 0, 1, 128, 40_000].into()),
        Counts::I16(vec![i16::MIN, i16::MAX, -1, 0, 1, 2].into()),
        Counts::U16(vec![0, u16::MAX, 0, 1, 2, 3].into()),
    ] {
        let frame = frame(counts);
        assert_eq!(read(&written(&frame)).unwrap(), frame);
    }
    assert!(write_cbf(Vec::new(), &frame(Counts::F32(vec![0.5; 6].into()))).is_err());
    assert!(write_cbf(Vec::new(), &frame(Counts::U16(vec![5; 7].into()))).is_err());
}

#[test]
fn a_cut_file_is_an_error_wherever_it_is_cut() {
    let frame = frame(Counts::I32(vec![-2, -1, 300, 70_000, i32::MIN, 7].into()));
    let bytes = written(&frame);
    let data_end = find(&bytes, &MARKER).unwrap() + 4 + 24;
    for cut in 0..data_end {
        assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    // Only padding is missing from here on.
    assert_eq!(read(&bytes[..bytes.len() - 40]).unwrap(), frame);
}

#[test]
fn a_header_that_contradicts_the_data_is_an_error() {
    let bytes = written(&frame(Counts::I32(vec![1, 2, 3, 4, 5, 6].into())));
    for (old, new) in [
        ("Fastest-Dimension: 3", "Fastest-Dimension: 4"),
        ("Fastest-Dimension: 3", "Fastest-Dimension: 99999999999"),
        ("Fastest-Dimension: 3", "Fastest-Dimension: 3x"),
        ("Second-Dimension: 2", "Second-Dimension: 0"),
        ("Number-of-Elements: 6", "Number-of-Elements: 7"),
        ("X-Binary-Size: 6", "X-Binary-Size: 5"),
        ("X-Binary-Size: 6", "X-Binary-Size: 99999999"),
        ("x-CBF_BYTE_OFFSET", "x-CBF_PACKED"),
        ("signed 32-bit integer", "signed 64-bit real IEEE"),
    ] {
        assert!(read(&replaced(&bytes, old, new)).is_err(), "{new}");
    }
    let mut changed = bytes.clone();
    let data = find(&changed, &MARKER).unwrap() + 4;
    changed[data] = 9;
    assert!(matches!(read(&changed), Err(FrameError::Checksum { .. })));
    // Without Content-MD5 nothing can be noticed: the first pixel is 9.
    let changed = replaced(&changed, "Content-MD5", "Content-XXX");
    assert_eq!(read(&changed).unwrap().counts.to_f64()[0], 9.0);
}

#[test]
fn md5_is_that_of_the_standard() {
    // RFC 1321, appendix A.5: MD5 ("abc") = 900150983cd24fb0d6963f7d28e17f72, here in base64.
    assert_eq!(base64(&digests(&[b"abc"])[0]), "kAFQmDzST7DWlj99KOF/cg==");
}
