//! Functions of the image that are given a format and a list of values: those of a runtime that is linked in, of which what
//! they put together is what the format says, and those that hand the list on to one that is known.

use super::super::super::code::models::has_conversion;
use super::super::super::code::report::Report;
use super::super::super::code::strings::literal;
use super::super::super::code::value::Value;
use super::super::machine::RSP;
use super::super::word::{Word, size_of};
use super::{Run, Way};
use crate::catalog::native::Model;
use iced_x86::{FlowControl, Instruction};
use std::rc::Rc;

/// Most instructions of a function that does no more than hand its arguments on.
const MAX_INSTRUCTIONS: usize = 64;

/// Bytes that a caller on x64 leaves for arguments in registers.
const ROOM: u64 = 0x20;

impl Run<'_, '_> {
    /// The arguments of a call are a buffer, a format, and a list of values on the stack. `Some(true)`: it is a list, and no
    /// structure of the program's own that looks like one.
    pub(super) fn takes_list(&mut self, way: &Way, function: u32) -> Option<bool> {
        /// Arguments among which the list is.
        const MAX_LIST: usize = 5;
        let size = size_of(self.ground.is_64);
        let machine = &way.machine;
        let arguments = self.arguments(machine, MAX_LIST);
        let is_frame = |word: &Word| matches!(self.ground.value(*word), Value::Stack(_));
        arguments.first().filter(|word| is_frame(word))?;
        let image = &self.program.image;
        let data = |word: &Word| {
            let rva = word.low(size).and_then(|va| image.rva_of(va))?;
            image.section_of(rva).filter(|section| !section.is_code()).map(|_| rva)
        };
        let is_format = |word: &Word| {
            let texts = [false, true].map(|wide| data(word).and_then(|rva| literal(image, rva, wide)));
            texts.into_iter().flatten().any(|text| has_conversion(&text))
        };
        let at = arguments.iter().skip(1).position(is_format)? + 1;
        // What lies behind the arguments of x86 may be left from the call before.
        let is_read = |report: Rc<Report>| usize::from(report.parameters) > at + 1;
        if !self.ground.is_64 && !self.program.report(function, 0).is_none_or(is_read) {
            return None;
        }
        // A structure is looked at, a list is handed on.
        if self.program.reported(function).is_some_and(|report| report.looks >> (at + 1) & 1 == 1) {
            return None;
        }
        let list = *arguments.get(at + 1).filter(|word| is_frame(word))?;
        let place = self.ground.address(list)?;
        let is_value = |word: Word| match self.ground.value(word) {
            Value::Const(number) => number < 0x1_0000 || data(&word).is_some(),
            Value::Stack(_) | Value::Sym(..) => true,
            Value::Unknown => false,
        };
        machine.memory.written_word(place, size).filter(|word| is_value(*word))?;
        // The values stand where the compiler puts arguments: behind the format, and on x64 in the room that every caller
        // leaves for those in registers (x64 calling convention, "Varargs").
        let before = machine.memory.written_word(place.wrapping_sub(size as u64), size);
        let rooms = way.frames.iter().filter_map(|frame| frame.registers[RSP].low(size));
        let in_room = self.ground.is_64 && rooms.into_iter().any(|room| (room..room + ROOM).contains(&place));
        Some(in_room || before.is_some() && before == arguments.get(at).copied())
    }

    /// The function calls one that is known, which takes the list: what becomes of a text that does not fit is said there.
    pub(super) fn hands_list_on(&self, function: u32) -> bool {
        let program = self.program;
        let body = program.body(function);
        let model = |instruction: &Instruction| {
            let import = program.import_called(&[], instruction).filter(|_| leaves(instruction))?;
            program.apis.get(import).copied().flatten()?.row.model
        };
        let is_list = |model| matches!(model, Model::FormatList | Model::FormatCommon);
        body.instructions.len() <= MAX_INSTRUCTIONS && body.instructions.iter().filter_map(model).any(is_list)
    }
}

/// It calls something, or jumps there.
fn leaves(instruction: &Instruction) -> bool {
    use FlowControl::{Call, IndirectBranch, IndirectCall, UnconditionalBranch};
    matches!(instruction.flow_control(), Call | UnconditionalBranch | IndirectCall | IndirectBranch)
}
