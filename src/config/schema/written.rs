//! Values that may be written in more than one way: `on`/`off`, one or several, a word or a block.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::{Serialize, Serializer};

/// A value that is read from whatever stands there; each way that is not its own is an error that says
/// [`Written::EXPECTED`].
pub(crate) trait Written: Sized {
    /// All ways, in words.
    const EXPECTED: &'static str;

    /// From a word.
    fn word<E: Error>(word: &str) -> Result<Self, E> {
        Err(E::invalid_type(Unexpected::Str(word), &Self::EXPECTED))
    }

    /// From `true` or `false`.
    fn flag<E: Error>(flag: bool) -> Result<Self, E> {
        Err(E::invalid_type(Unexpected::Bool(flag), &Self::EXPECTED))
    }

    /// From a whole number.
    fn whole<E: Error>(number: i64) -> Result<Self, E> {
        Self::number(number as f64)
    }

    /// From a number.
    fn number<E: Error>(number: f64) -> Result<Self, E> {
        Err(E::invalid_type(Unexpected::Float(number), &Self::EXPECTED))
    }

    /// From a list.
    fn list<'de, A: SeqAccess<'de>>(_list: A) -> Result<Self, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Seq, &Self::EXPECTED))
    }

    /// From a block of keys.
    fn block<'de, A: MapAccess<'de>>(_block: A) -> Result<Self, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Map, &Self::EXPECTED))
    }
}

/// Reads a [`Written`] value.
pub(crate) fn read<'de, T: Written, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(AnyWay(PhantomData))
}

struct AnyWay<T>(PhantomData<T>);

impl<'de, T: Written> Visitor<'de> for AnyWay<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        T::word(word)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<T, E> {
        T::flag(flag)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::whole(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        T::number(number)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, block: A) -> Result<T, A::Error> {
        T::block(block)
    }
}

/// `on` or `off` (also `true`, `false`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// Done.
    On,
    /// Left out.
    Off,
}

impl Written for Switch {
    const EXPECTED: &'static str = "`on` or `off`";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        match word {
            "on" => Ok(Switch::On),
            "off" => Ok(Switch::Off),
            _ => Err(E::unknown_variant(word, &["on", "off"])),
        }
    }

    fn flag<E: Error>(flag: bool) -> Result<Self, E> {
        Ok(if flag { Switch::On } else { Switch::Off })
    }
}

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl Serialize for Switch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Switch::On => "on",
            Switch::Off => "off",
        })
    }
}

/// A setting that may be `off`.
#[derive(Debug, Clone, PartialEq)]
pub enum OffOr<T> {
    /// `off` (also `false`).
    Off,
    /// As written.
    On(T),
}

impl<T> OffOr<T> {
    /// The setting, `None` where it is off.
    pub fn on(&self) -> Option<&T> {
        match self {
            OffOr::Off => None,
            OffOr::On(setting) => Some(setting),
        }
    }
}

impl<T: for<'de> Deserialize<'de>> Written for OffOr<T> {
    const EXPECTED: &'static str = "`off` or a setting";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        if word == "off" { Ok(OffOr::Off) } else { T::deserialize(word.into_deserializer()).map(OffOr::On) }
    }

    fn flag<E: Error>(flag: bool) -> Result<Self, E> {
        if flag { T::deserialize(flag.into_deserializer()).map(OffOr::On) } else { Ok(OffOr::Off) }
    }

    fn whole<E: Error>(number: i64) -> Result<Self, E> {
        T::deserialize(number.into_deserializer()).map(OffOr::On)
    }

    fn number<E: Error>(number: f64) -> Result<Self, E> {
        T::deserialize(number.into_deserializer()).map(OffOr::On)
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(list)).map(OffOr::On)
    }

    fn block<'de, A: MapAccess<'de>>(block: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(block)).map(OffOr::On)
    }
}

impl<'de, T: for<'a> Deserialize<'a>> Deserialize<'de> for OffOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl<T: Serialize> Serialize for OffOr<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            OffOr::Off => serializer.serialize_str("off"),
            OffOr::On(setting) => setting.serialize(serializer),
        }
    }
}

/// One path or glob pattern, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Patterns(pub Vec<String>);

impl Written for Patterns {
    const EXPECTED: &'static str = "a path, a pattern such as `data/a_*.tif`, or a list of them";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        Ok(Patterns(vec![word.to_string()]))
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Patterns)
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// Where plans are kept, as long as that is not `off`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanCacheKeys {
    /// `on`: where the system has the user's caches.
    User,
    /// A folder.
    Folder(String),
}

impl Written for PlanCacheKeys {
    const EXPECTED: &'static str = "`on`, `off` or a folder";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        Ok(if word == "on" { PlanCacheKeys::User } else { PlanCacheKeys::Folder(word.to_string()) })
    }

    fn flag<E: Error>(flag: bool) -> Result<Self, E> {
        if flag {
            Ok(PlanCacheKeys::User)
        } else {
            Err(E::invalid_type(Unexpected::Bool(flag), &Self::EXPECTED))
        }
    }
}

impl<'de> Deserialize<'de> for PlanCacheKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// The name of an engine, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineNames(pub Vec<String>);

impl Written for EngineNames {
    const EXPECTED: &'static str = "auto, gpu, all, cpu, part of an adapter's name, or a list of them";

    fn word<E: Error>(word: &str) -> Result<Self, E> {
        Ok(EngineNames(vec![word.to_string()]))
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(EngineNames)
    }
}

impl<'de> Deserialize<'de> for EngineNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

impl Serialize for PlanCacheKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            PlanCacheKeys::User => "on",
            PlanCacheKeys::Folder(folder) => folder,
        })
    }
}

impl Serialize for EngineNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [name] => serializer.serialize_str(name),
            names => names.serialize(serializer),
        }
    }
}
