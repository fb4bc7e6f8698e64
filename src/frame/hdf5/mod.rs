//! Frames in HDF5 and NeXus files: Eiger and Pilatus3/4 masters with external links, and whatever else holds a stack of images.
//!
//! The only module that reads by the HDF5 library. A file stays open and its images are read one by one, so that a stack may be larger
//! than the memory; chunks are unpacked outside the library's lock, many images at once.

mod find;
mod metadata;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_hdf5::format::messages::filter::reverse_filters_masked_into;
use rust_hdf5::{ByteOrder as Order, DatatypeMessage, FilterPipeline, H5Dataset, H5File, Hdf5Error};

use super::buffer::Buffer;
use super::samples::{ByteOrder, SampleType, counts};
use super::source::Source;
use super::{FileRecord, Frame, FrameError, LoadedFrame, Shape};
use metadata::Metadata;

/// First bytes of an HDF5 file. (A user block before them is not looked for: no detector writes one.)
pub(super) const MAGIC: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Images that one path leads to: each has a place in lists, whatever of it was ever written.
const MOST_IMAGES: usize = 4_000_000;
/// Packed bytes grow by so much at most (deflate; LZ4 by 255), where only these filters have been at work.
const MOST_GROWTH: usize = 1032;
/// Deflate, shuffle, Fletcher's checksum, LZ4, bitshuffle. Others pack an image of one value into almost nothing.
const BOUNDED_FILTERS: [u16; 5] = [1, 2, 3, 32_004, 32_008];

/// The images of one file, or of all that its external links lead to, in order.
pub(super) struct Stack {
    /// As addressed, for messages.
    path: PathBuf,
    parts: Vec<Part>,
    metadata: Metadata,
}

/// One dataset of a stack.
enum Part {
    /// It can be read.
    Images(Box<Images>),
    /// It is linked and cannot be opened: its images are unknown, and count as one that says why.
    Missing { name: String, reason: String },
}

/// A dataset of images: its last two axes are rows and columns, those before count images.
struct Images {
    name: String,
    dataset: H5Dataset,
    /// Lengths of the axes before rows and columns.
    leading: Vec<usize>,
    shape: Shape,
    kind: SampleType,
    order: ByteOrder,
    storage: Storage,
}

/// How the numbers of an image lie in the file.
enum Storage {
    /// In one chunk, packed by these filters.
    OneChunk(FilterPipeline),
    /// In any other way; the library puts them together.
    Other {
        /// Chunks may be there or not.
        chunked: bool,
    },
}

impl Stack {
    /// Opens the file at `path`, and in it `dataset`, or what it holds as images where none is named.
    pub(super) fn open(path: &Path, file: &Path, dataset: Option<&str>) -> Result<Stack, FrameError> {
        // A detector may still hold its lock, and network disks have none.
        let opened = H5File::options().no_locking().open(file).map_err(|error| hdf5(path, "", &error))?;
        let names = find::images(path, &opened, dataset)?;
        let metadata = Metadata::read(&opened, &names);
        let parts: Vec<Part> =
            names.iter().map(|name| Part::open(path, &opened, name)).collect::<Result<_, _>>()?;
        let stack = Stack { path: path.to_path_buf(), parts, metadata };
        if stack.count() > MOST_IMAGES {
            return Err(FrameError::Hdf5 {
                path: path.to_path_buf(),
                what: names.first().cloned().unwrap_or_default(),
                reason: format!(
                    "says that it has {} images, and at most {MOST_IMAGES} are read",
                    stack.count()
                ),
            });
        }
        Ok(stack)
    }

    /// How many images there are; a part that is missing counts as one.
    pub(super) fn count(&self) -> usize {
        self.parts.iter().map(Part::count).fold(0, usize::saturating_add)
    }

    /// Shape of the first image that can be read.
    pub(super) fn shape(&self) -> Result<Shape, FrameError> {
        let shape = self.parts.iter().find_map(|part| match part {
            Part::Images(images) => Some(images.shape),
            Part::Missing { .. } => None,
        });
        // Nothing can be read: the first part says why.
        shape.map_or_else(|| self.image(0).map(|loaded| loaded.frame.shape), Ok)
    }

