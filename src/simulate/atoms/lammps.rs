//! LAMMPS text dumps: `ITEM:` sections with a box, orthogonal or sheared, and one atom a line.

use std::io::BufRead;

use super::read::{Fault, Lines, Rows, atom_count, number};
use super::{AtomBox, AtomsProblem};

/// The next frame, or `None` at the end of the file. `type_elements` are the elements of types 1, 2 ….
pub(super) fn next_frame<R: BufRead>(
    lines: &mut Lines<R>,
    type_elements: &[String],
) -> Result<Option<AtomBox>, Fault> {
    let (mut count, mut cell) = (None, None);
    if lines.next_written()?.is_none() {
        return Ok(None);
    }
    lines.back();
    loop {
        let line = lines.require("a section `ITEM:`")?.trim_end();
        let Some(item) = line.strip_prefix("ITEM:") else {
            return Err(unexpected(line, "a section that starts with `ITEM:`").into());
        };
        let words: Vec<String> = item.split_whitespace().map(str::to_owned).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["TIMESTEP"] | ["TIME"] => {
                lines.require("a time")?;
            }
            ["UNITS"] => {
                let found = lines.require("the units")?.trim();
                if !matches!(found, "metal" | "real") {
                    return Err(AtomsProblem::Units { found: found.chars().take(40).collect() }.into());
                }
            }
            ["NUMBER", "OF", "ATOMS"] => count = Some(atom_count(lines.require("the number of atoms")?)?),
            ["BOX", "BOUNDS", ref rest @ ..] => cell = Some(Cell::read(lines, rest)?),
            ["ATOMS", ref names @ ..] => {
                let (Some(count), Some(cell)) = (count, cell) else {
                    let expected = "`ITEM: NUMBER OF ATOMS` and `ITEM: BOX BOUNDS` before the atoms";
                    return Err(unexpected(item, expected).into());
                };
                return atoms(lines, count, &cell, names, type_elements).map(Some);
            }
            _ => {
                let expected =
                    "TIMESTEP, TIME, UNITS, NUMBER OF ATOMS, BOX BOUNDS or ATOMS as the name of a section";
                return Err(unexpected(item, expected).into());
            }
        }
    }
}

fn unexpected(found: &str, expected: &'static str) -> AtomsProblem {
    AtomsProblem::Unexpected { found: found.chars().take(60).collect(), expected }
}

/// Origin and cell vectors.
struct Cell {
    origin: [f64; 3],
    vectors: [[f64; 3]; 3],
}

impl Cell {
    /// Three kinds of box: `pp pp pp` with rows lo hi; `xy xz yz pp pp pp` with the bounds of the corners and a shear in
    /// each row; `abc origin pp pp pp` with a vector and a coordinate of the origin in each row (LAMMPS manual, dump).
    fn read<R: BufRead>(lines: &mut Lines<R>, words: &[&str]) -> Result<Self, Fault> {
        let (kind, flags) = words.split_at(words.len().saturating_sub(3));
        if flags.len() != 3 || flags.iter().any(|flag| *flag != "pp") {
            return Err(AtomsProblem::Boundary { found: flags.join(" ").chars().take(40).collect() }.into());
        }
        match kind {
            [] => {
                let [x, y, z] = rows::<2, R>(lines)?;
                let vectors = [[x[1] - x[0], 0.0, 0.0], [0.0, y[1] - y[0], 0.0], [0.0, 0.0, z[1] - z[0]]];
                Ok(Self { origin: [x[0], y[0], z[0]], vectors })
            }
            ["xy", "xz", "yz"] => {
                let [[x_low, x_high, xy], [y_low, y_high, xz], [z_low, z_high, yz]] = rows::<3, R>(lines)?;
                // The corners of the box reach beyond its edge along x by 0, xy, xz and xy + xz, along y by 0 and yz.
                let reach = [0.0, xy, xz, xy + xz];
                let x_low = x_low - reach.into_iter().fold(0.0, f64::min);
                let x_high = x_high - reach.into_iter().fold(0.0, f64::max);
                let (y_low, y_high) = (y_low - yz.min(0.0), y_high - yz.max(0.0));
                let vectors =
                    [[x_high - x_low, 0.0, 0.0], [xy, y_high - y_low, 0.0], [xz, yz, z_high - z_low]];
                Ok(Self { origin: [x_low, y_low, z_low], vectors })
            }
            ["abc", "origin"] => {
                let rows = rows::<4, R>(lines)?;
                let vectors = rows.map(|[x, y, z, _]| [x, y, z]);
                Ok(Self { origin: rows.map(|row| row[3]), vectors })
            }
            _ => {
                Err(unexpected(&kind.join(" "), "nothing, `xy xz yz` or `abc origin` before `pp pp pp`")
                    .into())
            }
        }
    }
}

