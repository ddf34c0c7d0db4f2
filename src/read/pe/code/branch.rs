//! Which way a conditional jump goes, when a function is looked at again with the numbers that one caller gives.

use super::analysis::Engine;
use super::body::{Block, Body};
use super::filled::parameters;
use super::layout::LOCAL_WORDS;
use super::report::{Arg, Report};
use super::value::{Kind, Value};
use iced_x86::{ConditionCode, FlowControl, Instruction, Mnemonic, OpKind, Register};
use std::rc::Rc;

/// Fewest parameters that are handed on.
const MIN_PARAMETERS: u8 = 4;
/// Longest function, in bytes, that is believed to calculate a number from two others.
const MAX_CALCULATION: usize = 64;

/// What set the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// A comparison or a subtraction.
    Difference,
    /// A test of bits.
    Common,
    /// A bit that was put into the carry, on the right.
    Carry,
    /// Any other instruction: only whether its result is zero or negative is known.
    Result,
}

/// Two numbers that were compared, or a result and zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    set: Set,
    left: u64,
    right: u64,
    bytes: usize,
}

impl Compared {
    /// Is the condition met?
    fn meets(self, condition: ConditionCode) -> Option<bool> {
        use ConditionCode as C;
        let shift = 64 - 8 * self.bytes.clamp(1, 8) as u32;
        let (left, right) = (self.left << shift >> shift, self.right << shift >> shift);
        let signed = |n: u64| (n << shift) as i64;
        // Flags: zero, sign of the result, less as unsigned numbers, less as signed ones.
        let (zero, sign, below, less) = match self.set {
            Set::Difference => {
                (left == right, signed(left.wrapping_sub(right)) < 0, left < right, signed(left) < signed(right))
            }
            Set::Common | Set::Result => {
                let negative = signed(left & right) < 0;
                (left & right == 0, negative, false, negative)
            }
            Set::Carry => (false, false, right != 0, false),
        };
        if self.set == Set::Carry && !matches!(condition, C::b | C::ae) {
            return None;
        }
        if self.set == Set::Result && !matches!(condition, C::e | C::ne | C::s | C::ns) {
            return None;
        }
        Some(match condition {
            C::e => zero,
            C::ne => !zero,
            C::s => sign,
            C::ns => !sign,
            C::b => below,
            C::ae => !below,
            C::be => below || zero,
            C::a => !below && !zero,
            C::l => less,
            C::ge => !less,
            C::le => less || zero,
            C::g => !less && !zero,
            _ => return None,
        })
    }
}

impl Engine<'_, '_> {
    /// Is the condition of a jump, a move or a `set` met? `None`: it is not known, or nothing is known of the caller.
    pub(super) fn is_met(&self, instruction: &Instruction) -> Option<bool> {
        self.compared?.meets(instruction.condition_code())
    }

    /// Did the last comparison leave a carry?
    pub(super) fn carries(&self) -> Option<bool> {
        self.compared?.meets(ConditionCode::b)
    }

    /// The report on a function whose result depends on whether an argument is null, made for what this call passes.
    pub(super) fn decided(&mut self, target: u32, report: Rc<Report>) -> Rc<Report> {
        if !report.summary.is_split() {
            return report;
        }
        // What the result is made of decides, wherever it is handed over; of the rest, the first few.
        let made_of = |n: u8| {
            let texts = report.summary.result.iter().flat_map(|result| &result.texts);
            texts.flat_map(parameters).any(|slot| slot.param == n)
        };
        let numbers = self.parameters().filter_map(|n| Some((n, self.argument(n).number()?)));
        let most = usize::from(report.parameters.max(MIN_PARAMETERS));
        let numbers: Vec<(u8, u64)> =
            numbers.enumerate().filter(|(i, (n, _))| *i < most || made_of(*n)).map(|(_, number)| number).collect();
        if numbers.is_empty() {
            return report;
        }
        self.program.report_given(target, &numbers, None, self.depth + 1).unwrap_or(report)
    }

