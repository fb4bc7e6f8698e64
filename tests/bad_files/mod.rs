//! Hundreds of bad files over all formats, made here: each is refused by name, none crashes, memory stays bounded.

mod frames;
mod hdf5;
mod texts;

#[path = "../../fuzz/src/lib.rs"]
#[allow(dead_code, reason = "a fuzzer asks for no answer")]
mod fuzz;

use std::path::{Path, PathBuf};

/// A bad file is known as such by then, on a busy machine too.
const SLOW: std::time::Duration = std::time::Duration::from_secs(20);

/// A file that must be refused.
struct Bad {
    /// Its name says what is wrong.
    name: String,
    bytes: Vec<u8>,
}

/// Collects bad files of one format.
#[derive(Default)]
struct Files(Vec<Bad>);

impl Files {
    fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push(Bad { name: name.into(), bytes: bytes.into() });
    }

    /// `whole` cut at each of `places`.
    fn cut(&mut self, stem: &str, extension: &str, whole: &[u8], places: impl IntoIterator<Item = usize>) {
        for place in places {
            self.add(format!("{stem}_cut_at_{place}.{extension}"), &whole[..place]);
        }
    }

    /// `whole` with `new` at `place`.
    fn patched(&mut self, name: &str, whole: &[u8], place: usize, new: &[u8]) {
        let mut bytes = whole.to_vec();
        bytes[place..place + new.len()].copy_from_slice(new);
        self.add(name, bytes);
    }

    /// Writes each and reads it; the error names the file. Gives how many there were.
    #[track_caller]
    fn refused<T>(&self, read: impl Fn(&Path) -> Result<T, String>) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let mut wrong = Vec::new();
        for Bad { name, bytes } in &self.0 {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let start = std::time::Instant::now();
            let result = read(&path);
            if start.elapsed() > SLOW {
                wrong.push(format!("{name}: {:?}", start.elapsed()));
            }
            match result {
                Ok(_) => wrong.push(format!("{name} ({} bytes) was read", bytes.len())),
                Err(error) if !error.contains(name.as_str()) => {
                    wrong.push(format!("{name}: the error names no file: {error}"));
                }
                Err(_) => {}
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        self.0.len()
    }
}

/// Places to cut at: all where there are few, else so many over the whole length, the last byte among them.
fn places(length: usize, count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).map(|index| index * length / count).collect();
    places.push(length - 1);
    places.dedup();
    places
}

/// A fuzzer that begins from bad files tries the same refusal again and again.
#[test]
fn what_fuzzing_begins_from_is_good() {
    for target in fuzz::Target::ALL {
        for (index, seed) in target.seeds().iter().enumerate() {
            assert!(target.accepts(seed), "seed {index} of {}", target.name());
        }
        assert!(!target.accepts(b"\0{"), "{}", target.name());
    }
}

/// All of them, where [`bad_files_are_refused_in_little_memory`] has set a limit.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn all() {
    let parts = [frames::refused, hdf5::refused, texts::refused];
    let results: Vec<_> = parts.into_iter().map(|part| std::panic::catch_unwind(part)).collect();
    let count: usize =
        results.into_iter().map(|count| count.expect("a file was not refused, see above")).sum();
    println!("{count} bad files");
    assert!(count >= 500, "{count}");
}

/// In a process that may have 2 GiB of addresses: a header that asks for more gets no memory, and an error.
#[cfg(unix)]
#[test]
fn bad_files_are_refused_in_little_memory() {
    let this: PathBuf = std::env::current_exe().unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 2097152; exec \"$0\" --exact bad_files::all --ignored --nocapture"])
        .arg(this)
        .env("RAYON_NUM_THREADS", "2")
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
