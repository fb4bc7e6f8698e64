//! Which pairs of elements lie at about one distance, by the radii of atoms.

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

/// Radii of atoms in metallic glasses in Å, after Miracle, Louzguine-Luzgin, Louzguina-Luzgina & Inoue, Int. Mater. Rev. 55 (2010) 218, as
/// tabulated by Magpie (Ward et al., npj Comput. Mater. 2 (2016) 16028): where fits begin, so that a few hundredths of an Å are no matter.
/// Oxygen and nitrogen have none: they touch no atom of their own kind.
#[rustfmt::skip]
const RADII: [(&str, f64); 73] = [
    ("Li", 1.52), ("Be", 1.12), ("B", 0.88), ("C", 0.77), ("Na", 1.80), ("Mg", 1.60), ("Al", 1.41),
    ("Si", 1.10), ("P", 1.02), ("S", 1.03), ("K", 2.30), ("Ca", 2.01), ("Sc", 1.62), ("Ti", 1.42),
    ("V", 1.34), ("Cr", 1.30), ("Mn", 1.32), ("Fe", 1.25), ("Co", 1.25), ("Ni", 1.26), ("Cu", 1.26),
    ("Zn", 1.40), ("Ga", 1.34), ("Ge", 1.14), ("As", 1.15), ("Se", 1.18), ("Rb", 2.44), ("Sr", 2.12),
    ("Y", 1.79), ("Zr", 1.58), ("Nb", 1.43), ("Mo", 1.39), ("Tc", 1.36), ("Ru", 1.34), ("Rh", 1.32),
    ("Pd", 1.42), ("Ag", 1.44), ("Cd", 1.57), ("In", 1.55), ("Sn", 1.55), ("Sb", 1.55), ("Te", 1.40),
    ("Cs", 2.64), ("Ba", 2.23), ("La", 1.87), ("Ce", 1.82), ("Pr", 1.83), ("Nd", 1.82), ("Pm", 1.85),
    ("Sm", 1.85), ("Eu", 1.96), ("Gd", 1.76), ("Tb", 1.76), ("Dy", 1.75), ("Ho", 1.77), ("Er", 1.75),
    ("Tm", 1.75), ("Yb", 1.90), ("Lu", 1.75), ("Hf", 1.58), ("Ta", 1.45), ("W", 1.35), ("Re", 1.37),
    ("Os", 1.35), ("Ir", 1.36), ("Pt", 1.39), ("Au", 1.43), ("Hg", 1.52), ("Tl", 1.72), ("Pb", 1.74),
    ("Bi", 1.62), ("Th", 1.78), ("U", 1.58),
];

/// Pairs that weigh less are in no group.
const LEAST_WEIGHT: f64 = 0.005;

/// Radius of an atom in Å, where distances begin; `None` for elements of which no radius in metallic glasses is known.
pub(crate) fn radius(element: &str) -> Option<f64> {
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
        assert_eq!(names(1), ["Cu-Ni Zr-Cu Zr-Ni Zr-Zr"]);
        assert_eq!(names(3), ["Cu-Ni", "Zr-Cu Zr-Ni", "Zr-Zr"]);
        assert!(["Si", "B", "P", "C", "W", "Gd", "Nd", "Pb"].iter().all(|element| radius(element).is_some()));
        assert!(groups(&composition, &weights, 5).is_none());
        assert!(groups(&Composition::parse("Si O2").unwrap(), &weights, 1).is_none());
    }
}
