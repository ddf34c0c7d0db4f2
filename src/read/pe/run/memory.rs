//! The memory of a run: what was written, byte by byte. What was not is what the file has, where nothing can change it.

use super::super::Map;
use super::super::code::value::{Symbol, Value};
use super::super::image::Image;
use super::word::{Word, width_of};
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

/// Bytes of a page.
const PAGE: u64 = 256;
/// Most pages that a run may write to.
const MAX_PAGES: usize = 512;
/// Where the memory behind symbols begins, beyond all addresses that programs have.
const REGIONS: u64 = 1 << 60;
/// Bytes of the memory behind one symbol; offsets are counted from its middle.
const REGION: u64 = 1 << 32;

/// Bytes that are written.
#[derive(Clone)]
struct Page {
    bytes: [u8; PAGE as usize],
    known: [bool; PAGE as usize],
    written: [bool; PAGE as usize],
}

impl Page {
    const EMPTY: Page = Page { bytes: [0; _], known: [false; _], written: [false; _] };

    fn byte(&self, place: usize) -> Byte {
        match (self.written[place], self.known[place]) {
            (true, true) => Byte::Known(self.bytes[place]),
            (true, false) => Byte::Unknown,
            (false, _) => Byte::Untouched,
        }
    }

    fn set(&mut self, place: usize, byte: Option<u8>) {
        (self.bytes[place], self.known[place], self.written[place]) = (byte.unwrap_or_default(), byte.is_some(), true);
    }
}

/// What the file has from an address on, where nothing can change it.
fn constants<'i>(image: &'i Image<'_>, at: u64) -> Option<&'i [u8]> {
    let rva = image.rva_of(at)?;
    image.section_of(rva).filter(|section| !section.is_writable())?;
    image.at(rva)
}

/// See the module. Copied at each fork, so pages are shared until they are written to.
#[derive(Clone, Default)]
pub(super) struct Memory {
    pages: Map<u64, Rc<Page>>,
    /// Symbols, and addresses that are known in part, that were stored, with their sizes.
    symbols: Rc<BTreeMap<u64, (Word, usize)>>,
    /// Something was not written for want of room.
    pub(super) is_full: bool,
}

/// A byte of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Byte {
    Known(u8),
    /// Something that is not known was written.
    Unknown,
    /// Nothing was written yet, and the file does not say.
    Untouched,
}

impl Memory {
    /// A byte; what was not written is taken from sections that are not written to.
    pub(super) fn byte(&self, image: &Image<'_>, at: u64) -> Byte {
        match self.written_byte(at) {
            Byte::Untouched => {
                constants(image, at).and_then(|bytes| bytes.first()).map_or(Byte::Untouched, |byte| Byte::Known(*byte))
            }
            written => written,
        }
    }

    fn written_byte(&self, at: u64) -> Byte {
        self.pages.get(&(at / PAGE)).map_or(Byte::Untouched, |page| page.byte((at % PAGE) as usize))
    }

    /// Sets a byte.
    pub(super) fn set(&mut self, at: u64, byte: Option<u8>) {
        self.set_all(at, 1, |_| byte);
    }

    /// Sets some bytes, each by its distance from the first.
    pub(super) fn set_all(&mut self, at: u64, count: u64, byte: impl Fn(u64) -> Option<u8>) {
        let mut done = 0;
        while done < count {
            let from = at.wrapping_add(done);
            let place = from % PAGE;
            let here = (PAGE - place).min(count - done);
            let number = from / PAGE;
            if self.pages.len() >= MAX_PAGES && !self.pages.contains_key(&number) {
                self.is_full = true;
                return;
            }
            let page = Rc::make_mut(self.pages.entry(number).or_insert_with(|| Rc::new(Page::EMPTY)));
            for i in 0..here {
                page.set((place + i) as usize, byte(done + i));
            }
            done += here;
        }
    }

    /// Stores the lowest bytes of a word.
    pub(super) fn store(&mut self, at: u64, size: usize, word: Word) {
        self.forget_symbols(at, size as u64);
        match word {
            Word::Symbol(_) | Word::Near(_) => {
                self.set_all(at, size as u64, |_| None);
                Rc::make_mut(&mut self.symbols).insert(at, (word, size));
            }
            Word::Length { here, .. } => {
                self.set_all(at, size.min(8) as u64, |i| Some((here >> (i * 8)) as u8));
                if size >= 4 {
                    Rc::make_mut(&mut self.symbols).insert(at, (word, size));
                }
            }
            Word::Bits { bits, known } | Word::Part { bits, known } => {
                let byte = |i: u64| (known >> i & 1 == 1).then_some((bits >> (i * 8)) as u8);
                self.set_all(at, size.min(8) as u64, byte);
            }
        }
    }

