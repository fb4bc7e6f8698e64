//! Shares of one pixel in the bins of every region: none, bounding box, full polygon \[E4\].

mod cake;

use std::collections::BTreeMap;

use super::project::{Polar, Projection, wrap};
use super::sector::Cover;
use super::{CakeAxes, Splitting};
use crate::grid::Bins;
use cake::Cells;

/// Smaller shares are left out. A pixel loses at most this much in each bin, as much as rounding to f32 costs.
const SMALLEST_SHARE: f64 = 1e-7;

/// A pixel on the beam's axis is cut into this many parts along each side.
const POLE_PARTS: usize = 64;

/// A corner of a pixel: radial position in bins, χ in rad relative to the pixel's centre.
type Corner = [f64; 2];

/// Matrix rows of consecutive pixels.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Number of entries of each pixel.
    pub(super) lengths: Vec<u32>,
    pub(super) bins: Vec<u32>,
    pub(super) weights: Vec<f32>,
}

/// The bin of half-open bins [edge, next edge) that holds `value`; the upper end of the range is in none.
fn bin_of(bins: &Bins, value: f64) -> Option<usize> {
    if !(value >= bins.lower && value < bins.upper) {
        return None;
    }
    let guess = (bins.position(value) as usize).min(bins.count - 1);
    // The position is rounded: beside an edge the edge itself decides.
    if value < bins.edge(guess) {
        guess.checked_sub(1)
    } else if guess + 1 < bins.count && value >= bins.edge(guess + 1) {
        Some(guess + 1)
    } else {
        Some(guess)
    }
}

/// First and last bin that an interval of positions meets.
fn bins_between(bins: &Bins, from: f64, to: f64) -> Option<(usize, usize)> {
    let count = bins.count as f64;
    (from < count && to >= 0.0).then(|| {
        let last = (to.min(count) as usize).min(bins.count - 1);
        (from.max(0.0) as usize, last)
    })
}

/// Middles of the parts that a pixel on the beam's axis is cut into.
fn parts(projection: &Projection, row: usize, column: usize) -> impl Iterator<Item = Polar> + '_ {
    let fraction = |part: usize| (part as f64 + 0.5) / POLE_PARTS as f64;
    (0..POLE_PARTS * POLE_PARTS).map(move |part| {
        let (i, j) = (part / POLE_PARTS, part % POLE_PARTS);
        projection.at(row as f64 + fraction(i), column as f64 + fraction(j))
    })
}

/// Largest distance of a corner from the centre, on the radial axis and in χ.
fn half_widths(centre: Polar, corners: &[Polar; 4]) -> [f64; 2] {
    let farthest = |distance: fn(&Polar, &Polar) -> f64| {
        corners.iter().map(|corner| distance(corner, &centre)).fold(0.0, f64::max)
    };
    [
        farthest(|corner, centre| (corner.radial - centre.radial).abs()),
        farthest(|corner, centre| wrap(corner.chi - centre.chi).abs()),
    ]
}

/// Splits pixels; holds scratch memory for one thread.
pub(super) struct Splitter<'a> {
    projection: &'a Projection,
    bins: Bins,
    covers: &'a [Cover],
    splitting: Splitting,
    /// Shares of the whole pixel from bin `first` on.
    ring: Vec<f64>,
    sector: Vec<f64>,
    polygon: Vec<Corner>,
    clipped: Vec<Corner>,
    /// The cake.
    cells: Option<Cells>,
}

impl<'a> Splitter<'a> {
    pub(super) fn new(
        projection: &'a Projection,
        bins: Bins,
        covers: &'a [Cover],
        cake: Option<CakeAxes>,
        splitting: Splitting,
    ) -> Self {
        let (ring, sector, polygon, clipped) = Default::default();
        let cells = cake.map(|axes| Cells::new(axes, covers.len() * bins.count));
        Splitter { projection, bins, covers, splitting, ring, sector, polygon, clipped, cells }
    }

    /// Appends the entries of pixel (row, column): regions in order, bins ascending in each; then the cells of the cake.
    /// `corners` go round the pixel.
    pub(super) fn pixel(&mut self, row: usize, column: usize, corners: &[Polar; 4], out: &mut Rows) {
        let before = out.bins.len();
        let centre = self.projection.at(row as f64 + 0.5, column as f64 + 0.5);
        match self.splitting {
            Splitting::None => self.by_centre(centre, out),
            Splitting::BoundingBox | Splitting::Full if self.projection.pole_is_on(row, column) => {
                self.by_parts(row, column, out);
            }
            Splitting::BoundingBox => self.by_box(centre, corners, out),
            Splitting::Full => self.by_polygon(centre, corners, out),
        }
        self.cells(row, column, centre, corners, out);
        out.lengths.push((out.bins.len() - before) as u32);
    }

