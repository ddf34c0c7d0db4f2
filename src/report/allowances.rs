//! Accepted findings: entries of the settings and comments in the artifacts, and what is wrong with them.
//!
//! An allowance that has expired, has no reason or names no rule does not hold; each of these, and one that covers
//! nothing, is a finding of its own.

use super::policy::{PolicyError, Scope, globs, rule_id};
use super::{EffectSummary, Finding, Suppression, SuppressionKind};
use crate::facts::{
    Certainty, ClueKind, Effect, Location, Operation, Origin, Phase, Place, Reading, Site, Store, Text,
};
use crate::rules::{RuleSet, wildcard};
use crate::settings::{Date, FILE_NAME, Settings, is_reason};
use globset::GlobSet;
use std::collections::BTreeSet;

/// A decision to accept findings.
pub(super) struct Allowance {
    rules: Vec<String>,
    covers: Covers,
    suppression: Suppression,
    holds: bool,
    /// Its last day is over.
    is_past: bool,
    artifact: String,
    site: Site,
}

enum Covers {
    /// Globs of artifacts, and a pattern of locations.
    Matching { paths: Option<GlobSet>, location: Option<String> },
    /// One artifact, or one line of it.
    Place { lines: Option<(u32, u32)> },
}

/// Something wrong with an allowance.
pub(super) struct Problem {
    /// `unused`, `expired`, `unreasoned`, `unknown-rule`, `malformed`: what the rules of series 0xx match.
    kind: &'static str,
    /// Rules as written.
    rules: String,
    detail: String,
    artifact: String,
    site: Site,
}

/// What the comments of all artifacts say.
#[derive(Default)]
pub(super) struct Inline {
    pub(super) allowances: Vec<Allowance>,
    pub(super) problems: Vec<Problem>,
}

pub(super) fn of_settings(settings: &Settings, rules: &RuleSet, today: Date) -> Result<Vec<Allowance>, PolicyError> {
    let (artifact, text) = match &settings.source {
        Some(source) => (source.name.as_str(), source.text.as_str()),
        None => (FILE_NAME, ""),
    };
    let lines = if settings.allow.is_empty() { Vec::new() } else { Settings::lines_of_allow(text) };
    let of = |(n, a): (usize, &crate::settings::Allow)| {
        Ok(Allowance {
            rules: vec![rule_id(&a.rule, rules, "[[allow]]")?],
            covers: Covers::Matching {
                paths: a.path.as_ref().map(|p| globs(std::slice::from_ref(p), "[[allow]]")).transpose()?,
                location: a.location.clone(),
            },
            suppression: Suppression {
                kind: SuppressionKind::Configuration,
                reason: a.reason.clone(),
                owner: a.owner.clone(),
                expires: a.expires.map(|d| d.to_string()),
            },
            holds: is_reason(&a.reason) && a.expires.is_none_or(|d| d >= today),
            is_past: a.expires.is_some_and(|d| d < today),
            artifact: artifact.to_owned(),
            site: Site::text(lines.get(n).copied().unwrap_or(1), 1),
        })
    };
    settings.allow.iter().enumerate().map(of).collect()
}

pub(super) fn of_readings(readings: &[Reading], rules: &RuleSet, today: Date) -> Inline {
    let mut inline = Inline::default();
    for reading in readings {
        for fact in &reading.facts {
            let Some(clue) = fact.as_clue().filter(|c| c.kind == ClueKind::Allow) else { continue };
            inline.add(reading, &fact.site, &clue.key, &clue.value, rules, today);
        }
    }
    inline
}

