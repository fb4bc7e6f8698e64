//! Pairs of patterns without change: how often each number, and each χ², is said to have changed.

use std::collections::BTreeMap;

use halor::config::PdfSettings;
use halor::grid::{Bins, Points};
use halor::integrate::{Pattern, RadialUnit};
use halor::output::PeakRow;
use halor::pdf::{Covariance, TransformSettings, Window};
use halor::peaks::{CoordinationNumber, PeakSearch, PeakSettings};
use halor::pipeline::{Reduced, reduce_all};
use halor::reduce::ReductionPlan;
use halor::scattering::{Composition, FreeAtoms, klein_nishina};
use halor::series::{Numbers, Verdict, changes, chi2_of_g, chi2_of_patterns};
use halor::simulate::Glass;
use halor::structure::{
    AbsoluteSettings, Fluorescence, Form, LowQ, Normalization, Polynomial, StructureSettings,
};
use halor::units::{two_theta_rad, wavelength_angstrom};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

const ENERGY_KEV: f64 = 112.0;
const Q_RANGE: [f64; 2] = [0.7, 22.0];
/// σ/I at Q = 1 Å⁻¹; it falls with the root of the pixels, which grow with Q, as in a minute of `halor demo`.
const RELATIVE_SIGMA: f64 = 0.002;
const CONFIDENCE: f64 = 0.95;
const RANGES: [(&str, [f64; 2]); 2] = [("q1", [2.0, 3.6]), ("q2", [4.0, 6.2])];
const R_RANGES: [(&str, [f64; 2]); 4] =
    [("r1", [2.0, 3.6]), ("r2", [3.7, 5.9]), ("r3", [5.9, 8.3]), ("r4", [8.3, 10.8])];

fn plan(q: &[f64], composition: &Composition) -> ReductionPlan {
    let windows = |ranges: &[(&str, [f64; 2])]| {
        PeakSearch::Windows(ranges.iter().map(|(name, range)| ((*name).to_owned(), *range)).collect())
    };
    let absolute = AbsoluteSettings {
        energy_kev: ENERGY_KEV,
        density_per_cubic_angstrom: Some(0.0528),
        q_range: Q_RANGE,
        normalization: Normalization::HighQ { q_min: 10.0 },
        form: Form::FaberZiman,
        fluorescence: Fluorescence::Fit,
        polynomial: Some(Polynomial { r_poly_angstrom: 1.0, r_hole_angstrom: 2.0 }),
        iteration: None,
        low_q: LowQ::Parabola,
    };
    let settings = PdfSettings {
        composition: composition.clone(),
        structure: StructureSettings::Absolute(absolute),
        transform: TransformSettings {
            window: Window::Lorch,
            r: Points { start: 0.0, step: 0.02, count: 560 },
        },
        peaks: PeakSettings {
            s_of_q: windows(&RANGES),
            g_of_r: windows(&R_RANGES),
            coordination_number: Some(CoordinationNumber { peak: "r1".to_owned(), limits_angstrom: None }),
        },
        systematic: None,
        covariance: Covariance::Diagonal,
    };
    ReductionPlan::new(&settings, q).unwrap()
}

