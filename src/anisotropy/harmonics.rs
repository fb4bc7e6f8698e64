//! S(Q, χ) at each Q on 1, cos 2φ and sin 2φ, φ = χ − χ0 \[E12\].

use super::plan::Sectors;
use crate::stats::least_squares;

/// The expansion against Q, m points; NaN where too much of the ring is masked.
#[derive(Debug, Clone, PartialEq)]
pub struct Harmonics {
    /// Q in Å⁻¹.
    pub q: Vec<f64>,
    /// Mean over the azimuth.
    pub mean: Vec<f64>,
    /// Its σ.
    pub mean_sigma: Vec<f64>,
    /// S_0 of \[E12\].
    pub s0: Vec<f64>,
    /// Its σ.
    pub s0_sigma: Vec<f64>,
    /// S_2 of \[E12\].
    pub s2: Vec<f64>,
    /// Its σ.
    pub s2_sigma: Vec<f64>,
    /// S_2 of an affine strain as large as the one found.
    pub s2_affine: Vec<f64>,
    /// Bins that a pixel covers: σ are for sums over points \[E4a\], those of single points are smaller by the root of this.
    pub footprint: Vec<f64>,
    /// χ² of the sectors about the expansion at all Q together.
    pub chi2: f64,
    /// Its degrees of freedom.
    pub freedom: usize,
}

/// cos 2φ in √5 P_2(cos θ cos φ) over cos²θ: (3/4)√5.
const BY_COS_2: f64 = 0.75 * 2.236_067_977_499_79;

impl Harmonics {
    /// By weighted least squares at each Q. With P_2 = ¾cos²θ(1 + cos 2φ) − ½ the coefficient A of cos 2φ is S_2·(¾√5 cos²θ), and the
    /// mean over φ is S_0 + √5 S_2(¾cos²θ − ½); sin 2φ takes what is not about the axis.
    pub(super) fn of(sectors: &Sectors<'_>, load_axis_deg: f64) -> Harmonics {
        let (columns, points) = (sectors.columns(load_axis_deg), sectors.q.len());
        let empty = || vec![f64::NAN; points];
        let mut all = Harmonics {
            q: sectors.q.to_vec(),
            mean: empty(),
            mean_sigma: empty(),
            s0: empty(),
            s0_sigma: empty(),
            s2: empty(),
            s2_sigma: empty(),
            s2_affine: empty(),
            footprint: sectors.footprint.to_vec(),
            chi2: 0.0,
            freedom: 0,
        };
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        for k in 0..points {
            let y: Vec<f64> = sectors.parts.iter().map(|part| part.s[k]).collect();
            let sigma: Vec<f64> = sectors.parts.iter().map(|part| part.sigma[k]).collect();
            let there = y.iter().zip(&sigma).filter(|(y, s)| y.is_finite() && **s > 0.0).count();
            if 2 * there < sectors.parts.len() {
                continue;
            }
            let Some(fit) = least_squares(&columns, &y, &sigma) else { continue };
            let cos_squared = sectors.cos_squared_theta(k);
            let by_s2 = BY_COS_2 * cos_squared;
            // ∂S_0/∂S_2 at the same mean.
            let mean_p2 = 5f64.sqrt() * (0.75 * cos_squared - 0.5);
            let (s2, along) = (fit.values[1] / by_s2, mean_p2 / by_s2);
            all.mean[k] = fit.values[0];
            all.mean_sigma[k] = fit.sigma(0);
            all.s2[k] = s2;
            all.s2_sigma[k] = fit.sigma(1) / by_s2;
            all.s0[k] = fit.values[0] - mean_p2 * s2;
            let covariance = &fit.covariance;
            let variance =
                covariance[(0, 0)] - 2.0 * along * covariance[(0, 1)] + along * along * covariance[(1, 1)];
            all.s0_sigma[k] = variance.max(0.0).sqrt();
            all.chi2 += fit.chi2 * sectors.footprint[k];
            all.freedom += fit.freedom;
        }
        all
    }

    /// S_2 = 2/(3√5)·(ε∥ − ε⊥)·Q S_0′ of an affine strain \[E12\]; NaN where the slope of S_0 is not known, at the ends and
    /// beside holes.
    pub(super) fn set_affine(&mut self, along_less_across: f64) {
        let factor = 2.0 / (3.0 * 5f64.sqrt()) * along_less_across;
        let slope = super::slope::slope(&self.q, &self.s0);
        self.s2_affine = self.q.iter().zip(slope).map(|(q, slope)| factor * q * slope).collect();
    }

    /// S_2 less that of the affine strain.
    pub fn rest(&self) -> Vec<f64> {
        self.s2.iter().zip(&self.s2_affine).map(|(s2, affine)| s2 - affine).collect()
    }
}
