//! What differs from the reference: sentences, numbers, curves; and what goes with what.

use std::fmt::Write;

use super::ReportError;
use super::figure::{Figure, Link, Width, colour};
use super::metrics::AGAINST_PROPERTIES;
use super::page::{Section, measured, short};
use super::results::{Curve, Kind, Results};
use super::table::{Row, Table};
use crate::integrate::RING;
use crate::report::escaped;

/// Properties that are drawn, and trends that are listed.
const MOST_PROPERTIES: usize = 4;
const MOST_TRENDS: usize = 15;
/// Sentences, a table of changes, differences of curves, trends.
pub(super) fn section(results: &Results) -> Result<Section, ReportError> {
    let mut section = Section::new("changes", "What changed");
    if !results.record.series.is_empty() {
        section.html(sentences(&results.record.series));
    }
    if let Some(series) = results.table("series.csv")? {
        section.html(changes(results, &series));
    }
    for (kind, x, y, link) in
        [(Kind::StructureFactor, "Q (Å⁻¹)", "ΔS(Q)", Link::Q), (Kind::Pdf, "r (Å)", "ΔG(r) (Å⁻²)", Link::R)]
    {
        let mut figure = Figure::new(format!("{y} against the reference"), x, y).link(link);
        let mut band: Option<Curve> = None;
        for (index, sample) in results.samples.iter().enumerate() {
            let Some(curve) = results.difference(sample, kind)? else { continue };
            band.get_or_insert_with(|| curve.clone());
            figure.curve(sample, &curve, index);
        }
        if let Some(curve) = band {
            figure.band("± σ of the first", &curve.x, &curve.sigma);
        }
        section.figure(if kind == Kind::Pdf { figure.range(0.0, 15.0) } else { figure });
    }
    if let Some(trends) = results.table("trends.csv")? {
        properties(results, &mut section);
        if trends.rows(&[]).next().is_some() {
            section.html(strongest(&trends));
        }
    }
    Ok(section)
}

/// What is said of each sample.
fn sentences(of_samples: &[(String, String)]) -> String {
    let line = |(sample, words): &(String, String)| {
        format!("<li><b>{}</b>: {}</li>", escaped(sample), escaped(words))
    };
    format!("<ul>{}</ul>", of_samples.iter().map(line).collect::<String>())
}

/// Samples down, numbers of the ring across: the change with its σ, bold where it is more than chance.
fn changes(results: &Results, series: &Table) -> String {
    let mut numbers: Vec<(String, String, String)> = Vec::new();
    for row in series.rows(&[("sector", RING)]) {
        let number = ["curve", "peak", "metric"].map(|column| row.text(column).to_owned());
        let [curve, peak, metric] = number;
        if row.number("difference").is_some()
            && !numbers.iter().any(|known| *known == (curve.clone(), peak.clone(), metric.clone()))
        {
            numbers.push((curve, peak, metric));
        }
    }
    let mut html = String::from("<div class=\"scroll\"><table><thead><tr><th>less the reference</th>");
    for (_, peak, metric) in &numbers {
        let _ = write!(html, "<th>{} {}</th>", escaped(peak), escaped(&metric.replace('_', " ")));
    }
    html.push_str("</tr></thead><tbody>");
    for sample in &results.samples {
        let cell = |(curve, peak, metric): &(String, String, String)| {
            let wanted = [
                ("sample", sample.as_str()),
                ("sector", RING),
                ("curve", curve.as_str()),
                ("peak", peak.as_str()),
                ("metric", metric.as_str()),
            ];
            series.rows(&wanted).next().filter(|row| row.number("difference").is_some()).map(change)
        };
        let cells: Vec<Option<String>> = numbers.iter().map(cell).collect();
        if cells.iter().any(Option::is_some) {
            let _ = write!(
                html,
                "<tr><th scope=\"row\">{}</th>{}</tr>",
                escaped(sample),
                cells
                    .into_iter()
                    .map(|cell| cell.unwrap_or_else(|| "<td></td>".to_owned()))
                    .collect::<String>()
            );
        }
    }
    html.push_str("</tbody></table></div><p class=\"note\">Bold: more than chance; where σ is from stands in series.csv.</p>");
    html
}

