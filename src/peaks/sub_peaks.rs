//! The first peak of G(r) as a sum of Gaussians, one for each group of pairs of elements \[E21\].

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use serde::Serialize;

use super::Measured;
use super::pair_groups::{PairGroup, groups};
use super::skew::{MOST_SKEWNESS, SkewNormal};
use crate::pdf::{Pdf, TransformPlan};
use crate::scattering::Composition;
use crate::structure::StructureFactor;

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct SubPeakSettings {
    /// Range of r in Å that is fitted: from before the first atoms to the minimum behind the peak.
    pub r_range: [f64; 2],
    /// The most Gaussians.
    pub most: usize,
    /// What they may look like.
    pub shape: SubPeakShape,
}

/// What the peaks of the sum may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubPeakShape {
    /// Gaussians.
    Gaussian,
    /// Gaussians, and skewed ones of one common skewness beside them: the criterion tells which.
    GaussianOrSkewed,
}

/// One Gaussian of R(r).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubPeak {
    /// Pairs of elements that it began as, such as `Zr-Cu Zr-Ni`.
    pub pairs: String,
    /// Sum of their weights w_ij at Q = 0.
    pub weight: f64,
    /// Mean distance in Å.
    pub position: Measured,
    /// Standard deviation in Å; the same for all.
    pub width: Measured,
    /// Skewness, the same for all; `None` for Gaussians.
    pub skewness: Option<Measured>,
    /// Area in R: Σ w_ij N_ij/c_j over its pairs.
    pub area: Measured,
}

/// A fit with so many Gaussians.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubPeakFit {
    /// The Gaussians, by their distance.
    pub peaks: Vec<SubPeak>,
    /// Their areas together: the coordination number by fit, as the X-rays count.
    pub coordination_number: Measured,
    /// χ² with the covariance of G.
    pub chi2: f64,
    /// Independent points of G in the range.
    pub points: usize,
    /// Akaike's criterion for few points, χ² + 2k + 2k(k + 1)/(n − k − 1) (Hurvich & Tsai, Biometrika 76 (1989) 297).
    pub aicc: f64,
}

/// A distance stays within so many Å of the sum of the atoms' radii.
const REACH_ANGSTROM: f64 = 0.3;
/// Bounds of the standard deviation in Å, and where it begins.
const WIDTH: [f64; 2] = [0.03, 0.5];
const FIRST_WIDTH: f64 = 0.12;
/// Where the skewness begins: pairs of atoms come less close than they go apart.
const FIRST_SKEWNESS: f64 = 0.1;
/// A Gaussian that has less of the shell than this, a distance or width at its bound, and a distance that is not known to within its
/// bounds are no result.
const LEAST_AREA: f64 = 1e-3;
/// Part of the largest variance of G below which a direction holds nothing.
const UNSEEN: f64 = 1e-6;
/// Steps of the fit, at most; a minimum ends it.
const STEPS: usize = 200;

/// Whether a skewness is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skew {
    None,
    Common,
}

/// Points of G in the range, and what makes them independent.
struct Points<'a> {
    transform: &'a TransformPlan,
    indices: Vec<usize>,
    /// Rows: directions of unit variance.
    whiten: DMatrix<f64>,
    /// G + 4πρ0r in these directions.
    target: DVector<f64>,
}

/// Fits with 1 to `most` peaks, the best by AICc first; none where the range holds too few points or no fit stays within its bounds.
///
/// `density` in atoms per Å³. There is no fit where an element has no radius.
pub fn sub_peaks(
    settings: &SubPeakSettings,
    composition: &Composition,
    weights: &[(String, f64)],
    density: f64,
    transform: &TransformPlan,
    structure: &StructureFactor,
    pdf: &Pdf,
) -> Vec<SubPeakFit> {
    let Some(points) = Points::new(settings, density, transform, structure, pdf) else { return Vec::new() };
    let skews: &[Skew] = match settings.shape {
        SubPeakShape::Gaussian => &[Skew::None],
        SubPeakShape::GaussianOrSkewed => &[Skew::None, Skew::Common],
    };
    let mut fits: Vec<SubPeakFit> = (1..=settings.most)
        .filter_map(|count| groups(composition, weights, count).filter(|groups| groups.len() == count))
        .flat_map(|groups| skews.iter().filter_map(|skew| points.fit(&groups, *skew)).collect::<Vec<_>>())
        .collect();
    fits.sort_by(|a, b| a.aicc.total_cmp(&b.aicc));
    fits
}

