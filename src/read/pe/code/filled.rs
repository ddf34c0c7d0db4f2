//! Texts of one function with what its callers pass for its parameters.

use super::cuts::{Cut, cut_as, cut_unwritten, cuts_of, is_written};
use super::known::{Known, merged};
use super::number::Number;
use super::report::Arg;
use super::slot::Slot;
use crate::facts::{Hole, Part, Text};

/// The path that begins at a drive behind a hole, if there is one.
pub(super) fn from_root(text: &Text) -> Option<Text> {
    let parts = text.parts();
    let is_root = |part: &Part| match part {
        Part::Lit(literal) => match literal.as_bytes() {
            [letter, b':', b'\\' | b'/', ..] => letter.is_ascii_alphabetic(),
            _ => false,
        },
        Part::Hole(_) => false,
    };
    let at = parts.iter().skip(1).rposition(is_root)? + 1;
    Some(Text::from_parts(parts.get(at..)?.iter().cloned()))
}

/// Some of these texts are made of a parameter and others are not.
pub(crate) fn is_split(texts: &[Text]) -> bool {
    let made = texts.iter().filter(|text| has_parameters(text)).count();
    made > 0 && made < texts.len()
}

pub(crate) fn has_parameters(text: &Text) -> bool {
    parameters(text).next().is_some()
}

/// Places that a text depends on.
pub(super) fn parameters(text: &Text) -> impl Iterator<Item = Slot> {
    let holes = text.parts().iter().filter_map(|p| match p {
        Part::Hole(hole) => Some(hole),
        Part::Lit(_) => None,
    });
    holes.flat_map(|hole| Slot::of_hole(hole).into_iter().chain(Slot::within(hole)))
}

/// Names of what is read, within a hole: braces would end it.
pub(crate) fn within_hole(text: &Text) -> String {
    text.to_string().replace('{', "(").replace('}', ")")
}

/// What a caller gives for a place. `None`: it does not say anything of that parameter.
fn given(slot: Slot, passed: &dyn Fn(u8) -> Option<Arg>) -> Option<Arg> {
    passed(slot.param).map(|arg| arg.at(slot.offsets()).unwrap_or_default())
}

/// Replaces parameters in each text. One that needs a string where the caller passes none, or memory that still holds
/// none, belongs to a way through the function that this caller does not take.
pub(super) fn all_filled(texts: &[Text], passed: &dyn Fn(u8) -> Option<Arg>, weak: &mut bool) -> Vec<Text> {
    let taken =
        |text: &&Text| !parameters(text).any(|slot| given(slot, passed).is_some_and(|arg| arg.is_null() || arg.bare));
    let some: Vec<&Text> = texts.iter().filter(taken).collect();
    let some = if some.is_empty() { texts.iter().collect() } else { some };
    if some.is_empty() {
        return Vec::new();
    }
    let filled = Known::any(some.into_iter().flat_map(|text| filled(text, passed, weak)).collect::<Vec<_>>(), false);
    filled.texts().to_vec()
}

/// The place at which a hole stands for the whole text: nobody can have written to it, if so.
pub(super) fn whole(hole: &Hole, fixed: bool) -> Option<Slot> {
    Slot::of_hole(hole).filter(|_| cuts_of(hole).all(|cut| fixed && cut == Cut::Written))
}

/// What a caller says of the hole of a parameter.
fn said(hole: &Hole, passed: &dyn Fn(u8) -> Option<Arg>, weak: &mut bool) -> Option<Vec<Text>> {
    let arg = given(Slot::of_hole(hole)?, passed)?.read(Slot::width_of(hole));
    *weak |= arg.weak;
    if cuts_of(hole).next().is_none() {
        return Some(spoken(arg));
    }
    // The name of a key or of an object is no text that could be written to.
    let fixed = arg.fixed || arg.handle.is_some() || arg.com.is_some() || !is_written(hole);
    let number = arg.number.clone();
    // What the caller was given itself may be fixed; a copy of it is not.
    let is_given = |text: &Text| {
        let slot = text.as_hole().and_then(Slot::of_hole);
        slot.is_some_and(|slot| number == Number::Param(slot))
    };
    let of = |text: &Text| match text {
        text if fixed => cut_unwritten(hole, text),
        text if is_given(text) => cut_as(hole, text),
        _ => cut_as(hole, &Text::unknown()),
    };
    Some(spoken(arg).iter().map(of).collect())
}

/// Replaces parameters in a text; where a caller passes one of a few, there are as many results.
fn filled(text: &Text, passed: &dyn Fn(u8) -> Option<Arg>, weak: &mut bool) -> Vec<Text> {
    let mut all = vec![Text::new()];
    for part in text.parts() {
        let more = match part {
            Part::Hole(hole) => match Slot::of_hole(hole) {
                Some(_) => said(hole, passed, weak),
                None => Slot::replaced_within(hole, |place| Some(within_hole(&merged(&said(place, passed, weak)?))))
                    .map(|text| vec![text]),
            },
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
