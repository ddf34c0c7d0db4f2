//! GitLab's code-quality report: a JSON list of issues with fingerprints that are unique in it.

use crate::escape;
use crate::report::Report;
use crate::rules::Severity;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{self, Write};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut seen = BTreeSet::new();
    let issues: Vec<Value> = report
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
                "description": format!("{}: {}", finding.name, finding.message),
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
    escape::pretty(&issues, out)
}
