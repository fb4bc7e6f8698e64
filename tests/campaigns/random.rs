//! Random frames of calibrants: detector, energy, placement, strength, background, noise, spots.

use std::f64::consts::PI;

use halor::frame::{Frame, Mask, Shape};
use halor::geometry::{Detector, Geometry, Poni};
use halor::simulate::crystal::Ring;
use halor::simulate::rays::{Placement, reach};
use halor::simulate::{BeamStop, Camera, Crystal, HotPixels, IdealImage, Light, Masking, RadialTable};
use halor::simulate::{ideal_image, noise};
use halor::units::{energy_kev, wavelength_angstrom};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::camera::camera;

/// Crystals as they come along: their texts, in which the width of the rings is replaced.
const CRYSTALS: [(&str, &str); 4] = [
    ("CeO2", include_str!("../../calibration/crystals/ceo2.yaml")),
    ("LaB6", include_str!("../../calibration/crystals/lab6.yaml")),
    ("Si", include_str!("../../calibration/crystals/si.yaml")),
    ("Ni", include_str!("../../calibration/crystals/ni.yaml")),
];
/// Rings that a frame shows an arc of, at least.
const FEWEST_RINGS: usize = 4;
/// Those of them that are clear.
const FEWEST_CLEAR: usize = 3;
/// A ring is clear in a sector of so many degrees where its counts stand out by so many standard deviations; it is a clear ring
/// with so many degrees of such sectors.
const SECTOR_DEG: f64 = 5.0;
const STANDS_OUT: f64 = 5.0;
const CLEAR_DEG: f64 = 30.0;
/// … and a full one where gaps take no more than a tenth of the circle.
const FULL_DEG: f64 = 325.0;
/// Pixels that make an arc.
const ARC: usize = 150;

/// A powder as drawn.
struct Powder {
    calibrant: &'static str,
    crystal: Crystal,
    /// Of the beam.
    centre_px: [f64; 2],
    /// Rings with an arc on the array, and those that are wholly on it.
    rings: [usize; 2],
    ring_px: f64,
}

/// What is in front of the detector: the rings of many grains, and what is diffuse.
struct Scene {
    camera: Camera,
    rings: Light,
    halo: Light,
}

impl Scene {
    /// Rings alone, and all the rest.
    fn images(&self, geometry: &Geometry) -> [IdealImage; 2] {
        let camera = Camera { geometry: geometry.clone(), ..self.camera.clone() };
        let clean = Camera { hot_pixels: None, constant_counts: 0.0, ..camera.clone() };
        [(clean, &self.rings), (camera, &self.halo)]
            .map(|(camera, light)| ideal_image(&camera, light).unwrap())
    }
}

/// Mean counts of rings and the rest.
fn summed([rings, rest]: &[IdealImage; 2]) -> Vec<f64> {
    // Below 0 are gaps and dead pixels, which both have, and what is left of a ring at the end of its table, which is none.
    let pairs = rings.expected.iter().zip(&rest.expected);
    pairs.map(|(a, b)| if *b < 0.0 { *b } else { a.max(0.0) + b }).collect()
}

/// A frame and its truth.
pub(crate) struct Case {
    pub(crate) geometry: Geometry,
    pub(crate) calibrant: &'static str,
    pub(crate) frame: Frame,
    pub(crate) mask: Mask,
    /// Where the beam meets the plane: column, row.
    pub(crate) centre_px: [f64; 2],
    /// Rings with an arc, and those whose whole circle is on the array.
    pub(crate) rings: usize,
    pub(crate) full_rings: usize,
    /// Rings that are clear, see [`clear_rings`], and those of them that are whole circles.
    clear_rings: usize,
    pub(crate) full_clear_rings: usize,
    scene: Scene,
    ring_px: f64,
    peak_counts: f64,
    spots: f64,
    background: f64,
}

impl Case {
    /// Mean counts of the same scene, without spots, from elsewhere.
    pub(crate) fn expected_from(&self, poni: Poni) -> Vec<f64> {
        summed(&self.scene.images(&Geometry { poni, ..self.geometry.clone() }))
    }

    pub(crate) fn summary(&self) -> String {
        let poni = &self.geometry.poni;
        format!(
            "{:16} {:4} {:5.1} keV L {:.3} m centre {:6.0} {:6.0} tilt {:4.1}° rings {} full {} clear {}/{} σ {:.1} px peak {:.0} bg {:.1} spots {:.2}",
            self.geometry.detector.name,
            self.calibrant,
            energy_kev(poni.wavelength_angstrom),
            poni.distance_m,
            self.centre_px[0],
            self.centre_px[1],
            (poni.rot1_rad.cos() * poni.rot2_rad.cos()).acos().to_degrees(),
            self.rings,
            self.full_rings,
            self.clear_rings,
            self.full_clear_rings,
            self.ring_px,
            self.peak_counts,
            self.background,
            self.spots,
        )
    }
}