impl Inline {
    fn add(&mut self, reading: &Reading, site: &Site, key: &str, value: &str, rules: &RuleSet, today: Date) {
        let (written, covers) = key.split_once('@').unwrap_or((key, ""));
        let (reason, until) = split_until(value);
        let mut problem = |kind, rules: &str, detail: String| {
            self.problems.push(Problem {
                kind,
                rules: rules.to_owned(),
                detail,
                artifact: reading.artifact.clone(),
                site: site.clone(),
            });
        };
        if let Some(said) = key.strip_prefix(crate::read::MALFORMED) {
            problem("malformed", said, format!("write {value}(WP201) because of a reason"));
            return;
        }
        let mut known = Vec::new();
        for rule in written.split(',').filter(|r| !r.is_empty()) {
            match (rules.find(rule), rules.nearest_rule(rule)) {
                (Some(found), _) => known.push(found.id.clone()),
                (None, Some(near)) => problem("unknown-rule", rule, format!("did you mean {near}?")),
                (None, None) => problem("unknown-rule", rule, String::new()),
            }
        }
        if written.is_empty() {
            problem("unknown-rule", "()", "no rule is named".to_owned());
        }
        let reasoned = is_reason(reason);
        let (until, is_day) = match until {
            Some(Err(wrong)) => {
                problem("expired", written, format!("{wrong} is not a day such as 2027-01-31, so it does not hold"));
                (None, false)
            }
            Some(Ok(day)) => (Some(day), true),
            None => (None, true),
        };
        self.allowances.push(Allowance {
            rules: known,
            covers: Covers::Place { lines: line_range(covers) },
            suppression: Suppression {
                kind: SuppressionKind::Inline,
                reason: reason.to_owned(),
                owner: None,
                expires: until.map(|d| d.to_string()),
            },
            holds: reasoned && is_day && until.is_none_or(|d| d >= today),
            is_past: until.is_some_and(|d| d < today),
            artifact: reading.artifact.clone(),
            site: site.clone(),
        });
    }
}

/// `13`, `13-17`; anything else is the whole file.
fn line_range(covers: &str) -> Option<(u32, u32)> {
    let (first, last) = covers.split_once('-').unwrap_or((covers, covers));
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// `reason until 2027-01-31`; what was meant as a day and is none comes back as it was written.
fn split_until(value: &str) -> (&str, Option<Result<Date, &str>>) {
    match value.rsplit_once("until ").map(|(reason, day)| (reason, day.trim())) {
        Some((reason, day)) if is_meant(day) => {
            (reason.trim_end_matches([' ', ',', ';']), Some(Date::parse(day).ok_or(day)))
        }
        _ => (value, None),
    }
}

/// Is a day meant: numbers of a year at least, and months by name, and nothing else?
fn is_meant(day: &str) -> bool {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let is_number = |word: &str| word.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b'.' | b','));
    let is_month = |word: &str| MONTHS.iter().any(|m| word.get(..3).is_some_and(|w| w.eq_ignore_ascii_case(m)));
    let parts = day.split([' ', '-']).filter(|word| !word.is_empty());
    day.bytes().filter(u8::is_ascii_digit).count() >= 4 && parts.into_iter().all(|w| is_number(w) || is_month(w))
}

/// Marks what is accepted, and returns what is wrong with the allowances.
pub(super) fn apply(all: &[&Allowance], findings: &mut [Finding], scope: &Scope<'_>) -> Vec<Problem> {
    let mut used = vec![BTreeSet::new(); all.len()];
    for finding in findings.iter_mut() {
        let name = scope.app.name_of(&finding.artifact);
        let mut covered = vec![false; finding.sites.len().max(1)];
        for (allowance, used) in all.iter().zip(&mut used) {
            let Some(sites) = allowance.covered_sites(finding, name).filter(|sites| sites.contains(&true)) else {
                continue;
            };
            used.insert(finding.rule.clone());
            if allowance.holds {
                covered.iter_mut().zip(sites).for_each(|(c, s)| *c |= s);
                // One location is one thing to fix: it is accepted when every place that does it is.
                if covered.iter().all(|c| *c) && finding.suppressed.is_none() {
                    finding.suppressed = Some(allowance.suppression.clone());
                }
            }
        }
    }
    let mut problems = Vec::new();
    for (allowance, used) in all.iter().zip(used) {
        if !allowance.rules.is_empty() && !is_reason(&allowance.suppression.reason) {
            problems.push(allowance.problem("unreasoned", allowance.rules.join(", "), "it does not hold".to_owned()));
        }
        let expired = allowance.suppression.expires.as_ref().filter(|_| allowance.is_past);
        // Of several rules in one comment, those that accept nothing are of no use either.
        let unused: Vec<&str> = allowance.rules.iter().map(String::as_str).filter(|r| !used.contains(*r)).collect();
        let (kind, rules, detail) = match expired {
            Some(day) => (
                "expired",
                allowance.rules.join(", "),
                format!("it held until {day}: {}", allowance.suppression.reason),
            ),
            None if !unused.is_empty() && allowance.is_in_reach(scope) => {
                ("unused", unused.join(", "), allowance.suppression.reason.clone())
            }
            None => continue,
        };
        problems.push(allowance.problem(kind, rules, detail));
    }
    problems
}

