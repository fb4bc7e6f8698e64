//! The bytes of a file with its path, so that every reader checks lengths and reports errors in one way.

use std::path::Path;
use std::sync::Arc;

use super::buffer::Buffer;
use super::{FrameError, Shape, cbf};

/// No image is larger than this once it is decoded.
pub(super) const MAX_IMAGE_BYTES: u64 = 4 << 30;

/// A file in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// For messages only.
    pub path: &'a Path,
    /// Contents, unpacked.
    pub bytes: &'a [u8],
    /// The memory that the contents stand in, where frames may use it as theirs.
    pub memory: Option<&'a Arc<Buffer>>,
    /// MD5 of a CBF's data, where it is known already.
    pub md5: Option<cbf::Digest>,
}

impl<'a> Source<'a> {
    /// Contents that no frame may keep.
    pub(super) fn new(path: &'a Path, bytes: &'a [u8]) -> Source<'a> {
        Source { path, bytes, memory: None, md5: None }
    }

    /// Number of bytes.
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// `length` bytes from `offset`, or [`FrameError::Truncated`] that names `what` they are.
    pub(super) fn slice(&self, offset: u64, length: u64, what: &str) -> Result<&'a [u8], FrameError> {
        let found = self.len().saturating_sub(offset);
        if length > found {
            return Err(FrameError::Truncated {
                path: self.path.to_path_buf(),
                what: what.to_owned(),
                offset,
                expected: length,
                found,
            });
        }
        if length == 0 {
            return Ok(&[]);
        }
        // Both fit: offset + length ≤ bytes.len().
        Ok(&self.bytes[offset as usize..(offset + length) as usize])
    }

    /// `N` bytes from `offset`.
    pub(super) fn array<const N: usize>(&self, offset: u64, what: &str) -> Result<[u8; N], FrameError> {
        let mut array = [0; N];
        array.copy_from_slice(self.slice(offset, N as u64, what)?);
        Ok(array)
    }

    /// [`FrameError::Malformed`] in this file.
    pub(super) fn malformed(
        &self,
        offset: u64,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> FrameError {
        FrameError::Malformed {
            path: self.path.to_path_buf(),
            offset,
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// [`FrameError::Unsupported`] in this file.
    pub(super) fn unsupported(&self, found: impl Into<String>, mend: &'static str) -> FrameError {
        FrameError::Unsupported { path: self.path.to_path_buf(), found: found.into(), mend }
    }

    /// [`FrameError::NoSuchImage`] in this file.
    pub(super) fn no_such_image(&self, image: usize, count: usize) -> FrameError {
        FrameError::NoSuchImage { path: self.path.to_path_buf(), image, count }
    }

    /// The shape of an image whose size stands at `offset`, with the bytes that it needs: not empty, not above
    /// [`MAX_IMAGE_BYTES`].
    pub(super) fn shape(
        &self,
        offset: u64,
        rows: u64,
        columns: u64,
        pixel_bytes: usize,
    ) -> Result<(Shape, u64), FrameError> {
        if rows == 0 || columns == 0 {
            return Err(self.malformed(offset, format!("{rows} × {columns} pixels"), "at least one pixel"));
        }
        let bytes = rows.saturating_mul(columns).saturating_mul(pixel_bytes as u64);
        if bytes > MAX_IMAGE_BYTES {
            return Err(FrameError::TooLarge {
                path: self.path.to_path_buf(),
                what: "the image by its header",
                bytes,
                limit: MAX_IMAGE_BYTES,
            });
        }
        // Each axis is at most 2³² here.
        Ok((Shape { rows: rows as usize, columns: columns as usize }, bytes))
    }

    /// Refuses a packed image that would grow by more than `factor`, the most that its compression can do.
    pub(super) fn check_growth(&self, image_bytes: u64, factor: u64) -> Result<(), FrameError> {
        let limit = self.len().saturating_mul(factor);
        if image_bytes > limit {
            return Err(FrameError::TooLarge {
                path: self.path.to_path_buf(),
                what: "the compressed image by its header",
                bytes: image_bytes,
                limit,
            });
        }
        Ok(())
    }
}

/// Where `needle` first stands in `hay`.
pub(super) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let (&first, rest) = needle.split_first()?;
    let mut from = 0;
    while let Some(step) = hay.get(from..)?.iter().position(|&byte| byte == first) {
        let at = from + step;
        if hay[at + 1..].starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// The start of `bytes` as printable text, for messages.
pub(super) fn printable(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(24)].escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_stay_inside_the_file() {
        let source = Source::new(Path::new("x"), b"0123456789");
        assert_eq!(source.slice(8, 2, "tail").unwrap(), b"89");
        for (offset, length) in [(8, 3), (u64::MAX, 1), (1, u64::MAX), (11, 1)] {
            let error = source.slice(offset, length, "tail").unwrap_err();
            assert!(matches!(error, FrameError::Truncated { .. }), "{error}");
        }
        assert_eq!(find(b"aababc", b"abc"), Some(3));
        assert_eq!(find(b"aabab", b"abc"), None);
    }

    #[test]
    fn shapes_that_overflow_are_refused() {
        let source = Source::new(Path::new("x"), b"");
        for (rows, columns) in [(0, 5), (5, 0), (u64::MAX, 2), (1 << 40, 1 << 40), (1 << 20, 1 << 20)] {
            assert!(source.shape(0, rows, columns, 4).is_err(), "{rows} × {columns}");
        }
        assert_eq!(source.shape(0, 619, 487, 4).unwrap().1, 619 * 487 * 4);
    }
}
