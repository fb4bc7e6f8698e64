//! `halor calibrate`: the geometry from frames of a calibrant.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use halor::correct::sensor_parallax;
use halor::frame::{Frame, FrameAddress, FrameError, Mask, image_count, read};
use halor::geometry::calibrate::{
    Calibrant, CalibratedFrame, Calibration, Displaced, Displacements, FrameTilts, Request, Severity,
    WavelengthFit, calibrate,
};
use halor::geometry::{Detector, Parallax, PoniFile, write_poni};
use halor::output::{Existing, Together, calibration_json};
use halor::report::calibration_svg;
use halor::units::{energy_kev, wavelength_angstrom};

use super::{Outcome, print, say};

#[derive(Debug, Args)]
pub(super) struct CalibrateArgs {
    /// Frames of the calibrant; several are refined together, each with its own distance, centre and, where they differ, tilt.
    #[arg(required = true)]
    frames: Vec<PathBuf>,
    /// CeO2, LaB6, Si, Ni, Al2O3, Au, AgBh, or a file; may be given several times.
    #[arg(long, required = true)]
    calibrant: Vec<String>,
    /// Photon energy in keV; left out, that of --guess.
    #[arg(long)]
    energy_kev: Option<f64>,
    /// The detector's name; left out, that of --guess.
    #[arg(long)]
    detector: Option<String>,
    /// Files that mask pixels; gaps and negative counts are always left out.
    #[arg(long)]
    mask: Vec<PathBuf>,
    /// A .poni file to begin with and to compare with; not needed. Given several times, one for each frame.
    #[arg(long)]
    guess: Vec<PathBuf>,
    /// Nominal distance along the beam in mm, to compare with. Given several times, one for each frame.
    #[arg(long)]
    distance_mm: Vec<f64>,
    /// Which of several frames have one tilt.
    #[arg(long, value_enum, default_value_t = TiltsArg::WhereTheyAgree)]
    tilts: TiltsArg,
    /// Fit the wavelength too: needs frames at several distances.
    #[arg(long)]
    fit_wavelength: bool,
    /// Rays stop inside the sensor of the detector: reduce with `corrections.parallax: on` then.
    #[arg(long)]
    parallax: bool,
    /// Look for smooth distortion of the array; kept where it is significant.
    #[arg(long)]
    distortion: bool,
    /// Look for modules that are shifted or turned; kept where it is significant.
    #[arg(long)]
    modules: bool,
    /// Where the results go: NAME.poni, NAME.json, NAME.svg; left out, in this folder, named after the first frame.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Replace results that are there.
    #[arg(long)]
    force: bool,
    /// Print the result as JSON on stdout.
    #[arg(long)]
    json: bool,
}

/// As in [`FrameTilts`].
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum TiltsArg {
    /// All, unless the rings say that they differ.
    WhereTheyAgree,
    /// All.
    Shared,
    /// None.
    Own,
}

impl From<TiltsArg> for FrameTilts {
    fn from(tilts: TiltsArg) -> FrameTilts {
        match tilts {
            TiltsArg::WhereTheyAgree => FrameTilts::WhereTheyAgree,
            TiltsArg::Shared => FrameTilts::Shared,
            TiltsArg::Own => FrameTilts::Own,
        }
    }
}

pub(super) fn run(args: &CalibrateArgs, quiet: bool) -> anyhow::Result<Outcome> {
    if args.fit_wavelength && args.frames.len() < 2 {
        bail!(
            "--fit-wavelength needs frames at two distances or more: on one, wavelength and distance are degenerate"
        );
    }
    let Some(frames) = frames(args)? else { return Ok(Outcome::InputMissing) };
    let guesses = args.guess.iter().map(|path| PoniFile::read(path)).collect::<Result<Vec<_>, _>>()?;
    let guess = guesses.first();
    let wavelength = match (args.energy_kev, guess.and_then(|guess| guess.wavelength_angstrom)) {
        (Some(energy), _) if energy.is_finite() && energy > 0.0 => wavelength_angstrom(energy),
        (Some(energy), _) => bail!("--energy-kev is {energy}, expected a number above 0"),
        (None, Some(wavelength)) => wavelength,
        (None, None) => bail!("nothing says the energy of the beam; give --energy-kev"),
    };
    let detector = match (&args.detector, guess) {
        (Some(name), _) => Some(Detector::named(name)?),
        (None, Some(guess)) => guess.detector()?,
        (None, None) => None,
    };
    let other = guesses.iter().filter_map(|guess| guess.wavelength_angstrom);
    if let Some(other) =
        other.filter(|_| args.energy_kev.is_none()).find(|it| (it / wavelength - 1.0).abs() > 1e-6)
    {
        bail!("the guesses have wavelengths of {wavelength} and {other} Å; give --energy-kev");
    }
    let detector = detector.context("nothing says which detector it is; give --detector NAME")?;
    let calibrants =
        args.calibrant.iter().map(|name| Calibrant::find(name)).collect::<Result<Vec<_>, _>>()?;
    let mut mask = Mask { shape: detector.shape, bad: detector.gap_mask() };
    for path in &args.mask {
        mask.join(&Mask::read(path)?).with_context(|| path.display().to_string())?;
    }
    let ponis = guesses.iter().map(|guess| guess.poni(Some(wavelength))).collect::<Result<Vec<_>, _>>()?;
    let guesses = for_frames("--guess", &ponis, frames.len())?;
    let nominal_distances_m = for_frames("--distance-mm", &args.distance_mm, frames.len())?;
    let nominal_distances_m: Vec<Option<f64>> =
        nominal_distances_m.into_iter().map(|mm| mm.map(|mm| mm / 1e3)).collect();
    let pairs: Vec<(&Frame, &Mask)> = frames.iter().map(|frame| (frame, &mask)).collect();
    let parallax = args.parallax.then(|| thick(&detector, wavelength)).transpose()?;
    let found = calibrate(&Request {
        wavelength: if args.fit_wavelength { WavelengthFit::Fitted } else { WavelengthFit::Held },
        guesses: &guesses,
        nominal_distances_m: &nominal_distances_m,
        tilts: args.tilts.into(),
        parallax,
        displacements: Displacements { smooth: args.distortion, modules: args.modules },
        ..Request::new(&pairs, &detector, wavelength, &calibrants)
    });
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            say(format_args!("error: {error}"));
            return Ok(Outcome::SomeFailed);
        }
    };
    write(args, &found, &pairs)?;
    if args.json {
        print(&serde_json::to_string_pretty(&calibration_json(&found))?);
    } else {
        found.frames.iter().for_each(|frame| print(&in_words(frame)));
        for Displaced { name, px, sigma_px } in &found.displaced {
            print(&format!("  {name:20} {px:>16.4} ± {sigma_px:.4} px"));
        }
        print(&format!("rings are off by {:.3} pixels rms, {:.5}° in 2θ", found.rms_px, found.rms_deg));
    }
    if !quiet {
        if !found.displaced.is_empty() {
            say(format_args!(
                "warning: the .poni file lacks the displaced pixels and is only right with them: use `displacement_px` of the .json \
                 in the run file, or `geometry: {{calibrate: …}}`"
            ));
        }
        for remark in &found.remarks {
            let kind = match remark.severity {
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            say(format_args!("{kind}: {}", remark.text));
        }
    }
    Ok(Outcome::Done)
}

