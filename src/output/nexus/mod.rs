//! One NeXus file of a whole run: `samples` (their frames summed) and `frames`, each an entry of NXazint1d with sectors
//! as further NXazint1d, cakes as NXazint2d, sums, S(Q), G(r), peaks, and what the run was.
//!
//! Rows are appended as images come, so that a series of any length takes no more memory. The file is written beside its name
//! and renamed when it is whole.

mod entry;
mod group;
mod stack;
mod tables;

use std::path::{Path, PathBuf};

use self::entry::Entry;
use self::group::File;
pub use self::stack::RegionOfImage;
use super::atomic::Temporary;
use super::{Existing, FrameRecord, Header, OutputError, PeakRow};
use crate::integrate::{Accumulators, IntegrationPlan};
use crate::series::Conditions;

/// What is the same for all images of a run.
#[derive(Debug, Clone, Copy)]
pub struct NexusRun<'a> {
    /// What text outputs begin with.
    pub header: &'a Header,
    /// How frames were integrated.
    pub plan: &'a IntegrationPlan,
    /// Whether norms were multiplied by the monitor.
    pub monitor: bool,
    /// Names of the regions that have results, the ring and the sectors: the first of the plan's.
    pub regions: &'a [String],
    /// Whether single frames have a cake.
    pub frame_cakes: bool,
    /// The most frames that there may be.
    pub frames: usize,
    /// The samples.
    pub samples: usize,
    /// When the run began, ISO 8601.
    pub started: &'a str,
    /// The run file with every default.
    pub configuration: &'a str,
}

/// One image: a frame, or the frames of a sample.
#[derive(Debug, Clone)]
pub struct NexusImage<'a> {
    /// Its sums.
    pub sums: &'a Accumulators,
    /// What each region gave, in order.
    pub regions: Vec<RegionOfImage<'a>>,
}

/// What is known when the run ends.
#[derive(Debug, Clone, Copy)]
pub struct NexusTables<'a> {
    /// Name and number of frames of each sample that has a row, in order.
    pub samples: &'a [(String, usize)],
    /// Sample, name and record of each frame that has a row, in order.
    pub frames: &'a [(String, String, &'a FrameRecord)],
    /// When frames were taken and what was read beside them.
    pub conditions: &'a Conditions,
    /// The peaks of all of them.
    pub peaks: &'a [PeakRow],
    /// run.json.
    pub record: &'a str,
}

/// A file that is being written.
pub struct NexusFile {
    file: File,
    temporary: Temporary,
    path: PathBuf,
    samples: Entry,
    frames: Entry,
}

impl NexusFile {
    /// Begins the file that will be at `path`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(path: &Path, run: &NexusRun<'_>) -> Result<NexusFile, OutputError> {
        let temporary = Temporary::beside(path)?;
        let file = File::create(temporary.path(), path)?;
        file.default_entry("samples")?;
        let norm = run.plan.norm_sum();
        let cake = run.plan.cake;
        let samples = Entry::new(file.group("samples", "NXentry")?, run, &norm, run.samples, cake)?;
        let frame_cake = cake.filter(|_| run.frame_cakes);
        let frames = Entry::new(file.group("frames", "NXentry")?, run, &norm, run.frames, frame_cake)?;
        Ok(NexusFile { file, temporary, path: path.to_owned(), samples, frames })
    }

    /// One more frame.
    ///
    /// # Errors
    /// What the file system says.
    pub fn frame(&mut self, plan: &IntegrationPlan, image: &NexusImage<'_>) -> Result<(), OutputError> {
        self.frames.push(plan, image)
    }

    /// One more sample.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sample(&mut self, plan: &IntegrationPlan, image: &NexusImage<'_>) -> Result<(), OutputError> {
        self.samples.push(plan, image)
    }

    /// Adds the tables and gives the file its name.
    ///
    /// # Errors
    /// What the file system says; the file is there already with [`Existing::Keep`]. Nothing is at the path then that was not.
    pub fn finish(self, tables: &NexusTables<'_>, existing: Existing) -> Result<(), OutputError> {
        self.samples.record(tables.record)?;
        tables::samples(self.samples.group(), tables)?;
        tables::frames(self.frames.group(), tables)?;
        let NexusFile { file, temporary, path, samples, frames } = self;
        drop((samples, frames));
        // Writes the rows that fill no chunk.
        file.close()?;
        temporary.persist(&path, existing)
    }
}
