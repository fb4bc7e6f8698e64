//! .poni files as pyFAI and its relatives write them, versions 1, 2, 2.1 and 3: reading and writing.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use super::{Detector, Geometry, GeometryError, Orientation, Poni};
use crate::frame::Shape;

/// What a .poni file says; `None` where it is silent and the run file, or the frame, has to say it.
#[derive(Debug, Clone, PartialEq)]
pub struct PoniFile {
    /// Sample to detector plane along its normal.
    pub distance_m: f64,
    /// Point of normal incidence along the slow axis.
    pub poni1_m: f64,
    /// Point of normal incidence along the fast axis.
    pub poni2_m: f64,
    /// First rotation.
    pub rot1_rad: f64,
    /// Second rotation.
    pub rot2_rad: f64,
    /// Third rotation, about the beam.
    pub rot3_rad: f64,
    /// Wavelength.
    pub wavelength_angstrom: Option<f64>,
    /// Detector as the file names it; `None` for the nameless `Detector`.
    pub detector_name: Option<String>,
    /// Pixel size (slow, fast).
    pub pixel_m: Option<[f64; 2]>,
    /// Rows × columns.
    pub max_shape: Option<Shape>,
    /// `None` where the file has no orientation, or 0: then it means 3, and in files of other programs possibly not.
    pub orientation: Option<Orientation>,
    /// Material of the sensor (version 3).
    pub sensor_material: Option<String>,
    /// Thickness of the sensor (version 3).
    pub sensor_thickness_m: Option<f64>,
}

/// Longest .poni file that is read; real ones have less than 1 KiB.
const MAX_BYTES: u64 = 1 << 20;

impl PoniFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// As [`read_poni`], with the path; a file that cannot be read, is no text, or is longer than 1 MiB.
    pub fn read(path: &Path) -> Result<PoniFile, GeometryError> {
        let unreadable = |source| GeometryError::Unreadable { path: path.to_owned(), source };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_BYTES {
            let reason = "it is longer than 1 MiB, which no .poni file is";
            return Err(unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, reason)));
        }
        read_poni(&text)
            .map_err(|source| GeometryError::InFile { path: path.to_owned(), source: Box::new(source) })
    }

    /// The placement with its wavelength: that of the run file where it has one, else that of this file.
    ///
    /// # Errors
    /// Neither has one.
    pub fn poni(&self, run_wavelength_angstrom: Option<f64>) -> Result<Poni, GeometryError> {
        let wavelength = run_wavelength_angstrom.or(self.wavelength_angstrom);
        Ok(Poni {
            distance_m: self.distance_m,
            poni1_m: self.poni1_m,
            poni2_m: self.poni2_m,
            rot1_rad: self.rot1_rad,
            rot2_rad: self.rot2_rad,
            rot3_rad: self.rot3_rad,
            wavelength_angstrom: wavelength.ok_or(GeometryError::NoWavelength)?,
        })
    }

    /// The detector that the file describes; `None` where it gives neither a name nor both pixel size and shape
    /// (then [`Detector::generic`] takes the frame's shape).
    ///
    /// # Errors
    /// An unknown name; a pixel size or shape that contradicts it.
    pub fn detector(&self) -> Result<Option<Detector>, GeometryError> {
        let mut detector = match (&self.detector_name, self.pixel_m, self.max_shape) {
            (Some(name), pixel_m, max_shape) => {
                let named = Detector::named(name)?;
                let detector = match pixel_m {
                    Some(pixel_m) => named.with_pixel(pixel_m)?,
                    None => named,
                };
                if let Some(found) = max_shape.filter(|shape| *shape != detector.shape) {
                    let (detector, expected) = (detector.name, detector.shape);
                    return Err(GeometryError::DetectorShape { detector, found, expected });
                }
                detector
            }
            (None, Some(pixel_m), Some(shape)) => Detector::generic(shape, pixel_m)?,
            (None, _, _) => return Ok(None),
        };
        detector.orientation = self.orientation.unwrap_or_default();
        if let (Some(material), Some(thickness_m)) = (&self.sensor_material, self.sensor_thickness_m) {
            detector.sensor = super::detector::sensor(material, thickness_m)?;
        }
        Ok(Some(detector))
    }
}

