//! Arrays as NPY, the file of numpy.save (NEP 1), and several of them as NPZ, that of numpy.savez.

use std::borrow::Cow;

/// The numbers of an array, or one text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values<'a> {
    /// f64.
    F64(&'a [f64]),
    /// f64 that are kept with the precision of f32.
    AsF32(&'a [f64]),
    /// UTF-8, an array without axes of one byte string.
    Text(&'a str),
}

impl Values<'_> {
    fn describe(&self) -> Cow<'static, str> {
        match self {
            Values::F64(_) => "<f8".into(),
            Values::AsF32(_) => "<f4".into(),
            Values::Text(text) => format!("|S{}", text.len().max(1)).into(),
        }
    }

    fn append(&self, bytes: &mut Vec<u8>) {
        match self {
            Values::F64(values) => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            Values::AsF32(values) => {
                bytes.extend(values.iter().flat_map(|value| (*value as f32).to_le_bytes()))
            }
            Values::Text("") => bytes.push(0),
            Values::Text(text) => bytes.extend(text.as_bytes()),
        }
    }
}

/// An array of this shape in row order.
pub(super) fn npy(shape: &[usize], values: Values<'_>) -> Vec<u8> {
    let shape: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header =
        format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({shape}), }}", values.describe());
    // Magic, version and length are 10 bytes; the data begin at a multiple of 64, after a line end.
    let padding = 63 - (10 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    values.append(&mut bytes);
    bytes
}

/// A square matrix of f64 in row order, `side` × `side`.
pub fn npy_square(values: &[f64], side: usize) -> Vec<u8> {
    npy(&[side, side], Values::F64(values))
}

/// A ZIP archive of arrays, each with its name and shape, not compressed (APPNOTE 6.3). Together they are below 4 GiB.
pub(super) fn npz(arrays: &[(&str, &[usize], Values<'_>)]) -> Vec<u8> {
    /// Version 2.0 of the format, no flags, stored, midnight of the first of January 1980, the first day there is.
    const HOW: [u8; 10] = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, shape, values) in arrays {
        let name = format!("{name}.npy");
        let content = npy(shape, *values);
        let mut crc = flate2::Crc::new();
        crc.update(&content);
        let mut of_file = HOW.to_vec();
        of_file.extend(crc.sum().to_le_bytes());
        of_file.extend((content.len() as u32).to_le_bytes());
        of_file.extend((content.len() as u32).to_le_bytes());
        of_file.extend((name.len() as u16).to_le_bytes());
        // No extra field.
        of_file.extend([0; 2]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&of_file);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&of_file);
        archive.extend(name.as_bytes());
        archive.extend(content);
    }
    let start = archive.len() as u32;
    let count = (arrays.len() as u16).to_le_bytes();
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count);
    archive.extend(count);
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_read_again() {
        let bytes = npy(&[2, 2], Values::F64(&[1.0, 2.5, -3.0, 4.0]));
        let array = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(array.shape(), [2, 2]);
        assert_eq!(array.into_vec::<f64>().unwrap(), [1.0, 2.5, -3.0, 4.0]);
        assert_eq!((bytes.len() - 32) % 64, 0);
    }

    #[test]
    fn an_archive_is_read_again() {
        let bytes = npz(&[
            ("axis", &[3], Values::F64(&[1.0, 2.0, 1e-300])),
            ("map", &[1, 3], Values::AsF32(&[0.5, f64::NAN, 0.1])),
            ("header", &[], Values::Text("version = 1\n")),
        ]);
        let mut archive = npyz::npz::NpzArchive::new(std::io::Cursor::new(&bytes)).unwrap();
        let axis = archive.by_name("axis").unwrap().unwrap();
        assert_eq!(
            (axis.shape().to_vec(), axis.into_vec::<f64>().unwrap()),
            (vec![3], vec![1.0, 2.0, 1e-300])
        );
        let map = archive.by_name("map").unwrap().unwrap();
        assert_eq!(map.shape(), [1, 3]);
        let map = map.into_vec::<f32>().unwrap();
        assert_eq!((map[0], map[1].is_nan(), map[2]), (0.5, true, 0.1));
        let header = archive.by_name("header").unwrap().unwrap();
        assert_eq!(header.into_vec::<Vec<u8>>().unwrap(), [b"version = 1\n".to_vec()]);
    }
}
