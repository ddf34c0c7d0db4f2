//! Loops that walk along a text, character by character, up to its end: inlined `strlen`, `strcpy` and the like.
//!
//! Where a way meets characters in them of which nothing is known, it is a text of which nothing is known, and not one
//! that may as well be empty: a mark is put there, which the loop then copies or measures as it does any text. Otherwise
//! each round would fork, and the way that leaves in the first would take what is appended for the whole.

use super::super::super::code::body::Body;
use super::super::super::{Map, Set};
use super::super::texts::{self, MAX_LENGTH, Unit};
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

/// Loops that walk along texts, by the addresses of instructions.
#[derive(Default)]
pub(super) struct Walks {
    /// Those that look for the end, and those that count in the same loop.
    pub(super) ends: Map<u64, Vec<Instruction>>,
    /// Those that look at a character after another.
    pub(super) looks: Set<u64>,
}

/// The loops of a function.
pub(super) fn walks(body: &Body) -> Walks {
    let all = &body.instructions;
    let mut found = Walks::default();
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
        let counting: Vec<Instruction> = counters(round);
        for (n, load) in round.iter().enumerate() {
            if looks_at_character(load) && (moves_on(load, round) || moves_back(load, round)) {
                found.looks.insert(load.ip());
            }
            if !is_character(load)
                || !ends_there(load, round.get(n + 1..).unwrap_or_default())
                || !moves_on(load, round)
            {
                continue;
            }
            found.ends.insert(load.ip(), counting.clone());
            // The first round may stand before the loop.
            let before = all.get(start.saturating_sub(MAX_BEFORE)..start).unwrap_or_default();
            for (n, first) in before.iter().enumerate() {
                let same = is_character(first)
                    && first.memory_size() == load.memory_size()
                    && places(first).any(|of| places(load).any(|other| of == other));
                if same && ends_there(first, before.get(n + 1..).unwrap_or_default()) {
                    found.ends.entry(first.ip()).or_default();
                    found.looks.insert(first.ip());
                }
            }
        }
    }
    found
}

/// Instructions of a loop that count its rounds, and those that keep the number.
fn counters(round: &[Instruction]) -> Vec<Instruction> {
    let counts = |instruction: &&Instruction| match instruction.mnemonic() {
        Mnemonic::Inc => true,
        Mnemonic::Add => is_number(instruction, 1),
        Mnemonic::Sub => is_number(instruction, 1u64.wrapping_neg()),
        Mnemonic::Lea => instruction.memory_displacement64() == 1 && instruction.memory_index() == Register::None,
        _ => false,
    };
    let counting: Vec<Instruction> = round.iter().filter(counts).copied().collect();
    let is_counted = |register: Register| counting.iter().any(|of| of.op0_register() == register);
    let keeps = |instruction: &&Instruction| {
        instruction.mnemonic() == Mnemonic::Mov
            && instruction.op1_kind() == OpKind::Register
            && is_counted(instruction.op1_register())
    };
    let keeping: Vec<Instruction> = round.iter().filter(keeps).copied().collect();
    [counting, keeping].concat()
}

/// It reads one or two bytes behind a pointer.
fn looks_at_character(instruction: &Instruction) -> bool {
    let reads = (0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Memory);
    reads && matches!(instruction.memory_size().size(), 1 | 2) && places(instruction).next().is_some()
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

/// The next round looks at the character before.
fn moves_back(load: &Instruction, round: &[Instruction]) -> bool {
    let width = load.memory_size().size() as u64;
    let is_place = |register: Register| places(load).any(|place| place == register.full_register());
    let loaded = |instruction: &&Instruction| {
        instruction.mnemonic() == Mnemonic::Mov
            && instruction.op1_kind() == OpKind::Memory
            && instruction.op0_kind() == OpKind::Register
            && is_place(instruction.op0_register())
    };
    let from: Vec<u64> = round.iter().filter(loaded).map(Instruction::memory_displacement64).collect();
    round.iter().any(|instruction| {
        let moves = match instruction.mnemonic() {
            Mnemonic::Dec => true,
            Mnemonic::Sub => is_number(instruction, 1) || is_number(instruction, width),
            Mnemonic::Add => {
                is_number(instruction, 1u64.wrapping_neg()) || is_number(instruction, width.wrapping_neg())
            }
            Mnemonic::Lea => [1, width].map(u64::wrapping_neg).contains(&instruction.memory_displacement64()),
            _ => false,
        };
        moves
            && match instruction.op0_kind() {
                OpKind::Register => is_place(instruction.op0_register()),
                // A variable, where the code is not optimised.
                OpKind::Memory => from.contains(&instruction.memory_displacement64()),
                _ => false,
            }
    })
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
    /// The way looks at a character of a text: where nothing is known of that, a mark is put there. At the end, what has
    /// counted the characters is their number.
    pub(super) fn meet(&mut self, way: &mut Way, instruction: &Instruction, counting: &[Instruction]) {
        let wide = instruction.memory_size().size() == 2;
        if let Some(at) = way.machine.address(&mut self.ground, instruction) {
            texts::settle(&mut self.marks, &mut way.machine.memory, &self.ground, at, wide);
            if texts::unit(&way.machine.memory, self.ground.image, at, wide) == Unit::Known(0) {
                self.counted(way, counting, at, if wide { 2 } else { 1 });
            }
            return;
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
    /// A loop has counted up to the end of a text: of one that is not known, what it has counted is a length.
    fn counted(&mut self, way: &mut Way, counting: &[Instruction], end: u64, width: u64) {
        for instruction in counting {
            let place = way.machine.place(&mut self.ground, instruction, 0);
            let word = way.machine.get(&mut self.ground, &mut self.engine, place);
            let Word::Bits { .. } = word else { continue };
            let Some(here) = word.low(place.size()).filter(|here| (1..=MAX_LENGTH).contains(here)) else { continue };
            let start = end.saturating_sub(here * width);
            let open = texts::open_bytes(&way.machine.memory, self.ground.image, start..end) / width;
            if open > 0 && place.size() >= 4 {
                way.machine.put(place, Word::Length { here, least: here.saturating_sub(open) });
            }
        }
    }
}
