//! Words of command lines that the grammar does not take whole.
//!
//! In argument mode PowerShell takes `$folder\name`, `-o"$folder"` and `C:\logs\$(Get-Date).txt` as one word each
//! (about_Parsing). The grammar ends a word at the variable or the quote, and what follows on the line, sometimes on the
//! following ones too, is lost with it. Before parsing, the characters that make it do so give way to plain ones; offsets
//! stay, so the walk sees what is written.

use super::seven::code;
use super::trivia::trivia;
use std::borrow::Cow;

/// Stands for what the grammar would end a word at.
const PLAIN: u8 = b'_';

/// Most of a statement in front of a word that is looked at.
const MAX_STATEMENT: usize = 4_096;

/// Longest `$(...)` in a word.
const MAX_SUB: usize = 1024;

/// Operators that may touch a quote: `-join"x"` is no option with its value.
const OPERATORS: &[&str] = &[
    "f",
    "join",
    "split",
    "csplit",
    "isplit",
    "replace",
    "creplace",
    "ireplace",
    "match",
    "cmatch",
    "imatch",
    "notmatch",
    "like",
    "clike",
    "ilike",
    "notlike",
    "eq",
    "ceq",
    "ieq",
    "ne",
    "cne",
    "ine",
    "gt",
    "ge",
    "lt",
    "le",
    "contains",
    "notcontains",
    "in",
    "notin",
    "is",
    "isnot",
    "as",
    "and",
    "or",
    "xor",
    "not",
    "band",
    "bor",
    "bxor",
    "bnot",
    "shl",
    "shr",
];

/// What opens something that may reach to the end of the script. When nothing closes it, the lexer looks for the end at
/// every one of them, which takes hours in a file that is made so.
const PAIRS: &[(&[u8], &[u8])] = &[(b"<#", b"#>"), (b"${", b"}"), (b"@\"", b"\n\"@"), (b"@'", b"\n'@")];

/// A text of the same length in which the words of command lines are plain.
pub(super) fn masked(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut out: Option<Vec<u8>> = None;
    // The code without its texts, once somebody asks for it.
    let mut plain: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if let Some((_, end)) = trivia(bytes, at) {
            let is_text = matches!(byte, b'"' | b'\'') && begins_argument(bytes, at);
            // Who thinks that a backslash escapes a quote writes `"\"$program\""`: two texts with a variable between, in one word.
            let is_joined = byte == b'"' && bytes[..end].ends_with(br#"\""#) && bytes.get(end) == Some(&b'$');
            let end = if is_joined { word_end(bytes, end) } else { end };
            if is_joined || is_text && precedes_word(bytes, end) {
                mask(&mut out.get_or_insert_with(|| bytes.to_vec())[at..end]);
            }
            at = end;
            continue;
        }
        if is_rooted_command(bytes, at) {
            out.get_or_insert_with(|| bytes.to_vec())[at] = PLAIN;
        }
        at = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' => at + 1,
            _ if begins_argument(bytes, at) => {
                let end = word_end(bytes, at);
                let word = &bytes[at..end];
                let is_listed = word.starts_with(b"$") && precedes_word(bytes, end);
                let is_divided = || word.starts_with(b"$") && word.windows(2).any(|w| w == b"/$");
                let mut is_word = || is_of_command(plain.get_or_insert_with(|| code(text)), at);
                if is_listed
                    || needs_mask(word)
                    || is_divided() && is_word()
                    || (is_assigned(word) && follows_a_word(bytes, at))
                {
                    let out = out.get_or_insert_with(|| bytes.to_vec());
                    mask(&mut out[at..end]);
                }
                end.max(at + 1)
            }
            _ => at + 1,
        };
    }
    for (open, close) in PAIRS {
        let from = memchr::memmem::rfind(bytes, close).map_or(0, |at| at + close.len());
        for at in memchr::memmem::find_iter(&bytes[from..], open) {
            out.get_or_insert_with(|| bytes.to_vec())[from + at] = PLAIN;
        }
    }
    // Only ASCII characters gave way to one.
    out.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Behind a blank or a comma, with a command or another argument in front.
fn begins_argument(bytes: &[u8], at: usize) -> bool {
    if !matches!(at.checked_sub(1).map(|i| bytes[i]), Some(b' ' | b'\t' | b',')) {
        return false;
    }
    let Some(before) = bytes[..at].iter().rposition(|b| !matches!(b, b' ' | b'\t')) else { return false };
    !matches!(bytes[before], b'\n' | b'\r' | b';' | b'|' | b'{' | b'(' | b'&' | b'=' | b'.')
}

