//! Frames of a trajectory, line by line: no more of a file is held than what was asked for.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{AtomBox, AtomsError, AtomsProblem, check_element, extxyz, lammps};

/// Which frames of a trajectory are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Frames {
    /// The last one.
    #[default]
    Last,
    /// The one of this index, the first being 0; what follows it in the file is not read.
    Index(usize),
    /// All, for an average.
    All,
}

/// Reads atoms in a periodic box from extended XYZ or from a LAMMPS text dump (whose first line starts with `ITEM:`).
///
/// `type_elements` are the elements of the LAMMPS types 1, 2 …, for dumps without a column `element`; else it may be empty.
/// At least one box comes back.
///
/// # Errors
/// A file that cannot be read or ends early, a box that is missing or not periodic, an unknown element, rows that
/// do not match, a number that is not finite: with the line. A frame that the file does not have.
pub fn read_atoms(path: &Path, frames: Frames, type_elements: &[String]) -> Result<Vec<AtomBox>, AtomsError> {
    let unreadable = |source| AtomsError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut lines = Lines::new(BufReader::new(file));
    match lines.frames(frames, type_elements) {
        Ok((boxes, _)) if !boxes.is_empty() => Ok(boxes),
        Ok((_, found)) => {
            let wanted = match frames {
                Frames::Index(index) => index,
                Frames::Last | Frames::All => 0,
            };
            Err(AtomsError::NoFrame { path: path.to_owned(), wanted, found })
        }
        Err(Fault::Read(source)) => Err(unreadable(source)),
        Err(Fault::Problem(problem)) => {
            Err(AtomsError::Line { path: path.to_owned(), line: lines.number, problem })
        }
    }
}

/// Why a line could not be had or used.
#[derive(Debug)]
pub(super) enum Fault {
    /// From the system.
    Read(std::io::Error),
    /// From the text.
    Problem(AtomsProblem),
}

impl From<AtomsProblem> for Fault {
    fn from(problem: AtomsProblem) -> Self {
        Fault::Problem(problem)
    }
}

/// The lines of a file, counted.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    pending: bool,
    /// Number of the line last given, from 1.
    pub(super) number: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), pending: false, number: 0 }
    }

    /// The next line without its end, or `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<&str>, Fault> {
        if !std::mem::take(&mut self.pending) {
            self.buffer.clear();
            if self.reader.read_until(b'\n', &mut self.buffer).map_err(Fault::Read)? == 0 {
                return Ok(None);
            }
            self.number += 1;
        }
        let text = std::str::from_utf8(&self.buffer).map_err(|_| AtomsProblem::NotText)?;
        Ok(Some(text.trim_end_matches(['\r', '\n'])))
    }

    /// The next line, which must be there.
    pub(super) fn require(&mut self, expected: &'static str) -> Result<&str, Fault> {
        match self.next()? {
            Some(line) => Ok(line),
            None => Err(AtomsProblem::Ends { expected }.into()),
        }
    }

    /// The next line that is not blank.
    pub(super) fn next_written(&mut self) -> Result<Option<&str>, Fault> {
        loop {
            match self.next()? {
                None => return Ok(None),
                Some(line) if line.trim().is_empty() => {}
                Some(_) => {
                    self.back();
                    return self.next();
                }
            }
        }
    }

    /// Gives the last line once more.
    pub(super) fn back(&mut self) {
        self.pending = true;
    }

    /// The frames asked for, and the number of frames read.
    pub(super) fn frames(
        &mut self,
        frames: Frames,
        type_elements: &[String],
    ) -> Result<(Vec<AtomBox>, usize), Fault> {
        let dump = match self.next_written()? {
            Some(line) => line.starts_with("ITEM:"),
            None => return Ok((Vec::new(), 0)),
        };
        self.back();
        let (mut boxes, mut found) = (Vec::new(), 0);
        loop {
            let next =
                if dump { lammps::next_frame(self, type_elements)? } else { extxyz::next_frame(self)? };
            let Some(atoms) = next else { return Ok((boxes, found)) };
            found += 1;
            match frames {
                Frames::Last => boxes = vec![atoms],
                Frames::All => boxes.push(atoms),
                Frames::Index(index) if index + 1 == found => return Ok((vec![atoms], found)),
                Frames::Index(_) => {}
            }
        }
    }
}

/// Atoms of a frame as they are read. Memory grows with the rows that are there, not with the count that is announced.
#[derive(Default)]
pub(super) struct Rows {
    positions: Vec<[f64; 3]>,
    species: Vec<u8>,
    elements: Vec<String>,
}

impl Rows {
    pub(super) fn push(&mut self, element: &str, position: [f64; 3]) -> Result<(), AtomsProblem> {
        let index = match self.elements.iter().position(|known| known == element) {
            Some(index) => index,
            None => {
                check_element(element)?;
                self.elements.push(element.to_owned());
                self.elements.len() - 1
            }
        };
        // There are fewer elements than 256.
        self.species.push(index as u8);
        self.positions.push(position);
        Ok(())
    }

    pub(super) fn into_box(self, vectors: [[f64; 3]; 3]) -> Result<AtomBox, AtomsProblem> {
        AtomBox::new(vectors, self.positions, self.species, self.elements)
    }
}

/// A finite number of a named column.
pub(super) fn number(text: &str, column: &str) -> Result<f64, AtomsProblem> {
    text.parse().ok().filter(|x: &f64| x.is_finite()).ok_or_else(|| AtomsProblem::Number {
        column: column.chars().take(40).collect(),
        found: text.chars().take(40).collect(),
    })
}

/// A count of atoms.
pub(super) fn atom_count(line: &str) -> Result<usize, AtomsProblem> {
    line.trim().parse().ok().filter(|count| *count > 0).ok_or_else(|| AtomsProblem::Unexpected {
        found: line.chars().take(40).collect(),
        expected: "the number of atoms, a positive integer",
    })
}