fn change(row: Row<'_>) -> String {
    let value = measured(
        row.number("difference").unwrap_or(f64::NAN),
        row.number("difference_sigma").unwrap_or(f64::NAN),
    );
    let p = row.number("p").map(|p| format!("p = {}", short(p))).unwrap_or_default();
    let (open, close) = if row.text("verdict") == "changed" { ("<b>", "</b>") } else { ("", "") };
    format!("<td title=\"{p}, {}\">{open}{value}{close}</td>", escaped(row.text("sigma_from")))
}

/// Numbers against each property.
fn properties(results: &Results, section: &mut Section) {
    let mut names: Vec<&String> = results.properties.iter().flat_map(|of_sample| of_sample.keys()).collect();
    names.sort();
    names.dedup();
    for property in names.into_iter().take(MOST_PROPERTIES) {
        for metric in &AGAINST_PROPERTIES {
            let (x_title, title) = (property.replace('_', " "), metric.title());
            let mut figure =
                Figure::new(format!("{title} against {x_title}"), &x_title, &title).width(Width::Third);
            for (index, (sample, of_sample)) in results.samples.iter().zip(&results.properties).enumerate() {
                let value = metric.of_sum(results, sample);
                if let (Some(x), Some(value)) = (of_sample.get(property), value) {
                    figure.track(sample, &[*x], &[value.value], &[value.sigma], index);
                }
            }
            section.figure(figure);
        }
    }
}

/// The trends that chance makes least often.
fn strongest(trends: &Table) -> String {
    let mut rows: Vec<(f64, Row<'_>)> =
        trends.rows(&[]).filter_map(|row| Some((row.number("pearson_p")?, row))).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut html = String::from(
        "<h3>Strongest trends</h3><div class=\"scroll\"><table><thead><tr><th>property</th><th>number</th><th>Pearson's r</th>\
         <th>interval</th><th>p</th><th>samples</th><th>remark</th></tr></thead><tbody>",
    );
    for (p, row) in rows.iter().take(MOST_TRENDS) {
        let number = |column: &str| row.number(column).map(short).unwrap_or_default();
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{} {}</td><td>{}</td><td>{} … {}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&row.text("property").replace('_', " ")),
            escaped(row.text("peak")),
            escaped(&row.text("metric").replace('_', " ")),
            number("pearson"),
            number("pearson_low"),
            number("pearson_high"),
            short(*p),
            escaped(row.text("samples")),
            escaped(row.text("remark"))
        );
    }
    html.push_str("</tbody></table></div><p class=\"note\">Of many numbers some go with a property by chance: all trends are in trends.csv.</p>");
    html
}

/// The azimuth: verdicts, strain against χ, g_2(r).
pub(super) fn anisotropy(results: &Results) -> Result<Section, ReportError> {
    let mut section = Section::new("anisotropy", "Anisotropy");
    if results.record.anisotropy.is_empty() {
        return Ok(section);
    }
    section.html(sentences(&results.record.anisotropy));
    let mut strain = Figure::new("Strain against azimuth", "χ (degrees)", "ε").width(Width::Half);
    let mut g2 =
        Figure::new("Second harmonic of the pair distribution function", "r (Å)", "g₂(r)").width(Width::Half);
    let sectors = results.table("sectors.csv")?.unwrap_or_default();
    for (index, sample) in results.samples.iter().enumerate() {
        let rows: Vec<[f64; 3]> = sectors
            .rows(&[("sample", sample)])
            .map(|row| {
                ["chi_deg", "strain", "strain_sigma"].map(|column| row.number(column).unwrap_or(f64::NAN))
            })
            .collect();
        if !rows.is_empty() {
            let column = |k: usize| rows.iter().map(|row| row[k]).collect::<Vec<f64>>();
            strain.track(sample, &column(0), &column(1), &column(2), index);
        }
        if let Some(harmonics) = results.table(&format!("{sample}/{sample}.harmonics_of_r.csv"))? {
            let (x, y) =
                harmonics.rows(&[]).filter_map(|row| Some((row.number_at(0)?, row.number_at(3)?))).unzip();
            g2.curve(sample, &Curve { x, y, ..Curve::default() }, index);
        }
    }
    section.figure(strain);
    section.figure(g2);
    let dots: Vec<String> = results
        .samples
        .iter()
        .enumerate()
        .map(|(index, sample)| {
            format!("<i class=\"dot\" style=\"background:{}\"></i>{}", colour(index), escaped(sample))
        })
        .collect();
    section.html(format!("<p class=\"note\">{}</p>", dots.join(" ")));
    Ok(section)
}
