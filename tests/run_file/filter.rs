//! `integration.filter`.

use halor::integrate::{ErrorModel, Filter};

use super::good::comes_back;
use super::{Folder, SMALL};

#[test]
fn filters_and_their_defaults() {
    let clip = |threshold, iterations, error_model| Filter::SigmaClip { threshold, iterations, error_model };
    for (written, filter) in [
        ("off", Filter::Off),
        ("median", Filter::Median),
        ("sigma_clip", clip(5.0, 5, ErrorModel::Poisson)),
        ("{sigma_clip: {}}", clip(5.0, 5, ErrorModel::Poisson)),
        (
            "{sigma_clip: {threshold: 3.5, iterations: 9, error_model: azimuthal}}",
            clip(3.5, 9, ErrorModel::Azimuthal),
        ),
        ("trimmed_mean", Filter::TrimmedMean { quantiles: [0.1, 0.9] }),
        ("{trimmed_mean: {quantiles: [0, 0.95]}}", Filter::TrimmedMean { quantiles: [0.0, 0.95] }),
    ] {
        let folder = Folder::new();
        let loaded = folder.load(&format!("{SMALL}integration: {{filter: {written}}}\n")).unwrap();
        assert_eq!(loaded.config.integration.filter, filter, "{written}");
        comes_back(&folder, &loaded);
    }
}
