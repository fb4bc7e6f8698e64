//! Which candidate is right, and whether any is.

use super::find::{candidates, near};
use super::model::{Freedom, Hold, Rotations, Tilts};
use super::placement::Placement;
use super::profile::{Agreement, Profile};
use super::refine::{Residual, Scatter};
use super::settle::{Patience, Settled, Start, View};
use super::strokes::strokes;
use super::{CalibrateError, Request, WavelengthFit};
use crate::units::energy_kev;

/// Rings that it takes from nothing, and from a guess.
pub(super) const RINGS: [usize; 2] = [3, 2];
/// Difference in the mean log-likelihood of crests that settles which placement is right.
const CLEARLY: f64 = 0.4;
/// Share of the peaks that has to lie on rings, and of the first rings that have to be peaks.
const EXPLAINED: f64 = 0.6;
const SEEN: f64 = 0.7;
/// Share of the points that a good fit keeps.
const KEPT: f64 = 0.6;
/// Root mean square of what is left, in full widths of the rings (and never asked to be below a quarter of a pixel).
const LEFT: f64 = 0.3;
const LEFT_PX: f64 = 0.25;
/// What rings may scatter as wholes, and points beyond their counting statistics, in full widths of the rings; and what is
/// never too much, pixels.
const RING_SCATTER: f64 = 0.035;
const POINT_SCATTER: f64 = 0.09;
const SCATTER_PX: f64 = 0.04;
/// What places may scatter whatever the width of the rings: modules of real detectors stand off their grid (places on the real frames of
/// `tests/calibration.rs` scatter by 0.17 and 0.18 pixels, of which modules explain 0.1 and more).
const MODULES_PX: f64 = 0.08;
/// Share of the rings that may be off as wholes.
const RINGS_OFF: f64 = 0.25;
/// Points that a ring needs to count as found, or as off.
const OF_A_RING: usize = 3;
/// Places on rings that a fit of five parameters and its scatter need, and one of three where the tilt is assumed or another frame's.
const FEWEST_POINTS: usize = 30;
const FEWEST_UPRIGHT: usize = 18;
/// Where a fit is not good and its tilt is known no better than this, another tilt may be what it wants, rad.
const UNSURE_TILT: f64 = 0.01;
/// Tilts that are known no better than this are assumed to be those of the guess, or none; rad.
const OPEN_TILT: f64 = 0.05;

/// What a calibration works on.
pub(super) struct Bench<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) view: View<'a>,
}

/// What the rings are counted off by in the placements that a good one is compared with.
const SHIFTS: [isize; 4] = [-2, -1, 1, 2];
/// Placements that differ by more than this are two, pixels; one is as good as the other where its worth is this share.
const APART_PX: f64 = 2.0;
const AS_GOOD: f64 = 0.7;
/// Scatter, in full widths of the rings, below which less is no better.
const BASE_SCATTER: f64 = 0.01;

/// A placement that passed, and how good it is for comparison.
struct Tried {
    settled: Settled,
    worth: f64,
}

impl Tried {
    fn new(settled: Settled, agreement: &Agreement) -> Tried {
        let kept = settled.refined.residuals.iter().filter(|r| r.kept).count() as f64;
        let scatter = BASE_SCATTER + settled.scatter(0);
        let worth = agreement.explained * agreement.seen as f64 * kept.sqrt() / scatter;
        Tried { settled, worth }
    }
}

impl Settled {
    /// Whether the rings say little of a frame's tilt.
    pub(super) fn leaves_tilt_open(&self, frame: usize) -> bool {
        self.knows_tilt_within(frame) > OPEN_TILT
    }

    /// σ of a frame's tilt, rad; a few places say either sign.
    fn knows_tilt_within(&self, frame: usize) -> f64 {
        let tilt = self.refined.places.tilt(frame);
        let of_it = |r: &&Residual| r.kept && (r.frame == frame || !self.refined.places.is_alone_in_tilt());
        let kept = self.refined.residuals.iter().filter(of_it).count();
        let sigma = self.refined.sigma(tilt).max(self.refined.sigma(tilt + 1));
        if kept < FEWEST_POINTS { f64::INFINITY } else { sigma }
    }
}

/// A wavelength that is to be fitted is known this well before; relative.
pub(super) const FITTED_WAVELENGTH: f64 = 0.03;

impl<'a> Bench<'a> {
    /// What one frame for itself is free in.
    fn alone(&self) -> Freedom {
        let wavelength = match self.request.wavelength {
            WavelengthFit::Held => Hold::Held,
            WavelengthFit::Fitted => Hold::Within(FITTED_WAVELENGTH),
        };
        Freedom { wavelength, tilts: Tilts::Shared }
    }

