//! One line per finding as Microsoft's compilers write them, which Visual Studio and MSBuild turn into entries of
//! their error list: `path(line,col): warning WP201: message`.

use super::style::one_line;
use super::words;
use crate::report::Report;
use crate::rules::Severity;
use std::io::{self, Write};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings.iter().filter(|f| f.is_active()) {
        let site = finding.site();
        // MSBuild knows errors and warnings; what is less is a message without a category it would count.
        let category = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note | Severity::Off => "info",
        };
        let (path, line) = match (&site.source_file, site.source_line) {
            (Some(file), Some(line)) => (file.as_str(), line),
            _ => (finding.artifact.as_str(), site.line.unwrap_or(1)),
        };
        let column = site.column.unwrap_or(1);
        let message = one_line(&words::message_and_place(finding));
        writeln!(out, "{}({line},{column}): {category} {}: {message}", one_line(path), one_line(&finding.rule))?;
    }
    for (artifact, text) in words::unsettled(report) {
        let artifact = if artifact.is_empty() { "wipeproof" } else { artifact };
        writeln!(out, "{}(1,1): warning WP000: {}", one_line(artifact), one_line(&text))?;
    }
    Ok(())
}