/// Does the statement that goes on here begin with a command, and is no operator in front of the word? What a keyword takes
/// is an expression, and so is what an operator does.
fn is_of_command(code: &[u8], at: usize) -> bool {
    const KEYWORDS: [&[u8]; 6] = [b"exit", b"if", b"return", b"switch", b"throw", b"while"];
    let from = at.saturating_sub(MAX_STATEMENT);
    let end = code[from..at].iter().rposition(|b| b"\n;{}|(=".contains(b)).map(|i| from + i + 1);
    // How a longer one begins is not looked for.
    let Some(begin) = end.or((from == 0).then_some(0)) else { return false };
    let statement = &code[begin..at];
    let mut words = statement.split(|b| matches!(b, b' ' | b'\t' | b'\r')).filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return false };
    let before = words.next_back().unwrap_or(first);
    let is_operator =
        before.strip_prefix(b"-").is_some_and(|name| OPERATORS.iter().any(|o| name.eq_ignore_ascii_case(o.as_bytes())));
    let is_sign = before.ends_with(b",") || before.iter().all(|b| b"+-*/%".contains(b));
    first[0].is_ascii_alphabetic()
        && !KEYWORDS.iter().any(|k| first.eq_ignore_ascii_case(k))
        && !is_operator
        && !is_sign
}

/// A command by its path from the root of the drive, `/scripts/start.ps1`, at the beginning of a statement.
fn is_rooted_command(bytes: &[u8], at: usize) -> bool {
    if !matches!(bytes[at], b'/' | b'\\') || !bytes.get(at + 1).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
    {
        return false;
    }
    match bytes[..at].iter().rposition(|b| !matches!(b, b' ' | b'\t' | b'\r')) {
        None => true,
        // A backtick before the end of the line goes on with the statement.
        Some(before) if bytes[before] == b'\n' => {
            let line = bytes[..before].iter().rfind(|b| **b != b'\r');
            !matches!(line, Some(b'`'))
        }
        Some(before) => matches!(bytes[before], b';' | b'{' | b'|' | b'&'),
    }
}

/// Is it an element of a list whose next one is a bare word? The grammar wants the others to be of the kind of the first.
fn precedes_word(bytes: &[u8], end: usize) -> bool {
    let Some(rest) = bytes.get(end..).and_then(|rest| rest.strip_prefix(b",")) else { return false };
    let next = rest.iter().find(|b| !matches!(b, b' ' | b'\t'));
    next.is_some_and(|b| b.is_ascii_alphabetic() || b".\\/*_".contains(b))
}

/// Behind the word: at the first blank or separator that no quotes and no parentheses of `$(...)` hold.
fn word_end(bytes: &[u8], at: usize) -> usize {
    let mut i = at;
    while let Some(&byte) = bytes.get(i) {
        i = match byte {
            b'"' | b'\'' if i > at => match trivia(bytes, i) {
                Some((_, end)) => end,
                None => return i,
            },
            b'`' => i + 2,
            b'$' if bytes.get(i + 1) == Some(&b'(') => match parenthesis_end(bytes, i + 1) {
                Some(end) => end,
                None => return i,
            },
            b' ' | b'\t' | b'\r' | b'\n' | b';' | b'|' | b'(' | b')' | b'{' | b'}' | b',' | b'<' | b'>' | b'"'
            | b'\'' => {
                // `${name}` is a variable.
                if byte == b'{' && i > at && bytes[i - 1] == b'$' {
                    memchr::memchr(b'}', &bytes[i..]).map_or(bytes.len(), |n| i + n + 1)
                } else {
                    return i;
                }
            }
            _ => i + 1,
        };
    }
    bytes.len()
}

/// Behind the parenthesis that closes the one here, on the same line.
fn parenthesis_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (i, byte) in bytes.iter().enumerate().skip(at).take(MAX_SUB) {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(i + 1),
            b')' => depth -= 1,
            b'\n' => return None,
            _ => {}
        }
    }
    None
}

fn needs_mask(word: &[u8]) -> bool {
    let body = |w: &[u8]| {
        (w.contains(&b'\\') || is_path_by_slash(w) || is_name_with_dash(w) || memchr::memmem::find(w, b"`:").is_some())
            && !w.contains(&b'"')
            && !w.contains(&b'\'')
    };
    match word {
        [b'$', b'(', ..] => body(word),
        [b'$', ..] => body(word),
        [b'-', rest @ ..] => {
            let name = rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let touches = matches!(rest.get(name), Some(b'"' | b'\'' | b'$'));
            let is_operator = OPERATORS.iter().any(|o| rest[..name].eq_ignore_ascii_case(o.as_bytes()));
            name > 0 && touches && !is_operator
        }
        [first, ..] if first.is_ascii_alphanumeric() || matches!(first, b'.' | b'\\' | b'/' | b'%') => {
            word.windows(2).any(|pair| pair == b"$(") && !word.contains(&b'"')
        }
        _ => false,
    }
}

