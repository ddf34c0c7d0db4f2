//! The engine that executes one function, and the report drawn from what it finds.

use super::super::Map;
use super::super::program::Program;
use super::body::Body;
use super::branch::Compared;
use super::known::Known;
use super::letters::Letters;
use super::models::keepers;
use super::models::objects::Kept;
use super::report::{self, Arg, Behind, Handle, Number, Report};
use super::rows::{self, Tables};
use super::slot::Slot;
use super::state::{Cell as Word, State};
use super::strings::literal;
use super::value::{Kind, Symbol, Symbols, Value};
use super::width::Width;
use crate::catalog::native::{Api, Object};
use crate::facts::Text;
use std::rc::Rc;

/// Most alternatives of a number that leave a function.
const MAX_NUMBERS: usize = 3;
/// Bytes of an object whose fields are looked at.
const MAX_OBJECT: i64 = 0x800;
/// Most fields of an object.
const MAX_FIELDS: usize = 48;
/// Most objects with virtual functions that leave one function.
const MAX_OBJECTS: usize = 16;
/// Deepest nesting of objects.
const MAX_NESTING: u8 = 1;

/// What is known of a symbol beyond its kind.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// It points to this string.
    Text(Known),
    /// It is this handle.
    Handle(Handle),
    /// It is the function that was looked up under this name.
    Function(Api, String),
    /// It is this object of COM.
    Object(Object),
}

/// Executes a function symbolically.
pub(crate) struct Engine<'p, 'a> {
    pub(crate) program: &'p Program<'a>,
    pub(crate) symbols: Symbols,
    pub(crate) origins: Map<Symbol, Origin>,
    pub(crate) state: State,
    pub(crate) recording: bool,
    /// The block has something to note.
    pub(super) notable: bool,
    pub(crate) report: Report,
    pub(crate) depth: u8,
    /// Start of the function.
    pub(crate) start: u32,
    /// The block ended in a call whose return is the function's.
    pub(crate) left: bool,
    /// It does what is called on one way that is followed, not all ways at once.
    pub(super) follows: bool,
    /// Something is known to be an object of COM, or a function that was looked up.
    pub(crate) has_objects: bool,
    /// How many arguments on the stack the function that is called has, where that is known (x86).
    pub(crate) most_arguments: Option<u8>,
    /// Values pushed since the last call.
    pub(crate) pushed: u32,
    /// Some parameters are the numbers of one caller.
    pub(crate) is_given: bool,
    /// What the last instruction that set the flags compared. Only where numbers are given.
    pub(crate) compared: Option<Compared>,
    /// Texts that were compared, and with what.
    pub(crate) comparisons: Vec<(Value, Value, bool)>,
    /// Letters that characters of texts are compared with.
    pub(super) letters: Letters,
    /// Words that functions of the image compare texts with.
    pub(super) words: Vec<(Value, Text)>,
    /// The tables that it reads from.
    pub(super) tables: Tables,
    /// Address of the instruction that is executed.
    pub(super) at: u32,
    /// The parameter that is the string object for which room was made, and whether its characters are wide.
    pub(super) creates: Option<(u8, bool)>,
    /// The room that the library made for characters, by the address of the call, and whether they are wide.
    pub(super) rooms: Map<u32, bool>,
    /// Imports that were called through a register, by the address of the call.
    pub(super) named: Map<u32, usize>,
    /// Narrow characters are made wide ones.
    pub(super) converts: bool,
    /// The parameters between which characters were copied.
    pub(super) copies: Option<(u8, u8)>,
    /// Objects of Object Pascal that keep settings, by the address of the call that made each.
    pub(super) keepers: Map<u32, keepers::Kept>,
    /// State at the returns.
    pub(super) exit: Option<State>,
}

/// What a caller gives: numbers for parameters, and bytes behind others.
pub(crate) type Given<'g> = (&'g [(u8, u64)], &'g [Behind]);

