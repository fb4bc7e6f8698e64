//! Figures of quality, what became of every frame, inputs and configuration.

use std::fmt::Write;

use super::page::{Section, short};
use super::results::Results;
use crate::report::escaped;

/// Frames that failed, were skipped or left out are all listed, up to so many.
const MOST_LISTED: usize = 500;

/// Whether S(Q) and G(r) can be what they should be.
pub(super) fn quality(results: &Results) -> Section {
    let mut section = Section::new("quality", "Figures of quality");
    let Some(first) = results.record.quality.first() else { return section };
    let names: Vec<&String> = first.keys().filter(|name| *name != "sample").collect();
    let mut html = String::from("<div class=\"scroll\"><table><thead><tr><th>sample</th>");
    names.iter().for_each(|name| {
        let _ = write!(html, "<th>{}</th>", escaped(&name.replace('_', " ")));
    });
    html.push_str("</tr></thead><tbody>");
    for row in &results.record.quality {
        let sample = row.get("sample").and_then(|name| name.as_str()).unwrap_or_default();
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escaped(sample));
        for name in &names {
            let _ = write!(
                html,
                "<td>{}</td>",
                row.get(*name).and_then(|v| v.as_f64()).map(short).unwrap_or_default()
            );
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
    section.html(html);
    section
}

/// What went in, what was done with it, and how it ended.
pub(super) fn record(results: &Results) -> Section {
    let mut section = Section::new("record", "Record");
    let record = &results.record;
    let ledger = &record.ledger;
    let mut html = format!(
        "<p>halor {} on {} ({}; {}). {} frames: {} done, {} failed, {} skipped, {} left out. Corrections: {}.</p>",
        escaped(&record.version),
        escaped(&record.engine.kind),
        escaped(&record.engine.device),
        escaped(&record.engine.detail),
        ledger.found,
        ledger.done,
        ledger.failed,
        ledger.skipped,
        ledger.left_out,
        escaped(&record.corrections.join(", "))
    );
    if !record.warnings.is_empty() {
        html.push_str("<h3>Warnings</h3><ul>");
        record.warnings.iter().for_each(|warning| {
            let _ = write!(html, "<li>{}</li>", escaped(warning));
        });
        html.push_str("</ul>");
    }
    let bad: Vec<_> = record.frames.iter().filter(|frame| frame.status != "done").collect();
    if !bad.is_empty() {
        html.push_str("<h3>Frames that are in no sum</h3><div class=\"scroll\"><table><tbody>");
        for frame in bad.iter().take(MOST_LISTED) {
            let _ = write!(
                html,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escaped(&frame.used_for),
                escaped(&frame.path.to_string_lossy()),
                frame.image,
                escaped(&frame.status),
                escaped(frame.reason.as_deref().unwrap_or_default())
            );
        }
        html.push_str("</tbody></table></div>");
        if bad.len() > MOST_LISTED {
            let _ = write!(html, "<p>… and {} more, in run.json</p>", bad.len() - MOST_LISTED);
        }
    }
    html.push_str("<details><summary>Inputs</summary><div class=\"scroll\"><table><tbody>");
    for input in &record.inputs {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{} bytes</td><td><code>{}</code></td></tr>",
            escaped(&input.role),
            escaped(&input.path.to_string_lossy()),
            input.bytes.map_or("?".to_owned(), |bytes| bytes.to_string()),
            escaped(input.xxh3_128.as_deref().unwrap_or_default())
        );
    }
    html.push_str("</tbody></table></div></details>");
    let _ = write!(
        html,
        "<details><summary>Configuration</summary><pre>{}</pre></details>",
        escaped(&results.config)
    );
    section.html(html);
    section
}
