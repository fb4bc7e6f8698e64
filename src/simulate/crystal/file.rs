//! Crystals as files: those that come with the program, and anybody's.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::{Cell, Crystal, CrystalError, RingWidth, Site};

/// The crystals that come with the program; sources of their numbers: `calibration/crystals/SOURCES.md`.
pub(super) const EMBEDDED: [(&str, &str); 4] = [
    ("CeO2", include_str!("../../../calibration/crystals/ceo2.yaml")),
    ("LaB6", include_str!("../../../calibration/crystals/lab6.yaml")),
    ("Si", include_str!("../../../calibration/crystals/si.yaml")),
    ("Ni", include_str!("../../../calibration/crystals/ni.yaml")),
];

/// Largest file in bytes.
const LONGEST: u64 = 1 << 20;

/// The file word for word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    cell: Cell,
    #[serde(default)]
    centring: Centring,
    atoms: Vec<Row>,
    ring_width: RingWidth,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    element: String,
    position: Vec<f64>,
    #[serde(default = "filled")]
    occupancy: f64,
    u_iso_angstrom2: f64,
}

fn filled() -> f64 {
    1.0
}

/// Translations that repeat every listed atom.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
enum Centring {
    /// None: all atoms are listed.
    #[default]
    P,
    /// Base-centred: (½, ½, 0).
    C,
    /// Body-centred: (½, ½, ½).
    I,
    /// Face-centred: (0, ½, ½), (½, 0, ½), (½, ½, 0).
    F,
}

impl Centring {
    fn translations(self) -> &'static [[f64; 3]] {
        match self {
            Centring::P => &[[0.0, 0.0, 0.0]],
            Centring::C => &[[0.0, 0.0, 0.0], [0.5, 0.5, 0.0]],
            Centring::I => &[[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]],
            Centring::F => &[[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]],
        }
    }
}

