//! What the results of a frame depend on beside the frame itself, and what of it has changed, in words.

use std::path::Path;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_128;

use super::JournalError;
use crate::batch::drift::is_looked_for;
use crate::batch::inputs::inputs;
use crate::config::Loaded;
use crate::frame::FileRecord;
use crate::tune::Advice;

/// Blocks of the run file that single frames do not depend on: where and how fast, the samples (each piece knows its own), and
/// what is done with sums only.
const NOT_OF_FRAMES: [&str; 8] =
    ["output", "engine", "memory_limit_gib", "plan_cache", "samples", "background", "series", "sub_peaks"];
/// Changes that are named.
const MOST_NAMED: usize = 4;

/// The configuration, as far as results of frames depend on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::batch) struct Key {
    /// Version, and the hash of the program's file: a development version is many programs.
    program: [String; 2],
    /// Role, path and hash of masks, flat, dark, geometry.
    inputs: Vec<(String, String, Option<String>)>,
    /// The resolved run file without [`NOT_OF_FRAMES`].
    settings: Map<String, Value>,
    /// What tuning found; it stands at the head of every result.
    tuned: Vec<(String, String)>,
    /// Whether frames are compared with each other, so that their curves are kept.
    compares_frames: bool,
}

impl Key {
    /// Of a run that begins now.
    ///
    /// # Errors
    /// The resolved run file cannot be read again.
    pub(in crate::batch) fn of(loaded: &Loaded) -> Result<Key, JournalError> {
        let unreadable = |reason: String| JournalError::Configuration { reason };
        let mut settings: Map<String, Value> =
            serde_yaml::from_str(&loaded.resolved_yaml).map_err(|error| unreadable(error.to_string()))?;
        NOT_OF_FRAMES.iter().for_each(|block| drop(settings.shift_remove(*block)));
        // Frames keep their sums for a NeXus file whatever its name.
        if let Some(nexus) = settings.get_mut("exports").and_then(|exports| exports.get_mut("nexus")) {
            *nexus = Value::from(if loaded.config.exports.nexus.is_some() { "on" } else { "off" });
        }
        let inputs = inputs(&loaded.config).into_iter().filter(|input| input.role != "run file");
        let inputs = inputs
            .map(|input| (input.role.to_owned(), input.path.to_string_lossy().into_owned(), input.xxh3_128));
        Ok(Key {
            program: [env!("CARGO_PKG_VERSION").to_owned(), program_hash().to_owned()],
            inputs: inputs.collect(),
            settings,
            tuned: loaded.tuned.iter().map(Advice::note).collect(),
            compares_frames: is_looked_for(&loaded.config),
        })
    }

    /// As JSON, and the name that this gives it.
    pub(in crate::batch) fn named(&self) -> Result<(String, Vec<u8>), JournalError> {
        let json = serde_json::to_vec(self)
            .map_err(|error| JournalError::Configuration { reason: error.to_string() })?;
        Ok((format!("{:032x}", xxh3_128(&json)), json))
    }

    /// What is not as it was `before`, in words.
    pub(in crate::batch) fn changes_since(&self, before: &Key) -> String {
        let mut words = Vec::new();
        let [version, build] = &self.program;
        if *version != before.program[0] {
            words.push(format!("halor was {}, is {version}", before.program[0]));
        } else if *build != before.program[1] {
            words.push(format!("halor {version} is another build"));
        }
        for (role, path, hash) in &self.inputs {
            match before.inputs.iter().find(|(other, at, _)| (other, at) == (role, path)) {
                Some((_, _, was)) if was == hash => {}
                Some(_) => words.push(format!("{role} {path} has other content")),
                None => words.push(format!("{role} {path} is new")),
            }
        }
        for (role, path, _) in &before.inputs {
            if !self.inputs.iter().any(|(other, at, _)| (other, at) == (role, path)) {
                words.push(format!("{role} {path} is no longer used"));
            }
        }
        let (was, is) = (Value::Object(before.settings.clone()), Value::Object(self.settings.clone()));
        differences("", &was, &is, &mut words);
        if self.tuned != before.tuned {
            words.push("what tuning found is another".to_owned());
        }
        if self.compares_frames != before.compares_frames {
            words.push("frames are compared with each other only now, or no more".to_owned());
        }
        let more = words.len().saturating_sub(MOST_NAMED);
        words.truncate(MOST_NAMED);
        let more = if more > 0 { format!(", and {more} more changes") } else { String::new() };
        words.join("; ") + &more
    }
}

/// Keys whose value differs, with both values.
fn differences(key: &str, was: &Value, is: &Value, words: &mut Vec<String>) {
    if was == is {
        return;
    }
    if let (Value::Object(was), Value::Object(is)) = (was, is) {
        let both = was.keys().chain(is.keys().filter(|name| !was.contains_key(*name)));
        for name in both {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            let at = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or(Value::Null);
            differences(&key, &at(was), &at(is), words);
        }
        return;
    }
    let short = |value: &Value| match value {
        Value::Null => "not set".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => {
            let text = value.to_string();
            if text.chars().count() > 60 {
                text.chars().take(57).chain("…".chars()).collect()
            } else {
                text
            }
        }
    };
    words.push(format!("`{key}` was {}, is {}", short(was), short(is)));
}

/// Of the file that runs; empty where it cannot be read.
fn program_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let read = |path: &Path| FileRecord::read(path).ok();
        let record = std::env::current_exe().ok().and_then(|path| read(&path));
        record.map_or_else(String::new, |record| format!("{:032x}", record.xxh3_128))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(settings: Value) -> Key {
        let Value::Object(settings) = settings else { panic!("an object") };
        Key {
            program: ["0.1.0".to_owned(), "a".to_owned()],
            inputs: vec![("mask".to_owned(), "/m.edf".to_owned(), Some("1".to_owned()))],
            settings,
            tuned: Vec::new(),
            compares_frames: false,
        }
    }

    #[test]
    fn changes_are_named() {
        let before = key(serde_json::json!({"pdf": {"window": "lorch", "q": [1, 2]}, "composition": "Zr"}));
        assert_eq!(before.changes_since(&before.clone()), "");
        let mut now = key(serde_json::json!({"pdf": {"window": "none", "q": [1, 2]}}));
        now.inputs[0].2 = Some("2".to_owned());
        assert_eq!(
            now.changes_since(&before),
            "mask /m.edf has other content; `pdf.window` was \"lorch\", is \"none\"; \
             `composition` was \"Zr\", is not set"
        );
        assert_ne!(now.named().unwrap().0, before.named().unwrap().0);
        let newer = Key { program: ["0.2.0".to_owned(), "b".to_owned()], ..before.clone() };
        assert_eq!(newer.changes_since(&before), "halor was 0.1.0, is 0.2.0");
    }
}
