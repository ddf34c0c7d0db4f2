//! Calls of functions that the models of the engine know: what a run knows is put into a state of the engine, the model is
//! applied, and what it changed is put back. So what a function does is said once, and calls that change state become
//! events with the handles and places that they always have.

use super::super::code::analysis::{Engine, Origin};
use super::super::code::call::Target;
use super::super::code::known::Known;
use super::super::code::report::Event;
use super::super::code::state::{Buffer, Cell, State};
use super::super::code::value::{Kind, Value};
use super::super::effects::size_of_number;
use super::machine::{Ground, Machine, RSP, Untouched};
use super::objects;
use super::texts::{self, Marks, looks_wide};
use super::word::{Word, size_of};
use crate::catalog::native::{Api, Model};
use crate::facts::Text;
use std::collections::BTreeMap;

/// Arguments on the stack that are handed to a model.
const MAX_ARGUMENTS: u64 = 12;
/// Words of a structure that are handed to a model.
const MAX_WORDS: u64 = 16;
/// Bytes behind a pointer of which nothing is known when a function that is not known was given it.
const BLURRED: u64 = 64;

/// What memory holds that a run has not written is what the engine says.
impl Untouched for Engine<'_, '_> {
    fn load(&mut self, at: Value, size: usize) -> Word {
        let value = Engine::load(self, at, size.min(8) as u8);
        // A list of names ends where none stands.
        if let (Value::Const(va), Value::Sym(..)) = (at, value)
            && size == self.program.image.pointer_size() as usize
            && self.program.ends_list(va)
        {
            return Word::number(0);
        }
        match value {
            Value::Const(number) => Word::number(number).cut(size),
            Value::Sym(..) if size >= 4 => Word::Symbol(value),
            _ => Word::UNKNOWN.cut(size),
        }
    }

    fn given(&mut self, offset: i32, size: usize) -> Word {
        match self.stack_parameter(offset).filter(|_| size >= 4) {
            Some(parameter) => Word::Symbol(self.symbols.of(Kind::Param(parameter))),
            None => Word::UNKNOWN.cut(size),
        }
    }
}

/// How wide the texts of a call are, and whether the function says so.
#[derive(Clone, Copy)]
struct Width {
    wide: bool,
    said: bool,
}

/// What was put into the state of the engine: what a model finds changed is compared with what it found.
struct Put {
    lost: bool,
    state: State,
}

/// What is handed to a model, by address.
#[derive(Default)]
struct Gathered {
    /// The end of one of the texts is not known: what stands there is not characters.
    lost: bool,
    /// Texts, and where they end.
    texts: BTreeMap<u64, (Buffer, u64)>,
    words: BTreeMap<u64, Word>,
}

impl Gathered {
    /// Adds what a pointer leads to: a text, or the words of a structure, which are told as they may be pointers too.
    fn add(
        &mut self,
        machine: &Machine,
        ground: &mut Ground<'_, '_>,
        marks: &Marks,
        (pointer, width): (Word, Width),
    ) -> Vec<Word> {
        let mut inner = Vec::new();
        let Some(at) = ground.address(pointer).filter(|at| *at > 0xffff && machine.memory.is_written(*at)) else {
            return inner;
        };
        if let Some((buffer, end, whole)) = text_at(machine, ground, marks, at, width) {
            self.texts.insert(at, (buffer, end));
            self.lost |= !whole;
        }
        let size = size_of(ground.is_64);
        for place in (0..MAX_WORDS).map(|n| at.wrapping_add(n * size as u64)) {
            if let Some(word) = machine.memory.written_word(place, size) {
                self.words.insert(place, word);
                inner.push(word);
            }
        }
        inner
    }

    /// Some of a text stands there.
    fn is_text(&self, at: u64) -> bool {
        self.texts.range(..=at).next_back().is_some_and(|(_, (_, end))| at < *end)
    }

