//! What the analysis of one function says, independent of the function's own symbols, so that callers can fill in
//! what was a parameter.

use super::filled::{all_filled, from_root, has_parameters, is_split, parameters, whole, within_hole};
use super::gap::Gap;
pub(crate) use super::handle::Handle;
use super::known::Known;
use super::made::Constructs;
use super::models::listed::Formats;
use super::models::objects::Kept;
pub(crate) use super::number::Number;
use super::slot::Slot;
use super::used::Use;
use super::width::Readings;
use super::writes::{Given, Written};
use crate::catalog::native::{Api, com};
use crate::facts::{Source, Text};
use std::rc::Rc;

/// An argument of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arg {
    pub(crate) number: Number,
    /// What it points to, read as a string: one or more possibilities.
    pub(crate) texts: Vec<Text>,
    /// The strings are only associated with the argument, not proven.
    pub(crate) weak: bool,
    /// The strings in either width, where nobody has said yet how they are read.
    pub(crate) readings: Option<Rc<Readings>>,
    pub(crate) handle: Option<Handle>,
    /// Address of the string, when it is a literal.
    pub(crate) literal: Option<u32>,
    /// The string stands where nobody writes: it is a literal, or one of a few.
    pub(crate) fixed: bool,
    /// Name of the function that it points to, when that was looked up.
    pub(crate) function: Option<String>,
    /// What is known of the memory it points to.
    pub(crate) object: Option<Rc<Object>>,
    /// The object of COM that it is.
    pub(crate) com: Option<com::Object>,
    /// How many bytes of it are stored, where it is a number that is no word. Only of what a function writes.
    pub(crate) bytes: Option<u8>,
    /// It is stored on some ways only: on others its place keeps what it held. Only of what a function writes.
    pub(crate) partial: bool,
    /// It is the array of the program's arguments, of pointers of so many bytes.
    pub(crate) arguments: Option<u8>,
    /// It points to memory in which nothing was put yet. Only of arguments of calls.
    pub(crate) bare: bool,
    /// Why it is not known, where it is not. Only of arguments of calls.
    pub(crate) gap: Gap,
}

/// Memory behind a pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Object {
    /// What is stored there, by offset.
    pub(crate) fields: Vec<(i32, Arg)>,
    /// Strings that lie in it, by offset.
    pub(crate) strings: Vec<(i32, Known)>,
}

impl Object {
    /// Nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.strings.is_empty()
    }

    fn field(&self, offset: i32) -> Option<&Arg> {
        self.fields.iter().find(|(at, _)| *at == offset).map(|(_, arg)| arg)
    }

    fn string(&self, offset: i32) -> Option<&Known> {
        self.strings.iter().find(|(at, _)| *at == offset).map(|(_, known)| known)
    }

    /// Address of its table of virtual functions.
    pub(crate) fn table(&self) -> Option<u64> {
        self.field(0)?.number.only()
    }

    /// Depends on parameters of the function it was seen in.
    pub(crate) fn has_parameters(&self) -> bool {
        self.fields.iter().any(|(_, arg)| arg.has_parameters())
            || self.strings.iter().any(|(_, known)| known.texts().iter().any(has_parameters))
    }

    /// The object that starts `by` bytes further on.
    fn shifted(&self, by: i32) -> Object {
        Object {
            fields: self.fields.iter().map(|(at, arg)| (at.wrapping_sub(by), arg.clone())).collect(),
            strings: self.strings.iter().map(|(at, known)| (at.wrapping_sub(by), known.clone())).collect(),
        }
    }
}

impl Arg {
    /// A null pointer or zero.
    pub(crate) fn is_null(&self) -> bool {
        self.number.only() == Some(0)
    }

    /// A call gave it that opened, made or looked up something.
    pub(super) fn is_opened(&self) -> bool {
        self.handle.is_some() || self.com.is_some() || self.function.is_some()
    }

    /// Depends on parameters of the function it was seen in.
    pub(crate) fn has_parameters(&self) -> bool {
        matches!(self.number, Number::Param(_) | Number::With(..))
            || self.texts.iter().any(has_parameters)
            || self.handle.as_ref().is_some_and(Handle::has_parameters)
    }

