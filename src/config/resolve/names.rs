//! Names that become parts of file names.

use std::collections::HashMap;

use super::Check;

const LONGEST: usize = 100;
/// Characters that some file system or shell does not take in a name.
const FORBIDDEN: &str = "/\\:*?\"<>|";
/// Names that one system keeps for its devices.
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "com1", "lpt1"];

impl Check<'_> {
    /// Every name can stand in a file name on any system and is there once; keys are `{block}[i].name`.
    pub(in crate::config) fn names(&mut self, block: &str, names: &[&str]) {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            let key = format!("{block}[{index}].name");
            if let Some(reason) = unsafe_in_a_path(name) {
                let mend = "use letters, digits, `-`, `_`, `.`, `+` and spaces inside";
                self.problems.push(&key, format!("`{}` {reason}", name.escape_debug()), mend);
            }
            // Some file systems do not tell A from a.
            if let Some(first) = seen.get(&name.to_lowercase()) {
                let message = format!(
                    "`{}` is also the name of {block}[{first}] (capitals are not told apart)",
                    name.escape_debug()
                );
                self.problems.push(&key, message, "give each its own name");
            } else {
                seen.insert(name.to_lowercase(), index);
            }
        }
    }
}

/// Why a name may not be a part of a file name.
pub(super) fn unsafe_in_a_path(name: &str) -> Option<String> {
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    if name.is_empty() {
        Some("is empty".to_string())
    } else if name.len() > LONGEST {
        Some(format!("is longer than {LONGEST} bytes"))
    } else if let Some(bad) = name.chars().find(|c| c.is_control() || FORBIDDEN.contains(*c)) {
        Some(format!("holds `{}`, which cannot stand in a file name", bad.escape_debug()))
    } else if name.starts_with(['.', ' ', '-']) || name.ends_with(['.', ' ']) {
        Some("begins or ends with a character that file names should not begin or end with".to_string())
    } else if RESERVED.contains(&stem.as_str()) {
        Some("is the name of a device on some systems".to_string())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::unsafe_in_a_path;

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["", "..", "../x", "a/b", "a\\b", ".hidden", "x.", "a\nb", "-rf", "NUL", "a:b", " a"] {
            assert!(unsafe_in_a_path(name).is_some(), "{name:?}");
        }
        for name in ["as-cast", "UV-75J", "Tg 10 h", "Zr₆₂", "x.y", "007"] {
            assert_eq!(unsafe_in_a_path(name), None, "{name:?}");
        }
    }
}
