//! Which pairs of elements lie at about one distance, by metallic radii.

use crate::scattering::Composition;

/// Pairs that are fitted as one Gaussian.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PairGroup {
    /// Such as `Zr-Cu`.
    pub(super) names: Vec<String>,
    /// Sum of their weights.
    pub(super) weight: f64,
    /// Mean of their distances, by weight, in Å.
    pub(super) distance: f64,
}

/// Metallic radii in Å for twelve neighbours, after Teatum, Gschneidner & Waber, Los Alamos report LA-4003 (1968): where fits begin, so that
/// a hundredth of an Å is no matter.
const RADII: [(&str, f64); 34] = [
    ("Li", 1.562),
    ("Be", 1.128),
    ("Na", 1.911),
    ("Mg", 1.602),
    ("Al", 1.432),
    ("K", 2.376),
    ("Ca", 1.974),
    ("Sc", 1.641),
    ("Ti", 1.462),
    ("V", 1.346),
    ("Cr", 1.282),
    ("Mn", 1.264),
    ("Fe", 1.274),
    ("Co", 1.252),
    ("Ni", 1.246),
    ("Cu", 1.278),
    ("Zn", 1.394),
    ("Ga", 1.411),
    ("Y", 1.801),
    ("Zr", 1.602),
    ("Nb", 1.468),
    ("Mo", 1.400),
    ("Ru", 1.339),
    ("Rh", 1.345),
    ("Pd", 1.376),
    ("Ag", 1.445),
    ("In", 1.663),
    ("Sn", 1.623),
    ("La", 1.877),
    ("Ce", 1.825),
    ("Hf", 1.580),
    ("Ta", 1.467),
    ("Pt", 1.387),
    ("Au", 1.442),
];

/// Pairs that weigh less are in no group.
const LEAST_WEIGHT: f64 = 0.005;

fn radius(element: &str) -> Option<f64> {
    RADII.iter().find(|(name, _)| *name == element).map(|(_, radius)| *radius)
}

/// The pairs in `count` groups of neighbouring distances, those with the least Σ weight·(distance − mean)²; `None` where an element has no
/// radius, or there are fewer distances. `weights` are w_ij at Q = 0, by names as `Zr-Cu`.
pub(super) fn groups(
    composition: &Composition,
    weights: &[(String, f64)],
    count: usize,
) -> Option<Vec<PairGroup>> {
    if composition.elements.iter().any(|(element, _)| radius(element).is_none()) {
        return None;
    }
    let mut pairs: Vec<(String, f64, f64)> = weights
        .iter()
        .filter(|(_, weight)| *weight > LEAST_WEIGHT)
        .filter_map(|(name, weight)| {
            let (a, b) = name.split_once('-')?;
            Some((name.clone(), *weight, radius(a)? + radius(b)?))
        })
        .collect();
    pairs.sort_by(|a, b| a.2.total_cmp(&b.2));
    let cuts = best_cuts(&pairs, count)?;
    let group = |ends: &[usize]| {
        let some = &pairs[ends[0]..ends[1]];
        let weight: f64 = some.iter().map(|(_, weight, _)| weight).sum();
        PairGroup {
            names: some.iter().map(|(name, ..)| name.clone()).collect(),
            weight,
            distance: some.iter().map(|(_, weight, r)| weight * r).sum::<f64>() / weight,
        }
    };
    Some(cuts.windows(2).map(group).collect())
}

/// Where the groups begin and end.
fn best_cuts(pairs: &[(String, f64, f64)], count: usize) -> Option<Vec<usize>> {
    let spread = |from: usize, to: usize| {
        let some = &pairs[from..to];
        let weight: f64 = some.iter().map(|(_, weight, _)| weight).sum();
        let mean = some.iter().map(|(_, w, r)| w * r).sum::<f64>() / weight;
        some.iter().map(|(_, w, r)| w * (r - mean).powi(2)).sum::<f64>()
    };
    // All ways for one more group, each from the best ways for one less.
    let mut best: Vec<Option<(f64, Vec<usize>)>> =
        (0..=pairs.len()).map(|end| (end == 0).then(|| (0.0, vec![0]))).collect();
    for _ in 0..count {
        let next = |end: usize| {
            let ways = (0..end).filter_map(|cut| {
                let (before, cuts) = best[cut].as_ref()?;
                Some((before + spread(cut, end), [cuts.as_slice(), &[end]].concat()))
            });
            ways.min_by(|a, b| a.0.total_cmp(&b.0))
        };
        best = (0..=pairs.len()).map(next).collect();
    }
    best.pop()?.map(|(_, cuts)| cuts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_a_glass_go_by_distance() {
        let composition = Composition::parse("Zr62 Cu15.5 Ni12.5 Al10").unwrap();
        let weights = [("Zr-Zr", 0.6), ("Zr-Cu", 0.2), ("Zr-Ni", 0.15), ("Cu-Ni", 0.02), ("Al-Al", 0.001)];
        let weights: Vec<(String, f64)> = weights.map(|(name, weight)| (name.to_owned(), weight)).to_vec();
        let names = |count: usize| -> Vec<String> {
            groups(&composition, &weights, count).unwrap().iter().map(|group| group.names.join(" ")).collect()
        };
        assert_eq!(names(1), ["Cu-Ni Zr-Ni Zr-Cu Zr-Zr"]);
        assert_eq!(names(3), ["Cu-Ni", "Zr-Ni Zr-Cu", "Zr-Zr"]);
        assert!(groups(&composition, &weights, 5).is_none());
        assert!(groups(&Composition::parse("Si O2").unwrap(), &weights, 1).is_none());
    }
}
