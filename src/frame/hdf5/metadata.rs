//! What a NeXus file says of the measurement, for its images one by one.

use rust_hdf5::{DatatypeMessage, H5Dataset, H5File};

use super::MOST_IMAGES;
use crate::frame::header::positive;
use crate::frame::{Counts, FrameHeader, Reading};
use crate::units::wavelength_angstrom;

/// Numbers that hold for all images, or one for each.
#[derive(Debug, Clone, Default)]
struct Values {
    numbers: Vec<f64>,
    unit: String,
}

/// All that [`FrameHeader`] can say, as the file has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Metadata {
    detector: Option<String>,
    timestamp: Option<String>,
    exposure_s: Values,
    count_cutoff: Values,
    pixel_slow_m: Values,
    pixel_fast_m: Values,
    wavelength_angstrom: Values,
    distance_m: Values,
    centre_column_px: Values,
    centre_row_px: Values,
    monitor: Values,
    /// Of the sample and its surroundings: name and what was read.
    readings: Vec<(String, Values)>,
}

const TIME_S: &[(&str, f64)] =
    &[("s", 1.0), ("second", 1.0), ("seconds", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9)];
const LENGTH_M: &[(&str, f64)] =
    &[("m", 1.0), ("meter", 1.0), ("metre", 1.0), ("cm", 1e-2), ("mm", 1e-3), ("um", 1e-6), ("micron", 1e-6)];
const WAVELENGTH_ANGSTROM: &[(&str, f64)] =
    &[("angstrom", 1.0), ("Angstrom", 1.0), ("A", 1.0), ("Å", 1.0), ("nm", 10.0), ("m", 1e10)];
const ENERGY_KEV: &[(&str, f64)] = &[("keV", 1.0), ("kev", 1.0), ("eV", 1e-3), ("ev", 1e-3)];
const NONE: &[(&str, f64)] = &[("", 1.0)];

/// Bytes of a text, as its type says.
const MOST_TEXT: usize = 1 << 20;

/// Groups below the entry whose numbers are read for the tables.
const SURROUNDINGS: [&str; 3] = ["sample", "sample/environment", "instrument/positioners"];

