//! What was not analysed, what was accepted, mere capabilities, and how to make the report again.

use super::{file, path, text};
use crate::facts::NoteKind;
use crate::output::{Context, words};
use crate::report::{ArtifactNote, Report};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// Names listed per group; the JSON report has all.
const MAX_NAMES: usize = 500;

fn list<'a>(names: impl Iterator<Item = String> + 'a, total: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<ul>")?;
    for name in names.take(MAX_NAMES) {
        writeln!(out, "<li>{name}</li>")?;
    }
    if total > MAX_NAMES {
        writeln!(out, "<li>and {} more, in the JSON report</li>", total - MAX_NAMES)?;
    }
    writeln!(out, "</ul>")
}

pub(super) fn gaps(report: &Report, root: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section aria-labelledby=\"gaps\"><h2 id=\"gaps\">Not analysed, and why</h2>")?;
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for skipped in &report.skipped {
        reasons.entry(&skipped.reason).or_default().push(&skipped.artifact);
    }
    if report.stats.third_party > 0 {
        let of = words::count(report.stats.third_party, "file");
        writeln!(out, "<p>{of} of third parties and frameworks: read, but not reported.</p>")?;
    }
    if reasons.is_empty() && report.notes.is_empty() {
        writeln!(out, "<p>Everything was read.</p>")?;
    }
    for (kind, notes) in by_kind(report) {
        let open = if notes.len() <= 20 { " open" } else { "" };
        writeln!(out, "<details{open}><summary>{}: {}</summary>", gap(kind), words::count(notes.len(), "remark"))?;
        let note = |n: &&ArtifactNote| format!("{}: {}", file(&n.artifact, root), text(&n.text));
        list(notes.iter().map(note), notes.len(), out)?;
        writeln!(out, "</details>")?;
    }
    for (reason, names) in &reasons {
        writeln!(
            out,
            "<details><summary>{}: {} <span class=\"soft\">{}</span></summary>",
            text(reason),
            words::count(names.len(), "file"),
            text(&endings(names))
        )?;
        list(names.iter().map(|n| file(n, root)), names.len(), out)?;
        writeln!(out, "</details>")?;
    }
    writeln!(out, "</section>")
}

/// What was not seen, the gravest first.
fn by_kind(report: &Report) -> Vec<(NoteKind, Vec<&ArtifactNote>)> {
    use NoteKind::{Capped, Failed, Info, Malformed, Missing, Opaque, Unreadable, Unsupported};
    let of = |kind: NoteKind| (kind, report.notes.iter().filter(|n| n.kind == kind).collect::<Vec<_>>());
    [Failed, Unreadable, Opaque, Unsupported, Missing, Malformed, Capped, Info]
        .into_iter()
        .map(of)
        .filter(|(_, notes)| !notes.is_empty())
        .collect()
}

fn gap(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::Failed => "Not judged, because a reader of this tool failed",
        NoteKind::Unreadable => "Could not be opened",
        NoteKind::Opaque => "Packed, encrypted or obfuscated",
        NoteKind::Unsupported => "Of a kind or version that is not read",
        NoteKind::Missing => "Part of what runs was not seen",
        NoteKind::Malformed => "Damaged in part; the rest was read",
        NoteKind::Capped => "Larger than a limit of this tool; read up to it",
        NoteKind::Info => "Worth knowing",
    }
}

/// `312 .py, 100 .h, 7 others`: the endings that most of the files have.
fn endings(names: &[&str]) -> String {
    const MOST: usize = 6;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let ending = file.rsplit_once('.').filter(|(stem, end)| !stem.is_empty() && end.len() <= 10);
        *counts
            .entry(ending.map_or("without an ending".to_owned(), |(_, end)| format!(".{}", end.to_lowercase())))
            .or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let others: usize = counts.iter().skip(MOST).map(|(_, count)| count).sum();
    let mut said: Vec<String> =
        counts.into_iter().take(MOST).map(|(ending, count)| format!("{count} {ending}")).collect();
    if others > 0 {
        said.push(format!("{others} others"));
    }
    said.join(", ")
}

