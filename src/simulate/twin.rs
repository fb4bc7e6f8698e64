//! A beam time: samples and calibrants in surroundings, seen by a camera.

use std::path::PathBuf;

use xraydb::{CrossSectionKind, XrayDb};

use super::image::{Camera, Light};
use super::matter::intensity_of;
use super::noise::Noise;
use super::radial::RadialTable;
use super::rays::{AirPath, SensorAbsorption, reach};
use super::{Anisotropy, Inclusion, Matter, Oriented, SimulateError, SofQ, Spot};
use crate::geometry::{Geometry, Sensor};
use crate::integrate::Region;
use crate::pdf::Window;
use crate::peaks::PeakSettings;
use crate::scattering::Composition;

/// Everything that the frames depend on.
///
/// Left out: the sample's own absorption and multiple scattering and dead time.
#[derive(Debug, Clone, PartialEq)]
pub struct Twin {
    /// Where it is written.
    pub output: PathBuf,
    /// The twin file with every default filled in; written beside the frames.
    pub yaml: String,
    /// From intensity to expected counts.
    pub camera: Camera,
    /// File format of the frames.
    pub format: FrameFormat,
    /// What becomes of expected counts.
    pub noise: Noise,
    /// Counts per second in a pixel at normal incidence for one electron unit per atom of a sample.
    pub counts_per_eu_s: f64,
    /// What is in the beam beside the sample.
    pub surroundings: Option<Surroundings>,
    /// Frames without beam.
    pub dark_frames: u32,
    /// Samples and calibrants.
    pub samples: Vec<TwinSample>,
    /// The measurement that the truth is made for; `None` = I(Q) only.
    pub analysis: Option<Analysis>,
    /// Run files, that of the series last.
    pub run_files: Vec<RunFileText>,
}

/// A file format of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameFormat {
    /// Pilatus TIFF.
    Tiff,
    /// All frames of a sample in one TIFF file.
    TiffStack,
    /// mini-CBF.
    Cbf,
}

/// Air, slits and windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Surroundings {
    /// Frames of them alone.
    pub frames: u32,
    /// The gas.
    pub composition: Composition,
    /// Atoms of it in the beam for one atom of a sample.
    pub atoms_per_sample_atom: f64,
    /// Scattering of slits at Q = 0, electron units per atom of a sample.
    pub halo_eu: f64,
    /// Q in Å⁻¹ at which the halo has fallen to 1/e.
    pub halo_decay: f64,
    /// What holds the samples.
    pub container: Option<Container>,
}

/// A capillary or its walls: in the beam with every sample that is in its surroundings, and in the frames of them alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// Its elements.
    pub composition: Composition,
    /// Atoms of it in the beam for one atom of a sample.
    pub atoms_per_sample_atom: f64,
    /// Its structure; `None` = free atoms.
    pub s: Option<SofQ>,
}

/// A sample or a calibrant.
#[derive(Debug, Clone, PartialEq)]
pub struct TwinSample {
    /// Its name in the run file, part of file names.
    pub name: String,
    /// What it is made of.
    pub matter: Matter,
    /// Number of its frames.
    pub frames: u32,
    /// As [`Twin::counts_per_eu_s`], for a sample of another thickness.
    pub counts_per_eu_s: f64,
    /// What is in the beam with it.
    pub beam_path: BeamPath,
    /// Fluorescence in electron units per atom.
    pub fluorescence_eu: f64,
    /// What differs along and across a load axis.
    pub anisotropy: Option<Anisotropy>,
    /// Grains that give Bragg spots.
    pub inclusion: Option<Inclusion>,
}

/// What is in the beam with a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeamPath {
    /// The [`Surroundings`].
    Surroundings,
    /// Nothing.
    Vacuum,
}

/// How S(Q) and G(r) are seen, and what is measured on them.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// The Q range, Å⁻¹.
    pub q_range: [f64; 2],
    /// Window of the transform.
    pub window: Window,
    /// Peaks.
    pub peaks: PeakSettings,
    /// The full ring, then the sectors.
    pub regions: Vec<Region>,
}

/// A run file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFileText {
    /// Its name.
    pub name: String,
    /// Its YAML.
    pub text: String,
}

impl SensorAbsorption {
    /// Absorption of a sensor at the beam's energy.
    ///
    /// # Errors
    /// A material that is not tabulated.
    pub fn of(sensor: &Sensor, energy_kev: f64) -> Result<Self, SimulateError> {
        let mu_per_cm = XrayDb::try_new()
            .and_then(|tables| {
                let (material, density) = (&sensor.material, sensor.density_g_cm3);
                tables.material_mu_at(material, density, 1000.0 * energy_kev, CrossSectionKind::Total)
            })
            .map_err(|e| SimulateError::Sensor {
                material: sensor.material.clone(),
                reason: e.to_string(),
            })?;
        Ok(Self { mu_per_m: 100.0 * mu_per_cm, thickness_m: sensor.thickness_m })
    }
}

/// Nitrogen, oxygen and argon of dry air by number; the rest is 0.04 %.
const AIR: &str = "N156.2O41.9Ar0.93";
/// At 20 °C and 1 atm (NIST, composition of materials).
const AIR_G_CM3: f64 = 1.204_79e-3;