impl<'a> Points<'a> {
    fn new(
        settings: &SubPeakSettings,
        density: f64,
        transform: &'a TransformPlan,
        structure: &StructureFactor,
        pdf: &Pdf,
    ) -> Option<Points<'a>> {
        let r = transform.r();
        let step = (r[r.len() - 1] - r[0]) / (r.len() - 1) as f64;
        // Half of the distance of independent points: directions that hold nothing are left out below.
        let every =
            (0.5 * std::f64::consts::PI / transform.f_grid().q_max() / step).round().max(1.0) as usize;
        let [low, high] = settings.r_range;
        let inside: Vec<usize> = (0..r.len()).filter(|k| (low..=high).contains(&r[*k])).collect();
        let indices: Vec<usize> = inside.into_iter().step_by(every).collect();
        let n = indices.len();
        if n < 4 {
            return None;
        }
        let covariance = DMatrix::from_vec(n, n, transform.covariance_at(&indices, structure));
        let SymmetricEigen { eigenvectors, eigenvalues } = SymmetricEigen::new(covariance);
        let largest = eigenvalues.max();
        let seen: Vec<usize> = (0..n).filter(|k| eigenvalues[*k] > UNSEEN * largest).collect();
        let whiten = DMatrix::from_fn(seen.len(), n, |row, column| {
            eigenvectors[(column, seen[row])] / eigenvalues[seen[row]].sqrt()
        });
        let slope = 4.0 * std::f64::consts::PI * density;
        let above = DVector::from_iterator(n, indices.iter().map(|k| pdf.g[*k] + slope * r[*k]));
        Some(Points { transform, target: &whiten * above, whiten, indices })
    }

    /// G of one peak of R with area 1, through Qmax and window: F is the mean of sin(Q r) over it, over its position; of a Gaussian
    /// sin(Q r)/r·e^{−Q²s²/2}.
    fn peak(&self, position: f64, shape: &SkewNormal) -> DVector<f64> {
        let q = self.transform.f_grid().q().iter();
        let f: Vec<f64> = q.map(|q| shape.sine(*q, position) / position).collect();
        let g = self.indices.iter().map(|index| crate::structure::dot(self.transform.row(*index), &f));
        &self.whiten * DVector::from_iterator(self.indices.len(), g)
    }

    /// Parameters: positions, areas, the common width, and the common skewness where there is one.
    fn model(&self, parameters: &[f64]) -> DVector<f64> {
        let count = (parameters.len() - 1) / 2;
        let skewness = parameters.get(2 * count + 1).copied().unwrap_or(0.0);
        let shape = SkewNormal::new(parameters[2 * count], skewness);
        let mut sum = DVector::zeros(self.target.len());
        for k in 0..count {
            sum += parameters[count + k] * self.peak(parameters[k], &shape);
        }
        sum
    }

    /// Levenberg and Marquardt's way within the bounds, from the groups' distances.
    fn fit(&self, groups: &[PairGroup], skew: Skew) -> Option<SubPeakFit> {
        let (count, points) = (groups.len(), self.target.len());
        let free = match skew {
            Skew::None => 2 * count + 1,
            Skew::Common => 2 * count + 2,
        };
        if points <= free + 1 {
            return None;
        }
        let mut bounds: Vec<[f64; 2]> =
            groups.iter().map(|g| [g.distance - REACH_ANGSTROM, g.distance + REACH_ANGSTROM]).collect();
        bounds.extend(groups.iter().map(|_| [0.0, 100.0]));
        bounds.extend([WIDTH, [-MOST_SKEWNESS, MOST_SKEWNESS]]);
        let mut at: Vec<f64> = groups.iter().map(|group| group.distance).collect();
        at.extend(groups.iter().map(|group| 12.0 * group.weight));
        at.extend([FIRST_WIDTH, FIRST_SKEWNESS]);
        bounds.truncate(free);
        at.truncate(free);
        let chi2 = |parameters: &[f64]| (&self.target - self.model(parameters)).norm_squared();
        let (mut best, mut damping) = (chi2(&at), 1e-3);
        for _ in 0..STEPS {
            let (normal, gradient) = self.normal(&at);
            let mut damped = normal.clone();
            for k in 0..free {
                damped[(k, k)] *= 1.0 + damping;
            }
            let step = damped.cholesky()?.solve(&gradient);
            let next: Vec<f64> =
                (0..free).map(|k| (at[k] + step[k]).clamp(bounds[k][0], bounds[k][1])).collect();
            let there = chi2(&next);
            if there < best {
                let done = best - there < 1e-9 * best.max(1.0);
                (at, best, damping) = (next, there, (damping * 0.3).max(1e-12));
                if done {
                    break;
                }
            } else if damping > 1e12 {
                break;
            } else {
                damping *= 4.0;
            }
        }
        let at_bound = (0..free).any(|k| at[k] - bounds[k][0] < 1e-9 || bounds[k][1] - at[k] < 1e-9);
        if at_bound || at[count..2 * count].iter().any(|area| *area < LEAST_AREA) {
            return None;
        }
        // Where the model is not the glass, σ from counting says nothing: what is left counts too.
        let scatter = (best / (points - free) as f64).max(1.0);
        let covariance = self.normal(&at).0.cholesky()?.inverse() * scatter;
        if (0..count).any(|k| covariance[(k, k)].sqrt() > REACH_ANGSTROM) {
            return None;
        }
        let number = |k: usize| Measured { value: at[k], sigma: covariance[(k, k)].sqrt() };
        let mut peaks: Vec<SubPeak> = groups
            .iter()
            .enumerate()
            .map(|(k, group)| SubPeak {
                pairs: group.names.join(" "),
                weight: group.weight,
                position: number(k),
                width: number(2 * count),
                skewness: match skew {
                    Skew::None => None,
                    Skew::Common => Some(number(2 * count + 1)),
                },
                area: number(count + k),
            })
            .collect();
        peaks.sort_by(|a, b| a.position.value.total_cmp(&b.position.value));
        let areas = count..2 * count;
        let variance: f64 =
            areas.clone().flat_map(|i| areas.clone().map(move |j| (i, j))).map(|ij| covariance[ij]).sum();
        let coordination_number = Measured { value: at[areas].iter().sum(), sigma: variance.max(0.0).sqrt() };
        let (k, n) = (free as f64, points as f64);
        let aicc = best + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0);
        Some(SubPeakFit { peaks, coordination_number, chi2: best, points, aicc })
    }

    /// JᵀJ and Jᵀ(target − model); derivatives by differences.
    fn normal(&self, at: &[f64]) -> (DMatrix<f64>, DVector<f64>) {
        let columns: Vec<DVector<f64>> = (0..at.len())
            .map(|k| {
                let moved = |by: f64| {
                    let mut moved = at.to_vec();
                    moved[k] += by;
                    self.model(&moved)
                };
                let by = 1e-5 * at[k].abs().max(0.1);
                (moved(by) - moved(-by)) / (2.0 * by)
            })
            .collect();
        let jacobian = DMatrix::from_columns(&columns);
        let rest = &self.target - self.model(at);
        (jacobian.tr_mul(&jacobian), jacobian.tr_mul(&rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Bins, Points as Axis};
    use crate::pdf::{TransformSettings, Window};
    use crate::structure::{
        AbsoluteSettings, Fluorescence, Form, LowQ, Normalization, Scatter, StructurePlan, StructureSettings,
    };

    /// Two shells of atoms of known distance, width and area, seen through 25 Å⁻¹, with σ of F that tells them apart.
    fn fits(truth: &[(f64, f64)], skewness: f64, shape: SubPeakShape) -> Vec<SubPeakFit> {
        let composition = Composition::parse("Zr60 Cu40").unwrap();
        let q = Bins { lower: 0.5, upper: 25.0, count: 1500 }.centres();
        let settings = AbsoluteSettings {
            energy_kev: 100.0,
            density_per_cubic_angstrom: Some(0.05),
            q_range: [0.6, 24.9],
            normalization: Normalization::HighQ { q_min: 10.0 },
            form: Form::FaberZiman,
            fluorescence: Fluorescence::None,
            polynomial: None,
            iteration: None,
            low_q: LowQ::Parabola,
            multiple_scattering: None,
        };
        let plan = StructurePlan::new(&StructureSettings::Absolute(settings), &composition, &q).unwrap();
        let axis = Axis { start: 0.0, step: 0.01, count: 601 };
        let transform =
            TransformPlan::new(&TransformSettings { window: Window::Lorch, r: axis }, plan.f_grid()).unwrap();
        let grid = plan.f_grid();
        let of_shell = SkewNormal::new(0.11, skewness);
        let f: Vec<f64> = grid
            .q()
            .iter()
            .map(|q| truth.iter().map(|(r, n)| n * of_shell.sine(*q, *r) / r).sum::<f64>())
            .collect();
        let n = grid.q().len();
        let measured = n - grid.extension_len();
        let structure = StructureFactor {
            q: grid.q().to_vec(),
            s: f.iter().zip(grid.q()).map(|(f, q)| 1.0 + f / q).collect(),
            sigma: vec![0.001; n],
            uncorrected_f: f.clone(),
            f_sigma: vec![0.03; n],
            footprint: vec![1.0; measured],
            level: vec![1.0; measured],
            scatter: Scatter::default(),
            scale: 1.0,
            constant: 0.0,
            f,
        };
        // ρ0 = 0: all of F is shells.
        let pdf = transform.apply(&structure).unwrap();
        let settings = SubPeakSettings { r_range: [2.0, 4.0], most: 3, shape };
        let weights: Vec<(String, f64)> =
            [("Zr-Zr", 0.42), ("Zr-Cu", 0.46), ("Cu-Cu", 0.12)].map(|(n, w)| (n.to_owned(), w)).to_vec();
        sub_peaks(&settings, &composition, &weights, 0.0, &transform, &structure, &pdf)
    }

    #[test]
    fn two_shells_come_back_and_are_told_from_one_and_three() {
        let truth = [(2.82, 5.0), (3.18, 6.0)];
        let fits = fits(&truth, 0.0, SubPeakShape::GaussianOrSkewed);
        let best = &fits[0];
        assert!(best.peaks.iter().all(|peak| peak.skewness.is_none()), "{best:?}");
        assert_eq!(best.peaks.len(), 2, "{fits:?}");
        for (peak, (r, area)) in best.peaks.iter().zip(truth) {
            assert!(
                (peak.position.value - r).abs() < 1e-4 && (peak.area.value - area).abs() < 1e-3,
                "{peak:?}"
            );
            assert!((peak.width.value - 0.11).abs() < 1e-4);
        }
        assert!((best.coordination_number.value - 11.0).abs() < 2e-3);
    }
    #[test]
    fn a_skew_is_found_where_there_is_one() {
        let truth = [(2.85, 11.0)];
        let found = fits(&truth, 0.6, SubPeakShape::GaussianOrSkewed);
        let best = &found[0];
        assert_eq!(best.peaks.len(), 1, "{found:?}");
        let peak = &best.peaks[0];
        let skewness = peak.skewness.unwrap();
        assert!((skewness.value - 0.6).abs() < 1e-3 && skewness.sigma < 0.2, "{peak:?}");
        assert!(
            (peak.position.value - 2.85).abs() < 1e-4 && (peak.width.value - 0.11).abs() < 1e-4,
            "{peak:?}"
        );
        let gaussians = fits(&truth, 0.6, SubPeakShape::Gaussian);
        assert!(gaussians.iter().all(|fit| fit.peaks.iter().all(|peak| peak.skewness.is_none())));
        assert!(gaussians.first().is_none_or(|fit| fit.aicc > best.aicc));
    }
}