    /// The number that a short function calculates from two numbers, such as flags put together by an operator.
    pub(super) fn computed(&mut self, target: u32, report: &Report) -> Option<u64> {
        let program = self.program;
        // The last function of a section ends before the section does.
        let body = program.body(target);
        let length: usize = body.instructions.iter().map(Instruction::len).sum();
        let says = report.summary.result.as_ref().is_some_and(|result| *result != Arg::default());
        if length > MAX_CALCULATION || says || report.summary.has_effects() {
            return None;
        }
        let mut numbers = Vec::new();
        for n in 0..2u8 {
            let number = self.argument(n).number().filter(|n| program.image.rva_of(*n).is_none())?;
            numbers.push((n, number));
        }
        let calls = |instruction: &Instruction| {
            matches!(instruction.flow_control(), FlowControl::Call | FlowControl::IndirectCall)
        };
        if body.instructions.iter().any(calls) {
            return None;
        }
        let report = program.report_given(target, &numbers, None, self.depth + 1)?;
        report.summary.result.as_ref()?.number.only()
    }

    /// A function does nothing but give a number, as those do that tell whether the compiler runs the code.
    pub(super) fn is_constant(&self, target: u32) -> bool {
        /// Most instructions of it: with those of a frame.
        const MAX_INSTRUCTIONS: usize = 6;
        let body = self.program.body(target);
        let plain = |instruction: &Instruction| {
            let returns = matches!(instruction.flow_control(), FlowControl::Next | FlowControl::Return);
            returns && (instruction.op0_kind() != OpKind::Memory || instruction.op_count() == 0)
        };
        body.instructions.len() <= MAX_INSTRUCTIONS && body.instructions.iter().all(plain)
    }

    /// The numbers that an instruction is about to compare.
    pub(super) fn compares(&mut self, instruction: &Instruction) -> Option<Compared> {
        let set = match instruction.mnemonic() {
            Mnemonic::Cmp | Mnemonic::Sub => Set::Difference,
            Mnemonic::Test => Set::Common,
            // Zero minus the number.
            Mnemonic::Neg => {
                let right = self.operand(instruction, 0).number()?;
                return Some(Compared { set: Set::Difference, left: 0, right, bytes: size(instruction) });
            }
            // Of a register, the bit by its number modulo the width (Intel's manual, "BT").
            Mnemonic::Bt if instruction.op0_kind() == OpKind::Register => {
                let (of, bit) = (self.operand(instruction, 0).number()?, self.operand(instruction, 1).number()?);
                let bytes = size(instruction);
                let right = of >> (bit % (8 * bytes.clamp(1, 8) as u64)) & 1;
                return Some(Compared { set: Set::Carry, left: 0, right, bytes });
            }
            _ => return None,
        };
        let bytes = size(instruction);
        match (self.operand(instruction, 0), self.operand(instruction, 1)) {
            (Value::Const(left), Value::Const(right)) => Some(Compared { set, left, right, bytes }),
            _ => None,
        }
    }

    /// What is compared is a length or a place in a text, or the address of the characters of a string.
    pub(super) fn found(&mut self, instruction: &Instruction) -> Option<Compared> {
        if !matches!(instruction.mnemonic(), Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Sub) {
            return None;
        }
        let set = if instruction.mnemonic() == Mnemonic::Test { Set::Common } else { Set::Difference };
        let bytes = size(instruction);
        if let (Some(left), Some(right)) = (self.held_operand(instruction, 0), self.held_operand(instruction, 1)) {
            let numbers = self.compared_counts(left, right).or_else(|| self.compared_addresses(left, right));
            if let Some((left, right)) = numbers {
                return Some(Compared { set, left, right, bytes });
            }
        }
        self.found_in_text(instruction)
    }

    /// An operand, if it is a number, a register or a place in memory where something was put. Nothing is learnt by asking.
    fn held_operand(&mut self, instruction: &Instruction, n: u32) -> Option<Value> {
        match instruction.op_kind(n) {
            OpKind::Memory => {
                let address = self.address(instruction);
                self.state.cell(address)?;
                Some(self.operand(instruction, n))
            }
            _ => Some(self.operand(instruction, n)).filter(|value| *value != Value::Unknown),
        }
    }

