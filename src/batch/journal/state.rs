//! What is kept of a finished piece, and its file: all that the end of a run needs of its frames.
//!
//! The file is `halor piece 3\n`, parts, each after its length as u64, and XXH3-128 of all that. All numbers are little-endian.
//! The parts are the configuration's name and what became of the frames, as JSON ([`Ended`]); records, rows of tables and curves as CBOR; the sums as f64; and, where
//! they are wanted, the sums of each frame, nothing for one that has none. CBOR and f64 keep every bit.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::stamp::Stamp;
use crate::engine::EngineInfo;
use crate::frame::FileRecord;
use crate::integrate::Accumulators;
use crate::output::{FrameRecord, Ledger, PeakRow, Redone, Status};
use crate::series::FrameCurve;

const MAGIC: &[u8] = b"halor piece 3\n";
/// Bytes of the checksum, and of a part's length or a number.
const CHECKSUM: usize = 16;
const LENGTH: usize = 8;

/// A file of results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::batch) struct Output {
    /// Relative to the output folder.
    pub(in crate::batch) path: PathBuf,
    pub(in crate::batch) bytes: u64,
    pub(in crate::batch) xxh3_128: u128,
}

impl Output {
    pub(in crate::batch) fn is(&self, record: FileRecord) -> bool {
        (record.bytes, record.xxh3_128) == (self.bytes, self.xxh3_128)
    }
}

/// One frame that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::batch) struct FrameState {
    pub(in crate::batch) record: FrameRecord,
    /// Of its files; empty for a background's.
    pub(in crate::batch) name: String,
    /// Of its file when it was read; `None` where the file was too young.
    pub(in crate::batch) stamp: Option<Stamp>,
    /// What its header says against the run file.
    pub(in crate::batch) contradictions: Vec<String>,
    pub(in crate::batch) warnings: Vec<String>,
    pub(in crate::batch) rows: Vec<PeakRow>,
    /// Where frames are compared.
    pub(in crate::batch) curve: Option<FrameCurve>,
    pub(in crate::batch) outputs: Vec<Output>,
}

/// What a piece depends on beside its frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::batch) struct DependsOn {
    /// Name of the key.
    pub(in crate::batch) key: String,
    /// What is subtracted: hash of the background's sums with the scale, or why there is nothing.
    pub(in crate::batch) background: String,
}

/// A piece that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::batch) struct State {
    pub(in crate::batch) depends_on: DependsOn,
    pub(in crate::batch) engines: Vec<EngineInfo>,
    /// Frames of the piece that an engine failed at.
    pub(in crate::batch) redone: Vec<Redone>,
    pub(in crate::batch) frames: Vec<FrameState>,
    /// Frames in the sums.
    pub(in crate::batch) summed: usize,
    #[serde(skip)]
    pub(in crate::batch) sums: Option<Accumulators>,
    /// The sums of each frame that is in them, where they are wanted.
    #[serde(skip)]
    pub(in crate::batch) frame_sums: Vec<Option<Accumulators>>,
}

/// What stands at the head of a piece's file, so that `status` need not read more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ended {
    /// Name of the configuration.
    key: String,
    #[serde(flatten)]
    ledger: Ledger,
}

/// Whether the sums are wanted of what is read: they are most of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::batch) enum Sums {
    /// They are taken.
    Taken,
    /// They are left where they are.
    Left,
}

/// Why a file is no state.
#[derive(Debug, thiserror::Error)]
pub(in crate::batch) enum StateError {
    #[error("it is cut short or damaged")]
    Damaged,
    #[error("it is of another version")]
    Version,
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Cbor(String),
}

impl State {
    pub(in crate::batch) fn ledger(&self) -> Ledger {
        Ledger::counting(self.frames.len(), self.frames.iter().map(|frame| &frame.record.status))
    }

    fn ended(&self) -> Ended {
        Ended { key: self.depends_on.key.clone(), ledger: self.ledger() }
    }