    /// Image number `image`, from 0. Its record is that of the bytes that it is stored in: of its chunk as packed, or of
    /// its numbers where it is not one chunk.
    pub(super) fn image(&self, image: usize) -> Result<LoadedFrame, FrameError> {
        let mut place = image;
        for part in &self.parts {
            if place < part.count() {
                return match part {
                    Part::Images(images) => {
                        let mut loaded = images.read(&self.path, place)?;
                        loaded.frame.header = self.metadata.of_image(image, &loaded.frame.counts);
                        Ok(loaded)
                    }
                    Part::Missing { name, reason } => Err(FrameError::Hdf5 {
                        path: self.path.clone(),
                        what: name.clone(),
                        reason: reason.clone(),
                    }),
                };
            }
            place -= part.count();
        }
        Err(FrameError::NoSuchImage { path: self.path.clone(), image, count: self.count() })
    }
}

impl Part {
    /// # Errors
    /// The dataset is there and holds no images.
    fn open(path: &Path, file: &H5File, name: &str) -> Result<Part, FrameError> {
        match file.dataset(name) {
            Ok(dataset) => Ok(Part::Images(Box::new(Images::of(path, name, dataset)?))),
            Err(error) => Ok(Part::Missing { name: name.to_owned(), reason: error.to_string() }),
        }
    }

    fn count(&self) -> usize {
        match self {
            Part::Images(images) => images.leading.iter().copied().fold(1, usize::saturating_mul),
            Part::Missing { .. } => 1,
        }
    }
}

impl Images {
    fn of(path: &Path, name: &str, dataset: H5Dataset) -> Result<Images, FrameError> {
        let failed = |error: Hdf5Error| hdf5(path, name, &error);
        let (kind, order) = sample_type(path, name, &dataset.datatype().map_err(failed)?)?;
        let axes = dataset.shape();
        let [leading @ .., rows, columns] = axes.as_slice() else {
            return Err(FrameError::Hdf5 {
                path: path.to_path_buf(),
                what: name.to_owned(),
                reason: format!("has {} axes, an image has rows and columns", axes.len()),
            });
        };
        let source = Source::new(path, &[]);
        let (shape, _) = source.shape(0, *rows as u64, *columns as u64, kind.bytes())?;
        let chunk = dataset.chunk_dims();
        let of_one_image: Vec<usize> = leading.iter().map(|_| 1).chain([*rows, *columns]).collect();
        let storage = if chunk.as_ref() == Some(&of_one_image) {
            Storage::OneChunk(FilterPipeline { filters: dataset.filters().map_err(failed)? })
        } else {
            Storage::Other { chunked: chunk.is_some() }
        };
        let (name, leading) = (name.to_owned(), leading.to_vec());
        Ok(Images { name, dataset, leading, shape, kind, order, storage })
    }

