//! The digital twin: what goes in comes out again through the whole pipeline, and twin files that make no sense are refused.

mod bad;
mod cake;
mod closed_loop;
mod command;

use std::path::PathBuf;

use halor::config::{ConfigError, DemoDetector, LoadedTwin, demo_twin, load_twin};
use halor::frame::{Counts, Frame, FrameAddress, Mask, read};
use halor::geometry::{Poni, PoniFile};
use halor::integrate::{Azimuth, Fold};
use halor::output::Existing;
use halor::simulate::rays::{Placement, reach};
use halor::simulate::{RadialTable, SimulateError, Twin, ideal_image};

/// A glass on a Pilatus 300K, the beam in its corner.
pub const SMALL: &str = "\
seed: 7
beam: {energy_kev: 112}
detector: {name: Pilatus CdTe 300K}
geometry: {distance_m: 0.18, poni1_m: 0.0054, poni2_m: 0.0062, rot1_rad: 0.0043}
oversampling: 1
counting: {exposure_s: 10, counts_per_electron_unit_s: 0.5}
samples:
  - {name: a, structure: {glass: as-cast}, composition: Zr62 Cu15.5 Ni12.5 Al10}
integration: {range: [0.5, 22.2], bins: 800}
pdf: {q_range_inv_angstrom: [0.7, 22.0]}
";

/// A folder with a twin file in it.
pub struct Folder(pub tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn load(&self, yaml: &str, set: &[&str]) -> Result<LoadedTwin, ConfigError> {
        self.file("twin.yaml", yaml);
        let set: Vec<String> = set.iter().map(|text| (*text).to_owned()).collect();
        load_twin(&self.path("twin.yaml"), &set)
    }
}

fn demo(detector: DemoDetector, folder: &Folder, set: &[&str]) -> Twin {
    let set: Vec<String> = set.iter().map(|text| (*text).to_owned()).collect();
    demo_twin(detector, folder.0.path(), &set).unwrap_or_else(|error| panic!("{error}")).twin
}

fn frame(path: &std::path::Path) -> Frame {
    read(&FrameAddress { path: path.to_owned(), image: 0 }).unwrap().frame
}

fn values(frame: &Frame) -> Vec<i32> {
    let Counts::I32(values) = &frame.counts else { panic!("counts are not i32") };
    values.to_vec()
}

#[test]
fn the_demo_stands_as_its_comments_say() {
    let folder = Folder::new();
    let twin = demo(DemoDetector::Pilatus2m, &folder, &[]);
    let [column, row] = Placement::new(twin.geometry()).beam_centre_px();
    assert!((column - 725.4).abs() < 1e-9 && (row - 800.3).abs() < 1e-9, "{column} {row}");
    assert!(reach(twin.geometry()).1 > 22.5);
    // μ ≈ 7.3 cm⁻¹ at 112 keV as the physics notes have it, to two digits.
    assert!((twin.camera.sensor.unwrap().mu_per_m - 730.0).abs() < 10.0);
    let small = demo(DemoDetector::Pilatus300k, &folder, &[]);
    let [column, row] = Placement::new(small.geometry()).beam_centre_px();
    assert!((column - 31.3).abs() < 1e-9 && (row - 28.8).abs() < 1e-9, "{column} {row}");
    // A frame of 60 s has thousands of counts per pixel at the first peak of S(Q), a hundred at Qmax, and less air.
    let counts = twin.counts_per_eu_s * twin.camera.exposure_s;
    let glass = twin.sample_intensity(&twin.samples[1]).unwrap();
    let air = twin.surroundings_intensity().unwrap().unwrap();
    assert!(
        (1e3..1e4).contains(&(counts * glass.at(2.69))) && (50.0..1e3).contains(&(counts * glass.at(22.0)))
    );
    assert!([1.0, 2.69, 10.0, 22.0].iter().all(|q| air.at(*q) < 0.6 * glass.at(*q)));
}

