//! String objects of the C++ library: a pointer to the characters at their start, as in libstdc++ (see
//! [`layout`](super::super::layout)), and in the Microsoft library for what is longer than fits into the object.
//!
//! Every function that changes one puts something in the place of a part of it: the catalogue says of which part, and
//! what (`edit`).

use super::super::analysis::{Engine, Origin};
use super::super::known::Known;
use super::super::layout::{LENGTH_WORDS, LIBRARY, LOCAL_WORDS};
use super::super::made::Constructs;
use super::super::spots::Spot;
use super::super::state::{Buffer, Measured};
use super::super::value::{Kind, Value};
use super::super::width::Width;
use super::super::writes::Writing;
use crate::catalog::native::{Api, EditWord, Model};
use crate::facts::Text;

/// Number of the pointer to the characters among what a call writes, behind all arguments.
pub(in super::super) const CHARACTERS: u8 = 63;
/// Number of the first string that a function of the image makes, among what its call writes, behind all fields.
pub(in super::super) const FIRST_STRING: u8 = 200;

/// How an object keeps a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its characters are UTF-16.
    pub(crate) wide: bool,
    /// Its length stands behind the pointer to the characters.
    pub(crate) counted: bool,
}

impl Engine<'_, '_> {
    pub(super) fn object_model(&mut self, api: Api, model: Model, site: u32) -> Value {
        let object = self.model_argument(api, 0);
        let second = self.model_argument(api, 1);
        let word = if self.is_64() { 8u8 } else { 4 };
        match model {
            Model::StringSet
            | Model::StringCopy
            | Model::StringAppend
            | Model::StringAdd
            | Model::StringClear
            | Model::StringEdit => self.edit_string(api, site),
            Model::StringFind => return self.find_in_string(api, site),
            Model::StringRoom => self.make_room(api, site),
            Model::StringCreate => {
                if let Some(Kind::Param(this)) = self.symbols.kind_of(object) {
                    self.creates = Some((this, api.wide));
                }
                self.rooms.insert(site, api.wide);
                return self.symbols.of(Kind::Out(site, CHARACTERS));
            }
            Model::StringConvert => {
                self.converts = true;
                return self.symbols.of(Kind::Result(site));
            }
            Model::StringRange => {
                let end = self.model_argument(api, 2);
                self.note_range(second, end);
                let known = self.text_between(second, end, api.wide);
                self.fill(object, known, api.wide);
            }
            Model::StringJoin => {
                let mut part = |position: usize| {
                    let value = self.model_argument(api, position);
                    match api.row.args.get(position).is_some_and(|n| api.row.objects.contains(n)) {
                        true => self.string_of(value, api.wide),
                        false => self.text_or_unknown(value, api.wide),
                    }
                };
                let known = part(1).then(&part(2));
                self.set_string(object, known, api, site);
            }
            Model::StringEnd => self.state.store(object, word, Value::Unknown),
            Model::StringText => {
                let known = self.string_of(object, api.wide);
                return match self.state.cell(object).map(|cell| cell.value) {
                    Some(characters) if self.text(characters, api.wide).as_ref() == Some(&known) => characters,
                    _ => self.with_origin(Kind::Result(site), Origin::Text(known)),
                };
            }
            Model::StringPointer => self.state.store(object, word, second),
            Model::StringLength => {
                let characters = self.load(object, word);
                self.state.store(object.plus(LENGTH_WORDS * i64::from(word), self.is_64()), word, second);
                if let Some(count) = self.count(second) {
                    let unit = if api.wide { 2 } else { 1 };
                    self.store(characters.plus(count as i64 * i64::from(unit), self.is_64()), unit, Value::Const(0));
                }
            }
            Model::StringSize => {
                let known = self.string_of(object, api.wide);
                let characters = self.load(object, word);
                return self.length_of_known(&known, characters, api.wide, site);
            }
            Model::StringAt => {
                let characters = self.load(object, word);
                let at = match api.row.edit() {
                    [EditWord::Last] => {
                        let known = self.string_of(object, api.wide);
                        self.length_of_known(&known, characters, api.wide, site).plus(-1, self.is_64())
                    }
                    [EditWord::End] => {
                        let known = self.string_of(object, api.wide);
                        self.length_of_known(&known, characters, api.wide, site)
                    }
                    [EditWord::First] => Value::Const(0),
                    _ => second,
                };
                return match self.count(at) {
                    Some(n) => characters.plus(n as i64 * if api.wide { 2 } else { 1 }, self.is_64()),
                    None => self.indexed(characters, characters, at, 0, if api.wide { 2 } else { 1 }),
                };
            }
            Model::StringLocal => return object.plus(LOCAL_WORDS * i64::from(word), self.is_64()),
            _ => return self.symbols.of(Kind::Result(site)),
        }
        object
    }