    fn by_centre(&self, centre: Polar, out: &mut Rows) {
        let Some(bin) = bin_of(&self.bins, centre.radial) else { return };
        for (region, cover) in self.covers.iter().enumerate() {
            if cover.contains(centre.chi) {
                push(out, region * self.bins.count + bin, 1.0);
            }
        }
    }

    /// A pixel on the beam's axis: χ runs through a full turn or has no value at a corner, so its image in
    /// (radial, χ) is no quadrilateral. It is cut into small parts that count whole.
    fn by_parts(&self, row: usize, column: usize, out: &mut Rows) {
        let mut shares: BTreeMap<usize, u32> = BTreeMap::new();
        for point in parts(self.projection, row, column) {
            let Some(bin) = bin_of(&self.bins, point.radial) else { continue };
            for (region, cover) in self.covers.iter().enumerate() {
                if cover.contains(point.chi) {
                    *shares.entry(region * self.bins.count + bin).or_default() += 1;
                }
            }
        }
        for (bin, count) in shares {
            push(out, bin, f64::from(count) / (POLE_PARTS * POLE_PARTS) as f64);
        }
    }

    fn by_box(&mut self, centre: Polar, corners: &[Polar; 4], out: &mut Rows) {
        let [half_radial, half_chi] = half_widths(centre, corners);
        // No radial axis goes below zero, though the box of a pixel beside the beam does.
        let from = self.bins.position((centre.radial - half_radial).max(0.0));
        let to = self.bins.position(centre.radial + half_radial);
        if to <= from {
            return self.by_centre(centre, out);
        }
        let Some((first, last)) = bins_between(&self.bins, from, to) else { return };
        self.ring.clear();
        self.ring.extend((first..=last).map(|bin| {
            let (lower, upper) = (bin as f64, (bin + 1) as f64);
            (to.min(upper) - from.max(lower)).max(0.0) / (to - from)
        }));
        for (region, cover) in self.covers.iter().enumerate() {
            let share = cover.share(centre.chi, half_chi);
            if share > 0.0 {
                let offset = region * self.bins.count + first;
                for (i, weight) in self.ring.iter().enumerate() {
                    push(out, offset + i, weight * share);
                }
            }
        }
    }

    fn by_polygon(&mut self, centre: Polar, corners: &[Polar; 4], out: &mut Rows) {
        let relative: [Corner; 4] =
            corners.map(|corner| [self.bins.position(corner.radial), wrap(corner.chi - centre.chi)]);
        let ends = |axis: usize| {
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for corner in &relative {
                (low, high) = (low.min(corner[axis]), high.max(corner[axis]));
            }
            (low, high)
        };
        let (from, to) = ends(0);
        let chi_span = ends(1);
        let Some((first, last)) = bins_between(&self.bins, from, to) else { return };
        let quad = relative.map(|[radial, chi]| [radial - first as f64, chi]);
        let area = area(&quad);
        if area == 0.0 || !area.is_finite() {
            return self.by_centre(centre, out);
        }
        self.ring.clear();
        self.ring.resize(last - first + 1, 0.0);
        if self.ring.len() == 1 && from >= first as f64 && to <= (first + 1) as f64 {
            self.ring[0] = 1.0;
        } else {
            add_shares(&quad, area, &mut self.ring);
        }
        for (region, cover) in self.covers.iter().enumerate() {
            let offset = region * self.bins.count + first;
            let shares = match cover {
                Cover::Ring => &self.ring,
                Cover::Arcs(arcs) => {
                    let pieces = arcs.iter().flat_map(|arc| arc.relative_to(centre.chi));
                    self.sector.clear();
                    let mut whole = false;
                    for limits in pieces.filter(|[low, high]| *low < chi_span.1 && *high > chi_span.0) {
                        if limits[0] <= chi_span.0 && limits[1] >= chi_span.1 {
                            whole = true;
                            break;
                        }
                        self.sector.resize(self.ring.len(), 0.0);
                        self.polygon.clear();
                        self.polygon.extend_from_slice(&quad);
                        clip(&self.polygon, limits[0], 1.0, &mut self.clipped);
                        clip(&self.clipped, limits[1], -1.0, &mut self.polygon);
                        add_shares(&self.polygon, area, &mut self.sector);
                    }
                    if whole { &self.ring } else { &self.sector }
                }
            };
            for (i, weight) in shares.iter().enumerate() {
                push(out, offset + i, *weight);
            }
        }
    }
}

