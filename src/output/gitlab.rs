//! GitLab's code-quality report: a JSON list of issues with fingerprints that are unique in it.

use super::words;
use crate::escape;
use crate::report::Report;
use crate::rules::Severity;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{self, Write};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut seen = BTreeSet::new();
    let mut issues: Vec<Value> = report
        .findings
        .iter()
        .filter(|f| f.is_active())
        .map(|finding| {
            let mut fingerprint = finding.fingerprint.clone();
            while !seen.insert(fingerprint.clone()) {
                // GitLab drops the second of two issues with one fingerprint.
                fingerprint = blake3::hash(fingerprint.as_bytes()).to_hex()[..32].to_owned();
            }
            let site = finding.site();
            let (path, line) = match (&site.source_file, site.source_line) {
                (Some(file), Some(line)) => (file.as_str(), line),
                _ => (finding.artifact.as_str(), site.line.unwrap_or(1)),
            };
            json!({
                "type": "issue",
                "check_name": finding.rule,
                "description": format!("{}: {}", finding.name, words::message_and_place(finding)),
                "content": {"body": finding.help},
                "fingerprint": fingerprint,
                "severity": match finding.severity {
                    Severity::Error => "critical",
                    Severity::Warning => "major",
                    Severity::Note | Severity::Off => "info",
                },
                "location": {"path": path, "lines": {"begin": line}},
            })
        })
        .collect();
    issues.extend(words::unsettled(report).into_iter().map(|(artifact, text)| {
        let path = if artifact.is_empty() { "." } else { artifact };
        json!({
            "type": "issue",
            "check_name": "insufficient-data",
            "description": text,
            "fingerprint": &blake3::hash(format!("insufficient data {path} {text}").as_bytes()).to_hex()[..32],
            "severity": "major",
            "location": {"path": path, "lines": {"begin": 1}},
        })
    }));
    escape::pretty(&issues, out)
}
