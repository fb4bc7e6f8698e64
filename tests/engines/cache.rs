//! Plans on disk are those that are built.

use std::path::PathBuf;

use super::*;
use halor::integrate::{CakeAxes, PlanCache};

const LARGE: Shape = Shape { rows: 800, columns: 700 };

/// A plan of more than a million entries.
fn large(mask: &Mask) -> PlanSpec<'_> {
    let geometry = Geometry {
        detector: Detector::generic(LARGE, [172e-6; 2]).unwrap(),
        ..geometry([400.3, 350.6], [0.1, 0.0, 0.2])
    };
    let corrections = vec![Correction::SolidAngle, Correction::Polarization { factor: 0.99 }];
    PlanSpec {
        norm: pixel_norm(&geometry, &corrections, None),
        geometry,
        bins: Bins { lower: 0.0, upper: 90.0, count: 900 },
        ..spec(super::geometry([0.0; 2], [0.0; 3]), Splitting::Full, mask)
    }
}

fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a_plan_is_read_again_and_damage_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PlanCache::Folder(folder.path().join("plans"));
    let mask = Mask { shape: LARGE, bad: (0..LARGE.pixels()).map(|i| i % 1000 == 7).collect() };
    let built = IntegrationPlan::build(large(&mask)).unwrap();
    assert!(cache.plan(large(&mask)).unwrap() == built);
    let path = files(&folder.path().join("plans")).remove(0);
    let whole = std::fs::read(&path).unwrap();
    assert!(cache.plan(large(&mask)).unwrap() == built, "as read");
    // Cut, changed in a byte, of another version, foreign: built again and replaced.
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    for damaged in [
        whole[..whole.len() / 2].to_vec(),
        changed(whole.len() / 2),
        changed(8),
        changed(20),
        changed(60),
        vec![],
        b"text".to_vec(),
    ] {
        std::fs::write(&path, damaged).unwrap();
        assert!(cache.plan(large(&mask)).unwrap() == built);
        assert!(std::fs::read(&path).unwrap() == whole, "replaced");
    }
}

/// Each thing that the matrix depends on gives a file of its own.
#[test]
fn another_specification_is_another_plan() {
    let folder = tempfile::tempdir().unwrap();
    let cache = PlanCache::Folder(folder.path().to_owned());
    let mask = Mask { shape: LARGE, bad: vec![false; LARGE.pixels()] };
    let other_mask = Mask { shape: LARGE, bad: (0..LARGE.pixels()).map(|i| i == 5).collect() };
    let moved = |change: fn(&mut PlanSpec<'_>)| {
        let mut spec = large(&mask);
        change(&mut spec);
        spec
    };
    let specs = [
        large(&mask),
        large(&other_mask),
        moved(|spec| spec.geometry.poni.poni1_m += 1e-12),
        moved(|spec| spec.bins.upper += 1e-9),
        moved(|spec| spec.splitting = Splitting::BoundingBox),
        moved(|spec| spec.cake = Some(CakeAxes { azimuth_bins: 10, radial: spec.bins })),
        moved(|spec| spec.regions.push(Region { name: "s".into(), azimuth: sector(0.0, 10.0) })),
        moved(|spec| spec.norm[5] *= 1.0 + 1e-15),
    ];
    let count = specs.len();
    for (made, spec) in specs.into_iter().enumerate() {
        assert!(cache.plan(spec.clone()).unwrap() == IntegrationPlan::build(spec).unwrap());
        assert_eq!(files(folder.path()).len(), made + 1);
    }
    // A region's name, a filter or dead time change nothing in the matrix.
    let same = moved(|spec| {
        spec.regions[0].name = "all".into();
        spec.filter = Filter::Median;
    });
    assert_eq!(cache.plan(same).unwrap().filter, Filter::Median);
    assert_eq!(files(folder.path()).len(), count);
}
