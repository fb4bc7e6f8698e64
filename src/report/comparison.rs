//! Two samples over each other, and their difference below.

use super::PictureError;
use super::picture::draw;
use crate::compare::Comparison;

/// Four panels: S of both, ΔS with ±2σ, G of both, ΔG with ±2σ.
///
/// # Errors
/// What the drawing library says.
pub fn comparison_svg(found: &Comparison) -> Result<String, PictureError> {
    let [name_a, name_b] = if found.a == found.b {
        [format!("{} (first)", found.a), format!("{} (second)", found.b)]
    } else {
        [found.a.clone(), found.b.clone()]
    };
    let band = |sigma: &[f64], sign: f64| -> Vec<f64> { sigma.iter().map(|s| 2.0 * sign * s).collect() };
    let bands = [&found.s, &found.g].map(|pair| [1.0, -1.0].map(|sign| band(&pair.difference.sigma, sign)));
    let mut panels = Vec::new();
    let labels = [("Q (1/Å)", "S(Q)", "ΔS"), ("r (Å)", "G(r) (1/Å²)", "ΔG (1/Å²)")];
    for ((pair, bands), (x_label, curve, difference)) in
        [&found.s, &found.g].into_iter().zip(&bands).zip(labels)
    {
        let x = pair.difference.x.as_slice();
        panels.push((
            x_label,
            curve,
            vec![(name_a.as_str(), x, &pair.a[..]), (name_b.as_str(), x, &pair.b[..])],
        ));
        let lines = vec![
            ("difference", x, &pair.difference.value[..]),
            ("+2σ", x, &bands[0][..]),
            ("−2σ", x, &bands[1][..]),
        ];
        panels.push((x_label, difference, lines));
    }
    draw(&panels)
}
