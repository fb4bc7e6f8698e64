//! Run files: bad ones are refused with every problem at its line; good ones mean what they say.

mod bad;
mod cake;
mod filter;
mod one_problem;
mod good;
mod schema;

use std::path::PathBuf;

use halor::config::{ConfigError, Loaded, load};

/// Pilatus CdTe 2M, 0.3 m behind the sample at 112 keV, the beam in its middle: covers 0 to 32 Å⁻¹.
pub const PONI: &str = "poni_version: 2.1\nDetector: Pilatus CdTe 2M\n\
    Detector_config: {\"orientation\": 3}\n\
    Distance: 0.3\nPoni1: 0.1444\nPoni2: 0.1268\nRot1: 0.0\nRot2: 0.0\nRot3: 0.0\nWavelength: 1.107e-11\n";

/// The smallest run file of these tests: 4 lines.
pub const SMALL: &str =
    "geometry: c.poni\ncomposition: Zr62 Cu15.5 Ni12.5 Al10\nsamples:\n- {name: a, frames: a_*.tif}\n";

/// A folder with a few files that run files name; they are no frames, so each counts as one image.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.file("c.poni", PONI);
        for name in
            ["a_1.tif", "a_2.tif", "a_10.tif", "b_1.tif", "air_1.tif", "air_2.tif", "mask.edf", "flat.tif"]
        {
            folder.file(name, "");
        }
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn load(&self, yaml: &str) -> Result<Loaded, ConfigError> {
        self.load_with(yaml, &[])
    }

    pub fn load_with(&self, yaml: &str, set: &[&str]) -> Result<Loaded, ConfigError> {
        self.file("run.yaml", yaml);
        let loaded =
            load(&self.path("run.yaml"), &set.iter().map(|text| (*text).to_string()).collect::<Vec<_>>());
        if let Ok(loaded) = &loaded {
            // What is read is good by the schema for editors too, as it is written and with every default.
            schema::accepts(yaml);
            schema::accepts(&loaded.resolved_yaml);
        }
        loaded
    }
}
