//! Wrong inputs: each must end in an error or a warning (or, where energy and distance are one, in the note that says so);
//! good ones in neither.

use halor::frame::{Counts, Frame, Mask};
use halor::geometry::calibrate::Severity;
use halor::geometry::calibrate::{Calibrant, CalibrateError, Calibration, Request, calibrate};
use halor::geometry::{Detector, Geometry, Poni};
use halor::simulate::{BeamStop, Camera, Crystal, Glass, RadialTable, ideal_image, noise};
use halor::units::wavelength_angstrom;

use crate::camera::camera;

/// What is in the beam.
#[derive(Debug, Clone, Copy)]
enum Powder {
    Crystal(&'static str),
    Glass,
    Air,
    /// A single ring at Q, Å⁻¹.
    Ring(f64),
}

/// What is asked of the calibration beside the truth.
#[derive(Debug, Clone, Copy)]
enum Ask {
    /// Nothing wrong.
    Right,
    /// Another calibrant than the powder.
    Calibrant(&'static str),
    /// An energy off by this factor.
    Energy(f64),
    /// The same, with the true distance as nominal.
    EnergyAndDistance(f64),
    /// A .poni file of the frame upside down.
    Flipped,
    /// No count at all.
    Dark,
}

struct Setup {
    powder: Powder,
    distance_m: f64,
    energy_kev: f64,
    centre_px: [f64; 2],
}

const NEAR: Setup =
    Setup { powder: Powder::Crystal("CeO2"), distance_m: 0.12, energy_kev: 60.0, centre_px: [240.0, 290.0] };
const FAR: Setup =
    Setup { powder: Powder::Crystal("CeO2"), distance_m: 0.6, energy_kev: 80.0, centre_px: [240.0, 290.0] };
const fn of(powder: Powder, setup: Setup) -> Setup {
    Setup { powder, ..setup }
}

pub(crate) fn run() {
    let wrong = [
        (NEAR, Ask::Calibrant("LaB6")),
        (NEAR, Ask::Calibrant("Si")),
        (NEAR, Ask::Calibrant("Ni")),
        (NEAR, Ask::Calibrant("Al2O3")),
        (FAR, Ask::Calibrant("LaB6")),
        (FAR, Ask::Calibrant("Si")),
        (of(Powder::Crystal("LaB6"), NEAR), Ask::Calibrant("CeO2")),
        (of(Powder::Crystal("Si"), NEAR), Ask::Calibrant("CeO2")),
        (of(Powder::Crystal("Ni"), NEAR), Ask::Calibrant("CeO2")),
        (of(Powder::Crystal("Ni"), NEAR), Ask::Calibrant("LaB6")),
        (of(Powder::Glass, NEAR), Ask::Right),
        (of(Powder::Glass, FAR), Ask::Right),
        (of(Powder::Air, NEAR), Ask::Right),
        (NEAR, Ask::Dark),
        (of(Powder::Ring(2.01), NEAR), Ask::Right),
        (of(Powder::Ring(3.0), FAR), Ask::Right),
        (NEAR, Ask::Energy(1.05)),
        (NEAR, Ask::Energy(0.95)),
        (FAR, Ask::EnergyAndDistance(1.05)),
        (FAR, Ask::EnergyAndDistance(0.95)),
        (FAR, Ask::Energy(1.05)),
        (FAR, Ask::Energy(0.95)),
        (NEAR, Ask::Flipped),
        (FAR, Ask::Flipped),
    ];
    let mut caught = 0;
    for (setup, ask) in &wrong {
        let result = asked(setup, *ask);
        let (is_caught, said) = verdict(&result, matches!(ask, Ask::Energy(_)));
        caught += usize::from(is_caught);
        println!("{} {:?} {ask:?}: {said}", if is_caught { "caught" } else { "MISSED" }, setup.powder);
    }
    println!("{caught} of {} wrong inputs caught", wrong.len());
    let mut alarms = 0;
    for k in 0..20 {
        let powder = Powder::Crystal(["CeO2", "LaB6", "Si", "Ni"][k % 4]);
        let step = k as f64;
        let setup = Setup {
            powder,
            distance_m: 0.12 + 0.03 * step,
            energy_kev: 50.0 + 3.0 * step,
            centre_px: [150.0 + 10.0 * step, 380.0 - 12.0 * step],
        };
        let (alarm, said) = verdict(&asked(&setup, Ask::Right), false);
        alarms += usize::from(alarm);
        if alarm {
            println!("FALSE ALARM {powder:?} {:.2} m {:.0} keV: {said}", setup.distance_m, setup.energy_kev);
        }
    }
    println!("{alarms} false alarms on 20 good inputs");
}

/// Whether something was said against the input, and what; a note counts where energy and distance are one.
fn verdict(result: &Result<Calibration, CalibrateError>, notes: bool) -> (bool, String) {
    match result {
        Err(error) => (true, error.to_string()),
        Ok(found) => {
            let counts = |severity: Severity| notes || severity == Severity::Warning;
            let said: Vec<&str> =
                found.remarks.iter().filter(|r| counts(r.severity)).map(|r| r.text.as_str()).collect();
            (!said.is_empty(), said.join("; "))
        }
    }
}

fn asked(setup: &Setup, ask: Ask) -> Result<Calibration, CalibrateError> {
    let (mut frame, geometry) = exposed(setup);
    let detector = &geometry.detector;
    let own = match setup.powder {
        Powder::Crystal(name) => name,
        Powder::Glass | Powder::Air | Powder::Ring(_) => "CeO2",
    };
    let (mut calibrant, mut energy_kev, mut guess, mut nominal_distance_m) =
        (own, setup.energy_kev, None, None);
    match ask {
        Ask::Right => {}
        Ask::Calibrant(other) => calibrant = other,
        Ask::Energy(factor) => energy_kev *= factor,
        Ask::EnergyAndDistance(factor) => {
            energy_kev *= factor;
            nominal_distance_m = Some(setup.distance_m);
        }
        Ask::Flipped => {
            let height = detector.shape.rows as f64 * detector.pixel_m[0];
            guess = Some(Poni { poni1_m: height - geometry.poni.poni1_m, ..geometry.poni });
        }
        Ask::Dark => frame.counts = Counts::I32(vec![0; detector.shape.pixels()].into()),
    }
    let mask = Mask { shape: detector.shape, bad: detector.gap_mask() };
    calibrate(&Request {
        guesses: &[guess],
        nominal_distances_m: &[nominal_distance_m],
        ..Request::new(
            &[(&frame, &mask)],
            detector,
            wavelength_angstrom(energy_kev),
            &[Calibrant::find(calibrant)?],
        )
    })
}

fn exposed(setup: &Setup) -> (Frame, Geometry) {
    let detector = Detector::named("Pilatus 300k").unwrap();
    let [column, row] = setup.centre_px;
    let poni = Poni {
        distance_m: setup.distance_m,
        poni1_m: row * detector.pixel_m[0],
        poni2_m: column * detector.pixel_m[1],
        rot1_rad: 0.0,
        rot2_rad: 0.0,
        rot3_rad: 0.0,
        wavelength_angstrom: wavelength_angstrom(setup.energy_kev),
    };
    let geometry = Geometry { poni, detector, parallax: None };
    let air = RadialTable::from_fn(40.0, |q| 40.0 * (-q).exp());
    let light = match setup.powder {
        Powder::Air => air,
        Powder::Crystal(name) => {
            Crystal::named(name).unwrap().intensity(setup.energy_kev, 40.0).unwrap().combined(0.02, &air, 1.0)
        }
        Powder::Glass => {
            let glass = Glass::zr_based();
            RadialTable::from_fn(40.0, |q| 300.0 * (-0.01 * q * q).exp() * glass.s_of_q(q.max(0.05)))
        }
        Powder::Ring(at) => RadialTable::from_fn(40.0, |q| 500.0 * (-0.5 * ((q - at) / 0.02).powi(2)).exp())
            .combined(1.0, &air, 1.0),
    };
    let camera = Camera {
        constant_counts: 1.0,
        beam_stop: Some(BeamStop { centre_px: setup.centre_px, radius_px: 12.0, arm: None }),
        dead_pixels: 50,
        ..camera(&geometry)
    };
    (noise::frame(&ideal_image(&camera, &light.into()).unwrap(), 11, 0), geometry)
}
