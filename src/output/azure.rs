//! Logging commands of Azure Pipelines: `##vso[task.logissue type=warning;sourcepath=…;]message`.
//!
//! There are errors and warnings only, so notes are counted in the last line instead.

use super::style::one_line;
use super::words;
use crate::report::{Finding, Report};
use crate::rules::Severity;
use std::io::{self, Write};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings.iter().filter(|f| f.is_active()) {
        let kind = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note | Severity::Off => continue,
        };
        let code = property(&finding.rule);
        let text = data(&format!("{} Instead: {}", finding.message, finding.help));
        writeln!(out, "##vso[task.logissue type={kind};{}code={code};]{text}", place(finding))?;
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
