//! What a run has left in its folder, read again: `run.json`, `config.yaml`, `peaks.csv` and the curves.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ReportError, Table};
use crate::output::Names;

/// A curve of a results file: x, y, σ from counting and, where it is written, σ from the choices of the analysis.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Curve {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) sigma: Vec<f64>,
    pub(super) sigma_syst: Vec<f64>,
}

/// Kinds of curves, by the ending of their files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// I as measured.
    Intensity,
    /// S(Q).
    StructureFactor,
    /// G(r).
    Pdf,
}

impl Kind {
    fn extension(self) -> &'static str {
        match self {
            Kind::Intensity => "xye",
            Kind::StructureFactor => "sq",
            Kind::Pdf => "gr",
        }
    }

    /// Columns of y, σ and systematic σ, from 0.
    fn columns(self) -> [Option<usize>; 3] {
        match self {
            Kind::Intensity | Kind::StructureFactor => [Some(1), Some(2), None],
            Kind::Pdf => [Some(1), Some(3), Some(4)],
        }
    }
}

/// The parts of `run.json` that are shown.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) version: String,
    pub(super) run_file: PathBuf,
    pub(super) engine: Engine,
    pub(super) corrections: Vec<String>,
    pub(super) ledger: Ledger,
    pub(super) warnings: Vec<String>,
    pub(super) failed_samples: Vec<(String, String)>,
    pub(super) quality: Vec<serde_json::Map<String, serde_json::Value>>,
    pub(super) inputs: Vec<Input>,
    pub(super) frames: Vec<Frame>,
    pub(super) outputs: Vec<PathBuf>,
    /// Sample and sentence.
    #[serde(default)]
    pub(super) series: Vec<(String, String)>,
    #[serde(default)]
    pub(super) anisotropy: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Engine {
    pub(super) kind: String,
    pub(super) device: String,
    pub(super) detail: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Ledger {
    pub(super) found: usize,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
    pub(super) left_out: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct Input {
    pub(super) role: String,
    pub(super) path: PathBuf,
    pub(super) bytes: Option<u64>,
    pub(super) xxh3_128: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    pub(super) path: PathBuf,
    pub(super) image: usize,
    pub(super) used_for: String,
    pub(super) status: String,
    pub(super) reason: Option<String>,
}

/// The parts of `config.yaml` that are shown by themselves.
#[derive(Debug, Deserialize)]
struct Config {
    samples: Vec<Sample>,
    #[serde(default)]
    sectors: Vec<Named>,
    pdf: Pdf,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Pdf {
    On {
        q_range_inv_angstrom: Option<[f64; 2]>,
    },
    /// The word `off`.
    Off(#[expect(dead_code, reason = "there is one word")] String),
}

#[derive(Debug, Deserialize)]
struct Sample {
    name: String,
    #[serde(default)]
    properties: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

/// A folder of results.
#[derive(Debug)]
pub(super) struct Results {
    folder: PathBuf,
    files: HashSet<PathBuf>,
    pub(super) record: Record,
    /// The configuration as saved.
    pub(super) config: String,
    /// Names of samples, in the order of the run file.
    pub(super) samples: Vec<String>,
    /// What the run file says of each of them.
    pub(super) properties: Vec<BTreeMap<String, f64>>,
    /// Names of sectors, without the ring.
    pub(super) sectors: Vec<String>,
    /// Where the measured part of S(Q) begins, Å⁻¹; `None` where the run file does not say.
    pub(super) q_min: Option<f64>,
    /// `peaks.csv`; empty where nothing was reduced.
    pub(super) peaks: Table,
    /// By sample, the names of frames that are unlike the others.
    outliers: HashMap<String, HashSet<String>>,
}

impl Results {
    /// # Errors
    /// [`ReportError`]: the folder holds no finished run, or its files cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Results, ReportError> {
        let text = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).map_err(|source| ReportError::Read { path, source })
        };
        let malformed =
            |name: &str, reason: String| ReportError::Malformed { path: folder.join(name), reason };
        let record: Record = serde_json::from_str(&text("run.json")?)
            .map_err(|error| malformed("run.json", error.to_string()))?;
        let config = text("config.yaml")?;
        let parsed: Config =
            serde_yaml::from_str(&config).map_err(|error| malformed("config.yaml", error.to_string()))?;
        let files: HashSet<PathBuf> = record.outputs.iter().cloned().collect();
        let peaks = if files.contains(Path::new("peaks.csv")) {
            Table::parse(&text("peaks.csv")?).map_err(|reason| malformed("peaks.csv", reason))?
        } else {
            Table::default()
        };
        let mut outliers: HashMap<String, HashSet<String>> = HashMap::new();
        if files.contains(Path::new("frames.csv")) {
            let frames =
                Table::parse(&text("frames.csv")?).map_err(|reason| malformed("frames.csv", reason))?;
            for row in frames.rows(&[("outlier", "yes")]) {
                let of_sample = outliers.entry(row.text("sample").to_owned()).or_default();
                of_sample.insert(row.text("frame").to_owned());
            }
        }
        let (samples, properties) =
            parsed.samples.into_iter().map(|sample| (sample.name, sample.properties)).unzip();
        let q_min = match parsed.pdf {
            Pdf::On { q_range_inv_angstrom } => q_range_inv_angstrom.map(|[low, _]| low),
            Pdf::Off(_) => None,
        };
        Ok(Results {
            q_min,
            folder: folder.to_path_buf(),
            files,
            record,
            config,
            samples,
            properties,
            sectors: parsed.sectors.into_iter().map(|sector| sector.name).collect(),
            peaks,
            outliers,
        })
    }

    /// The curve of a region of a sample's sum; `None` where the run has none.
    pub(super) fn of_sample(
        &self,
        sample: &str,
        region: &str,
        kind: Kind,
    ) -> Result<Option<Curve>, ReportError> {
        self.curve(&Names::of_sample(Path::new(""), sample).region(region, kind.extension()), kind)
    }

    /// The full ring's curve of one frame of a sample.
    pub(super) fn of_frame(
        &self,
        sample: &str,
        frame: &str,
        kind: Kind,
    ) -> Result<Option<Curve>, ReportError> {
        self.curve(&Names::of_frame(Path::new(""), sample, frame).ring(kind.extension()), kind)
    }

    /// Whether a frame of a sample is unlike the others.
    pub(super) fn is_outlier(&self, sample: &str, frame: &str) -> bool {
        self.outliers.get(sample).is_some_and(|names| names.contains(frame))
    }

    /// Names of a sample's frames that have curves of this kind, in order.
    pub(super) fn frames(&self, sample: &str, kind: Kind) -> Vec<String> {
        let folder = Path::new(sample).join("frames");
        let regions: Vec<String> = self.sectors.iter().map(|sector| format!("_{sector}")).collect();
        let of_ring = |file: &&PathBuf| {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            file.parent() == Some(&folder)
                && file.extension().is_some_and(|extension| extension == kind.extension())
                && !regions.iter().any(|region| stem.ends_with(region.as_str()))
        };
        let stems = self.record.outputs.iter().filter(of_ring);
        stems.filter_map(|file| Some(file.file_stem()?.to_string_lossy().into_owned())).collect()
    }

    /// A curve of `differences/`: x, difference, σ.
    pub(super) fn difference(&self, stem: &str, kind: Kind) -> Result<Option<Curve>, ReportError> {
        let file = format!("differences/{stem}.{}.csv", kind.extension());
        let Some(table) = self.table(&file)? else { return Ok(None) };
        let mut curve = Curve::default();
        for row in table.rows(&[]) {
            let [x, y, sigma] = [0, 1, 2].map(|column| row.number_at(column).unwrap_or(f64::NAN));
            curve.x.push(x);
            curve.y.push(y);
            curve.sigma.push(sigma);
        }
        Ok(Some(curve))
    }

    /// The pictures among the results whose name ends so, with that name.
    pub(super) fn pictures(&self, ending: &str) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
        let named = self.record.outputs.iter().filter(|file| file.to_string_lossy().ends_with(ending));
        let read = |file: &PathBuf| {
            let path = self.folder.join(file);
            let bytes = std::fs::read(&path).map_err(|source| ReportError::Read { path, source })?;
            Ok((file.to_string_lossy().into_owned(), bytes))
        };
        named.map(read).collect()
    }

    /// A table that the run may have left.
    pub(super) fn table(&self, name: &str) -> Result<Option<Table>, ReportError> {
        if !self.files.contains(Path::new(name)) {
            return Ok(None);
        }
        let path = self.folder.join(name);
        let text = std::fs::read_to_string(&path)
            .map_err(|source| ReportError::Read { path: path.clone(), source })?;
        Table::parse(&text).map(Some).map_err(|reason| ReportError::Malformed { path, reason })
    }
    fn curve(&self, file: &Path, kind: Kind) -> Result<Option<Curve>, ReportError> {
        if !self.files.contains(file) {
            return Ok(None);
        }
        let path = self.folder.join(file);
        let text = std::fs::read_to_string(&path)
            .map_err(|source| ReportError::Read { path: path.clone(), source })?;
        let curve = parse(&text, kind);
        // A region without a pixel has a file without a point.
        Ok((!curve.x.is_empty()).then_some(curve))
    }
}

/// Rows of numbers; all else is header.
fn parse(text: &str, kind: Kind) -> Curve {
    let mut curve = Curve::default();
    for line in text.lines() {
        let row: Option<Vec<f64>> = line.split_ascii_whitespace().map(|word| word.parse().ok()).collect();
        let Some(row) = row.filter(|row| row.len() >= 2) else { continue };
        let [y, sigma, syst] =
            kind.columns().map(|column| column.and_then(|column| row.get(column).copied()));
        curve.x.push(row[0]);
        curve.y.push(y.unwrap_or(f64::NAN));
        curve.sigma.push(sigma.unwrap_or(f64::NAN));
        curve.sigma_syst.extend(syst);
    }
    curve
}

impl Curve {
    /// The part with x from `low` to `high`.
    pub(super) fn part(&self, low: f64, high: f64) -> Curve {
        let from = self.x.partition_point(|&x| x < low);
        let to = self.x.partition_point(|&x| x <= high).max(from);
        let cut = |values: &[f64]| values.get(from..to.min(values.len())).unwrap_or_default().to_vec();
        Curve { x: cut(&self.x), y: cut(&self.y), sigma: cut(&self.sigma), sigma_syst: cut(&self.sigma_syst) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_numbers_are_the_curve_and_all_else_is_header() {
        let text = "[DEFAULT]\nqmax = 22\nponi_m = 0.1 0.2\n#### start data\n#L r G\n0 1 0 0.5 0.25\n0.1 2 0 0.6 0.35\n";
        let curve = parse(text, Kind::Pdf);
        assert_eq!(curve.x, [0.0, 0.1]);
        assert_eq!(
            (curve.y, curve.sigma, curve.sigma_syst),
            (vec![1.0, 2.0], vec![0.5, 0.6], vec![0.25, 0.35])
        );
        let part = parse("1 2 3\n2 3 4\n3 4 5\n", Kind::StructureFactor).part(1.5, 3.0);
        assert_eq!((part.x, part.sigma), (vec![2.0, 3.0], vec![4.0, 5.0]));
    }
}
