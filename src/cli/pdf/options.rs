//! The run file's keys of the analysis as options: `--window lorch` is `--set pdf.window=lorch`.

use clap::Args;

/// Values are those of the run file (docs/run-file.md), where ranges may be written without brackets.
#[derive(Debug, Args)]
pub(in crate::cli) struct PdfOptions {
    /// Such as `Zr62 Cu15.5 Ni12.5 Al10`.
    #[arg(long, help_heading = "Run file keys")]
    composition: Option<String>,
    /// Photon energy in keV; left out, that of the pattern's header.
    #[arg(long, help_heading = "Run file keys", value_name = "KEV")]
    energy_kev: Option<String>,
    /// Wavelength in Å.
    #[arg(long, help_heading = "Run file keys", value_name = "ANGSTROM")]
    wavelength_angstrom: Option<String>,
    /// absolute or pdfgetx3.
    #[arg(long, help_heading = "Run file keys")]
    mode: Option<String>,
    /// Density in g/cm³.
    #[arg(long, help_heading = "Run file keys", value_name = "DENSITY")]
    density_g_cm3: Option<String>,
    /// Density in atoms per Å³.
    #[arg(long, help_heading = "Run file keys", value_name = "DENSITY")]
    density_atoms_per_cubic_angstrom: Option<String>,
    /// Qmin,Qmax in Å⁻¹.
    #[arg(long, help_heading = "Run file keys", value_name = "QMIN,QMAX")]
    q_range_inv_angstrom: Option<String>,
    /// Where the scale comes from: high_q, krogh_moe or low_r.
    #[arg(long, help_heading = "Run file keys", value_name = "WAY")]
    normalization: Option<String>,
    /// faber_ziman, ashcroft_langreth or gsas2.
    #[arg(long, help_heading = "Run file keys", value_name = "FORM")]
    structure_factor: Option<String>,
    /// Steps that take out what G has below r_hole.
    #[arg(long, help_heading = "Run file keys", value_name = "COUNT")]
    low_r_iterations: Option<String>,
    /// Fit to G = −4πρ0r below r_hole, then go on with what was found: density, background or both.
    #[arg(long, help_heading = "Run file keys", value_name = "WHAT")]
    fit_low_r: Option<String>,
    /// Start of the normalisation window in Å⁻¹.
    #[arg(long, help_heading = "Run file keys", value_name = "Q")]
    normalization_q_min_inv_angstrom: Option<String>,
    /// A constant beside the scale: fit or none.
    #[arg(long, help_heading = "Run file keys")]
    fluorescence: Option<String>,
    /// Between Q = 0 and Qmin: quartic, parabola, constant or zero.
    #[arg(long, help_heading = "Run file keys")]
    low_q: Option<String>,
    /// none, lorch, soper_barney or cosine.
    #[arg(long, help_heading = "Run file keys")]
    window: Option<String>,
    /// r limit of the polynomial in Å, or off.
    #[arg(long, help_heading = "Run file keys", value_name = "R")]
    r_poly_angstrom: Option<String>,
    /// No pair of atoms is closer, Å.
    #[arg(long, help_heading = "Run file keys", value_name = "R")]
    r_hole_angstrom: Option<String>,
    /// Last Q of the polynomial fit, Å⁻¹; mode pdfgetx3.
    #[arg(long, help_heading = "Run file keys", value_name = "Q")]
    qmaxinst_inv_angstrom: Option<String>,
    /// First,last r in Å.
    #[arg(long, help_heading = "Run file keys", value_name = "RMIN,RMAX")]
    r_range_angstrom: Option<String>,
    /// Step of r in Å.
    #[arg(long, help_heading = "Run file keys", value_name = "STEP")]
    r_step_angstrom: Option<String>,
    /// NAME.gr.covariance.npy too: the covariance of all points of G from counting.
    #[arg(long, help_heading = "Run file keys")]
    covariance: bool,
    /// Peak of G(r) whose shell is counted, such as r1.
    #[arg(long, help_heading = "Run file keys", value_name = "PEAK")]
    coordination_number: Option<String>,
    /// Any key of these blocks, such as `peaks.g_of_r={r1: [2, 3.5]}`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

impl PdfOptions {
    /// As `key=value` for the run file's schema; `--set` goes last and wins.
    pub(in crate::cli) fn overrides(&self) -> Vec<String> {
        let text = self.composition.as_ref().map(|text| serde_json::Value::from(text.as_str()).to_string());
        let range = |value: &Option<String>| {
            value
                .as_ref()
                .map(|range| if range.starts_with('[') { range.clone() } else { format!("[{range}]") })
        };
        let (q_range, r_range) = (range(&self.q_range_inv_angstrom), range(&self.r_range_angstrom));
        let covariance = self.covariance.then(|| "on".to_owned());
        let keys = [
            ("composition", &text),
            ("beam.energy_kev", &self.energy_kev),
            ("beam.wavelength_angstrom", &self.wavelength_angstrom),
            ("pdf.mode", &self.mode),
            ("pdf.density_g_cm3", &self.density_g_cm3),
            ("pdf.density_atoms_per_cubic_angstrom", &self.density_atoms_per_cubic_angstrom),
            ("pdf.q_range_inv_angstrom", &q_range),
            ("pdf.normalization", &self.normalization),
            ("pdf.structure_factor", &self.structure_factor),
            ("pdf.low_r_iterations", &self.low_r_iterations),
            ("pdf.fit_low_r", &self.fit_low_r),
            ("pdf.normalization_q_min_inv_angstrom", &self.normalization_q_min_inv_angstrom),
            ("pdf.fluorescence", &self.fluorescence),
            ("pdf.low_q", &self.low_q),
            ("pdf.window", &self.window),
            ("pdf.r_poly_angstrom", &self.r_poly_angstrom),
            ("pdf.r_hole_angstrom", &self.r_hole_angstrom),
            ("pdf.qmaxinst_inv_angstrom", &self.qmaxinst_inv_angstrom),
            ("pdf.r_range_angstrom", &r_range),
            ("pdf.r_step_angstrom", &self.r_step_angstrom),
            ("pdf.covariance", &covariance),
            ("peaks.coordination_number", &self.coordination_number),
        ];
        let given = keys.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
        given.chain(self.overrides.iter().cloned()).collect()
    }
}
