//! Files of atoms: the same box from every format, and what a broken file says.

use std::io::Write;

use super::pair_tests::names;
use super::read::Lines;
use super::{AtomBox, AtomsError, Frames, read_atoms};

const ATOMS: [(&str, [f64; 3]); 4] =
    [("Zr", [0.25, 0.5, 0.75]), ("Cu", [0.1, 0.2, 0.3]), ("Zr", [-0.2, 0.9, 1.1]), ("Al", [0.6, 0.4, 0.0])];

fn place(cell: [[f64; 3]; 3], origin: [f64; 3], at: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|k| origin[k] + at[0] * cell[0][k] + at[1] * cell[1][k] + at[2] * cell[2][k])
}

fn extxyz(cell: [[f64; 3]; 3]) -> String {
    let numbers: Vec<String> = cell.concat().iter().map(f64::to_string).collect();
    let mut text =
        format!("4\nLattice=\"{}\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n", numbers.join(" "));
    for (name, at) in ATOMS {
        let [x, y, z] = place(cell, [0.0; 3], at);
        text += &format!("{name} {x} {y} {z}\n");
    }
    text
}

/// A dump of the same atoms with the box bounds and columns given.
fn dump(bounds: &str, columns: &str, row: impl Fn(usize, &str, [f64; 3]) -> String) -> String {
    let mut text = format!(
        "ITEM: TIMESTEP\n100\nITEM: NUMBER OF ATOMS\n4\nITEM: BOX BOUNDS {bounds}\nITEM: ATOMS {columns}\n"
    );
    for (i, (name, at)) in ATOMS.into_iter().enumerate() {
        text += &row(i + 1, name, at);
        text.push('\n');
    }
    text
}

fn kind(name: &str) -> usize {
    ["Zr", "Cu", "Al"].iter().position(|known| *known == name).unwrap() + 1
}

fn read(text: &[u8], frames: Frames) -> Result<Vec<AtomBox>, AtomsError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    read_atoms(file.path(), frames, &names(&["Zr", "Cu", "Al"]))
}

fn message(text: &str) -> String {
    read(text.as_bytes(), Frames::Last).unwrap_err().to_string()
}

/// One box up to its origin: the same cell, elements and differences of positions.
fn assert_same(a: &AtomBox, b: &AtomBox) {
    let (cell_a, cell_b) = (a.lattice().vectors().concat(), b.lattice().vectors().concat());
    let offset: [f64; 3] = std::array::from_fn(|k| b.positions()[0][k] - a.positions()[0][k]);
    assert_eq!((a.elements(), a.species()), (b.elements(), b.species()));
    assert!(cell_a.iter().zip(&cell_b).all(|(a, b)| (a - b).abs() < 1e-12), "{cell_a:?} {cell_b:?}");
    for (a, b) in a.positions().iter().zip(b.positions()) {
        assert!((0..3).all(|k| (b[k] - a[k] - offset[k]).abs() < 1e-12), "{a:?} {b:?}");
    }
}

#[test]
fn one_box_in_every_format() {
    let straight = [[7.0, 0.0, 0.0], [0.0, 8.0, 0.0], [0.0, 0.0, 9.0]];
    let expected = &read(extxyz(straight).as_bytes(), Frames::Last).unwrap()[0];
    assert!((expected.lattice().volume() - 504.0).abs() < 1e-9);
    assert_eq!(expected.elements(), ["Zr", "Cu", "Al"]);
    assert_eq!(expected.counts(), [2, 1, 1]);
    let origin = [-1.0, 2.0, 0.5];
    let bounds = "pp pp pp\n-1 6\n2 10\n0.5 9.5";
    let in_space = |cell| {
        move |i: usize, name: &str, at: [f64; 3]| {
            let [x, y, z] = place(cell, origin, at);
            format!("{i} {} {x} {y} {z}", kind(name))
        }
    };
    let scaled = |i: usize, name: &str, [x, y, z]: [f64; 3]| format!("{z} {name} {y} {x} {i}");
    for text in [
        dump(bounds, "id type x y z", in_space(straight)),
        dump(bounds, "id type xu yu zu", in_space(straight)),
        dump(bounds, "zs element ys xs id", scaled),
    ] {
        assert_same(expected, &read(text.as_bytes(), Frames::Last).unwrap()[0]);
    }
    // Sheared by xy = 2, xz = −3, yz = 1: the corners reach from xlo − 3 to xhi + 2, from ylo to yhi + 1.
    let sheared = [[7.0, 0.0, 0.0], [2.0, 8.0, 0.0], [-3.0, 1.0, 9.0]];
    let expected = &read(extxyz(sheared).as_bytes(), Frames::Last).unwrap()[0];
    let bounds = "xy xz yz pp pp pp\n-4 8 2\n2 11 -3\n0.5 9.5 1";
    let general = "abc origin pp pp pp\n7 0 0 -1\n2 8 0 2\n-3 1 9 0.5";
    for text in [
        dump(bounds, "id type x y z", in_space(sheared)),
        dump(bounds, "zs element ys xs id", scaled),
        dump(general, "id type x y z", in_space(sheared)),
        format!(
            "ITEM: UNITS\nmetal\nITEM: TIME\n0.1\n{}",
            dump(bounds, "id type xu yu zu", in_space(sheared))
        ),
    ] {
        assert_same(expected, &read(text.as_bytes(), Frames::Last).unwrap()[0]);
    }
    // Windows line ends and blank lines at the end.
    assert_same(
        expected,
        &read((extxyz(sheared).replace('\n', "\r\n") + "\n \n").as_bytes(), Frames::Last).unwrap()[0],
    );
}

