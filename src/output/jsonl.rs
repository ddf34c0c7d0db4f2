//! The report as JSON lines: one object per line, told apart by `type`, the report's head first.

use crate::escape;
use crate::report::Report;
use serde::Serialize;
use serde_json::json;
use std::io::{self, Write};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let head = json!({
        "schema": report.schema,
        "tool": report.tool,
        "input": report.input,
        "targets": report.targets,
        "verdict": report.verdict,
        "stats": report.stats,
    });
    line("report", &head, out)?;
    lines("finding", &report.findings, out)?;
    lines("possible", &report.possible, out)?;
    lines("inventory", &report.inventory, out)?;
    lines("skipped", &report.skipped, out)?;
    lines("note", &report.notes, out)
}

#[derive(Serialize)]
struct Line<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

fn lines<T: Serialize>(kind: &str, bodies: &[T], out: &mut dyn Write) -> io::Result<()> {
    bodies.iter().try_for_each(|body| line(kind, body, out))
}

fn line<T: Serialize>(kind: &str, body: &T, out: &mut dyn Write) -> io::Result<()> {
    // A finding has no member called `type`; a note's own kind is called `kind`.
    escape::compact(&Line { kind, body }, out)?;
    writeln!(out)
}
