//! Global variables: what the functions that refer to one store there.
//!
//! A variable holds what any function stored, so what several store are alternatives; the order of calls is not
//! followed. Only what is asked for is looked up.

use super::code::filled::has_parameters;
use super::code::known::Known;
use super::code::report::{Arg, Object};
use super::code::width::literal_by_looks;
use super::image::{Image, u32_at, u64_at};
use super::imports::Linkage;
use super::initial::Entered;
use super::program::{MAX_DEPTH, Program};
use super::scan::pointing;
use super::{Map, Set};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::ops::Range;

/// Most references to variables that are kept.
const MAX_REFERENCES: usize = 1 << 22;
/// Most functions that are looked into for one variable.
const MAX_WRITERS: usize = 6;
/// Most callers of a function that stores a parameter.
const MAX_CALLERS: usize = 6;
/// Most functions that use one variable.
const MAX_READERS: usize = 64;
/// Longest function, in bytes, that is looked into although it mentions no path and calls nothing that is known.
const MAX_PLAIN: u32 = 512;
/// Longest function, in bytes, that is looked into.
const MAX_LENGTH: u32 = 0x4000;
/// Most variables of one image that are looked up.
const MAX_VARIABLES: usize = 3_000;
/// Bytes of the longest immediate.
const MAX_IMMEDIATE: u32 = 4;
/// Furthest that fields of a global object lie from its start.
const MAX_OBJECT: u64 = 0x800;

/// A reference of the code to a variable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Reference {
    /// Address of the variable.
    variable: u32,
    /// Address in the code.
    code: u32,
    /// It only loads what the variable holds.
    loads: bool,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Globals {
    references: OnceCell<Vec<Reference>>,
    known: RefCell<Map<u64, Option<Arg>>>,
    strings: RefCell<Map<u64, Option<Known>>>,
    objects: RefCell<Map<u64, Object>>,
    asked: Cell<usize>,
    /// Words that were looked for what stores to them, and whether nothing does.
    pub(super) unchanged: RefCell<Map<u64, bool>>,
    pub(super) entered: Entered,
}