#[test]
fn frames_are_chosen() {
    let cells: Vec<String> =
        [8.0, 9.0, 10.0].into_iter().map(|a| extxyz([[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]])).collect();
    let text = cells.concat();
    let edges = |frames| -> Vec<f64> {
        read(text.as_bytes(), frames).unwrap().iter().map(|b| b.lattice().vectors()[0][0]).collect()
    };
    assert_eq!(edges(Frames::Last), [10.0]);
    assert_eq!(edges(Frames::Index(0)), [8.0]);
    assert_eq!(edges(Frames::Index(1)), [9.0]);
    assert_eq!(edges(Frames::All), [8.0, 9.0, 10.0]);
    let missing = read(text.as_bytes(), Frames::Index(3)).unwrap_err().to_string();
    assert!(missing.contains("frame 3 was asked for") && missing.contains("the file has 3"), "{missing}");
    assert!(message("").contains("the file has 0"));
}

#[test]
fn a_wrong_line_is_named() {
    let good = extxyz([[7.0, 0.0, 0.0], [0.0, 8.0, 0.0], [0.0, 0.0, 9.0]]);
    let with = |from: &str, to: &str| message(&good.replacen(from, to, 1));
    assert!(with("Lattice", "Latice").contains("line 2: no cell"));
    assert!(with("T T T", "T T F").contains("line 2: boundaries `T T F`"));
    assert!(with("Cu", "Cv").contains("line 4: `Cv` is no element; did you mean `C"));
    assert!(with("Al 4.2", "Al nan").contains("line 6: `nan` in column `pos`"));
    assert!(with("Al 4.2", "Al").contains("line 6: 3 columns, expected 4"));
    assert!(with("4\n", "5\n").contains("line 6: the file ends here, expected another atom"));
    assert!(with("4\n", "3\n").contains("line 6: found `Al"));
    assert!(with("4\n", "0\n").contains("line 1: found `0`"));
    assert!(with("4\n", "99999999999999999999\n").contains("line 1: found"));
    assert!(with("4\n", "9999999999\n").contains("the file ends here"));
    let dump = |bounds: &str, columns: &str| {
        message(&dump(bounds, columns, |i, name, [x, y, z]| format!("{i} {} {x} {y} {z}", kind(name))))
    };
    let bounds = "pp pp pp\n0 7\n0 8\n0 9";
    assert!(dump("pp ff pp\n0 7\n0 8\n0 9", "id type xs ys zs").contains("line 5: boundaries `pp ff pp`"));
    assert!(dump("pp pp pp\n0 7 1\n0 8\n0 9", "id type xs ys zs").contains("line 6: 3 columns, expected 2"));
    assert!(dump("pp pp pp\n0 7\n0 inf\n0 9", "id type xs ys zs").contains("line 7: `inf`"));
    assert!(dump("pp pp pp\n7 7\n0 8\n0 9", "id type xs ys zs").contains("faces of the box"));
    assert!(
        dump(bounds, "id type vx vy vz").contains("line 9: the columns `id type vx vy vz` have no `x y z`")
    );
    assert!(dump(bounds, "id mol xs ys zs").contains("no `element`, and no elements"));
    assert!(
        dump(bounds, "type mol xs ys zs")
            .contains("line 13: atom type `4`: elements are given for types 1 to 3")
    );
    assert!(dump(bounds, "id type xs ys").contains("no `x y z`"));
    assert!(message("ITEM: UNITS\nlj\n").contains("line 2: the dump is in LAMMPS units `lj`"));
    assert!(message("ITEM: ATOMS id type x y z\n").contains("before the atoms"));
    assert!(message("ITEM: NONSENSE\n").contains("as the name of a section"));
    assert!(
        read(b"4\nLattice=\"\xff\"\n", Frames::Last)
            .unwrap_err()
            .to_string()
            .contains("line 2: this is no UTF-8")
    );
    assert!(matches!(
        read_atoms(std::path::Path::new("no such file"), Frames::Last, &[]),
        Err(AtomsError::Read { .. })
    ));
}

#[test]
fn broken_files_never_panic() {
    // Every prefix, and every byte replaced by each of some that mean something. A prefix is an error unless only the last
    // number is shorter.
    let sheared = [[7.0, 0.0, 0.0], [2.0, 8.0, 0.0], [-3.0, 1.0, 9.0]];
    let bounds = "xy xz yz pp pp pp\n-3 9 2\n0 9 -3\n0 9 1";
    let scaled = |i: usize, name: &str, [x, y, z]: [f64; 3]| format!("{i} {} {x} {y} {z}", kind(name));
    for text in [extxyz(sheared), dump(bounds, "id type xs ys zs", scaled)] {
        let parse = |bytes: &[u8]| {
            Lines::new(bytes).frames(Frames::All, &names(&["Zr", "Cu", "Al"])).map(|(boxes, _)| boxes)
        };
        assert_eq!(parse(text.as_bytes()).unwrap().len(), 1);
        let last_number = text.trim_end().rfind(' ').unwrap();
        for end in 1..=last_number {
            assert!(parse(&text.as_bytes()[..end]).is_err(), "{}", &text[..end]);
        }
        for i in 0..text.len() {
            for byte in *b"\0 \n-.9eE\"=:[{nT\xff" {
                let mut bytes = text.clone().into_bytes();
                bytes[i] = byte;
                if let Ok(boxes) = parse(&bytes) {
                    for atoms in boxes {
                        assert!(atoms.positions().iter().flatten().all(|x| x.is_finite()));
                        assert!(atoms.density().is_finite() && !atoms.positions().is_empty());
                    }
                }
            }
        }
    }
}
