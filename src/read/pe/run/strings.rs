//! Strings of GCC's library, done exactly on the objects that lie in the memory of a run. What each function puts where,
//! and what it looks for, the catalogue says, as it does for the analysis of whole functions.

use super::super::code::layout::{LENGTH_WORDS, LIBRARY, LOCAL_WORDS};
use super::library::Library;
use super::objects::{self, field};
use super::texts::{self, MAX_LENGTH};
use super::word::{Word, size_of};
use crate::catalog::native::{Api, EditWord, Model, Passed};

/// No position.
const NPOS: u64 = u64::MAX;

/// A function on the strings of this library.
pub(super) fn is_string(api: Api) -> bool {
    use Model as M;
    let of_strings = matches!(
        api.row.model,
        Some(
            M::StringEdit
                | M::StringJoin
                | M::StringFind
                | M::StringRoom
                | M::StringCreate
                | M::StringRange
                | M::StringLength
                | M::StringSize
                | M::StringEmpty
                | M::StringIsLocal
                | M::StringAt
                | M::StringText
                | M::StringPointer
                | M::StringLocal
                | M::StringEnd
        )
    );
    of_strings && api.row.module == LIBRARY
}

impl Library<'_, '_, '_> {
    /// A function on strings; `None`: something that it needs is not known.
    pub(super) fn string(&mut self, api: Api) -> Option<Word> {
        let size = size_of(self.ground.is_64);
        let width = if api.wide { 2 } else { 1 };
        match api.row.model? {
            Model::StringEdit => return self.edit(api),
            Model::StringJoin => return self.join(api),
            Model::StringFind => return self.search(api),
            Model::StringRoom => return self.make_room(api),
            Model::StringEnd => return Some(Word::UNKNOWN),
            Model::StringRange => {
                let (to, from, end) = (self.pointer(api, 0)?, self.pointer(api, 1)?, self.pointer(api, 2)?);
                let bytes = end.checked_sub(from).filter(|bytes| *bytes <= MAX_LENGTH * 2)?;
                super::library::copy(self.machine, self.ground, self.files, to, from, bytes);
                return Some(Word::UNKNOWN);
            }
            Model::StringCreate => {
                let at = self.pointer(api, 1)?;
                let length = self.machine.load(self.ground, self.files, at, size).low(size);
                let to = self.machine.allocate((length.filter(|n| *n <= MAX_LENGTH)? + 1) * 2);
                return Some(Word::number(to));
            }
            _ => {}
        }
        let object = self.pointer(api, 0)?;
        let length_at = field(object, LENGTH_WORDS, size);
        let characters = self.machine.load(self.ground, self.files, object, size);
        let length = self.machine.load(self.ground, self.files, length_at, size);
        Some(match api.row.model? {
            Model::StringText => characters,
            Model::StringLocal => Word::number(field(object, LOCAL_WORDS, size)),
            Model::StringPointer => {
                let at = self.passed(api, 1)?;
                self.machine.memory.store(object, size, at);
                Word::number(object)
            }
            Model::StringLength => {
                let length = self.passed(api, 1)?;
                self.machine.memory.store(length_at, size, length);
                let end = characters.low(size)?.wrapping_add(length.low(size)?.wrapping_mul(width));
                self.machine.memory.store(end, width as usize, Word::number(0));
                Word::number(object)
            }
            Model::StringSize => length,
            // Of what stands for something else it is not known whether it is empty.
            Model::StringEmpty => {
                let units = self.units_of(object, api.wide)?;
                let only_marks = !units.is_empty() && self.marks.text(&units, api.wide)?.leading_lit().is_empty();
                (!only_marks).then(|| Word::number(u64::from(units.is_empty())))?
            }
            Model::StringIsLocal => Word::number(u64::from(characters.low(size)? == field(object, LOCAL_WORDS, size))),
            Model::StringAt => {
                let n = match api.row.edit() {
                    [EditWord::First] => 0,
                    [EditWord::End] => length.low(size)?,
                    [EditWord::Last] => length.low(size)?.checked_sub(1)?,
                    _ => self.count(api, 1)?,
                };
                characters.plus(n.wrapping_mul(width) as i64, self.ground.is_64)
            }
            _ => return None,
        })
    }

    /// Puts something in the place of a part of a string, as the row says.
    fn edit(&mut self, api: Api) -> Option<Word> {
        let wide = api.wide;
        let words = api.row.edit();
        let object = self.pointer(api, 0)?;
        let old = if words.first() == Some(&EditWord::All) { Vec::new() } else { self.units_of(object, wide)? };
        let (mut begin, mut end) = (old.len(), old.len());
        let mut more = Vec::new();
        // The characters of a text that a later word says the end of.
        let mut source = None;
        let mut times = 1;
        let mut next = 0;
        for (i, word) in words.iter().enumerate() {
            next += u8::from(word.takes_argument());
            match word {
                EditWord::All | EditWord::End => {}
                EditWord::Last => begin = old.len().checked_sub(1).filter(|at| !texts::cuts_mark(&old, *at))?,
                EditWord::At => {
                    begin = self.place(api, next, &old).filter(|at| *at <= old.len())?;
                    end = begin;
                }
                EditWord::Count => {
                    let count = usize::try_from(self.count(api, next)?).unwrap_or(usize::MAX);
                    end = begin.saturating_add(count).min(old.len());
                }
                EditWord::Size => {
                    begin = self.place(api, next, &old)?;
                    more = vec![0; begin.saturating_sub(old.len()).min(MAX_LENGTH as usize)];
                    begin = begin.min(old.len());
                }
                EditWord::Fill => {
                    let letter = self.letter(api, next)?;
                    more.fill(letter);
                }
                EditWord::Text => {
                    match words.get(i + 1..)?.iter().any(|w| matches!(w, EditWord::Length | EditWord::Until)) {
                        true => source = Some(self.pointer(api, next)?),
                        false => more = self.characters(api, next)?,
                    }
                }
                EditWord::Object => more = self.held(api, next)?,
                EditWord::From => {
                    let at = self.place(api, next, &more).filter(|at| *at <= more.len())?;
                    more.drain(..at);
                }
                EditWord::Length => match source {
                    Some(at) => more = self.counted(at, self.count(api, next)?, wide)?,
                    None => {
                        let count = self.place(api, next, &more)?;
                        more.truncate(count);
                    }
                },
                EditWord::Until => {
                    let (from, until) = (source?, self.pointer(api, next)?);
                    more = self.counted(from, until.checked_sub(from)? / if wide { 2 } else { 1 }, wide)?;
                }
                EditWord::View => more = self.viewed(api, next)?,
                EditWord::Times => times = usize::try_from(self.count(api, next)?.min(MAX_LENGTH)).ok()?,
                EditWord::Char => more = vec![self.letter(api, next)?; times],
                // Parts of paths: the models know more of them.
                EditWord::Name | EditWord::Extension | EditWord::Folder => return None,
                EditWord::First | EditWord::FirstOf | EditWord::LastOf | EditWord::FirstNotOf | EditWord::LastNotOf => {
                }
            }
        }
        if texts::cuts_mark(&old, end) {
            return None;
        }
        let units = [old.get(..begin)?, &more, old.get(end..)?].concat();
        objects::put(self.machine, self.ground, object, &units, wide);
        Some(Word::number(object))
    }

    /// Two strings or texts, one behind the other.
    fn join(&mut self, api: Api) -> Option<Word> {
        let object = self.pointer(api, 0)?;
        let mut units = Vec::new();
        for n in 1..=2u8 {
            units.extend(match api.row.objects.contains(&n) {
                true => self.held(api, n)?,
                false => self.characters(api, n)?,
            });
        }
        objects::put(self.machine, self.ground, object, &units, api.wide);
        Some(Word::number(object))
    }

    /// Other memory for the characters, with room in the place of some of them: `_M_mutate`, which leaves it to its callers
    /// to set the length, and without a source to fill the room.
    fn make_room(&mut self, api: Api) -> Option<Word> {
        let size = size_of(self.ground.is_64);
        let width = if api.wide { 2u64 } else { 1 };
        let object = self.pointer(api, 0)?;
        let old = self.units_of(object, api.wide)?;
        let at = usize::try_from(self.count(api, 1)?).ok().filter(|at| *at <= old.len())?;
        let gone = usize::try_from(self.count(api, 2)?).unwrap_or(usize::MAX);
        let count = self.count(api, 4)?.min(MAX_LENGTH);
        let source = self.passed(api, 3)?;
        let new = match self.ground.address(source)? {
            0 => None,
            from => Some(self.counted(from, count, api.wide)?),
        };
        let (head, tail) = (old.get(..at)?, old.get(at.saturating_add(gone).min(old.len())..)?);
        let room = (head.len() + tail.len()) as u64 + count;
        let to = self.machine.allocate((room + 1) * width * 2);
        let (middle, behind) = (to + head.len() as u64 * width, to + (head.len() as u64 + count) * width);
        texts::write(&mut self.machine.memory, to, head, api.wide, false);
        match new {
            Some(new) => texts::write(&mut self.machine.memory, middle, &new, api.wide, false),
            None => self.machine.memory.blur(middle, count * width),
        }
        texts::write(&mut self.machine.memory, behind, tail, api.wide, false);
        self.machine.memory.store(object, size, Word::number(to));
        self.machine.memory.store(field(object, LOCAL_WORDS, size), size, Word::number(room * 2));
        Some(Word::number(object))
    }

    /// The place at which a string has something, as a number of characters.
    fn search(&mut self, api: Api) -> Option<Word> {
        let (how, words) = api.row.edit().split_first()?;
        let object = self.pointer(api, 0)?;
        let text = self.units_of(object, api.wide)?;
        let (mut sought, mut from) = (Vec::new(), 0);
        for (n, word) in (1..).zip(words) {
            match word {
                EditWord::Text if !words.contains(&EditWord::Length) => sought = self.characters(api, n)?,
                EditWord::Object => sought = self.held(api, n)?,
                EditWord::Char => sought = vec![self.letter(api, n)?],
                EditWord::From => from = usize::try_from(self.count(api, n)?).unwrap_or(usize::MAX),
                EditWord::Length => {
                    let at = self.pointer(api, 1)?;
                    sought = self.counted(at, self.count(api, n)?, api.wide)?;
                }
                _ => {}
            }
        }
        if !self.ground.is_64 && from == u32::MAX as usize {
            from = usize::MAX;
        }
        let place = texts::search(&text, &sought, *how, from)?;
        Some(Word::of(Some(place.map_or(NPOS, |place| place as u64)), size_of(self.ground.is_64)))
    }

    /// An argument of a function that the catalogue knows.
    fn passed(&self, api: Api, n: u8) -> Option<Word> {
        match api.row.passed(n, self.ground.is_64) {
            Passed::At(n) => self.arguments.get(usize::from(n)).copied(),
            // ECX.
            Passed::Object => Some(self.machine.registers[1]),
        }
    }

    /// An address.
    fn pointer(&mut self, api: Api, n: u8) -> Option<u64> {
        let word = self.passed(api, n)?;
        self.ground.address(word).filter(|at| *at > 0xffff)
    }

    /// A number as wide as a pointer.
    fn count(&self, api: Api, n: u8) -> Option<u64> {
        self.passed(api, n)?.low(size_of(self.ground.is_64))
    }

    /// A place in characters, or how many of them there are; `None`: it is within what stands for something else.
    fn place(&self, api: Api, n: u8, units: &[u32]) -> Option<usize> {
        let at = usize::try_from(self.count(api, n)?).unwrap_or(usize::MAX);
        (!texts::cuts_mark(units, at)).then_some(at)
    }

    fn letter(&self, api: Api, n: u8) -> Option<u32> {
        self.passed(api, n)?.low(if api.wide { 2 } else { 1 }).map(|letter| letter as u32)
    }

    /// Characters up to a zero.
    fn characters(&mut self, api: Api, n: u8) -> Option<Vec<u32>> {
        let at = self.pointer(api, n)?;
        let read = texts::read(self.marks, &self.machine.memory, self.ground.image, at, api.wide, None)?;
        Some(if read.whole { read.units } else { self.marks.units(&read.text, api.wide) })
    }

    /// So many characters.
    fn counted(&self, at: u64, count: u64, wide: bool) -> Option<Vec<u32>> {
        (count <= MAX_LENGTH).then(|| texts::units(&self.machine.memory, self.ground.image, at, wide, count))?
    }

    /// The characters of another string.
    fn held(&mut self, api: Api, n: u8) -> Option<Vec<u32>> {
        let at = self.pointer(api, n)?;
        self.units_of(at, api.wide)
    }

    /// Characters that are passed as a pointer together with their number: on x64 behind the number, in memory of the
    /// caller, on x86 as two arguments.
    fn viewed(&mut self, api: Api, n: u8) -> Option<Vec<u32>> {
        let size = size_of(self.ground.is_64);
        let (count, at) = if self.ground.is_64 {
            let view = self.pointer(api, n)?;
            let mut word = |at| self.machine.load(self.ground, self.files, at, size).low(size);
            (word(view)?, word(view.wrapping_add(size as u64))?)
        } else {
            (self.count(api, n)?, self.pointer(api, n + 1)?)
        };
        self.counted(at, count, api.wide)
    }

    fn units_of(&self, at: u64, wide: bool) -> Option<Vec<u32>> {
        objects::units(&self.machine.memory, self.ground, at, wide)
    }
}
