//! Frames and masks: TIFF, CBF, EDF, Fit2D, NPY, PNG, gzip.

use std::io::{Cursor, Write};

use halor::frame::{
    Counts, Frame, FrameAddress, FrameHeader, Shape, image_count, peek_shape, read, write_cbf, write_tiff,
};
use tiff::encoder::{Compression, DeflateLevel, TiffEncoder, colortype};

use super::{Files, places};

const SHAPE: Shape = Shape { rows: 23, columns: 31 };

fn frame() -> Frame {
    let counts: Vec<i32> = (0..SHAPE.pixels()).map(|pixel| (pixel * 37 % 1000) as i32 - 2).collect();
    let header =
        FrameHeader { exposure_s: Some(1.5), detector: Some("Pilatus".into()), ..FrameHeader::default() };
    Frame { shape: SHAPE, counts: Counts::I32(counts.into()), header }
}

/// Reads it in every way that a run does; none may crash, the reading of the image must fail.
fn image(path: &std::path::Path) -> Result<(), String> {
    let (_, _) = (image_count(path), peek_shape(path));
    read(&FrameAddress { path: path.to_owned(), image: 0 }).map(drop).map_err(|error| error.to_string())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

pub(super) fn refused() -> usize {
    let mut files = Files::default();
    tiff(&mut files);
    cbf(&mut files);
    edf(&mut files);
    masks(&mut files);
    for (name, text) in [
        ("empty.tif", ""),
        ("text.tif", "# Pixel_size 172e-6 m\n"),
        ("page.cbf", "<!DOCTYPE html><html>no</html>"),
        ("json.edf", "{\"not\": \"a frame\"}"),
        ("bzip2.cbf.bz2", "BZh91AY&SY"),
        ("zeros.tif", "\0\0\0\0\0\0\0\0"),
    ] {
        files.add(name, text);
    }
    files.refused(image)
}

fn tiff(files: &mut Files) {
    let mut whole = Vec::new();
    write_tiff(&mut whole, &frame()).unwrap();
    // Header, directory entry by entry, header text, data.
    let first = u32::from_le_bytes(whole[4..8].try_into().unwrap()) as usize;
    let entries = u16::from_le_bytes(whole[first..first + 2].try_into().unwrap()) as usize;
    let directory = (0..=entries).map(|entry| first + 2 + 12 * entry);
    files.cut("tiff", "tif", &whole, (1..=8).chain(directory).chain(places(whole.len(), 20)));
    for entry in 0..entries {
        let at = first + 2 + 12 * entry;
        let tag = u16::from_le_bytes(whole[at..at + 2].try_into().unwrap());
        let name = |what: &str| format!("tiff_tag_{tag}_{what}.tif");
        match tag {
            // Columns, rows: larger than the data, absurd, none.
            256 | 257 => {
                files.patched(&name("larger"), &whole, at + 8, &2000_u16.to_le_bytes());
                let mut long = whole.clone();
                long[at + 2..at + 4].copy_from_slice(&4_u16.to_le_bytes());
                files.patched(&name("absurd"), &long, at + 8, &u32::MAX.to_le_bytes());
                files.patched(&name("none"), &whole, at + 8, &[0; 4]);
            }
            // Bits of a pixel, packing, kind of number.
            258 => files.patched(&name("77_bits"), &whole, at + 8, &77_u16.to_le_bytes()),
            259 => files.patched(&name("unknown"), &whole, at + 8, &9999_u16.to_le_bytes()),
            // Where the data are. (How many bytes there are is not needed where nothing is packed.)
            273 => {
                files.patched(&name("beyond"), &whole, at + 8, &0x7fff_ffff_u32.to_le_bytes());
                files.patched(&name("many"), &whole, at + 4, &u32::MAX.to_le_bytes());
            }
            _ => {}
        }
        // A kind of value that there is none of, where it matters.
        if [256, 257, 258, 273].contains(&tag) {
            files.patched(&name("of_no_type"), &whole, at + 2, &99_u16.to_le_bytes());
        }
    }
    files.patched("tiff_no_directory.tif", &whole, 4, &[0; 4]);
    files.patched("tiff_directory_beyond.tif", &whole, 4, &u32::MAX.to_le_bytes());
    files.patched("tiff_empty_directory.tif", &whole, first, &[0; 2]);
    files.patched("tiff_directory_of_65535.tif", &whole, first, &[0xff; 2]);
    for (packing, compression) in [
        ("deflate", Compression::Deflate(DeflateLevel::Fast)),
        ("lzw", Compression::Lzw),
        ("packbits", Compression::Packbits),
    ] {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut bytes).unwrap().with_compression(compression);
        let values: Vec<u16> = (0..SHAPE.pixels()).map(|pixel| (pixel * 31 % 911) as u16).collect();
        encoder.write_image::<colortype::Gray16>(31, 23, &values).unwrap();
        let whole = bytes.into_inner();
        files.cut(packing, "tif", &whole, places(whole.len(), 8));
        let first = u32::from_le_bytes(whole[4..8].try_into().unwrap()) as usize;
        let entries = u16::from_le_bytes(whole[first..first + 2].try_into().unwrap()) as usize;
        let of = |tag: u16| {
            (0..entries)
                .map(|e| first + 2 + 12 * e)
                .find(|at| whole[*at..*at + 2] == tag.to_le_bytes())
                .unwrap()
        };
        // Many more pixels than any packing of so few bytes can hold.
        for tag in [256, 257, 278] {
            let (at, mut bomb) = (of(tag), whole.clone());
            bomb[at + 2..at + 4].copy_from_slice(&4_u16.to_le_bytes());
            bomb[at + 8..at + 12].copy_from_slice(&2_000_000_u32.to_le_bytes());
            if tag != 278 {
                files.add(format!("{packing}_bomb_{tag}.tif"), bomb);
            }
        }
    }
    let packed = gzip(&whole);
    files.cut("tiff_gz", "tif.gz", &packed, places(packed.len(), 8));
    // Much that is of no format.
    files.add("bomb.tif.gz", gzip(&vec![0; 64 << 20]));
}