    /// Puts all of it into a state. A text in the middle of another one comes behind it.
    fn put(self, mut state: State, ground: &Ground<'_, '_>) -> Put {
        let size = size_of(ground.is_64);
        for (at, word) in self.words.iter().filter(|(at, _)| !self.is_text(**at)) {
            let (place, cell) = (ground.value(Word::number(*at)), cell_of(ground, *word, size));
            if cell.value != Value::Unknown {
                state.store(place, cell.size, cell.value);
            }
        }
        for (at, (buffer, _)) in self.texts {
            let place = ground.value(Word::number(at));
            state.set_buffer(place, buffer);
        }
        Put { lost: self.lost, state }
    }
}

/// The text at an address, or of the string object there, where it ends, and whether its end was seen.
fn text_at(
    machine: &Machine,
    ground: &mut Ground<'_, '_>,
    marks: &Marks,
    at: u64,
    width: Width,
) -> Option<(Buffer, u64, bool)> {
    if let Some((text, wide)) = objects::read(marks, &machine.memory, ground, at) {
        let buffer = Buffer { object: true, ..Buffer::of(Known::of(text)).so_wide(wide) };
        return Some((buffer, at, true));
    }
    // A pointer or a handle is no text, whatever its bytes look like.
    if is_address(machine, ground, at) {
        return None;
    }
    let wide = if width.said { width.wide } else { looks_wide(&machine.memory, ground.image, at, width.wide) };
    let read = texts::read(marks, &machine.memory, ground.image, at, wide, None)?;
    let end = at.wrapping_add((read.units.len() as u64 + 1) * if wide { 2 } else { 1 });
    Some((Buffer::of(Known::of(read.text)).so_wide(wide), end, read.whole))
}

/// What a model left: the result, and texts of which one of several is there.
pub(super) struct Answer {
    pub(super) result: Word,
    /// Places in memory, and what else may stand there.
    pub(super) others: Vec<(u64, Text, bool)>,
    /// The result may as well be null: a variable that is not set.
    pub(super) nullable: bool,
    pub(super) events: Vec<Event>,
    /// The end of a text that it was given was not seen.
    pub(super) lost: bool,
}

/// What of memory a model looks at.
struct Wanted {
    width: Width,
    /// Words on the stack.
    arguments: u64,
    /// What structures point to, too.
    deep: bool,
}

impl Wanted {
    fn by(api: Option<Api>, deep: bool) -> Self {
        let row = api.map(|api| api.row);
        let model = row.and_then(|row| row.model);
        let is_list = matches!(model, Some(Model::Format | Model::FormatList | Model::FormatCommon));
        let names_within = is_list && model != Some(Model::Format)
            || matches!(model, Some(Model::NtCreateFile | Model::NtOpenFile | Model::FillsWithin));
        // One word more than it has arguments: methods, and functions that give an object, have theirs moved by one.
        let arguments =
            row.filter(|_| !is_list).map_or(MAX_ARGUMENTS, |row| (row.arity() as u64 + 2).min(MAX_ARGUMENTS));
        let names_within = names_within || row.is_some_and(|row| row.within.is_some());
        Wanted { width: width_of(api), arguments, deep: deep || names_within }
    }
}

/// What is formatted may be of either width, and of structures nothing is said.
fn width_of(api: Option<Api>) -> Width {
    match api.map(|api| (api, api.row.model)) {
        Some((_, Some(Model::Widen))) => Width { wide: false, said: true },
        Some((_, Some(Model::Narrow))) => Width { wide: true, said: true },
        Some((api, Some(Model::Format | Model::FormatList | Model::FormatCommon | Model::ShellOperation))) => {
            Width { wide: api.wide, said: false }
        }
        Some((api, _)) if api.row.aw || api.row.module == "crt" => Width { wide: api.wide, said: true },
        _ => Width { wide: api.is_some_and(|api| api.wide), said: false },
    }
}