/// Reads the text of a .poni file: keys in any case, the last entry of a key wins, lines that start with # are comments.
///
/// # Errors
/// Every missing, malformed, non-finite or impossible value by its key; a version after 3; what halor would have to leave
/// out silently (a distortion file, a parallax that the placement was refined with).
pub fn read_poni(text: &str) -> Result<PoniFile, GeometryError> {
    let entries: HashMap<String, &str> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim().to_lowercase(), value.trim()))
        .collect();
    let entries = Entries(entries);
    if let Some(found) = entries.text("poni_version") {
        let known = found.parse::<f64>().is_ok_and(|version| [1.0, 2.0, 2.1, 3.0].contains(&version));
        if !known {
            return Err(bad("poni_version", found, "1, 2, 2.1 or 3"));
        }
    }
    if entries.text("parallax").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        let mend = "calibrate again without parallax, or write `Parallax: False` and accept rings that are off by it";
        return Err(GeometryError::NotApplied { what: "`Parallax: True`".to_owned(), mend });
    }
    if let Some(file) = entries.text("splinefile") {
        return Err(distortion("SplineFile", file));
    }
    let config = match entries.text("detector_config") {
        None => Map::new(),
        Some(json) => {
            serde_json::from_str(json).map_err(|_| bad("Detector_config", json, "a JSON object"))?
        }
    };
    if let Some((key, value)) =
        config.iter().find(|(key, v)| key.to_lowercase().contains("file") && !v.is_null())
    {
        return Err(distortion(key, &value.to_string()));
    }
    let pixel = |key, old_key| match config.get(key).filter(|value| !value.is_null()) {
        Some(value) => above_zero(key, &value.to_string(), value.as_f64()).map(Some),
        None => entries.positive(old_key),
    };
    let pixel_m = match (pixel("pixel1", "PixelSize1")?, pixel("pixel2", "PixelSize2")?) {
        (Some(slow), Some(fast)) => Some([slow, fast]),
        (None, None) => None,
        (Some(_), None) => return Err(GeometryError::MissingKey { key: "pixel2" }),
        (None, Some(_)) => return Err(GeometryError::MissingKey { key: "pixel1" }),
    };
    let sensor = config.get("sensor").filter(|value| !value.is_null());
    let thickness = sensor.and_then(|sensor| sensor.get("thickness")).filter(|value| !value.is_null());
    let material = sensor.and_then(|sensor| sensor.get("material")).and_then(Value::as_str);
    Ok(PoniFile {
        distance_m: entries.positive("Distance")?.ok_or(GeometryError::MissingKey { key: "Distance" })?,
        poni1_m: entries.required("Poni1")?,
        poni2_m: entries.required("Poni2")?,
        rot1_rad: entries.required("Rot1")?,
        rot2_rad: entries.required("Rot2")?,
        rot3_rad: entries.required("Rot3")?,
        wavelength_angstrom: entries.positive("Wavelength")?.map(|metres| metres * 1e10),
        detector_name: entries
            .text("detector")
            .filter(|name| !name.eq_ignore_ascii_case("detector"))
            .map(str::to_owned),
        pixel_m,
        max_shape: config.get("max_shape").filter(|value| !value.is_null()).map(shape).transpose()?,
        orientation: config.get("orientation").map_or(Ok(None), orientation)?,
        sensor_material: material.map(str::to_owned),
        sensor_thickness_m: thickness
            .map(|value| above_zero("thickness", &value.to_string(), value.as_f64()))
            .transpose()?,
    })
}

