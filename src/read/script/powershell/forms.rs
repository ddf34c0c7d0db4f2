//! Forms of the language that the grammar does not know, as what it does know. Places in the text stay, and the walk reads
//! what is written there.

use super::seven::code;
use super::trivia::{Trivia, trivia};
use super::value::UNITS;
use std::borrow::Cow;

/// Longest attribute.
const MAX_ATTRIBUTE: usize = 200;
/// Longest block that is looked through.
const MAX_INSIDE: usize = 64 << 10;
/// Most blocks of methods that are looked through.
const MAX_BLOCKS: usize = 1_000;
/// Most places of one script that are put so.
const MAX_PLACES: usize = 10_000;

/// The text in the forms that the grammar knows.
pub(super) fn as_known(text: &str) -> Cow<'_, str> {
    let mut out = text.as_bytes().to_vec();
    with_plain_numbers(&mut out);
    let code = code(text);
    let (mut left, mut open) = (MAX_PLACES, Open::default());
    for at in 0..code.len() {
        let opened = open.step(at, code[at]);
        let place = match code[at] {
            b'\t' => Some((at, b' ')),
            b'/' if is_in_command_name(&code, at) => Some((at, b'\\')),
            b')' if opened.is_some_and(|open| are_parameters(&code, open, at)) => Some((at + 1, b'\n')),
            b'}' if ends_clause(&code, at) => Some((at + 1, b'\n')),
            b'[' if let Some(end) = attribute_of_class(&code, at) => {
                out[at..end].fill(b' ');
                None
            }
            _ => None,
        };
        let Some((place, byte)) = place else { continue };
        let Some(rest) = left.checked_sub(1) else { break };
        left = rest;
        out[place] = byte;
    }
    for open in blocks_of_methods(&code).take(MAX_BLOCKS) {
        if let Some(close) = end_of_expression(&code, open) {
            (out[open], out[close]) = (b'(', b')');
        }
    }
    escapes_as_words(text.as_bytes(), &mut out);
    if out == text.as_bytes() {
        return Cow::Borrowed(text);
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// `4MB` as a number of the same length, also within texts that compute.
fn with_plain_numbers(out: &mut [u8]) {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let is_unit = |unit: [u8; 2]| UNITS.iter().any(|(known, _)| known.as_bytes() == unit);
    for at in 1..out.len().saturating_sub(1) {
        let unit = [out[at].to_ascii_lowercase(), out[at + 1].to_ascii_lowercase()];
        if !out[at - 1].is_ascii_digit() || !is_unit(unit) || out.get(at + 2).is_some_and(|b| is_part(*b)) {
            continue;
        }
        let digits = out[..at].iter().rposition(|b| !b.is_ascii_digit() && *b != b'.');
        if digits.is_none_or(|before| !is_part(out[before]) && out[before] != b'-') {
            out[at..at + 2].fill(b'0');
        }
    }
}

/// A slash in the path of what is called: `./a.ps1` where a word begins, `. $folder/a.ps1`, `& $folder/a.ps1`.
fn is_in_command_name(code: &[u8], at: usize) -> bool {
    const MAX_NAME: usize = 260;
    let from = at.saturating_sub(MAX_NAME);
    let begin = code[from..at].iter().rposition(|b| b.is_ascii_whitespace() || b"{};|(&=".contains(b) && *b != b'}');
    let begin = begin.map_or(from, |i| from + i + 1);
    let word = &code[begin..at];
    let is_followed = code.get(at + 1).is_some_and(|b| b.is_ascii_alphanumeric() || b"._$-".contains(b));
    if !is_followed {
        return false;
    }
    if word == b"." || word == b".." {
        return true;
    }
    // `${name}` holds a brace.
    let braced = code[from..begin].ends_with(b"${");
    let start = if braced { begin - 2 } else { begin };
    let is_variable = braced || word.starts_with(b"$");
    let before = code[..start].trim_ascii_end();
    let calls = matches!(before.last(), Some(b'.' | b'&')) && before.len() < start;
    let begins = before.len() < 2 || {
        let earlier = before[before.len() - 2];
        earlier.is_ascii_whitespace() || b"{};|(=".contains(&earlier)
    };
    is_variable && calls && begins
}

/// The parentheses that are open at a place, each with how many braces stood before it.
#[derive(Default)]
struct Open {
    parentheses: Vec<(usize, usize)>,
    braces: usize,
}

impl Open {
    /// Goes on by a character; where a parenthesis is closed in which no block is, answers where it was opened.
    fn step(&mut self, at: usize, byte: u8) -> Option<usize> {
        match byte {
            b'{' | b'}' => self.braces += 1,
            b'(' => self.parentheses.push((at, self.braces)),
            b')' => return self.parentheses.pop().filter(|(_, braces)| *braces == self.braces).map(|(open, _)| open),
            _ => {}
        }
        None
    }
}

/// The parentheses of `param(...)` with a statement behind them on the same line.
fn are_parameters(code: &[u8], open: usize, close: usize) -> bool {
    let is_behind = code.get(close + 1).is_some_and(|b| matches!(b, b' ' | b'\t'));
    let next = code[close + 1..].iter().find(|b| !matches!(b, b' ' | b'\t'));
    if !is_behind || next.is_none_or(|b| b"\r\n;}|,)".contains(b)) {
        return false;
    }
    let before = code[..open].trim_ascii_end();
    let Some(keyword) = before.len().checked_sub(5) else { return false };
    let begins = keyword.checked_sub(1).is_none_or(|i| before[i].is_ascii_whitespace() || b"{;])".contains(&before[i]));
    begins && before[keyword..].eq_ignore_ascii_case(b"param")
}

/// The brace that ends a clause of `switch` before the default on the same line.
fn ends_clause(code: &[u8], at: usize) -> bool {
    const DEFAULT: &[u8] = b"default";
    let rest = &code[at + 1..];
    let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let word = rest.get(blanks..blanks + DEFAULT.len());
    let behind = rest.get(blanks + DEFAULT.len());
    blanks > 0 && word.is_some_and(|w| w.eq_ignore_ascii_case(DEFAULT)) && matches!(behind, Some(b' ' | b'{'))
}

/// Behind `[Name(...)]` in front of a class (about_Classes_DSC).
fn attribute_of_class(code: &[u8], at: usize) -> Option<usize> {
    let end = at + code.get(at..)?.iter().take(MAX_ATTRIBUTE).position(|b| *b == b']')? + 1;
    let rest = code.get(end..)?.trim_ascii_start();
    (code[at..end].ends_with(b")]") && rest.get(..6)?.eq_ignore_ascii_case(b"class ")).then_some(end)
}

/// The opening braces of `.Where{...}` and `.ForEach{...}` (about_Arrays).
fn blocks_of_methods(code: &[u8]) -> impl Iterator<Item = usize> {
    const METHODS: [&[u8]; 2] = [b".where", b".foreach"];
    let opens = move |at: &usize| {
        METHODS.iter().any(|name| {
            let begin = at.checked_sub(name.len());
            begin.is_some_and(|begin| code[begin..*at].eq_ignore_ascii_case(name))
        })
    };
    memchr::memchr_iter(b'{', code).filter(opens)
}

/// The closing brace of such a block, if an expression is in it and nothing else.
fn end_of_expression(code: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (i, byte) in code[open..].iter().enumerate().take(MAX_INSIDE) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => {
                let inside = code[open + 1..open + i].trim_ascii();
                return is_expression(inside).then_some(open + i);
            }
            b'}' => depth -= 1,
            b'\n' | b';' => return None,
            _ => {}
        }
    }
    None
}

