//! A page for a job summary or a pull request: verdicts, what matters most, the inventory.
//!
//! Texts of the application are shown as code, in which nothing is markup, mention or link.

use super::style::one_line;
use super::{Context, words};
use crate::report::{Entry, Report, TargetVerdict, Writer};
use crate::rules::Severity;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Rows of the inventory; services cut pages at a megabyte.
const MAX_ROWS: usize = 200;

pub(super) fn write(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let subject = words::subject(report, context).map(|s| format!(" of {}", text(s))).unwrap_or_default();
    let mut page = format!("# Statelessness{subject}: {}\n\n", report.verdict.words());
    page.push_str("| Target | Verdict | What decides it |\n|---|---|---|\n");
    for target in &report.targets {
        let (name, because) = (text(&target.name), text(&words::because(report, target)));
        let _ = writeln!(page, "| {name} | **{}** | {because} |", target.verdict.words());
    }
    let accepted = match report.stats.suppressed {
        0 => String::new(),
        n => format!(", {n} accepted"),
    };
    let files = words::count(report.stats.artifacts, "file");
    let foreign = match report.stats.third_party {
        0 => String::new(),
        n => format!(", {n} of third parties not reported"),
    };
    let _ = writeln!(page, "\n{}{accepted} in {files} read{foreign}.", words::counts(report));
    if let Some(earlier) = context.earlier {
        since(report, earlier, &mut page);
    }
    for target in &report.targets {
        losses(report, target, context, &mut page);
    }
    inventory(report, &mut page);
    accepted_findings(report, &mut page);
    let gaps: Vec<_> = report.notes.iter().filter(|n| words::is_gap(n.kind)).collect();
    if !gaps.is_empty() {
        page.push_str("\n## Not seen whole\n\n");
        for note in gaps.iter().take(MAX_ROWS) {
            let _ = writeln!(page, "- {}: {}", code(&note.artifact), text(&note.text));
        }
        more(gaps.len(), &mut page);
    }
    out.write_all(page.as_bytes())
}

/// What changed, by fingerprints.
fn since(report: &Report, earlier: &Report, page: &mut String) {
    let prints = |r: &Report| r.findings.iter().map(|f| f.fingerprint.clone()).collect::<BTreeSet<_>>();
    let (now, then) = (prints(report), prints(earlier));
    let _ = writeln!(
        page,
        "\nSince the earlier report: {} new, {} gone, {} as before; the verdict was {}.",
        now.difference(&then).count(),
        then.difference(&now).count(),
        now.intersection(&then).count(),
        earlier.verdict.words()
    );
}

fn losses(report: &Report, target: &TargetVerdict, context: &Context<'_>, page: &mut String) {
    let top = words::top_losses(report, Some(&target.id));
    if top.is_empty() {
        return;
    }
    let _ = writeln!(page, "\n## What matters most on {}\n", text(&target.name));
    for (index, finding) in top.iter().enumerate() {
        let severity: &str = finding.severity_on(Some(&target.id)).into();
        let fate = words::fate_on(finding, &target.id, context.rules);
        let _ = writeln!(page, "{}. **{severity}** {}: {}", index + 1, code(&finding.place()), text(&fate));
        let _ = writeln!(
            page,
            "   - by {} ({} {})",
            code(&words::place(finding)),
            text(&finding.rule),
            text(&finding.name)
        );
        let _ = writeln!(page, "   - instead: {}", text(&finding.help));
    }
}

/// What does not count, and who says so: accepted is not absent.
fn accepted_findings(report: &Report, page: &mut String) {
    let accepted: Vec<_> = report.findings.iter().filter_map(|f| Some((f, f.suppressed.as_ref()?))).collect();
    if accepted.is_empty() {
        return;
    }
    page.push_str(
        "\n## Accepted\n\n| Finding | Location | By | Because | Owner | Until |\n|---|---|---|---|---|---|\n",
    );
    for (finding, suppression) in accepted.iter().take(MAX_ROWS) {
        let kind: &str = suppression.kind.into();
        let or_none = |said: &Option<String>| said.as_deref().map(text).unwrap_or_default();
        let _ = writeln!(
            page,
            "| {} {} | {} | {kind} | {} | {} | {} |",
            text(&finding.rule),
            code(&words::place(finding)),
            code(&finding.place()),
            text(&suppression.reason),
            or_none(&suppression.owner),
            or_none(&suppression.expires)
        );
    }
    more(accepted.len(), page);
}

fn inventory(report: &Report, page: &mut String) {
    let mut entries: Vec<&Entry> = report.inventory.iter().collect();
    if entries.is_empty() {
        return;
    }
    entries.sort_by_key(|e| std::cmp::Reverse(e.severity));
    page.push_str("\n## Inventory of state\n\n| Location | Kind | Written by | Severity |");
    let rule = "|---|---|---|---|";
    for target in &report.targets {
        let _ = write!(page, " On {} |", text(&target.id));
    }
    let _ = writeln!(page, " Instead |\n{rule}{}---|", "---|".repeat(report.targets.len()));
    for entry in entries.iter().take(MAX_ROWS) {
        let store: &str = entry.store.into();
        let severity = match entry.severity {
            Severity::Off => "",
            other => other.into(),
        };
        let writer = entry.writers.first().map(writer).unwrap_or_default();
        let others = match entry.writers.len() {
            0 | 1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let _ = write!(page, "| {} | {store} | {writer}{others} | {severity} |", code(&entry.location));
        for target in &report.targets {
            let words = entry.fates.get(&target.id).map(|fate| text(&fate.words)).unwrap_or_default();
            let _ = write!(page, " {words} |");
        }
        let _ = writeln!(page, " {} |", entry.help.as_deref().map(text).unwrap_or_default());
    }
    more(entries.len(), page);
}

/// `bin/agent.exe .text:0x1a2c`, set while it runs.
fn writer(writer: &Writer) -> String {
    let place = code(&format!("{} {}", writer.artifact, writer.site));
    format!("{place} {} {}", words::done(writer.operation), words::when(writer.phase))
}

fn more(count: usize, page: &mut String) {
    if count > MAX_ROWS {
        let _ = writeln!(page, "\nAnd {} more, in the other formats.", count - MAX_ROWS);
    }
}

/// A text of the application as code. A backtick or a bar would end the span or the cell; such a text is written
/// with character references, which are never markup.
fn code(source: &str) -> String {
    let line = one_line(source);
    let line = line.trim();
    match line.is_empty() {
        true => String::new(),
        false if line.contains(['`', '|']) => format!("<code>{}</code>", references(line, |_| true)),
        false => format!("`{line}`"),
    }
}

/// A sentence that may quote the application.
fn text(source: &str) -> String {
    let line = one_line(source);
    let harmless = |c: char| matches!(c, ',' | ';' | '.' | '(' | ')' | '-' | '/');
    let link = line.contains("//") || line.to_ascii_lowercase().contains("www");
    references(line.trim(), |c| link || !harmless(c))
}

/// Punctuation as character references.
fn references(source: &str, mark: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(source.len());
    for c in source.chars() {
        if c.is_ascii_punctuation() && mark(c) {
            let _ = write!(safe, "&#{};", c as u32);
        } else {
            safe.push(c);
        }
    }
    safe
}
