//! Which files are new and whole, rewritten, renamed or gone, by looking at them again and again: that works on every file system.
//!
//! A file is taken when it holds still over two looks, or at once where it is whole by its own header. One that holds still but is cut
//! by its header is waited for, and named when it never grows. What was taken is looked at further: written again, it is given again.
//! A disk that is gone takes no file with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::sight::{Completeness, Sight};
use crate::frame::split_dataset;

/// How long is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollerSettings {
    /// Looks over which a file that is cut by its header holds still before it is named.
    pub patience: usize,
    /// Looks over which a file that was taken may be missing before it is gone: network disks lose names for moments.
    pub absence: usize,
    /// A file that was last changed so long ago is whole, or as whole as it will be.
    pub old: Duration,
}

impl Default for PollerSettings {
    fn default() -> PollerSettings {
        PollerSettings { patience: 30, absence: 2, old: Duration::from_secs(600) }
    }
}

/// What happened to a file between two looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is whole, and was not there before.
    New(PathBuf),
    /// It was taken, has changed, and is whole again.
    Rewritten(PathBuf),
    /// It was taken under another name and is the same file.
    Renamed {
        /// Then.
        from: PathBuf,
        /// Now.
        to: PathBuf,
    },
    /// It was taken and is there no more.
    Vanished(PathBuf),
    /// Nothing is left of what was taken, or a folder cannot be looked into: the disk is gone, and its files are kept until they are seen
    /// again.
    OutOfSight(usize),
    /// It holds still and is cut by its own header. Should it grow, it is taken like any other.
    Incomplete {
        /// The file.
        path: PathBuf,
        /// What its reader says.
        reason: String,
    },
}

/// How far a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// Seen, changing or not yet looked at twice.
    Growing {
        /// Looks over which it held still.
        still: usize,
        /// Why it is not whole by its own header, since it was last changed.
        cut: Option<String>,
    },
    /// Given as new or rewritten.
    Taken,
    /// Given as incomplete.
    Named,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    sight: Sight,
    stage: Stage,
    /// Whether it was given before: then it is rewritten, not new.
    given: bool,
    /// Looks since it was last there.
    absent: usize,
}

/// Remembers what it saw.
#[derive(Debug, Clone, Default)]
pub struct Poller {
    settings: PollerSettings,
    known: BTreeMap<PathBuf, Known>,
    /// Whether it was told that files are out of sight.
    blind: bool,
    /// Whether a file had changed at the last look.
    stirring: bool,
}

impl Poller {
    /// Has seen nothing yet.
    pub fn new(settings: PollerSettings) -> Poller {
        Poller { settings, known: BTreeMap::new(), blind: false, stirring: false }
    }

    /// Whether files are out of sight.
    pub fn is_blind(&self) -> bool {
        self.blind
    }

    /// Whether a file was new or had changed at the last look, whole or not.
    pub fn is_stirring(&self) -> bool {
        self.stirring
    }

    /// Files that were seen and not given yet: they are not whole.
    pub fn growing(&self) -> impl Iterator<Item = &Path> {
        let is_growing = |known: &Known| matches!(known.stage, Stage::Growing { .. });
        self.known.iter().filter(move |(_, known)| is_growing(known)).map(|(path, _)| path.as_path())
    }

    /// Looks at `paths`, all that match now, and tells what happened since the last look; files in order of their names.
    ///
    /// `completeness` is [`Completeness::of`] but in tests.
    pub fn look(
        &mut self,
        paths: &BTreeSet<PathBuf>,
        completeness: &dyn Fn(&Path) -> Completeness,
    ) -> Vec<Event> {
        self.stirring = false;
        let mut events = Vec::new();
        let sights: BTreeMap<&PathBuf, Sight> =
            paths.iter().filter_map(|path| Some((path, Sight::of(path)?))).collect();
        let mut absent: HashMap<Sight, PathBuf> = self.absent(&sights);
        for (path, sight) in &sights {
            let renamed = if self.known.contains_key(*path) { None } else { absent.remove(sight) };
            if let Some(from) = renamed
                && let Some(known) = self.known.remove(&from)
            {
                // Not given before, it goes on growing under its new name.
                if known.given {
                    events.push(Event::Renamed { from, to: (*path).clone() });
                }
                self.known.insert((*path).clone(), known);
            }
            events.extend(self.seen(path, *sight, completeness));
        }
        events.extend(self.not_seen(&sights));
        events
    }

