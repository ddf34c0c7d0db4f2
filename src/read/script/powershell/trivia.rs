//! How far texts and comments of a script reach (about_Quoting_Rules, about_Comments).

use std::borrow::Cow;

/// Deepest `"$("$(...)")"`.
const MAX_NESTED: usize = 8;

/// What is no code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trivia {
    /// A backtick with the character behind it.
    Escape,
    /// A text in quotes, or a here-string.
    Text,
    Comment,
}

/// What begins at an offset, and where it ends. A quote that nothing closes is none.
pub(super) fn trivia(bytes: &[u8], at: usize) -> Option<(Trivia, usize)> {
    let next = bytes.get(at + 1).copied().unwrap_or(b'\n');
    Some(match bytes.get(at)? {
        b'`' => (Trivia::Escape, bytes.len().min(at + if next == b'\r' { 3 } else { 2 })),
        b'\'' => (Trivia::Text, at + 2 + memchr::memchr(b'\'', bytes.get(at + 1..)?)?),
        b'"' => (Trivia::Text, expandable_end(bytes, at, 0)?),
        b'@' if matches!(next, b'"' | b'\'') => (Trivia::Text, here_string_end(bytes, at)?),
        b'<' if next == b'#' => {
            let end = memchr::memmem::find(&bytes[at..], b"#>").map_or(bytes.len(), |i| at + i + 2);
            (Trivia::Comment, end)
        }
        b'#' if may_comment(at.checked_sub(1).map(|i| bytes[i])) => {
            (Trivia::Comment, memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |i| at + i))
        }
        _ => return None,
    })
}

/// A sign within a word begins no comment.
fn may_comment(before: Option<u8>) -> bool {
    before.is_none_or(|b| b.is_ascii_whitespace() || b";{}()|,=".contains(&b))
}

/// Behind the here-string that begins here: its quote ends its line, and another one begins the line that ends it.
fn here_string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let header = bytes[at + 2..].iter().find(|b| !matches!(b, b' ' | b'\t' | b'\r'));
    let close = [b'\n', bytes[at + 1], b'@'];
    let body = bytes.get(at..).filter(|_| header == Some(&b'\n'))?;
    memchr::memmem::find(body, &close).map(|i| at + i + close.len())
}

/// Behind the string that begins here, with what is computed in it.
fn expandable_end(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    let mut i = at + 1;
    loop {
        i = match bytes.get(i)? {
            b'`' => i + 2,
            b'"' => return Some(i + 1),
            b'$' if bytes.get(i + 1) == Some(&b'(') => computed_end(bytes, i + 1, depth + 1)?,
            _ => i + 1,
        };
    }
}

/// Behind the parenthesis that closes the one here.
fn computed_end(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    if depth > MAX_NESTED {
        return None;
    }
    let mut open = 0usize;
    let mut i = at;
    loop {
        i = match bytes.get(i)? {
            b'(' => {
                open += 1;
                i + 1
            }
            b')' if open == 1 => return Some(i + 1),
            b')' => {
                open -= 1;
                i + 1
            }
            b'`' => i + 2,
            b'\'' => i + 2 + memchr::memchr(b'\'', bytes.get(i + 1..)?)?,
            b'"' => expandable_end(bytes, i, depth)?,
            _ => i + 1,
        };
    }
}

/// The script with blanks in place of its comments, which the grammar does not take everywhere. Where quotes do not
/// match it is not sure what is one.
pub(super) fn without_comments(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        // Typographic quotes are quotes too, which the grammar takes for something else.
        let is_typographic =
            byte == 0xE2 && bytes.get(at + 1) == Some(&0x80) && matches!(bytes.get(at + 2), Some(0x98..=0x9F));
        at = match trivia(bytes, at) {
            Some((Trivia::Comment, end)) => {
                let comment = &mut out.get_or_insert_with(|| bytes.to_vec())[at..end];
                comment.iter_mut().filter(|b| !matches!(b, b'\r' | b'\n')).for_each(|b| *b = b' ');
                end
            }
            Some((_, end)) => end,
            None if is_typographic || matches!(byte, b'"' | b'\'') => return Cow::Borrowed(text),
            // `${name}` may have any sign in it.
            None if byte == b'$' && bytes.get(at + 1) == Some(&b'{') => {
                memchr::memchr(b'}', &bytes[at..]).map_or(bytes.len(), |i| at + i + 1)
            }
            None => at + 1,
        };
    }
    out.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The script with blanks in place of the `using` statements at its top (about_Using), which the grammar does not know:
/// without them it takes what follows, also the parameters of the script, for something else.
pub(super) fn without_using(text: &str) -> Cow<'_, str> {
    let mut out: Option<Vec<u8>> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let code = line.trim();
        let is_using = code.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("using "));
        if is_using && !code.contains(';') {
            let bytes = out.get_or_insert_with(|| text.as_bytes().to_vec());
            let end = at + line.trim_end().len();
            bytes[at..end].fill(b' ');
        } else if !code.is_empty() {
            break;
        }
        at += line.len();
    }
    out.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::{without_comments, without_using};

    #[test]
    fn using_statements_are_blank() {
        let text = "\n using namespace A.B\r\nUsing module .\\c.psm1\nparam($x)\nusing namespace D";
        assert_eq!(
            without_using(text),
            "\n                    \r\n                     \nparam($x)\nusing namespace D"
        );
        assert_eq!(without_using("$using = 1"), "$using = 1");
    }

    #[test]
    fn comments_are_blank() {
        for (text, comment) in [
            ("a # b\nc", "# b"),
            ("param(<# x #> $a)", "<# x #>"),
            ("param(\n  $a, # \"x\n  $b\n)", "# \"x"),
            ("'#' # it's", "# it's"),
            ("\"a $(\"#{\") b\" # c", "# c"),
            ("@'\n# a\n'@ # b", "# b"),
        ] {
            let blank = " ".repeat(comment.len());
            let at = text.rfind(comment).unwrap();
            let expected = format!("{}{blank}{}", &text[..at], &text[at + comment.len()..]);
            assert_eq!(without_comments(text), expected, "{text}");
        }
        assert_eq!(without_comments("<# a\nb #>c"), "    \n    c");
    }

    #[test]
    fn what_is_no_comment_stays() {
        for text in ["a#b", "'# a'", "\"# $x\"", "`# a", "${a#b} c", "\u{201c}# a\u{201d}", "'a # b\n\"c # d"] {
            assert_eq!(without_comments(text), text);
        }
    }
}
