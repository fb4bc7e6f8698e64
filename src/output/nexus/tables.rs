//! What is said of each image, and the peaks, as columns of numbers and texts.

use super::NexusTables;
use super::group::Group;
use crate::output::peaks_csv::{LABELS, NUMBERS, PeakRow};
use crate::output::{FrameRecord, OutputError};
use crate::quality::Quality;
use crate::series::Condition;

/// Of the samples.
pub(super) fn samples(entry: &Group, tables: &NexusTables<'_>) -> Result<(), OutputError> {
    let images = entry.group("images", "NXcollection")?;
    images.texts("sample", tables.samples.iter().map(|(name, _)| name.as_str()))?;
    let frames: Vec<u64> = tables.samples.iter().map(|(_, frames)| *frames as u64).collect();
    images.numbers("frames_summed", &[frames.len()], &frames, &[])?;
    peaks(entry, tables.peaks.iter().filter(|row| row.frame.is_none()).collect())
}

/// Of the frames.
pub(super) fn frames(entry: &Group, tables: &NexusTables<'_>) -> Result<(), OutputError> {
    let images = entry.group("images", "NXcollection")?;
    let records = || tables.frames.iter().map(|(.., record)| *record);
    images.texts("sample", tables.frames.iter().map(|(sample, ..)| sample.as_str()))?;
    images.texts("frame", tables.frames.iter().map(|(_, frame, _)| frame.as_str()))?;
    let paths: Vec<_> = records().map(|record| record.path.to_string_lossy()).collect();
    images.texts("path", paths.iter().map(|path| path.as_ref()))?;
    images.texts("status", records().map(|record| record.status.word()))?;
    images.texts("xxh3_128", records().map(|record| record.xxh3_128.as_deref().unwrap_or("")))?;
    let whole = |name: &str, of: fn(&FrameRecord) -> u64| {
        let values: Vec<u64> = records().map(of).collect();
        images.numbers(name, &[values.len()], &values, &[])
    };
    whole("image", |record| record.image as u64)?;
    whole("bytes", |record| record.bytes.unwrap_or(0))?;
    whole("excluded_pixels", |record| record.excluded_pixels.unwrap_or(0))?;
    let normalized: Vec<f64> = records().map(|record| record.normalized_by.unwrap_or(f64::NAN)).collect();
    images.numbers("normalized_by", &[normalized.len()], &normalized, &[])?;
    let time = of_conditions(tables, |condition| condition.time_s);
    images.numbers("time_s", &[time.len()], &time, &[("units", "s")])?;
    readings(entry, tables)?;
    peaks(entry, tables.peaks.iter().filter(|row| row.frame.is_some()).collect())
}

/// What the files say of the sample and its surroundings, in the columns of peaks.csv; NaN where one says nothing.
fn readings(entry: &Group, tables: &NexusTables<'_>) -> Result<(), OutputError> {
    let columns = tables.conditions.readings();
    if columns.is_empty() {
        return Ok(());
    }
    let group = entry.group("readings", "NXcollection")?;
    for (index, column) in columns.iter().enumerate() {
        let values = of_conditions(tables, |condition| condition.reading(index));
        group.numbers(&column.name, &[values.len()], &values, &[("units", &column.unit)])?;
    }
    Ok(())
}

/// A number of each frame; NaN where it is not known.
fn of_conditions(tables: &NexusTables<'_>, of: impl Fn(&Condition) -> Option<f64>) -> Vec<f64> {
    let of_frame = |(sample, frame, _): &(String, String, &FrameRecord)| {
        tables.conditions.get(sample, frame).and_then(&of).unwrap_or(f64::NAN)
    };
    tables.frames.iter().map(of_frame).collect()
}

/// The columns of peaks.csv.
fn peaks(entry: &Group, rows: Vec<&PeakRow>) -> Result<(), OutputError> {
    if rows.is_empty() {
        return Ok(());
    }
    let group = entry.group("peaks", "NXcollection")?;
    let labels: Vec<[&str; LABELS.len()]> = rows.iter().map(|row| row.labels()).collect();
    for (index, name) in LABELS.into_iter().enumerate() {
        group.texts(name, labels.iter().map(|labels| labels[index]))?;
    }
    let numbers: Vec<Vec<f64>> = rows.iter().map(|row| row.numbers()).collect();
    for (index, name) in NUMBERS.split(',').enumerate() {
        let column: Vec<f64> = numbers.iter().map(|row| row[index]).collect();
        group.numbers(name, &[column.len()], &column, &[])?;
    }
    let figures: Vec<_> = rows.iter().map(|row| row.quality.figures()).collect();
    for (index, (name, _)) in Quality::default().figures().into_iter().enumerate() {
        let column: Vec<f64> = figures.iter().map(|row| row[index].1.unwrap_or(f64::NAN)).collect();
        group.numbers(name, &[column.len()], &column, &[])?;
    }
    Ok(())
}