    /// Known files that are not there, where the system tells which file is which.
    fn absent(&self, sights: &BTreeMap<&PathBuf, Sight>) -> HashMap<Sight, PathBuf> {
        let absent = self.known.iter().filter(|(path, _)| !sights.contains_key(path));
        let told_apart = absent.filter(|(_, known)| known.sight.identity.is_some());
        told_apart.map(|(path, known)| (known.sight, path.clone())).collect()
    }

    /// What became of the known files that are not there.
    fn not_seen(&mut self, sights: &BTreeMap<&PathBuf, Sight>) -> Vec<Event> {
        let given = self.known.values().filter(|known| known.given).count();
        let is_absent = |path: &PathBuf| !sights.contains_key(path);
        let of_given = self.known.iter().filter(|(path, known)| known.given && is_absent(path)).count();
        // One file that is the only one may well have been removed.
        let all_gone = given > 1 && of_given == given;
        let (mut gone, mut hidden) = (Vec::new(), 0);
        for (path, known) in self.known.iter_mut().filter(|(path, _)| is_absent(path)) {
            let folder = split_dataset(path).0.parent();
            if all_gone || folder.is_some_and(|folder| std::fs::read_dir(folder).is_err()) {
                hidden += usize::from(known.given);
                continue;
            }
            known.absent += 1;
            if known.absent > self.settings.absence {
                gone.push(path.clone());
            }
        }
        let was_blind = std::mem::replace(&mut self.blind, hidden > 0);
        let out_of_sight = (hidden > 0 && !was_blind).then_some(Event::OutOfSight(hidden));
        let vanished = gone.into_iter().filter_map(|path| {
            let known = self.known.remove(&path)?;
            known.given.then_some(Event::Vanished(path))
        });
        vanished.chain(out_of_sight).collect()
    }

    /// What a file that is there is now.
    fn seen(
        &mut self,
        path: &Path,
        sight: Sight,
        completeness: &dyn Fn(&Path) -> Completeness,
    ) -> Option<Event> {
        let is_first = !self.known.contains_key(path);
        let known = self.known.entry(path.to_owned()).or_insert_with(|| {
            let stage = Stage::Growing { still: 0, cut: None };
            Known { sight, stage, given: false, absent: 0 }
        });
        known.absent = 0;
        let changed = known.sight != sight;
        self.stirring |= is_first || changed;
        known.sight = sight;
        let (still, cut) = match &mut known.stage {
            Stage::Taken | Stage::Named if !changed => return None,
            Stage::Growing { still, cut } if !changed && !is_first => (*still + 1, cut.take()),
            Stage::Growing { .. } | Stage::Taken | Stage::Named => (0, None),
        };
        let is_old = || sight.age().is_some_and(|age| age >= self.settings.old);
        let found = match cut {
            Some(reason) => Completeness::Cut(reason),
            // An empty file is one that was only just made.
            None if sight.bytes == 0 => Completeness::Cut("it is empty".to_owned()),
            None if is_first && is_old() => Completeness::Whole,
            None => completeness(path),
        };
        // Whoever writes may have gone on while the file was looked at.
        if Sight::of(path) != Some(sight) {
            known.stage = Stage::Growing { still: 0, cut: None };
            return None;
        }
        match found {
            Completeness::Unknown if still == 0 => {
                known.stage = Stage::Growing { still, cut: None };
                None
            }
            Completeness::Whole | Completeness::Unknown => {
                known.stage = Stage::Taken;
                let was_given = std::mem::replace(&mut known.given, true);
                let path = path.to_owned();
                Some(if was_given { Event::Rewritten(path) } else { Event::New(path) })
            }
            Completeness::Cut(reason) if still >= self.settings.patience => {
                known.stage = Stage::Named;
                Some(Event::Incomplete { path: path.to_owned(), reason })
            }
            Completeness::Cut(reason) => {
                known.stage = Stage::Growing { still, cut: Some(reason) };
                None
            }
        }
    }
}

#[cfg(test)]
#[path = "poller_tests.rs"]
mod tests;
