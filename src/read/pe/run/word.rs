//! What a register or a place in memory holds while a way through the code is run.

use super::super::code::value::{Value, mask};

/// Eight bytes, of which each may be unknown, or something that only the models of functions know: a handle, what a call
/// gave, a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A number; a bit of `known` for each byte of it.
    Bits { bits: u64, known: u8 },
    /// A symbol of the engine.
    Symbol(Value),
    /// An address somewhere in the memory that begins here, or a little before it.
    Near(u64),
}

impl Word {
    /// Nothing is known.
    pub(super) const UNKNOWN: Word = Word::Bits { bits: 0, known: 0 };

    /// A number.
    pub(super) fn number(bits: u64) -> Word {
        Word::Bits { bits, known: u8::MAX }
    }

    /// The lowest bytes as a number, if all of them are known.
    pub(super) fn low(self, size: usize) -> Option<u64> {
        match self {
            Word::Bits { bits, known } if known & bytes_of(size) == bytes_of(size) => Some(bits & width_of(size)),
            _ => None,
        }
    }

    /// The lowest bytes, the others zero.
    pub(super) fn cut(self, size: usize) -> Word {
        match self {
            Word::Bits { bits, known } => Word::Bits { bits: bits & width_of(size), known: known | !bytes_of(size) },
            other => other,
        }
    }

    /// The number of a result of so many bytes.
    pub(super) fn of(number: Option<u64>, size: usize) -> Word {
        match number {
            Some(bits) => Word::number(bits & width_of(size)),
            None => Word::UNKNOWN.cut(size),
        }
    }

    /// The bytes from one on, moved to the lowest place.
    pub(super) fn shifted(self, bytes: usize) -> Word {
        match self {
            Word::Bits { bits, known } if bytes < 8 => Word::Bits { bits: bits >> (bytes * 8), known: known >> bytes },
            symbol if bytes == 0 => symbol,
            _ => Word::UNKNOWN,
        }
    }

    /// These bytes with some of them replaced by the lowest bytes of another word.
    pub(super) fn with(self, at: usize, size: usize, other: Word) -> Word {
        if at == 0 && size == 8 {
            return other;
        }
        let (Word::Bits { bits, known }, Word::Bits { bits: new, known: new_known }) = (self.plain(), other.plain())
        else {
            return Word::UNKNOWN;
        };
        let (places, width) = (bytes_of(size) << at, width_of(size) << (at * 8));
        Word::Bits {
            bits: bits & !width | (new << (at * 8)) & width,
            known: known & !places | (new_known << at) & places,
        }
    }

    /// A symbol is no bytes that are known.
    fn plain(self) -> Word {
        match self {
            Word::Bits { .. } => self,
            _ => Word::UNKNOWN,
        }
    }

    /// The word plus a number, as wide as a register.
    pub(super) fn plus(self, n: i64, is_64: bool) -> Word {
        match self {
            Word::Symbol(value) => Word::Symbol(value.plus(n, is_64)),
            near @ Word::Near(_) => near,
            word => Word::of(word.low(size_of(is_64)).map(|bits| mask(bits.wrapping_add(n as u64), is_64)), 8),
        }
    }
}

/// A bit for each byte.
fn bytes_of(size: usize) -> u8 {
    if size >= 8 { u8::MAX } else { (1u8 << size).wrapping_sub(1) }
}

/// All bits of so many bytes.
pub(super) fn width_of(size: usize) -> u64 {
    if size >= 8 { u64::MAX } else { (1u64 << (size * 8)) - 1 }
}

/// Bytes of a pointer.
pub(super) fn size_of(is_64: bool) -> usize {
    if is_64 { 8 } else { 4 }
}
