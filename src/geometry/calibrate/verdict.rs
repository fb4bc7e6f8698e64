//! Which candidate is right, whether any is, and what the rings determine.

use super::find::{candidates, near};
use super::outcome::Origin;
use super::placement::Placement;
use super::profile::{Agreement, Profile};
use super::refine::{FRAME, Fit, Freedom, Hold, LN_WAVELENGTH, ROT1, ROT2, Residual};
use super::settle::{Settled, View};
use super::strokes::strokes;
use super::{CalibrateError, Request, WavelengthFit};
use crate::units::energy_kev;

/// Rings that it takes from nothing, and from a guess.
const RINGS: [usize; 2] = [3, 2];
/// Difference in the mean log-likelihood of crests that settles which placement is right.
const CLEARLY: f64 = 0.4;
/// Share of the peaks' heights that has to lie on rings, and of the first rings that have to be peaks.
const EXPLAINED: f64 = 0.6;
const SEEN: f64 = 0.6;
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
/// Share of the rings that may be off as wholes.
const RINGS_OFF: f64 = 0.25;
/// Points that a ring needs to count as found, or as off.
const OF_A_RING: usize = 3;
/// Tilts that are known no better than this are assumed to be those of the guess, or none, within [`TILT`]; rad.
const OPEN_TILT: f64 = 0.05;
const TILT: f64 = 0.035;
/// A distance known no better than this, relative, and a centre known no better, pixels, are not known.
const OPEN_DISTANCE: f64 = 0.01;
const OPEN_CENTRE_PX: f64 = 5.0;

/// What a calibration works on.
pub(super) struct Bench<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) view: View<'a>,
}

/// A fit that passed.
pub(super) struct Verdict {
    pub(super) fit: Settled,
    pub(super) agreements: Vec<Agreement>,
    pub(super) tilt: Origin,
    pub(super) wavelength: Origin,
    pub(super) free_wavelength: Option<(f64, f64)>,
}

/// Rounds of points and fits while candidates are compared, and at the end.
const QUICK_ROUNDS: usize = 2;
const ROUNDS: usize = 6;

const HELD: Freedom = Freedom { wavelength: Hold::Held, tilt: Hold::Free };

impl<'a> Bench<'a> {
    /// The placement of one frame for itself.
    pub(super) fn found(&self, index: usize) -> Result<Placement, CalibrateError> {
        let view = View { images: &self.view.images[index..=index], ..self.view };
        let detector = self.request.detector;
        let strokes = strokes(&view.images[0], detector)?;
        let mut reason = None;
        if let Some(poni) = self.request.guess {
            let start = near(&Placement::of(poni), &strokes, detector, view.ladder);
            match self.tried(&view, &start, RINGS[1]) {
                Ok((placement, _)) => return Ok(placement),
                Err(error) => reason = Some(error),
            }
        }
        let mut best: Option<(Placement, f64, f64)> = None;
        for guess in candidates(&strokes, detector, view.ladder) {
            // What is much less likely than one that passed is not looked at.
            if best.is_some_and(|(_, _, gain)| guess.gain < gain - CLEARLY) {
                break;
            }
            match self.tried(&view, &guess.placement, RINGS[0]) {
                Ok((placement, worth)) => {
                    if best.is_none_or(|(_, other, _)| worth > other) {
                        best = Some((placement, worth, guess.gain));
                    }
                }
                // The first candidate is the likeliest: its reason is the one to tell.
                Err(error) => reason = Some(reason.unwrap_or(error)),
            }
        }
        match best {
            Some((placement, ..)) => Ok(placement),
            None => Err(reason.unwrap_or_else(|| self.no_match("no distance puts rings where rings are".to_owned()))),
        }
    }

    /// Settles from one start; the worth of what came out, for comparison.
    fn tried(&self, view: &View<'_>, start: &Placement, rings: usize) -> Result<(Placement, f64), CalibrateError> {
        let settled = view
            .settle(std::slice::from_ref(start), HELD, QUICK_ROUNDS)
            .ok_or_else(|| self.no_match("no fit of the rings converges".to_owned()))?;
        let agreement = self.agreement(view, &settled, 0);
        self.passes(&settled, &agreement, rings)?;
        let kept = settled.refined.residuals.iter().filter(|r| r.kept).count() as f64;
        Ok((settled.refined.placements[0], agreement.explained * agreement.seen as f64 * kept.sqrt()))
    }

    fn agreement(&self, view: &View<'_>, settled: &Settled, index: usize) -> Agreement {
        let frame = settled.refined.placements[index].lab_frame();
        let pixel_rad = settled.frames[index].points.first().map_or(1e-4, |point| point.pixel_rad);
        Profile::new(&view.images[index], view.detector, &frame)
            .agreement(view.ladder, settled.fwhm_px * pixel_rad)
    }

