//! What the analysis of one function says, independent of the function's own symbols, so that callers can fill in
//! what was a parameter.

use super::known::Known;
use crate::catalog::native::Api;
use crate::facts::{Hole, Part, Source, Text};

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
    /// Location in the words of its store: one, or one of a few. A parameter is a hole.
    pub(crate) texts: Vec<Text>,
    pub(crate) volatile: bool,
    pub(crate) remote: bool,
    pub(crate) view32: bool,
    /// Address of the call that opened it.
    pub(crate) opened_at: u32,
}

impl Handle {
    /// One of two handles.
    pub(crate) fn or(self, other: Handle) -> Handle {
        let texts = Known::any(self.texts.into_iter().chain(other.texts), false).texts().to_vec();
        Handle {
            texts,
            volatile: self.volatile && other.volatile,
            remote: self.remote && other.remote,
            view32: self.view32 || other.view32,
            opened_at: self.opened_at.min(other.opened_at),
        }
    }
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
            || self.handle.as_ref().is_some_and(|h| h.texts.iter().any(has_parameters))
    }

    /// The same argument, with what a caller passes for the parameters.
    pub(crate) fn filled(&self, passed: &dyn Fn(u8) -> Option<Arg>) -> Arg {
        if let Number::Param(n) = self.number
            && let Some(arg) = passed(n)
        {
            return arg;
        }
        let mut out = self.clone();
        out.texts = all_filled(&self.texts, passed, &mut out.weak);
        if let Some(handle) = &mut out.handle {
            handle.texts = all_filled(&handle.texts, passed, &mut out.weak);
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
    parameters(text).next().is_some()
}

/// Parameters that a text depends on.
fn parameters(text: &Text) -> impl Iterator<Item = u8> {
    text.parts().iter().filter_map(|p| match p {
        Part::Hole(hole) => parameter(hole),
        Part::Lit(_) => None,
    })
}

/// Replaces parameters in each text. One that needs a string where the caller passes none belongs to a way through the
/// function that this caller does not take.
fn all_filled(texts: &[Text], passed: &dyn Fn(u8) -> Option<Arg>, weak: &mut bool) -> Vec<Text> {
    let taken = |text: &&Text| !parameters(text).any(|n| passed(n).is_some_and(|arg| arg.is_null()));
    let some: Vec<&Text> = texts.iter().filter(taken).collect();
    let some = if some.is_empty() { texts.iter().collect() } else { some };
    if some.is_empty() {
        return Vec::new();
    }
    let filled = Known::any(some.into_iter().flat_map(|text| filled(text, passed, weak)).collect::<Vec<_>>(), false);
    filled.texts().to_vec()
}

/// Replaces parameters in a text; where a caller passes one of a few, there are as many results.
fn filled(text: &Text, passed: &dyn Fn(u8) -> Option<Arg>, weak: &mut bool) -> Vec<Text> {
    let mut all = vec![Text::new()];
    for part in text.parts() {
        let more = match part {
            Part::Hole(hole) => parameter(hole).and_then(passed).map(|arg| {
                *weak |= arg.weak;
                spoken(arg)
            }),
            Part::Lit(_) => None,
        };
        let more = more.unwrap_or_else(|| vec![Text::from_parts([part.clone()])]);
        let known = Known::any(all, false).then(&Known::any(more, false));
        all = known.texts().to_vec();
    }
    all
}

/// What an argument is called in a text: a string, or the key of the registry that it is.
fn spoken(arg: Arg) -> Vec<Text> {
    if let Some(handle) = arg.handle {
        return handle.texts;
    }
    match arg.number.only().and_then(crate::facts::registry::root_of_handle) {
        Some(root) => vec![Text::lit(root)],
        None if arg.texts.is_empty() => vec![Text::unknown()],
        None => arg.texts,
    }
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
    pub(crate) buffers: Vec<(u8, Known)>,
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
