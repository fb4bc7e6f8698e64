//! Detectors by name, from the tables in `calibration/detectors`, and where their gaps are.

use std::sync::OnceLock;

use serde::Deserialize;

use super::{Detector, GeometryError, Orientation, Sensor};
use crate::frame::Shape;

/// The embedded tables.
const TABLES: [(&str, &str); 3] = [
    ("pilatus.yaml", include_str!("../../calibration/detectors/pilatus.yaml")),
    ("eiger.yaml", include_str!("../../calibration/detectors/eiger.yaml")),
    ("flat_panels.yaml", include_str!("../../calibration/detectors/flat_panels.yaml")),
];

/// Largest array: 2²⁸ pixels, over ten times the largest detector of the tables.
const MAX_PIXELS: usize = 1 << 28;

/// A known detector and the sensors that it was sold with.
struct Entry {
    detector: Detector,
    sensors: Vec<Sensor>,
    keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    families: Vec<Family>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    pixel_um: [f64; 2],
    module: Option<[usize; 2]>,
    #[serde(default)]
    gap: [usize; 2],
    #[serde(default)]
    seam: usize,
    #[serde(default)]
    sensors: Vec<SensorRow>,
    detectors: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SensorRow {
    material: String,
    density_g_cm3: f64,
    thickness_um: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    shape: [usize; 2],
    #[serde(default)]
    aliases: Vec<String>,
}

impl Detector {
    /// The detector of this name.
    ///
    /// Case, spaces, hyphens and underscores do not matter, `Pilatus3 X CdTe 2M` and `PilatusCdTe2M` are `Pilatus CdTe 2M`,
    /// and so are the names that headers and pyFAI write. The sensor comes with the name where there is only one; else the
    /// name has to state the thickness (`Pilatus 1M 450 um`), and without it the sensor is `None`.
    ///
    /// # Errors
    /// No such detector, with the nearest names; no such thickness.
    pub fn named(name: &str) -> Result<Detector, GeometryError> {
        let (key, thickness_um) = key_and_thickness(name);
        let entries = entries()?;
        let Some(entry) = entries.iter().find(|entry| entry.keys.contains(&key)) else {
            return Err(GeometryError::UnknownDetector {
                name: name.to_owned(),
                nearest: nearest(entries, &key),
            });
        };
        let mut detector = entry.detector.clone();
        detector.sensor = match (thickness_um, entry.sensors.as_slice()) {
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
            (Some(um), sensors) => {
                let found = sensors.iter().find(|sensor| (sensor.thickness_m * 1e6 - um).abs() < 0.5);
                Some(found.cloned().ok_or_else(|| {
                    GeometryError::UnknownSensor {
                        detector: detector.name.clone(),
                        found_um: um,
                        sold: sensors
                            .iter()
                            .map(|s| format!("{:.0} µm {}", s.thickness_m * 1e6, s.material))
                            .collect(),
                    }
                })?)
            }
        };
        Ok(detector)
    }

    /// A detector without gaps and without a known sensor, for arrays that no table has.
    ///
    /// # Errors
    /// Sides or pixel sizes that no detector can have.
    pub fn generic(shape: Shape, pixel_m: [f64; 2]) -> Result<Detector, GeometryError> {
        let pixels = shape.rows.checked_mul(shape.columns);
        let sides_fit = pixels.is_some_and(|pixels| (1..=MAX_PIXELS).contains(&pixels));
        let sizes_fit = pixel_m.iter().all(|size| size.is_finite() && *size > 0.0);
        if !(sides_fit && sizes_fit) {
            return Err(GeometryError::ImpossibleDetector { shape, pixel_m });
        }
        Ok(Detector {
            name: "generic".to_owned(),
            shape,
            pixel_m,
            module: None,
            gap: [0, 0],
            seam: 0,
            sensor: None,
            orientation: Orientation::default(),
            displacement: None,
        })
    }

    /// This detector read out with another pixel size: a flat panel may be binned, a modular detector may not.
    ///
    /// # Errors
    /// The size is no whole multiple (or whole fraction) of the flat panel's, or not that of the modular detector.
    pub fn with_pixel(self, pixel_m: [f64; 2]) -> Result<Detector, GeometryError> {
        let mut binned = self.clone();
        binned.pixel_m = pixel_m;
        let sides = [(&mut binned.shape.rows, 0), (&mut binned.shape.columns, 1)];
        for (side, axis) in sides {
            let rebinned = rebinned(*side, pixel_m[axis] / self.pixel_m[axis]);
            let allowed = rebinned.filter(|new| self.module.is_none() || new == side);
            *side = allowed.ok_or_else(|| GeometryError::PixelSize {
                detector: self.name.clone(),
                found: pixel_m,
                expected: self.pixel_m,
            })?;
        }
        // A size that differs by rounding only is taken as the file has it.
        Ok(binned)
    }

