//! Strings: in the image, in frames, in buffers.

use super::super::image::{Image, MAX_STRING};
use super::analysis::Engine;
use super::known::Known;
use super::models::objects::CHARACTERS;
use super::state::{Buffer, Cell, ENDED};
use super::value::{Kind, Value};
use super::width::Width;
use crate::facts::Text;
use std::ops::Range;

/// Fewest characters of a text that is stored as numbers in memory that a call gave.
const MIN_STORED: usize = 3;
/// The same, of one in a variable of the program: fewer are numbers more often.
const MIN_VARIABLE: usize = 4;
/// Deepest nesting of symbols that is followed for a string.
const MAX_DEPTH: u8 = 6;

/// A text that was stored as numbers in a variable of the program.
pub(super) struct Stored {
    pub(super) place: Range<u64>,
    pub(super) known: Known,
    /// On some ways only.
    pub(super) partial: bool,
}

impl Engine<'_, '_> {
    /// Texts among what the function stores in variables of the program, in the order of their addresses.
    pub(super) fn stored_texts(&mut self, written: &[(Value, Cell)]) -> Vec<Stored> {
        let mut texts: Vec<Stored> = Vec::new();
        for (n, (at, _)) in written.iter().enumerate() {
            let start = at.number().filter(|va| self.is_variable(*va));
            let Some(start) = start.filter(|va| texts.last().is_none_or(|last| last.place.end <= *va)) else {
                continue;
            };
            let (mut bytes, mut partial) = (Vec::new(), false);
            for (at, cell) in written.get(n..).unwrap_or_default() {
                if *at != Value::Const(start.wrapping_add(bytes.len() as u64)) || bytes.len() > MAX_STRING {
                    break;
                }
                let before = self.symbols.known(Kind::Load(*at));
                let (value, on_some) = self.symbols.stored(cell.value, before);
                let Value::Const(number) = value else { break };
                bytes.extend(number.to_le_bytes().into_iter().take(usize::from(cell.size)));
                partial |= on_some;
            }
            // Addresses side by side look like wide characters, but not of ASCII.
            let is_text = |text: &String| text.is_ascii() && text.len() >= MIN_VARIABLE;
            let text = |wide| decode(&bytes, wide).filter(is_text);
            if let Some(text) = text(false).or_else(|| text(true)) {
                let place = start..start.wrapping_add(bytes.len() as u64);
                texts.push(Stored { place, known: Known::of(Text::lit(text)), partial });
            }
        }
        texts
    }

    /// The string at a value. `None`: it is not known to be one.
    pub(crate) fn text(&self, value: Value, width: impl Into<Width>) -> Option<Known> {
        self.text_at(value, width.into(), 0)
    }

    /// The string at a value, or `{?}`.
    pub(crate) fn text_or_unknown(&self, value: Value, width: impl Into<Width>) -> Known {
        self.text(value, width).unwrap_or_else(Known::unknown)
    }

