//! Reports as bytes: one small file per format.
//!
//! A reporter renders a [`Report`] and knows nothing of exit codes, rules in force or suppressions beyond what the
//! report says of them.

mod azure;
mod concise;
mod csv;
mod excerpt;
mod github;
mod gitlab;
mod html;
mod json;
mod jsonl;
mod junit;
mod link;
mod markdown;
mod msvc;
mod pretty;
mod sarif;
mod schema;
pub mod style;
mod words;

pub use excerpt::{FileSources, NoSources, Sources};
pub use schema::report_schema;
pub use style::Style;

use crate::report::Report;
use crate::rules::{RuleSet, Severity};
use std::io::{self, Write};

/// A format.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumString, strum::IntoStaticStr, strum::EnumIter,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Format {
    /// Excerpts and a summary, for people at a terminal.
    Pretty,
    /// One line per finding, for people and editors.
    Concise,
    /// One line per finding, as Microsoft's compilers write them.
    Msvc,
    /// The whole report.
    Json,
    /// The whole report, an object per line.
    Jsonl,
    /// The static-analysis exchange format that code-scanning services read.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// Issues of Azure Pipelines.
    Azure,
    /// GitLab's code-quality report.
    Gitlab,
    /// Test results.
    Junit,
    /// The inventory of state, for a spreadsheet.
    Csv,
    /// A page for a job summary.
    Markdown,
    /// An audit report in one file.
    Html,
}

/// What reporters need besides the report.
pub struct Context<'a> {
    /// Rule texts, for formats that carry them.
    pub rules: &'a RuleSet,
    /// How to write for a terminal.
    pub style: Style,
    /// Where excerpts come from.
    pub sources: &'a dyn Sources,
    /// Name of what was scanned, for titles.
    pub subject: Option<&'a str>,
    /// An earlier report to compare with.
    pub earlier: Option<&'a Report>,
    /// Lowest severity that makes the check fail: what fails is shown by formats that leave lesser findings out.
    pub fails_at: Severity,
    /// How the report was asked for.
    pub invocation: Option<&'a Invocation>,
}

/// How a report was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The command line.
    pub command: String,
    /// The settings file that holds, and the hash of its contents.
    pub settings: Option<(String, String)>,
}

/// Writes a report in a format.
///
/// # Errors
/// What the writer says.
pub fn write(format: Format, report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Pretty => pretty::write(report, context, out),
        Format::Concise => concise::write(report, context, out),
        Format::Msvc => msvc::write(report, out),
        Format::Sarif => sarif::write(report, context, out),
        Format::Jsonl => jsonl::write(report, out),
        Format::Github => github::write(report, out),
        Format::Azure => azure::write(report, context.fails_at, out),
        Format::Gitlab => gitlab::write(report, out),
        Format::Junit => junit::write(report, context.fails_at, out),
        Format::Csv => csv::write(report, out),
        Format::Markdown => markdown::write(report, context, out),
        Format::Html => html::write(report, context, out),
        Format::Json => json::write(report, out),
    }
}
