//! For people at a terminal: the worst first with an excerpt each, the rest in a line each, then the verdict.
//!
//! By default it is about a screen, told in full by the counts of what is left out; the summary comes last, where the
//! eye is when the command ends. Findings about one location are shown together.

mod finding;
mod summary;

use super::Context;
use super::style::{Ink, cut, cut_middle, one_line};
use super::words;
use crate::report::{Finding, Report};
use crate::rules::Severity;
use std::io::{self, Write};
use textwrap::core::display_width;

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

    if style.verbose || style.narrated {
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
        for group in brief {
            writeln!(out, "{}", one_liner(group, context))?;
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

/// As many groups in full as fit a screen beside the summary, some more in a line each, and the number of the rest.
fn fit<'g, 'r>(
    groups: &'g [Vec<&'r Finding>],
    context: &Context<'_>,
    summary: usize,
) -> (Vec<String>, &'g [Vec<&'r Finding>], usize) {
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
    let rest = groups.get(full.len()..).unwrap_or_default();
    let room = room.saturating_sub(used + 2).clamp(3, MAX_BRIEF);
    let shown = if rest.len() <= room { rest.len() } else { room };
    let (brief, left) = rest.split_at(shown);
    (full, brief, left.len())
}

/// `warning WP201 HKLM\Software\Contoso\LastRun           bin/agent.exe: .text+0x1a2c`.
fn one_liner(group: &[&Finding], context: &Context<'_>) -> String {
    let style = context.style;
    let Some(lead) = group.first() else { return String::new() };
    let severity: &str = lead.severity.into();
    let rule = one_line(&lead.rule);
    let more = if group.len() > 1 { format!(" (+{})", group.len() - 1) } else { String::new() };
    let room = style.width.saturating_sub("warning  ".len() + rule.len() + more.len()).max(12);
    let location = one_line(&lead.effect.location);
    let place = one_line(&words::short_place(lead));
    // The location matters more than who writes it.
    let location = cut_middle(&location, (room * 3 / 5).max(room.saturating_sub(place.chars().count() + 2)));
    let left = room.saturating_sub(display_width(&location) + 2);
    let place = if left >= 8 { cut_middle(&place, left) } else { String::new() };
    let gap = room.saturating_sub(display_width(&location) + display_width(&place));
    format!(
        "{} {rule} {location}{}{}{more}",
        style.ink(severity_ink(lead.severity), &format!("{severity:<7}")),
        " ".repeat(if place.is_empty() { 0 } else { gap }),
        style.ink(Ink::Faint, &place),
    )
    .trim_end()
    .to_owned()
}

fn severity_ink(severity: Severity) -> Ink {
    match severity {
        Severity::Error => Ink::Error,
        Severity::Warning => Ink::Warning,
        Severity::Note | Severity::Off => Ink::Note,
    }
}
