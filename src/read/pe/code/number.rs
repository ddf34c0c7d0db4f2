//! Numbers, seen from the callers of a function.

use super::slot::Slot;

/// A number, as far as it is known outside the function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Number {
    /// Not known.
    #[default]
    Unknown,
    /// One of these.
    Known(Vec<u64>),
    /// A parameter of the function, or what memory behind it holds.
    Param(Slot),
    /// The same, with these bits set.
    With(Slot, u64),
    /// Made of it in a way that is not kept: only its value could tell.
    Made(Slot),
}

impl Number {
    /// The only possible number.
    pub(crate) fn only(&self) -> Option<u64> {
        match self {
            Number::Known(all) if all.len() == 1 => all.first().copied(),
            _ => None,
        }
    }

    /// All possible numbers; empty when not known.
    pub(crate) fn all(&self) -> &[u64] {
        match self {
            Number::Known(all) => all,
            _ => &[],
        }
    }

    /// Callers say which it is.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Number::Param(_) | Number::With(..) | Number::Made(_))
    }

    /// The bit is set in every possible number.
    pub(crate) fn has(&self, bit: u64) -> bool {
        !self.all().is_empty() && self.all().iter().all(|number| number & bit != 0)
    }
}