    /// The placement of one frame for itself.
    pub(super) fn found(&self, index: usize) -> Result<Start, CalibrateError> {
        let view = View { images: &self.view.images[index..=index], ..self.view };
        let detector = self.request.detector;
        let strokes = strokes(&view.images[0], detector)?;
        let mut reason = None;
        if let Some(poni) = self.request.guess(index) {
            let start = near(&Placement::of(poni), &strokes, detector, view.ladder);
            match self.tried(&view, index, &start, RINGS[1]) {
                Ok(tried) => return Ok(tried.settled.starts()[0]),
                Err(error) => reason = Some(error),
            }
        }
        let mut tried: Vec<Tried> = Vec::new();
        let mut likeliest = f64::NEG_INFINITY;
        for guess in candidates(&strokes, detector, view.ladder) {
            // What is much less likely than one that passed is not looked at.
            if guess.gain < likeliest - CLEARLY {
                break;
            }
            match self.tried(&view, index, &guess.placement, RINGS[0]) {
                Ok(one) => {
                    likeliest = likeliest.max(guess.gain);
                    tried.push(one);
                }
                // The first candidate is the likeliest: its reason is the one to tell.
                Err(error) => reason = Some(reason.unwrap_or(error)),
            }
        }
        let Some(best) = self.best(&view, tried)? else {
            return Err(
                reason.unwrap_or_else(|| self.no_match("no distance puts rings where rings are".to_owned()))
            );
        };
        Ok(best)
    }

    /// The best of those that passed, and of what each would be with its rings counted one off; an error where two are as good.
    fn best(&self, view: &View<'_>, mut tried: Vec<Tried>) -> Result<Option<Start>, CalibrateError> {
        tried.sort_by(|a, b| b.worth.total_cmp(&a.worth));
        let Some(first) = tried.first() else { return Ok(None) };
        let start = first.settled.starts()[0];
        let recounted: Vec<Placement> =
            SHIFTS.iter().filter_map(|shift| view.recounted(&first.settled, *shift)).collect();
        for placement in recounted {
            let start = Start { placement, ..start };
            let Some(settled) = view.settle(&[start], self.alone(), Patience::QUICK) else { continue };
            let agreement = self.agreement(view, &settled, 0);
            let one = Tried::new(settled, &agreement);
            // It need not pass: what comes near in worth makes the other doubtful.
            tried.push(one);
        }
        tried.sort_by(|a, b| b.worth.total_cmp(&a.worth));
        let best = tried[0].settled.refined.placements[0];
        let pixel_m = view.detector.pixel_m[0].min(view.detector.pixel_m[1]);
        let other = tried
            .iter()
            .find(|other| other.settled.refined.placements[0].apart_m(&best) > APART_PX * pixel_m);
        match other {
            Some(other) if other.worth > AS_GOOD * tried[0].worth => Err(self.no_match(format!(
                "{:.1} mm and {:.1} mm fit alike: the rings cannot be told apart",
                1e3 * best.along_m,
                1e3 * other.settled.refined.placements[0].along_m
            ))),
            Some(_) | None => {
                let agreement = self.agreement(view, &tried[0].settled, 0);
                self.passes(&tried[0].settled, 0, &agreement, RINGS[0])?;
                Ok(Some(tried[0].settled.starts()[0]))
            }
        }
    }

    /// Settles from one start; an error where what comes out is not good. Where the rings leave the tilt open it is tried as it is
    /// assumed to be in the end.
    fn tried(
        &self,
        view: &View<'_>,
        index: usize,
        start: &Placement,
        rings: usize,
    ) -> Result<Tried, CalibrateError> {
        let free = Start { placement: *start, tilt: Rotations::Free, fwhm_px: None };
        let settled = view.settle(&[free], self.alone(), Patience::QUICK);
        let is_open = settled.as_ref().is_none_or(|settled| settled.knows_tilt_within(0) > UNSURE_TILT);
        let tried = self.judged(view, settled, rings);
        if tried.is_ok() || !is_open {
            return tried;
        }
        let assumed = self.assumed(&free, index);
        self.judged(view, view.settle(&[assumed], self.alone(), Patience::QUICK), rings).or(tried)
    }

    fn judged(
        &self,
        view: &View<'_>,
        settled: Option<Settled>,
        rings: usize,
    ) -> Result<Tried, CalibrateError> {
        let settled = settled.ok_or_else(|| self.no_match("no fit of the rings converges".to_owned()))?;
        let agreement = self.agreement(view, &settled, 0);
        self.passes(&settled, 0, &agreement, rings)?;
        Ok(Tried::new(settled, &agreement))
    }

    /// With the tilt of the frame's guess, or none, and not far from it.
    pub(super) fn assumed(&self, start: &Start, index: usize) -> Start {
        let guess = self.request.guess(index);
        let [rot1_rad, rot2_rad] = guess.map_or([0.0; 2], |poni| [poni.rot1_rad, poni.rot2_rad]);
        let placement = Placement { rot1_rad, rot2_rad, ..start.placement };
        Start { placement, tilt: Rotations::Assumed([rot1_rad, rot2_rad]), ..*start }
    }

