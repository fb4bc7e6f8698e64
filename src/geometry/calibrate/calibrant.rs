//! Calibrants: the spacings of a powder from its cell and its reflection conditions.

use std::f64::consts::PI;
use std::path::Path;

use nalgebra::{Matrix3, Vector3};
use serde::Deserialize;

use super::CalibrateError;

/// Calibrants that come with the program: name and file.
const EMBEDDED: [(&str, &str); 7] = [
    ("CeO2", include_str!("../../../calibration/calibrants/ceo2.yaml")),
    ("LaB6", include_str!("../../../calibration/calibrants/lab6.yaml")),
    ("Si", include_str!("../../../calibration/calibrants/si.yaml")),
    ("Ni", include_str!("../../../calibration/calibrants/ni.yaml")),
    ("Al2O3", include_str!("../../../calibration/calibrants/al2o3.yaml")),
    ("Au", include_str!("../../../calibration/calibrants/au.yaml")),
    ("AgBh", include_str!("../../../calibration/calibrants/agbh.yaml")),
];
/// Crystals whose cells calibrants share.
const CELLS: [(&str, &str); 4] = [
    ("ceo2.yaml", include_str!("../../../calibration/crystals/ceo2.yaml")),
    ("lab6.yaml", include_str!("../../../calibration/crystals/lab6.yaml")),
    ("si.yaml", include_str!("../../../calibration/crystals/si.yaml")),
    ("ni.yaml", include_str!("../../../calibration/crystals/ni.yaml")),
];

/// Spacings that differ relatively by less are one ring: rounding leaves 1e-15, cells are known to seven digits.
const SAME_SPACING: f64 = 1e-9;
/// Points h, k, l in the box around the largest Q.
const MOST_POINTS: f64 = 2e7;
/// Edges of a cell and spacings, Å.
const LENGTHS: std::ops::RangeInclusive<f64> = 0.5..=1000.0;

/// A powder with known spacings.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibrant {
    /// Its name.
    pub name: String,
    spacings: Spacings,
}

#[derive(Debug, Clone, PartialEq)]
enum Spacings {
    Cell { reciprocal_metric: Matrix3<f64>, edges: [f64; 3], conditions: Vec<Condition> },
    List(Vec<f64>),
}

/// What a reflection hkl must meet to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Condition {
    /// h + k + l even.
    BodyCentred,
    /// h, k, l all even or all odd.
    FaceCentred,
    /// One of them odd, or h + k + l a multiple of 4.
    Diamond,
    /// −h + k + l a multiple of 3: hexagonal axes, obverse setting.
    Rhombohedral,
    /// Hexagonal axes: l even where h = 0, k = 0 or h = −k.
    CGlide,
    /// h = k = 0.
    Lamellar,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    cell: Option<Cell>,
    cell_of: Option<String>,
    #[serde(default)]
    reflections: Vec<Condition>,
    d_angstrom: Option<Vec<f64>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    a_angstrom: f64,
    b_angstrom: f64,
    c_angstrom: f64,
    alpha_deg: f64,
    beta_deg: f64,
    gamma_deg: f64,
}

/// A crystal file, of which only the cell matters here.
#[derive(Debug, Deserialize)]
struct CrystalFile {
    cell: Cell,
}

impl Calibrant {
    /// Names of those that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// A calibrant that comes with the program, in upper or lower case, or the one in a file of the layout of
    /// `calibration/calibrants`.
    ///
    /// # Errors
    /// Neither a known name nor a file; a file that is no calibrant's.
    pub fn find(name_or_path: &str) -> Result<Calibrant, CalibrateError> {
        if let Some((_, text)) = EMBEDDED.iter().find(|(name, _)| name.eq_ignore_ascii_case(name_or_path)) {
            return Self::parse(text, name_or_path);
        }
        let path = Path::new(name_or_path);
        if !path.is_file() {
            let known = Self::names().collect::<Vec<_>>().join(", ");
            return Err(CalibrateError::UnknownCalibrant { name: name_or_path.to_owned(), known });
        }
        let text = crate::text_file::read_bytes(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| CalibrateError::CalibrantFile {
                origin: name_or_path.to_owned(),
                reason: error.to_string(),
            })?;
        Self::parse(&text, name_or_path)
    }