/// Makes the state that the engine finds at a call.
fn put(
    engine: &mut Engine<'_, '_>,
    machine: &Machine,
    ground: &mut Ground<'_, '_>,
    marks: &Marks,
    wanted: &Wanted,
) -> Put {
    let width = wanted.width;
    let is_64 = ground.is_64;
    let word = size_of(is_64) as u64;
    let mut state = State::at_entry(&mut engine.symbols, is_64, false);
    for (place, register) in state.registers.iter_mut().zip(machine.registers) {
        *place = ground.value(register);
    }
    let mut gathered = Gathered::default();
    let fast: &[usize] = if is_64 { &[1, 2, 8, 9] } else { &[1, 2, 0] };
    let mut pointers: Vec<Word> = fast.iter().map(|number| machine.registers[*number]).collect();
    if let Some(top) = ground.address(machine.registers[RSP]) {
        let first = if is_64 { 4 } else { 0 };
        for at in (first..wanted.arguments).map(|n| top.wrapping_add(n * word)) {
            if let Some(argument) = machine.memory.load(ground.image, at, word as usize) {
                gathered.words.insert(at, argument);
                pointers.push(argument);
            }
        }
    }
    let inner: Vec<Word> =
        pointers.into_iter().flat_map(|pointer| gathered.add(machine, ground, marks, (pointer, width))).collect();
    for pointer in inner.into_iter().filter(|_| wanted.deep) {
        gathered.add(machine, ground, marks, (pointer, width));
    }
    let put = gathered.put(state, ground);
    engine.state = put.state.clone();
    put
}

/// The number that a call writes may look like a text where it stands: as one of so many bytes it takes the place of that.
fn put_number(engine: &mut Engine<'_, '_>, machine: &Machine, ground: &mut Ground<'_, '_>, api: Api) {
    let (Some(kind), Some(data)) = (api.row.kind, api.row.data) else { return };
    let kind = engine.argument_of(api, kind).number().and_then(size_of_number);
    let data = engine.argument_of(api, data);
    let (Some(size), Some(at)) = (kind, ground.address(ground.word(data))) else { return };
    if let Some(number) = machine.memory.written_word(at, size.into()).and_then(|word| word.low(size.into())) {
        engine.state.store(data, size, Value::Const(number));
    }
}

/// A word as a cell of the engine. Narrow arguments and fields leave the upper half of their place as it is.
fn cell_of(ground: &Ground<'_, '_>, word: Word, size: usize) -> Cell {
    /// Bytes of an argument that is no pointer.
    const NARROW: usize = 4;
    match (ground.value(word), word.low(NARROW)) {
        (Value::Unknown, Some(number)) => Cell { size: NARROW as u8, value: Value::Const(number) },
        (value, _) => Cell { size: size as u8, value },
    }
}

