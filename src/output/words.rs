//! Words and orders that several formats share.

use super::Context;
use crate::facts::{NoteKind, Operation, Origin, Phase, Site, Store, Trait};
use crate::judge::finding::describe;
use crate::report::{Finding, Report, TargetVerdict, Verdict, rank};
use crate::rules::{Outcome, RuleSet, Severity};
use std::collections::BTreeSet;

/// Why an all-clear must not be read from formats that only list findings: what was not seen, a line for each reason, with
/// the artifact that it is about first, if any.
pub(super) fn unsettled(report: &Report) -> Vec<(&str, String)> {
    let first = report.incomplete().next();
    let artifact = first.map_or("", |n| n.artifact.as_str());
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for target in report.targets.iter().filter(|t| t.verdict == Verdict::InsufficientData) {
        match reasons.iter_mut().find(|(because, _)| *because == target.because) {
            Some((_, names)) => names.push(&target.name),
            None => reasons.push((&target.because, vec![&target.name])),
        }
    }
    if let (true, Some(note)) = (reasons.is_empty(), first) {
        let files: BTreeSet<&str> = report.incomplete().map(|n| n.artifact.as_str()).collect();
        let text = format!("{} not read whole, first {}: {}", count(files.len(), "file"), note.artifact, note.text);
        return vec![(artifact, text)];
    }
    let line = |(because, names): (&str, Vec<&str>)| format!("insufficient data for {}: {because}", names.join(", "));
    reasons.into_iter().map(|reason| (artifact, line(reason))).collect()
}

/// The message, with the place inside of a binary: a line says nothing there.
pub(super) fn message_and_place(finding: &Finding) -> String {
    let site = finding.site();
    let short = site.short();
    let has_line = site.line.is_some() || (site.source_file.is_some() && site.source_line.is_some());
    if has_line || short.is_empty() { finding.message.clone() } else { format!("{} (at {short})", finding.message) }
}

/// Past participle of an operation, for a sentence about a location.
pub(super) fn done(operation: Operation) -> &'static str {
    match operation {
        Operation::Read => "read",
        Operation::Create => "created",
        Operation::Write => "written",
        Operation::Append => "appended to",
        Operation::Delete => "deleted",
        Operation::Rename => "moved here",
        Operation::Copy => "copied here",
        Operation::SetValue => "set",
        Operation::DeleteValue => "removed",
        Operation::Register => "registered",
        Operation::Unregister => "unregistered",
        Operation::Enqueue => "queued",
        Operation::KeepInMemory => "kept in memory",
        Operation::Configure => "in force",
        Operation::Install => "installed",
        Operation::Generate => "generated",
        Operation::Protect => "encrypted for this machine",
        Operation::Identify => "used as an identity",
        Operation::Grant => "opened to others",
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

/// Where a value comes from.
pub(super) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Constant => "the same each time",
        Origin::Packaged => "shipped with the application",
        Origin::Configuration => "from configuration",
        Origin::Input => "from a request or a user",
        Origin::Generated => "made on the spot: an id, a key",
        Origin::Moment => "the time of writing",
        Origin::Previous => "computed from what was there before",
        Origin::Secret => "a secret",
        Origin::Unknown => "not known",
    }
}

/// What changed the judgement.
pub(super) fn property(property: Trait) -> &'static str {
    match property {
        Trait::Volatile => "lives until the machine restarts",
        Trait::DeleteOnClose => "removed when it is closed",
        Trait::View32 => "seen through the 32-bit view of the registry",
        Trait::Remote => "on another host",
        Trait::Durable => "on a volume that is declared or mounted as durable",
        Trait::ByDefault => "the default of something that is not configured",
        Trait::ReadBack => "read again elsewhere in the application",
        Trait::ReadModifyWrite => "read, changed and written back",
        Trait::OtherAccount => "done as another account",
        Trait::Repeated => "told elsewhere",
        Trait::Staged => "uploaded by the same code",
        Trait::Shipped => "collected by an agent",
        Trait::Baked => "also in the image or package",
        Trait::OnlyAtShutdown => "written only when the program stops",
        Trait::Runtime => "by the runtime or a library",
        Trait::Guessed => "the place is a guess",
        Trait::Recomputable => "computed again when it is missing",
        Trait::Implied => "only what holds something else that is reported",
        Trait::Foretold => "not seen to be written, but opened for writing",
        Trait::Replicated => "configured to run as two or more instances",
        Trait::KeyApart => "kept where it outlives its key",
        Trait::Printed => "printed by programs about what they do",
        Trait::OnHost => "in a folder or volume of the host",
        Trait::Renewed => "made anew by the same run before it is added to",
        Trait::KeyPath => "asked by the installer alone, whether its component is there",
        Trait::ContainerImage => "left in the image of a container",
        Trait::Tool => "by a tool that lies beside the application",
        Trait::Named => "told by the name of a setting",
        Trait::CleanedOnRecycle => "emptied at every recycle of the role",
        Trait::Cloned => "with a secret that every copy of the image shares",
        Trait::Unchanged => "the image holds the same value already",
    }
}

/// An outcome as one word of a table.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Survives => "survives",
        Outcome::Unknown => "not promised",
        Outcome::Diverges => "differs",
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

/// `Web.config:12:5`, `agent.exe: SaveState .text:0x1a2c`; a source line where one is known.
pub(super) fn place(finding: &Finding) -> String {
    let site = finding.site();
    let short = site.short();
    match (&site.source_file, site.line) {
        _ if short.is_empty() => finding.artifact.clone(),
        (None, Some(_)) => format!("{}:{short}", finding.artifact),
        _ => format!("{}: {short}", finding.artifact),
    }
}

