//! Texts in the memory of a run. What is not known as characters, such as a folder or the value of a variable, stands
//! there as a mark of a few control characters: programs copy it, cut before it and append behind it as they do with any
//! text, and it reads back as the hole it is as long as they leave it whole.

use super::super::code::models::objects::{find, is_forward};
use super::super::image::Image;
use super::machine::Ground;
use super::memory::{Byte, Memory};
use super::numbered::stands_in;
use crate::catalog::native::EditWord;
use crate::facts::{Hole, Part, Text};
use std::ops::Range;

/// Begins and ends a mark.
const OPEN: u32 = 2;
const CLOSE: u32 = 3;
/// The first of the sixteen digits of a mark.
const DIGIT: u32 = 0x10;
/// Most marks of one run.
const MAX_MARKS: usize = 256;
/// Longest text, in characters.
pub(super) const MAX_LENGTH: u64 = 1_024;

/// The holes that marks stand for. The first is the one of which nothing is known: what there is no room for is that.
#[derive(Default)]
pub(super) struct Marks(Vec<Hole>);

/// A text as it stands in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) text: Text,
    /// Its characters without the zero; of one that is not known whole, those before the gap.
    pub(super) units: Vec<u32>,
    /// Its end was reached.
    pub(super) whole: bool,
}

impl Marks {
    /// The characters of a text.
    pub(super) fn units(&mut self, text: &Text, wide: bool) -> Vec<u32> {
        let mut units = Vec::new();
        for part in text.parts() {
            match part {
                Part::Lit(literal) if wide => units.extend(literal.encode_utf16().map(u32::from)),
                Part::Lit(literal) => units.extend(literal.bytes().map(u32::from)),
                Part::Hole(hole) => {
                    let number = self.number(hole) as u32;
                    units.extend([OPEN, DIGIT + (number >> 4), DIGIT + (number & 15), CLOSE]);
                }
            }
        }
        units
    }

    fn number(&mut self, hole: &Hole) -> usize {
        let known = self.0.iter().position(|known| known == hole);
        known.unwrap_or_else(|| {
            if self.0.len() >= MAX_MARKS {
                return 0;
            }
            if self.0.is_empty() {
                self.0.push(Hole::Unknown);
                if *hole == Hole::Unknown {
                    return 0;
                }
            }
            self.0.push(hole.clone());
            self.0.len() - 1
        })
    }

    /// The text of characters; `None`: they are none.
    pub(super) fn text(&self, units: &[u32], wide: bool) -> Option<Text> {
        let mut text = Text::new();
        let mut run: Vec<u32> = Vec::new();
        let mut rest = units;
        let flush = |run: &mut Vec<u32>, text: &mut Text| -> Option<()> {
            if !run.is_empty() {
                text.push_lit(&characters(run, wide)?);
                run.clear();
            }
            Some(())
        };
        while let Some((first, behind)) = rest.split_first() {
            if *first >= 0x20 || matches!(*first, 9 | 10 | 13) {
                run.push(*first);
                rest = behind;
                continue;
            }
            flush(&mut run, &mut text)?;
            match rest {
                [OPEN, high @ DIGIT..=0x1f, low @ DIGIT..=0x1f, CLOSE, behind @ ..] => {
                    let number = ((high - DIGIT) << 4 | (low - DIGIT)) as usize;
                    text.push_hole(self.0.get(number).cloned().unwrap_or(Hole::Unknown));
                    rest = behind;
                }
                // Some of a mark is left: some of what it stands for.
                [OPEN | CLOSE | DIGIT..=0x1f, behind @ ..] => {
                    if text.trailing_lit() != "" || text.parts().last() != Some(&Part::Hole(Hole::Unknown)) {
                        text.push_hole(Hole::Unknown);
                    }
                    rest = behind;
                }
                _ => return None,
            }
        }
        flush(&mut run, &mut text)?;
        Some(text)
    }
}

/// Units of a mark.
pub(super) const MARK: usize = 4;

/// The places of marks in characters. The text may begin within one: what is left of that is the first.
fn marks(units: &[u32]) -> impl DoubleEndedIterator<Item = Range<usize>> {
    let cut = match units {
        [DIGIT..=0x1f, DIGIT..=0x1f, CLOSE, ..] => 3,
        [DIGIT..=0x1f, CLOSE, ..] => 2,
        [CLOSE, ..] => 1,
        _ => 0,
    };
    let is_mark = |window: &[u32]| matches!(window, [OPEN, DIGIT..=0x1f, DIGIT..=0x1f, CLOSE]);
    let whole = units.windows(MARK).enumerate().filter(move |(_, window)| is_mark(window)).map(|(at, _)| at..at + MARK);
    (cut > 0).then_some(0..cut).into_iter().chain(whole)
}

/// How many characters there are at least: what stands for something else may be empty.
pub(super) fn least(units: &[u32]) -> usize {
    units.len() - marks(units).map(|mark| mark.len()).sum::<usize>()
}

/// Some of the characters stand for something else.
pub(super) fn has_marks(units: &[u32]) -> bool {
    marks(units).next().is_some()
}

