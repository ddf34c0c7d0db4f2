//! A string as far as it is known: one, or one of a few.

use super::slot::Slot;
use crate::facts::{Hole, Part, Text};
use std::rc::Rc;

/// Most possibilities that are kept apart.
pub(crate) const MAX_TEXTS: usize = 4;

/// See the module. Never without a possibility; states are copied often, so the possibilities are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    texts: Rc<[Text]>,
    /// Only associated, not proven.
    pub(crate) weak: bool,
}

impl Known {
    /// A string that is this one.
    pub(crate) fn of(text: Text) -> Self {
        Known { texts: Rc::new([text]), weak: false }
    }

    /// A string that is probably this one.
    pub(crate) fn weak(text: Text) -> Self {
        Known { weak: true, ..Known::of(text) }
    }

    /// Nothing is known of it.
    pub(crate) fn unknown() -> Self {
        Known::of(Text::unknown())
    }

    /// One of these; too many become what they share.
    pub(crate) fn any(texts: impl IntoIterator<Item = Text>, weak: bool) -> Self {
        let mut all: Vec<Text> = Vec::new();
        for text in texts {
            if !all.contains(&text) {
                all.push(text);
            }
        }
        if all.len() > MAX_TEXTS || all.is_empty() {
            return Known { weak, ..Known::of(merged(&all)) };
        }
        Known { texts: all.into(), weak }
    }

    /// The same, but only as a guess if so, or if it was one before.
    pub(crate) fn guessed(mut self, weak: bool) -> Self {
        self.weak |= weak;
        self
    }

    /// The possibilities.
    pub(crate) fn texts(&self) -> &[Text] {
        &self.texts
    }

    /// Something is known of one of the possibilities.
    pub(crate) fn says(&self) -> bool {
        self.texts.iter().any(|text| !text.is_unknown())
    }

    /// Nothing but what is left of this parameter when something changed it somewhere.
    pub(super) fn is_cut_anywhere_of(&self, slot: Slot) -> bool {
        let is_of = |part: &Part| match part {
            Part::Hole(hole) => *hole == Hole::Unknown || Slot::of_hole(hole) == Some(slot),
            Part::Lit(_) => false,
        };
        self.weak && self.texts.iter().all(|text| text.parts().iter().all(is_of))
    }

    /// The only possibility, when all its characters are known.
    pub(crate) fn as_lit(&self) -> Option<&str> {
        match &*self.texts {
            [only] => only.as_lit(),
            _ => None,
        }
    }

    /// Each possibility changed.
    pub(crate) fn map(&self, change: impl Fn(&Text) -> Text) -> Self {
        Known::any(self.texts.iter().map(change), self.weak)
    }

    /// Each possibility together with each of another string.
    pub(crate) fn with(&self, other: &Known, join: impl Fn(&Text, &Text) -> Text) -> Self {
        let pairs = self.texts.iter().flat_map(|a| other.texts.iter().map(|b| join(a, b)));
        Known::any(pairs, self.weak || other.weak)
    }

    /// The string followed by another.
    pub(crate) fn then(&self, other: &Known) -> Self {
        self.with(other, |a, b| a.clone().concat(b))
    }

    /// One of two strings.
    pub(crate) fn or(&self, other: &Known) -> Self {
        Known::any(self.texts.iter().chain(other.texts.iter()).cloned(), self.weak || other.weak)
    }
}

/// What all of these share, or `{?}`.
pub(crate) fn merged(texts: &[Text]) -> Text {
    match texts.split_first() {
        Some((first, rest)) => rest.iter().fold(first.clone(), |all, next| all.merge(next)),
        None => Text::unknown(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn possibilities_stay_apart_until_they_are_too_many() {
        let two = Known::of("a\\".into()).or(&Known::of("b\\".into()));
        let four = two.then(&Known::of("x".into()).or(&Known::weak("y".into())));
        let texts: Vec<String> = four.texts().iter().map(Text::to_string).collect();
        assert_eq!(texts, ["a\\x", "a\\y", "b\\x", "b\\y"]);
        assert!(four.weak);
        let five = four.or(&Known::of("c".into()));
        assert_eq!(five.texts(), [Text::unknown()]);
    }
}
