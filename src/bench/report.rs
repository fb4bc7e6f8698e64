//! The measured rates, as JSON and as a table.

use std::fmt;

use serde::Serialize;

use super::CakeBins;
use crate::engine::{DeviceTimes, DeviceWork, EngineInfo};

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
    /// The stages on the graphics card; `None` where none was measured.
    pub card: Option<CardReport>,
}

/// What a graphics card did, by its own clock.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CardReport {
    /// Its name.
    pub name: String,
    /// API and driver.
    pub driver: String,
    /// From the host's memory to the card's, measured by itself: the limit of the upload, in 10⁹ bytes per second.
    pub copy_gigabytes_per_second: f64,
    /// Upload, correct, integrate, readback, as far as the driver has a clock for them.
    pub stages: Vec<CardStage>,
}

/// A stage on the card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CardStage {
    /// Its name.
    pub name: &'static str,
    /// Frames per second of this stage alone.
    pub per_second: f64,
    /// Bytes that had to be moved, each counted once, in 10⁹ per second.
    pub gigabytes_per_second: f64,
}

impl CardReport {
    /// From the times of an engine on this card, where it has a clock.
    pub(super) fn new(info: &EngineInfo, copy_bandwidth: f64, times: Option<DeviceTimes>) -> CardReport {
        let frames = times.map_or(0.0, |times| times.frames as f64);
        let stage = |(name, work): (&'static str, DeviceWork)| CardStage {
            name,
            per_second: frames / work.seconds,
            gigabytes_per_second: 1e-9 * work.bytes / work.seconds,
        };
        let stages = times.map(|times| {
            let upload = times.upload.map(|work| ("upload", work));
            let kernels = [("correct", times.correct), ("integrate", times.integrate)];
            upload.into_iter().chain(kernels).chain(times.readback.map(|work| ("readback", work)))
        });
        CardReport {
            name: info.device.clone(),
            driver: info.detail.clone(),
            copy_gigabytes_per_second: 1e-9 * copy_bandwidth,
            stages: stages.into_iter().flatten().map(stage).collect(),
        }
    }
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
        if let Some(CardReport { name, driver, copy_gigabytes_per_second, stages }) = &self.card {
            write!(
                f,
                "\n\n{name} ({driver}) by its own clock; copied to it: {copy_gigabytes_per_second:.1} GB/s"
            )?;
            for CardStage { name, per_second, gigabytes_per_second } in stages {
                write!(f, "\n{name:<44} {per_second:>10.0} {gigabytes_per_second:>8.1}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineKind;

    #[test]
    fn stages_of_a_card_are_rates_of_its_own_clock() {
        let info =
            EngineInfo { kind: EngineKind::Gpu, device: "A card".to_owned(), detail: "vulkan".to_owned() };
        let work = |seconds, bytes| DeviceWork { seconds, bytes };
        let times = DeviceTimes {
            frames: 8,
            upload: Some(work(2.0, 1e10)),
            correct: work(0.5, 1e10),
            integrate: work(1.0, 4e10),
            readback: None,
        };
        let card = CardReport::new(&info, 2e10, Some(times));
        let rates: Vec<_> =
            card.stages.iter().map(|s| (s.name, s.per_second, s.gigabytes_per_second)).collect();
        assert_eq!(rates, [("upload", 4.0, 5.0), ("correct", 16.0, 20.0), ("integrate", 8.0, 40.0)]);
        assert_eq!(card.copy_gigabytes_per_second, 20.0);
        assert!(CardReport::new(&info, 2e10, None).stages.is_empty());
    }

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
