//! Loops that walk along a text, character by character, up to its end: inlined `strlen`, `strcpy` and the like.
//!
//! Where a way meets characters in them of which nothing is known, it is a text of which nothing is known, and not one
//! that may as well be empty: a mark is put there, which the loop then copies or measures as it does any text. Otherwise
//! each round would fork, and the way that leaves in the first would take what is appended for the whole.

use super::super::super::Set;
use super::super::super::code::body::Body;
use super::super::texts;
use super::super::word::{Word, size_of};
use super::{Run, Way};
use crate::facts::Text;
use iced_x86::{FlowControl, Instruction, Mnemonic, OpKind, Register};

/// Most instructions of such a loop.
const MAX_LOOP: usize = 24;
/// Most instructions before it among which its first round may have been moved.
const MAX_BEFORE: usize = 24;
/// Most instructions between the load of a character and what tests it.
const MAX_BETWEEN: usize = 4;

/// Bytes of a mark, with its end, that are kept for a text whose place is not known.
const ROOM_OF_MARK: u64 = 64;

/// Addresses of the instructions that look at a character of a text which a loop walks along.
pub(super) fn walks(body: &Body) -> Set<u64> {
    let all = &body.instructions;
    let mut found = Set::default();
    for (end, jump) in all.iter().enumerate() {
        let jumps = matches!(jump.flow_control(), FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch);
        if !jumps || jump.op0_kind() == OpKind::Register || jump.near_branch_target() > jump.ip() {
            continue;
        }
        let from = end.saturating_sub(MAX_LOOP);
        let Some(start) = (from..=end).find(|i| all.get(*i).is_some_and(|i| i.ip() == jump.near_branch_target()))
        else {
            continue;
        };
        let Some(round) = all.get(start..=end) else { continue };
        for (n, load) in round.iter().enumerate() {
            if !is_character(load)
                || !ends_there(load, round.get(n + 1..).unwrap_or_default())
                || !moves_on(load, round)
            {
                continue;
            }
            found.insert(load.ip());
            // The first round may stand before the loop.
            let before = all.get(start.saturating_sub(MAX_BEFORE)..start).unwrap_or_default();
            for (n, first) in before.iter().enumerate() {
                let same = is_character(first)
                    && first.memory_size() == load.memory_size()
                    && places(first).any(|of| places(load).any(|other| of == other));
                if same && ends_there(first, before.get(n + 1..).unwrap_or_default()) {
                    found.insert(first.ip());
                }
            }
        }
    }
    found
}

/// It looks at one or two bytes behind a pointer.
fn is_character(instruction: &Instruction) -> bool {
    let reads = match instruction.mnemonic() {
        Mnemonic::Mov | Mnemonic::Movzx | Mnemonic::Movsx => instruction.op1_kind() == OpKind::Memory,
        Mnemonic::Cmp => instruction.op0_kind() == OpKind::Memory && is_number(instruction, 0),
        _ => false,
    };
    reads && matches!(instruction.memory_size().size(), 1 | 2) && places(instruction).next().is_some()
}

fn is_number(instruction: &Instruction, number: u64) -> bool {
    !matches!(instruction.op1_kind(), OpKind::Register | OpKind::Memory) && instruction.immediate(1) == number
}

/// The registers that a memory operand is made of.
fn places(instruction: &Instruction) -> impl Iterator<Item = Register> {
    let registers = [instruction.memory_base(), instruction.memory_index()];
    registers.into_iter().filter(|r| r.is_gpr()).map(Register::full_register)
}

/// The character is compared with the zero that ends a text.
fn ends_there(load: &Instruction, behind: &[Instruction]) -> bool {
    if load.mnemonic() == Mnemonic::Cmp {
        return true;
    }
    let register = load.op0_register().full_register();
    let tests = |instruction: &Instruction| {
        let of = instruction.op0_kind() == OpKind::Register && instruction.op0_register().full_register() == register;
        match instruction.mnemonic() {
            Mnemonic::Test => of && instruction.op1_register().full_register() == register,
            Mnemonic::Cmp => of && is_number(instruction, 0),
            _ => false,
        }
    };
    behind.iter().take(MAX_BETWEEN).any(tests)
}

/// The next round looks at the next character.
fn moves_on(load: &Instruction, round: &[Instruction]) -> bool {
    let width = load.memory_size().size() as u64;
    // An index that is multiplied counts characters.
    let by = |number: u64| number == width || number == 1;
    let is_place = |register: Register| places(load).any(|place| place == register.full_register());
    // Without optimisation the pointer is a variable.
    let is_loaded = round.iter().any(|instruction| {
        instruction.mnemonic() == Mnemonic::Mov
            && instruction.op1_kind() == OpKind::Memory
            && instruction.op0_kind() == OpKind::Register
            && is_place(instruction.op0_register())
            && instruction.ip() != load.ip()
    });
    round.iter().any(|instruction| {
        let to_place = match instruction.op0_kind() {
            OpKind::Register => {
                is_place(instruction.op0_register()) || is_loaded && instruction.mnemonic() == Mnemonic::Lea
            }
            OpKind::Memory => is_loaded,
            _ => false,
        };
        to_place
            && match instruction.mnemonic() {
                Mnemonic::Inc => true,
                Mnemonic::Add => (1..=2).any(|n| by(n) && is_number(instruction, n)),
                Mnemonic::Sub => (1..=2u64).any(|n| by(n) && is_number(instruction, n.wrapping_neg())),
                Mnemonic::Lea => by(instruction.memory_displacement64()),
                _ => false,
            }
    })
}

impl Run<'_, '_> {
    /// The way looks at a character of a text: where nothing is known of that, a mark is put there.
    pub(super) fn meet(&mut self, way: &mut Way, instruction: &Instruction) {
        let wide = instruction.memory_size().size() == 2;
        if let Some(at) = way.machine.address(&mut self.ground, instruction) {
            return texts::settle(&mut self.marks, &mut way.machine.memory, &self.ground, at, wide);
        }
        // Where it stands is not known either: from here on it stands somewhere.
        let (base, index) = (instruction.memory_base(), instruction.memory_index());
        let size = size_of(self.ground.is_64);
        let is_lost = |word: Word| match word {
            Word::Near(_) => true,
            Word::Symbol(_) => false,
            word => word.low(size).is_none(),
        };
        if !base.is_gpr() || index != Register::None || !is_lost(way.machine.register(base)) {
            return;
        }
        let at = way.machine.allocate(ROOM_OF_MARK);
        let is_first = way.times_at(instruction.ip()) == 0;
        way.count_at(instruction.ip());
        // A pointer that is a variable, and is not known in the next round either, is at the end by then.
        let mark = if is_first { self.marks.units(&Text::unknown(), wide) } else { Vec::new() };
        texts::write(&mut way.machine.memory, at, &mark, wide, true);
        let displacement = instruction.memory_displacement64();
        way.machine.set_register(base, Word::number(at.wrapping_sub(displacement)));
    }
}
