//! The directories of a TIFF file: where each image's tags are (TIFF 6.0 section 2, BigTIFF).

use std::collections::{BTreeMap, BTreeSet};

use crate::frame::FrameError;
use crate::frame::format::Images;
use crate::frame::samples::ByteOrder;
use crate::frame::source::{Source, printable};

/// Byte order and offset width, from the first bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flavour {
    /// `II` or `MM`.
    pub order: ByteOrder,
    /// BigTIFF: 64-bit offsets.
    big: bool,
}

/// One directory: the tags of one image.
#[derive(Debug)]
pub(super) struct Directory<'a> {
    source: Source<'a>,
    flavour: Flavour,
    /// Where it stands.
    pub offset: u64,
    entries: BTreeMap<u16, Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: u16,
    count: u64,
    /// Where the entry's value or its offset stands.
    at: u64,
}

/// Directory `image`, from 0.
pub(super) fn directory<'a>(source: &Source<'a>, image: usize) -> Result<Directory<'a>, FrameError> {
    let (flavour, first) = flavour(source)?;
    let mut chain = Chain { source: *source, flavour, next: first, seen: BTreeSet::new() };
    let mut count = 0;
    while let Some(offset) = chain.step()? {
        if count == image {
            return read(source, flavour, offset);
        }
        count += 1;
    }
    Err(source.no_such_image(image, count))
}

/// All directories.
pub(super) fn images(source: &Source<'_>) -> Result<Images, FrameError> {
    let (flavour, first) = flavour(source)?;
    let mut chain = Chain { source: *source, flavour, next: first, seen: BTreeSet::new() };
    Ok(Images::count(|| Ok(chain.step()?.is_some())))
}

fn flavour(source: &Source<'_>) -> Result<(Flavour, u64), FrameError> {
    let magic: [u8; 4] = source.array(0, "TIFF signature")?;
    let (order, big) = match &magic {
        b"II*\0" => (ByteOrder::Little, false),
        b"MM\0*" => (ByteOrder::Big, false),
        b"II+\0" => (ByteOrder::Little, true),
        b"MM\0+" => (ByteOrder::Big, true),
        other => return Err(source.malformed(0, printable(other), "a TIFF signature")),
    };
    let flavour = Flavour { order, big };
    let at = if big { 8 } else { 4 };
    let first = flavour.offset(source, at, "offset of the first directory")?;
    if first == 0 {
        return Err(source.malformed(at, "no directory (offset 0)", "the offset of the first image's tags"));
    }
    Ok((flavour, first))
}

/// The linked list of directories, walked with a look at where it has been.
struct Chain<'a> {
    source: Source<'a>,
    flavour: Flavour,
    next: u64,
    seen: BTreeSet<u64>,
}

impl Chain<'_> {
    /// Where the next directory stands; `None` at the end.
    fn step(&mut self) -> Result<Option<u64>, FrameError> {
        let offset = self.next;
        if offset == 0 {
            return Ok(None);
        }
        if !self.seen.insert(offset) {
            let found = "a chain of directories that comes back to this one";
            return Err(self.source.malformed(offset, found, "a chain that ends"));
        }
        let entries = self.flavour.entries(&self.source, offset)?;
        let link = offset.saturating_add(self.flavour.head_bytes()).saturating_add(entries.len() as u64);
        self.next = self.flavour.offset(&self.source, link, "offset of the next directory")?;
        Ok(Some(offset))
    }
}

fn read<'a>(source: &Source<'a>, flavour: Flavour, offset: u64) -> Result<Directory<'a>, FrameError> {
    let size = flavour.entry_bytes();
    let mut entries = BTreeMap::new();
    let table = flavour.entries(source, offset)?;
    for (index, raw) in table.chunks_exact(size as usize).enumerate() {
        let start = offset + flavour.head_bytes() + index as u64 * size;
        let tag = flavour.u16([raw[0], raw[1]]);
        let kind = flavour.u16([raw[2], raw[3]]);
        let count = flavour.offset(source, start + 4, "value count of a tag")?;
        // The first of two entries with one tag counts.
        entries.entry(tag).or_insert(Entry { kind, count, at: start + if flavour.big { 12 } else { 8 } });
    }
    Ok(Directory { source: *source, flavour, offset, entries })
}

impl Flavour {
    fn u16(self, bytes: [u8; 2]) -> u16 {
        match self.order {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        }
    }

