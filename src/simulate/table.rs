//! S(Q) or S_2(Q) from a table: a result of somebody's, or a model that another program made.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// S at the end of a table may differ from its limit by this: a table that ends in an oscillation gives a G(r) with ripples.
const END_TOLERANCE: f64 = 0.02;

/// Points that make a curve.
const LEAST_POINTS: usize = 8;

/// Points at the start through which the parabola is laid.
const START_POINTS: usize = 5;

/// Why a table of S(Q) cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line that is no pair of numbers.
    #[error("{}, line {line}: found `{found}`, expected Q in 1/Å and S, two finite numbers; `#` starts a comment", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The line.
        found: String,
    },
    /// Numbers that are no S(Q).
    #[error("{}: {problem}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: TableProblem,
    },
}

/// What is wrong with the numbers of a table.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TableProblem {
    /// A curve needs more.
    #[error("{found} points, a table of S(Q) needs at least {LEAST_POINTS}")]
    Short {
        /// Number of points.
        found: usize,
    },
    /// Q has to rise.
    #[error(
        "point {index} has Q = {found} Å⁻¹ after {before} Å⁻¹; Q has to be positive or 0 and to rise from point to point"
    )]
    Order {
        /// Counted from 1.
        index: usize,
        /// Its Q.
        found: f64,
        /// The Q before it.
        before: f64,
    },
    /// A value that is no S.
    #[error(
        "point {index} has the value {found}; S(Q) lies between −1 and 1000 and tends to 1, S_2(Q) between −1000 and 1000 and tends to 0. Is it F(Q) or I(Q)?"
    )]
    Value {
        /// Counted from 1.
        index: usize,
        /// Its S.
        found: f64,
    },
    /// S has not come to its limit.
    #[error(
        "{found} at the last Q = {q} Å⁻¹, expected {limit} within {END_TOLERANCE}: above the table it is taken as {limit}. Extend the table or end it at a crossing of {limit}"
    )]
    End {
        /// Last value.
        found: f64,
        /// What it tends to.
        limit: f64,
        /// Last Q.
        q: f64,
    },
}

/// Which term of the expansion in Legendre polynomials a table holds \[E12\].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harmonic {
    /// S(Q) of an isotropic sample, or S_0: tends to 1.
    Zeroth,
    /// S_2: tends to 0.
    Second,
}

impl Harmonic {
    fn limit(self) -> f64 {
        match self {
            Harmonic::Zeroth => 1.0,
            Harmonic::Second => 0.0,
        }
    }

    fn range(self) -> std::ops::RangeInclusive<f64> {
        match self {
            Harmonic::Zeroth => -1.0..=1000.0,
            Harmonic::Second => -1000.0..=1000.0,
        }
    }
}

/// S(Q) by a cubic spline through the points of a table, below the first by a parabola a + bQ² (least squares through the
/// first five points, exactly through the first, of the same slope as the spline there), above the last its limit.
#[derive(Debug, Clone, PartialEq)]
pub struct SofQ {
    harmonic: Harmonic,
    q: Vec<f64>,
    s: Vec<f64>,
    /// S″ at the points.
    curvature: Vec<f64>,
    /// b of the parabola.
    start: f64,
}

