//! What a team decided about findings: levels, and what it accepts.

use super::allowances::{self, Allowance};
use super::{Baseline, BaselineSummary, Finding};
use crate::discover::Application;
use crate::document::{self, DocumentError, Word};
use crate::facts::{Certainty, Reading, Site};
use crate::rules::{RuleSet, Severity, Target, UnknownTarget};
use crate::settings::{Date, Settings, glob};
use globset::{GlobSet, GlobSetBuilder};
use std::collections::{BTreeMap, BTreeSet};

/// A decision that names something that does not exist.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
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
    /// A platform that nobody described.
    #[error(transparent)]
    #[diagnostic(transparent)]
    UnknownTarget(UnknownTarget),
    /// An environment that nothing is configured for.
    #[error("nothing is configured for the environment {name:?}")]
    UnknownEnvironment {
        /// What was written.
        name: String,
        /// The next step.
        #[help]
        help: String,
    },
    /// One of these, with its place in the settings file.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Located(Box<DocumentError>),
}

impl PolicyError {
    /// The same with a caret, if the settings come from a file that says it.
    fn located(self, settings: &Settings) -> Self {
        let (key, wrong) = match &self {
            PolicyError::UnknownRule { rule, place, .. } => (place.trim_matches(['[', ']']), rule.as_str()),
            PolicyError::BadGlob { glob, place, .. } => (place.trim_matches(['[', ']']), glob.as_str()),
            PolicyError::UnknownTarget(unknown) => ("targets", unknown.name()),
            PolicyError::UnknownEnvironment { name, .. } => ("environment", name.as_str()),
            PolicyError::Located(_) => return self,
        };
        let help = miette::Diagnostic::help(&self).map(|h| h.to_string());
        let meant = |word: &Word| word.is_below(key) && word.text == wrong;
        match settings.refuse(meant, &self.to_string(), help.as_deref()) {
            Some(error) => PolicyError::Located(error),
            None => self,
        }
    }
}

/// Checks all that settings say against what there is: rules, platforms, globs.
///
/// # Errors
/// What does not exist or is no glob: on the command line the first, in the file all of them with their places.
pub fn check_settings(settings: &Settings, rules: &RuleSet) -> Result<(), PolicyError> {
    let mut in_file = Vec::new();
    for problem in problems(settings, rules) {
        match problem.located(settings) {
            PolicyError::Located(error) => in_file.push(*error),
            elsewhere => return Err(elsewhere),
        }
    }
    DocumentError::together(in_file).map_or(Ok(()), |error| Err(PolicyError::Located(error)))
}

/// What a settings file names that does not exist or is no glob, each with its place.
pub fn mistakes(settings: &Settings, rules: &RuleSet) -> Vec<DocumentError> {
    let located = |problem: PolicyError| match problem.located(settings) {
        PolicyError::Located(error) => Some(*error),
        _ => None,
    };
    problems(settings, rules).into_iter().filter_map(located).collect()
}

fn problems(settings: &Settings, rules: &RuleSet) -> Vec<PolicyError> {
    let Settings { targets, exclude, third_party, phases, rules: levels, overrides, allow, .. } = settings;
    let targets = targets.iter().filter_map(|t| rules.choose_targets(std::slice::from_ref(t)).err());
    let of_overrides = overrides.iter().flat_map(|o| &o.paths).map(|glob| (glob, "[[overrides]]"));
    let all_globs = (exclude.iter().map(|glob| (glob, "exclude")))
        .chain(third_party.paths.iter().map(|glob| (glob, "[third-party]")))
        .chain(phases.values().flatten().map(|glob| (glob, "[phases]")))
        .chain(of_overrides)
        .chain(allow.iter().filter_map(|a| Some((a.path.as_ref()?, "[[allow]]"))));
    let all_rules = (levels.keys().map(|rule| (rule, "[rules]")))
        .chain(overrides.iter().flat_map(|o| o.rules.keys()).map(|rule| (rule, "[[overrides]]")))
        .chain(allow.iter().map(|a| (&a.rule, "[[allow]]")));
    let no_globs = all_globs.filter_map(|(glob, place)| globs(std::slice::from_ref(glob), place).err());
    let no_rules = all_rules.filter_map(|(rule, place)| rule_id(rule, rules, place).err());
    targets.map(PolicyError::UnknownTarget).chain(no_globs).chain(no_rules).collect()
}

