//! Writes a beam time as a user would bring it home: frames, geometry, mask, run files, and the truth beside them.

use std::path::{Path, PathBuf};

use super::SimulateError;
use super::image::{BeamStop, Camera, IdealImage, Masking, dark_image, ideal_image};
use super::truth::TruthRow;
use super::twin::{FrameFormat, Twin};
use crate::frame::{Counts, Frame, FrameError, FrameHeader, TiffWriter, write_cbf, write_tiff};
use crate::geometry::write_poni;
use crate::output::{Existing, OutputError, write_file, write_through};

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Run files, that of the series last.
    pub run_files: Vec<PathBuf>,
    /// Files of all frames, in the order written.
    pub frames: Vec<PathBuf>,
    /// What a perfect analysis would find.
    pub truth: Vec<TruthRow>,
}

/// The surroundings are exposed second: after the first sample, which most often is the calibrant.
const SURROUNDINGS_STREAM: u64 = 1;

impl FrameFormat {
    /// Ending of file names.
    pub fn extension(self) -> &'static str {
        match self {
            FrameFormat::Tiff | FrameFormat::TiffStack => "tif",
            FrameFormat::Cbf => "cbf",
        }
    }
}

impl Twin {
    /// Writes the beam time into its folder; each file is there whole or not at all, the run files last.
    ///
    /// # Errors
    /// A folder with something in it unless `existing` is [`Existing::Replace`]; what the file system says; a simulation
    /// that is not possible.
    pub fn write(&self, existing: Existing) -> Result<Written, SimulateError> {
        let folder = &self.output;
        refuse_if_occupied(folder, existing)?;
        let put = |name: &str, content: &str| write_file(&folder.join(name), content.as_bytes(), existing);
        // What is impossible shows before anything is written.
        let (truth_files, truth) = self.truth_files()?;

        let mut frames = Vec::new();
        let mut expose = |name: &str, ideal: &IdealImage, number: u32, stream: u64| {
            let own = folder.join("frames").join(name);
            let exposure =
                |index: u32| self.noise.frame(ideal, self.camera.seed, (stream << 32) | u64::from(index));
            let single = |encode: fn(&mut Vec<u8>, &Frame) -> Result<(), FrameError>| {
                let file = |index: u32| {
                    let path = own.join(format!("{name}_{index:04}.{}", self.format.extension()));
                    write_frame(&path, &exposure(index), existing, encode).map(|()| path)
                };
                (1..=number).map(file).collect::<Result<Vec<PathBuf>, SimulateError>>()
            };
            let paths = match self.format {
                FrameFormat::Tiff => single(|out, frame| write_tiff(out, frame))?,
                FrameFormat::Cbf => single(|out, frame| write_cbf(out, frame))?,
                FrameFormat::TiffStack if number == 0 => Vec::new(),
                FrameFormat::TiffStack => {
                    let path = own.join(format!("{name}.{}", self.format.extension()));
                    write_stack(&path, (0..number).map(|index| exposure(index + 1)), existing)?;
                    vec![path]
                }
            };
            forget_others(&own, &paths)?;
            frames.extend(paths);
            Ok::<(), SimulateError>(())
        };
        put("geometry.poni", &write_poni(self.geometry()))?;
        let dark = dark_image(&self.camera);
        write_array(&folder.join("mask.tif"), mask(&self.camera, &dark), existing)?;
        if let Some(flat) = self.camera.flat {
            let detector = &self.geometry().detector;
            let factors = flat.factors(detector, self.camera.seed);
            let counts = Counts::F32(factors.into_iter().map(|factor| factor as f32).collect());
            let frame = Frame { shape: detector.shape, counts, header: FrameHeader::default() };
            write_array(&folder.join("flat.tif"), frame, existing)?;
        }
        for (stream, sample) in self.samples.iter().enumerate() {
            let number = if stream == 0 { 0 } else { stream as u64 + SURROUNDINGS_STREAM };
            expose(&sample.name, &self.sample_image(sample)?, sample.frames, number)?;
        }
        if let Some((around, light)) = self.surroundings.as_ref().zip(self.surroundings_light()?) {
            let ideal = ideal_image(&self.camera, &light.into())?;
            expose("air", &ideal, around.frames, SURROUNDINGS_STREAM)?;
        }
        expose("dark", &dark, self.dark_frames, self.samples.len() as u64 + 1)?;

        for (name, text) in &truth_files {
            put(&format!("truth/{name}"), text)?;
        }
        put("twin.yaml", &self.yaml)?;
        for file in &self.run_files {
            put(&file.name, &file.text)?;
        }
        let run_files = self.run_files.iter().map(|file| folder.join(&file.name)).collect();
        Ok(Written { run_files, frames, truth })
    }
}

