//! Memory of files and frames: begins at a line of the cache, and is used again.
//!
//! A file that is read into memory 8 or 16 bytes after such a line takes four times as long on some processors, and memory
//! that is new to the process has to be cleared page by page, which takes longer than to read the file.

use std::collections::TryReserveError;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::{Pod, Zeroable};

/// A line of the cache.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

const LINE: usize = 64;

/// Buffers that were given back, and are handed out again.
static SPARE: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());

/// What is given back beyond this goes to the system.
const MOST_SPARE_BYTES: usize = 512 << 20;

/// Smaller ones the allocator keeps by itself.
const LEAST_SPARE_BYTES: usize = 128 << 10;

/// Bytes that begin at a line of the cache.
#[derive(Debug)]
pub(super) struct Buffer {
    lines: Vec<Line>,
    length: usize,
}

impl Buffer {
    /// Memory for `length` bytes; they hold anything.
    ///
    /// # Errors
    /// There is not so much memory.
    pub(super) fn new(length: usize) -> Result<Buffer, TryReserveError> {
        let needed = length.div_ceil(LINE);
        let mut lines = spare(needed).unwrap_or_default();
        lines.try_reserve_exact(needed.saturating_sub(lines.len()))?;
        lines.resize(needed.max(lines.len()), Line::zeroed());
        Ok(Buffer { lines, length })
    }

    /// Leaves out all from byte `length` on.
    pub(super) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

/// A buffer of at least `needed` lines and not much more.
fn spare(needed: usize) -> Option<Vec<Line>> {
    if needed * LINE < LEAST_SPARE_BYTES {
        return None;
    }
    let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |lines: &Vec<Line>| lines.len() >= needed && lines.len() / 2 <= needed;
    spare.iter().rposition(fits).map(|place| spare.swap_remove(place))
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = |lines: &Vec<Line>| lines.len() * LINE;
        if bytes(&self.lines) >= LEAST_SPARE_BYTES {
            let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
            if spare.iter().map(bytes).sum::<usize>() + bytes(&self.lines) <= MOST_SPARE_BYTES {
                spare.push(std::mem::take(&mut self.lines));
            }
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.length]
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Buffer) -> bool {
        **self == **other
    }
}

/// Numbers of one type in row order, in memory of their own or where they stand in a file's.
#[derive(Clone)]
pub struct Pixels<T>(Store<T>);

#[derive(Clone)]
enum Store<T> {
    Own(Vec<T>),
    /// `length` numbers from byte `start` of a buffer.
    Shared {
        bytes: Arc<Buffer>,
        start: usize,
        length: usize,
        kind: PhantomData<T>,
    },
}

impl<T: Pod> Pixels<T> {
    /// `length` numbers that `fill` writes; before, they are anything.
    ///
    /// # Errors
    /// That of `fill`, and `no_memory` where there is not so much memory.
    pub(super) fn filled<E>(
        length: usize,
        no_memory: impl FnOnce(TryReserveError) -> E,
        fill: impl FnOnce(&mut [T]) -> Result<(), E>,
    ) -> Result<Pixels<T>, E> {
        let mut bytes = Buffer::new(length.saturating_mul(size_of::<T>())).map_err(no_memory)?;
        fill(bytemuck::cast_slice_mut(&mut bytes))?;
        Ok(Pixels(Store::Shared { bytes: Arc::new(bytes), start: 0, length, kind: PhantomData }))
    }

    /// The numbers that `part` of `whole` holds as they stand there; `None` where it is no part, or not aligned.
    pub(super) fn inside(whole: &Arc<Buffer>, part: &[u8]) -> Option<Pixels<T>> {
        let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
        let numbers: &[T] = bytemuck::try_cast_slice(whole.get(start..start + part.len())?).ok()?;
        let length = numbers.len();
        Some(Pixels(Store::Shared { bytes: Arc::clone(whole), start, length, kind: PhantomData }))
    }
}

impl<T: Pod> Deref for Pixels<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Store::Own(numbers) => numbers,
            Store::Shared { bytes, start, length, .. } => {
                bytemuck::cast_slice(&bytes[*start..start + length * size_of::<T>()])
            }
        }
    }
}

impl<T> From<Vec<T>> for Pixels<T> {
    fn from(numbers: Vec<T>) -> Pixels<T> {
        Pixels(Store::Own(numbers))
    }
}

impl<T> FromIterator<T> for Pixels<T> {
    fn from_iter<I: IntoIterator<Item = T>>(numbers: I) -> Pixels<T> {
        Pixels(Store::Own(numbers.into_iter().collect()))
    }
}

impl<T: Pod + PartialEq> PartialEq for Pixels<T> {
    fn eq(&self, other: &Pixels<T>) -> bool {
        **self == **other
    }
}

impl<T: Pod + fmt::Debug> fmt::Debug for Pixels<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_where_the_file_has_them() {
        let mut buffer = Buffer::new(20).unwrap();
        assert_eq!(buffer.as_ptr() as usize % LINE, 0);
        for (i, byte) in buffer.iter_mut().enumerate() {
            *byte = i as u8;
        }
        let buffer = Arc::new(buffer);
        let pixels: Pixels<u16> = Pixels::inside(&buffer, &buffer[4..10]).unwrap();
        assert_eq!(*pixels, [4, 6, 8].map(|low: u16| u16::from_ne_bytes([low as u8, low as u8 + 1])));
        assert!(Pixels::<u32>::inside(&buffer, &buffer[2..10]).is_none(), "not aligned");
        assert!(Pixels::<u32>::inside(&buffer, &buffer[4..10]).is_none(), "no whole number");
        assert!(Pixels::<u16>::inside(&buffer, &[0; 8]).is_none(), "elsewhere");
    }

    #[test]
    fn a_buffer_that_is_used_again_has_the_length_that_was_asked_for() {
        for length in [300_000, 200_000, 299_999, 170_000] {
            let mut buffer = Buffer::new(length).unwrap();
            assert_eq!(buffer.len(), length);
            buffer.fill(1);
            buffer.truncate(100);
            assert_eq!(*buffer, [1; 100]);
        }
        assert!(Buffer::new(usize::MAX / 2).is_err());
    }
}
