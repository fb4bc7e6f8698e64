//! `cake` and `plan_cache`.

use halor::config::{CakeSettings, CakesOf};
use halor::grid::Bins;
use halor::integrate::{CakeAxes, PlanCache, user_folder};

use super::good::comes_back;
use super::{Folder, SMALL};

#[test]
fn a_cake_has_the_range_of_the_patterns_unless_it_has_its_own() {
    let integration = "integration: {range: [0.5, 20], bins: 2000}";
    let cake = |azimuth_bins, upper, count, of| {
        Some(CakeSettings { axes: CakeAxes { azimuth_bins, radial: Bins { lower: 0.5, upper, count } }, of })
    };
    for (written, expected) in [
        ("off", None),
        ("{}", cake(360, 20.0, 1000, CakesOf::Samples)),
        ("{azimuth_bins: 72, frames: on}", cake(72, 20.0, 1000, CakesOf::SamplesAndFrames)),
        ("{radial_bins: 300, range: [0.5, 12]}", cake(360, 12.0, 300, CakesOf::Samples)),
    ] {
        let folder = Folder::new();
        let loaded = folder.load(&format!("{SMALL}{integration}\ncake: {written}\n")).unwrap();
        assert_eq!(loaded.config.cake, expected, "{written}");
        comes_back(&folder, &loaded);
    }
}

#[test]
fn a_cake_that_cannot_be_is_refused() {
    for (written, key, message) in [
        ("{azimuth_bins: 0}", "cake.azimuth_bins", "expected 1 to"),
        ("{radial_bins: 1000000}", "cake.radial_bins", "expected 1 to"),
        ("{range: [5, 2]}", "cake.range", "empty"),
        ("{range: [0.5, 300]}", "cake.range", "nothing scatters"),
        ("{azimuths: 3}", "cake.azimuths", "unknown key"),
        ("360", "cake", "expected"),
    ] {
        let error = Folder::new().load(&format!("{SMALL}cake: {written}\n")).unwrap_err().to_string();
        assert!(error.contains(&format!("{key}: ")) && error.contains(message), "{written}: {error}");
    }
}

#[test]
fn plans_are_kept_where_the_run_file_says() {
    let users = user_folder().map_or(PlanCache::Off, |folder| PlanCache::Folder(folder.join("plans")));
    for (written, off) in
        [("", false), ("plan_cache: on\n", false), ("plan_cache: true\n", false), ("plan_cache: off\n", true)]
    {
        let folder = Folder::new();
        let loaded = folder.load(&format!("{SMALL}{written}")).unwrap();
        assert_eq!(loaded.config.plan_cache, if off { PlanCache::Off } else { users.clone() }, "{written}");
        comes_back(&folder, &loaded);
    }
    let folder = Folder::new();
    let loaded = folder.load(&format!("{SMALL}plan_cache: kept/here\n")).unwrap();
    assert_eq!(loaded.config.plan_cache, PlanCache::Folder(folder.path("kept/here")));
    comes_back(&folder, &loaded);
}
