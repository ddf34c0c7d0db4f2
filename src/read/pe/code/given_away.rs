//! Memory whose address is given to a call: what is left of what was known of it.
//!
//! A function that may write through a pointer leaves nothing known of the text behind it. Which parameters a function
//! of the image writes through is part of its report; of functions of Windows and of the runtime the catalogue says it,
//! and of anything else nothing is known.

use super::super::program::MAX_DEPTH;
use super::analysis::{Engine, Origin};
use super::known::Known;
use super::layout::LOCAL_WORDS;
use super::report::Arg;
use super::slot::Slot;
use super::state::{Buffer, PARAM_EAX, PARAM_ECX, PARAM_EDX};
use super::touched::Toucher;
use super::value::{Kind, Value};
use super::writes::{Given, Writing, Written};
use crate::catalog::native;

/// Arguments of a library's function that may be variables it fills.
pub(super) const MAX_OUTPUTS: u8 = 12;
/// The same, where all before are.
const MAX_MORE_OUTPUTS: u8 = 32;
/// Words of an object that a function is believed to fill: a string or a result of several values.
const FILLED_WORDS: i64 = 3;
/// Longest function, in bytes, that is asked which of its parameters it writes through.
const MAX_ASKED: u32 = 0x400;
/// Most parameters that one function hands on to others and that are kept apart.
const MAX_GIVEN: usize = 32;
/// Most functions that are asked about one argument.
const MAX_QUESTIONS: usize = 32;

/// Methods of strings of the C++ library, as GCC calls them.
const STRING: &str = "_ZNSt7__cxx1112basic_string";

impl Engine<'_, '_> {
    /// Whose a pointer is that was loaded from memory: it lies behind a parameter, or in a variable of the program.
    fn keeper(&self, pointer: Value) -> Option<u8> {
        let Value::Sym(symbol, _) = pointer else { return None };
        match self.symbols.kind(symbol) {
            Kind::Load(Value::Const(_)) => Some(Written::VARIABLE),
            Kind::Load(_) => self.slot(pointer).map(|slot| Written::keeper(&slot)),
            Kind::End(at, ..) | Kind::LastSeparator(at, _) | Kind::Extension(at, _) => self.keeper(at),
            _ => None,
        }
    }

    /// Something is written at an address: whose parameter that may be is part of the report. What is learnt on the way to the
    /// fixpoint holds as well: a value only ever becomes one of more.
    pub(super) fn note_written(&mut self, address: Value, how: Writing) {
        if matches!(address, Value::Stack(_) | Value::Const(_)) {
            return;
        }
        match self.symbols.root(address) {
            Some(Value::Sym(symbol, _)) => {
                if let Kind::Param(n) = self.symbols.kind(symbol) {
                    let place = match address {
                        Value::Sym(at, offset) if at == symbol => Some(offset),
                        _ => None,
                    };
                    // A field of an object is no part of a text in it.
                    let is_field = how == Writing::Field && place.is_some_and(|offset| offset != 0);
                    self.report.written.any |= if is_field { 0 } else { Written::bit(n) };
                    let said = place.is_some() && how != Writing::Something;
                    self.report.written.computed |= if said { 0 } else { Written::bit(n) };
                }
            }
            // One of several.
            None if matches!(self.symbols.kind_of(address), Some(Kind::Choice(_))) => {
                for alternative in self.symbols.alternatives(address) {
                    self.note_written(alternative, how);
                }
            }
            None if self.keeper(address).is_some() => {
                let keeper = self.keeper(address).map_or(0, Written::bit);
                self.report.written.any |= keeper;
                self.report.written.computed |= if how == Writing::Something { keeper } else { 0 };
            }
            None if address == Value::Unknown => {
                self.report.written.any |= 1 << Written::SOMEWHERE;
                self.report.written.computed |= 1 << Written::SOMEWHERE;
            }
            _ => {}
        }
    }

    /// What a function of the image writes through a parameter: anything, and what its summary does not say.
    pub(super) fn asked(&self, target: u32, parameter: u8) -> Written {
        let given = Given { parameter, offset: 0, target, argument: parameter, summarised: false };
        self.asked_along(given, self.depth, &mut Vec::new())
    }

    /// The same, not going again where it was asked on the way.
    fn asked_along(&self, given: Given, depth: u8, asked: &mut Vec<(u32, u8, bool)>) -> Written {
        let Given { target, argument, summarised, .. } = given;
        let program = self.program;
        if asked.contains(&(target, argument, summarised)) {
            return Written::default();
        }
        let length = program.functions.end_of(target).map_or(0, |end| end.saturating_sub(target));
        if depth >= MAX_DEPTH || length > MAX_ASKED || target == self.start || asked.len() >= MAX_QUESTIONS {
            return Written::ALL;
        }
        asked.push((target, argument, summarised));
        let Some(report) = program.report(target, depth + 1) else { return Written::ALL };
        // Where it hands the parameter on, the next one is asked, and only now that somebody wants to know.
        for next in report.given.iter().flat_map(|next| next.along(argument)) {
            let written = self.asked_along(next, depth + 1, asked);
            if if next.summarised { written.computed } else { written.any } != 0 {
                return Written::ALL.through(argument);
            }
        }
        report.written.through(argument)
    }

