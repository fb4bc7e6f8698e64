//! The JSON Schema of the run file: it takes what is good, knows every key, and stands in docs/.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use halor::config::schema::run_file_schema;
use serde_json::Value;

use crate::common::json_schema::check;

fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(run_file_schema)
}

fn judged(yaml: &str) -> Result<(), String> {
    // As editors read YAML 1.2: `on` and `off` are words.
    let options = serde_yaml::options! { strict_booleans: true };
    let value: Value = serde_yaml::from_str_with_options(yaml, options).map_err(|error| error.to_string())?;
    check(&value, schema(), schema(), "run file")
}

#[track_caller]
pub(super) fn accepts(yaml: &str) {
    judged(yaml).unwrap_or_else(|reason| panic!("{reason}\n{yaml}"));
}

#[test]
fn the_schema_in_the_docs_is_that_of_the_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/run-file.schema.json");
    let text = std::fs::read_to_string(path).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(&written, schema(), "write it anew: halor schema > docs/run-file.schema.json");
}

/// Names of all keys anywhere in it.
fn keys(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(rules) => {
            for (rule, content) in rules {
                if rule == "properties" {
                    found.extend(content.as_object().unwrap().keys().cloned());
                }
                keys(content, found);
            }
        }
        Value::Array(all) => all.iter().for_each(|schema| keys(schema, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn it_has_every_key_of_the_documentation_and_says_what_each_is() {
    let mut known = BTreeSet::new();
    keys(schema(), &mut known);
    let table = include_str!("../../docs/run-file.md").split("## Keys").nth(1).unwrap();
    let mut documented = 0;
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cell = row.split('|').nth(1).unwrap();
        for written in cell.split('`').skip(1).step_by(2) {
            let key = written.rsplit('.').next().unwrap().trim_end_matches("[]");
            assert!(known.contains(key), "{written} is not in the schema");
            documented += 1;
        }
    }
    assert!(documented > 90, "{documented}");
    for (name, rules) in schema()["properties"].as_object().unwrap() {
        assert!(
            rules["description"].as_str().is_some_and(|text| !text.is_empty()),
            "{name} has no description"
        );
    }
}

#[test]
fn it_refuses_what_is_misspelt() {
    accepts("samples: [{name: a, frames: a.tif}]\npdf: off\n");
    for bad in [
        "outptu: x\n",
        "integration: {unit: furlongs}\n",
        "integration: {range: [1]}\n",
        "beam: {energy_kev: high}\n",
        "pdf: perhaps\n",
        "samples: [{frames: a.tif}]\n",
        "corrections: {dead_time_s: {model: paralyzable}}\n",
        "exports: {patterns: [csv]}\n",
    ] {
        assert!(judged(bad).is_err(), "{bad}");
    }
}
