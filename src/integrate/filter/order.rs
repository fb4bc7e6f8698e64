//! Filters by the order of the values along the ring, and the selection of what stands in the middle.

use super::{Part, weight_of_others};
use crate::integrate::Sums;

/// As many numbers are selected from directly; more are narrowed down first.
const FEW: usize = 200;
/// So many are looked at to narrow the others down.
const SAMPLE: usize = 64;
/// The one that is looked for is between the samples so many before and behind the middle one, but for one case in thousands.
const BESIDE: usize = 12;

/// The lower middle one of some numbers, none of which is NaN; their order is changed. NaN where there are none.
///
/// Floyd & Rivest, Commun. ACM 18, 165 (1975), with a sample of fixed size: two of its numbers enclose the middle, and what lies between
/// them is a third of all.
pub(super) fn lower_median(numbers: &mut Vec<f64>) -> f64 {
    let Some(mut rank) = numbers.len().checked_sub(1).map(|last| last / 2) else { return f64::NAN };
    while numbers.len() > FEW {
        let mut sample: [f64; SAMPLE] =
            std::array::from_fn(|i| numbers[(2 * i + 1) * numbers.len() / (2 * SAMPLE)]);
        sample.sort_unstable_by(f64::total_cmp);
        let expected = rank * SAMPLE / numbers.len();
        let low = sample[expected.saturating_sub(BESIDE)];
        let high = sample[(expected + BESIDE).min(SAMPLE - 1)];
        let below = numbers.iter().map(|number| usize::from(*number < low)).sum::<usize>();
        let above = numbers.iter().map(|number| usize::from(*number > high)).sum::<usize>();
        let (count, between) = (numbers.len(), numbers.len() - below - above);
        let is_between = (below..below + between).contains(&rank);
        if !is_between || between == count {
            break;
        }
        if low == high {
            return low;
        }
        // Every number is written, and the next goes over it where it was not one between.
        let mut kept = 0;
        for index in 0..count {
            let number = numbers[index];
            numbers[kept] = number;
            kept += usize::from(low <= number && number <= high);
        }
        numbers.truncate(kept);
        rank -= below;
    }
    *numbers.select_nth_unstable_by(rank, f64::total_cmp).1
}

/// With σ² = π/2 · Σ w²·variance, the variance that of the median: what the median of many normally distributed numbers has. 0 where most
/// pixels have no count, whose median says as little as its σ.
pub(super) fn median(parts: &mut [Part]) -> Sums {
    let norm: f64 = parts.iter().map(|part| part.share * part.norm).sum();
    let size: f64 = parts.iter().map(|part| part.share * part.share * part.norm).sum();
    let (parts, mut below) = around_half(parts, norm);
    parts.sort_unstable_by(|a, b| a.value.total_cmp(&b.value));
    let reaches_half = |part: &&Part| {
        below += part.share * part.norm;
        2.0 * below >= norm
    };
    // Rounding may leave the sum of all just below itself.
    let middle = parts.iter().find(reaches_half).unwrap_or(&parts[parts.len() - 1]);
    let variance = std::f64::consts::FRAC_PI_2 * size * middle.variance / middle.norm;
    Sums { signal: middle.value * norm, variance, norm }
}

/// Some of the pixels, those in the middle of the weight `norm` of all among them, and the weight of those below.
fn around_half(parts: &mut [Part], norm: f64) -> (&mut [Part], f64) {
    if parts.len() <= FEW {
        return (parts, 0.0);
    }
    let mut sample: [f64; SAMPLE] =
        std::array::from_fn(|i| parts[(2 * i + 1) * parts.len() / (2 * SAMPLE)].value);
    sample.sort_unstable_by(f64::total_cmp);
    let (low, high) = (sample[SAMPLE / 2 - BESIDE], sample[SAMPLE / 2 + BESIDE]);
    let (mut below, mut up_to_high) = (0.0, 0.0);
    for part in parts.iter() {
        let weight = part.share * part.norm;
        below += if part.value < low { weight } else { 0.0 };
        up_to_high += if part.value <= high { weight } else { 0.0 };
    }
    // Rounding is far smaller than the weight of a pixel, by which the half is inside.
    let margin = 1e-9 * norm;
    if 2.0 * below + margin >= norm || 2.0 * up_to_high <= norm + margin {
        return (parts, 0.0);
    }
    let mut kept = 0;
    for index in 0..parts.len() {
        if (low..=high).contains(&parts[index].value) {
            parts.swap(kept, index);
            kept += 1;
        }
    }
    (&mut parts[..kept], below)
}