impl Crystal {
    /// A crystal that comes with the program: CeO2, LaB6, Si or Ni, in upper or lower case.
    ///
    /// # Errors
    /// An unknown name, with the nearest ones.
    pub fn named(name: &str) -> Result<Self, CrystalError> {
        if let Some((known, text)) = EMBEDDED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Self::parse(text, known);
        }
        let folded: String = name.to_lowercase().chars().take(40).collect();
        let mut ranked: Vec<&str> = EMBEDDED.iter().map(|(known, _)| *known).collect();
        let known = ranked.join(", ");
        ranked.sort_by_key(|known| strsim::damerau_levenshtein(&known.to_lowercase(), &folded));
        ranked.truncate(2);
        Err(CrystalError::Unknown { name: name.to_owned(), nearest: ranked.join(", "), known })
    }

    /// Reads a crystal file.
    ///
    /// # Errors
    /// A file that cannot be read, is no crystal file, or describes no crystal; with the key.
    pub fn read(path: &Path) -> Result<Self, CrystalError> {
        let failed = |source| CrystalError::Read { path: path.to_path_buf(), source };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        let length = file.take(LONGEST + 1).read_to_string(&mut text).map_err(failed)?;
        if length as u64 > LONGEST {
            return Err(CrystalError::TooLong { path: path.to_path_buf(), limit: LONGEST });
        }
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads the text of a crystal file; `origin` names it in messages.
    ///
    /// # Errors
    /// No crystal file, or one that describes no crystal; with the key.
    pub fn parse(text: &str, origin: &str) -> Result<Self, CrystalError> {
        let options = serde_yaml::options! { with_snippet: false };
        let file: File = serde_yaml::from_str_with_options(text, options)
            .map_err(|e| CrystalError::Yaml { origin: origin.to_owned(), reason: e.to_string() })?;
        let translations = file.centring.translations();
        let mut atoms = Vec::new();
        for (index, row) in file.atoms.into_iter().enumerate() {
            let [x, y, z] = row.position[..] else {
                return Err(CrystalError::Value {
                    origin: origin.to_owned(),
                    key: format!("atoms[{index}].position"),
                    found: format!("{} numbers", row.position.len()),
                    expected: "three: fractions of a, b and c".to_owned(),
                });
            };
            atoms.extend(translations.iter().map(|shift| Site {
                element: row.element.clone(),
                position: [x + shift[0], y + shift[1], z + shift[2]],
                occupancy: row.occupancy,
                u_iso_angstrom2: row.u_iso_angstrom2,
            }));
        }
        Self::checked(origin, file.name, file.cell, atoms, translations.len(), file.ring_width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_come_along_can_be_read() {
        // Atoms in the cell and mass densities of handbooks in g/cm³, within 1 %.
        for (name, atoms, density) in
            [("CeO2", 12.0, 7.215), ("LaB6", 7.0, 4.71), ("Si", 8.0, 2.329), ("ni", 4.0, 8.908)]
        {
            let crystal = Crystal::named(name).unwrap();
            assert!((crystal.atoms_in_cell() - atoms).abs() < 1e-12, "{name}");
            let expected = crystal.composition().number_density(density).unwrap();
            assert!((crystal.density() / expected - 1.0).abs() < 0.01, "{name}: {}", crystal.density());
        }
    }

    #[test]
    fn a_slip_in_the_name_finds_its_neighbours() {
        let message = Crystal::named("LaB5").unwrap_err().to_string();
        assert!(message.contains("nearest: LaB6"), "{message}");
        assert!(message.contains("known: CeO2, LaB6, Si, Ni"), "{message}");
        assert!(Crystal::named(&"x".repeat(100_000)).is_err());
    }

    #[test]
    fn files_say_what_is_wrong() {
        let good = EMBEDDED[3].1;
        let message = |from: &str, to: &str| {
            assert!(good.contains(from), "{from}");
            Crystal::parse(&good.replace(from, to), "my.yaml").unwrap_err().to_string()
        };
        for (from, to, expected) in [
            ("centring: F", "centering: F", "centering"),
            ("centring: F", "centring: R", "R"),
            ("a_angstrom: 3.5240", "a_angstrom: 0", "`cell.a_angstrom`: found 0"),
            ("a_angstrom: 3.5240", "a_angstrom: .nan", "a_angstrom"),
            ("gamma_deg: 90", "gamma_deg: 180", "`cell.gamma_deg`: found 180"),
            ("alpha_deg: 90, beta_deg: 90", "alpha_deg: 30, beta_deg: 45", "`cell.alpha_deg`"),
            ("element: Ni", "element: Nj", "did you mean `N"),
            ("u_iso_angstrom2: 0.0049", "u_iso_angstrom2: 0", "`atoms[0].u_iso_angstrom2`: found 0"),
            ("element: Ni,", "element: Ni, occupancy: 1.2,", "`atoms[0].occupancy`: found 1.2"),
            ("element: Ni,", "element: Ni, occupancy: 0,", "`atoms[0].occupancy`: found 0"),
            ("position: [0, 0, 0]", "position: [0, 0, 25]", "`atoms[0].position[2]`: found 25"),
            ("position: [0, 0, 0]", "position: [0, 0]", "`atoms[0].position`: found 2 numbers"),
            (
                "constant_inv_angstrom: 0.01",
                "constant_inv_angstrom: -0.01",
                "`ring_width.constant_inv_angstrom`",
            ),
            ("name: Ni", "name: ''", "`name`"),
        ] {
            let found = message(from, to);
            assert!(found.contains(expected) && found.contains("my.yaml"), "{to}: {found}");
        }
        let head = good.split("atoms:").next().unwrap();
        let none = format!("{head}atoms: []\nring_width: {{constant_inv_angstrom: 0.01}}\n");
        assert!(Crystal::parse(&none, "x").unwrap_err().to_string().contains("`atoms`: found 0"));
        // 5,000 atoms where 2,000 are handled, and no time lost on it.
        let row = "  - {element: Ni, position: [0.1, 0, 0], u_iso_angstrom2: 0.005}\n";
        let many = format!("{head}atoms:\n{}ring_width: {{constant_inv_angstrom: 0.01}}\n", row.repeat(5000));
        assert!(Crystal::parse(&many, "x").is_err());
        // The centring repeats an atom that is listed.
        let twice = good.replace(
            "atoms:\n",
            "atoms:\n  - {element: Ni, position: [0.5, 0.5, 0], u_iso_angstrom2: 0.005}\n",
        );
        assert!(Crystal::parse(&twice, "x").unwrap_err().to_string().contains("come within 0.000"));
        assert!(Crystal::read(Path::new("/nonexistent/crystal.yaml")).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".{0,80}", cut in 0..1000usize) {
            let _ = Crystal::parse(&text, "x");
            let good = EMBEDDED[1].1;
            let end = good.floor_char_boundary(cut.min(good.len()));
            let _ = Crystal::parse(&format!("{}{text}", &good[..end]), "x");
        }
    }
}
