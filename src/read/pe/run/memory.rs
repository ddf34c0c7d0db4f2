//! The memory of a run: what was written, byte by byte. What was not is what the file has, where nothing can change it.

use super::super::Map;
use super::super::code::value::{Symbol, Value};
use super::super::image::Image;
use super::word::{Word, width_of};
use std::collections::BTreeMap;
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

/// See the module. Copied at each fork, so pages are shared until they are written to.
#[derive(Clone, Default)]
pub(super) struct Memory {
    pages: Map<u64, Rc<Page>>,
    /// Symbols, and addresses that are known in part, that were stored, with their sizes.
    symbols: Rc<BTreeMap<u64, (Word, usize)>>,
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
        if let Some(page) = self.pages.get(&(at / PAGE)) {
            let place = (at % PAGE) as usize;
            if page.written[place] {
                return if page.known[place] { Byte::Known(page.bytes[place]) } else { Byte::Unknown };
            }
        }
        let constant = || {
            let rva = image.rva_of(at)?;
            image.section_of(rva).filter(|section| !section.is_writable())?;
            image.at(rva)?.first().copied()
        };
        constant().map_or(Byte::Untouched, Byte::Known)
    }

    /// Sets a byte.
    pub(super) fn set(&mut self, at: u64, byte: Option<u8>) {
        if !self.pages.contains_key(&(at / PAGE)) && self.pages.len() >= MAX_PAGES {
            return;
        }
        let new = || Rc::new(Page { bytes: [0; _], known: [false; _], written: [false; _] });
        let page = Rc::make_mut(self.pages.entry(at / PAGE).or_insert_with(new));
        let place = (at % PAGE) as usize;
        (page.bytes[place], page.known[place], page.written[place]) = (byte.unwrap_or_default(), byte.is_some(), true);
    }

    /// Stores the lowest bytes of a word.
    pub(super) fn store(&mut self, at: u64, size: usize, word: Word) {
        self.forget_symbols(at, size as u64);
        match word {
            Word::Symbol(_) | Word::Near(_) => {
                (0..size as u64).for_each(|i| self.set(at.wrapping_add(i), None));
                Rc::make_mut(&mut self.symbols).insert(at, (word, size));
            }
            Word::Bits { bits, known } => {
                for i in 0..size.min(8) {
                    self.set(at.wrapping_add(i as u64), (known >> i & 1 == 1).then_some((bits >> (i * 8)) as u8));
                }
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

    /// A word; `None`: nothing was written there, and the file does not say.
    pub(super) fn load(&self, image: &Image<'_>, at: u64, size: usize) -> Option<Word> {
        if let Some((value, stored)) = self.symbols.get(&at) {
            return Some(if *stored >= size && size >= 4 { *value } else { Word::UNKNOWN });
        }
        let (mut bits, mut known, mut touched) = (0u64, 0u8, false);
        for i in 0..size.min(8) {
            match self.byte(image, at.wrapping_add(i as u64)) {
                Byte::Known(byte) => (bits, known, touched) = (bits | u64::from(byte) << (i * 8), known | 1 << i, true),
                Byte::Unknown => touched = true,
                Byte::Untouched => {}
            }
        }
        touched.then_some(Word::Bits { bits: bits & width_of(size), known }.cut(size))
    }

    /// Something was written there.
    pub(super) fn is_written(&self, at: u64) -> bool {
        self.pages.get(&(at / PAGE)).is_some_and(|page| page.written[(at % PAGE) as usize])
    }

    /// A word, if it was written.
    pub(super) fn written_word(&self, at: u64, size: usize) -> Option<Word> {
        if let Some((value, stored)) = self.symbols.get(&at) {
            return (*stored >= size).then_some(*value);
        }
        let (mut bits, mut known) = (0u64, 0u8);
        for i in 0..size.min(8) {
            let place = at.wrapping_add(i as u64);
            let page = self.pages.get(&(place / PAGE))?;
            let place = (place % PAGE) as usize;
            if !page.written[place] {
                return None;
            }
            bits |= u64::from(page.bytes[place]) << (i * 8);
            known |= u8::from(page.known[place]) << i;
        }
        Some(Word::Bits { bits, known }.cut(size))
    }

    /// Nothing is known any more of what was written from here on without a gap.
    pub(super) fn blur_all(&mut self, at: u64) {
        /// Longest buffer.
        const MAX_BUFFER: u64 = 0x400;
        let end = (0..MAX_BUFFER).find(|i| !self.is_written(at.wrapping_add(*i))).unwrap_or(MAX_BUFFER);
        self.blur(at, end.max(1));
    }

    /// Nothing is known of these bytes any more.
    pub(super) fn blur(&mut self, at: u64, size: u64) {
        self.forget_symbols(at, size);
        (0..size).for_each(|i| self.set(at.wrapping_add(i), None));
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
