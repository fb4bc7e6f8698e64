//! Agreement with pyFAI 2026.9.0, bin by bin: the sums, I and σ of two frames in two geometries.
//!
//! What is known of the reference and taken into account here:
//! - The upper end of every range is stretched by 2⁻²³ of itself, so the bins are taken from its radial axis.
//! - With an explicit range, bin 0 without splitting also holds pixels from below the range; with splitting, pixels
//!   that the range cuts are treated in its own way: bins 8 … −8 are compared (bins 1 … without splitting).
//! - The Poisson variance is max(c, 1). Ours is c \[E4\]; so its variances are compared with those of the frame
//!   max(c, 1).
//! - Corners are kept as f32. With positions x below 512 nm⁻¹ that is an error of up to 1.5e-5 nm⁻¹ at both ends of
//!   a pixel 0.43 nm⁻¹ wide, so a share may be wrong by 7e-5 and one hot pixel of 33,554,431 counts spoils a bin by
//!   up to 2000. Worked by hand for pixel (159, 278) of `tilted`, bounding box: shares in bins 422, 423, 424 are
//!   0.1528957, 0.7550496, 0.0920546 in f64 and 0.1528985, 0.7550436, 0.0920579 with f32 corners. Ours are the f64 ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use halor::correct::{Correction, Dark, SignalModel, pixel_norm};
use halor::engine::Engine;
use halor::engine::cpu::CpuEngine;
use halor::frame::{Counts, Frame, FrameHeader, Mask};
use halor::geometry::{Detector, Geometry, read_poni};
use halor::grid::Bins;
use halor::integrate::{
    Accumulators, Azimuth, CakeAxes, Filter, Fold, IntegrationPlan, PlanSpec, RadialUnit, Region, Splitting,
};
use tiff::decoder::{Decoder, DecodingResult};

use crate::common::{data, npz};

/// Error that the reference's f32 corners may make in the share of a pixel.
#[derive(Clone, Copy)]
struct CornerError {
    share: f64,
    /// Counts from which a pixel's share is allowed this error; for the others the relative tolerance holds.
    from_counts: i32,
}

/// Along the radial axis, see above. Below 100,000 counts it is less than the tolerance of a bin of a ring.
const RING: CornerError = CornerError { share: 7e-5, from_counts: 100_000 };

/// A bin of a cake may hold slivers of a few pixels and nothing else, so there each pixel's share counts. Azimuths
/// of up to π rad have errors of 1.2e-7 at both ends of a pixel, which is 1e-3 rad wide 1000 pixels from the beam:
/// 2.4e-4 more.
const CAKE: CornerError = CornerError { share: 3.1e-4, from_counts: 0 };

pub(crate) struct Setup {
    pub(crate) folder: PathBuf,
    pub(crate) geometry: Geometry,
    pub(crate) mask: Mask,
}

pub(crate) fn setups() -> Vec<Setup> {
    let open = |name| {
        let folder = data(&format!("pyfai/{name}"))?;
        let text = std::fs::read_to_string(folder.join("geom.poni")).unwrap();
        let poni = read_poni(&text).unwrap().poni(None).unwrap();
        let detector = Detector::named("Pilatus CdTe 300k").unwrap();
        let DecodingResult::U8(mask) = tiff(&folder.join("mask.tif")) else { panic!("mask is not u8") };
        let mask = Mask { shape: detector.shape, bad: mask.iter().map(|value| *value != 0).collect() };
        Some(Setup { folder, geometry: Geometry { poni, detector, parallax: None }, mask })
    };
    ["centred", "tilted"].into_iter().filter_map(open).collect()
}

pub(crate) fn tiff(path: &Path) -> DecodingResult {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    Decoder::new(file).unwrap().read_image().unwrap()
}

/// What pyFAI was told.
struct Case {
    unit: RadialUnit,
    splitting: Splitting,
    bins: Bins,
    sectors: Vec<Azimuth>,
    cake: Option<CakeAxes>,
    corrections: Vec<Correction>,
    dark: Option<Dark>,
    flat: Option<Vec<f32>>,
    normalization: f64,
}

impl Case {
    fn new(unit: RadialUnit, splitting: Splitting, radial: &[f64]) -> Self {
        let corrections = vec![Correction::SolidAngle, Correction::Polarization { factor: 0.99 }];
        let bins = bins(unit, radial);
        Case {
            unit,
            splitting,
            bins,
            sectors: Vec::new(),
            cake: None,
            corrections,
            dark: None,
            flat: None,
            normalization: 1.0,
        }
    }
}

