//! Words and orders that several formats share.

use crate::facts::{NoteKind, Operation, Phase};
use crate::report::{Finding, Report};
use crate::rules::{Outcome, Severity};
use std::cmp::Reverse;

/// Past participle of an operation, for a sentence about a location.
pub(super) fn done(operation: Operation) -> &'static str {
    match operation {
        Operation::Read => "read",
        Operation::Create => "created",
        Operation::Write => "written",
        Operation::Append => "appended to",
        Operation::Delete => "deleted",
        Operation::Rename => "renamed to",
        Operation::Copy => "copied to",
        Operation::SetValue => "set",
        Operation::DeleteValue => "removed",
        Operation::Register => "registered",
        Operation::Unregister => "unregistered",
        Operation::Enqueue => "queued",
        Operation::KeepInMemory => "kept in memory",
        Operation::Configure => "configured",
        Operation::Install => "installed",
        Operation::Generate => "generated",
        Operation::Protect => "encrypted for this machine",
        Operation::Identify => "used as an identity",
        Operation::Grant => "granted access on",
        Operation::Mount => "mounted",
        Operation::Accept => "accepted",
    }
}

/// When, as the end of a sentence.
pub(super) fn when(phase: Phase) -> &'static str {
    match phase {
        Phase::Build => "while the image is built",
        Phase::FirstBoot => "at first boot",
        Phase::Startup => "at every start",
        Phase::Run => "while it runs",
        Phase::Shutdown => "while it stops",
        Phase::NotShipped => "but not on the instance",
        Phase::Unknown => "at a time that is not known",
    }
}

/// An outcome as one word of a table.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Survives => "survives",
        Outcome::Unknown => "not promised",
        Outcome::Diverges => "differs per instance",
        Outcome::Cloned => "same on all",
        Outcome::Stripped => "removed",
        Outcome::SilentlyDropped => "dropped",
        Outcome::Misplaced => "misplaced",
        Outcome::Forbidden => "refused",
        Outcome::Unreadable => "unreadable",
        Outcome::Lost => "lost",
        Outcome::Reverts => "reverts",
    }
}

/// `3 errors`, `1 error`.
pub(super) fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// `3 errors, 1 warning, 2 notes`.
pub(super) fn counts(report: &Report) -> String {
    let of = |severity: Severity| report.stats.findings.get(&severity).copied().unwrap_or_default();
    [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")]
        .map(|(severity, word)| count(of(severity), word))
        .join(", ")
}

/// `Web.config:12:5`, `agent.exe: SaveState .text+0x1a2c`; a source line where one is known.
pub(super) fn place(finding: &Finding) -> String {
    let site = finding.site();
    let short = site.short();
    match (&site.source_file, site.line) {
        _ if short.is_empty() => finding.artifact.clone(),
        (None, Some(_)) => format!("{}:{short}", finding.artifact),
        _ => format!("{}: {short}", finding.artifact),
    }
}

/// The same without folders: `Web.config:12:5`, `Orders.dll: Journal.cs:42`.
pub(super) fn short_place(finding: &Finding) -> String {
    let site = finding.site();
    let name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
    let artifact = name(&finding.artifact);
    match (&site.source_file, site.source_line, site.line) {
        (Some(file), Some(line), _) => format!("{artifact}: {}:{line}", name(file)),
        (_, _, Some(line)) => format!("{artifact}:{line}"),
        _ => [artifact, site.short()].join(": ").trim_end_matches(": ").to_owned(),
    }
}

/// What the message says of the fate, without the rule's title and the location in front.
pub(super) fn fate(finding: &Finding) -> &str {
    let after = finding.message.split_once(finding.effect.location.as_str()).map(|(_, rest)| rest);
    let fate = after.and_then(|rest| rest.strip_prefix("; ")).filter(|_| !finding.effect.location.is_empty());
    fate.or_else(|| finding.message.rsplit_once("; ").map(|(_, fate)| fate)).unwrap_or(&finding.message)
}

/// Unsuppressed findings, the heaviest and most certain first; otherwise in the order of the report.
pub(super) fn by_weight(report: &Report) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = report.findings.iter().filter(|f| f.is_active()).collect();
    findings.sort_by_key(|f| (Reverse(f.severity), Reverse(f.confidence)));
    findings
}

/// Findings about one location, the heaviest first; the groups by their heaviest.
pub(super) fn by_location(report: &Report) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for finding in by_weight(report) {
        // Places that are not known have nothing in common.
        let known = finding.effect.location.chars().any(|c| c != '{' && c != '}' && c != '?');
        let own = if known { "" } else { finding.fingerprint.as_str() };
        let at = *index.entry((&finding.effect.location, finding.effect.store, own)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// Locations that would be lost, the worst three: errors before warnings, notes never.
pub(super) fn top_losses(report: &Report) -> Vec<&Finding> {
    let heavy = by_location(report).into_iter().filter_map(|group| group.first().copied());
    heavy.filter(|f| f.severity >= Severity::Warning).take(3).collect()
}

/// An artifact that could not be read, or not whole.
pub(super) fn is_gap(kind: NoteKind) -> bool {
    kind != NoteKind::Info
}