#[test]
fn sectors_of_the_demo_have_pixels_over_the_whole_range() {
    let folder = Folder::new();
    for (detector, sectors) in [
        (DemoDetector::Pilatus2m, vec![(0.0, 10.0, 180.0), (90.0, 10.0, 180.0)]),
        (DemoDetector::Pilatus300k, vec![(45.0, 30.0, 360.0)]),
    ] {
        let twin = demo(detector, &folder, &[]);
        let written = &twin.run_files.last().unwrap().text;
        twin.write(Existing::Replace).unwrap();
        let config = halor::config::load(&folder.path("run.yaml"), &[]).unwrap().config;
        let found: Vec<(f64, f64, f64)> = config
            .regions
            .iter()
            .filter_map(|region| match region.azimuth {
                Azimuth::Ring => None,
                Azimuth::Sector { centre_deg, width_deg, fold: Fold::Single } => {
                    Some((centre_deg, width_deg, 360.0))
                }
                Azimuth::Sector { centre_deg, width_deg, fold: Fold::WithOpposite } => {
                    Some((centre_deg, width_deg, 180.0))
                }
            })
            .collect();
        assert_eq!(found, sectors, "{written}");
        let table = RadialTable::from_fn(reach(twin.geometry()).0 + 0.01, |_| 1.0);
        let ideal = ideal_image(&twin.camera, &table.into()).unwrap();
        let placement = Placement::new(twin.geometry());
        let poni = twin.geometry().poni;
        // Rings as wide as two pixels at the centre, where they are widest in Q.
        let half_angle = 0.5 * (172e-6 / poni.distance_m).atan();
        let width = 8.0 * std::f64::consts::PI / poni.wavelength_angstrom * half_angle.sin();
        for (centre_deg, width_deg, period) in sectors {
            let mut pixels = vec![0; ((22.0 - 0.7) / width) as usize];
            for (i, _) in ideal.expected.iter().enumerate().filter(|(_, counts)| **counts > 0.6) {
                let (row, column) = (i / ideal.shape.columns, i % ideal.shape.columns);
                let ray = placement.ray(row as f64 + 0.5, column as f64 + 0.5);
                let away = (ray.chi_rad().to_degrees() - centre_deg + 0.5 * period).rem_euclid(period)
                    - 0.5 * period;
                let ring = (ray.q(poni.wavelength_angstrom) - 0.7) / width;
                if away.abs() < 0.5 * width_deg && ring >= 0.0 && (ring as usize) < pixels.len() {
                    pixels[ring as usize] += 1;
                }
            }
            assert!(pixels.iter().all(|&n| n > 0), "{centre_deg}: {pixels:?}");
        }
    }
}

#[test]
fn a_folder_is_written_and_then_kept() {
    let folder = Folder::new();
    let twin = demo(DemoDetector::Pilatus300k, &folder, &["oversampling=1"]);
    let written = twin.write(Existing::Keep).unwrap();
    // Calibrant, six samples and air, four frames of each.
    assert_eq!(written.frames.len(), 32);
    let bytes_of = |path: &PathBuf| std::fs::read(path).unwrap();
    let before: Vec<Vec<u8>> = written.frames.iter().map(bytes_of).collect();
    assert!(before.iter().enumerate().all(|(i, a)| before[..i].iter().all(|b| a != b)), "frames repeat");
    let mask = Mask::read(&folder.path("mask.tif")).unwrap();
    let first = frame(&written.frames[0]);
    let flagged = values(&first).iter().filter(|&&counts| counts < 0).count();
    assert!(mask.shape == first.shape && mask.count_bad() > flagged && flagged > 10_000);
    assert_eq!(first.header.exposure_s, Some(60.0));
    let poni = PoniFile::read(&folder.path("geometry.poni")).unwrap().poni(None).unwrap();
    // The file has metres: one rounding of the wavelength there and one back.
    let wavelength_angstrom = twin.geometry().poni.wavelength_angstrom;
    assert!((poni.wavelength_angstrom - wavelength_angstrom).abs() < 1e-16);
    assert_eq!(Poni { wavelength_angstrom, ..poni }, twin.geometry().poni);
    for name in ["peaks", "ceo2_rings", "s_of_q", "g_of_r", "i_of_q"] {
        assert!(folder.path(&format!("truth/{name}.csv")).is_file(), "{name}");
    }
    let refused = twin.write(Existing::Keep).unwrap_err();
    assert!(matches!(refused, SimulateError::NotEmpty { .. }), "{refused}");
    // The written twin file gives the same bytes, and frames that it has no more are gone.
    let again = load_twin(&folder.path("twin.yaml"), &["samples[1].frames=2".to_owned()]).unwrap().twin;
    let fewer = again.write(Existing::Replace).unwrap();
    assert_eq!(fewer.frames.len(), 30);
    for (path, bytes) in written.frames.iter().zip(&before) {
        if fewer.frames.contains(path) {
            assert_eq!(bytes_of(path), *bytes, "{}", path.display());
        } else {
            assert!(!path.exists(), "{}", path.display());
        }
    }
}

