//! What x is, and the wavelength, from the words of a header.

/// The first column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Q = 4π sin θ/λ in Å⁻¹.
    QInvAngstrom,
    /// Q in nm⁻¹.
    QInvNm,
    /// The scattering angle in degrees.
    TwoThetaDeg,
    /// The scattering angle in radians.
    TwoThetaRad,
}

impl Axis {
    /// The axis that a header names; lines near the data go before those above them.
    pub(super) fn of_header<'a>(header: impl DoubleEndedIterator<Item = &'a str>) -> Option<Axis> {
        header.rev().find_map(Axis::of_line)
    }

    const ALL: [Axis; 4] = [Axis::QInvAngstrom, Axis::QInvNm, Axis::TwoThetaDeg, Axis::TwoThetaRad];

    /// Its name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Axis::QInvAngstrom => "q_inv_angstrom",
            Axis::QInvNm => "q_inv_nm",
            Axis::TwoThetaDeg => "two_theta_deg",
            Axis::TwoThetaRad => "two_theta_rad",
        }
    }

    /// The axis of a name.
    pub fn named(name: &str) -> Option<Axis> {
        Axis::ALL.into_iter().find(|axis| axis.name() == name)
    }

    /// For messages.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Axis::QInvAngstrom => "Q in 1/Å",
            Axis::QInvNm => "Q in 1/nm",
            Axis::TwoThetaDeg => "2θ in degrees",
            Axis::TwoThetaRad => "2θ in radians",
        }
    }

    fn of_line(line: &str) -> Option<Axis> {
        let line = line.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
        let is_word = |word: &str| line.split(|c: char| !c.is_alphanumeric()).any(|part| part == word);
        let names = ["2-theta", "2theta", "two-theta", "two theta", "two_theta", "twotheta", "2th_", "2θ"];
        if has(&names) || is_word("tth") || is_word("2th") {
            let is_rad = has(&["_rad", "(rad", "radian"]);
            return Some(if is_rad { Axis::TwoThetaRad } else { Axis::TwoThetaDeg });
        }
        // Q as a word of its own: not that of `quartz`, nor of a path.
        let words = line.split(|c: char| !c.is_alphanumeric());
        let names_q = words.into_iter().any(|word| matches!(word, "q" | "qa" | "qnm"));
        if !names_q {
            return None;
        }
        if has(&["nm"]) {
            Some(Axis::QInvNm)
        } else if has(&["å", "\\aa", "a^-1", "a^{-1}", "angstrom", "1/a", "qa", "a-1"]) {
            Some(Axis::QInvAngstrom)
        } else {
            None
        }
    }
}

/// λ in Å: `Wavelength: 1.393e-11 m` of pyFAI, which is in metres with or without the unit, or `wavelength = 0.14` of PDFgetX3.
pub(super) fn wavelength_angstrom(line: &str) -> Option<f64> {
    // No X-ray wavelength in Å is as small as one in metres.
    const LARGEST_IN_METRES: f64 = 1e-8;
    let line = line.trim_start_matches(['#', '!', ' ', '\t']).to_lowercase();
    let value = line.strip_prefix("wavelength")?.trim_start_matches([':', '=', ' ', '\t']);
    let mut words = value.split_whitespace();
    let value: f64 = words.next()?.parse().ok()?;
    let in_angstrom = match words.next() {
        Some("nm") => 10.0 * value,
        Some(_) | None if value < LARGEST_IN_METRES => 1e10 * value,
        Some(_) | None => value,
    };
    (value > 0.0).then_some(in_angstrom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_many_programs_say_what_x_is() {
        for (line, axis) in [
            ("#       2th_deg             I ", Some(Axis::TwoThetaDeg)),
            ("# 2th_rad I sigma", Some(Axis::TwoThetaRad)),
            ("  2-Theta Angle (Degrees)", Some(Axis::TwoThetaDeg)),
            ("dataformat = twotheta", Some(Axis::TwoThetaDeg)),
            ("# two_theta_deg intensity sigma", Some(Axis::TwoThetaDeg)),
            ("#       q_nm^-1             I         sigma", Some(Axis::QInvNm)),
            ("# q_A^-1\t I", Some(Axis::QInvAngstrom)),
            ("dataformat = QA", Some(Axis::QInvAngstrom)),
            ("dataformat = Qnm", Some(Axis::QInvNm)),
            ("#L Q(Å$^{-1}$)  I(Q)  sigma", Some(Axis::QInvAngstrom)),
            ("# Q_inv_angstrom intensity sigma", Some(Axis::QInvAngstrom)),
            ("Q ($\\AA^{-1}$)", Some(Axis::QInvAngstrom)),
            ("# Mask applied: quartz.tif", None),
            ("inputfile = data/glass_nm.chi", None),
            ("# Q  I", None),
            ("# user: Matthew Smith", None),
            ("# tth I sigma", Some(Axis::TwoThetaDeg)),
        ] {
            assert_eq!(Axis::of_line(line), axis, "{line}");
        }
        let pyfai = ["# Tilt: 0.49 deg", "# q_nm^-1 I"];
        assert_eq!(Axis::of_header(pyfai.into_iter()), Some(Axis::QInvNm));
    }

    #[test]
    fn wavelengths_are_in_metres_or_angstrom() {
        for (line, expected) in [
            ("# Wavelength: 1.393e-11 m", Some(0.1393)),
            ("# Wavelength: 1.908e-11", Some(0.1908)),
            ("wavelength = 0.142774", Some(0.142774)),
            ("# wavelength: 0.0139 nm", Some(0.139)),
            ("# Wavelength: None", None),
            ("# Tilt: 0.1 deg", None),
        ] {
            match (wavelength_angstrom(line), expected) {
                (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12, "{line}"),
                (found, expected) => assert_eq!(found, expected, "{line}"),
            }
        }
    }
}
