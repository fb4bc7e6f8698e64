//! JSON Schema of the values that may be written in more than one way; that of the other types is derived.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::analysis::CoordinationNumberBlock;
use super::filter::{SigmaClipBlock, TrimmedMeanBlock};
use super::instrument::DeadTimeBlock;
use super::{
    CoordinationNumberKeys, DeadTimeKeys, EngineNames, FilterKeys, GeometryBlock, GeometryKeys, NexusName,
    OffOr, Patterns, PeakChoice, PixelSize, PlanCacheKeys, RunFile, Switch,
};

/// What editors check a run file with and complete its keys from: draft 2020-12.
///
/// It knows form: keys, words, kinds of values. What a run file means is checked when it is read.
pub fn run_file_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(RunFile);
    schema.insert("title".to_owned(), "run file of halor".into());
    schema.to_value()
}

/// Of a name: a number or switch is taken as it is spelled.
pub(super) fn name(_generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "number", "boolean"]})
}

/// Implements [`JsonSchema`] where a type stands: its ways are not worth a name.
macro_rules! written {
    ($kind:ty, $name:literal, |$generator:ident| $schema:expr) => {
        impl JsonSchema for $kind {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

written!(Switch, "Switch", |_generator| json_schema!({"enum": ["on", "off", true, false]}));

impl<T: JsonSchema> JsonSchema for OffOr<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OffOr{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"enum": ["off", false]}, generator.subschema_for::<T>()]})
    }
}

written!(Patterns, "Patterns", |_generator| json_schema!({
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
}));

written!(EngineNames, "EngineNames", |_generator| json_schema!({
    "anyOf": [
        {"type": "string", "examples": ["auto", "gpu", "all", "cpu"]},
        {"type": "array", "items": {"type": "string"}}
    ]
}));

written!(PlanCacheKeys, "PlanCacheKeys", |_generator| json_schema!({
    "anyOf": [{"enum": ["on", true]}, {"type": "string"}]
}));

written!(NexusName, "NexusName", |_generator| json_schema!({
    "anyOf": [{"enum": ["on", true]}, {"type": "string", "examples": ["{run}.nxs"]}]
}));

written!(PixelSize, "PixelSize", |_generator| json_schema!({
    "anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}]
}));

written!(GeometryBlock, "GeometryBlock", |generator| json_schema!({
    "anyOf": [{"type": "string"}, generator.subschema_for::<GeometryKeys>()]
}));

written!(DeadTimeKeys, "DeadTimeKeys", |generator| json_schema!({
    "anyOf": [{"type": "number"}, generator.subschema_for::<DeadTimeBlock>()]
}));

written!(PeakChoice, "PeakChoice", |_generator| json_schema!({
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
        }
    ]
}));

written!(CoordinationNumberKeys, "CoordinationNumberKeys", |generator| json_schema!({
    "anyOf": [{"type": "string"}, generator.subschema_for::<CoordinationNumberBlock>()]
}));

written!(FilterKeys, "FilterKeys", |generator| json_schema!({
    "anyOf": [
        {"enum": ["median", "sigma_clip", "trimmed_mean"]},
        {
            "type": "object",
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {
                "sigma_clip": generator.subschema_for::<SigmaClipBlock>(),
                "trimmed_mean": generator.subschema_for::<TrimmedMeanBlock>()
            }
        }
    ]
}));
