//! Writes a demo beamtime as a user would bring it home: frames, geometry, mask, run files, and the truth beside them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::beamtime::DemoBeamtime;
use super::image::{Camera, IdealImage, ideal_image};
use super::radial::RadialTable;
use super::truth::{G_WINDOWS, S_WINDOWS, TruthRow};
use super::{SimulateError, noise};
use crate::frame::{Counts, Frame, FrameHeader, write_tiff};
use crate::geometry::write_poni;
use crate::integrate::{Azimuth, Fold, Region};
use crate::output::{Existing, write_file};
use crate::pdf::Window;
use crate::peaks::Curve;

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The run file of the series.
    pub run_file: PathBuf,
    /// The run file of the calibrant: integration only.
    pub calibrant_run_file: PathBuf,
    /// All frames, in the order written.
    pub frames: Vec<PathBuf>,
    /// What a perfect analysis would find.
    pub truth: Vec<TruthRow>,
}

impl DemoBeamtime {
    /// Writes the beamtime into a folder; each file is there whole or not at all.
    ///
    /// # Errors
    /// A folder with something in it unless `existing` is [`Existing::Replace`]; a sample name that cannot be part of a
    /// file name; what the file system says; a simulation that is not possible.
    pub fn write(&self, folder: &Path, existing: Existing) -> Result<Written, SimulateError> {
        self.check_names()?;
        refuse_if_occupied(folder, existing)?;
        let put = |name: &str, content: &str| write_file(&folder.join(name), content.as_bytes(), existing);
        let camera = self.camera()?;
        let truth = self.truth()?;

        let mut frames = Vec::new();
        let mut expose = |name: &str, counts: &RadialTable, number: u32, stream: u64| {
            let ideal = ideal_image(&camera, counts)?;
            if frames.is_empty() {
                write_frame(&folder.join("mask.tif"), &mask(&camera, &ideal), existing)?;
            }
            for index in 1..=number {
                let path = folder.join(format!("frames/{name}_{index:04}.tif"));
                let exposure = (stream << 32) | u64::from(index);
                write_frame(&path, &noise::frame(&ideal, self.seed, exposure), existing)?;
                frames.push(path);
            }
            Ok::<(), SimulateError>(())
        };
        expose("ceo2", &self.calibrant_counts()?, self.calibrant_frames, 0)?;
        expose("air", &self.air_counts()?, self.air_frames, 1)?;
        for (sample, stream) in self.samples.iter().zip(2..) {
            expose(&sample.name, &self.sample_counts(sample)?, self.sample_frames, stream)?;
        }

        put("ceo2.poni", &write_poni(&self.geometry))?;
        put("truth/peaks.csv", &peaks_csv(&truth))?;
        put("truth/ceo2_rings.csv", &self.rings_csv()?)?;
        put("truth/s_of_q.csv", &self.s_of_q_csv())?;
        put("truth/g_of_r.csv", &self.g_of_r_csv())?;
        put("truth/i_of_q.csv", &self.i_of_q_csv()?)?;
        put("ceo2.yaml", &self.calibrant_run())?;
        put("run.yaml", &self.series_run())?;
        Ok(Written {
            run_file: folder.join("run.yaml"),
            calibrant_run_file: folder.join("ceo2.yaml"),
            frames,
            truth,
        })
    }

