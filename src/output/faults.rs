//! Faults of a file system that tests inject below a folder: what is left behind when any one thing that is asked of it fails.
//!
//! Nothing is injected unless a test does so; the question whether something is costs a load of one byte for each file.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What the file system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// ENOSPC; nothing is written.
    NoSpace,
    /// ENOSPC after half was written.
    Short,
    /// EIO.
    Io,
    /// EACCES.
    Denied,
}

/// How long it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// Once.
    Once,
    /// To everything that follows too.
    FromThenOn,
}

#[derive(Debug)]
struct Injection {
    folder: PathBuf,
    /// From 1.
    at: usize,
    fault: Fault,
    lasting: Lasting,
    asked: AtomicUsize,
}

static ANY: AtomicBool = AtomicBool::new(false);
static ALL: RwLock<Vec<Arc<Injection>>> = RwLock::new(Vec::new());

/// A fault that is there as long as this is.
#[derive(Debug)]
pub struct Injected(Arc<Injection>);

/// Lets the request number `at` (from 1) for anything below `folder` fail.
pub fn inject(folder: &Path, at: usize, fault: Fault, lasting: Lasting) -> Injected {
    let folder = folder.to_owned();
    let injection = Arc::new(Injection { folder, at, fault, lasting, asked: AtomicUsize::new(0) });
    ALL.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&injection));
    ANY.store(true, Ordering::SeqCst);
    Injected(injection)
}

impl Injected {
    /// Requests so far.
    pub fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Injected {
    fn drop(&mut self) {
        ALL.write().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, &self.0));
    }
}

/// What is to happen to a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// It is done.
    Granted,
    /// Half of it is done.
    Half(Error),
    /// It is not done.
    Refused(Error),
}

impl Answer {
    /// Of a request that cannot be done by half.
    pub(super) fn whole(self) -> Result<(), Error> {
        match self {
            Answer::Granted => Ok(()),
            Answer::Half(error) | Answer::Refused(error) => Err(error),
        }
    }
}

/// Asks for something at `path`.
pub(super) fn ask(path: &Path) -> Answer {
    if !ANY.load(Ordering::Relaxed) {
        return Answer::Granted;
    }
    let all = ALL.read().unwrap_or_else(PoisonError::into_inner);
    for injection in all.iter().filter(|injection| path.starts_with(&injection.folder)) {
        let number = injection.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let hit = match injection.lasting {
            Lasting::Once => number == injection.at,
            Lasting::FromThenOn => number >= injection.at,
        };
        if hit {
            return match injection.fault {
                Fault::NoSpace => Answer::Refused(Error::from(ErrorKind::StorageFull)),
                Fault::Short => Answer::Half(Error::from(ErrorKind::StorageFull)),
                Fault::Io => Answer::Refused(Error::other("input/output error")),
                Fault::Denied => Answer::Refused(Error::from(ErrorKind::PermissionDenied)),
            };
        }
    }
    Answer::Granted
}
