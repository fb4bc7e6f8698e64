//! What a machine can do for halor: processor, memory, graphics adapters and their drivers, disk, and whether all engines give
//! one answer.

mod disk;
mod graphics;
mod machine;
mod self_test;

use std::fmt;
use std::path::Path;

use serde::Serialize;

/// What is thought of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Works, and could be better.
    Advice,
    /// Does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub subject: String,
    /// What is thought of it.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do; empty where nothing is to be done.
    pub mend: String,
}

impl Finding {
    fn good(subject: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding { subject: subject.into(), verdict: Verdict::Good, found: found.into(), mend: String::new() }
    }

    fn advice(subject: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Advice, mend: mend.into(), ..Finding::good(subject, found) }
    }

    fn bad(subject: impl Into<String>, found: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Bad, mend: mend.into(), ..Finding::good(subject, found) }
    }
}

/// All findings on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// `halor`.
    pub program: &'static str,
    /// Its version.
    pub version: &'static str,
    /// In the order of looking.
    pub findings: Vec<Finding>,
}

/// Looks at this machine; `folder` is where results would go, whose disk is measured. Takes seconds.
pub fn examine(folder: &Path) -> Examination {
    let adapters = crate::engine::gpu::adapters();
    let mut findings = machine::findings();
    findings.extend(graphics::findings(&adapters));
    findings.push(disk::finding(folder));
    findings.extend(self_test::findings(&adapters));
    Examination { program: "halor", version: env!("CARGO_PKG_VERSION"), findings }
}

impl Examination {
    /// Whether something does not work.
    pub fn is_bad(&self) -> bool {
        self.findings.iter().any(|finding| finding.verdict == Verdict::Bad)
    }
}

impl fmt::Display for Examination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.program, self.version)?;
        let width = self.findings.iter().map(|finding| finding.subject.chars().count()).max().unwrap_or(0);
        for Finding { subject, verdict, found, mend } in &self.findings {
            let mark = match verdict {
                Verdict::Good => "ok    ",
                Verdict::Advice => "advice",
                Verdict::Bad => "BAD   ",
            };
            write!(f, "\n{mark}  {subject:<width$}  {found}")?;
            if !mend.is_empty() {
                write!(f, "\n{:8}{:width$}  = {mend}", "", "")?;
            }
        }
        Ok(())
    }
}
