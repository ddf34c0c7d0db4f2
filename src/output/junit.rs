//! JUnit XML: a suite per artifact and a case per finding, for services that show test results.
//!
//! Errors and warnings are failures, accepted findings are skipped with their reason, notes pass with their text as
//! output, and what could not be read is an error: nothing was cleared there. No times: two scans of one input are the same bytes.

use super::style::one_line;
use super::words;
use crate::report::{Finding, Report};
use crate::rules::Severity;
use std::collections::BTreeMap;
use std::io::{self, Write};

pub(super) fn write(report: &Report, fails_at: Severity, out: &mut dyn Write) -> io::Result<()> {
    // Notes fail where the check fails for them.
    let least = fails_at.clamp(Severity::Note, Severity::Warning);
    let mut suites: BTreeMap<&str, Suite<'_>> = BTreeMap::new();
    for finding in &report.findings {
        suites.entry(&finding.artifact).or_default().findings.push(finding);
    }
    for note in report.incomplete() {
        suites.entry(&note.artifact).or_default().unread.push(note.text.clone());
    }
    let insufficient = words::unsettled(report);
    if !insufficient.is_empty() && !report.is_incomplete() {
        suites.entry("wipeproof").or_default().unread.extend(insufficient.into_iter().map(|(_, text)| text));
    }
    let sum = |of: &dyn Fn(&Suite<'_>) -> usize| suites.values().map(of).sum::<usize>();
    let (failures, errors) = (sum(&|s| s.failures(least)), sum(&|s| s.unread.len()));
    // Services refuse a report without a case; an application without findings is one that passes.
    let tests = sum(&|s| s.findings.len() + s.unread.len()).max(1);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    // The schema has no count of skipped cases over all suites.
    writeln!(out, r#"<testsuites name="wipeproof" tests="{tests}" failures="{failures}" errors="{errors}">"#)?;
    if suites.is_empty() {
        writeln!(out, r#"  <testsuite name="wipeproof" tests="1" failures="0" errors="0" skipped="0">"#)?;
        writeln!(out, r#"    <testcase name="nothing would be lost" classname="wipeproof" time="0"/>"#)?;
        writeln!(out, "  </testsuite>")?;
    }
    for (artifact, suite) in &suites {
        let (failures, errors) = (suite.failures(least), suite.unread.len());
        let skipped = suite.findings.iter().filter(|f| !f.is_active()).count();
        writeln!(
            out,
            r#"  <testsuite name="{}" tests="{}" failures="{failures}" errors="{errors}" skipped="{skipped}">"#,
            xml(artifact),
            suite.findings.len() + errors
        )?;
        for finding in &suite.findings {
            case(finding, least, out)?;
        }
        for text in &suite.unread {
            let artifact = xml(artifact);
            writeln!(out, r#"    <testcase name="not read whole, so not cleared" classname="{artifact}" time="0">"#)?;
            writeln!(out, r#"      <error message="{}" type="insufficient-data"/>"#, xml(text))?;
            writeln!(out, "    </testcase>")?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

/// What is told of an artifact.
#[derive(Default)]
struct Suite<'a> {
    findings: Vec<&'a Finding>,
    /// Why it could not be seen whole.
    unread: Vec<String>,
}

impl Suite<'_> {
    fn failures(&self, least: Severity) -> usize {
        self.findings.iter().filter(|f| fails(f, least)).count()
    }
}

fn fails(finding: &Finding, least: Severity) -> bool {
    finding.is_active() && finding.severity >= least
}

fn case(finding: &Finding, least: Severity, out: &mut dyn Write) -> io::Result<()> {
    let name = xml(&format!("{} {} {}", finding.rule, finding.name, finding.effect.location));
    writeln!(out, r#"    <testcase name="{name}" classname="{}" time="0">"#, xml(&finding.artifact))?;
    let text = [words::place(finding), format!("Instead: {}", finding.help)];
    if let Some(suppressed) = &finding.suppressed {
        writeln!(out, r#"      <skipped message="{}"/>"#, xml(&format!("accepted: {}", suppressed.reason)))?;
    } else if fails(finding, least) {
        let severity: &str = finding.severity.into();
        let message = xml(&finding.message);
        writeln!(out, r#"      <failure message="{message}" type="{severity}">{}</failure>"#, lines(&text))?;
    } else {
        writeln!(
            out,
            "      <system-out>{}</system-out>",
            lines(&[std::slice::from_ref(&finding.message), &text[..]].concat())
        )?;
    }
    writeln!(out, "    </testcase>")
}

/// One line of text or attribute. Characters that XML 1.0 has no place for become visible, and an agent of Azure Pipelines
/// obeys `##vso[` wherever a line of a log has it.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text).replace("##", "# #").chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Texts, one a line. A log that shows them takes a line that begins with `::` for a command to GitHub, so none does.
fn lines(texts: &[String]) -> String {
    let harmless = |text: &String| {
        let text = xml(text);
        if text.trim_start().starts_with("::") { format!(". {text}") } else { text }
    };
    texts.iter().map(harmless).collect::<Vec<_>>().join("\n")
}
