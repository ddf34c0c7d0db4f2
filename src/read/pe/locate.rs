//! Locations from the arguments of calls: keys below keys, names in INI files.

use super::code::filled::within_hole;
use super::code::known::{Known, merged};
use super::code::report::{Arg, Number};
use crate::facts::{Hole, Part, Text, registry};

/// The keys that an argument may be: a predefined root, an opened key, or a parameter. Never empty.
pub(crate) fn key_texts(key: &Arg) -> Vec<Text> {
    if let Some(handle) = key.handle.as_ref().filter(|h| !h.texts.is_empty()) {
        return handle.texts.clone();
    }
    if let Number::Param(slot) = key.number {
        return vec![slot.text()];
    }
    let roots = key.number.all().iter().map(|n| registry::root_of_handle(*n));
    let roots: Option<Vec<Text>> = roots.map(|root| root.map(Text::lit)).collect();
    roots.filter(|roots| !roots.is_empty()).unwrap_or_else(|| vec![Text::unknown()])
}

/// Keys below others; no name means the keys themselves.
pub(crate) fn keys_below(keys: &[Text], below: &Arg) -> Vec<Text> {
    if below.is_null() {
        return keys.to_vec();
    }
    names_below(keys, below)
}

/// What an argument may be called. Never empty. An empty text is a name only where it stands in the program: a buffer that
/// was emptied is filled where it is not seen.
pub(crate) fn names(arg: &Arg) -> Vec<Text> {
    let name = |text: &Text| match text.is_empty() && arg.literal.is_none() {
        true => Text::unknown(),
        false => named(text),
    };
    if arg.texts.is_empty() { vec![Text::unknown()] } else { arg.texts.iter().map(name).collect() }
}

/// Endings of sources of C and C++.
pub(crate) const SOURCES: [&str; 8] = [".c", ".cc", ".cpp", ".cxx", ".c++", ".h", ".hpp", ".inl"];

/// A text as a name; a hole for one that names nothing on the machine.
pub(crate) fn named(text: &Text) -> Text {
    if is_of_source(text.trailing_lit()) || literals(text).any(is_no_text) { Text::unknown() } else { with_ids(text) }
}

/// The parts of a text that are known.
fn literals(text: &Text) -> impl Iterator<Item = &str> {
    text.parts().iter().filter_map(|part| match part {
        Part::Lit(literal) => Some(literal.as_str()),
        Part::Hole(_) => None,
    })
}

/// What is left where something else was taken for a text: a mark of the order of bytes, and a sign for what could not be
/// decoded.
fn is_no_text(literal: &str) -> bool {
    literal.contains(['\u{feff}', '\u{fffe}', '\u{fffd}'])
}

/// What a format prints of a GUID of which nothing is known is one hole.
fn with_ids(text: &Text) -> Text {
    /// The holes of its groups, with dashes between.
    const GROUPS: usize = 5;
    let (mut parts, mut at) = (Vec::new(), 0);
    let all = text.parts();
    let unknown = |part: Option<&Part>| part == Some(&Part::Hole(Hole::Unknown));
    while let Some(part) = all.get(at) {
        let group = |n: usize| unknown(all.get(at + 1 + 2 * n));
        let dash = |n: usize| matches!(all.get(at + 2 + 2 * n), Some(Part::Lit(literal)) if literal == "-");
        let (Part::Lit(before), Some(Part::Lit(behind))) = (part, all.get(at + 2 * GROUPS)) else {
            parts.push(part.clone());
            at += 1;
            continue;
        };
        match (before.strip_suffix('{'), behind.strip_prefix('}')) {
            (Some(before), Some(behind)) if (0..GROUPS).all(group) && (0..GROUPS - 1).all(dash) => {
                parts.extend([Part::Lit(before.to_owned()), Part::Hole(Hole::Unknown), Part::Lit(behind.to_owned())]);
                at += 2 * GROUPS + 1;
            }
            _ => {
                parts.push(part.clone());
                at += 1;
            }
        }
    }
    Text::from_parts(parts)
}

