//! Lines of text → columns.

use std::path::Path;

use super::axis::wavelength_angstrom;
use super::{Axis, PatternFile, PatternFileError};

impl PatternFile {
    /// Reads a file of text.
    ///
    /// # Errors
    /// A file that cannot be read or has no columns of numbers.
    pub fn read(path: &Path) -> Result<PatternFile, PatternFileError> {
        let bytes = crate::text_file::read_bytes(path)
            .map_err(|source| PatternFileError::Io { path: path.to_owned(), source })?;
        // Headers come in all encodings; numbers are ASCII.
        PatternFile::parse(&String::from_utf8_lossy(&bytes), path)
    }

    /// All before the first line of two or more numbers (or before a line `start data`) is header; blank lines and comments
    /// may stand between the numbers.
    ///
    /// # Errors
    /// No columns of numbers; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<PatternFile, PatternFileError> {
        let lines: Vec<&str> = text.lines().collect();
        let marked = lines.iter().position(|line| line.trim_start_matches('#').trim() == "start data");
        let is_data = |line: &&str| numbers(line).is_some_and(|numbers| numbers.len() >= 2);
        let after = marked.unwrap_or(0);
        let first = lines[after..].iter().position(is_data).map(|index| after + index);
        let first = first.ok_or_else(|| PatternFileError::NoNumbers(path.to_owned()))?;
        let header = &lines[..first];

        let mut columns: Vec<Vec<f64>> = Vec::new();
        for (index, line) in lines.iter().enumerate().skip(first) {
            if line.trim().is_empty() || line.trim_start().starts_with(['#', '!']) {
                continue;
            }
            let row = numbers(line).unwrap_or_default();
            if columns.is_empty() {
                columns = vec![Vec::new(); row.len()];
            }
            if row.len() != columns.len() {
                return Err(PatternFileError::Line {
                    path: path.to_owned(),
                    line: index + 1,
                    found: line.trim().chars().take(40).collect(),
                    columns: columns.len(),
                });
            }
            columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
        }
        let labels = header.last().copied().unwrap_or_default();
        let mut columns = columns.into_iter();
        let (mut x, intensity) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
        let sigma = columns.next();
        let unpolarized = columns.next().filter(|_| labels.contains("unpolarized"));
        let sigma_as_independent = columns.next().filter(|_| labels.contains("sigma_as_independent"));
        let mut axis = Axis::of_header(header.iter().copied());
        // GSAS counts in hundredths of a degree.
        if header.iter().any(|line| line.starts_with("BANK") && line.contains("FXYE")) {
            x.iter_mut().for_each(|x| *x *= 0.01);
            axis = Some(Axis::TwoThetaDeg);
        }
        let wavelength_angstrom = header.iter().find_map(|line| wavelength_angstrom(line));
        let path = path.to_owned();
        Ok(PatternFile {
            path,
            axis,
            wavelength_angstrom,
            x,
            intensity,
            sigma,
            unpolarized,
            sigma_as_independent,
        })
    }
}

/// The numbers of a line; `None` where anything else stands in it.
fn numbers(line: &str) -> Option<Vec<f64>> {
    let fields = line.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
    fields.filter(|field| !field.is_empty()).map(|field| field.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PatternFile, PatternFileError> {
        PatternFile::parse(text, Path::new("a.txt"))
    }

    #[test]
    fn layouts_of_many_programs() {
        let fit2d =
            "glass\n 2-Theta Angle (Degrees)\n Intensity\n       2\n  1.0E+00  5.0E+00\n  2.0E+00  6.0E+00\n";
        let chi = parse(fit2d).unwrap();
        assert_eq!((chi.axis, chi.x, chi.sigma), (Some(Axis::TwoThetaDeg), vec![1.0, 2.0], None));
        let xye = parse("# Wavelength: 1.9e-11 m\n# q_nm^-1 I sigma\n1 5 0.5\n\n2 6 0.6\n").unwrap();
        assert_eq!((xye.axis, xye.sigma), (Some(Axis::QInvNm), Some(vec![0.5, 0.6])));
        assert_eq!(xye.wavelength_angstrom, Some(0.19));
        let fxye = parse("title\nBANK 1 2 2 CONS 100 1 0 0 FXYE\n100 5 0.5\n101 6 0.6\n").unwrap();
        assert_eq!((fxye.axis, fxye.x), (Some(Axis::TwoThetaDeg), vec![1.0, 1.01]));
        let csv = parse("x;I\n1;5\n2;nan\n").unwrap();
        assert!(csv.axis.is_none() && csv.intensity[1].is_nan());
        let iq =
            "[DEFAULT]\nqmax = 3\n#### start data\n#S 1\n#L Q(Å$^{-1}$)  I(Q)  sigma  unpolarized\n1 2 3 4\n";
        assert_eq!(parse(iq).unwrap().unpolarized, Some(vec![4.0]));
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        assert!(parse("nothing here\n7\n").unwrap_err().to_string().contains("no lines of two or more"));
        let message = parse("1 2\n3 4\nend of scan\n").unwrap_err().to_string();
        assert!(message.starts_with("a.txt:3: found `end of scan`"), "{message}");
        assert!(parse("1 2\n3 4 5\n").is_err());
    }
}
