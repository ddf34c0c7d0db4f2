//! Whether what a variable holds when the program starts is ever seen: a function may store something else on every way
//! to whoever reads it.
//!
//! From where the image is entered the calls are followed, in each function only those that come before it calls one that
//! always stores to the variable. If none of them leads to a function that reads it, nobody sees what it held at first.

use super::program::Program;
use super::reach;
use super::{Map, Set};
use iced_x86::FlowControl;
use std::cell::OnceCell;
use std::collections::BTreeSet;

/// Most functions that are walked through for one variable.
const MAX_WALK: usize = 2_048;

/// Functions that something else than a call leads to: the entry point, exports, and those whose address is taken.
pub(crate) type Entered = OnceCell<Set<u32>>;

impl Program<'_> {
    /// Functions that always store to a variable run before every function that may read it.
    pub(super) fn is_replaced(&self, writers: &BTreeSet<u32>, readers: &BTreeSet<u32>) -> bool {
        if writers.is_empty() || self.go.is_some() || self.references.capped {
            return false;
        }
        let mut seen: Set<u32> = self.entered().clone();
        let mut work: Vec<u32> = seen.iter().copied().collect();
        while let Some(function) = work.pop() {
            if readers.contains(&function) || seen.len() > MAX_WALK || self.is_out_of_budget() {
                return false;
            }
            for next in self.called_before(function, writers) {
                if seen.insert(next) {
                    work.push(next);
                }
            }
        }
        true
    }

    /// Functions that something else than a call leads to.
    pub(super) fn entered(&self) -> &Set<u32> {
        self.globals.entered.get_or_init(|| {
            let exports = self.linkage.exports.iter().map(|(_, rva)| *rva);
            let taken = reach::taken(self, &Map::default(), &|_, _| false);
            exports.chain([self.image.entry]).chain(taken).chain(reach::tabled(self)).collect()
        })
    }

    /// Functions that a function may call, or jump to, before it calls one of these.
    fn called_before(&self, function: u32, writers: &BTreeSet<u32>) -> BTreeSet<u32> {
        let body = self.body(function);
        let rva = |ip: u64| ip.wrapping_sub(self.image.base) as u32;
        let mut called = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut work: Vec<usize> = body.block_at(body.start).into_iter().collect();
        while let Some(at) = work.pop() {
            let Some(block) = body.blocks.get(at).filter(|_| seen.insert(at)) else { continue };
            let instructions = body.instructions.get(block.instructions.clone()).unwrap_or_default();
            let mut stores = false;
            for instruction in instructions {
                let target = match instruction.flow_control() {
                    FlowControl::Call | FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                        rva(instruction.near_branch_target())
                    }
                    _ => continue,
                };
                stores = instruction.flow_control() == FlowControl::Call && writers.contains(&target);
                if stores {
                    break;
                }
                if target != function && self.functions.is_start(target) {
                    called.insert(target);
                }
            }
            if !stores {
                work.extend(block.next.iter().chain(&block.handlers));
                work.extend(block.indirect.then_some(&body.orphans).into_iter().flatten());
            }
        }
        called
    }
}
