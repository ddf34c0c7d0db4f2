//! Effort by theme: a stated model in ranges, without the precision that nobody has.

use crate::report::Report;
use crate::rules::{Severity, Theme};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// Person-days: for the first location of a theme (choosing, building and testing the replacement), and for each
/// further one, which uses what the first has built.
struct Cost {
    first: (f64, f64),
    further: (f64, f64),
}

fn cost(theme: Theme) -> Cost {
    let (first, further) = match theme {
        Theme::Scan => ((0.1, 0.5), (0.1, 0.25)),
        Theme::Files => ((1.0, 5.0), (0.25, 1.0)),
        Theme::Settings => ((0.5, 2.0), (0.1, 0.5)),
        Theme::Databases => ((3.0, 15.0), (1.0, 5.0)),
        Theme::Sessions => ((1.0, 4.0), (0.5, 2.0)),
        Theme::Keys => ((0.5, 3.0), (0.25, 1.0)),
        Theme::Queues => ((2.0, 10.0), (1.0, 4.0)),
        Theme::Logs => ((0.5, 2.0), (0.1, 0.5)),
        Theme::Machine => ((0.5, 3.0), (0.1, 0.5)),
        Theme::Topology => ((0.25, 2.0), (0.1, 0.5)),
    };
    Cost { first, further }
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut themes: BTreeMap<Theme, BTreeSet<&str>> = BTreeMap::new();
    let open = report.findings.iter().filter(|f| f.is_active() && f.severity >= Severity::Warning);
    for finding in open {
        themes.entry(finding.theme).or_default().insert(&finding.effect.location);
    }
    writeln!(out, "<section aria-labelledby=\"effort\"><h2 id=\"effort\">Effort by theme</h2>")?;
    if themes.is_empty() {
        return writeln!(out, "<p>No errors or warnings are open.</p></section>");
    }
    writeln!(
        out,
        "<p>A model, not an estimate: per theme, days for the first location and for each further one, summed over the \
         locations with open errors and warnings. It knows nothing of your team, code or data volumes; use the proportions.</p>"
    )?;
    writeln!(
        out,
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Effort table\"><table><caption>Person-days, from to</caption><thead><tr><th scope=\"col\">Theme</th><th scope=\"col\" class=\"number\">Locations</th><th scope=\"col\" class=\"number\">First</th><th scope=\"col\" class=\"number\">Each further</th><th scope=\"col\" class=\"number\">Together</th><td></td></tr></thead><tbody>"
    )?;
    let mut sum = (0.0, 0.0);
    let longest = themes.iter().map(|(theme, locations)| total(*theme, locations.len()).1).fold(1.0, f64::max);
    for (theme, locations) in &themes {
        let Cost { first, further } = cost(*theme);
        let total = total(*theme, locations.len());
        sum = (sum.0 + total.0, sum.1 + total.1);
        let name: &str = theme.into();
        let cells = [first, further].map(|(low, high)| format!("<td class=\"number\">{low} to {high}</td>")).concat();
        writeln!(
            out,
            "<tr><th scope=\"row\">{name}</th><td class=\"number\">{}</td>{cells}<td class=\"number\">{}</td><td class=\"chart\">{}</td></tr>",
            locations.len(),
            range(total),
            bar(total, longest)
        )?;
    }
    writeln!(
        out,
        "<tr><th scope=\"row\" colspan=\"4\">All</th><td class=\"number\">{}</td><td></td></tr></tbody></table></div></section>",
        range(sum)
    )
}

/// Days for all locations of a theme.
fn total(theme: Theme, locations: usize) -> (f64, f64) {
    let Cost { first, further } = cost(theme);
    let more = locations.saturating_sub(1) as f64;
    (first.0 + further.0 * more, first.1 + further.1 * more)
}

/// From the least to the most on the scale of the longest; the numbers stand beside it.
fn bar((low, high): (f64, f64), longest: f64) -> String {
    let at = |days: f64| (days * 160.0 / longest).round();
    let (from, to) = (at(low), at(high).max(at(low) + 2.0));
    format!(
        "<svg viewBox=\"0 0 164 12\" width=\"164\" height=\"12\" aria-hidden=\"true\"><rect class=\"bar-axis\" x=\"0\" y=\"5\" width=\"164\" height=\"2\"/>\
         <rect class=\"bar-note\" x=\"{from}\" y=\"1\" width=\"{}\" height=\"10\" rx=\"2\"/></svg>",
        to - from
    )
}

/// Rounded as coarsely as the model is.
fn range((low, high): (f64, f64)) -> String {
    let round = |days: f64| {
        let step = if days < 3.0 {
            0.5
        } else if days < 20.0 {
            1.0
        } else {
            5.0
        };
        ((days / step).round() * step).max(0.5)
    };
    format!("{} to {}", round(low), round(high))
}
