//! From the tree to the schema: a serde reader of nodes whose errors know their key and place.

use std::fmt::Display;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};

use super::problem::{ProblemKind, Problems, suggestion};
use super::tree::{Entry, Node, Spot, Step, Value, join};

/// After so many problems of form the rest is not looked for.
const MOST_PROBLEMS: usize = 20;

/// Reads the schema `T` from the tree; every unknown key and every value of a wrong kind becomes a problem.
///
/// A key at fault is reported, taken out, and the rest read again: one run shows all of them.
pub(super) fn decode<T: DeserializeOwned>(root: &Node, problems: &mut Problems<'_>) -> Option<T> {
    let mut tree = root.clone();
    let mut removed: Vec<Vec<Step>> = Vec::new();
    loop {
        let mut error = match T::deserialize(NodeReader(&tree)) {
            Ok(value) => return removed.is_empty().then_some(value),
            Err(error) => error,
        };
        error.path.reverse();
        // A required key is not missed again where its misspelling was just reported.
        let is_missing = matches!(error.what, What::MissingKey(_));
        let cascade = is_missing && removed.iter().any(|path| path[..path.len() - 1] == error.path[..]);
        if !cascade {
            let (message, mend) = error.what.words(&error.path);
            problems.push_at(
                ProblemKind::Configuration,
                error.spot.or(Some(tree.spot)),
                &join(&error.path),
                message,
                mend,
            );
        }
        if is_missing || removed.len() + 1 == MOST_PROBLEMS || !tree.remove(&error.path) {
            return None;
        }
        removed.push(error.path);
    }
}

/// What the schema does not take.
#[derive(Debug)]
enum What {
    UnknownKey(String, &'static [&'static str]),
    UnknownWord(String, &'static [&'static str]),
    MissingKey(&'static str),
    Other(String),
}

impl What {
    fn words(&self, path: &[Step]) -> (String, String) {
        match self {
            What::UnknownKey(key, allowed) => {
                let block = join(&path[..path.len().saturating_sub(1)]);
                let within = if block.is_empty() { String::new() } else { format!(" in `{block}`") };
                (format!("unknown key `{key}`{within}"), suggestion(key, allowed))
            }
            What::UnknownWord(word, allowed) => (format!("unknown word `{word}`"), suggestion(word, allowed)),
            What::MissingKey(key) => (format!("the key `{key}` is missing"), format!("write `{key}: …`")),
            What::Other(message) => (message.clone(), String::new()),
        }
    }
}

/// An error with the steps from the innermost key outwards.
#[derive(Debug)]
struct DecodeError {
    what: What,
    path: Vec<Step>,
    spot: Option<Spot>,
}

impl DecodeError {
    fn new(what: What) -> DecodeError {
        DecodeError { what, path: Vec::new(), spot: None }
    }

    fn under(mut self, step: Step, spot: Spot) -> DecodeError {
        self.path.push(step);
        self.spot = self.spot.or(Some(spot));
        self
    }
}

impl Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what.words(&self.path).0)
    }
}

impl std::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: Display>(message: T) -> Self {
        DecodeError::new(What::Other(message.to_string()))
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        // A block's name in the schema says nothing to who writes a run file.
        let expected = expected.to_string();
        let expected = if expected.starts_with("struct ") { "a block of keys" } else { &expected };
        DecodeError::new(What::Other(format!("found {}, expected {expected}", plain(found))))
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        DecodeError::invalid_type(found, expected)
    }

    fn invalid_length(length: usize, expected: &dyn serde::de::Expected) -> Self {
        DecodeError::new(What::Other(format!("the list has {length} values, expected {expected}")))
    }

    fn unknown_field(field: &str, allowed: &'static [&'static str]) -> Self {
        DecodeError::new(What::UnknownKey(field.to_string(), allowed))
    }

    fn unknown_variant(word: &str, allowed: &'static [&'static str]) -> Self {
        DecodeError::new(What::UnknownWord(word.to_string(), allowed))
    }

    fn missing_field(field: &'static str) -> Self {
        DecodeError::new(What::MissingKey(field))
    }
}

/// A found value in the words of the run file.
fn plain(found: serde::de::Unexpected<'_>) -> String {
    use serde::de::Unexpected as U;
    match found {
        U::Unit | U::Option => "nothing".to_string(),
        U::Bool(value) => format!("`{value}`"),
        U::Unsigned(value) => format!("`{value}`"),
        U::Signed(value) => format!("`{value}`"),
        U::Float(value) => format!("`{value}`"),
        U::Str(value) => format!("`{value}`"),
        U::Seq => "a list".to_string(),
        U::Map => "a block of keys".to_string(),
        U::Char(_)
        | U::Bytes(_)
        | U::NewtypeStruct
        | U::Enum
        | U::UnitVariant
        | U::NewtypeVariant
        | U::TupleVariant
        | U::StructVariant
        | U::Other(_) => found.to_string(),
    }
}