    fn text_at(&self, value: Value, width: Width, depth: u8) -> Option<Known> {
        let wide = width.wide;
        if depth > MAX_DEPTH {
            return None;
        }
        self.note_rows(value);
        let value = self.this_row(value);
        if let Some(buffer) = self.state.buffer(value) {
            return Some(with_tail(buffer, wide));
        }
        match value {
            Value::Unknown => None,
            // A literal of Go has no end: its length stands beside the pointer.
            Value::Const(_) if self.is_go() => None,
            Value::Const(address) => {
                let rva = self.program.image.rva_of(address)?;
                let Some(text) = literal(&self.program.image, rva, wide) else {
                    return self.program.global_string(address, self.depth);
                };
                let known = Known::of(Text::lit(text));
                // What functions put there since is as possible.
                match self.program.overwritten(rva, address, self.depth) {
                    Some(written) => Some(known.or(&written)),
                    None => Some(known),
                }
            }
            Value::Stack(_) => {
                let bytes = self.state.constant_bytes(value, MAX_STRING);
                if let Some(text) = decode(&bytes, wide) {
                    return Some(Known::of(Text::lit(text)));
                }
                // What was written as numbers may go on in a buffer.
                let rest = self.state.buffer(value.plus(bytes.len() as i64, true)).filter(|_| !bytes.is_empty())?;
                let head = decode(&[&bytes[..], &[0; 2]].concat(), wide)?;
                Some(Known::of(Text::lit(head)).then(&with_tail(rest, wide)))
            }
            Value::Sym(symbol, offset) => {
                if offset == 0
                    && let Some(text) = self.origin_text(symbol)
                {
                    return Some(text);
                }
                match self.symbols.kind(symbol) {
                    // Memory that a call gave, and that was filled with numbers.
                    Kind::Result(_) | Kind::Out(_, CHARACTERS) if self.begins_with_number(value) => {
                        let bytes = self.state.constant_bytes(value, MAX_STRING);
                        decode(&bytes, wide)
                            .filter(|text| text.len() >= MIN_STORED)
                            .map(|text| Known::of(Text::lit(text)))
                    }
                    Kind::Choice(_) if offset == 0 => {
                        let mut texts = self
                            .symbols
                            .alternatives(value)
                            .into_iter()
                            .filter(|v| *v != Value::Const(0) && !self.is_unset(*v))
                            .map(|v| self.text_at(v, width, depth + 1));
                        let first = texts.next()??;
                        texts.try_fold(first, |all, next| Some(all.or(&next?)))
                    }
                    // The characters of a string object are behind the pointer at its start.
                    Kind::Load(object) if offset == 0 && self.state.buffer(object).is_some_and(|b| b.known.weak) => {
                        self.state.buffer(object).map(|b| b.known.clone())
                    }
                    Kind::Load(Value::Const(va)) if offset == 0 => {
                        let arg = self.program.global(va, self.depth)?.read(width.said.then_some(wide));
                        let weak = arg.weak || self.is_touched(value);
                        (!arg.texts.is_empty()).then(|| Known::any(arg.texts, weak))
                    }
                    Kind::Param(_) | Kind::Load(_) => {
                        let text = self.slot(value)?.read(width);
                        Some(Known::of(self.since_touched(value, text)))
                    }
                    Kind::LastSeparator(buffer, _) => {
                        let whole = self.text_at(buffer, width, depth + 1)?;
                        let separated = whole.texts().iter().all(|t| t.trailing_lit().contains(['\\', '/']));
                        let name =
                            |t: &Text| Text::lit(t.trailing_lit().rsplit(['\\', '/']).next().unwrap_or_default());
                        (separated && offset > 0).then(|| whole.map(name))
                    }
                    _ => None,
                }
            }
        }
    }

    /// The alternatives of a string, each on its own.
    pub(crate) fn texts(&self, value: Value, width: impl Into<Width>) -> (Vec<Text>, bool) {
        let width = width.into();
        let mut texts = Vec::new();
        let mut weak = false;
        let alternatives = self.symbols.alternatives(value);
        for alternative in alternatives {
            if alternative == Value::Const(0) || alternatives.len() > 1 && self.is_unset(alternative) {
                continue;
            }
            match self.text(alternative, width) {
                Some(known) => {
                    weak |= known.weak;
                    for text in known.texts() {
                        if !texts.contains(text) {
                            texts.push(text.clone());
                        }
                    }
                }
                None if alternatives.len() == 1 => break,
                None if texts.contains(&Text::unknown()) => {}
                None => texts.push(Text::unknown()),
            }
        }
        if texts.iter().all(Text::is_unknown) {
            texts.clear();
        }
        (texts, weak)
    }
}

/// A buffer's text with the bytes stored behind it.
pub(super) fn with_tail(buffer: &Buffer, wide: bool) -> Known {
    // What was stored further behind does not belong to it: the second zero of a list, for one.
    if buffer.tail.first() == Some(&ENDED) {
        return buffer.known.clone();
    }
    match decode(&buffer.tail, buffer.wide.unwrap_or(wide)) {
        Some(tail) => buffer.known.then(&Known::of(Text::lit(tail))),
        None if buffer.tail.is_empty() => buffer.known.clone(),
        None => buffer.known.then(&Known::unknown()),
    }
}