/// Calls a function that the engine knows, and puts back what it changed.
pub(super) fn call(
    engine: &mut Engine<'_, '_>,
    machine: &mut Machine,
    ground: &mut Ground<'_, '_>,
    marks: &mut Marks,
    (target, site, api): (&Target, u32, Option<Api>),
    deep: bool,
) -> Answer {
    let wide = api.is_some_and(|api| api.wide);
    let nullable = api.is_some_and(|api| matches!(api.row.model, Some(Model::EnvGet)));
    let before = put(engine, machine, ground, marks, &Wanted::by(api, deep));
    engine.recording = true;
    api.into_iter().for_each(|api| put_number(engine, machine, ground, api));
    let value = engine.enter(target, site);
    let events = std::mem::take(&mut engine.report.events);
    let mut others = Vec::new();
    for (at, cell) in engine.state.cells_changed(&before.state) {
        if let Some(place) = ground.address(ground.word(at)) {
            let (word, size) = (ground.word(cell.value), usize::from(cell.size).min(8));
            // How much a function writes that is not known is not known either: no more than may be at such a place.
            let aligned = 1 << place.trailing_zeros().min(3);
            machine.memory.store(place, if word.low(size).is_some() { size } else { size.min(aligned) }, word);
        }
    }
    for (at, buffer) in engine.state.buffers_changed(&before.state) {
        let Some(place) = ground.address(ground.word(at)) else { continue };
        let tainted = before.state.buffer(at).is_some_and(|old| old.known.texts() == buffer.known.texts());
        if tainted {
            machine.memory.blur(place, BLURRED);
            continue;
        }
        let wide = buffer.wide.unwrap_or(wide);
        let Some((first, more)) = buffer.known.texts().split_first() else { continue };
        // What looks like an empty text may as well be a number, which a function that nothing is known of has set.
        let was_empty = before.state.buffer(at).is_some_and(|old| old.known.texts().iter().all(Text::is_empty));
        if api.is_none() && was_empty && first.is_unknown() {
            machine.memory.blur(place, size_of(ground.is_64) as u64);
            continue;
        }
        if buffer.object {
            objects::write(machine, marks, ground, place, first, wide);
            continue;
        }
        others.extend(more.iter().map(|text| (place, text.clone(), wide)));
        store_text(machine, marks, place, first, wide);
    }
    let result = match value {
        Value::Sym(symbol, 0) => match engine.origins.get(&symbol) {
            Some(Origin::Text(known)) => {
                let text = known.texts().first().cloned().unwrap_or_else(Text::unknown);
                let units = marks.units(&text, wide);
                let place = machine.allocate((units.len() as u64 + 8) * 2);
                texts::write(&mut machine.memory, place, &units, wide, true);
                Word::number(place)
            }
            _ => match engine.symbols.kind(symbol) {
                // Folders are there, and so is what they are called.
                Kind::Length(of, wide, _) if api.is_some_and(|api| api.row.known_folder.is_some()) => {
                    let at = ground.address(ground.word(of));
                    let read = at.and_then(|at| texts::read(marks, &machine.memory, ground.image, at, wide, None));
                    read.filter(|read| read.whole).map_or(Word::UNKNOWN, |read| Word::number(read.units.len() as u64))
                }
                // How long a text is that was just made is not known.
                Kind::Length(..) | Kind::Size(..) | Kind::End(..) | Kind::Inside(_) | Kind::Choice(_) => Word::UNKNOWN,
                Kind::LastSeparator(..) | Kind::Extension(..) => Word::UNKNOWN,
                _ => Word::Symbol(value),
            },
        },
        value => ground.word(value),
    };
    let nullable = nullable && result.low(size_of(ground.is_64)).is_some();
    Answer { result, others, nullable, events, lost: before.lost }
}

/// An address of the image or of the run stands there.
fn is_address(machine: &Machine, ground: &mut Ground<'_, '_>, at: u64) -> bool {
    let Some(word) = machine.memory.written_word(at, size_of(ground.is_64)) else { return false };
    match ground.value(word) {
        Value::Stack(_) | Value::Sym(..) => true,
        Value::Const(va) => ground.image.rva_of(va).is_some_and(|rva| ground.image.section_of(rva).is_some()),
        Value::Unknown => false,
    }
}

/// Writes a text with a zero behind it.
pub(super) fn store_text(machine: &mut Machine, marks: &mut Marks, at: u64, text: &Text, wide: bool) {
    let units = marks.units(text, wide);
    texts::write(&mut machine.memory, at, &units, wide, true);
}

/// A function of which nothing is known was called: what it was given may have changed, up to the end of the frame that
/// it lies in. `ends` are those of all frames, sorted.
pub(super) fn blur_arguments(machine: &mut Machine, ground: &mut Ground<'_, '_>, arguments: &[Word], ends: &[u64]) {
    for argument in arguments {
        let own = matches!(ground.value(*argument), Value::Stack(_));
        if let Some(at) = ground.address(*argument).filter(|_| own) {
            let end = ends.get(ends.partition_point(|end| *end <= at));
            machine.memory.blur(at, end.map_or(BLURRED, |end| BLURRED.min(end - at)));
        }
    }
}
