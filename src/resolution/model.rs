//! G(r) of a crystal as an instrument sees it.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::{FitRange, MeasuredPdf, ResolutionError};
use crate::simulate::Crystal;
use crate::simulate::crystal::Pair;

/// Å over which the sum's end is drawn to 0, inside [`BEYOND`].
const DRAWN: f64 = 4.0;
/// Å that the model reaches beyond the fitted range: what ripples of peaks there leave inside falls as 1/(Qmax·distance).
const BEYOND: f64 = 12.0;
/// Step of the model's r in Å; the narrowest peaks have a standard deviation of 0.05.
const STEP: f64 = 0.012;
/// Standard deviations after which a peak has ended.
const PEAK_END: f64 = 7.0;

/// What is fitted but the scale. Squares are free to be negative, so that a number that is 0 has a σ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameters {
    /// Measured over given lengths.
    pub(super) cell: f64,
    /// Qdamp².
    pub(super) damp2: f64,
    /// Qbroad²·(U_i + U_j) of the first element with itself: the variance of a peak in proportion to r².
    pub(super) broad2: f64,
    /// δ2.
    pub(super) delta2: f64,
    /// U of each element.
    pub(super) u: Vec<f64>,
}

impl Parameters {
    pub(super) fn values(&self) -> Vec<f64> {
        [self.cell, self.damp2, self.broad2, self.delta2].into_iter().chain(self.u.iter().copied()).collect()
    }

    pub(super) fn from_values(values: &[f64]) -> Parameters {
        let [cell, damp2, broad2, delta2] = [values[0], values[1], values[2], values[3]];
        Parameters { cell, damp2, broad2, delta2, u: values[4..].to_vec() }
    }
}

/// All that does not change with the parameters.
pub(super) struct Model {
    pairs: Vec<Pair>,
    /// For each atom of the cell that pairs name, which U is its.
    element_of: Vec<usize>,
    density: f64,
    /// r of the model.
    grid: Vec<f64>,
    /// Q of the cells of the transform, their width times the window.
    q: Vec<(f64, f64)>,
    /// Points that are compared.
    pub(super) r: Vec<f64>,
    /// G measured there.
    pub(super) g: Vec<f64>,
}

impl Model {
    pub(super) fn new(
        measured: &MeasuredPdf,
        crystal: &Crystal,
        range: FitRange,
    ) -> Result<(Model, Vec<String>, Vec<f64>), ResolutionError> {
        let end = range.to + BEYOND;
        // The cell may be larger than given.
        let pairs = crystal.pairs(1.02 * end)?;
        let atoms = crystal.atoms();
        let mut elements: Vec<String> = Vec::new();
        let mut u = Vec::new();
        let element_of = atoms
            .iter()
            .map(|atom| {
                elements.iter().position(|known| *known == atom.element).unwrap_or_else(|| {
                    elements.push(atom.element.clone());
                    u.push(atom.u_iso_angstrom2);
                    elements.len() - 1
                })
            })
            .collect();
        let cells = (measured.q_max * end / PI).ceil();
        let width = measured.q_max / cells;
        let q = (0..cells as usize)
            .map(|i| width * (i as f64 + 0.5))
            .map(|q| (q, width * measured.window.weight(q, measured.q_max)))
            .collect();
        let grid = (1..=(end / STEP) as usize).map(|i| STEP * i as f64).collect();
        // What lies closer together than half a wave of Qmax is no further information.
        let apart = PI / measured.q_max;
        let count = ((range.to - range.from) / apart) as usize;
        let step = (measured.r[measured.r.len() - 1] - measured.r[0]) / (measured.r.len() - 1) as f64;
        let nearest = |r: f64| (((r - measured.r[0]) / step).round() as usize).min(measured.r.len() - 1);
        let places: Vec<usize> = (0..=count).map(|k| nearest(range.from + apart * k as f64)).collect();
        let model = Model {
            pairs,
            element_of,
            density: crystal.density(),
            grid,
            q,
            r: places.iter().map(|i| measured.r[*i]).collect(),
            g: places.iter().map(|i| measured.g[*i]).collect(),
        };
        Ok((model, elements, u))
    }

    /// G at the points that are compared, with the scale 1.
    ///
    /// The Gaussians of the pairs less 4πρ0r, times the damping, are taken to F(Q) and back through Qmax and window \[E19\].
    pub(super) fn at(&self, parameters: &Parameters) -> Vec<f64> {
        let full = self.untruncated(parameters);
        let last = self.grid[self.grid.len() - 1];
        // The sum over r has no end of its own.
        let weighted: Vec<f64> = self
            .grid
            .iter()
            .zip(&full)
            .map(|(r, g)| {
                let to_end = ((last - r) / DRAWN).min(1.0);
                g * (0.5 - 0.5 * (PI * to_end).cos())
            })
            .collect();
        let f: Vec<f64> = self
            .q
            .par_iter()
            .map(|(q, weight)| {
                // sin(Q·k·STEP) by turning.
                let (turn_sine, turn_cosine) = (q * STEP).sin_cos();
                let (mut sine, mut cosine) = (turn_sine, turn_cosine);
                let mut sum = 0.0;
                for g in &weighted {
                    sum += g * sine;
                    (sine, cosine) =
                        (sine * turn_cosine + cosine * turn_sine, cosine * turn_cosine - sine * turn_sine);
                }
                2.0 / PI * STEP * sum * weight
            })
            .collect();
        self.r.par_iter().map(|r| self.q.iter().zip(&f).map(|((q, _), f)| f * (q * r).sin()).sum()).collect()
    }

    fn untruncated(&self, parameters: &Parameters) -> Vec<f64> {
        let Parameters { cell, damp2, broad2, delta2, u } = parameters;
        let slope = 4.0 * PI * self.density / cell.powi(3);
        let mut g: Vec<f64> = self.grid.iter().map(|r| -slope * r).collect();
        let first = 2.0 * u[0];
        for pair in &self.pairs {
            let d = pair.distance * cell;
            let moved = u[self.element_of[pair.atoms[0]]] + u[self.element_of[pair.atoms[1]]];
            let square = moved * (1.0 - delta2 / (d * d)) + broad2 * moved / first * d * d;
            let sigma = square.max(4.0 * STEP * STEP).sqrt();
            let height = pair.weight / (d * sigma * (2.0 * PI).sqrt());
            let low = (((d - PEAK_END * sigma) / STEP) as usize).min(self.grid.len());
            let high = (((d + PEAK_END * sigma) / STEP) as usize).min(self.grid.len());
            for (g, r) in g[low..high].iter_mut().zip(&self.grid[low..high]) {
                let x = (r - d) / sigma;
                *g += height * (-0.5 * x * x).exp();
            }
        }
        g.iter_mut().zip(&self.grid).for_each(|(g, r)| *g *= (-0.5 * damp2 * r * r).exp());
        g
    }
}
