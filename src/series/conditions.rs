//! When each frame was taken, and what was read beside it: temperature, load, positions.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::frame::{FrameAddress, Reading};

/// One frame of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Its place in the sample, from 0.
    pub place: usize,
    /// Seconds from the first frame of its sample that says when it began.
    pub time_s: Option<f64>,
    /// One for each of [`Conditions::readings`].
    pub readings: Vec<Option<f64>>,
}

/// The frames of a run by sample and name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conditions {
    columns: Vec<ReadingColumn>,
    /// Names that readings may not have.
    taken: HashSet<String>,
    of: HashMap<String, HashMap<String, Condition>>,
}

/// What a reading is called in all tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingColumn {
    /// Unit included, such as `temperature_k`; no other column has it.
    pub name: String,
    /// As the files have it; may be empty.
    pub unit: String,
    /// As the files call the reading.
    written: String,
}

/// What a frame says of itself.
#[derive(Debug, Clone, Copy)]
pub struct FrameNote<'a> {
    /// Where it is.
    pub address: &'a FrameAddress,
    /// Its name, as in the names of its files.
    pub name: &'a str,
    /// When it began, as written.
    pub began: Option<&'a str>,
    /// How long it took.
    pub exposure_s: Option<f64>,
    /// What was read.
    pub readings: &'a [Reading],
}

impl Conditions {
    /// Of no frames yet, in tables that have these columns too.
    pub fn beside<'a>(columns: impl IntoIterator<Item = &'a str>) -> Conditions {
        let taken = columns.into_iter().map(str::to_owned).collect();
        Conditions { taken, ..Conditions::default() }
    }

    /// Adds the frames of a sample, by their places; `None` for one of which nothing is known.
    ///
    /// Images of one file that say the same time follow each other by their exposure: such files have one time for all.
    pub fn add(&mut self, sample: &str, frames: &[Option<FrameNote<'_>>]) {
        // Files whose images say times of their own.
        let mut told: HashMap<&Path, &str> = HashMap::new();
        let mut of_images: HashSet<&Path> = HashSet::new();
        for note in frames.iter().flatten() {
            let Some(began) = note.began else { continue };
            if *told.entry(&note.address.path).or_insert(began) != began {
                of_images.insert(&note.address.path);
            }
        }
        let began: Vec<Option<f64>> = frames
            .iter()
            .map(|note| {
                let note = note.as_ref()?;
                let own = of_images.contains(note.address.path.as_path());
                let since =
                    if own { 0.0 } else { note.address.image as f64 * note.exposure_s.unwrap_or(0.0) };
                Some(seconds(note.began?)? + since)
            })
            .collect();
        let first = began.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        // Frames that all say the same say nothing.
        let differ = began.iter().flatten().any(|time| *time > first);
        for (place, note) in frames.iter().enumerate() {
            let Some(note) = note else { continue };
            let mut readings = vec![None; self.columns.len()];
            for reading in note.readings {
                let index = self.column(reading);
                readings.resize(self.columns.len(), None);
                readings[index] = Some(reading.value).filter(|value| value.is_finite());
            }
            let time_s = began[place].filter(|_| differ).map(|time| time - first);
            let of_sample = self.of.entry(sample.to_owned()).or_default();
            of_sample.insert(note.name.to_owned(), Condition { place, time_s, readings });
        }
    }

    /// The place of a reading's column.
    fn column(&mut self, reading: &Reading) -> usize {
        let is_its = |known: &ReadingColumn| known.written == reading.name && known.unit == reading.unit;
        self.columns.iter().position(is_its).unwrap_or_else(|| {
            let plain = plain_name(reading);
            let is_free = |name: &String| {
                !self.taken.contains(name) && self.columns.iter().all(|known| known.name != *name)
            };
            // Readings that differ in signs alone, and those that are called as another column is.
            let numbered = (2..).map(|number| format!("{plain}_{number}"));
            let name = std::iter::once(plain.clone()).chain(numbered).find(is_free).unwrap_or(plain.clone());
            let (written, unit) = (reading.name.clone(), reading.unit.clone());
            self.columns.push(ReadingColumn { name, unit, written });
            self.columns.len() - 1
        })
    }

    /// The readings' columns.
    pub fn readings(&self) -> &[ReadingColumn] {
        &self.columns
    }

    /// Of one frame.
    pub fn get(&self, sample: &str, frame: &str) -> Option<&Condition> {
        self.of.get(sample)?.get(frame)
    }
}

impl Condition {
    /// The reading of a column.
    pub fn reading(&self, index: usize) -> Option<f64> {
        self.readings.get(index).copied().flatten()
    }
}

