//! Words of PHP (PHP manual, "Language Reference"), as the parser of calls knows them from JScript: a point joins texts as
//! `+` does, members of objects and classes stand behind a point, variables in texts are operands of their own.

use super::Token;
use super::lexer::line_end;

/// Longest text without an end that is taken for one.
const MAX_NAME: usize = 200;
/// Words before a file that is taken in, which need no parentheses.
const TAKING_IN: &[&str] = &["require", "require_once", "include", "include_once"];

/// The tokens of what stands between `<?php` and `?>`, with their offsets.
pub(super) fn tokens(source: &str) -> Vec<(Token, usize)> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(open) = source.get(at..).and_then(|rest| rest.find("<?")) {
        let start = at + open + 2;
        let rest = source.get(start..).unwrap_or_default();
        let skip = if rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("php")) {
            3
        } else {
            usize::from(rest.starts_with('='))
        };
        at = code(source, start + skip, &mut out);
        out.push((Token::End, at.min(source.len())));
    }
    out
}

/// One piece of code; gives where it ends.
fn code(source: &str, from: usize, out: &mut Vec<(Token, usize)>) -> usize {
    let bytes = source.as_bytes();
    let mut at = from;
    // A file that is taken in without parentheses, up to the end of the statement.
    let mut is_taken_in = false;
    while let Some(&b) = bytes.get(at) {
        let rest = source.get(at..).unwrap_or_default();
        match b {
            b'?' if rest.starts_with("?>") => return at + 2,
            b'#' if !rest.starts_with("#[") => at += line_end(rest),
            b'/' if rest.starts_with("//") => at += line_end(rest),
            b'/' if rest.starts_with("/*") => at += rest.find("*/").map_or(rest.len(), |end| end + 2),
            b'\'' => {
                let (text, length) = single(rest);
                out.push((Token::Text(text), at));
                at += length;
            }
            b'"' => at += double(rest, at, out),
            b'<' if rest.starts_with("<<<") => at += heredoc(rest, at, out),
            b'.' if rest.starts_with(".=") => {
                out.extend([(Token::Sign('+'), at), (Token::Sign('='), at + 1)]);
                at += 2;
            }
            b'?' if rest.starts_with("??") => {
                out.extend([(Token::Sign('|'), at), (Token::Sign('|'), at + 1)]);
                at += 2;
            }
            b'.' => {
                out.push((Token::Sign('+'), at));
                at += 1;
            }
            b';' => {
                if std::mem::take(&mut is_taken_in) {
                    out.push((Token::Sign(')'), at));
                }
                out.push((Token::End, at));
                at += 1;
            }
            b'@' | b'\\' => at += 1,
            b if b.is_ascii_alphanumeric() || b == b'_' || b == b'$' => {
                let (name, length) = name(rest);
                let lower = name.to_ascii_lowercase();
                if b.is_ascii_digit() {
                    out.push((Token::Text(name), at));
                } else if lower == "elseif" {
                    out.extend([(Token::Name("else".to_owned()), at), (Token::Name("if".to_owned()), at)]);
                } else {
                    let begins = rest.get(length..).unwrap_or_default().trim_start();
                    out.push((Token::Name(name), at));
                    if TAKING_IN.contains(&lower.as_str()) && !begins.starts_with('(') {
                        out.push((Token::Sign('('), at));
                        is_taken_in = true;
                    }
                }
                at += length;
            }
            b => {
                if b.is_ascii() && !b.is_ascii_whitespace() {
                    out.push((Token::Sign(b as char), at));
                }
                at += rest.chars().next().map_or(1, char::len_utf8);
            }
        }
    }
    if is_taken_in {
        out.push((Token::Sign(')'), bytes.len()));
    }
    bytes.len()
}