/// The same in less and less room: `Orders.dll: Contoso.Orders.Journal.Append+0x1f`,
/// `Orders.dll: Journal.Append+0x1f`, `Orders.dll: Append+0x1f`, `Orders.dll`.
pub(super) fn places(finding: &Finding) -> [String; 4] {
    let whole = short_place(finding);
    let file = finding.artifact.rsplit(['/', '\\']).next().unwrap_or(&finding.artifact).to_owned();
    let shorter = |parts: usize| {
        let brief = format!("{file}: {}", brief(&finding.site(), parts));
        if brief.len() < whole.len() { brief } else { whole.clone() }
    };
    [whole.clone(), shorter(2), shorter(1), file.clone()]
}

/// A site in which a method has only the last parts of its name: two are the type and the method.
pub(super) fn brief(site: &Site, parts: usize) -> String {
    let tail = |method: &String| {
        let from = method.rmatch_indices('.').nth(parts.saturating_sub(1)).map_or(0, |(at, _)| at + 1);
        method.get(from..).unwrap_or(method).to_owned()
    };
    Site { method: site.method.as_ref().map(tail), ..site.clone() }.short()
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

/// Open findings, the heaviest first.
pub(super) fn by_weight(report: &Report) -> Vec<&Finding> {
    rank::by_weight(report.findings.iter().filter(|f| f.is_active()), None)
}

/// A place of a finding as others of the same place have it: Windows does not tell the case of paths and of keys of the
/// registry apart (MS documentation: "Naming Files, Paths, and Namespaces", "Structure of the Registry").
fn in_one_case(finding: &Finding, place: &str) -> String {
    let store = finding.effect.store;
    if store.is_path() || store == Store::Registry { place.to_lowercase() } else { place.to_owned() }
}

/// Findings about one location, the heaviest first; the groups by their heaviest.
pub(super) fn by_location(report: &Report) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut index = std::collections::HashMap::new();
    for finding in by_weight(report) {
        // Places that are not known have nothing in common.
        let own = if finding.effect.has_known_place() { "" } else { finding.fingerprint.as_str() };
        let at = *index
            .entry((in_one_case(finding, &finding.effect.location), finding.effect.store, own))
            .or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// The three places whose loss matters most, on one target or over all: errors before warnings, notes never.
pub(super) fn top_losses<'a>(report: &'a Report, target: Option<&'a str>) -> Vec<&'a Finding> {
    // The values of one key are one loss, as far as three are to be named.
    let mut seen = BTreeSet::new();
    let about = |f: &Finding| {
        let place = above(&f.effect.location).map_or_else(|| f.place(), str::to_owned);
        (f.rule.clone(), f.severity_on(target), in_one_case(f, &place))
    };
    let mut places = BTreeSet::new();
    let fresh = |f: &&Finding| places.insert((in_one_case(f, &f.place()), f.effect.store)) && seen.insert(about(f));
    rank::losses(&report.findings, target).into_iter().filter(fresh).take(3).collect()
}

/// The key or folder of a location, if it has a name.
pub(super) fn above(location: &str) -> Option<&str> {
    let (above, _) = location.rsplit_once(['\\', '/'])?;
    (above.chars().any(char::is_alphanumeric) && !above.ends_with(['/', ':'])).then_some(above)
}

/// What becomes of a finding's state on one target, in words.
pub(super) fn fate_on(finding: &Finding, target: &str, rules: &RuleSet) -> String {
    let outcomes = finding.outcomes.iter().filter(|o| o.target == target).map(|o| (o.event, o.outcome));
    describe(&outcomes.collect::<Vec<_>>(), rules)
}

/// What decides a verdict; a file in it is named from the folder that all files are below.
pub(super) fn because(report: &Report, target: &TargetVerdict) -> String {
    let folder = shared_folder(report);
    if folder.is_empty() { target.because.clone() } else { target.because.replace(&format!(" {folder}"), " ") }
}

/// An artifact that could not be read, or not whole.
pub(super) fn is_gap(kind: NoteKind) -> bool {
    !matches!(kind, NoteKind::Info | NoteKind::Missing)
}

/// What the report is about: as it was named, or the last folder that all its artifacts share.
pub(super) fn subject<'a>(report: &'a Report, context: &'a Context<'_>) -> Option<&'a str> {
    let shared = || shared_folders(report).into_iter().rev().find(|folder| !matches!(*folder, "" | "." | ".."));
    context.subject.or_else(shared)
}

/// The folder that all artifacts are below, with the separator at its end; empty when there is none.
pub(super) fn shared_folder(report: &Report) -> String {
    shared_folders(report).into_iter().flat_map(|folder| [folder, "/"]).collect()
}

fn shared_folders(report: &Report) -> Vec<&str> {
    let written = report.inventory.iter().flat_map(|e| e.writers.iter().map(|w| w.artifact.as_str()));
    let found = report.findings.iter().chain(&report.possible).map(|f| f.artifact.as_str());
    let skipped = report.skipped.iter().map(|s| s.artifact.as_str());
    let noted = report.notes.iter().map(|n| n.artifact.as_str());
    let mut shared: Option<Vec<&str>> = None;
    for path in written.chain(found).chain(skipped).chain(noted) {
        let mut folders: Vec<&str> = path.split("!/").next().unwrap_or(path).split('/').collect();
        folders.pop();
        shared = Some(match shared {
            None => folders,
            Some(known) => known.into_iter().zip(folders).take_while(|(a, b)| a == b).map(|(a, _)| a).collect(),
        });
    }
    shared.unwrap_or_default()
}

/// With a capital at its beginning.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
