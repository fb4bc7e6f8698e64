//! What a user should know of a calibration, in words.

use serde::Serialize;

use super::Request;
use super::displace::DisplacementTest;
use super::joint::TiltTest;
use super::outcome::{CalibratedFrame, Calibration, Origin};
use super::refine::Squares;
use crate::frame::FrameHeader;
use crate::geometry::{Geometry, Poni};
use crate::units::energy_kev;

/// How much a remark matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is most likely wrong.
    Warning,
    /// Good to know.
    Note,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// How much it matters.
    pub severity: Severity,
    /// What it is, and what to do.
    pub text: String,
}

/// A wavelength that rings ask for is believed where its σ is below this, relative; and it differs where it is off by this
/// many σ and by more than thick sensors make of it.
const KNOWN_WAVELENGTH: f64 = 0.01;
const WAVELENGTH_SIGMAS: f64 = 5.0;
const WAVELENGTH_OFF: f64 = 0.025;
/// Parallax helps, or does not, where χ² differs by more than this, and by this share of the number of places: chance
/// gives a few units, and spotty rings as many times more as they scatter more than their counts.
const CLEAR_GAIN: f64 = 25.0;
const CLEAR_SHARE: f64 = 0.02;
/// A nominal distance is read off a motor.
const DISTANCE_OFF: f64 = 0.02;
/// A guess is another placement where its centre is off by more, pixels; a mirrored one is nearer than this share of it.
const GUESS_OFF_PX: f64 = 3.0;
const MIRRORED: f64 = 0.2;
/// Fewer rings can be mistaken.
const FEW_RINGS: usize = 4;
/// A centre known worse is worth a word, pixels.
const OPEN_CENTRE_PX: f64 = 0.5;
/// Share of the peaks that should lie on rings.
const MOSTLY: f64 = 0.8;

/// What is known beside a calibration.
pub(super) struct Open {
    /// σ of a wavelength that was to be fitted and is held, relative.
    pub(super) wavelength: Option<f64>,
    /// λ as the rings would have it over the given one, and its σ.
    pub(super) free_wavelength: Option<(f64, f64)>,
    /// What is left without and with parallax, where the sensor is known.
    pub(super) sensor: Option<Squares>,
}

/// All remarks, worst first.
pub(super) fn remarks(request: &Request<'_>, calibration: &Calibration, open: &Open) -> Vec<Remark> {
    let mut all = Vec::new();
    let note = |text: String| Remark { severity: Severity::Note, text };
    let warning = |text: String| Remark { severity: Severity::Warning, text };
    let energy = energy_kev(request.wavelength_angstrom);
    if let Some(sigma) = open.wavelength {
        all.push(warning(format!(
            "the frames do not determine the wavelength (± {:.2} %): it is held at {energy:.3} keV; take frames at distances that \
             differ more, or leave the wavelength as it is",
            100.0 * sigma
        )));
    }
    if let Some(TiltTest { differences, chi_squared, probability, shared }) = calibration.tilt_test
        && differences > 0
    {
        all.push(note(format!(
            "the frames' tilts {}: χ² of {differences} differences is {chi_squared:.1}, which chance exceeds with a probability of {probability:.1e}",
            if shared { "agree, one is fitted to all" } else { "differ, each frame has its own" }
        )));
    }
    if let Some(TiltTest { differences, shared: true, .. }) = calibration.tilt_test
        && differences < 2 * (calibration.frames.len() - 1)
    {
        all.push(note(
            "the rings of some frames leave their tilt open: it is that of the others, unless each is to have its own".to_owned(),
        ));
    }
    let held = calibration.frames.iter().all(|frame| frame.parameters[5].origin == Origin::Held);
    match open.free_wavelength {
        Some((factor, sigma)) if sigma < KNOWN_WAVELENGTH => {
            if (factor - 1.0).abs() > (WAVELENGTH_SIGMAS * sigma).max(WAVELENGTH_OFF) {
                all.push(warning(format!(
                    "the rings fit {:.3} ± {:.3} keV, {energy:.3} keV was given: the energy or the calibrant is most likely \
                     wrong; the geometry is for the energy given",
                    energy / factor,
                    energy * sigma
                )));
            }
        }
        Some(_) | None if held && open.wavelength.is_none() => all.push(note(format!(
            "energy and distance cannot be told apart by these rings: were {energy:.3} keV off by 1 %, or the calibrant's \
             cell, the distance would be off by as much; compare it with the nominal one"
        ))),
        Some(_) | None => {}
    }
    if let Some(Squares { places, first: without, second: with }) = open.sensor {
        let gain = if request.parallax.is_some() { with - without } else { without - with };
        if gain > CLEAR_GAIN.max(CLEAR_SHARE * places as f64) {
            let (other, mend) = match request.parallax {
                Some(_) => ("without", "leave --parallax (or corrections.parallax) out"),
                None => ("with", "give --parallax (or corrections.parallax: on), and reduce with it too"),
            };
            all.push(note(format!(
                "the rings fit better {other} the parallax of the sensor: χ² of {places} places {without:.0} without it, {with:.0} with it; {mend}"
            )));
        }
    }
    for test in &calibration.displacement_tests {
        let DisplacementTest { group, parameters, points, without, with, kept } = test;
        all.push(note(if *kept {
            format!(
                "{group}: kept, χ² of {points} places falls from {without:.0} to {with:.0} with {parameters} parameters; a .poni \
                 file cannot hold it: use the calibration in the run file, or `geometry.displacement_px`"
            )
        } else if *points == 0 {
            format!("{group}: there is none to be found, or too few places on rings for it")
        } else {
            format!(
                "{group}: left out, χ² of {points} places falls from {without:.0} to {with:.0} only, with {parameters} parameters"
            )
        }));
    }
    for (index, frame) in calibration.frames.iter().enumerate() {
        let which =
            if calibration.frames.len() > 1 { format!("frame {}: ", index + 1) } else { String::new() };
        let header = of_header(&request.frames[index].0.header, frame);
        for mut remark in of_frame(request, index, frame).into_iter().chain(header) {
            remark.text.insert_str(0, &which);
            all.push(remark);
        }
    }
    all.sort_by_key(|remark| remark.severity);
    all
}

