//! Earlier reports to compare with: our JSON, and SARIF as far as it tells the same.

use super::baseline::{BaselineError, EARLIER_FINGERPRINT, HELP, of_sarif_uri};
use super::{
    EffectSummary, Finding, Report, SARIF_FINGERPRINT, Stats, Suppression, SuppressionKind, TargetVerdict, Tool,
};
use crate::document;
use crate::facts::{Certainty, Operation, Origin, Phase, Site, Store};
use crate::rules::Severity;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

impl Report {
    /// Reads an earlier report: JSON, or SARIF, which has no inventory.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no report.
    pub fn load(path: &Path) -> Result<Self, BaselineError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| BaselineError::NoReport { name: name.clone(), source })?;
        let text = document::decode(&name, bytes)?;
        let text = text.as_str();
        match serde_json::from_str::<Report>(text) {
            Ok(report) if report.schema == super::SCHEMA => Ok(report),
            Ok(_) => Err(BaselineError::Foreign { name }),
            Err(source) => {
                let log = document::parse_json::<Value>(&name, text).map_err(|e| Box::new(e.with_help(HELP)))?;
                of_sarif(&log).ok_or(BaselineError::NotAReport { name, source })
            }
        }
    }
}

/// A report from a SARIF log of ours: one that has our verdict.
fn of_sarif(log: &Value) -> Option<Report> {
    let run = log.pointer("/runs/0")?;
    let driver = run.pointer("/tool/driver")?;
    let verdict = read(run.pointer("/properties/verdict"))?;
    let findings: Vec<Finding> =
        run.get("results").and_then(Value::as_array).into_iter().flatten().filter_map(finding).collect();
    let target = |t: &Value| {
        let id = text(t, "/target")?;
        let on = |severity| findings.iter().filter(|f| f.is_active() && f.severity_on(Some(&id)) == severity).count();
        let (errors, warnings, notes) = (on(Severity::Error), on(Severity::Warning), on(Severity::Note));
        let (verdict, because) = (read(t.get("verdict"))?, text(t, "/because").unwrap_or_default());
        Some(TargetVerdict { name: id.clone(), id, verdict, because, errors, warnings, notes })
    };
    let targets = run.pointer("/properties/targets").and_then(Value::as_array);
    Some(Report {
        schema: super::SCHEMA.to_owned(),
        tool: Tool {
            name: text(driver, "/name")?,
            version: text(driver, "/version").unwrap_or_default(),
            rules: text(driver, "/properties/ruleSet").unwrap_or_default(),
        },
        input: text(run, "/properties/input").unwrap_or_default(),
        verdict,
        targets: targets.into_iter().flatten().filter_map(target).collect(),
        findings,
        possible: Vec::new(),
        inventory: Vec::new(),
        skipped: Vec::new(),
        notes: Vec::new(),
        baseline: None,
        stats: Stats::default(),
    })
}

fn finding(result: &Value) -> Option<Finding> {
    let place = result.pointer("/locations/0/physicalLocation");
    let number = |pointer| place?.pointer(pointer)?.as_u64().and_then(|n| u32::try_from(n).ok());
    let severity = match result.get("level").and_then(Value::as_str) {
        Some("error") => Severity::Error,
        Some("note") => Severity::Note,
        Some("none") => Severity::Off,
        _ => Severity::Warning,
    };
    let message = text(result, "/message/text").unwrap_or_default();
    let (message, help) = message.split_once("\n\nInstead: ").unwrap_or((&message, ""));
    let property = |name| result.pointer("/properties").and_then(|all| all.get(name));
    let words = |name| property(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let suppressed = result.pointer("/suppressions/0").map(|s| Suppression {
        kind: read(s.pointer("/properties/by")).unwrap_or(SuppressionKind::Configuration),
        reason: text(s, "/justification").unwrap_or_default(),
        owner: text(s, "/properties/owner"),
        expires: text(s, "/properties/expires"),
    });
    Some(Finding {
        rule: text(result, "/ruleId")?,
        name: String::new(),
        theme: Default::default(),
        severity,
        confidence: read(property("confidence")).unwrap_or(Certainty::Likely),
        message: message.to_owned(),
        artifact: place.and_then(|p| text(p, "/artifactLocation/uri")).map(|uri| of_sarif_uri(&uri))?,
        sites: vec![Site {
            line: number("/region/startLine"),
            column: number("/region/startColumn"),
            ..Site::default()
        }],
        effect: EffectSummary {
            operation: read(property("operation")).unwrap_or(Operation::Write),
            store: read(property("store")).unwrap_or(Store::File),
            location: words("location"),
            phase: read(property("phase")).unwrap_or(Phase::Unknown),
            phase_evidence: words("phaseEvidence"),
            origin: Origin::Unknown,
            via: words("via"),
            traits: Vec::new(),
        },
        outcomes: read(property("outcomes")).unwrap_or_default(),
        evidence: Vec::new(),
        help: help.to_owned(),
        locations: Vec::new(),
        fingerprint: print_of(result.get("partialFingerprints")?)?,
        suppressed,
        severities: read(property("severities")).unwrap_or_default(),
    })
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

fn read<T: DeserializeOwned>(value: Option<&Value>) -> Option<T> {
    value.and_then(|v| T::deserialize(v).ok())
}

/// A fingerprint of this version or of the one before.
fn print_of(prints: &Value) -> Option<String> {
    prints.get(SARIF_FINGERPRINT).or_else(|| prints.get(EARLIER_FINGERPRINT))?.as_str().map(str::to_owned)
}
