//! A part of the ring against the whole of it, on the scale of the whole.

use super::{StructureError, StructureFactor, StructurePlan};
use crate::integrate::Pattern;

/// S of a part of the ring, with the scale and the constant that the ring was given, before polynomial and extension: there the points
/// are independent. NaN in an empty bin.
#[derive(Debug, Clone, PartialEq)]
pub struct PartOfRing {
    /// S of the part, m points.
    pub s: Vec<f64>,
    /// Its σ from counting, the points as independent \[E4a\], m points.
    pub sigma: Vec<f64>,
    /// What 1 more of the scale, relative, makes of S: αI over |⟨f⟩|², m points.
    pub by_scale: Vec<f64>,
    /// What one unit of I without polarization makes of S, m points.
    pub by_constant: Vec<f64>,
}

impl StructurePlan {
    /// Q in Å⁻¹ of the m measured points.
    pub fn measured_q(&self) -> &[f64] {
        &self.f_grid().q()[self.f_grid().extension_len()..]
    }

    /// What `part` has where the ring, whose pattern is `ring`, has `structure`. Both have the background subtracted.
    ///
    /// # Errors
    /// Patterns on other points; a ring with wide holes.
    pub fn part_of_ring(
        &self,
        ring: &Pattern,
        structure: &StructureFactor,
        part: &Pattern,
    ) -> Result<PartOfRing, StructureError> {
        let (whole, part) = (self.resample.take(ring)?, self.resample.take_with_holes(part)?);
        let below = self.grid.extension_len();
        let constant = structure.constant / structure.scale;
        let points = 0..whole.intensity.len();
        // αI − mc in units of |⟨f⟩|² is S − 1 and what it stands on [E9].
        let excess = |k: usize| structure.uncorrected_f[below + k] / structure.q[below + k];
        let coherent = |k: usize| whole.intensity[k] - constant * whole.unpolarized[k];
        let per_intensity: Vec<f64> =
            points.clone().map(|k| (excess(k) + structure.level[k]) / coherent(k)).collect();
        let s = |k: usize| {
            let more = part.intensity[k] - whole.intensity[k];
            let light = constant * (part.unpolarized[k] - whole.unpolarized[k]);
            1.0 + excess(k) + per_intensity[k] * (more - light)
        };
        Ok(PartOfRing {
            s: points.clone().map(s).collect(),
            sigma: points.clone().map(|k| per_intensity[k] * part.sigma[k]).collect(),
            by_scale: points.clone().map(|k| per_intensity[k] * whole.intensity[k]).collect(),
            by_constant: points.map(|k| per_intensity[k] * part.unpolarized[k]).collect(),
        })
    }
}
