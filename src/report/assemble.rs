//! From judged effects to a report.

use super::{
    ArtifactNote, EffectSummary, Finding, Policy, Report, SCHEMA, Stats, Tool, Verdict, inventory::inventory,
    unread::Gaps, verdict::verdict,
};
use crate::discover::{Application, Skipped};
use crate::facts::{Owner, Reading};
use crate::judge::{self, Judged};
use crate::rules::{RuleSet, Severity, Target};

/// What a report is made of.
pub struct Parts<'a> {
    /// Linked readings.
    pub readings: &'a [Reading],
    /// Every effect, judged.
    pub judged: &'a [Judged<'a>],
    /// What was not read.
    pub skipped: Vec<Skipped>,
    /// Identifies what was read.
    pub input: String,
    /// The rules.
    pub rules: &'a RuleSet,
    /// The targets.
    pub targets: &'a [&'a Target],
    /// The team's decisions.
    pub policy: &'a Policy,
    /// Count capabilities as findings.
    pub pedantic: bool,
    /// The files of the application.
    pub app: &'a Application,
}

/// Assembles the report and puts everything into its one order.
pub fn assemble(parts: Parts<'_>) -> Report {
    let found = judge::finding::findings(parts.judged, parts.targets, parts.rules, |path| parts.app.stable_name(path));
    let all: Vec<Finding> = found.into_iter().map(into_wire).collect();
    let mut notes = collect_notes(parts.readings);
    notes.sort();
    let scope = parts.policy.scope(parts.readings, parts.rules, parts.targets, parts.app);
    let (findings, possible, baseline) = parts.policy.decide(all, &scope, parts.pedantic);
    let gaps = Gaps::of(&parts.skipped, parts.readings);
    let of = |t: &&Target| verdict(t, &findings, &possible, &notes, parts.readings, &gaps, parts.targets);
    let targets: Vec<_> = parts.targets.iter().map(of).collect();
    let stats = stats(&parts, &findings);
    Report {
        schema: SCHEMA.to_owned(),
        tool: Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rules: parts.rules.hash().to_owned(),
        },
        input: parts.input,
        verdict: targets.iter().map(|t| t.verdict).max().unwrap_or(Verdict::InsufficientData),
        targets,
        stats,
        inventory: inventory(parts.judged, parts.targets, parts.rules, &findings),
        findings,
        possible,
        skipped: parts.skipped,
        notes,
        baseline,
    }
}

pub(super) fn into_wire(f: judge::Finding) -> Finding {
    Finding {
        rule: f.rule,
        name: f.name,
        theme: f.theme,
        severity: f.severity,
        confidence: f.confidence,
        message: f.message,
        artifact: f.artifact,
        sites: f.sites,
        effect: EffectSummary {
            operation: f.effect.operation,
            store: f.effect.store,
            location: f.effect.location.to_string(),
            phase: f.effect.phase,
            phase_evidence: f.effect.phase_evidence,
            origin: f.effect.origin,
            via: f.effect.via,
            traits: f.effect.traits,
        },
        outcomes: f.outcomes,
        evidence: f.evidence,
        help: f.help,
        locations: f.locations,
        fingerprint: f.fingerprint,
        suppressed: None,
        severities: f.severities.into_iter().collect(),
    }
}

fn collect_notes(readings: &[Reading]) -> Vec<ArtifactNote> {
    let of = |r: &Reading| {
        let artifact = r.artifact.clone();
        let notes: Vec<_> = r
            .notes
            .iter()
            .map(|n| ArtifactNote { artifact: artifact.clone(), kind: n.kind, text: n.text.clone() })
            .collect();
        notes
    };
    readings.iter().flat_map(of).collect()
}

fn stats(parts: &Parts<'_>, findings: &[Finding]) -> Stats {
    let mut stats = Stats {
        artifacts: parts.readings.len(),
        facts: parts.readings.iter().map(|r| r.facts.len()).sum(),
        third_party: parts.readings.iter().filter(|r| r.owner != Owner::Application).count(),
        skipped: parts.skipped.len(),
        suppressed: findings.iter().filter(|f| !f.is_active()).count(),
        ..Stats::default()
    };
    for reading in parts.readings {
        *stats.formats.entry(reading.format.clone()).or_default() += 1;
    }
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        stats.findings.insert(severity, 0);
    }
    for finding in findings.iter().filter(|f| f.is_active()) {
        *stats.findings.entry(finding.severity).or_default() += 1;
    }
    stats
}
