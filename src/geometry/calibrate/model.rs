//! Parameters of a fit and what they make of the points: 2θ of each place less 2θ of its ring.

use super::ladder::Ladder;
use super::placement::{Placement, direction, two_theta, two_theta_slope};
use super::points::RingPoint;
use crate::geometry::displacement::{Displacement, Field};
use crate::geometry::{Detector, Direction, LabFrame};

/// Where the parameters stand: wavelength, then the rotations, then three for each frame, then displacements.
pub(super) const LN_WAVELENGTH: usize = 0;

/// Whose the rotations are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tilts {
    /// All frames have one pair.
    Shared,
    /// Each has its own.
    Own,
}

/// Numbers of the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    frames: usize,
    tilts: Tilts,
}

impl Places {
    pub(super) fn new(frames: usize, tilts: Tilts) -> Places {
        Places { frames, tilts }
    }

    fn pairs(self) -> usize {
        match self.tilts {
            Tilts::Shared => 1,
            Tilts::Own => self.frames,
        }
    }

    /// rot1 of a frame, which rot2 follows.
    pub(super) fn tilt(self, frame: usize) -> usize {
        1 + 2 * frame.min(self.pairs() - 1)
    }

    /// Centre slow and fast in units of the distance, and ln of the distance.
    pub(super) fn own(self, frame: usize) -> usize {
        1 + 2 * self.pairs() + 3 * frame
    }

    /// Whether no other frame says anything of a frame's tilt.
    pub(super) fn is_alone_in_tilt(self) -> bool {
        self.pairs() == self.frames
    }

    /// The first displacement.
    pub(super) fn fields(self) -> usize {
        self.own(self.frames)
    }
}

/// Steps of the derivatives: rad, or relative to the distance.
const STEP: f64 = 1e-7;
/// … and of displacements, in which places are linear; pixels.
const STEP_PX: f64 = 1e-3;
/// How far modules are from where they should be, pixels, at the corners for a turn: the largest shift of the Pilatus3 CdTe 2M of
/// `tests/calibration.rs` that its rings determine is 0.43 ± 0.03 pixels.
const MODULES_PX: f64 = 0.5;
/// How far smooth distortion may go, pixels.
const SMOOTH_PX: f64 = 5.0;
/// Standard deviation of an assumed rotation, rad.
const TILT: f64 = 0.035;
/// Polarization factor of a synchrotron's beam, the run file's default; of an unpolarised one the lag is wrong by less than a half.
const POLARIZATION: f64 = 0.99;

/// Points of one frame.
#[derive(Debug, Clone)]
pub(super) struct FramePoints {
    pub(super) start: Placement,
    /// Where all frames have one pair of rotations, the first frame's counts.
    pub(super) tilt: Rotations,
    pub(super) points: Vec<RingPoint>,
}

/// What is fitted and what is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Freedom {
    pub(super) wavelength: Hold,
    pub(super) tilts: Tilts,
}

/// What is known of the wavelength before the fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Hold {
    /// Nothing: the points determine it.
    Free,
    /// It is the one given.
    Held,
    /// It is the one given within this standard deviation, relative.
    Within(f64),
}

/// What is known of a frame's rotations before the fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rotations {
    /// Nothing: the points determine them.
    Free,
    /// They are these, rad, within [`TILT`], wherever a fit begins.
    Assumed([f64; 2]),
}

/// One geometry: the frames' rotations and shifts, the rings for the wavelength, displacements in pixels.
pub(super) struct State {
    frames: Vec<LabFrame>,
    ladder: Ladder,
    displaced_px: Vec<f64>,
}

/// Points of several frames, and the parameters that say where they should be.
pub(super) struct Model<'a> {
    ladder: &'a Ladder,
    frames: &'a [FramePoints],
    freedom: Freedom,
    pub(super) places: Places,
    /// Frame and point of each residual.
    pub(super) points: Vec<(usize, RingPoint)>,
    /// How far the peak that was fitted stays behind its ring, pixels.
    lags_px: Vec<f64>,
    /// Displacements that are fitted too, and where each moves each point: (slow, fast), m for a pixel.
    fields: &'a [Field],
    moves: Vec<Vec<[f64; 2]>>,
}

