//! What is known where two ways through a function meet.
//!
//! The same string may be a text on one way and numbers on the other, written a few bytes at a time: joined one by one
//! they would say nothing, or what only one of the ways did. They become texts on both before the states are joined.

use super::cuts::{begins_with_cut_of, folder_of, without_extension};
use super::known::Known;
use super::state::{Buffer, Cell, MAX_BUFFERS, MAX_CELLS, RSP, State, Wide, constant_bytes, distance};
use super::strings::decode;
use super::table::{Joined, Table};
use super::value::{Symbols, Value};
use crate::facts::{Hole, Text};
use std::cell::RefCell;

/// Longest string that is looked for in numbers.
const MAX_TEXT: usize = 512;
/// Shortest of them, in characters: less may be any number.
const MIN_TEXT: usize = 3;
/// Most numbers that differ where two ways meet, and whose text is looked for.
const MAX_DIFFERING: usize = 32;
/// Most bytes of a number.
const MAX_NUMBER: i64 = 8;

/// The text that memory holds where a function has not written it, for what it did not write itself.
/// The width is that of what was written there on the other way, where that is known.
pub(super) type Initial<'i> = &'i dyn Fn(&Symbols, Value, Option<bool>) -> Option<Known>;

/// What a cell held before the function wrote there, where something did that may be read: not in the frame.
pub(super) type Before<'i> = &'i dyn Fn(&mut Symbols, Value) -> Option<Value>;

impl State {
    /// Joins another state into this one. `widen` gives up what still differs. A cell of the frame that came in is no
    /// change: where it was never written it is not read either.
    pub(super) fn join(
        &mut self,
        other: &State,
        symbols: &mut Symbols,
        widen: bool,
        (initial, before): (Initial<'_>, Before<'_>),
    ) -> Joined {
        let mut changed = self.join_touched(other);
        let (own_texts, other_texts) = match self.buffers.is_shared(&other.buffers) {
            true => Default::default(),
            false => (only_in(&other.buffers, self, symbols, initial), only_in(&self.buffers, other, symbols, initial)),
        };
        for (number, (a, b)) in self.registers.iter_mut().zip(other.registers).enumerate() {
            // Where ways meet, the stack is as deep on each; one on which it is not comes from a call that never returns.
            if number == RSP && matches!((*a, b), (Value::Stack(_), Value::Stack(_))) {
                continue;
            }
            let joined = merged(symbols, *a, b, widen);
            changed |= joined != *a;
            *a = joined;
        }
        let mut differing = Vec::new();
        let mut lone = Vec::new();
        let symbols_of = RefCell::new(&mut *symbols);
        let merge = |a: Value, b: Value| merged(&mut symbols_of.borrow_mut(), a, b, widen);
        let cells = self.cells.join(
            &other.cells,
            MAX_CELLS,
            |at, own, cell| {
                let value = merge(own.value, if own.size == cell.size { cell.value } else { Value::Unknown });
                if own.value != cell.value && own.value.number().is_some() && cell.value.number().is_some() {
                    differing.push((at, *own));
                }
                (value != own.value).then_some(Cell { value, ..*own })
            },
            |at, cell| {
                let symbols = &mut symbols_of.borrow_mut();
                let held = before(symbols, at)?;
                let value = symbols.join(cell.value, held);
                if cell.value.number().is_some() {
                    lone.push((at, *cell));
                }
                (value != cell.value).then_some(Cell { value, ..*cell })
            },
        );
        for (a, b) in self.wide.iter_mut().zip(&other.wide) {
            if *a != *b && *a != Wide::Unknown {
                *a = Wide::Unknown;
                changed = true;
            }
        }
        for (at, known) in own_texts {
            self.buffers.set(at, Buffer::of(known), MAX_BUFFERS);
            changed = true;
        }
        let mut others = other.buffers.clone();
        for (at, known) in other_texts {
            others.set(at, Buffer::of(known), MAX_BUFFERS);
        }
        let buffers = self.buffers.join(
            &others,
            MAX_BUFFERS,
            |at, own, buffer| {
                let joined = joined(own, buffer, symbols, at, widen)?;
                (joined != *own).then_some(joined)
            },
            |at, buffer| {
                let partial = matches!(at, Value::Const(_)) && !buffer.object;
                (partial && !buffer.partial).then(|| Buffer { partial, ..buffer.clone() })
            },
        );
        for (at, known) in differing_texts(&self.cells, &other.cells, &differing) {
            if self.buffers.get(at).is_none() {
                self.buffers.set(at, Buffer::of(known), MAX_BUFFERS);
                changed = true;
            }
        }
        for (at, buffer) in lone_texts(&lone, symbols, initial) {
            if self.buffers.get(at).is_none() {
                self.set_buffer(at, buffer);
                changed = true;
            }
        }
        Joined { changed: changed || cells.changed || buffers.changed || buffers.came, came: cells.came }
    }
}

