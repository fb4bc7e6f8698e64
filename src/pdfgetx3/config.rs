//! The keys of PDFgetX3 and what they mean.

use std::path::{Component, Path, PathBuf};

use super::PdfGetX3Error;
use super::ini::entries;
use crate::config::Coverage;
use crate::pattern_file::Axis;

/// Every key; the last four say how PDFgetX3 talks to its user and do nothing here, nor does the version that wrote a header.
const KEYS: [&str; 25] = [
    "dataformat",
    "inputfile",
    "backgroundfile",
    "datapath",
    "output",
    "outputtype",
    "force",
    "mode",
    "wavelength",
    "twothetazero",
    "composition",
    "bgscale",
    "rpoly",
    "qmaxinst",
    "qmin",
    "qmax",
    "rmin",
    "rmax",
    "rstep",
    "configfile",
    "version",
    "plot",
    "interact",
    "verbose",
    "help",
];

/// One of its four output files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputType {
    /// I(Q) less background.
    Iq,
    /// S(Q).
    Sq,
    /// F(Q).
    Fq,
    /// G(r).
    Gr,
}

impl OutputType {
    /// All, in the order of the way.
    pub const ALL: [OutputType; 4] = [OutputType::Iq, OutputType::Sq, OutputType::Fq, OutputType::Gr];

    /// Its name, which is the file's ending.
    pub fn name(self) -> &'static str {
        match self {
            OutputType::Iq => "iq",
            OutputType::Sq => "sq",
            OutputType::Fq => "fq",
            OutputType::Gr => "gr",
        }
    }
}

/// A configuration; what is not written has that program's default.
#[derive(Debug, Clone, PartialEq)]
pub struct PdfGetX3Config {
    /// The .cfg file, or the output whose header it is.
    pub path: PathBuf,
    /// What x is in the input files.
    pub dataformat: Option<Axis>,
    /// Patterns.
    pub inputfile: Vec<String>,
    /// What is subtracted.
    pub backgroundfile: Option<String>,
    /// Folders where input files are looked for.
    pub datapath: Vec<PathBuf>,
    /// Template of the names of outputs.
    pub output: String,
    /// Which are written.
    pub outputtype: Vec<OutputType>,
    /// Whether files that are there are replaced.
    pub force: bool,
    /// λ in Å.
    pub wavelength: Option<f64>,
    /// The angle that the detector calls 0, in degrees.
    pub twothetazero: f64,
    /// Elements with amounts.
    pub composition: Option<String>,
    /// I = I_sample − bgscale·I_background.
    pub bgscale: f64,
    /// r limit of the polynomial, Å.
    pub rpoly: f64,
    /// Last Q of the polynomial fit, Å⁻¹; `None` = the pattern's last.
    pub qmaxinst: Option<f64>,
    /// First Q, Å⁻¹.
    pub qmin: f64,
    /// Last Q transformed, Å⁻¹; `None` = qmaxinst.
    pub qmax: Option<f64>,
    /// First r, Å.
    pub rmin: f64,
    /// Last r, Å.
    pub rmax: f64,
    /// Step of r, Å.
    pub rstep: f64,
}

impl PdfGetX3Config {
    /// Reads a .cfg file or the header of an output; `section` goes before `[DEFAULT]`.
    ///
    /// # Errors
    /// A file that cannot be read, keys that PDFgetX3 does not have, values that cannot be meant.
    pub fn read(path: &Path, section: Option<&str>) -> Result<PdfGetX3Config, PdfGetX3Error> {
        let bytes = crate::text_file::read_bytes(path)
            .map_err(|source| PdfGetX3Error::Io { path: path.to_owned(), source })?;
        PdfGetX3Config::parse(&String::from_utf8_lossy(&bytes), path, section)
    }

