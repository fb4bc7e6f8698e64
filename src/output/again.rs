//! The header of a result, read again.

use std::path::Path;

use super::Header;

impl Header {
    /// The header of an output of this program: lines `key = value` before `# End of config`; `None` where the file is none.
    pub fn of_result(path: &Path) -> Option<Header> {
        let text = String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned();
        let entry = |line: &str| {
            let (key, value) = line.split_once(" = ")?;
            Some((key.to_owned(), value.to_owned()))
        };
        let entries: Vec<(String, String)> =
            text.lines().take_while(|line| !line.starts_with('#')).filter_map(entry).collect();
        let header = Header { entries };
        header.get("version").filter(|version| version.starts_with("halor "))?;
        Some(header)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}
