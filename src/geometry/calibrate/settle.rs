//! Points and placement in turn, until neither moves.

use super::cake::{Groups, Layout};
use super::image::Image;
use super::ladder::Ladder;
use super::model::{FramePoints, Freedom, Hold, Rotations, Tilts};
use super::placement::Placement;
use super::points::{RingPoint, Search, ring_points};
use super::refine::{Fit, Refined, median};
use crate::geometry::{Detector, Parallax};

/// Arcs of wedges while the placement is sought, and at the end, pixels.
const COARSE_PX: f64 = 100.0;
const FINE_PX: f64 = 50.0;
/// Farthest from where a ring is expected while nothing is known of its width, and what is close then, pixels: sharp rings, then
/// wide ones, that stand alone; then all rings.
const FIRST: [Layout; 5] = [
    first(6.0, 5.0, Groups::Alone),
    first(12.0, 10.0, Groups::Alone),
    first(20.0, 16.0, Groups::Alone),
    first(6.0, 5.0, Groups::All),
    first(12.0, 10.0, Groups::All),
];
const fn first(window_px: f64, apart_px: f64, groups: Groups) -> Layout {
    // No ring is sharper than a pixel.
    Layout { window_px, apart_px, blurred_px: BLURRED, groups, arc_px: COARSE_PX }
}
/// Places on rings that are enough to begin with.
const FIRST_POINTS: usize = 40;
/// The window, and the distance between rings that stand alone, in full widths at half maximum.
const WINDOW: f64 = 2.0;
const APART: f64 = 3.0;
/// Groups with rings closer than this leave nothing of their place, in full widths at half maximum.
const BLURRED: f64 = 0.3;
/// Points that a ring's own width needs.
const OWN_WIDTH: usize = 8;
/// Rounds at most, and the shift of the centre, or of a ring, that ends them, pixels: heights of close rings and the placement find
/// each other in a few rounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) rounds: usize,
    pub(super) settled_px: f64,
    /// Of wedges.
    arc_px: f64,
}

impl Patience {
    /// While candidates are compared.
    pub(super) const QUICK: Patience = Patience { rounds: 5, settled_px: 0.1, arc_px: COARSE_PX };
    /// At the end.
    pub(super) const WHOLE: Patience = Patience { rounds: 8, settled_px: 2e-3, arc_px: FINE_PX };
}

/// Where one frame begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) placement: Placement,
    pub(super) tilt: Rotations,
    /// Full width at half maximum of the rings, pixels; `None` = not known.
    pub(super) fwhm_px: Option<f64>,
}
/// A fit that scatters more than this, in full widths of the rings, is not bettered by more rounds: points of wrong rings lie anywhere in
/// their window, and scatter by about 0.3. Counted anew, its rings may still fit ([`LOOSE`]).
const HOPELESS: f64 = 0.2;

/// Scatter of a fit that may become a good one, in full widths of the rings.
const LOOSE: f64 = 0.3;

/// What is looked at: frames of one detector, and the rings of the calibrants in all of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) images: &'a [Image],
    pub(super) detector: &'a Detector,
    pub(super) ladder: &'a Ladder,
    /// Where rays stop in the sensor.
    pub(super) parallax: Option<Parallax>,
}

/// A geometry that has settled, and the points that it rests on.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    pub(super) refined: Refined,
    pub(super) frames: Vec<FramePoints>,
    /// Full width at half maximum of the rings of each frame, pixels.
    pub(super) fwhm_px: Vec<f64>,
}

impl Settled {
    /// What a frame scatters, in full widths of its rings.
    pub(super) fn scatter(&self, frame: usize) -> f64 {
        self.refined.scatter[frame].px() / self.fwhm_px[frame]
    }

    /// As starts of another fit, which begins with the wavelength that was given. To first order the radius of a ring is in proportion to
    /// Lλ; what that leaves needs the wide windows of a first look.
    pub(super) fn starts(&self) -> Vec<Start> {
        let factor = self.refined.wavelength_factor;
        let frames = self.frames.iter().zip(&self.fwhm_px);
        let start = |(placement, (frame, fwhm_px)): (&Placement, (&FramePoints, &f64))| Start {
            placement: Placement { along_m: placement.along_m * factor, ..*placement },
            tilt: frame.tilt,
            fwhm_px: (factor == 1.0).then_some(*fwhm_px),
        };
        self.refined.placements.iter().zip(frames).map(start).collect()
    }
}

