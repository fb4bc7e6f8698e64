//! Results of many images, a row for each: one region as NXazint1d, one cake as NXazint2d.

use rayon::prelude::*;

use super::group::{Group, Growing};
use crate::integrate::{Accumulators, CakeAxes, IntegrationPlan, Pattern, RadialUnit};
use crate::output::OutputError;
use crate::pdf::Pdf;
use crate::structure::StructureFactor;

const COUNTS: (&str, &str) = ("units", "arbitrary units");
const INTENSITY: (&str, &str) = ("long_name", "intensity");
const ERROR: (&str, &str) = ("long_name", "estimated intensity error");
const PIXELS: (&str, &str) =
    ("long_name", "effective number of pixels contributing to the corresponding bin");

/// Names and unit of the radial axis and of its edges.
fn axis_words(unit: RadialUnit) -> [[(&'static str, &'static str); 2]; 2] {
    let [name, edges, unit] = match unit {
        RadialUnit::QInvAngstrom => ["q", "q bin edges", "1/angstrom"],
        RadialUnit::TwoThetaDeg => ["2theta", "2theta bin edges", "degrees"],
        // The definition knows no such axis.
        RadialUnit::DAngstrom => ["d", "d bin edges", "angstrom"],
    };
    [[("long_name", name), ("units", unit)], [("long_name", edges), ("units", unit)]]
}

/// The sums of each image.
struct SumRows([Growing; 3]);

impl SumRows {
    fn new(group: &Group, row: &[usize], images: usize) -> Result<SumRows, OutputError> {
        let sums = group.group("accumulators", "NXcollection")?;
        sums.attribute(
            "note",
            "I = signal/norm, I_errors = sqrt(variance)/norm; images and files are joined by adding these",
        )?;
        let rows = |name| sums.growing::<f64>(name, row, images, &[]);
        Ok(SumRows([rows("signal")?, rows("variance")?, rows("norm")?]))
    }

    fn push(&self, sums: &Accumulators, range: std::ops::Range<usize>) -> Result<(), OutputError> {
        let [signal, variance, norm] = &self.0;
        signal.push(&sums.signal[range.clone()])?;
        variance.push(&sums.variance[range.clone()])?;
        norm.push(&sums.norm[range])
    }
}

/// Curves with σ over an axis that is known when the first of them comes.
struct CurveRows {
    name: &'static str,
    axis: &'static str,
    axis_unit: &'static str,
    /// Name, its unit, and the same of σ.
    curves: &'static [(&'static str, &'static str)],
    made: Option<(Vec<f64>, Vec<Growing>)>,
    images: usize,
    /// Rows there are, or will be once there is an axis.
    rows: usize,
}

impl CurveRows {
    /// S(Q) and F(Q).
    fn structure(images: usize) -> CurveRows {
        let curves = &[("S", ""), ("S_errors", ""), ("F", "1/angstrom"), ("F_errors", "1/angstrom")];
        CurveRows {
            name: "structure_factor",
            axis: "Q",
            axis_unit: "1/angstrom",
            curves,
            made: None,
            images,
            rows: 0,
        }
    }

    /// G(r).
    fn pdf(images: usize) -> CurveRows {
        let curves = &[("G", "1/angstrom^2"), ("G_errors", "1/angstrom^2")];
        CurveRows { name: "pdf", axis: "r", axis_unit: "angstrom", curves, made: None, images, rows: 0 }
    }

    /// I less the background.
    fn subtracted(unit: RadialUnit, images: usize) -> CurveRows {
        let [[_, (_, axis_unit)], _] = axis_words(unit);
        let curves = &[("I", "arbitrary units"), ("I_errors", "arbitrary units")];
        CurveRows {
            name: "background_subtracted",
            axis: "radial_axis",
            axis_unit,
            curves,
            made: None,
            images,
            rows: 0,
        }
    }