/// The frame of this random number.
pub(crate) fn draw(seed: u64) -> Case {
    let mut rng = Pcg64Mcg::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    loop {
        let name = ["Pilatus CdTe 2M", "Pilatus CdTe 1M", "Pilatus 300K", "Perkin"][rng.random_range(0..4)];
        let detector = Detector::named(name).unwrap();
        let shape = detector.shape;
        let wavelength_angstrom = wavelength_angstrom(rng.random_range(20.0..120.0));
        let along: f64 = 0.1 * 20.0_f64.powf(rng.random_range(0.0..1.0));
        let tilt: f64 =
            rng.random_range(0.0..30.0_f64).to_radians() * f64::from(rng.random_range(0..3).min(1));
        let turn: f64 = rng.random_range(0.0..2.0 * PI);
        let (rot1_rad, rot2_rad) = ((tilt.tan() * turn.cos()).atan(), (tilt.sin() * turn.sin()).asin());
        // Half of the centres lie near the middle, the others up to one width outside.
        let [low, high] = if rng.random_range(0..2) == 0 { [0.3, 0.7] } else { [-1.0, 2.0] };
        let centre_px = [shape.columns, shape.rows].map(|side| side as f64 * rng.random_range(low..high));
        let centre_m = [centre_px[1] * detector.pixel_m[0], centre_px[0] * detector.pixel_m[1]];
        // From the plane's equations (see the doc of `Geometry::beam_centre_px`): tilting about the beam's point.
        let poni = Poni {
            distance_m: along * rot1_rad.cos() * rot2_rad.cos(),
            poni1_m: centre_m[0] - along * rot2_rad.sin(),
            poni2_m: centre_m[1] + along * rot2_rad.cos() * rot1_rad.sin(),
            rot1_rad,
            rot2_rad,
            rot3_rad: 0.0,
            wavelength_angstrom,
        };
        let geometry = Geometry { poni, detector, parallax: None };
        let (calibrant, text) = CRYSTALS[[0, 0, 0, 1, 1, 2, 3][rng.random_range(0..7)]];
        let q_per_px = 2.0 * PI * geometry.detector.pixel_m[0] / (along * wavelength_angstrom);
        let ring_px = rng.random_range(0.4..2.5);
        let width = (ring_px * q_per_px).max(0.0031);
        let text = text.replace("constant_inv_angstrom: 0.01", &format!("constant_inv_angstrom: {width:.6}"));
        let crystal = Crystal::parse(&text, calibrant).unwrap();
        // Beyond the tables of form factors.
        if reach(&geometry).0 > 70.0 {
            continue;
        }
        let [rings, full_rings] = visible(&geometry, &crystal);
        if rings < FEWEST_RINGS {
            continue;
        }
        let powder = Powder { calibrant, crystal, centre_px, rings: [rings, full_rings], ring_px };
        let case = exposed(&powder, geometry, &mut rng);
        if case.clear_rings >= FEWEST_CLEAR {
            return case;
        }
    }
}

/// Rings with an arc on the array, and rings that are wholly on it.
fn visible(geometry: &Geometry, crystal: &Crystal) -> [usize; 2] {
    let shape = geometry.detector.shape;
    let placement = Placement::new(geometry);
    let (q_max, q_whole) = reach(geometry);
    let rings = crystal.ring_positions(q_max.min(30.0)).unwrap();
    let centre = placement.beam_centre_px();
    let inside =
        (0.0..shape.columns as f64).contains(&centre[0]) && (0.0..shape.rows as f64).contains(&centre[1]);
    let mut pixels = vec![0; rings.len()];
    for row in 0..shape.rows {
        let mut last = None;
        for column in 0..shape.columns {
            let q = placement.ray(row as f64 + 0.5, column as f64 + 0.5).q(geometry.poni.wavelength_angstrom);
            let next = rings.partition_point(|ring| *ring < q);
            if let Some(before) = last.filter(|before| *before != next)
                && let Some(ring) = pixels.get_mut(next.min(before))
            {
                *ring += 1;
            }
            last = Some(next);
        }
    }
    let full = if inside { rings.iter().filter(|ring| **ring < q_whole).count() } else { 0 };
    [pixels.iter().filter(|n| **n > ARC).count(), full]
}

