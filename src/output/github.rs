//! Workflow commands of GitHub Actions, which become annotations: `::error file=…,line=…::message`.

use super::style::one_line;
use super::words;
use crate::report::{Finding, Report};
use crate::rules::Severity;
use std::io::{self, Write};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings.iter().filter(|f| f.is_active()) {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note | Severity::Off => "notice",
        };
        let title = format!("{} {}", finding.rule, finding.name);
        writeln!(out, "::{command} {},title={}::{}", place(finding), property(&title), message(finding))?;
    }
    for (artifact, text) in words::unsettled(report) {
        let file = if artifact.is_empty() { String::new() } else { format!("file={},", property(artifact)) };
        writeln!(out, "::warning {file}title=wipeproof::{}", data(&text))?;
    }
    Ok(())
}

/// A source line that debug information names is worth more than a binary that is not in the repository.
fn place(finding: &Finding) -> String {
    let site = finding.site();
    match (&site.source_file, site.source_line, site.line) {
        (Some(file), Some(line), _) => format!("file={},line={line}", property(file)),
        (_, _, Some(line)) => {
            format!("file={},line={line},col={}", property(&finding.artifact), site.column.unwrap_or(1))
        }
        _ => format!("file={}", property(&finding.artifact)),
    }
}

fn message(finding: &Finding) -> String {
    let short = finding.site().short();
    let place =
        if finding.site().line.is_none() && !short.is_empty() { format!(" (at {short})") } else { String::new() };
    let first = data(&format!("{}{place}", finding.message));
    format!("{first}%0AInstead: {}", data(&finding.help))
}

/// A command ends at the end of its line, so line ends are written as `%0A`; `%` itself as `%25`.
fn data(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|l| one_line(l.trim_end_matches('\r')).replace('%', "%25")).collect();
    lines.join("%0A")
}

/// In properties `:` and `,` separate as well.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
