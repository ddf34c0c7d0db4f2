//! What is a string and what a comment in a text: words about accepting a finding count in comments only.
//!
//! No parser: one pass over the text with the quotes of its format. A quote that is never closed, or not on its line where
//! strings have one, is none.

use crate::discover::Kind;
use std::ops::Range;

/// A kind of string.
struct Quote {
    open: &'static str,
    close: &'static str,
    /// Takes the meaning of the character behind it. A quote that is doubled instead needs nothing: that is two strings.
    escape: &'static str,
    /// May hold line ends.
    over_lines: bool,
}

const fn quote(open: &'static str, close: &'static str, escape: &'static str) -> Quote {
    Quote { open, close, escape, over_lines: false }
}

const fn long(open: &'static str, close: &'static str, escape: &'static str) -> Quote {
    Quote { open, close, escape, over_lines: true }
}

/// Quotes of a format, the longer before those that they begin with.
fn quotes(kind: Kind) -> &'static [Quote] {
    const XML: &[Quote] = &[long("<![CDATA[", "]]>", "")];
    const BACKSLASH: &[Quote] = &[quote("\"", "\"", "\\")];
    const PLAIN: &[Quote] = &[quote("\"", "\"", "")];
    const BOTH: &[Quote] = &[quote("\"", "\"", ""), quote("'", "'", "")];
    // `$\"` is a quote in a string (NSIS Users Manual 4.1).
    const NSIS: &[Quote] = &[quote("\"", "\"", "$\\"), quote("'", "'", "$\\"), quote("`", "`", "$\\")];
    const YAML: &[Quote] = &[long("\"", "\"", "\\"), long("'", "'", "")];
    const TOML: &[Quote] =
        &[long("\"\"\"", "\"\"\"", "\\"), long("'''", "'''", ""), quote("\"", "\"", "\\"), quote("'", "'", "")];
    // about_Quoting_Rules: here-strings end at a line that begins with their mark.
    const POWERSHELL: &[Quote] =
        &[long("@\"", "\n\"@", ""), long("@'", "\n'@", ""), long("\"", "\"", "`"), long("'", "'", "")];
    const JSCRIPT: &[Quote] = &[quote("\"", "\"", "\\"), quote("'", "'", "\\"), long("`", "`", "\\")];
    match kind {
        Kind::Xml => XML,
        Kind::Json | Kind::Reg | Kind::Hcl => BACKSLASH,
        Kind::Nsis => NSIS,
        Kind::Yaml => YAML,
        Kind::Toml | Kind::Python => TOML,
        Kind::ServerConf | Kind::Dockerfile | Kind::Inno => BOTH,
        Kind::PowerShell | Kind::UserData => POWERSHELL,
        Kind::JScript | Kind::Php => JSCRIPT,
        Kind::Ini | Kind::Inf | Kind::Batch | Kind::VbScript | Kind::Asp | Kind::Wsf => PLAIN,
        _ => &[],
    }
}

/// How a format writes comments.
pub(super) struct Syntax {
    /// To the end of the line.
    pub(super) line: &'static [&'static str],
    /// Opening and closing.
    pub(super) block: &'static [(&'static str, &'static str)],
}

impl Syntax {
    /// The end of the comment that begins at an offset, if one does.
    pub(super) fn comment_end(&self, text: &str, at: usize) -> Option<usize> {
        let rest = text.as_bytes().get(at..)?;
        let is_open = |open: &&str| rest.get(..open.len()).is_some_and(|r| r.eq_ignore_ascii_case(open.as_bytes()));
        if let Some((open, close)) = self.block.iter().find(|(open, _)| is_open(open)) {
            let inner = at + open.len();
            return text[inner..].find(close).map(|end| inner + end + close.len());
        }
        let open = self.line.iter().find(|open| is_open(open))?;
        opens_comment(open, text, at).then(|| text[at..].find('\n').map_or(text.len(), |end| at + end))
    }
}

/// Whether what opens a comment does so where it stands: a word where a command may begin, `#` and `!` where a word may.
pub(super) fn opens_comment(open: &str, text: &str, at: usize) -> bool {
    let before = line_before(text, at);
    match open {
        "rem " | "::" => {
            let before = before.trim_end();
            before.is_empty() || before.ends_with(['&', '|', '(', ')', '@', ':', '>', '%'])
        }
        "!" => before.trim().is_empty(),
        "#" => before.is_empty() || before.ends_with(|c: char| c.is_whitespace() || ";{}()[],|&\"'".contains(c)),
        _ => true,
    }
}

/// The strings and the comments of a text, in order.
pub(super) struct Literals {
    strings: Vec<Range<usize>>,
    comments: Vec<Range<usize>>,
}

