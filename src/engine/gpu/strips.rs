//! How a detector is cut so that what a pass needs of it fits the bindings of a card.

use std::ops::Range;

use super::device::AdapterSummary;
use crate::engine::EngineError;
use crate::engine::layout::{GROUP, GroupSums, LANES};
use crate::frame::Shape;

/// Most pixels of a strip: what every card can bind for eight frames, 128 MiB. So the strips of a detector, and with them
/// the bits of the sums, are the same on every card.
pub(super) const STRIP: usize = 1 << 22;

/// Bytes of the counts of a pass over `pixels`, and of its signals.
pub(super) fn pass_bytes(pixels: usize, groups: usize) -> u64 {
    (4 * GROUP * groups * pixels) as u64
}

/// The strips of a detector, and the groups of frames that a binding holds of them.
///
/// Strips are smaller than [`STRIP`] only where a binding holds less than every card's.
pub(super) fn strips(pixels: usize, limit: u64) -> (Vec<Range<usize>>, usize) {
    let most = pixels.div_ceil(pixels.div_ceil(STRIP).max(1)).next_multiple_of(LANES);
    let largest = most.min(pixels);
    let groups = if pass_bytes(largest, 2) <= limit { 2 } else { 1 };
    let held = (limit / pass_bytes(1, groups)) as usize;
    let size = if largest <= held { most } else { (held / LANES * LANES).max(LANES) };
    let strips = (0..pixels).step_by(size.max(1)).map(|first| first..pixels.min(first + size));
    (strips.collect(), groups)
}

/// Bytes of the counts and of the sums of eight frames of so many pixels and bins.
pub(super) fn most_bytes(pixels: usize, bins: usize) -> (usize, usize) {
    (pass_bytes(pixels, 2) as usize, 2 * bins * size_of::<GroupSums>())
}

/// Groups of frames that a binding holds whole, as filters need them.
pub(super) fn whole(adapter: &AdapterSummary, limit: u64, shape: Shape) -> Result<usize, EngineError> {
    let needed = |groups| pass_bytes(shape.pixels(), groups);
    // Pixels of a bin are counted in f32.
    let most_pixels = 1 << 24;
    if needed(1) > limit || shape.pixels() > most_pixels {
        return Err(EngineError::FrameTooLarge {
            adapter: adapter.name.clone(),
            shape,
            needed: needed(1),
            limit: limit.min(pass_bytes(most_pixels, 1)),
        });
    }
    Ok(if needed(2) <= limit { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_are_those_of_the_detector_on_every_card() {
        let every_card = 128 << 20;
        assert_eq!(strips(1679 * 1475, every_card), (vec![0..1679 * 1475; 1], 2));
        // 16M pixels: four strips, the same where a binding holds more.
        let (ranges, groups) = strips(4096 * 4096, every_card);
        assert_eq!((ranges.len(), groups), (4, 2));
        assert_eq!(strips(4096 * 4096, 1 << 31), (ranges, 2));
        for pixels in [1, 63, 4_486_000, 9_000_001, 1 << 24] {
            let (ranges, _) = strips(pixels, every_card);
            assert!(ranges.iter().all(|r| pass_bytes(r.len(), 2) <= every_card && r.start % LANES == 0));
            assert_eq!(ranges.first().map(|r| r.start), Some(0));
            assert_eq!(ranges.last().map(|r| r.end), Some(pixels));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }

    #[test]
    fn what_holds_less_gets_fewer_frames_and_then_smaller_strips() {
        assert_eq!(strips(4087, 1 << 17).1, 2);
        assert_eq!(strips(4087, 16 * 4087), (vec![0..4087; 1], 1));
        let (ranges, groups) = strips(4087, 65_000);
        assert_eq!((ranges, groups), (vec![0..4032, 4032..4087], 1));
    }
}
