//! Bins whose pixels are filtered: all pixels of a bin are needed at once, so that the matrix is turned round.

use rayon::prelude::*;

use crate::engine::EngineError;
use crate::frame::{Frame, each_type};
use crate::integrate::{Accumulators, IntegrationPlan, Part, Sums};

/// Pixels that one thread converts in a row.
const PIXELS_AT_ONCE: usize = 1 << 14;

/// Bins that one thread takes in a row.
const BINS_AT_ONCE: usize = 8;

/// A plan's matrix by bin, entries of a bin in the order of pixels.
#[derive(Debug)]
pub(super) struct Rings {
    /// First entry of each bin, and the end.
    starts: Vec<u32>,
    pixels: Vec<u32>,
    shares: Vec<f32>,
}

/// signal/norm and variance of a pixel; NaN where it is excluded.
type Value = [f64; 2];

impl Rings {
    pub(super) fn new(plan: &IntegrationPlan) -> Rings {
        let matrix = &plan.matrix;
        let mut starts = vec![0_u32; plan.accumulator_len() + 1];
        for &bin in &matrix.bins {
            starts[bin as usize + 1] += 1;
        }
        for bin in 1..starts.len() {
            starts[bin] += starts[bin - 1];
        }
        let mut next = starts.clone();
        let entries = matrix.bins.len();
        let mut rings = Rings { starts, pixels: vec![0; entries], shares: vec![0.0; entries] };
        for (pixel, range) in (0_u32..).zip(matrix.starts.windows(2)) {
            for entry in range[0] as usize..range[1] as usize {
                let place = &mut next[matrix.bins[entry] as usize];
                rings.pixels[*place as usize] = pixel;
                rings.shares[*place as usize] = matrix.weights[entry];
                *place += 1;
            }
        }
        rings
    }

    /// Memory of the matrix in this order.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.starts.as_slice())
            + size_of_val(self.pixels.as_slice())
            + size_of_val(self.shares.as_slice())
    }

    /// The filtered sums of a frame. Every bin is one thread's, so that the bits do not depend on their number.
    pub(super) fn integrate(
        &self,
        plan: &IntegrationPlan,
        frame: &Frame,
    ) -> Result<Accumulators, EngineError> {
        let tau = plan.signal.tau_per_exposure(frame.header.exposure_s).ok_or(EngineError::NoExposure)?;
        let (values, excluded_pixels) = each_type!(&frame.counts, counts => values(plan, counts, tau));
        let sums: Vec<Sums> = (0..plan.accumulator_len())
            .into_par_iter()
            .with_min_len(BINS_AT_ONCE)
            .map_init(Default::default, |(parts, numbers): &mut (Vec<Part>, Vec<f64>), bin| {
                parts.clear();
                parts.extend(self.parts(plan, &values, bin));
                plan.filter.sums(parts, numbers)
            })
            .collect();
        Ok(Accumulators {
            signal: sums.iter().map(|sums| sums.signal).collect(),
            variance: sums.iter().map(|sums| sums.variance).collect(),
            norm: sums.iter().map(|sums| sums.norm).collect(),
            excluded_pixels,
        })
    }

    /// The pixels of a bin that count in this frame.
    fn parts<'a>(
        &'a self,
        plan: &'a IntegrationPlan,
        values: &'a [Value],
        bin: usize,
    ) -> impl Iterator<Item = Part> + 'a {
        let range = self.starts[bin] as usize..self.starts[bin + 1] as usize;
        let entries = self.pixels[range.clone()].iter().zip(&self.shares[range]);
        entries.filter_map(|(&pixel, &share)| {
            let [value, variance] = values[pixel as usize];
            let norm = plan.norm[pixel as usize];
            (!value.is_nan()).then_some(Part { share: f64::from(share), norm, value, variance })
        })
    }
}

/// The values of all pixels with entries, and how many of these are excluded.
fn values<T: Copy + Sync>(plan: &IntegrationPlan, counts: &[T], tau_per_exposure: f64) -> (Vec<Value>, u64)
where
    f64: From<T>,
{
    let mut values: Vec<Value> = vec![[f64::NAN; 2]; counts.len()];
    let convert = |(chunk, values): (usize, &mut [Value])| {
        let mut excluded = 0;
        for (pixel, value) in (chunk * PIXELS_AT_ONCE..).zip(values) {
            if plan.matrix.starts[pixel] == plan.matrix.starts[pixel + 1] {
                continue;
            }
            match plan.signal.signal_and_variance(f64::from(counts[pixel]), pixel, tau_per_exposure) {
                Some((signal, variance)) => *value = [signal / plan.norm[pixel], variance],
                None => excluded += 1,
            }
        }
        excluded
    };
    let excluded = values.par_chunks_mut(PIXELS_AT_ONCE).enumerate().map(convert).sum();
    (values, excluded)
}

/// Memory of an engine that filters, beside the plan's own: the matrix by bin and the values of a frame.
pub(super) fn bytes(plan: &IntegrationPlan) -> usize {
    8 * plan.matrix.bins.len() + 4 * plan.accumulator_len() + size_of::<Value>() * plan.shape.pixels()
}