    /// One more row: the axis and the curves, or NaN for an image that has none.
    fn push(&mut self, group: &Group, found: Option<(&[f64], &[&[f64]])>) -> Result<(), OutputError> {
        let missing = self.rows;
        self.rows += 1;
        if let (None, Some((axis, _))) = (&self.made, found) {
            let data = group.group(self.name, "NXdata")?;
            let (signal, _) = self.curves[0];
            data.attribute("signal", signal)?;
            data.attributes("axes", &[".", self.axis])?;
            data.attribute("interpretation", "spectrum")?;
            data.numbers(self.axis, &[axis.len()], axis, &[("units", self.axis_unit)])?;
            let growing = |(name, unit): &(&str, &str)| {
                data.growing::<f64>(name, &[axis.len()], self.images, &[("units", unit)])
            };
            let rows = self.curves.iter().map(growing).collect::<Result<Vec<_>, _>>()?;
            let none = vec![f64::NAN; axis.len()];
            for row in rows.iter().flat_map(|row| std::iter::repeat_n(row, missing)) {
                row.push(&none)?;
            }
            self.made = Some((axis.to_vec(), rows));
        }
        let Some((axis, rows)) = &self.made else { return Ok(()) };
        match found {
            // A run has one analysis, and that one axis.
            Some((_, curves)) => rows.iter().zip(curves).try_for_each(|(row, curve)| row.push(curve)),
            None => {
                let none = vec![f64::NAN; axis.len()];
                rows.iter().try_for_each(|row| row.push(&none))
            }
        }
    }
}

/// What one region of one image gave.
#[derive(Debug, Clone, Copy, Default)]
pub struct RegionOfImage<'a> {
    /// Less the background, where there is one.
    pub subtracted: Option<&'a Pattern>,
    /// S(Q) and G(r), where they are made.
    pub reduced: Option<(&'a StructureFactor, &'a Pdf)>,
}

/// One region of many images.
pub(super) struct RegionStack {
    group: Group,
    region: usize,
    intensity: [Growing; 2],
    sums: SumRows,
    subtracted: CurveRows,
    structure: CurveRows,
    pdf: CurveRows,
}

impl RegionStack {
    /// In `group`, which has the other fields of NXazint1d, for so many images at most.
    pub(super) fn new(
        group: Group,
        region: usize,
        plan: &IntegrationPlan,
        norm: &[f64],
        images: usize,
    ) -> Result<RegionStack, OutputError> {
        let bins = plan.bins;
        let row = [bins.count];
        let data = group.group("data", "NXdata")?;
        data.attribute("signal", "I")?;
        data.attributes("axes", &[".", "radial_axis"])?;
        data.attribute("interpretation", "spectrum")?;
        group.attribute("default", "data")?;
        let [axis, of_edges] = axis_words(plan.unit);
        let edges: Vec<f64> = (0..=bins.count).map(|edge| bins.edge(edge)).collect();
        data.numbers("radial_axis", &row, &bins.centres(), &axis)?;
        data.numbers("radial_axis_edges", &[edges.len()], &edges, &of_edges)?;
        data.numbers("norm", &row, &norm[region * bins.count..][..bins.count], &[PIXELS, COUNTS])?;
        let intensity = [
            data.growing::<f64>("I", &row, images, &[INTENSITY, COUNTS])?,
            data.growing::<f64>("I_errors", &row, images, &[ERROR, COUNTS])?,
        ];
        let sums = SumRows::new(&group, &row, images)?;
        let (structure, pdf) = (CurveRows::structure(images), CurveRows::pdf(images));
        let subtracted = CurveRows::subtracted(plan.unit, images);
        Ok(RegionStack { group, region, intensity, sums, subtracted, structure, pdf })
    }