    fn passes(&self, settled: &Settled, agreement: &Agreement, rings: usize) -> Result<(), CalibrateError> {
        let residuals = &settled.refined.residuals;
        let kept: Vec<_> = residuals.iter().filter(|r| r.kept).collect();
        let on_ring = |a: &Residual, b: &Residual| (a.frame, a.ring) == (b.frame, b.ring);
        let found = kept.chunk_by(|a, b| on_ring(a, b)).filter(|ring| ring.len() >= OF_A_RING).count();
        let off = residuals.chunk_by(on_ring).filter(|r| r.len() >= OF_A_RING && !r.iter().any(|r| r.kept)).count();
        if found < rings {
            return Err(CalibrateError::TooFewRings { calibrant: self.names(), found, needed: rings });
        }
        let rms = (kept.iter().map(|r| r.off_px.powi(2)).sum::<f64>() / kept.len() as f64).sqrt();
        let allowed = (LEFT * settled.fwhm_px).max(LEFT_PX);
        let share = kept.len() as f64 / residuals.len() as f64;
        let Agreement { explained, expected, seen, .. } = *agreement;
        let reason = if explained < EXPLAINED {
            format!("of the peaks in the frame, {:.0} % by height lie on rings of it", 100.0 * explained)
        } else if (seen as f64) < SEEN * expected as f64 {
            format!("of its first {expected} rings on the detector {seen} are seen")
        } else if share < KEPT {
            format!("of the places on rings, {:.0} % fit", 100.0 * share)
        } else if off as f64 > RINGS_OFF * (found + off) as f64 {
            format!("{off} of {} rings are not where they should be", found + off)
        } else if settled.refined.ring_px > RING_SCATTER * settled.fwhm_px + SCATTER_PX {
            format!("rings are off as wholes by {:.2} pixels", settled.refined.ring_px)
        } else if settled.refined.extra_px > POINT_SCATTER * settled.fwhm_px + SCATTER_PX {
            format!("places on rings scatter by {:.2} pixels", settled.refined.extra_px)
        } else if rms > allowed {
            format!("rings are off by {rms:.2} pixels rms, {allowed:.2} would be good")
        } else {
            return Ok(());
        };
        Err(self.no_match(reason))
    }

    /// All frames together.
    pub(super) fn refined(&self, starts: &[Placement]) -> Result<Verdict, CalibrateError> {
        let failed = || self.no_match("no fit of the rings converges".to_owned());
        let mut freedom = HELD;
        let mut wavelength = Origin::Held;
        if self.request.wavelength == WavelengthFit::Fitted {
            freedom.wavelength = Hold::Free;
            wavelength = Origin::Fitted;
        }
        let mut fit = self.view.settle(starts, freedom, ROUNDS).ok_or_else(failed)?;
        let mut tilt = Origin::Fitted;
        let sigma = |fit: &Settled, k: usize| fit.refined.covariance[(k, k)].max(0.0).sqrt();
        if sigma(&fit, ROT1).max(sigma(&fit, ROT2)) > OPEN_TILT {
            freedom.tilt = Hold::Within(TILT);
            tilt = Origin::Assumed;
            let [rot1_rad, rot2_rad] = self.request.guess.map_or([0.0; 2], |poni| [poni.rot1_rad, poni.rot2_rad]);
            let upright: Vec<Placement> =
                fit.refined.placements.iter().map(|p| Placement { rot1_rad, rot2_rad, ..*p }).collect();
            fit = self.view.settle(&upright, freedom, ROUNDS).ok_or_else(failed)?;
        }
        for (index, placement) in fit.refined.placements.iter().enumerate() {
            let own = FRAME + 3 * index;
            let distance = sigma(&fit, own + 2);
            let pixel_m = self.request.detector.pixel_m[0].min(self.request.detector.pixel_m[1]);
            let centre = sigma(&fit, own).hypot(sigma(&fit, own + 1)) * placement.along_m / pixel_m;
            let open = |parameter, sigma, unit| Err(CalibrateError::Undetermined { parameter, sigma, unit });
            if distance > OPEN_DISTANCE {
                return open("distance", (1e3 * distance * placement.along_m).round(), "mm");
            }
            if centre > OPEN_CENTRE_PX {
                return open("beam centre", centre.round(), "pixels");
            }
        }
        let agreements: Vec<Agreement> =
            (0..starts.len()).map(|index| self.agreement(&self.view, &fit, index)).collect();
        for agreement in &agreements {
            self.passes(&fit, agreement, RINGS[1])?;
        }
        let free = Freedom { wavelength: Hold::Free, ..freedom };
        let free_wavelength = Fit::new(self.view.ladder, &fit.frames, free).solve().map(|refined| {
            let variance = refined.covariance[(LN_WAVELENGTH, LN_WAVELENGTH)];
            (refined.wavelength_factor, variance.max(0.0).sqrt())
        });
        Ok(Verdict { fit, agreements, tilt, wavelength, free_wavelength })
    }

    fn names(&self) -> String {
        self.request.calibrants.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(" and ")
    }

    fn no_match(&self, reason: String) -> CalibrateError {
        let energy_kev = energy_kev(self.request.wavelength_angstrom);
        CalibrateError::NoMatch { calibrant: self.names(), energy_kev, reason }
    }
}
