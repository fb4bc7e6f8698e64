//! Why a model of atoms cannot be used.

use std::path::PathBuf;

/// A file that is no model of atoms in a periodic box, or a range of distances that cannot be had from one.
#[derive(Debug, thiserror::Error)]
pub enum AtomsError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line that cannot be used.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1; for what concerns a whole frame, its last line.
        line: usize,
        /// What is wrong.
        problem: AtomsProblem,
    },
    /// Fewer frames than asked for.
    #[error("{}: frame {wanted} was asked for (the first is 0), the file has {found}", path.display())]
    NoFrame {
        /// The file.
        path: PathBuf,
        /// Index asked for.
        wanted: usize,
        /// Frames in the file.
        found: usize,
    },
    /// What no single line is to blame for.
    #[error(transparent)]
    Model(#[from] AtomsProblem),
}

/// What is wrong with a model of atoms.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AtomsProblem {
    /// Bytes that are no text.
    #[error("this is no UTF-8 text; expected extended XYZ or a LAMMPS text dump")]
    NotText,
    /// The file stops inside a frame.
    #[error("the file ends here, expected {expected}; it is cut short or a count in it is wrong")]
    Ends {
        /// What should have followed.
        expected: &'static str,
    },
    /// A line that is something else.
    #[error("found `{found}`, expected {expected}")]
    Unexpected {
        /// The line or a part of it.
        found: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// No box.
    #[error(
        "no cell: the second line of the frame needs `Lattice=\"ax ay az bx by bz cx cy cz\"` in Å; without a cell there is no density"
    )]
    NoCell,
    /// A box with surfaces.
    #[error("boundaries `{found}`: only boxes that are periodic in all three directions can be used")]
    Boundary {
        /// As written.
        found: String,
    },
    /// Text that is no finite number.
    #[error("`{found}` in column `{column}` is no finite number")]
    Number {
        /// Name of the column.
        column: String,
        /// As written.
        found: String,
    },
    /// A row that is too short or too long.
    #[error(
        "{found} columns, expected {expected} as announced; a wrong count of atoms also shows in this way"
    )]
    Columns {
        /// In the row.
        found: usize,
        /// As announced.
        expected: usize,
    },
    /// Columns that do not give what is needed.
    #[error("the columns `{found}` have no {missing}")]
    NoColumn {
        /// As announced.
        found: String,
        /// What is needed.
        missing: &'static str,
    },
    /// A name that is no element.
    #[error("`{found}` is no element{hint}")]
    UnknownElement {
        /// As written.
        found: String,
        /// The most similar element.
        hint: String,
    },
    /// A LAMMPS type without an element.
    #[error("atom type `{found}`: elements are given for types 1 to {known}; name the element of each type")]
    UnknownType {
        /// As written.
        found: String,
        /// Number of types with an element.
        known: usize,
    },
    /// Lengths that are not in Å.
    #[error("the dump is in LAMMPS units `{found}`; lengths are in Å only in `metal` and `real`")]
    Units {
        /// As written.
        found: String,
    },
    /// A frame without atoms, or an element without one.
    #[error("no atom{of}")]
    NoAtoms {
        /// Empty, or ` of Zr`.
        of: String,
    },
    /// A box without volume.
    #[error(
        "opposite faces of the box are {spacing} Å apart; at least {least} Å are needed for three independent cell vectors"
    )]
    Flat {
        /// Smallest distance.
        spacing: f64,
        /// Smallest that is accepted.
        least: f64,
    },
    /// More atoms than fit.
    #[error("{found:.4} atoms/Å³, at most {most}; are the lengths in Å?")]
    Dense {
        /// Number density.
        found: f64,
        /// Largest that is accepted.
        most: f64,
    },
    /// A range of distances that cannot be meant.
    #[error(
        "pair distances up to {r_max} Å in steps of {dr} Å; both must be positive, with 2 to {most} steps"
    )]
    Range {
        /// Largest distance.
        r_max: f64,
        /// Width of a bin.
        dr: f64,
        /// Largest number of bins for as many elements.
        most: usize,
    },
    /// Bins that lose the oscillations at large Q.
    #[error("bins of g(r) are {dr} Å wide, at most {most} Å for an S(Q); 0.01 Å is usual")]
    Coarse {
        /// Width.
        dr: f64,
        /// Largest that is accepted.
        most: f64,
    },
    /// More pairs than can be counted.
    #[error("about {found:.1e} pairs of atoms or of cells, at most {most:.0e}; lower r_max")]
    TooManyPairs {
        /// Estimate.
        found: f64,
        /// Limit.
        most: f64,
    },
    /// Frames that are not states of one sample.
    #[error("frame {index} has other atoms than the first: {found}, not {expected}; average alike frames")]
    Unlike {
        /// Position among the frames given.
        index: usize,
        /// Its elements and counts.
        found: String,
        /// Those of the first.
        expected: String,
    },
}
