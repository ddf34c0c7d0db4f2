//! Is the application ready for a target, and what decides it.

use super::rank::{by_weight, losses};
use super::unread::{Gaps, better_target};
use super::{ArtifactNote, Finding, TargetVerdict, Verdict};
use crate::facts::{Location, NoteKind, Owner, Phase, Reading, Store, Text, Trait, is_binary};
use crate::rules::{Outcome, Severity, Target};
use std::collections::{BTreeSet, HashSet};

/// The verdict for one target over the findings that count.
pub(super) fn verdict(
    target: &Target,
    findings: &[Finding],
    possible: &[Finding],
    notes: &[ArtifactNote],
    readings: &[Reading],
    gaps: &Gaps,
    targets: &[&Target],
) -> TargetVerdict {
    let artifacts = readings.len();
    let id = Some(target.id.as_str());
    let active: Vec<&Finding> = findings.iter().filter(|f| f.is_active()).collect();
    let at = |severity| active.iter().filter(move |f| f.severity_on(id) == severity).copied();
    let [errors, warnings, note_count] = [Severity::Error, Severity::Warning, Severity::Note].map(|s| at(s).count());
    let first = |severity| by_weight(at(severity), id).first().map(|f| f.place());
    let lost_note = at(Severity::Note)
        .find(|f| f.outcomes.iter().any(|o| o.target == target.id && o.outcome.is_harm()))
        .map(Finding::place);
    // What is written while the application runs would be lost as well, and nobody knows that it is not.
    let untimed = at(Severity::Note)
        .filter(|f| f.effect.phase == Phase::Unknown && !is_passing(f))
        .filter(|f| f.outcomes.iter().any(|o| o.target == target.id && o.outcome.is_harm()));
    let untimed = by_weight(untimed, id);
    let unpromised = by_weight(at(Severity::Note).filter(|f| is_unpromised(f, &target.id)), id);
    let accepted = |least| findings.iter().filter(|f| !f.is_active() && f.severity_on(id) >= least).count();
    let nothing_open = || format!("nothing is open, but {} accepted", losses_were(accepted(Severity::Warning)));
    let (verdict, because) = if let Some(place) = first(Severity::Error) {
        let what = "data, work or identity would be lost";
        let what = format!("{what} ({}), first {place}", counted(errors, "error"));
        // Who mends these is not done.
        let gap = gaps.unread.as_ref().or(gaps.beside.as_ref());
        let more = gap.map(|gap| format!("; there may be more: {gap}")).unwrap_or_default();
        (Verdict::NotReady, what + &more)
    } else if artifacts == 0 {
        (Verdict::InsufficientData, "nothing was read".to_owned())
    } else if let Some(gap) = gaps
        .unread
        .clone()
        .or_else(|| nothing_own(readings))
        .or_else(|| gap(notes, readings))
        .or_else(|| gaps.unseen.clone())
    {
        (Verdict::InsufficientData, gap)
    } else if let Some(place) = first(Severity::Warning) {
        // A warning need not be a loss: a single instance is none.
        let what = match losses(findings, id).is_empty() {
            true if lost_note.is_some() => "nothing that matters would be lost, but something has to be decided",
            true => "nothing would be lost, but something has to be decided",
            false => "what would be lost may be dispensable; somebody has to decide",
        };
        (Verdict::ReadyWithConditions, format!("{what} ({}), first {place}", counted(warnings, "warning")))
    } else if accepted(Severity::Error) > 0 {
        // Accepted is not absent: what a team decides to lose is a condition, and whoever signs the report is told.
        (Verdict::ReadyWithConditions, nothing_open())
    } else if let Some(first) = untimed.first() {
        let what = "what is written at a time that is not known is lost if the application writes it while it runs";
        let many = counted(untimed.len(), "note");
        (Verdict::ReadyWithConditions, format!("{what} ({many}), first {}", first.place()))
    } else if let Some(first) = unpromised.first() {
        let what = "what is written to a disk of which nothing is known stays only if that disk does";
        let many = counted(unpromised.len(), "note");
        (Verdict::ReadyWithConditions, format!("{what} ({many}), first {}", first.place()))
    } else if let Some(place) = lost_note {
        (Verdict::Ready, format!("nothing that matters would be lost; the notes name small losses, such as {place}"))
    } else if accepted(Severity::Warning) > 0 {
        (Verdict::Ready, nothing_open())
    } else {
        (Verdict::Ready, "nothing was found that an event would take away".to_owned())
    };
    let is_clear = verdict == Verdict::Ready
        || verdict == Verdict::ReadyWithConditions && warnings > 0 && losses(findings, id).is_empty();
    let missing = missing(notes, readings).filter(|_| is_clear);
    let (verdict, because) = match missing {
        Some(unseen) => (Verdict::InsufficientData, unseen),
        None => (verdict, because),
    };
    let because = match verdict {
        Verdict::Ready if any_unplaced(active.iter().copied().chain(possible), &target.id) => {
            format!("{because}; writes at places that could not be recovered are not covered")
        }
        Verdict::Ready if any_doubtful(possible, &target.id) => {
            format!("{because}; calls in machine code that may write, or only read, are not covered")
        }
        _ => because,
    };
    let because = match verdict {
        Verdict::Ready | Verdict::ReadyWithConditions => {
            let gap = gaps.beside.as_ref().map(|gap| format!("; not covered: {gap}"));
            because + &gap.unwrap_or_default()
        }
        Verdict::NotReady | Verdict::InsufficientData => because,
    };
    let because = because + &better_target(targets, readings).unwrap_or_default();
    TargetVerdict {
        id: target.id.clone(),
        name: target.name.clone(),
        verdict,
        because,
        errors,
        warnings,
        notes: note_count,
    }
}