impl Node {
    fn found(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_string(),
            Value::Bool(_, text) | Value::Integer(_, text) | Value::Float(_, text) | Value::Text(text) => {
                let short: String = text.chars().take(60).collect();
                format!("`{short}`")
            }
            Value::List(_) => "a list".to_string(),
            Value::Map(_) => "a block of keys".to_string(),
        }
    }

    fn expected(&self, expected: &str) -> DecodeError {
        DecodeError::new(What::Other(format!("found {}, expected {expected}", self.found())))
    }
}

#[derive(Clone, Copy)]
struct NodeReader<'n>(&'n Node);

impl<'de> Deserializer<'de> for NodeReader<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value, _) => visitor.visit_bool(*value),
            Value::Integer(value, _) => visitor.visit_i64(*value),
            Value::Float(value, _) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Value::Map(entries) => visitor.visit_map(Entries { entries, next: 0 }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0.value {
            Value::Null => visitor.visit_none(),
            Value::Bool(..)
            | Value::Integer(..)
            | Value::Float(..)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::Bool(_, text) | Value::Integer(_, text) | Value::Float(_, text) | Value::Text(text) => {
                visitor.visit_str(text)
            }
            Value::Null | Value::List(_) | Value::Map(_) => Err(self.0.expected("text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0.value {
            Value::Integer(value, _) => visitor.visit_f64(value as f64),
            Value::Float(value, _) => visitor.visit_f64(value),
            Value::Null | Value::Bool(..) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                Err(self.0.expected("a number"))
            }
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0.value {
            Value::Integer(value, _) if value >= 0 => visitor.visit_i64(value),
            Value::Integer(..)
            | Value::Float(..)
            | Value::Null
            | Value::Bool(..)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_) => Err(self.0.expected("a whole number that is not negative")),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Value::Null
            | Value::Bool(..)
            | Value::Integer(..)
            | Value::Float(..)
            | Value::Text(_)
            | Value::Map(_) => Err(self.0.expected("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::List(items) if items.len() == length => visitor.visit_seq(Items { items, next: 0 }),
            Value::List(items) => Err(DecodeError::new(What::Other(format!(
                "the list has {} values, expected {length}",
                items.len()
            )))),
            Value::Null
            | Value::Bool(..)
            | Value::Integer(..)
            | Value::Float(..)
            | Value::Text(_)
            | Value::Map(_) => Err(self.0.expected(&format!("a list of {length} values"))),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::Map(entries) => visitor.visit_map(Entries { entries, next: 0 }),
            Value::Null
            | Value::Bool(..)
            | Value::Integer(..)
            | Value::Float(..)
            | Value::Text(_)
            | Value::List(_) => Err(self.0.expected("a block of keys")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match &self.0.value {
            Value::Text(text) => visitor.visit_enum(StrDeserializer::<DecodeError>::new(text)),
            Value::Null
            | Value::Bool(..)
            | Value::Integer(..)
            | Value::Float(..)
            | Value::List(_)
            | Value::Map(_) => Err(self.0.expected(&format!("one of {}", words.join(", ")))),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 char bytes byte_buf unit unit_struct newtype_struct tuple_struct
        identifier ignored_any
    }
}

struct Items<'n> {
    items: &'n [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some(item) = self.items.get(self.next) else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        seed.deserialize(NodeReader(item)).map(Some).map_err(|e| e.under(Step::Index(index), item.spot))
    }
}

struct Entries<'n> {
    entries: &'n [Entry],
    next: usize,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some(entry) = self.entries.get(self.next) else { return Ok(None) };
        let key: StrDeserializer<'_, DecodeError> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|e| e.under(Step::Key(entry.key.clone()), entry.spot))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let Some(entry) = self.entries.get(self.next) else {
            return Err(DecodeError::new(What::Other("a value without a key".to_string())));
        };
        self.next += 1;
        seed.deserialize(NodeReader(&entry.node)).map_err(|e| {
            let spot = match e.what {
                What::MissingKey(_) => entry.spot,
                What::UnknownKey(..) | What::UnknownWord(..) | What::Other(_) => entry.node.spot,
            };
            e.under(Step::Key(entry.key.clone()), spot)
        })
    }
}