    /// Reads the text of a calibrant file; `origin` names it in messages.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, origin: &str) -> Result<Calibrant, CalibrateError> {
        let wrong = |reason: String| CalibrateError::CalibrantFile { origin: origin.to_owned(), reason };
        let options = || serde_yaml::options! { with_snippet: false };
        let file: File =
            serde_yaml::from_str_with_options(text, options()).map_err(|error| wrong(error.to_string()))?;
        let cell = match (file.cell, &file.cell_of, &file.d_angstrom) {
            (Some(cell), None, None) => cell,
            (None, Some(crystal), None) => {
                let known = CELLS.iter().find(|(name, _)| name == crystal);
                let (_, text) = known.ok_or_else(|| {
                    wrong(format!("`cell_of: {crystal}` is no file of calibration/crystals"))
                })?;
                serde_yaml::from_str::<CrystalFile>(text).map_err(|error| wrong(error.to_string()))?.cell
            }
            (None, None, Some(list)) => {
                let fit = list.iter().all(|d| LENGTHS.contains(d));
                if list.len() < 2 || !fit || !file.reflections.is_empty() {
                    return Err(wrong(
                        "`d_angstrom` needs two spacings or more, from 0.5 to 1000 Å, and no `reflections`"
                            .to_owned(),
                    ));
                }
                let mut list = list.clone();
                list.sort_by(|a, b| b.total_cmp(a));
                list.dedup_by(|a, b| (*a / *b - 1.0).abs() < SAME_SPACING);
                return Ok(Calibrant { name: file.name, spacings: Spacings::List(list) });
            }
            (None, None, None) | (Some(_), _, _) | (_, Some(_), Some(_)) => {
                return Err(wrong("write one of `cell`, `cell_of` and `d_angstrom`".to_owned()));
            }
        };
        let edges = [cell.a_angstrom, cell.b_angstrom, cell.c_angstrom];
        let reciprocal_metric = cell
            .metric()
            .try_inverse()
            .filter(|_| edges.iter().all(|edge| LENGTHS.contains(edge)) && cell.metric().determinant() > 0.0);
        let Some(reciprocal_metric) = reciprocal_metric else {
            return Err(wrong(
                "`cell` is none: edges from 0.5 to 1000 Å, angles that can meet in a corner".to_owned(),
            ));
        };
        Ok(Calibrant {
            name: file.name,
            spacings: Spacings::Cell { reciprocal_metric, edges, conditions: file.reflections },
        })
    }

    /// Q = 2π/d of the rings up to `q_max`, all in Å⁻¹, in order.
    ///
    /// # Errors
    /// More reflections than can be listed.
    pub fn rings(&self, q_max: f64) -> Result<Vec<f64>, CalibrateError> {
        let (metric, edges, conditions) = match &self.spacings {
            Spacings::List(list) => {
                return Ok(list.iter().map(|d| 2.0 * PI / d).take_while(|q| *q <= q_max).collect());
            }
            Spacings::Cell { reciprocal_metric, edges, conditions } => (reciprocal_metric, edges, conditions),
        };
        // G·a = 2πh, so that |h| ≤ |G||a|/2π. Friedel's law: half of them are enough.
        let limits = edges.map(|edge| (q_max * edge / (2.0 * PI)).floor());
        if limits.iter().map(|n| 2.0 * n + 1.0).product::<f64>() > MOST_POINTS {
            return Err(CalibrateError::TooManyRings { name: self.name.clone(), q_max });
        }
        let [h_max, k_max, l_max] = limits.map(|limit| limit as i32);
        let lamellar = conditions.contains(&Condition::Lamellar);
        let (h_max, k_max) = if lamellar { (0, 0) } else { (h_max, k_max) };
        let mut found = Vec::new();
        for h in 0..=h_max {
            for k in -k_max..=k_max {
                for l in -l_max..=l_max {
                    let index = Vector3::new(h, k, l).cast::<f64>();
                    let q = 2.0 * PI * (index.dot(&(metric * index))).sqrt();
                    if q > 0.0 && q <= q_max && conditions.iter().all(|condition| condition.holds(h, k, l)) {
                        found.push(q);
                    }
                }
            }
        }
        found.sort_by(f64::total_cmp);
        found.dedup_by(|a, b| (*a / *b - 1.0).abs() < SAME_SPACING);
        Ok(found)
    }
}

impl Condition {
    fn holds(self, h: i32, k: i32, l: i32) -> bool {
        let even = |n: i32| n % 2 == 0;
        match self {
            Condition::BodyCentred => even(h + k + l),
            Condition::FaceCentred => even(h + k) && even(k + l),
            Condition::Diamond => !(even(h) && even(k) && even(l)) || (h + k + l) % 4 == 0,
            Condition::Rhombohedral => (k + l - h) % 3 == 0,
            Condition::CGlide => even(l) || !(h == 0 || k == 0 || h == -k),
            Condition::Lamellar => h == 0 && k == 0,
        }
    }
}

impl Cell {
    /// G_ij = a_i·a_j, Å²; 1/d² = hᵀ G⁻¹ h (International Tables C, 1.1).
    fn metric(&self) -> Matrix3<f64> {
        let cos = |degrees: f64| if degrees == 90.0 { 0.0 } else { degrees.to_radians().cos() };
        let (a, b, c) = (self.a_angstrom, self.b_angstrom, self.c_angstrom);
        let (ab, ac, bc) =
            (a * b * cos(self.gamma_deg), a * c * cos(self.beta_deg), b * c * cos(self.alpha_deg));
        Matrix3::new(a * a, ab, ac, ab, b * b, bc, ac, bc, c * c)
    }
}
