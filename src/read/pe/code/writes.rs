//! What a function of the image writes through the pointers that it is given, as its report keeps it.

use super::slot::Slot;
use super::state::PARAM_ECX;

/// Parameters that a function writes through, by bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(super) any: u64,
    /// Those at a place that is computed: what the summary says of them is not all.
    pub(super) computed: u64,
}

/// A parameter that is handed on to another function, as one of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(super) parameter: u8,
    /// How far behind the beginning of what the parameter points to.
    pub(super) offset: i32,
    pub(super) target: u32,
    pub(super) argument: u8,
    /// The summary of that function says the rest.
    pub(super) summarised: bool,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// A text, or a character that is known.
    Text,
    /// A number or a pointer that is too wide to be a character.
    Field,
    /// Something that is not known.
    Something,
}

impl Written {
    /// Nothing is known of it.
    pub(super) const ALL: Written = Written { any: u64::MAX, computed: u64::MAX };
    /// Through a pointer that may be any of them.
    pub(super) const SOMEWHERE: u32 = 63;
    /// Stands for a parameter: through a pointer that a variable of the program holds.
    pub(super) const VARIABLE: u8 = 62;
    /// Stands for the first parameter: through a pointer in what that leads to, other than its first word.
    const BEHIND: u8 = 48;
    /// The same: through the pointer that is its first word, as the characters of most strings.
    const FIRST: u8 = 36;
    /// Most parameters behind which is looked.
    const MAX_BEHIND: u8 = 8;

    /// Stands for a parameter: through a pointer in what it leads to, other than its first word.
    pub(super) fn behind(parameter: u8) -> u8 {
        Self::BEHIND + Self::looked_behind(parameter)
    }

    /// Stands for a parameter: through the pointer that is the first word of what it leads to.
    pub(super) fn first(parameter: u8) -> u8 {
        Self::FIRST + Self::looked_behind(parameter)
    }

    /// Stands for the parameter that a pointer was loaded from. What lies further behind may be anywhere there.
    pub(super) fn keeper(slot: &Slot) -> u8 {
        match slot.offsets() {
            [0, _] => Self::first(slot.param),
            _ => Self::behind(slot.param),
        }
    }

    fn looked_behind(parameter: u8) -> u8 {
        match parameter {
            PARAM_ECX => Self::MAX_BEHIND,
            n => n.min(Self::MAX_BEHIND - 1),
        }
    }

    pub(super) fn bit(parameter: u8) -> u64 {
        1 << u32::from(parameter).min(Self::SOMEWHERE)
    }

    /// The function may write behind a parameter, itself or through those that it hands one on to.
    pub(super) fn is_behind(self, given: &[Given]) -> bool {
        let each = (1 << (Self::MAX_BEHIND + 1)) - 1;
        let mask = each << Self::BEHIND | each << Self::FIRST | 1 << Self::SOMEWHERE;
        self.any & mask != 0 || !given.is_empty()
    }

    /// What of it a caller does too, by calling the function.
    pub(super) fn through_variables(self) -> Self {
        let mask = Self::bit(Self::VARIABLE);
        Written { any: self.any & mask, computed: self.computed & mask }
    }

    /// Both.
    pub(super) fn and(self, other: Self) -> Self {
        Written { any: self.any | other.any, computed: self.computed | other.computed }
    }

    /// What of it concerns one parameter.
    pub(super) fn through(self, parameter: u8) -> Self {
        let mask = Self::bit(parameter) | 1 << Self::SOMEWHERE;
        Written { any: self.any & mask, computed: self.computed & mask }
    }
}

impl Given {
    /// What the other function is asked, where this one is asked of `argument`: what is behind a parameter is behind it where it
    /// is handed on, too.
    pub(super) fn along(&self, argument: u8) -> Vec<Given> {
        let asked = |place: u8| Given { argument: place, ..*self };
        let (first, behind) = (Written::first(self.argument), Written::behind(self.argument));
        match argument {
            of if of == self.parameter => vec![*self],
            of if of == Written::first(self.parameter) && self.offset == 0 => vec![asked(first)],
            // Its first word is another one here.
            of if of == Written::behind(self.parameter) && self.offset != 0 => vec![asked(first), asked(behind)],
            of if of == Written::behind(self.parameter) => vec![asked(behind)],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(parameter: u8, offset: i32) -> Given {
        Given { parameter, offset, target: 0x1000, argument: 2, summarised: false }
    }

    #[test]
    fn the_first_word_is_another_one_further_on() {
        let asks = |given: Given, of| given.along(of).iter().map(|next| next.argument).collect::<Vec<_>>();
        assert_eq!(asks(given(1, 0), 1), [2]);
        assert_eq!(asks(given(1, 0), Written::first(1)), [Written::first(2)]);
        assert_eq!(asks(given(1, 0), Written::behind(1)), [Written::behind(2)]);
        assert!(asks(given(1, 8), Written::first(1)).is_empty());
        assert_eq!(asks(given(1, 8), Written::behind(1)), [Written::first(2), Written::behind(2)]);
        // What the first word leads to is handed on itself.
        assert_eq!(asks(given(Written::first(1), 0), Written::first(1)), [2]);
        assert!(asks(given(Written::first(1), 0), Written::behind(1)).is_empty());
        assert!(asks(given(0, 0), Written::first(1)).is_empty());
    }

    #[test]
    fn a_pointer_is_the_first_word_or_another() {
        let slot = |offset: i32| Slot::of(0).plus(offset).behind();
        assert_eq!(slot(0).map(|slot| Written::keeper(&slot)), Some(Written::first(0)));
        assert_eq!(slot(8).map(|slot| Written::keeper(&slot)), Some(Written::behind(0)));
        let deeper = slot(0).and_then(Slot::behind);
        assert_eq!(deeper.map(|slot| Written::keeper(&slot)), Some(Written::behind(0)));
    }
}
