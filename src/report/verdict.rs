//! Is the application ready for a target, and what decides it.

use super::{ArtifactNote, Finding, TargetVerdict, Verdict};
use crate::facts::NoteKind;
use crate::rules::{Severity, Target};

/// The verdict for one target over the findings that count.
pub(super) fn verdict(
    target: &Target,
    findings: &[Finding],
    notes: &[ArtifactNote],
    artifacts: usize,
) -> TargetVerdict {
    let on_target = |f: &&Finding| f.severities.get(&target.id).copied().unwrap_or(Severity::Off);
    let active: Vec<&Finding> = findings.iter().filter(|f| f.is_active()).collect();
    let count = |severity| active.iter().filter(|f| on_target(f) == severity).count();
    let (errors, warnings, note_count) = (count(Severity::Error), count(Severity::Warning), count(Severity::Note));
    let first = |severity| active.iter().find(|f| on_target(f) == severity).map(|f| f.effect.location.clone());
    let lost_note = active
        .iter()
        .find(|f| {
            let loses = |o: &crate::judge::OutcomeAt| o.target == target.id && o.outcome.is_harm();
            on_target(f) == Severity::Note && f.outcomes.iter().any(loses)
        })
        .map(|f| f.effect.location.clone());
    let accepted = findings.iter().filter(|f| !f.is_active() && on_target(f) >= Severity::Warning).count();
    let unseen = notes.iter().find(|n| {
        matches!(
            n.kind,
            NoteKind::Opaque | NoteKind::Failed | NoteKind::Unreadable | NoteKind::Malformed | NoteKind::Unsupported
        )
    });
    let (verdict, because) = if let Some(location) = first(Severity::Error) {
        (Verdict::NotReady, format!("{errors} would lose data that matters, first {location}"))
    } else if artifacts == 0 {
        (Verdict::InsufficientData, "nothing was read".to_owned())
    } else if let Some(note) = unseen {
        (Verdict::InsufficientData, format!("{} could not be seen: {}", note.artifact, note.text))
    } else if let Some(location) = first(Severity::Warning) {
        (Verdict::ReadyWithConditions, format!("{warnings} to look at, first {location}"))
    } else if let Some(location) = lost_note {
        (Verdict::Ready, format!("nothing weighs enough to stop it; {note_count} notes, first of a loss {location}"))
    } else if accepted > 0 {
        // Accepted is not absent: whoever signs the report is told.
        (Verdict::Ready, format!("nothing is open, but {accepted} that would lose something were accepted"))
    } else {
        (Verdict::Ready, "nothing was found that an event would take away".to_owned())
    };
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
