//! Masks from files and shapes.

use std::path::Path;

use super::{FrameError, FrameFile, Mask};

impl Mask {
    /// The first image of a file of any frame format, PNG, NPY or Fit2D .msk: what is not zero is left out.
    ///
    /// # Errors
    /// As [`super::read`].
    pub fn read(path: &Path) -> Result<Mask, FrameError> {
        let frame = FrameFile::read(path)?.image(0)?.frame;
        Ok(Mask { shape: frame.shape, bad: frame.counts.nonzero() })
    }

    /// Leaves out what `other` leaves out, too.
    ///
    /// # Errors
    /// [`FrameError::MaskShape`] if the shapes differ.
    pub fn join(&mut self, other: &Mask) -> Result<(), FrameError> {
        if self.shape != other.shape {
            return Err(FrameError::MaskShape { found: other.shape, expected: self.shape });
        }
        for (bad, other) in self.bad.iter_mut().zip(&other.bad) {
            *bad |= other;
        }
        Ok(())
    }

    /// Leaves out the pixels whose centres lie on a disc around `centre_px` (column, row); the centre of the first
    /// pixel is (0.5, 0.5).
    pub fn add_circle(&mut self, centre_px: [f64; 2], radius_px: f64) {
        let [centre_column, centre_row] = centre_px;
        for row in self.rows_between(centre_row - radius_px, centre_row + radius_px) {
            let dy = row as f64 + 0.5 - centre_row;
            for column in 0..self.shape.columns {
                let dx = column as f64 + 0.5 - centre_column;
                if dx * dx + dy * dy <= radius_px * radius_px {
                    self.bad[row * self.shape.columns + column] = true;
                }
            }
        }
    }

    /// Leaves out the pixels whose centres lie inside a closed polygon of (column, row) corners. Where it crosses
    /// itself, a point is inside if a ray from it meets an odd number of edges.
    pub fn add_polygon(&mut self, corners_px: &[[f64; 2]]) {
        let Some(last) = corners_px.last() else { return };
        let lowest = corners_px.iter().map(|corner| corner[1]).fold(f64::INFINITY, f64::min);
        let highest = corners_px.iter().map(|corner| corner[1]).fold(f64::NEG_INFINITY, f64::max);
        let before: Vec<[f64; 2]> = std::iter::once(*last).chain(corners_px.iter().copied()).collect();
        for row in self.rows_between(lowest, highest) {
            let y = row as f64 + 0.5;
            // Half-open in y: a corner at the height of the row belongs to one of its two edges.
            let crosses = |edge: &[[f64; 2]]| (edge[0][1] <= y) != (edge[1][1] <= y);
            let at = |edge: &[[f64; 2]]| {
                let ([x0, y0], [x1, y1]) = (edge[0], edge[1]);
                x0 + (y - y0) / (y1 - y0) * (x1 - x0)
            };
            let mut crossings: Vec<f64> = before.windows(2).filter(|edge| crosses(edge)).map(at).collect();
            crossings.sort_by(f64::total_cmp);
            for pair in crossings.chunks_exact(2) {
                let columns = self.shape.columns;
                for column in first_centre(pair[0], columns)..first_centre(pair[1], columns) {
                    self.bad[row * columns + column] = true;
                }
            }
        }
    }

    /// Number of pixels that are left out.
    pub fn count_bad(&self) -> usize {
        self.bad.iter().filter(|&&bad| bad).count()
    }

    /// Rows whose centres may lie in [lowest, highest].
    fn rows_between(&self, lowest: f64, highest: f64) -> std::ops::Range<usize> {
        // A cast from f64 saturates, NaN becomes 0.
        let end = (highest.ceil().max(0.0) as usize).min(self.shape.rows);
        (lowest.floor().max(0.0) as usize).min(end)..end
    }
}

/// The first of `columns` pixels whose centre is at or right of `x`; `columns` where there is none.
fn first_centre(x: f64, columns: usize) -> usize {
    ((x - 0.5).ceil().max(0.0) as usize).min(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Shape;

    const SHAPE: Shape = Shape { rows: 40, columns: 60 };

    fn none(shape: Shape) -> Mask {
        Mask { shape, bad: vec![false; shape.pixels()] }
    }

    #[test]
    fn a_circle_covers_its_area() {
        let mut mask = none(Shape { rows: 400, columns: 400 });
        mask.add_circle([200.3, 199.8], 150.0);
        // Gauss's circle problem: the error for radius r stays far below 2·√2·π·r.
        let area = std::f64::consts::PI * 150.0 * 150.0;
        assert!((mask.count_bad() as f64 - area).abs() < 300.0, "{} of {area}", mask.count_bad());
        let mut mask = none(SHAPE);
        mask.add_circle([0.5, 0.5], 0.0);
        assert_eq!((mask.count_bad(), mask.bad[0]), (1, true));
        mask.add_circle([-100.0, 1e300], 5.0);
        mask.add_circle([f64::NAN, 3.0], 5.0);
        assert_eq!(mask.count_bad(), 1);
    }

    #[test]
    fn a_polygon_is_filled_where_a_ray_meets_odd_edges() {
        let mut mask = none(SHAPE);
        // Columns 10 … 19 and rows 5 … 7: edges on pixel borders, so no centre is in doubt.
        mask.add_polygon(&[[10.0, 5.0], [20.0, 5.0], [20.0, 8.0], [10.0, 8.0]]);
        assert_eq!(mask.count_bad(), 30);
        assert!(
            mask.bad[5 * 60 + 10]
                && mask.bad[7 * 60 + 19]
                && !mask.bad[8 * 60 + 10]
                && !mask.bad[5 * 60 + 20]
        );

        // A square drawn round twice is outside itself.
        let mut mask = none(SHAPE);
        let square = [[2.0, 2.0], [9.0, 2.0], [9.0, 9.0], [2.0, 9.0]];
        mask.add_polygon(&[square, square].concat());
        assert_eq!(mask.count_bad(), 0);

        // Beyond the edges of the frame it is cut; without area it covers nothing.
        mask.add_polygon(&[[-1e9, -1e9], [1e9, -1e9], [1e9, 1e9], [-1e9, 1e9]]);
        assert_eq!(mask.count_bad(), SHAPE.pixels());
        let mut mask = none(SHAPE);
        mask.add_polygon(&[]);
        mask.add_polygon(&[[1.0, 1.0], [30.0, 30.0]]);
        mask.add_polygon(&[[f64::NAN, 1.0], [30.0, f64::INFINITY], [3.0, 4.0]]);
        assert!(mask.count_bad() < 60);
    }

    #[test]
    fn two_triangles_tile_their_square() {
        let corners = [[3.2, 4.1], [33.3, 4.1], [33.3, 34.2], [3.2, 34.2]];
        let mut whole = none(SHAPE);
        whole.add_polygon(&corners);
        let (mut lower, mut upper) = (none(SHAPE), none(SHAPE));
        lower.add_polygon(&[corners[0], corners[1], corners[2]]);
        upper.add_polygon(&[corners[2], corners[3], corners[0]]);
        assert_eq!(lower.count_bad() + upper.count_bad(), whole.count_bad());
        lower.join(&upper).unwrap();
        assert_eq!(lower, whole);
        let other = none(Shape { rows: 60, columns: 40 });
        assert!(matches!(lower.join(&other), Err(FrameError::MaskShape { .. })));
    }
}
