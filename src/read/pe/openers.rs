//! `fopen` of a runtime that is linked into the image, recognised without its name.
//!
//! Few functions take a string such as `"wb"` for their second or third argument. One that is called so more than
//! once, in an image that opens files, opens them by a mode string: the runtime's, or a library's on top of it. The
//! way from there to the function of Windows is not followed, because the runtime goes through pointers.

use super::functions::Functions;
use super::image::{Image, Section};
use super::references::References;
use super::scan::pointing;
use super::{Map, Set};
use std::collections::BTreeSet;

/// Mode strings that are looked for; those of one letter are too short to be told from other data.
const MODES: &[&str] =
    &["rb", "wb", "ab", "rt", "wt", "at", "r+", "w+", "a+", "rb+", "wb+", "ab+", "r+b", "w+b", "a+b"];
/// Most addresses of mode strings.
const MAX_LITERALS: usize = 4_096;
/// Furthest a call is believed to be behind the instruction that loads its mode, in bytes.
const MAX_DISTANCE: usize = 40;
/// Fewest calls with a mode string that make a function an opener: one could be chance.
const MIN_CALLS: usize = 2;

/// The flags `_O_TEXT`, `_O_WTEXT`, `_O_U16TEXT` and `_O_U8TEXT` together (`fcntl.h`): only what opens files for the
/// Microsoft runtime tests them at once.
pub(crate) const TEXT_FLAGS: u64 = 0x7_4000;
/// Most levels of callers between a runtime's functions for programs and the one that opens.
const MAX_LEVELS: usize = 7;

/// Could this be the mode of an open?
pub(crate) fn is_mode(text: &str) -> bool {
    let bare = text.split(',').next().unwrap_or_default();
    matches!(bare.chars().next(), Some('r' | 'w' | 'a'))
        && bare.len() <= 4
        && bare.chars().skip(1).all(|c| matches!(c, 'b' | 't' | '+' | 'D' | 'T' | 'N' | 'S' | 'R' | 'c' | 'n' | 'x'))
}

/// The functions of a Microsoft runtime linked into the image that decode the flags of `_open`. What they open is
/// what their callers say.
pub(crate) fn decoders(image: &Image<'_>, functions: &Functions, references: &References) -> Set<u32> {
    let mut found = Set::default();
    let mask = (TEXT_FLAGS as u32).to_le_bytes();
    for section in image.sections.iter().filter(|s| s.is_code()) {
        let code = image.section_bytes(section);
        let tests = memchr::memmem::find_iter(code, &mask);
        found.extend(tests.filter_map(|at| functions.function_of(section.rva.wrapping_add(at as u32))));
    }
    // The universal runtime decodes them in helpers of the function that opens.
    let calls = references.edges.iter().filter(|(target, _)| found.contains(target));
    let callers: Vec<u32> = calls.filter_map(|(_, from)| functions.function_of(*from)).collect();
    found.extend(callers);
    found
}

/// Functions that open files by a mode string. Only an image that opens files through Windows can have one. Of those
/// that lead to `decoders`, one call says enough.
pub(crate) fn find(image: &Image<'_>, functions: &Functions, references: &References, decoders: &Set<u32>) -> Set<u32> {
    let literals = literals(image);
    if literals.is_empty() {
        return Set::default();
    }
    let mut called: Map<u32, usize> = Map::default();
    for section in image.sections.iter().filter(|s| s.is_code()) {
        for target in calls_with(image, section, &literals).into_iter().map(|rva| image.beyond_jumps(rva)) {
            if functions.is_start(target) && !references.thunks.contains_key(&target) {
                *called.entry(target).or_default() += 1;
            }
        }
    }
    let leading = leading_to(decoders, functions, references);
    let enough = |function: &u32, votes: usize| votes >= MIN_CALLS || leading.contains(function);
    called.into_iter().filter(|(function, votes)| enough(function, *votes)).map(|(function, _)| function).collect()
}

/// Functions that call one of these, at a few removes.
fn leading_to(targets: &Set<u32>, functions: &Functions, references: &References) -> Set<u32> {
    let mut leading = Set::default();
    let mut level: Set<u32> = targets.clone();
    for _ in 0..MAX_LEVELS {
        let calls = references.edges.iter().filter(|(target, _)| level.contains(target));
        let callers: Set<u32> = calls.filter_map(|(_, from)| functions.function_of(*from)).collect();
        level = callers.into_iter().filter(|function| leading.insert(*function)).collect();
        if level.is_empty() {
            break;
        }
    }
    leading
}

/// Addresses of mode strings in data that is not written.
fn literals(image: &Image<'_>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for section in image.sections.iter().filter(|s| !s.is_code() && !s.is_writable()) {
        let data = image.section_bytes(section);
        // It starts behind the end of another, or with the section.
        for at in beginnings(data).filter(|at| is_known_mode(data, *at)).take(MAX_LITERALS - found.len()) {
            found.insert(section.rva.wrapping_add(at as u32));
        }
    }
    found
}

