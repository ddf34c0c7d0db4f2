//! Shifts, products and quotients (Intel SDM, volume 2).

use super::execute::extend;
use super::machine::{Flags, Ground, Machine, Place, Untouched};
use super::word::Word;
use iced_x86::{Instruction, Mnemonic};

impl Machine {
    /// Shifts and rotations.
    pub(super) fn shift(
        &mut self,
        ground: &mut Ground<'_, '_>,
        files: &mut dyn Untouched,
        instruction: &Instruction,
        first: Place,
    ) {
        use Mnemonic as M;
        let (size, bits) = (first.size(), first.size() as u32 * 8);
        let word = self.get(ground, files, first);
        let count = match instruction.op_count() {
            2 => {
                let place = self.place(ground, instruction, 1);
                self.get(ground, files, place).low(1)
            }
            _ => Some(1),
        };
        let Some(count) = count.map(|count| count as u32 & if size == 8 { 63 } else { 31 }) else {
            self.flags = Flags::default();
            return self.put(first, Word::UNKNOWN.cut(size));
        };
        if count == 0 {
            return;
        }
        let mnemonic = instruction.mnemonic();
        let number = word.low(size);
        let shifted = number.map(|n| match mnemonic {
            M::Shl | M::Sal => n.checked_shl(count).unwrap_or(0),
            M::Shr => n.checked_shr(count).unwrap_or(0),
            M::Sar => ((extend(n, size) as i64) >> count.min(63)) as u64,
            M::Rol => n << (count % bits) | n.checked_shr(bits - count % bits).unwrap_or(0),
            _ => n >> (count % bits) | n.checked_shl(bits - count % bits).unwrap_or(0),
        });
        let top = |n: u64| n >> (bits - 1) & 1 == 1;
        let carry = number.zip(shifted).map(|(n, shifted)| match mnemonic {
            M::Rol => shifted & 1 == 1,
            M::Ror => top(shifted),
            M::Shl | M::Sal => n.checked_shr(bits.wrapping_sub(count)).unwrap_or(0) & 1 == 1,
            _ => n.checked_shr(count - 1).unwrap_or(0) & 1 == 1,
        });
        if matches!(mnemonic, M::Shl | M::Sal | M::Shr | M::Sar) {
            self.set_result(shifted, size);
        }
        (self.flags.carry, self.flags.overflow) = (carry, None);
        let length = word.halved(count).filter(|_| matches!(mnemonic, M::Shr | M::Sar) && size >= 4);
        self.put(first, length.unwrap_or_else(|| Word::of(shifted, size)));
    }

    /// Products and quotients.
    pub(super) fn multiply(
        &mut self,
        ground: &mut Ground<'_, '_>,
        files: &mut dyn Untouched,
        instruction: &Instruction,
        first: Place,
    ) {
        use Mnemonic as M;
        self.flags = Flags::default();
        let size = first.size();
        let a = self.get(ground, files, first).low(size);
        if instruction.op_count() >= 2 {
            let places = (1..instruction.op_count()).map(|n| self.place(ground, instruction, n)).collect::<Vec<_>>();
            let numbers = places.iter().map(|place| self.get(ground, files, *place).low(size)).collect::<Vec<_>>();
            let product = match *numbers {
                [b] => a.zip(b),
                [b, c] => b.zip(c),
                _ => None,
            };
            let product = product.map(|(a, b)| (extend(a, size) as i64).wrapping_mul(extend(b, size) as i64) as u64);
            return self.put(first, Word::of(product, size));
        }
        let low = self.registers[0].low(size);
        let high = self.registers[2].low(size);
        let (result, rest) = match (instruction.mnemonic(), a, low) {
            (M::Mul, Some(a), Some(b)) => {
                let product = u128::from(a) * u128::from(b);
                (Some(product as u64), Some((product >> (size * 8)) as u64))
            }
            (M::Imul, Some(a), Some(b)) => {
                let product = i128::from(extend(a, size) as i64) * i128::from(extend(b, size) as i64);
                (Some(product as u64), Some((product >> (size * 8)) as u64))
            }
            (M::Div, Some(by), Some(low)) if by != 0 && high.is_some() => {
                let all = u128::from(high.unwrap_or_default()) << (size * 8) | u128::from(low);
                (u64::try_from(all / u128::from(by)).ok(), u64::try_from(all % u128::from(by)).ok())
            }
            (M::Idiv, Some(by), Some(low)) if extend(by, size) != 0 && high.is_some() => {
                let high = i128::from(extend(high.unwrap_or_default(), size) as i64);
                let (all, by) = (high << (size * 8) | i128::from(low), i128::from(extend(by, size) as i64));
                (all.checked_div(by).map(|n| n as u64), all.checked_rem(by).map(|n| n as u64))
            }
            _ => (None, None),
        };
        // Bytes have both halves of the result in one register.
        if size == 1 {
            return self.set_low(0, 2, Word::UNKNOWN);
        }
        self.set_low(0, size, Word::of(result, size));
        self.set_low(2, size, Word::of(rest, size));
    }
}
