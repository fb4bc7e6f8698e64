//! Equally spaced bins and points: the radial axis of a pattern, the Q and r axes of the transforms.

/// `count` bins of equal width that tile [lower, upper].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bins {
    /// Lower edge of the first bin.
    pub lower: f64,
    /// Upper edge of the last bin.
    pub upper: f64,
    /// Number of bins.
    pub count: usize,
}

impl Bins {
    /// Width of one bin.
    pub fn width(&self) -> f64 {
        (self.upper - self.lower) / self.count as f64
    }

    /// Lower edge of bin `index`; `index == count` gives the upper end.
    pub fn edge(&self, index: usize) -> f64 {
        self.lower + (self.upper - self.lower) * (index as f64 / self.count as f64)
    }

    /// Middle of bin `index`.
    pub fn centre(&self, index: usize) -> f64 {
        self.lower + (self.upper - self.lower) * ((index as f64 + 0.5) / self.count as f64)
    }

    /// The middles of all bins, in order.
    pub fn centres(&self) -> Vec<f64> {
        (0..self.count).map(|i| self.centre(i)).collect()
    }

    /// Where `value` lies in units of bins: 2.25 is a quarter into the third bin; outside [0, count) it is in none.
    pub fn position(&self, value: f64) -> f64 {
        (value - self.lower) / self.width()
    }
}

/// `count` points start, start + step, start + 2·step, …
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Points {
    /// First point.
    pub start: f64,
    /// Distance of neighbours.
    pub step: f64,
    /// Number of points.
    pub count: usize,
}

impl Points {
    /// Point `index`, computed by one product so that the grid does not drift.
    pub fn at(&self, index: usize) -> f64 {
        self.start + self.step * index as f64
    }

    /// All points, in order.
    pub fn values(&self) -> Vec<f64> {
        (0..self.count).map(|i| self.at(i)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_tile_their_range() {
        let bins = Bins { lower: 0.5, upper: 25.0, count: 3000 };
        assert_eq!(bins.edge(0), 0.5);
        assert_eq!(bins.edge(3000), 25.0);
        assert_eq!(bins.centres().len(), 3000);
        assert!((bins.position(bins.centre(17)) - 17.5).abs() < 1e-9);
        assert!(bins.position(0.4) < 0.0);
    }
}