impl Allowance {
    fn problem(&self, kind: &'static str, rules: String, detail: String) -> Problem {
        Problem { kind, rules, detail, artifact: self.artifact.clone(), site: self.site.clone() }
    }

    /// For each site of a finding: is it accepted? Nothing if the allowance is about something else.
    fn covered_sites(&self, finding: &Finding, name: &str) -> Option<Vec<bool>> {
        if !self.rules.contains(&finding.rule) {
            return None;
        }
        let all = || vec![true; finding.sites.len().max(1)];
        match &self.covers {
            Covers::Matching { paths, location } => {
                let meant = paths.as_ref().is_none_or(|p| p.is_match(name))
                    && location.as_ref().is_none_or(|l| {
                        // Either separator, as for the other places that settings name.
                        let at = &finding.effect.location;
                        wildcard(l, at) || wildcard(&l.replace('/', "\\"), at)
                    });
                meant.then(all)
            }
            Covers::Place { .. } if self.artifact != finding.artifact => None,
            Covers::Place { lines: None } => Some(all()),
            Covers::Place { lines: Some((first, last)) } => {
                let covered = |s: &Site| s.line.is_some_and(|line| (*first..=*last).contains(&line));
                Some(finding.sites.iter().map(covered).collect())
            }
        }
    }

    /// Something that it could have accepted was read, and it names a rule: its being unused means something.
    fn is_in_reach(&self, scope: &Scope<'_>) -> bool {
        !self.rules.is_empty()
            && match &self.covers {
                Covers::Place { .. } => true,
                Covers::Matching { paths: None, .. } => true,
                Covers::Matching { paths: Some(paths), .. } => {
                    scope.is_whole || scope.readings.iter().any(|r| paths.is_match(scope.app.name_of(&r.artifact)))
                }
            }
    }
}

impl Problem {
    /// The finding of the rule that speaks for the problem, if there is one.
    pub(super) fn finding(&self, scope: &Scope<'_>) -> Option<Finding> {
        let location = Location::named(Text::lit(&self.rules));
        let effect = Effect::new(Operation::Accept, Store::Allowance, location, Certainty::Proven, self.kind);
        let rule = scope.rules.rule_for(&effect, Place::Unknown)?;
        let colon = if self.detail.is_empty() { "" } else { "; " };
        let name = scope.app.name_of(&self.artifact);
        let mut hasher = blake3::Hasher::new();
        for part in [rule.id.as_str(), &name.to_lowercase(), &self.rules, &self.detail] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        Some(Finding {
            rule: rule.id.clone(),
            name: rule.name.clone(),
            theme: rule.theme,
            severity: rule.severity,
            confidence: Certainty::Proven,
            message: format!("{}: {}{colon}{}", rule.title, self.rules, self.detail),
            artifact: self.artifact.clone(),
            sites: vec![self.site.clone()],
            effect: EffectSummary {
                operation: Operation::Accept,
                store: Store::Allowance,
                location: self.rules.clone(),
                phase: Phase::NotShipped,
                phase_evidence: "a decision about the report, not part of the application".to_owned(),
                origin: Origin::Unknown,
                via: self.kind.to_owned(),
                traits: Vec::new(),
            },
            outcomes: Vec::new(),
            evidence: Vec::new(),
            help: rule.now.trim().to_owned(),
            locations: Vec::new(),
            fingerprint: hasher.finalize().to_hex()[..32].to_owned(),
            suppressed: None,
            severities: scope.targets.iter().map(|t| (t.id.clone(), rule.severity)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_is_split_off() {
        let day = Date::parse("2027-01-31").unwrap();
        assert_eq!(split_until("re-created until 2027-01-31"), ("re-created", Some(Ok(day))));
        assert_eq!(split_until("kept until 2027-02-30"), ("kept", Some(Err("2027-02-30"))));
        assert_eq!(split_until("kept until 31.01.2027"), ("kept", Some(Err("31.01.2027"))));
        assert_eq!(split_until("kept until 31 January 2027"), ("kept", Some(Err("31 January 2027"))));
        assert_eq!(split_until("kept until 2027-13"), ("kept", Some(Err("2027-13"))));
        assert_eq!(split_until("kept until the next start"), ("kept until the next start", None));
    }
}