    /// Whether all frames of both are done, and were the same.
    pub(in crate::batch) fn is_of_same(&self, other: &State) -> bool {
        let same = |(a, b): (&FrameState, &FrameState)| {
            let content = |frame: &FrameState| (frame.record.bytes, frame.record.xxh3_128.clone());
            let done = [a, b].iter().all(|frame| frame.record.status == Status::Done);
            done && content(a) == content(b)
                && a.record.path == b.record.path
                && a.record.image == b.record.image
        };
        self.depends_on == other.depends_on
            && self.frames.len() == other.frames.len()
            && self.frames.iter().zip(&other.frames).all(same)
    }

    /// As it stands in its file.
    pub(in crate::batch) fn encode(&self) -> Result<Vec<u8>, StateError> {
        let mut bytes = MAGIC.to_vec();
        let mut part = |write: &mut dyn FnMut(&mut Vec<u8>) -> Result<(), StateError>| {
            let start = bytes.len();
            bytes.extend([0; LENGTH]);
            write(&mut bytes)?;
            let length = (bytes.len() - start - LENGTH) as u64;
            bytes[start..start + LENGTH].copy_from_slice(&length.to_le_bytes());
            Ok::<(), StateError>(())
        };
        part(&mut |bytes| Ok(serde_json::to_writer(bytes, &self.ended())?))?;
        part(&mut |bytes| {
            ciborium::into_writer(self, bytes).map_err(|error| StateError::Cbor(error.to_string()))
        })?;
        part(&mut |bytes| {
            self.sums.iter().for_each(|sums| put(sums, bytes));
            Ok(())
        })?;
        for sums in &self.frame_sums {
            part(&mut |bytes| {
                sums.iter().for_each(|sums| put(sums, bytes));
                Ok(())
            })?;
        }
        let checksum = xxh3_128(&bytes);
        bytes.extend(checksum.to_le_bytes());
        Ok(bytes)
    }

    /// From its file.
    pub(in crate::batch) fn decode(bytes: &[u8], wanted: Sums) -> Result<State, StateError> {
        let at = bytes.len().checked_sub(CHECKSUM).ok_or(StateError::Damaged)?;
        let (content, checksum) = bytes.split_at(at);
        if checksum != xxh3_128(content).to_le_bytes() {
            return Err(StateError::Damaged);
        }
        let (_, rest) = part(content.strip_prefix(MAGIC).ok_or(StateError::Version)?)?;
        let (body, rest) = part(rest)?;
        let (sums, mut rest) = part(rest)?;
        let mut state: State =
            ciborium::from_reader(body).map_err(|error| StateError::Cbor(error.to_string()))?;
        if wanted == Sums::Left {
            return Ok(state);
        }
        state.sums = taken(sums);
        while !rest.is_empty() {
            let (sums, next) = part(rest)?;
            state.frame_sums.push(taken(sums));
            rest = next;
        }
        Ok(state)
    }
}

/// Sums as they stand in the file.
fn put(sums: &Accumulators, bytes: &mut Vec<u8>) {
    bytes.extend(sums.excluded_pixels.to_le_bytes());
    for values in [&sums.signal, &sums.variance, &sums.norm] {
        bytes.reserve(LENGTH * values.len());
        values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    }
}

/// Sums from what stands in the file; `None` where that is nothing.
fn taken(sums: &[u8]) -> Option<Accumulators> {
    let (excluded, values) = sums.split_first_chunk()?;
    let (numbers, _) = values.as_chunks();
    let third = numbers.len() / 3;
    let of = |place: usize| {
        numbers[place * third..(place + 1) * third].iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
    };
    let (signal, variance, norm) = (of(0), of(1), of(2));
    Some(Accumulators { signal, variance, norm, excluded_pixels: u64::from_le_bytes(*excluded) })
}

/// As much of a file as holds its first part.
const HEAD_BYTES: u64 = 4096;

/// What became of the frames of a piece that was done with the configuration `key`, from the beginning of its file; nothing is checked.
pub(in crate::batch) fn ledger_of(path: &Path, key: &str) -> Option<Ledger> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    ended_at_head(&head).ok().filter(|ended| ended.key == key).map(|ended| ended.ledger)
}

fn ended_at_head(bytes: &[u8]) -> Result<Ended, StateError> {
    let (head, _) = part(bytes.strip_prefix(MAGIC).ok_or(StateError::Version)?)?;
    Ok(serde_json::from_slice(head)?)
}

