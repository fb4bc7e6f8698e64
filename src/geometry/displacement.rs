//! Where pixels lie that are off the regular grid: modules shifted and turned, smooth distortion \[E1f\].
//!
//! With z = x + iy the place from the middle of the array in units of its half diagonal (x along columns, y along rows), a
//! smooth distortion moves pixels by c1·z|z|², and by (c2 + i s2)·z̄ and (c3 + i s3)·z̄², which stretch rings twofold and
//! threefold. A module is moved along rows and columns and turned about its middle.

use std::collections::BTreeMap;

use super::{Detector, GeometryError};
use crate::frame::Shape;

/// One way in which pixels can be moved, by 1 pixel at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// A module along the slow axis.
    ModuleSlow(usize),
    /// A module along the fast axis.
    ModuleFast(usize),
    /// A module about its middle, from the fast to the slow axis; 1 pixel at its corners.
    ModuleTurn(usize),
    /// Outwards with the cube of the distance from the middle; 1 pixel at the array's corners, as all that follow.
    Radial,
    /// z̄: rings stretched as cos 2χ.
    Cosine2,
    /// i·z̄: as sin 2χ.
    Sine2,
    /// z̄²: as cos 3χ.
    Cosine3,
    /// i·z̄²: as sin 3χ.
    Sine3,
}

/// The fields that no module has.
pub const SMOOTH: [Field; 5] = [Field::Radial, Field::Cosine2, Field::Sine2, Field::Cosine3, Field::Sine3];

/// By how much each field moves the pixels, pixels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Displacement {
    /// (slow, fast, turn) of each module, row by row; empty where none is moved.
    modules: Vec<[f64; 3]>,
    /// In the order of [`SMOOTH`].
    smooth: [f64; 5],
}

impl Field {
    /// As files have it: `module 3 slow`, `radial`, `cos 2`.
    pub fn name(self) -> String {
        match self {
            Field::ModuleSlow(module) => format!("module {module} slow"),
            Field::ModuleFast(module) => format!("module {module} fast"),
            Field::ModuleTurn(module) => format!("module {module} turn"),
            Field::Radial => "radial".to_owned(),
            Field::Cosine2 => "cos 2".to_owned(),
            Field::Sine2 => "sin 2".to_owned(),
            Field::Cosine3 => "cos 3".to_owned(),
            Field::Sine3 => "sin 3".to_owned(),
        }
    }

    pub(super) fn is_of_a_module(self) -> bool {
        matches!(self, Field::ModuleSlow(_) | Field::ModuleFast(_) | Field::ModuleTurn(_))
    }

    /// The field of this name on a detector.
    fn named(name: &str, modules: usize) -> Option<Field> {
        if let Some(field) = SMOOTH.into_iter().find(|field| field.name() == name) {
            return Some(field);
        }
        let module: usize = name.split(' ').nth(1)?.parse().ok().filter(|module| *module < modules)?;
        let fields = [Field::ModuleSlow(module), Field::ModuleFast(module), Field::ModuleTurn(module)];
        fields.into_iter().find(|field| field.name() == name)
    }
}

impl Displacement {
    /// From the names of fields and how far they move, pixels.
    ///
    /// # Errors
    /// A name that is no field of this detector, or a number that is not finite.
    pub fn new(named: &BTreeMap<String, f64>, detector: &Detector) -> Result<Displacement, GeometryError> {
        let modules = detector.modules();
        let mut displacement = Displacement::default();
        for (name, px) in named {
            let field = Field::named(name, modules).filter(|_| px.is_finite());
            let unknown = || GeometryError::UnknownDisplacement { name: name.clone(), px: *px, modules };
            displacement.add(field.ok_or_else(unknown)?, *px, modules);
        }
        Ok(displacement)
    }

    /// With more fields and how far they move, pixels.
    pub(super) fn and(
        mut self,
        fields: impl IntoIterator<Item = (Field, f64)>,
        detector: &Detector,
    ) -> Displacement {
        let modules = detector.modules();
        fields.into_iter().for_each(|(field, px)| self.add(field, px, modules));
        self
    }

    /// What moves at all.
    pub fn named(&self) -> BTreeMap<String, f64> {
        let modules = self.modules.iter().enumerate().flat_map(|(module, [slow, fast, turn])| {
            [
                (Field::ModuleSlow(module), *slow),
                (Field::ModuleFast(module), *fast),
                (Field::ModuleTurn(module), *turn),
            ]
        });
        let smooth = SMOOTH.into_iter().zip(self.smooth);
        modules.chain(smooth).filter(|(_, px)| *px != 0.0).map(|(field, px)| (field.name(), px)).collect()
    }

    fn add(&mut self, field: Field, px: f64, modules: usize) {
        let mut module = |module: usize, part: usize| {
            self.modules.resize(modules, [0.0; 3]);
            self.modules[module][part] += px;
        };
        match field {
            Field::ModuleSlow(index) => module(index, 0),
            Field::ModuleFast(index) => module(index, 1),
            Field::ModuleTurn(index) => module(index, 2),
            Field::Radial | Field::Cosine2 | Field::Sine2 | Field::Cosine3 | Field::Sine3 => {
                for (own, px_of_it) in SMOOTH.into_iter().zip(&mut self.smooth) {
                    if own == field {
                        *px_of_it += px;
                    }
                }
            }
        }
    }

