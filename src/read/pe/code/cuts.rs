//! What is left of a text that is cut: a path without its last component or its extension, or up to any place.
//!
//! Of a parameter it is not known yet what is left: the hole that stands for it says where it is cut, and that is done
//! when a caller says what it is.

use super::slot::Slot;
use crate::facts::{Hole, Part, Source, Text};

/// Where a text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Before the dot of its extension.
    Extension,
    /// Before its last separator.
    Folder,
    /// Behind its last separator.
    Separator,
    /// Somewhere.
    Anywhere,
    /// Not at all, but whoever was given its address may have put something else there.
    Written,
}

/// Most cuts of one parameter.
const MAX_CUTS: usize = 4;

impl Cut {
    const ALL: [Cut; 5] = [Cut::Extension, Cut::Folder, Cut::Separator, Cut::Anywhere, Cut::Written];

    /// How it is written behind the place that a hole stands for.
    fn sign(self) -> char {
        match self {
            Cut::Extension => '.',
            Cut::Folder => '\\',
            Cut::Separator => '/',
            Cut::Anywhere => '*',
            Cut::Written => '!',
        }
    }

    /// What is left of a text.
    pub(crate) fn of(self, text: &Text) -> Text {
        match self {
            Cut::Extension => without_extension(text),
            Cut::Folder => folder_of(text, false),
            Cut::Separator => folder_of(text, true),
            Cut::Anywhere => up_to_anywhere(text),
            Cut::Written => written(text),
        }
    }

    /// What is left of a parameter, if the hole is one.
    fn of_parameter(self, hole: &Hole) -> Option<Hole> {
        let Hole::From(Source::Param, name) = hole else { return None };
        Slot::of_hole(hole)?;
        if matches!(self, Cut::Anywhere | Cut::Written) && cuts_of(hole).last() == Some(self) {
            return Some(hole.clone());
        }
        (cuts_of(hole).count() < MAX_CUTS).then(|| Hole::From(Source::Param, format!("{name}{}", self.sign())))
    }
}

/// The name of a hole that stands for a place, without its cuts.
pub(super) fn uncut(name: &str) -> &str {
    match name.as_bytes().last() {
        // Most are not cut.
        Some(b'a'..=b'z' | b'0'..=b'9') | None => name,
        _ => name.trim_end_matches(Cut::ALL.map(Cut::sign)),
    }
}

/// Where the text is cut that a hole stands for.
pub(super) fn cuts_of(hole: &Hole) -> impl Iterator<Item = Cut> {
    let signs = match hole {
        Hole::From(Source::Param, name) => name.get(uncut(name).len()..).unwrap_or_default(),
        _ => "",
    };
    signs.chars().filter_map(|sign| Cut::ALL.into_iter().find(|cut| cut.sign() == sign))
}

/// The text that a hole stands for, when a caller gives it.
pub(super) fn cut_as(hole: &Hole, text: &Text) -> Text {
    cuts_of(hole).fold(text.clone(), |text, cut| cut.of(&text))
}

/// The same, where nobody can have written to what the caller gives.
pub(super) fn cut_unwritten(hole: &Hole, text: &Text) -> Text {
    cuts_of(hole).filter(|cut| *cut != Cut::Written).fold(text.clone(), |text, cut| cut.of(&text))
}

/// The text of a hole may have been written to.
pub(super) fn is_written(hole: &Hole) -> bool {
    cuts_of(hole).any(|cut| cut == Cut::Written)
}

/// A text that starts with what is left of another when that is cut.
pub(super) fn begins_with_cut_of(text: &Text, whole: &Text) -> bool {
    Cut::ALL.iter().any(|cut| {
        let left = cut.of(whole);
        left.parts().len() == 1
            && left.as_hole().is_some()
            && !left.is_unknown()
            && left.parts().first() == text.parts().first()
    })
}

/// A text without its last characters. What is not known to be that long is not known behind its folder.
pub(super) fn without_last(path: &Text, count: usize) -> Text {
    let tail: Vec<char> = path.trailing_lit().chars().collect();
    let Some(kept) = tail.len().checked_sub(count).filter(|kept| *kept > 0) else {
        return match folder_of(path, true) {
            folder if folder.is_unknown() => folder,
            folder => folder.concat(&Text::unknown()),
        };
    };
    let parts = path.parts().len() - 1;
    let mut text = Text::from_parts(path.parts().iter().take(parts).cloned());
    text.push_lit(&tail.into_iter().take(kept).collect::<String>());
    text
}