/// The first part, and what follows.
fn part(bytes: &[u8]) -> Result<(&[u8], &[u8]), StateError> {
    let (length, rest) = bytes.split_first_chunk().ok_or(StateError::Damaged)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| StateError::Damaged)?;
    rest.split_at_checked(length).ok_or(StateError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineKind;
    use crate::frame::Reading;
    use crate::peaks::{Curve, Measured, Peak};
    use crate::quality::Quality;

    fn state() -> State {
        let odd = 0.1 + 0.2;
        let measured = Measured { value: odd, sigma: f64::MIN_POSITIVE };
        let peak = Peak {
            name: "q1".into(),
            curve: Curve::StructureFactor,
            position: measured,
            height: measured,
            fwhm: measured,
            area: measured,
            asymmetry: measured,
            coordination_number: None,
        };
        let row = PeakRow {
            sample: "s".into(),
            frame: Some("f".into()),
            region: "ring".into(),
            peak,
            systematic: None,
            quality: Quality::default(),
        };
        let record = FrameRecord {
            path: "f.tif".into(),
            image: 3,
            used_for: "s".into(),
            bytes: Some(7),
            xxh3_128: Some("ab".into()),
            normalized_by: Some(odd),
            excluded_pixels: Some(0),
            readings: vec![Reading { name: "T".into(), value: 1.0 / 3.0, unit: "K".into() }],
            began: Some("2026-11-26T10:00:00".into()),
            exposure_s: Some(odd),
            status: Status::Failed("torn".into()),
        };
        let frame = FrameState {
            record,
            name: "f".into(),
            stamp: None,
            contradictions: vec!["header says".into()],
            warnings: Vec::new(),
            rows: vec![row],
            curve: None,
            outputs: vec![Output { path: "s/frames/f.xye".into(), bytes: 1, xxh3_128: u128::MAX - 1 }],
        };
        let engine = EngineInfo { kind: EngineKind::Cpu, device: "d".into(), detail: "avx2".into() };
        State {
            depends_on: DependsOn { key: "k".into(), background: "none".into() },
            engines: vec![engine],
            redone: Vec::new(),
            frames: vec![frame],
            summed: 1,
            sums: Some(Accumulators {
                signal: vec![odd, -0.0],
                variance: vec![1e-300, 2.0],
                norm: vec![3.0, 4.0],
                excluded_pixels: 9,
            }),
            frame_sums: vec![
                None,
                Some(Accumulators {
                    signal: vec![1.0, odd],
                    variance: vec![2.0, 3.0],
                    norm: vec![4.0, f64::MAX],
                    excluded_pixels: 1,
                }),
            ],
        }
    }

    #[test]
    fn every_bit_comes_back() {
        let state = state();
        let bytes = state.encode().unwrap();
        let again = State::decode(&bytes, Sums::Taken).unwrap();
        assert_eq!(again, state);
        assert_eq!(again.encode().unwrap(), bytes);
        assert_eq!(ended_at_head(&bytes).unwrap(), state.ended());
        let left = State::decode(&bytes, Sums::Left).unwrap();
        assert_eq!(left, State { sums: None, frame_sums: Vec::new(), ..state.clone() });
        let none = State { sums: None, summed: 0, ..state };
        assert_eq!(State::decode(&none.encode().unwrap(), Sums::Taken).unwrap(), none);
    }

    #[test]
    fn what_could_not_be_measured_stays_so() {
        let mut state = state();
        state.frames[0].rows[0].peak.fwhm = Measured::MISSING;
        let again = State::decode(&state.encode().unwrap(), Sums::Taken).unwrap();
        assert!(again.frames[0].rows[0].peak.fwhm.value.is_nan());
    }

    #[test]
    fn no_damage_passes() {
        let bytes = state().encode().unwrap();
        for length in 0..bytes.len() {
            assert!(State::decode(&bytes[..length], Sums::Taken).is_err(), "cut at {length}");
        }
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert!(State::decode(&damaged, Sums::Left).is_err(), "byte {place}");
        }
    }
}