/// One value for two ways.
fn merged(symbols: &mut Symbols, a: Value, b: Value, widen: bool) -> Value {
    match a == b {
        true => a,
        false if widen => symbols.widen(a, b),
        false => symbols.join(a, b),
    }
}

/// One buffer for two ways; `None`: it is the same on both.
fn joined(own: &Buffer, other: &Buffer, symbols: &Symbols, at: Value, widen: bool) -> Option<Buffer> {
    if own == other {
        return None;
    }
    if own.known == other.known && own.tail == other.tail {
        return Some(Buffer { measured: None, partial: own.partial || other.partial, ..own.clone() });
    }
    let (one, two) = (whole(own), whole(other));
    let known = match separated(&one, &two) {
        // A separator was added where there was none.
        Some(known) if symbols.asked_for_last(at) => known,
        _ if widen => Known::unknown(),
        // It was added on one way, and nothing says when.
        Some(known) => known.guessed(true),
        // It was cut where a search found something: on the other way there was nothing to cut.
        None if symbols.searched(at) && is_cut(&one, &two) => one,
        None if symbols.searched(at) && is_cut(&two, &one) => two,
        None => one.or(&two),
    };
    let wide = own.wide.filter(|_| own.wide == other.wide);
    let (object, partial) = (own.object && other.object, own.partial || other.partial);
    Some(Buffer { object, partial, ..Buffer::of(known).so_wide(wide) })
}

/// Strings of one state that are not texts in the other, but known there all the same.
fn only_in(buffers: &Table<Buffer>, other: &State, symbols: &Symbols, initial: Initial<'_>) -> Vec<(Value, Known)> {
    let mut found = Vec::new();
    for (at, buffer) in buffers.iter().filter(|(at, _)| other.buffers.get(**at).is_none()) {
        let numbers = other.constant_bytes(*at, MAX_TEXT);
        let known = match text_of(&numbers) {
            Some(text) => Some(Known::of(Text::lit(text))),
            None if numbers.is_empty() && !buffer.object && other.cells.get(*at).is_none() => {
                initial(symbols, *at, buffer.wide)
            }
            None => None,
        };
        found.extend(known.map(|known| (*at, known)));
    }
    found
}

/// Strings that were written as numbers on both ways, and differ at these places. `own` is joined already: what was there
/// before is given.
fn differing_texts(own: &Table<Cell>, other: &Table<Cell>, differing: &[(Value, Cell)]) -> Vec<(Value, Known)> {
    let mut found: Vec<(Value, Known)> = Vec::new();
    for (at, _) in differing.iter().take(MAX_DIFFERING) {
        let start = start_of_text(other, *at);
        if found.iter().any(|(known, _)| *known == start) {
            continue;
        }
        let before = |at: Value| match differing.binary_search_by(|(place, _)| place.cmp(&at)) {
            Ok(place) => differing.get(place).map(|(_, cell)| *cell),
            Err(_) => own.get(at).copied(),
        };
        let text = |bytes: Vec<u8>| text_of(&bytes).filter(|text| text.len() >= MIN_TEXT);
        let one = text(constant_bytes(before, start, MAX_TEXT));
        let two = text(constant_bytes(|at| other.get(at).copied(), start, MAX_TEXT));
        if let (Some(one), Some(two)) = (one, two)
            && one != two
        {
            found.push((start, Known::of(Text::lit(one)).or(&Known::of(Text::lit(two)))));
        }
    }
    found
}

