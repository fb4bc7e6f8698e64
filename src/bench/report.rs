//! The measured rates, as JSON and as a table.

use std::fmt;

use serde::Serialize;

use super::CakeBins;

/// The part that the others are compared with.
pub(super) const READ_MEMORY: &str = "read memory";

/// What was measured on this machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BenchReport {
    /// `halor`.
    pub program: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Architecture.
    pub processor: &'static str,
    /// Instruction set of the native engine.
    pub instructions: String,
    /// Threads.
    pub threads: usize,
    /// Detector.
    pub detector: String,
    /// Its pixels.
    pub pixels: usize,
    /// Radial bins.
    pub bins: usize,
    /// Splitting of pixels.
    pub splitting: String,
    /// Sectors besides the ring.
    pub sectors: usize,
    /// Cells of the cake, if there is one.
    pub cake: Option<CakeBins>,
    /// Frames of a round.
    pub frames: usize,
    /// Rounds, of which each part has the median.
    pub rounds: usize,
    /// Matrix entries over pixels.
    pub entries_per_pixel: f64,
    /// All plans: integration, S(Q), G(r).
    pub plans_s: f64,
    /// The parts, alone, then whole runs.
    pub parts: Vec<Part>,
}

/// The rate of one part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// What was done.
    pub name: String,
    /// Frames or patterns per second.
    pub per_second: f64,
    /// Bytes that had to be read, decoded frames and matrix, in 10⁹ per second; `None` where they say nothing.
    pub gigabytes_per_second: Option<f64>,
    /// That, as a part of what reading memory gave.
    pub of_read_bandwidth: Option<f64>,
}

/// Rates from (name, count, bytes of each) and the seconds of all rounds.
pub(super) fn parts(measured: impl Iterator<Item = ((String, usize, f64), Vec<f64>)>) -> Vec<Part> {
    let mut bandwidth = None;
    measured
        .map(|((name, count, bytes), seconds)| {
            let per_second = count as f64 / median(seconds);
            let gigabytes_per_second = (bytes > 0.0).then_some(1e-9 * bytes * per_second);
            if name == READ_MEMORY {
                bandwidth = gigabytes_per_second;
            }
            let of_read_bandwidth = gigabytes_per_second.zip(bandwidth).map(|(rate, limit)| rate / limit);
            Part { name, per_second, gigabytes_per_second, of_read_bandwidth }
        })
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl fmt::Display for BenchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} {}, {} with {}, {} threads; medians of {} rounds of {} frames",
            self.program,
            self.version,
            self.processor,
            self.instructions,
            self.threads,
            self.rounds,
            self.frames
        )?;
        let cake = self
            .cake
            .map_or_else(|| "no cake".to_owned(), |c| format!("cake of {} × {}", c.azimuth, c.radial));
        writeln!(
            f,
            "{}, {} bins, splitting {}, {} sectors, {cake}: {:.2} matrix entries per pixel, plans in {:.2} s\n",
            self.detector, self.bins, self.splitting, self.sectors, self.entries_per_pixel, self.plans_s
        )?;
        write!(f, "{:<44} {:>10} {:>8} {:>14}", "", "frames/s", "GB/s", "of memory's")?;
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(String::new, |value| format!("{value:.digits$}"))
        };
        for part in &self.parts {
            let (rate, share) = (number(part.gigabytes_per_second, 1), number(part.of_read_bandwidth, 2));
            write!(f, "\n{:<44} {:>10.0} {rate:>8} {share:>14}", part.name, part.per_second)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_medians_and_shares_of_the_memory() {
        let measured = [
            ((READ_MEMORY.to_owned(), 10, 1e9), vec![1.0, 2.0, 50.0]),
            (("integrate".to_owned(), 10, 5e8), vec![4.0, 2.0, 4.0]),
            (("write".to_owned(), 10, 0.0), vec![1.0]),
        ];
        let parts = parts(measured.into_iter());
        assert_eq!(parts.iter().map(|part| part.per_second).collect::<Vec<_>>(), [5.0, 2.5, 10.0]);
        assert_eq!(parts[1].gigabytes_per_second, Some(1.25));
        assert_eq!(parts[1].of_read_bandwidth, Some(0.25));
        assert_eq!(parts[2].of_read_bandwidth, None);
    }
}