    /// Puts something in the place of a part of a string, as the row says.
    fn edit_string(&mut self, api: Api, site: u32) {
        let words = api.row.edit();
        let object = self.model_argument(api, 0);
        let characters = self.characters_of(object);
        let (mut begin, mut end) = (Spot::END, Spot::END);
        let mut more = Known::of(Text::new());
        let mut source = (Value::Unknown, Spot::At(0), false);
        let mut times = Some(1);
        let mut next = 0;
        for word in words {
            next += usize::from(word.takes_argument());
            let value = self.model_argument(api, next);
            match word {
                EditWord::All => begin = Spot::At(0),
                EditWord::Last => begin = Spot::BeforeEnd(1),
                EditWord::Name => begin = Spot::Separator(1),
                EditWord::Extension => begin = Spot::Dot(0),
                EditWord::Folder => more = more.map(parent),
                EditWord::At => (begin, end) = (self.spot(value, characters), self.spot(value, characters)),
                EditWord::Count => end = begin.and(self.spot(value, characters)),
                EditWord::Size => {
                    begin = self.spot(value, characters);
                    let known = self.string_of(object, api.wide);
                    // What it is made longer with is filled in later.
                    let is_longer = match (begin, known.as_lit()) {
                        (Spot::At(size), Some(text)) => size > text.len(),
                        (begin, _) => !begin.is_known(),
                    };
                    if is_longer {
                        more = Known::unknown();
                    }
                }
                EditWord::Text => {
                    source = (value, Spot::At(0), false);
                    more = self.text_or_unknown(value, api.wide);
                }
                EditWord::Object => {
                    source = (self.characters_of(value), Spot::At(0), true);
                    more = self.string_of(value, api.wide);
                }
                EditWord::From => {
                    source.1 = self.spot(value, source.0);
                    let from = source.1;
                    more = cut_at(&more, Spot::END, from);
                }
                EditWord::Length => {
                    let to = source.1.and(self.spot(value, source.0));
                    // The characters may go on behind it, or nothing ends them.
                    let whole = if source.2 { more } else { self.begun_text(source.0, value, more, api.wide) };
                    more = cut_at(&whole, to, source.1);
                }
                EditWord::Until => more = self.text_between(source.0, value, api.wide),
                EditWord::View => more = self.viewed_at(api, next),
                EditWord::Times => times = self.count(value).and_then(|n| usize::try_from(n).ok()),
                EditWord::Char => more = repeated(self.count(value), times, api.wide),
                EditWord::End
                | EditWord::Fill
                | EditWord::First
                | EditWord::FirstOf
                | EditWord::LastOf
                | EditWord::FirstNotOf
                | EditWord::LastNotOf => {}
            }
        }
        if words.first() == Some(&EditWord::Extension) {
            more = more.map(dotted);
        }
        let whole = words.first() == Some(&EditWord::All);
        let known = if whole { Known::of(Text::new()) } else { self.string_of(object, api.wide) };
        let known = known.with(&more, |text, more| begin.head(text).concat(more).concat(&end.tail(text)));
        self.set_string(object, known.guessed(!begin.is_known() || !end.is_known()), api, site);
    }

    /// The characters that a length counts: where nothing ends them, as many as there are.
    fn begun_text(&mut self, text: Value, length: Value, known: Known, wide: bool) -> Known {
        match self.count(length) {
            Some(count) if known.texts().iter().all(Text::is_unknown) => {
                self.part_of(text, Spot::At(0), Spot::At(count as usize), wide)
            }
            _ => known,
        }
    }

