//! What the analysis of one function says, independent of the function's own symbols, so that callers can fill in
//! what was a parameter.

use crate::catalog::native::Api;
use crate::facts::{Hole, Source, Text};

/// A number, as far as it is known outside the function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Number {
    /// Not known.
    #[default]
    Unknown,
    /// One of these.
    Known(Vec<u64>),
    /// A parameter of the function.
    Param(u8),
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
}

/// What is known of a handle from the call that opened it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Handle {
    /// Location in the words of its store; a parameter is a hole.
    pub(crate) text: Text,
    pub(crate) volatile: bool,
    pub(crate) remote: bool,
    pub(crate) view32: bool,
    /// Address of the call that opened it.
    pub(crate) opened_at: u32,
}

/// An argument of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arg {
    pub(crate) number: Number,
    /// What it points to, read as a string: one or more possibilities.
    pub(crate) texts: Vec<Text>,
    /// The strings are only associated with the argument, not proven.
    pub(crate) weak: bool,
    pub(crate) handle: Option<Handle>,
    /// Address of the string, when it is a literal.
    pub(crate) literal: Option<u32>,
}

impl Arg {
    /// A null pointer or zero.
    pub(crate) fn is_null(&self) -> bool {
        self.number.only() == Some(0)
    }

    /// Depends on parameters of the function it was seen in.
    pub(crate) fn has_parameters(&self) -> bool {
        matches!(self.number, Number::Param(_))
            || self.texts.iter().any(has_parameters)
            || self.handle.as_ref().is_some_and(|h| has_parameters(&h.text))
    }

    /// The same argument, with what a caller passes for the parameters.
    pub(crate) fn filled(&self, passed: &dyn Fn(u8) -> Option<Arg>) -> Arg {
        if let Number::Param(n) = self.number
            && let Some(arg) = passed(n)
        {
            return arg;
        }
        let mut out = self.clone();
        for text in &mut out.texts {
            *text = filled(text, passed, &mut out.weak);
        }
        if let Some(handle) = &mut out.handle {
            handle.text = filled(&handle.text, passed, &mut out.weak);
        }
        out
    }
}

/// Reads a hole that stands for a parameter.
pub(crate) fn parameter(hole: &Hole) -> Option<u8> {
    match hole {
        Hole::From(Source::Param, name) => name.parse().ok(),
        _ => None,
    }
}

fn has_parameters(text: &Text) -> bool {
    text.parts().iter().any(|p| matches!(p, crate::facts::Part::Hole(h) if parameter(h).is_some()))
}

/// Replaces parameters in a text. A parameter may be a string, or a registry key with its own text.
fn filled(text: &Text, passed: &dyn Fn(u8) -> Option<Arg>, weak: &mut bool) -> Text {
    text.map_holes(|hole| {
        let arg = passed(parameter(hole)?)?;
        if let Some(handle) = arg.handle {
            return Some(handle.text);
        }
        if let Some(root) = arg.number.only().and_then(crate::facts::registry::root_of_handle) {
            return Some(Text::lit(root));
        }
        *weak |= arg.weak;
        let mut texts = arg.texts.into_iter();
        let first = texts.next().unwrap_or_else(Text::unknown);
        Some(texts.fold(first, |all, t| all.merge(&t)))
    })
}

/// A call of an API that matters.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) api: Api,
    /// `module!Name`.
    pub(crate) via: String,
    /// Address of the call.
    pub(crate) site: u32,
    pub(crate) args: Vec<Arg>,
    /// Calls through which parameters were filled in, innermost first.
    pub(crate) through: Vec<u32>,
}

/// A direct call of another function of the image.
#[derive(Clone, Debug)]
pub(crate) struct InternalCall {
    pub(crate) target: u32,
    pub(crate) site: u32,
    /// Parameter number and argument.
    pub(crate) args: Vec<(u8, Arg)>,
}

/// What a function returns and writes through its parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) result: Option<Arg>,
    /// Parameter whose buffer is filled, and with what.
    pub(crate) buffers: Vec<(u8, Text, bool)>,
    /// Parameter through which a handle or number is written.
    pub(crate) cells: Vec<(u8, Arg)>,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) events: Vec<Event>,
    pub(crate) calls: Vec<InternalCall>,
    pub(crate) summary: Summary,
    /// Strings stored in global variables.
    pub(crate) globals: Vec<(u64, Text)>,
    pub(crate) capped: bool,
}
