//! The words and signs of VBScript, JScript and Pascal: what is a text, what is a comment, and where a statement ends.

use super::Syntax;

/// A word or a sign.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    Sign(char),
    End,
}

/// The words and signs of a source, each with its offset.
pub(super) fn tokens(source: &str, syntax: Syntax) -> Vec<(Token, usize)> {
    let mut out: Vec<(Token, usize)> = Vec::new();
    let bytes = source.as_bytes();
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        let rest = &source[at..];
        match b {
            b'\n' => {
                // In VBScript an underscore joins the next line; the others need no line ends.
                let joined = matches!(out.last(), Some((Token::Name(n), _)) if n == "_");
                if joined {
                    out.pop();
                } else if syntax == Syntax::Basic {
                    out.push((Token::End, at));
                }
                at += 1;
            }
            b' ' | b'\t' | b'\r' => at += 1,
            b'\'' if syntax == Syntax::Basic => at += line_end(rest),
            b'/' if syntax != Syntax::Basic && rest.starts_with("//") => at += line_end(rest),
            b'/' if syntax == Syntax::Script && rest.starts_with("/*") => {
                at += rest.find("*/").map_or(rest.len(), |i| i + 2)
            }
            b'{' if syntax == Syntax::Pascal => at += rest.find('}').map_or(rest.len(), |i| i + 1),
            b'(' if syntax == Syntax::Pascal && rest.starts_with("(*") => {
                at += rest.find("*)").map_or(rest.len(), |i| i + 2)
            }
            b'"' | b'\'' => {
                let (text, length) = string(rest, b, syntax);
                out.push((Token::Text(text), at));
                at += length;
            }
            // `&H80000002&` is one number.
            b'&' if syntax == Syntax::Basic && hexadecimal(rest) > 0 => {
                let length = hexadecimal(rest);
                out.push((Token::Name(rest[1..length].to_owned()), at));
                at += length + usize::from(rest[length..].starts_with('&'));
            }
            b':' if syntax == Syntax::Basic => {
                out.push((Token::End, at));
                at += 1;
            }
            b';' => {
                out.push((Token::End, at));
                at += 1;
            }
            b if b.is_ascii_alphanumeric()
                || b == b'_'
                || b == b'$'
                || (b == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic)) =>
            {
                let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"_.$".contains(b)).count();
                let name = &rest[..length];
                if syntax == Syntax::Basic && name.eq_ignore_ascii_case("rem") {
                    at += line_end(rest);
                    continue;
                }
                let token =
                    if b.is_ascii_digit() { Token::Text(name.to_owned()) } else { Token::Name(name.to_owned()) };
                out.push((token, at));
                at += length;
            }
            _ => {
                let c = rest.chars().next().unwrap_or(' ');
                if c.is_ascii() {
                    out.push((Token::Sign(c), at));
                }
                at += c.len_utf8();
            }
        }
    }
    out
}

pub(super) fn line_end(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

/// A string literal and its length in the source. It ends at the line's end at the latest.
fn string(rest: &str, quote: u8, syntax: Syntax) -> (String, usize) {
    let quote = quote as char;
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => return (text, at),
            '\\' if syntax == Syntax::Script => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, c)) => text.push(c),
                None => break,
            },
            c if c == quote => {
                if syntax != Syntax::Script && chars.peek().is_some_and(|(_, n)| *n == quote) {
                    chars.next();
                    text.push(quote);
                } else {
                    return (text, at + 1);
                }
            }
            c => text.push(c),
        }
    }
    (text, rest.len())
}

/// How long the hexadecimal number is that a text of Basic begins with, its suffix left out.
fn hexadecimal(text: &str) -> usize {
    let length = 1 + text.bytes().skip(1).take_while(u8::is_ascii_alphanumeric).count();
    let digits = text.get(1..length).and_then(|number| number.strip_prefix(['h', 'H'])).unwrap_or_default();
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()) { length } else { 0 }
}