impl<'a> Model<'a> {
    pub(super) fn new(ladder: &'a Ladder, frames: &'a [FramePoints], freedom: Freedom) -> Self {
        let points = frames.iter().enumerate();
        let points = points.flat_map(|(k, frame)| frame.points.iter().map(move |point| (k, *point)));
        let points: Vec<(usize, RingPoint)> = points.collect();
        let lag_px = |(k, point): &(usize, RingPoint)| {
            let start: &Placement = &frames[*k].start;
            sensor_lag_px(start, point) + slope_lag_px(start, point)
        };
        let lags_px = points.iter().map(lag_px).collect();
        let places = Places::new(frames.len(), freedom.tilts);
        Self { ladder, frames, freedom, places, points, lags_px, fields: &[], moves: Vec::new() }
    }

    /// With displacements on a detector to be fitted.
    pub(super) fn with_fields(mut self, fields: &'a [Field], detector: &Detector) -> Self {
        let grid = detector.grid();
        let of_point = |(_, point): &(usize, RingPoint)| {
            let [row, column] = detector.pixel(point.place);
            let here = detector.point(row, column);
            let move_of = |field: &Field| {
                let [down, across] =
                    Displacement::default().and([(*field, 1.0)], detector).at(&grid, row, column);
                let there = detector.point(row + down, column + across);
                [there[0] - here[0], there[1] - here[1]]
            };
            fields.iter().map(move_of).collect()
        };
        self.moves = self.points.iter().map(of_point).collect();
        self.fields = fields;
        self
    }

    pub(super) fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// What is known of each pair of rotations.
    fn tilts(&self) -> impl Iterator<Item = (usize, &FramePoints)> {
        self.frames
            .iter()
            .take(self.places.pairs())
            .enumerate()
            .map(|(k, frame)| (self.places.tilt(k), frame))
    }

    /// Number of parameters that the points have to determine.
    pub(super) fn free(&self) -> usize {
        let tilts = 2 * self.tilts().filter(|(_, frame)| frame.tilt == Rotations::Free).count();
        let wavelength = usize::from(self.freedom.wavelength == Hold::Free);
        tilts + wavelength + 3 * self.frames.len()
    }

    pub(super) fn start(&self) -> Vec<f64> {
        let mut start = vec![0.0; self.places.fields() + self.fields.len()];
        for (k, frame) in self.tilts() {
            (start[k], start[k + 1]) = (frame.start.rot1_rad, frame.start.rot2_rad);
        }
        for (k, frame) in self.frames.iter().enumerate() {
            let own = self.places.own(k);
            let along = frame.start.along_m;
            (start[own], start[own + 1]) = (frame.start.centre_m[0] / along, frame.start.centre_m[1] / along);
        }
        start
    }

    pub(super) fn placement(&self, p: &[f64], frame: usize) -> Placement {
        let along = self.frames[frame].start.along_m;
        let (tilt, own) = (&p[self.places.tilt(frame)..], &p[self.places.own(frame)..]);
        Placement {
            centre_m: [own[0] * along, own[1] * along],
            along_m: along * own[2].exp(),
            rot1_rad: tilt[0],
            rot2_rad: tilt[1],
            ..self.frames[frame].start
        }
    }

    pub(super) fn state(&self, p: &[f64]) -> State {
        let frames = (0..self.frames.len()).map(|k| self.placement(p, k).lab_frame()).collect();
        let ladder = self.ladder.at_wavelength(p[LN_WAVELENGTH].exp());
        State { frames, ladder, displaced_px: p[self.places.fields()..].to_vec() }
    }

    /// 2θ found less 2θ expected, pixels.
    pub(super) fn offset(&self, state: &State, i: usize) -> f64 {
        let (frame, point) = &self.points[i];
        let mut place = point.place;
        if let Some(moves) = self.moves.get(i) {
            for (px, [slow, fast]) in state.displaced_px.iter().zip(moves) {
                place = [place[0] + px * slow, place[1] + px * fast];
            }
        }
        let expected = state.ladder.two_theta[point.ring];
        (two_theta(&state.frames[*frame], place) - expected) / point.pixel_rad + self.lags_px[i]
    }

