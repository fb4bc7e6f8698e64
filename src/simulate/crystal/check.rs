//! Whether cell and atoms are a crystal.

use super::cell::{combine, dot};
use super::{Cell, Crystal, CrystalError, RingWidth, Site};
use crate::scattering::{atomic_number, nearest_element};

/// Atoms of different sites are farther apart than this, in Å: H2 has 0.74.
const CLOSEST: f64 = 0.4;
/// Atoms that share a site are written with one position; this is for its digits, in Å.
const SAME_PLACE: f64 = 1e-3;
const MOST_ATOMS: usize = 2000;

impl Crystal {
    /// Checks everything. `repeats`: how often the centring has repeated each listed atom, for the names of keys.
    pub(super) fn checked(
        origin: &str,
        name: String,
        cell: Cell,
        mut atoms: Vec<Site>,
        repeats: usize,
        ring_width: RingWidth,
    ) -> Result<Self, CrystalError> {
        let reject = |key: String, found: String, expected: String| CrystalError::Value {
            origin: origin.to_owned(),
            key,
            found,
            expected,
        };
        if name.trim().is_empty() || name.chars().count() > 100 {
            let found = format!("{} characters", name.chars().count());
            return Err(reject("name".to_owned(), found, "a name of 1 to 100 characters".to_owned()));
        }
        let within = |key: String, value: f64, [low, high]: [f64; 2], what: &str| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(reject(key, value.to_string(), format!("{what} from {low} to {high}")))
        };
        for (key, edge) in [("a", cell.a_angstrom), ("b", cell.b_angstrom), ("c", cell.c_angstrom)] {
            within(format!("cell.{key}_angstrom"), edge, [1.0, 1000.0], "an edge in Å")?;
        }
        for (key, angle) in [("alpha", cell.alpha_deg), ("beta", cell.beta_deg), ("gamma", cell.gamma_deg)] {
            within(format!("cell.{key}_deg"), angle, [10.0, 170.0], "an angle in degrees")?;
        }
        let volume = cell.volume();
        // Share of the box of the same edges; 0.02 is a rhombohedral cell of 10°.
        let least = 0.02 * cell.a_angstrom * cell.b_angstrom * cell.c_angstrom;
        if volume.is_nan() || volume < least {
            let found = format!(
                "{} with beta_deg {} and gamma_deg {}",
                cell.alpha_deg, cell.beta_deg, cell.gamma_deg
            );
            let expected = "three angles that enclose a volume: each less than the sum of the others, all three less than 360";
            return Err(reject("cell.alpha_deg".to_owned(), found, expected.to_owned()));
        }
        if atoms.is_empty() || atoms.len() > MOST_ATOMS {
            let found = format!("{} atoms in the cell", atoms.len());
            return Err(reject("atoms".to_owned(), found, format!("1 to {MOST_ATOMS}")));
        }
        for (index, atom) in atoms.iter_mut().enumerate() {
            let key = |rest: &str| format!("atoms[{}].{rest}", index / repeats);
            if atomic_number(&atom.element).is_none() {
                let element: String = atom.element.chars().take(40).collect();
                let expected = format!("an element; did you mean `{}`?", nearest_element(&element));
                return Err(reject(key("element"), format!("`{element}`"), expected));
            }
            for (axis, x) in atom.position.iter_mut().enumerate() {
                within(key(&format!("position[{axis}]")), *x, [-1.0, 2.5], "a fraction of the axis")?;
                *x -= x.floor();
            }
            if !(atom.occupancy > 0.0 && atom.occupancy <= 1.0) {
                let expected = "a share above 0, at most 1; leave out an atom that is not there";
                return Err(reject(key("occupancy"), atom.occupancy.to_string(), expected.to_owned()));
            }
            let u = atom.u_iso_angstrom2;
            within(key("u_iso_angstrom2"), u, [1e-6, 1.0], "a mean square displacement in Å²")?;
        }
        let RingWidth { constant_inv_angstrom, relative } = ring_width;
        let what = "a standard deviation";
        within("ring_width.constant_inv_angstrom".to_owned(), constant_inv_angstrom, [0.0, 1.0], what)?;
        within("ring_width.relative".to_owned(), relative, [0.0, 0.1], what)?;
        let places = places(origin, &cell, &atoms, repeats)?;
        Ok(Self { name, cell, atoms, ring_width, places })
    }
}

/// Groups atoms of one position.
fn places(
    origin: &str,
    cell: &Cell,
    atoms: &[Site],
    repeats: usize,
) -> Result<Vec<Vec<usize>>, CrystalError> {
    let mut places: Vec<Vec<usize>> = Vec::new();
    let axes = cell.axes();
    for (index, atom) in atoms.iter().enumerate() {
        let mut shared = None;
        for (number, place) in places.iter().enumerate() {
            let distance =
                shortest(&axes, place.iter().map(|&other| atoms[other].position).next(), atom.position);
            let filled: f64 = place.iter().map(|&other| atoms[other].occupancy).sum::<f64>() + atom.occupancy;
            let one_site = distance < SAME_PLACE && filled < 1.0 + 1e-9;
            if one_site {
                shared = Some(number);
            } else if distance < CLOSEST {
                let first = place.first().map_or(0, |&other| other / repeats);
                let origin = origin.to_owned();
                return Err(CrystalError::TooClose {
                    origin,
                    first,
                    second: index / repeats,
                    distance,
                    limit: CLOSEST,
                });
            }
        }
        match shared {
            Some(number) => places[number].push(index),
            None => places.push(vec![index]),
        }
    }
    Ok(places)
}

/// Distance in Å of two positions, over all cells around.
fn shortest(axes: &[[f64; 3]; 3], first: Option<[f64; 3]>, second: [f64; 3]) -> f64 {
    let Some(first) = first else { return f64::INFINITY };
    let step: [f64; 3] = std::array::from_fn(|k| {
        let step = first[k] - second[k];
        step - step.round()
    });
    let mut least = f64::INFINITY;
    for cell in 0..27 {
        let shift = [cell % 3 - 1, cell / 3 % 3 - 1, cell / 9 - 1];
        let v = combine(std::array::from_fn(|k| step[k] + f64::from(shift[k])), axes);
        least = least.min(dot(v, v));
    }
    least.sqrt()
}
