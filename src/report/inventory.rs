//! The inventory of state: each location once, with all who write it and what becomes of it.

use super::{Entry, EntryFate, Writer};
use crate::facts::{Certainty, Extent, Trait};
use crate::judge::{Judged, finding::describe, severity::worst};
use crate::rules::{Outcome, RuleSet, Severity, Target};
use std::collections::BTreeMap;

/// Builds the inventory from every located effect, findings or not.
pub(super) fn inventory(judged: &[Judged<'_>], targets: &[&Target], rules: &RuleSet) -> Vec<Entry> {
    let mut entries: BTreeMap<(String, &'static str), Entry> = BTreeMap::new();
    let located = judged
        .iter()
        .filter(|j| j.effect.certainty > Certainty::Possible && j.effect.location.extent() != Extent::None)
        .filter(|j| !j.effect.has(Trait::Implied));
    for j in located {
        let key = (j.effect.location.key(), j.effect.store.into());
        let entry = entries.entry(key).or_insert_with(|| new_entry(j));
        entry.writers.push(Writer {
            artifact: j.reading.artifact.clone(),
            operation: j.effect.operation,
            via: j.effect.via.clone(),
            phase: j.effect.phase,
            confidence: j.effect.certainty,
            site: j.site.short(),
        });
        let severity = j.fates.iter().map(|(_, s)| *s).max().unwrap_or(Severity::Off);
        if severity > entry.severity || entry.fates.is_empty() {
            entry.severity = entry.severity.max(severity);
            entry.rule = j.rule.map(|r| r.id.clone());
            entry.help = j.rule.map(|r| r.now.trim().to_owned());
            entry.fates = fates(j, targets, rules);
        }
    }
    entries
        .into_values()
        .map(|mut entry| {
            entry.writers.sort();
            entry.writers.dedup();
            entry
        })
        .collect()
}

fn new_entry(j: &Judged<'_>) -> Entry {
    Entry {
        location: j.effect.location.to_string(),
        store: j.effect.store,
        writers: Vec::new(),
        fates: BTreeMap::new(),
        severity: Severity::Off,
        rule: None,
        help: None,
    }
}

fn fates(j: &Judged<'_>, targets: &[&Target], rules: &RuleSet) -> BTreeMap<String, EntryFate> {
    let of = |fate: &crate::judge::outcome::Fate| EntryFate {
        volume: fate.volume.clone(),
        outcome: worst(fate).unwrap_or(Outcome::Survives),
        words: describe(fate, rules),
    };
    targets.iter().zip(&j.fates).map(|(t, (fate, _))| (t.id.clone(), of(fate))).collect()
}