/// Table of the rates over so many pairs, and the rates by name.
pub(crate) fn report(pairs: usize) -> (String, Vec<(String, f64)>) {
    let q = Bins { lower: 0.5, upper: 22.2, count: 1500 }.centres();
    let composition = Composition::parse("Zr62 Cu15.5 Ni12.5 Al10").unwrap();
    let atoms = FreeAtoms::new(&composition, ENERGY_KEV, &q).unwrap();
    let (glass, wavelength) = (Glass::zr_based(), wavelength_angstrom(ENERGY_KEV));
    let exact: Vec<f64> = (0..q.len())
        .map(|k| {
            let compton = atoms.compton[k] * klein_nishina(two_theta_rad(q[k], wavelength), ENERGY_KEV);
            atoms.mean_square_f[k] + atoms.mean_f_squared[k] * (glass.s_of_q(q[k]) - 1.0) + compton + 5.0
        })
        .collect();
    let sigma: Vec<f64> =
        exact.iter().zip(&q).map(|(i, q)| RELATIVE_SIGMA * (i * exact[0] / q).sqrt()).collect();
    let mut rng = Pcg64Mcg::seed_from_u64(20);
    let mut draw = || {
        let noisy = exact.iter().zip(&sigma).map(|(i, s)| {
            let normal: f64 = StandardNormal.sample(&mut rng);
            i + s * normal
        });
        Pattern {
            unit: RadialUnit::QInvAngstrom,
            radial: q.clone(),
            intensity: noisy.collect(),
            sigma: sigma.clone(),
            sigma_as_independent: sigma.clone(),
            unpolarized: vec![1.0; q.len()],
        }
    };
    let plan = plan(&q, &composition);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = |name: String, changed: bool| *found.entry(name).or_default() += usize::from(changed);
    let mut done = 0;
    while done < pairs {
        let some = (pairs - done).min(25);
        let patterns: Vec<Pattern> = (0..2 * some).map(|_| draw()).collect();
        let reduced: Vec<Reduced> = reduce_all(&patterns.iter().collect::<Vec<_>>(), &plan)
            .into_iter()
            .map(|reduced| reduced.unwrap())
            .collect();
        for (patterns, reduced) in patterns.chunks(2).zip(reduced.chunks(2)) {
            let names = ["a", "b"].map(str::to_owned);
            let rows: Vec<PeakRow> = names
                .iter()
                .zip(reduced)
                .flat_map(|(name, reduced)| {
                    reduced.peaks.peaks.iter().map(|peak| PeakRow {
                        sample: name.clone(),
                        frame: None,
                        region: "ring".to_owned(),
                        peak: peak.clone(),
                        systematic: None,
                        quality: reduced.quality,
                    })
                })
                .collect();
            let samples = names.map(|name| (name, None));
            for change in changes(&Numbers::of(&rows), &samples, "a", CONFIDENCE) {
                let name = format!("{} {}", change.key.peak, change.key.metric.name(change.curve));
                count(name, change.verdict == Verdict::Changed);
            }
            let limits = RANGES.map(|(_, range)| range);
            let unit = reduced[1].structure.scale / reduced[0].structure.scale;
            let pair = [&patterns[0], &patterns[1]];
            let (whole, parts) = chi2_of_patterns(pair, unit, Q_RANGE, &limits).unwrap();
            count("χ² of S(Q), all".to_owned(), whole.p < 1.0 - CONFIDENCE);
            for ((name, _), part) in RANGES.iter().zip(parts) {
                count(format!("χ² of S(Q), {name}"), part.p < 1.0 - CONFIDENCE);
            }
            let sides = [0, 1].map(|side| (&reduced[side].structure, &reduced[side].pdf));
            for (name, range) in R_RANGES {
                let chi2 = chi2_of_g(&plan.transform, sides, range).unwrap();
                count(format!("χ² of G(r), {name}"), chi2.p < 1.0 - CONFIDENCE);
            }
        }
        done += some;
    }
    let rates: Vec<(String, f64)> =
        found.into_iter().map(|(name, count)| (name, count as f64 / pairs as f64)).collect();
    let mut text = format!(
        "## Samples that have not changed\n\n{pairs} pairs of patterns of one glass, each with noise of its own: how often a number, or χ² of a \
         range, is said to have changed at {:.0} %. One of 1000 pairs scatters by 0.7 %.\n\n| number | % |\n|---|---|\n",
        100.0 * CONFIDENCE
    );
    for (name, rate) in &rates {
        text += &format!("| {name} | {:.1} |\n", 100.0 * rate);
    }
    let ends = rates.iter().fold([1.0f64, 0.0], |[low, high], (_, rate)| [low.min(*rate), high.max(*rate)]);
    text += &format!("\nFrom {:.1} % to {:.1} % (wanted 3 to 7 %).\n", 100.0 * ends[0], 100.0 * ends[1]);
    (text, rates)
}