/// Analyses the function at `start`.
pub(crate) fn analyse(program: &Program<'_>, start: u32, depth: u8, given: Given<'_>) -> Report {
    /// Longest function that is executed for each row of its tables.
    const MAX_INSTRUCTIONS: usize = 1_000;
    let body = program.body(start);
    let (mut report, (rows, said)) = execute(program, &body, depth, given, Tables::default());
    let notes = !report.events.is_empty() || !report.calls.is_empty();
    // One row alone is no table: what stands behind it may only look different.
    if rows > 1 && notes && given.0.is_empty() && body.instructions.len() <= MAX_INSTRUCTIONS {
        let of_row = |row: u8| execute(program, &body, depth, given, Tables::at(Some(row), rows)).0;
        rows::put_together(&mut report, (0..rows).map(of_row).collect(), said);
    }
    report
}

/// Executes a function; for one row of its tables, if so, of as many as there are. Answers how many that are, and whether the code says so.
fn execute(
    program: &Program<'_>,
    body: &Body,
    depth: u8,
    (given, behind): Given<'_>,
    tables: Tables,
) -> (Report, (u8, bool)) {
    let mut engine = Engine::new(program, body.start, body.instructions.len());
    for (parameter, number) in given {
        engine.state.give(*parameter, *number, program.image.is_64());
    }
    for (parameter, offset, byte) in behind {
        let base = match given.iter().find(|(given, _)| given == parameter) {
            Some((_, address)) => Value::Const(*address),
            None => engine.symbols.of(Kind::Param(*parameter)),
        };
        let at = base.plus(i64::from(*offset), program.image.is_64());
        engine.state.store(at, 1, Value::Const(u64::from(*byte)));
    }
    engine.report.capped = body.capped;
    engine.depth = depth;
    engine.is_given = !given.is_empty() || !behind.is_empty();
    engine.tables = tables;
    engine.receive();
    let visited = engine.fixpoint(body);
    engine.record(body, visited);
    engine.close_comparisons();
    engine.summarise();
    engine.report.constructs = engine.constructs();
    engine.report.parameters = engine.symbols.stack_parameters();
    engine.report.events.sort_by_key(|e| e.site);
    let idle = engine.report.without_idle_opens();
    program.replaced.borrow_mut().extend(idle.into_iter().map(|event| event.via));
    let rows = engine.tables.rows();
    (engine.report, rows)
}

impl<'p, 'a> Engine<'p, 'a> {
    /// An engine at the entry of a function of so many instructions.
    fn new(program: &'p Program<'a>, start: u32, instructions: usize) -> Self {
        let data = program.image.span(|section| !section.is_code());
        let va = |rva: u32| program.image.base.wrapping_add(u64::from(rva));
        let mut symbols = Symbols::with_room(instructions, va(data.start)..va(data.end));
        let state = State::at_entry(&mut symbols, program.image.is_64(), program.go.is_some());
        Engine {
            program,
            symbols,
            origins: Map::default(),
            state,
            recording: false,
            notable: false,
            report: Report::default(),
            depth: 0,
            start,
            left: false,
            follows: false,
            has_objects: false,
            most_arguments: None,
            pushed: 0,
            is_given: false,
            compared: None,
            comparisons: Vec::new(),
            letters: Letters::default(),
            words: Vec::new(),
            tables: Tables::default(),
            at: start,
            creates: None,
            copies: None,
            rooms: Map::default(),
            named: Map::default(),
            keepers: Map::default(),
            converts: false,
            exit: None,
        }
    }

    /// An engine for what is called on a way through a function: its models are used, its own execution is not.
    pub(crate) fn for_run(program: &'p Program<'a>, start: u32) -> Self {
        let mut engine = Engine { follows: true, ..Engine::new(program, start, 0) };
        engine.receive();
        engine
    }
}