/// Names of environments that need no file of their own: those of ASP.NET Core, of builds and of cloud services.
const USUAL_ENVIRONMENTS: [&str; 7] = ["Production", "Staging", "Development", "Release", "Debug", "Cloud", "Local"];

/// Checks the environment that is judged against those that the application is configured for.
///
/// # Errors
/// A name of its own kind that nothing is configured for: most likely it is misspelt, and what is configured for the one
/// that is meant would be left out.
pub fn check_environment(settings: &Settings, known: &BTreeSet<&str>) -> Result<(), PolicyError> {
    let Some(wanted) = &settings.environment else { return Ok(()) };
    let is_wanted = |name: &&str| name.eq_ignore_ascii_case(wanted);
    if known.iter().copied().chain(USUAL_ENVIRONMENTS).any(|name| is_wanted(&name)) {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().copied().collect();
    let near = document::nearest(wanted, known.iter().copied().chain(USUAL_ENVIRONMENTS));
    let near = near.map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
    let names = if names.is_empty() { "no environment in particular".to_owned() } else { names.join(", ") };
    let help = format!("{near}The application has configuration for: {names}");
    Err(PolicyError::UnknownEnvironment { name: wanted.clone(), help }.located(settings))
}

/// Decisions, ready to apply.
pub struct Policy {
    levels: BTreeMap<String, Severity>,
    overrides: Vec<(GlobSet, BTreeMap<String, Severity>)>,
    allowances: Vec<Allowance>,
    baseline: Option<Baseline>,
    suppress: bool,
    is_whole: bool,
    today: Date,
}

/// What the application of a policy has to know.
pub(super) struct Scope<'a> {
    pub(super) readings: &'a [Reading],
    pub(super) rules: &'a RuleSet,
    pub(super) targets: &'a [&'a Target],
    pub(super) app: &'a Application,
    /// All that the settings are about was read: what no file answers to is gone, not out of sight.
    pub(super) is_whole: bool,
}

impl Policy {
    /// Checks the decisions of a settings file against the rules.
    ///
    /// # Errors
    /// A rule that does not exist, a glob that is not one.
    pub fn new(settings: &Settings, rules: &RuleSet, today: Date) -> Result<Self, PolicyError> {
        Self::checked(settings, rules, today).map_err(|e| e.located(settings))
    }

    fn checked(settings: &Settings, rules: &RuleSet, today: Date) -> Result<Self, PolicyError> {
        let levels = resolve(&settings.rules, rules, "[rules]")?;
        let mut overrides = Vec::new();
        for o in &settings.overrides {
            overrides.push((globs(&o.paths, "[[overrides]]")?, resolve(&o.rules, rules, "[[overrides]]")?));
        }
        let allowances = allowances::of_settings(settings, rules, today)?;
        Ok(Policy { levels, overrides, allowances, baseline: None, suppress: true, is_whole: false, today })
    }

    /// Findings that an earlier scan knows do not count.
    #[must_use]
    pub fn with_baseline(mut self, baseline: Option<Baseline>) -> Self {
        self.baseline = baseline;
        self
    }

    /// Whether anything is accepted at all.
    #[must_use]
    pub fn suppressing(mut self, suppress: bool) -> Self {
        self.suppress = suppress;
        self
    }

    /// Whether all that the settings are about is scanned: an allowance of a file that is not there is of no use then.
    #[must_use]
    pub fn of_the_whole(mut self, is_whole: bool) -> Self {
        self.is_whole = is_whole;
        self
    }

