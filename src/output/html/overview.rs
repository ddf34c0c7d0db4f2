//! What the events take away, by kind of state and target, and the findings by theme.

use super::{data, text};
use crate::output::{Context, words};
use crate::report::{Report, TargetVerdict};
use crate::rules::{Event, Outcome, Severity};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// Kinds of state down, events across, a table per target: how many locations are taken away.
pub(super) fn events(report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section aria-labelledby=\"events\"><h2 id=\"events\">What each event takes away</h2>")?;
    writeln!(
        out,
        "<p>Locations with an open finding, by kind of state. A cell tells how many each event takes away, and how.</p>"
    )?;
    let mut alike: Vec<(Cells<'_>, Vec<&TargetVerdict>)> = Vec::new();
    for target in &report.targets {
        let cells = cells(report, target);
        match alike.iter_mut().find(|(known, _)| *known == cells) {
            Some((_, targets)) => targets.push(target),
            None => alike.push((cells, vec![target])),
        }
    }
    for (number, (cells, targets)) in alike.iter().enumerate() {
        matrix(cells, targets, number + 1, context, out)?;
    }
    let platform = context.rules.platform();
    let infos: Vec<_> = super::data::events(report).iter().filter_map(|e| platform.events.get(e)).collect();
    if !infos.is_empty() {
        writeln!(out, "<details><summary>What the events are</summary><dl>")?;
        for info in infos {
            writeln!(out, "<dt>{}</dt><dd>{}</dd>", text(&info.name), text(&info.about))?;
        }
        writeln!(out, "</dl></details>")?;
    }
    writeln!(out, "</section>")
}

/// Locations by outcome, for each kind of state and event.
type Cells<'a> = BTreeMap<&'a str, BTreeMap<Event, BTreeMap<Outcome, BTreeSet<&'a str>>>>;

fn cells<'a>(report: &'a Report, target: &TargetVerdict) -> Cells<'a> {
    let mut cells: Cells<'_> = BTreeMap::new();
    for finding in report.findings.iter().filter(|f| f.is_active()) {
        for at in finding.outcomes.iter().filter(|o| o.target == target.id) {
            let row = cells.entry(finding.effect.store.into()).or_default();
            row.entry(at.event).or_default().entry(at.outcome).or_default().insert(&finding.effect.location);
        }
    }
    cells
}

/// One table for all targets on which the same happens; what survives everything is a line below it.
fn matrix(
    cells: &Cells<'_>,
    targets: &[&TargetVerdict],
    number: usize,
    context: &Context<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let names: Vec<String> = targets.iter().map(|t| text(&t.name)).collect();
    let names = names.join("; ");
    let survives = |row: &BTreeMap<Event, BTreeMap<Outcome, BTreeSet<&str>>>| {
        row.values().all(|outcomes| outcomes.keys().all(|o| *o == Outcome::Survives))
    };
    let (safe, taken): (Vec<_>, Vec<_>) = cells.iter().partition(|(_, row)| survives(row));
    let safe: Vec<String> = safe.iter().map(|(store, _)| store.replace('-', " ")).collect();
    if taken.is_empty() {
        return match safe.is_empty() {
            true => writeln!(out, "<p>Nothing on {names}.</p>"),
            false => writeln!(out, "<p>On {names} everything survives every event: {}.</p>", safe.join(", ")),
        };
    }
    let columns: BTreeSet<Event> = cells.values().flat_map(|row| row.keys().copied()).collect();
    write!(
        out,
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"State by event, table {number}\"><table class=\"matrix\"><caption>{names}</caption><thead><tr><th scope=\"col\">State</th>"
    )?;
    for event in &columns {
        let info = context.rules.platform().events.get(event);
        write!(out, "<th scope=\"col\">{}</th>", text(info.map_or("", |i| i.name.as_str())))?;
    }
    writeln!(out, "</tr></thead><tbody>")?;
    for (store, row) in taken {
        write!(out, "<tr><th scope=\"row\">{}</th>", store.replace('-', " "))?;
        for event in &columns {
            write!(out, "{}", cell(row.get(event)))?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></div>")?;
    match safe.is_empty() {
        true => Ok(()),
        false => writeln!(out, "<p class=\"soft\">Survives every event: {}.</p>", safe.join(", ")),
    }
}

/// How many locations an event takes away and how, the worst first; what survives it is told when nothing else is.
fn cell(outcomes: Option<&BTreeMap<Outcome, BTreeSet<&str>>>) -> String {
    let Some((worst, _)) = outcomes.and_then(|o| o.last_key_value()) else { return "<td>–</td>".to_owned() };
    let taken = outcomes.into_iter().flatten().rev().filter(|(outcome, _)| **outcome != Outcome::Survives);
    let lines: Vec<String> =
        taken.map(|(o, locations)| format!("{} {}", locations.len(), words::outcome(*o))).collect();
    let said = if lines.is_empty() { words::outcome(*worst).to_owned() } else { lines.join("<br>") };
    // The colour is that of the gravest in the cell, which need not be the first: one that reverts beside one that is lost.
    let class = outcomes.into_iter().flatten().map(|(o, _)| data::class(*o)).max_by_key(|class| gravity(class));
    format!("<td class=\"{}\">{said}</td>", class.unwrap_or(data::class(*worst)))
}

/// How loud the style of an outcome is.
fn gravity(class: &str) -> usize {
    ["survives", "unknown", "reverts", "lost"].iter().position(|known| *known == class).unwrap_or_default()
}

/// Findings by theme and severity as bars.
pub(super) fn themes(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut bars: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for finding in report.findings.iter().filter(|f| f.is_active()) {
        let counts = bars.entry(finding.theme.into()).or_default();
        match finding.severity {
            Severity::Error => counts[0] += 1,
            Severity::Warning => counts[1] += 1,
            Severity::Note | Severity::Off => counts[2] += 1,
        }
    }
    let Some(most) = bars.values().map(|c| c.iter().sum::<usize>()).max().filter(|m| *m > 0) else { return Ok(()) };
    let height = bars.len() * 26 + 4;
    // The widest bar, and behind it three counts: a figure takes about eight units in this font.
    let digits = bars.values().map(|c| c.iter().map(|n| n.to_string().len()).sum::<usize>()).max().unwrap_or(0);
    let width = (96 + 200 + 6 + 8 + (digits + 6) * 8).max(380);
    let of = |[e, w, n]: &[usize; 3]| {
        [words::count(*e, "error"), words::count(*w, "warning"), words::count(*n, "note")].join(", ")
    };
    let said: Vec<String> = bars.iter().map(|(theme, counts)| format!("{theme}: {}", of(counts))).collect();
    writeln!(
        out,
        "<figure><figcaption>Open findings by theme: errors, warnings, notes</figcaption><svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
        said.join("; ")
    )?;
    for (index, (theme, counts)) in bars.iter().enumerate() {
        let y = index * 26 + 4;
        write!(out, "<text x=\"0\" y=\"{}\">{theme}</text>", y + 14)?;
        let mut x = 96;
        for (count, class) in counts.iter().zip(["bar-error", "bar-warning", "bar-note"]) {
            let width = count * 200 / most;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_outcome_makes_a_cell_no_milder() {
        let of = |all: &[Outcome]| cell(Some(&all.iter().map(|o| (*o, BTreeSet::from(["a"]))).collect()));
        assert!(of(&[Outcome::Lost]).contains("\"lost\""));
        assert!(of(&[Outcome::Lost, Outcome::Reverts]).contains("\"lost\""));
        assert!(of(&[Outcome::Survives, Outcome::Reverts]).contains("\"reverts\""));
    }
}