/// The text of a .poni file of version 2.1, which pyFAI reads.
///
/// A detector of the tables is written by its name, any other as `Detector` with its shape.
pub fn write_poni(geometry: &Geometry) -> String {
    let Geometry { poni, detector, .. } = geometry;
    let known = Detector::named(&detector.name)
        .and_then(|named| named.with_pixel(detector.pixel_m))
        .is_ok_and(|named| named.shape == detector.shape);
    let name = if known { detector.name.as_str() } else { "Detector" };
    let [pixel1, pixel2] = detector.pixel_m;
    let orientation = detector.orientation.number();
    let config = if known {
        serde_json::json!({"pixel1": pixel1, "pixel2": pixel2, "orientation": orientation})
    } else {
        let max_shape = [detector.shape.rows, detector.shape.columns];
        serde_json::json!({"pixel1": pixel1, "pixel2": pixel2, "max_shape": max_shape, "orientation": orientation})
    };
    let displaced = if detector.displacement.is_some() {
        "# Pixels are off their grid by what this file cannot hold: `geometry.displacement_px` of halor, see the .json beside it\n"
    } else {
        ""
    };
    format!(
        "# Axis 1 is the slow one (rows), axis 2 the fast one (columns); lengths in m, angles in rad\n{displaced}\
         poni_version: 2.1\nDetector: {name}\nDetector_config: {config}\n\
         Distance: {:e}\nPoni1: {:e}\nPoni2: {:e}\nRot1: {:e}\nRot2: {:e}\nRot3: {:e}\nWavelength: {:e}\n",
        poni.distance_m,
        poni.poni1_m,
        poni.poni2_m,
        poni.rot1_rad,
        poni.rot2_rad,
        poni.rot3_rad,
        poni.wavelength_angstrom * 1e-10,
    )
}

impl Orientation {
    /// The number of .poni files.
    pub fn number(self) -> u8 {
        match self {
            Orientation::TopLeft => 1,
            Orientation::TopRight => 2,
            Orientation::BottomRight => 3,
            Orientation::BottomLeft => 4,
        }
    }

    /// The orientation of a number of .poni files; `None` outside 1–4.
    pub fn from_number(number: u64) -> Option<Orientation> {
        match number {
            1 => Some(Orientation::TopLeft),
            2 => Some(Orientation::TopRight),
            3 => Some(Orientation::BottomRight),
            4 => Some(Orientation::BottomLeft),
            _ => None,
        }
    }
}

/// The values by their keys in lower case.
struct Entries<'a>(HashMap<String, &'a str>);

impl Entries<'_> {
    /// A value, unless it is empty or `None`.
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).copied().filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("none"))
    }

    fn required(&self, key: &'static str) -> Result<f64, GeometryError> {
        let text = self.text(&key.to_lowercase()).ok_or(GeometryError::MissingKey { key })?;
        let number = text.parse().ok().filter(|value: &f64| value.is_finite());
        number.ok_or_else(|| bad(key, text, "a finite number"))
    }

    fn positive(&self, key: &'static str) -> Result<Option<f64>, GeometryError> {
        let text = self.text(&key.to_lowercase());
        text.map(|text| above_zero(key, text, text.parse().ok())).transpose()
    }
}

fn above_zero(key: &'static str, text: &str, value: Option<f64>) -> Result<f64, GeometryError> {
    let possible = value.filter(|value| value.is_finite() && *value > 0.0);
    possible.ok_or_else(|| bad(key, text, "a finite number of metres above 0"))
}

fn orientation(value: &Value) -> Result<Option<Orientation>, GeometryError> {
    if value.is_null() || value.as_u64() == Some(0) {
        return Ok(None);
    }
    let known = value.as_u64().and_then(Orientation::from_number);
    known.map(Some).ok_or_else(|| bad("orientation", &value.to_string(), "1, 2, 3 or 4"))
}

fn shape(value: &Value) -> Result<Shape, GeometryError> {
    let side =
        |index: usize| value.get(index).and_then(Value::as_u64).and_then(|side| usize::try_from(side).ok());
    match (value.as_array().map(Vec::len), side(0), side(1)) {
        (Some(2), Some(rows), Some(columns)) => Ok(Shape { rows, columns }),
        (_, _, _) => Err(bad("max_shape", &value.to_string(), "null or [rows, columns]")),
    }
}

