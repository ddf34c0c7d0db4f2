//! The inventory of state as a table for a spreadsheet (RFC 4180): one row per location and target.

use super::style::one_line;
use crate::report::{Entry, Report};
use std::collections::BTreeSet;
use std::io::{self, Write};

const HEADER: [&str; 13] = [
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
];

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    row(&HEADER.map(str::to_owned), out)?;
    for entry in &report.inventory {
        for (target, fate) in &entry.fates {
            let outcome: &str = fate.outcome.into();
            let severity: &str = entry.severity.into();
            let store: &str = entry.store.into();
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
            ];
            row(&cells, out)?;
        }
    }
    Ok(())
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
