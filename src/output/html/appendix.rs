//! What was not analysed, what was accepted, mere capabilities, and how to make the report again.

use super::{path, text};
use crate::output::words;
use crate::report::Report;
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

pub(super) fn gaps(report: &Report, out: &mut dyn Write) -> io::Result<()> {
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
    for (reason, names) in &reasons {
        writeln!(out, "<details><summary>{}: {}</summary>", text(reason), words::count(names.len(), "file"))?;
        list(names.iter().map(|n| path(n)), names.len(), out)?;
        writeln!(out, "</details>")?;
    }
    if !report.notes.is_empty() {
        let open = if report.notes.len() <= 20 { " open" } else { "" };
        writeln!(
            out,
            "<details{open}><summary>Seen in part: {}</summary>",
            words::count(report.notes.len(), "remark")
        )?;
        let note = |n: &crate::report::ArtifactNote| format!("{}: {}", path(&n.artifact), text(&n.text));
        list(report.notes.iter().map(note), report.notes.len(), out)?;
        writeln!(out, "</details>")?;
    }
    writeln!(out, "</section>")
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

pub(super) fn capabilities(report: &Report, out: &mut dyn Write) -> io::Result<()> {
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
        writeln!(out, "<details><summary>{}: {}</summary>", path(artifact), names.len())?;
        list(names.iter().map(|n| format!("<code>{}</code>", text(n))), names.len(), out)?;
        writeln!(out, "</details>")?;
    }
    if by_artifact.len() > MAX_NAMES {
        writeln!(out, "<p>And {} more files, in the JSON report.</p>", by_artifact.len() - MAX_NAMES)?;
    }
    writeln!(out, "</section>")
}

pub(super) fn reproduce(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let targets: Vec<&str> = report.targets.iter().map(|t| t.id.as_str()).collect();
    let formats: Vec<String> = report.stats.formats.iter().map(|(f, n)| format!("{n} {f}")).collect();
    writeln!(
        out,
        "<section aria-labelledby=\"reproduce\"><h2 id=\"reproduce\">To reproduce this</h2><p>The same tool, rules and input give the same bytes.</p><dl>"
    )?;
    let rows = [
        ("Tool", format!("{} {}", report.tool.name, report.tool.version)),
        ("Rule set", report.tool.rules.clone()),
        ("Input", if report.input.is_empty() { "not known".to_owned() } else { report.input.clone() }),
        ("Report contract", report.schema.clone()),
        ("Targets", targets.join(", ")),
        ("Files read", format!("{} ({})", report.stats.artifacts, formats.join(", "))),
        ("Facts", report.stats.facts.to_string()),
    ];
    for (name, value) in rows {
        writeln!(out, "<dt>{name}</dt><dd>{}</dd>", text(&value))?;
    }
    writeln!(out, "</dl></section>")
}
