//! Least squares by Levenberg and Marquardt; the scale, which is linear, is eliminated.

use nalgebra::{DMatrix, DVector};

use super::model::{Model, Parameters};
use super::{FitRange, MeasuredPdf, Number, Resolution, ResolutionError};
use crate::simulate::Crystal;

/// Steps at most.
const STEPS: usize = 60;
/// The sum of squares has settled where a step changes it by less, relative.
const SETTLED: f64 = 1e-7;

/// Fits a crystal to its G(r).
///
/// σ is from what the fit leaves, at points π/Qmax apart, which are as many as carry information: ripples of errors of S(Q) are in it, a wrong
/// cell is not.
///
/// # Errors
/// Data that cannot be fitted; a fit that does not settle.
pub fn fit(
    measured: &MeasuredPdf,
    crystal: &Crystal,
    range: FitRange,
) -> Result<Resolution, ResolutionError> {
    measured.check(range)?;
    let (model, elements, u) = Model::new(measured, crystal, range)?;
    let unsettled = || ResolutionError::Unsettled(crystal.name().to_owned());
    let start = Parameters { cell: 1.0, damp2: 4e-4, broad2: 1e-6, delta2: 1.0, u };
    let mut values = start.values();
    let steps = step_sizes(values.len());
    let measured_g = DVector::from_column_slice(&model.g);
    let mut curve = DVector::from_vec(model.at(&start));
    let (mut scale, mut left) = scaled(&measured_g, &curve);
    let mut damping = 1e-3;
    let mut settled = false;
    let mut slopes = derivatives(&model, &values, &steps);
    for _ in 0..STEPS {
        // With the scale as one more column.
        let design = with_scale(&slopes, scale, &curve);
        let rest = &measured_g - scale * &curve;
        let mut normal = design.tr_mul(&design);
        (0..normal.nrows()).for_each(|i| normal[(i, i)] *= 1.0 + damping);
        let Some(inverse) = normal.cholesky() else {
            damping *= 10.0;
            continue;
        };
        let step = inverse.solve(&design.tr_mul(&rest));
        let tried: Vec<f64> = values.iter().zip(step.iter()).map(|(value, step)| value + step).collect();
        let sensible = (tried[0] - 1.0).abs() < 0.02 && tried[4..].iter().all(|u| *u > 1e-4 && *u < 0.2);
        let tried_curve = sensible.then(|| DVector::from_vec(model.at(&Parameters::from_values(&tried))));
        match tried_curve.map(|curve| (scaled(&measured_g, &curve), curve)) {
            Some(((new_scale, new_left), new_curve)) if new_left <= left => {
                // A step that damping made small says nothing.
                settled = damping < 1.0 && left - new_left < SETTLED * left;
                (values, curve, scale, left) = (tried, new_curve, new_scale, new_left);
                damping = (damping * 0.2).max(1e-9);
                slopes = derivatives(&model, &values, &steps);
                if settled {
                    break;
                }
            }
            // No step goes down: the least is reached to rounding.
            Some(_) if damping > 1e6 => {
                settled = true;
                break;
            }
            // A bound is in the way: there is no least.
            None if damping > 1e6 => break,
            Some(_) | None => damping *= 10.0,
        }
    }
    if !settled {
        return Err(unsettled());
    }
    let design = with_scale(&slopes, scale, &curve);
    let freedom = model.g.len().saturating_sub(design.ncols()).max(1) as f64;
    let covariance = design.tr_mul(&design).cholesky().ok_or_else(unsettled)?.inverse() * (left / freedom);
    let sigma = |i: usize| covariance[(i, i)].max(0.0).sqrt();
    let number = |i: usize| Number { value: values[i], sigma: sigma(i) };
    // A square that is not above 0 by its σ leaves an upper limit: the root of both.
    let root = |square: f64, sigma: f64| {
        let value = square.max(0.0).sqrt();
        Number {
            value,
            sigma: if square > sigma { 0.5 * sigma / value } else { (square.max(0.0) + sigma).sqrt() },
        }
    };
    let first = 2.0 * values[4];
    Ok(Resolution {
        q_damp_inv_angstrom: root(values[1], sigma(1)),
        q_broad_inv_angstrom: root(values[2] / first, sigma(2) / first),
        cell: number(0),
        scale: Number { value: scale, sigma: sigma(values.len()) },
        delta2_angstrom2: number(3),
        u_iso_angstrom2: elements.into_iter().zip(4..).map(|(name, i)| (name, number(i))).collect(),
        r_w: (left / measured_g.norm_squared()).sqrt(),
        points: model.g.len(),
    })
}

/// The best scale of a curve, and the sum of squares that it leaves.
fn scaled(measured: &DVector<f64>, curve: &DVector<f64>) -> (f64, f64) {
    let scale = measured.dot(curve) / curve.norm_squared();
    (scale, (measured - scale * curve).norm_squared())
}

/// Changes that are small against what the data can tell, of cell, Qdamp², Qbroad², δ2, U.
fn step_sizes(count: usize) -> Vec<f64> {
    [1e-5, 1e-6, 1e-8, 1e-2].into_iter().chain(std::iter::repeat(1e-5)).take(count).collect()
}

fn derivatives(model: &Model, values: &[f64], steps: &[f64]) -> DMatrix<f64> {
    let columns: Vec<DVector<f64>> = (0..values.len())
        .map(|i| {
            let moved = |by: f64| {
                let mut values = values.to_vec();
                values[i] += by;
                DVector::from_vec(model.at(&Parameters::from_values(&values)))
            };
            (moved(steps[i]) - moved(-steps[i])) / (2.0 * steps[i])
        })
        .collect();
    DMatrix::from_columns(&columns)
}

fn with_scale(slopes: &DMatrix<f64>, scale: f64, curve: &DVector<f64>) -> DMatrix<f64> {
    let mut design = (slopes * scale).insert_column(slopes.ncols(), 0.0);
    design.set_column(slopes.ncols(), curve);
    design
}
