//! String objects of GCC's library in the memory of a run. Models change such objects as a whole; inlined code reads and
//! writes their fields.

use super::super::code::layout::{LENGTH_WORDS, LOCAL_BYTES, LOCAL_WORDS};
use super::machine::{Ground, Machine};
use super::memory::Memory;
use super::texts::{self, MAX_LENGTH, Marks, Unit, looks_wide};
use super::word::{Word, size_of};
use crate::facts::Text;

/// The characters of the object at an address; `None`: it is none, or they are not known.
pub(super) fn units(memory: &Memory, ground: &Ground<'_, '_>, at: u64, wide: bool) -> Option<Vec<u32>> {
    let size = size_of(ground.is_64);
    let characters = memory.written_word(at, size)?.low(size)?;
    let length = memory.written_word(field(at, LENGTH_WORDS, size), size)?.low(size).filter(|n| *n <= MAX_LENGTH)?;
    texts::units(memory, ground.image, characters, wide, length)
}

/// The text of the object at an address, and whether it is wide; `None`: it is none.
pub(super) fn read(marks: &Marks, memory: &Memory, ground: &Ground<'_, '_>, at: u64) -> Option<(Text, bool)> {
    let size = size_of(ground.is_64);
    let characters = memory.written_word(at, size)?.low(size).filter(|at| memory.is_written(*at))?;
    let wide = looks_wide(memory, ground.image, characters, false);
    let units = units(memory, ground, at, wide)?;
    let end = characters.wrapping_add(units.len() as u64 * if wide { 2 } else { 1 });
    let ended = texts::unit(memory, ground.image, end, wide) == Unit::Known(0);
    marks.text(&units, wide).filter(|_| ended).map(|text| (text, wide))
}

/// Makes the object at an address hold a text.
pub(super) fn write(
    machine: &mut Machine,
    marks: &mut Marks,
    ground: &Ground<'_, '_>,
    at: u64,
    text: &Text,
    wide: bool,
) {
    let units = marks.units(text, wide);
    put(machine, ground, at, &units, wide);
    // A mark has a length, what it stands for need not have the same.
    if text.is_unknown() {
        let size = size_of(ground.is_64);
        machine.memory.store(field(at, LENGTH_WORDS, size), size, Word::UNKNOWN);
    }
}

/// Makes the object at an address hold these characters: in the object where they fit.
pub(super) fn put(machine: &mut Machine, ground: &Ground<'_, '_>, at: u64, units: &[u32], wide: bool) {
    let size = size_of(ground.is_64);
    let local = field(at, LOCAL_WORDS, size);
    let width = if wide { 2 } else { 1 };
    let fits = (units.len() + 1) * width as usize <= LOCAL_BYTES;
    let characters = if fits { local } else { machine.allocate((units.len() as u64 + 1) * width) };
    texts::write(&mut machine.memory, characters, units, wide, true);
    machine.memory.store(at, size, Word::number(characters));
    machine.memory.store(field(at, LENGTH_WORDS, size), size, Word::number(units.len() as u64));
    if !fits {
        machine.memory.store(local, size, Word::number(units.len() as u64));
    }
}

/// Address of a field of an object, so many words behind its start.
pub(super) fn field(object: u64, words: i64, size: usize) -> u64 {
    object.wrapping_add_signed(words * size as i64)
}