fn cbf(files: &mut Files) {
    let mut whole = Vec::new();
    write_cbf(&mut whole, &frame()).unwrap();
    let start = whole.windows(4).position(|bytes| bytes == b"\x0c\x1a\x04\xd5").unwrap();
    let text = String::from_utf8_lossy(&whole[..start]).into_owned();
    let lines = text.match_indices("\r\n").map(|(at, _)| at + 2).take(40).collect::<Vec<_>>();
    // What stands behind the data is not needed.
    let end = start + 4 + 700;
    let inside = places(end, 15).into_iter().filter(|place| *place > 0);
    files.cut("cbf", "cbf", &whole, lines.into_iter().chain((start..start + 4).step_by(1)).chain(inside));
    let replaced = |name: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        (name.to_owned(), [text.replace(from, to).as_bytes(), &whole[start..]].concat())
    };
    for (name, bytes) in [
        replaced(
            "cbf_wide.cbf",
            "X-Binary-Size-Fastest-Dimension: 31",
            "X-Binary-Size-Fastest-Dimension: 310",
        ),
        replaced("cbf_high.cbf", "X-Binary-Size-Second-Dimension: 23", "X-Binary-Size-Second-Dimension: 230"),
        replaced(
            "cbf_absurd.cbf",
            "X-Binary-Size-Second-Dimension: 23",
            "X-Binary-Size-Second-Dimension: 99999999999999999999",
        ),
        replaced(
            "cbf_negative.cbf",
            "X-Binary-Size-Second-Dimension: 23",
            "X-Binary-Size-Second-Dimension: -23",
        ),
        replaced("cbf_no_width.cbf", "X-Binary-Size-Fastest-Dimension", "X-Binary-Nothing"),
        replaced("cbf_elements.cbf", "X-Binary-Number-of-Elements: 713", "X-Binary-Number-of-Elements: 714"),
        replaced("cbf_packing.cbf", "x-CBF_BYTE_OFFSET", "x-CBF_CANONICAL"),
        replaced("cbf_type.cbf", "signed 32-bit integer", "complex 128-bit number"),
        replaced("cbf_md5.cbf", "Content-MD5: ", "Content-MD5: AAAA"),
    ] {
        files.add(name, bytes);
    }
    // A bad checksum: each byte of the data counts.
    for place in [start + 4, start + 100, start + 400] {
        let changed = whole[place] ^ 1;
        files.patched(&format!("cbf_changed_at_{place}.cbf"), &whole, place, &[changed]);
    }
    let packed = gzip(&whole);
    files.cut("cbf_gz", "cbf.gz", &packed, places(packed.len(), 8));
}

