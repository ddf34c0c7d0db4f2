//! Places in a text, and what stands before and behind them.
//!
//! A place is a number of characters, or what a search found: it holds for texts of which only the end is known, too.

use super::analysis::Engine;
use super::cuts::{Cut, folder_of, without_extension, without_last};
use super::known::Known;
use super::state::distance;
use super::value::{Kind, Value};
use crate::facts::{Part, Text};

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// Behind so many characters.
    At(usize),
    /// Before so many characters of the end.
    BeforeEnd(usize),
    /// So many characters behind the last separator of a path, which is none or one.
    Separator(i32),
    /// The same, behind the dot of its extension.
    Dot(i32),
    /// Anywhere.
    Unknown,
}

impl Spot {
    pub(super) const END: Spot = Spot::BeforeEnd(0);

    /// What a text has before the place.
    pub(super) fn head(self, text: &Text) -> Text {
        match self {
            Spot::At(0) => Text::new(),
            Spot::BeforeEnd(0) => text.clone(),
            Spot::At(n) => match (text.leading_lit(), text.as_lit()) {
                (begin, _) if begin.is_ascii() && begin.len() >= n => Text::lit(begin.get(..n).unwrap_or_default()),
                (begin, Some(_)) if begin.is_ascii() => text.clone(),
                _ => anywhere(text),
            },
            Spot::BeforeEnd(n) => match text.as_lit().map(str::len) {
                Some(length) if length <= n => Text::new(),
                _ => without_last(text, n),
            },
            Spot::Separator(behind @ 0..=1) => folder_of(text, behind == 1),
            Spot::Dot(0) => without_extension(text),
            Spot::Dot(1) => without_extension(text).concat(&".".into()),
            _ => anywhere(text),
        }
    }

    /// What a text has behind the place.
    pub(super) fn tail(self, text: &Text) -> Text {
        let end = text.trailing_lit();
        let from = |at: Option<usize>| at.and_then(|at| end.get(at..)).map_or_else(Text::unknown, Text::lit);
        match self {
            Spot::At(0) => text.clone(),
            Spot::BeforeEnd(0) => Text::new(),
            Spot::At(n) => match (text.leading_lit(), text.as_lit()) {
                (begin, _) if begin.is_ascii() && begin.len() >= n => {
                    let rest = text.parts().iter().skip(1).cloned();
                    let first = begin.get(n..).filter(|first| !first.is_empty());
                    Text::from_parts(first.map(|first| Part::Lit(first.to_owned())).into_iter().chain(rest))
                }
                (begin, Some(_)) if begin.is_ascii() => Text::new(),
                _ => Text::unknown(),
            },
            Spot::BeforeEnd(n) if text.as_lit().is_some_and(|all| all.len() <= n) => text.clone(),
            Spot::BeforeEnd(n) => from(end.len().checked_sub(n).filter(|_| end.is_ascii())),
            Spot::Separator(behind @ 0..=1) => from(end.rfind(['\\', '/']).map(|at| at + behind as usize)),
            Spot::Dot(behind @ 0..=1) => from(end.rfind('.').map(|at| at + behind as usize)),
            _ => Text::unknown(),
        }
    }

    /// So many characters further on; nothing is left of a place that is not a number.
    pub(super) fn and(self, more: Spot) -> Spot {
        match (self, more) {
            (Spot::At(a), Spot::At(b)) => Spot::At(a.saturating_add(b)),
            (_, Spot::At(0)) => self,
            (_, Spot::BeforeEnd(0)) => more,
            (Spot::BeforeEnd(a), Spot::At(b)) => Spot::BeforeEnd(a.saturating_sub(b)),
            (Spot::At(0), more) => more,
            _ => Spot::Unknown,
        }
    }

    /// The place as a number that is compared with others.
    pub(super) fn limit(self) -> Option<usize> {
        match self {
            Spot::At(n) => Some(n),
            Spot::END => Some(usize::MAX),
            _ => None,
        }
    }

    /// The place is one of those whose text is exact.
    pub(super) fn is_known(self) -> bool {
        self != Spot::Unknown
    }
}

/// A text up to anywhere.
fn anywhere(text: &Text) -> Text {
    Cut::Anywhere.of(text)
}

impl Engine<'_, '_> {
    /// A number, whatever it counts, as wide as a register.
    pub(super) fn count(&self, value: Value) -> Option<u64> {
        self.symbols.count(value).map(|number| super::value::mask(number, self.program.image.is_64()))
    }

    /// A number of characters.
    pub(super) fn counted(&mut self, number: usize) -> Value {
        self.symbols.of(Kind::Count(number as u64))
    }

    /// All bits: what a search gives that found nothing, and a count of all characters that there are.
    pub(super) fn none(&self) -> u64 {
        super::value::mask(u64::MAX, self.program.image.is_64())
    }

    /// The place in the string at `text` that a number of characters says.
    pub(super) fn spot(&self, number: Value, text: Value) -> Spot {
        if let Some(count) = self.count(number) {
            return if count == self.none() { Spot::END } else { Spot::At(count as usize) };
        }
        let Value::Sym(symbol, more) = number else { return Spot::Unknown };
        match self.symbols.kind(symbol) {
            Kind::Length(of, ..) if of == text => from_end(more),
            Kind::Index(at) => match self.spot_of_address(at, text, 1) {
                Spot::Separator(behind) => Spot::Separator(behind.saturating_add(more)),
                Spot::Dot(behind) => Spot::Dot(behind.saturating_add(more)),
                _ => Spot::Unknown,
            },
            Kind::Load(at) if self.is_length_at(at, text) => from_end(more),
            _ => Spot::Unknown,
        }
    }