/// Bins around the reference's points, in our unit (its Q is in nm⁻¹).
pub(crate) fn bins(unit: RadialUnit, radial: &[f64]) -> Bins {
    let to_ours = match unit {
        RadialUnit::QInvAngstrom => 0.1,
        RadialUnit::TwoThetaDeg | RadialUnit::DAngstrom => 1.0,
    };
    let half = 0.5 * (radial[radial.len() - 1] - radial[0]) / (radial.len() - 1) as f64;
    // `auto` starts exactly at the lowest pixel: 1e-12 keeps rounding from losing it.
    let lower = ((radial[0] - half) * to_ours * (1.0 - 1e-12)).max(0.0);
    Bins { lower, upper: (radial[radial.len() - 1] + half) * to_ours, count: radial.len() }
}

/// Our answer and what it may differ by.
struct Answer {
    plan: Arc<IntegrationPlan>,
    sums: Accumulators,
    /// Of the frame max(c, 1).
    variance: Vec<f64>,
    /// What f32 corners may do to the signal and the norm of each bin.
    corner_error: Vec<[f64; 2]>,
}

fn integrate(setup: &Setup, k: usize, corners: CornerError, case: Case) -> Answer {
    let DecodingResult::I32(counts) = tiff(&setup.folder.join(format!("frame{k}.tif"))) else {
        panic!("frame is not i32")
    };
    let mut regions = vec![Region { name: "ring".into(), azimuth: Azimuth::Ring }];
    regions.extend(
        case.sectors.iter().enumerate().map(|(i, azimuth)| Region { name: i.to_string(), azimuth: *azimuth }),
    );
    let shape = setup.geometry.detector.shape;
    let plan = IntegrationPlan::build(PlanSpec {
        norm: pixel_norm(&setup.geometry, &case.corrections, case.flat.as_deref()),
        geometry: setup.geometry.clone(),
        unit: case.unit,
        bins: case.bins,
        regions,
        cake: case.cake,
        splitting: case.splitting,
        filter: Filter::Off,
        mask: &setup.mask,
        corrections: case.corrections,
        flat: case.flat,
        signal: SignalModel { dark: case.dark, ..SignalModel::default() },
    });
    let plan = Arc::new(plan.unwrap());
    let mut corner_error = vec![[0.0; 2]; plan.accumulator_len()];
    for (pixel, count) in counts.iter().enumerate().filter(|(_, count)| **count >= corners.from_counts) {
        for (bin, _) in plan.entries(pixel).filter(|_| case.splitting != Splitting::None) {
            corner_error[bin][0] += corners.share * f64::from(*count);
            corner_error[bin][1] += corners.share * plan.norm[pixel];
        }
    }
    let at_least_one = counts.iter().map(|count| if *count == 0 { 1 } else { *count }).collect();
    let frame = |counts| Frame { shape, counts: Counts::I32(counts), header: FrameHeader::default() };
    let mut both = CpuEngine::new(plan.clone())
        .integrate(&[frame(counts.into()), frame(at_least_one)])
        .unwrap()
        .into_iter();
    let mut sums = both.next().unwrap();
    sums.scale_norm(case.normalization);
    Answer { plan, sums, variance: both.next().unwrap().variance, corner_error }
}

impl Answer {
    /// Compares sums, I and σ of a region with the reference `of(key)`, in the bins of `range`.
    ///
    /// Tolerance, relative to the reference's value: without splitting 1e-5; its sums are of integers and exact,
    /// its norm has 24 bits. With splitting 1e-4, from the f32 corners. All terms of a sum are positive, so that
    /// holds for the weak frame, too, whatever σ; only bins with hot pixels get the addend of [`CornerError`].
    fn compare(
        &self,
        name: &str,
        region: usize,
        range: std::ops::Range<usize>,
        keys: &[&str],
        of: impl Fn(&str) -> Vec<f64>,
    ) -> f64 {
        let relative = match self.plan.splitting {
            Splitting::None => 1e-5,
            Splitting::BoundingBox | Splitting::Full => 1e-4,
        };
        let pattern = self.sums.pattern(&self.plan, region);
        let offset = region * self.plan.bins.count;
        let mut worst: f64 = 0.0;
        for key in keys {
            let reference = of(key);
            assert_eq!(reference.len(), self.plan.bins.count, "{name} {key}");
            for bin in range.clone() {
                let (norm, variance) = (self.sums.norm[offset + bin], self.variance[offset + bin]);
                let [of_signal, of_norm] = self.corner_error[offset + bin];
                // d(w²) = 2w·dw, w ≤ 1; the ratios by their derivatives.
                let (found, addend) = match *key {
                    "sum_signal" => (self.sums.signal[offset + bin], of_signal),
                    "sum_normalization" => (norm, of_norm),
                    "sum_variance" => (variance, 2.0 * of_signal),
                    "intensity" => {
                        (pattern.intensity[bin], (of_signal + pattern.intensity[bin] * of_norm) / norm)
                    }
                    "sigma" => {
                        let sigma = variance.sqrt() / norm;
                        (sigma, sigma * (of_signal / variance + of_norm / norm))
                    }
                    other => panic!("{other}"),
                };
                if norm == 0.0 {
                    assert_eq!(reference[bin], 0.0, "{name} {key} bin {bin}: empty here only");
                    continue;
                }
                let error = (found - reference[bin]).abs();
                let allowed = relative * reference[bin].abs() + addend;
                assert!(
                    error <= allowed,
                    "{name} {key} bin {bin}: {found}, pyFAI {}, off by {error:e}, allowed {allowed:e}",
                    reference[bin]
                );
                worst = worst.max(if addend == 0.0 { error / reference[bin].abs() } else { 0.0 });
            }
        }
        worst
    }
}

