//! The fuzz targets with random changes of good files, by a stable compiler: `mutate TARGET|all SECONDS [SEED]`;
//! `mutate seeds FOLDER` writes those good files to FOLDER/TARGET, for cargo-fuzz to begin from.
//!
//! It knows nothing of which code was reached, as cargo-fuzz does. What panics, takes more than ten seconds, or more than 6 GiB of memory
//! (looked at on Linux) is a finding: its bytes are written to fuzz/artifacts, and the exit code is 1.
#![allow(clippy::print_stdout)]

#[path = "src/lib.rs"]
#[allow(missing_docs, unreachable_pub)]
mod targets;

use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64;
use targets::Target;

const SLOW: Duration = Duration::from_secs(10);
const MOST_MEMORY_KIB: u64 = 6 << 20;
/// Inputs between two looks at the memory: one takes longer than to read a small file.
const BETWEEN_LOOKS: usize = 256;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, folder] = arguments.as_slice()
        && command == "seeds"
    {
        return match write_seeds(Path::new(folder)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("{folder}: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let (Some(name), Some(seconds)) =
        (arguments.first(), arguments.get(1).and_then(|text| text.parse().ok()))
    else {
        println!("mutate TARGET|all SECONDS [SEED]\nmutate seeds FOLDER");
        return ExitCode::from(2);
    };
    let seed = arguments.get(2).and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut findings = 0;
    for target in Target::ALL.into_iter().filter(|target| name == "all" || name == target.name()) {
        let (tries, found) = run(target, Duration::from_secs(seconds), seed);
        println!("{}: {tries} inputs in {seconds} s, {found} findings", target.name());
        findings += found;
    }
    ExitCode::from(u8::from(findings > 0))
}

fn write_seeds(folder: &Path) -> std::io::Result<()> {
    for target in Target::ALL {
        let folder = folder.join(target.name());
        std::fs::create_dir_all(&folder)?;
        for (index, seed) in target.seeds().iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{index}")), seed)?;
        }
    }
    Ok(())
}

/// Inputs that were tried, and findings.
fn run(target: Target, time: Duration, seed: u64) -> (u64, u64) {
    let seeds = target.seeds();
    let mut random = Pcg64::seed_from_u64(seed);
    let start = Instant::now();
    let (mut tries, mut findings) = (0, 0);
    let mut finding = |reason: &str, bytes: &[u8]| {
        let _ = std::fs::create_dir_all("fuzz/artifacts");
        let path = format!("fuzz/artifacts/{}-{reason}-{seed}-{findings}", target.name());
        println!("{path}: {:?}", std::fs::write(&path, bytes));
        findings += 1;
    };
    let mut tried: Vec<Vec<u8>> = Vec::with_capacity(BETWEEN_LOOKS);
    while start.elapsed() < time {
        tried.clear();
        forget_peak();
        for _ in 0..BETWEEN_LOOKS {
            let mut bytes = seeds[random.random_range(0..seeds.len())].clone();
            for _ in 0..random.random_range(1..=8) {
                change(&mut bytes, &mut random);
            }
            let begun = Instant::now();
            match catch_unwind(|| target.read(&bytes)) {
                Err(_) => finding("panic", &bytes),
                Ok(()) if begun.elapsed() > SLOW => finding("slow", &bytes),
                Ok(()) => {}
            }
            tried.push(bytes);
            tries += 1;
        }
        if peak_memory_kib() > MOST_MEMORY_KIB {
            tried
                .iter()
                .filter(|bytes| takes_much_memory(target, bytes))
                .for_each(|bytes| finding("memory", bytes));
        }
    }
    (tries, findings)
}

/// Whether it is this one of many.
fn takes_much_memory(target: Target, bytes: &[u8]) -> bool {
    forget_peak();
    let _ = catch_unwind(|| target.read(bytes));
    peak_memory_kib() > MOST_MEMORY_KIB
}

/// The peak that Linux remembers begins anew (proc_pid_clear_refs(5)), so that no input is blamed for one before it.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Of memory that was used since then; 0 elsewhere.
fn peak_memory_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

/// Numbers and words at which readers go wrong.
const WORDS: [&str; 22] = [
    "0",
    "-1",
    "1",
    "255",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "18446744073709551615",
    "1e999",
    "-0.0",
    "nan",
    "inf",
    "1e-320",
    "\u{0}",
    "\r\n",
    "[[",
    "{{",
    "&a",
    "*a",
    "💎",
];

/// One change.
fn change(bytes: &mut Vec<u8>, random: &mut Pcg64) {
    let place = |bytes: &[u8], random: &mut Pcg64| random.random_range(0..=bytes.len());
    let at = place(bytes, random);
    match random.random_range(0..9) {
        0 => bytes.truncate(at),
        1 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
        2 if at < bytes.len() => bytes[at] = random.random(),
        3 => {
            let word = WORDS[random.random_range(0..WORDS.len())];
            bytes.splice(at..at, word.bytes());
        }
        4 => {
            let end = place(bytes, random).max(at).min(at + 64);
            bytes.drain(at..end);
        }
        5 => {
            let end = place(bytes, random).max(at).min(at + 256);
            let copy = bytes[at..end].to_vec();
            let to = place(bytes, random);
            bytes.splice(to..to, copy);
        }
        6 => {
            // A number of four or eight bytes at an extreme.
            let value = [0, 1, u64::MAX, 1 << 31, u64::from(u32::MAX), 1 << 62][random.random_range(0..6)];
            let width = [2, 4, 8][random.random_range(0..3)].min(bytes.len() - at);
            bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
        }
        7 => {
            // A number as text becomes another.
            let digits = bytes[at..].iter().position(u8::is_ascii_digit).map(|step| at + step);
            if let Some(first) = digits {
                let length = bytes[first..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                let word = WORDS[random.random_range(0..15)];
                bytes.splice(first..first + length, word.bytes());
            }
        }
        _ => {
            let mut noise = [0; 16];
            random.fill_bytes(&mut noise);
            let length = random.random_range(1..=16);
            bytes.splice(at..at, noise[..length].iter().copied());
        }
    }
}