impl AirPath {
    /// So much dry air at 20 °C and 1 atm, at the beam's energy.
    ///
    /// # Errors
    /// An energy beyond the tables.
    pub fn of(length_m: f64, energy_kev: f64) -> Result<Self, SimulateError> {
        let mu_per_cm = XrayDb::try_new()
            .and_then(|t| t.material_mu_at(AIR, AIR_G_CM3, 1000.0 * energy_kev, CrossSectionKind::Total))
            .map_err(|e| SimulateError::Sensor { material: "air".to_owned(), reason: e.to_string() })?;
        Ok(Self { mu_per_m: 100.0 * mu_per_cm, length_m })
    }
}

impl Twin {
    /// Detector and placement.
    pub fn geometry(&self) -> &Geometry {
        &self.camera.geometry
    }

    /// Energy of the beam.
    pub fn energy_kev(&self) -> f64 {
        crate::units::energy_kev(self.geometry().poni.wavelength_angstrom)
    }

    /// Largest Q on the detector with a margin: where tables have to end.
    fn table_end(&self) -> f64 {
        reach(self.geometry()).0 + 0.01
    }

    /// I(Q) of a sample alone, electron units per atom, without fluorescence.
    ///
    /// # Errors
    /// A Q or an energy beyond the tables of form factors; an S(Q) that makes it negative.
    pub fn sample_intensity(&self, sample: &TwinSample) -> Result<RadialTable, SimulateError> {
        self.of_sample(sample, sample.matter.intensity(self.energy_kev(), self.table_end()))
    }

    /// I(Q) of the surroundings in electron units per atom of a sample: free atoms, and a halo at small Q.
    ///
    /// # Errors
    /// A Q or an energy beyond the tables of form factors.
    pub fn surroundings_intensity(&self) -> Result<Option<RadialTable>, SimulateError> {
        let Some(around) = &self.surroundings else { return Ok(None) };
        let gas = RadialTable::free_atoms(&around.composition, self.energy_kev(), self.table_end())?;
        let halo =
            RadialTable::from_fn(self.table_end(), |q| around.halo_eu * (-q / around.halo_decay).exp());
        let air = gas.combined(around.atoms_per_sample_atom, &halo, 1.0);
        let Some(Container { composition, atoms_per_sample_atom, s }) = &around.container else {
            return Ok(Some(air));
        };
        let (energy, end) = (self.energy_kev(), self.table_end());
        let walls = match s {
            None => RadialTable::free_atoms(composition, energy, end)?,
            Some(s) => {
                let values: Vec<f64> = RadialTable::grid(end).into_iter().map(|q| s.at(q)).collect();
                intensity_of(composition, energy, &values, s.lowest_q())?
            }
        };
        Ok(Some(air.combined(1.0, &walls, *atoms_per_sample_atom)))
    }

    /// Counts at normal incidence in one frame of a sample with what is in the beam beside it.
    fn sample_light(&self, sample: &TwinSample) -> Result<Light, SimulateError> {
        let counts = sample.counts_per_eu_s * self.camera.exposure_s;
        let alone = self.sample_intensity(sample)?;
        let around = match sample.beam_path {
            BeamPath::Surroundings => self.surroundings_intensity()?,
            BeamPath::Vacuum => None,
        };
        let scattered = match around {
            Some(around) => alone.combined(counts, &around, self.counts_per_eu_s * self.camera.exposure_s),
            None => alone.scaled(counts),
        };
        let oriented = self.of_sample(sample, self.oriented(sample, counts))?;
        Ok(Light {
            scattered,
            isotropic: counts * sample.fluorescence_eu,
            oriented,
            spots: self.spots(sample)?,
        })
    }

    /// The Bragg spots in a frame of a sample.
    ///
    /// # Errors
    /// A Q or an energy beyond the tables of form factors.
    pub fn spots(&self, sample: &TwinSample) -> Result<Vec<Spot>, SimulateError> {
        let Some(inclusion) = &sample.inclusion else { return Ok(Vec::new()) };
        let Camera { seed, exposure_s, .. } = self.camera;
        let spots = inclusion.spots_on(self.geometry(), self.energy_kev(), exposure_s, seed);
        self.of_sample(sample, spots)
    }

    /// What the anisotropy of a sample adds, for `counts` of one electron unit per atom.
    fn oriented(&self, sample: &TwinSample, counts: f64) -> Result<Option<Oriented>, SimulateError> {
        let Some(anisotropy) = sample.anisotropy.clone() else { return Ok(None) };
        let (energy, end) = (self.energy_kev(), self.table_end());
        let s0 = sample.matter.s_table(energy, end * anisotropy.largest_stretch())?;
        let composition = sample.matter.composition();
        let counts_per_s = RadialTable::mean_f_squared(&composition, energy, end)?.scaled(counts);
        Ok(Some(Oriented { anisotropy, s0, counts_per_s }))
    }

    /// Counts at normal incidence in one frame of the surroundings.
    pub(super) fn surroundings_light(&self) -> Result<Option<RadialTable>, SimulateError> {
        let counts = self.counts_per_eu_s * self.camera.exposure_s;
        Ok(self.surroundings_intensity()?.map(|table| table.scaled(counts)))
    }

    /// Expected counts of a frame of a sample.
    ///
    /// # Errors
    /// As [`Twin::sample_intensity`].
    pub fn sample_image(&self, sample: &TwinSample) -> Result<super::IdealImage, SimulateError> {
        super::ideal_image(&self.camera, &self.sample_light(sample)?)
    }

    /// An error of a sample, with its name.
    pub(super) fn of_sample<T>(
        &self,
        sample: &TwinSample,
        result: Result<T, SimulateError>,
    ) -> Result<T, SimulateError> {
        result.map_err(|source| SimulateError::Sample { name: sample.name.clone(), source: Box::new(source) })
    }
}
