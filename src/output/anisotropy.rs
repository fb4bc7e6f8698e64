//! Tables of a sample's anisotropy.

use super::table::{Cell, Table};
use crate::anisotropy::{Anisotropy, AnisotropySettings, Harmonics, RadialHarmonics};
use crate::peaks::Measured;

const SECTORS: &str = "sample,chi_deg,width_deg,strain,strain_sigma,chi2_per_freedom,peak,\
    position_change_relative,position_change_relative_sigma,width_change_relative,width_change_relative_sigma,\
    height_change_relative,height_change_relative_sigma";

/// One row for each sample and sector: its strain, and the first peak of S(Q) against the mean over the azimuth.
pub fn sectors_csv<'a>(
    samples: impl IntoIterator<Item = (&'a str, &'a Anisotropy)>,
    settings: &AnisotropySettings,
) -> Table {
    let mut table = Table::new(SECTORS);
    for (sample, anisotropy) in samples {
        for (index, sector) in anisotropy.sectors.iter().enumerate() {
            let peak = anisotropy.first_peak.as_ref();
            let change = |of: fn(&crate::anisotropy::PeakChange) -> Measured| {
                Cell::pair(peak.map_or(Measured::MISSING, |peak| of(&peak.changes[index])))
            };
            let labels = [Cell::from(sample), sector.chi_deg.into(), settings.azimuths.width_deg().into()];
            let name = Cell::from(peak.map(|peak| peak.name.as_str()));
            let cells = labels
                .into_iter()
                .chain(Cell::pair(sector.strain))
                .chain([sector.chi2_per_freedom.into(), name])
                .chain(change(|change| change.position))
                .chain(change(|change| change.width))
                .chain(change(|change| change.height));
            table.row(cells);
        }
    }
    table
}

/// S_0 and S_2 against Q.
pub fn harmonics_of_q_csv(harmonics: &Harmonics) -> Table {
    let mut table = Table::new("q_inv_angstrom,s0,s0_sigma,s2,s2_sigma,s2_affine,s2_rest");
    let rest = harmonics.rest();
    for (k, rest) in rest.iter().enumerate() {
        let Harmonics { q, s0, s0_sigma, s2, s2_sigma, s2_affine, .. } = harmonics;
        table.row([q[k], s0[k], s0_sigma[k], s2[k], s2_sigma[k], s2_affine[k], *rest].map(Cell::from));
    }
    table
}

/// g_0 and g_2 against r; times ρ0 where the density is not known.
pub fn harmonics_of_r_csv(radial: &RadialHarmonics) -> Table {
    let columns = if radial.per_density {
        "r_angstrom,rho0_g0_less_1_inv_angstrom3,rho0_g0_inv_angstrom3_sigma,rho0_g2_inv_angstrom3,rho0_g2_inv_angstrom3_sigma,\
         rho0_g2_affine_inv_angstrom3,rho0_g2_rest_inv_angstrom3"
    } else {
        "r_angstrom,g0_less_1,g0_sigma,g2,g2_sigma,g2_affine,g2_rest"
    };
    let mut table = Table::new(columns);
    for k in 0..radial.r.len() {
        let RadialHarmonics { r, g0_less_1, g0_sigma, g2, g2_sigma, g2_affine, .. } = radial;
        let rest = g2[k] - g2_affine[k];
        table.row([r[k], g0_less_1[k], g0_sigma[k], g2[k], g2_sigma[k], g2_affine[k], rest].map(Cell::from));
    }
    table
}

/// S against Q in a row for each Q, a column for each sector: what a picture of Q against χ is drawn from.
pub fn cake_csv(anisotropy: &Anisotropy, settings: &AnisotropySettings) -> Table {
    let centres: Vec<String> =
        settings.azimuths.centres_deg().map(|chi| format!("s_at_chi_{chi:.2}_deg")).collect();
    let mut table = Table::new(&format!("q_inv_angstrom,{}", centres.join(",")));
    for (k, q) in anisotropy.harmonics.q.iter().enumerate() {
        let of_sectors = anisotropy.s_of_sectors.iter().map(|s| Cell::from(s[k]));
        table.row(std::iter::once(Cell::from(*q)).chain(of_sectors));
    }
    table
}
