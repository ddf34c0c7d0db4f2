//! Programs written in Rust: the function of its standard library that turns a path into UTF-16.
//!
//! A path of Rust is a pointer and a length, in UTF-8 with more (WTF-8). Everything that opens, makes, moves or deletes hands
//! it to `to_u16s` first (`library/std/src/sys/pal/windows/mod.rs`), which writes the characters into a vector; what is
//! beyond the first plane becomes two surrogates (RFC 2781, section 2.1).

use super::Set;
use super::functions::Functions;
use super::image::{Image, u32_at};

/// Sources of the standard library, where whatever may panic names them.
const SOURCES: &[u8] = b"/rustc/";
/// Longest function that does nothing else.
const MAX_LENGTH: u32 = 0x600;
/// The lower ten bits of a character are in the second surrogate.
const TEN_BITS: [u8; 4] = [0xff, 0x03, 0, 0];
/// What marks a second surrogate, added or put in.
const SURROGATE: u32 = 0xdc00;
/// The same, taken off with its sign.
const NEGATIVE_SURROGATE: u32 = 0xffff_dc00;

/// Functions that turn a path into UTF-16.
pub(crate) fn encoders(image: &Image<'_>, functions: &Functions) -> Set<u32> {
    let mut found = Set::default();
    let names_sources = |section| memchr::memmem::find(image.section_bytes(section), SOURCES).is_some();
    if !image.sections.iter().filter(|section| !section.is_code()).any(names_sources) {
        return found;
    }
    for section in image.sections.iter().filter(|section| section.is_code()) {
        let code = image.section_bytes(section);
        for at in memchr::memmem::find_iter(code, &(SURROGATE as u16).to_le_bytes()) {
            let function = functions.function_of(section.rva.wrapping_add(at as u32)).filter(|_| is_put_in(code, at));
            let Some((start, end)) = function.and_then(|start| Some((start, functions.end_of(start)?))) else {
                continue;
            };
            let length = end.saturating_sub(start);
            let body = image.at(start).and_then(|bytes| bytes.get(..length.min(MAX_LENGTH) as usize));
            if length <= MAX_LENGTH && body.is_some_and(|body| memchr::memmem::find(body, &TEN_BITS).is_some()) {
                found.insert(start);
            }
        }
    }
    found
}

/// The number is put into a register: `or` or `add` (decoding compares with it, or takes it off).
fn is_put_in(code: &[u8], at: usize) -> bool {
    let wide = u32_at(code, at).is_some_and(|number| matches!(number, SURROGATE | NEGATIVE_SURROGATE));
    match at.checked_sub(2).and_then(|from| code.get(from..at)) {
        // Of two bytes, with a prefix in front; of four.
        Some([0x81, operand]) => matches!(operand, 0xc0..=0xcf),
        Some([_, 0x0d | 0x05]) => wide,
        _ => false,
    }
}