impl SofQ {
    /// Reads two columns, Q in Å⁻¹ and S, separated by spaces, tabs or a comma.
    ///
    /// # Errors
    /// A file that cannot be read, a line that is no pair of numbers, and those of [`SofQ::new`].
    pub fn read(path: &Path, harmonic: Harmonic) -> Result<Self, TableError> {
        let unreadable = |source| TableError::Read { path: path.to_owned(), source };
        let (mut q, mut s) = (Vec::new(), Vec::new());
        let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
        let (mut line, mut bytes) = (0, Vec::new());
        loop {
            bytes.clear();
            if reader.read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
                break;
            }
            line += 1;
            let text = String::from_utf8_lossy(&bytes);
            let written = text.split('#').next().unwrap_or_default().trim();
            if written.is_empty() {
                continue;
            }
            let numbers: Vec<Option<f64>> = written
                .split(|c: char| c.is_whitespace() || c == ',')
                .filter(|field| !field.is_empty())
                .map(|field| field.parse().ok().filter(|x: &f64| x.is_finite()))
                .collect();
            let [Some(next_q), Some(next_s)] = numbers[..] else {
                let found = written.chars().take(60).collect();
                return Err(TableError::Line { path: path.to_owned(), line, found });
            };
            q.push(next_q);
            s.push(next_s);
        }
        Self::new(harmonic, q, s).map_err(|problem| TableError::Table { path: path.to_owned(), problem })
    }

    /// From n values of Q (Å⁻¹) and S.
    ///
    /// # Errors
    /// Fewer than 8 points, Q that does not rise, S out of all reason, or a last value that is not its limit within 0.02.
    pub fn new(harmonic: Harmonic, q: Vec<f64>, s: Vec<f64>) -> Result<Self, TableProblem> {
        let count = q.len().min(s.len());
        if count < LEAST_POINTS || q.len() != s.len() {
            return Err(TableProblem::Short { found: count });
        }
        let mut before = -f64::MIN_POSITIVE;
        for (i, &found) in q.iter().enumerate() {
            if !(found > before && found.is_finite()) {
                return Err(TableProblem::Order { index: i + 1, found, before: before.max(0.0) });
            }
            before = found;
        }
        if let Some((i, &found)) = s.iter().enumerate().find(|(_, s)| !harmonic.range().contains(*s)) {
            return Err(TableProblem::Value { index: i + 1, found });
        }
        let (last_q, last_s) = (q[count - 1], s[count - 1]);
        let limit = harmonic.limit();
        if (last_s - limit).abs() > END_TOLERANCE {
            return Err(TableProblem::End { found: last_s, limit, q: last_q });
        }
        let (mut product, mut square) = (0.0, 0.0);
        for (q_i, s_i) in q.iter().zip(&s).take(START_POINTS) {
            let x = q_i * q_i - q[0] * q[0];
            product += x * (s_i - s[0]);
            square += x * x;
        }
        let start = product / square;
        let curvature = spline(&q, &s, 2.0 * start * q[0]);
        if !(start.is_finite() && curvature.iter().all(|c| c.is_finite())) {
            return Err(TableProblem::Order { index: 2, found: q[1], before: q[0] });
        }
        Ok(Self { harmonic, q, s, curvature, start })
    }

    /// The value at Q in Å⁻¹.
    pub fn at(&self, q: f64) -> f64 {
        let last = self.q.len() - 1;
        if q < self.q[0] {
            return self.s[0] + self.start * (q * q - self.q[0] * self.q[0]);
        }
        if q > self.q[last] {
            return self.harmonic.limit();
        }
        let k = self.q.partition_point(|known| *known <= q).clamp(1, last);
        let h = self.q[k] - self.q[k - 1];
        let (a, b) = ((self.q[k] - q) / h, (q - self.q[k - 1]) / h);
        let bend = (a * a * a - a) * self.curvature[k - 1] + (b * b * b - b) * self.curvature[k];
        a * self.s[k - 1] + b * self.s[k] + bend * h * h / 6.0
    }

    /// First Q of the table in Å⁻¹.
    pub fn lowest_q(&self) -> f64 {
        self.q[0]
    }

    /// Last Q of the table in Å⁻¹.
    pub fn highest_q(&self) -> f64 {
        self.q[self.q.len() - 1]
    }
}

