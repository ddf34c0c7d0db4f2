//! What the script of the page needs: the two long lists, and the words for what they abbreviate.
//!
//! Texts that a rule says once are not said again for each finding, and what becomes of a state is a letter per event:
//! the page has to stay small with ten thousand findings.

use crate::judge::OutcomeAt;
use crate::output::{Context, words};
use crate::report::{Entry, Finding, Report, rank};
use crate::rules::{Event, Outcome};
use serde_json::{Map, Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The events that anything in the report can meet, in their order.
pub(super) fn events(report: &Report) -> Vec<Event> {
    let of_findings = report.findings.iter().flat_map(|f| f.outcomes.iter().map(|o| o.event));
    let of_entries = report.inventory.iter().flat_map(|e| e.fates.values().flat_map(|f| f.events.keys().copied()));
    of_findings.chain(of_entries).collect::<BTreeSet<_>>().into_iter().collect()
}

pub(super) fn of(report: &Report, context: &Context<'_>) -> Value {
    let events = events(report);
    let name = |event: &Event| context.rules.platform().events.get(event).map_or("", |info| info.name.as_str());
    let accepted: BTreeSet<_> =
        report.findings.iter().filter(|f| !f.is_active()).map(|f| (&f.effect.location, f.effect.store)).collect();
    let mut findings: Vec<&Finding> = rank::by_weight(report.findings.iter(), None);
    findings.sort_by_key(|f| f.suppressed.is_some());
    // In the order of the findings, so that both lists begin alike.
    let mut places = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate() {
        places.entry((&finding.effect.location, finding.effect.store)).or_insert(index);
    }
    let mut inventory: Vec<&Entry> = report.inventory.iter().collect();
    inventory
        .sort_by_key(|e| (Reverse(e.severity), places.get(&(&e.location, e.store)).copied().unwrap_or(usize::MAX)));
    json!({
        "root": words::shared_folder(report),
        "targets": report.targets.iter().map(|t| json!({"id": t.id, "name": t.name})).collect::<Vec<_>>(),
        "events": events.iter().map(name).collect::<Vec<_>>(),
        "outcomes": outcomes(report),
        "rules": rules(report, context),
        "operations": operations(report),
        "phases": phases(report),
        "origins": report.findings.iter().map(|f| f.effect.origin).map(|o| (<&str>::from(o).to_owned(), words::origin(o).into())).collect::<Map<_, _>>(),
        "traits": report.findings.iter().flat_map(|f| &f.effect.traits).map(|t| (<&str>::from(*t).to_owned(), words::property(*t).into())).collect::<Map<_, _>>(),
        "inventory": inventory.iter().map(|e| entry(e, &events, context, accepted.contains(&(&e.location, e.store)))).collect::<Vec<_>>(),
        "findings": findings.iter().map(|f| finding(f, &events, context)).collect::<Vec<_>>(),
    })
}

fn rules(report: &Report, context: &Context<'_>) -> Map<String, Value> {
    let named = report.findings.iter().map(|f| &f.rule).chain(report.inventory.iter().filter_map(|e| e.rule.as_ref()));
    named
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter_map(|id| {
            let rule = context.rules.find(id)?;
            let about = json!({"title": rule.title, "theme": rule.theme, "why": flow(&rule.why),
                "then": flow(&rule.then), "now": flow(&rule.now)});
            Some((id.clone(), about))
        })
        .collect()
}

fn outcomes_of(report: &Report) -> BTreeSet<Outcome> {
    let of_findings = report.findings.iter().flat_map(|f| f.outcomes.iter().map(|o| o.outcome));
    let of_entries = report
        .inventory
        .iter()
        .flat_map(|e| e.fates.values().flat_map(|f| f.events.values().copied().chain(std::iter::once(f.outcome))));
    of_findings.chain(of_entries).collect()
}

/// `L lost`, `R reverts`: what the marks in the strips mean, of those that there are.
pub(super) fn letters_used(report: &Report) -> Vec<String> {
    let mark = |outcome: Outcome| match outcome {
        Outcome::Unknown => "?".to_owned(),
        Outcome::Diverges => "≠".to_owned(),
        other => letter(other).to_uppercase().to_string(),
    };
    let all = outcomes_of(report).into_iter().filter(|o| *o != Outcome::Survives).rev();
    all.map(|o| format!("<strong>{}</strong> {}", mark(o), words::outcome(o))).collect()
}

/// The style of an outcome.
pub(super) fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Survives => "survives",
        Outcome::Unknown | Outcome::Diverges => "unknown",
        Outcome::Reverts => "reverts",
        _ => "lost",
    }
}

