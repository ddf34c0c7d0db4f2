//! For people at a terminal: the worst first with an excerpt each, the rest in a line each, then the verdict.
//!
//! By default it is about a screen, told in full by the counts of what is left out; the summary comes last, where the
//! eye is when the command ends. Findings about one location are shown together.

mod brief;
mod finding;
mod summary;

use super::Context;
use super::style::{Ink, cut};
use super::words;
use crate::report::{Finding, Report};
use crate::rules::Severity;
use std::io::{self, Write};

/// Lines of a screen on which nothing is said twice.
const LOW: usize = 40;
/// Lines for findings told in one line each, by default.
const MAX_BRIEF: usize = 12;

pub(super) fn write(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let style = context.style;
    let summary = summary::render(report, context);
    let least = if style.verbose { Severity::Off } else { Severity::Warning };
    let groups: Vec<_> = words::by_location(report)
        .into_iter()
        .filter(|group| group.first().is_some_and(|f| f.severity >= least))
        .collect();

    if style.verbose {
        for group in &groups {
            out.write_all(finding::render(group, context).as_bytes())?;
            writeln!(out)?;
        }
    } else {
        let (full, brief, left) = fit(&groups, context, summary.lines().count());
        for text in &full {
            out.write_all(text.as_bytes())?;
            writeln!(out)?;
        }
        for run in &brief {
            writeln!(out, "{}", brief::line(run, style))?;
        }
        if left > 0 {
            let more = format!("… and {} more; --verbose shows everything", words::count(left, "location"));
            writeln!(out, "{}", style.ink(Ink::Faint, &cut(&more, style.width)))?;
        }
        if !brief.is_empty() || left > 0 {
            writeln!(out)?;
        }
    }
    out.write_all(summary.as_bytes())
}

/// Groups that one line tells of.
type Run<'g, 'r> = &'g [Vec<&'r Finding>];

/// As many groups in full as fit a screen beside the summary, some more in a line each, and the number of the rest.
fn fit<'g, 'r>(
    groups: &'g [Vec<&'r Finding>],
    context: &Context<'_>,
    summary: usize,
) -> (Vec<String>, Vec<Run<'g, 'r>>, usize) {
    let room = context.style.height.saturating_sub(summary + 1);
    let mut full: Vec<String> = Vec::new();
    let mut used = 0;
    for (index, group) in groups.iter().enumerate() {
        let text = finding::render(group, context);
        let lines = text.lines().count() + 1;
        let rest = (groups.len() - index - 1).min(MAX_BRIEF / 2);
        // One is shown however small the screen is.
        if index > 0 && used + lines + rest > room {
            break;
        }
        used += lines;
        full.push(text);
    }
    let mut brief = brief::fold(groups.get(full.len()..).unwrap_or_default());
    let left = brief.split_off(brief.len().min(room.saturating_sub(used + 2).clamp(3, MAX_BRIEF)));
    (full, brief, left.into_iter().map(<[_]>::len).sum())
}

fn severity_ink(severity: Severity) -> Ink {
    match severity {
        Severity::Error => Ink::Error,
        Severity::Warning => Ink::Warning,
        Severity::Note | Severity::Off => Ink::Note,
    }
}
