//! The last lines: what would be lost first, the verdict for each target and what decides it, and the counts.

use super::{LOW, severity_ink};
use crate::output::style::{Ink, Style, cut, one_line};
use crate::output::words::capital;
use crate::output::{Context, words};
use crate::report::{Report, TargetVerdict, Verdict};
use std::collections::BTreeSet;

/// Reasons for gaps that are named without `--verbose`.
const MAX_GAPS: usize = 3;

pub(super) fn render(report: &Report, context: &Context<'_>) -> String {
    let style = context.style;
    let mut lines: Vec<String> = Vec::new();
    losses(report, style, &mut lines);
    for Alike { target, others } in alike(report) {
        let verdict = style.ink(verdict_ink(target.verdict), &capital(target.verdict.words()));
        // Colour codes have no width, so they are put in after wrapping.
        let plain = format!(
            "{} on {}: {}.",
            capital(target.verdict.words()),
            named(target, &others, style),
            one_line(&words::because(report, target))
        );
        for (index, line) in wrap(&plain, style.width, "", "  ").into_iter().enumerate() {
            let head = capital(target.verdict.words());
            match line.strip_prefix(&head) {
                Some(rest) if index == 0 => lines.push(format!("{verdict}{rest}")),
                _ => lines.push(line),
            }
        }
    }
    lines.extend(wrap(&counts(report), style.width, "", "  "));
    gaps(report, style, &mut lines);
    accepted(report, style, &mut lines);
    if let Some(hint) = hint(report, style) {
        lines.extend(wrap(&hint, style.width, "", "  ").into_iter().map(|l| style.ink(Ink::Faint, &l)));
    }
    lines.join("\n") + "\n"
}

/// What was accepted, and why, for those who want to see everything.
fn accepted(report: &Report, style: Style, lines: &mut Vec<String>) {
    let accepted = report.findings.iter().filter_map(|f| Some((f, f.suppressed.as_ref()?)));
    for (index, (finding, suppression)) in accepted.enumerate().filter(|_| style.verbose) {
        if index == 0 {
            lines.push("Accepted:".to_owned());
        }
        let until = suppression.expires.as_ref().map(|day| format!(" until {day}")).unwrap_or_default();
        let place = format!("{} {}: {}", finding.rule, words::place(finding), finding.place());
        let text = format!("{}; {}{}", one_line(&place), one_line(&suppression.reason), one_line(&until));
        lines.extend(wrap(&text, style.width, "  ", "    "));
    }
}

/// Targets of which the same is said.
struct Alike<'a> {
    target: &'a TargetVerdict,
    others: Vec<&'a TargetVerdict>,
}

/// One sentence for all targets with the same verdict for the same reason.
fn alike(report: &Report) -> Vec<Alike<'_>> {
    let mut groups: Vec<Alike<'_>> = Vec::new();
    for target in &report.targets {
        let same = |of: &&mut Alike<'_>| {
            of.target.verdict == target.verdict && words::because(report, of.target) == words::because(report, target)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.others.push(target),
            None => groups.push(Alike { target, others: Vec::new() }),
        }
    }
    groups
}

/// Names that are listed without `--verbose`.
const MAX_NAMED: usize = 3;

