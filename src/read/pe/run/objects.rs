//! String objects of C++ in the memory of a run: the pointer to their characters and their number, as GCC's library lays
//! them out (the characters of a short string lie in the object). Models change such objects as a whole; inlined code reads
//! and writes their fields.

use super::machine::{Ground, Machine};
use super::memory::Memory;
use super::texts::{self, MAX_LENGTH, Marks, Unit, looks_wide};
use super::word::{Word, size_of};
use crate::facts::Text;

/// Characters of a narrow string that fit into the object, and twice as many bytes of a wide one.
const LOCAL: usize = 15;

/// The characters of the object at an address; `None`: it is none, or they are not known.
pub(super) fn units(memory: &Memory, ground: &Ground<'_, '_>, at: u64, wide: bool) -> Option<Vec<u32>> {
    let size = size_of(ground.is_64);
    let characters = memory.written_word(at, size)?.low(size)?;
    let length = memory.written_word(at.wrapping_add(size as u64), size)?.low(size).filter(|n| *n <= MAX_LENGTH)?;
    let width = if wide { 2 } else { 1 };
    let unit = |i: u64| match texts::unit(memory, ground.image, characters.wrapping_add(i * width), wide) {
        Unit::Known(unit) => Some(unit),
        _ => None,
    };
    (0..length).map(unit).collect()
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
        machine.memory.store(at.wrapping_add(size as u64), size, Word::UNKNOWN);
    }
}

/// Makes the object at an address hold these characters: in the object where they fit.
pub(super) fn put(machine: &mut Machine, ground: &Ground<'_, '_>, at: u64, units: &[u32], wide: bool) {
    let size = size_of(ground.is_64);
    let local = at.wrapping_add(2 * size as u64);
    let fits = units.len() <= if wide { LOCAL / 2 } else { LOCAL };
    let width = if wide { 2 } else { 1 };
    let characters = if fits { local } else { machine.allocate((units.len() as u64 + 1) * width) };
    texts::write(&mut machine.memory, characters, units, wide, true);
    machine.memory.store(at, size, Word::number(characters));
    machine.memory.store(at.wrapping_add(size as u64), size, Word::number(units.len() as u64));
    if !fits {
        machine.memory.store(local, size, Word::number(units.len() as u64));
    }
}