    /// As [`PdfGetX3Config::read`], of its text; `path` is for messages and for what it names.
    ///
    /// # Errors
    /// As [`PdfGetX3Config::read`].
    pub fn parse(text: &str, path: &Path, section: Option<&str>) -> Result<PdfGetX3Config, PdfGetX3Error> {
        let mut config = PdfGetX3Config {
            path: path.to_owned(),
            dataformat: None,
            inputfile: Vec::new(),
            backgroundfile: None,
            datapath: Vec::new(),
            output: "@r.@o".to_owned(),
            outputtype: vec![OutputType::Gr],
            force: false,
            wavelength: None,
            twothetazero: 0.0,
            composition: None,
            bgscale: 1.0,
            rpoly: 0.9,
            qmaxinst: None,
            qmin: 0.0,
            qmax: None,
            rmin: 0.0,
            rmax: 30.0,
            rstep: 0.01,
        };
        for (key, value) in entries(text, path, section)? {
            if !KEYS.contains(&key.as_str()) {
                let known = KEYS.join(", ");
                return Err(PdfGetX3Error::Key { path: path.to_owned(), key, known });
            }
            if !value.is_empty() && value.to_lowercase() != "none" {
                config.set(&key, &value)?;
            } else if key == "outputtype" {
                config.outputtype.clear();
            }
        }
        Ok(config)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), PdfGetX3Error> {
        let wrong = |key, expected| PdfGetX3Error::Value {
            path: self.path.clone(),
            key,
            found: value.to_owned(),
            expected,
        };
        let number = |key| match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) | Err(_) => Err(wrong(key, "a number")),
        };
        let lower = value.to_lowercase();
        match key {
            "dataformat" => {
                self.dataformat = Some(match lower.as_str() {
                    "twotheta" => Axis::TwoThetaDeg,
                    "qa" => Axis::QInvAngstrom,
                    "qnm" => Axis::QInvNm,
                    _ => return Err(wrong("dataformat", "twotheta, QA or Qnm")),
                });
            }
            "mode" if lower == "xray" => {}
            "mode" => return Err(wrong("mode", "xray: neutrons and electrons are not in this program")),
            "inputfile" => self.inputfile = list(value),
            "backgroundfile" => self.backgroundfile = Some(value.to_owned()),
            "datapath" => self.datapath = list(value).iter().map(PathBuf::from).collect(),
            "output" => self.output = value.to_owned(),
            "outputtype" => {
                let known = |name: &String| {
                    OutputType::ALL.into_iter().find(|kind| kind.name() == name.to_lowercase())
                };
                let kinds: Option<Vec<OutputType>> = list(value).iter().map(known).collect();
                self.outputtype = kinds.ok_or_else(|| wrong("outputtype", "some of iq, sq, fq, gr"))?;
            }
            "force" => {
                self.force = match lower.as_str() {
                    "yes" | "true" | "on" | "1" => true,
                    "no" | "false" | "off" | "0" => false,
                    _ => return Err(wrong("force", "yes or no")),
                }
            }
            "wavelength" => self.wavelength = Some(number("wavelength")?),
            "twothetazero" => self.twothetazero = number("twothetazero")?,
            "composition" => self.composition = Some(value.to_owned()),
            "bgscale" => self.bgscale = number("bgscale")?,
            "rpoly" => self.rpoly = number("rpoly")?,
            "qmaxinst" => self.qmaxinst = Some(number("qmaxinst")?),
            "qmin" => self.qmin = number("qmin")?,
            "qmax" => self.qmax = Some(number("qmax")?),
            "rmin" => self.rmin = number("rmin")?,
            "rmax" => self.rmax = number("rmax")?,
            "rstep" => self.rstep = number("rstep")?,
            _ => {}
        }
        Ok(())
    }

    /// This configuration with qmaxinst and qmax no further than the pattern, as PDFgetX3 writes it into its outputs.
    pub fn within(&self, coverage: Coverage) -> PdfGetX3Config {
        let qmaxinst = self.qmaxinst.unwrap_or(coverage.axis_end).min(coverage.axis_end);
        let qmax = self.qmax.unwrap_or(qmaxinst).min(qmaxinst);
        PdfGetX3Config { qmaxinst: Some(qmaxinst), qmax: Some(qmax), ..self.clone() }
    }

    /// The same in the keys of a run file.
    pub fn overrides(&self) -> Vec<String> {
        let text = |value: &str| serde_json::Value::from(value);
        let mut keys = vec!["pdf.mode=pdfgetx3".to_owned()];
        keys.extend(self.composition.as_deref().map(|value| format!("composition={}", text(value))));
        keys.extend(self.wavelength.map(|value| format!("beam.wavelength_angstrom={value:?}")));
        keys.extend(self.qmax.map(|qmax| format!("pdf.q_range_inv_angstrom=[{:?}, {qmax:?}]", self.qmin)));
        keys.extend(self.qmaxinst.map(|value| format!("pdf.qmaxinst_inv_angstrom={value:?}")));
        keys.push(format!("pdf.r_poly_angstrom={:?}", self.rpoly));
        keys.push(format!("pdf.r_range_angstrom=[{:?}, {:?}]", self.rmin, self.rmax));
        keys.push(format!("pdf.r_step_angstrom={:?}", self.rstep));
        keys
    }

    /// Where `name` is: as it is written, beside the configuration, or in one of the folders of `datapath`.
    pub fn locate(&self, name: &str) -> PathBuf {
        let beside = self.path.parent().map(Path::to_owned).unwrap_or_default();
        let folders = self.datapath.iter().flat_map(|folder| [folder.clone(), beside.join(folder)]);
        let places = [PathBuf::new(), beside.clone()].into_iter().chain(folders);
        places.map(|folder| folder.join(name)).find(|path| path.is_file()).unwrap_or_else(|| name.into())
    }

    /// The file that the template `output` names for an input and an output type: `@b` name without ending, `@t` name, `@e`
    /// ending, `@h` folder, `@r` path without ending, `@f` path, `@o` output type. A folder is left out: results of data that
    /// may not be written to go to the present one.
    ///
    /// # Errors
    /// Another letter after `@`; a name out of the output folder.
    pub fn output_name(&self, input: &Path, kind: OutputType) -> Result<PathBuf, PdfGetX3Error> {
        let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let (stem, tail) = (part(input.file_stem()), part(input.file_name()));
        let mut name = String::new();
        let mut letters = self.output.chars();
        while let Some(letter) = letters.next() {
            if letter != '@' {
                name.push(letter);
                continue;
            }
            match letters.next() {
                Some('o') => name.push_str(kind.name()),
                Some('b' | 'r') => name.push_str(&stem),
                Some('t' | 'f') => name.push_str(&tail),
                Some('e') => name.push_str(&part(input.extension())),
                Some('h') => name.push('.'),
                Some('@') => name.push('@'),
                Some(_) | None => {
                    return Err(PdfGetX3Error::Value {
                        path: self.path.clone(),
                        key: "output",
                        found: self.output.clone(),
                        expected: "a template with @b, @t, @e, @h, @r, @f, @o",
                    });
                }
            }
        }
        // It stays where results are wanted: a configuration may be anybody's.
        let below = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(&name).components().all(below) || name.contains('\\') {
            return Err(PdfGetX3Error::Value {
                path: self.path.clone(),
                key: "output",
                found: self.output.clone(),
                expected: "a path below the output folder, without `..`",
            });
        }
        Ok(PathBuf::from(name))
    }
}

