//! The JSON contract: the committed schema is current, reports keep to it, and they read back.

use super::sample::{hostile, many, render, sample};
use serde_json::Value;
use wipeproof::output::{Format, report_schema};
use wipeproof::report::Report;

const SCHEMA_FILE: &str = "docs/report.schema.json";

#[test]
fn the_committed_schema_is_current() {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(SCHEMA_FILE, report_schema()).expect("the schema can be written");
    }
    assert_eq!(std::fs::read_to_string(SCHEMA_FILE).expect("the schema"), report_schema());
}

#[test]
fn reports_keep_to_the_schema() {
    let schema: Value = serde_json::from_str(&report_schema()).expect("JSON");
    for report in [sample(), hostile(), many(50)] {
        let value: Value = serde_json::from_str(&render(Format::Json, &report)).expect("JSON");
        assert_eq!(validate(&value, &schema, &schema, "$"), Ok(()));
    }
    let mut broken: Value = serde_json::from_str(&render(Format::Json, &sample())).expect("JSON");
    broken["findings"][0]["severity"] = "fatal".into();
    assert!(validate(&broken, &schema, &schema, "$").is_err(), "the schema refuses nothing");
    let mut missing: Value = serde_json::from_str(&render(Format::Json, &sample())).expect("JSON");
    missing.as_object_mut().expect("an object").remove("verdict");
    assert!(validate(&missing, &schema, &schema, "$").is_err(), "the schema asks for nothing");
}

#[test]
fn reports_read_back() {
    for report in [sample(), hostile()] {
        let back: Report = serde_json::from_str(&render(Format::Json, &report)).expect("a report");
        assert_eq!(back, report);
    }
}

#[test]
fn every_line_of_jsonl_is_an_object_with_its_type() {
    for report in [sample(), hostile()] {
        let text = render(Format::Jsonl, &report);
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
        let parts = report.findings.len() + report.possible.len() + report.inventory.len();
        assert_eq!(lines.len(), 1 + parts + report.skipped.len() + report.notes.len());
        assert_eq!(lines[0]["type"], "report");
        assert!(lines.iter().all(|l| l["type"].is_string()));
    }
}

/// The part of JSON Schema that our types make; a keyword beyond it fails the test rather than pass unseen.
fn validate(value: &Value, schema: &Value, root: &Value, at: &str) -> Result<(), String> {
    let Some(keywords) = schema.as_object() else {
        return if schema == &Value::Bool(true) { Ok(()) } else { Err(format!("{at}: refused")) };
    };
    for (keyword, argument) in keywords {
        let list = || argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let ok = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "default" => true,
            "$ref" => {
                let pointer = argument.as_str().and_then(|r| r.strip_prefix('#')).expect("a local reference");
                validate(value, root.pointer(pointer).expect("a definition"), root, at)?;
                true
            }
            "type" => {
                let has = |name: &Value| match name.as_str().expect("a type") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "null" => value.is_null(),
                    "boolean" => value.is_boolean(),
                    other => panic!("type {other}"),
                };
                if argument.is_array() { list().iter().any(has) } else { has(argument) }
            }
            "const" => value == argument,
            "enum" => list().contains(value),
            "minimum" => value.as_i64().is_none_or(|v| argument.as_i64().is_some_and(|least| v >= least)),
            "maximum" => value.as_i64().is_none_or(|v| argument.as_i64().is_some_and(|most| v <= most)),
            "required" => list().iter().all(|name| value.get(name.as_str().expect("a name")).is_some()),
            "oneOf" => list().iter().filter(|s| validate(value, s, root, at).is_ok()).count() == 1,
            "anyOf" => list().iter().any(|s| validate(value, s, root, at).is_ok()),
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items
                    .map(|(i, v)| validate(v, argument, root, &format!("{at}[{i}]")))
                    .collect::<Result<Vec<_>, _>>()?;
                true
            }
            "properties" => {
                for (name, schema) in argument.as_object().into_iter().flatten() {
                    if let Some(inner) = value.get(name) {
                        validate(inner, schema, root, &format!("{at}.{name}"))?;
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = keywords.get("properties").and_then(Value::as_object);
                for (name, inner) in value.as_object().into_iter().flatten() {
                    if known.is_none_or(|k| !k.contains_key(name)) {
                        validate(inner, argument, root, &format!("{at}.{name}"))?;
                    }
                }
                true
            }
            other => panic!("the schema uses {other}"),
        };
        if !ok {
            return Err(format!("{at}: {keyword} {argument} refuses {value}"));
        }
    }
    Ok(())
}
