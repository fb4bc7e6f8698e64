use std::path::Path;

use ::tiff::encoder::{Compression, DeflateLevel, TiffEncoder, colortype};
use proptest::prelude::*;

use super::*;
use crate::frame::{Counts, write_tiff};

fn read(bytes: &[u8]) -> Result<Frame, FrameError> {
    decode(&Source::new(Path::new("x.tif"), bytes), 0)
}

/// A minimal TIFF of `order` with one value per entry (tag, value), data after the directory in strips of two rows,
/// stored last strip first.
fn build(big_endian: bool, tags: &[(u16, u32)], rows: u32, row_bytes: u32, data: &[u8]) -> Vec<u8> {
    let u16s = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let u32s = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let strips = rows.div_ceil(2);
    let table = 8 + 2 + 12 * (tags.len() as u32 + 2) + 4;
    let data_at = table + 4 * strips;
    let lengths: Vec<u32> = (0..strips).map(|s| 2.min(rows - 2 * s) * row_bytes).collect();
    let mut bytes = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
    bytes.extend(u32s(8));
    bytes.extend(u16s(tags.len() as u16 + 2));
    let mut entry = |tag: u16, count: u32, value: u32| {
        bytes.extend(u16s(tag));
        bytes.extend(u16s(4));
        bytes.extend(u32s(count));
        bytes.extend(u32s(value));
    };
    tags.iter().for_each(|&(tag, value)| entry(tag, 1, value));
    entry(tag::ROWS_PER_STRIP, 1, 2);
    entry(tag::STRIP_OFFSETS, strips, table);
    bytes.extend(u32s(0));
    for strip in 0..strips as usize {
        let after: u32 = lengths[strip + 1..].iter().sum();
        bytes.extend(u32s(data_at + after));
    }
    let mut cut = data.chunks(2 * row_bytes as usize).collect::<Vec<_>>();
    cut.reverse();
    cut.into_iter().for_each(|strip| bytes.extend(strip));
    bytes
}

fn tags(columns: u32, rows: u32, bits: u32, format: u32) -> Vec<(u16, u32)> {
    vec![(256, columns), (257, rows), (258, bits), (262, 1), (339, format)]
}

#[test]
fn every_type_and_byte_order_in_scattered_strips() {
    // 3 columns × 5 rows: the last strip is short.
    let values: Vec<i16> = (0..15).map(|i| i * 7 - 20).collect();
    type Bytes = fn(i16, bool) -> Vec<u8>;
    let kinds: [(u32, u32, Bytes); 9] = [
        (8, 1, |v, _| vec![v.unsigned_abs() as u8]),
        (8, 2, |v, _| vec![v as i8 as u8]),
        (16, 2, |v, big| if big { v.to_be_bytes() } else { v.to_le_bytes() }.to_vec()),
        (16, 1, |v, big| {
            let v = v.unsigned_abs();
            if big { v.to_be_bytes() } else { v.to_le_bytes() }.to_vec()
        }),
        (32, 2, |v, big| if big { i32::from(v).to_be_bytes() } else { i32::from(v).to_le_bytes() }.to_vec()),
        (32, 1, |v, big| {
            let v = u32::from(v.unsigned_abs());
            if big { v.to_be_bytes() } else { v.to_le_bytes() }.to_vec()
        }),
        (32, 3, |v, big| if big { f32::from(v).to_be_bytes() } else { f32::from(v).to_le_bytes() }.to_vec()),
        (64, 2, |v, big| if big { i64::from(v).to_be_bytes() } else { i64::from(v).to_le_bytes() }.to_vec()),
        (64, 3, |v, big| if big { f64::from(v).to_be_bytes() } else { f64::from(v).to_le_bytes() }.to_vec()),
    ];
    for (bits, format, bytes_of) in kinds {
        for big_endian in [false, true] {
            let data: Vec<u8> = values.iter().flat_map(|&v| bytes_of(v, big_endian)).collect();
            let file = build(big_endian, &tags(3, 5, bits, format), 5, 3 * bits / 8, &data);
            let frame = read(&file).unwrap();
            assert_eq!(frame.shape, Shape { rows: 5, columns: 3 });
            let expected: Vec<f64> =
                values.iter().map(|&v| f64::from(if format == 1 { v.abs() } else { v })).collect();
            assert_eq!(
                frame.counts.to_f64(),
                expected,
                "{bits} bit, format {format}, big endian {big_endian}"
            );
            for cut in 0..file.len() {
                assert!(read(&file[..cut]).is_err(), "{bits} bit, format {format}, cut at {cut}");
            }
        }
    }
}