/// Words divided by commas or blanks.
fn list(value: &str) -> Vec<String> {
    let words = value.split([',', ' ', '\t']);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# comment\n[DEFAULT]\ndataformat = QA\ninputfile = a.chi, b.chi\nforce = yes\n\
        composition = Ce 1\n  O 2\nqmax = 25\noutput = x/@b_1.@o\nplot = iq,sq\n[low]\nqmax = 20\n\
        outputtype = gr fq\n";

    #[test]
    fn sections_go_before_the_default_one() {
        let parse = |section| PdfGetX3Config::parse(TEXT, Path::new("a.cfg"), section);
        let config = parse(Some("low")).unwrap();
        assert_eq!((config.qmax, config.rpoly, config.rmax), (Some(20.0), 0.9, 30.0));
        assert_eq!(config.composition.as_deref(), Some("Ce 1 O 2"));
        assert_eq!(config.outputtype, [OutputType::Gr, OutputType::Fq]);
        assert_eq!(
            config.output_name(Path::new("d/a.v2.chi"), OutputType::Gr).unwrap(),
            Path::new("x/a.v2_1.gr")
        );
        for output in ["../@b.@o", "/tmp/@b.@o", "a/../../@b.@o", "@h/../@b.@o", "..\\\\@b.@o"] {
            let leaving = PdfGetX3Config { output: output.to_owned(), ..config.clone() };
            let error = leaving.output_name(Path::new("a.chi"), OutputType::Gr).unwrap_err().to_string();
            assert!(error.contains("below the output folder"), "{output}: {error}");
        }
        assert_eq!(parse(None).unwrap().qmax, Some(25.0));
        assert!(parse(Some("high")).unwrap_err().to_string().contains("no section `[high]`"));
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        for (text, expected) in [
            ("[DEFAULT]\nqmaks = 3\n", "unknown key `qmaks`"),
            ("[DEFAULT]\nqmax = much\n", "qmax is `much`, expected a number"),
            ("[DEFAULT]\nmode = neutron\n", "neutrons and electrons"),
            ("[DEFAULT]\nwords\n", "a.cfg:2: found `words`"),
            ("[DEFAULT]\noutputtype = ab\n", "some of iq, sq, fq, gr"),
        ] {
            let message = PdfGetX3Config::parse(text, Path::new("a.cfg"), None).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