    /// Row order; `true` where a pixel lies in a gap between modules or on the seam between two crystals of a module.
    pub fn gap_mask(&self) -> Vec<bool> {
        let Shape { rows, columns } = self.shape;
        let Some(module) = self.module else { return vec![false; self.shape.pixels()] };
        let row_in_gap: Vec<bool> =
            (0..rows).map(|row| insensitive(row, module.rows, self.gap[0], 0)).collect();
        let column_in_gap: Vec<bool> =
            (0..columns).map(|column| insensitive(column, module.columns, self.gap[1], self.seam)).collect();
        row_in_gap.iter().flat_map(|row| column_in_gap.iter().map(move |column| *row || *column)).collect()
    }
}

/// A sensor of this material and thickness, with the density of the tables; `None` for a material that they do not have.
///
/// # Errors
/// A broken table.
pub(super) fn sensor(material: &str, thickness_m: f64) -> Result<Option<Sensor>, GeometryError> {
    let mut known = entries()?.iter().flat_map(|entry| &entry.sensors);
    let same = known.find(|sensor| sensor.material.eq_ignore_ascii_case(material));
    Ok(same.map(|sensor| Sensor { thickness_m, ..sensor.clone() }))
}

/// Whether a row or column lies between modules or on the seam in a module's middle.
fn insensitive(index: usize, module: usize, gap: usize, seam: usize) -> bool {
    let within = index % (module + gap);
    let seam_starts = module.saturating_sub(seam) / 2;
    within >= module || (seam_starts..seam_starts + seam).contains(&within)
}

/// Pixels along a side when each becomes `ratio` times as long; `None` where that is no whole number either way.
fn rebinned(side: usize, ratio: f64) -> Option<usize> {
    // Pixel sizes in files have at least four digits; 1e-3 tells 1 : 2 from anything that is not meant to be it.
    let whole =
        |value: f64| (1.0..=8.0).contains(&value.round()) && (value / value.round() - 1.0).abs() < 1e-3;
    if whole(ratio) {
        Some(side / ratio.round() as usize).filter(|side| *side > 0)
    } else if whole(1.0 / ratio) {
        Some(side * (1.0 / ratio).round() as usize)
    } else {
        None
    }
}

/// The tables, read once.
fn entries() -> Result<&'static [Entry], GeometryError> {
    static ENTRIES: OnceLock<Result<Vec<Entry>, (&'static str, String)>> = OnceLock::new();
    match ENTRIES.get_or_init(read_tables) {
        Ok(entries) => Ok(entries),
        Err((table, reason)) => Err(GeometryError::DetectorTable { table, reason: reason.clone() }),
    }
}

fn read_tables() -> Result<Vec<Entry>, (&'static str, String)> {
    let mut entries = Vec::new();
    for (table, text) in TABLES {
        let families = serde_yaml::from_str::<Table>(text).map_err(|e| (table, e.to_string()))?.families;
        for family in families {
            let sensors: Vec<Sensor> = family
                .sensors
                .into_iter()
                .map(|row| Sensor {
                    material: row.material,
                    density_g_cm3: row.density_g_cm3,
                    thickness_m: row.thickness_um / 1e6,
                })
                .collect();
            for row in family.detectors {
                let mut keys = vec![key_and_thickness(&row.name).0];
                keys.extend(row.aliases.iter().map(|alias| key_and_thickness(alias).0));
                let detector = Detector {
                    name: row.name,
                    shape: Shape { rows: row.shape[0], columns: row.shape[1] },
                    pixel_m: family.pixel_um.map(|um| um / 1e6),
                    module: family.module.map(|[rows, columns]| Shape { rows, columns }),
                    gap: family.gap,
                    seam: family.seam,
                    displacement: None,
                    sensor: None,
                    orientation: Orientation::default(),
                };
                entries.push(Entry { detector, sensors: sensors.clone(), keys });
            }
        }
    }
    Ok(entries)
}

/// What a name is compared by, and the sensor thickness in µm that it states.
///
/// Letters and digits only, lower case. Words that tell a readout, cooling or series but not the layout are dropped; the
/// sensor's material goes to the end. A header's serial number, after a comma, is no part of the name.
fn key_and_thickness(name: &str) -> (String, Option<f64>) {
    let lower = name.split(',').next().unwrap_or_default().to_lowercase().replace(['µ', 'μ'], "u");
    let mut words: Vec<&str> =
        lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let mut thickness_um = None;
    let number = |word: &str| word.parse::<f64>().ok().filter(|um| *um > 0.0);
    if let Some(at) = words.iter().position(|word| word.ends_with("um")) {
        let attached = words[at].strip_suffix("um").and_then(number);
        let before = at.checked_sub(1).and_then(|i| number(words[i]));
        match (words[at], before) {
            ("um", Some(um)) => {
                thickness_um = Some(um);
                words.drain(at - 1..=at);
            }
            _ if attached.is_some() => {
                thickness_um = attached;
                words.remove(at);
            }
            _ => {}
        }
    }
    let joined: String = words
        .iter()
        .filter(|word| !matches!(**word, "dectris" | "x" | "s" | "r" | "rx" | "xe" | "f" | "si"))
        .map(|word| match *word {
            "pilatus2" | "pilatus3" | "pilatus3x" | "pilatus3s" | "pilatus3r" | "pilatus3rx" => "pilatus",
            other => other,
        })
        .collect();
    let key = if joined.contains("cdte") { joined.replace("cdte", "") + "cdte" } else { joined };
    (key, thickness_um)
}

/// The five names nearest to a key.
fn nearest(entries: &[Entry], key: &str) -> Vec<String> {
    let mut ranked: Vec<(usize, &str)> = entries
        .iter()
        .map(|entry| {
            let distances = entry.keys.iter().map(|known| strsim::damerau_levenshtein(known, key));
            (distances.min().unwrap_or(usize::MAX), entry.detector.name.as_str())
        })
        .collect();
    ranked.sort_by_key(|(distance, _)| *distance);
    ranked.into_iter().take(5).map(|(_, name)| format!("`{name}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_is_whole_modules_and_gaps_and_its_key_is_its_own() {
        let mut seen = std::collections::BTreeMap::new();
        for entry in entries().unwrap() {
            let Detector { name, shape, module, gap, seam, .. } = &entry.detector;
            for key in &entry.keys {
                assert_eq!(seen.insert(key.clone(), name.clone()), None, "{key} names two detectors");
            }
            let Some(module) = module else { continue };
            assert_eq!((shape.rows + gap[0]) % (module.rows + gap[0]), 0, "{name} rows");
            assert_eq!((shape.columns + gap[1]) % (module.columns + gap[1]), 0, "{name} columns");
            assert!(
                *seam == 0 || (module.columns - seam).is_multiple_of(2),
                "{name}: the seam is in the middle"
            );
            // Counted from both ends the gaps are the same, so no orientation changes the mask.
            let mask = entry.detector.gap_mask();
            assert!(mask.iter().eq(mask.iter().rev()), "{name}");
        }
    }

    #[test]
    fn many_spellings_name_one_detector() {
        let wanted = Detector::named("Pilatus CdTe 2M").unwrap();
        for spelling in [
            "PilatusCdTe2M",
            "Pilatus3 X CdTe 2M",
            "PILATUS3 2M CdTe, S/N 24-0121",
            "pilatus_2m_cdte",
            "Dectris Pilatus3X-CdTe-2M",
            "Pilatus CdTe 2M 1000 µm",
        ] {
            assert_eq!(Detector::named(spelling).unwrap(), wanted, "{spelling}");
        }
        assert_eq!(Detector::named("PILATUS 1M-F").unwrap().name, "Pilatus 1M");
        assert_eq!(Detector::named("Eiger2CdTe_1MW").unwrap().name, "Eiger2 CdTe 1M-W");
        assert_eq!(Detector::named("Pilatus300k").unwrap().name, "Pilatus 300k");
    }

    #[test]
    fn a_sensor_is_given_only_where_the_name_settles_it() {
        assert_eq!(wanted_um("Pilatus 1M"), None);
        assert_eq!(wanted_um("Pilatus3 1M 450um"), Some(450.0));
        assert_eq!(wanted_um("Eiger2 CdTe 4M"), Some(750.0));
        assert_eq!(wanted_um("Varex XRD 1621"), None);
        assert!(Detector::named("Pilatus 1M 500 um").unwrap_err().to_string().contains("320 µm Si"));
    }

    fn wanted_um(name: &str) -> Option<f64> {
        Detector::named(name).unwrap().sensor.map(|sensor| (sensor.thickness_m * 1e6).round())
    }

    #[test]
    fn an_unknown_name_gets_its_nearest() {
        let message = Detector::named("Pilatsu CdTe 2M").unwrap_err().to_string();
        assert!(message.contains("`Pilatus CdTe 2M`"), "{message}");
    }

    #[test]
    fn flat_panels_bin_and_modules_do_not() {
        let panel = Detector::named("Pixium 4700").unwrap().with_pixel([154e-6, 154e-6]).unwrap();
        assert_eq!(panel.shape, Shape { rows: 1910, columns: 2480 });
        let panel = Detector::named("Perkin").unwrap().with_pixel([400e-6, 400e-6]).unwrap();
        assert_eq!(panel.shape, Shape { rows: 1024, columns: 1024 });
        assert!(Detector::named("Perkin").unwrap().with_pixel([250e-6, 250e-6]).is_err());
        assert!(Detector::named("Pilatus 1M").unwrap().with_pixel([344e-6, 344e-6]).is_err());
        assert!(Detector::generic(Shape { rows: 0, columns: 5 }, [1e-4, 1e-4]).is_err());
        assert!(Detector::generic(Shape { rows: 5, columns: 5 }, [1e-4, f64::NAN]).is_err());
    }
}