    /// What the policy is applied to.
    pub(super) fn scope<'a>(
        &self,
        readings: &'a [Reading],
        rules: &'a RuleSet,
        targets: &'a [&'a Target],
        app: &'a Application,
    ) -> Scope<'a> {
        Scope { readings, rules, targets, app, is_whole: self.is_whole }
    }

    /// Applies all decisions: what is found, and what is merely possible, in the order of the report, and how it compares
    /// with the baseline.
    pub(super) fn decide(
        &self,
        mut all: Vec<Finding>,
        scope: &Scope<'_>,
        pedantic: bool,
    ) -> (Vec<Finding>, Vec<Finding>, Option<BaselineSummary>) {
        self.apply(&mut all, scope);
        all.sort_by(|a, b| order(a).cmp(&order(b)));
        let least = |f: &Finding| scope.rules.find(&f.rule).map_or(Certainty::Likely, |r| r.certainty);
        let (mut findings, mut possible): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|f| pedantic || f.confidence >= least(f));
        let baseline = self.compare(&mut findings, &mut possible, scope);
        (findings, possible, baseline)
    }

    /// Sets severities, marks accepted findings, and adds findings about the acceptances themselves.
    fn apply(&self, findings: &mut Vec<Finding>, scope: &Scope<'_>) {
        if self.suppress {
            let inline = allowances::of_readings(scope.readings, scope.rules, self.today);
            let all: Vec<&Allowance> = self.allowances.iter().chain(&inline.allowances).collect();
            let mut problems = allowances::apply(&all, findings, scope);
            problems.extend(inline.problems);
            findings.extend(problems.iter().filter_map(|p| p.finding(scope)));
        }
        for finding in findings.iter_mut() {
            if let Some(level) = self.level(&finding.rule, scope.app.name_of(&finding.artifact)) {
                raise_or_lower(finding, level);
            }
        }
        findings.retain(|f| f.severity != Severity::Off);
    }

    /// Marks what the baseline knows, and returns how the findings compare with it.
    fn compare(
        &self,
        findings: &mut [Finding],
        possible: &mut [Finding],
        scope: &Scope<'_>,
    ) -> Option<BaselineSummary> {
        let baseline = self.baseline.as_ref().filter(|_| self.suppress)?;
        Some(baseline.apply(findings, possible, scope))
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

/// Total: the fingerprint is unique within artifact and rule.
fn order(f: &Finding) -> (&str, Option<&Site>, &str, &str, &str) {
    (&f.artifact, f.sites.first(), &f.rule, &f.effect.location, &f.fingerprint)
}

/// Puts a level in force. What is harmless here, because it is baked in or made again at every start, stays at most
/// a note: a level says how much a loss weighs, not that there is one.
fn raise_or_lower(finding: &mut Finding, level: Severity) {
    let harmless: Vec<String> = finding
        .severities
        .keys()
        .filter(|target| {
            let on_target: Vec<_> = finding.outcomes.iter().filter(|o| o.target == **target).collect();
            !on_target.is_empty() && on_target.iter().all(|o| o.outcome == crate::rules::Outcome::Survives)
        })
        .cloned()
        .collect();
    for (target, severity) in finding.severities.iter_mut().filter(|(_, s)| **s != Severity::Off) {
        *severity = if harmless.contains(target) { level.min(Severity::Note) } else { level };
    }
    let all_harmless = !harmless.is_empty() && harmless.len() == finding.severities.len();
    finding.severity = if all_harmless { level.min(Severity::Note) } else { level };
}

fn resolve(
    levels: &BTreeMap<String, Severity>,
    rules: &RuleSet,
    place: &str,
) -> Result<BTreeMap<String, Severity>, PolicyError> {
    levels.iter().map(|(rule, level)| Ok((rule_id(rule, rules, place)?, *level))).collect()
}

pub(super) fn rule_id(rule: &str, rules: &RuleSet, place: &str) -> Result<String, PolicyError> {
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
        builder.add(glob(pattern).map_err(|e| bad(pattern, e))?);
    }
    builder.build().map_err(|e| bad("", e))
}