/// In parentheses no keyword may stand.
fn is_expression(inside: &[u8]) -> bool {
    const KEYWORDS: [&[u8]; 8] = [b"return", b"throw", b"exit", b"break", b"continue", b"if", b"param", b"foreach"];
    let word = inside.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(inside.len());
    !inside.is_empty() && !KEYWORDS.iter().any(|keyword| inside[..word].eq_ignore_ascii_case(keyword))
}

/// An escaped character that is a word of its own: `Write-Host $a `t $b`.
fn escapes_as_words(text: &[u8], out: &mut [u8]) {
    let mut at = 0;
    while at < text.len() {
        let Some((kind, end)) = trivia(text, at) else {
            at += 1;
            continue;
        };
        let is_blank = |b: Option<&u8>| b.is_none_or(|b| matches!(b, b' ' | b'\t'));
        let is_letter = text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
        let before = at.checked_sub(1).and_then(|i| text.get(i));
        if kind == Trivia::Escape && is_letter && before.is_some() && is_blank(before) && is_blank(text.get(end)) {
            out[at..end].fill(b'_');
        }
        at = end.max(at + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::as_known;

    #[test]
    fn forms_become_known() {
        for (text, known) in [
            ("$x = $a.Length/1MB + 2gb", "$x = $a.Length/100 + 200"),
            ("\"$(f ($a / 4KB))\"", "\"$(f ($a / 400))\""),
            ("./a.ps1 -x y; if (1) { ../b.ps1 }", ".\\a.ps1 -x y; if (1) { ..\\b.ps1 }"),
            (". $P/x/a.ps1; & ${env:R}/b.ps1 c", ". $P\\x\\a.ps1; & ${env:R}\\b.ps1 c"),
            ("function f { param($T) g $T }", "function f { param($T)\ng $T }"),
            ("switch ($a) { '1' { 2 } default { 3 } }", "switch ($a) { '1' { 2 }\ndefault { 3 } }"),
            ("[DscResource()]\nclass A { }", "               \nclass A { }"),
            ("$x.Where{ $_.a -eq 1 }.b", "$x.Where( $_.a -eq 1 ).b"),
            ("$a.ForEach{ return 1 }; $x.Where{ $_ }", "$a.ForEach{ return 1 }; $x.Where( $_ )"),
            ("say $a `t $b\tc", "say $a __ $b c"),
        ] {
            assert_eq!(as_known(text), known);
            assert_eq!(text.len(), known.len());
        }
    }

    #[test]
    fn others_stay() {
        for text in [
            "$x = $a / 2",
            "cp a/b c/d",
            "'./a.ps1 4MB'.Length",
            "$disk1MB = 3",
            "param(\n$a\n)\n$b",
            "f (g $a) $b",
            "Save -Param ($x) > a.txt",
            "Get-Param (1) 2",
            "$Param (1)",
            "[int]$x",
            "a `\n b",
            "$list | Where { $_ }",
            "$list.ForEach{ }",
            "$list.ForEach{ return f $_ }",
        ] {
            let known = as_known(text);
            assert_eq!(known, if text.starts_with("'./") { "'./a.ps1 400'.Length" } else { text });
        }
    }
}