/// `A, B and 8 more targets`
fn named(target: &TargetVerdict, others: &[&TargetVerdict], style: Style) -> String {
    let mut names: Vec<String> = std::iter::once(&target).chain(others).map(|t| one_line(&t.name)).collect();
    if names.len() > MAX_NAMED + 1 && !style.verbose {
        let rest = names.split_off(MAX_NAMED).len();
        names.push(words::count(rest, "more target"));
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}

/// What was not seen whole, and why: what was not read cannot have been cleared.
fn gaps(report: &Report, style: Style, lines: &mut Vec<String>) {
    let folder = words::shared_folder(report);
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for note in report.notes.iter().filter(|n| words::is_gap(n.kind)) {
        let artifact = note.artifact.strip_prefix(&folder).unwrap_or(&note.artifact);
        match by_reason.iter_mut().find(|(reason, _)| *reason == note.text) {
            Some((_, artifacts)) => artifacts.push(artifact),
            None => by_reason.push((&note.text, vec![artifact])),
        }
    }
    if by_reason.is_empty() {
        return;
    }
    let (first, rest) = if by_reason.len() == 1 { ("Not seen whole: ", "  ") } else { ("  ", "    ") };
    if by_reason.len() > 1 {
        lines.push("Not seen whole:".to_owned());
    }
    let most = if style.verbose { usize::MAX } else { MAX_GAPS };
    for (reason, artifacts) in by_reason.iter().take(most) {
        let named: Vec<String> =
            artifacts.iter().take(if style.verbose { most } else { 1 }).map(|a| one_line(a)).collect();
        let others = match artifacts.len() - named.len() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let text = format!("{}{others}: {}", named.join(", "), one_line(reason));
        let text = if style.verbose { text } else { cut(&text, style.width * 3) };
        lines.extend(wrap(&text, style.width, first, rest));
    }
    if by_reason.len() > most {
        let rest = words::count(by_reason.len() - most, "more reason");
        lines.push(format!("  and {rest}; --verbose names all files"));
    }
}

/// The three that matter most, one or two lines each.
fn losses(report: &Report, style: Style, lines: &mut Vec<String>) {
    let top = words::top_losses(report, None);
    if top.is_empty() {
        return;
    }
    let title = match top.len() {
        1 => "The loss that matters most:".to_owned(),
        n => format!("The {n} losses that matter most:"),
    };
    lines.push(style.ink(Ink::Strong, &title));
    for (index, finding) in top.iter().enumerate() {
        let place = match style.height < LOW {
            true => finding.place(),
            false => format!("{} ({})", finding.place(), finding.name),
        };
        let text = format!("{}; {}", one_line(&place), one_line(words::fate(finding)));
        let number = format!("{}. ", index + 1);
        let text = cut(&text, if style.height < LOW { style.width * 2 - 12 } else { style.width * 3 - 18 });
        for (at, line) in wrap(&text, style.width, &format!("  {number}"), "     ").into_iter().enumerate() {
            match line.strip_prefix(&format!("  {number}")) {
                Some(rest) if at == 0 => {
                    lines.push(format!("  {}{rest}", style.ink(severity_ink(finding.severity), &number)));
                }
                _ => lines.push(line),
            }
        }
    }
    lines.push(String::new());
}

fn counts(report: &Report) -> String {
    let stats = &report.stats;
    let mut text = words::counts(report);
    if stats.suppressed > 0 {
        text.push_str(&format!(", {} accepted", stats.suppressed));
    }
    text.push_str(&format!(" in {} read", words::count(stats.artifacts, "file")));
    if stats.third_party > 0 {
        text.push_str(&format!(", {} of third parties not reported", stats.third_party));
    }
    if stats.skipped > 0 {
        text.push_str(&format!(", {} skipped", stats.skipped));
    }
    let gaps: BTreeSet<&str> =
        report.notes.iter().filter(|n| words::is_gap(n.kind)).map(|n| n.artifact.as_str()).collect();
    if !gaps.is_empty() {
        text.push_str(&format!(", {} not seen whole", gaps.len()));
    }
    text.push('.');
    text
}

/// What was not shown, and how to see it.
fn hint(report: &Report, style: Style) -> Option<String> {
    let mut hidden = Vec::new();
    let notes = report.stats.findings.get(&crate::rules::Severity::Note).copied().unwrap_or_default();
    if notes > 0 && !style.verbose {
        let text = if notes == 1 { "note".to_owned() } else { format!("{notes} notes") };
        hidden.push(format!("--verbose lists the {text}"));
    }
    if !report.possible.is_empty() {
        let text = match report.possible.len() {
            1 => "1 mere capability".to_owned(),
            n => format!("{n} mere capabilities"),
        };
        hidden.push(format!("--pedantic adds {text}"));
    }
    if let Some(finding) = words::by_weight(report).first() {
        hidden.push(format!("`wipeproof explain {}` tells why", one_line(&finding.rule)));
    }
    (!hidden.is_empty()).then(|| capital(&format!("{}.", hidden.join("; "))))
}

fn verdict_ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Ready => Ink::Good,
        Verdict::ReadyWithConditions | Verdict::InsufficientData => Ink::Warning,
        Verdict::NotReady => Ink::Error,
    }
}

fn wrap(text: &str, width: usize, first: &str, rest: &str) -> Vec<String> {
    let options = textwrap::Options::new(width.max(20))
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .initial_indent(first)
        .subsequent_indent(rest);
    textwrap::wrap(text, options).into_iter().map(|line| line.trim_end().to_owned()).collect()
}