impl Literals {
    pub(super) fn of(kind: Kind, text: &str, syntax: &Syntax) -> Self {
        let mut found = Literals { strings: Vec::new(), comments: Vec::new() };
        let quotes = quotes(kind);
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if let Some(end) = syntax.comment_end(text, at) {
                found.comments.push(at..end);
                at = end;
            } else if let Some(end) = string_end(kind, quotes, text, at).or_else(|| block_text(kind, text, at)) {
                found.strings.push(at..end);
                at = end;
            } else {
                // PowerShell's escape holds outside of strings, too.
                let escaped = kind == Kind::PowerShell && rest.starts_with('`');
                at += rest.chars().take(1 + usize::from(escaped)).map(char::len_utf8).sum::<usize>();
            }
        }
        found
    }

    /// Somewhere inside of a string, behind its opening.
    pub(super) fn in_string(&self, at: usize) -> bool {
        covers(&self.strings, at)
    }

    /// Inside of a comment.
    pub(super) fn in_comment(&self, at: usize) -> bool {
        covers(&self.comments, at)
    }
}

fn covers(ranges: &[Range<usize>], at: usize) -> bool {
    let before = ranges.partition_point(|r| r.start < at);
    before > 0 && ranges[before - 1].end > at
}

fn string_end(kind: Kind, quotes: &[Quote], text: &str, at: usize) -> Option<usize> {
    let quote = quotes.iter().find(|q| text[at..].starts_with(q.open))?;
    // A plain scalar of YAML may hold quotes; a quoted one begins where a value does.
    if kind == Kind::Yaml && !line_before(text, at).trim_end().ends_with([':', '-', ',', '[', '{', '!', '?']) {
        let before = line_before(text, at);
        if !before.trim().is_empty() {
            return None;
        }
    }
    let mut end = at + quote.open.len();
    loop {
        let rest = &text[end..];
        if rest.starts_with(quote.close) {
            return Some(end + quote.close.len());
        }
        if kind == Kind::PowerShell && quote.close != "'" && quote.close != "\n'@" && rest.starts_with("$(") {
            end = subexpression_end(text, end);
            continue;
        }
        let escaped = !quote.escape.is_empty() && rest.starts_with(quote.escape);
        end += if escaped { quote.escape.len() } else { 0 };
        let next = text[end..].chars().next()?;
        if next == '\n' && !quote.over_lines && !escaped {
            return None;
        }
        end += next.len_utf8();
    }
}

/// Behind the parenthesis that closes `$(` in a string of PowerShell: quotes in it belong to its own strings.
fn subexpression_end(text: &str, at: usize) -> usize {
    let mut depth = 0_usize;
    let mut quoted = None;
    for (offset, c) in text[at..].char_indices() {
        match (quoted, c) {
            (Some(open), c) if open == c => quoted = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quoted = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth == 1 => return at + offset + 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    // Never closed, so it opens nothing.
    at + 2
}

/// Text whose end is told by its lines: block scalars of YAML (1.2.2, 8.1) and heredocs of HCL.
fn block_text(kind: Kind, text: &str, at: usize) -> Option<usize> {
    let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |i| from + i + 1);
    let before = line_before(text, at);
    let opening = &text[at..line_end(at)];
    match kind {
        Kind::Yaml if opening.starts_with(['|', '>']) && before.trim_end().ends_with([':', '-']) => {
            let header = opening.split(" #").next()?.trim_end();
            if !header[1..].chars().all(|c| c.is_ascii_digit() || "+-".contains(c)) {
                return None;
            }
            let indent = before.len() - before.trim_start_matches(' ').len();
            let deeper =
                |line: &str| line.trim().is_empty() || line.len() - line.trim_start_matches(' ').len() > indent;
            let mut end = line_end(at);
            while end < text.len() && deeper(&text[end..line_end(end)]) {
                end = line_end(end);
            }
            Some(end)
        }
        Kind::Hcl if opening.starts_with("<<") => {
            let mark = opening[2..].trim_start_matches('-').trim_end();
            if mark.is_empty() || !mark.chars().all(|c| c.is_alphanumeric() || c == '_') {
                return None;
            }
            let mut end = line_end(at);
            while end < text.len() {
                let line = &text[end..line_end(end)];
                end = line_end(end);
                if line.trim() == mark {
                    return Some(end);
                }
            }
            None
        }
        _ => None,
    }
}

/// What stands before an offset on its line.
pub(super) fn line_before(text: &str, at: usize) -> &str {
    &text[text[..at].rfind('\n').map_or(0, |i| i + 1)..at]
}
