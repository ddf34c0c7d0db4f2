//! What an installer and its uninstaller have in common.

use super::index::Index;
use super::phases::edge_phase;
use crate::facts::{ClueKind, Phase, Reading};

/// Which artifacts something starts that does not only take the application away.
pub(super) fn started_to_keep(readings: &[Reading], index: &Index) -> Vec<bool> {
    let mut kept = vec![false; readings.len()];
    for (from, reading) in readings.iter().enumerate() {
        let clues = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_clue());
        for clue in clues.filter(|c| c.kind == ClueKind::Starts && edge_phase(&c.key) != Some(Phase::NotShipped)) {
            if let Some(to) = index.started(reading, clue).filter(|to| *to != from) {
                kept[to] = true;
            }
        }
    }
    kept
}
