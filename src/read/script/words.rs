//! Command lines as words: blanks divide, quotes hold together, holes stay whole.

use crate::facts::{Part, Text};

/// A word of a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    /// Without quotes.
    pub(crate) text: Text,
    /// As written.
    pub(crate) raw: Text,
}

impl Word {
    /// A word that was not written with quotes.
    pub(crate) fn plain(text: Text) -> Self {
        Word { raw: text.clone(), text }
    }
}

/// Splits as the C runtime does for programs: blanks outside double quotes; `\"` right behind an opening quote, a sign or
/// a blank is a quote that the program gets, and the next one closes it. Outside of quotes it needs one that closes: without,
/// as in `\"Order Desk"\a.dat`, a folder at the root of the drive has a name in quotes. Elsewhere `\"` is the end of a folder's name.
pub(crate) fn split(line: &Text) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word = Word::default();
    let mut quoted = false;
    let mut open = false;
    let mut inner = false;
    let closing = |part: &Part| if let Part::Lit(literal) = part { literal.rfind("\\\"") } else { None };
    let last = line.parts().iter().enumerate().filter_map(|(n, part)| Some((n, closing(part)?))).next_back();
    for (n, part) in line.parts().iter().enumerate() {
        let Part::Lit(literal) = part else {
            open = true;
            word.text.push(part.clone());
            word.raw.push(part.clone());
            continue;
        };
        let mut start = 0;
        for (i, c) in literal.char_indices() {
            let blank = !quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r');
            if !blank && c != '"' {
                continue;
            }
            let before = &literal[start..i];
            let opens = literal[..i].strip_suffix('\\').is_some_and(|b| match quoted {
                true => b.is_empty() || b.ends_with(['"', ' ', '=']),
                false => {
                    last.is_some_and(|last| (n, i) < last)
                        && (b.ends_with([' ', '\t', '=', ',', '(']) || b.is_empty() && !open && words.is_empty())
                }
            });
            if c == '"' && before.ends_with('\\') && (inner || opens) {
                word.text.push_lit(&before[..before.len() - 1]);
                word.text.push_lit("\"");
                word.raw.push_lit(before);
                word.raw.push_lit("\"");
                inner = !inner;
                open = true;
                start = i + 1;
                continue;
            }
            word.text.push_lit(before);
            word.raw.push_lit(before);
            open |= i > start;
            start = i + c.len_utf8();
            if blank {
                if open {
                    words.push(std::mem::take(&mut word));
                    open = false;
                }
            } else {
                quoted = !quoted;
                open = true;
                word.raw.push_lit("\"");
            }
        }
        word.text.push_lit(&literal[start..]);
        word.raw.push_lit(&literal[start..]);
        open |= start < literal.len();
    }
    if open {
        words.push(word);
    }
    words
}

/// Words with single blanks between, as written.
pub(crate) fn join_raw(words: &[Word]) -> Text {
    let mut out = Text::new();
    for (i, word) in words.iter().enumerate() {
        if i > 0 {
            out.push_lit(" ");
        }
        out.push_text(&word.raw);
    }
    out
}

/// Without the first bytes of the characters it begins with.
pub(crate) fn drop_front(text: &Text, bytes: usize) -> Text {
    Text::from_parts(text.parts().iter().enumerate().map(|(i, part)| match part {
        Part::Lit(s) if i == 0 => Part::Lit(s.get(bytes..).unwrap_or_default().to_owned()),
        other => other.clone(),
    }))
}

/// One pair of quotes around the whole goes.
pub(crate) fn unquote(text: &Text) -> Text {
    let (lead, tail) = (text.leading_lit(), text.trailing_lit());
    let whole = text.as_lit().map(str::len);
    if !lead.starts_with('"') || !tail.ends_with('"') || whole == Some(1) {
        return text.clone();
    }
    let last = text.parts().len() - 1;
    Text::from_parts(text.parts().iter().enumerate().map(|(i, part)| match part {
        Part::Lit(s) => {
            let s = if i == 0 { &s[1..] } else { s };
            Part::Lit(if i == last { s.strip_suffix('"').unwrap_or(s) } else { s }.to_owned())
        }
        hole => hole.clone(),
    }))
}

/// Removes every double quote.
pub(crate) fn without_quotes(text: &Text) -> Text {
    Text::from_parts(text.parts().iter().map(|part| match part {
        Part::Lit(s) => Part::Lit(s.replace('"', "")),
        hole => hole.clone(),
    }))
}

/// Removes blanks at both ends.
pub(crate) fn trim(text: &Text) -> Text {
    let last = text.parts().len().saturating_sub(1);
    Text::from_parts(text.parts().iter().enumerate().map(|(i, part)| match part {
        Part::Lit(s) => {
            let s = if i == 0 { s.trim_start() } else { s };
            Part::Lit(if i == last { s.trim_end() } else { s }.to_owned())
        }
        hole => hole.clone(),
    }))
}

/// The part of a path behind its last separator, when its characters are known.
pub(crate) fn base_name(path: &Text) -> &str {
    let tail = path.trailing_lit();
    tail.rsplit(['\\', '/']).next().unwrap_or(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        split(&Text::parse(line)).iter().map(|w| w.text.to_string()).collect()
    }

    #[test]
    fn quotes_hold_blanks_and_holes_stay_whole() {
        assert_eq!(texts("a  \"b c\"d \"\" e"), ["a", "b cd", "", "e"]);
        assert_eq!(texts("\"{AppDir}\\x y\" /l:{?}.log"), ["{AppDir}\\x y", "/l:{?}.log"]);
        assert_eq!(texts("binPath= \"\\\"C:\\a b\\c.exe\\\" -x\" y"), ["binPath=", "\"C:\\a b\\c.exe\" -x", "y"]);
        assert_eq!(texts("\"C:\\a b\\\" c"), ["C:\\a b\\", "c"]);
        assert_eq!(texts("copy a \\\"b c\"\\d"), ["copy", "a", "\\b c\\d"]);
        assert_eq!(texts("-Q \\\"b c\\\" d"), ["-Q", "\"b", "c\"", "d"]);
        assert_eq!(texts(""), Vec::<String>::new());
    }

    #[test]
    fn outer_quotes_go() {
        assert_eq!(unquote(&Text::parse("\"a {?}\"")).to_string(), "a {?}");
        assert_eq!(unquote(&Text::lit("\"")).to_string(), "\"");
        assert_eq!(trim(&Text::parse("  {?} ")).to_string(), "{?}");
    }
}