/// Some of so many characters stand for something else, be it in part.
pub(super) fn has_marks_within(units: &[u32], count: usize) -> bool {
    marks(units).any(|mark| mark.start < count)
}

/// A place is within what stands for something else.
pub(super) fn cuts_mark(units: &[u32], at: usize) -> bool {
    marks(units).any(|mark| mark.start < at && at < mark.end)
}

/// Where a search finds something, if anywhere. `None`: that depends on what the marks stand for.
pub(super) fn search(units: &[u32], sought: &[u32], how: EditWord, from: usize) -> Option<Option<usize>> {
    if sought.is_empty() || has_marks(sought) {
        return None;
    }
    let found = find(units, sought, how, from);
    let (Some(first), Some(last)) = (marks(units).next(), marks(units).next_back()) else { return Some(found) };
    let is_told = match is_forward(how) {
        true => from <= first.start && found.is_some_and(|at| at < first.start),
        // What begins before a mark may go on in it.
        false if from.saturating_add(sought.len()) <= first.start => true,
        false => from >= units.len() && found.is_some_and(|at| at >= last.end),
    };
    is_told.then_some(found)
}

/// The bytes between two addresses that stand for something else, where they are those of a text.
pub(super) fn open_bytes(memory: &Memory, image: &Image<'_>, range: Range<u64>) -> u64 {
    let of_width = |wide: bool| {
        let size = if wide { 2 } else { 1 };
        // One may begin before the range, and end behind it.
        let around = size * (MARK as u64 - 1);
        let from = range.start.saturating_sub(around);
        let count = (range.end.saturating_add(around) - from) / size;
        let known = |i: u64| match unit(memory, image, from.wrapping_add(i * size), wide) {
            Unit::Known(unit) => unit,
            _ => 0,
        };
        let units: Vec<u32> = (0..count).map(known).collect();
        let place = |of: usize| from + of as u64 * size;
        // A whole mark, which alone tells where the text is read from its middle.
        let overlaps =
            |mark: &Range<usize>| mark.len() == MARK && place(mark.start) < range.end && place(mark.end) > range.start;
        marks(&units).filter(overlaps).count() as u64 * MARK as u64 * size
    };
    match of_width(false) {
        0 => of_width(true),
        open => open,
    }
}

/// Some of the bytes at an address are of what stands for something else.
pub(super) fn is_open(memory: &Memory, image: &Image<'_>, at: u64, size: usize) -> bool {
    let may_be =
        matches!(memory.byte(image, at), Byte::Known(byte) if matches!(u32::from(byte), OPEN | CLOSE | DIGIT..=0x1f));
    may_be && open_bytes(memory, image, at..at.wrapping_add(size as u64)) > 0
}

fn characters(units: &[u32], wide: bool) -> Option<String> {
    if wide {
        let units: Vec<u16> = units.iter().map(|unit| *unit as u16).collect();
        return String::from_utf16(&units).ok();
    }
    let bytes: Vec<u8> = units.iter().map(|unit| *unit as u8).collect();
    // A code page; the characters that matter for paths are ASCII.
    Some(String::from_utf8(bytes).unwrap_or_else(|error| error.as_bytes().iter().map(|b| char::from(*b)).collect()))
}

/// One character of memory.
pub(super) fn unit(memory: &Memory, image: &Image<'_>, at: u64, wide: bool) -> Unit {
    let low = memory.byte(image, at);
    if !wide {
        return match low {
            Byte::Known(byte) => Unit::Known(u32::from(byte)),
            Byte::Unknown => Unit::Unknown,
            Byte::Untouched => Unit::Untouched,
        };
    }
    match (low, memory.byte(image, at.wrapping_add(1))) {
        (Byte::Known(low), Byte::Known(high)) => Unit::Known(u32::from(u16::from_le_bytes([low, high]))),
        (Byte::Untouched, Byte::Untouched) => Unit::Untouched,
        _ => Unit::Unknown,
    }
}

/// So many characters of memory, if all of them are known.
pub(super) fn units(memory: &Memory, image: &Image<'_>, at: u64, wide: bool, count: u64) -> Option<Vec<u32>> {
    let size = if wide { 2 } else { 1 };
    let unit = |i: u64| match unit(memory, image, at.wrapping_add(i * size), wide) {
        Unit::Known(unit) => Some(unit),
        _ => None,
    };
    (0..count).map(unit).collect()
}

/// A character of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Known(u32),
    Unknown,
    Untouched,
}

/// The text at an address, up to its zero or `most` characters; `None`: nothing of it is known, or it is none.
pub(super) fn read(
    marks: &Marks,
    memory: &Memory,
    image: &Image<'_>,
    at: u64,
    wide: bool,
    most: Option<u64>,
) -> Option<Read> {
    let size = if wide { 2 } else { 1 };
    let mut units = Vec::new();
    let mut whole = true;
    while units.len() < most.unwrap_or(MAX_LENGTH).min(MAX_LENGTH) as usize {
        match unit(memory, image, at.wrapping_add(units.len() as u64 * size), wide) {
            Unit::Known(0) => break,
            Unit::Known(unit) => units.push(unit),
            Unit::Unknown | Unit::Untouched if units.is_empty() => return None,
            _ => {
                whole = false;
                break;
            }
        }
    }
    let mut text = marks.text(&units, wide)?;
    if !whole || units.len() as u64 >= MAX_LENGTH {
        text.push_hole(Hole::Unknown);
    }
    Some(Read { text, units, whole })
}