fn exposed(powder: &Powder, geometry: Geometry, rng: &mut Pcg64Mcg) -> Case {
    let Powder { calibrant, ref crystal, centre_px, rings: [rings, full_rings], ring_px } = *powder;
    let shape = geometry.detector.shape;
    let energy = energy_kev(geometry.poni.wavelength_angstrom);
    let (q_max, _) = reach(&geometry);
    // The same scene from a part of a pixel beside reaches a little farther.
    let table_q = 1.001 * q_max;
    // Grains make the rings, not what is diffuse between them.
    let all = crystal.intensity(energy, table_q).unwrap();
    let width = crystal.ring_width().constant_inv_angstrom;
    let lines = crystal.rings(energy, q_max + 8.0 * width).unwrap();
    let sharp = RadialTable::from_fn(table_q, |q| {
        let near = lines.partition_point(|line| line.q < q - 6.0 * width);
        let near = lines[near..].iter().take_while(|line| line.q < q + 6.0 * width);
        let height = |line: &Ring| line.area / (width * (2.0 * PI).sqrt());
        near.map(|line| height(line) * (-0.5 * ((q - line.q) / width).powi(2)).exp()).sum()
    });
    // Peak of the strongest ring that is on the detector.
    let first: Vec<f64> = lines.iter().map(|line| line.q).collect();
    let lowest = lowest_q(&geometry);
    let height = first.iter().filter(|q| **q > lowest && **q < q_max).map(|q| all.at(*q)).fold(0.0, f64::max);
    let peak_counts = 30.0 * 300.0_f64.powf(rng.random_range(0.0..1.0));
    let background = peak_counts * 3.0_f64.powf(rng.random_range(-5.0..0.5));
    let decay = rng.random_range(0.5..4.0);
    let halo = RadialTable::from_fn(table_q, |q| background * (0.3 + 0.7 * (-q / decay).exp()));
    let stop = rng.random_range(0..2) == 0;
    let spots = if rng.random_range(0..3) == 0 { rng.random_range(0.05..0.5) } else { 0.0 };
    let camera = Camera {
        oversampling: 4,
        constant_counts: rng.random_range(0.0..2.0),
        beam_stop: stop.then(|| BeamStop { centre_px, radius_px: rng.random_range(8.0..60.0), arm: None }),
        dead_pixels: 100,
        hot_pixels: Some(HotPixels { count: 20, counts_per_s: 1e5, masking: Masking::Unmasked }),
        seed: rng.random(),
        ..camera(&geometry)
    };
    let halo = halo.combined(1.0, &all.combined(1.0, &sharp, -1.0), peak_counts / height);
    let scene = Scene { camera, rings: sharp.scaled(peak_counts / height).into(), halo: halo.into() };
    let mut images = scene.images(&geometry);
    if spots > 0.0 {
        speckle(&mut images[0], &geometry, &first, ring_px, spots, rng.random());
    }
    let expected = summed(&images);
    let [rings_only, rest] = images;
    let ideal = IdealImage { expected, ..rest };
    let frame = noise::frame(&ideal, rng.random(), 0);
    let mask = Mask { shape, bad: geometry.detector.gap_mask() };
    let [clear_rings, full_clear_rings] =
        clear_rings(&rings_only.expected, &ideal.expected, &geometry, &first, width);
    Case {
        full_clear_rings,
        scene,
        geometry,
        calibrant,
        frame,
        mask,
        centre_px,
        rings,
        full_rings,
        clear_rings,
        ring_px,
        peak_counts,
        spots,
        background,
    }
}

/// Rings that no other ring is nearer to than their full width, with an arc of [`CLEAR_DEG`] on which the counts within the full
/// width are [`STANDS_OUT`] times their standard deviation more than without the ring.
fn clear_rings(
    rings_only: &[f64],
    all: &[f64],
    geometry: &Geometry,
    rings: &[f64],
    width: f64,
) -> [usize; 2] {
    let columns = geometry.detector.shape.columns;
    let placement = Placement::new(geometry);
    let wavelength = geometry.poni.wavelength_angstrom;
    let along = geometry.sample_to_detector_along_beam_m().unwrap();
    let pixel_q = 2.0 * PI * geometry.detector.pixel_m[0] / (along * wavelength);
    let full_width = 2.355 * width.hypot(pixel_q / 12.0_f64.sqrt());
    let sectors = (360.0 / SECTOR_DEG) as usize;
    // Counts of the ring, and all counts.
    let mut sums = vec![[0.0; 2]; rings.len() * sectors];
    for (i, (ring_counts, counts)) in rings_only.iter().zip(all).enumerate().filter(|(_, (_, c))| **c >= 0.0)
    {
        let ray = placement.ray((i / columns) as f64 + 0.5, (i % columns) as f64 + 0.5);
        let q = ray.q(wavelength);
        let next = rings.partition_point(|ring| *ring < q);
        let near = [next.wrapping_sub(1), next].into_iter().filter(|k| *k < rings.len());
        for ring in near.filter(|k| (rings[*k] - q).abs() < 0.5 * full_width) {
            let sector = ((ray.chi_rad() + PI).to_degrees() / SECTOR_DEG) as usize;
            let sum = &mut sums[ring * sectors + sector.min(sectors - 1)];
            *sum = [sum[0] + ring_counts, sum[1] + counts];
        }
    }
    let stands_out = |[ring, all]: &&[f64; 2]| *ring > STANDS_OUT * all.sqrt();
    let clear_deg = |k: usize| {
        let apart = |other: usize| rings.get(other).is_none_or(|q| (q - rings[k]).abs() > full_width);
        let seen = sums[k * sectors..(k + 1) * sectors].iter().filter(stands_out).count();
        if apart(k.wrapping_sub(1)) && apart(k + 1) { seen as f64 * SECTOR_DEG } else { 0.0 }
    };
    [CLEAR_DEG, FULL_DEG].map(|least| (0..rings.len()).filter(|k| clear_deg(*k) >= least).count())
}

