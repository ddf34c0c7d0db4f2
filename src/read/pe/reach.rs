//! Code that nothing of the image leads to: what a static library brought along and nobody calls.
//!
//! From a function the callers are followed upwards. If none of them is the entry point or an export, and no pointer to any
//! of them is found in the code or the data, nothing runs it. Pointers are looked for generously: whatever could be one
//! counts, so that only what is certainly dead is called dead.

use super::image::{Directory, Image, Section, u32_at};
use super::program::Program;
use super::{Map, Set};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;

/// Most functions that are walked through for one call.
const MAX_WALK: usize = 4_096;

/// See the module.
#[derive(Default)]
pub(crate) struct Reach {
    /// The entry point and the exports.
    entered: OnceCell<Set<u32>>,
    pointed: OnceCell<Set<u32>>,
    dead: RefCell<Map<u32, bool>>,
}

impl Reach {
    /// Nothing of the image leads to the function.
    pub(crate) fn is_dead(&self, program: &Program<'_>, function: u32) -> bool {
        // The callers of a program written in Go are not all known: its closures are called through tables.
        if program.go.is_some() || program.references.capped {
            return false;
        }
        if let Some(known) = self.dead.borrow().get(&function) {
            return *known;
        }
        let dead = self.leads_nowhere(program, function);
        self.dead.borrow_mut().insert(function, dead);
        dead
    }

    fn leads_nowhere(&self, program: &Program<'_>, function: u32) -> bool {
        let entered = self.entered.get_or_init(|| {
            let exports = program.linkage.exports.iter().map(|(_, rva)| *rva);
            exports.chain([program.image.entry]).collect()
        });
        let mut seen = Set::default();
        let mut roots = Vec::new();
        let mut work = vec![function];
        while let Some(next) = work.pop() {
            if !seen.insert(next) {
                continue;
            }
            if seen.len() > MAX_WALK || entered.contains(&next) {
                return false;
            }
            let callers = program.callers(&Set::from_iter([next]));
            if callers.is_empty() {
                roots.push(next);
            }
            work.extend(callers.into_values().flatten());
        }
        let pointed = self.pointed.get_or_init(|| pointed(program));
        let is_start = |root: &u32| {
            program.image.is_64() || program.functions.is_described(*root) || !may_be_inside(&program.image, *root)
        };
        seen.is_disjoint(pointed) && roots.iter().all(is_start)
    }
}

/// On x86 nothing says where functions begin: what seems to be the start of one may be a place within another, which runs
/// into it or jumps there.
fn may_be_inside(image: &Image<'_>, rva: u32) -> bool {
    /// Compilers align functions.
    const ALIGNMENT: u32 = 16;
    let before = rva.checked_sub(1).and_then(|at| image.at(at)).and_then(|bytes| bytes.first());
    if !rva.is_multiple_of(ALIGNMENT) || !matches!(before, Some(0xcc | 0x90 | 0xc3)) {
        return true;
    }
    let mut code = image.sections.iter().filter(|s| s.is_code());
    code.any(|section| {
        let bytes = image.section_bytes(section);
        let behind = |at: usize, length: u32| section.rva.wrapping_add(at as u32).wrapping_add(length);
        // jcc rel32: 0F 8x; jcc and jmp rel8: 7x, EB.
        let near = |(at, w): (usize, &[u8])| {
            let distance = || u32_at(w, 2).unwrap_or_default();
            let long = w[0] == 0x0f && w[1] & 0xf0 == 0x80 && behind(at, 6).wrapping_add(distance()) == rva;
            let short = (w[0] & 0xf0 == 0x70 || w[0] == 0xeb)
                && behind(at, 2).wrapping_add_signed(i32::from(w[1] as i8)) == rva;
            long || short
        };
        bytes.windows(6).enumerate().any(near)
    })
}

