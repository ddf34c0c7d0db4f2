//! Where in what is written on several lines each statement of it stands.
//!
//! A command line that another file gives is read as one line: signs that continue it, quotes that the shell takes off and
//! blanks are gone. What is left of a statement is looked for in what was written.

use crate::facts::{Body, Fact, Site};

/// Longest text that is looked through.
const MAX_TEXT: usize = 64 << 10;
/// Fewest characters that tell a statement from others.
const MIN_LENGTH: usize = 5;

/// Gives effects that were seen at the beginning of a text the line that their statement is on. The text begins at the
/// site; their last piece of evidence is the statement.
pub(crate) fn spread(text: &str, site: &Site, facts: &mut [Fact]) {
    let end = (0..=text.len().min(MAX_TEXT)).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    let text = &text[..end];
    if !text.trim_end().contains('\n') || site.line.is_none() {
        return;
    }
    let (written, places) = bare(text);
    for fact in facts.iter_mut().filter(|fact| fact.site == *site) {
        let Body::Effect(effect) = &fact.body else { continue };
        let Some(statement) = effect.evidence.last() else { continue };
        let known = statement.text.trim_end_matches('…').split(['{', '\u{FFFD}']).next().unwrap_or_default();
        let (statement, _) = bare(known);
        let Some(place) = find(&written, &statement).and_then(|at| places.get(at)) else { continue };
        fact.site = moved(site, text, *place);
    }
}

/// The characters that stay the same in all ways to write a line, and where each of them is.
fn bare(text: &str) -> (String, Vec<usize>) {
    let mut out = String::new();
    let mut places = Vec::new();
    for (at, c) in text.char_indices() {
        let is_escape = c == '\\' && text[at + 1..].starts_with(['"', '\n', '\r', '\\']);
        if c.is_whitespace() || matches!(c, '"' | '\'' | '^' | '`') || is_escape {
            continue;
        }
        out.push(c);
        places.extend(std::iter::repeat_n(at, c.len_utf8()));
    }
    (out, places)
}

/// Where a statement begins; rather where it ends there than where it goes on.
fn find(written: &str, statement: &str) -> Option<usize> {
    if statement.len() < MIN_LENGTH {
        return None;
    }
    let goes_on = |at: &usize| {
        let behind = written[at + statement.len()..].chars().next();
        behind.is_some_and(|c| c.is_alphanumeric() || "\\/.-_".contains(c))
    };
    let mut found = written.match_indices(statement).map(|(at, _)| at).take(64);
    let first = found.next()?;
    Some(std::iter::once(first).chain(found).find(|at| !goes_on(at)).unwrap_or(first))
}

/// The site of an offset in a text that begins at a site.
fn moved(site: &Site, text: &str, offset: usize) -> Site {
    let before = &text[..offset];
    let lines = before.matches('\n').count() as u32;
    let characters = |s: &str| s.chars().count() as u32;
    let column = match before.rfind('\n') {
        Some(start) => characters(&before[start + 1..]) + 1,
        None => site.column.unwrap_or(1) + characters(before),
    };
    Site { line: site.line.map(|line| line + lines), column: Some(column), ..site.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_found_whatever_is_around_it() {
        let place = |text: &str, statement: &str| {
            let (written, places) = bare(text);
            let at = find(&written, &bare(statement).0).map(|at| places[at]);
            at.map(|at| moved(&Site::text(7, 3), text, at).short())
        };
        let text = "RUN mkdir C:\\a\\b && \\\n    mkdir \"C:\\a\" ; \\\n  \"Set-Content \\\"x y\\\" 1\"";
        assert_eq!(place(text, "mkdir C:\\a\\b"), Some("7:7".into()));
        assert_eq!(place(text, "mkdir C:\\a"), Some("8:5".into()));
        assert_eq!(place(text, "Set-Content 'x y' 1"), Some("9:4".into()));
        assert_eq!(place(text, "del C:\\a"), None);
        assert_eq!(place(text, "md"), None);
    }
}
