//! Extended XYZ: a count, a line of `key=value` with `Lattice` and `Properties`, then one atom a line.

use std::io::BufRead;

use super::read::{Fault, Lines, Rows, atom_count, number};
use super::{AtomBox, AtomsProblem};

/// The next frame, or `None` at the end of the file.
pub(super) fn next_frame<R: BufRead>(lines: &mut Lines<R>) -> Result<Option<AtomBox>, Fault> {
    let Some(line) = lines.next_written()? else { return Ok(None) };
    let count = atom_count(line)?;
    let header = header(lines.require("the line with `Lattice` and `Properties`")?)?;
    let mut rows = Rows::default();
    for _ in 0..count {
        let line = lines.require("another atom")?;
        let mut fields = [""; 4];
        let mut found = 0;
        for field in line.split_whitespace() {
            if found == header.species {
                fields[0] = field;
            } else if (header.position..header.position + 3).contains(&found) {
                fields[1 + found - header.position] = field;
            }
            found += 1;
        }
        if found != header.columns {
            return Err(AtomsProblem::Columns { found, expected: header.columns }.into());
        }
        let [element, x, y, z] = fields;
        rows.push(element, [number(x, "pos")?, number(y, "pos")?, number(z, "pos")?])?;
    }
    Ok(Some(rows.into_box(header.lattice)?))
}

/// Cell vectors and which columns hold what.
struct Header {
    lattice: [[f64; 3]; 3],
    species: usize,
    position: usize,
    columns: usize,
}

fn header(line: &str) -> Result<Header, AtomsProblem> {
    let pairs = key_values(line)?;
    let value = |key: &str| {
        pairs.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.as_str())
    };
    let mut lattice = [[0.0; 3]; 3];
    let text = value("Lattice").ok_or(AtomsProblem::NoCell)?;
    let separators = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}');
    let written: Vec<&str> = text.split(separators).filter(|part| !part.is_empty()).collect();
    if written.len() != 9 {
        return Err(AtomsProblem::NoCell);
    }
    for (k, part) in written.into_iter().enumerate() {
        lattice[k / 3][k % 3] = number(part, "Lattice")?;
    }
    if let Some(found) = value("pbc") {
        let flags: Vec<&str> = found.split(separators).filter(|part| !part.is_empty()).collect();
        let periodic = |flag: &&str| matches!(*flag, "T" | "t" | "1" | "true" | "True" | "TRUE");
        if flags.len() != 3 || !flags.iter().all(periodic) {
            return Err(AtomsProblem::Boundary { found: found.chars().take(40).collect() });
        }
    }
    let (species, position, columns) = properties(value("Properties").unwrap_or("species:S:1:pos:R:3"))?;
    Ok(Header { lattice, species, position, columns })
}

/// The column of the element, the first of the position, and the number of columns, from `name:type:count:…`.
fn properties(text: &str) -> Result<(usize, usize, usize), AtomsProblem> {
    let found = || text.chars().take(200).collect::<String>();
    let parts: Vec<&str> = text.split(':').collect();
    let (mut species, mut position, mut columns) = (None, None, 0usize);
    for property in parts.chunks(3) {
        let width = match property {
            [_, _, width] => width.parse::<usize>().ok().filter(|width| (1..=1000).contains(width)),
            _ => None,
        };
        let Some(width) = width else {
            return Err(AtomsProblem::Unexpected {
                found: found(),
                expected: "`name:type:number of columns` for each property",
            });
        };
        match (property[0], property[1], width) {
            ("species", "S", 1) => species = Some(columns),
            ("pos", "R", 3) => position = Some(columns),
            _ => {}
        }
        columns += width;
    }
    let species =
        species.ok_or_else(|| AtomsProblem::NoColumn { found: found(), missing: "`species:S:1`" })?;
    let position = position.ok_or_else(|| AtomsProblem::NoColumn { found: found(), missing: "`pos:R:3`" })?;
    Ok((species, position, columns))
}

/// `key=value` and `key="a value"`; a key alone is passed over.
fn key_values(line: &str) -> Result<Vec<(String, String)>, AtomsProblem> {
    let mut pairs = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let key = rest[..end].trim_matches('"');
        rest = rest[end..].trim_start();
        let Some(after) = rest.strip_prefix('=') else { continue };
        let after = after.trim_start();
        let closing = match after.chars().next() {
            Some('"') => Some("\""),
            Some('\'') => Some("'"),
            Some('{') => Some("}"),
            Some('[') if after.starts_with("[[") => Some("]]"),
            Some('[') => Some("]"),
            Some(_) | None => None,
        };
        let (value, remaining) = match closing {
            Some(closing) => after[1..].split_once(closing).ok_or_else(|| AtomsProblem::Unexpected {
                found: after.chars().take(40).collect(),
                expected: "a closing quote or bracket",
            })?,
            None => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
        };
        pairs.push((key.to_owned(), value.to_owned()));
        rest = remaining.trim_start();
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_programs_write_them() {
        let read = |line: &str| header(line).unwrap();
        let plain = read(r#"Lattice="5 0 0 0 6 0 0.5 0 7" Properties=species:S:1:pos:R:3 pbc="T T T""#);
        assert_eq!(plain.lattice, [[5.0, 0.0, 0.0], [0.0, 6.0, 0.0], [0.5, 0.0, 7.0]]);
        assert_eq!((plain.species, plain.position, plain.columns), (0, 1, 4));
        let other = read(
            "energy=-1.5 Lattice=[[5, 0, 0], [0, 6, 0], [0.5, 0, 7]] pbc=[T, T, T] note 'x' \
             Properties=id:I:1:pos:R:3:vel:R:3:species:S:1",
        );
        assert_eq!(other.lattice, plain.lattice);
        assert_eq!((other.species, other.position, other.columns), (7, 1, 8));
    }

    #[test]
    fn headers_that_cannot_be_used() {
        let message = |line: &str| header(line).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message("a comment of plain XYZ").contains("no cell"));
        assert!(message(r#"Lattice="5 0 0 0 6 0 0 0""#).contains("no cell"));
        assert!(message(r#"Lattice="5 0 0 0 6 0 0 0 nan""#).contains("`nan` in column `Lattice`"));
        assert!(message(r#"Lattice="5 0 0 0 6 0 0 0 7"#).contains("closing quote"));
        assert!(message(r#"Lattice="5 0 0 0 6 0 0 0 7" pbc="T T F""#).contains("boundaries `T T F`"));
        assert!(message(r#"Lattice="5 0 0 0 6 0 0 0 7" Properties=pos:R:3"#).contains("no `species:S:1`"));
        assert!(message(r#"Lattice="5 0 0 0 6 0 0 0 7" Properties=species:S"#).contains("name:type:number"));
    }
}
