//! Images of HDF5 files may lie in others that a file links to: whether they have changed, only their content tells.

use std::path::Path;
use std::time::{Duration, SystemTime};

use halor::batch::{Event, RunOptions, run};
use halor::config::load;
use halor::output::Existing;
use rust_hdf5::H5File;

/// `data.h5` with nine images of 100 × 100 pixels; in one of them a pixel is `odd`.
fn write(folder: &Path, odd: u16) {
    let file = H5File::create(folder.join("data.h5")).unwrap();
    let images =
        file.new_dataset::<u16>().shape([9usize, 100, 100]).chunk(&[1, 100, 100]).create("images").unwrap();
    let counts: Vec<u16> = (0..9).flat_map(|image| vec![100 + image; 10_000]).collect();
    let with_odd = counts.iter().enumerate().map(|(i, count)| if i == 5050 { odd } else { *count });
    images.write_raw(&with_odd.collect::<Vec<u16>>()).unwrap();
    file.close().unwrap();
    // Old enough to be trusted, and always of one age.
    let file = std::fs::File::options().write(true).open(folder.join("data.h5")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(1000)).unwrap();
}

#[test]
fn an_image_behind_a_link_that_has_changed_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 7);
    let master = H5File::create(folder.path().join("master.h5")).unwrap();
    master.create_external_link("images", "data.h5", "/images").unwrap();
    master.close().unwrap();
    let yaml = "\
samples: [{name: a, frames: 'master.h5::/images'}]
detector: {pixel_um: 1000, shape: [100, 100]}
beam: {energy_kev: 80}
geometry: {distance_m: 0.3, poni1_m: 0.016, poni2_m: 0.04}
integration: {bins: 50}
pdf: off
engine: cpu
plan_cache: off
";
    std::fs::write(folder.path().join("run.yaml"), yaml).unwrap();
    let frames = || {
        let loaded = load(&folder.path().join("run.yaml"), &[]).unwrap();
        let done = std::sync::atomic::AtomicUsize::new(0);
        let count = |event: Event<'_>| {
            if let Event::Frame(_) = event {
                done.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        };
        let result = run(&loaded, RunOptions { existing: Existing::Keep }, &count).unwrap();
        assert_eq!(result.record.ledger.done, 9);
        done.into_inner()
    };
    assert_eq!(frames(), 9);
    assert_eq!(frames(), 0);
    write(folder.path(), 8);
    assert_eq!(frames(), 8, "the first piece, whose first image has changed");
    assert_eq!(frames(), 0);
}