/// Bytes up to a zero character as text; `None` when there is no end or it is not text.
pub(crate) fn decode(bytes: &[u8], wide: bool) -> Option<String> {
    let text = if wide {
        let all = bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]]));
        let end = all.clone().position(|unit| unit == 0)?;
        let units: Vec<u16> = all.take(end).collect();
        // Narrow text read as wide: a unit is two printable ASCII characters ("wx" is U+7877). Few units of Chinese
        // text are; and where one string follows another, a zero between them breaks the pairs.
        let narrow = |unit: &&u16| unit.to_le_bytes().iter().all(|b| b.is_ascii_graphic() || *b == b' ');
        if end > 0 && units.iter().filter(narrow).count() * 3 > end * 2 {
            return None;
        }
        String::from_utf16(&units).ok()?
    } else {
        let end = memchr::memchr(0, bytes)?;
        let bytes = bytes.get(..end)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            // A code page; the characters that matter for paths are ASCII.
            Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
        }
    };
    let plain = text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n'));
    plain.then_some(text)
}

/// Letters of several alphabets, or of none that a text of a program is in: instructions that are read as characters. Texts
/// among the code are in one beside ASCII.
fn is_mixed(text: &str) -> bool {
    // Ranges of Unicode: Latin, Greek and Cyrillic, Semitic ones, East Asian ones with their punctuation and wide forms, Hangul.
    let alphabet = |c: char| match c as u32 {
        0x80..=0x24f | 0x1e00..=0x1eff => 1,
        0x370..=0x52f => 2,
        0x590..=0x6ff => 3,
        0x3000..=0x30ff | 0x3400..=0x9fff | 0xff01..=0xff5e => 4,
        0xac00..=0xd7a3 => 5,
        _ => 6,
    };
    let is_sign = |c: &char| !c.is_ascii() && !matches!(*c as u32, 0x2000..=0x206f | 0x20ac | 0x2122);
    let mut found: Vec<u8> = text.chars().filter(is_sign).map(alphabet).collect();
    found.sort_unstable();
    found.dedup();
    found.len() > 1 || found.contains(&6)
}

/// A literal of the image. Zero-filled writable memory is a buffer, not an empty literal.
pub(crate) fn literal(image: &Image<'_>, rva: u32, wide: bool) -> Option<String> {
    let bytes = image.at(rva)?;
    let limit = if wide { MAX_STRING * 2 } else { MAX_STRING };
    let text = decode(bytes.get(..limit.min(bytes.len()))?, wide)?;
    let section = image.section_of(rva);
    if section.is_some_and(|section| section.is_code()) && is_mixed(&text) {
        return None;
    }
    let writable = section.is_some_and(|s| s.is_writable());
    (!text.is_empty() || !writable).then_some(text)
}

/// Looks like a path or a file name: separators, a drive, or an extension.
pub(crate) fn is_path_like(text: &str) -> bool {
    let plausible = (4..=260).contains(&text.len())
        && !text.contains(['\n', '\r', '\t', '<', '>', '"', '|', '*', '?', '{', ';', '=', ','])
        && !text.starts_with(' ')
        && text.chars().any(char::is_alphanumeric);
    if !plausible {
        return false;
    }
    let extension = text.rsplit_once('.').is_some_and(|(stem, ext)| {
        !stem.is_empty()
            && (2..=5).contains(&ext.len())
            && ext.chars().all(|c| c.is_ascii_alphanumeric())
            && !text.contains(' ')
            && ext.chars().any(|c| c.is_ascii_alphabetic())
    });
    extension || (text.contains('\\') && !text.contains(' ')) || text.get(1..3) == Some(":\\")
}

#[cfg(test)]
mod tests {
    use super::is_mixed;

    #[test]
    fn instructions_are_no_text() {
        assert!(is_mixed("\u{8949}\u{48d0}\u{18b}\u{8b48}\u{cccc}\u{4855}"));
        for text in [
            "C:\\Contoso\\orders.dat",
            "Gr\u{f6}\u{df}e",
            "\u{41f}\u{440}\u{43e}\u{433}.ini",
            "\u{8a2d}\u{5b9a}\u{30c7}.ini",
        ] {
            assert!(!is_mixed(text), "{text}");
        }
    }
}
