//! The piece of the journal that is being filled with frames.

use super::journal::{FrameState, Piece};
use super::sums::Sum;
use crate::frame::FrameAddress;
use crate::integrate::Accumulators;
use crate::output::Redone;

/// The piece that is being filled.
pub(super) struct Open<'p> {
    pieces: std::slice::Iter<'p, &'p Piece>,
    pub(super) piece: Option<&'p Piece>,
    frames: Vec<FrameState>,
    pub(super) sum: Sum,
    /// Of each frame, where they are wanted.
    frame_sums: Vec<Option<Accumulators>>,
    /// Frames of the piece that an engine failed at.
    redone: Vec<Redone>,
    /// Of the batch.
    fault: Option<Redone>,
    /// Whether a frame of the piece is in `fault`.
    noted: bool,
}

/// A piece that is whole.
pub(super) struct Whole<'p> {
    pub(super) piece: &'p Piece,
    pub(super) frames: Vec<FrameState>,
    pub(super) sum: Sum,
    pub(super) frame_sums: Vec<Option<Accumulators>>,
    pub(super) redone: Vec<Redone>,
}

impl<'p> Open<'p> {
    pub(super) fn new(pieces: &'p [&'p Piece]) -> Open<'p> {
        let mut pieces = pieces.iter();
        let piece = pieces.next().copied();
        let (frames, frame_sums, redone) = (Vec::new(), Vec::new(), Vec::new());
        Open { pieces, piece, frames, sum: Sum::default(), frame_sums, redone, fault: None, noted: false }
    }

    pub(super) fn begin_batch(&mut self, fault: Option<Redone>) {
        (self.fault, self.noted) = (fault, false);
    }

    pub(super) fn add(&mut self, frame: FrameState, sums: Option<Accumulators>) {
        let address = FrameAddress { path: frame.record.path.clone(), image: frame.record.image };
        if let Some(fault) = self.fault.as_ref().filter(|fault| fault.frames.contains(&address)) {
            match self.redone.last_mut().filter(|_| self.noted) {
                Some(last) => last.frames.push(address),
                None => self.redone.push(Redone { frames: vec![address], ..fault.clone() }),
            }
            self.noted = true;
        }
        self.frames.push(frame);
        self.frame_sums.push(sums);
    }

    /// The piece, as soon as it has all its frames.
    pub(super) fn whole(&mut self) -> Option<Whole<'p>> {
        let piece = self.piece.filter(|piece| piece.len() == self.frames.len())?;
        self.piece = self.pieces.next().copied();
        self.noted = false;
        Some(Whole {
            piece,
            frames: std::mem::take(&mut self.frames),
            sum: std::mem::take(&mut self.sum),
            frame_sums: std::mem::take(&mut self.frame_sums),
            redone: std::mem::take(&mut self.redone),
        })
    }
}