/// A path without its last component; with its separator, if asked for.
pub(super) fn folder_of(path: &Text, keep_separator: bool) -> Text {
    let cut = if keep_separator { Cut::Separator } else { Cut::Folder };
    let mut parts: Vec<Part> = path.parts().to_vec();
    while let Some(last) = parts.pop() {
        match last {
            Part::Lit(s) => {
                if let Some(at) = s.rfind(['\\', '/']) {
                    let end = if keep_separator { at + 1 } else { at };
                    parts.push(Part::Lit(s.get(..end).unwrap_or_default().to_owned()));
                    return Text::from_parts(parts);
                }
            }
            // A folder has no name that could be cut off without knowing the folder above.
            hole @ Part::Hole(Hole::Folder(_)) => {
                parts.push(hole);
                return Text::from_parts(parts);
            }
            Part::Hole(hole) => {
                if let Some(left) = cut.of_parameter(&hole) {
                    parts.push(Part::Hole(left));
                    return Text::from_parts(parts);
                }
            }
        }
    }
    Text::unknown()
}

/// A path without its extension.
pub(super) fn without_extension(path: &Text) -> Text {
    let tail = path.trailing_lit();
    let name = tail.rfind(['\\', '/']).map(|i| i + 1);
    let mut parts = path.parts().to_vec();
    if let Some(dot) = tail.rfind('.').filter(|dot| *dot >= name.unwrap_or(0)) {
        parts.pop();
        parts.push(Part::Lit(tail.get(..dot).unwrap_or_default().to_owned()));
        return Text::from_parts(parts);
    }
    if name.is_some() {
        return path.clone();
    }
    // The dot may be in what is not known.
    let behind = parts.pop_if(|part| matches!(part, Part::Lit(_)));
    match parts.pop() {
        None => path.clone(),
        Some(Part::Hole(Hole::Folder(_))) if behind.is_none() => path.clone(),
        Some(Part::Hole(hole)) => {
            let left = Cut::Extension.of_parameter(&hole).filter(|_| behind.is_none());
            parts.push(Part::Hole(left.unwrap_or(Hole::Unknown)));
            Text::from_parts(parts)
        }
        Some(_) => path.clone(),
    }
}

/// What a caller gives, if it is as it was; of anything else nothing is known.
fn written(text: &Text) -> Text {
    text.as_hole().and_then(|hole| Cut::Written.of_parameter(hole)).map_or_else(Text::unknown, Text::hole)
}

/// A path up to somewhere: not more is known than where it begins, at a drive or in a folder that has a meaning.
fn up_to_anywhere(path: &Text) -> Text {
    let begin = match path.parts().first() {
        Some(Part::Lit(text)) => match text.as_bytes() {
            [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic() => text.get(..3).map(Text::lit),
            _ => None,
        },
        Some(Part::Hole(Hole::Folder(folder))) => Some(Text::folder(*folder).concat(&"\\".into())),
        Some(Part::Hole(hole)) => return Cut::Anywhere.of_parameter(hole).map_or_else(Text::unknown, Text::hole),
        None => return Text::new(),
    };
    begin.unwrap_or_default().concat(&Text::unknown())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_cut_when_they_are_known() {
        let parameter = Slot::of(0).read(true.into());
        let cut = folder_of(&without_extension(&parameter), true);
        let hole = cut.as_hole().cloned().unwrap_or(Hole::Unknown);
        assert_eq!(Slot::of_hole(&hole), Some(Slot::of(0)));
        assert_eq!(Slot::width_of(&hole), Some(true));
        assert_eq!(cut_as(&hole, &"C:\\Contoso\\a.b.exe".into()), "C:\\Contoso\\".into());
    }

    #[test]
    fn an_extension_may_be_in_what_is_not_known() {
        let text = |s: &str| Text::parse(s);
        assert_eq!(without_extension(&text("C:\\a\\{env:NAME}")), text("C:\\a\\{?}"));
        assert_eq!(without_extension(&text("C:\\a\\{env:NAME}b")), text("C:\\a\\{?}"));
        assert_eq!(without_extension(&text("C:\\a\\{env:NAME}.b")), text("C:\\a\\{env:NAME}"));
        assert_eq!(without_extension(&text("{AppDir}\\name")), text("{AppDir}\\name"));
    }

    #[test]
    fn of_what_is_cut_anywhere_the_begin_is_left() {
        let cut = |s: &str| Cut::Anywhere.of(&Text::parse(s));
        assert_eq!(cut("C:\\a\\b"), Text::parse("C:\\{?}"));
        assert_eq!(cut("{AppDir}\\a"), Text::parse("{AppDir}\\{?}"));
        assert_eq!(cut("a\\b"), Text::unknown());
    }
}