/// Puts a mark where a text goes on, or begins, with characters of which nothing is known.
pub(super) fn settle(marks: &mut Marks, memory: &mut Memory, ground: &Ground<'_, '_>, at: u64, wide: bool) {
    if !ground.is_given(at) {
        return;
    }
    let mark = marks.units(&Text::unknown(), wide);
    let size = if wide { 2 } else { 1 };
    // What is known behind it is something else.
    let is_open = |i: u64| !matches!(unit(memory, ground.image, at.wrapping_add(i * size), wide), Unit::Known(_));
    if (0..=mark.len() as u64).all(is_open) {
        write(memory, at, &mark, wide, true);
    }
}

/// Writes characters, and a zero behind them if so.
pub(super) fn write(memory: &mut Memory, at: u64, units: &[u32], wide: bool, ended: bool) {
    let size = if wide { 2u64 } else { 1 };
    let end = ended.then_some(0);
    memory.forget_symbols(at, (units.len() as u64 + u64::from(ended)) * size);
    for (i, unit) in units.iter().copied().chain(end).enumerate() {
        let bytes = (unit as u16).to_le_bytes();
        for (j, byte) in bytes.iter().take(size as usize).enumerate() {
            memory.set(at.wrapping_add(i as u64 * size + j as u64), Some(*byte));
        }
    }
}

/// Text at an address looks wide: its first character has an empty upper half.
pub(super) fn looks_wide(memory: &Memory, image: &Image<'_>, at: u64, believed: bool) -> bool {
    let byte = |i: u64| match memory.byte(image, at.wrapping_add(i)) {
        Byte::Known(byte) => Some(byte),
        _ => None,
    };
    match (byte(0), byte(1), byte(2), byte(3)) {
        (Some(1..), Some(0), Some(1..), _) => true,
        (Some(1..), Some(0), Some(0), Some(0)) => believed,
        (Some(1..), Some(1..), ..) => false,
        _ => believed,
    }
}

/// A name has what a runtime that is linked in prints of a null pointer, which is no text of the program: those are in the
/// image as they are.
pub(super) fn says_null(image: &Image<'_>, text: &Text) -> bool {
    const NULL: &str = "(null)";
    let is_own = |name: &str| name.len() > NULL.len() && stands_in(image, name);
    let literals = text.parts().iter().filter_map(|part| match part {
        Part::Lit(literal) => Some(literal),
        Part::Hole(_) => None,
    });
    let mut names = literals.flat_map(|literal| literal.split(['\\', '/'])).filter(|name| name.contains(NULL));
    names.any(|name| !is_own(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_mark_stands_for_decides_no_search() {
        let mut marks = Marks::default();
        let units = marks.units(&Text::parse("a.b{Temp}\\c.d"), false);
        let find = |sought: &str, how, from| {
            let sought: Vec<u32> = sought.bytes().map(u32::from).collect();
            search(&units, &sought, how, from)
        };
        assert_eq!(find(".", EditWord::First, 0), Some(Some(1)));
        assert_eq!(find(".", EditWord::Last, usize::MAX), Some(Some(9)));
        assert_eq!(find("\\", EditWord::Last, usize::MAX), Some(Some(7)));
        assert_eq!(find(".", EditWord::Last, 2), Some(Some(1)));
        assert_eq!(find("z", EditWord::Last, 2), Some(None));
        // The folder may have one too, and how long it is is not known.
        assert_eq!(find("\\", EditWord::First, 0), None);
        assert_eq!(find("z", EditWord::First, 0), None);
        assert_eq!(find("a", EditWord::Last, usize::MAX), None);
        assert_eq!(find(".", EditWord::First, 8), None);
        assert_eq!(find("b\\", EditWord::Last, 2), None);
        // What begins within it is as little known.
        let rest = |from: usize, sought: char| search(&units[from..], &[u32::from(sought)], EditWord::First, 0);
        assert_eq!([4, 5, 6, 7].map(|from| rest(from, 'z')), [None, None, None, Some(None)]);
        assert_eq!([3, 4, 5, 6, 7].map(|from| least(&units[from..])), [4; 5]);
        let cut: Vec<usize> = (0..units.len()).filter(|at| cuts_mark(&units, *at)).collect();
        assert_eq!(cut, [4, 5, 6]);
    }

    #[test]
    fn a_mark_reads_back_as_its_hole_until_it_is_cut() {
        let mut marks = Marks::default();
        let text = Text::parse("{AppDir}\\a.log");
        for wide in [false, true] {
            let units = marks.units(&text, wide);
            assert_eq!(marks.text(&units, wide), Some(text.clone()));
            assert_eq!(marks.text(&units[1..], wide).expect("a text").to_string(), "{?}\\a.log");
            assert_eq!(marks.text(&units[..2], wide).expect("a text").to_string(), "{?}");
        }
    }
}
