//! How wide the characters of a text are: whoever reads it says so.
//!
//! A pointer stays an address until something whose signature says how wide the characters are reads what it points to:
//! a function of Windows in one of its two forms, a conversion of a format. Until then a literal that may be either is
//! kept in both readings, and a parameter is a hole that says how it is read, so that the caller's literal is read in the
//! same way. Only where nobody says it do the looks decide, and what they say is a guess.

use super::super::image::Image;
use super::analysis::Engine;
use super::cuts::cut_as;
use super::known::Known;
use super::report::Arg;
use super::slot::Slot;
use super::strings::literal;
use super::value::Value;
use crate::facts::{Hole, Part, Source, Text};
use std::rc::Rc;

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Width {
    /// Its characters are UTF-16.
    pub(crate) wide: bool,
    /// Whoever reads it says so. Otherwise it is one of two trials.
    pub(crate) said: bool,
}

impl Width {
    /// Read by nobody in particular.
    pub(super) const fn tried(wide: bool) -> Self {
        Width { wide, said: false }
    }
}

impl From<bool> for Width {
    fn from(wide: bool) -> Self {
        Width { wide, said: true }
    }
}

/// A text that may be of either width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Readings {
    narrow: Known,
    wide: Known,
}

impl Readings {
    /// The text as somebody reads it.
    fn of(&self, wide: bool) -> &Known {
        if wide { &self.wide } else { &self.narrow }
    }

    /// Each of the two changed.
    pub(super) fn map(&self, change: impl Fn(&Known) -> Known) -> Self {
        Readings { narrow: change(&self.narrow), wide: change(&self.wide) }
    }
}

/// UTF-16 that is read as bytes ends after its first character.
fn is_short(text: &str) -> bool {
    text.chars().nth(1).is_none()
}

/// Mostly ASCII, as text is that was read in the width it has: a letter with the bytes of another string behind its end
/// makes characters of anywhere.
fn is_readable(text: &str) -> bool {
    text.chars().filter(char::is_ascii).count() * 4 >= text.chars().count() * 3
}

/// What the looks say of two readings, where both are possible: UTF-16.
fn looks_wide<'t>(narrow: impl IntoIterator<Item = &'t Text>, wide: &[Text]) -> bool {
    let mut narrow = narrow.into_iter().peekable();
    let ends_at_once = narrow.peek().is_none() || narrow.any(|text| text.as_lit().is_some_and(is_short));
    ends_at_once
        && wide.iter().any(|text| !text.is_unknown() && text.as_lit().is_none_or(|text| !is_short(text)))
        && wide.iter().all(|text| text.as_lit().is_none_or(is_readable))
}

/// A literal of the image that nobody is known to read.
pub(crate) fn literal_by_looks(image: &Image<'_>, rva: u32) -> Option<Arg> {
    let read = |wide| literal(image, rva, wide).map(Text::lit).into_iter().collect::<Vec<_>>();
    let arg = both(Arg { texts: read(false), ..Arg::default() }, read(true), false);
    arg.texts.iter().any(|text| !text.is_empty()).then_some(arg)
}

/// An argument that was read as bytes, with what it is when it is read as UTF-16.
fn both(narrow: Arg, wide: Vec<Text>, weak: bool) -> Arg {
    if !looks_wide(&narrow.texts, &wide) {
        return narrow;
    }
    // Where bytes are no text, there is no other reading.
    let says = |text: &Text| !text.is_unknown() && !text.is_empty();
    let readings = narrow.texts.iter().any(says).then(|| {
        let (narrow, wide) = (Known::any(narrow.texts.clone(), narrow.weak), Known::any(wide.clone(), weak));
        Rc::new(Readings { narrow, wide })
    });
    Arg { weak: weak || readings.is_some(), readings, texts: wide, ..narrow }
}

impl Engine<'_, '_> {
    /// A value in terms that hold outside the function, when nobody says how wide characters are.
    pub(crate) fn close_any(&self, value: Value) -> Arg {
        if value == Value::Unknown {
            return Arg::default();
        }
        let narrow = self.close(value, Width::tried(false));
        if !narrow.texts.is_empty() && !narrow.texts.iter().any(|text| text.as_lit().is_some_and(is_short)) {
            return narrow;
        }
        let (texts, weak) = self.texts(value, Width::tried(true));
        let literal = narrow.literal.or_else(|| self.literal_of(value, true));
        let arg = both(narrow, texts, weak);
        Arg { literal, ..arg }
    }
}

impl Arg {
    /// The argument as somebody reads it; `None`: it is not known who.
    pub(super) fn read(mut self, wide: Option<bool>) -> Arg {
        let Some(wide) = wide else { return self };
        if let Some(readings) = self.readings.take() {
            let known = readings.of(wide);
            (self.texts, self.weak) = (known.texts().to_vec(), known.weak);
        }
        let is_open = |text: &Text| {
            let hole = |part: &Part| match part {
                Part::Hole(hole @ Hole::From(Source::Param, _)) => Slot::width_of(hole).is_none(),
                _ => false,
            };
            text.parts().iter().any(hole)
        };
        for text in self.texts.iter_mut().filter(|text| is_open(text)) {
            *text = text.map_holes(|hole| match (Slot::of_hole(hole), Slot::width_of(hole)) {
                (Some(slot), None) => Some(cut_as(hole, &slot.read(wide.into()))),
                _ => None,
            });
        }
        self
    }

    /// The same, but only as a guess if so.
    pub(crate) fn guessed(mut self, weak: bool) -> Arg {
        self.weak |= weak;
        self.readings = self.readings.map(|readings| Rc::new(readings.map(|known| known.clone().guessed(weak))));
        self
    }

    /// The readings of one of two arguments.
    pub(crate) fn either_reading(one: &Arg, other: &Arg) -> Option<Rc<Readings>> {
        if one.readings.is_none() && other.readings.is_none() {
            return None;
        }
        let read = |arg: &Arg, wide| match &arg.readings {
            Some(readings) => readings.of(wide).clone(),
            None => Known::any(arg.texts.iter().cloned(), arg.weak),
        };
        let of = |wide| read(one, wide).or(&read(other, wide));
        Some(Rc::new(Readings { narrow: of(false), wide: of(true) }))
    }
}
