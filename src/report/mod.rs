//! The report: everything a scan has to say, in one total order, before any format.
//!
//! The types here are the JSON contract (`wipeproof-report/1`); reporters only render them. Nothing in a report
//! depends on time, threads or the machine, so two scans of one input are byte-identical.

mod again;
mod allowances;
mod assemble;
mod baseline;
mod earlier;
mod inventory;
mod policy;
pub mod rank;
mod unread;
mod verdict;

pub use again::{Again, Kept};
pub use assemble::{Parts, assemble};
pub use baseline::{Baseline, BaselineEntry, BaselineError, BaselineSummary, SARIF_FINGERPRINT};
pub use policy::{Policy, PolicyError, check_environment, check_settings, globs, mistakes};

use crate::discover::Skipped;
use crate::facts::{Certainty, NoteKind, Operation, Origin, Phase, Site, Step, Store, Trait};
use crate::judge::{OutcomeAt, finding::unnamed};
use crate::rules::{Event, Outcome, Severity, Theme};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name and version of the JSON contract.
pub const SCHEMA: &str = "wipeproof-report/1";

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// Identifies what was read: BLAKE3 over names and contents, hexadecimal; empty in reports that did not have it.
    #[serde(default)]
    pub input: String,
    /// The platforms it judges for, each with a verdict, in the order they were asked for.
    pub targets: Vec<TargetVerdict>,
    /// The worst of the verdicts.
    pub verdict: Verdict,
    /// What is proven or likely, by artifact and place; suppressed ones are among them, marked.
    pub findings: Vec<Finding>,
    /// Capabilities without a located effect: shown with `--pedantic`, and in the appendix of an audit.
    pub possible: Vec<Finding>,
    /// Each location once, with all who write it.
    pub inventory: Vec<Entry>,
    /// What was not read, and why.
    pub skipped: Vec<Skipped>,
    /// What could not be seen in what was read.
    pub notes: Vec<ArtifactNote>,
    /// How it compares with the baseline, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineSummary>,
    /// Counts.
    pub stats: Stats,
}

/// The tool that made a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tool {
    /// `wipeproof`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Identifies the rule set.
    pub rules: String,
}

/// Is the application ready for a platform?
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Verdict {
    /// Nothing that matters would be lost.
    Ready,
    /// Something would be lost that the application can perhaps do without: read the warnings.
    ReadyWithConditions,
    /// Too little could be seen to say so.
    InsufficientData,
    /// Primary data, identity or work would be lost.
    NotReady,
}

impl Verdict {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Ready => "ready",
            Verdict::ReadyWithConditions => "ready with conditions",
            Verdict::InsufficientData => "insufficient data",
            Verdict::NotReady => "not ready",
        }
    }
}

/// The verdict for one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TargetVerdict {
    /// Target id.
    pub id: String,
    /// Target name.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What decides it, in a sentence.
    pub because: String,
    /// Unsuppressed findings by severity on this target.
    pub errors: usize,
    /// See [`TargetVerdict::errors`].
    pub warnings: usize,
    /// See [`TargetVerdict::errors`].
    pub notes: usize,
}

/// One thing to fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Finding {
    /// Rule id.
    pub rule: String,
    /// Rule name.
    pub name: String,
    /// Part of the application that its remedy belongs to.
    #[serde(default)]
    pub theme: Theme,
    /// Severity in force.
    pub severity: Severity,
    /// How certain.
    pub confidence: Certainty,
    /// A sentence.
    pub message: String,
    /// Path of the artifact.
    pub artifact: String,
    /// All places that do it, in order.
    pub sites: Vec<Site>,
    /// What is done.
    pub effect: EffectSummary,
    /// The locations that one with a hole stands for, when several members of one tree are one finding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<String>,
    /// What becomes of it, per target and event.
    pub outcomes: Vec<OutcomeAt>,
    /// From the entry to the value.
    pub evidence: Vec<Step>,
    /// What to do instead.
    pub help: String,
    /// Identifies the finding across rebuilds: no line, offset, absolute path or version goes into it.
    pub fingerprint: String,
    /// Why it does not count, if it was accepted.
    pub suppressed: Option<Suppression>,
    /// Severity per target.
    pub severities: BTreeMap<String, Severity>,
}

impl Finding {
    /// Not accepted by anybody.
    pub fn is_active(&self) -> bool {
        self.suppressed.is_none()
    }

    /// Severity on one target, or the highest over all.
    pub fn severity_on(&self, target: Option<&str>) -> Severity {
        match target {
            Some(id) => self.severities.get(id).copied().unwrap_or(Severity::Off),
            None => self.severity,
        }
    }

    /// Where, in words: the location, or what names it when that is not known.
    pub fn place(&self) -> String {
        if let ([first, second, rest @ ..], Store::Session | Store::Memory) =
            (self.locations.as_slice(), self.effect.store)
        {
            // The tree that holds them says nothing.
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            return format!("{first}, {second}{more}");
        }
        match self.effect.has_known_place() {
            true => self.effect.location.clone(),
            false => unnamed(self.effect.store, &self.effect.via, &crate::facts::Text::parse(&self.effect.location)),
        }
    }

