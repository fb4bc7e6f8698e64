//! The validation campaign: closed loops through the whole program against known truth, as a page of Markdown.
//!
//! `bash tests/validation.sh` writes it to docs/validation.md; names of parts as arguments give those alone.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod closed_loop;
mod corrections;
mod false_positives;
mod pulls;
mod rings;
mod series;
mod setup;
mod strain;

/// Writes one part of the page.
type Part = fn() -> String;

const PARTS: [(&str, Part); 6] = [
    ("closed-loop", || closed_loop::report(36).0),
    ("corrections", corrections::report),
    ("pulls", pulls::report),
    ("strain", strain::report),
    ("series", series::report),
    ("rings", || rings::report(&rings::TILTS_DEG).0),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    println!(
        "# Validation\n\nWhat goes into the simulation comes out of the reduction again. This page is written by `bash tests/validation.sh`; the\n\
         simulation is a forward model of its own (docs/decisions/0007), held to pyFAI's arrays by `tests/simulate_pyfai.rs`."
    );
    for (name, report) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            println!("\n{}", report().trim_end());
        }
    }
}
