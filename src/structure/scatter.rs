//! What the fitted scale and constant add to the uncertainties of F \[E11a\].
//!
//! F depends on each point of I directly and through the fitted numbers p_t. With e the independent errors that F would have
//! if they were known, δF = e + Σ_t (∂F/∂p_t)(g_t·e) to first order, g_t = ∂p_t/∂e. A linear y = L·F has
//! σ_y² = Σ_k σ_k²(L_k + Σ_t (L·∂F/∂p_t) g_tk)².

use super::f_grid::FGrid;
use super::polynomial::dot;

/// A number that is fitted to the pattern, and what it does to values at the m measured points.
#[derive(Debug, Clone)]
pub(super) struct Fitted {
    /// ∂(value)/∂p, m points.
    pub(super) response: Vec<f64>,
    /// ∂p/∂e with e the error that the value would have if p were known, m points.
    pub(super) gradient: Vec<f64>,
}

/// How F scatters with the fitted scale and constant; the default is a normalisation that is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scatter {
    terms: Vec<Term>,
    /// cov(p_t, p_t′).
    covariance: Vec<Vec<f64>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Term {
    /// ∂F/∂p, m points.
    response: Vec<f64>,
    /// ∂p/∂e, m points.
    gradient: Vec<f64>,
    /// ∂F/∂p after extension and polynomial, n points.
    final_response: Vec<f64>,
    /// cov(F, p) after extension and polynomial with F as if p were known, n points.
    final_covariance: Vec<f64>,
}

impl Scatter {
    /// `fitted` in F, `variance` of its m measured points.
    pub(super) fn new(fitted: Vec<Fitted>, variance: &[f64], grid: &FGrid) -> Scatter {
        let with_variance = |g: &[f64]| g.iter().zip(variance).map(|(g, v)| g * v).collect::<Vec<f64>>();
        let weighted: Vec<Vec<f64>> = fitted.iter().map(|p| with_variance(&p.gradient)).collect();
        let covariance =
            fitted.iter().map(|p| weighted.iter().map(|w| dot(w, &p.gradient)).collect()).collect();
        let terms = fitted
            .into_iter()
            .zip(&weighted)
            .map(|(p, weighted)| Term {
                final_response: grid.complete_change(&p.response),
                final_covariance: grid.complete_change(weighted),
                response: p.response,
                gradient: p.gradient,
            })
            .collect();
        Scatter { terms, covariance }
    }

    /// The vectors of n points that [`Scatter::added_variance`] needs the products of.
    pub fn vectors(&self) -> impl Iterator<Item = &[f64]> {
        self.terms.iter().flat_map(|term| [term.final_response.as_slice(), term.final_covariance.as_slice()])
    }

    /// What has to be added to the variance that L·F would have if scale and constant were known; `product` is that of the
    /// row L (n points) with the vector of this index in [`Scatter::vectors`].
    pub fn added_variance(&self, product: impl Fn(usize) -> f64) -> f64 {
        let responses: Vec<f64> = (0..self.terms.len()).map(|term| product(2 * term)).collect();
        let mut added = 0.0;
        for ((term, response), covariance) in responses.iter().enumerate().zip(&self.covariance) {
            added += response * (2.0 * product(2 * term + 1) + dot(covariance, &responses));
        }
        added
    }

    /// ∂/∂e of a number from its ∂/∂F, both m points.
    pub(super) fn adjoint(&self, gradient: &mut [f64]) {
        let shares: Vec<f64> = self.terms.iter().map(|term| dot(&term.response, gradient)).collect();
        for (term, share) in self.terms.iter().zip(shares) {
            gradient.iter_mut().zip(&term.gradient).for_each(|(g, by_e)| *g += share * by_e);
        }
    }
}