    /// Symbols that were stored where something else is written now.
    pub(super) fn forget_symbols(&mut self, at: u64, size: u64) {
        if self.symbols.range(at.saturating_sub(7)..at.saturating_add(size)).next().is_none() {
            return;
        }
        let symbols = Rc::make_mut(&mut self.symbols);
        let over = symbols.range(at.saturating_sub(7)..at.saturating_add(size));
        let over: Vec<u64> = over
            .filter(|(start, (_, size))| start.saturating_add(*size as u64) > at)
            .map(|(start, _)| *start)
            .collect();
        for start in over {
            symbols.remove(&start);
        }
    }

    /// The symbol that was stored there. Of a length that is not read whole there are bytes.
    fn symbol_at(&self, at: u64, size: usize) -> Option<&(Word, usize)> {
        let is_whole = |stored: usize| stored >= size && size >= 4;
        self.symbols.get(&at).filter(|(word, stored)| !matches!(word, Word::Length { .. }) || is_whole(*stored))
    }

    /// A word; `None`: nothing was written there, and the file does not say.
    pub(super) fn load(&self, image: &Image<'_>, at: u64, size: usize) -> Option<Word> {
        if let Some((value, stored)) = self.symbol_at(at, size) {
            return Some(if *stored >= size && size >= 4 { *value } else { Word::UNKNOWN });
        }
        let (word, untouched) = self.word(at, size, |at| self.byte(image, at));
        (untouched < size.min(8)).then_some(word)
    }

    /// Something was written near these addresses.
    pub(super) fn has_pages(&self, from: u64, to: u64) -> bool {
        self.pages.keys().any(|page| (from / PAGE..=to / PAGE).contains(page))
    }

    /// Something was written there.
    pub(super) fn is_written(&self, at: u64) -> bool {
        self.pages.get(&(at / PAGE)).is_some_and(|page| page.written[(at % PAGE) as usize])
    }

    /// A word, if it was written.
    pub(super) fn written_word(&self, at: u64, size: usize) -> Option<Word> {
        if let Some((value, stored)) = self.symbol_at(at, size) {
            return (*stored >= size).then_some(*value);
        }
        let (word, untouched) = self.word(at, size, |at| self.written_byte(at));
        (untouched == 0).then_some(word)
    }

    /// The bytes of a word, and how many of them are untouched. `byte` tells those that are not all in one page.
    fn word(&self, at: u64, size: usize, byte: impl Fn(u64) -> Byte) -> (Word, usize) {
        let (mut bits, mut known, mut untouched) = (0u64, 0u8, 0);
        let place = (at % PAGE) as usize;
        let page = self.pages.get(&(at / PAGE)).filter(|_| place + 8 <= PAGE as usize);
        for i in 0..size.min(8) {
            let here = page.map_or(Byte::Untouched, |page| page.byte(place + i));
            match if here == Byte::Untouched { byte(at.wrapping_add(i as u64)) } else { here } {
                Byte::Known(byte) => (bits, known) = (bits | u64::from(byte) << (i * 8), known | 1 << i),
                Byte::Unknown => {}
                Byte::Untouched => untouched += 1,
            }
        }
        (Word::Bits { bits: bits & width_of(size), known }.cut(size), untouched)
    }

    /// Nothing is known any more of what was written from here on without a gap.
    pub(super) fn blur_all(&mut self, at: u64) {
        /// Longest buffer.
        const MAX_BUFFER: u64 = 0x400;
        let end = (0..MAX_BUFFER).find(|i| !self.is_written(at.wrapping_add(*i))).unwrap_or(MAX_BUFFER);
        self.blur(at, end.max(1));
    }

    /// Nothing is known any more of what was written, but for these addresses.
    pub(super) fn blur_outside(&mut self, own: Range<u64>) {
        for (_, page) in self.pages.iter_mut().filter(|(number, _)| !own.contains(&(**number * PAGE))) {
            Rc::make_mut(page).known = [false; _];
        }
        if self.symbols.keys().any(|at| !own.contains(at)) {
            Rc::make_mut(&mut self.symbols).retain(|at, _| own.contains(at));
        }
    }

    /// Nothing is known of these bytes any more.
    pub(super) fn blur(&mut self, at: u64, size: u64) {
        self.forget_symbols(at, size);
        self.set_all(at, size, |_| None);
    }
}

/// The symbols whose memory was looked at: each has addresses of its own.
#[derive(Default)]
pub(super) struct Regions(Vec<Symbol>);

impl Regions {
    /// Address of the memory that a symbol points to.
    pub(super) fn address(&mut self, symbol: Symbol, offset: i32) -> u64 {
        let number = self.0.iter().position(|known| *known == symbol).unwrap_or_else(|| {
            self.0.push(symbol);
            self.0.len() - 1
        });
        (REGIONS + number as u64 * REGION + REGION / 2).wrapping_add_signed(i64::from(offset))
    }

    /// The symbol and offset of an address.
    pub(super) fn value(&self, at: u64) -> Option<Value> {
        let at = at.checked_sub(REGIONS)?;
        let symbol = self.0.get(usize::try_from(at / REGION).ok()?)?;
        Some(Value::Sym(*symbol, (at % REGION) as i64 as i32 ^ i32::MIN))
    }
}
