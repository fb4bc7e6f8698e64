//! Pixels off the grid: smooth distortion and moved modules, each kept only where the rings ask for it.

use serde::Serialize;

use super::model::Freedom;
use super::refine::{Fit, Refined, Squares};
use super::settle::{Settled, View};
use crate::geometry::displacement::{Field, SMOOTH};
use crate::stats::chi_squared_exceeds;

/// Which displacements are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Displacements {
    /// Smooth distortion of the whole array.
    pub smooth: bool,
    /// Shifts and turns of modules.
    pub modules: bool,
}

/// A displacement that was kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Displaced {
    /// As a run file has it under `geometry.displacement_px`.
    pub name: String,
    /// How far, pixels.
    pub px: f64,
    /// Standard deviation.
    pub sigma_px: f64,
}

/// What a group of displacements does for the rings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DisplacementTest {
    /// `smooth distortion` or `modules`.
    pub group: &'static str,
    /// Number of parameters.
    pub parameters: usize,
    /// Places on rings that are compared.
    pub points: usize,
    /// Sum of (residual/σ)² of them without the group, with σ that makes it their number.
    pub without: f64,
    /// And with it.
    pub with: f64,
    /// Whether it is kept: the difference is one that chance makes once in 10,000 times.
    pub kept: bool,
}

/// A fit with its displacements.
pub(super) struct DisplacedFit {
    pub(super) refined: Refined,
    pub(super) fields: Vec<Field>,
    pub(super) tests: Vec<DisplacementTest>,
}

/// Places that a module needs for its three parameters, and all places for each parameter.
const OF_A_MODULE: usize = 12;
const POINTS_PER_PARAMETER: usize = 8;
/// Chance makes so large a difference once in 10,000 times.
const RARE: f64 = 1e-4;

impl View<'_> {
    /// Adds the groups that are asked for, one after the other.
    pub(super) fn displaced(
        &self,
        settled: &Settled,
        freedom: Freedom,
        asked: Displacements,
    ) -> DisplacedFit {
        let mut now =
            DisplacedFit { refined: settled.refined.clone(), fields: Vec::new(), tests: Vec::new() };
        let groups = [
            ("smooth distortion", asked.smooth, SMOOTH.to_vec()),
            ("modules", asked.modules, self.module_fields(settled)),
        ];
        for (group, _, fields) in groups.into_iter().filter(|(_, is_asked, _)| *is_asked) {
            let all: Vec<Field> = now.fields.iter().copied().chain(fields.iter().copied()).collect();
            let fit = Fit::new(self.ladder, &settled.frames, freedom).with_fields(&all, self.detector);
            let enough =
                !fields.is_empty() && settled.refined.residuals.len() >= POINTS_PER_PARAMETER * all.len();
            let tried = if enough { fit.solve() } else { None };
            let test = test(group, fields.len(), &now.refined, tried.as_ref());
            if let Some(refined) = tried.filter(|_| test.kept) {
                (now.refined, now.fields) = (refined, all);
            }
            now.tests.push(test);
        }
        now
    }

    /// Of the modules that have enough places, but for the one nearest to the beam, which stays: what all have in common is the
    /// placement's, and there rings run in all directions.
    fn module_fields(&self, settled: &Settled) -> Vec<Field> {
        let modules = self.detector.modules();
        let grid = self.detector.grid();
        let mut places = vec![0; modules];
        for point in settled.frames.iter().flat_map(|frame| &frame.points) {
            let [row, column] = self.detector.pixel(point.place);
            places[grid.module_index(row, column)] += 1;
        }
        let [row, column] = self.detector.pixel(settled.refined.placements[0].centre_m);
        let stays = grid.module_index(row, column);
        let seen = (0..modules).filter(|module| *module != stays && places[*module] >= OF_A_MODULE);
        seen.flat_map(|m| [Field::ModuleSlow(m), Field::ModuleFast(m), Field::ModuleTurn(m)]).collect()
    }
}

impl DisplacedFit {
    /// What was kept.
    pub(super) fn kept(&self) -> Vec<Displaced> {
        let first = self.refined.places.fields();
        let one = |(k, (field, px)): (usize, (&Field, &f64))| Displaced {
            name: field.name(),
            px: *px,
            sigma_px: self.refined.sigma(first + k),
        };
        self.fields.iter().zip(&self.refined.displaced_px).enumerate().map(one).collect()
    }
}

/// Likelihood-ratio test with the σ that the simpler fit found.
fn test(
    group: &'static str,
    parameters: usize,
    simple: &Refined,
    more: Option<&Refined>,
) -> DisplacementTest {
    let mut test = DisplacementTest { group, parameters, points: 0, without: 0.0, with: 0.0, kept: false };
    let Some(more) = more else { return test };
    // σ of the simpler fit for both.
    let Squares { places, first, second } = Squares::of(&simple.residuals, &more.residuals, |a, _| a);
    (test.points, test.without, test.with) = (places, first, second);
    // Per place, as σ came from the median of the residuals.
    let scale = test.points as f64 / test.without;
    test.kept = chi_squared_exceeds(scale * (test.without - test.with), parameters as f64) < RARE;
    test
}