pub(super) fn accepted(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section aria-labelledby=\"accepted\"><h2 id=\"accepted\">Accepted, with reasons</h2>")?;
    let accepted = report.findings.iter().filter_map(|f| Some((f, f.suppressed.as_ref()?)));
    if accepted.clone().next().is_none() {
        return writeln!(out, "<p>Nothing was accepted.</p></section>");
    }
    writeln!(
        out,
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Accepted findings\"><table><caption>{}</caption><thead><tr><th scope=\"col\">Rule</th><th scope=\"col\">Location</th><th scope=\"col\">Reason</th><th scope=\"col\">Owner</th><th scope=\"col\">Until</th><th scope=\"col\">Where</th></tr></thead><tbody>",
        words::count(report.stats.suppressed, "finding")
    )?;
    for (finding, suppression) in accepted.take(MAX_NAMES) {
        let kind: &str = suppression.kind.into();
        let or = |value: &Option<String>, other: &str| text(value.as_deref().unwrap_or(other));
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{kind}</td></tr>",
            text(&finding.rule),
            path(&finding.effect.location),
            text(&suppression.reason),
            or(&suppression.owner, "nobody named"),
            or(&suppression.expires, "no end"),
        )?;
    }
    writeln!(out, "</tbody></table></div></section>")
}

pub(super) fn capabilities(report: &Report, root: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<section aria-labelledby=\"capabilities\"><h2 id=\"capabilities\">Appendix: possible capabilities</h2>"
    )?;
    writeln!(out, "<p>Functions that could write state, without a place where they do. They count for nothing.</p>")?;
    let mut by_artifact: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for finding in &report.possible {
        by_artifact.entry(&finding.artifact).or_default().insert(&finding.effect.via);
    }
    if by_artifact.is_empty() {
        writeln!(out, "<p>None.</p>")?;
    }
    for (artifact, names) in by_artifact.iter().take(MAX_NAMES) {
        writeln!(
            out,
            "<details><summary>{}: {}</summary>",
            file(artifact, root),
            words::count(names.len(), "function")
        )?;
        list(names.iter().map(|n| format!("<code>{}</code>", text(n))), names.len(), out)?;
        writeln!(out, "</details>")?;
    }
    if by_artifact.len() > MAX_NAMES {
        writeln!(out, "<p>And {} more files, in the JSON report.</p>", by_artifact.len() - MAX_NAMES)?;
    }
    writeln!(out, "</section>")
}

/// What a person decides, on paper.
pub(super) fn decision(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<section aria-labelledby=\"decision\"><h2 id=\"decision\">Decision</h2>\
         <p>The verdict is of the tool, from what the files show; the decision is of a person, who also knows what was not analysed and what was accepted.</p>\
         <div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Decision table\"><table class=\"sign\"><caption>To be filled in on paper</caption><thead><tr><th scope=\"col\">Target</th><th scope=\"col\">Verdict of the tool</th><th scope=\"col\">Decision and conditions</th><th scope=\"col\">Name, role</th><th scope=\"col\">Date, signature</th></tr></thead><tbody>"
    )?;
    for target in &report.targets {
        let (name, verdict) = (text(&target.name), target.verdict.words());
        writeln!(out, "<tr><th scope=\"row\">{name}</th><td>{verdict}</td><td></td><td></td><td></td></tr>")?;
    }
    writeln!(out, "</tbody></table></div></section>")
}

pub(super) fn reproduce(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let targets: Vec<&str> = report.targets.iter().map(|t| t.id.as_str()).collect();
    let formats: Vec<String> = report.stats.formats.iter().map(|(f, n)| format!("{n} {f}")).collect();
    writeln!(
        out,
        "<section aria-labelledby=\"reproduce\"><h2 id=\"reproduce\">To reproduce this</h2><p>The same tool, rules, settings and input give the same bytes, wherever they are.</p><dl>"
    )?;
    if let Some(invocation) = context.invocation {
        writeln!(out, "<dt>Command</dt><dd><code>{}</code></dd>", text(&invocation.command))?;
        let settings = match &invocation.settings {
            Some((file, hash)) => format!("{}, BLAKE3 <code>{}</code>", path(file), text(hash)),
            None => "none; the defaults hold".to_owned(),
        };
        writeln!(out, "<dt>Settings</dt><dd>{settings}</dd>")?;
    }
    let rows = [
        ("Tool", format!("{} {}", report.tool.name, report.tool.version)),
        ("Rule set", report.tool.rules.clone()),
        (
            "Input, BLAKE3 over names and contents",
            if report.input.is_empty() { "not known".to_owned() } else { report.input.clone() },
        ),
        ("Baseline", report.baseline.as_ref().map_or_else(|| "none".to_owned(), |b| b.file.clone())),
        ("Report contract", report.schema.clone()),
        ("Targets", targets.join(", ")),
        ("Files read", format!("{} ({})", report.stats.artifacts, formats.join(", "))),
        ("Files skipped", report.stats.skipped.to_string()),
        ("Facts", report.stats.facts.to_string()),
    ];
    for (name, value) in rows {
        writeln!(out, "<dt>{name}</dt><dd>{}</dd>", text(&value))?;
    }
    writeln!(out, "</dl></section>")
}