    /// A number that is made of a parameter in a way that is not kept.
    pub(crate) fn is_made(&self) -> bool {
        matches!(self.number, Number::Made(_))
    }

    /// A string.
    pub(crate) fn of(known: &Known) -> Arg {
        Arg { texts: known.texts().to_vec(), weak: known.weak, ..Arg::default() }
    }

    /// A place that is not known here.
    fn place(slot: Slot) -> Arg {
        Arg { number: Number::Param(slot), texts: vec![slot.text()], ..Arg::default() }
    }

    /// What lies at a place seen from this argument: offsets with a load between each two.
    pub(super) fn at(&self, offsets: &[i32]) -> Option<Arg> {
        let (first, rest) = offsets.split_first()?;
        let object = self.object.as_deref();
        let Some((next, _)) = rest.split_first() else {
            if *first == 0 {
                return Some(self.clone());
            }
            let mut arg = match (object.and_then(|o| o.string(*first)), &self.number) {
                (Some(known), _) => Arg::of(known),
                (None, Number::Param(slot)) => Arg::place(slot.plus(*first)),
                _ => Arg::default(),
            };
            arg.object = object.map(|o| Rc::new(o.shifted(*first)));
            return Some(arg);
        };
        if let Some(field) = object.and_then(|o| o.field(*first)) {
            return field.at(rest);
        }
        // The characters of a string object are behind the pointer at its start.
        if *next == 0 && rest.len() == 1 {
            if let Some(known) = object.and_then(|o| o.string(*first)).filter(|k| k.weak) {
                return Some(Arg::of(known));
            }
            if *first == 0 && self.weak && self.readings.is_none() && !self.texts.is_empty() {
                return Some(Arg { texts: self.texts.clone(), weak: true, ..Arg::default() });
            }
        }
        if let Some(text) = self.program_argument(*first).filter(|_| *next == 0 && rest.len() == 1) {
            return Some(Arg { texts: vec![text], ..Arg::default() });
        }
        match &self.number {
            Number::Param(slot) => slot.then(offsets).map(Arg::place),
            _ => None,
        }
    }

    /// The argument of the program at an offset in the array of all.
    fn program_argument(&self, offset: i32) -> Option<Text> {
        let size = i32::from(self.arguments?);
        argument_text(offset.checked_div(size).filter(|number| number * size == offset)?)
    }