    /// Address of the characters of a string object.
    pub(in super::super) fn characters_of(&mut self, object: Value) -> Value {
        let size = if self.is_64() { 8 } else { 4 };
        self.load(object, size)
    }

    /// Room for more characters behind those that are there, or in the place of some: `at`, `count`, `text`, `length`.
    fn make_room(&mut self, api: Api, site: u32) {
        let object = self.model_argument(api, 0);
        if self.model_argument(api, 3) != Value::Const(0) {
            return self.edit_string(api, site);
        }
        let held = self.state.cell(object).map(|cell| cell.value);
        if !held.is_some_and(|held| self.is_given_characters(held)) {
            let known = self.string_of(object, api.wide);
            self.set_string(object, known, api, site);
        }
    }

    /// The place at which a string has something, as a number of characters.
    fn find_in_string(&mut self, api: Api, site: u32) -> Value {
        let Some((how, words)) = api.row.edit().split_first() else { return self.symbols.of(Kind::Result(site)) };
        let object = self.model_argument(api, 0);
        let characters = self.characters_of(object);
        let known = self.string_of(object, api.wide);
        let mut sought = Known::unknown();
        let mut from = Spot::Unknown;
        for (i, word) in words.iter().enumerate() {
            let value = self.model_argument(api, i + 1);
            match word {
                EditWord::Text => sought = self.text_or_unknown(value, api.wide),
                EditWord::Object => sought = self.string_of(value, api.wide),
                EditWord::Char => sought = repeated(self.count(value), Some(1), api.wide),
                EditWord::From => from = self.spot(value, characters),
                EditWord::Length => {
                    let text = self.model_argument(api, 1);
                    let spot = self.spot(value, text);
                    sought = cut_at(&sought, spot, Spot::At(0));
                }
                _ => {}
            }
        }
        let Some(sought) = sought.as_lit().filter(|sought| sought.is_ascii() && !sought.is_empty()) else {
            return self.symbols.of(Kind::Result(site));
        };
        if let (Some(text), Some(from)) = (known.as_lit().filter(|text| text.is_ascii()), from.limit()) {
            let number = match find(text.as_bytes(), sought.as_bytes(), *how, from) {
                Some(at) => at as u64,
                None => self.none(),
            };
            return self.symbols.of(Kind::Count(number));
        }
        // The last of all: it may be in what is known of the end.
        if matches!(how, EditWord::Last | EditWord::LastOf) && from == Spot::END {
            if sought.chars().all(|c| matches!(c, '\\' | '/')) {
                let at = self.symbols.of(Kind::LastSeparator(characters, api.wide));
                return self.symbols.of(Kind::Index(at));
            }
            if sought == "." {
                let at = self.symbols.of(Kind::Extension(characters, api.wide));
                return self.symbols.of(Kind::Index(at));
            }
        }
        self.symbols.of(Kind::Result(site))
    }

    /// An object whose characters are its own is given its length. Where that is the length of another string, it was made a
    /// copy of that, by code of the library that was compiled in; and where the characters are in one of two places,
    /// because there are few of them or not, they are the same in both. `false`: it is no such length.
    pub(in super::super) fn store_length(&mut self, address: Value, length: Value) -> bool {
        let (is_64, word) = (self.is_64(), if self.is_64() { 8 } else { 4 });
        let object = address.plus(-LENGTH_WORDS * word, is_64);
        let Some(held) = self.state.cell(object).map(|cell| cell.value) else { return false };
        let own = self.symbols.alternatives(held);
        let local = object.plus(LOCAL_WORDS * word, is_64);
        if own.iter().any(|value| *value != local && !self.is_given_characters(*value)) {
            return false;
        }
        // The library made the room, where there are many.
        let room = own.iter().find_map(|at| match self.symbols.kind_of(*at)? {
            Kind::Out(site, _) => self.rooms.get(&site).copied(),
            _ => None,
        });
        let source = self.measured_by(length).filter(|(text, _)| *text != held);
        let known = match source {
            Some((text, wide)) => match wide.or(room) {
                Some(wide) => self.text(text, wide).map(|known| (known, wide)),
                // Whoever reads it says how.
                None => self.text(text, Width::tried(false)).map(|known| (known, false)),
            },
            None if own.len() > 1 => room.and_then(|wide| self.text(held, wide).map(|known| (known, wide))),
            None => None,
        };
        let Some((known, wide)) = known.filter(|(known, _)| known.says()) else { return false };
        self.put_string(object, known, Kept { wide, counted: true }, Kind::Out(self.at, CHARACTERS));
        true
    }

