//! What of JSON Schema the project's schemas use: `$ref`, `anyOf`, `oneOf`, `enum`, `const`, types, limits of numbers and lists, properties.

use serde_json::Value;

/// Whether `value` is what `schema`, a part of `root`, says; else where and why not.
pub fn check(value: &Value, schema: &Value, root: &Value, place: &str) -> Result<(), String> {
    let Some(rules) = schema.as_object() else {
        // `true` takes everything.
        return if schema.as_bool() == Some(true) {
            Ok(())
        } else {
            Err(format!("{place}: nothing is allowed"))
        };
    };
    for (rule, expected) in rules {
        let holds = match rule.as_str() {
            "$schema" | "title" | "description" | "default" | "examples" | "format" | "$defs" => true,
            // Looked at with the other one.
            "additionalProperties" if rules.contains_key("properties") => true,
            "$ref" => {
                let target = root.pointer(expected.as_str().unwrap().trim_start_matches('#')).unwrap();
                check(value, target, root, place)?;
                true
            }
            "anyOf" | "oneOf" => {
                let ways = expected.as_array().unwrap();
                let results: Vec<_> = ways.iter().map(|way| check(value, way, root, place)).collect();
                if !results.iter().any(Result::is_ok) {
                    let reasons: Vec<String> = results.into_iter().filter_map(Result::err).collect();
                    return Err(format!("{place}: {value} is in no way right: {}", reasons.join("; ")));
                }
                true
            }
            "enum" => expected.as_array().unwrap().contains(value),
            "const" => expected == value,
            "type" => match expected.as_array() {
                Some(kinds) => kinds.iter().any(|kind| is(value, kind.as_str().unwrap())),
                None => is(value, expected.as_str().unwrap()),
            },
            "minimum" => value.as_f64().is_none_or(|value| value >= expected.as_f64().unwrap()),
            "required" => value.as_object().is_none_or(|object| {
                expected.as_array().unwrap().iter().all(|key| object.contains_key(key.as_str().unwrap()))
            }),
            "properties" => {
                let others = rules.get("additionalProperties");
                for (key, value) in value.as_object().into_iter().flatten() {
                    let of_key = expected.get(key).or(others);
                    let of_key = of_key.filter(|rule| rule.as_bool() != Some(false));
                    let of_key = of_key.ok_or_else(|| format!("{place}: {key} is not in the schema"))?;
                    check(value, of_key, root, &format!("{place}.{key}"))?;
                }
                true
            }
            "additionalProperties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    check(value, expected, root, &format!("{place}.{key}"))?;
                }
                true
            }
            "minProperties" => {
                value.as_object().is_none_or(|object| object.len() as u64 >= expected.as_u64().unwrap())
            }
            "maxProperties" => {
                value.as_object().is_none_or(|object| object.len() as u64 <= expected.as_u64().unwrap())
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(value, expected, root, &format!("{place}[{index}]"))?;
                }
                true
            }
            "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= expected.as_u64().unwrap()),
            "maxItems" => value.as_array().is_none_or(|list| list.len() as u64 <= expected.as_u64().unwrap()),
            other => panic!("{place}: rule {other}"),
        };
        if !holds {
            return Err(format!("{place}: {value} against {rule} {expected}"));
        }
    }
    Ok(())
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => {
            value.is_u64() || value.is_i64() || value.as_f64().is_some_and(|value| value.fract() == 0.0)
        }
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("type {other}"),
    }
}

#[test]
fn what_is_wrong_is_found() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {"a": {"anyOf": [{"enum": ["off", false]}, {"$ref": "#/$defs/pair"}]}, "b": {"type": "integer", "minimum": 0}},
        "$defs": {"pair": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}}
    });
    let of = |value: Value| check(&value, &schema, &schema, "x");
    for good in [serde_json::json!({"a": "off"}), serde_json::json!({"a": [1, 2.5], "b": 3})] {
        of(good).unwrap();
    }
    for bad in [
        serde_json::json!({}),
        serde_json::json!({"a": "on"}),
        serde_json::json!({"a": [1]}),
        serde_json::json!({"a": [1, "2"]}),
        serde_json::json!({"a": false, "b": -1}),
        serde_json::json!({"a": false, "c": 1}),
        serde_json::json!([]),
    ] {
        assert!(of(bad.clone()).is_err(), "{bad}");
    }
}
