//! Words that a text is compared with letter by letter, as compilers put comparisons with short words in the place of a call.
//!
//! Letters make a word where each is looked at only after the one before it was met: tests that follow one another whatever
//! their outcome ask for letters, not for a word.

use super::analysis::Engine;
use super::body::Body;
use super::value::{Kind, Symbol, Value};
use crate::facts::Text;
use iced_x86::{ConditionCode, Instruction, Mnemonic, OpKind, Register};

/// Most letters of one function.
const MAX_LETTERS: usize = 96;
/// Longest word that is compared so.
const MAX_WORD: usize = 16;
/// Most blocks without a choice between two letters.
const MAX_HOPS: usize = 3;

/// A comparison of characters at an address with some that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Letter {
    at: Value,
    characters: u64,
    /// Bytes that are compared.
    size: u8,
    /// Address of the comparison.
    site: u32,
}

/// A character that was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Loaded {
    symbol: Symbol,
    at: Value,
    width: u8,
    site: u32,
}

/// What a function compares letter by letter.
#[derive(Default)]
pub(crate) struct Letters {
    compared: Vec<Letter>,
    loaded: Vec<Loaded>,
}

impl Letters {
    fn add(&mut self, letter: Letter) {
        if self.compared.len() < MAX_LETTERS && !self.compared.contains(&letter) {
            self.compared.push(letter);
        }
    }

    /// The words up to their ends, and where the texts begin that are compared with them.
    pub(super) fn words(&self, body: &Body, base: u64, is_64: bool) -> Vec<(Value, Text)> {
        let mut words = Vec::new();
        for first in &self.compared {
            for width in [1u8, 2].into_iter().filter(|width| first.size.is_multiple_of(*width)) {
                self.spell(&Place { body, base, is_64, width }, *first, (first.at, String::new()), &mut words);
            }
        }
        words
    }

    /// Adds the words that go on with these characters.
    fn spell(&self, place: &Place<'_>, letter: Letter, so_far: (Value, String), words: &mut Vec<(Value, Text)>) {
        let (start, mut word) = so_far;
        for unit in (0..letter.size / place.width).map(|n| {
            let unit = letter.characters >> (u32::from(n * place.width) * 8);
            unit & if place.width == 2 { 0xffff } else { 0xff }
        }) {
            match unit {
                0 if !word.is_empty() => return words.push((start, Text::lit(word))),
                0x21..=0x7e => word.push(char::from(unit as u8)),
                _ => return,
            }
        }
        if word.len() > MAX_WORD {
            return;
        }
        let next = letter.at.plus(i64::from(letter.size), place.is_64);
        let follows = |site: u32| place.follows(letter.site, site);
        let mut is_compared = false;
        for other in self.compared.iter().filter(|other| other.at == next && other.size.is_multiple_of(place.width)) {
            is_compared = true;
            if follows(other.site) {
                self.spell(place, *other, (start, word.clone()), words);
            }
        }
        // The difference of the last character to the end is that character, and may be the result.
        let is_last = |loaded: &Loaded| loaded.at == next && loaded.width == place.width && follows(loaded.site);
        if !is_compared && self.loaded.iter().any(is_last) {
            words.push((start, Text::lit(word)));
        }
    }
}

/// Where comparisons are looked at.
struct Place<'b> {
    body: &'b Body,
    base: u64,
    is_64: bool,
    width: u8,
}

impl Place<'_> {
    /// The second place is reached from the first where that finds what it looks for, and not otherwise.
    fn follows(&self, first: u32, second: u32) -> bool {
        let rva = |instruction: &Instruction| instruction.ip().wrapping_sub(self.base) as u32;
        let body = self.body;
        let Some(index) = body.instructions.iter().position(|instruction| rva(instruction) == first) else {
            return false;
        };
        let Some(block) = body.blocks.iter().find(|block| block.instructions.contains(&index)) else { return false };
        let behind = body.instructions.get(index + 1..block.instructions.end).unwrap_or_default();
        let Some((jump, between)) = behind.split_last() else { return false };
        if between.iter().any(|instruction| instruction.rflags_modified() != 0) || !jump.is_jcc_short_or_near() {
            return false;
        }
        let (target, next) = (jump.near_branch_target(), jump.next_ip());
        let (met, other) = match jump.condition_code() {
            ConditionCode::e => (target, next),
            ConditionCode::ne => (next, target),
            _ => return false,
        };
        let [met, other] = [met, other].map(|va| va.wrapping_sub(self.base) as u32);
        let mut at = met;
        for _ in 0..MAX_HOPS {
            let Some(block) = body.block_at(at).filter(|_| at != other).and_then(|at| body.blocks.get(at)) else {
                return false;
            };
            let instructions = body.instructions.get(block.instructions.clone()).unwrap_or_default();
            if instructions.iter().any(|instruction| rva(instruction) == second) {
                return true;
            }
            match *block.next {
                [next] if !block.calls => at = body.blocks.get(next).map_or(other, |block| block.start),
                _ => return false,
            }
        }
        false
    }
}

