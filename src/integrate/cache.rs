//! Plans on disk, named by a hash of all that they depend on: a plan that was made before is read instead of made again.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytemuck::{Pod, Zeroable};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::{IntegrationPlan, PixelMatrix, PlanError, PlanSpec};
use crate::output::{Existing, OutputError, write_through};

/// Changes whenever the same specification gives another plan, or the file another layout.
const FORMAT: u64 = 1;

/// Plans with fewer matrix entries are made about as fast as they are read.
const LEAST_ENTRIES: usize = 1 << 20;

/// What all plans in a folder may take: the ones that were not used for longest go.
const MOST_BYTES: u64 = 4 << 30;

const EXTENSION: &str = "plan";

/// Where plans are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanCache {
    /// Nowhere: each is made.
    Off,
    /// In this folder, which is made where it is not there.
    Folder(PathBuf),
}

/// The first bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Head {
    /// Tells the order of bytes too: a file of another machine is a foreign one.
    magic: u64,
    format: u64,
    key: [u8; 16],
    /// XXH3-128 of what follows.
    contents: [u8; 16],
    pixels: u64,
    entries: u64,
    /// Over all regions and cells.
    bins: u64,
    unused: u64,
}

const MAGIC: u64 = u64::from_be_bytes(*b"halorpln");

impl PlanCache {
    /// The plan of a specification: read where it is there, whole and of this version; else built, and kept for the next time.
    /// A plan that cannot be kept is no error.
    ///
    /// # Errors
    /// Those of [`IntegrationPlan::build`].
    pub fn plan(&self, spec: PlanSpec<'_>) -> Result<IntegrationPlan, PlanError> {
        let PlanCache::Folder(folder) = self else { return IntegrationPlan::build(spec) };
        // What is read is not checked again.
        super::build::check(&spec)?;
        let key = key(&spec);
        let path = folder.join(format!("{:032x}.{EXTENSION}", u128::from_be_bytes(key)));
        let bins = IntegrationPlan::bins_of(&spec);
        if let Some((matrix, sharing, unpolarized)) = read(&path, key, spec.norm.len(), bins) {
            return Ok(IntegrationPlan::of_parts(spec, matrix, sharing, unpolarized));
        }
        let plan = IntegrationPlan::build(spec)?;
        if plan.matrix.bins.len() >= LEAST_ENTRIES {
            match write(&path, key, &plan) {
                Ok(()) => leave_within(folder, MOST_BYTES),
                Err(error) => tracing::debug!("the plan is not kept: {error}"),
            }
        }
        Ok(plan)
    }
}

/// A hash of all that the matrix and the factors of its bins depend on. Small things go in with all their digits as `Debug`
/// writes them; of the dark frame only counts which pixels are known.
fn key(spec: &PlanSpec<'_>) -> [u8; 16] {
    let mut hash = Xxh3::new();
    let PlanSpec { geometry, unit, bins, regions, cake, splitting, corrections, .. } = spec;
    let azimuths: Vec<_> = regions.iter().map(|region| region.azimuth).collect();
    let small = format!(
        "{FORMAT} {geometry:?} {unit:?} {bins:?} {azimuths:?} {cake:?} {splitting:?} {corrections:?}"
    );
    hash.update(small.as_bytes());
    hash.update(env!("CARGO_PKG_VERSION").as_bytes());
    let counts: Vec<u8> =
        (0..spec.norm.len()).map(|pixel| u8::from(super::build::counts(spec, pixel))).collect();
    hash.update(&counts);
    hash.update(bytemuck::cast_slice(&spec.norm));
    hash.digest128().to_be_bytes()
}

type Parts = (PixelMatrix, Vec<f64>, Vec<f64>);