    pub(super) fn may_write(&self, target: u32, parameter: u8) -> bool {
        self.asked(target, parameter).any != 0
    }

    /// Arguments that a function of the image may have changed, beside what its summary says.
    pub(super) fn give_to(&mut self, target: u32, count: u8, summarised: Option<&[u8]>, site: u32) {
        // Functions that nothing outside calls may be given arguments in registers.
        let registers: &[u8] = if self.is_64() { &[] } else { &[PARAM_ECX, PARAM_EDX, PARAM_EAX] };
        let behind = self.program.reported(target).is_none_or(|report| report.written.is_behind(&report.given));
        for n in (0..count).chain(registers.iter().copied()) {
            let pointer = self.argument(n);
            let known = self.holds_known_text(pointer);
            let is_given = matches!(self.symbols.kind_of(pointer), Some(Kind::Param(_)));
            // What is left there of a computation is no argument, unless the function writes to it.
            let may_be_left = !known && !is_given && matches!(n, PARAM_EDX | PARAM_EAX);
            if may_be_left && !self.is_filled_through(target, n, count) {
                continue;
            }
            let untouched = match summarised {
                Some(said) if said.contains(&n) => true,
                // The summary says the rest, but not what lies behind a place that is computed.
                Some(_) if known => self.asked(target, n).computed == 0,
                Some(_) if !matches!(pointer, Value::Stack(_)) => true,
                Some(_) => {
                    let written = self.asked(target, n);
                    // A variable that holds a number may be given away to be filled.
                    let is_filled = self.holds_number(pointer) && self.fills_unsaid(target, n);
                    !is_filled && (written == Written::ALL || written.computed == 0)
                }
                None => (known || self.holds_opened(pointer)) && !self.may_write(target, n),
            };
            self.lose_fields(target, n, pointer);
            let kept = if behind && !known { self.kept_in(pointer) } else { Vec::new() };
            if !kept.is_empty() {
                let writes = |place: u8| {
                    let written = self.asked(target, place);
                    (if summarised.is_some() { written.computed } else { written.any }) != 0
                };
                let lost = if writes(Written::behind(n)) {
                    kept
                } else if writes(Written::first(n)) {
                    self.kept_first(pointer)
                } else {
                    Vec::new()
                };
                lost.into_iter().for_each(|text| self.lose_text(text));
            }
            let handed = matches!(pointer, Value::Sym(..)) && !known && !summarised.is_some_and(|s| s.contains(&n));
            if handed {
                self.hand_on(pointer, target, n, summarised.is_some());
                self.touch(pointer, Toucher::Function { target, argument: n, summarised: summarised.is_some() });
            }
            if untouched {
                continue;
            }
            match pointer {
                Value::Stack(_) => self.taint(pointer, Kind::Out(site, n)),
                Value::Const(_) if known => self.state.set_buffer(pointer, Buffer::of(Known::unknown())),
                Value::Sym(..) if known => self.lose(pointer),
                _ => {}
            }
        }
    }

    /// A register holds the address of a place in the frame in which nothing was put yet, which no argument on the stack is, and
    /// the function is known to write there.
    fn is_filled_through(&mut self, target: u32, register: u8, count: u8) -> bool {
        let pointer = self.argument(register);
        if !matches!(pointer, Value::Stack(_)) || self.state.cell(pointer).is_some() {
            return false;
        }
        let is_pushed = (0..count).any(|n| self.argument(n) == pointer);
        let written = if is_pushed { Written::ALL } else { self.asked(target, register) };
        written.any != 0 && written != Written::ALL
    }

    /// Strings in an object that is given to a function, which hands them on to another one that writes there.
    fn lose_fields(&mut self, target: u32, parameter: u8, pointer: Value) {
        if !matches!(pointer, Value::Stack(_) | Value::Sym(..)) {
            return;
        }
        let Some(report) = self.program.reported(target) else { return };
        let said = |offset: i32| {
            let is_there = |slot: &Slot| *slot == Slot::of(parameter).plus(offset);
            report.summary.buffers.iter().any(|(slot, _)| is_there(slot))
        };
        let fields = report.given.iter().filter(|given| given.parameter == parameter && given.offset != 0);
        for given in fields.filter(|given| !said(given.offset)) {
            let object = pointer.plus(i64::from(given.offset), self.is_64());
            let word = if self.is_64() { 8 } else { 4 };
            let Some(held) = self.state.cell(object).map(|cell| cell.value) else { continue };
            // Its characters are in itself, or were given by the library.
            if held != object.plus(LOCAL_WORDS * word, self.is_64()) && !self.is_given_characters(held) {
                continue;
            }
            let written = self.asked(given.target, given.argument);
            if if given.summarised { written.computed } else { written.any } != 0 {
                self.state.store(object, word as u8, Value::Unknown);
                self.state.store(object.plus(word, self.is_64()), word as u8, Value::Unknown);
            }
        }
    }