    /// The first place.
    pub fn site(&self) -> Site {
        self.sites.first().cloned().unwrap_or_default()
    }
}

/// The effect behind a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EffectSummary {
    /// What is done.
    pub operation: Operation,
    /// To what kind of store.
    pub store: Store,
    /// Where, normalised; holes are in braces.
    pub location: String,
    /// When.
    pub phase: Phase,
    /// How that is known.
    pub phase_evidence: String,
    /// Where the value comes from.
    pub origin: Origin,
    /// API, command or key.
    pub via: String,
    /// Properties that changed the judgement.
    pub traits: Vec<Trait>,
}

impl EffectSummary {
    /// Some part of the location has a name: a literal, a folder or a setting, not only a parameter or an input.
    pub fn has_known_place(&self) -> bool {
        let named = |hole: &str| {
            let (kind, name) = hole.split_once(':').unwrap_or((hole, ""));
            hole != "?" && (name.is_empty() || matches!(kind, "config" | "env"))
        };
        self.location.split('{').enumerate().any(|(index, piece)| {
            let (hole, text) = if index == 0 { ("?", piece) } else { piece.split_once('}').unwrap_or(("?", piece)) };
            named(hole) || text.chars().any(char::is_alphanumeric)
        })
    }
}

/// Who accepted a finding, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Suppression {
    /// Where it was accepted.
    pub kind: SuppressionKind,
    /// Why.
    pub reason: String,
    /// Who.
    pub owner: Option<String>,
    /// Until when, `2027-03-31`.
    pub expires: Option<String>,
}

/// Where a finding was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum SuppressionKind {
    /// In `wipeproof.toml`.
    Configuration,
    /// In a comment beside it.
    Inline,
    /// In a baseline.
    Baseline,
}

/// One location with all who write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Entry {
    /// Where, normalised.
    pub location: String,
    /// What kind of store.
    pub store: Store,
    /// Who writes it.
    pub writers: Vec<Writer>,
    /// Volume class and fate per target.
    pub fates: BTreeMap<String, EntryFate>,
    /// Highest severity of the findings about it; `off` when there is none.
    pub severity: Severity,
    /// Rule that speaks for it.
    pub rule: Option<String>,
    /// What to do instead.
    pub help: Option<String>,
}

/// Who writes a location.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Writer {
    /// Path of the artifact.
    pub artifact: String,
    /// What it does.
    pub operation: Operation,
    /// With what.
    pub via: String,
    /// When.
    pub phase: Phase,
    /// How certain.
    pub confidence: Certainty,
    /// Where in the artifact, short.
    pub site: String,
}

/// What becomes of a location on one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EntryFate {
    /// Volume class.
    pub volume: String,
    /// Worst outcome.
    pub outcome: Outcome,
    /// In words.
    pub words: String,
    /// Outcome at each event that can happen to it.
    #[serde(default)]
    pub events: BTreeMap<Event, Outcome>,
    /// Highest severity of the findings about it on this target; `off` when there is none.
    #[serde(default = "EntryFate::no_finding")]
    pub severity: Severity,
}

impl EntryFate {
    fn no_finding() -> Severity {
        Severity::Off
    }
}

/// A note, and whose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ArtifactNote {
    /// Path of the artifact.
    pub artifact: String,
    /// Why it is there.
    pub kind: NoteKind,
    /// In words.
    pub text: String,
}

/// Counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Stats {
    /// Artifacts read.
    pub artifacts: usize,
    /// By format.
    pub formats: BTreeMap<String, usize>,
    /// Facts.
    pub facts: usize,
    /// Artifacts of third parties and frameworks, read but not reported.
    pub third_party: usize,
    /// Files skipped.
    pub skipped: usize,
    /// Unsuppressed findings by severity.
    pub findings: BTreeMap<Severity, usize>,
    /// Suppressed findings.
    pub suppressed: usize,
}

impl Report {
    /// As bytes, for [`Report::unpack`] in the same version of the tool.
    pub fn pack(&self) -> Option<Vec<u8>> {
        rmp_serde::to_vec_named(self).ok()
    }

    /// From the bytes of [`Report::pack`].
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        rmp_serde::from_slice(bytes).ok()
    }

    /// Unsuppressed findings at or above a severity.
    pub fn count_at_least(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.is_active() && f.severity >= severity).count()
    }

    /// Some artifact could not be read, or not whole.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete().next().is_some()
    }

    /// Why: what could not be read, or not whole.
    pub fn incomplete(&self) -> impl Iterator<Item = &ArtifactNote> {
        use NoteKind::{Capped, Failed, Malformed, Unreadable};
        self.notes.iter().filter(|n| matches!(n.kind, Failed | Unreadable | Malformed | Capped))
    }

    /// Nothing was read at all.
    pub fn is_empty(&self) -> bool {
        self.stats.artifacts == 0
    }
}
