//! Cakes as arrays with their axes.

use super::Header;
use super::npy::{Values, npz};
use crate::integrate::{Cake, RadialUnit};

/// A cake as NPZ: `azimuth_deg` and the radial axis, named with its unit; `intensity`, `sigma` and `norm` with a row for
/// each azimuth, NaN where no pixel is; with a background `subtracted_intensity` and `subtracted_sigma`; `header`, the
/// lines that text outputs begin with. Maps are f32.
pub fn cake_npz(header: &Header, cake: &Cake, subtracted: Option<&Cake>) -> Vec<u8> {
    let lines: String = header.entries.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    let radial = match cake.unit {
        RadialUnit::QInvAngstrom => "q_inv_angstrom",
        RadialUnit::TwoThetaDeg => "two_theta_deg",
        RadialUnit::DAngstrom => "d_angstrom",
    };
    let (rows, columns) = ([cake.azimuth_deg.len()], [cake.radial.len()]);
    let cells = [rows[0], columns[0]];
    let mut arrays: Vec<(&str, &[usize], Values<'_>)> = vec![
        ("azimuth_deg", &rows, Values::F64(&cake.azimuth_deg)),
        (radial, &columns, Values::F64(&cake.radial)),
        ("intensity", &cells, Values::AsF32(&cake.intensity)),
        ("sigma", &cells, Values::AsF32(&cake.sigma)),
        ("norm", &cells, Values::AsF32(&cake.norm)),
    ];
    if let Some(subtracted) = subtracted {
        arrays.push(("subtracted_intensity", &cells, Values::AsF32(&subtracted.intensity)));
        arrays.push(("subtracted_sigma", &cells, Values::AsF32(&subtracted.sigma)));
    }
    arrays.push(("header", &[], Values::Text(&lines)));
    npz(&arrays)
}