/// Strings that were written as numbers on one way only, over what was there before. `lone` is sorted in parts.
fn lone_texts(lone: &[(Value, Cell)], symbols: &Symbols, initial: Initial<'_>) -> Vec<(Value, Buffer)> {
    let mut found: Vec<(Value, Buffer)> = Vec::new();
    let mut sorted: Vec<(Value, Cell)> = Vec::new();
    for (at, cell) in lone.iter().take(MAX_DIFFERING * 4) {
        sorted.push((*at, *cell));
    }
    sorted.sort_unstable_by_key(|(at, _)| *at);
    let cell = |at: Value| sorted.binary_search_by(|(place, _)| place.cmp(&at)).ok().and_then(|i| sorted.get(i));
    for (n, (at, own)) in sorted.iter().enumerate() {
        // It begins where no other number ends.
        let before = n.checked_sub(1).and_then(|n| sorted.get(n));
        if before.is_some_and(|(place, cell)| place.plus(i64::from(cell.size), true) == *at)
            || !own.value.number().is_some_and(|n| begins_with_characters(n, own.size) && !symbols.is_data(n))
        {
            continue;
        }
        let bytes = constant_bytes(|at| cell(at).map(|(_, cell)| *cell), *at, MAX_TEXT);
        let Some(text) = text_of(&bytes).filter(|text| text.len() >= MIN_TEXT) else { continue };
        let wide = bytes.get(1) == Some(&0);
        let known = Known::of(Text::lit(text));
        let held = initial(symbols, *at, Some(wide));
        let partial = held.is_none();
        let known = held.map_or_else(|| known.clone(), |held| known.or(&held));
        found.push((*at, Buffer { partial, ..Buffer::of(known).so_wide(wide) }));
    }
    found
}

/// The first bytes of a number are characters of a text in either width.
fn begins_with_characters(number: u64, size: u8) -> bool {
    holds_characters(number & 0xffff, size.min(2))
}

/// The first of the numbers up to the one at or around this address that hold nothing but characters, one behind the other.
pub(super) fn start_of_text(cells: &Table<Cell>, at: Value) -> Value {
    let around = cells.range(at.plus(-MAX_NUMBER, true), at.plus(1, true)).last();
    let reaches = |(place, cell): &(&Value, &Cell)| distance(**place, at).is_some_and(|n| n < i64::from(cell.size));
    let mut start = around.filter(reaches).map_or(at, |(place, _)| *place);
    for _ in 0..MAX_TEXT {
        let before = cells.range(start.plus(-MAX_NUMBER, true), start).last();
        let Some((place, Cell { size, value: Value::Const(number) })) = before else { break };
        if place.plus(i64::from(*size), true) != start || !holds_characters(*number, *size) {
            break;
        }
        start = *place;
    }
    start
}

/// All bytes are characters, or each second one is.
fn holds_characters(number: u64, size: u8) -> bool {
    let bytes = number.to_le_bytes();
    let bytes = bytes.get(..usize::from(size.min(8))).unwrap_or_default();
    let is_character = |b: &u8| b.is_ascii_graphic() || *b == b' ';
    bytes.iter().all(is_character)
        || size >= 2 && bytes.chunks(2).all(|pair| is_character(&pair[0]) && pair.get(1) == Some(&0))
}

/// Text in either width.
fn text_of(bytes: &[u8]) -> Option<String> {
    let wide = (bytes.get(1) == Some(&0)).then(|| decode(bytes, true)).flatten();
    wide.filter(|text| !text.is_empty()).or_else(|| decode(bytes, false))
}

/// A buffer's text with the bytes that were stored behind it.
fn whole(buffer: &Buffer) -> Known {
    if buffer.tail.is_empty() {
        return buffer.known.clone();
    }
    let wide = buffer.wide.unwrap_or(buffer.tail.get(1) == Some(&0));
    let tail = wide.then(|| decode(&buffer.tail, true)).flatten().or_else(|| decode(&buffer.tail, false));
    buffer.known.then(&Known::of(tail.map_or_else(|| Text::hole(Hole::Unknown), Text::lit)))
}

/// A path without its last component or its extension.
fn is_cut(cut: &Known, whole: &Known) -> bool {
    let cuts: [&dyn Fn(&Text) -> Text; 3] = [&|t| folder_of(t, false), &|t| folder_of(t, true), &without_extension];
    cuts.iter().any(|change| whole.map(change).texts() == cut.texts())
        // Something may have been put behind what is left of a parameter.
        || match (cut.texts(), whole.texts()) {
            ([cut], [whole]) => begins_with_cut_of(cut, whole),
            _ => false,
        }
}

/// The text with a separator at its end, when two texts differ only in that.
fn separated(a: &Known, b: &Known) -> Option<Known> {
    let ends = |text: &Text| text.trailing_lit().ends_with(['\\', '/']);
    let closed =
        |known: &Known| known.map(|text| if ends(text) { text.clone() } else { text.clone().concat(&Text::lit("\\")) });
    let (first, second) = (closed(a), closed(b));
    (a.texts() != b.texts() && first.texts() == second.texts()).then_some(first.guessed(b.weak))
}
