//! Tables that nothing in the image stores to, although they are not declared constant: of them it is known what they hold,
//! and where they end.
//!
//! Whoever takes the address of something that lies before a word, near enough to be a part of the same table, must do no
//! more than read through it: it stores only to its frame and to variables by their addresses, and calls only functions of
//! Windows that write through none of their arguments.

use super::program::Program;
use super::{operands, surface};
use crate::catalog::native;
use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register};
use std::ops::Range;

/// Furthest that a word lies from the start of what it is a part of.
const MAX_TABLE: u32 = 0x400;
/// Most places in the code that take an address before it.
const MAX_TAKERS: usize = 8;
/// Most instructions of a function that takes one.
const MAX_INSTRUCTIONS: usize = 400;
/// Most instructions between the one that loads the address of a function and the call of it.
const MAX_BETWEEN: usize = 8;

impl Program<'_> {
    /// What the word at an address holds when the program starts stays there.
    pub(crate) fn is_never_stored(&self, va: u64) -> bool {
        if let Some(known) = self.globals.unchanged.borrow().get(&va) {
            return *known;
        }
        let never = self.image.rva_of(va).is_some_and(|rva| self.finds_no_store(rva));
        self.globals.unchanged.borrow_mut().insert(va, never);
        never
    }

    /// Behind pointers to texts none stands at this address, and never will.
    pub(crate) fn ends_list(&self, va: u64) -> bool {
        let before = va.checked_sub(u64::from(self.image.pointer_size()));
        self.is_zero(va) && before.is_some_and(|before| self.initial(before).is_some()) && self.is_never_stored(va)
    }

    fn finds_no_store(&self, rva: u32) -> bool {
        let word = rva..rva.saturating_add(self.image.pointer_size());
        let near = rva.saturating_sub(MAX_TABLE)..word.end;
        // A pointer in the data leads there.
        if self.is_pointed_to(near.clone()) {
            return false;
        }
        let mut takers: Vec<u32> = Vec::new();
        for code in self.changing_references(near) {
            let Some(function) = self.functions.function_of(code) else { return false };
            if !takers.contains(&function) {
                takers.push(function);
            }
            if takers.len() > MAX_TAKERS || self.is_out_of_budget() {
                return false;
            }
        }
        takers.into_iter().all(|function| self.only_reads(function, &word))
    }

    /// A function stores to nothing that a word may be a part of, and hands its address to nobody who does.
    fn only_reads(&self, function: u32, word: &Range<u32>) -> bool {
        let body = self.body(function);
        let all = &body.instructions;
        self.spend(all.len() as u64);
        if body.capped || all.len() > MAX_INSTRUCTIONS {
            return false;
        }
        let sets_frame = |i: &Instruction| {
            i.op0_kind() == OpKind::Register
                && i.op0_register().full_register() == Register::RBP
                && (i.mnemonic() == Mnemonic::Mov && i.op1_register().full_register() == Register::RSP
                    || i.mnemonic() == Mnemonic::Lea && i.memory_base().full_register() == Register::RSP)
        };
        let has_frame = all.iter().any(sets_frame);
        let mut factory = InstructionInfoFactory::new();
        let mut stores_elsewhere = |instruction: &Instruction| {
            let info = factory.info(instruction);
            let writes = |access| !matches!(access, OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess);
            info.used_memory().iter().filter(|used| writes(used.access())).all(|used| {
                match used.base().full_register() {
                    Register::RSP => true,
                    Register::RBP => has_frame,
                    _ => operands::fixed(instruction)
                        .and_then(|va| self.image.rva_of(va))
                        .is_some_and(|rva| rva >= word.end || rva.saturating_add(64) <= word.start),
                }
            })
        };
        all.iter().enumerate().all(|(at, instruction)| match instruction.flow_control() {
            FlowControl::Call | FlowControl::IndirectCall | FlowControl::IndirectBranch => {
                self.writes_nothing(self.import_called(all.get(..at).unwrap_or_default(), instruction))
            }
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                let target = instruction.near_branch_target();
                let inside = all.iter().any(|other| other.ip() == target);
                inside || self.writes_nothing(self.import_called(&[], instruction))
            }
            _ => stores_elsewhere(instruction),
        })
    }

    /// A function of Windows writes through none of its arguments.
    fn writes_nothing(&self, import: Option<usize>) -> bool {
        let name = import.and_then(|import| self.linkage.imports.get(import)).and_then(surface::name_of);
        name.and_then(native::signature).and_then(|signature| signature.outputs) == Some(0)
    }

    /// The imported function that an instruction calls or jumps to: directly, through its slot, or through a register that
    /// the instructions before load from there.
    pub(crate) fn import_called(&self, before: &[Instruction], call: &Instruction) -> Option<usize> {
        let slot = |instruction: &Instruction| {
            let slot = operands::fixed(instruction).and_then(|va| self.image.rva_of(va))?;
            self.linkage.slots.get(&slot).copied()
        };
        match call.op0_kind() {
            OpKind::Register => {
                // What fills up the space before a loop changes nothing.
                let fills =
                    |of: &Instruction| of.mnemonic() == Mnemonic::Lea && of.memory_base() == call.op0_register();
                let loads = |of: &&Instruction| {
                    let to = of.op_count() > 0 && of.op0_kind() == OpKind::Register;
                    to && of.op0_register() == call.op0_register() && !fills(of)
                };
                let load = before.iter().rev().take(MAX_BETWEEN).find(loads)?;
                slot(load).filter(|_| load.mnemonic() == Mnemonic::Mov)
            }
            OpKind::Memory => slot(call),
            _ => {
                let target = self.image.rva_of(call.near_branch_target())?;
                self.references.thunks.get(&target).copied()
            }
        }
    }
}
