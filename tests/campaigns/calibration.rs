//! Calibration of simulated frames whose geometry is known: how often it is right, how far off, and whether σ is honest.
//!
//! `cargo run --release --example calibration_campaign -- 200 1` makes and calibrates 200 frames, the random numbers
//! beginning at 1, from nothing or, with `guess` behind them, from near the truth; with `-- wrong` it gives the calibration wrong inputs and counts which are caught; `-- limit 9 48` says how well the frames of these random numbers can be known at all. What it found is in docs/calibration.md.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod camera;
mod limit;
mod random;
mod wrong;

use halor::geometry::Poni;
use halor::geometry::calibrate::{Calibrant, CalibrateError, Calibration, Request, calibrate};
use random::{Case, draw};

/// A centre that is farther off is wrong whatever σ says, pixels.
const WRONG_PX: f64 = 1.0;
/// So is a distance, relative.
const WRONG_DISTANCE: f64 = 5e-3;

/// What a calibration begins with.
#[derive(Clone, Copy)]
enum Start {
    Nothing,
    /// The truth, 0.5 mm and 0.2 % off.
    Guess,
}

/// One frame's result.
struct Row {
    /// Full rings, and those of them that are clear.
    full: [usize; 2],
    seconds: f64,
    /// Of all threads, user.
    cpu_s: f64,
    distance: f64,
    centre_px: f64,
    pulls: [f64; 8],
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some("wrong") {
        return wrong::run();
    }
    if first.as_deref() == Some("limit") {
        return limit::run(&arguments.filter_map(|seed| seed.parse().ok()).collect::<Vec<u64>>());
    }
    let count: u64 = first.and_then(|n| n.parse().ok()).unwrap_or(20);
    let seed: u64 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let start = if arguments.next().as_deref() == Some("guess") { Start::Guess } else { Start::Nothing };
    let (mut rows, mut failed, mut wrong) = (Vec::new(), 0, 0);
    for index in 0..count {
        let case = draw(seed + index);
        let (started, cpu) = (std::time::Instant::now(), cpu_s());
        let result = calibrated(&case, start);
        let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_s() - cpu);
        let head = format!("{:4} {seconds:>4.1} s, CPU {cpu:>4.1} s {}", seed + index, case.summary());
        match result {
            Err(error) => {
                failed += 1;
                println!("{head}\n       FAILED {error}");
            }
            Ok(found) => {
                let row = compare(&case, &found, [seconds, cpu]);
                let is_wrong = row.distance.abs() > WRONG_DISTANCE || row.centre_px > WRONG_PX;
                wrong += usize::from(is_wrong);
                println!(
                    "{head} found {} rings of {:.1} px, dL/L {:+.1e} centre {:.3} px pulls {}{}",
                    found.frames[0].rings.iter().filter(|ring| ring.kept > 0).count(),
                    found.frames[0].fwhm_px,
                    row.distance,
                    row.centre_px,
                    row.pulls.map(|p| format!("{p:+.1}")).join(" "),
                    if is_wrong { " WRONG" } else { "" }
                );
                found.remarks.iter().for_each(|r| println!("       {:?}: {}", r.severity, r.text));
                rows.push(row);
            }
        }
    }
    summary(count, failed, wrong, &rows);
}

fn calibrated(case: &Case, start: Start) -> Result<Calibration, CalibrateError> {
    let calibrants = [Calibrant::find(case.calibrant)?];
    let truth = &case.geometry.poni;
    let near = Poni { distance_m: truth.distance_m * 1.002, poni1_m: truth.poni1_m + 5e-4, ..*truth };
    let guess = match start {
        Start::Nothing => None,
        Start::Guess => Some(near),
    };
    calibrate(&Request {
        guesses: &[guess],
        ..Request::new(
            &[(&case.frame, &case.mask)],
            &case.geometry.detector,
            case.geometry.poni.wavelength_angstrom,
            &calibrants,
        )
    })
}

/// User CPU seconds of this process; NaN where the system does not say so in `/proc`.
fn cpu_s() -> f64 {
    // Field 14, in hundredths of a second; the name before it ends with a bracket.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(11));
    after.and_then(|ticks| ticks.parse::<f64>().ok()).map_or(f64::NAN, |ticks| ticks / 100.0)
}

fn compare(case: &Case, found: &Calibration, [seconds, cpu_s]: [f64; 2]) -> Row {
    let frame = &found.frames[0];
    let truth = case.geometry.poni;
    let centre = case.centre_px;
    let [column, row] = frame.centre_px;
    let values = [truth.distance_m, truth.poni1_m, truth.poni2_m, truth.rot1_rad, truth.rot2_rad];
    let mut pulls = [0.0; 8];
    for (k, value) in values.into_iter().enumerate() {
        pulls[k] = (frame.parameters[k].value - value) / frame.parameters[k].sigma;
    }
    pulls[5] = (column - centre[0]) / frame.centre_sigma_px[0];
    pulls[6] = (row - centre[1]) / frame.centre_sigma_px[1];
    let along = case.geometry.sample_to_detector_along_beam_m().unwrap_or(f64::NAN);
    pulls[7] = (frame.along_beam_m[0] - along) / frame.along_beam_m[1];
    Row {
        full: [case.full_rings, case.full_clear_rings],
        seconds,
        cpu_s,
        distance: frame.along_beam_m[0] / along - 1.0,
        centre_px: (column - centre[0]).hypot(row - centre[1]),
        pulls,
    }
}

fn summary(count: u64, failed: usize, wrong: usize, rows: &[Row]) {
    println!("{count} frames: {failed} failed and said so, {wrong} wrong");
    for (k, which) in ["full rings or more", "full rings or more that are clear"].into_iter().enumerate() {
        let full: Vec<&Row> = rows.iter().filter(|row| row.full[k] >= 5).collect();
        let largest = |value: fn(&Row) -> f64| full.iter().map(|row| value(row).abs()).fold(0.0, f64::max);
        println!(
            "{} with 5 {which}: largest |dL/L| {:.1e}, largest shift of the centre {:.3} px",
            full.len(),
            largest(|row| row.distance),
            largest(|row| row.centre_px),
        );
    }
    let names = ["distance", "poni1", "poni2", "rot1", "rot2", "column", "row", "along"];
    for (k, name) in names.into_iter().enumerate() {
        let mut pulls: Vec<f64> = rows.iter().map(|row| row.pulls[k]).filter(|p| p.is_finite()).collect();
        let n = pulls.len().max(1) as f64;
        let rms = (pulls.iter().map(|p| p * p).sum::<f64>() / n).sqrt();
        let mean = pulls.iter().sum::<f64>() / n;
        let beyond = pulls.iter().filter(|p| p.abs() > 4.0).count();
        pulls.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let median = pulls.get(pulls.len() / 2).map_or(0.0, |p| p.abs() / 0.6745);
        println!(
            "pulls of {name:8}: mean {mean:+.2}, rms {rms:.2}, by the median {median:.2}, {beyond} beyond 4"
        );
    }
    for (what, value) in
        [("seconds", (|row| row.seconds) as fn(&Row) -> f64), ("user CPU seconds", |row| row.cpu_s)]
    {
        let mut all: Vec<f64> = rows.iter().map(value).collect();
        all.sort_by(f64::total_cmp);
        let at = |share: f64| all.get((share * all.len() as f64) as usize).copied().unwrap_or(0.0);
        let longest = all.last().copied().unwrap_or(0.0);
        println!("{what}: median {:.1}, nine of ten below {:.1}, longest {longest:.1}", at(0.5), at(0.9));
    }
}