/// One for each frame: those given, or the only one for all.
fn for_frames<T: Copy>(option: &str, given: &[T], frames: usize) -> anyhow::Result<Vec<Option<T>>> {
    match given {
        [] => Ok(Vec::new()),
        [one] => Ok(vec![Some(*one); frames]),
        given if given.len() == frames => Ok(given.iter().copied().map(Some).collect()),
        given => bail!(
            "{option} is given {} times for {frames} frames; give it once for all, or once for each",
            given.len()
        ),
    }
}

fn thick(detector: &Detector, wavelength_angstrom: f64) -> anyhow::Result<Parallax> {
    let sensor = detector.sensor.as_ref().with_context(|| {
        format!(
            "--parallax: the sensor of {} is not known; name its thickness, as in `Pilatus 1M 450 um`",
            detector.name
        )
    })?;
    Ok(sensor_parallax(sensor, energy_kev(wavelength_angstrom))?)
}

/// All images of all files; `None` where one is missing, which is said.
fn frames(args: &CalibrateArgs) -> anyhow::Result<Option<Vec<Frame>>> {
    let mut frames = Vec::new();
    for path in &args.frames {
        let count = match image_count(path) {
            Ok(count) => count,
            Err(FrameError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                say(format_args!("error: {}: {source}", path.display()));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        for image in 0..count {
            frames.push(read(&FrameAddress { path: path.clone(), image })?.frame);
        }
    }
    Ok(Some(frames))
}

/// `.poni`, `.json` and `.svg`; several frames are numbered.
fn write(args: &CalibrateArgs, found: &Calibration, frames: &[(&Frame, &Mask)]) -> anyhow::Result<()> {
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    // Folders of raw data are often read-only.
    let of_frame = || args.frames[0].file_stem().map_or_else(|| PathBuf::from("calibration"), PathBuf::from);
    let stem = args.output.clone().unwrap_or_else(of_frame);
    let named = |ending: &str| -> PathBuf {
        let mut name = stem.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    let mut files = Together::default();
    for (index, (calibrated, (frame, mask))) in found.frames.iter().zip(frames).enumerate() {
        let number = if frames.len() > 1 { format!("_{}", index + 1) } else { String::new() };
        files.add(named(&format!("{number}.poni")), write_poni(&calibrated.geometry));
        files.add(named(&format!("{number}.svg")), calibration_svg(frame, mask, calibrated)?);
    }
    files.add(named(".json"), serde_json::to_string_pretty(&calibration_json(found))?);
    let inputs: Vec<PathBuf> = args.frames.iter().chain(&args.mask).chain(&args.guess).cloned().collect();
    files.write(existing, &inputs)?;
    Ok(())
}

fn in_words(frame: &CalibratedFrame) -> String {
    let [column, row] = frame.centre_px;
    let [sigma_column, sigma_row] = frame.centre_sigma_px;
    let [along, sigma_along] = frame.along_beam_m;
    let poni = &frame.geometry.poni;
    let tilt = (poni.rot1_rad.cos() * poni.rot2_rad.cos()).acos().to_degrees();
    let kept: usize = frame.rings.iter().map(|ring| ring.kept).sum();
    let rings = frame.rings.iter().filter(|ring| ring.kept > 0).count();
    let mut text = format!(
        "beam at column {column:.3} ± {sigma_column:.3}, row {row:.3} ± {sigma_row:.3}, {:.4} ± {:.4} mm from the sample, \
         tilt {tilt:.3}°, {:.4} keV; {kept} places on {rings} rings",
        1e3 * along,
        1e3 * sigma_along,
        energy_kev(poni.wavelength_angstrom)
    );
    for parameter in &frame.parameters {
        text.push_str(&format!(
            "\n  {:20} {:>16.9} ± {:.1e}",
            parameter.name, parameter.value, parameter.sigma
        ));
    }
    text
}
