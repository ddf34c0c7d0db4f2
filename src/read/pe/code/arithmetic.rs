//! Arithmetic on registers and memory: addresses, and numbers of which modes are made.

use super::analysis::Engine;
use super::rows::MAX_ROWS;
use super::state::distance;
use super::step::is_high;
use super::value::{Kind, MAX_CHOICES, Value, mask};
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

/// Bytes that an array on the stack is taken to have, when its size is not known.
const ARRAY: i32 = 0x1000;
/// How the stack is aligned below such an array.
const ALIGNED: i32 = 16;

/// Masks below this leave the number of a row.
const MAX_BITS: u64 = MAX_ROWS as u64;

impl Engine<'_, '_> {
    pub(super) fn arithmetic(&mut self, instruction: &Instruction) {
        use Mnemonic as M;
        if self.changes_flags(instruction) {
            return;
        }
        let same = instruction.op_count() == 2
            && instruction.op1_kind() == OpKind::Register
            && instruction.op0_kind() == OpKind::Register
            && instruction.op0_register() == instruction.op1_register();
        let (a, b) = match instruction.op_count() {
            3 => (self.operand(instruction, 1), self.operand(instruction, 2)),
            2 => (self.operand(instruction, 0), self.operand(instruction, 1)),
            1 if matches!(instruction.mnemonic(), M::Neg | M::Not) => (self.operand(instruction, 0), Value::Const(0)),
            _ => return self.forget(instruction),
        };
        if instruction.mnemonic() == M::And {
            self.note_flags(a, b);
        }
        let value = match instruction.mnemonic() {
            M::Xor | M::Sub if same => Value::Const(0),
            // Room for an array whose size is known when the program runs.
            M::Sub if instruction.op0_register().full_register() == Register::RSP && b.number().is_none() => match a {
                Value::Stack(top) => Value::Stack(top.saturating_sub(ARRAY) & -ALIGNED),
                _ => Value::Unknown,
            },
            // All bits or none, as the carry says.
            M::Sbb if same => {
                let all = Value::Const(mask(u64::MAX, width(instruction) == 8));
                match self.carries() {
                    Some(true) => all,
                    Some(false) => Value::Const(0),
                    None => self.symbols.join(Value::Const(0), all),
                }
            }
            mnemonic => {
                let (mnemonic, b) = as_mask(mnemonic, b, width(instruction));
                self.calculated(mnemonic, a, b, width(instruction))
            }
        };
        self.assign(instruction, 0, value);
    }

    /// Compilers set and clear flags in the byte of a register that they are in: the rest of what a caller gives stays.
    fn changes_flags(&mut self, instruction: &Instruction) -> bool {
        let register = instruction.op0_register();
        let is_flag = matches!(instruction.mnemonic(), Mnemonic::Or | Mnemonic::And)
            && instruction.op0_kind() == OpKind::Register
            && register.size() == 1
            && instruction.op1_kind() == OpKind::Immediate8;
        let whole = register.full_register();
        let value = self.register(whole);
        if !is_flag || !matches!(self.symbols.kind_of(value), Some(Kind::Param(_) | Kind::Or(..) | Kind::Made(_))) {
            return false;
        }
        let shift = if is_high(register) { 8 } else { 0 };
        let bits = u64::from(instruction.immediate8()) << shift;
        let number = match instruction.mnemonic() {
            Mnemonic::Or => bits,
            _ => bits | mask(!(0xff << shift), false),
        };
        let value = self.calculated(instruction.mnemonic(), value, Value::Const(number), 4);
        if let Some(place) = self.state.registers.get_mut(whole.number()) {
            *place = value;
        }
        true
    }

    /// The result for two values; where they are one of a few numbers, that for each pair of them, cut to `width` bytes.
    fn calculated(&mut self, mnemonic: Mnemonic, a: Value, b: Value, width: usize) -> Value {
        if let Some(counted) = self.calculated_count(mnemonic, a, b) {
            return counted;
        }
        let is_choice = |value| matches!(self.symbols.kind_of(value), Some(Kind::Choice(_)));
        if !is_choice(a) && !is_choice(b) {
            return self.calculated_or_made(mnemonic, a, b);
        }
        let (some, others) = (self.symbols.alternatives(a), self.symbols.alternatives(b));
        if some.iter().chain(others.iter()).any(|value| value.number().is_none()) {
            return self.calculated_or_made(mnemonic, a, b);
        }
        let pairs = some.iter().flat_map(|a| others.iter().map(move |b| (*a, *b)));
        let mut results: Vec<Value> = Vec::new();
        for (a, b) in pairs {
            let result = match self.calculated_once(mnemonic, a, b) {
                Value::Const(number) => Value::Const(mask(number, width == 8)),
                value => value,
            };
            if !results.contains(&result) {
                results.push(result);
            }
        }
        if results.len() > MAX_CHOICES { Value::Unknown } else { self.symbols.any(results) }
    }

