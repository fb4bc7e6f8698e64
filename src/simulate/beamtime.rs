//! A beamtime to practise on: calibrant, air, and a metallic glass before and after ageing, on a Pilatus CdTe at 112 keV.

use rayon::prelude::*;
use xraydb::{CrossSectionKind, XrayDb};

use super::image::{BeamStop, Camera};
use super::radial::RadialTable;
use super::rays::{SensorAbsorption, beam_offset_m, reach};
use super::truth::{TruthRow, peak_truths};
use super::{Crystal, Glass, SimulateError};
use crate::geometry::{Detector, Geometry, Poni};
use crate::integrate::{Azimuth, Fold, Region};
use crate::pdf::Window;
use crate::scattering::Composition;
use crate::units::{two_theta_rad, wavelength_angstrom};

/// A glass in one state.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoSample {
    /// Its name in the run file.
    pub name: String,
    /// Its structure.
    pub glass: Glass,
}

/// Everything that the frames depend on.
///
/// Left out: the sample's own absorption and multiple scattering, fluorescence, parallax and dead time.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoBeamtime {
    /// Detector and placement.
    pub geometry: Geometry,
    /// f of \[E3\].
    pub polarization: f64,
    /// Elements of the glass.
    pub composition: Composition,
    /// The calibrant.
    pub calibrant: Crystal,
    /// The series, the reference first.
    pub samples: Vec<DemoSample>,
    /// Frames of each sample.
    pub sample_frames: u32,
    /// Frames of the air.
    pub air_frames: u32,
    /// Frames of the calibrant.
    pub calibrant_frames: u32,
    /// Exposure of one frame.
    pub exposure_s: f64,
    /// Counts per second in a pixel at normal incidence for one electron unit per atom of glass.
    pub counts_per_eu_s: f64,
    /// The same for the calibrant, which is thinner.
    pub calibrant_counts_per_eu_s: f64,
    /// Atoms of air in the beam for one atom of glass.
    pub air_atoms: f64,
    /// Detector noise that no beam makes, counts per pixel and frame.
    pub constant_counts: f64,
    /// Q hidden by the beam stop in Å⁻¹.
    pub beam_stop_q: f64,
    /// Dead pixels.
    pub dead_pixels: usize,
    /// Points per pixel and axis.
    pub oversampling: usize,
    /// Seed of all that is drawn.
    pub seed: u64,
    /// Bins of the integration.
    pub bins: usize,
    /// Sectors of the series; the whole ring comes without being asked for.
    pub sectors: Vec<Region>,
    /// Qmin and Qmax of the run, in Å⁻¹.
    pub q_range: [f64; 2],
    /// Window of the transform.
    pub window: Window,
}

/// What a demo is made with, apart from the detector.
const ENERGY_KEV: f64 = 112.0;

impl DemoBeamtime {
    /// Pilatus CdTe 2M, 0.295 m from the sample: whole rings up to Q = 22.5 Å⁻¹. At 0.35 m they would end at 19.3 Å⁻¹, and
    /// sectors along the short side with them.
    ///
    /// The beam meets the middle of a module and not the gap in the middle of the detector, which would take the first peak
    /// of S(Q) from a narrow sector.
    ///
    /// # Errors
    /// A table of detectors, crystals or elements that cannot be read.
    pub fn pilatus_2m() -> Result<Self, SimulateError> {
        let along = |name: &str, centre_deg| Region {
            name: name.to_owned(),
            azimuth: Azimuth::Sector { centre_deg, width_deg: 10.0, fold: Fold::WithOpposite },
        };
        let sectors = vec![along("X", 0.0), along("Y", 90.0)];
        Self::on("Pilatus CdTe 2M", [725.4, 800.3], 0.295, 2000, sectors)
    }

    /// Pilatus CdTe 300K for quick tests, the beam in a corner of it, 0.18 m from the sample: a quarter of each ring up to
    /// Q = 22 Å⁻¹, and one sector along the diagonal, where no gap hides a whole arc.
    ///
    /// # Errors
    /// A table of detectors, crystals or elements that cannot be read.
    pub fn pilatus_300k() -> Result<Self, SimulateError> {
        let diagonal = Region {
            name: "diagonal".to_owned(),
            azimuth: Azimuth::Sector { centre_deg: 45.0, width_deg: 30.0, fold: Fold::Single },
        };
        Self::on("Pilatus CdTe 300K", [31.3, 28.8], 0.180, 1000, vec![diagonal])
    }

