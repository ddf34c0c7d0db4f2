//! Programs written in Go: the table of their functions, which the runtime needs and which stays in a stripped program.
//!
//! The layout is that of version 1.18 and later (`src/runtime/symtab.go` of Go: `pcHeader`, `moduledata`, `functab`,
//! `_func`). What is called is known by its name, and what the packages of the language do is their callers' doing.

use super::image::{Image, Section, u32_at, u64_at};
use super::{Map, Set};
use crate::catalog::native::{Api, find_by_name};

/// The table begins so, the byte order included: 1.20 and 1.18.
const MAGIC: [[u8; 6]; 2] = [[0xf1, 0xff, 0xff, 0xff, 0, 0], [0xf0, 0xff, 0xff, 0xff, 0, 0]];
/// Its beginnings in versions before 1.18, whose layout and whose way to pass arguments are others: 1.16 and 1.2.
const OLD_MAGIC: [[u8; 6]; 2] = [[0xfa, 0xff, 0xff, 0xff, 0, 0], [0xfb, 0xff, 0xff, 0xff, 0, 0]];
/// Most functions that are read.
const MAX_FUNCTIONS: usize = 1 << 19;
/// Most bytes of arguments and results of one function.
const MAX_FRAME: u32 = 0x400;
/// Longest name of a function.
const MAX_NAME: usize = 512;
/// Most candidates for the table that are looked at.
const MAX_TABLES: usize = 16;

/// Functions of a program.
#[derive(Default)]
pub(crate) struct GoFunctions {
    /// Addresses of all functions.
    pub(crate) starts: Vec<u32>,
    /// Functions of the language's packages that are catalogued, with their names.
    pub(crate) known: Map<u32, (Api, String)>,
    /// Bytes of the arguments and results of functions, which lie on the stack where no registers are used for them (386).
    pub(crate) frames: Map<u32, u32>,
    /// Functions of the program's own packages and of those it takes from elsewhere.
    pub(crate) own: Set<u32>,
}

impl GoFunctions {
    /// `None`: the image is not made by Go.
    pub(crate) fn of(image: &Image<'_>) -> Option<Self> {
        tables(image, &MAGIC, |section| !section.is_code()).into_iter().find_map(|table| read(image, table))
    }
}

/// What cannot be seen of a program of Go whose table was not read.
pub(crate) fn unread(image: &Image<'_>) -> Option<&'static str> {
    // The linkers of early versions put the table among the code.
    if !tables(image, &OLD_MAGIC, |_| true).is_empty() {
        return Some("made by a version of Go before 1.18: what is called of the language's packages is not seen");
    }
    let unread = || !tables(image, &MAGIC, |_| true).is_empty();
    unread().then_some("made by Go, and its table of functions cannot be read: what is called of them is not seen")
}

/// Addresses of what begins like a table.
fn tables(image: &Image<'_>, magic: &[[u8; 6]], of: impl Fn(&Section) -> bool) -> Vec<u32> {
    // The magic is followed by the quantum of instructions, the size of a pointer, and the number of functions.
    let is_table = |table: &[u8]| {
        let count = u32_at(table, 8).map_or(0, |count| count as usize);
        table.get(6..8) == Some(&[1, image.pointer_size() as u8][..]) && (1..=MAX_FUNCTIONS).contains(&count)
    };
    let mut found = Vec::new();
    for section in image.sections.iter().filter(|section| of(section)) {
        let data = image.section_bytes(section);
        for magic in magic {
            let places = memchr::memmem::find_iter(data, magic).filter(|at| data.get(*at..).is_some_and(is_table));
            found.extend(places.take(MAX_TABLES).map(|at| section.rva.wrapping_add(at as u32)));
        }
    }
    found
}

fn read(image: &Image<'_>, at: u32) -> Option<GoFunctions> {
    let table = image.at(at)?;
    let size = image.pointer_size();
    let word = |n: u32| image.pointer(at.checked_add(8 + n * size)?);
    let offset = |n: u32| word(n).and_then(|o| usize::try_from(o).ok());
    let (count, names_at) = (offset(0)?.min(MAX_FUNCTIONS), offset(3)?);
    let (names, functions) = (table.get(names_at..)?, table.get(offset(7)?..)?);
    // Since 1.26 the header says no longer where the code begins.
    let text = word(2).filter(|text| *text != 0).or_else(|| text_of_module(image, at, names_at as u64))?;
    let mut found = GoFunctions::default();
    for i in 0..count {
        let Some((entry, at)) = u32_at(functions, i * 8).zip(u32_at(functions, i * 8 + 4)) else { break };
        let Some(start) = image.rva_of(text.wrapping_add(u64::from(entry))) else { continue };
        found.starts.push(start);
        // `_func.args`, behind the entry and the name; unknown of some that are written in assembly.
        let frame = u32_at(functions, at as usize + 8).filter(|bytes| size == 4 && *bytes <= MAX_FRAME);
        found.frames.extend(frame.map(|bytes| (start, bytes)));
        if let Some(name) = u32_at(functions, at as usize + 4).and_then(|n| name_at(names, n as usize)) {
            if is_own(name) {
                found.own.insert(start);
            } else if let Some(api) = find_by_name(name).filter(|api| api.row.module == "go") {
                found.known.insert(start, (api, name.to_owned()));
            }
        }
    }
    (!found.starts.is_empty()).then_some(found)
}

/// Where the code begins, by the description of the module: its first words are the addresses of the table and of the
/// names in it.
fn text_of_module(image: &Image<'_>, table: u32, names: u64) -> Option<u64> {
    /// `moduledata.text`, behind `pcHeader`, six slices, `findfunctab`, `minpc` and `maxpc`.
    const TEXT: usize = 22;
    let size = image.pointer_size() as usize;
    let table = image.base.checked_add(u64::from(table))?;
    let word = |bytes: &[u8], n: usize| match size {
        8 => u64_at(bytes, n * 8),
        _ => u32_at(bytes, n * 4).map(u64::from),
    };
    image.sections.iter().filter(|section| !section.is_code()).find_map(|section| {
        let data = image.section_bytes(section);
        let modules = (0..data.len()).step_by(size).filter_map(|at| data.get(at..));
        let mut modules =
            modules.filter(|module| word(module, 0) == Some(table) && word(module, 1) == table.checked_add(names));
        modules.find_map(|module| word(module, TEXT))
    })
}

fn name_at(names: &[u8], at: usize) -> Option<&str> {
    let bytes = names.get(at..)?;
    let end = memchr::memchr(0, bytes.get(..MAX_NAME.min(bytes.len()))?)?;
    std::str::from_utf8(bytes.get(..end)?).ok()
}

/// Packages of the language have no dot in the first part of their path; a program's own is called `main`.
fn is_own(name: &str) -> bool {
    match name.split_once('/') {
        Some((first, _)) => first.contains('.') && !first.starts_with("type."),
        None => name.starts_with("main."),
    }
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn packages_of_the_language_are_told_apart() {
        assert!(["main.main", "main.(*store).save", "github.com/contoso/desk/store.Save"].into_iter().all(is_own));
        assert!(
            !["os.Create", "internal/poll.(*FD).Write", "runtime.main", "vendor/golang.org/x/net.F"]
                .into_iter()
                .any(is_own)
        );
    }
}
