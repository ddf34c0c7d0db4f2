//! Reports as bytes: one small file per format.
//!
//! A reporter renders a [`Report`] and knows nothing of exit codes, rules in force or suppressions beyond what the
//! report says of them.

mod concise;
mod excerpt;
mod json;
mod link;
mod msvc;
mod pretty;
mod sarif;
pub mod style;
mod words;

pub use excerpt::{FileSources, NoSources, Sources};
pub use style::Style;

use crate::report::Report;
use crate::rules::RuleSet;
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
    /// The static-analysis exchange format that code-scanning services read.
    Sarif,
}

/// What reporters need besides the report.
pub struct Context<'a> {
    /// Rule texts, for formats that carry them.
    pub rules: &'a RuleSet,
    /// How to write for a terminal.
    pub style: Style,
    /// Where excerpts come from.
    pub sources: &'a dyn Sources,
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
        Format::Json => json::write(report, out),
    }
}