impl Engine<'_, '_> {
    /// What the function returns and writes through its parameters.
    fn summarise(&mut self) {
        let Some(exit) = self.exit.take() else { return };
        self.state = exit;
        self.note_kept();
        self.settle_formats();
        let mut result = self.close_any(self.state.registers[0]);
        // What is made here and returned is not told of otherwise.
        if matches!(self.symbols.kind_of(self.state.registers[0]), Some(Kind::Result(_))) {
            result.object = self.object(self.state.registers[0]);
        }
        let inside = self.slot_inside(self.state.registers[0]);
        let length = match self.symbols.kind_of(self.state.registers[0]) {
            Some(Kind::Length(of, wide, _)) => self.slot(of).map(|slot| (slot, wide)),
            _ => None,
        };
        let mut buffers = Vec::new();
        let mut cells = Vec::new();
        let mut globals = Vec::new();
        let mut strings = Vec::new();
        let mut lost = Vec::new();
        let word = if self.is_64() { 8 } else { 4 };
        let mut kept: Vec<(Slot, Kept)> = Vec::new();
        for (at, buffer) in self.state.buffers() {
            let known = || self.text_of_buffer(*at, buffer);
            if let (true, Some(wide), Some(slot)) = (buffer.object, buffer.wide, self.slot(*at)) {
                kept.push((slot, Kept { wide, counted: self.is_counted(*at) }));
            }
            match (self.slot(*at), at) {
                // That it was changed somewhere is said of the parameter.
                (Some(slot), _) if known().is_cut_anywhere_of(slot) => {}
                (Some(slot), _) => buffers.push((slot, known())),
                (_, Value::Const(va)) if self.is_variable(*va) => strings.push((*va, known(), buffer.partial)),
                _ => {}
            }
        }
        let written: Vec<(Value, Word)> = self.state.cells().map(|(at, cell)| (*at, *cell)).collect();
        let stored = self.stored_texts(&written);
        for (at, cell) in written {
            let slot = self.slot(at);
            let global = at.number().filter(|va| slot.is_none() && self.is_variable(*va));
            if slot.is_none() && global.is_none() {
                continue;
            }
            if global.is_some_and(|va| stored.iter().any(|text| text.place.contains(&va))) {
                continue;
            }
            // The pointer and the length of a string object are part of it.
            let of_string =
                |(at, kept): &(Slot, Kept)| slot == Some(*at) || kept.counted && slot == Some(at.plus(i32::from(word)));
            if kept.iter().any(of_string) {
                continue;
            }
            let before = self.symbols.known(Kind::Load(at));
            let (value, partial) = self.symbols.stored(cell.value, before);
            if Some(value) == before {
                continue;
            }
            let mut arg = self.close_any(value);
            if global.is_some() {
                arg.object = self.object(value);
            }
            arg.partial = partial && arg != Arg::default();
            match (slot, global) {
                // Something else than it points to when the program starts.
                (_, Some(va)) if arg == Arg::default() && self.program.initial(va).is_some() => {
                    globals.push((va, Arg { texts: vec![Text::unknown()], partial, ..Arg::default() }));
                }
                (Some(slot), None) if arg == Arg::default() => lost.push(slot),
                _ if arg == Arg::default() => {}
                (Some(slot), _) => {
                    arg.bytes = (!arg.number.all().is_empty()).then_some(cell.size.min(word));
                    cells.push((slot, arg));
                }
                (_, Some(va)) => globals.push((va, arg)),
                _ => {}
            }
        }
        strings.extend(stored.into_iter().map(|text| (text.place.start, text.known, text.partial)));
        self.report.objects = self.objects();
        self.report.lost = lost;
        let summary = &mut self.report.summary;
        summary.inside = inside;
        summary.length = length;
        summary.result = (result != Arg::default()).then_some(result);
        summary.buffers = buffers;
        summary.objects = kept;
        summary.cells = cells;
        summary.globals = globals;
        summary.strings = strings;
        summary.open = summary.has_parameters();
    }

    /// The parameter that an address points into, behind its beginning.
    fn slot_inside(&self, value: Value) -> Option<Slot> {
        let places = self.symbols.alternatives(value).into_iter().filter(|place| *place != Value::Const(0));
        let mut slots = places.map(|place| {
            let root = self.symbols.root(place).filter(|root| *root != place)?;
            self.slot(root).filter(Slot::is_plain)
        });
        let first = slots.next()??;
        slots.all(|slot| slot == Some(first)).then_some(first)
    }

