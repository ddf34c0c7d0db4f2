//! The top of the page: a card per verdict, with the targets it holds for, what decides it, and the three losses that
//! matter most.
//!
//! Platforms resemble each other, so targets with the same verdict for the same reason share a card; on which of their
//! events a place is taken away is told for all of them together.

use super::{path, sentence, text};
use crate::judge::finding::describe;
use crate::output::{Context, words};
use crate::report::{Finding, Report, TargetVerdict};
use crate::rules::{Event, Outcome};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Targets that a card tells of.
struct Card<'a> {
    targets: Vec<&'a TargetVerdict>,
    losses: Vec<&'a Finding>,
}

impl Card<'_> {
    /// Does the card say of another target all that there is to say?
    fn holds_for(&self, target: &TargetVerdict, losses: &[&Finding]) -> bool {
        let numbers = |t: &TargetVerdict| (t.errors, t.warnings, t.notes);
        let places = |all: &[&Finding]| all.iter().map(|f| f.fingerprint.clone()).collect::<Vec<_>>();
        self.targets.first().is_some_and(|first| {
            first.verdict == target.verdict && first.because == target.because && numbers(first) == numbers(target)
        }) && places(&self.losses) == places(losses)
    }
}

fn cards(report: &Report) -> Vec<Card<'_>> {
    let mut cards: Vec<Card<'_>> = Vec::new();
    for target in &report.targets {
        let losses = words::top_losses(report, Some(&target.id));
        match cards.iter_mut().find(|card| card.holds_for(target, &losses)) {
            Some(card) => card.targets.push(target),
            None => cards.push(Card { targets: vec![target], losses }),
        }
    }
    cards
}

pub(super) fn write(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section aria-label=\"Verdicts\"><ul class=\"cards\">")?;
    for card in cards(report) {
        let Some(first) = card.targets.first() else { continue };
        let class: &str = first.verdict.into();
        let names: Vec<String> = card.targets.iter().map(|t| text(&t.name)).collect();
        let (head, names) = match names.as_slice() {
            [one] => (one.clone(), String::new()),
            several if several.len() == report.targets.len() => {
                (format!("All {} targets", several.len()), several.join(" · "))
            }
            several => (format!("{} of {} targets", several.len(), report.targets.len()), several.join(" · ")),
        };
        let wide = if card.targets.len() > 1 { " wide" } else { "" };
        writeln!(
            out,
            "<li class=\"card {class}{wide}\"><h2>{head}</h2><strong>{}</strong>",
            words::capital(first.verdict.words())
        )?;
        if !names.is_empty() {
            writeln!(out, "<p class=\"names\">{names}</p>")?;
        }
        writeln!(
            out,
            "<p>{}.</p><p>{} {} {}</p>",
            decided_by(report, &words::capital(&words::because(report, first))),
            tag(first.errors, "error"),
            tag(first.warnings, "warning"),
            tag(first.notes, "note"),
        )?;
        losses(&card, context, out)?;
        writeln!(out, "</li>")?;
    }
    writeln!(out, "</ul></section>")
}

/// What decides a verdict. The name in it may be written from right to left, and keeps that to itself.
fn decided_by(report: &Report, because: &str) -> String {
    let places = report.findings.iter().map(Finding::place);
    let names = places.chain(report.notes.iter().map(|note| note.artifact.clone()));
    let named = names.filter(|name| !name.is_empty() && because.contains(name)).max_by_key(String::len);
    match named.as_deref().and_then(|name| Some((because.split_once(name)?, name))) {
        Some(((before, after), name)) => {
            format!("{}<bdi>{}</bdi>{}", sentence(before), sentence(name), sentence(after))
        }
        None => sentence(because),
    }
}

fn tag(count: usize, severity: &str) -> String {
    format!("<span class=\"tag {}\">{}</span>", if count > 0 { severity } else { "" }, words::count(count, severity))
}

fn losses(card: &Card<'_>, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    if card.losses.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h3>What matters most</h3><ol>")?;
    for finding in &card.losses {
        let title = context.rules.find(&finding.rule).map_or(finding.name.as_str(), |r| r.title.as_str());
        writeln!(
            out,
            "<li>{} <span class=\"line soft\">{}: {}</span></li>",
            path(&finding.place()),
            text(title),
            text(&fate(finding, &card.targets, context))
        )?;
    }
    writeln!(out, "</ol>")
}

/// What becomes of a place on all targets of a card, and on some of them besides.
fn fate(finding: &Finding, targets: &[&TargetVerdict], context: &Context<'_>) -> String {
    let on = |target: &TargetVerdict| -> BTreeSet<(Event, Outcome)> {
        let here = finding.outcomes.iter().filter(|o| o.target == target.id);
        here.map(|o| (o.event, o.outcome)).collect()
    };
    let fates: Vec<BTreeSet<_>> = targets.iter().map(|t| on(t)).collect();
    let Some((first, rest)) = fates.split_first() else { return String::new() };
    let words = |fate: &BTreeSet<(Event, Outcome)>| describe(&fate.iter().copied().collect::<Vec<_>>(), context.rules);
    if rest.iter().all(|fate| fate == first) {
        return words(first);
    }
    let harm = |(_, outcome): &&(Event, Outcome)| outcome.is_harm() && *outcome != Outcome::Diverges;
    let anywhere: BTreeSet<_> = fates.iter().flatten().filter(harm).copied().collect();
    let (on_all, on_some): (BTreeSet<_>, BTreeSet<_>) =
        anywhere.into_iter().partition(|at| fates.iter().all(|fate| fate.contains(at)));
    // Events that take nothing away keep "every event" from being said of some.
    let events: BTreeSet<Event> = fates.iter().flatten().map(|(event, _)| *event).collect();
    let said = |set: &BTreeSet<(Event, Outcome)>| {
        let spared = events.iter().filter(|e| !set.iter().any(|(event, _)| event == *e));
        words(&set.iter().copied().chain(spared.map(|e| (*e, Outcome::Survives))).collect())
    };
    match (on_all.is_empty(), on_some.is_empty()) {
        (false, false) => format!("{}; on some also {}", said(&on_all), said(&on_some)),
        (false, true) => said(&on_all),
        (true, false) => format!("{}, on some", said(&on_some)),
        (true, true) => words(first),
    }
}