    /// A number of up to eight bytes.
    fn unsigned(self, bytes: &[u8]) -> u64 {
        let join = |number: u64, byte: &u8| (number << 8) | u64::from(*byte);
        match self.order {
            ByteOrder::Little => bytes.iter().rev().fold(0, join),
            ByteOrder::Big => bytes.iter().fold(0, join),
        }
    }

    /// An offset or a count: 4 bytes, 8 in BigTIFF.
    fn offset(self, source: &Source<'_>, at: u64, what: &str) -> Result<u64, FrameError> {
        Ok(self.unsigned(source.slice(at, if self.big { 8 } else { 4 }, what)?))
    }

    /// Bytes of the entry count before the entries.
    fn head_bytes(self) -> u64 {
        if self.big { 8 } else { 2 }
    }

    fn entry_bytes(self) -> u64 {
        if self.big { 20 } else { 12 }
    }

    /// The entries of the directory at `offset`.
    fn entries<'a>(self, source: &Source<'a>, offset: u64) -> Result<&'a [u8], FrameError> {
        let count = self.unsigned(source.slice(offset, self.head_bytes(), "TIFF directory")?);
        let length = count.saturating_mul(self.entry_bytes());
        source.slice(offset + self.head_bytes(), length, "TIFF directory")
    }
}

impl<'a> Directory<'a> {
    /// Where the values of `tag` stand; the directory itself where it lacks the tag.
    pub(super) fn at(&self, tag: u16) -> u64 {
        self.entries.get(&tag).map_or(self.offset, |entry| entry.at)
    }

    /// The bytes of a tag's values, each `size` bytes long.
    fn bytes(&self, tag: u16, entry: Entry, size: u64) -> Result<&'a [u8], FrameError> {
        let length = entry.count.saturating_mul(size);
        let inline = if self.flavour.big { 8 } else { 4 };
        let what = format!("value of TIFF tag {tag}");
        let at =
            if length <= inline { entry.at } else { self.flavour.offset(&self.source, entry.at, &what)? };
        self.source.slice(at, length, &what)
    }

    /// All values of a tag that holds unsigned whole numbers.
    pub(super) fn numbers(&self, tag: u16) -> Result<Option<Vec<u64>>, FrameError> {
        let Some(&entry) = self.entries.get(&tag) else { return Ok(None) };
        // BYTE, SHORT, LONG, IFD, LONG8, IFD8.
        let size = match entry.kind {
            1 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            other => {
                let found = format!("TIFF tag {tag} of field type {other}");
                return Err(self.source.malformed(entry.at, found, "unsigned whole numbers"));
            }
        };
        let bytes = self.bytes(tag, entry, size)?;
        Ok(Some(bytes.chunks_exact(size as usize).map(|raw| self.flavour.unsigned(raw)).collect()))
    }

    /// The only value of a tag.
    pub(super) fn number(&self, tag: u16) -> Result<Option<u64>, FrameError> {
        let Some(numbers) = self.numbers(tag)? else { return Ok(None) };
        match numbers[..] {
            [number] => Ok(Some(number)),
            _ => {
                let found = format!("TIFF tag {tag} with {} values", numbers.len());
                Err(self.source.malformed(self.at(tag), found, "one value"))
            }
        }
    }

    /// The only value of a tag without which there is no image.
    pub(super) fn required(&self, tag: u16, name: &str) -> Result<u64, FrameError> {
        self.number(tag)?.ok_or_else(|| {
            self.source.malformed(
                self.offset,
                format!("a directory without tag {tag} ({name})"),
                "the tags of an image",
            )
        })
    }

    /// The text of a tag, cut at the first NUL; `None` where it is absent or holds no text.
    pub(super) fn text(&self, tag: u16) -> Result<Option<&'a [u8]>, FrameError> {
        let Some(&entry) = self.entries.get(&tag) else { return Ok(None) };
        // BYTE, ASCII, UNDEFINED.
        if !matches!(entry.kind, 1 | 2 | 7) {
            return Ok(None);
        }
        let bytes = self.bytes(tag, entry, 1)?;
        Ok(bytes.split(|&byte| byte == 0).next())
    }

    /// How numbers are stored.
    pub(super) fn order(&self) -> ByteOrder {
        self.flavour.order
    }
}