    fn check_names(&self) -> Result<(), SimulateError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let taken = |name: &str| name == "ceo2" || name == "air";
        match self.samples.iter().find(|s| s.name.is_empty() || taken(&s.name) || !s.name.chars().all(plain))
        {
            Some(sample) => Err(SimulateError::SampleName { name: sample.name.clone() }),
            None => Ok(()),
        }
    }

    /// Beam, detector and integration: what both run files share.
    fn common_run(&self) -> String {
        let detector = &self.geometry.detector.name;
        let upper = self.q_range[1] + 0.2;
        format!(
            "beam: {{energy_kev: {}, polarization: {}}}\n\
             detector: {{name: {detector}}}\n\
             geometry: {{poni: ceo2.poni}}\n\
             mask: {{files: [mask.tif]}}\n\
             corrections: {{solid_angle: on, polarization: on, sensor: on}}\n\
             integration: {{unit: q_inv_angstrom, range: [0.5, {upper}], bins: {}, normalize_by: exposure}}\n",
            // Nine digits name the energy of the .poni's wavelength.
            format!("{:.6}", self.energy_kev()).trim_end_matches('0').trim_end_matches('.'),
            self.polarization,
            self.bins,
        )
    }

    fn calibrant_run(&self) -> String {
        format!(
            "# Simulated CeO2 (SRM 674b): rings at the Q of truth/ceo2_rings.csv. Integration only.\n\
             output: results/ceo2\n{}pdf: off\nsamples:\n  - {{name: CeO2, frames: frames/ceo2_*.tif}}\n",
            self.common_run()
        )
    }

    fn series_run(&self) -> String {
        let window = match self.window {
            Window::None => "none",
            Window::Lorch => "lorch",
            Window::SoperBarney => "soper_barney",
            Window::Cosine => "cosine",
        };
        let windows = |list: &[(&str, [f64; 2])]| {
            list.iter().map(|(name, [a, b])| format!("{name}: [{a:?}, {b:?}]")).collect::<Vec<_>>().join(", ")
        };
        let sectors: Vec<String> = self.sectors.iter().filter_map(sector).collect();
        let [q_min, q_max] = self.q_range;
        // The run knows one density: that of the first sample.
        let density = self.samples.first().map_or(0.0, |s| s.glass.density);
        let mut text = format!(
            "# Simulated {} before and after ageing; what a perfect analysis finds stands in truth/.\n\
             output: results\n\
             composition: {}\n\
             {}\
             sectors: [{}]\n\
             background: {{frames: frames/air_*.tif, scale: 1.0}}\n\
             pdf:\n\
             \x20 density_atoms_per_cubic_angstrom: {density}\n\
             \x20 q_range_inv_angstrom: [{q_min:?}, {q_max:?}]\n\
             \x20 window: {window}\n\
             peaks:\n\
             \x20 s_of_q: {{{}}}\n\
             \x20 g_of_r: {{{}}}\n\
             \x20 coordination_number: {}\n\
             samples:\n",
            self.composition,
            self.composition,
            self.common_run(),
            sectors.join(", "),
            windows(&S_WINDOWS),
            windows(&G_WINDOWS),
            G_WINDOWS[0].0,
        );
        for sample in &self.samples {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  - {{name: {0}, frames: frames/{0}_*.tif}}", sample.name);
        }
        text
    }

    fn rings_csv(&self) -> Result<String, SimulateError> {
        let mut text = String::from("h,k,l,q_inv_angstrom,multiplicity,area_eu_per_atom_inv_angstrom\n");
        for ring in self.calibrant.rings(self.energy_kev(), self.q_range[1])? {
            let [h, k, l] = ring.hkl;
            let _ = writeln!(text, "{h},{k},{l},{:.7},{},{:.6}", ring.q, ring.multiplicity, ring.area);
        }
        Ok(text)
    }

    fn s_of_q_csv(&self) -> String {
        let q = points(25.0, 0.01);
        let columns =
            self.samples.iter().map(|s| (s.name.clone(), q.iter().map(|&q| s.glass.s_of_q(q)).collect()));
        table("q_inv_angstrom", &q, &columns.collect::<Vec<_>>())
    }

    fn g_of_r_csv(&self) -> String {
        let r = points(30.0, 0.01);
        let mut columns = Vec::new();
        for sample in &self.samples {
            let seen = sample.glass.pdf_through(self.q_range[1], self.window);
            let name = |kind: &str| format!("{}_{kind}_inv_angstrom_squared", sample.name);
            columns.push((name("seen"), r.par_iter().map(|&r| seen.at(r)).collect()));
            columns.push((name("untruncated"), sample.glass.g_of_r(&r)));
        }
        table("r_angstrom", &r, &columns)
    }

    fn i_of_q_csv(&self) -> Result<String, SimulateError> {
        let q = points(self.q_range[1], 0.01);
        let column = |name: &str, table: RadialTable| {
            (format!("{name}_eu_per_atom"), q.iter().map(|&q| table.at(q)).collect::<Vec<f64>>())
        };
        let mut columns = vec![column("air", self.air_intensity()?)];
        for sample in &self.samples {
            columns.push(column(&sample.name, self.sample_intensity(sample)?));
        }
        Ok(table("q_inv_angstrom", &q, &columns))
    }
}