    /// One more image.
    pub(super) fn push(
        &mut self,
        plan: &IntegrationPlan,
        sums: &Accumulators,
        image: RegionOfImage<'_>,
    ) -> Result<(), OutputError> {
        let pattern = sums.pattern(plan, self.region);
        let [intensity, errors] = &self.intensity;
        intensity.push(&pattern.intensity)?;
        errors.push(&pattern.sigma)?;
        let bins = plan.bins.count;
        self.sums.push(sums, self.region * bins..(self.region + 1) * bins)?;
        let (group, reduced) = (&self.group, image.reduced);
        let curves = image.subtracted.map(|p| [p.intensity.as_slice(), &p.sigma]);
        let axis = image.subtracted.map(|p| p.radial.as_slice());
        self.subtracted.push(group, axis.zip(curves.as_ref().map(|curves| curves.as_slice())))?;
        let curves = reduced.map(|(s, _)| [s.s.as_slice(), &s.sigma, &s.f, &s.f_sigma]);
        let axis = reduced.map(|(s, _)| s.q.as_slice());
        self.structure.push(group, axis.zip(curves.as_ref().map(|curves| curves.as_slice())))?;
        let curves = reduced.map(|(_, pdf)| [pdf.g.as_slice(), &pdf.sigma]);
        let axis = reduced.map(|(_, pdf)| pdf.r.as_slice());
        self.pdf.push(group, axis.zip(curves.as_ref().map(|curves| curves.as_slice())))
    }

    /// Where more of the images can be said.
    pub(super) fn group(&self) -> &Group {
        &self.group
    }
}

/// The cakes of many images.
pub(super) struct CakeStack {
    intensity: [Growing; 2],
    sums: SumRows,
}

impl CakeStack {
    /// In `group`, which has the other fields of NXazint2d.
    pub(super) fn new(
        group: &Group,
        axes: CakeAxes,
        plan: &IntegrationPlan,
        norm: &[f64],
        images: usize,
    ) -> Result<CakeStack, OutputError> {
        let (radial, azimuth) = (axes.radial, axes.azimuth_deg());
        let row = [azimuth.count, radial.count];
        let data = group.group("data", "NXdata")?;
        data.attribute("signal", "I")?;
        data.attributes("axes", &[".", "azimuthal_axis", "radial_axis"])?;
        data.attribute("interpretation", "image")?;
        group.attribute("default", "data")?;
        for (name, bins, [centres, edges]) in [
            ("radial_axis", radial, axis_words(plan.unit)),
            (
                "azimuthal_axis",
                azimuth,
                [
                    [("long_name", "azimuthal bin center"), ("units", "degrees")],
                    [("long_name", "azimuthal bin edges"), ("units", "degrees")],
                ],
            ),
        ] {
            let of_edges: Vec<f64> = (0..=bins.count).map(|edge| bins.edge(edge)).collect();
            data.numbers(name, &[bins.count], &bins.centres(), &centres)?;
            data.numbers(&format!("{name}_edges"), &[of_edges.len()], &of_edges, &edges)?;
        }
        data.numbers("norm", &row, &norm[plan.first_cell()..][..axes.cells()], &[PIXELS, COUNTS])?;
        let intensity = [
            data.growing::<f32>("I", &row, images, &[INTENSITY, COUNTS])?,
            data.growing::<f32>("I_errors", &row, images, &[ERROR, COUNTS])?,
        ];
        Ok(CakeStack { intensity, sums: SumRows::new(group, &row, images)? })
    }

    /// One more image.
    pub(super) fn push(&self, plan: &IntegrationPlan, sums: &Accumulators) -> Result<(), OutputError> {
        let Some(cake) = sums.cake(plan) else { return Ok(()) };
        for (rows, values) in self.intensity.iter().zip([&cake.intensity, &cake.sigma]) {
            let values: Vec<f32> = values.par_iter().map(|value| *value as f32).collect();
            rows.push(&values)?;
        }
        let first = plan.first_cell();
        self.sums.push(sums, first..first + cake.norm.len())
    }
}
