//! What a user should know of a calibration, in words.

use serde::Serialize;

/// How much a remark matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is most likely wrong.
    Warning,
    /// Good to know.
    Note,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// How much it matters.
    pub severity: Severity,
    /// What it is, and what to do.
    pub text: String,
}

impl Remark {
    pub(super) fn warning(text: String) -> Remark {
        Remark { severity: Severity::Warning, text }
    }

    pub(super) fn note(text: String) -> Remark {
        Remark { severity: Severity::Note, text }
    }
}