    /// The same argument, with what a caller passes for the parameters.
    pub(crate) fn filled(&self, passed: &dyn Fn(u8) -> Option<Arg>) -> Arg {
        let mut out = self.clone();
        if !self.has_parameters()
            && !self.is_made()
            && self.object.as_ref().is_none_or(|object| !object.has_parameters())
        {
            return out;
        }
        let slots = self.texts.iter().flat_map(parameters);
        let handles = self.handle.iter().flat_map(|h| &h.texts).flat_map(parameters);
        if let Some((slot, arg)) = slots.chain(handles).find_map(|slot| Some((slot, passed(slot.param)?))) {
            out.gap = if slot.is_plain() { arg.gap } else { arg.gap.max(Gap::Field) };
            out.handle.iter_mut().for_each(|handle| handle.gap = out.gap);
        }
        if let Number::Param(slot) = self.number
            && let Some(arg) = passed(slot.param)
        {
            let gap = if slot.is_plain() { arg.gap } else { arg.gap.max(Gap::Field) };
            let arg = Arg { gap, ..arg.at(slot.offsets()).unwrap_or_default() };
            // The function may have filled the buffer that it was given.
            match &*self.texts {
                [] => return arg,
                [text] if text.as_hole().and_then(|hole| whole(hole, arg.fixed)) == Some(slot) => {
                    return arg.read(text.as_hole().and_then(Slot::width_of));
                }
                _ => {}
            }
            out.number = arg.number;
        }
        if let Number::With(slot, bits) = self.number
            && let Some(arg) = passed(slot.param)
        {
            let arg = arg.at(slot.offsets()).unwrap_or_default();
            out.gap = arg.gap;
            out.number = match arg.number {
                Number::Known(all) => Number::Known(all.into_iter().map(|n| n | bits).collect()),
                Number::Param(slot) => Number::With(slot, bits),
                Number::With(slot, more) => Number::With(slot, bits | more),
                Number::Made(slot) => Number::Made(slot),
                Number::Unknown => Number::Unknown,
            };
        }
        if let Number::Made(slot) = self.number
            && let Some(arg) = passed(slot.param)
        {
            let arg = arg.at(slot.offsets()).unwrap_or_default();
            (out.number, out.gap) = match arg.number {
                Number::Known(_) => (Number::Unknown, Gap::Computed),
                Number::Param(slot) | Number::With(slot, _) | Number::Made(slot) => (Number::Made(slot), arg.gap),
                Number::Unknown => (Number::Unknown, arg.gap.max(Gap::Outside)),
            };
        }
        out.texts = all_filled(&self.texts, passed, &mut out.weak);
        out.readings = self.readings.as_ref().map(|readings| {
            Rc::new(readings.map(|known| {
                let mut weak = known.weak;
                let texts = all_filled(known.texts(), passed, &mut weak);
                Known::any(texts, weak)
            }))
        });
        if let Some(handle) = &mut out.handle {
            handle.fill(passed, &mut out.weak);
        }
        if let Some(object) = &self.object {
            let fields = object.fields.iter().map(|(at, arg)| (*at, arg.filled(passed)));
            let strings = object.strings.iter().map(|(at, known)| {
                let mut weak = known.weak;
                let texts = all_filled(known.texts(), passed, &mut weak);
                (*at, Known::any(texts, weak))
            });
            out.object = Some(Rc::new(Object { fields: fields.collect(), strings: strings.collect() }));
        }
        out
    }

    /// Something of it lies behind this parameter.
    pub(crate) fn is_behind(&self, param: u8) -> bool {
        let behind = |slot: Slot| slot.param == param && !slot.is_plain();
        matches!(self.number, Number::Param(slot) if behind(slot))
            || self.texts.iter().flat_map(parameters).any(behind)
            || self.handle.iter().flat_map(|h| &h.texts).flat_map(parameters).any(behind)
    }

    /// What no caller could say stays unknown.
    pub(crate) fn settle(&mut self) {
        let settled = |texts: &mut Vec<Text>| {
            for text in texts.iter_mut() {
                *text = text.map_holes(|hole| match Slot::of_hole(hole) {
                    Some(_) => Some(Text::unknown()),
                    None => Slot::replaced_within(hole, |_| Some(within_hole(&Text::unknown()))),
                });
            }
        };
        // Whatever depends on a caller is not known.
        if !matches!(self.number, Number::Known(_)) {
            self.number = Number::Unknown;
        }
        settled(&mut self.texts);
        for text in &mut self.texts {
            // A root begins a path: what was thought to stand before it belongs to another one.
            if let Some(from_root) = from_root(text) {
                *text = from_root;
                self.weak = true;
            }
        }
        if let Some(handle) = &mut self.handle {
            settled(&mut handle.texts);
        }
    }
}

/// An argument of the program by its number; the first is the program itself.
pub(super) fn argument_text(number: i32) -> Option<Text> {
    /// Most that are told apart.
    const MAX_NUMBER: i32 = 8;
    (1..=MAX_NUMBER).contains(&number).then(|| Text::from_source(Source::Arg, number.to_string()))
}

/// A call of an API that matters.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) api: Api,
    /// `module!Name`.
    pub(crate) via: String,
    /// Address of the call.
    pub(crate) site: u32,
    pub(crate) args: Vec<Arg>,
    /// The location that is always the same, with the names that the program goes by.
    pub(crate) fixed: Option<Text>,
    /// Calls through which parameters were filled in, innermost first.
    pub(crate) through: Vec<u32>,
    /// What the function that it is in compares of its parameters.
    pub(crate) compared: Option<Rc<[(Slot, Text)]>>,
    /// The call that hands on what the command line says, when the place is believed to come from there.
    pub(crate) told_at: Option<u32>,
    /// Where the way began on which it was found, when it was found by running one.
    pub(crate) ran_from: Option<u32>,
    /// A caller seems to go another way: it is reached where what that one gives is nothing.
    pub(crate) unlikely: bool,
}

