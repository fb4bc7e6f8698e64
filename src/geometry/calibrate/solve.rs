//! Levenberg–Marquardt for few parameters and many points, with a robust loss (Madsen, Nielsen & Tingleff, Methods for
//! Non-Linear Least Squares Problems, 2004).

use nalgebra::{DMatrix, DVector};

/// How a point that is far off pulls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Loss {
    /// As a spring: r²/2.
    Squares,
    /// ln(1 + r²)/2: beyond one standard deviation less and less.
    Cauchy,
}

impl Loss {
    fn cost(self, squared: f64) -> f64 {
        match self {
            Loss::Squares => 0.5 * squared,
            Loss::Cauchy => 0.5 * squared.ln_1p(),
        }
    }

    /// Derivative of the cost with respect to r²/2.
    fn weight(self, squared: f64) -> f64 {
        match self {
            Loss::Squares => 1.0,
            Loss::Cauchy => 1.0 / (1.0 + squared),
        }
    }
}

/// What is minimised: residuals in units of their standard deviation.
pub(super) struct Problem<'a, M> {
    /// The model at given parameters.
    pub(super) model: &'a dyn Fn(&[f64]) -> M,
    /// Residual of one point in it.
    pub(super) residual: &'a dyn Fn(&M, usize) -> f64,
    /// Number of points.
    pub(super) count: usize,
    /// Steps of the numerical derivatives, one for each parameter; 0 holds the parameter.
    pub(super) steps: &'a [f64],
    /// Value and standard deviation that a parameter is drawn to; an infinite one does not draw.
    pub(super) prior: &'a [(f64, f64)],
    pub(super) loss: Loss,
}

/// A minimum.
#[derive(Debug, Clone)]
pub(super) struct Minimum {
    pub(super) parameters: Vec<f64>,
    /// Half the weighted sum of squares, or what the loss makes of it.
    pub(super) cost: f64,
}

impl<M> Problem<'_, M> {
    /// Walks downhill from `start` in at most `rounds` steps.
    pub(super) fn minimise(&self, start: &[f64], rounds: usize) -> Minimum {
        let mut here = Minimum { parameters: start.to_vec(), cost: self.cost(start) };
        let mut damping = 1e-3;
        let mut equations = self.normal_equations(start);
        for _ in 0..rounds {
            let (matrix, gradient) = &equations;
            let mut damped = matrix.clone();
            for k in 0..damped.nrows() {
                damped[(k, k)] = damped[(k, k)] * (1.0 + damping) + f64::MIN_POSITIVE;
            }
            let step = damped.cholesky().map(|cholesky| cholesky.solve(gradient));
            let next: Option<Vec<f64>> =
                step.map(|step| here.parameters.iter().zip(step.iter()).map(|(p, s)| p - s).collect());
            let stalled;
            match next.map(|next| Minimum { cost: self.cost(&next), parameters: next }) {
                Some(next) if next.cost < here.cost => {
                    stalled = here.cost - next.cost < 1e-9 * here.cost;
                    here = next;
                    damping = (damping * 0.1).max(1e-12);
                    if !stalled {
                        equations = self.normal_equations(&here.parameters);
                    }
                }
                Some(_) | None => {
                    damping *= 10.0;
                    stalled = damping > 1e9;
                }
            }
            if stalled {
                break;
            }
        }
        here
    }

    pub(super) fn cost(&self, parameters: &[f64]) -> f64 {
        let model = (self.model)(parameters);
        let points = (0..self.count).map(|i| self.loss.cost((self.residual)(&model, i).powi(2)));
        let prior =
            self.prior.iter().zip(parameters).map(|((at, sigma), p)| 0.5 * ((p - at) / sigma).powi(2));
        let sum = points.sum::<f64>() + prior.sum::<f64>();
        if sum.is_finite() { sum } else { f64::INFINITY }
    }

    /// JᵀWJ and JᵀWr; a held parameter has a 1 on the diagonal and no gradient.
    pub(super) fn normal_equations(&self, parameters: &[f64]) -> (DMatrix<f64>, DVector<f64>) {
        let n = parameters.len();
        let model = (self.model)(parameters);
        let moved: Vec<Option<M>> = (0..n)
            .map(|k| {
                let mut moved = parameters.to_vec();
                moved[k] += self.steps[k];
                (self.steps[k] > 0.0).then(|| (self.model)(&moved))
            })
            .collect();
        let mut matrix = DMatrix::zeros(n, n);
        let mut gradient = DVector::zeros(n);
        let mut row = vec![0.0; n];
        for i in 0..self.count {
            let residual = (self.residual)(&model, i);
            let weight = self.loss.weight(residual * residual);
            for (k, moved) in moved.iter().enumerate() {
                row[k] = moved
                    .as_ref()
                    .map_or(0.0, |moved| ((self.residual)(moved, i) - residual) / self.steps[k]);
            }
            for k in 0..n {
                gradient[k] += weight * row[k] * residual;
                for l in 0..=k {
                    matrix[(k, l)] += weight * row[k] * row[l];
                }
            }
        }
        for (k, ((at, sigma), p)) in self.prior.iter().zip(parameters).enumerate() {
            matrix[(k, k)] += sigma.powi(-2);
            gradient[k] += (p - at) / (sigma * sigma);
        }
        for k in 0..n {
            if moved[k].is_none() {
                matrix[(k, k)] = 1.0;
                gradient[k] = 0.0;
            }
            for l in 0..k {
                matrix[(l, k)] = matrix[(k, l)];
            }
        }
        (matrix, gradient)
    }
}