    fn on(
        detector: &str,
        centre_px: [f64; 2],
        distance_m: f64,
        bins: usize,
        sectors: Vec<Region>,
    ) -> Result<Self, SimulateError> {
        let detector = Detector::named(detector)?;
        let mut poni = Poni {
            distance_m,
            poni1_m: 0.0,
            poni2_m: 0.0,
            rot1_rad: 0.0043,
            rot2_rad: -0.0027,
            rot3_rad: 0.0,
            wavelength_angstrom: wavelength_angstrom(ENERGY_KEV),
        };
        let [slow, fast] = beam_offset_m(&poni);
        poni.poni1_m = centre_px[1] * detector.pixel_m[0] - slow;
        poni.poni2_m = centre_px[0] * detector.pixel_m[1] - fast;
        Ok(Self {
            geometry: Geometry { poni, detector },
            polarization: 0.99,
            composition: Composition::parse("Zr62 Cu15.5 Ni12.5 Al10")?,
            calibrant: Crystal::named("CeO2")?,
            samples: vec![
                DemoSample { name: "as-cast".to_owned(), glass: Glass::zr_based() },
                DemoSample { name: "aged".to_owned(), glass: Glass::zr_based_aged() },
            ],
            sample_frames: 3,
            air_frames: 3,
            calibrant_frames: 1,
            exposure_s: 60.0,
            counts_per_eu_s: 0.045,
            calibrant_counts_per_eu_s: 0.01,
            air_atoms: 0.5,
            constant_counts: 0.5,
            beam_stop_q: 0.42,
            dead_pixels: 120,
            oversampling: 3,
            seed: 112,
            bins,
            sectors,
            q_range: [0.7, 22.0],
            window: Window::Lorch,
        })
    }

    /// Energy of the beam.
    pub fn energy_kev(&self) -> f64 {
        crate::units::energy_kev(self.geometry.poni.wavelength_angstrom)
    }

    /// What turns intensities into images.
    ///
    /// # Errors
    /// A sensor whose absorption is not tabulated.
    pub fn camera(&self) -> Result<Camera, SimulateError> {
        let Geometry { poni, detector } = &self.geometry;
        let [slow, fast] = beam_offset_m(poni);
        let centre_px =
            [(poni.poni2_m + fast) / detector.pixel_m[1], (poni.poni1_m + slow) / detector.pixel_m[0]];
        let stop_m = poni.distance_m * two_theta_rad(self.beam_stop_q, poni.wavelength_angstrom).tan();
        Ok(Camera {
            geometry: self.geometry.clone(),
            polarization: self.polarization,
            sensor: self.sensor()?,
            oversampling: self.oversampling,
            constant_counts: self.constant_counts,
            beam_stop: Some(BeamStop { centre_px, radius_px: stop_m / detector.pixel_m[0] }),
            dead_pixels: self.dead_pixels,
            dead_seed: self.seed,
            exposure_s: self.exposure_s,
        })
    }

    fn sensor(&self) -> Result<Option<SensorAbsorption>, SimulateError> {
        let Some(sensor) = &self.geometry.detector.sensor else { return Ok(None) };
        let unknown = |e: xraydb::XrayDbError| SimulateError::Sensor {
            material: sensor.material.clone(),
            reason: e.to_string(),
        };
        let mu_per_cm = XrayDb::try_new()
            .and_then(|tables| {
                let energy_ev = 1000.0 * self.energy_kev();
                tables.material_mu_at(
                    &sensor.material,
                    sensor.density_g_cm3,
                    energy_ev,
                    CrossSectionKind::Total,
                )
            })
            .map_err(unknown)?;
        Ok(Some(SensorAbsorption { mu_per_m: 100.0 * mu_per_cm, thickness_m: sensor.thickness_m }))
    }

    /// Largest Q on the detector with a margin: where tables have to end.
    fn table_end(&self) -> f64 {
        reach(&self.geometry).0 + 0.01
    }

    /// I(Q) of a sample without background, electron units per atom.
    ///
    /// # Errors
    /// A Q or an energy beyond the tables of form factors.
    pub fn sample_intensity(&self, sample: &DemoSample) -> Result<RadialTable, SimulateError> {
        Ok(RadialTable::glass(&sample.glass, &self.composition, self.energy_kev(), self.table_end())?)
    }

    /// I(Q) of air and slits in electron units per atom of glass: free atoms, and a halo at small Q.
    ///
    /// # Errors
    /// A Q or an energy beyond the tables of form factors.
    pub fn air_intensity(&self) -> Result<RadialTable, SimulateError> {
        let air = Composition::parse("N156 O42 Ar1")?;
        let gas = RadialTable::free_atoms(&air, self.energy_kev(), self.table_end())?;
        let halo = RadialTable::from_fn(self.table_end(), |q| 40.0 * (-q / 0.8).exp());
        Ok(gas.combined(self.air_atoms, &halo, 1.0))
    }

    /// Counts at normal incidence in one frame of a sample in air.
    pub(super) fn sample_counts(&self, sample: &DemoSample) -> Result<RadialTable, SimulateError> {
        let counts = self.counts_per_eu_s * self.exposure_s;
        Ok(self.sample_intensity(sample)?.combined(counts, &self.air_intensity()?, counts))
    }

    /// Counts at normal incidence in one frame of air.
    pub(super) fn air_counts(&self) -> Result<RadialTable, SimulateError> {
        Ok(self.air_intensity()?.scaled(self.counts_per_eu_s * self.exposure_s))
    }

