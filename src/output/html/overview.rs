//! The top of the page: the verdicts, state by event, findings by theme.

use super::{path, text};
use crate::output::{Context, words};
use crate::report::{Report, TargetVerdict};
use crate::rules::{Event, Outcome, Severity, Theme};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// A card per target, and what matters most.
pub(super) fn verdicts(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section aria-label=\"Verdicts\"><ul class=\"cards\">")?;
    for target in &report.targets {
        let class: &str = target.verdict.into();
        writeln!(
            out,
            "<li class=\"card {class}\"><span>{}</span><strong>{}</strong><p>{}</p><p class=\"soft\">{}, {}, {}</p></li>",
            text(&target.name),
            target.verdict.words(),
            text(&target.because),
            words::count(target.errors, "error"),
            words::count(target.warnings, "warning"),
            words::count(target.notes, "note"),
        )?;
    }
    writeln!(out, "</ul>")?;
    let top = words::top_losses(report);
    if !top.is_empty() {
        writeln!(out, "<h2>What matters most</h2><ol>")?;
        for finding in top {
            let severity: &str = finding.severity.into();
            writeln!(
                out,
                "<li><span class=\"tag {severity}\">{severity}</span> {} {}. <span class=\"soft\">By {}.</span></li>",
                path(&finding.effect.location),
                text(words::fate(finding)),
                text(&words::place(finding)),
            )?;
        }
        writeln!(out, "</ol>")?;
    }
    writeln!(out, "</section>")
}

/// Kinds of state down, events across, a table per target: how many locations are taken away.
pub(super) fn events(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section aria-labelledby=\"events\"><h2 id=\"events\">What each event takes away</h2>")?;
    writeln!(
        out,
        "<p>Locations with an open finding, by kind of state. A cell names the worst and how many it happens to.</p>"
    )?;
    for (index, target) in report.targets.iter().enumerate() {
        matrix(report, context, index, out)?;
        if target.verdict == crate::report::Verdict::InsufficientData {
            writeln!(out, "<p>{}.</p>", text(&target.because))?;
        }
    }
    writeln!(out, "</section>")
}

/// Locations by outcome, for each kind of state and event.
type Cells<'a> = BTreeMap<&'a str, BTreeMap<Event, BTreeMap<Outcome, BTreeSet<&'a str>>>>;

fn matrix(report: &Report, context: &Context<'_>, index: usize, out: &mut dyn Write) -> io::Result<()> {
    let Some(TargetVerdict { id, name, .. }) = report.targets.get(index) else { return Ok(()) };
    let mut cells: Cells<'_> = BTreeMap::new();
    let mut columns = BTreeSet::new();
    for finding in report.findings.iter().filter(|f| f.is_active()) {
        for at in finding.outcomes.iter().filter(|o| o.target == *id) {
            columns.insert(at.event);
            let row = cells.entry(finding.effect.store.into()).or_default();
            row.entry(at.event).or_default().entry(at.outcome).or_default().insert(&finding.effect.location);
        }
    }
    if cells.is_empty() {
        return writeln!(out, "<p>Nothing on {}.</p>", text(name));
    }
    let (label, number) = (text(name), index + 1);
    write!(
        out,
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"State by event, target {number}\"><table class=\"matrix\"><caption>{label}</caption><thead><tr><th scope=\"col\">State</th>"
    )?;
    for event in &columns {
        let info = context.rules.platform().events.get(event);
        let (name, about) = info.map_or(("", ""), |i| (i.name.as_str(), i.about.as_str()));
        write!(out, "<th scope=\"col\" title=\"{}\">{}</th>", text(about), text(name))?;
    }
    writeln!(out, "</tr></thead><tbody>")?;
    for (store, row) in &cells {
        write!(out, "<tr><th scope=\"row\">{}</th>", store.replace('-', " "))?;
        for event in &columns {
            match row.get(event).and_then(|outcomes| outcomes.last_key_value()) {
                Some((outcome, locations)) => {
                    let class = class(*outcome);
                    write!(out, "<td class=\"{class}\">{} {}</td>", locations.len(), words::outcome(*outcome))?;
                }
                None => write!(out, "<td>–</td>")?,
            }
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></div>")
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Survives => "survives",
        Outcome::Unknown | Outcome::Diverges => "unknown",
        Outcome::Reverts => "reverts",
        _ => "lost",
    }
}

/// Findings by theme and severity as bars.
pub(super) fn themes(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut bars: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for finding in report.findings.iter().filter(|f| f.is_active()) {
        let theme = context.rules.find(&finding.rule).map_or(Theme::Scan, |r| r.theme);
        let counts = bars.entry(theme.into()).or_default();
        match finding.severity {
            Severity::Error => counts[0] += 1,
            Severity::Warning => counts[1] += 1,
            Severity::Note | Severity::Off => counts[2] += 1,
        }
    }
    let Some(most) = bars.values().map(|c| c.iter().sum::<usize>()).max().filter(|m| *m > 0) else { return Ok(()) };
    let height = bars.len() * 26 + 4;
    let said: Vec<String> =
        bars.iter().map(|(t, [e, w, n])| format!("{t}: {e} errors, {w} warnings, {n} notes")).collect();
    writeln!(
        out,
        "<figure><figcaption>Open findings by theme: errors, warnings, notes</figcaption><svg viewBox=\"0 0 640 {height}\" role=\"img\" aria-label=\"{}\">",
        said.join("; ")
    )?;
    for (index, (theme, counts)) in bars.iter().enumerate() {
        let y = index * 26 + 4;
        write!(out, "<text x=\"0\" y=\"{}\">{theme}</text>", y + 14)?;
        let mut x = 96;
        for (count, class) in counts.iter().zip(["bar-error", "bar-warning", "bar-note"]) {
            let width = count * 420 / most;
            if *count > 0 {
                let width = width.max(2);
                write!(out, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"18\"/>")?;
                x += width;
            }
        }
        let [errors, warnings, notes] = counts;
        writeln!(out, "<text x=\"{}\" y=\"{}\">{errors} / {warnings} / {notes}</text>", x + 8, y + 14)?;
    }
    writeln!(out, "</svg></figure>")
}
