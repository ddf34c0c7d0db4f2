//! Classes of Object Pascal: what a reference to a class points to, and what its constructors are called with.
//!
//! Free Pascal begins the table of a class with the size of its objects, twice, the second time negative (its documentation:
//! "Programmer's guide", "The layout of a class"; `rtl/inc/objpash.inc`: `vmtInstanceSize`, `vmtClassName`). Delphi has a
//! pointer to the table itself in front of it (`System.pas`: `vmtSelfPtr`, `vmtClassName`).

use super::Set;
use super::image::Image;

/// Words from the table of Delphi back to the pointer to itself, and to that to the name: since version 2009, and before.
const DELPHI: [(u32, u32); 2] = [(22, 14), (19, 11)];
/// Words from the start of the table of Free Pascal to the pointer to the name.
const FREE_NAME: u32 = 3;
/// Largest object.
const MAX_SIZE: u32 = 1 << 20;
/// Most classes that are kept.
const MAX_CLASSES: usize = 1 << 16;
/// Bytes between two places where a table may begin.
const ALIGNMENT: usize = 4;

/// Where the tables of classes are that references point to.
pub(crate) fn classes(image: &Image<'_>) -> Set<u32> {
    let word = image.pointer_size();
    let mut found = Set::default();
    for section in image.sections.iter().filter(|section| !section.is_writable()) {
        let data = image.section_bytes(section);
        for at in (0..data.len()).step_by(ALIGNMENT) {
            let Some(number) = super::image::u32_at(data, at) else { break };
            let rva = section.rva.wrapping_add(at as u32);
            let own = (image.base as u32).wrapping_add(rva);
            let distance = number.wrapping_sub(own);
            let class = if DELPHI.iter().any(|(own, _)| own * word == distance) {
                rva.wrapping_add(distance)
            } else if (word..MAX_SIZE).contains(&number) {
                rva
            } else {
                continue;
            };
            if found.len() < MAX_CLASSES && is_class(image, class) {
                found.insert(class);
            }
        }
    }
    found
}

fn is_class(image: &Image<'_>, rva: u32) -> bool {
    let word = image.pointer_size();
    let back = |words: u32| image.pointer(rva.checked_sub(words * word)?).and_then(|va| image.rva_of(va));
    if DELPHI.iter().any(|(own, name)| back(*own) == Some(rva) && back(*name).is_some_and(|at| is_name(image, at))) {
        return true;
    }
    let Some(size) = image.pointer(rva) else { return false };
    let negative = if word == 8 { size.wrapping_neg() } else { u64::from((size as u32).wrapping_neg()) };
    (u64::from(word)..u64::from(MAX_SIZE)).contains(&size)
        && rva.checked_add(word).and_then(|at| image.pointer(at)) == Some(negative)
        && rva
            .checked_add(FREE_NAME * word)
            .and_then(|at| image.rva_of(image.pointer(at)?))
            .is_some_and(|at| is_name(image, at))
}

/// An identifier behind a byte with its length.
fn is_name(image: &Image<'_>, rva: u32) -> bool {
    let Some((length, rest)) = image.at(rva).and_then(|bytes| bytes.split_first()) else { return false };
    let name = rest.get(..usize::from(*length)).unwrap_or_default();
    let part =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'<' | b'>' | b',' | b'$' | b'@');
    name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') && name.iter().all(part)
}