/// A sector as the run file has it; the whole ring needs no line.
fn sector(region: &Region) -> Option<String> {
    match region.azimuth {
        Azimuth::Ring => None,
        Azimuth::Sector { centre_deg, width_deg, fold } => {
            let fold = match fold {
                Fold::Single => false,
                Fold::WithOpposite => true,
            };
            let name = &region.name;
            Some(format!("{{name: {name}, centre_deg: {centre_deg}, width_deg: {width_deg}, fold: {fold}}}"))
        }
    }
}

fn refuse_if_occupied(folder: &Path, existing: Existing) -> Result<(), SimulateError> {
    let failed = |source| SimulateError::Folder { path: folder.to_owned(), source };
    let occupied = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().transpose().map_err(failed)?.is_some(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => false,
        Err(e) => return Err(failed(e)),
    };
    match existing {
        Existing::Keep if occupied => Err(SimulateError::NotEmpty { path: folder.to_owned() }),
        Existing::Keep | Existing::Replace => Ok(()),
    }
}

fn write_frame(path: &Path, frame: &Frame, existing: Existing) -> Result<(), SimulateError> {
    let mut bytes = Vec::with_capacity(4 * frame.shape.pixels() + 4096);
    write_tiff(&mut bytes, frame)?;
    Ok(write_file(path, &bytes, existing)?)
}

/// 1 where a pixel is flagged or lies in the shadow of the beam stop or half cut by its edge.
fn mask(camera: &Camera, ideal: &IdealImage) -> Frame {
    let stop = camera.beam_stop.map(|stop| super::BeamStop { radius_px: stop.radius_px + 1.0, ..stop });
    let columns = ideal.shape.columns;
    let hidden = |i: usize| stop.is_some_and(|stop| stop.hides(i / columns, i % columns));
    let bad = ideal.expected.iter().enumerate().map(|(i, &counts)| i32::from(counts < 0.0 || hidden(i)));
    Frame { shape: ideal.shape, counts: Counts::I32(bad.collect()), header: FrameHeader::default() }
}

/// 0, step, … to `end`.
fn points(end: f64, step: f64) -> Vec<f64> {
    let count = (end / step).round() as usize + 1;
    (0..count).map(|i| step * i as f64).collect()
}

/// One column for the axis and one for each curve.
fn table(axis_name: &str, axis: &[f64], columns: &[(String, Vec<f64>)]) -> String {
    let mut text = axis_name.to_owned();
    for (name, _) in columns {
        text.push(',');
        text.push_str(name);
    }
    text.push('\n');
    for (i, x) in axis.iter().enumerate() {
        let _ = write!(text, "{x:.2}");
        for (_, values) in columns {
            let _ = write!(text, ",{:.8}", values[i]);
        }
        text.push('\n');
    }
    text
}