    /// Remembers the parameters that a comparison is about: which way the function goes may depend on them.
    pub(super) fn note_tested(&mut self, instruction: &Instruction) {
        if !matches!(instruction.mnemonic(), Mnemonic::Cmp | Mnemonic::Test | Mnemonic::And | Mnemonic::Bt) {
            return;
        }
        for n in 0..2 {
            let value = match instruction.op_kind(n) {
                // Flags may be looked at in a part of their register.
                OpKind::Register => self.register(instruction.op_register(n).full_register()),
                OpKind::Memory => {
                    let address = self.address(instruction);
                    self.state.cell(address).map_or(address, |cell| cell.value)
                }
                _ => continue,
            };
            let of = self.symbols.made_of(value).unwrap_or(value);
            // On the stack it is compared where it lies.
            let parameter = match of {
                Value::Stack(offset) => self.stack_parameter(offset),
                of => self.slot(of).map(|slot| slot.param),
            };
            self.note_parameter(parameter);
        }
    }

    /// Remembers that a comparison is about a parameter.
    pub(super) fn note_parameter(&mut self, parameter: Option<u8>) {
        self.report.tested |= parameter.and_then(|n| 1u64.checked_shl(u32::from(n))).unwrap_or_default();
    }

    /// Two numbers of which one counts characters.
    fn compared_counts(&mut self, left: Value, right: Value) -> Option<(u64, u64)> {
        if matches!((left, right), (Value::Const(_), Value::Const(_))) {
            return None;
        }
        if let (Some(left), Some(right)) = (self.count(left), self.count(right)) {
            return Some((left, right));
        }
        // What a search finds in a text stands before its end, and is not nothing.
        let behind = |engine: &Self, place: Value, end: Value| {
            let Value::Sym(symbol, _) = place else { return false };
            let Kind::Index(at) = engine.symbols.kind(symbol) else { return false };
            let is_end = |of: Value| match end {
                Value::Sym(symbol, 0) => {
                    matches!(engine.symbols.kind(symbol), Kind::Length(text, ..) if text == of)
                        || engine.is_length_of(end, of)
                }
                _ => false,
            };
            engine.is_found(at)
                && (engine.count(end) == Some(engine.none()) || engine.searched_text(at).is_some_and(is_end))
        };
        match (behind(self, left, right), behind(self, right, left)) {
            (true, _) => Some((0, 1)),
            (_, true) => Some((1, 0)),
            _ => None,
        }
    }

    /// The address of the characters of a string, and that of the room for short ones in its object. What a string was given
    /// by the library is taken to be long: its text is the same.
    fn compared_addresses(&self, left: Value, right: Value) -> Option<(u64, u64)> {
        let word = if self.program.image.is_64() { 8 } else { 4 };
        for (local, held) in [(left, right), (right, left)] {
            if !matches!(local, Value::Stack(_) | Value::Sym(..)) {
                continue;
            }
            let object = local.plus(-LOCAL_WORDS * word, true);
            let kept = self.state.cell(object).map(|cell| cell.value);
            if held == local && kept == Some(local) {
                return Some((0, 0));
            }
            let Value::Sym(symbol, 0) = held else { continue };
            let is_long = match self.symbols.kind(symbol) {
                Kind::Out(..) => held != local && self.is_given_characters(held),
                Kind::Load(at) => at == object,
                _ => false,
            };
            if is_long {
                return Some((0, 1));
            }
        }
        None
    }

    /// The text in which a search found an address.
    fn searched_text(&self, at: Value) -> Option<Value> {
        match self.symbols.kind_of(at)? {
            Kind::LastSeparator(path, _) | Kind::Extension(path, _) => Some(path),
            _ => None,
        }
    }