const SPLITTINGS: [(&str, Splitting); 3] =
    [("no", Splitting::None), ("bbox", Splitting::BoundingBox), ("full", Splitting::Full)];

const ALL: [&str; 5] = ["sum_signal", "sum_normalization", "sum_variance", "intensity", "sigma"];

/// Which bins are compared, see the head of this file.
fn clean(splitting: Splitting, explicit_range: bool, count: usize) -> std::ops::Range<usize> {
    match (splitting, explicit_range) {
        (Splitting::None, true) => 1..count,
        (_, true) => 8..count - 8,
        (Splitting::None, false) => 0..count,
        // Bins 0 and 1 of `centred` hold the pixel that the beam hits, see `centre_of_the_pattern`.
        (_, false) => 2..count,
    }
}

#[test]
fn rings() {
    for setup in setups() {
        for k in 0..2 {
            let path = setup.folder.join(format!("frame{k}_1d.npz"));
            for (tag, unit) in [("q", RadialUnit::QInvAngstrom), ("2th", RadialUnit::TwoThetaDeg)] {
                for (split, splitting) in SPLITTINGS {
                    for (range, explicit) in [("range", true), ("auto", false)] {
                        let of = |key: &str| npz(&path, &format!("{tag}_{split}_{range}_{key}")).values;
                        let radial = of("radial");
                        let answer = integrate(&setup, k, RING, Case::new(unit, splitting, &radial));
                        let name = format!("{} {tag}_{split}_{range}", path.display());
                        let worst =
                            answer.compare(&name, 0, clean(splitting, explicit, radial.len()), &ALL, of);
                        println!("{name}: {worst:.1e}");
                    }
                }
            }
        }
    }
}

#[test]
fn without_corrections() {
    for setup in setups() {
        let path = setup.folder.join("frame0_1d.npz");
        for (split, splitting) in SPLITTINGS {
            let of = |key: &str| npz(&path, &format!("q_{split}_nocorr_{key}")).values;
            let radial = of("radial");
            let case =
                Case { corrections: vec![], ..Case::new(RadialUnit::QInvAngstrom, splitting, &radial) };
            let answer = integrate(&setup, 0, RING, case);
            let keys = ["sum_signal", "sum_normalization", "intensity"];
            answer.compare(split, 0, clean(splitting, true, radial.len()), &keys, of);
        }
    }
}

/// Dark, flat, a sensor that lets through 0.7 at normal incidence, and a monitor of 2.5.
#[test]
fn all_corrections() {
    for setup in setups() {
        let fields = setup.folder.join("dark_flat.npz");
        let field = |key| npz(&fields, key).values.iter().map(|value| *value as f32).collect::<Vec<f32>>();
        for k in 0..2 {
            let path = setup.folder.join(format!("frame{k}_1d.npz"));
            let of = |key: &str| npz(&path, &format!("q_full_allcorr_{key}")).values;
            let radial = of("radial");
            let mut case = Case::new(RadialUnit::QInvAngstrom, Splitting::Full, &radial);
            case.corrections
                .push(Correction::SensorEfficiency { mu_per_m: -0.7f64.ln() / 1e-3, thickness_m: 1e-3 });
            let counts = field("dark");
            case.dark = Some(Dark { variance: vec![0.0; counts.len()], counts });
            case.flat = Some(field("flat"));
            case.normalization = 2.5;
            let answer = integrate(&setup, k, RING, case);
            let name = format!("{} q_full_allcorr", path.display());
            let worst = answer.compare(&name, 0, clean(Splitting::Full, true, radial.len()), &ALL, of);
            println!("{name}: {worst:.1e}");
        }
    }
}

