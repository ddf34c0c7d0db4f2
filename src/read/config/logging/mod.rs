//! Logging frameworks: which of their outputs are in use, and where those write.

mod jul;
mod log4j;
mod log4net;
mod nlog;
mod trace;

pub(crate) use jul::unlisted_handlers;
pub(crate) use log4j::{appenders_in_use, is_of_idle_appender, log4j_properties, log4j2};
pub(crate) use log4net::{log4net, logback};
pub(crate) use nlog::nlog;
pub(crate) use trace::{enterprise_library, system_diagnostics};

use super::document::Document;
use super::select::is_selected;
use super::tree::NodeId;
use crate::catalog::config::rows;
use crate::facts::{Certainty, Effect, Reading, Step};

/// Applies the rows of a dialect to one output (appender, target, listener). One that nothing refers to is at most a
/// possibility, and says so.
fn output_effects(
    document: &Document<'_>,
    reading: &mut Reading,
    dialect: &str,
    output: NodeId,
    in_use: bool,
    lookup: &dyn Fn(&str) -> Option<String>,
    adjust: &dyn Fn(Effect) -> Effect,
) {
    for row in rows(dialect) {
        if !is_selected(&document.tree, output, &row.select) {
            continue;
        }
        let (at, effect) = document.row_effect(row, output, lookup);
        let mut effect = adjust(effect);
        if !in_use {
            effect.certainty = Certainty::Possible;
            effect = effect.because(Step::new("nothing refers to it: it is defined but not in use"));
        }
        document.effect(reading, at, effect);
        return;
    }
}
