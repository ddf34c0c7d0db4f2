//! SARIF: what the standard and the services that show it ask of every object we write.

use super::sample::{hostile, many, render, sample};
use serde_json::Value;
use wipeproof::output::Format;
use wipeproof::report::Report;

fn run(report: &Report) -> Value {
    let log: Value = serde_json::from_str(&render(Format::Sarif, report)).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(log["runs"].as_array().expect("runs").len(), 1);
    log["runs"][0].clone()
}

fn text(value: &Value, what: &str) -> String {
    let text = value.as_str().unwrap_or_else(|| panic!("{what} is no string: {value}"));
    assert!(!text.trim().is_empty(), "{what} is empty");
    text.to_owned()
}

/// A relative reference: no scheme, no authority, not absolute, only characters of RFC 3986.
fn check_uri(value: &Value) {
    let uri = text(value, "uri");
    assert!(!uri.starts_with('/') && !uri.contains(':') && !uri.contains('\\'), "{uri}");
    assert!(uri.chars().all(|c| c.is_ascii_alphanumeric() || "-._~/%".contains(c)), "{uri}");
}

fn check_location(location: &Value) {
    let physical = &location["physicalLocation"];
    check_uri(&physical["artifactLocation"]["uri"]);
    assert!(physical["region"]["startLine"].as_u64().is_some_and(|l| l >= 1), "{location}");
    if let Some(column) = physical["region"].get("startColumn") {
        assert!(column.as_u64().is_some_and(|c| c >= 1));
    }
    for logical in location.get("logicalLocations").and_then(Value::as_array).into_iter().flatten() {
        text(&logical["fullyQualifiedName"], "logical location");
    }
    if let Some(message) = location.get("message") {
        text(&message["text"], "location message");
    }
}

fn check(report: &Report) {
    let run = run(report);
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let mut ids: Vec<String> = rules.iter().map(|r| text(&r["id"], "rule id")).collect();
    for rule in rules {
        text(&rule["shortDescription"]["text"], "short description");
        text(&rule["fullDescription"]["text"], "full description");
        text(&rule["help"]["text"], "help");
        assert!(
            ["error", "warning", "note", "none"]
                .contains(&text(&rule["defaultConfiguration"]["level"], "level").as_str())
        );
        if let Some(uri) = rule.get("helpUri") {
            assert!(text(uri, "helpUri").starts_with("https://"));
        }
    }
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), report.findings.len());
    for result in results {
        let id = text(&result["ruleId"], "rule id");
        let index = result["ruleIndex"].as_u64().expect("index") as usize;
        assert_eq!(ids.get(index), Some(&id), "ruleIndex points to another rule");
        assert!(["error", "warning", "note", "none"].contains(&text(&result["level"], "level").as_str()));
        text(&result["message"]["text"], "message");
        assert_eq!(result["locations"].as_array().map(Vec::len), Some(1), "services use the first location only");
        check_location(&result["locations"][0]);
        text(&result["partialFingerprints"]["wipeproof/v2"], "fingerprint");
        for suppression in result["suppressions"].as_array().expect("suppressions") {
            assert!(["inSource", "external"].contains(&text(&suppression["kind"], "kind").as_str()));
            text(&suppression["justification"], "justification");
        }
        for related in result.get("relatedLocations").and_then(Value::as_array).into_iter().flatten() {
            check_location(related);
            assert!(related["id"].as_u64().is_some());
        }
        for flow in result.get("codeFlows").and_then(Value::as_array).into_iter().flatten() {
            let steps = flow["threadFlows"][0]["locations"].as_array().expect("steps");
            assert!(!steps.is_empty());
            steps.iter().for_each(|step| check_location(&step["location"]));
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), rules.len(), "a rule is described twice");
    for notification in run["invocations"][0]["toolExecutionNotifications"].as_array().expect("notifications") {
        text(&notification["message"]["text"], "notification");
        check_uri(&notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]);
    }
}

#[test]
fn structure_holds() {
    check(&sample());
    check(&many(200));
}

#[test]
fn structure_holds_for_hostile_texts() {
    check(&hostile());
}