    /// The result where one of two numbers counts characters: that counts them too. The distance of two addresses in one
    /// object does.
    fn calculated_count(&mut self, mnemonic: Mnemonic, a: Value, b: Value) -> Option<Value> {
        if mnemonic == Mnemonic::Sub && !matches!((a, b), (Value::Const(_), _)) {
            let between = distance(b, a).filter(|_| self.count(a).is_none());
            if let Some(bytes) = between.and_then(|bytes| usize::try_from(bytes).ok()) {
                return Some(self.counted(bytes));
            }
        }
        let is_given = |value| matches!(self.symbols.kind_of(value), Some(Kind::Param(_)));
        if mnemonic == Mnemonic::Sub && is_given(a) && is_given(b) {
            return Some(self.symbols.of(Kind::Between(b, a)));
        }
        let (left, right) = (self.count(a)?, self.count(b)?);
        if matches!((a, b), (Value::Const(_), Value::Const(_))) {
            return None;
        }
        let result = match mnemonic {
            Mnemonic::Sar => Value::Const(left >> (right & 63)),
            _ => self.calculated_once(mnemonic, Value::Const(left), Value::Const(right)),
        };
        Some(self.counted(result.number()? as usize))
    }

    fn calculated_or_made(&mut self, mnemonic: Mnemonic, a: Value, b: Value) -> Value {
        let result = self.calculated_once(mnemonic, a, b);
        // What is added to is more often a pointer than a mode.
        let moves = matches!(mnemonic, Mnemonic::Add | Mnemonic::Sub);
        match result {
            Value::Unknown if !moves => match (self.made(a, b), mnemonic, b) {
                (Value::Sym(..), Mnemonic::And, Value::Const(mask @ 1..MAX_BITS))
                    if (mask + 1).is_power_of_two() && self.slot(a).is_some() =>
                {
                    self.symbols.of(Kind::Bits(a, mask))
                }
                (Value::Unknown, Mnemonic::Shl | Mnemonic::Sal, Value::Const(bits @ 1..=12)) => {
                    self.times(a, 1 << bits)
                }
                (Value::Unknown, Mnemonic::Imul, Value::Const(by @ 2..=0x1000)) => self.times(a, by as i64),
                (made, ..) => made,
            },
            result => result,
        }
    }

    /// A number that only a caller's value decides.
    fn made(&mut self, a: Value, b: Value) -> Value {
        let of = |value: Value| self.symbols.made_of(value).or_else(|| self.slot(value).map(|_| value));
        match of(a).or_else(|| of(b)) {
            Some(of) => self.symbols.of(Kind::Made(of)),
            None => Value::Unknown,
        }
    }

