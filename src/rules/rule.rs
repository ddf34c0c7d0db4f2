//! A rule: what it matches, why it matters, what to do instead, and its own examples.

use super::target::Outcome;
use crate::document::{self, DocumentError};
use crate::facts::{Certainty, Operation, Origin, Phase, Place, Store, Trait};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much a finding weighs.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::EnumIter,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Severity {
    /// Not reported.
    Off,
    /// Belongs in the report, loses nothing by itself.
    Note,
    /// Loses something that can be done without, or fails under some condition.
    #[default]
    Warning,
    /// Loses primary data, identity or work.
    Error,
}

impl Severity {
    /// One level up; notes and what is off stay.
    #[must_use]
    pub fn raised(self) -> Self {
        if self == Severity::Warning { Severity::Error } else { self }
    }

    /// One level down, but not off.
    #[must_use]
    pub fn lowered(self) -> Self {
        match self {
            Severity::Error => Severity::Warning,
            Severity::Warning => Severity::Note,
            other => other,
        }
    }
}

/// What part of an application a remedy belongs to; the audit report sums effort by it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumIter,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Theme {
    /// The scan itself.
    Scan,
    /// Documents and data files.
    #[default]
    Files,
    /// Settings in the registry and in files.
    Settings,
    /// Databases.
    Databases,
    /// Sessions, caches, state in memory.
    Sessions,
    /// Keys, certificates, secrets.
    Keys,
    /// Queues, mail, jobs.
    Queues,
    /// Logs and audit trails.
    Logs,
    /// Services, tasks, machine configuration.
    Machine,
    /// Instance counts and deployment.
    Topology,
}

/// What an effect must be for a rule to speak. An empty list allows everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Condition {
    /// Kinds of store.
    #[serde(default)]
    pub store: Vec<Store>,
    /// Operations.
    #[serde(default)]
    pub operation: Vec<Operation>,
    /// Places.
    #[serde(default)]
    pub place: Vec<Place>,
    /// Wildcards over the location.
    #[serde(default)]
    pub location: Vec<String>,
    /// Engines of databases, which are named behind the API, as in `ADODB (jet)`, where the name of the file does not tell
    /// them. One that is named decides, and not the location.
    #[serde(default)]
    pub engine: Vec<String>,
    /// Wildcards over the location that exclude.
    #[serde(default)]
    pub not_location: Vec<String>,
    /// Wildcards over the API, command or key.
    #[serde(default)]
    pub via: Vec<String>,
    /// Wildcards over the API, command or key that exclude.
    #[serde(default)]
    pub not_via: Vec<String>,
    /// Wildcards over the API that exclude where it makes the whole anew, so that nothing is collected.
    #[serde(default)]
    pub not_made_by: Vec<String>,
    /// Origins.
    #[serde(default)]
    pub origin: Vec<Origin>,
    /// Phases.
    #[serde(default)]
    pub phase: Vec<Phase>,
    /// Traits, all of which must be there.
    #[serde(default)]
    pub traits: Vec<Trait>,
    /// Traits, none of which may be there.
    #[serde(default)]
    pub not_traits: Vec<Trait>,
    /// Only what a marker keeps from being done again.
    #[serde(default)]
    pub guarded: bool,
}

/// How a phase changes the judgement of one rule, against what usually holds for the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseJudgement {
    /// Severity in this phase.
    pub severity: Severity,
    /// What happens to it, when that is not what the volume says.
    #[serde(default)]
    pub outcome: Option<Outcome>,
}

/// A rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// `WP201`; never reused.
    pub id: String,
    /// `registry-write-at-run-time`.
    pub name: String,
    /// Version that brought it.
    pub since: String,
    /// Severity of a loss while the application runs.
    pub severity: Severity,
    /// Least certainty at which the rule speaks by default.
    #[serde(default = "Rule::default_certainty")]
    pub certainty: Certainty,
    /// Part of the application.
    pub theme: Theme,
    /// One line, no full stop: `registry value written at run time`.
    pub title: String,
    /// Why it matters: a paragraph.
    pub why: String,
    /// What to do instead on the platforms of 2011.
    pub then: String,
    /// What to do instead today.
    pub now: String,
    /// Where to check the facts.
    #[serde(default)]
    pub references: Vec<String>,
    /// What it matches.
    #[serde(rename = "match")]
    pub condition: Condition,
    /// Exceptions by phase.
    #[serde(default)]
    pub phases: BTreeMap<Phase, PhaseJudgement>,
    /// The rule holds whatever the volume: a finding even where the location survives.
    #[serde(default)]
    pub always: bool,
    /// Fact listings that must give a finding of this rule.
    #[serde(default)]
    pub must_match: Vec<String>,
    /// Fact listings that must not.
    #[serde(default)]
    pub must_not_match: Vec<String>,
}

impl Rule {
    fn default_certainty() -> Certainty {
        Certainty::Likely
    }

    /// Reads a rule and checks what types cannot.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(name: &str, text: &str) -> Result<Rule, Box<DocumentError>> {
        let rule: Rule = document::parse(name, text)?;
        let at = |key: &str, message: &str| {
            let start = text.find(&format!("\n{key}")).map_or(0, |i| i + 1);
            let end = text[start..].find('\n').map_or(text.len(), |i| start + i);
            Err(Box::new(DocumentError::new(name, text, start..end, message)))
        };
        let id_ok = rule.id.len() >= 4
            && rule.id.starts_with(|c: char| c.is_ascii_uppercase())
            && rule.id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if !id_ok {
            return at("id", "an id is capital letters and digits, such as WP201");
        }
        let name_ok = rule.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !name_ok || !rule.name.contains('-') {
            return at("name", "a name is lower-case words joined by hyphens");
        }
        if rule.title.ends_with('.') {
            return at("title", "a title has no full stop");
        }
        if rule.must_match.is_empty() || rule.must_not_match.is_empty() {
            return at("id", "a rule needs at least one must-match and one must-not-match example");
        }
        Ok(rule)
    }

    /// The page that explains it, relative to the documentation.
    pub fn help_anchor(&self) -> String {
        format!("docs/rules.md#{}", self.id.to_lowercase())
    }
}