    pub(super) fn offsets(&self, p: &[f64]) -> Vec<f64> {
        let state = self.state(p);
        (0..self.points.len()).map(|i| self.offset(&state, i)).collect()
    }

    pub(super) fn steps(&self) -> Vec<f64> {
        let mut steps = vec![STEP; self.places.fields()];
        steps.resize(steps.len() + self.fields.len(), STEP_PX);
        if self.freedom.wavelength == Hold::Held {
            steps[LN_WAVELENGTH] = 0.0;
        }
        steps
    }

    pub(super) fn prior(&self) -> Vec<(f64, f64)> {
        let mut prior = vec![(0.0, f64::INFINITY); self.places.fields() + self.fields.len()];
        if let Hold::Within(sigma) = self.freedom.wavelength {
            prior[LN_WAVELENGTH].1 = sigma;
        }
        for (k, frame) in self.tilts() {
            if let Rotations::Assumed(about) = frame.tilt {
                (prior[k], prior[k + 1]) = ((about[0], TILT), (about[1], TILT));
            }
        }
        for (prior, field) in prior[self.places.fields()..].iter_mut().zip(self.fields) {
            prior.1 = if field.is_of_a_module() { MODULES_PX } else { SMOOTH_PX };
        }
        prior
    }

    /// Indices of the points of each ring of each frame.
    pub(super) fn rings(&self) -> Vec<Vec<usize>> {
        let indices: Vec<usize> = (0..self.points.len()).collect();
        let key = |i: usize| (self.points[i].0, self.points[i].1.ring);
        indices.chunk_by(|a, b| key(*a) == key(*b)).map(<[usize]>::to_vec).collect()
    }
}

/// How far a fitted peak stays behind the mean of its ring, pixels across the ring: a sensor gives rings a tail.
///
/// A Gaussian of standard deviation w with a third cumulant κ is G·(1 + κ/(6w³)·H3); its projection on the derivative of the
/// Gaussian that is fitted to it is −κ/(4w²).
fn sensor_lag_px(start: &Placement, point: &RingPoint) -> f64 {
    let Some(parallax) = start.parallax else { return 0.0 };
    let frame = start.lab_frame();
    let [p1, p2, distance_m] = frame.own(point.place);
    let across_m = p1.hypot(p2);
    let length_m = across_m.hypot(distance_m);
    let [slow, fast] = two_theta_slope(&frame, point.place);
    let slope = slow.hypot(fast);
    let pixel_m = point.pixel_rad / slope;
    // From a metre of the ray to pixels across the ring.
    let share = (p1 * slow + p2 * fast) / (slope * length_m * pixel_m);
    let width_squared = point.width_px * point.width_px + 1.0 / 12.0;
    parallax.path_skew_m3(distance_m / length_m) * share.powi(3) / (4.0 * width_squared)
}

/// The same where counts fall across the ring as solid angle and polarization do \[E2\], \[E3\], by k relative for a pixel \[E1g\]:
/// G·(1 + ku) is a Gaussian G of standard deviation s at s²k, to first order in k.
fn slope_lag_px(start: &Placement, point: &RingPoint) -> f64 {
    let frame = start.lab_frame();
    let [slow, fast] = two_theta_slope(&frame, point.place);
    let slope = slow.hypot(fast);
    // Half a pixel to either side; second differences of these smooth factors are 1e-6.
    let half = 0.5 * point.pixel_rad / (slope * slope);
    let log_factor = |sign: f64| {
        let place = [point.place[0] + sign * half * slow, point.place[1] + sign * half * fast];
        let [p1, p2, distance_m] = frame.own(place);
        let Direction { two_theta_rad, chi_rad } = direction(&frame, place);
        let sin_squared = two_theta_rad.sin().powi(2);
        let polarization = 2.0 - sin_squared - POLARIZATION * (2.0 * chi_rad).cos() * sin_squared;
        (polarization / (p1 * p1 + p2 * p2 + distance_m * distance_m).powf(1.5)).ln()
    };
    -point.width_px.powi(2) * (log_factor(1.0) - log_factor(-1.0))
}
