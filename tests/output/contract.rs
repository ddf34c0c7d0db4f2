//! The JSON contract: the committed schema is current, and reports read back.

use super::sample::{hostile, render, sample};
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
