//! What cmd makes of a value: `%X:~0,-1%`, `%X:a=b%`, `%~dpnx1`.

use super::syntax::Change;
use crate::facts::{Hole, Location, Part, Source, Text, join_paths};
use crate::read::script::call;
use crate::read::script::words;

/// Applies a modification of a variable reference.
pub(super) fn change(value: &Text, change: &Change) -> Text {
    match change {
        Change::Slice(start, length) => slice(value, *start, *length),
        Change::Replace(from, to) => replace(value, from, to),
    }
}

fn slice(value: &Text, start: i32, length: Option<i32>) -> Text {
    if let Some(text) = value.as_lit() {
        let chars: Vec<char> = text.chars().collect();
        let count = chars.len() as i64;
        let clamp = |n: i64| n.clamp(0, count);
        let from = if start < 0 { clamp(count + i64::from(start)) } else { clamp(i64::from(start)) };
        let to = match length {
            None => count,
            Some(n) if n < 0 => clamp(count + i64::from(n)),
            Some(n) => clamp(from + i64::from(n)),
        };
        return Text::lit(
            chars.get(from as usize..to.max(from) as usize).unwrap_or_default().iter().collect::<String>(),
        );
    }
    // `:~0,-1` takes the separator off the end of `%~dp0`.
    if let (0, Some(n)) = (start, length)
        && n < 0
    {
        let tail = value.trailing_lit();
        // Of a folder that is not known the last sign is a separator, or the line is not carried out:
        // `if "%X:~-1%"=="\\" set X=%X:~0,-1%`.
        let is_one_place = matches!(value.parts(), [Part::Hole(Hole::Folder(_) | Hole::From(Source::Env, _))]);
        if n == -1 && is_one_place {
            return value.clone();
        }
        let keep = tail.chars().count().checked_sub(n.unsigned_abs() as usize);
        if let Some(keep) = keep {
            let kept: String = tail.chars().take(keep).collect();
            let last = value.parts().len() - 1;
            return Text::from_parts(value.parts()[..last].iter().cloned().chain([Part::Lit(kept)]));
        }
    }
    Text::unknown()
}

/// Replaces in the known parts, in any case; `*from` takes all up to it.
fn replace(value: &Text, from: &str, to: &str) -> Text {
    if let Some(from) = from.strip_prefix('*') {
        let Some(text) = value.as_lit() else { return Text::unknown() };
        return match find_ignoring_case(text, from) {
            Some(at) if !from.is_empty() => Text::lit(format!("{to}{}", &text[at + from.len()..])),
            _ => value.clone(),
        };
    }
    if from.is_empty() {
        return value.clone();
    }
    Text::from_parts(value.parts().iter().map(|part| match part {
        Part::Lit(s) => {
            let (mut out, mut rest) = (String::new(), s.as_str());
            while let Some(at) = find_ignoring_case(rest, from) {
                out.push_str(&rest[..at]);
                out.push_str(to);
                rest = &rest[at + from.len()..];
            }
            out.push_str(rest);
            Part::Lit(out)
        }
        hole => hole.clone(),
    }))
}

/// ASCII case is folded; byte offsets of the original are returned.
fn find_ignoring_case(text: &str, needle: &str) -> Option<usize> {
    text.char_indices()
        .map(|(i, _)| i)
        .find(|&i| text.get(i..i + needle.len()).is_some_and(|s| s.eq_ignore_ascii_case(needle)))
}

/// `~`, `~f`, `~dp`, `~nx`: parts of a path.
pub(super) fn path_parts(value: &Text, modifiers: &str, here: &Text) -> Text {
    let Some(letters) = modifiers.strip_prefix('~') else { return value.clone() };
    let value = words::unquote(value);
    let has = |c: char| letters.contains(c);
    if has('a') || has('t') || has('z') {
        return Text::unknown();
    }
    if !(has('f') || has('d') || has('p') || has('n') || has('x')) {
        return value;
    }
    let full = if Location::file(&value).is_relative() { join_paths(here, &value) } else { value };
    let ends_folder = full.trailing_lit().ends_with(['\\', '/']);
    let full = Location::file(&full).text().clone();
    if has('f') {
        return full;
    }
    let name = if ends_folder { String::new() } else { words::base_name(&full).to_owned() };
    let known_name = ends_folder || !name.is_empty();
    let (stem, extension) = match name.rfind('.') {
        Some(at) => name.split_at(at),
        None => (name.as_str(), ""),
    };
    let mut out = Text::new();
    if has('p') {
        // The drive alone is never asked for a path that is known only as a folder.
        out.push_text(&if ends_folder { full.clone() } else { call::parent(&full) });
        if !out.trailing_lit().ends_with('\\') {
            out.push_lit("\\");
        }
    } else if has('d') {
        let drive = full.leading_lit().get(..2).filter(|d| d.ends_with(':')).unwrap_or("{SystemDrive}");
        out.push_text(&Text::parse(drive));
    }
    if has('n') || has('x') {
        if !known_name {
            out.push_text(&Text::unknown());
            return out;
        }
        if has('n') {
            out.push_lit(stem);
        }
        if has('x') {
            out.push_lit(extension);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(value: &str, modifiers: &str) -> String {
        path_parts(&Text::parse(value), modifiers, &Text::parse("{Cwd}")).to_string()
    }

    #[test]
    fn paths_are_taken_apart() {
        assert_eq!(parts("{AppDir}\\a.b.txt", "~dp"), "{AppDir}\\");
        assert_eq!(parts("{AppDir}\\a.b.txt", "~nx"), "a.b.txt");
        assert_eq!(parts("{AppDir}\\a.b.txt", "~n"), "a.b");
        assert_eq!(parts("\"C:\\x\\..\\y\"", "~f"), "C:\\y");
        assert_eq!(parts("x.txt", "~f"), "{Cwd}\\x.txt");
        assert_eq!(parts("\"a b\"", "~"), "a b");
        assert_eq!(parts("{?}", "~n"), "{?}");
    }

    #[test]
    fn values_are_changed() {
        let c = |v: &str, c: Change| change(&Text::parse(v), &c).to_string();
        assert_eq!(c("{AppDir}\\", Change::Slice(0, Some(-1))), "{AppDir}");
        assert_eq!(c("20260102", Change::Slice(4, Some(2))), "01");
        assert_eq!(c("abc", Change::Slice(-2, None)), "bc");
        assert_eq!(c("{?}", Change::Slice(4, Some(2))), "{?}");
        assert_eq!(c("{env:TMPDIR}", Change::Slice(0, Some(-1))), "{env:TMPDIR}");
        assert_eq!(c("{env:TMPDIR}", Change::Slice(0, Some(-4))), "{?}");
        assert_eq!(c("{env:NAME}{arg:1}", Change::Slice(0, Some(-1))), "{?}");
        assert_eq!(c("C:/A/b", Change::Replace("/".into(), "\\".into())), "C:\\A\\b");
        assert_eq!(c("xA=b", Change::Replace("*a".into(), String::new())), "=b");
    }
}