/// A name with the members behind it, and its length: `$this->path`, `PDO::connect`, `$_SERVER['DOCUMENT_ROOT']`.
fn name(rest: &str) -> (String, usize) {
    let bytes = rest.as_bytes();
    let word = |from: usize| {
        let is_part = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_' || **b >= 0x80;
        from + bytes.get(from..).unwrap_or_default().iter().take_while(is_part).count()
    };
    let mut end = word(usize::from(rest.starts_with('$')));
    let mut name = rest.get(..end).unwrap_or_default().to_owned();
    // Of a name with a namespace the last part says what is meant.
    while bytes.get(end) == Some(&b'\\') && bytes.get(end + 1).is_some_and(u8::is_ascii_alphabetic) {
        let next = word(end + 1);
        name = rest.get(end + 1..next).unwrap_or_default().to_owned();
        end = next;
    }
    if name.starts_with("$_")
        && let Some((key, length)) = key(rest.get(end..).unwrap_or_default())
    {
        name = format!("{name}.{key}");
        end += length;
    }
    loop {
        let tail = rest.get(end..).unwrap_or_default();
        let Some(length) = ["?->", "->", "::"].iter().find(|sign| tail.starts_with(**sign)).map(|sign| sign.len())
        else {
            break;
        };
        let from = end + length + usize::from(tail.get(length..).is_some_and(|member| member.starts_with('$')));
        let next = word(from);
        if next == from || name.len() > MAX_NAME {
            break;
        }
        name.push('.');
        name.push_str(rest.get(from..next).unwrap_or_default());
        end = next;
    }
    (name, end.max(1))
}

/// `['key']`, and its length.
fn key(rest: &str) -> Option<(&str, usize)> {
    let inner = rest.strip_prefix('[')?;
    let quote = inner.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    // No further than a key may be long.
    let end = inner.bytes().skip(1).take(MAX_NAME).position(|b| b == quote as u8)?;
    let key = inner.get(1..=end)?;
    inner.get(end + 2..)?.starts_with(']').then_some((key, end + 4))
}

/// A text in single quotes, and its length.
fn single(rest: &str) -> (String, usize) {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return (text, at + 1),
            '\\' => match chars.next() {
                Some((_, c @ ('\\' | '\''))) => text.push(c),
                Some((_, c)) => text.extend(['\\', c]),
                None => break,
            },
            c => text.push(c),
        }
    }
    (text, rest.len())
}

/// A text in double quotes as an expression in parentheses; gives its length.
fn double(rest: &str, at: usize, out: &mut Vec<(Token, usize)>) -> usize {
    let end = {
        let mut chars = rest.char_indices().skip(1);
        loop {
            match chars.next() {
                Some((_, '\\')) => drop(chars.next()),
                Some((end, '"')) => break end,
                Some(_) => {}
                None => break rest.len(),
            }
        }
    };
    interpolated(rest.get(1..end).unwrap_or_default(), at, out);
    (end + 1).min(rest.len())
}

/// `<<<NAME` up to a line that begins with the name and nothing that would make it longer; gives its length.
fn heredoc(rest: &str, at: usize, out: &mut Vec<(Token, usize)>) -> usize {
    let head = line_end(rest);
    let label = rest.get(3..head).unwrap_or_default().trim();
    let (is_raw, label) = (label.starts_with('\''), label.trim_matches(['\'', '"']));
    if label.is_empty() || !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return 3;
    }
    let body = rest.get((head + 1).min(rest.len())..).unwrap_or_default();
    let mut length = 0;
    for line in body.split_inclusive('\n') {
        let behind = line.trim_start().strip_prefix(label);
        if behind.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')) {
            let text = body.get(..length).unwrap_or_default().trim_end_matches(['\r', '\n']);
            match is_raw {
                true => out.push((Token::Text(text.to_owned()), at)),
                false => interpolated(text, at, out),
            }
            let blanks = line.len() - line.trim_start().len();
            return head + 1 + length + blanks + label.len();
        }
        length += line.len();
    }
    rest.len()
}

