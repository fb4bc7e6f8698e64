//! What the fuzz targets read, and the good files that they begin from. The same targets run without a fuzzer: `cargo run --release
//! --example mutate`.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use halor::frame::{Counts, Frame, FrameAddress, FrameHeader, Shape, decode, read, write_cbf, write_tiff};
use rust_hdf5::{FilterPipeline, H5File};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// TIFF frames.
    Tiff,
    /// CBF frames.
    Cbf,
    /// EDF frames.
    Edf,
    /// Fit2D masks.
    Msk,
    /// NPY arrays.
    Npy,
    /// Geometry files.
    Poni,
    /// Patterns in columns.
    Chi,
    /// Configurations of PDFgetX3.
    Cfg,
    /// A packed chunk of an HDF5 file.
    Hdf5Chunk,
    /// Run files.
    Yaml,
    /// Compositions.
    Composition,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 11] = [
        Target::Tiff,
        Target::Cbf,
        Target::Edf,
        Target::Msk,
        Target::Npy,
        Target::Poni,
        Target::Chi,
        Target::Cfg,
        Target::Hdf5Chunk,
        Target::Yaml,
        Target::Composition,
    ];

    /// The name of its target file.
    pub fn name(self) -> &'static str {
        match self {
            Target::Tiff => "tiff",
            Target::Cbf => "cbf",
            Target::Edf => "edf",
            Target::Msk => "msk",
            Target::Npy => "npy",
            Target::Poni => "poni",
            Target::Chi => "chi",
            Target::Cfg => "cfg",
            Target::Hdf5Chunk => "hdf5_chunk",
            Target::Yaml => "yaml",
            Target::Composition => "composition",
        }
    }

    /// Reads `bytes`; whatever they are, the answer is a value or an error.
    pub fn read(self, bytes: &[u8]) {
        let _ = self.accepts(bytes);
    }

    /// Whether they are a good file.
    pub fn accepts(self, bytes: &[u8]) -> bool {
        let text = || String::from_utf8_lossy(bytes);
        match self {
            Target::Tiff => image(bytes, "x.tif"),
            Target::Cbf => image(bytes, "x.cbf"),
            Target::Edf => image(bytes, "x.edf"),
            Target::Msk => image(bytes, "x.msk"),
            Target::Npy => image(bytes, "x.npy"),
            Target::Poni => halor::geometry::read_poni(&text())
                .is_ok_and(|file| file.poni(None).is_ok() & file.detector().is_ok()),
            Target::Chi => halor::pattern_file::PatternFile::parse(&text(), Path::new("x.chi")).is_ok(),
            Target::Cfg => halor::pdfgetx3::PdfGetX3Config::parse(&text(), Path::new("x.cfg"), None).is_ok(),
            Target::Hdf5Chunk => hdf5_chunk(bytes),
            Target::Yaml => {
                let path = folder().join("run.yaml");
                std::fs::write(&path, bytes).is_ok() && halor::config::load(&path, &[]).is_ok()
            }
            Target::Composition => halor::scattering::Composition::parse(&text()).is_ok(),
        }
    }

    /// Good files, which all that is tried begins from.
    pub fn seeds(self) -> Vec<Vec<u8>> {
        let mut bytes = Vec::new();
        match self {
            Target::Tiff => {
                let _ = write_tiff(&mut bytes, &frame());
            }
            Target::Cbf => {
                let _ = write_cbf(&mut bytes, &frame());
            }
            Target::Edf => {
                bytes =
                    b"{\nByteOrder = LowByteFirst ;\nDataType = UnsignedShort ;\nDim_1 = 7 ;\nDim_2 = 5 ;\n"
                        .to_vec();
                bytes.resize(510, b' ');
                bytes.extend(b"}\n");
                bytes.extend([7; 70]);
            }
            Target::Msk => {
                bytes = b"M\0\0\0A\0\0\0S\0\0\0K\0\0\0\x07\0\0\0\x05\0\0\0".to_vec();
                bytes.resize(1024 + 20, 0);
            }
            Target::Npy => {
                bytes = b"\x93NUMPY\x01\0\x3c\0{'descr': '<i4', 'fortran_order': False, 'shape': (5, 7), }\n"
                    .to_vec();
                bytes.extend([3; 140]);
            }
            Target::Poni => {
                bytes = b"poni_version: 2.1\nDetector: Detector\nDetector_config: {\"pixel1\": 7.9e-05, \"pixel2\": 7.9e-05, \
                    \"max_shape\": null, \"orientation\": 2}\nDistance: 0.1967\nPoni1: 0.0814\nPoni2: 0.0821\nRot1: 0.00615\n\
                    Rot2: -0.00157\nRot3: 1.7e-06\nWavelength: 3.1e-11\n"
                    .to_vec();
            }
            Target::Chi => {
                bytes = b"title\n2-Theta Angle (Degrees)\nIntensity\n       3\n  1.0E+00  2.0E+00\n  2.0E+00  3.0E+00\n  3.0E+00  5.0E+00\n".to_vec();
            }
            Target::Cfg => {
                bytes = b"[DEFAULT]\ndataformat = twotheta\ninputfile = ceo2.chi\noutputtype = gr\nmode = xray\nwavelength = 0.142774\n\
                    composition = Ce 1  O 2\nbgscale = 1\nrpoly = 0.9\nqmaxinst = 27\nqmin = 0\nqmax = 26\nrmin = 0\nrmax = 30\n\
                    rstep = 0.01\n[second]\nqmax = 20\n"
                    .to_vec();
            }
            Target::Hdf5Chunk => {
                return [0, 1, 2]
                    .map(|pipeline| {
                        let values: Vec<u8> = (0..4 * PIXELS as u32).map(|k| (k / 7) as u8).collect();
                        let packed =
                            rust_hdf5::format::messages::filter::apply_filters(&filters(pipeline), &values);
                        [vec![pipeline], packed.unwrap_or_default()].concat()
                    })
                    .to_vec();
            }
            Target::Yaml => {
                bytes = b"output: results\nengine: [cpu, gpu]\nbeam: {energy_kev: 112, polarization: 0.99}\ndetector: {name: Pilatus CdTe 2M}\n\
                    geometry: {distance_mm: 300, beam_centre_px: [737.2, 840.1]}\nintegration: {unit: q_inv_angstrom, range: [0.5, 25], bins: 3000}\n\
                    sectors:\n  - {name: X, centre_deg: 0, width_deg: 10, fold: on}\ncomposition: Zr62 Cu15.5 Ni12.5 Al10\n\
                    pdf: {window: lorch, r_range_angstrom: [0, 30]}\npeaks: {g_of_r: {r1: [2.2, 3.6]}}\nsamples:\n  - &a {name: a, frames: a_*.tif}\n"
                    .to_vec();
            }
            Target::Composition => bytes = b"Zr62 Cu15.5 Ni12.5 Al10".to_vec(),
        }
        vec![bytes]
    }
}