fn bad(key: &'static str, found: &str, expected: &'static str) -> GeometryError {
    GeometryError::BadValue { key, found: found.chars().take(80).collect(), expected }
}

fn distortion(key: &str, file: &str) -> GeometryError {
    let mend = "correct the frames for distortion first and use a geometry refined on them";
    GeometryError::NotApplied { what: format!("the distortion `{key}: {file}`"), mend }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION_1: &str = "# a comment: 5\nPixelSize1: 1e-4\nPIXELSIZE2: 2e-4\ndistance: 9\nDistance: 0.2\r\n\
        Poni1: 0.01\nPoni2: 0.02\nRot1: 0.1\nRot2: -0.2\nRot3: 0\nSplineFile: None\n";

    #[test]
    fn version_1_in_any_case_with_the_last_entry() {
        let file = read_poni(VERSION_1).unwrap();
        assert_eq!(
            (file.distance_m, file.pixel_m, file.wavelength_angstrom),
            (0.2, Some([1e-4, 2e-4]), None)
        );
        assert_eq!((file.orientation, file.max_shape, file.detector_name.as_deref()), (None, None, None));
        assert!(matches!(file.poni(None), Err(GeometryError::NoWavelength)));
        assert_eq!(file.poni(Some(0.5)).unwrap().wavelength_angstrom, 0.5);
        assert_eq!(file.detector().unwrap(), None);
    }

    #[test]
    fn version_3_names_its_sensor() {
        let config = r#"{"orientation": 2, "sensor": {"material": "Si", "thickness": 0.00045}}"#;
        let text = format!(
            "{VERSION_1}poni_version: 3\nParallax: False\nDetector: Pilatus1M\nDetector_config: {config}\n"
        );
        let text = text.replace("PixelSize1: 1e-4", "").replace("PIXELSIZE2: 2e-4", "");
        let detector = read_poni(&text).unwrap().detector().unwrap().unwrap();
        assert_eq!((detector.name.as_str(), detector.orientation), ("Pilatus 1M", Orientation::TopRight));
        assert_eq!(detector.sensor.map(|s| (s.material, s.thickness_m)), Some(("Si".to_owned(), 0.00045)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, message) in [
            ("Distance: -0.2", "`Distance`"),
            ("Distance: none", "no `Distance`"),
            ("Poni1: NaN", "`Poni1`"),
            ("Rot2: 0,1", "`Rot2`"),
            ("Wavelength: inf", "`Wavelength`"),
            ("poni_version: 4", "`poni_version`"),
            ("Parallax: True", "`Parallax: True`"),
            ("SplineFile: frelon.spline", "frelon.spline"),
            ("Detector_config: {", "`Detector_config`"),
            (r#"Detector_config: {"orientation": 5}"#, "`orientation`"),
            (r#"Detector_config: {"orientation": -1}"#, "`orientation`"),
            (r#"Detector_config: {"max_shape": [1, 2, 3]}"#, "`max_shape`"),
            (r#"Detector_config: {"pixel1": 0}"#, "`pixel1`"),
            (r#"Detector_config: {"filename": "d.h5"}"#, "d.h5"),
            ("PixelSize2: none", "no `pixel2`"),
        ] {
            let error = read_poni(&format!("{VERSION_1}{line}\n")).unwrap_err().to_string();
            assert!(error.contains(message), "{line} gave: {error}");
        }
        assert!(read_poni("").unwrap_err().to_string().contains("`Distance`"));
    }

    #[test]
    fn the_numbers_of_orientations_go_both_ways() {
        for number in 1..=4 {
            assert_eq!(Orientation::from_number(number).map(|o| u64::from(o.number())), Some(number));
        }
        let unset = format!("{VERSION_1}Detector_config: {{\"orientation\": 0}}\n");
        assert_eq!(read_poni(&unset).unwrap().orientation, None);
    }
}