/// A text with variables in it: `a/$name`, `a/{$file->name}.txt`.
fn interpolated(text: &str, at: usize, out: &mut Vec<(Token, usize)>) {
    let mut pieces: Vec<Token> = Vec::new();
    let mut plain = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((from, c)) = chars.next() {
        let begins = |at: usize| text.as_bytes().get(at).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
        let (start, braces) = match c {
            '\\' => {
                match chars.next() {
                    Some((_, 'n')) => plain.push('\n'),
                    Some((_, 't')) => plain.push('\t'),
                    Some((_, 'r')) => plain.push('\r'),
                    Some((_, c @ ('\\' | '$' | '"'))) => plain.push(c),
                    Some((_, c)) => plain.extend(['\\', c]),
                    None => plain.push('\\'),
                }
                continue;
            }
            '$' if begins(from + 1) => (from, false),
            '{' if text[from + 1..].starts_with('$') && begins(from + 2) => (from + 1, true),
            c => {
                plain.push(c);
                continue;
            }
        };
        let (name, length) = name(&text[start..]);
        let mut end = start + length;
        // What else stands in the braces is not followed.
        let mut token = Token::Name(name);
        if braces {
            let close = text.bytes().skip(end).take(MAX_NAME).position(|b| b == b'}');
            let close = close.map_or(end, |close| end + close);
            if close > end || !text[close..].starts_with('}') {
                token = Token::Name("?".to_owned());
            }
            end = close + usize::from(text[close..].starts_with('}'));
        }
        pieces.push(Token::Text(std::mem::take(&mut plain)));
        pieces.push(token);
        while chars.peek().is_some_and(|(at, _)| *at < end) {
            chars.next();
        }
    }
    pieces.push(Token::Text(plain));
    out.push((Token::Sign('('), at));
    for (number, piece) in pieces.into_iter().enumerate() {
        if number > 0 {
            out.push((Token::Sign('+'), at));
        }
        out.push((piece, at));
    }
    out.push((Token::Sign(')'), at));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(source: &str) -> String {
        let shown = |token: &Token| match token {
            Token::Name(name) => name.clone(),
            Token::Text(text) => format!("<{text}>"),
            Token::Sign(sign) => sign.to_string(),
            Token::End => ";".to_owned(),
        };
        tokens(source).iter().map(|(token, _)| shown(token)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_of_php() {
        for (source, expected) in [
            ("<p>no</p><?php $a = 'x\\'y' . __DIR__; ?>text", "$a = <x'y> + __DIR__ ; ;"),
            ("<?= f(\"a/$b.txt\") ?>", "f ( ( <a/> + $b + <.txt> ) ) ;"),
            ("<?php $this->p .= \"{$o->n}/\\$x\"; // no", "$this.p + = ( <> + $o.n + </$x> ) ; ;"),
            ("<?php move($_FILES['f']['tmp_name'], A\\B::C);", "move ( $_FILES.f [ <tmp_name> ] , B.C ) ; ;"),
            ("<?php require_once __DIR__ . '/a.php';", "require_once ( __DIR__ + </a.php> ) ; ;"),
            ("<?php $a = <<<EOT\nx $b\nEOT;\nf();", "$a = ( <x > + $b + <> ) ; f ( ) ; ;"),
            ("<?php # no\n/* no */ if ($a) {} elseif ($b ?? 'c') {}", "if ( $a ) { } else if ( $b | | <c> ) { } ;"),
        ] {
            assert_eq!(plain(source), expected, "{source}");
        }
    }

    #[test]
    fn broken_source_ends() {
        for source in [
            "<?php \"",
            "<?php '",
            "<?php <<<A\n",
            "<?php $",
            "<?",
            "<?php /*",
            "<?php \"{$a",
            "<?php \"\\",
            "<?php $_X['",
            "<?php <<<'A'\nA",
            "\u{e9}<?php \u{e9}\"\u{e9}$a\u{e9}",
        ] {
            tokens(source);
        }
    }
}
