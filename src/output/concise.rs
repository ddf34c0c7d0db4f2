//! One line per finding: `path:line:col: severity WP201 message`.

use super::Context;
use super::style::one_line;
use super::words;
use crate::facts::Site;
use crate::report::Report;
use std::io::{self, Write};

pub(super) fn write(report: &Report, _context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings.iter().filter(|f| f.is_active()) {
        let severity: &str = finding.severity.into();
        writeln!(
            out,
            "{}:{}: {severity} {} {}",
            one_line(&finding.artifact),
            place(&finding.site()),
            one_line(&finding.rule),
            one_line(&finding.message)
        )?;
    }
    for (artifact, text) in words::unsettled(report) {
        let artifact = if artifact.is_empty() { "wipeproof" } else { artifact };
        writeln!(out, "{}:1:1: warning {}", one_line(artifact), one_line(&text))?;
    }
    Ok(())
}

/// Line and column of a text; in binaries the place in words.
fn place(site: &Site) -> String {
    let short = site.short();
    if short.is_empty() { "1:1".to_owned() } else { one_line(&short) }
}
