//! Samples, their frames and backgrounds.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::Check;
use crate::config::schema::{BackgroundBlock, OffOr, RunFile};
use crate::config::{Background, Sample};
use crate::frame::FrameAddress;

/// The samples in the order of the run file, each with the background that is subtracted from it.
pub(super) fn samples(file: &mut RunFile, check: &mut Check<'_>) -> Vec<Sample> {
    if file.samples.is_empty() {
        let mend = "write `samples: [{name: as-cast, frames: data/as_cast_*.tif}]`";
        check.problems.push("samples", "the run file names no samples", mend);
    }
    let names: Vec<&str> = file.samples.iter().map(|sample| sample.name.as_str()).collect();
    check.names("samples", &names);
    let shared = background("background", file.background.get_or_insert(OffOr::Off), check);
    let samples: Vec<Sample> = file
        .samples
        .iter_mut()
        .enumerate()
        .map(|(index, block)| {
            let own = format!("samples[{index}].background");
            let frames = check.frames(&format!("samples[{index}].frames"), &mut block.frames);
            Sample {
                name: block.name.clone(),
                patterns: block.frames.0.clone(),
                frames,
                background: match &mut block.background {
                    Some(written) => background(&own, written, check),
                    None => shared.clone(),
                },
                state: block.state.clone(),
                properties: block.properties.clone(),
            }
        })
        .collect();
    warn_of_shared_files(&samples, check);
    warn_of_own_background(&samples, check);
    samples
}

fn background(key: &str, written: &mut OffOr<BackgroundBlock>, check: &mut Check<'_>) -> Option<Background> {
    let OffOr::On(block) = written else { return None };
    let scale = *block.scale.get_or_insert(1.0);
    check.not_negative(&format!("{key}.scale"), scale);
    let frames = check.frames(&format!("{key}.frames"), &mut block.frames);
    Some(Background { patterns: block.frames.0.clone(), frames, scale, key: key.to_owned() })
}

/// A background that holds frames of the sample takes a part of the sample away.
fn warn_of_own_background(samples: &[Sample], check: &mut Check<'_>) {
    for (index, sample) in samples.iter().enumerate() {
        let Some(background) = &sample.background else { continue };
        let paths: HashSet<&Path> = background.frames.iter().map(|frame| frame.path.as_path()).collect();
        let own: Vec<&FrameAddress> =
            sample.frames.iter().filter(|frame| paths.contains(frame.path.as_path())).collect();
        if let Some(first) = own.first() {
            let message = format!(
                "{} of its frames are frames of its background too, for example `{}`",
                own.len(),
                first.path.display()
            );
            check.problems.warn(&format!("samples[{index}].frames"), &message);
        }
    }
}

/// The same file in two samples is most often a slip in a pattern.
fn warn_of_shared_files(samples: &[Sample], check: &mut Check<'_>) {
    let mut owner: HashMap<&Path, usize> = HashMap::new();
    for (index, sample) in samples.iter().enumerate() {
        let mut shared = 0;
        let mut example = None;
        for frame in sample.frames.iter().filter(|frame| frame.image == 0) {
            let first = *owner.entry(&frame.path).or_insert(index);
            if first != index {
                shared += 1;
                example = Some((first, &frame.path));
            }
        }
        if let Some((first, path)) = example {
            let message = format!(
                "{shared} of its files belong to another sample too, for example `{}` to `{}`",
                path.display(),
                samples[first].name
            );
            check.problems.warn(&format!("samples[{index}].frames"), &message);
        }
    }
}