    /// The place in the string at `text` that an address says. Its characters have so many bytes.
    pub(super) fn spot_of_address(&self, address: Value, text: Value, unit: i32) -> Spot {
        if let Some(bytes) = distance(text, address) {
            return usize::try_from(bytes / i64::from(unit)).map_or(Spot::Unknown, Spot::At);
        }
        let Value::Sym(symbol, offset) = address else { return Spot::Unknown };
        match self.symbols.kind(symbol) {
            Kind::End(of, ..) if of == text => from_end(offset / unit),
            Kind::LastSeparator(of, _) if of == text => Spot::Separator(offset / unit),
            Kind::Extension(of, _) if of == text => Spot::Dot(offset / unit),
            _ => Spot::Unknown,
        }
    }

    /// The string from one address up to another, where what lies between is known. Where each is one of a few, those belong
    /// together between which a whole string lies.
    pub(super) fn text_between(&mut self, from: Value, to: Value, wide: bool) -> Known {
        let (begins, ends) = (self.symbols.alternatives(from), self.symbols.alternatives(to));
        if from == to {
            return Known::of(Text::new());
        }
        if begins.len() > 1 && ends.len() > 1 {
            let is_end = |engine: &Self, begin: Value, end: Value| {
                let (start, _, spot) = engine.spots(begin, end, wide);
                let length = || engine.text(begin, wide).and_then(|known| known.as_lit().map(str::len));
                start == begin && (spot == Spot::END || length().is_some_and(|length| spot == Spot::At(length)))
            };
            let ended = |begin: Value| ends.into_iter().find(|end| is_end(self, begin, *end)).map(|_| begin);
            let all: Option<Vec<Value>> = begins.into_iter().map(ended).collect();
            if let Some(all) = all {
                let texts = all.into_iter().map(|begin| self.text_or_unknown(begin, wide));
                return texts.reduce(|all, next| all.or(&next)).unwrap_or_else(Known::unknown);
            }
        }
        let (start, begin, end) = self.spots(from, to, wide);
        self.part_of(start, begin, end, wide)
    }

    /// The string in which two addresses are places, and those.
    fn spots(&self, from: Value, to: Value, wide: bool) -> (Value, Spot, Spot) {
        let unit = if wide { 2 } else { 1 };
        let start = match to {
            Value::Sym(symbol, _) => match self.symbols.kind(symbol) {
                Kind::End(of, ..) | Kind::LastSeparator(of, _) | Kind::Extension(of, _) => of,
                _ => from,
            },
            _ => from,
        };
        (start, self.spot_of_address(from, start, unit), self.spot_of_address(to, start, unit))
    }

    /// The string between two places of another.
    pub(super) fn part_of(&mut self, text: Value, begin: Spot, end: Spot, wide: bool) -> Known {
        let known = self.prefix_or_text(text, end, wide);
        let known = known.map(|text| end.head(text));
        match (begin, end) {
            (Spot::At(0), _) => known,
            // What was cut off at the end is not there any more to be counted.
            (Spot::At(_), _) | (_, Spot::BeforeEnd(0)) => known.map(|text| begin.tail(text)),
            _ => Known::unknown(),
        }
    }

    /// The string at an address, or as much of it as there is where nothing ends it.
    fn prefix_or_text(&mut self, text: Value, end: Spot, wide: bool) -> Known {
        if let Some(known) = self.text(text, wide) {
            return known;
        }
        let Spot::At(count @ 1..) = end else { return Known::unknown() };
        let size = if wide { count.saturating_mul(2) } else { count };
        let bytes = match text {
            Value::Stack(_) | Value::Sym(..) => self.state.constant_bytes(text, size),
            _ => Vec::new(),
        };
        let bytes = bytes.get(..size).map(|bytes| [bytes, &[0; 2]].concat());
        let text = bytes.and_then(|bytes| super::strings::decode(&bytes, wide));
        text.map_or_else(Known::unknown, |text| Known::of(Text::lit(text)))
    }

    /// The number at this address is the length of the string at `text`: an object keeps them side by side.
    fn is_length_at(&self, at: Value, text: Value) -> bool {
        let word = if self.program.image.is_64() { 8 } else { 4 };
        let beside = [at.plus(-word, true), at.plus(word, true)];
        beside.into_iter().any(|pointer| match self.state.cell(pointer) {
            Some(cell) if cell.value != Value::Unknown => cell.value == text,
            _ => self.symbols.known(Kind::Load(pointer)) == Some(text),
        })
    }

    /// The string whose length a value is, when its characters begin at `base`.
    pub(super) fn is_length_of(&self, length: Value, base: Value) -> bool {
        match length {
            Value::Sym(symbol, 0) => match self.symbols.kind(symbol) {
                Kind::Load(at) => self.is_length_at(at, base),
                _ => false,
            },
            _ => false,
        }
    }
}

fn from_end(more: i32) -> Spot {
    match more {
        0.. => Spot::END,
        less => Spot::BeforeEnd(less.unsigned_abs() as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_is_before_and_behind_a_place() {
        let text = Text::parse("C:\\a\\{?}\\name.dat");
        for spot in [Spot::At(5), Spot::BeforeEnd(4), Spot::Separator(1), Spot::Separator(0), Spot::Dot(0), Spot::END] {
            assert_eq!(spot.head(&text).concat(&spot.tail(&text)), text, "{spot:?}");
        }
        assert_eq!(Spot::At(30).head(&text), Text::parse("C:\\{?}"), "somewhere behind what is known");
        assert_eq!(Spot::At(30).head(&"short".into()), "short".into());
    }
}