/// The plan of a file; `None` where there is none, or not this one, or not all of it.
fn read(path: &Path, key: [u8; 16], pixels: usize, bins: usize) -> Option<Parts> {
    let bytes = std::fs::read(path).ok()?;
    let (head, contents) = bytes.split_at_checked(size_of::<Head>())?;
    let head: Head = bytemuck::pod_read_unaligned(head);
    let entries = usize::try_from(head.entries).ok()?;
    let expected = Head { key, ..Head::of(contents, pixels, entries, bins) };
    let lengths = [4 * (pixels + 1), entries.checked_mul(4)?, entries.checked_mul(4)?, 8 * bins, 8 * bins];
    let total = lengths.into_iter().try_fold(0usize, |sum, length| sum.checked_add(length))?;
    if contents.len() != total || head != expected {
        return None;
    }
    let mut rest = contents;
    let mut next = |length: usize| {
        let (part, after) = rest.split_at(length);
        rest = after;
        part
    };
    let matrix = PixelMatrix {
        starts: bytemuck::pod_collect_to_vec(next(lengths[0])),
        bins: bytemuck::pod_collect_to_vec(next(lengths[1])),
        weights: bytemuck::pod_collect_to_vec(next(lengths[2])),
    };
    let factors =
        (bytemuck::pod_collect_to_vec(next(lengths[3])), bytemuck::pod_collect_to_vec(next(lengths[4])));
    let rising = matrix.starts.is_sorted() && matrix.starts.first() == Some(&0);
    let inside = matrix.bins.iter().all(|bin| (*bin as usize) < bins);
    if !(rising && inside && matrix.starts.last().is_some_and(|last| *last as usize == entries)) {
        return None;
    }
    // It was used now; where that cannot be noted, it may be removed earlier than others.
    if let Ok(file) = File::options().append(true).open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
    Some((matrix, factors.0, factors.1))
}

impl Head {
    fn of(contents: &[u8], pixels: usize, entries: usize, bins: usize) -> Head {
        Head {
            magic: MAGIC,
            format: FORMAT,
            key: [0; 16],
            contents: xxh3_128(contents).to_be_bytes(),
            pixels: pixels as u64,
            entries: entries as u64,
            bins: bins as u64,
            unused: 0,
        }
    }
}

fn write(path: &Path, key: [u8; 16], plan: &IntegrationPlan) -> Result<(), OutputError> {
    let matrix = &plan.matrix;
    let parts: [&[u8]; 5] = [
        bytemuck::cast_slice(&matrix.starts),
        bytemuck::cast_slice(&matrix.bins),
        bytemuck::cast_slice(&matrix.weights),
        bytemuck::cast_slice(&plan.sharing),
        bytemuck::cast_slice(&plan.unpolarized),
    ];
    let mut hash = Xxh3::new();
    parts.iter().for_each(|part| hash.update(part));
    let contents = hash.digest128().to_be_bytes();
    let (pixels, entries, bins) = (plan.shape.pixels(), matrix.bins.len(), plan.accumulator_len());
    let head = Head { key, contents, ..Head::of(&[], pixels, entries, bins) };
    write_through(path, Existing::Replace, |file| {
        let failed = |source| OutputError::Io { path: path.to_owned(), action: "write", source };
        file.write_all(bytemuck::bytes_of(&head)).map_err(failed)?;
        parts.iter().try_for_each(|part| file.write_all(part).map_err(failed))
    })
}

/// Removes the plans that were not used for longest until the others fit.
fn leave_within(folder: &Path, most_bytes: u64) {
    let Ok(listed) = std::fs::read_dir(folder) else { return };
    let mut plans: Vec<(SystemTime, u64, PathBuf)> = listed
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let metadata =
                path.metadata().ok().filter(|_| path.extension().is_some_and(|e| e == EXTENSION))?;
            Some((metadata.modified().ok()?, metadata.len(), path))
        })
        .collect();
    plans.sort_by(|a, b| b.cmp(a));
    let mut kept = 0;
    for (_, bytes, path) in plans {
        kept += bytes;
        if kept > most_bytes {
            // It may be gone already: another run tidies too.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The folder of the user's plans: `HALOR_CACHE_DIR`, or `halor` in the system's folder for caches; `None` where neither is known.
pub fn user_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_system = || {
        if cfg!(windows) {
            variable("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            variable("HOME").map(|home| home.join("Library/Caches"))
        } else {
            variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
        }
    };
    variable("HALOR_CACHE_DIR").or_else(|| of_system().map(|folder| folder.join("halor")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plans_that_were_used_last_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, age_s: u64| {
            let path = folder.path().join(name);
            std::fs::write(&path, [0; 100]).unwrap();
            let time = SystemTime::now() - std::time::Duration::from_secs(age_s);
            File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
            path
        };
        let files = [file("a.plan", 30), file("b.plan", 10), file("c.plan", 20), file("other.txt", 99)];
        leave_within(folder.path(), 250);
        assert_eq!(files.map(|path| path.exists()), [false, true, true, true]);
    }
}
