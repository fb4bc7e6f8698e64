//! The page: sections of text, tables and figures in one file that works without a network.

use std::fmt::Write;

use plotly::Plot;

use super::figure::{Figure, Link, Width};
use crate::report::escaped;

/// A part of the page with a heading.
pub(super) struct Section {
    id: String,
    title: String,
    parts: Vec<Part>,
}

enum Part {
    Html(String),
    Figure(Box<Figure>),
    /// Folded; the first of a section is open.
    Block(Section),
}

impl Section {
    pub(super) fn new(id: &str, title: &str) -> Section {
        Section { id: id.to_owned(), title: title.to_owned(), parts: Vec::new() }
    }

    /// HTML whose texts are escaped.
    pub(super) fn html(&mut self, html: String) {
        self.parts.push(Part::Html(html));
    }

    /// A figure, unless nothing is drawn in it.
    pub(super) fn figure(&mut self, figure: Figure) {
        if !figure.is_empty() {
            self.parts.push(Part::Figure(Box::new(figure)));
        }
    }

    pub(super) fn block(&mut self, block: Section) {
        self.parts.push(Part::Block(block));
    }
}

/// The page of these sections; empty ones are left out.
pub(super) fn page(title: &str, subtitle: &str, sections: &[Section]) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{0}</title>\n<style>\n{1}</style>\n</head>\n<body>\n\
         <header><h1>{0}</h1><p>{2}</p><nav>",
        escaped(title),
        include_str!("page.css"),
        escaped(subtitle)
    );
    let shown = || sections.iter().filter(|section| !section.parts.is_empty());
    for section in shown() {
        let _ = write!(html, "<a href=\"#{}\">{}</a>", escaped(&section.id), escaped(&section.title));
    }
    html.push_str("<button type=\"button\" id=\"theme\">light or dark</button></nav></header>\n<main>\n");
    let mut number = 0;
    for section in shown() {
        let _ = write!(html, "<section id=\"{}\"><h2>{}</h2>", escaped(&section.id), escaped(&section.title));
        parts(&mut html, section, &mut number);
        html.push_str("</section>\n");
    }
    html.push_str("</main>\n");
    html.push_str(&plotly_script());
    let _ = write!(html, "<script>\n{}</script>\n</body>\n</html>\n", include_str!("page.js"));
    html
}

fn parts(html: &mut String, section: &Section, number: &mut usize) {
    let mut in_row = false;
    let mut open = " open";
    for part in &section.parts {
        let is_figure = matches!(part, Part::Figure(_));
        if is_figure != in_row {
            html.push_str(if is_figure { "<div class=\"figures\">" } else { "</div>" });
            in_row = is_figure;
        }
        match part {
            Part::Html(text) => html.push_str(text),
            Part::Figure(figure) => {
                *number += 1;
                draw(html, figure, *number);
            }
            Part::Block(block) => {
                let _ = write!(html, "<details{open}><summary>{}</summary>", escaped(&block.title));
                parts(html, block, number);
                html.push_str("</details>");
                open = "";
            }
        }
    }
    if in_row {
        html.push_str("</div>");
    }
}

fn draw(html: &mut String, figure: &Figure, number: usize) {
    let width = match figure.width {
        Width::Full => "full",
        Width::Half => "half",
        Width::Third => "third",
    };
    let link = match figure.link {
        Link::Alone => "",
        Link::Q => "q",
        Link::R => "r",
    };
    let _ = writeln!(
        html,
        "<figure class=\"{width}\" data-link=\"{link}\"><figcaption>{caption}<span class=\"save\">\
         <button type=\"button\" data-save=\"svg\">SVG</button><button type=\"button\" data-save=\"png\">PNG</button>\
         <button type=\"button\" data-save=\"csv\">CSV</button></span></figcaption>\
         <div class=\"plot\" id=\"figure-{number}\" role=\"img\" aria-label=\"{caption}\"></div>\
         <script type=\"application/json\">{json}</script></figure>",
        caption = escaped(&figure.caption),
        json = figure.json()
    );
}

/// The drawing library, without the typesetting of formulas that comes with it.
fn plotly_script() -> String {
    let scripts = Plot::offline_js_sources();
    let end = "</script>";
    let length = scripts.find(end).map_or(scripts.len(), |place| place + end.len());
    format!("{}\n", &scripts[..length])
}

/// Four digits.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-3..1e5).contains(&size) {
        let digits = if size == 0.0 { 0 } else { (3 - size.log10().floor() as i32).clamp(0, 6) as usize };
        format!("{value:.digits$}")
    } else {
        format!("{value:.3e}")
    }
}

/// A value with as many digits as its σ allows, and σ with two.
pub(super) fn measured(value: f64, sigma: f64) -> String {
    if !(sigma.is_finite() && sigma > 0.0) {
        return short(value);
    }
    let digits = (1 - sigma.log10().floor() as i32).clamp(0, 9) as usize;
    format!("{value:.digits$} ± {sigma:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_their_sigma_allows() {
        assert_eq!(measured(2.727_234_5, 0.000_213), "2.72723 ± 0.00021");
        assert_eq!(measured(12.3456, 1.23), "12.3 ± 1.2");
        assert_eq!(measured(12.3456, 0.0), "12.35");
        assert_eq!(
            (short(0.05263), short(1.2e-7), short(0.0)),
            ("0.05263".into(), "1.200e-7".into(), "0".into())
        );
    }

    #[test]
    fn only_the_drawing_library_is_embedded() {
        let script = plotly_script();
        assert!(script.starts_with("<script") && script.trim_end().ends_with("</script>"));
        assert!(script.contains("plotly.js v") && !script.contains("MathJax.loader"));
    }

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
        let mut figure = Figure::new("</script>", "x", "y");
        figure.points("</script><b>", vec!["a".into()], &[1.0], &[0.1], 0);
        assert!(!figure.json().contains("</script>"));
    }
}