impl Event {
    /// A call of which nothing else is known.
    pub(crate) fn at(api: Api, site: u32) -> Event {
        Event {
            api,
            via: String::new(),
            site,
            args: Vec::new(),
            fixed: None,
            through: Vec::new(),
            compared: None,
            told_at: None,
            ran_from: None,
            unlikely: false,
        }
    }

    /// The call whose doing it is: where arguments came from a caller, that one's.
    pub(crate) fn done_at(&self) -> u32 {
        self.through.last().copied().unwrap_or(self.site)
    }
}

/// A byte behind a pointer that is given for a parameter: the parameter, how far behind, and the byte.
pub(crate) type Behind = (u8, i32, u8);

/// A direct call of another function of the image.
#[derive(Clone, Debug)]
pub(crate) struct InternalCall {
    pub(crate) target: u32,
    pub(crate) site: u32,
    /// Parameter number and argument.
    pub(crate) args: Vec<(u8, Arg)>,
    /// Numbers in what is passed by address: structures that say how.
    pub(crate) bytes: Vec<Behind>,
    /// Objects in the caller's frame whose addresses are passed, by their offsets.
    pub(crate) frame: Vec<i32>,
    /// What the caller compares of its own parameters.
    pub(crate) compared: Option<Rc<[(Slot, Text)]>>,
}

/// What a function returns and writes through its parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) result: Option<Arg>,
    /// The result is an address somewhere in what this place leads to.
    pub(crate) inside: Option<Slot>,
    /// The result is the length of the string at this place, whose characters are so wide.
    pub(crate) length: Option<(Slot, bool)>,
    /// Places whose buffer is filled, and with what.
    pub(crate) buffers: Vec<(Slot, Known)>,
    /// Those of them that are string objects, and how they keep it.
    pub(crate) objects: Vec<(Slot, Kept)>,
    /// Places through which a handle, a number or a pointer is written.
    pub(crate) cells: Vec<(Slot, Arg)>,
    /// What is stored in global variables.
    pub(crate) globals: Vec<(u64, Arg)>,
    /// Strings that are put together in global buffers; `true`: on some ways only.
    pub(crate) strings: Vec<(u64, Known, bool)>,
    /// Some of it depends on parameters.
    pub(crate) open: bool,
}

