//! The first principal component of residuals.

/// Steps of the power iteration: a second component of 0.8 of the variance of the first is down to 0.8⁶⁰ = 1.5e-6 of it then; one that is
/// nearer is as good a first component.
const STEPS: usize = 60;

/// Scores of the first principal component of the rows about their mean, the part of their squares that it holds, and the part that noise
/// of unit variance gives it at most: (√n + √m)²/nm for n rows of m numbers (Marchenko & Pastur 1967).
pub(super) fn first_component(mut rows: Vec<Vec<f32>>) -> (Vec<f64>, f64, f64) {
    let Some(first) = rows.first() else { return (Vec::new(), f64::NAN, f64::NAN) };
    let there: Vec<usize> = (0..first.len()).filter(|k| rows.iter().all(|row| row[*k].is_finite())).collect();
    let (n, m) = (rows.len() as f64, there.len() as f64);
    let mean: Vec<f64> =
        there.iter().map(|k| rows.iter().map(|row| f64::from(row[*k])).sum::<f64>() / n).collect();
    for row in &mut rows {
        *row = there.iter().zip(&mean).map(|(k, mean)| (f64::from(row[*k]) - mean) as f32).collect();
    }
    let total: f64 = rows.iter().flatten().map(|value| f64::from(*value).powi(2)).sum();
    let dot = |row: &[f32], b: &[f64]| -> f64 { row.iter().zip(b).map(|(a, b)| f64::from(*a) * b).sum() };
    let square = |row: &[f32]| -> f64 { row.iter().map(|value| f64::from(*value).powi(2)).sum() };
    // The row that differs most is the best guess.
    let Some(largest) = rows.iter().max_by(|a, b| square(a).total_cmp(&square(b))) else {
        return (Vec::new(), f64::NAN, f64::NAN);
    };
    let mut direction: Vec<f64> = largest.iter().map(|value| f64::from(*value)).collect();
    let mut scores = vec![0.0; rows.len()];
    for _ in 0..STEPS {
        let length = direction.iter().map(|value| value * value).sum::<f64>().sqrt();
        if length == 0.0 {
            break;
        }
        direction.iter_mut().for_each(|value| *value /= length);
        scores = rows.iter().map(|row| dot(row, &direction)).collect();
        direction.fill(0.0);
        for (row, score) in rows.iter().zip(&scores) {
            direction.iter_mut().zip(row).for_each(|(sum, value)| *sum += score * f64::from(*value));
        }
    }
    let share = scores.iter().map(|score| score * score).sum::<f64>() / total;
    (scores, share, (n.sqrt() + m.sqrt()).powi(2) / (n * m))
}