#[test]
fn colour_void_and_odd_samples_are_refused() {
    let data = [0u8; 64];
    for change in [(262, 2), (262, 3), (277, 3), (339, 4), (258, 12), (259, 7), (259, 34712)] {
        let mut tags = tags(2, 2, 32, 2);
        tags.retain(|&(tag, _)| tag != change.0);
        tags.push(change);
        let error = read(&build(false, &tags, 2, 8, &data)).unwrap_err();
        assert!(matches!(error, FrameError::Unsupported { .. }), "{change:?}: {error}");
    }
    for sizes in [(u32::MAX, u32::MAX), (0, 4), (1 << 16, 1 << 16), (1 << 20, 100)] {
        assert!(read(&build(false, &tags(sizes.0, sizes.1, 32, 2), 2, 8, &data)).is_err(), "{sizes:?}");
    }
}

#[test]
fn compressed_and_tagged_pages_of_the_crate() {
    let values: Vec<i32> = (0..77 * 31).map(|i| if i % 97 == 0 { -1 } else { i * i % 5003 }).collect();
    let mut file = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap();
    encoder.write_image::<colortype::GrayI32>(77, 31, &values).unwrap();
    let packers = [Compression::Lzw, Compression::Deflate(DeflateLevel::Balanced), Compression::Packbits];
    for packer in packers {
        encoder = encoder.with_compression(packer);
        encoder.write_image::<colortype::GrayI32>(77, 31, &values).unwrap();
    }
    let bytes = file.into_inner();
    let source = Source::new(Path::new("x.tif"), &bytes);
    assert_eq!(images(&source).unwrap().reached, 4);
    for image in 0..4 {
        assert_eq!(
            decode(&source, image).unwrap().counts,
            Counts::I32(values.clone().into()),
            "image {image}"
        );
    }
    assert!(matches!(decode(&source, 4), Err(FrameError::NoSuchImage { count: 4, .. })));
}

#[test]
fn a_chain_of_directories_that_loops_is_refused() {
    let mut bytes = build(false, &tags(2, 2, 8, 1), 2, 2, &[1, 2, 3, 4]);
    let link = 8 + 2 + 12 * 7;
    bytes[link..link + 4].copy_from_slice(&8u32.to_le_bytes());
    let source = Source::new(Path::new("x.tif"), &bytes);
    let Images { reached: 1, damage: Some(damage) } = images(&source).unwrap() else { panic!() };
    assert!(matches!(damage, FrameError::Malformed { offset: 8, .. }));
    assert!(decode(&source, 0).is_ok());
    assert!(decode(&source, 1).is_err());
}

#[test]
fn header_lines_in_the_padding_are_found() {
    let frame = Frame {
        shape: Shape { rows: 2, columns: 2 },
        counts: Counts::I32(vec![1, -1, -2, 4].into()),
        header: FrameHeader { exposure_s: Some(1.5), ..FrameHeader::default() },
    };
    let mut bytes = Vec::new();
    write_tiff(&mut bytes, &frame).unwrap();
    assert_eq!(read(&bytes).unwrap(), frame);
    // The same file without its ImageDescription tag: 270 becomes 65270, which means nothing.
    let at = 8 + 2 + 12 * 5;
    assert_eq!(bytes[at..at + 2], 270u16.to_le_bytes());
    bytes[at..at + 2].copy_from_slice(&65270u16.to_le_bytes());
    assert_eq!(read(&bytes).unwrap(), frame);
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(changes in prop::collection::vec((0usize..400, any::<u8>()), 1..6), packer in 0..3) {
        let mut file = std::io::Cursor::new(Vec::new());
        let encoder = TiffEncoder::new(&mut file).unwrap();
        let mut encoder = encoder.with_compression(match packer {
            0 => Compression::Lzw,
            1 => Compression::Deflate(DeflateLevel::Fast),
            _ => Compression::Packbits,
        });
        encoder.write_image::<colortype::Gray16>(9, 7, &[300; 63]).unwrap();
        let mut bytes = file.into_inner();
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        let _ = read(&bytes);
    }
}

#[test]
fn images_of_a_stack_come_back_one_by_one() {
    let image = |first: i32| {
        let header = FrameHeader { monitor: Some(f64::from(first) + 0.5), ..FrameHeader::default() };
        Frame {
            shape: Shape { rows: 2, columns: 3 },
            counts: Counts::I32((first..first + 6).collect()),
            header,
        }
    };
    let mut bytes = Vec::new();
    let mut stack = TiffWriter::new(&mut bytes, 3);
    (1..=3).for_each(|first| stack.image(&image(first)).unwrap());
    assert!(stack.image(&image(4)).is_err());
    assert_eq!(bytes.len() as u64, TiffWriter::<Vec<u8>>::bytes(image(1).shape, 3));
    let source = Source::new(Path::new("x.tif"), &bytes);
    for (index, first) in (1..=3).enumerate() {
        assert_eq!(decode(&source, index).unwrap(), image(first));
    }
    assert!(matches!(decode(&source, 3), Err(FrameError::NoSuchImage { image: 3, count: 3, .. })));
}
