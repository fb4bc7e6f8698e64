//! What the application definitions ask for beside the data, for a ring with its sectors and cake.

use super::group::Group;
use super::stack::{CakeStack, RegionStack};
use super::{NexusImage, NexusRun};
use crate::correct::Correction;
use crate::integrate::{CakeAxes, IntegrationPlan};
use crate::output::OutputError;
use crate::units::energy_kev;

/// What is not known of where frames were measured.
const UNKNOWN: &str = "unknown";

/// Where the method is described.
const REFERENCE: &str = "halor, docs/physics.md: sums over pixels split by area, I = signal/norm";

/// The images of one kind: frames, or samples.
pub(super) struct Entry {
    /// The ring, then the sectors.
    regions: Vec<RegionStack>,
    cake: Option<CakeStack>,
}

impl Entry {
    /// In `group`, for so many images at most.
    pub(super) fn new(
        group: Group,
        run: &NexusRun<'_>,
        norm: &[f64],
        images: usize,
        cake: Option<CakeAxes>,
    ) -> Result<Entry, OutputError> {
        definition(&group, "NXazint1d", run)?;
        instrument(&group.group("instrument", "NXinstrument")?, run.plan)?;
        reduction(&group.group("reduction", "NXprocess")?, run)?;
        let mut sectors = Vec::new();
        for (region, name) in run.regions.iter().enumerate().skip(1) {
            let sector = part(&group, &format!("sector_{name}"), "NXazint1d", run)?;
            sectors.push(RegionStack::new(sector, region, run.plan, norm, images)?);
        }
        let cake = match cake {
            Some(axes) => {
                let cake = part(&group, "cake", "NXazint2d", run)?;
                Some(CakeStack::new(&cake, axes, run.plan, norm, images)?)
            }
            None => None,
        };
        let ring = RegionStack::new(group, 0, run.plan, norm, images)?;
        Ok(Entry { regions: [ring].into_iter().chain(sectors).collect(), cake })
    }

    /// One more image.
    pub(super) fn push(&mut self, plan: &IntegrationPlan, image: &NexusImage<'_>) -> Result<(), OutputError> {
        for (stack, region) in self.regions.iter_mut().zip(&image.regions) {
            stack.push(plan, image.sums, *region)?;
        }
        self.cake.iter().try_for_each(|cake| cake.push(plan, image.sums))
    }

    /// The entry itself.
    pub(super) fn group(&self) -> &Group {
        self.regions[0].group()
    }

    /// run.json.
    pub(super) fn record(&self, record: &str) -> Result<(), OutputError> {
        let note = self.group().group("run_json", "NXnote")?;
        note.text("type", "application/json")?;
        note.text("file_name", "run.json")?;
        note.text("data", record)
    }
}

/// Results of the same images over another part of the detector.
fn part(entry: &Group, name: &str, definition_name: &str, run: &NexusRun<'_>) -> Result<Group, OutputError> {
    let group = entry.group(name, "NXsubentry")?;
    definition(&group, definition_name, run)?;
    group.same("instrument", entry)?;
    group.same("reduction", entry)?;
    Ok(group)
}

fn definition(group: &Group, name: &str, run: &NexusRun<'_>) -> Result<(), OutputError> {
    group.text("definition", name)?;
    let corrects = |what: fn(&Correction) -> bool| run.plan.corrections.iter().any(what);
    let solid_angle = corrects(|correction| matches!(correction, Correction::SolidAngle));
    let polarization = corrects(|correction| matches!(correction, Correction::Polarization { .. }));
    group.flag("solid_angle_applied", solid_angle)?;
    group.flag("polarization_applied", polarization)?;
    group.flag("normalization_applied", true)?;
    group.flag("monitor_applied", run.monitor)
}

fn instrument(group: &Group, plan: &IntegrationPlan) -> Result<(), OutputError> {
    let wavelength = plan.geometry.poni.wavelength_angstrom;
    group.text("name", UNKNOWN)?;
    let monochromator = group.group("monochromator", "NXmonochromator")?;
    monochromator.number("wavelength", wavelength, "angstrom")?;
    monochromator.number("energy", energy_kev(wavelength), "keV")?;
    let source = group.group("source", "NXsource")?;
    source.text("name", UNKNOWN)?;
    source.text("type", UNKNOWN)?;
    source.text("probe", "x-ray")?;
    let detector = group.group("detector", "NXdetector")?;
    detector.text("description", &plan.geometry.detector.name)?;
    detector.number("distance", plan.geometry.poni.distance_m, "m")
}

fn reduction(group: &Group, run: &NexusRun<'_>) -> Result<(), OutputError> {
    group.text("program", "halor")?;
    group.text("version", env!("CARGO_PKG_VERSION"))?;
    group.text("date", run.started)?;
    group.text("reference", REFERENCE)?;
    group.text("note", "chi grows from +x, where columns do, to +y, where rows do, as in pyFAI")?;
    let input = group.group("input", "NXparameters")?;
    for (key, value) in &run.header.entries {
        input.text(key, value)?;
    }
    let note = group.group("configuration", "NXnote")?;
    note.text("type", "application/yaml")?;
    note.text("file_name", "config.yaml")?;
    note.text("data", run.configuration)
}