fn of_frame(request: &Request<'_>, index: usize, frame: &CalibratedFrame) -> Vec<Remark> {
    let mut all = Vec::new();
    let mut warn = |text: String| all.push(Remark { severity: Severity::Warning, text });
    let along = frame.along_beam_m[0];
    if let Some(nominal) = request.nominal_distance_m(index)
        && (along / nominal - 1.0).abs() > DISTANCE_OFF
    {
        warn(format!(
            "the nominal distance is {:.1} mm, the rings say {:.1} mm: another energy, another calibrant, or a nominal \
             distance that is none",
            1e3 * nominal,
            1e3 * along
        ));
    }
    if let Some(guess) = request.guess(index) {
        all.extend(of_guess(request, guess, frame));
    }
    let mut warn = |text: String| all.push(Remark { severity: Severity::Warning, text });
    let rings = frame.rings.iter().filter(|ring| ring.kept > 0).count();
    if rings < FEW_RINGS {
        warn(format!("only {rings} rings were found: they could be mistaken for others"));
    }
    let [column, row] = frame.centre_sigma_px;
    if column.hypot(row) > OPEN_CENTRE_PX {
        warn(format!(
            "the beam centre is known within {column:.2} and {row:.2} pixels only: the arcs are short"
        ));
    }
    let explained = frame.agreement.explained;
    if explained < MOSTLY {
        warn(format!(
            "{:.0} % of the peaks are no rings of the calibrant: another powder or a sample is in the beam",
            100.0 * (1.0 - explained)
        ));
    }
    if frame.parameters[3].origin == Origin::Assumed {
        all.push(Remark {
            severity: Severity::Note,
            text: "the rings do not determine the tilt: rot1 and rot2 are assumed, and what that leaves open is in the other \
                   parameters' σ"
                .to_owned(),
        });
    }
    all
}

/// What the frame's header says otherwise; headers hold placeholders, so that it is no warning.
fn of_header(header: &FrameHeader, frame: &CalibratedFrame) -> Option<Remark> {
    let along = frame.along_beam_m[0];
    let said = header.distance_m.filter(|said| (along / said - 1.0).abs() > DISTANCE_OFF)?;
    let (said, along) = (1e3 * said, 1e3 * along);
    let text = format!("the frame's header says a distance of {said:.1} mm, the rings {along:.1} mm");
    Some(Remark { severity: Severity::Note, text })
}

/// What the guess was: moved, or mirrored.
fn of_guess(request: &Request<'_>, guess: &Poni, frame: &CalibratedFrame) -> Option<Remark> {
    let geometry = Geometry { poni: *guess, detector: request.detector.clone(), parallax: None };
    let [column, row] = geometry.beam_centre_px()?;
    let [found_column, found_row] = frame.centre_px;
    let off = |column: f64, row: f64| (column - found_column).hypot(row - found_row);
    let plain = off(column, row);
    if plain < GUESS_OFF_PX {
        return None;
    }
    let shape = request.detector.shape;
    let (columns, rows) = (shape.columns as f64, shape.rows as f64);
    let mirrored = [
        (off(column, rows - row), "upside down"),
        (off(columns - column, row), "mirrored left to right"),
        (off(columns - column, rows - row), "turned by 180°"),
    ];
    let nearest =
        mirrored.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).filter(|(off, _)| *off < MIRRORED * plain);
    let text = match nearest {
        Some((_, how)) => format!(
            "the frame is probably flipped: the .poni file's beam centre is {plain:.1} pixels off, but fits the frame {how}; \
             set the detector's `orientation`"
        ),
        None => format!(
            "the beam centre is {plain:.1} pixels from that of the .poni file: beam or detector have moved"
        ),
    };
    Some(Remark { severity: Severity::Warning, text })
}
