//! Shares of one pixel in the cells of the cake: the splitting of the patterns, on both axes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{
    Corner, POLE_PARTS, Polar, Rows, Splitter, add_shares, area, bin_of, bins_between, clip, push, wrap,
};
use crate::grid::Bins;
use crate::integrate::{CakeAxes, Splitting};

/// Scratch memory and where the cells stand among the bins.
pub(super) struct Cells {
    axes: CakeAxes,
    azimuth: Bins,
    /// Bins of all regions, which come before.
    first: usize,
    shares: Vec<f64>,
    polygon: Vec<Corner>,
    clipped: Vec<Corner>,
}

impl Cells {
    pub(super) fn new(axes: CakeAxes, first: usize) -> Cells {
        let (shares, polygon, clipped) = Default::default();
        Cells { axes, azimuth: axes.azimuth_rad(), first, shares, polygon, clipped }
    }

    /// Index of a cell; `azimuth` counts on through the end of the turn.
    fn cell(&self, azimuth: i64, radial: usize) -> usize {
        let azimuth = azimuth.rem_euclid(self.axes.azimuth_bins as i64) as usize;
        self.first + azimuth * self.axes.radial.count + radial
    }

    /// The cell that holds a point.
    fn at(&self, point: Polar) -> Option<usize> {
        let radial = bin_of(&self.axes.radial, point.radial)?;
        let azimuth = bin_of(&self.azimuth, wrap(point.chi))?;
        Some(self.cell(azimuth as i64, radial))
    }

    /// The azimuth bins that an interval of χ meets, counted on through the ends of the turn.
    fn azimuths(&self, from: f64, to: f64) -> RangeInclusive<i64> {
        self.azimuth.position(from).floor() as i64..=self.azimuth.position(to).floor() as i64
    }

    /// Lower edge of an azimuth bin relative to `chi`.
    fn edge(&self, azimuth: i64, chi: f64) -> f64 {
        self.azimuth.lower + self.azimuth.width() * azimuth as f64 - chi
    }

    fn by_centre(&self, centre: Polar, out: &mut Rows) {
        if let Some(cell) = self.at(centre) {
            push(out, cell, 1.0);
        }
    }

    /// The bounding box, cut at the edges of both axes.
    fn by_box(&mut self, centre: Polar, half_radial: f64, half_chi: f64, out: &mut Rows) {
        let radial = self.axes.radial;
        let from = radial.position((centre.radial - half_radial).max(0.0));
        let to = radial.position(centre.radial + half_radial);
        if to <= from || half_chi <= 0.0 {
            return self.by_centre(centre, out);
        }
        let Some((first, last)) = bins_between(&radial, from, to) else { return };
        let overlap =
            |low: f64, high: f64, from: f64, to: f64| (to.min(high) - from.max(low)).max(0.0) / (to - from);
        self.shares.clear();
        self.shares.extend((first..=last).map(|bin| overlap(bin as f64, (bin + 1) as f64, from, to)));
        for azimuth in self.azimuths(centre.chi - half_chi, centre.chi + half_chi) {
            let (low, high) = (self.edge(azimuth, centre.chi), self.edge(azimuth + 1, centre.chi));
            let share = overlap(low, high, -half_chi, half_chi);
            for (i, weight) in self.shares.iter().enumerate() {
                push(out, self.cell(azimuth, first + i), share * weight);
            }
        }
    }

    /// The quadrilateral, cut at the edges of the azimuth bins; corners in (radial axis, χ relative to the centre).
    fn by_polygon(&mut self, centre: Polar, corners: &[Corner; 4], out: &mut Rows) {
        let radial = self.axes.radial;
        let positions = corners.map(|[value, chi]| [radial.position(value), chi]);
        let ends = |axis: usize| {
            let of_axis = positions.map(|corner| corner[axis]);
            (
                of_axis.into_iter().fold(f64::INFINITY, f64::min),
                of_axis.into_iter().fold(f64::NEG_INFINITY, f64::max),
            )
        };
        let ((from, to), (low, high)) = (ends(0), ends(1));
        let Some((first, last)) = bins_between(&radial, from, to) else { return };
        let quad = positions.map(|[position, chi]| [position - first as f64, chi]);
        let area = area(&quad);
        if area == 0.0 || !area.is_finite() {
            return self.by_centre(centre, out);
        }
        let azimuths = self.azimuths(centre.chi + low, centre.chi + high);
        let one = azimuths.start() == azimuths.end();
        for azimuth in azimuths {
            self.polygon.clear();
            self.polygon.extend_from_slice(&quad);
            if !one {
                let limits = [self.edge(azimuth, centre.chi), self.edge(azimuth + 1, centre.chi)];
                clip(&self.polygon, limits[0], 1.0, &mut self.clipped);
                clip(&self.clipped, limits[1], -1.0, &mut self.polygon);
            }
            self.shares.clear();
            self.shares.resize(last - first + 1, 0.0);
            add_shares(&self.polygon, area, &mut self.shares);
            for (i, weight) in self.shares.iter().enumerate() {
                push(out, self.cell(azimuth, first + i), *weight);
            }
        }
    }
}

impl Splitter<'_> {
    /// Appends the cells of pixel (row, column), by azimuth and then by radial bin; nothing where there is no cake.
    pub(super) fn cells(
        &mut self,
        row: usize,
        column: usize,
        centre: Polar,
        corners: &[Polar; 4],
        out: &mut Rows,
    ) {
        let Some(cells) = &mut self.cells else { return };
        match self.splitting {
            Splitting::None => cells.by_centre(centre, out),
            Splitting::BoundingBox | Splitting::Full if self.projection.pole_is_on(row, column) => {
                let mut parts: BTreeMap<usize, u32> = BTreeMap::new();
                for point in super::parts(self.projection, row, column) {
                    if let Some(cell) = cells.at(point) {
                        *parts.entry(cell).or_default() += 1;
                    }
                }
                for (cell, count) in parts {
                    push(out, cell, f64::from(count) / (POLE_PARTS * POLE_PARTS) as f64);
                }
            }
            Splitting::BoundingBox => {
                let [half_radial, half_chi] = super::half_widths(centre, corners);
                cells.by_box(centre, half_radial, half_chi, out);
            }
            Splitting::Full => {
                let relative = corners.map(|corner| [corner.radial, wrap(corner.chi - centre.chi)]);
                cells.by_polygon(centre, &relative, out);
            }
        }
    }
}
