//! Operators of PowerShell 7 that the grammar does not know, as what it does know (about_Operators): of `a ?? b` and of
//! `c ? a : b` the value is one of a few, as it is of a list. Places in the text stay.

use super::trivia::trivia;
use std::borrow::Cow;

/// Most operators of one script that are put so.
const MAX_OPERATORS: usize = 1_000;

/// The text with commas in the place of these operators.
pub(super) fn as_lists(text: &str) -> Cow<'_, str> {
    if !text.contains(" ? ") && !text.contains("??") {
        return Cow::Borrowed(text);
    }
    let code = code(text);
    let mut out = text.as_bytes().to_vec();
    let mut blank = |from: usize, to: usize, with: u8| {
        out[from..to].fill(b' ');
        out[to - 1] = with;
    };
    let mut at = 0;
    for _ in 0..MAX_OPERATORS {
        let Some(found) = code[at..].windows(2).position(|two| two == b"??" || two == b"? ") else { break };
        let start = at + found;
        at = start + 2;
        if code[start..].starts_with(b"??=") {
            blank(start, start + 3, b'=');
        } else if code[start..].starts_with(b"??") {
            blank(start, start + 2, b',');
        } else if start > 0
            && code[start - 1] == b' '
            && let Some(other) = other_way(&code, start + 1)
            && let Some(condition) = condition(&code, start)
        {
            blank(condition, start + 1, b' ');
            blank(other, other + 1, b',');
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The code alone: texts and comments are dots.
pub(super) fn code(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < code.len() {
        let end = trivia(bytes, at).map_or(at, |(_, end)| end.min(code.len()));
        code[at..end].fill(b'.');
        at = end.max(at + 1);
    }
    code
}

/// Where the condition begins: behind `=`, a parenthesis or `return`, on the same line.
fn condition(code: &[u8], operator: usize) -> Option<usize> {
    let mut depth = 0;
    for at in (0..operator).rev() {
        match code[at] {
            b')' | b']' | b'}' => depth += 1,
            b'(' | b'[' | b'{' if depth == 0 => return Some(at + 1),
            b'(' | b'[' | b'{' => depth -= 1,
            b'=' if depth == 0 => return Some(at + 1),
            b'n' if depth == 0 && code[..=at].to_ascii_lowercase().ends_with(b"return") => return Some(at + 1),
            b'\n' | b';' | b'|' => return None,
            _ => {}
        }
    }
    None
}

/// The colon before the other value, on the same line and not in brackets of its own.
fn other_way(code: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in code.iter().enumerate().skip(from) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth == 0 => return None,
            b')' | b']' | b'}' => depth -= 1,
            // `::` and the drive of a variable touch what is before them.
            b':' if depth == 0 && code.get(at + 1) == Some(&b' ') => return Some(at),
            b'\n' | b';' => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::as_lists;

    #[test]
    fn what_is_one_of_a_few_is_a_list() {
        assert_eq!(as_lists("$a = $b ?? 'x > y'"), "$a = $b  , 'x > y'");
        assert_eq!(as_lists("$a ??= 'x'"), "$a   = 'x'");
        assert_eq!(as_lists("$a = $c ? \"<br>\": ''"), "$a =      \"<br>\", ''");
        assert_eq!(as_lists("return ($c.X() ? 1 : 2)"), "return (         1 , 2)");
        assert_eq!(as_lists("ls | ? { $_ -ne ': ' }"), "ls | ? { $_ -ne ': ' }");
        assert_eq!(as_lists("'a ? b : c' # d ?? e"), "'a ? b : c' # d ?? e");
        assert_eq!(as_lists("$x = \"`\" ?? \""), "$x = \"`\" ?? \"");
    }
}