/// Tells where in its own source a program is, as `__FILE__` and `__LINE__` do (ISO C 6.10.8.1): such texts are handed to
/// functions beside what these are about.
fn is_of_source(end: &str) -> bool {
    let file = end.trim_end_matches(|c: char| c.is_ascii_digit()).strip_suffix(':').unwrap_or(end);
    let name = file.to_ascii_lowercase();
    SOURCES.iter().any(|ending| name.strip_suffix(ending).is_some_and(|stem| stem.ends_with(char::is_alphanumeric)))
}

/// A text as the path of a file: what no file can be called (MS documentation: "Naming Files, Paths, and Namespaces"), and
/// what programs print for a stream that has no name, is no path.
pub(crate) fn path(text: &Text) -> Text {
    const STREAMS: [&str; 3] = ["(stdin)", "(stdout)", "(stderr)"];
    let cannot = |part: &Part| match part {
        Part::Lit(lit) => lit.contains(|c: char| c.is_control() || matches!(c, '<' | '>' | '|')),
        Part::Hole(_) => false,
    };
    // The folder that the program is in, or the root of its drive, is what is left of a path that was not seen.
    let is_rest = |lit: &str| lit.chars().all(|c| matches!(c, '\\' | '/' | '.'));
    let is_stream = text.as_lit().is_some_and(|lit| STREAMS.contains(&lit) || is_rest(lit));
    if is_stream || text.parts().iter().any(cannot) { Text::unknown() } else { named(text) }
}

/// Each name that an argument may be, below each of these.
pub(crate) fn names_below(above: &[Text], arg: &Arg) -> Vec<Text> {
    let names = names(arg);
    let all = above.iter().flat_map(|text| names.iter().map(|name| below_text(text, name)));
    Known::any(all.collect::<Vec<_>>(), false).texts().to_vec()
}

/// The keys that are opened, created or named below others. Of several keys and several names it is not known which belong
/// together: what is above is not said then.
pub(crate) fn opened_below(keys: &[Text], below: &Arg) -> Vec<Text> {
    if is_crossed(keys, below) { keys_below(&[Text::unknown()], below) } else { keys_below(keys, below) }
}

/// Several keys and several names: two that are set on the same way belong together, and which do is not known.
pub(crate) fn is_crossed(keys: &[Text], below: &Arg) -> bool {
    let known = |texts: &[Text]| texts.iter().filter(|text| !text.is_unknown()).count() > 1;
    !below.is_null() && known(keys) && known(&below.texts)
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
    merged(&arg.texts)
}

/// `file/section/key`, for the hole of a value that was read.
pub(crate) fn ini_name(parts: &[Arg]) -> String {
    let names: Vec<String> = parts.iter().map(|p| within_hole(&first_text(p))).collect();
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_something_else_names_nothing() {
        for text in ["\\", "/", ".", "\u{feff}???{?}"] {
            assert!(path(&Text::parse(text)).is_unknown(), "{text}");
        }
        let groups = ["Class\\{", "-", "-", "-", "-", "}\\0000"].map(Text::lit);
        let printed = groups.into_iter().reduce(|all, next| all.concat(&Text::unknown()).concat(&next));
        assert_eq!(named(&printed.unwrap_or_default()), Text::parse("Class\\{?}\\0000"));
    }

    #[test]
    fn what_a_program_says_of_itself_names_no_file() {
        for text in ["cache.cpp", "src\\sox.c:535", "{?}windows.cpp", "(stdout)", "<stdin>", "--{?}\n"] {
            assert!(path(&Text::parse(text)).is_unknown(), "{text}");
        }
        for text in ["cache.dat", "main.cs", "a\\.h", "(2).txt", "{AppData}\\cache.db"] {
            assert_eq!(path(&Text::parse(text)), Text::parse(text));
        }
        assert!(named(&Text::lit("windows.cpp")).is_unknown());
    }
}