    /// The string whose length a value is, and whether its characters are wide, where that is known.
    fn measured_by(&self, length: Value) -> Option<(Value, Option<bool>)> {
        let Value::Sym(symbol, 0) = length else { return None };
        match self.symbols.kind(symbol) {
            Kind::Length(text, wide, _) => Some((text, Some(wide))),
            Kind::Load(at) => {
                let pointer = at.plus(if self.program.image.is_64() { -8 } else { -4 }, true);
                let held =
                    self.state.cell(pointer).map(|cell| cell.value).filter(|held| self.is_given_characters(*held));
                let text = held.or_else(|| self.symbols.known(Kind::Load(pointer)))?;
                Some((text, self.state.buffer(text).and_then(|buffer| buffer.wide)))
            }
            _ => None,
        }
    }

    /// A value is the address of the characters that a string object was given by its library.
    pub(in super::super) fn is_given_characters(&self, value: Value) -> bool {
        match self.symbols.kind_of(value) {
            Some(Kind::Out(_, CHARACTERS)) => true,
            Some(Kind::Out(_, FIRST_STRING..)) => self.state.buffer(value).is_some(),
            _ => false,
        }
    }

    /// The characters of a string object, if it is known to be one.
    pub(in super::super) fn held_string(&self, object: Value, wide: bool) -> Option<Known> {
        let characters = self.state.cell(object).map(|cell| cell.value).filter(|held| self.is_given_characters(*held));
        let known = characters.and_then(|characters| self.text(characters, wide));
        known.or_else(|| self.state.buffer(object).map(|buffer| buffer.known.clone()))
    }

    /// The characters of a string object, or `{?}`.
    pub(crate) fn string_of(&mut self, object: Value, wide: bool) -> Known {
        if let Some(known) = self.held_string(object, wide) {
            return known;
        }
        let size = if self.is_64() { 8 } else { 4 };
        let characters = self.load(object, size);
        self.static_string(object, characters).unwrap_or_else(|| self.text_or_unknown(characters, wide))
    }

    /// The length of a string: a number, where each of its characters is known.
    fn length_of_known(&mut self, known: &Known, characters: Value, wide: bool, site: u32) -> Value {
        match known.as_lit().filter(|text| text.is_ascii()) {
            Some(text) => self.counted(text.len()),
            None => self.symbols.of(Kind::Length(characters, wide, site)),
        }
    }

    /// What lies between two parameters is copied to where a string has its characters.
    pub(super) fn note_range(&mut self, from: Value, to: Value) {
        if let (Some(Kind::Param(from)), Some(Kind::Param(to))) = (self.symbols.kind_of(from), self.symbols.kind_of(to))
        {
            self.copies = Some((from, to));
        }
    }

    /// A string of the library is made of what lies between two addresses, by a copy of its constructor in the image.
    pub(in super::super) fn construct_string(&mut self, made: Constructs, site: u32) {
        let (object, from, to) = (self.argument(made.this), self.argument(made.from), self.argument(made.to));
        let known = self.text_between(from, to, made.wide && !made.widens);
        self.put_string(object, known, Kept { wide: made.wide, counted: true }, Kind::Out(site, CHARACTERS));
    }

    pub(super) fn set_string(&mut self, object: Value, known: Known, api: Api, site: u32) {
        let kept = Kept { wide: api.wide, counted: api.row.module == LIBRARY };
        self.put_string(object, known, kept, Kind::Out(site, CHARACTERS));
    }