/// Pixels at the quantiles count with the part of their weight that is between them. σ is that of a trimmed mean, from the
/// scatter of the values that are cut off to the quantiles: Tukey & McLaughlin, Sankhyā A 25, 331 (1963).
pub(super) fn trimmed_mean(parts: &mut [Part], [lower, upper]: [f64; 2]) -> Sums {
    parts.sort_unstable_by(|a, b| a.value.total_cmp(&b.value));
    let (mut norm, mut norm2) = (0.0, 0.0);
    for part in parts.iter() {
        let weight = part.share * part.norm;
        norm += weight;
        norm2 += weight * weight;
    }
    let [from, to] = [lower * norm, upper * norm];
    let mut below = 0.0;
    let (mut kept, mut signal) = (0.0, 0.0);
    let mut ends: Option<[f64; 2]> = None;
    for part in parts.iter() {
        let above = below + part.share * part.norm;
        let inside = (above.min(to) - below.max(from)).max(0.0);
        if inside > 0.0 {
            kept += inside;
            signal += inside * part.value;
            ends = Some([ends.map_or(part.value, |[first, _]| first), part.value]);
        }
        below = above;
    }
    let Some([first, last]) = ends else { return Sums::default() };
    let winsorized = |part: &Part| part.value.clamp(first, last);
    let weighted = |number: &dyn Fn(&Part) -> f64| {
        parts.iter().map(|part| part.share * part.norm * number(part)).sum::<f64>() / norm
    };
    let mean = weighted(&winsorized);
    let scatter = weighted(&|part| (winsorized(part) - mean).powi(2));
    let variance = match weight_of_others(norm, norm2) {
        Some(others) => scatter * norm2 / others,
        None => parts[0].share.powi(2) * parts[0].variance,
    };
    Sums { signal, variance, norm: kept }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn the_lower_median_is_that_of_the_sorted_numbers() {
        let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(2);
        for count in [1, 2, 3, 64, 199, 200, 201, 202, 1000, 3501] {
            for kinds in [2.0, 10.0, 1e9] {
                // Few different numbers, and sorted ones, are the hard cases.
                let mut numbers: Vec<f64> =
                    (0..count).map(|_| (kinds * random.random::<f64>()).floor()).collect();
                let mut sorted = numbers.clone();
                sorted.sort_unstable_by(f64::total_cmp);
                let middle = sorted[(count - 1) / 2];
                assert_eq!(lower_median(&mut numbers), middle, "{count} {kinds}");
                assert_eq!(lower_median(&mut sorted), middle, "{count} {kinds}");
            }
        }
        assert!(lower_median(&mut Vec::new()).is_nan());
    }

    #[test]
    fn the_weighted_median_has_half_of_the_weight_below() {
        let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(3);
        for count in [1, 2, 199, 201, 3501] {
            let part = |_| Part {
                share: random.random_range(0.01..1.0),
                norm: random.random_range(0.5..2.0),
                value: random.random_range(0.0_f64..40.0).floor(),
                variance: 1.0,
            };
            let parts: Vec<Part> = (0..count).map(part).collect();
            let sums = median(&mut parts.clone());
            let value = (sums.signal / sums.norm).round();
            let weight = |keeps: &dyn Fn(f64) -> bool| {
                let kept = parts.iter().filter(|part| keeps(part.value));
                kept.map(|part| part.share * part.norm).sum::<f64>() / sums.norm
            };
            assert!(
                weight(&|x| x < value) < 0.5 && weight(&|x| x <= value) > 0.5 - 1e-12,
                "{count}: {value}"
            );
        }
    }
}
