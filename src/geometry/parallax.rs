//! Photons that are absorbed inside the sensor are counted by a pixel further out than where they came in \[E6\].

/// A sensor that is thick enough for oblique rays to cross pixels in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parallax {
    /// Total attenuation coefficient of the sensor at the beam's energy.
    pub mu_per_m: f64,
    /// Sensor thickness.
    pub thickness_m: f64,
}

impl Parallax {
    /// ⟨s⟩ in m, the mean way along a ray from the sensor's face to where it is absorbed, of the rays that are absorbed
    /// \[E6\]. `cos` is the cosine of the ray's angle to the normal.
    pub fn mean_path_m(&self, cos: f64) -> f64 {
        let path = self.thickness_m / cos;
        let depth = self.mu_per_m * path;
        // 1/x − 1/(eˣ − 1), which cancels at small x; what the series leaves out is below x⁵/30240.
        let share = if depth < 0.05 {
            0.5 - depth / 12.0 + depth.powi(3) / 720.0
        } else {
            1.0 / depth - 1.0 / depth.exp_m1()
        };
        path * share
    }

    /// Third central moment of that way in m³: how far the places where rays stop trail off.
    ///
    /// With u = s/path between 0 and 1 and the density exp(−xu), the cumulants are the derivatives of ln((eᵘ − 1)/u) at −x.
    pub(crate) fn path_skew_m3(&self, cos: f64) -> f64 {
        let path = self.thickness_m / cos;
        let depth = self.mu_per_m * path;
        // The difference cancels at small x; what the series leaves out is below x⁵/28800.
        let share = if depth < 0.3 {
            depth / 120.0 - depth.powi(3) / 1512.0
        } else {
            let through = (-depth).exp();
            2.0 / depth.powi(3) - through * (1.0 + through) / (1.0 - through).powi(3)
        };
        path.powi(3) * share
    }

    /// k = 1 + ⟨s⟩/|t|: a ray through the face at the distance q from the point of normal incidence is counted at k·q.
    /// `across_m2` = q², `distance_m` = L.
    pub(super) fn outwards(&self, across_m2: f64, distance_m: f64) -> f64 {
        let length = (across_m2 + distance_m * distance_m).sqrt();
        1.0 + self.mean_path_m(distance_m / length) / length
    }

    /// q/p for rays that are counted at the distance p from the point of normal incidence, `across_m2` = p².
    ///
    /// The equation p = k(q)·q is iterated from q = p. A step leaves ⟨s⟩/L of the error, some 1e-3: three leave 1e-12 m of a
    /// shift of 1e-3 m.
    pub(crate) fn inwards(&self, across_m2: f64, distance_m: f64) -> f64 {
        (0..3).fold(1.0, |ratio: f64, _| 1.0 / self.outwards(ratio * ratio * across_m2, distance_m))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean of where photons stop, by adding up thin layers of the sensor: the shift across and the way to it.
    fn layers(sensor: &Parallax, angle: f64) -> f64 {
        const LAYERS: usize = 100_000;
        let step = sensor.thickness_m / LAYERS as f64;
        let (mut sum, mut weight) = (0.0, 0.0);
        for layer in 0..LAYERS {
            let depth = (layer as f64 + 0.5) * step;
            let stopped = (-sensor.mu_per_m * depth / angle.cos()).exp();
            sum += stopped * depth * angle.tan();
            weight += stopped;
        }
        sum / weight
    }

    #[test]
    fn rays_are_counted_where_they_stop_on_average() {
        for (mu_per_m, thickness_m) in [(730.0, 1e-3), (20.0, 4.5e-4), (1e5, 1e-3), (0.0, 1e-3)] {
            let sensor = Parallax { mu_per_m, thickness_m };
            for degrees in [0.0f64, 10.0, 30.0, 60.0] {
                let angle = degrees.to_radians();
                let shift = sensor.mean_path_m(angle.cos()) * angle.sin();
                // The midpoint rule over steps of 1e-8 m: (μ·step/cos α)²/12 of the mean, 5e-7 at 1e5 per m.
                let expected = layers(&sensor, angle);
                assert!(
                    (shift - expected).abs() <= 1e-6 * expected,
                    "{mu_per_m}, {degrees}: {shift}, {expected}"
                );
                // There and back again.
                let across = 0.2 * angle.tan();
                let counted = across * sensor.outwards(across * across, 0.2);
                assert!((counted - across - shift).abs() < 1e-15, "the shift is ⟨s⟩ sin α, to rounding");
                let back = counted * sensor.inwards(counted * counted, 0.2);
                assert!((back - across).abs() < 1e-11, "three steps: {}", back - across);
            }
        }
    }

    /// Against sums over thin layers; for a thin sensor the skew is x/120 of the cube of the way, which cancels in the sums.
    #[test]
    fn rays_trail_off() {
        for (mu_per_m, thickness_m) in [(730.0, 1e-3), (5000.0, 1e-3), (299.0, 1e-3), (301.0, 1e-3)] {
            let sensor = Parallax { mu_per_m, thickness_m };
            let cos = 0.8;
            let mean = sensor.mean_path_m(cos);
            let path = thickness_m / cos;
            let (mut sum, mut weight) = (0.0, 0.0);
            for layer in 0..100_000 {
                let way = path * (f64::from(layer) + 0.5) / 1e5;
                let stopped = (-mu_per_m * way).exp();
                sum += stopped * (way - mean).powi(3);
                weight += stopped;
            }
            let (found, expected) = (sensor.path_skew_m3(cos), sum / weight);
            // The midpoint rule leaves 1e-10 of it, the series 1e-6 at its end.
            assert!((found / expected - 1.0).abs() < 1e-5, "{mu_per_m}: {found} {expected}");
        }
    }

    #[test]
    fn the_series_meets_the_closed_form() {
        let path = |mu_per_m| Parallax { mu_per_m, thickness_m: 1e-3 }.mean_path_m(1.0);
        // At x = 0.05 the series leaves out 1e-11, the closed form loses 1e-16/0.05²; the step of x gives 1e-9/12.
        assert!((path(50.0 - 1e-6) / path(50.0 + 1e-6) - 1.0).abs() < 1e-9);
    }
}
