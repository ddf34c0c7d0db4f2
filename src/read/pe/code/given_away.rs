//! Memory whose address is given to a call: what is left of what was known of it.
//!
//! A function that may write through a pointer leaves nothing known of the text behind it. Which parameters a function
//! of the image writes through is part of its report; of functions of Windows and of the runtime the catalogue says it,
//! and of anything else nothing is known.

use super::super::program::MAX_DEPTH;
use super::analysis::Engine;
use super::known::Known;
use super::report::Arg;
use super::state::{Buffer, PARAM_EAX, PARAM_ECX, PARAM_EDX};
use super::value::{Kind, Value};

/// Arguments of a library's function that may be variables it fills.
pub(super) const MAX_OUTPUTS: u8 = 12;
/// The same, where all before are.
const MAX_MORE_OUTPUTS: u8 = 32;
/// Words of an object that a function is believed to fill: a string or a result of several values.
const FILLED_WORDS: i64 = 3;
/// Longest function, in bytes, that is asked which of its parameters it writes through.
const MAX_ASKED: u32 = 0x400;

/// Parameters that a function writes through, by bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    any: u64,
    /// Those at a place that is computed: what the summary says of them is not all.
    computed: u64,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// A text, or a character that is known.
    Text,
    /// A number or a pointer that is too wide to be a character.
    Field,
    /// Something that is not known.
    Something,
}

impl Written {
    /// Nothing is known of it.
    pub(super) const ALL: Written = Written { any: u64::MAX, computed: u64::MAX };
    /// Through a pointer that may be any of them.
    const SOMEWHERE: u32 = 63;

    fn bit(parameter: u8) -> u64 {
        1 << u32::from(parameter).min(Self::SOMEWHERE)
    }

    fn has(self, parameter: u8) -> bool {
        self.any & (Self::bit(parameter) | 1 << Self::SOMEWHERE) != 0
    }
}

impl Engine<'_, '_> {
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
            None if address == Value::Unknown => self.report.written.any |= 1 << Written::SOMEWHERE,
            _ => {}
        }
    }

    /// Which of its parameters a function of the image writes through.
    fn written_by(&self, target: u32) -> Written {
        let program = self.program;
        let length = program.functions.end_of(target).map_or(0, |end| end.saturating_sub(target));
        if self.depth >= MAX_DEPTH || length > MAX_ASKED || target == self.start {
            return Written::ALL;
        }
        program.report(target, self.depth + 1).map_or(Written::ALL, |report| report.written)
    }

    pub(super) fn may_write(&self, target: u32, parameter: u8) -> bool {
        self.written_by(target).has(parameter)
    }

    /// Arguments that a function of the image may have changed, beside what its summary says.
    pub(super) fn give_to(&mut self, target: u32, count: u8, summarised: Option<&[u8]>, site: u32) {
        // Functions that nothing outside calls may be given arguments in registers.
        let registers: &[u8] = if self.is_64() { &[] } else { &[PARAM_ECX, PARAM_EDX, PARAM_EAX] };
        let mut written = None;
        for n in (0..count).chain(registers.iter().copied()) {
            let pointer = self.argument(n);
            let known = self.holds_known_text(pointer);
            if !known && matches!(n, PARAM_EDX | PARAM_EAX) {
                continue;
            }
            let may_write = |engine: &Self, written: &mut Option<Written>| {
                written.get_or_insert_with(|| engine.written_by(target)).has(n)
            };
            // The summary says the rest, but not what lies behind a place that is computed.
            let untouched = match summarised {
                Some(said) => {
                    let written = self.written_by(target);
                    said.contains(&n) || written.computed & Written::bit(n) == 0 || !known && written == Written::ALL
                }
                None => known && !may_write(self, &mut written),
            };
            if untouched {
                continue;
            }
            match pointer {
                Value::Stack(_) => self.taint(pointer, Kind::Out(site, n)),
                Value::Const(_) if known => self.state.set_buffer(pointer, Buffer::of(Known::unknown())),
                Value::Sym(symbol, _) => {
                    let is_parameter = matches!(self.symbols.kind(symbol), Kind::Param(_));
                    if is_parameter && self.notes() && may_write(self, &mut written) {
                        self.note_written(pointer, Writing::Something);
                    }
                    if known {
                        self.lose(pointer);
                    }
                }
                _ => {}
            }
        }
    }

    /// A text lies there that is more than a guess, and no string object of a library.
    fn holds_known_text(&self, pointer: Value) -> bool {
        /// Fewest characters that are worth asking for.
        const MIN_TEXT: usize = 3;
        let buffer = match pointer {
            Value::Sym(symbol, _) => match self.symbols.kind(symbol) {
                Kind::End(buffer, ..)
                | Kind::LastSeparator(buffer, _)
                | Kind::Extension(buffer)
                | Kind::Inside(buffer) => buffer,
                _ => pointer,
            },
            _ => pointer,
        };
        match self.state.containing(buffer).and_then(|at| self.state.buffer(at)) {
            Some(buffer) => {
                !buffer.object && !buffer.known.weak && buffer.known.texts().iter().any(|t| !t.is_unknown())
            }
            None if matches!(buffer, Value::Stack(_)) => self.texts_of_numbers(buffer) >= MIN_TEXT,
            None => matches!(buffer, Value::Const(va) if self.is_variable(va) && self.text(buffer, false).is_some()),
        }
    }

    /// What a pointer leads to was changed by something unknown.
    fn lose(&mut self, pointer: Value) {
        self.note_written(pointer, Writing::Something);
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

    /// An import that is not catalogued: what its signature says it writes is written.
    pub(super) fn unknown_import(&mut self, outputs: Option<u32>, site: u32) {
        // A library's function may fill as many variables as it likes: parsers of arguments do.
        let Some(outputs) = outputs else {
            self.taint_arguments(MAX_OUTPUTS, site);
            return self.taint_more_arguments(MAX_OUTPUTS, site);
        };
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
        for n in 0..count {
            let pointer = self.argument(n);
            match pointer {
                Value::Stack(_) => self.taint(pointer, Kind::Out(site, n)),
                Value::Sym(..) => self.lose(pointer),
                _ => {}
            }
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
