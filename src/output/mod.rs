//! Reports as bytes: one small file per format.
//!
//! A reporter renders a [`Report`] and knows nothing of exit codes, rules in force or suppressions beyond what the
//! report says of them.

mod concise;
mod json;
mod msvc;
pub mod style;

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
    /// One line per finding, for people and editors.
    Concise,
    /// One line per finding, as Microsoft's compilers write them.
    Msvc,
    /// The whole report.
    Json,
}

/// What reporters need besides the report.
pub struct Context<'a> {
    /// Rule texts, for formats that carry them.
    pub rules: &'a RuleSet,
    /// How to write for a terminal.
    pub style: Style,
}

/// Writes a report in a format.
///
/// # Errors
/// What the writer says.
pub fn write(format: Format, report: &Report, context: &Context<'_>, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Concise => concise::write(report, context, out),
        Format::Msvc => msvc::write(report, out),
        Format::Json => json::write(report, out),
    }
}