fn lowest_q(geometry: &Geometry) -> f64 {
    let Shape { rows, columns } = geometry.detector.shape;
    let placement = Placement::new(geometry);
    let q = |row: usize, column: usize| {
        placement.ray(row as f64 + 0.5, column as f64 + 0.5).q(geometry.poni.wavelength_angstrom)
    };
    let all = (0..rows).step_by(8).flat_map(|row| (0..columns).step_by(8).map(move |column| (row, column)));
    all.map(|(row, column)| q(row, column)).fold(f64::INFINITY, f64::min)
}

/// Few grains: each makes a round spot as wide as the ring. `strength` is the relative variance along a ring.
fn speckle(
    image: &mut IdealImage,
    geometry: &Geometry,
    rings: &[f64],
    ring_px: f64,
    strength: f64,
    seed: u64,
) {
    let columns = image.shape.columns;
    let placement = Placement::new(geometry);
    let wavelength = geometry.poni.wavelength_angstrom;
    let pixel = geometry.detector.pixel_m[0];
    // Shot noise of g spots for each pixel of arc, seen through a Gaussian of width s, has the variance 1/(2√π g s).
    let wide = ring_px.hypot(0.5);
    let grains_per_px = 1.0 / (2.0 * PI.sqrt() * wide * strength);
    let along: Vec<Vec<f32>> = rings
        .iter()
        .enumerate()
        .map(|(ring, q)| {
            let two_theta = 2.0 * (q * wavelength / (4.0 * PI)).min(1.0).asin();
            let arc_px = 2.0 * PI * two_theta.tan().abs().min(3.0) * geometry.poni.distance_m / pixel;
            let cells = (2.0 * arc_px).clamp(64.0, 4e4) as usize;
            let width = wide * cells as f64 / arc_px;
            let mut rng = Pcg64Mcg::seed_from_u64(seed ^ ((ring as u64) << 40));
            let mean = grains_per_px * arc_px / cells as f64;
            let grains: Vec<f64> = (0..cells)
                .map(|_| rand_distr::Distribution::sample(&rand_distr::Poisson::new(mean).unwrap(), &mut rng))
                .collect();
            let reach = (4.0 * width).ceil() as usize;
            let kernel: Vec<f64> =
                (0..=2 * reach).map(|k| (-0.5 * ((k as f64 - reach as f64) / width).powi(2)).exp()).collect();
            let sum: f64 = kernel.iter().sum::<f64>() * mean;
            (0..cells)
                .map(|i| {
                    let at = |k: usize| grains[(i + k + cells - reach % cells) % cells];
                    (kernel.iter().enumerate().map(|(k, w)| w * at(k)).sum::<f64>() / sum) as f32
                })
                .collect()
        })
        .collect();
    for (i, value) in image.expected.iter_mut().enumerate().filter(|(_, value)| **value > 0.0) {
        let ray = placement.ray((i / columns) as f64 + 0.5, (i % columns) as f64 + 0.5);
        let q = ray.q(wavelength);
        let next = rings.partition_point(|ring| *ring < q).min(rings.len() - 1);
        let before = next.saturating_sub(1);
        let ring = if rings[next] - q < q - rings[before] { next } else { before };
        let around = (ray.chi_rad() + PI) / (2.0 * PI);
        let cell = ((around * along[ring].len() as f64) as usize).min(along[ring].len() - 1);
        *value *= f64::from(along[ring][cell]);
    }
}
