//! Logging commands of Azure Pipelines: `##vso[task.logissue type=warning;sourcepath=…;]message`.
//!
//! There are errors and warnings only, so notes are counted in the last line instead, unless the check fails for them.

use super::style::one_line;
use super::words;
use crate::report::{Finding, Report};
use crate::rules::Severity;
use std::io::{self, Write};

pub(super) fn write(report: &Report, fails_at: Severity, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings.iter().filter(|f| f.is_active()) {
        let kind = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            // There is no third kind, but what makes the check fail has to be seen.
            severity if severity >= fails_at && severity > Severity::Off => "warning",
            Severity::Note | Severity::Off => continue,
        };
        let code = property(&finding.rule);
        let text = data(&format!("{} Instead: {}", words::message_and_place(finding), finding.help));
        writeln!(out, "##vso[task.logissue type={kind};{}code={code};]{text}", place(finding))?;
    }
    for (artifact, text) in words::unsettled(report) {
        let path = if artifact.is_empty() { String::new() } else { format!("sourcepath={};", property(artifact)) };
        writeln!(out, "##vso[task.logissue type=warning;{path}]{}", data(&text))?;
    }
    writeln!(out, "wipeproof: {}", words::counts(report))
}

fn place(finding: &Finding) -> String {
    let site = finding.site();
    let (path, line, column) = match (&site.source_file, site.source_line) {
        (Some(file), Some(line)) => (file.as_str(), line, 1),
        _ => (finding.artifact.as_str(), site.line.unwrap_or(1), site.column.unwrap_or(1)),
    };
    format!("sourcepath={};linenumber={line};columnnumber={column};", property(path))
}

/// The message: one line, `%` as the agent escapes it, and nothing that begins another command.
fn data(text: &str) -> String {
    one_line(text).replace('%', "%AZP25").replace("##", "# #")
}

/// A property ends at `;` and the command at `]`.
fn property(text: &str) -> String {
    data(text).replace(';', "%3B").replace(']', "%5D")
}