/// Functions that something points to: an instruction, a pointer in data, or an address relative to the image, as tables
/// of exception handlers and of guarded calls hold (PE/COFF: ".pdata", "Load Configuration").
fn pointed(program: &Program<'_>) -> Set<u32> {
    let image: &Image<'_> = &program.image;
    let mut found = taken(program, &Map::default(), &|_, _| false);
    found.extend(tabled(program));
    // The table of functions names all of them and calls none.
    let code = image.span(Section::is_code);
    let (table, size) = image.directory(Directory::Exception).unwrap_or_default();
    for section in image.sections.iter().filter(|s| image.is_64() && !s.is_code() && !s.is_discardable()) {
        let words = image.section_bytes(section).chunks_exact(4).enumerate();
        let outside = words.filter(|(i, _)| (section.rva + 4 * *i as u32).wrapping_sub(table) >= size);
        let words = outside.filter_map(|(_, word)| u32_at(word, 0)).filter(|rva| code.contains(rva));
        found.extend(words.filter(|rva| program.functions.is_start(*rva)));
    }
    found
}

/// Functions that constant data points to, such as a table of virtual functions.
pub(crate) fn tabled(program: &Program<'_>) -> Set<u32> {
    let image = &program.image;
    let code = image.span(Section::is_code);
    let constant = image.sections.iter().filter(|s| !s.is_discardable() && !s.is_code() && !s.is_writable());
    let pointed = constant.flat_map(|section| pointers(image, section));
    pointed.filter(|rva| code.contains(rva) && program.functions.is_start(*rva)).collect()
}

/// What the words of a section point to.
fn pointers<'i>(image: &'i Image<'_>, section: &Section) -> impl Iterator<Item = u32> + 'i {
    let size = image.pointer_size() as usize;
    image.section_bytes(section).chunks_exact(size).filter_map(move |word| {
        let high = if size == 8 { u64::from(u32_at(word, 4).unwrap_or_default()) << 32 } else { 0 };
        u32_at(word, 0).and_then(|low| image.rva_of(high | u64::from(low)))
    })
}

/// Functions whose address is taken, by an instruction or in data that may change: not those that only functions take
/// which are known to hand them over.
/// `spared` says of a function and the place of an instruction that it takes no address after all.
pub(crate) fn taken(
    program: &Program<'_>,
    takers: &Map<u32, BTreeSet<u32>>,
    spared: &dyn Fn(u32, u32) -> bool,
) -> Set<u32> {
    let image = &program.image;
    let code = image.span(Section::is_code);
    let mut found = Set::default();
    let mut take = |rva: u32, at: Option<u32>| {
        if !code.contains(&rva) {
            return;
        }
        let by = |at| program.functions.function_of(at);
        let known = takers.get(&rva).is_some_and(|takers| at.and_then(by).is_some_and(|by| takers.contains(&by)));
        if !known && program.functions.is_start(rva) && !at.is_some_and(|at| spared(rva, at)) {
            found.insert(rva);
        }
    };
    // Debug information names every function, and is not loaded.
    for section in image.sections.iter().filter(|s| !s.is_discardable()) {
        let bytes = image.section_bytes(section);
        if section.is_code() && image.is_64() {
            // lea r64, [rip+disp32]: REX.W 8D /r with mod 00 and rm 101.
            for (i, window) in bytes.windows(7).enumerate() {
                if window[0] & 0xf8 == 0x48
                    && window[1] == 0x8d
                    && window[2] & 0xc7 == 0x05
                    && let Some(distance) = u32_at(window, 3)
                {
                    let at = section.rva.wrapping_add(i as u32);
                    take(at.wrapping_add(7).wrapping_add(distance), Some(at));
                }
            }
        } else if section.is_code() {
            for (i, window) in bytes.windows(4).enumerate() {
                if let Some(rva) = u32_at(window, 0).and_then(|va| image.rva_of(u64::from(va))) {
                    take(rva, Some(section.rva.wrapping_add(i as u32)));
                }
            }
        } else if section.is_writable() {
            pointers(image, section).for_each(|rva| take(rva, None));
        }
    }
    found
}