    /// Makes an object the string: its pointer, its characters, and the length where the library keeps it beside them.
    pub(in super::super) fn put_string(&mut self, object: Value, known: Known, kept: Kept, kind: Kind) {
        self.note_written(object, Writing::Text);
        let Kept { wide, counted } = kept;
        let site = match kind {
            Kind::Out(site, _) => site,
            _ => 0,
        };
        let (is_64, word) = (self.is_64(), if self.is_64() { 8 } else { 4 });
        let characters = self.symbols.of(kind);
        let object_buffer = Buffer { object: true, ..Buffer::of(known.clone()).so_wide(wide) };
        self.state.set_buffer(object, object_buffer);
        self.state.keep_and_store(object, word, characters);
        if counted {
            let length = self.length_of_known(&known, characters, wide, site);
            self.state.keep_and_store(object.plus(LENGTH_WORDS * i64::from(word), is_64), word, length);
        }
        let measured = Some(Measured { site, text: known.clone() });
        self.state.set_buffer(characters, Buffer { measured, ..Buffer::of(known).so_wide(wide) });
    }
}

/// The folder of a path ([fs.path.decompose]); that of what lies in the root is the root.
fn parent(path: &Text) -> Text {
    let folder = Spot::Separator(0).head(path);
    match folder.as_lit() {
        Some(drive) if drive.ends_with(':') => folder.concat(&"\\".into()),
        _ => folder,
    }
}

/// An extension with the dot that it begins with.
fn dotted(extension: &Text) -> Text {
    match extension.leading_lit() {
        begin if begin.starts_with('.') || extension.is_empty() => extension.clone(),
        _ => Text::lit(".").concat(extension),
    }
}

/// What each text has from one place up to another.
fn cut_at(known: &Known, end: Spot, begin: Spot) -> Known {
    let exact = begin.is_known() && end.is_known();
    known.map(|text| begin.tail(&end.head(text))).guessed(!exact)
}

/// A character, so often.
fn repeated(character: Option<u64>, times: Option<usize>, wide: bool) -> Known {
    /// Most characters of which it is worth knowing that they are the same.
    const MAX_TIMES: usize = 260;
    let most = if wide { 0xffff } else { 0x7f };
    let character = character.map(|c| c & if wide { 0xffff } else { 0xff }).filter(|c| (1..=most).contains(c));
    match (character.and_then(|c| char::from_u32(c as u32)), times) {
        (_, Some(0)) => Known::of(Text::new()),
        (Some(c), Some(times)) if times <= MAX_TIMES => Known::of(Text::lit(c.to_string().repeat(times))),
        _ => Known::unknown(),
    }
}

/// The methods of `std::basic_string` that search ([string.find]): `from` is the first place for those that look for the
/// first one, and the last for the others.
pub(crate) fn find<T: PartialEq>(text: &[T], sought: &[T], how: EditWord, from: usize) -> Option<usize> {
    let is_at = |at: usize| {
        let rest = text.get(at..).unwrap_or_default();
        let one = rest.first();
        match how {
            EditWord::First | EditWord::Last => rest.starts_with(sought),
            EditWord::FirstOf | EditWord::LastOf => one.is_some_and(|c| sought.contains(c)),
            _ => one.is_some_and(|c| !sought.contains(c)),
        }
    };
    match is_forward(how) {
        true => (from..text.len()).find(|at| is_at(*at)),
        false => (0..text.len().min(from.saturating_add(1))).rev().find(|at| is_at(*at)),
    }
}

/// It looks for the first place.
pub(crate) fn is_forward(how: EditWord) -> bool {
    matches!(how, EditWord::First | EditWord::FirstOf | EditWord::FirstNotOf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_where_the_library_finds_it() {
        let find = |sought: &str, how, from| find("C:\\a\\b.dat".as_bytes(), sought.as_bytes(), how, from);
        assert_eq!(find("\\", EditWord::Last, usize::MAX), Some(4));
        assert_eq!(find("\\", EditWord::Last, 3), Some(2));
        assert_eq!(find("\\/", EditWord::LastOf, usize::MAX), Some(4));
        assert_eq!(find("\\", EditWord::First, 3), Some(4));
        assert_eq!(find("tad", EditWord::LastNotOf, usize::MAX), Some(6));
        assert_eq!(find("x", EditWord::First, 0), None);
    }
}
