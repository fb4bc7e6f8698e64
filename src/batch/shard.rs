//! A run in parts: which frames a shard does.

use std::str::FromStr;

use super::journal::{Owner, Piece};
use super::queue::Work;

/// One of several parts of a run, in which the frames of its samples are shared out evenly and in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// A text is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no shard; write i/N with i from 1 to N, such as 2/8")]
pub struct ShardError(String);

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let shard = text.split_once('/').and_then(|(number, of)| {
            let (number, of) = (number.trim().parse().ok()?, of.trim().parse().ok()?);
            (1..=of).contains(&number).then_some(Shard { number, of })
        });
        shard.ok_or_else(|| ShardError(text.to_owned()))
    }
}

impl Shard {
    /// The pieces to do: its share of the samples', and all of the backgrounds that these subtract.
    pub(super) fn pieces(self, work: &Work) -> Vec<Piece> {
        let all = Piece::all(work);
        let own = self.pieces_of(&all);
        let needed = |piece: &Piece| match piece.owner {
            Owner::Background(background) => own.iter().any(|own| match own.owner {
                Owner::Sample(sample) => work.background_of[sample] == Some(background),
                Owner::Background(_) => false,
            }),
            Owner::Sample(_) => false,
        };
        all.iter().filter(|piece| needed(piece)).chain(&own).cloned().collect()
    }

    /// Its share of the samples' pieces among `all` of a run: those whose first frame is in its part of the frames.
    pub(super) fn pieces_of(self, all: &[Piece]) -> Vec<Piece> {
        let of_samples: Vec<&Piece> =
            all.iter().filter(|piece| matches!(piece.owner, Owner::Sample(_))).collect();
        let frames: usize = of_samples.iter().map(|piece| piece.len()).sum();
        let mut before = 0;
        let mut is_own = |piece: &&&Piece| {
            let shard = before * self.of / frames.max(1);
            before += piece.len();
            shard + 1 == self.number
        };
        let own = of_samples.iter().filter(|piece| is_own(piece));
        own.map(|piece| (*piece).clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::{Job, Role};
    use super::*;
    use crate::frame::FrameAddress;

    #[test]
    fn every_frame_is_in_one_shard_and_its_background_with_it() {
        let frame = |role| Job { address: FrameAddress { path: "f.tif".into(), image: 0 }, role };
        let backgrounds = (0..2).flat_map(|background| (0..3).map(move |_| Role::Background(background)));
        let samples = (0..3).flat_map(|sample| (0..40).map(move |place| Role::Sample(sample, place)));
        let jobs = backgrounds.chain(samples).map(frame).collect();
        let backgrounds = vec![Vec::new(), Vec::new()];
        let work = Work { jobs, backgrounds, background_of: vec![Some(0), None, Some(1)] };
        for of in [1, 2, 3, 4, 7, 15, 40] {
            let mut seen = Vec::new();
            for number in 1..=of {
                let pieces = Shard { number, of }.pieces(&work);
                let of_background = |index| pieces.iter().any(|p| p.owner == Owner::Background(index));
                let of_sample = |index| pieces.iter().any(|p| p.owner == Owner::Sample(index));
                assert_eq!(of_background(0), of_sample(0), "{number}/{of}");
                assert_eq!(of_background(1), of_sample(2), "{number}/{of}");
                let own = pieces.iter().filter(|p| matches!(p.owner, Owner::Sample(_)));
                let frames: usize = own.clone().map(Piece::len).sum();
                assert!(frames <= 120_usize.div_ceil(of) + 8, "{frames} of shard {number}/{of}");
                seen.extend(own.flat_map(|piece| piece.jobs.clone()));
            }
            assert_eq!(seen, (6..126).collect::<Vec<usize>>(), "{of}");
        }
    }

    #[test]
    fn what_is_no_shard_says_so() {
        assert_eq!("3/8".parse(), Ok(Shard { number: 3, of: 8 }));
        for text in ["0/4", "5/4", "4", "a/b", "-1/4", "1/0"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
