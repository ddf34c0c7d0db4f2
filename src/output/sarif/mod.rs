//! SARIF 2.1.0 (OASIS Standard, 27 March 2020), by the narrower rules of the services that show it.
//!
//! Code-scanning services reject results without a location or a line, use the first location only and want relative
//! addresses; so every result has exactly one location with a line, binaries too, and the other places are related
//! ones. The objects are built as JSON values: the format is wide, and of a model for all of it we would use a tenth.

mod place;

use super::{Context, link, words};
use crate::escape;
use crate::facts::NoteKind;
use crate::report::{ArtifactNote, Finding, Report, Suppression, SuppressionKind};
use crate::rules::{Rule, Severity};
use place::{flow, location, related};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Key of our fingerprint; a number because the way it is computed may have to change.
const FINGERPRINT: &str = "wipeproof/v2";

pub(super) fn write(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut fired: BTreeMap<&str, &Finding> = BTreeMap::new();
    for finding in &report.findings {
        fired.entry(&finding.rule).or_insert(finding);
    }
    let index: BTreeMap<&str, usize> = fired.keys().enumerate().map(|(i, id)| (*id, i)).collect();
    let rules: Vec<Value> = fired.values().map(|f| descriptor(f, context.rules.find(&f.rule))).collect();
    let results: Vec<Value> =
        report.findings.iter().map(|f| result(f, index.get(f.rule.as_str()).copied().unwrap_or_default())).collect();
    let failed = report.notes.iter().any(|n| n.kind == NoteKind::Failed);
    let verdicts: Vec<Value> =
        report.targets.iter().map(|t| json!({"target": t.id, "verdict": t.verdict, "because": t.because})).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "properties": {"ruleSet": report.tool.rules},
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": !failed,
                "toolExecutionNotifications": report.notes.iter().map(notification).collect::<Vec<_>>(),
            }],
            "results": results,
            "properties": {"verdict": report.verdict, "targets": verdicts, "input": report.input},
        }],
    });
    escape::pretty(&log, out)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
        Severity::Off => "none",
    }
}

/// `message.text` must not be empty.
fn message(text: &str) -> Value {
    json!({"text": if text.trim().is_empty() { "(no text)" } else { text }})
}

fn descriptor(finding: &Finding, rule: Option<&Rule>) -> Value {
    let Some(rule) = rule else {
        return json!({
            "id": finding.rule,
            "name": finding.name,
            "shortDescription": message(&finding.name),
            "fullDescription": message(&finding.name),
            "help": message(&finding.help),
            "defaultConfiguration": {"level": level(finding.severity)},
        });
    };
    let (why, then, now) = (rule.why.trim(), rule.then.trim(), rule.now.trim());
    let theme: &str = rule.theme.into();
    let mut read_more = String::new();
    for reference in &rule.references {
        read_more.push_str(&format!("\n- {reference}"));
    }
    let mut descriptor = json!({
        "id": rule.id,
        "name": rule.name,
        "shortDescription": message(&rule.title),
        "fullDescription": message(why),
        "help": {
            "text": format!("{why}\n\nInstead, then: {then}\n\nInstead, now: {now}\n{read_more}"),
            "markdown": format!("{why}\n\n**Instead, then:** {then}\n\n**Instead, now:** {now}\n{read_more}"),
        },
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {
            "tags": ["statelessness", theme],
            "precision": "high",
            "problem.severity": if rule.severity == Severity::Error { "error" } else { "warning" },
        },
    });
    if let (Some(url), Value::Object(object)) = (link::rule_url(rule), &mut descriptor) {
        object.insert("helpUri".to_owned(), url.into());
    }
    descriptor
}

fn result(finding: &Finding, rule_index: usize) -> Value {
    let effect = &finding.effect;
    let mut result = Map::new();
    let mut put = |key: &str, value: Value| result.insert(key.to_owned(), value);
    put("ruleId", finding.rule.as_str().into());
    put("ruleIndex", rule_index.into());
    put("level", level(finding.severity).into());
    put("message", message(&format!("{}\n\nInstead: {}", finding.message, finding.help)));
    put("locations", json!([location(&finding.artifact, &finding.site(), None)]));
    put("partialFingerprints", json!({ FINGERPRINT: finding.fingerprint }));
    // An empty list says that the result is not suppressed; without one a reader could not know (3.27.23).
    put("suppressions", finding.suppressed.iter().map(suppression).collect());
    let related = related(finding);
    if !related.is_empty() {
        put("relatedLocations", related.into());
    }
    if !finding.evidence.is_empty() {
        put("codeFlows", json!([flow(finding)]));
    }
    put(
        "properties",
        json!({
            "confidence": finding.confidence,
            "operation": effect.operation,
            "store": effect.store,
            "location": effect.location,
            "via": effect.via,
            "phase": effect.phase,
            "phaseEvidence": effect.phase_evidence,
            "when": words::when(effect.phase),
            "outcomes": finding.outcomes,
            "severities": finding.severities,
        }),
    );
    Value::Object(result)
}

fn suppression(suppression: &Suppression) -> Value {
    let kind = match suppression.kind {
        SuppressionKind::Inline => "inSource",
        SuppressionKind::Configuration | SuppressionKind::Baseline => "external",
    };
    json!({
        "kind": kind,
        "status": "accepted",
        "justification": suppression.reason,
        "properties": {"by": suppression.kind, "owner": suppression.owner, "expires": suppression.expires},
    })
}

fn notification(note: &ArtifactNote) -> Value {
    let level = match note.kind {
        NoteKind::Failed => "error",
        NoteKind::Info | NoteKind::Missing => "note",
        _ => "warning",
    };
    json!({
        "level": level,
        "descriptor": {"id": note.kind},
        "message": message(&note.text),
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": link::uri(&note.artifact)}}}],
    })
}