fn peaks_csv(rows: &[TruthRow]) -> String {
    let mut text = String::from("sample,curve,peak,metric,value,unit\n");
    for row in rows {
        let curve = match row.curve {
            Curve::StructureFactor => "S(Q)",
            Curve::Pdf => "G(r)",
        };
        let _ = writeln!(
            text,
            "{},{curve},{},{},{:.7},{}",
            row.sample, row.peak, row.metric, row.value, row.unit
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{FrameAddress, Mask, read};
    use crate::geometry::{Poni, PoniFile};
    use crate::simulate::rays::Placement;

    fn load(path: &Path) -> Frame {
        read(&FrameAddress { path: path.to_owned(), image: 0 }).unwrap().frame
    }

    fn values(frame: &Frame) -> Vec<i32> {
        let Counts::I32(values) = &frame.counts else { panic!("counts are not i32") };
        values.clone()
    }

    fn quick() -> DemoBeamtime {
        DemoBeamtime {
            oversampling: 1,
            sample_frames: 2,
            air_frames: 1,
            ..DemoBeamtime::pilatus_300k().unwrap()
        }
    }

    #[test]
    fn a_folder_is_written_and_then_kept() {
        let folder = tempfile::tempdir().unwrap();
        let demo = quick();
        let written = demo.write(folder.path(), Existing::Keep).unwrap();
        assert_eq!(written.frames.len(), 6);
        let bytes_of = |path: &Path| std::fs::read(path).unwrap();
        let before: Vec<Vec<u8>> = written.frames.iter().map(|path| bytes_of(path)).collect();
        // 4 KiB of header and four bytes for each pixel.
        assert!(before.iter().all(|bytes| bytes.len() == 4096 + 4 * 619 * 487));
        assert!(before.iter().enumerate().all(|(i, a)| before[..i].iter().all(|b| a != b)), "frames repeat");
        let mask = Mask::read(&folder.path().join("mask.tif")).unwrap();
        let first = load(&written.frames[0]);
        let flagged = values(&first).iter().filter(|&&counts| counts < 0).count();
        assert!(mask.shape == first.shape && mask.count_bad() > flagged && flagged > 10_000);
        assert_eq!(first.header.exposure_s, Some(60.0));
        let poni = PoniFile::read(&folder.path().join("ceo2.poni")).unwrap().poni(None).unwrap();
        // The file has metres: one rounding of the wavelength there and one back.
        let wavelength_angstrom = demo.geometry.poni.wavelength_angstrom;
        assert!((poni.wavelength_angstrom - wavelength_angstrom).abs() < 1e-16);
        assert_eq!(Poni { wavelength_angstrom, ..poni }, demo.geometry.poni);
        for name in
            ["ceo2.yaml", "truth/peaks.csv", "truth/s_of_q.csv", "truth/g_of_r.csv", "truth/i_of_q.csv"]
        {
            assert!(folder.path().join(name).is_file(), "{name}");
        }
        let run = std::fs::read_to_string(&written.run_file).unwrap();
        assert!(run.contains("frames/as-cast_*.tif") && run.contains("energy_kev: 112,"), "{run}");

        let refused = demo.write(folder.path(), Existing::Keep).unwrap_err();
        assert!(matches!(refused, SimulateError::NotEmpty { .. }), "{refused}");
        // The same seed gives the same bytes.
        demo.write(folder.path(), Existing::Replace).unwrap();
        assert!(written.frames.iter().zip(&before).all(|(path, bytes)| bytes_of(path) == *bytes));
    }

    #[test]
    fn frames_less_air_are_the_intensity_of_the_sample() {
        let folder = tempfile::tempdir().unwrap();
        let demo = DemoBeamtime { sample_frames: 1, ..quick() };
        let written = demo.write(folder.path(), Existing::Keep).unwrap();
        let mask = Mask::read(&folder.path().join("mask.tif")).unwrap();
        // In the order written: calibrant, air, as-cast, aged.
        let (air, sample) = (values(&load(&written.frames[1])), values(&load(&written.frames[2])));
        let camera = demo.camera().unwrap();
        let placement = Placement::new(&demo.geometry);
        let truth = demo.sample_intensity(&demo.samples[0]).unwrap();
        let mut rings = vec![[0.0; 3]; 240];
        for i in (0..air.len()).filter(|&i| !mask.bad[i]) {
            let ray = placement.ray((i / 487) as f64 + 0.5, (i % 487) as f64 + 0.5);
            let q = ray.q(demo.geometry.poni.wavelength_angstrom);
            if let Some(ring) = rings.get_mut((q / 0.1) as usize) {
                let efficiency = camera.sensor.map_or(1.0, |sensor| ray.efficiency(sensor));
                let factor = ray.polarization(demo.polarization) * ray.solid_angle() * efficiency;
                ring[0] += f64::from(sample[i] - air[i]);
                ring[1] += f64::from(sample[i] + air[i]);
                ring[2] += factor * truth.at(q) * demo.counts_per_eu_s * demo.exposure_s;
            }
        }
        // Each ring scatters by the root of its counts: over n rings χ² has the mean n and the standard deviation √(2n).
        // The expected counts are exact, as this camera takes one point for each pixel.
        let chi_squared: Vec<f64> = rings
            .iter()
            .filter(|ring| ring[1] > 1000.0)
            .map(|[counts, variance, expected]| (counts - expected).powi(2) / variance)
            .collect();
        let n = chi_squared.len() as f64;
        let sum: f64 = chi_squared.iter().sum();
        assert!(n > 200.0 && (sum - n).abs() < 5.0 * (2.0 * n).sqrt(), "χ² {sum} of {n} rings");
    }

    #[test]
    fn names_that_are_no_file_names_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "air", "../up", "a b", "x: y"] {
            let mut demo = quick();
            demo.samples[0].name = name.to_owned();
            assert!(demo.write(folder.path(), Existing::Keep).is_err(), "{name}");
        }
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    }
}
