//! Reading the frames of a run: a file of many images is read once, not once for each of its images.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::load::{decode, hashed, unpacked};
use super::{FileRecord, FrameAddress, FrameError, LoadedFrame, read};

/// Reads frames, from several threads too. The file of several images that was asked for last stays in memory,
/// unpacked, until the next one is.
#[derive(Debug, Default)]
pub struct FrameReader {
    stack: Mutex<Option<Arc<Stack>>>,
}

/// A file of several images.
#[derive(Debug)]
struct Stack {
    path: PathBuf,
    contents: Vec<u8>,
    file: FileRecord,
}

impl FrameReader {
    /// As [`read`].
    ///
    /// # Errors
    /// As [`read`].
    pub fn read(&self, address: &FrameAddress) -> Result<LoadedFrame, FrameError> {
        // Most files hold one image: threads read them beside each other, and they are not kept.
        if address.image == 0 {
            return read(address);
        }
        let stack = self.stack(&address.path)?;
        Ok(LoadedFrame { frame: decode(&stack.contents, &address.path, address.image)?, file: stack.file })
    }

    /// The file, from memory where it was the last one. Threads that want it meanwhile wait for it.
    fn stack(&self, path: &Path) -> Result<Arc<Stack>, FrameError> {
        let mut last = self.stack.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stack) = last.as_ref().filter(|stack| stack.path == path) {
            return Ok(Arc::clone(stack));
        }
        // The memory of the one before is free before the next is read.
        *last = None;
        let (bytes, file) = hashed(path)?;
        let stack = Arc::new(Stack { path: path.to_path_buf(), contents: unpacked(bytes, path)?, file });
        *last = Some(Arc::clone(&stack));
        Ok(stack)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ::tiff::encoder::{TiffEncoder, colortype};

    use super::*;
    use crate::frame::image_count;

    #[test]
    fn the_images_of_a_stack_come_from_one_reading() {
        let mut pages = std::io::Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut pages).unwrap();
        for page in 0..3 {
            encoder.write_image::<colortype::Gray16>(3, 2, &[page; 6]).unwrap();
        }
        let plain = pages.into_inner();
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&plain).unwrap();
        let packed = packer.finish().unwrap();

        let folder = tempfile::tempdir().unwrap();
        let reader = FrameReader::default();
        for (name, bytes) in [("stack.tif", plain), ("stack.tif.gz", packed)] {
            let path = folder.path().join(name);
            std::fs::write(&path, &bytes).unwrap();
            let address = |image| FrameAddress { path: path.clone(), image };
            let expected = [0, 1, 2].map(|image| read(&address(image)).unwrap());
            assert_eq!(reader.read(&address(0)).unwrap(), expected[0]);
            assert_eq!(reader.read(&address(1)).unwrap(), expected[1]);
            // What is not there cannot be read again.
            std::fs::remove_file(&path).unwrap();
            assert_eq!(reader.read(&address(2)).unwrap(), expected[2]);
            assert!(matches!(reader.read(&address(3)), Err(FrameError::NoSuchImage { count: 3, .. })));
            assert!(matches!(reader.read(&address(0)), Err(FrameError::Io { .. })));
        }
    }

    #[test]
    fn a_stack_that_is_cut_keeps_its_good_images_and_says_so() {
        let mut pages = std::io::Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut pages).unwrap();
        for page in 0..5 {
            encoder.write_image::<colortype::Gray16>(300, 200, &[page; 60_000]).unwrap();
        }
        let whole = pages.into_inner();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.tif");
        // Inside the data of the fourth image, whose directory stands after them.
        std::fs::write(&path, &whole[..whole.len() * 7 / 10]).unwrap();
        assert_eq!(image_count(&path).unwrap(), 4);
        let reader = FrameReader::default();
        let read = |image| reader.read(&FrameAddress { path: path.clone(), image });
        assert!((0..3).all(|image| read(image).is_ok()));
        let reason = read(3).unwrap_err().to_string();
        assert!(reason.contains("cut short"), "{reason}");
    }
}