/// Such as `temperature_k`: small letters, digits and underscores.
fn plain_name(reading: &Reading) -> String {
    let plain = |text: &str| -> String {
        let word = |c: char| if c.is_alphanumeric() { c.to_lowercase().to_string() } else { "_".to_owned() };
        text.replace('°', "deg_").trim().chars().map(word).collect()
    };
    match reading.unit.trim() {
        "" => plain(&reading.name),
        unit => format!("{}_{}", plain(&reading.name), plain(unit)),
    }
}

/// How detectors write dates: ISO 8601, Pilatus, TIFF, and C's.
const FORMS: [&str; 7] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y/%b/%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y:%m:%d %H:%M:%S%.f",
    "%a %b %d %H:%M:%S %Y",
    "%d/%b/%Y:%H:%M:%S",
];

/// Seconds since 1970 of a date as written; without a zone, as if in UTC.
fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_nanosecond() as f64 * 1e-9);
    }
    let civil = FORMS.iter().find_map(|form| jiff::civil::DateTime::strptime(form, text).ok())?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_nanosecond() as f64 * 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_detectors_are_read() {
        let expected = seconds("2021-03-12T16:59:41Z").unwrap();
        for text in [
            "2021-03-12T16:59:41",
            "2021-03-12 16:59:41.000",
            "2021-03-12T18:59:41+02:00",
            "2021/Mar/12 16:59:41.0",
            "2021:03:12 16:59:41",
            "Fri Mar 12 16:59:41 2021",
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        assert!((seconds("2021-03-12T16:59:41.725").unwrap() - expected - 0.725).abs() < 1e-6);
        assert_eq!(seconds("yesterday"), None);
    }

    #[test]
    fn frames_have_times_from_the_first_and_readings_by_name() {
        let address = |path: &str, image| FrameAddress { path: path.into(), image };
        let addresses = [address("a.tif", 0), address("b.tif", 0), address("c.tif", 0)];
        let heat = |value| [Reading { name: "Temperature".into(), value, unit: "K".into() }];
        let (warm, hot) = (heat(300.0), heat(310.5));
        let note = |index: usize, began, readings| FrameNote {
            address: &addresses[index],
            name: ["a", "b", "c"][index],
            began: Some(began),
            exposure_s: None,
            readings,
        };
        let mut all = Conditions::default();
        all.add(
            "x",
            &[Some(note(0, "2021-03-12T16:59:41", &warm)), None, Some(note(2, "2021-03-12T17:00:41", &hot))],
        );
        let columns: Vec<(&str, &str)> =
            all.readings().iter().map(|column| (column.name.as_str(), column.unit.as_str())).collect();
        assert_eq!(columns, [("temperature_k", "K")]);
        let last = all.get("x", "c").unwrap();
        assert_eq!((last.place, last.time_s, last.reading(0)), (2, Some(60.0), Some(310.5)));
        assert!(all.get("x", "b").is_none());
        // One file, one time, images of two seconds; and one time for all.
        let stack = [address("s.h5", 0), address("s.h5", 3)];
        let of = |exposure_s| {
            let mut all = Conditions::default();
            let note = |index: usize| FrameNote {
                address: &stack[index],
                name: ["s_0", "s_3"][index],
                began: Some("2021-03-12T16:59:41"),
                exposure_s,
                readings: &[],
            };
            all.add("x", &[Some(note(0)), Some(note(1))]);
            all.get("x", "s_3").unwrap().time_s
        };
        assert_eq!((of(Some(2.0)), of(None)), (Some(6.0), None));
    }
    /// Names that differ in signs alone, and that of a column that is there anyway.
    #[test]
    fn every_reading_has_a_column_of_its_own() {
        let reading = |name: &str, unit: &str, value| Reading { name: name.into(), value, unit: unit.into() };
        let readings = [
            reading("x pos", "mm", 1.0),
            reading("x-pos", "mm", 2.0),
            reading("time", "s", 3.0),
            reading("x pos", "um", 4.0),
        ];
        let address = FrameAddress { path: "a.tif".into(), image: 0 };
        let note =
            |readings| FrameNote { address: &address, name: "a", began: None, exposure_s: None, readings };
        let mut all = Conditions::beside(["time_s"]);
        all.add("x", &[Some(note(&readings))]);
        all.add("y", &[Some(note(&readings[1..2]))]);
        let names: Vec<&str> = all.readings().iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["x_pos_mm", "x_pos_mm_2", "time_s_2", "x_pos_um"]);
        let of_x = all.get("x", "a").unwrap();
        assert_eq!([0, 1, 2, 3].map(|index| of_x.reading(index)), [1.0, 2.0, 3.0, 4.0].map(Some));
        let of_y = all.get("y", "a").unwrap();
        assert_eq!([0, 1, 2, 3].map(|index| of_y.reading(index)), [None, Some(2.0), None, None]);
    }
}
