//! Cell vectors, fractional coordinates, distances between faces.

/// Three vectors that span a box, in Å, and their reciprocals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lattice {
    /// a, b and c, one a row.
    vectors: [[f64; 3]; 3],
    /// Rows a*, b*, c* with a·a* = 1 and a·b* = 0.
    reciprocal: [[f64; 3]; 3],
    volume: f64,
}

impl Lattice {
    /// From a, b and c, of either hand. Vectors in one plane give values that are not finite, or spacings of zero.
    pub(super) fn new(vectors: [[f64; 3]; 3]) -> Self {
        let [a, b, c] = vectors;
        let signed = dot(a, cross(b, c));
        let reciprocal = [cross(b, c), cross(c, a), cross(a, b)].map(|v| v.map(|x| x / signed));
        Self { vectors, reciprocal, volume: signed.abs() }
    }

    /// a, b and c in Å, one a row.
    pub fn vectors(&self) -> [[f64; 3]; 3] {
        self.vectors
    }

    /// Volume in Å³.
    pub fn volume(&self) -> f64 {
        self.volume
    }

    /// Distances in Å between the opposite faces that a, b and c connect: 1/|a*| and so on.
    pub fn spacings(&self) -> [f64; 3] {
        self.reciprocal.map(|v| 1.0 / dot(v, v).sqrt())
    }

    /// Coordinates in [0, 1) of a point, moved into the box by whole cell vectors.
    pub(super) fn wrapped(&self, point: [f64; 3]) -> [f64; 3] {
        self.reciprocal.map(|v| {
            let x = dot(v, point);
            // x − ⌊x⌋ rounds to 1 for tiny negative x; what is not finite stays so.
            let inside = x - x.floor();
            if inside >= 1.0 { 0.0 } else { inside }
        })
    }

    /// u·a + v·b + w·c.
    pub(super) fn point(&self, [u, v, w]: [f64; 3]) -> [f64; 3] {
        let [a, b, c] = self.vectors;
        std::array::from_fn(|k| u * a[k] + v * b[k] + w * c[k])
    }
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheared_box() {
        // Shear changes neither volume nor the distance of the c faces; the a faces lean by 45°.
        let lattice = Lattice::new([[4.0, 0.0, 0.0], [5.0, 5.0, 0.0], [0.0, 0.0, 6.0]]);
        assert!((lattice.volume() - 120.0).abs() < 1e-12);
        let [a, b, c] = lattice.spacings();
        assert!((a - 4.0 / 2f64.sqrt()).abs() < 1e-12 && (b - 5.0).abs() < 1e-12 && (c - 6.0).abs() < 1e-12);
        let inside = lattice.wrapped(lattice.point([2.25, -0.5, 7.0]));
        for (found, expected) in inside.into_iter().zip([0.25, 0.5, 0.0]) {
            let away = (found - expected).abs();
            assert!(away.min(1.0 - away) < 1e-12, "{inside:?}");
        }
        assert_eq!(lattice.wrapped([0.0, 0.0, -1e-300])[2], 0.0);
    }
}