/// `$folder/name`: what is divided by is a number or a variable.
fn is_path_by_slash(word: &[u8]) -> bool {
    word.windows(2).any(|pair| pair[0] == b'/' && (pair[1].is_ascii_alphabetic() || matches!(pair[1], b'.' | b'_')))
}

/// `$prefix-key.pem`: behind the dash stands no operator.
fn is_name_with_dash(word: &[u8]) -> bool {
    let variable = word[1..].iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':')).count();
    let Some(rest) = word[1 + variable..].strip_prefix(b"-") else { return false };
    let name = rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let is_operator = OPERATORS.iter().any(|o| rest[..name].eq_ignore_ascii_case(o.as_bytes()));
    variable > 0 && !is_operator && rest.first().is_some_and(u8::is_ascii_alphabetic)
}

/// `name="a b"`, as programs take it.
fn is_assigned(word: &[u8]) -> bool {
    let name = word.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_').unwrap_or(word.len());
    name > 0 && word.get(name) == Some(&b'=') && word.get(name + 1) == Some(&b'"')
}

/// In a list, `name = "value"` is an entry of its own.
fn follows_a_word(bytes: &[u8], at: usize) -> bool {
    let before = bytes[..at].iter().rfind(|b| !matches!(b, b' ' | b'\t'));
    before.is_some_and(|b| b.is_ascii_alphanumeric() || b"_-\"\\".contains(b))
}

fn mask(word: &mut [u8]) {
    for byte in word.iter_mut() {
        if byte.is_ascii()
            && !byte.is_ascii_alphanumeric()
            && !matches!(byte, b'\\' | b':' | b'.' | b'/' | b'\r' | b'\n')
        {
            *byte = PLAIN;
        }
    }
    if let Some(first) = word.first_mut().filter(|b| matches!(b, b'-' | b'$')) {
        *first = PLAIN;
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn words_become_plain() {
        for (text, plain) in [
            ("cp $D\\a $D\\$x\\b -Force", "cp _D\\a _D\\_x\\b -Force"),
            ("7z x a -o\"$D\\my dir\" -y", "7z x a _o__D\\my_dir_ -y"),
            ("sc C:\\logs\\$(Get-Date -f x).txt 1", "sc C:\\logs\\__Get_Date__f_x_.txt 1"),
            ("del ${D}\\x, $($y.z)\\x", "del __D_\\x, ___y.z_\\x"),
            ("x > $D\\out.txt", "x > _D\\out.txt"),
            ("mv $a, x y", "mv _a, x y"),
            ("mv 'a b',x y", "mv _a_b_,x y"),
            ("/run/a.ps1 -b 1;\\x.ps1", "_run/a.ps1 -b 1;_x.ps1"),
            ("/Scripts/a.ps1 -x y; & /b/c.ps1", "_Scripts/a.ps1 -x y; & _b/c.ps1"),
            ("netsh set rule name=\"A (b)\" new", "netsh set rule name__A__b__ new"),
            ("md $D/logs; md $D/$x", "md _D/logs; md _D/_x"),
            ("cp C:\\in\\* $D/$x -R", "cp C:\\in\\* _D/_x -R"),
            ("ssl -key $C-key.pem -p $A`:80", "ssl -key _C_key.pem -p _A_:80"),
            (r#"sc x= "\"$E\"" y"#, r"sc x= _\__E\__ y"),
        ] {
            assert_eq!(masked(text), plain);
            assert_eq!(text.len(), plain.len());
        }
    }

    #[test]
    fn expressions_stay() {
        for text in [
            "$x = $D\\run.exe",
            "& $D\\run.exe $y",
            "'a $D\\b' -replace'x','y' -f\"z\"",
            "Write-Host \"a $D\\b\" # $D\\c",
            "@\"\n cp $D\\a b\n\"@",
            "if ($a -and $b) { $c[0] }",
            "$a -join\",\"",
            "x $a, 'b', $c",
            "f -in \"a\", 1",
            "@{ a=\"x y\"; b=\"z\" }",
            "[Test(Name=\"a\", Other=\"b\")]",
            "x \"$(y)\\z\"",
            "$a = 4 / 2",
            "$a = 4 `\r\n / 2",
            "return $a/$b",
            "$x = '{0} GB free' -f $a/$b",
            "Write-Host '{0}; of disk' -f $a/$b",
            "f 3 + $a/$b",
            "$z = (f x).Length + $a/$b",
            "'{0};{1}' -f $c, $a/$b",
            "f ($a/2)",
            "if ($a-eq 3) { }",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
