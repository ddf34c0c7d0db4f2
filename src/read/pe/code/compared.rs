//! Texts that the program compares: a name that it compares with a word before it opens it is not that word.
//!
//! "off", "stdout" and the like are told from names of files in this way. Which of the two ways leads to the call is not
//! looked at: the word is dropped from the alternatives, and where it was the only one, nothing is known.

use super::analysis::Engine;
use super::known::Known;
use super::report::{Arg, Report};
use super::slot::Slot;
use super::value::{Kind, Value};
use crate::facts::Text;
use iced_x86::{Instruction, OpKind};
use std::rc::Rc;

/// Most comparisons of one function.
const MAX_COMPARISONS: usize = 64;

impl Engine<'_, '_> {
    /// Two texts are compared.
    pub(super) fn note_comparison(&mut self, one: Value, other: Value, wide: bool) {
        if self.comparisons.len() >= MAX_COMPARISONS || !self.notes() {
            return;
        }
        for pair in [(one, other, wide), (other, one, wide)] {
            if pair.0 != Value::Unknown && !self.comparisons.contains(&pair) {
                self.comparisons.push(pair);
            }
        }
    }

    /// A character of one text is compared with that of another, as an inlined comparison does.
    pub(super) fn note_characters(&mut self, instruction: &Instruction) {
        if instruction.memory_size().size() > 2 {
            return;
        }
        if !matches!(instruction.op1_kind(), OpKind::Register | OpKind::Memory) {
            return self.note_letter(instruction);
        }
        let register = if instruction.op0_kind() == OpKind::Register { 0 } else { 1 };
        let Value::Sym(symbol, 0) = self.operand(instruction, register) else { return };
        let (Kind::Load(one), other) = (self.symbols.kind(symbol), self.address(instruction)) else { return };
        let wide = instruction.memory_size().size() == 2;
        if matches!(other, Value::Const(_)) {
            self.note_comparison(one, other, wide);
        }
    }

    /// A character of a text is compared with a letter, as comparisons with short words are compiled.
    fn note_letter(&mut self, instruction: &Instruction) {
        let (address, letter) = (self.address(instruction), instruction.immediate(1));
        let Ok(letter) = u8::try_from(letter) else { return };
        let noted = (address, letter, instruction.memory_size().size() as u8);
        let is_new = self.letters.len() < MAX_COMPARISONS && !self.letters.contains(&noted);
        if is_new && matches!(address, Value::Sym(..)) && self.notes() {
            self.letters.push(noted);
        }
    }

    /// The words that texts are compared with letter by letter, up to their ends, and where these texts begin.
    fn words(&self) -> Vec<(Value, Text)> {
        /// Longest word that is compared so.
        const MAX_WORD: usize = 4;
        let letter_at = |at: Value, width: u8| -> Option<u8> {
            let mut there = self.letters.iter().filter(|(of, _, size)| *of == at && *size == width);
            there.next().filter(|_| there.next().is_none()).map(|(_, letter, _)| *letter)
        };
        let mut words = Vec::new();
        for (start, _, width) in &self.letters {
            let mut word = String::new();
            let mut at = *start;
            while let Some(letter) = letter_at(at, *width).filter(|_| word.len() <= MAX_WORD) {
                match letter {
                    0 if !word.is_empty() => {
                        words.push((*start, Text::lit(word)));
                        break;
                    }
                    0x21..=0x7e => word.push(char::from(letter)),
                    _ => break,
                }
                at = at.plus(i64::from(*width), self.is_64());
            }
        }
        words
    }

    /// What a function of the image compares of its parameters.
    pub(super) fn hand_on_comparisons(&mut self, report: Option<&Report>) {
        for (slot, text) in report.map(|report| report.compared.as_slice()).unwrap_or_default() {
            let other = text.as_hole().and_then(Slot::of_whole).filter(Slot::is_plain);
            if let Some(other) = other.filter(|_| slot.is_plain()) {
                let (one, other) = (self.argument(slot.param), self.argument(other.param));
                self.note_comparison(one, other, false);
            }
        }
    }

    /// What callers have to know of the comparisons.
    pub(super) fn close_comparisons(&mut self) {
        for (value, other, wide) in std::mem::take(&mut self.comparisons) {
            let slots: Vec<Slot> = self.symbols.alternatives(value).into_iter().filter_map(|v| self.slot(v)).collect();
            let texts = self.texts(other, wide).0;
            for slot in slots {
                let said = texts.iter().filter(|text| !text.is_empty() && !text.is_unknown());
                self.report.compared.extend(said.map(|text| (slot, text.clone())));
            }
        }
        for (start, word) in self.words() {
            self.report.compared.extend(self.slot(start).map(|slot| (slot, word)));
        }
        if !self.report.compared.is_empty() {
            let compared: Rc<[(Slot, Text)]> = self.report.compared.as_slice().into();
            for event in &mut self.report.events {
                event.compared = Some(compared.clone());
            }
            for call in &mut self.report.calls {
                call.compared = Some(compared.clone());
            }
        }
    }

    /// The argument without the words that its place is compared with in this function.
    pub(super) fn without_compared(&self, value: Value, arg: Arg) -> Arg {
        let with: Vec<Text> = self
            .comparisons
            .iter()
            .filter(|(compared, ..)| *compared == value)
            .flat_map(|(_, other, wide)| self.texts(*other, *wide).0)
            .collect();
        without(arg, |text| with.contains(text))
    }
}

/// The argument without some of its texts; without any, nothing is known.
pub(crate) fn without(mut arg: Arg, compared: impl Fn(&Text) -> bool) -> Arg {
    if arg.texts.iter().any(&compared) {
        arg.texts.retain(|text| !compared(text));
        if arg.texts.is_empty() {
            arg.texts.push(Text::unknown());
        }
        arg.literal = None;
        arg.readings = None;
    }
    // Where nobody has said yet how it is read, the word may be among the texts of the other width.
    arg.readings = arg.readings.map(|readings| {
        Rc::new(readings.map(|known| {
            let texts: Vec<Text> = known.texts().iter().filter(|text| !compared(text)).cloned().collect();
            if texts.is_empty() && !known.texts().is_empty() { Known::unknown() } else { Known::any(texts, known.weak) }
        }))
    });
    arg
}