fn write_frame(
    path: &Path,
    frame: &Frame,
    existing: Existing,
    encode: impl FnOnce(&mut Vec<u8>, &Frame) -> Result<(), FrameError>,
) -> Result<(), SimulateError> {
    let mut bytes = Vec::with_capacity(4 * frame.shape.pixels() + 4096);
    encode(&mut bytes, frame)?;
    Ok(write_file(path, &bytes, existing)?)
}

/// All frames in one file, of which one at a time is in memory.
fn write_stack(
    path: &Path,
    frames: impl ExactSizeIterator<Item = Frame>,
    existing: Existing,
) -> Result<(), SimulateError> {
    write_through(path, existing, |file| {
        let mut stack = TiffWriter::new(file, frames.len());
        frames.into_iter().try_for_each(|frame| stack.image(&frame)).map_err(|error| {
            if let FrameError::Write { source } = error {
                OutputError::Io { path: path.to_owned(), action: "write", source }.into()
            } else {
                SimulateError::from(error)
            }
        })
    })
}

fn refuse_if_occupied(folder: &Path, existing: Existing) -> Result<(), SimulateError> {
    let failed = |source| SimulateError::Folder { path: folder.to_owned(), source };
    let occupied = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().transpose().map_err(failed)?.is_some(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => false,
        Err(e) => return Err(failed(e)),
    };
    match existing {
        Existing::Keep if occupied => Err(SimulateError::NotEmpty { path: folder.to_owned() }),
        Existing::Keep | Existing::Replace => Ok(()),
    }
}

/// Removes frames of an earlier simulation: the run file's pattern would take them for frames of this one.
fn forget_others(folder: &Path, frames: &[PathBuf]) -> Result<(), SimulateError> {
    let failed = |source| SimulateError::Folder { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed(e)),
    };
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let is_frame = path.extension().is_some_and(|e| e == "tif" || e == "cbf");
        if is_frame && !frames.contains(&path) {
            std::fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

fn write_array(path: &Path, frame: Frame, existing: Existing) -> Result<(), SimulateError> {
    write_frame(path, &frame, existing, |out, frame| write_tiff(out, frame))
}

/// 1 where a pixel is flagged, known to be hot, or lies in the shadow of the beam stop or half cut by its edge.
fn mask(camera: &Camera, ideal: &IdealImage) -> Frame {
    let stop = camera.beam_stop.map(|stop| BeamStop {
        radius_px: stop.radius_px + 1.0,
        arm: stop.arm.map(|arm| super::Arm { width_px: arm.width_px + 2.0, ..arm }),
        ..stop
    });
    let columns = ideal.shape.columns;
    let hidden = |i: usize| stop.is_some_and(|stop| stop.hides(i / columns, i % columns));
    let mut bad: Vec<i32> =
        ideal.expected.iter().enumerate().map(|(i, &e)| i32::from(e < 0.0 || hidden(i))).collect();
    match camera.hot_pixels.map(|hot| hot.masking) {
        Some(Masking::Masked) => camera.hot_pixel_indices().into_iter().for_each(|pixel| bad[pixel] = 1),
        Some(Masking::Unmasked) | None => {}
    }
    Frame { shape: ideal.shape, counts: Counts::I32(bad.into()), header: FrameHeader::default() }
}