/// Characters that are compared at once are those of a text: two at the least, and up to its end.
fn is_text(characters: u64, size: u8) -> bool {
    let bytes = &characters.to_le_bytes()[..usize::from(size.min(8))];
    let of = |bytes: &[u8]| {
        let text = bytes.iter().position(|byte| *byte == 0).map_or(bytes, |end| &bytes[..end]);
        text.iter().all(|byte| (0x21..=0x7e).contains(byte)) && bytes[text.len()..].iter().all(|byte| *byte == 0)
    };
    let narrow = bytes.get(1).is_some_and(|second| *second != 0) && of(bytes);
    let wide: Vec<u8> = bytes.iter().step_by(2).copied().collect();
    narrow || wide.len() > 1 && bytes.iter().skip(1).step_by(2).all(|byte| *byte == 0) && wide[1] != 0 && of(&wide)
}

impl Engine<'_, '_> {
    /// A character of a text is compared with a letter where it is, as comparisons with short words are compiled.
    pub(super) fn note_letter(&mut self, instruction: &Instruction) {
        let size = instruction.memory_size().size() as u8;
        let (at, characters) = (self.address(instruction), instruction.immediate(1));
        let is_letter = match size {
            1 | 2 => true,
            4 | 8 => is_text(characters, size),
            _ => false,
        };
        if is_letter && matches!(at, Value::Sym(..)) && self.notes() {
            self.letters.add(Letter { at, characters, size, site: self.at });
        }
    }

    /// A character of a text is loaded.
    pub(super) fn note_loaded(&mut self, instruction: &Instruction, value: Value) {
        let width = instruction.memory_size().size() as u8;
        if instruction.op1_kind() != OpKind::Memory || !matches!(width, 1 | 2) {
            return;
        }
        let Value::Sym(symbol, 0) = value else { return };
        let Kind::Load(at @ Value::Sym(..)) = self.symbols.kind(symbol) else { return };
        let loaded = Loaded { symbol, at, width, site: self.at };
        if self.letters.loaded.len() < MAX_LETTERS && !self.letters.loaded.contains(&loaded) {
            self.letters.loaded.push(loaded);
        }
    }

    /// A register that holds a character of a text is compared with a letter.
    pub(super) fn note_loaded_letter(&mut self, instruction: &Instruction) {
        let register = instruction.op0_register();
        if self.letters.loaded.is_empty() || instruction.op0_kind() != OpKind::Register || !register.is_gpr() {
            return;
        }
        let characters = match instruction.op1_kind() {
            OpKind::Memory => return,
            OpKind::Register if instruction.mnemonic() != Mnemonic::Test => return,
            OpKind::Register if instruction.op1_register() != register => return,
            OpKind::Register => 0,
            _ if instruction.mnemonic() == Mnemonic::Test => return,
            _ => instruction.immediate(1),
        };
        if register.full_register() == Register::RSP {
            return;
        }
        let held = self.state.registers.get(register.full_register().number()).copied();
        let Some(Value::Sym(symbol, 0)) = held else { return };
        let loaded = self.letters.loaded.iter().find(|loaded| loaded.symbol == symbol).copied();
        if let Some(Loaded { at, width, .. }) = loaded.filter(|_| self.notes()) {
            // Without optimisation, a letter is loaded before it is compared.
            let parameter = self.slot(at).map(|slot| slot.param);
            self.note_parameter(parameter);
            self.letters.add(Letter { at, characters, size: width, site: self.at });
        }
    }
}
