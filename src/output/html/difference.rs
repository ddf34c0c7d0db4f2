//! What changed since an earlier report, by fingerprints.

use super::{file, path, text};
use crate::output::words;
use crate::report::{Finding, Report};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Findings listed on each side.
const MAX_LISTED: usize = 200;

pub(super) fn write(report: &Report, earlier: &Report, root: &str, out: &mut dyn Write) -> io::Result<()> {
    let prints = |r: &Report| -> BTreeSet<String> { r.findings.iter().map(|f| f.fingerprint.clone()).collect() };
    let (now, then) = (prints(report), prints(earlier));
    let new: Vec<&Finding> = report.findings.iter().filter(|f| !then.contains(&f.fingerprint)).collect();
    let gone: Vec<&Finding> = earlier.findings.iter().filter(|f| !now.contains(&f.fingerprint)).collect();
    writeln!(
        out,
        "<section aria-labelledby=\"difference\"><h2 id=\"difference\">Since the earlier report</h2><p>{} new, {} gone, {} as before. Over all targets the verdict was {}, and is {}.</p>",
        new.len(),
        gone.len(),
        now.intersection(&then).count(),
        earlier.verdict.words(),
        report.verdict.words()
    )?;
    let changed = report.targets.iter().filter_map(|now| {
        let then = earlier.targets.iter().find(|t| t.id == now.id)?;
        (then.verdict != now.verdict).then_some((now, then))
    });
    for (now, then) in changed {
        writeln!(
            out,
            "<p>On {}: was {}, is <strong>{}</strong>.</p>",
            text(&now.name),
            then.verdict.words(),
            now.verdict.words()
        )?;
    }
    if report.input == earlier.input && !report.input.is_empty() {
        writeln!(out, "<p>The input is the same, byte by byte.</p>")?;
    }
    if report.tool.rules != earlier.tool.rules {
        writeln!(out, "<p>The rules have changed in between, so not every difference is one of the application.</p>")?;
    }
    for (title, findings) in [("New", new), ("Gone", gone)] {
        if findings.is_empty() {
            continue;
        }
        writeln!(out, "<details open><summary>{title}: {}</summary><ul>", words::count(findings.len(), "finding"))?;
        for finding in findings.iter().take(MAX_LISTED) {
            let severity: &str = finding.severity.into();
            writeln!(
                out,
                "<li><span class=\"tag {severity}\">{severity}</span> {} {} <span class=\"soft\">in {}</span></li>",
                text(&finding.rule),
                path(&finding.effect.location),
                file(&finding.artifact, root)
            )?;
        }
        if findings.len() > MAX_LISTED {
            writeln!(out, "<li>and {} more</li>", findings.len() - MAX_LISTED)?;
        }
        writeln!(out, "</ul></details>")?;
    }
    writeln!(out, "</section>")
}