fn push(out: &mut Rows, bin: usize, share: f64) {
    if share >= SMALLEST_SHARE {
        out.bins.push(bin as u32);
        out.weights.push(share.min(1.0) as f32);
    }
}

/// ∮ χ dp of a closed polygon: its area, signed by the sense of rotation.
fn area(polygon: &[Corner]) -> f64 {
    edges(polygon).map(|([p0, chi0], [p1, chi1])| 0.5 * (p1 - p0) * (chi0 + chi1)).sum()
}

fn edges(polygon: &[Corner]) -> impl Iterator<Item = (Corner, Corner)> {
    let next = polygon.iter().cycle().skip(1);
    polygon.iter().copied().zip(next.copied())
}

/// Adds the polygon's area inside each bin i ≤ p < i + 1, divided by `total`: every edge gives the trapezoids
/// below it, and going round they leave the inside.
fn add_shares(polygon: &[Corner], total: f64, shares: &mut [f64]) {
    let count = shares.len() as f64;
    for ([p0, chi0], [p1, chi1]) in edges(polygon) {
        let (low, high) = (p0.min(p1).max(0.0), p0.max(p1).min(count));
        if low >= high {
            continue;
        }
        let slope = (chi1 - chi0) / (p1 - p0);
        let factor = (p1 - p0).signum() / total;
        let mut from = low;
        let mut bin = low as usize;
        while from < high {
            let to = high.min((bin + 1) as f64);
            let middle = chi0 + slope * (0.5 * (from + to) - p0);
            shares[bin] += factor * (to - from) * middle;
            from = to;
            bin += 1;
        }
    }
}

/// Sutherland & Hodgman (1974): the part of `polygon` with side · (χ − limit) ≥ 0.
fn clip(polygon: &[Corner], limit: f64, side: f64, out: &mut Vec<Corner>) {
    out.clear();
    for (a, b) in edges(polygon) {
        let (depth_a, depth_b) = (side * (a[1] - limit), side * (b[1] - limit));
        if depth_a >= 0.0 {
            out.push(a);
        }
        if (depth_a >= 0.0) != (depth_b >= 0.0) {
            let fraction = depth_a / (depth_a - depth_b);
            out.push([a[0] + fraction * (b[0] - a[0]), limit]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_half_open() {
        let bins = Bins { lower: 0.1, upper: 0.7, count: 6 };
        for i in 0..6 {
            assert_eq!(bin_of(&bins, bins.edge(i)), Some(i));
            assert_eq!(bin_of(&bins, bins.edge(i + 1).next_down()), Some(i));
        }
        assert_eq!(bin_of(&bins, 0.7), None);
        assert_eq!(bin_of(&bins, 0.0999), None);
        assert_eq!(bin_of(&bins, f64::NAN), None);
    }

    /// Trapezoids against areas known from school: a unit square turned by 45° over two bins and a half.
    #[test]
    fn shares_of_a_rhombus() {
        let rhombus = [[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [1.0, -1.0]];
        let mut shares = [0.0; 2];
        let total = area(&rhombus);
        assert_eq!(total.abs(), 2.0);
        add_shares(&rhombus, total, &mut shares);
        assert_eq!(shares, [0.5, 0.5]);
        let (mut upper, mut band) = (Vec::new(), Vec::new());
        clip(&rhombus, 0.5, 1.0, &mut upper);
        assert_eq!(area(&upper).abs(), 0.25);
        clip(&rhombus, -0.5, 1.0, &mut upper);
        clip(&upper, 0.5, -1.0, &mut band);
        assert_eq!(area(&band).abs(), 1.5);
    }

    /// A polygon that the range cuts keeps only the share inside.
    #[test]
    fn what_is_outside_the_range_is_left_out() {
        let square = [[-0.5, 0.0], [1.5, 0.0], [1.5, 1.0], [-0.5, 1.0]];
        let mut shares = [0.0; 1];
        add_shares(&square, area(&square), &mut shares);
        assert_eq!(shares, [0.5]);
    }
}
