//! What a team decided about findings: levels, allowances, what is shown.

use super::{Finding, Suppression, SuppressionKind};
use crate::discover::Application;
use crate::facts::NoteKind;
use crate::rules::{RuleSet, Severity, wildcard};
use crate::settings::{Date, Settings};
use globset::{Glob, GlobSet, GlobSetBuilder};
use std::collections::BTreeMap;

/// A decision that names something that does not exist.
#[derive(Debug, thiserror::Error, miette::Diagnostic, PartialEq, Eq)]
pub enum PolicyError {
    /// A rule that does not exist.
    #[error("there is no rule {rule:?}, named in {place}")]
    UnknownRule {
        /// What was written.
        rule: String,
        /// Where.
        place: String,
        /// The next step.
        #[help]
        help: String,
    },
    /// A glob that is not one.
    #[error("{glob:?} in {place} is not a glob: {message}")]
    #[diagnostic(help("`*` matches within a folder, `**` across folders"))]
    BadGlob {
        /// What was written.
        glob: String,
        /// Where.
        place: String,
        /// What is wrong.
        message: String,
    },
}

struct Allowance {
    rule: String,
    paths: Option<GlobSet>,
    location: Option<String>,
    suppression: Suppression,
    expired: bool,
}

/// Decisions, ready to apply.
pub struct Policy {
    levels: BTreeMap<String, Severity>,
    overrides: Vec<(GlobSet, BTreeMap<String, Severity>)>,
    allowances: Vec<Allowance>,
}

impl Policy {
    /// Checks the decisions of a settings file against the rules.
    ///
    /// # Errors
    /// A rule that does not exist, a glob that is not one.
    pub fn new(settings: &Settings, rules: &RuleSet, today: Date) -> Result<Self, PolicyError> {
        let levels = resolve(&settings.rules, rules, "[rules]")?;
        let mut overrides = Vec::new();
        for o in &settings.overrides {
            overrides.push((globs(&o.paths, "[[overrides]]")?, resolve(&o.rules, rules, "[[overrides]]")?));
        }
        let mut allowances = Vec::new();
        for a in &settings.allow {
            allowances.push(Allowance {
                rule: rule_id(&a.rule, rules, "[[allow]]")?,
                paths: a.path.as_ref().map(|p| globs(std::slice::from_ref(p), "[[allow]]")).transpose()?,
                location: a.location.clone(),
                suppression: Suppression {
                    kind: SuppressionKind::Configuration,
                    reason: a.reason.clone(),
                    owner: a.owner.clone(),
                    expires: a.expires.map(|d| d.to_string()),
                },
                expired: a.expires.is_some_and(|d| d < today),
            });
        }
        Ok(Policy { levels, overrides, allowances })
    }

    /// Sets severities and marks accepted findings. Returns what to tell about the decisions themselves: allowances
    /// that have expired or that accept nothing.
    pub fn apply(&self, findings: &mut Vec<Finding>, app: &Application) -> Vec<(NoteKind, String)> {
        let mut used = vec![false; self.allowances.len()];
        for finding in findings.iter_mut() {
            let name = app.name_of(&finding.artifact);
            if let Some(level) = self.level(&finding.rule, name) {
                finding.severity = level;
                finding.severities.values_mut().filter(|s| **s != Severity::Off).for_each(|s| *s = level);
            }
            for (allowance, used) in self.allowances.iter().zip(&mut used) {
                if allowance.covers(finding, name) {
                    *used = true;
                    if !allowance.expired {
                        finding.suppressed = Some(allowance.suppression.clone());
                    }
                }
            }
        }
        findings.retain(|f| f.severity != Severity::Off);
        let told = self.allowances.iter().zip(used).filter_map(|(a, used)| {
            let text = match (a.expired, used) {
                (true, _) => format!("the allowance of {} has expired: {}", a.rule, a.suppression.reason),
                (false, false) => {
                    format!("the allowance of {} accepts nothing any more: {}", a.rule, a.suppression.reason)
                }
                (false, true) => return None,
            };
            Some((NoteKind::Info, text))
        });
        told.collect()
    }

    fn level(&self, rule: &str, name: &str) -> Option<Severity> {
        let by_path = self
            .overrides
            .iter()
            .rev()
            .find_map(|(globs, levels)| globs.is_match(name).then(|| levels.get(rule)).flatten());
        by_path.or_else(|| self.levels.get(rule)).copied()
    }
}

impl Allowance {
    fn covers(&self, finding: &Finding, name: &str) -> bool {
        self.rule == finding.rule
            && self.paths.as_ref().is_none_or(|p| p.is_match(name))
            && self.location.as_ref().is_none_or(|l| wildcard(l, &finding.effect.location))
    }
}

fn resolve(
    levels: &BTreeMap<String, Severity>,
    rules: &RuleSet,
    place: &str,
) -> Result<BTreeMap<String, Severity>, PolicyError> {
    levels.iter().map(|(rule, level)| Ok((rule_id(rule, rules, place)?, *level))).collect()
}

fn rule_id(rule: &str, rules: &RuleSet, place: &str) -> Result<String, PolicyError> {
    match rules.find(rule) {
        Some(found) => Ok(found.id.clone()),
        None => Err(PolicyError::UnknownRule {
            rule: rule.to_owned(),
            place: place.to_owned(),
            help: match rules.nearest_rule(rule) {
                Some(near) => format!("did you mean `{near}`? `wipeproof rules` lists them all"),
                None => "`wipeproof rules` lists them all".to_owned(),
            },
        }),
    }
}

/// Compiles globs of artifacts.
///
/// # Errors
/// The first that is not a glob.
pub fn globs(patterns: &[String], place: &str) -> Result<GlobSet, PolicyError> {
    let bad = |glob: &str, e: globset::Error| PolicyError::BadGlob {
        glob: glob.to_owned(),
        place: place.to_owned(),
        message: e.kind().to_string(),
    };
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        builder.add(Glob::new(pattern).map_err(|e| bad(pattern, e))?);
    }
    builder.build().map_err(|e| bad("", e))
}
