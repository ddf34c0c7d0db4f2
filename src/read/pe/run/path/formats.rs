//! Functions of the image that are taken to format: they are given a buffer, a format and a list of values, as those of a
//! runtime are that is linked in. So is one that is given a structure of the program's own, which looks like a list: what
//! such a function is taken to do is a guess until a run has followed it once and found the same.

use super::super::super::code::call::Target;
use super::super::super::code::models::has_conversion;
use super::super::super::code::strings::literal;
use super::super::super::code::value::Value;
use super::super::machine::Machine;
use super::super::texts::{self, looks_wide};
use super::super::word::{Word, size_of};
use super::{Run, Way};
use crate::facts::Text;
use iced_x86::Instruction;

/// What a function is expected to leave in its buffer.
#[derive(Clone)]
pub(super) struct Expected {
    at: u64,
    wide: bool,
    text: Text,
}

impl Run<'_, '_> {
    /// A function is called that seems to format: it has done what its format says, if what is known of it is enough. `false`:
    /// it is to be followed, and is then expected to leave this.
    pub(super) fn formats(
        &mut self,
        way: &mut Way,
        (function, site): (u32, u32),
        next: u64,
    ) -> Result<(), Option<Expected>> {
        if !self.takes_list(&way.machine, function) {
            return Err(None);
        }
        let after = self.after(next);
        let known = self.formatters.get(&function).copied();
        if !self.follows_formats || known == Some(true) {
            way.doubted |= known != Some(true);
            self.formatted = true;
            let _ = self.call_known(way, &Target::Internal(function), site, after.as_ref());
            return Ok(());
        }
        Err(self.expected(way, function, site, after.as_ref()).filter(|_| known.is_none()))
    }

    /// What the function would leave if it formats. The way is not changed, and no other begins.
    fn expected(&mut self, way: &Way, function: u32, site: u32, after: Option<&Instruction>) -> Option<Expected> {
        let to = self.arguments(&way.machine, 1).first().copied()?;
        let at = self.ground.address(to)?;
        let (ways, started, found) = (self.ways.len(), self.started, self.found.len());
        let mut copy = way.clone();
        let _ = self.call_known(&mut copy, &Target::Internal(function), site, after);
        self.ways.truncate(ways);
        self.found.truncate(found);
        self.started = started;
        let wide = looks_wide(&copy.machine.memory, self.ground.image, at, false);
        let read = texts::read(&self.marks, &copy.machine.memory, self.ground.image, at, wide, None)?;
        read.whole.then_some(Expected { at, wide, text: read.text })
    }

    /// A function that was followed returns: it formats if it has left what was expected.
    pub(super) fn compare(&mut self, machine: &Machine, function: u32, expected: &Expected) {
        let Expected { at, wide, text } = expected;
        let read = texts::read(&self.marks, &machine.memory, self.ground.image, *at, *wide, None);
        let same = read.is_some_and(|read| read.whole && read.text == *text);
        self.formatters.insert(function, same);
    }

    /// The arguments of a call are a buffer, a format, and a list of values on the stack.
    fn takes_list(&mut self, machine: &Machine, function: u32) -> bool {
        /// Arguments among which the list is.
        const MAX_LIST: usize = 5;
        let size = size_of(self.ground.is_64);
        let arguments = self.arguments(machine, MAX_LIST);
        let is_frame = |word: &Word| matches!(self.ground.value(*word), Value::Stack(_));
        if !arguments.first().is_some_and(is_frame) {
            return false;
        }
        let image = &self.program.image;
        let data = |word: &Word| {
            let rva = word.low(size).and_then(|va| image.rva_of(va))?;
            image.section_of(rva).filter(|section| !section.is_code()).map(|_| rva)
        };
        let is_format = |word: &Word| {
            let texts = [false, true].map(|wide| data(word).and_then(|rva| literal(image, rva, wide)));
            texts.into_iter().flatten().any(|text| has_conversion(&text))
        };
        let Some(at) = arguments.iter().skip(1).position(is_format).map(|at| at + 1) else { return false };
        // A structure is looked at, a list is handed on.
        if self.program.reported(function).is_some_and(|report| report.looks >> (at + 1) & 1 == 1) {
            return false;
        }
        let Some(list) = arguments.get(at + 1).filter(|word| is_frame(word)) else { return false };
        let first = self.ground.address(*list).and_then(|at| machine.memory.written_word(at, size));
        first.is_some_and(|word| match self.ground.value(word) {
            Value::Const(number) => number < 0x1_0000 || data(&word).is_some(),
            Value::Stack(_) | Value::Sym(..) => true,
            Value::Unknown => false,
        })
    }
}