impl View<'_> {
    /// From placements that are right within a few pixels to the settled ones; `None` where the rings give no fit.
    pub(super) fn settle(&self, starts: &[Start], freedom: Freedom, patience: Patience) -> Option<Settled> {
        let pixel_m = self.detector.pixel_m[0].min(self.detector.pixel_m[1]);
        let thick = |start: &Start| Placement { parallax: self.parallax, ..start.placement };
        let mut here: Vec<Placement> = starts.iter().map(thick).collect();
        let mut fwhm_px: Vec<Option<f64>> = starts.iter().map(|start| start.fwhm_px).collect();
        let mut widths: Vec<Option<Vec<f64>>> = vec![None; self.images.len()];
        let mut ladder = self.ladder.clone();
        let mut last = None;
        for round in 0..patience.rounds {
            let look = |k: usize| {
                let seen =
                    Seen { fwhm_px: fwhm_px[k], widths: widths[k].as_deref(), arc_px: patience.arc_px };
                let points = self.points(&self.images[k], &here[k], &ladder, seen);
                FramePoints { start: here[k], tilt: starts[k].tilt, points }
            };
            let frames: Vec<FramePoints> = (0..self.images.len()).map(look).collect();
            if round == 0 {
                for (k, frame) in frames.iter().enumerate() {
                    let of = |value: fn(&RingPoint) -> f64| {
                        median(&mut frame.points.iter().map(value).collect::<Vec<_>>())
                    };
                    fwhm_px[k] = Some(full_width(of(|p| p.width_px)));
                    let overall = of(|p| p.width_px * p.pixel_rad);
                    widths[k] = Some(ring_widths(&frame.points, self.ladder.two_theta.len(), overall));
                }
            }
            let refined = Fit::new(self.ladder, &frames, freedom).solve()?;
            let moved = here.iter().zip(&refined.placements).map(|(a, b)| a.apart_m(b) / pixel_m);
            let moved = moved.fold(0.0, f64::max);
            here.clone_from(&refined.placements);
            ladder = self.ladder.at_wavelength(refined.wavelength_factor);
            let settled = Settled { refined, frames, fwhm_px: fwhm_px.iter().flatten().copied().collect() };
            let limit = if round > 0 { HOPELESS } else { LOOSE };
            let hopeless = (0..starts.len()).any(|frame| settled.scatter(frame) > limit);
            last = Some(settled);
            if hopeless || (round > 0 && moved < patience.settled_px) {
                break;
            }
        }
        last
    }

    /// The placement of a single frame if each of its rings were `shift` rings farther out; `None` where most of its points
    /// then fit no ring, or only within a good part of a ring's width.
    pub(super) fn recounted(&self, settled: &Settled, shift: isize) -> Option<Placement> {
        let mut frames = settled.frames.clone();
        for frame in &mut frames {
            frame.tilt = Rotations::Free;
            frame.points.retain_mut(|point| match point.ring.checked_add_signed(shift) {
                Some(ring) if ring < self.ladder.two_theta.len() => {
                    point.ring = ring;
                    true
                }
                Some(_) | None => false,
            });
        }
        let refined =
            Fit::new(self.ladder, &frames, Freedom { wavelength: Hold::Held, tilts: Tilts::Shared })
                .solve()?;
        let kept = refined.residuals.iter().filter(|r| r.kept).count();
        let fits = 2 * kept > settled.refined.residuals.len()
            && refined.scatter[0].px() < LOOSE * settled.fwhm_px[0];
        refined.placements.first().copied().filter(|_| fits)
    }

    fn points(&self, image: &Image, at: &Placement, ladder: &Ladder, seen: Seen<'_>) -> Vec<RingPoint> {
        let frame = at.lab_frame();
        let look = |layout: Layout| {
            let search = Search { layout, widths_rad: seen.widths };
            ring_points(image, self.detector, &frame, ladder, search)
        };
        if let Some(fwhm_px) = seen.fwhm_px {
            let (window_px, apart_px) = ((WINDOW * fwhm_px).max(3.0), APART * fwhm_px);
            let blurred_px = BLURRED * fwhm_px;
            let arc_px = seen.arc_px;
            return look(Layout { window_px, apart_px, blurred_px, groups: Groups::All, arc_px });
        }
        let mut most = Vec::new();
        for layout in FIRST {
            let points = look(layout);
            if points.len() > most.len() {
                most = points;
            }
            if most.len() >= FIRST_POINTS {
                break;
            }
        }
        most
    }
}

/// What is known of one frame's rings before it is looked at.
#[derive(Clone, Copy)]
struct Seen<'a> {
    fwhm_px: Option<f64>,
    /// Of each ring, rad.
    widths: Option<&'a [f64]>,
    arc_px: f64,
}

/// Full width at half maximum of a Gaussian of standard deviation s through a pixel (variance 1/12).
fn full_width(s: f64) -> f64 {
    2.355 * (s * s + 1.0 / 12.0).sqrt()
}

/// The width of each ring, rad: the median of its points, or of all where it has few.
fn ring_widths(points: &[RingPoint], rings: usize, overall: f64) -> Vec<f64> {
    (0..rings)
        .map(|ring| {
            let mut own: Vec<f64> =
                points.iter().filter(|p| p.ring == ring).map(|p| p.width_px * p.pixel_rad).collect();
            if own.len() < OWN_WIDTH { overall } else { median(&mut own) }
        })
        .collect()
}
