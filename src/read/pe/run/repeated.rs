//! Instructions that walk along memory, once or as often as a counter says (Intel SDM, volume 2, `REP`).

use super::machine::{Ground, Machine, Untouched};
use super::texts;
use super::word::{Word, size_of};
use iced_x86::{Instruction, Mnemonic};

/// Most repetitions of one instruction.
const MAX_REPEATED: u64 = 4_096;

impl Machine {
    /// Instructions that walk along memory, once or as often as the counter says.
    pub(super) fn string(&mut self, ground: &mut Ground<'_, '_>, files: &mut dyn Untouched, instruction: &Instruction) {
        use Mnemonic as M;
        let mnemonic = instruction.mnemonic();
        let size = match mnemonic {
            M::Movsb | M::Stosb | M::Scasb | M::Cmpsb | M::Lodsb => 1,
            M::Movsw | M::Stosw | M::Scasw | M::Cmpsw | M::Lodsw => 2,
            M::Movsd | M::Stosd | M::Lodsd => 4,
            _ => 8,
        };
        let compares = matches!(mnemonic, M::Scasb | M::Scasw | M::Cmpsb | M::Cmpsw);
        let repeats = instruction.has_rep_prefix() || instruction.has_repne_prefix();
        let mut left = match self.registers[1].low(size_of(ground.is_64)) {
            _ if !repeats => 1,
            Some(count) if count <= MAX_REPEATED || compares => count,
            _ => {
                self.lose(ground);
                return self.forget(ground, instruction);
            }
        };
        let by = if self.downwards { -(size as i64) } else { size as i64 };
        // What stands for something else is not the end that is looked for, and nothing else is known of it.
        let for_end = matches!(mnemonic, M::Scasb | M::Scasw) && self.registers[0].low(size) == Some(0);
        let from = ground.address(self.registers[7]);
        let mut times = 0;
        while left > 0 {
            times += 1;
            if times > MAX_REPEATED {
                return self.forget(ground, instruction);
            }
            let (source, target) = (ground.address(self.registers[6]), ground.address(self.registers[7]));
            let reads = !matches!(mnemonic, M::Stosb | M::Stosw | M::Stosd | M::Stosq | M::Scasb | M::Scasw);
            let word = match source.filter(|_| reads) {
                Some(at) => self.load(ground, files, at, size),
                None if reads => Word::UNKNOWN,
                None => self.registers[0],
            };
            match mnemonic {
                _ if compares => {
                    let other = target.map_or(Word::UNKNOWN, |at| self.load(ground, files, at, size));
                    let places = [source.filter(|_| reads), target];
                    let is_open = |at: &u64| texts::is_open(&self.memory, ground.image, *at, size);
                    let open = !for_end && places.iter().flatten().any(is_open);
                    self.set_difference(word.low(size), other.low(size).filter(|_| !open), size);
                }
                M::Lodsb | M::Lodsw | M::Lodsd | M::Lodsq => self.set_low(0, size, word),
                _ => match target {
                    Some(at) => self.memory.store(at, size, word),
                    None => return self.forget(ground, instruction),
                },
            }
            if reads {
                self.registers[6] = self.registers[6].plus(by, ground.is_64);
            }
            if !matches!(mnemonic, M::Lodsb | M::Lodsw | M::Lodsd | M::Lodsq) {
                self.registers[7] = self.registers[7].plus(by, ground.is_64);
            }
            left -= 1;
            if compares && repeats {
                match self.flags.zero {
                    Some(equal) if equal == instruction.has_repne_prefix() => break,
                    Some(_) => {}
                    None => return self.forget(ground, instruction),
                }
            }
        }
        if repeats {
            self.registers[1] = Word::number(left);
            let end = ground.address(self.registers[7]);
            if let (true, false, Some(range)) = (for_end, self.downwards, from.zip(end).map(|(from, end)| from..end)) {
                // How many characters there are up to the end is not known where some stand for something else.
                let open = texts::open_bytes(&self.memory, ground.image, range) / size as u64;
                if open > 0 && ground.is_given(from.unwrap_or_default()) {
                    self.registers[1] = Word::Length { here: left, least: left.wrapping_add(open.min(times)) };
                }
            }
        }
    }

    /// How much is written is not known: of what was there nothing is left.
    fn lose(&mut self, ground: &mut Ground<'_, '_>) {
        match ground.address(self.registers[7]) {
            Some(at) => self.memory.blur_all(at),
            None => self.strayed = true,
        }
    }
}
