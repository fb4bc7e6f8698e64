//! From YAML text to the tree. Depth, size and repetition by aliases are limited, so that no file grows when read.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Location, Spanned};

use super::tree::{Entry, Node, Source, Spot, Value};

/// Nodes of a run file, those repeated by aliases included.
const MOST_NODES: usize = 1_000_000;
/// Nodes that aliases may repeat.
const MOST_REPEATED: usize = 100_000;
/// Blocks in blocks.
pub(super) const DEEPEST: usize = 24;

/// Why text is no YAML, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SyntaxError {
    /// In the words of the YAML reader, without the place.
    pub(super) message: String,
    /// What to do; may be empty.
    pub(super) mend: String,
    /// The place.
    pub(super) spot: Option<Spot>,
}

/// Reads one YAML document.
pub(super) fn parse(text: &str, source: Source) -> Result<Node, SyntaxError> {
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_depth: DEEPEST,
            max_documents: 2,
            max_nodes: MOST_NODES,
            max_events: 3 * MOST_NODES,
        },
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: MOST_REPEATED },
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    };
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(raw) => Ok(located(raw, text, source)),
        Err(error) => Err(syntax_error(&error, source)),
    }
}

fn syntax_error(error: &serde_yaml::Error, source: Source) -> SyntaxError {
    let spot = error.location().filter(|at| at.line() > 0).map(|at| spot(at, 1, source));
    // The reader appends the place, which stands before the message here.
    let full = error.to_string();
    let plain = full.split(" at line ").next().unwrap_or(&full).to_string();
    #[expect(clippy::wildcard_enum_match_arm, reason = "the YAML reader's own list of errors is open")]
    let (message, mend) = match error.without_snippet() {
        serde_yaml::Error::DuplicateMappingKey { key, .. } => {
            (format!("the key `{}` is given twice", key.as_deref().unwrap_or("?")), "keep one of them")
        }
        serde_yaml::Error::MultipleDocuments { .. } => (
            "there are several YAML documents, a file is one YAML document".to_string(),
            "remove `---` and what follows it",
        ),
        serde_yaml::Error::NonFiniteFloat { value, .. } => {
            (format!("`{value}` is not a finite number"), "write a finite number")
        }
        serde_yaml::Error::NullIntoString { .. } => {
            ("a key is empty".to_string(), "write the key's name before the colon")
        }
        _ => (plain, ""),
    };
    SyntaxError { message, mend: mend.to_string(), spot }
}

fn spot(at: Location, length: usize, source: Source) -> Spot {
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Spot { source, line: number(at.line()), column: number(at.column()), length: length.max(1) }
}

/// The characters of a scalar as written.
fn spelling(at: Location, text: &str) -> Option<&str> {
    let start = usize::try_from(at.span().byte_offset()?).ok()?;
    let length = usize::try_from(at.span().byte_len()?).ok()?;
    text.get(start..start.checked_add(length)?).filter(|slice| !slice.is_empty())
}

fn located(raw: Spanned<Raw>, text: &str, source: Source) -> Node {
    let written = spelling(raw.defined, text);
    let shown = written.and_then(|written| written.lines().next()).unwrap_or_default();
    let spot = spot(raw.referenced, shown.chars().count(), source);
    let spelled = |value: String| written.map_or(value, str::to_string);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value, spelled(value.to_string())),
        Raw::Integer(value) => Value::Integer(value, spelled(value.to_string())),
        Raw::Float(value) => Value::Float(value, spelled(value.to_string())),
        Raw::Text(value) => Value::Text(value),
        Raw::List(items) => Value::List(items.into_iter().map(|item| located(item, text, source)).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| Entry {
                    spot: self::spot(key.referenced, key.value.chars().count(), source),
                    key: key.value,
                    node: located(value, text, source),
                })
                .collect(),
        ),
    };
    Node { value, spot }
}

/// What the YAML reader makes of a node.
enum Raw {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a block of keys")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(i64::try_from(value).map_or(Raw::Float(value as f64), Raw::Integer))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Float(value as f64))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Float(value as f64))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Raw, E> {
        if value.is_finite() { Ok(Raw::Float(value)) } else { Err(E::custom("a number is not finite")) }
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries: Vec<(Spanned<String>, Spanned<Raw>)> = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<'a>(node: &'a Node, key: &str) -> &'a Node {
        let Value::Map(entries) = &node.value else { panic!("no block") };
        &entries.iter().find(|entry| entry.key == key).unwrap().node
    }

    #[test]
    fn spelling_and_place_are_kept() {
        let node = parse("name: 007\nbins:  1e3 # c\nY: Y\non: on\n", Source::RunFile).unwrap();
        assert_eq!(entry(&node, "name").value, Value::Float(7.0, "007".into()));
        let bins = entry(&node, "bins");
        assert_eq!(bins.value, Value::Float(1000.0, "1e3".into()));
        assert_eq!((bins.spot.line, bins.spot.column, bins.spot.length), (2, 8, 3));
        // YAML 1.1 reads these two as switches; here they are names.
        assert_eq!(entry(&node, "Y").value, Value::Text("Y".into()));
        assert_eq!(entry(&node, "on").value, Value::Text("on".into()));
    }

    #[test]
    fn repetition_by_aliases_is_limited() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..10 {
            let below = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        let error = parse(&text, Source::RunFile).unwrap_err();
        assert!(error.spot.is_some(), "{error:?}");
        assert!(parse(&"[".repeat(10_000), Source::RunFile).is_err());
    }
}