#[test]
fn only_rules_that_fired_are_described() {
    let mut report = sample();
    report.findings.truncate(1);
    assert_eq!(run(&report)["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(1));
    report.findings.clear();
    assert_eq!(run(&report)["results"], Value::Array(Vec::new()));
}

#[test]
fn suppressed_findings_stay_and_are_marked() {
    let run = run(&sample());
    let marked =
        run["results"].as_array().expect("results").iter().filter(|r| r["suppressions"] != serde_json::json!([]));
    assert_eq!(marked.count(), 1);
}

#[test]
fn machine_code_has_its_address() {
    let run = run(&sample());
    let place = &run["results"][0]["locations"][0];
    assert_eq!(place["physicalLocation"]["address"]["relativeAddress"], 0x1a2c);
    assert_eq!(place["physicalLocation"]["region"]["startLine"], 1);
    assert_eq!(place["logicalLocations"][0]["fullyQualifiedName"], "SaveState");
}

/// Objects of SARIF 2.1.0 that we write: the keys they must have, and those they may have with the object that each
/// holds (empty for a plain value or a property bag). The standard's schema allows no others.
type Object = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);
const OBJECTS: &[Object] = &[
    ("log", &["version", "runs"], &[("$schema", ""), ("version", ""), ("runs", "run")]),
    (
        "run",
        &["tool"],
        &[
            ("tool", "tool"),
            ("invocations", "invocation"),
            ("results", "result"),
            ("columnKind", ""),
            ("properties", ""),
        ],
    ),
    ("tool", &["driver"], &[("driver", "component")]),
    (
        "component",
        &["name"],
        &[("name", ""), ("version", ""), ("informationUri", ""), ("rules", "rule"), ("properties", "")],
    ),
    (
        "rule",
        &["id"],
        &[
            ("id", ""),
            ("name", ""),
            ("shortDescription", "message"),
            ("fullDescription", "message"),
            ("help", "message"),
            ("helpUri", ""),
            ("defaultConfiguration", "configuration"),
            ("properties", ""),
        ],
    ),
    ("configuration", &[], &[("level", "")]),
    ("message", &["text"], &[("text", ""), ("markdown", "")]),
    (
        "invocation",
        &["executionSuccessful"],
        &[("executionSuccessful", ""), ("toolExecutionNotifications", "notification")],
    ),
    (
        "notification",
        &["message"],
        &[("message", "message"), ("level", ""), ("locations", "location"), ("descriptor", "")],
    ),
    (
        "result",
        &["message"],
        &[
            ("ruleId", ""),
            ("ruleIndex", ""),
            ("level", ""),
            ("kind", ""),
            ("message", "message"),
            ("locations", "location"),
            ("relatedLocations", "location"),
            ("codeFlows", "flow"),
            ("partialFingerprints", ""),
            ("suppressions", "suppression"),
            ("baselineState", ""),
            ("properties", ""),
        ],
    ),
    ("suppression", &["kind"], &[("kind", ""), ("status", ""), ("justification", ""), ("properties", "")]),
    ("flow", &["threadFlows"], &[("threadFlows", "thread"), ("message", "message")]),
    ("thread", &["locations"], &[("locations", "step")]),
    ("step", &[], &[("location", "location")]),
    (
        "location",
        &[],
        &[
            ("id", ""),
            ("physicalLocation", "physical"),
            ("logicalLocations", "logical"),
            ("message", "message"),
            ("properties", ""),
        ],
    ),
    ("physical", &[], &[("artifactLocation", "artifact"), ("region", "region"), ("address", "address")]),
    ("artifact", &[], &[("uri", ""), ("uriBaseId", "")]),
    (
        "region",
        &[],
        &[("startLine", ""), ("startColumn", ""), ("endLine", ""), ("endColumn", ""), ("snippet", "message")],
    ),
    ("address", &[], &[("relativeAddress", ""), ("absoluteAddress", ""), ("fullyQualifiedName", ""), ("kind", "")]),
    ("logical", &[], &[("fullyQualifiedName", ""), ("name", ""), ("kind", "")]),
];

fn check_object(value: &Value, name: &str) {
    if let Some(all) = value.as_array() {
        return all.iter().for_each(|one| check_object(one, name));
    }
    let (_, required, known) = OBJECTS.iter().find(|o| o.0 == name).expect("an object");
    let keys = value.as_object().unwrap_or_else(|| panic!("{name} is {value}"));
    assert!(required.iter().all(|key| keys.contains_key(*key)), "{name} lacks one of {required:?}");
    for (key, inner) in keys {
        let Some((_, object)) = known.iter().find(|(k, _)| k == key) else { panic!("{name} has {key}") };
        if !object.is_empty() {
            check_object(inner, object);
        }
    }
}

#[test]
fn no_object_has_a_key_that_the_standard_does_not_know() {
    for report in [sample(), hostile(), many(20)] {
        check_object(&serde_json::from_str(&render(Format::Sarif, &report)).expect("JSON"), "log");
    }
}