fn outcomes(report: &Report) -> Map<String, Value> {
    let all = outcomes_of(report);
    let about = |o: Outcome| json!({"words": words::outcome(o), "kind": class(o)});
    all.into_iter().map(|o| (letter(o).to_string(), about(o))).collect()
}

fn operations(report: &Report) -> Map<String, Value> {
    let all = report.inventory.iter().flat_map(|e| e.writers.iter().map(|w| w.operation));
    all.map(|o| (<&str>::from(o).to_owned(), words::done(o).into())).collect()
}

fn phases(report: &Report) -> Map<String, Value> {
    let written = report.inventory.iter().flat_map(|e| e.writers.iter().map(|w| w.phase));
    let all = report.findings.iter().map(|f| f.effect.phase).chain(written);
    all.map(|p| (<&str>::from(p).to_owned(), words::when(p).into())).collect()
}

fn entry(entry: &Entry, events: &[Event], context: &Context<'_>, accepted: bool) -> Value {
    let said = entry.rule.as_deref().and_then(|id| context.rules.find(id)).map(|r| r.now.trim());
    let fate = |f: &crate::report::EntryFate| {
        json!({"volume": f.volume, "worst": letter(f.outcome), "words": f.words, "severity": f.severity,
            "at": letters(events, |e| f.events.get(&e).copied())})
    };
    let fates: Map<String, Value> = entry.fates.iter().map(|(t, f)| (t.clone(), fate(f))).collect();
    let mut value = json!({"location": entry.location, "store": entry.store, "severity": entry.severity,
        "rule": entry.rule, "writers": entry.writers, "fates": fates});
    if entry.help.as_deref() != said {
        value["help"] = json!(entry.help);
    }
    if accepted {
        value["accepted"] = json!(true);
    }
    value
}

fn finding(finding: &Finding, events: &[Event], context: &Context<'_>) -> Value {
    let said = context.rules.find(&finding.rule).map(|r| r.now.trim());
    let targets: BTreeSet<&str> = finding.outcomes.iter().map(|o| o.target.as_str()).collect();
    let fate = |target: &str| {
        let at = |event: Event| {
            let meant = |o: &&OutcomeAt| o.target == target && o.event == event;
            finding.outcomes.iter().find(meant).map(|o| o.outcome)
        };
        Value::from(letters(events, at))
    };
    let fates: Map<String, Value> = targets.iter().map(|t| ((*t).to_owned(), fate(t))).collect();
    let mut value = json!(finding);
    if let Some(members) = value.as_object_mut() {
        members.remove("outcomes");
        if said == Some(finding.help.as_str()) {
            members.remove("help");
        }
        members.insert("fates".to_owned(), fates.into());
        members.insert("place".to_owned(), finding.place().into());
    }
    value
}

fn letters(events: &[Event], outcome: impl Fn(Event) -> Option<Outcome>) -> String {
    events.iter().map(|e| outcome(*e).map_or('-', letter)).collect()
}

/// One letter for an outcome; the page has the words for it.
fn letter(outcome: Outcome) -> char {
    match outcome {
        Outcome::Survives => 's',
        Outcome::Unknown => 'u',
        Outcome::Diverges => 'd',
        Outcome::Cloned => 'c',
        Outcome::Misplaced => 'm',
        Outcome::Stripped => 'x',
        Outcome::SilentlyDropped => 'q',
        Outcome::Forbidden => 'f',
        Outcome::Unreadable => 'e',
        Outcome::Lost => 'l',
        Outcome::Reverts => 'r',
    }
}

/// A paragraph without the line ends of its source.
fn flow(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}
