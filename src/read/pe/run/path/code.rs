//! The code of a function as a run looks it up.

use super::super::super::Map;
use super::super::super::code::body::{Block, Body};
use super::walks::Walks;
use iced_x86::Instruction;
use std::ops::Range;
use std::rc::Rc;

/// The code of a function, to be looked up by address.
pub(super) struct Code {
    pub(super) body: Rc<Body>,
    pub(super) places: Map<u64, usize>,
    /// For each block, whether the goal can be reached from it. Empty: there is none here.
    pub(super) leads: Vec<bool>,
    /// Addresses from which the goal cannot be reached any more, though it is in their block.
    pub(super) behind: Range<u64>,
    /// Loops that walk along texts.
    pub(super) walks: Walks,
}

impl Code {
    /// The goal can be reached from here, as far as the blocks say; where there is none, everything leads on.
    pub(super) fn leads_on(&self, at: u64, rva: u32) -> bool {
        let leads = || self.body.block_at(rva).and_then(|block| self.leads.get(block)).copied().unwrap_or(true);
        !self.behind.contains(&at) && (self.leads.is_empty() || leads())
    }
}

/// What is behind a place in its block, where that cannot lead to the place again.
pub(super) fn behind(body: &Body, leads: &[bool], at: u64) -> Range<u64> {
    let of = |block: &Block| body.instructions.get(block.instructions.clone()).unwrap_or_default();
    let found = body.blocks.iter().find(|block| of(block).iter().any(|instruction| instruction.ip() == at));
    let ends = |block: &&Block| !block.indirect && !block.next.iter().any(|next| leads.get(*next) == Some(&true));
    let end = found.filter(ends).and_then(|block| of(block).last()).map_or(0, Instruction::next_ip);
    at.saturating_add(1)..end
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