    /// A search finds something in each of the texts that it may have looked into.
    fn is_found(&self, at: Value) -> bool {
        let (path, wide, sought): (_, _, &[char]) = match self.symbols.kind_of(at) {
            Some(Kind::LastSeparator(path, wide)) => (path, wide, &['\\', '/']),
            Some(Kind::Extension(path, wide)) => (path, wide, &['.']),
            _ => return false,
        };
        self.text(path, wide).is_some_and(|known| known.texts().iter().all(|t| t.trailing_lit().contains(sought)))
    }

    /// The result of a search is compared with null, in a text in which it finds something.
    fn found_in_text(&mut self, instruction: &Instruction) -> Option<Compared> {
        let value = match (instruction.mnemonic(), instruction.op0_kind(), instruction.op1_kind()) {
            (Mnemonic::Test, OpKind::Register, OpKind::Register)
                if instruction.op0_register() == instruction.op1_register() =>
            {
                self.register(instruction.op0_register())
            }
            // What is compared with zero where it was put, as code that is not optimised does.
            (Mnemonic::Cmp, OpKind::Memory, kind) if kind != OpKind::Register && instruction.immediate(1) == 0 => {
                let address = self.address(instruction);
                self.state.cell(address)?.value
            }
            _ => return None,
        };
        self.is_found(value).then_some(Compared { set: Set::Common, left: 1, right: 1, bytes: size(instruction) })
    }

    /// What the flags are after an instruction.
    pub(super) fn note_compared(&mut self, instruction: &Instruction, compared: Option<Compared>) {
        if instruction.rflags_modified() == 0 {
            return;
        }
        if !self.is_given {
            self.compared = compared;
            return;
        }
        let to_register = instruction.op_count() > 0 && instruction.op0_kind() == OpKind::Register;
        self.compared = match compared {
            None if to_register => match self.register(instruction.op0_register()) {
                Value::Const(result) => {
                    Some(Compared { set: Set::Result, left: result, right: u64::MAX, bytes: size(instruction) })
                }
                _ => None,
            },
            compared => compared,
        };
    }

    /// The only start of a block that follows a block, when it is known which way its jump goes.
    pub(super) fn way(&mut self, body: &Body, block: &Block) -> Option<u32> {
        let last = body.last(block)?;
        let to = match last.flow_control() {
            FlowControl::ConditionalBranch if self.is_met(last)? => last.near_branch_target(),
            FlowControl::ConditionalBranch => last.next_ip(),
            // Through a table, of which a number says the entry.
            FlowControl::IndirectBranch if block.indirect => self.operand(last, 0).number()?,
            _ => return None,
        };
        Some(to.wrapping_sub(self.program.image.base) as u32)
    }
}

/// The truth of a result decides what follows.
pub(super) fn is_tested(next: Option<&Instruction>) -> bool {
    next.is_some_and(|n| {
        n.mnemonic() == Mnemonic::Test && n.op0_register() == Register::AL && n.op1_register() == Register::AL
    })
}

/// Bytes of the first operand.
fn size(instruction: &Instruction) -> usize {
    match instruction.op0_kind() {
        OpKind::Memory => instruction.memory_size().size(),
        _ => instruction.op0_register().size(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_decided_as_the_processor_does() {
        let of = |set, left, right| Compared { set, left, right, bytes: 4 };
        let less = of(Set::Difference, u64::from(u32::MAX), 1);
        assert_eq!(less.meets(ConditionCode::l), Some(true), "minus one is less than one");
        assert_eq!(less.meets(ConditionCode::b), Some(false), "but not as an unsigned number");
        assert_eq!(of(Set::Common, 6, 1).meets(ConditionCode::e), Some(true));
        assert_eq!(of(Set::Carry, 0, 1).meets(ConditionCode::ae), Some(false));
        assert_eq!(of(Set::Carry, 0, 1).meets(ConditionCode::e), None, "the zero flag stays as it was");
        assert_eq!(of(Set::Result, 0, u64::MAX).meets(ConditionCode::e), Some(true));
        assert_eq!(of(Set::Result, 3, u64::MAX).meets(ConditionCode::a), None);
    }
}
