//! Instructions on vector registers that copy and compare texts: moves, bitwise and bytewise ones. Others leave nothing
//! known of what they write.

use super::execute::vector_number;
use super::machine::{Ground, Machine, Place, Untouched};
use super::word::Word;
use iced_x86::{Instruction, Mnemonic, OpKind, Register};

/// Sixteen bytes.
type Wide = [Word; 2];

impl Machine {
    /// Executes an instruction on vector registers; `false`: it is none, or none that is followed.
    pub(super) fn vector(
        &mut self,
        ground: &mut Ground<'_, '_>,
        files: &mut dyn Untouched,
        instruction: &Instruction,
    ) -> bool {
        use Mnemonic as M;
        let operands = instruction.op_count().min(3);
        if !(0..operands)
            .any(|n| vector_number(instruction.op_register(n)).is_some() && instruction.op_kind(n) == OpKind::Register)
        {
            return false;
        }
        let mnemonic = instruction.mnemonic();
        let size = match mnemonic {
            M::Movups
            | M::Movaps
            | M::Movupd
            | M::Movapd
            | M::Movdqu
            | M::Movdqa
            | M::Lddqu
            | M::Vmovups
            | M::Vmovaps
            | M::Vmovdqu
            | M::Vmovdqa => 16,
            M::Movq | M::Movlps | M::Movlpd | M::Movhps | M::Movhpd | M::Vmovq => 8,
            M::Movsd
                if instruction.op0_kind() != OpKind::MemoryESRDI && instruction.op0_kind() != OpKind::MemoryESEDI =>
            {
                8
            }
            M::Movd | M::Movss | M::Vmovd => 4,
            _ => return self.lanes(ground, files, instruction),
        };
        // Moves of AVX have the same operands, but those of 32 bytes are not followed.
        if instruction.op_count() != 2 || instruction.op_register(0).is_ymm() || instruction.op_register(1).is_ymm() {
            return false;
        }
        let high = matches!(mnemonic, M::Movhps | M::Movhpd);
        let low_only = matches!(mnemonic, M::Movlps | M::Movlpd) || high;
        let from = self.wide(ground, files, instruction, 1, size, high);
        match vector_number(instruction.op_register(0)).filter(|_| instruction.op0_kind() == OpKind::Register) {
            Some(number) if high => self.vectors[number][1] = from[0],
            Some(number) if low_only => self.vectors[number][0] = from[0],
            // Between registers the others stay, from memory they are cleared.
            Some(number) if matches!(mnemonic, M::Movsd | M::Movss) && instruction.op1_kind() == OpKind::Register => {
                self.vectors[number][0] = self.vectors[number][0].with(0, size, from[0]);
            }
            Some(number) if size == 16 => self.vectors[number] = from,
            Some(number) => self.vectors[number] = [from[0].cut(size), Word::number(0)],
            None => match self.place(ground, instruction, 0) {
                Place::Memory(at, _) => {
                    self.memory.store(at, size.min(8), from[0]);
                    if size == 16 {
                        self.memory.store(at.wrapping_add(8), 8, from[1]);
                    }
                }
                place => self.put(place, from[0].cut(size)),
            },
        }
        true
    }

    /// An operand of up to sixteen bytes.
    fn wide(
        &mut self,
        ground: &mut Ground<'_, '_>,
        files: &mut dyn Untouched,
        instruction: &Instruction,
        n: u32,
        size: usize,
        high: bool,
    ) -> Wide {
        let register = instruction.op_register(n);
        match (instruction.op_kind(n), vector_number(register)) {
            (OpKind::Register, Some(number)) if high => [self.vectors[number][1], Word::number(0)],
            (OpKind::Register, Some(number)) => self.vectors[number],
            (OpKind::Register, None) => [self.register(register).cut(size), Word::number(0)],
            _ => match self.address(ground, instruction) {
                Some(at) if size == 16 => {
                    [self.load(ground, files, at, 8), self.load(ground, files, at.wrapping_add(8), 8)]
                }
                Some(at) => [self.load(ground, files, at, size), Word::number(0)],
                None => [Word::UNKNOWN; 2],
            },
        }
    }