    /// Objects that hold the address of a table of functions in their first field.
    fn objects(&self) -> Vec<Rc<report::Object>> {
        let is_table = |va: u64| self.program.image.rva_of(va).is_some_and(|rva| self.program.is_table(rva));
        let first = self.state.cells().filter(|(_, cell)| cell.value.number().is_some_and(is_table));
        first.take(MAX_OBJECTS).filter_map(|(at, _)| self.object(*at)).collect()
    }

    /// An address of memory that the program changes.
    pub(super) fn is_variable(&self, va: u64) -> bool {
        self.program
            .image
            .rva_of(va)
            .and_then(|rva| self.program.image.section_of(rva))
            .is_some_and(|s| s.is_writable())
    }

    /// The place that a value is, seen from the callers.
    pub(crate) fn slot(&self, value: Value) -> Option<Slot> {
        self.symbols.slot(value)
    }

    /// What is known of the memory that a value points to.
    pub(crate) fn object(&self, value: Value) -> Option<Rc<report::Object>> {
        self.object_at(value, 0)
    }

    fn object_at(&self, value: Value, depth: u8) -> Option<Rc<report::Object>> {
        if let Some(Kind::Load(Value::Const(va))) = self.symbols.kind_of(value) {
            return self.program.global(va, self.depth).and_then(|arg| arg.object);
        }
        let end = value.plus(MAX_OBJECT, self.program.image.is_64());
        if depth > MAX_NESTING || matches!(value, Value::Unknown | Value::Const(0..0x1_0000)) || value > end {
            return None;
        }
        let offset = |at: &Value| match (value, at) {
            (Value::Stack(a), Value::Stack(b)) => Some(b.wrapping_sub(a)),
            (Value::Sym(s, a), Value::Sym(t, b)) if s == *t => Some(b.wrapping_sub(a)),
            (Value::Const(a), Value::Const(b)) => Some(b.wrapping_sub(a) as i32),
            _ => None,
        };
        let mut object = match value {
            Value::Const(va) if self.is_variable(va) => self.program.global_object(va, self.depth),
            _ => report::Object::default(),
        };
        for (at, cell) in self.state.cells_in(value, end).take(MAX_FIELDS) {
            let Some(offset) = offset(at) else { continue };
            let mut arg = if self.is_go() { self.go_field(*at, cell.value) } else { self.close_any(cell.value) };
            arg.object = self.object_at(cell.value, depth + 1);
            object.fields.retain(|(at, _)| *at != offset);
            if arg != Arg::default() {
                object.fields.push((offset, arg));
            }
        }
        for (at, buffer) in self.state.buffers_in(value, end).take(MAX_FIELDS) {
            let Some(offset) = offset(at) else { continue };
            let known = self.text_of_buffer(*at, buffer);
            object.strings.retain(|(at, _)| *at != offset);
            object.strings.push((offset, known));
        }
        (!object.is_empty()).then(|| Rc::new(object))
    }

    /// The text a symbol is known to point to.
    pub(crate) fn origin_text(&self, symbol: Symbol) -> Option<Known> {
        match self.origins.get(&symbol)? {
            Origin::Text(known) => Some(known.clone()),
            _ => None,
        }
    }

    /// The handle a value is known to be.
    pub(crate) fn handle(&self, value: Value) -> Option<Handle> {
        let Value::Sym(symbol, 0) = value else { return None };
        if let Some(Origin::Handle(handle)) = self.origins.get(&symbol) {
            return Some(handle.clone());
        }
        match self.symbols.kind(symbol) {
            Kind::Load(Value::Const(va)) => self.program.global(va, self.depth)?.handle,
            // An error value beside the handle does not matter; something unknown does.
            Kind::Choice(_) => {
                let alternatives = self.symbols.alternatives(value);
                let others = alternatives.into_iter().filter(|v| v.number().is_none() && !self.is_unset(*v));
                let mut open = false;
                let handles = others.map(|v| {
                    self.handle(v).or_else(|| {
                        let text = self.slot(v).filter(|slot| !slot.is_plain())?.text();
                        open = true;
                        Some(Handle { texts: vec![text], ..Handle::default() })
                    })
                });
                let handles: Vec<Handle> = handles.collect::<Option<_>>()?;
                // Fields that only callers know say nothing of what they are.
                let opened = handles.iter().any(|handle| handle.opened_at != 0);
                handles.into_iter().reduce(Handle::or).filter(|_| opened || !open)
            }
            _ => None,
        }
    }