/// Without splitting only: with it, the reference counts every pixel that touches the sector whole.
#[test]
fn sectors() {
    let sectors = [(-5, 5), (85, 95), (170, 190), (-120, -60)];
    for setup in setups() {
        for k in 0..2 {
            let path = setup.folder.join(format!("frame{k}_sectors.npz"));
            let radial = npz(&path, "no_-5_5_radial").values;
            let mut case = Case::new(RadialUnit::QInvAngstrom, Splitting::None, &radial);
            case.sectors = sectors
                .iter()
                .map(|(from, to)| Azimuth::Sector {
                    centre_deg: 0.5 * f64::from(from + to),
                    width_deg: f64::from(to - from),
                    fold: Fold::Single,
                })
                .collect();
            let answer = integrate(&setup, k, RING, case);
            for (i, (from, to)) in sectors.iter().enumerate() {
                let of = |key: &str| npz(&path, &format!("no_{from}_{to}_{key}")).values;
                answer.compare(&format!("{} {from} {to}", path.display()), i + 1, 1..radial.len(), &ALL, of);
            }
        }
    }
}

/// Azimuthal bins at ±π are left out, like bin 0 of an explicit range.
///
/// Without full splitting: in two dimensions the reference's full splitting is approximate. In `tilted`, pixel
/// (396, 486) has 0.0457 of its area in the bin at −98° and radial bin 53 by the polygon and 0.0459 by cutting the
/// pixel into 200 × 200 parts on the detector; the reference's bin is empty. In `centred` at 138°, bin 264, it
/// has 0.188 pixels where polygon and parts have 0.2438. Ours are held to the parts in `engines::shares_of_sectors`.
#[test]
fn cake() {
    for setup in setups() {
        let path = setup.folder.join("frame0_cake.npz");
        for (split, splitting) in [SPLITTINGS[0], SPLITTINGS[1]] {
            let of = |key: &str| npz(&path, &format!("{split}_{key}")).values;
            let (radial, azimuthal) = (of("radial"), of("azimuthal"));
            let mut case = Case::new(RadialUnit::QInvAngstrom, splitting, &radial);
            case.cake = Some(CakeAxes { azimuth_bins: azimuthal.len(), radial: case.bins });
            let answer = integrate(&setup, 0, CAKE, case);
            let images: Vec<(&str, Vec<f64>)> = ALL.iter().map(|key| (*key, of(key))).collect();
            let centres = CakeAxes { azimuth_bins: 90, radial: answer.plan.bins }.azimuth_deg().centres();
            for azimuth in 1..89 {
                assert!((centres[azimuth] - azimuthal[azimuth]).abs() < 1e-4);
                let row = |key: &str| {
                    let image = &images.iter().find(|(name, _)| *name == key).unwrap().1;
                    image[azimuth * radial.len()..(azimuth + 1) * radial.len()].to_vec()
                };
                let name = format!("{} {split} {}", path.display(), azimuthal[azimuth]);
                // A row of cells has as many bins as the ring before them.
                answer.compare(&name, azimuth + 1, clean(splitting, true, radial.len()), &ALL, row);
            }
        }
    }
}

/// Bins 0 and 1 of `centred`, `auto`, hold a few pixels around the beam. The reference treats the pixel that the beam
/// hits as a quadrilateral or a box in (q, χ), which it is not. Neither is the truth there, as the edges of the
/// other pixels beside the beam are no straight lines in (q, χ); but ours is nearer. In pixels, for parts of 1/100
/// pixel that count whole in the bin of their centre (truth), ours, pyFAI:
/// bounding box, from q = 0: 0.943 2.827, 1.344 2.825, 1.428 2.741; full, from q = 0.16: 2.078 3.962, 1.912 3.999,
/// 2.007 4.182.
#[test]
fn centre_of_the_pattern() {
    for setup in setups().iter().filter(|setup| setup.folder.ends_with("centred")) {
        for (split, splitting) in [SPLITTINGS[1], SPLITTINGS[2]] {
            let path = setup.folder.join("frame0_1d.npz");
            let of = |key: &str| npz(&path, &format!("q_{split}_auto_{key}")).values;
            let case =
                Case { corrections: vec![], ..Case::new(RadialUnit::QInvAngstrom, splitting, &of("radial")) };
            let bins = case.bins;
            let answer = integrate(setup, 0, RING, case);
            let [column, row] = setup.geometry.beam_centre_px().unwrap();
            let mut truth = [0.0; 2];
            for i in -500..500 {
                for j in -500..500 {
                    let (row, column) = (row + f64::from(i) * 0.01, column + f64::from(j) * 0.01);
                    let position = bins.position(setup.geometry.momentum_transfer(row, column));
                    if (0.0..2.0).contains(&position) {
                        truth[position as usize] += 1e-4;
                    }
                }
            }
            let off = |found: &[f64]| (found[0] - truth[0]).abs() + (found[1] - truth[1]).abs();
            let (ours, theirs) = (off(&answer.sums.norm), off(&of("count")));
            assert!(ours < theirs, "{split}: ours is off by {ours} pixels, pyFAI by {theirs}");
        }
    }
}