impl Metadata {
    /// Of the entry that the first of `images` is in. What is not there, or is no number, is not said.
    pub(super) fn read(file: &H5File, images: &[String]) -> Metadata {
        let entry = images.first().and_then(|name| name.split_once('/')).map_or("", |(entry, _)| entry);
        let at = |name: &str| if entry.is_empty() { name.to_owned() } else { format!("{entry}/{name}") };
        let dataset = |names: &[&str]| names.iter().find_map(|name| file.dataset(&at(name)).ok());
        let values = |names: &[&str], units| dataset(names).and_then(|found| Values::read(&found, units));
        let text = |names: &[&str]| {
            let found = dataset(names)?;
            let bytes = found.total_elements().saturating_mul(found.element_size());
            let strings = (bytes <= MOST_TEXT).then(|| found.read_strings_lossy().ok()).flatten()?;
            strings.into_iter().next().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let from_energy = || {
            let names = ["instrument/monochromator/energy", "instrument/beam/incident_energy"];
            let mut energy = values(&names, ENERGY_KEV)?;
            for number in &mut energy.numbers {
                *number = wavelength_angstrom(*number);
            }
            Some(energy)
        };
        let detector = match (
            text(&["instrument/detector/description", "instrument/name"]),
            text(&["instrument/detector/detector_number", "instrument/detector/serial_number"]),
        ) {
            (Some(name), Some(serial)) => Some(format!("{name}, S/N {serial}")),
            (name, _) => name,
        };
        let wavelength = [
            "instrument/beam/incident_wavelength",
            "instrument/monochromator/wavelength",
            "sample/beam/incident_wavelength",
        ];
        Metadata {
            detector,
            timestamp: text(&["start_time", "instrument/detector/detectorSpecific/data_collection_date"]),
            exposure_s: values(
                &["instrument/detector/count_time", "instrument/detector/exposure_time"],
                TIME_S,
            )
            .unwrap_or_default(),
            count_cutoff: values(
                &[
                    "instrument/detector/detectorSpecific/countrate_correction_count_cutoff",
                    "instrument/detector/count_cutoff",
                    "instrument/detector/saturation_value",
                ],
                NONE,
            )
            .unwrap_or_default(),
            pixel_slow_m: values(&["instrument/detector/y_pixel_size"], LENGTH_M).unwrap_or_default(),
            pixel_fast_m: values(&["instrument/detector/x_pixel_size"], LENGTH_M).unwrap_or_default(),
            wavelength_angstrom: values(&wavelength, WAVELENGTH_ANGSTROM)
                .or_else(from_energy)
                .unwrap_or_default(),
            distance_m: values(
                &["instrument/detector/detector_distance", "instrument/detector/distance"],
                LENGTH_M,
            )
            .unwrap_or_default(),
            centre_column_px: values(&["instrument/detector/beam_center_x"], NONE).unwrap_or_default(),
            centre_row_px: values(&["instrument/detector/beam_center_y"], NONE).unwrap_or_default(),
            monitor: values(&["monitor/data", "control/data", "monitor/integral", "control/integral"], NONE)
                .unwrap_or_default(),
            readings: readings(file, &at),
        }
    }

    /// The header of image number `image`. The largest number that unsigned `counts` can hold marks pixels that are no measurement
    /// (gaps, dead, overflow), whatever the file says.
    pub(super) fn of_image(&self, image: usize, counts: &Counts) -> FrameHeader {
        let positive_of = |values: &Values| values.of(image).and_then(positive);
        let marks_above = match counts {
            Counts::U16(_) => Some(f64::from(u16::MAX - 1)),
            Counts::U32(_) => Some(f64::from(u32::MAX - 1)),
            Counts::I16(_) | Counts::I32(_) | Counts::F32(_) => None,
        };
        let said = positive_of(&self.count_cutoff);
        FrameHeader {
            detector: self.detector.clone(),
            exposure_s: positive_of(&self.exposure_s),
            count_cutoff: [said, marks_above].into_iter().flatten().reduce(f64::min),
            pixel_m: positive_of(&self.pixel_slow_m)
                .zip(positive_of(&self.pixel_fast_m))
                .map(<[f64; 2]>::from),
            wavelength_angstrom: positive_of(&self.wavelength_angstrom),
            distance_m: positive_of(&self.distance_m),
            beam_centre_px: self
                .centre_row_px
                .of(image)
                .zip(self.centre_column_px.of(image))
                .map(<[f64; 2]>::from),
            monitor: positive_of(&self.monitor),
            timestamp: self.timestamp.clone(),
            readings: self
                .readings
                .iter()
                .filter_map(|(name, values)| {
                    let value = values.of(image)?;
                    Some(Reading { name: name.clone(), value, unit: values.unit.clone() })
                })
                .collect(),
        }
    }
}

/// Each number, or row of numbers, of the sample and its surroundings.
fn readings(file: &H5File, at: &dyn Fn(&str) -> String) -> Vec<(String, Values)> {
    let root = file.root_group();
    let mut found = Vec::new();
    for group in SURROUNDINGS {
        let Ok(inside) = root.group(&at(group)) else { continue };
        for name in inside.dataset_names().unwrap_or_default() {
            let dataset = file.dataset(&at(&format!("{group}/{name}"))).ok();
            found.extend(
                dataset.and_then(|dataset| Values::as_written(&dataset)).map(|values| (name, values)),
            );
        }
    }
    found
}

impl Values {
    /// In the unit that stands first in `units`; `None` where it is in none of them.
    fn read(dataset: &H5Dataset, units: &[(&str, f64)]) -> Option<Values> {
        let mut values = Values::as_written(dataset)?;
        let factor = match values.unit.as_str() {
            "" => 1.0,
            unit => units.iter().find(|(name, _)| *name == unit || name.is_empty())?.1,
        };
        values.numbers.iter_mut().for_each(|number| *number *= factor);
        Some(values)
    }

    fn as_written(dataset: &H5Dataset) -> Option<Values> {
        let axes = dataset.shape();
        if axes.iter().filter(|&&length| length != 1).count() > 1
            || !(1..=MOST_IMAGES).contains(&dataset.total_elements())
        {
            return None;
        }
        let datatype = dataset.datatype().ok()?;
        let numbers = if matches!(datatype, DatatypeMessage::FixedPoint { .. }) {
            dataset.read_numeric_as::<i64>().ok()?.into_iter().map(|number| number as f64).collect()
        } else if matches!(datatype, DatatypeMessage::FloatingPoint { .. }) {
            dataset.read_numeric_as::<f64>().ok()?
        } else {
            return None;
        };
        let unit = dataset.attr("units").and_then(|unit| unit.read_string()).unwrap_or_default();
        Some(Values { numbers, unit })
    }

    /// That of image number `image`: the only one, or the one of its number.
    fn of(&self, image: usize) -> Option<f64> {
        let value = match self.numbers.as_slice() {
            [only] => Some(*only),
            several => several.get(image).copied(),
        };
        value.filter(|value| value.is_finite())
    }
}
