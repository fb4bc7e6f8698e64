//! A matrix as NPY, the file of numpy.save (NEP 1).

/// A square matrix of f64 in row order, `side` × `side`.
pub fn npy_square(values: &[f64], side: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({side}, {side}), }}");
    // Magic, version and length are 10 bytes; the data begin at a multiple of 64, after a line end.
    let padding = 63 - (10 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_again() {
        let bytes = npy_square(&[1.0, 2.5, -3.0, 4.0], 2);
        let array = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(array.shape(), [2, 2]);
        assert_eq!(array.into_vec::<f64>().unwrap(), [1.0, 2.5, -3.0, 4.0]);
        assert_eq!((bytes.len() - 32) % 64, 0);
    }
}
