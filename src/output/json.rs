//! The whole report as JSON; the types of [`crate::report`] are the contract.

use crate::escape;
use crate::report::Report;
use std::io::{self, Write};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    escape::pretty(report, out)
}
