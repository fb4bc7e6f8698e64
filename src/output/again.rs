//! The header of a result, read again.

use std::path::Path;

use super::Header;

impl Header {
    /// The header of an output of this program: lines `key = value` before `# End of config`; `None` where the file is none.
    pub fn of_result(path: &Path) -> Option<Header> {
        let text = String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned();
        let header = Header::of_text(&text);
        header.get("version").filter(|version| version.starts_with("halor "))?;
        Some(header)
    }

    /// The lines `key = value` before the first that begins with `#`.
    pub fn of_text(text: &str) -> Header {
        let entry = |line: &str| {
            let (key, value) = line.split_once(" = ")?;
            Some((key.trim().to_owned(), value.trim().to_owned()))
        };
        Header { entries: text.lines().take_while(|line| !line.starts_with('#')).filter_map(entry).collect() }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}