    pub(super) fn agreement(&self, view: &View<'_>, settled: &Settled, index: usize) -> Agreement {
        let frame = settled.refined.placements[index].lab_frame();
        let pixel_rad = settled.frames[index].points.first().map_or(1e-4, |point| point.pixel_rad);
        Profile::new(&view.images[index], view.detector, &frame).agreement(
            &view.ladder.at_wavelength(settled.refined.wavelength_factor),
            settled.fwhm_px[index] * pixel_rad,
        )
    }

    /// Whether one frame of a fit is good.
    pub(super) fn passes(
        &self,
        settled: &Settled,
        index: usize,
        agreement: &Agreement,
        rings: usize,
    ) -> Result<(), CalibrateError> {
        let refined = &settled.refined;
        let residuals: Vec<Residual> =
            refined.residuals.iter().filter(|r| r.frame == index).copied().collect();
        let kept: Vec<_> = residuals.iter().filter(|r| r.kept).collect();
        let [on, off] = on_and_off(&residuals);
        let is_known = settled.frames[index].tilt == Rotations::Free && refined.places.is_alone_in_tilt();
        if kept.len() < if is_known { FEWEST_POINTS } else { FEWEST_UPRIGHT } {
            return Err(self.no_match(format!("only {} places on rings are found", kept.len())));
        }
        // Rings that are fitted together are one here; in the profile each is a peak.
        let found = on.max(agreement.seen);
        if found < rings {
            return Err(CalibrateError::TooFewRings { calibrant: self.names(), found, needed: rings });
        }
        let rms = (kept.iter().map(|r| r.off_px.powi(2)).sum::<f64>() / kept.len() as f64).sqrt();
        let fwhm_px = settled.fwhm_px[index];
        let allowed = (LEFT * fwhm_px).max(LEFT_PX);
        let share = kept.len() as f64 / residuals.len() as f64;
        let Agreement { explained, expected, seen, .. } = *agreement;
        let Scatter { points_px, rings_px } = refined.scatter[index];
        let reason = if explained < EXPLAINED {
            format!("of the peaks in the frame, {:.0} % lie on rings of it", 100.0 * explained)
        } else if (seen as f64) < SEEN * expected as f64 {
            format!("of its first {expected} rings on the detector {seen} are seen")
        } else if share < KEPT {
            format!("of the places on rings, {:.0} % fit", 100.0 * share)
        } else if off as f64 > RINGS_OFF * (on + off) as f64 {
            format!("{off} of {} rings are not where they should be", on + off)
        } else if rings_px > RING_SCATTER * fwhm_px + SCATTER_PX {
            format!("rings are off as wholes by {rings_px:.2} pixels")
        } else if points_px > POINT_SCATTER * fwhm_px + MODULES_PX {
            format!("places on rings scatter by {points_px:.2} pixels")
        } else if rms > allowed {
            format!("rings are off by {rms:.2} pixels rms, {allowed:.2} would be good")
        } else {
            return Ok(());
        };
        Err(self.no_match(reason))
    }

    fn names(&self) -> String {
        self.request.calibrants.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(" and ")
    }

    pub(super) fn no_match(&self, reason: String) -> CalibrateError {
        let energy_kev = energy_kev(self.request.wavelength_angstrom);
        CalibrateError::NoMatch { calibrant: self.names(), energy_kev, reason }
    }
}

/// Rings, or groups of them, of one frame with [`OF_A_RING`] places or more: those that any of them are kept of, and those that are off as
/// wholes.
fn on_and_off(residuals: &[Residual]) -> [usize; 2] {
    let rings = residuals.chunk_by(|a, b| a.ring == b.ring).filter(|ring| ring.len() >= OF_A_RING);
    let (on, off): (Vec<_>, Vec<_>) = rings.partition(|ring| ring.iter().any(|r| r.kept));
    [on.len(), off.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each ring with enough places is one or the other.
    #[test]
    fn rings_are_on_or_off() {
        let place =
            |ring, kept| Residual { frame: 0, ring, off_px: 0.0, pixel_rad: 1e-4, sigma_px: 0.1, kept };
        let rings = [[true; 5].as_slice(), &[true, false, false], &[false; 3], &[true; 2], &[false; 2]];
        let all: Vec<Residual> = rings
            .iter()
            .enumerate()
            .flat_map(|(ring, kept)| kept.iter().map(move |kept| place(ring, *kept)))
            .collect();
        assert_eq!(on_and_off(&all), [2, 1]);
        assert_eq!(on_and_off(&[]), [0, 0]);
    }
}
