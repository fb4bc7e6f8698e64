//! Which files are new and whole, rewritten, renamed or gone, by looking at them again and again: that works on every file system.
//!
//! A file is taken when it holds still over two looks, or at once where it is whole by its own header. One that holds still but is cut
//! by its header is waited for, and named when it never grows. What was taken is looked at further: written again, it is given again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::sight::{Completeness, Sight};

/// How long is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollerSettings {
    /// Looks over which a file that is cut by its header holds still before it is named.
    pub patience: usize,
    /// Looks over which a file that was taken may be missing before it is gone: network disks lose names for moments.
    pub absence: usize,
}

impl Default for PollerSettings {
    fn default() -> PollerSettings {
        PollerSettings { patience: 30, absence: 2 }
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
    /// Seen, changing or not yet looked at twice. With the number of looks over which it held still.
    Growing(usize),
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
}

impl Poller {
    /// Has seen nothing yet.
    pub fn new(settings: PollerSettings) -> Poller {
        Poller { settings, known: BTreeMap::new() }
    }

    /// Takes `path` as given already in the state that it has now: what an earlier run has processed.
    pub fn knows(&mut self, path: &Path) {
        if let Some(sight) = Sight::of(path) {
            let known = Known { sight, stage: Stage::Taken, given: true, absent: 0 };
            self.known.insert(path.to_owned(), known);
        }
    }

    /// Looks at `paths`, all that match now, and tells what happened since the last look; files in order of their names.
    ///
    /// `completeness` is [`Completeness::of`] but in tests.
    pub fn look(
        &mut self,
        paths: &BTreeSet<PathBuf>,
        completeness: &dyn Fn(&Path) -> Completeness,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let sights: BTreeMap<&PathBuf, Sight> =
            paths.iter().filter_map(|path| Some((path, Sight::of(path)?))).collect();
        for (path, sight) in &sights {
            if !self.known.contains_key(*path)
                && let Some(from) = self.renamed_from(*sight, &sights)
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
        let gone: Vec<PathBuf> = self
            .known
            .iter_mut()
            .filter(|(path, _)| !sights.contains_key(path))
            .filter_map(|(path, known)| {
                known.absent += 1;
                (known.absent > self.settings.absence).then(|| path.clone())
            })
            .collect();
        for path in gone {
            let known = self.known.remove(&path);
            events.extend(known.filter(|known| known.given).map(|_| Event::Vanished(path)));
        }
        events
    }

    /// A known file that is not there any more and is the one that `sight` shows.
    fn renamed_from(&self, sight: Sight, there: &BTreeMap<&PathBuf, Sight>) -> Option<PathBuf> {
        sight.identity?;
        let is_it = |(path, known): &(&PathBuf, &Known)| known.sight == sight && !there.contains_key(path);
        self.known.iter().find(is_it).map(|(path, _)| path.clone())
    }

    /// What a file that is there is now.
    fn seen(
        &mut self,
        path: &Path,
        sight: Sight,
        completeness: &dyn Fn(&Path) -> Completeness,
    ) -> Option<Event> {
        let first = Known { sight, stage: Stage::Growing(0), given: false, absent: 0 };
        let is_first = !self.known.contains_key(path);
        let known = self.known.entry(path.to_owned()).or_insert(first);
        known.absent = 0;
        let changed = known.sight != sight;
        known.sight = sight;
        let still = match known.stage {
            Stage::Taken | Stage::Named if !changed => return None,
            Stage::Growing(still) if !changed && !is_first => still + 1,
            Stage::Growing(_) | Stage::Taken | Stage::Named => 0,
        };
        known.stage = Stage::Growing(still);
        // An empty file is one that was only just made.
        let found =
            if sight.bytes == 0 { Completeness::Cut("it is empty".to_owned()) } else { completeness(path) };
        // Whoever writes may have gone on while the file was looked at.
        if Sight::of(path) != Some(sight) {
            known.stage = Stage::Growing(0);
            return None;
        }
        match found {
            Completeness::Unknown if still == 0 => None,
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
            Completeness::Cut(_) => None,
        }
    }
}

#[cfg(test)]
#[path = "poller_tests.rs"]
mod tests;
