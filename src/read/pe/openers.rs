//! `fopen` of a runtime that is linked into the image, recognised without its name.
//!
//! Few functions take a string such as `"wb"` for their second or third argument. One that is called so more than
//! once, in an image that opens files, opens them by a mode string: the runtime's, or a library's on top of it. The
//! way from there to the function of Windows is not followed, because the runtime goes through pointers.

use super::functions::Functions;
use super::image::{Image, Section};
use super::references::References;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Mode strings that are looked for; those of one letter are too short to be told from other data.
const MODES: &[&str] =
    &["rb", "wb", "ab", "rt", "wt", "at", "r+", "w+", "a+", "rb+", "wb+", "ab+", "r+b", "w+b", "a+b"];
/// Most addresses of mode strings.
const MAX_LITERALS: usize = 4_096;
/// Furthest a call is believed to be behind the instruction that loads its mode, in bytes.
const MAX_DISTANCE: usize = 40;
/// Fewest calls with a mode string that make a function an opener: one could be chance.
const MIN_CALLS: usize = 2;

/// Could this be the mode of an open?
pub(crate) fn is_mode(text: &str) -> bool {
    let bare = text.split(',').next().unwrap_or_default();
    matches!(bare.chars().next(), Some('r' | 'w' | 'a'))
        && bare.len() <= 4
        && bare.chars().skip(1).all(|c| matches!(c, 'b' | 't' | '+' | 'D' | 'T' | 'N' | 'S' | 'R' | 'c' | 'n' | 'x'))
}

/// Functions that open files by a mode string. Only an image that opens files through Windows can have one.
pub(crate) fn find(image: &Image<'_>, functions: &Functions, references: &References) -> HashSet<u32> {
    let literals = literals(image);
    if literals.is_empty() {
        return HashSet::new();
    }
    let mut called: HashMap<u32, usize> = HashMap::new();
    for section in image.sections.iter().filter(|s| s.is_code()) {
        for target in calls_with(image, section, &literals) {
            if functions.is_start(target) && !references.thunks.contains_key(&target) {
                *called.entry(target).or_default() += 1;
            }
        }
    }
    called.into_iter().filter(|(_, votes)| *votes >= MIN_CALLS).map(|(function, _)| function).collect()
}

/// Addresses of mode strings in data that is not written.
fn literals(image: &Image<'_>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for section in image.sections.iter().filter(|s| !s.is_code() && !s.is_writable()) {
        let data = image.section_bytes(section);
        for mode in MODES {
            let narrow: Vec<u8> = [0].into_iter().chain(mode.bytes()).chain([0]).collect();
            let wide: Vec<u8> = [0, 0].into_iter().chain(mode.bytes().flat_map(|b| [b, 0])).chain([0, 0]).collect();
            for (pattern, skip) in [(narrow, 1), (wide, 2)] {
                for at in memchr::memmem::find_iter(data, &pattern) {
                    if found.len() < MAX_LITERALS {
                        found.insert(section.rva.wrapping_add((at + skip) as u32));
                    }
                }
            }
        }
    }
    found
}

/// Targets of calls shortly behind a load of one of the literals into an argument.
fn calls_with(image: &Image<'_>, section: &Section, literals: &BTreeSet<u32>) -> Vec<u32> {
    let code = image.section_bytes(section);
    let (Some(low), Some(high)) = (literals.first().copied(), literals.last().copied()) else { return Vec::new() };
    let mut targets = Vec::new();
    for (i, window) in code.windows(4).enumerate() {
        let value = window.iter().rev().fold(0u32, |sum, b| sum << 8 | u32::from(*b));
        let rva = if image.is_64() {
            section.rva.wrapping_add(i as u32 + 4).wrapping_add(value)
        } else {
            value.wrapping_sub(image.base as u32)
        };
        if rva.wrapping_sub(low) <= high - low && literals.contains(&rva) && loads_argument(image, code, i) {
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
        before(1) == [0x68] || matches!(before(4), [0xc7, 0x44, 0x24, 0x04 | 0x08])
    }
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