/// An EDF of unsigned 16 bit.
fn edf_file(entries: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{{\n{entries}").into_bytes();
    bytes.resize(510, b' ');
    bytes.extend(b"}\n");
    bytes.extend(data);
    bytes
}

fn edf(files: &mut Files) {
    let data = vec![7; 2 * SHAPE.pixels()];
    let entries = "ByteOrder = LowByteFirst ;\nDataType = UnsignedShort ;\nDim_1 = 31 ;\nDim_2 = 23 ;\n";
    let whole = edf_file(entries, &data);
    files.cut("edf", "edf", &whole, places(whole.len(), 25).into_iter().chain([2, 509, 510, 511, 512, 513]));
    for (name, from, to) in [
        ("edf_wide.edf", "Dim_1 = 31", "Dim_1 = 3100"),
        ("edf_high.edf", "Dim_2 = 23", "Dim_2 = 2300"),
        ("edf_absurd.edf", "Dim_2 = 23", "Dim_2 = 18446744073709551615"),
        ("edf_larger_than_numbers.edf", "Dim_2 = 23", "Dim_2 = 99999999999999999999999"),
        ("edf_zero.edf", "Dim_1 = 31", "Dim_1 = 0"),
        ("edf_negative.edf", "Dim_1 = 31", "Dim_1 = -31"),
        ("edf_word.edf", "Dim_1 = 31", "Dim_1 = many"),
        ("edf_no_columns.edf", "Dim_1", "Dim_9"),
        ("edf_type.edf", "UnsignedShort", "ComplexDouble"),
        ("edf_order.edf", "LowByteFirst", "MiddleByteFirst"),
        ("edf_packed.edf", "Dim_2 = 23", "Dim_2 = 23 ;\nCompression = ZCompression"),
    ] {
        assert!(entries.contains(from));
        files.add(name, edf_file(&entries.replace(from, to), &data));
    }
    files.add("edf_never_closed.edf", format!("{{\n{}", "key = value ;\n".repeat(5000)));
}

fn masks(files: &mut Files) {
    let mut msk = b"M\0\0\0A\0\0\0S\0\0\0K\0\0\0".to_vec();
    msk.extend(31_i32.to_le_bytes());
    msk.extend(23_i32.to_le_bytes());
    msk.resize(1024 + 4 * 23, 0);
    files.cut("msk", "msk", &msk, places(msk.len(), 15).into_iter().chain([16, 20, 24, 1023, 1024]));
    for (name, place, value) in [
        ("msk_wide.msk", 16, 3100),
        ("msk_high.msk", 20, 2300),
        ("msk_none.msk", 16, 0),
        ("msk_negative.msk", 20, -5),
        ("msk_absurd.msk", 16, i32::MAX),
    ] {
        files.patched(name, &msk, place, &i32::to_le_bytes(value));
    }
    let npy = |header: &str, data: &[u8]| {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    };
    let data = vec![1; 4 * SHAPE.pixels()];
    let header = "{'descr': '<i4', 'fortran_order': False, 'shape': (23, 31), }\n";
    let whole = npy(header, &data);
    files.cut("npy", "npy", &whole, places(whole.len(), 20).into_iter().chain([6, 7, 8, 9, 10]));
    for (name, from, to) in [
        ("npy_large.npy", "(23, 31)", "(2300, 31)"),
        ("npy_absurd.npy", "(23, 31)", "(4294967296, 4294967296)"),
        ("npy_larger_than_numbers.npy", "(23, 31)", "(99999999999999999999, 1)"),
        ("npy_negative.npy", "(23, 31)", "(-23, 31)"),
        ("npy_one_axis.npy", "(23, 31)", "(713,)"),
        ("npy_three_axes.npy", "(23, 31)", "(2, 23, 31)"),
        ("npy_no_axis.npy", "(23, 31)", "()"),
        ("npy_none.npy", "(23, 31)", "(0, 31)"),
        ("npy_open.npy", "(23, 31)", "(23, 31"),
        ("npy_object.npy", "<i4", "|O"),
        ("npy_complex.npy", "<i4", "<c8"),
        ("npy_structure.npy", "'<i4'", "[('a', '<i4')]"),
        ("npy_order.npy", "False", "Maybe"),
        ("npy_no_shape.npy", "'shape'", "'size'"),
        ("npy_no_type.npy", "'descr'", "'type'"),
    ] {
        files.add(name, npy(&header.replace(from, to), &data));
    }
    files.patched("npy_version.npy", &whole, 6, &[9]);
    files.patched("npy_header_beyond.npy", &whole, 8, &[0xff, 0xff]);
    let mut png = Cursor::new(Vec::new());
    image::GrayImage::from_fn(31, 23, |x, y| image::Luma([(x * y) as u8]))
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    let png = png.into_inner();
    files.cut("png", "png", &png, places(png.len(), 15).into_iter().filter(|place| *place > 0));
    files.patched("png_absurd.png", &png, 16, &[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
    files.patched("png_none.png", &png, 16, &[0; 8]);
    let changed = png[png.len() / 2] ^ 0x55;
    files.patched("png_checksum.png", &png, png.len() / 2, &[changed]);
}