const SIDES: [usize; 2] = [17, 19];
const PIXELS: usize = SIDES[0] * SIDES[1];

fn frame() -> Frame {
    let counts: Vec<i32> = (0..35).map(|pixel| pixel * 37 % 100 - 2).collect();
    let header =
        FrameHeader { exposure_s: Some(1.5), detector: Some("Pilatus".into()), ..FrameHeader::default() };
    Frame { shape: Shape { rows: 5, columns: 7 }, counts: Counts::I32(counts.into()), header }
}

/// The first image decides; there may be a second.
fn image(bytes: &[u8], name: &str) -> bool {
    let [first, _] = [0, 1].map(|image| decode(bytes, Path::new(name), image).is_ok());
    first
}

/// A folder that lives as long as the process, with the frame that the run file names: it is refused without one.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let folder = folder.map_or_else(|_| std::env::temp_dir(), tempfile::TempDir::keep);
        let _ = std::fs::write(folder.join("a_1.tif"), "");
        folder
    })
}

fn filters(pipeline: u8) -> FilterPipeline {
    match pipeline % 3 {
        0 => FilterPipeline::deflate(1),
        1 => FilterPipeline::lz4(),
        _ => FilterPipeline::bshuf_lz4(4),
    }
}

/// The first byte chooses the filters, the others are the chunk.
fn hdf5_chunk(bytes: &[u8]) -> bool {
    let Some((pipeline, chunk)) = bytes.split_first() else { return false };
    let path = folder().join("chunk.h5");
    let write = || -> rust_hdf5::Result<()> {
        let file = H5File::options().no_locking().create(&path)?;
        let dataset =
            file.new_dataset::<u32>().shape([1, SIDES[0], SIDES[1]]).chunk(&[1, SIDES[0], SIDES[1]]);
        dataset.filter_pipeline(filters(*pipeline)).create("data")?.write_chunk_raw_at(
            &[0, 0, 0],
            chunk,
            0,
        )?;
        file.close()
    };
    write().is_ok() && read(&FrameAddress { path, image: 0 }).is_ok()
}
