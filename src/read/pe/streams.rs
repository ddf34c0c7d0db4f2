//! What the Microsoft library opens streams with (`std::_Fiopen`), where it is linked in without a name.
//!
//! It looks the mode up in a table of those that are allowed (`xfiopen.cpp`, `fiopen.cpp`), which nothing else has.

use super::Set;
use super::functions::Functions;
use super::image::Image;

/// Values of `std::ios_base::openmode` (in 1, out 2, app 8, trunc 16, binary 32) in the order of the table.
const TABLE: [u32; 14] = [1, 2, 18, 10, 33, 34, 50, 42, 3, 19, 11, 35, 51, 43];
/// Most tables: there is one for each kind of characters in the name.
const MAX_TABLES: usize = 8;
/// Longest function, in bytes, that only opens. A longer one has the opening of another inside, and other parameters.
const MAX_LENGTH: u32 = 0x300;

/// Functions that look a mode up in the table.
pub(super) fn openers(image: &Image<'_>, functions: &Functions) -> Set<u32> {
    let tables = tables(image);
    let mut found = Set::default();
    if tables.is_empty() {
        return found;
    }
    for section in image.sections.iter().filter(|s| s.is_code()) {
        let code = image.section_bytes(section);
        for (i, window) in code.windows(4).enumerate() {
            let value = window.iter().rev().fold(0u32, |sum, b| sum << 8 | u32::from(*b));
            if is_reference(image, &tables, code, i, section.rva, value)
                && let Some(function) = functions.function_of(section.rva.wrapping_add(i as u32))
                && functions.end_of(function).is_some_and(|end| end.saturating_sub(function) <= MAX_LENGTH)
            {
                found.insert(function);
            }
        }
    }
    found
}

/// Addresses of the tables. They may stand between the code.
fn tables(image: &Image<'_>) -> Vec<u32> {
    let pattern: Vec<u8> = TABLE.iter().flat_map(|mode| mode.to_le_bytes()).collect();
    let of = |section| memchr::memmem::find_iter(image.section_bytes(section), &pattern).collect::<Vec<_>>();
    let all = image.sections.iter().flat_map(|s| of(s).into_iter().map(|at| s.rva.wrapping_add(at as u32)));
    all.take(MAX_TABLES).collect()
}

/// Four bytes of code are the address of the table, or with an index scaled by four that of an entry beside the first.
fn is_reference(image: &Image<'_>, tables: &[u32], code: &[u8], i: usize, rva: u32, value: u32) -> bool {
    let number = if image.is_64() { value } else { value.wrapping_sub(image.base as u32) };
    let scaled = i.checked_sub(1).and_then(|before| code.get(before)).is_some_and(|sib| sib & 0xc0 == 0x80);
    let relative = image.is_64() && tables.contains(&rva.wrapping_add(i as u32 + 4).wrapping_add(value));
    relative || tables.contains(&number) || scaled && tables.iter().any(|table| number.abs_diff(*table) == 4)
}