    /// How far the point at a pixel coordinate is from its place on the grid: (slow, fast), pixels.
    pub(crate) fn at(&self, grid: &Grid, row: f64, column: f64) -> [f64; 2] {
        let mut moved = [0.0; 2];
        if !self.modules.is_empty() {
            let at = grid.module(row, column);
            let [slow, fast, turn] = self.modules[at.index];
            moved = [slow + turn * at.fast, fast - turn * at.slow];
        }
        if self.smooth != [0.0; 5] {
            for (px, field) in self.smooth.iter().zip(grid.smooth(row, column)) {
                moved = [moved[0] + px * field[0], moved[1] + px * field[1]];
            }
        }
        moved
    }
}

/// Middle and size of the array and of its modules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    shape: Shape,
    module: Shape,
    pitch: [f64; 2],
    count: [usize; 2],
}

/// A place on a module.
struct OnModule {
    index: usize,
    /// From its middle, in units of its half diagonal.
    slow: f64,
    fast: f64,
}

impl Detector {
    /// Number of modules; 1 for a monolithic detector.
    pub fn modules(&self) -> usize {
        let [down, across] = self.grid().count;
        down * across
    }

    pub(crate) fn grid(&self) -> Grid {
        let module = self.module.unwrap_or(self.shape);
        let pitch = [module.rows + self.gap[0], module.columns + self.gap[1]];
        let count = [self.shape.rows.div_ceil(pitch[0]), self.shape.columns.div_ceil(pitch[1])];
        Grid { shape: self.shape, module, pitch: pitch.map(|p| p as f64), count }
    }
}

impl Grid {
    /// The module at a pixel coordinate; a gap belongs to the module before it.
    fn module(&self, row: f64, column: f64) -> OnModule {
        let along = |at: f64, axis: usize, side: usize| {
            // A module's far edge is its own.
            let index = ((at / self.pitch[axis]).max(0.0) as usize).min(self.count[axis] - 1);
            (index, at - index as f64 * self.pitch[axis] - 0.5 * side as f64)
        };
        let (down, slow) = along(row, 0, self.module.rows);
        let (across, fast) = along(column, 1, self.module.columns);
        let half = 0.5 * (self.module.rows as f64).hypot(self.module.columns as f64);
        OnModule { index: down * self.count[1] + across, slow: slow / half, fast: fast / half }
    }

    /// Number of the module at a pixel coordinate.
    pub(super) fn module_index(&self, row: f64, column: f64) -> usize {
        self.module(row, column).index
    }

    /// (slow, fast) of each of [`SMOOTH`], pixels.
    fn smooth(&self, row: f64, column: f64) -> [[f64; 2]; 5] {
        let (rows, columns) = (self.shape.rows as f64, self.shape.columns as f64);
        let half = 0.5 * rows.hypot(columns);
        let (x, y) = ((column - 0.5 * columns) / half, (row - 0.5 * rows) / half);
        let cubed = x * x + y * y;
        // z̄ = x − iy, z̄² = x² − y² − 2ixy; i·(a + ib) = −b + ia. Slow is the imaginary part.
        let (a, b) = (x * x - y * y, -2.0 * x * y);
        [[y * cubed, x * cubed], [-y, x], [x, y], [b, a], [a, -b]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_what_they_are_called() {
        let detector = Detector::named("Pilatus CdTe 300K").unwrap();
        let grid = detector.grid();
        // Three modules of 195 × 487 pixels, 17 rows between them.
        assert_eq!(detector.modules(), 3);
        let moved = |field: Field, row: f64, column: f64| {
            Displacement::default().and([(field, 2.0)], &detector).at(&grid, row, column)
        };
        assert_eq!(moved(Field::ModuleSlow(1), 300.0, 10.0), [2.0, 0.0]);
        // Both edges of a module are its own.
        for (row, px) in [(211.999, 0.0), (212.0, 2.0), (407.0, 2.0), (425.0, 0.0)] {
            assert_eq!(moved(Field::ModuleFast(1), row, 10.0), [0.0, px], "{row}");
        }
        // A quarter turn would take +fast to +slow; lengths grow from the middle to 1 at the corners.
        let corner = moved(Field::ModuleTurn(0), 0.0, 487.0);
        assert!((corner[0].hypot(corner[1]) - 2.0).abs() < 1e-12 && corner[0] > 0.0 && corner[1] > 0.0);
        let corner = moved(Field::Radial, 619.0, 487.0);
        assert!((corner[0].hypot(corner[1]) - 2.0).abs() < 1e-12 && corner[0] > 0.0 && corner[1] > 0.0);
        for (order, cosine, sine) in [(2, Field::Cosine2, Field::Sine2), (3, Field::Cosine3, Field::Sine3)] {
            // Outwards as the cosine of order·χ; the sine's is turned by a quarter of its period.
            for degrees in [0.0f64, 25.0, 130.0] {
                let chi = degrees.to_radians();
                let place = (309.5 + 100.0 * chi.sin(), 243.5 + 100.0 * chi.cos());
                let outwards = |field| {
                    let [slow, fast] = moved(field, place.0, place.1);
                    slow * chi.sin() + fast * chi.cos()
                };
                let size = outwards(cosine) / (f64::from(order) * chi).cos();
                assert!(size > 0.0);
                assert!((outwards(sine) - size * (f64::from(order) * chi).sin()).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn names_go_there_and_back() {
        let detector = Detector::named("Pilatus CdTe 300K").unwrap();
        let named: BTreeMap<String, f64> =
            [("module 2 turn".to_owned(), 0.5), ("sin 3".to_owned(), -0.25)].into_iter().collect();
        assert_eq!(Displacement::new(&named, &detector).unwrap().named(), named);
        for name in ["module 3 slow", "module x slow", "module 1 up", "cos 4", ""] {
            let named = [(name.to_owned(), 1.0)].into_iter().collect();
            let error = Displacement::new(&named, &detector).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("module 0 slow"), "{error}");
        }
    }
}
