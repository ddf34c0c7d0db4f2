//! Locations from the arguments of calls: keys below keys, names in INI files.

use super::code::report::{Arg, Number};
use crate::facts::{Source, Text, registry};

/// The key that an argument is: a predefined root, an opened key, or a parameter.
pub(crate) fn key_text(key: &Arg) -> Text {
    if let Some(handle) = &key.handle {
        return handle.text.clone();
    }
    if let Number::Param(n) = key.number {
        return Text::from_source(Source::Param, n.to_string());
    }
    let mut roots = key.number.all().iter().map(|n| registry::root_of_handle(*n));
    match (roots.next().flatten(), roots.next()) {
        (Some(root), None) => Text::lit(root),
        _ => Text::unknown(),
    }
}

/// A key below another; no name means the key itself.
pub(crate) fn key_below(key: &Text, below: &Arg) -> Text {
    if below.is_null() {
        return key.clone();
    }
    below_text(key, &first_text(below))
}

/// The same, for a text.
pub(crate) fn below_text(key: &Text, below: &Text) -> Text {
    if below.is_empty() {
        return key.clone();
    }
    let mut text = key.clone();
    if !text.trailing_lit().ends_with('\\') {
        text.push_lit("\\");
    }
    text.concat(below)
}

/// The text of an argument; several possibilities become what they share.
pub(crate) fn first_text(arg: &Arg) -> Text {
    let mut texts = arg.texts.iter();
    match texts.next() {
        Some(first) => texts.fold(first.clone(), |all, t| all.merge(t)),
        None => Text::unknown(),
    }
}

/// `file/section/key`, for the hole of a value that was read.
pub(crate) fn ini_name(parts: &[Arg]) -> String {
    let names: Vec<String> = parts.iter().map(|p| first_text(p).to_string().replace('}', ")")).collect();
    names.join("/")
}