/// Places where one of the letters stands that modes begin with, behind a zero or nothing.
fn beginnings(data: &[u8]) -> impl Iterator<Item = usize> {
    /// Places that are looked at together.
    const PLACES: usize = 32;
    let begins = |letter: u8, before: u8| before == 0 && matches!(letter, b'r' | b'w' | b'a');
    let first = data.first().filter(|letter| begins(**letter, 0)).map(|_| 0);
    let pairs = data.windows(PLACES + 1).step_by(PLACES).enumerate();
    // Without branches, so that it becomes vector instructions; what is left at the end is looked at one by one.
    let blocks = pairs.filter(move |(_, block)| {
        let mut any = false;
        for (before, letter) in block.iter().zip(block.iter().skip(1)) {
            any |= (*before == 0) & ((*letter == b'r') | (*letter == b'w') | (*letter == b'a'));
        }
        any
    });
    let whole = data.len().saturating_sub(1) / PLACES * PLACES;
    let blocks =
        blocks.map(|(n, _)| n * PLACES..(n + 1) * PLACES).chain(std::iter::once(whole..data.len().saturating_sub(1)));
    let behind = move |i: usize| begins(*data.get(i + 1)?, *data.get(i)?).then_some(i + 1);
    first.into_iter().chain(blocks.flat_map(move |block| block.filter_map(behind)))
}

/// A mode string that is looked for begins here, narrow or wide.
fn is_known_mode(data: &[u8], at: usize) -> bool {
    let rest = data.get(at..).unwrap_or_default();
    let narrow = |mode: &&str| rest.strip_prefix(mode.as_bytes()).is_some_and(|rest| rest.first() == Some(&0));
    let units = rest.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let wide = |mode: &&str| units.clone().take(mode.len() + 1).eq(mode.bytes().chain([0]).map(u16::from));
    // A narrow text of any length may stand before it; whoever points into the middle of a wide one reads a mode too.
    MODES.iter().any(|mode| narrow(mode) || wide(mode))
}

/// Targets of calls shortly behind a load of one of the literals into an argument.
fn calls_with(image: &Image<'_>, section: &Section, literals: &BTreeSet<u32>) -> Vec<u32> {
    let code = image.section_bytes(section);
    let (Some(low), Some(high)) = (literals.first().copied(), literals.last().copied()) else { return Vec::new() };
    let mut targets = Vec::new();
    for (i, rva) in pointing(image, section, low..high.saturating_add(1)) {
        if literals.contains(&rva) && loads_argument(image, code, i) {
            targets.extend(call_behind(code, section.rva, i + 4));
        }
    }
    targets
}

/// The four bytes at `i` belong to `lea rdx`, `lea r8` (x64), `push`, or a store below the stack pointer (x86).
fn loads_argument(image: &Image<'_>, code: &[u8], i: usize) -> bool {
    let before = |n: usize| i.checked_sub(n).and_then(|start| code.get(start..i)).unwrap_or_default();
    if image.is_64() {
        // Without optimisation through rax.
        let moved = matches!(code.get(i + 4..i + 7), Some([0x48, 0x89, 0xc2] | [0x49, 0x89, 0xc0]));
        matches!(before(3), [0x48, 0x8d, 0x15] | [0x4c, 0x8d, 0x05]) || moved && before(3) == [0x48, 0x8d, 0x05]
    } else {
        // Without optimisation the place of the arguments is in a register, too: mov dword [r+4], imm32.
        let stored = matches!(before(3), [0xc7, place, 0x04 | 0x08] if place & 0xf8 == 0x40 && *place != 0x44);
        before(1) == [0x68] || matches!(before(4), [0xc7, 0x44, 0x24, 0x04 | 0x08]) || stored || is_put_there(code, i)
    }
}

/// Without optimisation the address goes through a register (x86): `lea r32, [disp32]`, and a little later
/// `mov [esp + 4 or 8], r32`.
fn is_put_there(code: &[u8], i: usize) -> bool {
    /// Furthest that it is behind, in bytes.
    const MAX_BETWEEN: usize = 8;
    let Some([0x8d, operand]) = i.checked_sub(2).and_then(|start| code.get(start..i)) else { return false };
    let register = operand & 0x38;
    let behind = code.get(i + 4..).unwrap_or_default();
    let stores = |w: &[u8]| matches!(w, [0x89, to, 0x24, 0x04 | 0x08] if *to == 0x44 | register);
    operand & 0xc7 == 0x05 && behind.windows(4).take(MAX_BETWEEN).any(stores)
}

fn call_behind(code: &[u8], rva: u32, from: usize) -> Option<u32> {
    let near = code.get(from..(from + MAX_DISTANCE).min(code.len()))?;
    let at = memchr::memchr(0xe8, near)?;
    let number = super::image::u32_at(near, at + 1)?;
    Some(rva.wrapping_add((from + at + 5) as u32).wrapping_add(number))
}

#[cfg(test)]
mod tests {
    use super::is_mode;

    #[test]
    fn modes_are_told_from_words() {
        assert!(["r", "wb", "a+", "rbN", "w, ccs=UTF-8"].iter().all(|m| is_mode(m)));
        assert!(!["", "read", "wrong", "b", "axe"].iter().any(|m| is_mode(m)));
    }
}
