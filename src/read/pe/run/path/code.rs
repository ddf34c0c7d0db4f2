//! The code of a function as a run looks it up.

use super::super::super::Map;
use super::super::super::code::body::Body;
use super::walks::Walks;
use std::rc::Rc;

/// The code of a function, to be looked up by address.
pub(super) struct Code {
    pub(super) body: Rc<Body>,
    pub(super) places: Map<u64, usize>,
    /// For each block, whether the goal can be reached from it. Empty: there is none here.
    pub(super) leads: Vec<bool>,
    /// Loops that walk along texts.
    pub(super) walks: Walks,
}

/// The blocks from which a place can be reached.
pub(super) fn leads_to(body: &Body, at: u64) -> Vec<bool> {
    let holds = |range: &std::ops::Range<usize>| {
        body.instructions.get(range.clone()).is_some_and(|all| all.iter().any(|instruction| instruction.ip() == at))
    };
    let mut leads: Vec<bool> = body.blocks.iter().map(|block| holds(&block.instructions)).collect();
    let mut changed = leads.contains(&true);
    if !changed {
        return Vec::new();
    }
    while changed {
        changed = false;
        for (i, block) in body.blocks.iter().enumerate() {
            if !leads[i] && (block.next.iter().any(|next| leads.get(*next) == Some(&true)) || block.indirect) {
                (leads[i], changed) = (true, true);
            }
        }
    }
    leads
}