/// The frames of a stack are those of single files.
#[test]
fn a_stack_holds_the_same_frames() {
    let folder = Folder::new();
    let set = |format| ["samples[0].frames=2", "output=out", format];
    let single = folder.load(SMALL, &set("format=tiff")).unwrap().twin.write(Existing::Keep).unwrap();
    let frames: Vec<Frame> = single.frames.iter().map(|path| frame(path)).collect();
    let stack = folder.load(SMALL, &set("format=tiff_stack")).unwrap().twin.write(Existing::Replace).unwrap();
    assert_eq!(stack.frames, [folder.path("out/frames/a/a.tif")]);
    for (image, frame) in frames.iter().enumerate() {
        let path = stack.frames[0].clone();
        assert_eq!(read(&FrameAddress { path, image }).unwrap().frame, *frame);
    }
    // Nothing of the first simulation is left for the run file's pattern to find.
    let config = halor::config::load(&folder.path("out/run.yaml"), &[]).unwrap().config;
    assert_eq!(config.samples[0].frames.len(), 2);
    assert_eq!(std::fs::read_dir(folder.path("out/frames/a")).unwrap().count(), 1);
}

#[test]
fn frames_less_air_are_the_intensity_of_the_sample() {
    let folder = Folder::new();
    let twin = demo(
        DemoDetector::Pilatus300k,
        &folder,
        &["oversampling=1", "parallax=off", "background.frames=1", "format=cbf"],
    );
    twin.write(Existing::Keep).unwrap();
    let mask = Mask::read(&folder.path("mask.tif")).unwrap();
    let read = |name: &str| values(&frame(&folder.path(&format!("frames/{name}/{name}_0001.cbf"))));
    let (air, sample) = (read("air"), read("as-cast"));
    let placement = Placement::new(twin.geometry());
    let truth = twin.sample_intensity(&twin.samples[1]).unwrap();
    let mut rings = vec![[0.0; 3]; 240];
    for i in (0..air.len()).filter(|&i| !mask.bad[i]) {
        let ray = placement.ray((i / 487) as f64 + 0.5, (i % 487) as f64 + 0.5);
        let q = ray.q(twin.geometry().poni.wavelength_angstrom);
        if let Some(ring) = rings.get_mut((q / 0.1) as usize) {
            let efficiency = twin.camera.sensor.map_or(1.0, |sensor| ray.efficiency(sensor));
            let factor = ray.polarization(0.99) * ray.solid_angle() * efficiency;
            ring[0] += f64::from(sample[i] - air[i]);
            ring[1] += f64::from(sample[i] + air[i]);
            ring[2] += factor * truth.at(q) * twin.counts_per_eu_s * 60.0;
        }
    }
    // Each ring scatters by the root of its counts: over n rings χ² has the mean n and the standard deviation √(2n). The
    // expected counts are exact, as this camera takes one point for each pixel.
    let chi_squared: Vec<f64> = rings
        .iter()
        .filter(|ring| ring[1] > 1000.0)
        .map(|[counts, variance, expected]| (counts - expected).powi(2) / variance)
        .collect();
    let (n, sum) = (chi_squared.len() as f64, chi_squared.iter().sum::<f64>());
    assert!(n > 200.0 && (sum - n).abs() < 5.0 * (2.0 * n).sqrt(), "χ² {sum} of {n} rings");
}
