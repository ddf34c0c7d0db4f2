//! Judging again after an edit: what the joins left as it was keeps its findings.
//!
//! An editor asks after every key, and a key changes a line of one artifact. The joins are made anew, because what they
//! see of one artifact may reach any other; what they leave of an artifact is then compared with what they left of it the
//! last time. Findings of artifacts that are the same are kept. Within an artifact, facts before and after the ones that
//! changed keep their judgement, and findings whose facts all did are kept as well.

use super::assemble::into_wire;
use super::{Finding, Policy};
use crate::discover::Application;
use crate::facts::{Fact, Owner, Reading};
use crate::judge::{Judged, finding, group_key, judge_effect};
use crate::rules::{RuleSet, Severity, Target};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What was said of each artifact the last time, under one set of decisions.
#[derive(Default)]
pub struct Kept {
    artifacts: HashMap<String, Artifact>,
}

/// One artifact as the joins left it, and what was said of it.
struct Artifact {
    reading: Reading,
    judged: Vec<Judgement>,
    groups: Groups,
}

/// What was found about one fact; nothing of one that is not judged.
type Judgement = Option<Arc<Told>>;

struct Told {
    /// Number of the rule that speaks.
    rule: Option<usize>,
    fates: finding::Fates,
    /// The finding it belongs to, if it belongs to one.
    key: Option<Key>,
}

/// Rule and location, which tell findings of an artifact apart.
type Key = (String, String);

/// The findings of an artifact, each with the numbers of its facts.
type Groups = BTreeMap<Key, (Vec<usize>, Arc<Finding>)>;

/// Facts at both ends that are the same as before.
struct Same {
    /// So many at the beginning.
    before: usize,
    /// From here on to the end.
    after: usize,
    /// How many facts more there are now (wrapping).
    more: usize,
}

impl Same {
    fn of(old: &[Fact], new: &[Fact]) -> Self {
        let before = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let rest = old.len().min(new.len()) - before;
        let behind = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
        Same { before, after: new.len() - behind, more: new.len().wrapping_sub(old.len()) }
    }

    /// The number that a fact had.
    fn old(&self, new: usize) -> Option<usize> {
        match new {
            n if n < self.before => Some(n),
            n if n >= self.after => Some(n.wrapping_sub(self.more)),
            _ => None,
        }
    }
}

/// What is judged, and for what.
pub struct Again<'a> {
    /// Linked readings, each in its place.
    pub readings: Vec<Reading>,
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

impl Kept {
    /// The findings of a report, in its order.
    pub fn findings(&mut self, again: Again<'_>) -> Vec<Finding> {
        let Again { readings, rules, targets, policy, pedantic, app } = again;
        let mut before = std::mem::take(&mut self.artifacts);
        let mut all = Vec::new();
        for reading in readings.iter().filter(|r| r.owner == Owner::Application) {
            let kept = match before.remove(&reading.artifact) {
                Some(kept) if kept.reading == *reading => kept,
                old => judge(reading, old, rules, targets, app),
            };
            all.extend(kept.groups.values().map(|(_, finding)| finding.as_ref().clone()));
            self.artifacts.insert(reading.artifact.clone(), kept);
        }
        let scope = policy.scope(&readings, rules, targets, app);
        let (findings, _, _) = policy.decide(all, &scope, pedantic);
        findings
    }
}

fn judge(
    reading: &Reading,
    old: Option<Artifact>,
    rules: &RuleSet,
    targets: &[&Target],
    app: &Application,
) -> Artifact {
    let old =
        old.unwrap_or_else(|| Artifact { reading: Reading::default(), judged: Vec::new(), groups: Groups::new() });
    let facts = &reading.facts;
    let same = Same::of(&old.reading.facts, facts);
    let judgement = |(number, fact): (usize, &Fact)| match same.old(number) {
        Some(was) => old.judged.get(was).cloned().flatten(),
        None => told(fact, rules, targets).map(Arc::new),
    };
    let judged: Vec<Judgement> = facts.iter().enumerate().map(judgement).collect();
    let mut members: BTreeMap<&Key, Vec<usize>> = BTreeMap::new();
    for (number, told) in judged.iter().enumerate() {
        if let Some(key) = told.as_ref().and_then(|t| t.key.as_ref()) {
            members.entry(key).or_default().push(number);
        }
    }
    let mut groups = Groups::new();
    for (key, numbers) in members {
        let kept = old.groups.get(key).filter(|(was, _)| {
            was.len() == numbers.len() && was.iter().zip(&numbers).all(|(was, now)| same.old(*now) == Some(*was))
        });
        let made = || {
            let group: Vec<Judged<'_>> = numbers.iter().filter_map(|n| whole(reading, *n, &judged, rules)).collect();
            let group: Vec<&Judged<'_>> = group.iter().collect();
            let finding = finding::of_group(&group, targets, rules, &|path| app.stable_name(path))?;
            Some(Arc::new(into_wire(finding)))
        };
        // Of an artifact that has another name now, nothing is kept: its old one is not found.
        let finding = kept.map(|(_, finding)| Arc::clone(finding)).or_else(made);
        groups.extend(finding.map(|finding| (key.clone(), (numbers, finding))));
    }
    Artifact { reading: reading.clone(), judged, groups }
}

fn told(fact: &Fact, rules: &RuleSet, targets: &[&Target]) -> Option<Told> {
    let effect = fact.as_effect()?;
    let (rule, fates) = judge_effect(effect, rules, targets)?;
    let counts = fates.iter().any(|(_, severity)| *severity != Severity::Off);
    let key = rule.filter(|_| counts).map(|rule| (rule.id.clone(), group_key(effect)));
    let rule = rule.and_then(|rule| rules.rules().binary_search_by(|r| r.id.cmp(&rule.id)).ok());
    Some(Told { rule, fates, key })
}

fn whole<'a>(reading: &'a Reading, number: usize, judged: &[Judgement], rules: &'a RuleSet) -> Option<Judged<'a>> {
    let (fact, told) = (reading.facts.get(number)?, judged.get(number)?.as_ref()?);
    let rule = told.rule.and_then(|number| rules.rules().get(number));
    Some(Judged { reading, site: &fact.site, effect: fact.as_effect()?, rule, fates: told.fates.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    #[test]
    fn what_is_the_same_is_found_at_both_ends() {
        let facts = |values: &str| {
            let lines: String = values.chars().map(|c| format!("effect write file C:\\{c}\n")).collect();
            listing::parse(&lines).unwrap_or_default().into_iter().flat_map(|r| r.facts).collect::<Vec<_>>()
        };
        let olds = |old: &str, new: &str| {
            let (old, new) = (facts(old), facts(new));
            let same = Same::of(&old, &new);
            (0..new.len()).map(|n| same.old(n)).collect::<Vec<_>>()
        };
        assert_eq!(olds("abc", "axc"), [Some(0), None, Some(2)]);
        assert_eq!(olds("abc", "axyc"), [Some(0), None, None, Some(2)]);
        assert_eq!(olds("abc", "ac"), [Some(0), Some(2)]);
        assert_eq!(olds("aa", "aaa"), [Some(0), Some(1), None]);
        assert_eq!(olds("abc", "abc"), [Some(0), Some(1), Some(2)]);
        assert_eq!(olds("", "a"), [None]);
    }
}