    /// A parameter of this function is given to another one.
    fn hand_on(&mut self, pointer: Value, target: u32, argument: u8, summarised: bool) {
        let Value::Sym(symbol, offset) = pointer else { return };
        let parameter = match self.symbols.kind(symbol) {
            Kind::Param(parameter) => parameter,
            _ => match self.keeper(pointer) {
                Some(keeper) => keeper,
                None => return,
            },
        };
        let given = Given { parameter, offset, target, argument, summarised };
        if !self.notes() || self.report.given.contains(&given) {
            return;
        }
        if self.report.given.len() >= MAX_GIVEN {
            return self.note_written(pointer, Writing::Something);
        }
        self.report.given.push(given);
    }

    /// A variable of the frame that holds a number, as one that is cleared before it is filled.
    fn holds_number(&self, pointer: Value) -> bool {
        matches!(pointer, Value::Stack(_)) && self.begins_with_number(pointer)
    }

    /// A number was stored where a pointer leads to.
    pub(super) fn begins_with_number(&self, pointer: Value) -> bool {
        self.state.cell(pointer).is_some_and(|cell| cell.value.number().is_some())
    }

    /// A variable of the frame, or an object that begins with one, that holds a handle or an object of COM.
    fn holds_opened(&self, pointer: Value) -> bool {
        let is_opened = |value: &Value| match value {
            Value::Sym(symbol, 0) => {
                matches!(self.origins.get(symbol), Some(Origin::Handle(_) | Origin::Object(_) | Origin::Function(..)))
            }
            _ => false,
        };
        // Where it could not be made there is nothing.
        let opened = |cell: super::state::Cell| self.symbols.alternatives(cell.value).iter().any(is_opened);
        matches!(pointer, Value::Stack(_)) && self.state.cell(pointer).is_some_and(opened)
    }

    /// A function with a summary writes through a parameter, and its summary says nothing of it.
    fn fills_unsaid(&self, target: u32, parameter: u8) -> bool {
        let Some(report) = self.program.report(target, self.depth + 1) else { return false };
        report.written.through(parameter).any != 0
            && !report.summary.cells.iter().any(|(slot, _)| slot.param == parameter)
    }

    /// A text lies there that is more than a guess, and no string object of a library.
    pub(super) fn holds_known_text(&self, pointer: Value) -> bool {
        /// Fewest characters that are worth asking for.
        const MIN_TEXT: usize = 3;
        let buffer = match pointer {
            Value::Sym(symbol, _) => match self.symbols.kind(symbol) {
                Kind::End(buffer, ..)
                | Kind::LastSeparator(buffer, _)
                | Kind::Extension(buffer, _)
                | Kind::Inside(buffer) => buffer,
                _ => pointer,
            },
            _ => pointer,
        };
        // A text of numbers may stand behind a buffer of which nothing is said how long it is.
        let numbers = || self.begins_with_number(buffer) && self.texts_of_numbers(buffer) >= MIN_TEXT;
        match self.state.containing(buffer).and_then(|at| self.state.buffer(at)) {
            Some(_) if self.state.buffer(buffer).is_none() && numbers() => true,
            Some(buffer) => {
                !buffer.object && !buffer.known.weak && buffer.known.texts().iter().any(|t| !t.is_unknown())
            }
            None if matches!(buffer, Value::Stack(_)) || self.begins_with_number(buffer) => {
                self.texts_of_numbers(buffer) >= MIN_TEXT
            }
            None => matches!(buffer, Value::Const(va) if self.is_variable(va) && self.text(buffer, false).is_some()),
        }
    }

    /// What a pointer leads to was changed by something unknown.
    pub(super) fn lose(&mut self, pointer: Value) {
        self.note_written(pointer, Writing::Something);
        self.touch(pointer, Toucher::Anybody);
        // Of a string what was known is still believed.
        if self.is_given_characters(pointer) {
            self.state.buffer_mut(pointer).into_iter().for_each(|buffer| buffer.known.weak = true);
            return;
        }
        match self.state.buffer(pointer) {
            Some(buffer) if !buffer.object && !buffer.known.weak => {
                return self.state.set_buffer(pointer, Buffer::of(Known::unknown()));
            }
            Some(_) => return,
            None => {}
        }
        match self.symbols.kind_of(pointer) {
            Some(Kind::Choice(_)) => {
                for alternative in self.symbols.alternatives(pointer) {
                    self.lose(alternative);
                }
            }
            _ => self.blur(pointer),
        }
    }

