//! Which frames a merge lacks, in words.

use super::journal::{Life, Piece, Standing, Task, sessions_of};
use super::shard::Shard;
use crate::config::Config;

/// Pieces that are named.
const MOST_NAMED: usize = 12;

/// Pieces of a run that are not done.
pub(super) struct Missing<'a> {
    config: &'a Config,
    /// Frames that are done.
    pub(super) there: usize,
    frames: usize,
    /// Each with what is wrong with it, if it was done once.
    pieces: Vec<(Piece, Option<String>)>,
}

impl<'a> Missing<'a> {
    pub(super) fn new(config: &'a Config) -> Missing<'a> {
        Missing { config, there: 0, frames: 0, pieces: Vec::new() }
    }

    pub(super) fn add(&mut self, pieces: &[&Piece], standings: Vec<Standing>) {
        for (piece, standing) in pieces.iter().zip(standings) {
            let reason = match standing {
                Standing::Done => {
                    self.there += piece.len();
                    continue;
                }
                Standing::New => None,
                Standing::Again(reason) => Some(reason),
            };
            self.frames += piece.len();
            self.pieces.push(((*piece).clone(), reason));
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Frames, reasons, and the shards that they belong to; `all` are the pieces of the run.
    pub(super) fn words(&self, all: &[Piece]) -> String {
        let of_all: usize = all.iter().map(Piece::len).sum();
        let mut words = format!("{} of {of_all} frames are not done", self.frames);
        let sessions = sessions_of(&self.config.output);
        let shards = sessions.iter().rev().find_map(|(begun, _)| match begun.task {
            Task::Shard { of, .. } => Some(of),
            Task::Run | Task::Merge | Task::Watch => None,
        });
        if let Some(of) = shards {
            let lacks = |shard: &Shard| {
                let pieces = shard.pieces_of(all);
                self.pieces.iter().any(|(piece, _)| pieces.contains(piece))
            };
            let numbers = (1..=of).map(|number| Shard { number, of }).filter(lacks);
            let named: Vec<String> = numbers.map(|shard| shard.to_string()).collect();
            words += &format!(" (shards {})", named.join(", "));
        }
        for (piece, reason) in self.pieces.iter().take(MOST_NAMED) {
            let reason = reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
            words += &format!("\n  {}{reason}", piece.words(self.config));
        }
        if self.pieces.len() > MOST_NAMED {
            words += &format!("\n  … and {} more", self.pieces.len() - MOST_NAMED);
        }
        for (begun, _) in
            sessions.iter().filter(|(begun, life)| begun.task != Task::Merge && *life == Life::Works)
        {
            words += &format!("\n  still at work: {begun}");
        }
        words
    }
}