    /// Counts at normal incidence in one frame of the calibrant in air.
    pub(super) fn calibrant_counts(&self) -> Result<RadialTable, SimulateError> {
        let powder = self.calibrant.intensity(self.energy_kev(), self.table_end())?;
        let counts = self.calibrant_counts_per_eu_s * self.exposure_s;
        Ok(powder.combined(counts, &self.air_intensity()?, self.counts_per_eu_s * self.exposure_s))
    }

    /// What a perfect analysis would find, sample by sample.
    ///
    /// # Errors
    /// A sample without a peak in one of the windows.
    pub fn truth(&self) -> Result<Vec<TruthRow>, SimulateError> {
        let rows: Result<Vec<Vec<TruthRow>>, SimulateError> = self
            .samples
            .par_iter()
            .map(|sample| peak_truths(&sample.name, &sample.glass, self.q_range[1], self.window))
            .collect();
        Ok(rows?.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::ideal_image;
    use crate::simulate::rays::Placement;

    #[test]
    fn the_beam_stop_hides_the_beam() {
        // One centre by two ways: the plane's equations, and the turned axis.
        let demo = DemoBeamtime::pilatus_2m().unwrap();
        let [column, row] = Placement::new(&demo.geometry).beam_centre_px();
        let stop = demo.camera().unwrap().beam_stop.unwrap();
        assert!((stop.centre_px[0] - column).abs() < 1e-9 && (stop.centre_px[1] - row).abs() < 1e-9);
        assert!((column - 725.4).abs() < 1e-9 && (row - 800.3).abs() < 1e-9);
        assert!(reach(&demo.geometry).1 > 22.5, "{:?}", reach(&demo.geometry));
    }

    #[test]
    fn sectors_have_pixels_over_the_whole_range() {
        for demo in [DemoBeamtime::pilatus_2m().unwrap(), DemoBeamtime::pilatus_300k().unwrap()] {
            let camera = demo.camera().unwrap();
            let ideal = ideal_image(&camera, &RadialTable::from_fn(demo.table_end(), |_| 1.0)).unwrap();
            let placement = Placement::new(&demo.geometry);
            let wavelength = demo.geometry.poni.wavelength_angstrom;
            let [q_min, q_max] = demo.q_range;
            // Rings as wide as two pixels at the centre, where they are widest in Q.
            let width = 2.0 * 4.0 * std::f64::consts::PI / wavelength
                * (0.5 * (172e-6 / demo.geometry.poni.distance_m).atan()).sin();
            for region in &demo.sectors {
                let Azimuth::Sector { centre_deg, width_deg, fold } = region.azimuth else {
                    panic!("a ring")
                };
                let period = match fold {
                    Fold::Single => 360.0,
                    Fold::WithOpposite => 180.0,
                };
                let mut pixels = vec![0; ((q_max - q_min) / width) as usize];
                for (i, _) in ideal.expected.iter().enumerate().filter(|(_, counts)| **counts > 0.6) {
                    let (row, column) = (i / ideal.shape.columns, i % ideal.shape.columns);
                    let ray = placement.ray(row as f64 + 0.5, column as f64 + 0.5);
                    let away = (ray.chi_rad().to_degrees() - centre_deg + 0.5 * period).rem_euclid(period)
                        - 0.5 * period;
                    let ring = (ray.q(wavelength) - q_min) / width;
                    if away.abs() < 0.5 * width_deg && ring >= 0.0 && (ring as usize) < pixels.len() {
                        pixels[ring as usize] += 1;
                    }
                }
                assert!(
                    pixels.iter().all(|&n| n > 0),
                    "{} {}: {pixels:?}",
                    demo.geometry.detector.name,
                    region.name
                );
            }
        }
    }

    #[test]
    fn the_sensor_is_cadmium_telluride() {
        // μ ≈ 7.3 cm⁻¹ at 112 keV as the physics notes have it, to two digits.
        let sensor = DemoBeamtime::pilatus_2m().unwrap().camera().unwrap().sensor.unwrap();
        assert!((sensor.mu_per_m - 730.0).abs() < 10.0, "{}", sensor.mu_per_m);
    }

    #[test]
    fn counts_are_those_of_a_minute() {
        // A frame of 60 s has thousands of counts per pixel at the first peak of S(Q), a hundred at Qmax, and much less air.
        let demo = DemoBeamtime::pilatus_2m().unwrap();
        let glass = demo.sample_counts(&demo.samples[0]).unwrap();
        let air = demo.air_counts().unwrap();
        assert!((1e3..1e4).contains(&glass.at(2.69)), "{}", glass.at(2.69));
        assert!((50.0..1e3).contains(&glass.at(22.0)), "{}", glass.at(22.0));
        for q in [1.0, 2.69, 10.0, 22.0] {
            assert!(air.at(q) < 0.6 * glass.at(q), "{q}: {} {}", air.at(q), glass.at(q));
        }
    }
}