impl Summary {
    /// Says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.result.is_none() && self.inside.is_none() && self.length.is_none() && !self.has_effects()
    }

    /// It fills the object that its first parameter points to.
    pub(super) fn makes_object(&self) -> bool {
        let first = |slot: &Slot| slot.param == 0;
        self.buffers.iter().any(|(slot, _)| first(slot)) || self.cells.iter().any(|(slot, _)| first(slot))
    }

    /// It changes memory of its caller, or of the program.
    pub(crate) fn has_effects(&self) -> bool {
        !(self.buffers.is_empty() && self.cells.is_empty() && self.globals.is_empty() && self.strings.is_empty())
    }

    /// What it gives is made of a parameter on one way and not on another.
    pub(crate) fn is_split(&self) -> bool {
        let result = self.result.iter().chain(self.cells.iter().map(|(_, arg)| arg));
        result
            .flat_map(|arg| [Some(&arg.texts), arg.handle.as_ref().map(|handle| &handle.texts)])
            .flatten()
            .any(|texts| is_split(texts))
            || self.buffers.iter().any(|(_, known)| is_split(known.texts()))
    }

    /// Something in it depends on parameters.
    pub(crate) fn has_parameters(&self) -> bool {
        let objects = |arg: &Arg| arg.object.as_ref().is_some_and(|object| object.has_parameters());
        let arg = |arg: &Arg| arg.has_parameters() || objects(arg);
        let known = |known: &Known| known.texts().iter().any(has_parameters);
        self.result.iter().any(arg)
            || self.cells.iter().any(|(_, a)| arg(a))
            || self.globals.iter().any(|(_, a)| arg(a))
            || self.buffers.iter().any(|(_, k)| known(k))
            || self.strings.iter().any(|(_, k, _)| known(k))
    }

    /// How many objects of COM, and functions that were looked up, it returns or writes through its parameters.
    pub(crate) fn gives_objects(&self) -> usize {
        let all = self.result.iter().chain(self.cells.iter().map(|(_, arg)| arg));
        all.filter(|arg| arg.com.is_some() || arg.function.is_some()).count()
    }

    /// The same, with what a caller passes for the parameters.
    pub(crate) fn filled(&self, passed: &dyn Fn(u8) -> Option<Arg>) -> Summary {
        let known = |known: &Known| {
            if !known.texts().iter().any(has_parameters) {
                return known.clone();
            }
            let arg = Arg::of(known).filled(passed);
            Known::any(arg.texts, arg.weak)
        };
        Summary {
            result: self.result.as_ref().map(|arg| arg.filled(passed)),
            inside: self.inside,
            length: self.length,
            buffers: self.buffers.iter().map(|(slot, k)| (*slot, known(k))).collect(),
            objects: self.objects.clone(),
            cells: self.cells.iter().map(|(slot, arg)| (*slot, arg.filled(passed))).collect(),
            globals: self.globals.iter().map(|(va, arg)| (*va, arg.filled(passed))).collect(),
            strings: self.strings.iter().map(|(va, k, partial)| (*va, known(k), *partial)).collect(),
            open: self.open,
        }
    }

    /// Something in it is read from memory behind this parameter.
    pub(crate) fn mentions_behind(&self, param: u8) -> bool {
        let behind = |slot: Slot| slot.param == param && !slot.is_plain();
        let arg = |arg: &Arg| arg.is_behind(param);
        let known = |known: &Known| known.texts().iter().flat_map(parameters).any(behind);
        self.result.iter().any(arg)
            || self.cells.iter().any(|(_, a)| arg(a))
            || self.globals.iter().any(|(_, a)| arg(a))
            || self.buffers.iter().any(|(_, k)| known(k))
            || self.strings.iter().any(|(_, k, _)| known(k))
    }
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) events: Vec<Event>,
    pub(crate) calls: Vec<InternalCall>,
    pub(crate) summary: Summary,
    /// Number of the parameters on the stack that the function reads (x86).
    pub(crate) parameters: u8,
    /// Parameters whose memory it changes.
    pub(crate) written: Written,
    /// Parameters behind which it looks itself, by bit.
    pub(crate) looks: u64,
    /// Parameters that it hands on to functions of the image.
    pub(crate) given: Vec<Given>,
    /// Objects with a table of virtual functions, as the function leaves them.
    pub(crate) objects: Vec<Rc<Object>>,
    pub(crate) capped: bool,
    /// Functions, and their parameter, that are given the address that is looked for.
    pub(crate) handed: Vec<(u32, u8)>,
    /// Places through parameters where something is stored of which nothing is known.
    pub(crate) lost: Vec<Slot>,
    /// Functions that are given an object of COM, or an object that keeps one, and where it is seen from them.
    pub(crate) objects_handed: Vec<(u32, Slot, com::Object)>,
    /// Functions that are given one that was looked up by name, or an object that keeps one.
    pub(crate) functions_handed: Vec<(u32, super::super::handed::Looked)>,
    /// Functions that are given an object of Object Pascal that keeps settings.
    pub(crate) settings_handed: Vec<(u32, super::super::handed::Settings)>,
    /// It hands on a parameter with a format and the list of what follows it.
    pub(crate) formats: Option<Formats>,
    /// It makes a string object.
    pub(crate) constructs: Option<Constructs>,
    /// Texts that it compares with places that callers know.
    pub(crate) compared: Vec<(Slot, Text)>,
    /// The parameter whose flags of `_open` the function tests.
    pub(crate) flags: Option<Slot>,
    /// What is done with the files that it opens, by the call that opens each.
    pub(crate) uses: Vec<(u32, Use)>,
    /// Parameters that it compares, or looks at the bits of: a bit for the number of each.
    pub(crate) tested: u64,
}
