//! The inventory of state as a table for a spreadsheet (RFC 4180): one row per location and target.

use super::style::one_line;
use crate::report::{Entry, Report};
use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};

const HEADER: [&str; 14] = [
    "location",
    "store",
    "target",
    "volume",
    "outcome",
    "words",
    "severity",
    "rule",
    "operations",
    "phases",
    "confidence",
    "written by",
    "instead",
    "accepted",
];

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    row(&HEADER.map(str::to_owned), out)?;
    let accepted = accepted(report);
    for entry in &report.inventory {
        let store: &str = entry.store.into();
        let reasons = accepted.get(&(store, entry.location.as_str())).into_iter().flatten();
        let reasons = reasons.map(String::as_str).collect::<Vec<_>>().join("; ");
        for (target, fate) in &entry.fates {
            let outcome: &str = fate.outcome.into();
            let severity: &str = entry.severity.into();
            let confidence: &str = entry.writers.iter().map(|w| w.confidence).max().map_or("", Into::into);
            let cells = [
                entry.location.clone(),
                store.to_owned(),
                target.clone(),
                fate.volume.clone(),
                outcome.to_owned(),
                fate.words.clone(),
                severity.to_owned(),
                entry.rule.clone().unwrap_or_default(),
                distinct(entry.writers.iter().map(|w| w.operation.into())),
                distinct(entry.writers.iter().map(|w| w.phase.into())),
                confidence.to_owned(),
                writers(entry),
                entry.help.clone().unwrap_or_default(),
                reasons.clone(),
            ];
            row(&cells, out)?;
        }
    }
    Ok(())
}

/// Why findings do not count, by store and location.
fn accepted(report: &Report) -> HashMap<(&str, &str), BTreeSet<String>> {
    let mut reasons: HashMap<(&str, &str), BTreeSet<String>> = HashMap::new();
    for (finding, suppression) in report.findings.iter().filter_map(|f| Some((f, f.suppressed.as_ref()?))) {
        let kind: &str = suppression.kind.into();
        let until = suppression.expires.as_ref().map(|day| format!(" until {day}")).unwrap_or_default();
        let reason = format!("{} ({kind}{until}): {}", finding.rule, suppression.reason);
        let store: &str = finding.effect.store.into();
        reasons.entry((store, &finding.effect.location)).or_default().insert(reason);
    }
    reasons
}

fn distinct<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
}

fn writers(entry: &Entry) -> String {
    let of = |w: &crate::report::Writer| format!("{} {} ({})", w.artifact, w.site, w.via);
    entry.writers.iter().map(of).collect::<Vec<_>>().join("; ")
}

fn row(cells: &[String], out: &mut dyn Write) -> io::Result<()> {
    let cells: Vec<String> = cells.iter().map(|c| cell(c)).collect();
    write!(out, "{}\r\n", cells.join(","))
}

/// Always quoted. Spreadsheets run a cell that begins like a formula, so such a cell begins with an apostrophe.
fn cell(text: &str) -> String {
    let text = one_line(text);
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}