    fn calculated_once(&mut self, mnemonic: Mnemonic, a: Value, b: Value) -> Value {
        use Mnemonic as M;
        let is_64 = self.is_64();
        match (mnemonic, a, b) {
            (M::Add, a, Value::Const(n)) | (M::Add, Value::Const(n), a) => match self.symbols.kind_of(a) {
                Some(Kind::Times(..)) => self.row(n, a, 1).unwrap_or(Value::Unknown),
                // The end of a text in a variable of the program.
                _ if self.symbols.is_data(n) && self.is_length(a) => {
                    let variable = Value::Const(n);
                    self.indexed(variable, variable, a, 0, 1)
                }
                _ => a.plus(signed(n, is_64), is_64),
            },
            (M::Add, a, b) if self.sum_of_multiples(a, b).is_some() => {
                self.sum_of_multiples(a, b).unwrap_or(Value::Unknown)
            }
            (M::Add, a, b) if a == b && self.doubled(a) != Value::Unknown => self.doubled(a),
            (M::Shl | M::Sal, a, Value::Const(1)) if self.doubled(a) != Value::Unknown => self.doubled(a),
            (M::Add, a, b) => {
                let sum = self.indexed(a, a, b, 0, 1);
                if sum == Value::Unknown { self.indexed(b, b, a, 0, 1) } else { sum }
            }
            (M::Sub, Value::Const(a), Value::Const(b)) => Value::Const(mask(a.wrapping_sub(b), is_64)),
            (M::Sub, a, Value::Const(n)) => a.plus(signed(n, is_64).wrapping_neg(), is_64),
            // Aligning a frame: the distance to the parameters is lost, the layout above stays.
            (M::And, Value::Stack(offset), Value::Const(n)) if signed(n, is_64) < 0 => {
                Value::Stack(offset & (signed(n, is_64) as i32))
            }
            (M::And, _, Value::Const(0)) => Value::Const(0),
            // A flag is set or not.
            (M::And, a @ (Value::Unknown | Value::Sym(..)), Value::Const(n))
                if n.is_power_of_two() && self.slot(a).is_none() =>
            {
                self.symbols.join(Value::Const(0), b)
            }
            (M::And, Value::Const(x), Value::Const(y)) => Value::Const(x & y),
            (M::Or, _, Value::Const(n)) if signed(n, is_64) == -1 => Value::Const(mask(u64::MAX, is_64)),
            (M::Or, Value::Const(x), Value::Const(y)) => Value::Const(x | y),
            // Modes are made so: what the caller gives, and what always holds.
            (M::Or, Value::Const(n), x) | (M::Or, x, Value::Const(n)) if self.slot(x).is_some() => {
                self.symbols.of(Kind::Or(x, n))
            }
            (M::Xor, Value::Const(x), Value::Const(y)) => Value::Const(x ^ y),
            (M::Shl | M::Sal, Value::Const(x), Value::Const(y)) => Value::Const(mask(x << (y & 63), is_64)),
            (M::Shr, Value::Const(x), Value::Const(y)) => Value::Const(x >> (y & 63)),
            (M::Imul, Value::Const(x), Value::Const(y)) => Value::Const(mask(x.wrapping_mul(y), is_64)),
            (M::Neg, Value::Const(x), _) => Value::Const(mask(x.wrapping_neg(), is_64)),
            (M::Not, Value::Const(x), _) => Value::Const(mask(!x, is_64)),
            _ => Value::Unknown,
        }
    }

    /// A flag as a number: zero or one.
    pub(super) fn truth(&mut self, instruction: &Instruction, next: Option<&Instruction>) {
        let value = match self.is_met(instruction) {
            Some(met) => Value::Const(u64::from(met)),
            None => self.symbols.join(Value::Const(0), Value::Const(1)),
        };
        if instruction.op0_kind() != OpKind::Register {
            return self.assign(instruction, 0, value);
        }
        // The rest of the register was cleared before, or is cleared next.
        let register = instruction.op0_register();
        let cleared = self.register(register.full_register()).number().is_some_and(|n| n <= 0xff);
        let extended = next.is_some_and(|n| {
            n.mnemonic() == Mnemonic::Movzx && n.op1_kind() == OpKind::Register && n.op1_register() == register
        });
        if cleared || extended {
            self.set_register(register.full_register(), value);
        } else {
            let known = value.number().map_or(Value::Unknown, Value::Const);
            self.set_register(register, known);
        }
    }
}

/// Bytes of the operand that is written.
fn width(instruction: &Instruction) -> usize {
    match instruction.op0_kind() {
        OpKind::Memory => instruction.memory_size().size(),
        _ => instruction.op0_register().size(),
    }
}

/// A bit that is set or cleared by its number, as `or` and `and` do it.
fn as_mask(mnemonic: Mnemonic, bit: Value, width: usize) -> (Mnemonic, Value) {
    let mask = |bit: u64| 1u64 << (bit % (8 * width.clamp(1, 8) as u64));
    match (mnemonic, bit) {
        (Mnemonic::Bts, Value::Const(bit)) => (Mnemonic::Or, Value::Const(mask(bit))),
        (Mnemonic::Btr, Value::Const(bit)) => {
            (Mnemonic::And, Value::Const(!mask(bit) & (u64::MAX >> (64 - 8 * width.clamp(1, 8)))))
        }
        other => other,
    }
}

fn signed(n: u64, is_64: bool) -> i64 {
    if is_64 { n as i64 } else { i64::from(n as u32 as i32) }
}

/// `sete` and its family.
pub(crate) fn is_truth(mnemonic: Mnemonic) -> bool {
    use Mnemonic as M;
    matches!(
        mnemonic,
        M::Seta
            | M::Setae
            | M::Setb
            | M::Setbe
            | M::Sete
            | M::Setg
            | M::Setge
            | M::Setl
            | M::Setle
            | M::Setne
            | M::Setno
            | M::Setnp
            | M::Setns
            | M::Seto
            | M::Setp
            | M::Sets
    )
}