/// Second derivatives of the cubic spline with the given slope at the first point and no curvature at the last: a
/// tridiagonal system, solved by elimination.
fn spline(q: &[f64], s: &[f64], slope: f64) -> Vec<f64> {
    let n = q.len();
    let step = |i: usize| q[i + 1] - q[i];
    let secant = |i: usize| (s[i + 1] - s[i]) / step(i);
    let (mut above, mut right) = (vec![0.0; n], vec![0.0; n]);
    above[0] = 0.5;
    right[0] = 3.0 * (secant(0) - slope) / step(0);
    for i in 1..n - 1 {
        let (left, next) = (step(i - 1), step(i));
        let pivot = 2.0 * (left + next) - left * above[i - 1];
        above[i] = next / pivot;
        right[i] = (6.0 * (secant(i) - secant(i - 1)) - left * right[i - 1]) / pivot;
    }
    let mut curvature = vec![0.0; n];
    for i in (0..n - 1).rev() {
        curvature[i] = right[i] - above[i] * curvature[i + 1];
    }
    curvature
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::simulate::Glass;

    fn read(text: &str) -> Result<SofQ, TableError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        SofQ::read(file.path(), Harmonic::Zeroth)
    }

    fn glass_table(from: u32, step: f64, end: f64) -> (Vec<f64>, Vec<f64>) {
        let q: Vec<f64> = (from..).map(|i| step * f64::from(i)).take_while(|q| *q < end).collect();
        let s = q.iter().map(|q| Glass::zr_based().s_of_q(*q)).collect();
        (q, s)
    }

    #[test]
    fn a_glass_comes_back_between_the_points() {
        let glass = Glass::zr_based();
        let (q, s) = glass_table(25, 0.02, 25.0);
        let text: String = q.iter().zip(&s).map(|(q, s)| format!("{q} {s}\n")).collect();
        let table = read(&format!("# Q S\n\n{text}")).unwrap();
        // A cubic spline is within (5/384)h⁴|S⁗|. At the first maximum S is about 3·exp(−x²/2w²) with w = 0.13 Å⁻¹:
        // S⁗ = 3·3/w⁴ = 3e4, so 6.6e-5; twice that covers a sharper top. The slope at the start and the curvature 0 at
        // the end are not the true ones: their waves die as 0.27^n, gone after half an Å⁻¹.
        for i in 0..4700 {
            let q = 1.0 + 0.005 * f64::from(i);
            assert!((table.at(q) - glass.s_of_q(q)).abs() < 1.3e-4, "{q}: {}", table.at(q));
        }
        // Below Q1 = 0.5 Å⁻¹ the glass is a + bQ² + cQ⁴ + …: at the first points the parabola has the slope of the glass, and
        // a − cQ1⁴ at 0. c by divided differences in Q²; half as much again for what follows.
        let rise = |from: f64, to: f64| (glass.s_of_q(to) - glass.s_of_q(from)) / (to * to - from * from);
        let c = (rise(0.25, 0.5) - rise(0.0, 0.25)) / 0.25;
        for q in [0.0, 0.1, 0.3, 0.499] {
            assert!((table.at(q) - glass.s_of_q(q)).abs() < 1.5 * c.abs() * 0.5f64.powi(4), "{q}: {c}");
        }
        assert_eq!(table.at(26.0), 1.0);
    }

    #[test]
    fn cubics_and_parabolas_are_exact() {
        // S = 1 + (Q² − 16)/8·… is a parabola from 0 on, so the slope at the start is right; at the end it is bent, as the
        // spline's last curvature is 0: far from there the error is gone (0.27 for each of 60 points).
        let parabola = |q: f64| 0.2 + 0.05 * q * q;
        let q: Vec<f64> = (10..=80).map(|i| 0.05 * f64::from(i)).collect();
        let s = q.iter().map(|q| parabola(*q)).collect();
        let table = SofQ::new(Harmonic::Zeroth, q, s).unwrap();
        for q in [0.0, 0.2, 0.5, 0.61, 0.77, 1.0] {
            assert!((table.at(q) - parabola(q)).abs() < 1e-13, "{q}: {}", table.at(q));
        }
        // One curve without a step or a kink at the first point.
        let slope = |q: f64| (table.at(q + 1e-6) - table.at(q - 1e-6)) / 2e-6;
        assert!((slope(0.5) - 0.05).abs() < 1e-8);
    }

    #[test]
    fn tables_that_cannot_be_used() {
        let (q, s) = glass_table(25, 0.05, 25.0);
        let problem = |q: &[f64], s: &[f64]| {
            SofQ::new(Harmonic::Zeroth, q.to_vec(), s.to_vec()).unwrap_err().to_string()
        };
        assert!(problem(&q[..5], &s[..5]).contains("5 points"));
        assert!(problem(&q[..30], &s[..30]).contains("expected 1 within"));
        let mut twice = q.clone();
        twice[7] = twice[6];
        assert!(problem(&twice, &s).contains("point 8"));
        twice[0] = f64::NAN;
        assert!(problem(&twice, &s).contains("point 1"));
        let mut wild = s.clone();
        wild[3] = f64::INFINITY;
        assert!(problem(&q, &wild).contains("point 4"));
        let message = |text: &str| read(text).unwrap_err().to_string();
        assert!(message("0.5 1\n0.6 one\n").contains("line 2"));
        assert!(message("0.5 1\n0.6 nan\n").contains("line 2"));
        assert!(message("0.5 1 0.1\n").contains("two finite numbers"));
        assert!(message("# nothing\n").contains("0 points"));
        assert!(SofQ::read(Path::new("no such file"), Harmonic::Zeroth).is_err());
    }
}
