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
    /// The length of a text of which some is not known, or a sum with it: as it stands in memory, and at least. It says where
    /// the text ends here, but not how long it is.
    Length { here: u64, least: u64 },
    /// Bytes of what stands for something that is not known. They can be copied; which characters they are is not known.
    Part { bits: u64, known: u8 },
}

/// Largest length, and largest number that a length is added to and is one still: beyond are addresses.
const MAX_SUM: u64 = 0x1_0000;

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
            Word::Length { here, .. } => Some(here & width_of(size)),
            _ => None,
        }
    }

    /// The lowest bytes, the others zero.
    pub(super) fn cut(self, size: usize) -> Word {
        match self {
            Word::Bits { bits, known } => Word::Bits { bits: bits & width_of(size), known: known | !bytes_of(size) },
            Word::Part { bits, known } => Word::Part { bits: bits & width_of(size), known: known | !bytes_of(size) },
            Word::Length { here, .. } if size < 4 => Word::number(here & width_of(size)),
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
            Word::Length { .. } => self.plain().shifted(bytes),
            _ => Word::UNKNOWN,
        }
    }

    /// These bytes with some of them replaced by the lowest bytes of another word.
    pub(super) fn with(self, at: usize, size: usize, other: Word) -> Word {
        if at == 0 && size == 8 {
            return other;
        }
        let bytes = |word: Word| match word {
            Word::Bits { bits, known } | Word::Part { bits, known } => (bits, known),
            Word::Length { here, .. } => (here, u8::MAX),
            Word::Symbol(_) | Word::Near(_) => (0, 0),
        };
        let ((bits, known), (new, new_known)) = (bytes(self), bytes(other));
        let (places, width) = (bytes_of(size) << at, width_of(size) << (at * 8));
        let bits = bits & !width | (new << (at * 8)) & width;
        let known = known & !places | (new_known << at) & places;
        match other {
            Word::Part { .. } => Word::Part { bits, known },
            _ => Word::Bits { bits, known },
        }
    }

    /// What becomes of the number, and of the least that a length may be.
    pub(super) fn changed(self, size: usize, change: impl Fn(u64) -> u64) -> Word {
        match self {
            Word::Length { here, least } if size >= 4 => {
                Word::Length { here: change(here) & width_of(size), least: change(least) & width_of(size) }
            }
            word => Word::of(word.low(size).map(change), size),
        }
    }

    /// It counts down from the largest number on, as the counter of an instruction that looks for the end of a text.
    pub(super) fn counts_down(self, size: usize) -> bool {
        matches!(self, Word::Length { here, .. } if size >= 4 && here > width_of(size) - MAX_SUM)
    }

    /// Characters that are not known. That they end a text is.
    pub(super) fn is_part(self) -> bool {
        matches!(self, Word::Part { .. })
    }

    /// A symbol is no bytes that are known.
    fn plain(self) -> Word {
        match self {
            Word::Bits { .. } => self,
            Word::Length { here, .. } => Word::number(here),
            _ => Word::UNKNOWN,
        }
    }

    /// The word plus a number, as wide as a register.
    pub(super) fn plus(self, n: i64, is_64: bool) -> Word {
        match self {
            Word::Symbol(value) => Word::Symbol(value.plus(n, is_64)),
            near @ Word::Near(_) => near,
            Word::Length { .. } if (0..=MAX_SUM as i64).contains(&n) => self.and(Word::number(n as u64)),
            Word::Length { here, least } if n < 0 && n.unsigned_abs() <= here => {
                Word::Length { here: here - n.unsigned_abs(), least: least.saturating_sub(n.unsigned_abs()) }
            }
            word => Word::of(word.low(size_of(is_64)).map(|bits| mask(bits.wrapping_add(n as u64), is_64)), 8),
        }
    }

    /// The sum of two numbers, one of which is a length; of one and an address it is a place in the text.
    fn and(self, other: Word) -> Word {
        let parts = |word: Word| match word {
            Word::Length { here, least } => Some((here, least)),
            word => word.low(8).map(|number| (number, number)),
        };
        match (parts(self), parts(other)) {
            (Some((a, least)), Some((b, more))) if a <= MAX_SUM && b <= MAX_SUM => {
                Word::Length { here: a + b, least: least + more }
            }
            (Some((a, _)), Some((b, _))) => Word::number(a.wrapping_add(b)),
            _ => Word::UNKNOWN,
        }
    }

    /// The sum, where one of two numbers is a length that is wide enough.
    pub(super) fn longer(self, other: Word, size: usize) -> Option<Word> {
        let is_length = |word| matches!(word, Word::Length { .. });
        (size >= 4 && (is_length(self) || is_length(other))).then(|| self.and(other).cut(size))
    }

    /// How many characters so many bytes are.
    pub(super) fn halved(self, times: u32) -> Option<Word> {
        /// Bytes of the widest characters, as a power of two.
        const MAX_TIMES: u32 = 2;
        match self {
            Word::Length { here, least } if times <= MAX_TIMES && here <= MAX_SUM => {
                Some(Word::Length { here: here >> times, least: least >> times })
            }
            _ => None,
        }
    }

    /// Whether it is longer than a number, or as long, is not known.
    pub(super) fn may_be(self, number: u64) -> bool {
        /// Characters for which strings of C++ have room in themselves, and one more: on both ways the text is the same.
        const OWN_ROOM: [u64; 4] = [7, 8, 15, 16];
        // What is not known is taken for something: no way is followed on which it is nothing, or one letter.
        matches!(self, Word::Length { least, .. } if number >= least.max(2) && number <= MAX_SUM && !OWN_ROOM.contains(&number))
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
