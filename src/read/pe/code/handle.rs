//! Handles, as far as the calls that opened them are known.

use super::filled::{all_filled, has_parameters};
use super::gap::Gap;
use super::known::Known;
use super::number::Number;
use super::report::Arg;
use crate::facts::Text;
use crate::read::pe::effects::{KEY_WOW64_32KEY, KEY_WOW64_64KEY, REG_OPTION_VOLATILE};

/// What is known of a handle from the call that opened it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Handle {
    /// Location in the words of its store: one, or one of a few. A parameter is a hole.
    pub(crate) texts: Vec<Text>,
    pub(crate) volatile: bool,
    pub(crate) remote: bool,
    pub(crate) view32: bool,
    /// A 32-bit program asked for the view of 64-bit ones.
    pub(crate) view64: bool,
    /// Address of the call that opened it.
    pub(crate) opened_at: u32,
    /// The access that was asked for, where the call says it.
    pub(crate) access: Option<u64>,
    /// Several keys and several names: which belong together is not known. Or the name is a guess.
    pub(crate) crossed: bool,
    /// What callers say of how it was opened.
    pub(crate) asked: Vec<Asked>,
    /// Why some of the location is not known, where it is not.
    pub(crate) gap: Gap,
}

/// How a key was opened, where that is a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Options(Number),
    Access(Number),
    /// The access to a key above it, of which the view of the registry is kept.
    View(Number),
}

impl Asked {
    /// What of it holds for a key that is opened below.
    pub(super) fn below(self) -> Asked {
        match self {
            Asked::Access(access) => Asked::View(access),
            asked => asked,
        }
    }
}

impl Handle {
    /// What is said of how it was opened: kept, or left to callers.
    pub(super) fn ask(&mut self, asked: Asked) {
        let (Asked::Options(number) | Asked::Access(number) | Asked::View(number)) = &asked;
        if number.is_open() {
            self.asked.push(asked);
            return;
        }
        match asked {
            Asked::Options(options) => self.volatile |= options.has(REG_OPTION_VOLATILE),
            Asked::Access(access) => {
                self.access = self.access.or(access.only().map(access_mask));
                self.see(&access);
            }
            Asked::View(access) => self.see(&access),
        }
    }

    fn see(&mut self, access: &Number) {
        self.view32 |= access.has(KEY_WOW64_32KEY);
        self.view64 |= access.has(KEY_WOW64_64KEY);
    }

    /// Depends on parameters of the function it was seen in.
    pub(super) fn has_parameters(&self) -> bool {
        !self.asked.is_empty() || self.texts.iter().any(has_parameters)
    }

    /// The same, with what a caller passes for the parameters; `weak`: the location is only guessed.
    pub(super) fn fill(&mut self, passed: &dyn Fn(u8) -> Option<Arg>, weak: &mut bool) {
        self.texts = all_filled(&self.texts, passed, weak);
        let said = |number: Number| Arg { number, ..Arg::default() }.filled(passed).number;
        for asked in std::mem::take(&mut self.asked) {
            self.ask(match asked {
                Asked::Options(number) => Asked::Options(said(number)),
                Asked::Access(number) => Asked::Access(said(number)),
                Asked::View(number) => Asked::View(said(number)),
            });
        }
    }

    /// One of two handles.
    pub(crate) fn or(self, other: Handle) -> Handle {
        let texts = Known::any(self.texts.into_iter().chain(other.texts), false).texts().to_vec();
        Handle {
            texts,
            volatile: self.volatile && other.volatile,
            remote: self.remote && other.remote,
            view32: self.view32 && other.view32,
            view64: self.view64 || other.view64,
            opened_at: self.opened_at.min(other.opened_at),
            access: self.access.filter(|_| self.access == other.access),
            crossed: self.crossed || other.crossed,
            // Of two that were opened in ways which only callers know, nothing is said.
            asked: if self.asked == other.asked { self.asked } else { Vec::new() },
            gap: self.gap.max(other.gap),
        }
    }
}

/// The rights are the lower half of the place that they are passed in: the upper one may be anything (MS documentation:
/// "x64 calling convention", parameter passing).
pub(crate) fn access_mask(access: u64) -> u64 {
    access & 0xffff_ffff
}
