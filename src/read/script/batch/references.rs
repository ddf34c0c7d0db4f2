//! References in cmd text: `%NAME%`, `%~dp0`, `%%~nxi`, `!NAME!`.

use super::parse::Parser;
use super::syntax::{Change, Piece};

/// Longest reference; a percent sign without a partner must not search far.
const MAX_REFERENCE: usize = 512;

/// Reads what stands at `%` or `!`.
pub(super) fn read(parser: &mut Parser<'_>, pieces: &mut Vec<Piece>) {
    let rest = parser.rest();
    let (piece, length) = match rest.as_bytes().first() {
        Some(b'!') => exclamation(rest, parser.delayed),
        _ => percent(rest, &parser.loops),
    };
    // Offsets come from ASCII marks, so they are character boundaries; a mark of one byte always advances.
    parser.at += length.max(1);
    match (piece, pieces.last_mut()) {
        (Some(Piece::Lit(s)), Some(Piece::Lit(last))) => last.push_str(&s),
        (Some(piece), _) => pieces.push(piece),
        (None, _) => {}
    }
}

fn exclamation(rest: &str, delayed: bool) -> (Option<Piece>, usize) {
    if delayed
        && let Some((name, length)) = enclosed(rest, '!')
        && !name.is_empty()
        && !name.contains([' ', '"', '('])
    {
        return (Some(variable(name, true)), length);
    }
    (Some(Piece::Lit("!".into())), 1)
}

fn percent(rest: &str, loops: &[(char, bool)]) -> (Option<Piece>, usize) {
    let tail = &rest[1..];
    if let Some(after) = tail.strip_prefix('%') {
        return match loop_variable(after, loops) {
            Some((piece, length)) => (Some(piece), 2 + length),
            None => (Some(Piece::Lit("%".into())), 2),
        };
    }
    if let Some((piece, length)) = argument(tail) {
        return (Some(piece), 1 + length);
    }
    if let Some((name, length)) = enclosed(rest, '%') {
        return (Some(variable(name, false)), length);
    }
    // On a command line, as opposed to a script, loop variables are written with one sign.
    match loop_variable(tail, loops) {
        Some((piece, length)) => (Some(piece), 1 + length),
        None => (None, 1),
    }
}

/// The text between two marks on one line, and the length with both.
fn enclosed(rest: &str, mark: char) -> Option<(&str, usize)> {
    let tail = &rest[1..];
    let end = tail.bytes().take(MAX_REFERENCE).position(|b| b == mark as u8 || b == b'\n')?;
    if !tail[end..].starts_with(mark) || end == 0 {
        return None;
    }
    Some((&tail[..end], end + 2))
}

fn variable(reference: &str, delayed: bool) -> Piece {
    let (name, change) = match reference.split_once(':') {
        Some((name, change)) if !name.is_empty() => (name, parse_change(change)),
        _ => (reference, None),
    };
    Piece::Variable { name: name.to_uppercase(), change, delayed }
}

fn parse_change(text: &str) -> Option<Change> {
    if let Some(slice) = text.strip_prefix('~') {
        let mut numbers = slice.splitn(2, ',').map(|n| n.trim().parse::<i32>().ok());
        let start = numbers.next().flatten().unwrap_or(0);
        return Some(Change::Slice(start, numbers.next().flatten()));
    }
    let (from, to) = text.split_once('=')?;
    Some(Change::Replace(from.to_owned(), to.to_owned()))
}

/// `*`, `0`, `~dp0`, `~$PATH:1` behind one percent sign.
fn argument(tail: &str) -> Option<(Piece, usize)> {
    if tail.starts_with('*') {
        return Some((Piece::Argument { index: None, modifiers: String::new() }, 1));
    }
    let (modifiers, at) = match tail.strip_prefix('~') {
        Some(rest) => {
            let end = rest.bytes().take(MAX_REFERENCE).position(|b| b.is_ascii_digit())?;
            let modifiers = &rest[..end];
            let plain = modifiers.split('$').next().unwrap_or_default();
            if !plain.bytes().all(|b| b"fdpnxsatz".contains(&b.to_ascii_lowercase())) || modifiers.contains('%') {
                return None;
            }
            (format!("~{}", plain.to_lowercase()), 1 + end)
        }
        None => (String::new(), 0),
    };
    let digit = tail.as_bytes().get(at).filter(|b| b.is_ascii_digit())?;
    Some((Piece::Argument { index: Some(usize::from(digit - b'0')), modifiers }, at + 1))
}

/// `i` or `~nxi` behind the percent signs, for a variable of an enclosing loop. `for /f` gives the letters behind its
/// own to further tokens.
fn loop_variable(after: &str, loops: &[(char, bool)]) -> Option<(Piece, usize)> {
    let declared = |c: char| {
        loops
            .iter()
            .any(|&(v, lines)| v == c || (lines && c > v && (c as u32) - (v as u32) < 31 && c.is_ascii_alphabetic()))
    };
    let Some(rest) = after.strip_prefix('~') else {
        let c = after.chars().next().filter(|&c| declared(c))?;
        return Some((Piece::Loop { variable: c, modifiers: String::new() }, c.len_utf8()));
    };
    // The longest run of modifiers that still leaves a variable.
    let run: Vec<char> = rest.chars().take(12).collect();
    let letters = run.iter().take_while(|c| "fdpnxsatz".contains(c.to_ascii_lowercase())).count();
    (0..=letters).rev().find_map(|n| {
        let c = *run.get(n).filter(|c| declared(**c))?;
        let modifiers: String = std::iter::once('~').chain(run[..n].iter().copied()).collect();
        Some((Piece::Loop { variable: c, modifiers: modifiers.to_lowercase() }, 1 + n + c.len_utf8()))
    })
}
