//! What a call starts that calls back: a thread, a timer, a work item. On a way that is run at once, with what is handed
//! over for it: what it finds is what the way has put there by then.

use super::super::super::code::call::Target;
use super::super::super::image::Section;
use super::super::machine::RSP;
use super::super::memory::Memory;
use super::super::word::{Word, size_of};
use super::{Frame, MAX_FRAMES, Run, Way};
use crate::catalog::native::{Api, Caller, Model};
use std::rc::Rc;

/// `std::thread` of GCC's library is given the object that holds what is to run, as a pointer that owns it; the third of
/// its virtual functions, behind two destructors, runs it (libstdc++, `bits/std_thread.h`).
const START_THREAD: &str = "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE";
/// Place of that function in the table.
const RUN: u64 = 2;

/// A function, and which of its parameters is what.
struct Started {
    function: u32,
    /// A method of this object: ECX on x86.
    object: Option<Word>,
    parameter: Option<(usize, Word)>,
}

impl Run<'_, '_> {
    /// The place to go on at, where a call starts something of the image that has not been left out.
    pub(super) fn start(
        &mut self,
        way: &mut Way,
        target: &Target,
        (arguments, memory): (&[Word], Memory),
        (site, back): (u32, u64),
    ) -> Option<u64> {
        let (name, api) = self.known_as(target);
        let started = self.started_by(&memory, name, api, arguments)?;
        let function = started.function;
        let within = way.frames.iter().filter(|frame| frame.function == function).count();
        if way.frames.len() >= MAX_FRAMES || within > 0 || self.skipped.contains(&function) {
            return None;
        }
        // What is handed over may have changed when it is looked at later: here it is looked at now.
        way.machine.memory = memory;
        let before = Rc::new(way.machine.clone());
        let registers = way.machine.registers;
        let is_64 = self.ground.is_64;
        match (started.object, is_64) {
            (Some(object), _) => way.machine.registers[1] = object,
            (None, true) => {
                if let Some((n, word)) = started.parameter {
                    way.machine.registers[*[1, 2, 8, 9].get(n)?] = word;
                }
                // Room that a caller leaves for parameters in registers.
                way.machine.registers[RSP] = way.machine.registers[RSP].plus(-0x28, true);
            }
            (None, false) => {
                let (last, word) = started.parameter.unwrap_or((0, Word::UNKNOWN));
                (0..=last).rev().for_each(|n| {
                    way.machine.push(&mut self.ground, if n == last { word } else { Word::UNKNOWN });
                });
            }
        }
        way.machine.push(&mut self.ground, Word::number(back));
        way.frames.push(Frame {
            function,
            site,
            back,
            registers,
            since: way.steps,
            number: self.steps + 1,
            before: Some(before),
            expected: None,
            resumes: true,
            chose: way.chose,
            aside: way.aside,
        });
        Some(self.program.image.base.wrapping_add(u64::from(function)))
    }

    fn started_by(&mut self, memory: &Memory, name: &str, api: Option<Api>, arguments: &[Word]) -> Option<Started> {
        let size = size_of(self.ground.is_64);
        if name == START_THREAD {
            let owner = self.ground.address(*arguments.get(if self.ground.is_64 { 1 } else { 0 })?)?;
            let at = |at: u64| memory.load(self.ground.image, at, size)?.low(size);
            let object = at(owner)?;
            let function = self.function(at(at(object)?.wrapping_add(RUN * size as u64))?)?;
            return Some(Started { function, object: Some(Word::number(object)), parameter: None });
        }
        let row = api?.row;
        let (Some(Model::Callback), Some(Caller::Same), [function, rest @ ..]) = (row.model, row.caller, &*row.args)
        else {
            return None;
        };
        let function = self.function(arguments.get(usize::from(*function))?.low(size)?)?;
        let parameter = match rest {
            [given, parameter] => Some((usize::from(*parameter), *arguments.get(usize::from(*given))?)),
            _ => None,
        };
        Some(Started { function, object: None, parameter })
    }

    /// The function of the image at an address.
    fn function(&self, va: u64) -> Option<u32> {
        let image = &self.program.image;
        let rva = image.rva_of(va)?;
        image.section_of(rva).is_some_and(Section::is_code).then_some(rva)
    }
}
