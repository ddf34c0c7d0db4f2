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

    /// A text is compared with a word by a function of the image.
    fn note_word(&mut self, one: Value, word: &Text) {
        if self.words.len() < MAX_COMPARISONS && one != Value::Unknown && self.notes() {
            self.words.push((one, word.clone()));
        }
    }

    /// A character of one text is compared with that of another, as an inlined comparison does.
    pub(super) fn note_characters(&mut self, instruction: &Instruction) {
        if !matches!(instruction.op1_kind(), OpKind::Register | OpKind::Memory) {
            return self.note_letter(instruction);
        }
        if instruction.memory_size().size() > 2 {
            return;
        }
        let register = if instruction.op0_kind() == OpKind::Register { 0 } else { 1 };
        let Value::Sym(symbol, 0) = self.operand(instruction, register) else { return };
        let (Kind::Load(one), other) = (self.symbols.kind(symbol), self.address(instruction)) else { return };
        let wide = instruction.memory_size().size() == 2;
        if matches!(other, Value::Const(_)) {
            self.note_comparison(one, other, wide);
        }
    }

    /// What a function of the image compares of its parameters.
    pub(super) fn hand_on_comparisons(&mut self, report: Option<&Report>) {
        for (slot, text) in report.map(|report| report.compared.as_slice()).unwrap_or_default() {
            let other = text.as_hole().and_then(Slot::of_whole).filter(Slot::is_plain);
            if let Some(other) = other.filter(|_| slot.is_plain()) {
                let (one, other) = (self.argument(slot.param), self.argument(other.param));
                self.note_comparison(one, other, false);
            } else if text.as_lit().is_some() && slot.is_plain() {
                let one = self.argument(slot.param);
                self.note_word(one, text);
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
        let program = self.program;
        let letters =
            std::mem::take(&mut self.letters).words(&program.body(self.start), program.image.base, self.is_64());
        for (start, word) in letters.into_iter().chain(std::mem::take(&mut self.words)) {
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
        let is_word = |text: &Text| self.words.iter().any(|(compared, word)| *compared == value && word == text);
        without(arg, |text| with.contains(text) || is_word(text))
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
