//! Text files of users, read within a limit.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// No file of columns or keys is larger.
const MOST_BYTES: u64 = 512 << 20;

/// The bytes of a file.
///
/// # Errors
/// What the file system says; not a file (a pipe would wait for its writer); larger than 512 MiB.
pub(crate) fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "is no file, expected a file of text"));
    }
    read_within(File::open(path)?, MOST_BYTES)
}

fn read_within(file: impl Read, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file.take(most + 1).read_to_end(&mut bytes)? as u64 > most {
        let found = format!("is larger than {} MiB, expected text", most >> 20);
        return Err(Error::new(ErrorKind::InvalidData, found));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_stops_at_the_limit() {
        assert_eq!(read_within(&[7; 4][..], 4).unwrap(), [7; 4]);
        let error = read_within(std::io::repeat(b' '), 1 << 20).unwrap_err().to_string();
        assert!(error.contains("larger than 1 MiB"), "{error}");
        assert!(read_bytes(Path::new("/")).is_err());
    }
}