    /// Instructions that work on each byte, word or bit by itself.
    fn lanes(&mut self, ground: &mut Ground<'_, '_>, files: &mut dyn Untouched, instruction: &Instruction) -> bool {
        use Mnemonic as M;
        let mnemonic = instruction.mnemonic();
        if instruction.op_count() < 2 || (0..instruction.op_count()).any(|n| instruction.op_register(n).is_ymm()) {
            return false;
        }
        if mnemonic == M::Pmovmskb {
            let from = vector_number(instruction.op1_register()).and_then(|n| bytes(self.vectors[n]));
            let mask =
                from.map(|all| all.iter().enumerate().fold(0u64, |mask, (i, byte)| mask | u64::from(byte >> 7) << i));
            self.set_register(instruction.op0_register(), Word::of(mask, 4));
            return true;
        }
        let Some(to) = vector_number(instruction.op0_register()) else { return false };
        // AVX names both sources.
        let (left, right) = match instruction.op_count() {
            3 if instruction.op2_kind() != OpKind::Immediate8 => (
                self.wide(ground, files, instruction, 1, 16, false),
                self.wide(ground, files, instruction, 2, 16, false),
            ),
            _ => (self.vectors[to], self.wide(ground, files, instruction, 1, 16, false)),
        };
        let same = instruction.op_count() == 2 && is_register(instruction, 1, instruction.op0_register())
            || instruction.op_count() == 3 && is_register(instruction, 2, instruction.op1_register());
        let by_bytes = |of: fn(u8, u8) -> u8| match (bytes(left), bytes(right)) {
            (Some(a), Some(b)) => words(std::array::from_fn(|i| of(a[i], b[i]))),
            _ => [Word::UNKNOWN; 2],
        };
        let result = match mnemonic {
            M::Pxor | M::Xorps | M::Xorpd | M::Vpxor | M::Vxorps if same => [Word::number(0); 2],
            M::Pxor | M::Xorps | M::Xorpd | M::Vpxor | M::Vxorps => by_bytes(|a, b| a ^ b),
            M::Por | M::Orps => by_bytes(|a, b| a | b),
            M::Pand | M::Andps => by_bytes(|a, b| a & b),
            M::Pandn | M::Andnps => by_bytes(|a, b| !a & b),
            M::Pcmpeqb if same => [Word::number(u64::MAX); 2],
            M::Pcmpeqd | M::Pcmpeqw if same => [Word::number(u64::MAX); 2],
            M::Pcmpeqb => by_bytes(|a, b| if a == b { u8::MAX } else { 0 }),
            M::Pminub => by_bytes(u8::min),
            M::Punpcklqdq | M::Movlhps | M::Unpcklpd | M::Vpunpcklqdq => [left[0], right[0]],
            M::Punpckhqdq | M::Unpckhpd => [left[1], right[1]],
            M::Movhlps => [right[1], left[1]],
            M::Punpcklbw => match (bytes_of(left[0]), bytes_of(right[0])) {
                (Some(a), Some(b)) => words(std::array::from_fn(|i| if i % 2 == 0 { a[i / 2] } else { b[i / 2] })),
                _ => [Word::UNKNOWN; 2],
            },
            M::Punpckhbw => match (bytes_of(left[1]), bytes_of(right[1])) {
                (Some(a), Some(b)) => words(std::array::from_fn(|i| if i % 2 == 0 { a[i / 2] } else { b[i / 2] })),
                _ => [Word::UNKNOWN; 2],
            },
            M::Punpckldq => {
                [left[0].cut(4).with(4, 4, right[0]), left[0].shifted(4).cut(4).with(4, 4, right[0].shifted(4))]
            }
            M::Pinsrd => match instruction.op2_kind() {
                OpKind::Immediate8 => {
                    let lane = (instruction.immediate(2) & 3) as usize;
                    let mut all = left;
                    all[lane / 2] = all[lane / 2].with(lane % 2 * 4, 4, right[0]);
                    all
                }
                _ => return false,
            },
            M::Pinsrq => match instruction.op2_kind() {
                OpKind::Immediate8 => {
                    let mut all = left;
                    all[(instruction.immediate(2) & 1) as usize] = right[0];
                    all
                }
                _ => return false,
            },
            M::Pshufd => match (bytes(right), instruction.op2_kind()) {
                (Some(from), OpKind::Immediate8) => {
                    let order = instruction.immediate(2) as usize;
                    words(std::array::from_fn(|i| from[(order >> (i / 4 * 2) & 3) * 4 + i % 4]))
                }
                _ => [Word::UNKNOWN; 2],
            },
            _ => return false,
        };
        self.vectors[to] = result;
        true
    }
}

fn is_register(instruction: &Instruction, n: u32, register: Register) -> bool {
    instruction.op_kind(n) == OpKind::Register && instruction.op_register(n) == register
}

fn bytes_of(word: Word) -> Option<[u8; 8]> {
    word.low(8).map(u64::to_le_bytes)
}

fn bytes(wide: Wide) -> Option<[u8; 16]> {
    let (low, high) = (bytes_of(wide[0])?, bytes_of(wide[1])?);
    Some(std::array::from_fn(|i| if i < 8 { low[i] } else { high[i - 8] }))
}

fn words(bytes: [u8; 16]) -> Wide {
    let word = |from: usize| {
        let part: [u8; 8] = std::array::from_fn(|i| bytes[from + i]);
        Word::number(u64::from_le_bytes(part))
    };
    [word(0), word(8)]
}
