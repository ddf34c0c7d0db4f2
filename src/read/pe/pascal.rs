//! Classes of Object Pascal: what a reference to a class points to, and what its constructors are called with.
//!
//! Free Pascal begins the table of a class with the size of its objects, twice, the second time negative (its documentation:
//! "Programmer's guide", "The layout of a class"; `rtl/inc/objpash.inc`: `vmtInstanceSize`, `vmtClassName`). Delphi has a
//! pointer to the table itself in front of it (`System.pas`: `vmtSelfPtr`, `vmtClassName`).

use super::Set;
use super::image::{Image, Section};

/// Words from the table of Delphi back to the pointer to itself, and to that to the name: since version 2009, and before.
const DELPHI: [(u32, u32); 2] = [(22, 14), (19, 11)];
/// Words from the start of the table of Free Pascal to the pointer to the name, and to that to the class above.
const FREE_NAME: u32 = 3;
const FREE_PARENT: u32 = 2;
/// Words of it before the methods.
const FREE_HEADER: u32 = 12;
/// Words from the name back to the class above, in a table of Delphi: the size of objects stands between.
const PARENT_BEHIND_NAME: u32 = 2;
/// Most methods in a table.
const MAX_METHODS: u32 = 160;
/// Deepest class below the first.
const MAX_ANCESTORS: usize = 16;
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
    delphi_name(image, rva).is_some() || is_free(image, rva)
}

/// Words back to the name in the table of a class of Delphi.
fn delphi_name(image: &Image<'_>, rva: u32) -> Option<u32> {
    let word = image.pointer_size();
    let back = |words: u32| image.pointer(rva.checked_sub(words * word)?).and_then(|va| image.rva_of(va));
    let is_own = |(own, name): &(u32, u32)| {
        back(*own) == Some(rva) && back(*name).is_some_and(|at| identifier(image, at).is_some())
    };
    DELPHI.into_iter().find(is_own).map(|(_, name)| name)
}

/// It is the table of a class of Free Pascal.
pub(crate) fn is_free(image: &Image<'_>, rva: u32) -> bool {
    let word = image.pointer_size();
    let Some(size) = image.pointer(rva) else { return false };
    let negative = if word == 8 { size.wrapping_neg() } else { u64::from((size as u32).wrapping_neg()) };
    (u64::from(word)..u64::from(MAX_SIZE)).contains(&size)
        && rva.checked_add(word).and_then(|at| image.pointer(at)) == Some(negative)
        && rva
            .checked_add(FREE_NAME * word)
            .and_then(|at| image.rva_of(image.pointer(at)?))
            .is_some_and(|at| identifier(image, at).is_some())
}

/// Where the table of a class says what it is called, and what it derives from.
fn places(image: &Image<'_>, class: u32) -> Option<[u32; 2]> {
    let word = image.pointer_size();
    match delphi_name(image, class) {
        Some(name) => {
            let at = class.checked_sub(name * word)?;
            Some([at, at.checked_add(PARENT_BEHIND_NAME * word)?])
        }
        None => Some([class.checked_add(FREE_NAME * word)?, class.checked_add(FREE_PARENT * word)?]),
    }
}

/// What a class is called.
pub(crate) fn name<'a>(image: &Image<'a>, class: u32) -> Option<&'a str> {
    let [name, _] = places(image, class)?;
    identifier(image, image.rva_of(image.pointer(name)?)?)
}

/// The names of a class and of those that it derives from.
pub(crate) fn ancestors<'a>(image: &Image<'a>, class: u32, classes: &Set<u32>) -> impl Iterator<Item = &'a str> {
    let target = |at: u32| image.rva_of(image.pointer(at)?);
    let above = |class: &u32| {
        let [_, parent] = places(image, *class)?;
        // A pointer to the table, or to a pointer to it.
        let at = target(parent)?;
        if classes.contains(&at) { Some(at) } else { target(at).filter(|at| classes.contains(at)) }
    };
    let chain: Vec<u32> = std::iter::successors(Some(class), above).take(MAX_ANCESTORS).collect();
    chain.into_iter().filter_map(|class| name(image, class))
}

/// Bytes from the start of a table to the first method.
pub(crate) fn header(image: &Image<'_>, class: u32) -> u32 {
    if delphi_name(image, class).is_some() { 0 } else { FREE_HEADER * image.pointer_size() }
}

/// The methods in the table of a class: what points to code, up to the first that does not.
pub(crate) fn methods(image: &Image<'_>, class: u32) -> Vec<u32> {
    let word = image.pointer_size();
    let first = class.wrapping_add(header(image, class));
    let method = |n: u32| image.rva_of(image.pointer(first.checked_add(n * word)?)?);
    let is_code = |rva: &u32| image.section_of(*rva).is_some_and(Section::is_code);
    (0..MAX_METHODS).map_while(|n| method(n).filter(is_code)).collect()
}

/// What code refers to where it means a class: the table, or the pointer to it in front of it.
pub(crate) fn references(image: &Image<'_>, class: u32) -> impl Iterator<Item = u32> {
    let own = delphi_name(image, class)
        .and_then(|name| DELPHI.into_iter().find(|(_, other)| *other == name))
        .and_then(|(own, _)| class.checked_sub(own * image.pointer_size()));
    own.into_iter().chain(std::iter::once(class))
}

/// An identifier behind a byte with its length.
fn identifier<'a>(image: &Image<'a>, rva: u32) -> Option<&'a str> {
    let (length, rest) = image.at(rva)?.split_first()?;
    let name = rest.get(..usize::from(*length))?;
    let part =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'<' | b'>' | b',' | b'$' | b'@');
    let is_name = name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') && name.iter().all(part);
    std::str::from_utf8(name).ok().filter(|_| is_name)
}