    /// An import that is not catalogued, and may be a method of C++.
    pub(super) fn unknown_method(&mut self, name: &str, outputs: Option<u32>, site: u32) {
        // A method of C++ changes its object, unless its name says that it does not.
        let changes = name.starts_with("_ZN") && !name.starts_with("_ZNK");
        if changes && !self.is_64() {
            self.taint_argument(PARAM_ECX, site);
        }
        if changes && name.starts_with(STRING) {
            let object = self.argument(if self.is_64() { 0 } else { PARAM_ECX });
            self.state.set_buffer(object, Buffer::of(Known::unknown()));
        }
        // A method without parameters has its object, which on x86 is in a register.
        let alone = name.starts_with("_ZN") && name.ends_with("Ev");
        let object = alone.then(|| u32::from(changes && self.is_64()));
        match (outputs.or(object), native::most_arguments(name, self.is_64())) {
            // What lies behind its arguments is given to nobody.
            (None, Some(most)) => self.taint_arguments(most, site),
            (outputs, _) => self.unknown_import(outputs, site),
        }
    }

    /// An import that is not catalogued: what its signature says it writes is written.
    pub(super) fn unknown_import(&mut self, outputs: Option<u32>, site: u32) {
        // A library's function may fill as many variables as it likes: parsers of arguments do.
        let Some(outputs) = outputs else {
            self.taint_arguments(MAX_OUTPUTS, site);
            return self.taint_more_arguments(MAX_OUTPUTS, site);
        };
        if self.state.holds_texts() {
            let within: Vec<Value> = (0..MAX_OUTPUTS).flat_map(|n| self.kept_in_structure_of(n)).collect();
            within.into_iter().for_each(|text| self.lose_text(text));
        }
        for n in (0..12u8).filter(|n| outputs & 1 << n != 0) {
            let pointer = self.argument(n);
            match pointer {
                Value::Sym(..) => self.lose(pointer),
                Value::Const(_) if self.holds_known_text(pointer) => {
                    self.state.set_buffer(pointer, Buffer::of(Known::unknown()));
                }
                _ => {
                    let written = self.symbols.of(Kind::Out(site, n));
                    self.state.taint(pointer, written);
                }
            }
        }
    }

    /// The same for what follows, as long as each argument is the address of a variable.
    fn taint_more_arguments(&mut self, from: u8, site: u32) {
        for n in from..MAX_MORE_OUTPUTS {
            let pointer = self.argument(n);
            if !matches!(pointer, Value::Stack(_)) {
                return;
            }
            self.taint(pointer, Kind::Out(site, n));
        }
    }

    pub(super) fn taint_arguments(&mut self, count: u8, site: u32) {
        (0..count).for_each(|n| self.taint_argument(n, site));
    }

    pub(super) fn taint_argument(&mut self, n: u8, site: u32) {
        let pointer = self.argument(n);
        match pointer {
            Value::Stack(_) => self.taint(pointer, Kind::Out(site, n)),
            // The characters of a string are handed out to be read.
            Value::Sym(..) if self.is_given_characters(pointer) => {}
            Value::Sym(..) => self.lose(pointer),
            Value::Const(_) => self.lose_variable_text(pointer),
            Value::Unknown => {}
        }
    }

    /// What a callee may have changed is not the number any more that decides the way.
    pub(super) fn taint_parameters(&mut self, site: u32) {
        for n in self.parameters() {
            let pointer = self.argument(n);
            // Of texts the call has said what they are now.
            if matches!(pointer, Value::Stack(_)) && self.state.containing(pointer).is_none() {
                self.taint(pointer, Kind::Out(site, n));
            }
        }
    }

    /// A variable is filled with something of which nothing is known.
    pub(super) fn lose_variable(&mut self, pointer: Value, kind: Kind) {
        self.taint(pointer, kind);
    }

    /// An object whose address was given away.
    fn taint(&mut self, pointer: Value, kind: Kind) {
        let written = self.symbols.of(kind);
        self.state.taint(pointer, written);
        let word = if self.is_64() { 8 } else { 4 };
        self.state.forget_zeros(pointer, FILLED_WORDS * word);
    }

    /// Memory in which nothing was put yet.
    pub(super) fn is_bare(&self, pointer: Value, arg: &Arg) -> bool {
        arg.texts.is_empty()
            && self.state.cell(pointer).is_none()
            && self.state.containing(pointer).is_none()
            && match pointer {
                Value::Stack(_) => true,
                Value::Sym(symbol, 0) => matches!(self.symbols.kind(symbol), Kind::Result(_)),
                Value::Const(va) => self.is_variable(va),
                _ => false,
            }
    }
}