impl Program<'_> {
    /// What a variable holds, as far as the functions that store to it say.
    pub(crate) fn global(&self, va: u64, depth: u8) -> Option<Arg> {
        if let Some(known) = self.globals.known.borrow().get(&va) {
            return known.clone();
        }
        let (mut found, whole) = self.stored(va, depth);
        found.extend(self.initial(va).filter(|initial| !initial.weak || !self.is_never_seen(va, depth)));
        let arg = found.into_iter().filter(|arg| !arg.is_null()).reduce(either);
        if whole {
            self.globals.known.borrow_mut().insert(va, arg.clone());
        }
        arg
    }

    /// What a variable points to when the program starts, if that is a string. Where functions may store something else
    /// that is not seen, it is only likely to be that.
    pub(crate) fn initial(&self, va: u64) -> Option<Arg> {
        let rva = self.image.rva_of(va)?;
        self.image.section_of(rva).filter(|s| s.is_writable() && !s.is_code())?;
        let bytes = self.image.at(rva)?;
        let pointer = if self.image.is_64() { u64_at(bytes, 0)? } else { u64::from(u32_at(bytes, 0)?) };
        let at = self.image.rva_of(pointer).filter(|at| *at > 0)?;
        // What is changed later is no name.
        self.image.section_of(at).filter(|s| !s.is_writable() && !s.is_code())?;
        let weak = self.references_to(va).any(|reference| !reference.loads) && !self.is_never_stored(va);
        Some(literal_by_looks(&self.image, at)?.guessed(weak))
    }

    /// Address of the function of the image that a variable points to, if nothing ever stores another one there.
    pub(crate) fn initial_function(&self, va: u64) -> Option<u64> {
        let rva = self.image.rva_of(va)?;
        self.image.section_of(rva).filter(|section| section.is_writable() && !section.is_code())?;
        let bytes = self.image.at(rva)?;
        let pointer = if self.image.is_64() { u64_at(bytes, 0)? } else { u64::from(u32_at(bytes, 0)?) };
        let at = self.image.rva_of(pointer)?;
        let is_function = self.functions.is_start(at) || self.references.thunks.contains_key(&at);
        (is_function && self.references_to(va).all(|reference| reference.loads)).then_some(pointer)
    }

    /// What a variable holds when the program starts is replaced before anybody reads it.
    fn is_never_seen(&self, va: u64, depth: u8) -> bool {
        let stores = |function: &u32| {
            let stored = self.report(*function, depth + 1);
            stored.is_some_and(|report| report.summary.globals.iter().any(|(at, arg)| *at == va && !arg.partial))
        };
        let writers: BTreeSet<u32> = self.writers(va, depth).unwrap_or_default().into_iter().filter(stores).collect();
        let others = self.references_to(va).filter_map(|reference| self.functions.function_of(reference.code));
        let readers = others.filter(|function| !writers.contains(function)).take(MAX_READERS).collect();
        self.is_replaced(&writers, &readers)
    }

    /// Everything that is stored to a variable; `false`: not all functions could be looked into now.
    fn stored(&self, va: u64, depth: u8) -> (Vec<Arg>, bool) {
        let mut found = Vec::new();
        let mut whole = true;
        let mut open: Set<u32> = Set::default();
        let Some(writers) = self.writers(va, depth) else { return (found, false) };
        let mut look = |function: u32, open: &mut Set<u32>| {
            let Some(report) = self.report(function, depth + 1) else {
                whole = false;
                return;
            };
            for (_, arg) in report.summary.globals.iter().filter(|(at, _)| *at == va) {
                if arg.has_parameters() {
                    open.insert(function);
                } else {
                    found.push(arg.clone());
                }
            }
        };
        for function in writers {
            look(function, &mut open);
        }
        if !open.is_empty() && depth + 2 < MAX_DEPTH {
            let callers: BTreeSet<u32> = self.callers(&open).into_values().flatten().collect();
            for function in callers.into_iter().take(MAX_CALLERS) {
                look(function, &mut Set::default());
            }
        }
        (found, whole)
    }

    /// The string that functions put together in a global buffer. Nothing but holes is no string.
    pub(crate) fn global_string(&self, va: u64, depth: u8) -> Option<Known> {
        self.written_string(va, depth).filter(|known| !known.texts().iter().all(|t| t.is_unknown()))
    }

    /// What functions put into a global buffer that holds a text when the program starts. What is longer than that text
    /// by much is a buffer.
    pub(crate) fn overwritten(&self, rva: u32, va: u64, depth: u8) -> Option<Known> {
        /// Fewest zeros behind the text of a buffer.
        const MIN_ROOM: usize = 16;
        self.image.section_of(rva).filter(|s| s.is_writable() && !s.is_code())?;
        let bytes = self.image.at(rva)?;
        let end = bytes.windows(2).position(|pair| pair == [0, 0])?;
        let room = bytes.get(end..end + MIN_ROOM)?;
        if room.iter().any(|b| *b != 0) {
            return None;
        }
        self.written_string(va, depth)
    }

    fn written_string(&self, va: u64, depth: u8) -> Option<Known> {
        if let Some(known) = self.globals.strings.borrow().get(&va) {
            return known.clone();
        }
        let writers = self.writers(va, depth)?;
        let mut whole = true;
        let mut found: Option<Known> = None;
        // What a parameter of the function that writes is, only its callers say.
        let mut open: Set<u32> = Set::default();
        let mut look = |function: u32, open: &mut Set<u32>| {
            let Some(report) = self.report(function, depth + 1) else {
                whole = false;
                return;
            };
            for (_, known, _) in report.summary.strings.iter().filter(|(at, ..)| *at == va) {
                if known.texts().iter().any(has_parameters) {
                    open.insert(function);
                    continue;
                }
                found = Some(found.take().map_or(known.clone(), |all| all.or(known)));
            }
        };
        for function in writers {
            look(function, &mut open);
        }
        if !open.is_empty() {
            let callers: BTreeSet<u32> = self.callers(&open).into_values().flatten().collect();
            let deep = depth + 2 >= MAX_DEPTH || callers.is_empty() || callers.len() > MAX_CALLERS;
            let mut further: Set<u32> = Set::default();
            for function in callers.into_iter().take(if deep { 0 } else { MAX_CALLERS }) {
                look(function, &mut further);
            }
            if deep || !further.is_empty() || found.is_none() {
                found = Some(found.map_or_else(Known::unknown, |all| all.or(&Known::unknown())));
            }
        }
        if whole {
            self.globals.strings.borrow_mut().insert(va, found.clone());
        }
        found
    }

    /// The fields of a global object: its constructor is called by a function that takes its address.
    pub(crate) fn global_object(&self, va: u64, depth: u8) -> Object {
        if let Some(known) = self.globals.objects.borrow().get(&va) {
            return known.clone();
        }
        let mut object = Object::default();
        let mut whole = true;
        let offset = |at: u64| at.checked_sub(va).filter(|o| *o < MAX_OBJECT).and_then(|o| i32::try_from(o).ok());
        for function in self.writers(va, depth).unwrap_or_default() {
            let Some(report) = self.report(function, depth + 1) else {
                whole = false;
                continue;
            };
            for (at, arg) in &report.summary.globals {
                let Some(at) = offset(*at) else { continue };
                match object.fields.iter_mut().find(|(known, _)| *known == at) {
                    Some((_, all)) => *all = either(all.clone(), arg.clone()),
                    None => object.fields.push((at, arg.clone())),
                }
            }
            for (at, known, _) in &report.summary.strings {
                let Some(at) = offset(*at).filter(|_| !known.texts().iter().any(has_parameters)) else { continue };
                match object.strings.iter_mut().find(|(known, _)| *known == at) {
                    Some((_, all)) => *all = all.or(known),
                    None => object.strings.push((at, known.clone())),
                }
            }
        }
        if whole {
            self.globals.objects.borrow_mut().insert(va, object.clone());
        }
        object
    }

    /// Functions that store to a variable or take its address. `None`: it is too deep to look, or too much was.
    fn writers(&self, va: u64, depth: u8) -> Option<BTreeSet<u32>> {
        if depth + 1 >= MAX_DEPTH || self.globals.asked.get() >= MAX_VARIABLES || self.is_out_of_budget() {
            return None;
        }
        self.globals.asked.set(self.globals.asked.get() + 1);
        let functions: BTreeSet<u32> = self
            .references_to(va)
            .filter(|reference| !reference.loads)
            .filter_map(|reference| self.functions.function_of(reference.code))
            .filter(|function| self.is_worth_looking(*function))
            .take(MAX_WRITERS * 4)
            .collect();
        Some(functions.into_iter().take(MAX_WRITERS).collect())
    }

    /// The word of a variable is zero when the program starts.
    pub(crate) fn is_zero(&self, va: u64) -> bool {
        let Some(rva) = self.image.rva_of(va).filter(|rva| self.image.section_of(*rva).is_some()) else { return false };
        // What is not in the file is cleared.
        let bytes = self.image.at(rva).unwrap_or_default();
        bytes.iter().take(self.image.pointer_size() as usize).all(|byte| *byte == 0)
    }

    /// No other function stores to a variable or takes its address.
    pub(crate) fn is_only_written_by(&self, va: u64, function: u32) -> bool {
        let writes = self.references_to(va).filter(|reference| !reference.loads);
        writes.map(|reference| self.functions.function_of(reference.code)).all(|writer| writer == Some(function))
    }

    /// Functions that load what a variable holds.
    pub(crate) fn readers(&self, va: u64) -> BTreeSet<u32> {
        let loads = self.references_to(va).filter(|reference| reference.loads);
        loads.filter_map(|reference| self.functions.function_of(reference.code)).take(MAX_READERS).collect()
    }

    /// Places in the code that do more than load a variable between two addresses.
    pub(super) fn changing_references(&self, range: Range<u32>) -> impl Iterator<Item = u32> {
        let references = self.globals.references.get_or_init(|| scan(&self.image, &self.linkage));
        let from = references.partition_point(|reference| reference.variable < range.start);
        let within = references.iter().skip(from).take_while(move |reference| reference.variable < range.end);
        within.filter(|reference| !reference.loads).map(|reference| reference.code)
    }

    fn references_to(&self, va: u64) -> impl Iterator<Item = &Reference> {
        let references = self.globals.references.get_or_init(|| scan(&self.image, &self.linkage));
        let rva = self.image.rva_of(va).unwrap_or_default();
        let from = references.partition_point(|reference| reference.variable < rva);
        references.iter().skip(from).take_while(move |reference| reference.variable == rva)
    }

    fn is_worth_looking(&self, function: u32) -> bool {
        let length = self.functions.end_of(function).map_or(0, |end| end.saturating_sub(function));
        length <= MAX_PLAIN || length <= MAX_LENGTH && self.is_interesting(function)
    }
}

