//! The inventory of state: each location once, with all who write it and what becomes of it.

use super::{Entry, EntryFate, Finding, Writer};
use crate::facts::{Certainty, Extent, Store, Trait};
use crate::judge::{Judged, finding::describe, severity::worst};
use crate::rules::{Outcome, Rule, RuleSet, Severity, Target};
use std::collections::{BTreeMap, HashMap};

/// Builds the inventory from every located effect, findings or not. How much an entry weighs is what the findings
/// about it weigh: a team may have decided otherwise than the rule.
pub(super) fn inventory(
    judged: &[Judged<'_>],
    targets: &[&Target],
    rules: &RuleSet,
    findings: &[Finding],
) -> Vec<Entry> {
    let mut entries: BTreeMap<(String, &'static str), Draft<'_>> = BTreeMap::new();
    let located = judged
        .iter()
        .filter(|j| j.effect.certainty > Certainty::Possible && j.effect.location.extent() != Extent::None)
        .filter(|j| !j.effect.has(Trait::Implied));
    for j in located {
        let key = (j.effect.location.key(), j.effect.store.into());
        entries.entry(key).or_insert_with(|| Draft::new(j)).add(j, targets, rules);
    }
    let weights = Weights::of(findings);
    entries.into_values().map(|draft| draft.finish(&weights)).collect()
}

/// An entry and what decided what it says so far.
struct Draft<'a> {
    entry: Entry,
    rule: Option<&'a Rule>,
    severity: Option<Severity>,
    /// Per target, the severity behind its fate.
    decided: BTreeMap<String, (Severity, Outcome)>,
}

impl<'a> Draft<'a> {
    fn new(j: &Judged<'a>) -> Self {
        let entry = Entry {
            location: j.effect.location.to_string(),
            store: j.effect.store,
            writers: Vec::new(),
            fates: BTreeMap::new(),
            severity: Severity::Off,
            rule: None,
            help: None,
        };
        Draft { entry, rule: None, severity: None, decided: BTreeMap::new() }
    }

    fn add(&mut self, j: &Judged<'a>, targets: &[&Target], rules: &RuleSet) {
        self.entry.writers.push(Writer {
            artifact: j.reading.artifact.clone(),
            operation: j.effect.operation,
            via: j.effect.via.clone(),
            phase: j.effect.phase,
            confidence: j.effect.certainty,
            site: j.site.short(),
        });
        let severity = j.fates.iter().map(|(_, s)| *s).max();
        if severity > self.severity {
            self.severity = severity;
            self.rule = j.rule;
        }
        for (target, (fate, severity)) in targets.iter().zip(&j.fates) {
            let outcome = worst(fate).unwrap_or(Outcome::Survives);
            let decided = self.decided.get(&target.id);
            if decided.is_some_and(|known| *known >= (*severity, outcome)) {
                continue;
            }
            self.decided.insert(target.id.clone(), (*severity, outcome));
            let fate = EntryFate {
                volume: fate.volume.clone(),
                outcome,
                words: describe(&fate.outcomes, rules),
                events: fate.outcomes.iter().copied().collect(),
                severity: Severity::Off,
            };
            self.entry.fates.insert(target.id.clone(), fate);
        }
    }

    fn finish(mut self, weights: &Weights<'_>) -> Entry {
        let about = weights.about(&self.entry);
        for (target, fate) in &mut self.entry.fates {
            fate.severity = about.iter().map(|f| f.severity_on(Some(target))).max().unwrap_or(Severity::Off);
        }
        self.entry.severity = about.iter().map(|f| f.severity).max().unwrap_or(Severity::Off);
        self.entry.rule = self.rule.map(|r| r.id.clone());
        self.entry.help = self.rule.map(|r| r.now.trim().to_owned());
        self.entry.writers.sort();
        self.entry.writers.dedup();
        self.entry
    }
}

/// Findings by what they are about.
struct Weights<'a>(HashMap<(String, Store), Vec<&'a Finding>>);

impl<'a> Weights<'a> {
    fn of(findings: &'a [Finding]) -> Self {
        let mut by_place: HashMap<_, Vec<&Finding>> = HashMap::new();
        for finding in findings {
            by_place.entry((finding.effect.location.to_lowercase(), finding.effect.store)).or_default().push(finding);
        }
        Weights(by_place)
    }

    fn about(&self, entry: &Entry) -> &[&'a Finding] {
        self.0.get(&(entry.location.to_lowercase(), entry.store)).map(Vec::as_slice).unwrap_or_default()
    }
}
