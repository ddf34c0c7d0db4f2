//! Instructions that count in a register: jumps (Intel SDM, volume 2, `LOOP`, `Jcc`), and those that repeat themselves.

use super::super::machine::Machine;
use super::super::word::Word;
use iced_x86::{Instruction, Mnemonic};

/// Index of the register that is counted in.
pub(super) const COUNTER: usize = 1;
/// Repetitions that cost as much as an instruction.
const REPETITIONS: u64 = 8;

/// Is the jump taken? `size`: bytes of a register.
pub(super) fn is_taken(machine: &Machine, instruction: &Instruction, size: usize) -> Option<bool> {
    let is_zero = |size| machine.registers[COUNTER].low(size).map(|n| n == 0);
    let goes_on = is_zero(size).map(|zero| !zero);
    match instruction.mnemonic() {
        Mnemonic::Jrcxz => is_zero(8),
        Mnemonic::Jecxz => is_zero(4),
        Mnemonic::Loop => goes_on,
        Mnemonic::Loope => both(goes_on, machine.flags.zero),
        Mnemonic::Loopne => both(goes_on, machine.flags.zero.map(|zero| !zero)),
        _ => machine.is_met(instruction),
    }
}

fn both(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// Counts the turn of a loop whose jump counts.
pub(super) fn count_down(machine: &mut Machine, instruction: &Instruction, is_64: bool) {
    if instruction.is_loop() || instruction.is_loopcc() {
        machine.registers[COUNTER] = machine.registers[COUNTER].plus(-1, is_64);
    }
}

/// What an instruction costs beside itself, by the counter before and after it.
pub(super) fn cost_of_repetitions(instruction: &Instruction, before: Word, after: Word) -> u64 {
    if !(instruction.has_rep_prefix() || instruction.has_repne_prefix()) {
        return 0;
    }
    let turns = before.low(8).zip(after.low(8)).map_or(0, |(before, after)| before.saturating_sub(after));
    turns / REPETITIONS
}