/// One of two values.
fn either(a: Arg, b: Arg) -> Arg {
    let known = Known::any(a.texts.iter().chain(&b.texts).cloned(), a.weak || b.weak);
    let texts = if a.texts.is_empty() && b.texts.is_empty() { Vec::new() } else { known.texts().to_vec() };
    Arg {
        texts,
        weak: known.weak,
        readings: Arg::either_reading(&a, &b),
        handle: match (a.handle, b.handle) {
            (Some(a), Some(b)) => Some(a.or(b)),
            (a, b) => a.or(b),
        },
        function: a.function.or(b.function),
        arguments: a.arguments.or(b.arguments),
        object: a.object.or(b.object),
        com: if a.com.is_some() && b.com.is_some() && a.com != b.com { None } else { a.com.or(b.com) },
        ..Arg::default()
    }
}

/// References of the code to memory that is written, sorted.
fn scan(image: &Image<'_>, linkage: &Linkage<'_>) -> Vec<Reference> {
    let Range { start: low, end: high } = image.span(|section| !section.is_code() && section.is_writable());
    let mut references = Vec::new();
    for section in image.sections.iter().filter(|s| s.is_code()) {
        let code = image.section_bytes(section);
        for (i, mut rva) in pointing(image, section, low.wrapping_sub(MAX_IMMEDIATE)..high) {
            // An immediate behind the displacement moves the end of the instruction.
            if image.is_64() {
                rva = rva.wrapping_add(immediate(code, i));
            }
            if rva.wrapping_sub(low) < high.wrapping_sub(low)
                && references.len() < MAX_REFERENCES
                && !linkage.slots.contains_key(&rva)
            {
                let at = section.rva.wrapping_add(i as u32);
                references.push(Reference { variable: rva, code: at, loads: is_load(image, code, i) });
            }
        }
    }
    references.sort_unstable_by_key(|r| u64::from(r.variable) << 32 | u64::from(r.code));
    references
}

/// Bytes of the immediate behind a displacement at `i`: of `mov [rip+d], imm` (C7 and C6).
fn immediate(code: &[u8], i: usize) -> u32 {
    match i.checked_sub(2).and_then(|at| code.get(at..i)) {
        Some([0xc7, 0x05]) => 4,
        Some([0xc6, 0x05]) => 1,
        _ => 0,
    }
}

/// The displacement at `i` is that of a plain load, a comparison, or a call or jump to what the variable holds.
fn is_load(image: &Image<'_>, code: &[u8], i: usize) -> bool {
    let before = |n: usize| i.checked_sub(n).and_then(|at| code.get(at)).copied().unwrap_or_default();
    let direct = before(1) & 0xc7 == 0x05;
    direct && matches!(before(2), 0x8b | 0x3b | 0x39 | 0x83 | 0x85 | 0x63 | 0xff) || !image.is_64() && before(1) == 0xa1
}