/// Three rows of N numbers.
fn rows<const N: usize, R: BufRead>(lines: &mut Lines<R>) -> Result<[[f64; N]; 3], Fault> {
    let mut rows = [[0.0; N]; 3];
    for row in &mut rows {
        let line = lines.require("three lines of box bounds")?;
        let found = line.split_whitespace().count();
        if found != N {
            return Err(AtomsProblem::Columns { found, expected: N }.into());
        }
        for (value, text) in row.iter_mut().zip(line.split_whitespace()) {
            *value = number(text, "BOX BOUNDS")?;
        }
    }
    Ok(rows)
}

/// How positions are written.
#[derive(Clone, Copy)]
enum Coordinates {
    /// In Å.
    Cartesian,
    /// In units of the cell vectors, from the origin of the box.
    Scaled,
}

fn atoms<R: BufRead>(
    lines: &mut Lines<R>,
    count: usize,
    cell: &Cell,
    names: &[&str],
    type_elements: &[String],
) -> Result<AtomBox, Fault> {
    let column = |name: &str| names.iter().position(|known| *known == name);
    let triple = |[x, y, z]: [&str; 3]| Some([column(x)?, column(y)?, column(z)?]);
    let missing =
        |missing| AtomsProblem::NoColumn { found: names.join(" ").chars().take(200).collect(), missing };
    let (coordinates, position) = [
        (Coordinates::Cartesian, ["xu", "yu", "zu"]),
        (Coordinates::Cartesian, ["x", "y", "z"]),
        (Coordinates::Scaled, ["xsu", "ysu", "zsu"]),
        (Coordinates::Scaled, ["xs", "ys", "zs"]),
    ]
    .into_iter()
    .find_map(|(kind, names)| Some((kind, triple(names)?)))
    .ok_or_else(|| missing("`x y z`, `xs ys zs`, `xu yu zu` or `xsu ysu zsu`"))?;
    let (element, kind) = (column("element"), column("type"));
    if element.is_none() && (kind.is_none() || type_elements.is_empty()) {
        return Err(missing("`element`, and no elements are given for the types").into());
    }
    let mut rows = Rows::default();
    for _ in 0..count {
        let line = lines.require("another atom")?;
        let mut fields = [""; 4];
        let mut found = 0;
        for field in line.split_whitespace() {
            if Some(found) == element.or(kind) {
                fields[0] = field;
            } else if let Some(axis) = position.iter().position(|column| *column == found) {
                fields[1 + axis] = field;
            }
            found += 1;
        }
        if found != names.len() {
            return Err(AtomsProblem::Columns { found, expected: names.len() }.into());
        }
        let [name, x, y, z] = fields;
        let written = [number(x, "x")?, number(y, "y")?, number(z, "z")?];
        let point = match coordinates {
            Coordinates::Cartesian => written,
            Coordinates::Scaled => std::array::from_fn(|k| {
                (0..3).fold(cell.origin[k], |sum, axis| sum + written[axis] * cell.vectors[axis][k])
            }),
        };
        let name = match element {
            Some(_) => name,
            None => type_element(name, type_elements)?,
        };
        rows.push(name, point)?;
    }
    Ok(rows.into_box(cell.vectors)?)
}

fn type_element<'a>(found: &str, type_elements: &'a [String]) -> Result<&'a str, AtomsProblem> {
    let index = found.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    index.and_then(|index| type_elements.get(index)).map(String::as_str).ok_or_else(|| {
        AtomsProblem::UnknownType { found: found.chars().take(40).collect(), known: type_elements.len() }
    })
}
