//! Is the application ready for a target, and what decides it.

use super::rank::{by_weight, losses};
use super::{ArtifactNote, Finding, TargetVerdict, Verdict};
use crate::discover::{FOREIGN, Skipped, TOO_LARGE, UNLISTED};
use crate::facts::{NoteKind, Owner, Phase, Reading, is_binary};
use crate::rules::{Outcome, Severity, Target};
use std::collections::{BTreeSet, HashSet};

/// The verdict for one target over the findings that count.
pub(super) fn verdict(
    target: &Target,
    findings: &[Finding],
    possible: &[Finding],
    notes: &[ArtifactNote],
    readings: &[Reading],
    skipped: &[Skipped],
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
        .filter(|f| f.effect.phase == Phase::Unknown)
        .filter(|f| f.outcomes.iter().any(|o| o.target == target.id && o.outcome.is_harm()));
    let untimed: Vec<&Finding> = untimed.collect();
    let accepted = |least| findings.iter().filter(|f| !f.is_active() && f.severity_on(id) >= least).count();
    let nothing_open = || format!("nothing is open, but {} accepted", losses_were(accepted(Severity::Warning)));
    let (verdict, because) = if let Some(place) = first(Severity::Error) {
        let what = "data, work or identity would be lost";
        (Verdict::NotReady, format!("{what} ({}), first {place}", counted(errors, "error")))
    } else if artifacts == 0 {
        (Verdict::InsufficientData, "nothing was read".to_owned())
    } else if let Some(gap) =
        unread(skipped, readings).or_else(|| nothing_own(readings)).or_else(|| gap(notes, readings))
    {
        (Verdict::InsufficientData, gap)
    } else if let Some(place) = first(Severity::Warning) {
        // A warning need not be a loss: a single instance is none.
        let what = match losses(findings, id).is_empty() {
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
    } else if let Some(place) = lost_note {
        (Verdict::Ready, format!("nothing that matters would be lost; the notes name small losses, such as {place}"))
    } else if accepted(Severity::Warning) > 0 {
        (Verdict::Ready, nothing_open())
    } else {
        (Verdict::Ready, "nothing was found that an event would take away".to_owned())
    };
    let unseen = missing(notes, readings).filter(|_| verdict == Verdict::Ready);
    let (verdict, because) = match unseen {
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

/// Endings of files with code, or with files in them, that no reader knows: programs of other runtimes, programs that are
/// none, and packages. Scripts of web pages run elsewhere.
const CODE: [&str; 26] = [
    "exe", "dll", "com", "sys", "ocx", "cpl", "scr", "jar", "war", "ear", "class", "py", "pyw", "pyc", "php", "rb",
    "pl", "pm", "zip", "7z", "rar", "cab", "appx", "msix", "iso", "wim",
];

/// Endings of sources of programs: what is built of them is read, they are not. Pages count with them.
const SOURCES: [&str; 22] = [
    "cs", "vb", "fs", "java", "kt", "scala", "go", "rs", "c", "cc", "cpp", "cxx", "pas", "dpr", "frm", "bas", "cls",
    "ctl", "aspx", "ascx", "ashx", "cshtml",
];
/// Endings of scripts that run in a browser as well; beside this file they are a program of Node.js.
const NODE: [&str; 4] = ["js", "mjs", "cjs", "ts"];
/// Folders of scripts that browsers run.
const WEB: [&str; 12] =
    ["public", "static", "www", "wwwroot", "assets", "client", "frontend", "scripts", "web", "dist", "js", "views"];
const NODE_PROGRAM: &str = "package.json";
/// The format of sources that were not read because nothing says that they run on Windows.
const ELSEWHERE: &str = "php-elsewhere";
/// What the script of a server is called that IIS starts (iisnode, "Configuration").
const NODE_SERVER: &str = "server.js";

/// Code of the application that was not looked into: any that is too large or lies in a folder that cannot be listed, and
/// what no reader knows where it is the greater part.
fn unread(skipped: &[Skipped], readings: &[Reading]) -> Option<String> {
    let missed = |s: &&Skipped| s.reason == TOO_LARGE || s.reason.starts_with(UNLISTED);
    if let Some(first) = skipped.iter().find(missed) {
        let many = skipped.iter().filter(missed).count();
        return Some(format!(
            "{} could not be read, first {}: {}",
            counted(many, "file"),
            first.artifact,
            first.reason
        ));
    }
    let own = || readings.iter().filter(|r| r.owner == Owner::Application);
    let is_built = own().any(|r| is_binary(&r.format));
    let of_node: BTreeSet<&str> =
        own().filter(|r| file_name(&r.artifact) == NODE_PROGRAM).map(|r| folder(&r.artifact)).collect();
    // Down to folders of what is sent to browsers.
    let is_of_node = |at: &str| {
        let up = std::iter::successors(Some(at), |at| at.rfind(['/', '\\']).map(|end| &at[..end]));
        up.take_while(|at| !WEB.contains(&file_name(at).to_lowercase().as_str())).any(|at| of_node.contains(at))
            || (of_node.contains("") && !at.split(['/', '\\']).any(|f| WEB.contains(&f.to_lowercase().as_str())))
    };
    let is = |s: &Skipped, endings: &[&str]| {
        let ending = file_name(&s.artifact).rsplit_once('.').map(|(_, end)| end);
        s.reason == FOREIGN && ending.is_some_and(|end| endings.iter().any(|code| end.eq_ignore_ascii_case(code)))
    };
    let is_source = |s: &&Skipped| {
        !is_built
            && (is(s, &SOURCES)
                || is(s, &NODE) && (is_of_node(folder(&s.artifact)) || file_name(&s.artifact) == NODE_SERVER))
    };
    let is_code = |s: &&Skipped| is(s, &CODE) || is_source(s);
    let elsewhere = own().filter(|r| r.format == ELSEWHERE).map(|r| r.artifact.as_str());
    let all_foreign: Vec<&str> = skipped.iter().filter(is_code).map(|s| s.artifact.as_str()).chain(elsewhere).collect();
    let foreign = all_foreign.len();
    // What is configured says nothing of what code does.
    let read = own().filter(|r| is_binary(&r.format) || is_script(&r.format)).count();
    let first = all_foreign.first().filter(|_| foreign > read)?;
    let all = counted(foreign + read, "file");
    let sources = skipped.iter().filter(is_source).count();
    // A package among many sources is not why.
    if let Some(first) = skipped.iter().find(is_source).filter(|_| sources * 2 > foreign) {
        let verb = if sources == 1 { "is" } else { "are" };
        let what = format!("{sources} of {all} with code {verb} source, which is not read");
        return Some(format!("{what}, first {}; scan what is built of it", first.artifact));
    }
    let (verb, kinds) = if foreign == 1 { ("is", "of a kind") } else { ("are", "of kinds") };
    Some(format!("{foreign} of {all} with code {verb} {kinds} that {verb} not read, first {first}"))
}

fn folder(path: &str) -> &str {
    path.rfind(['/', '\\']).map_or("", |at| &path[..at])
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn is_script(format: &str) -> bool {
    crate::facts::is_script(format) || matches!(format, "asp" | "php")
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn losses_were(count: usize) -> String {
    if count == 1 { "1 finding of a loss was".to_owned() } else { format!("{count} findings of a loss were") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(skipped: &[(&str, &str)], own: usize) -> Option<String> {
        let skipped: Vec<Skipped> = skipped
            .iter()
            .map(|(artifact, reason)| Skipped { artifact: (*artifact).to_owned(), reason: (*reason).to_owned() })
            .collect();
        unread(&skipped, &vec![Reading { format: "batch".to_owned(), ..Reading::default() }; own])
    }

    #[test]
    fn what_was_not_looked_into_keeps_an_all_clear_from_being_given() {
        let jars = [("lib/a.jar", FOREIGN), ("lib/B.JAR", FOREIGN), ("readme.txt", FOREIGN)];
        assert_eq!(
            said(&jars, 1).as_deref(),
            Some("2 of 3 files with code are of kinds that are not read, first lib/a.jar")
        );
        assert_eq!(said(&jars, 2), None, "the greater part was read");
        assert_eq!(said(&[("a.png", FOREIGN), ("b.txt", FOREIGN), ("c.js", "excluded by exclude")], 0), None);
        assert_eq!(
            said(&[("Program.cs", FOREIGN), ("site.js", FOREIGN)], 0).as_deref(),
            Some("1 of 1 file with code is source, which is not read, first Program.cs; scan what is built of it")
        );
        let readings = |formats: &[(&str, &str)]| -> Vec<Reading> {
            let reading = |(artifact, format): &(&str, &str)| Reading {
                artifact: (*artifact).to_owned(),
                format: (*format).to_owned(),
                ..Reading::default()
            };
            formats.iter().map(reading).collect()
        };
        let foreign = |artifact: &str| [Skipped { artifact: artifact.to_owned(), reason: FOREIGN.to_owned() }];
        let built = readings(&[("bin/a.dll", "assembly"), ("App.config", "xml")]);
        assert_eq!(unread(&foreign("Program.cs"), &built), None);
        assert!(unread(&foreign("Program.cs"), &built[1..]).is_some(), "configuration is no code");
        let pages = readings(&[("a.php", "php-elsewhere"), ("b.php", "php-elsewhere"), ("c.php", "php")]);
        assert!(unread(&[], &pages).is_some_and(|said| said.starts_with("2 of 3 files with code")));
        assert_eq!(unread(&[], &pages[1..]), None);
        let node = readings(&[("app/package.json", "json")]);
        assert!(unread(&foreign("app/server.js"), &node).is_some());
        assert_eq!(unread(&foreign("site/menu.js"), &node), None);
        let large = said(&[("disk.msi", TOO_LARGE)], 50);
        assert_eq!(
            large.as_deref(),
            Some("1 file could not be read, first disk.msi: larger than the size cap of its format")
        );
        assert!(said(&[("locked", "cannot be walked: permission denied")], 50).is_some());
    }
}