    fn read(&self, path: &Path, image: usize) -> Result<LoadedFrame, FrameError> {
        let mut coordinates = vec![0; self.leading.len()];
        let mut rest = image;
        for (coordinate, &length) in coordinates.iter_mut().zip(&self.leading).rev() {
            *coordinate = rest % length;
            rest /= length;
        }
        let failed = |error: &Hdf5Error| hdf5(path, &format!("{}, image {image}", self.name), error);
        let length = self.shape.pixels() * self.kind.bytes();
        let no_memory = |error| FrameError::Io {
            path: path.to_path_buf(),
            source: std::io::Error::other::<std::collections::TryReserveError>(error),
        };
        let (file, order, bytes) = match &self.storage {
            Storage::OneChunk(filters) => {
                coordinates.extend([0, 0]);
                let (packed, mask) =
                    self.dataset.read_chunk_raw_at(&coordinates).map_err(|error| failed(&error))?;
                let limit = packed.len().saturating_mul(MOST_GROWTH);
                let bounded = filters.filters.iter().all(|filter| BOUNDED_FILTERS.contains(&filter.id));
                if bounded && length > limit {
                    return Err(FrameError::TooLarge {
                        path: path.to_path_buf(),
                        what: "the compressed image by its header",
                        bytes: length as u64,
                        limit: limit as u64,
                    });
                }
                let mut bytes = Buffer::new(length).map_err(no_memory)?;
                reverse_filters_masked_into(filters, &packed, mask, &mut bytes)
                    .map_err(|error| failed(&Hdf5Error::Format(error)))?;
                (FileRecord::of(&packed), self.order, bytes)
            }
            Storage::Other { chunked } => {
                let mut bytes = Buffer::new(length).map_err(no_memory)?;
                coordinates.extend([0, 0]);
                let mut counts = vec![1; self.leading.len()];
                counts.extend([self.shape.rows, self.shape.columns]);
                self.slice(&mut bytes, &coordinates, &counts).map_err(|error| failed(&error))?;
                // Where nothing was ever written the library gives zeros.
                if *chunked && bytes.iter().all(|&byte| byte == 0) {
                    let chunk = self.dataset.chunk_dims().unwrap_or_default();
                    let place: Vec<usize> =
                        coordinates.iter().zip(&chunk).map(|(at, length)| at / length.max(&1)).collect();
                    self.dataset.read_chunk_raw_at(&place).map_err(|error| failed(&error))?;
                }
                (FileRecord::of(&bytes), NATIVE, bytes)
            }
        };
        let memory = Arc::new(bytes);
        let source = Source { path, bytes: &memory, memory: Some(&memory), md5: None };
        let counts = counts(&source, &memory, self.kind, order)?;
        let frame = Frame { shape: self.shape, counts, header: Default::default() };
        Ok(LoadedFrame { frame, file })
    }

    /// Numbers in the byte order of this machine.
    fn slice(&self, bytes: &mut [u8], starts: &[usize], counts: &[usize]) -> Result<(), Hdf5Error> {
        match self.kind.bytes() {
            1 => self.dataset.read_slice_into::<u8>(bytes, starts, counts),
            2 => self.dataset.read_slice_into::<u16>(bytemuck::cast_slice_mut(bytes), starts, counts),
            4 => self.dataset.read_slice_into::<u32>(bytemuck::cast_slice_mut(bytes), starts, counts),
            _ => self.dataset.read_slice_into::<u64>(bytemuck::cast_slice_mut(bytes), starts, counts),
        }
    }
}

const NATIVE: ByteOrder = if cfg!(target_endian = "little") { ByteOrder::Little } else { ByteOrder::Big };

/// Numbers that pixels can be.
fn sample_type(
    path: &Path,
    name: &str,
    datatype: &DatatypeMessage,
) -> Result<(SampleType, ByteOrder), FrameError> {
    let number = if let DatatypeMessage::FixedPoint { size, byte_order, signed, bit_offset: 0, bit_precision } =
        datatype
        && u32::from(*bit_precision) == 8 * size
    {
        let kind = match (size, signed) {
            (1, false) => Some(SampleType::U8),
            (1, true) => Some(SampleType::I8),
            (2, false) => Some(SampleType::U16),
            (2, true) => Some(SampleType::I16),
            (4, false) => Some(SampleType::U32),
            (4, true) => Some(SampleType::I32),
            (8, false) => Some(SampleType::U64),
            (8, true) => Some(SampleType::I64),
            (_, _) => None,
        };
        kind.map(|kind| (kind, *byte_order))
    } else if let DatatypeMessage::FloatingPoint { size, byte_order, .. } = datatype {
        let kind = match size {
            4 => Some(SampleType::F32),
            8 => Some(SampleType::F64),
            _ => None,
        };
        kind.map(|kind| (kind, *byte_order))
    } else {
        None
    };
    match number {
        Some((kind, Order::LittleEndian)) => Ok((kind, ByteOrder::Little)),
        Some((kind, Order::BigEndian)) => Ok((kind, ByteOrder::Big)),
        None => Err(FrameError::Hdf5 {
            path: path.to_path_buf(),
            what: name.to_owned(),
            reason: format!("holds {datatype}, expected integers of 8 to 64 bits, float32 or float64"),
        }),
    }
}

/// An error of the library, at `what` in the file.
fn hdf5(path: &Path, what: &str, error: &Hdf5Error) -> FrameError {
    FrameError::Hdf5 { path: path.to_path_buf(), what: what.to_owned(), reason: error.to_string() }
}