    /// What a variable of the program holds before this function stores something there: nothing, for it is zero when the
    /// program starts, and nobody else is known to store anything.
    pub(super) fn is_unset(&self, value: Value) -> bool {
        match self.symbols.kind_of(value) {
            Some(Kind::Load(Value::Const(va))) => {
                self.program.is_zero(va) && self.program.is_only_written_by(va, self.start)
            }
            _ => false,
        }
    }

    /// A new symbol with an origin.
    pub(crate) fn with_origin(&mut self, kind: Kind, origin: Origin) -> Value {
        let value = self.symbols.of(kind);
        self.has_objects |= matches!(origin, Origin::Object(_) | Origin::Function(..));
        if let Value::Sym(symbol, _) = value {
            self.origins.insert(symbol, origin);
        }
        value
    }

    /// A value in terms that hold outside the function.
    pub(crate) fn close(&self, value: Value, width: impl Into<Width>) -> Arg {
        let width = width.into();
        let (mut texts, weak) = self.texts(value, width);
        let number = self.close_number(value);
        // What a caller passes is not there any more.
        if texts.is_empty() && matches!(number, Number::Param(_)) && self.state.buffer(value).is_some() {
            texts.push(Text::unknown());
        }
        let function = match value {
            Value::Sym(symbol, 0) => match self.origins.get(&symbol) {
                Some(Origin::Function(_, name)) => Some(name.clone()),
                _ => None,
            },
            _ => None,
        };
        Arg {
            number,
            texts,
            weak,
            handle: self.handle(value),
            literal: self.literal_of(value, width.wide),
            fixed: self.is_fixed(value),
            function,
            com: self.com_object(value),
            arguments: self.is_arguments(value).then_some(self.program.image.pointer_size() as u8),
            ..Arg::default()
        }
    }

    /// Address of the literal that a value points to.
    pub(super) fn literal_of(&self, value: Value, wide: bool) -> Option<u32> {
        let image = &self.program.image;
        image.rva_of(value.number()?).filter(|rva| literal(image, *rva, wide).is_some())
    }

    pub(crate) fn close_number(&self, value: Value) -> Number {
        let mut numbers = Vec::new();
        for alternative in self.symbols.alternatives(value) {
            match self.count(alternative) {
                Some(number) => numbers.push(number),
                None => return self.number_of_parameter(value),
            }
        }
        if numbers.is_empty() || numbers.len() > MAX_NUMBERS { Number::Unknown } else { Number::Known(numbers) }
    }

    fn number_of_parameter(&self, value: Value) -> Number {
        match self.symbols.kind_of(value) {
            Some(Kind::Or(given, bits)) => self.slot(given).map_or(Number::Unknown, |slot| Number::With(slot, bits)),
            _ => self.parameter_of(value).map_or(Number::Unknown, Number::Param),
        }
    }

    /// The same for an argument of a call, where it is worth knowing that a caller's value decides.
    pub(crate) fn close_argument(&self, value: Value, arg: Arg) -> Arg {
        if arg.number != Number::Unknown || arg.handle.is_some() || !matches!(value, Value::Sym(..)) {
            return arg;
        }
        let made_of = |value: Value| match self.symbols.made_of(value) {
            Some(of) => self.slot(of),
            None => self.parameter_of(value),
        };
        let slot = self.symbols.alternatives(value).into_iter().find_map(made_of);
        Arg { number: slot.map_or(Number::Unknown, Number::Made), ..arg }
    }

    fn parameter_of(&self, value: Value) -> Option<Slot> {
        self.slot(value).filter(|_| self.handle(value).is_none())
    }
}