/// Scratch, what can be had again, and packages: an installation leaves them wherever it runs, and they are no data.
fn is_passing(finding: &Finding) -> bool {
    let place = Location::named(Text::parse(&finding.effect.location));
    matches!(finding.effect.store, Store::TempFile | Store::Package)
        || finding.effect.traits.contains(&Trait::Recomputable)
        || finding.effect.store.is_path() && place.is_scratch()
}

/// It is kept on a drive that no settings and no target say anything of.
fn is_unpromised(finding: &Finding, target: &str) -> bool {
    let mut outcomes = finding.outcomes.iter().filter(|o| o.target == target).peekable();
    let is_unknown = outcomes.peek().is_some() && outcomes.all(|o| o.outcome == Outcome::Unknown);
    let place = finding.effect.location.as_bytes();
    let has_drive = place.first().is_some_and(u8::is_ascii_alphabetic) && place.get(1..3) == Some(br":\");
    let is_data = finding.effect.store.is_path() && !finding.effect.operation.removes() && !is_passing(finding);
    is_unknown && has_drive && is_data
}

/// Something of the application is started that is not among the files: what runs was not seen, so that nothing can be
/// cleared.
fn missing(notes: &[ArtifactNote], readings: &[Reading]) -> Option<String> {
    let is_own = |path: &str| readings.iter().any(|r| r.artifact == path && r.owner == Owner::Application);
    let first = notes.iter().find(|note| note.kind == NoteKind::Missing && is_own(&note.artifact))?;
    Some(format!("part of what runs was not seen: {} ({})", first.text, first.artifact))
}

/// Some call writes where nothing is known of: an all-clear has to say that it does not cover it. A capability of the
/// import table alone has no site.
fn any_unplaced<'a>(mut findings: impl Iterator<Item = &'a Finding>, target: &str) -> bool {
    let unknown = |f: &Finding| f.outcomes.iter().any(|o| o.target == target && o.outcome == Outcome::Unknown);
    findings.any(|f| unknown(f) && !f.sites.is_empty())
}

/// Some call of machine code has its place but no known mode: it would be a loss if it writes, and nobody knows that it does
/// not.
fn any_doubtful(possible: &[Finding], target: &str) -> bool {
    let harms = |f: &Finding| f.outcomes.iter().any(|o| o.target == target && o.outcome.is_harm());
    possible.iter().any(|f| harms(f) && f.effect.has_known_place() && f.sites.iter().any(|s| s.rva.is_some()))
}

/// Nothing of the application's own was judged, or none of its binaries: what is there belongs to others, by the settings
/// or by what is known of frameworks.
fn nothing_own(readings: &[Reading]) -> Option<String> {
    let whose = "of third parties, frameworks or tests, so nothing of the application itself was judged";
    let all_foreign = |of: &[&Reading]| !of.is_empty() && of.iter().all(|r| r.owner != Owner::Application);
    let all: Vec<&Reading> = readings.iter().collect();
    let binaries: Vec<&Reading> = all.iter().copied().filter(|r| is_binary(&r.format)).collect();
    let (count, noun) = if all_foreign(&all) {
        (all.len(), "file")
    } else if all_foreign(&binaries) {
        (binaries.len(), "binary")
    } else {
        return None;
    };
    let them = match (count, noun) {
        (1, noun) => format!("the only {noun} is"),
        (n, "binary") => format!("all {n} binaries are"),
        (n, _) => format!("all {n} files are"),
    };
    let whose = if noun == "file" { whose.to_owned() } else { whose.replace("nothing", "no code") };
    Some(format!("{them} {whose}; --include-third-party judges them"))
}

/// What keeps an all-clear from being given, the gravest first: what was not read cannot have been cleared.
fn gap(notes: &[ArtifactNote], readings: &[Reading]) -> Option<String> {
    const GRAVEST_FIRST: [NoteKind; 6] = [
        NoteKind::Failed,
        NoteKind::Unreadable,
        NoteKind::Opaque,
        NoteKind::Unsupported,
        NoteKind::Capped,
        NoteKind::Malformed,
    ];
    // What belongs to others is not judged, whole or not.
    let others: HashSet<&str> =
        readings.iter().filter(|r| r.owner != Owner::Application).map(|r| r.artifact.as_str()).collect();
    let counts = |note: &ArtifactNote| !others.contains(note.artifact.as_str());
    let rank = |note: &ArtifactNote| GRAVEST_FIRST.iter().position(|kind| *kind == note.kind).filter(|_| counts(note));
    let first = notes.iter().filter(|n| rank(n).is_some()).min_by_key(|n| rank(n))?;
    let names: BTreeSet<&str> = notes.iter().filter(|n| rank(n).is_some()).map(|n| n.artifact.as_str()).collect();
    let many = format!("{} of {}", names.len(), counted(readings.len(), "file"));
    Some(format!("{many} could not be seen whole, first {}: {}", first.artifact, first.text))
}

pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn losses_were(count: usize) -> String {
    if count == 1 { "1 finding of a loss was".to_owned() } else { format!("{count} findings of a loss were") }
}
