//! The `# key value` lines that Pilatus detectors write into TIFF and CBF headers.

use super::{FrameError, FrameHeader};

/// Reads the lines that start with `#`; `key value`, `key = value` and `key: value` are the same.
///
/// A number that cannot be (not finite, zero, negative, an unknown unit) counts as silence.
pub(super) fn parse(text: &[u8]) -> FrameHeader {
    let mut header = FrameHeader::default();
    for line in String::from_utf8_lossy(text).lines() {
        let Some(line) = line.trim().strip_prefix('#') else { continue };
        let line = line.trim();
        if is_date(line) {
            header.timestamp.get_or_insert_with(|| line.to_owned());
            continue;
        }
        let key_end = line.find([' ', '\t', ':', '=']).unwrap_or(line.len());
        let (key, value) = line.split_at(key_end);
        let value = value.trim_start_matches([' ', '\t', ':', '=']).trim_end();
        match key.to_ascii_lowercase().as_str() {
            "detector" if !value.is_empty() => header.detector = Some(value.to_owned()),
            "exposure_time" => header.exposure_s = quantity(value, TIME),
            "monitor" => header.monitor = quantity(value, COUNTS),
            "count_cutoff" => header.count_cutoff = quantity(value, COUNTS),
            "wavelength" => header.wavelength_angstrom = quantity(value, WAVELENGTH),
            "detector_distance" => header.distance_m = quantity(value, LENGTH),
            "pixel_size" => {
                header.pixel_m = value
                    .split_once('x')
                    .and_then(|(fast, slow)| Some([quantity(slow, LENGTH)?, quantity(fast, LENGTH)?]));
            }
            "beam_xy" => header.beam_centre_px = column_and_row(value).map(|[column, row]| [row, column]),
            _ => {}
        }
    }
    header
}

/// The lines from which [`parse`] reads `header` again, each ended by CR LF. Detectors know of no monitor; a
/// beamline that writes one into its frames writes `# Monitor 123456 counts`.
///
/// # Errors
/// [`FrameError::NotWritable`] if a text would break its line.
pub(super) fn lines(header: &FrameHeader, format: &'static str) -> Result<String, FrameError> {
    let mut lines = String::new();
    let mut line = |text: String| {
        if text.contains(|c: char| c.is_control()) {
            let found = format!("header text {text:?} holds a control character");
            return Err(FrameError::NotWritable { format, found, mend: "write it on one line" });
        }
        lines.push_str("# ");
        lines.push_str(&text);
        lines.push_str("\r\n");
        Ok(())
    };
    if let Some(detector) = &header.detector {
        line(format!("Detector: {detector}"))?;
    }
    if let Some(timestamp) = &header.timestamp {
        line(timestamp.clone())?;
    }
    if let Some([slow, fast]) = header.pixel_m {
        line(format!("Pixel_size {fast:e} m x {slow:e} m"))?;
    }
    if let Some(exposure) = header.exposure_s {
        line(format!("Exposure_time {exposure:?} s"))?;
    }
    if let Some(cutoff) = header.count_cutoff {
        line(format!("Count_cutoff {cutoff} counts"))?;
    }
    if let Some(monitor) = header.monitor {
        line(format!("Monitor {monitor:?} counts"))?;
    }
    if let Some(wavelength) = header.wavelength_angstrom {
        line(format!("Wavelength {wavelength:?} A"))?;
    }
    if let Some(distance) = header.distance_m {
        line(format!("Detector_distance {distance:?} m"))?;
    }
    if let Some([row, column]) = header.beam_centre_px {
        line(format!("Beam_xy ({column:?}, {row:?}) pixels"))?;
    }
    Ok(lines)
}

const COUNTS: &[(&str, f64)] = &[("counts", 1.0)];
const TIME: &[(&str, f64)] = &[("s", 1.0), ("sec", 1.0), ("ms", 1e-3), ("us", 1e-6)];
const LENGTH: &[(&str, f64)] = &[("m", 1.0), ("mm", 1e-3), ("um", 1e-6)];
const WAVELENGTH: &[(&str, f64)] = &[("A", 1.0), ("Å", 1.0), ("nm", 10.0), ("m", 1e10)];

/// A positive number with one of `units`, the first where none stands.
fn quantity(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    let end =
        text.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let factor = match text[end..].split_whitespace().next() {
        None => 1.0,
        Some(unit) => units.iter().find(|(name, _)| *name == unit)?.1,
    };
    positive(number * factor)
}

/// `value` if it is finite and above zero.
pub(super) fn positive(value: f64) -> Option<f64> {
    (value.is_finite() && value > 0.0).then_some(value)
}

/// `(x, y) pixels`.
fn column_and_row(text: &str) -> Option<[f64; 2]> {
    let (inside, _) = text.trim_start().strip_prefix('(')?.split_once(')')?;
    let (column, row) = inside.split_once(',')?;
    let pair: [f64; 2] = [column.trim().parse().ok()?, row.trim().parse().ok()?];
    pair.iter().all(|value| value.is_finite()).then_some(pair)
}

/// Whether a line is a date such as 2021-03-12T16:59:41.725 or 2011/Aug/12 13:45:12.
fn is_date(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() > 5 && bytes[..4].iter().all(u8::is_ascii_digit) && matches!(bytes[4], b'-' | b'/' | b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_units_vary() {
        for text in [
            "# Pixel_size 172e-6 m x 100e-6 m\r\n# Exposure_time 0.5 s\r\n# Wavelength 0.12423 A\r\n",
            "# Pixel_size = 172e-6 m x 100e-6 m\n# Exposure_time: 0.5\n# Wavelength = 0.012423 nm",
            "#Pixel_size: 0.172 mm x 0.1 mm\n# exposure_time = 500 ms\n# Wavelength: 1.2423e-11 m\n# Tau = 0 s",
        ] {
            let header = parse(text.as_bytes());
            let [slow, fast] = header.pixel_m.unwrap();
            // Unit factors are powers of ten: one rounding each.
            assert!((slow - 100e-6).abs() < 1e-18 && (fast - 172e-6).abs() < 1e-18, "{text}");
            assert!((header.exposure_s.unwrap() - 0.5).abs() < 1e-15, "{text}");
            assert!((header.wavelength_angstrom.unwrap() - 0.12423).abs() < 1e-15, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_is_silence() {
        let text = b"# Exposure_time NaN s\n# Wavelength 0.0 A\n# Detector_distance -1 m\n# Beam_xy (a, 2)\n\
                     # Count_cutoff\n# Pixel_size 172e-6 ft x 1 m\nExposure_time 1 s\n#\n# \xff\xfe 3";
        assert_eq!(parse(text), FrameHeader::default());
    }

    #[test]
    fn a_header_comes_back_from_its_lines() {
        let header = FrameHeader {
            detector: Some("PILATUS3 2M, S/N 24-0134".into()),
            exposure_s: Some(30.0),
            count_cutoff: Some(1_044_695.0),
            pixel_m: Some([172e-6, 171e-6]),
            wavelength_angstrom: Some(0.12423),
            distance_m: Some(0.737151),
            beam_centre_px: Some([680.29, 753.6]),
            monitor: Some(1_234_567.25),
            timestamp: Some("2021-03-12T16:59:41.725".into()),
            readings: Vec::new(),
        };
        assert_eq!(parse(lines(&header, "TIFF").unwrap().as_bytes()), header);
        let two_lines = FrameHeader { detector: Some("a\n# Exposure_time 9 s".into()), ..header };
        assert!(lines(&two_lines, "TIFF").is_err());
    }
}
