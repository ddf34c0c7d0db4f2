//! Comments that accept findings: `wipeproof: allow(WP201) because it is re-created`, in any text format.
//!
//! A comment beside code covers its own line, a comment on lines of its own the next line that holds code;
//! `allow-file` covers the artifact. Whether the rules exist and the reason holds is for the report to say.

use super::literals::{Literals, Syntax, line_before, opens_comment};
use super::text::{LineIndex, decode};
use crate::discover::Kind;
use crate::facts::{Clue, ClueKind, Reading};

/// What starts the comment that is meant for us.
const MARK: &str = "wipeproof:";
/// More of them in one file are not counted.
const MAX_ALLOWANCES: usize = 10_000;

/// Before what a comment says that cannot be read, in place of rules.
pub const MALFORMED: char = '!';
/// Characters of it that are kept.
const MAX_SHOWN: usize = 60;
/// Lines of one continued command.
const MAX_CONTINUED: u32 = 100;

const fn syntax(line: &'static [&'static str], block: &'static [(&'static str, &'static str)]) -> Option<Syntax> {
    Some(Syntax { line, block })
}

fn syntax_of(kind: Kind) -> Option<Syntax> {
    const C: (&str, &str) = ("/*", "*/");
    const XML: (&str, &str) = ("<!--", "-->");
    match kind {
        Kind::Xml => syntax(&[], &[XML]),
        Kind::Json => syntax(&["//"], &[C]),
        Kind::Ini | Kind::Nsis => syntax(&[";", "#"], &[C]),
        Kind::Properties => syntax(&["#", "!"], &[]),
        Kind::Yaml | Kind::Toml | Kind::ServerConf | Kind::Python | Kind::Dockerfile => syntax(&["#"], &[]),
        Kind::Hcl => syntax(&["#", "//"], &[C]),
        Kind::Reg | Kind::Inf => syntax(&[";"], &[]),
        Kind::Batch => syntax(&["rem ", "::"], &[]),
        Kind::PowerShell | Kind::UserData => syntax(&["#"], &[("<#", "#>")]),
        Kind::VbScript => syntax(&["'", "rem "], &[]),
        Kind::Asp => syntax(&["'", "rem ", "//"], &[XML, C]),
        Kind::JScript => syntax(&["//"], &[C]),
        Kind::Php => syntax(&["//", "#"], &[C]),
        Kind::Wsf => syntax(&["'", "//"], &[XML, C]),
        Kind::Inno => syntax(&[";", "//"], &[("{", "}"), C]),
        _ => None,
    }
}

/// How a one-line comment begins and ends in a format.
pub fn comment_syntax(kind: Kind) -> Option<(&'static str, &'static str)> {
    let syntax = syntax_of(kind)?;
    let block = syntax.block.first();
    match (syntax.line.first(), kind, block) {
        (_, Kind::Wsf | Kind::Asp, Some((open, close))) => Some((open, if *close == "-->" { " -->" } else { close })),
        (Some(open), _, _) => Some((open.trim_end(), "")),
        (None, _, Some((open, _))) => Some((open, " -->")),
        (None, _, None) => None,
    }
}

/// Adds a clue for each allowance in a text. Costs one search where there is none.
pub(super) fn find(kind: Kind, bytes: &[u8], reading: &mut Reading) {
    let Some(syntax) = syntax_of(kind) else { return };
    let wide =
        bytes.iter().take(64).any(|b| *b == 0) || bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if !wide && marks(bytes).next().is_none() {
        return;
    }
    // The reader has already noted what is wrong with the encoding.
    let text = decode(bytes, &mut Reading::default()).into_owned();
    let index = LineIndex::new(&text);
    let literals = Literals::of(kind, &text, &syntax);
    for at in marks(text.as_bytes()).take(MAX_ALLOWANCES).filter(|at| !literals.in_string(*at)) {
        if let Some(clue) = allowance(&text, at, &index, &syntax, &literals) {
            reading.clue(index.site(at), clue);
        }
    }
}

/// Where [`MARK`] stands, in any case.
fn marks(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let start = |colon: usize| (colon + 1).checked_sub(MARK.len());
    let is_mark = |at: &usize| bytes[*at..*at + MARK.len()].eq_ignore_ascii_case(MARK.as_bytes());
    memchr::memchr_iter(b':', bytes).filter_map(start).filter(move |at| is_mark(at))
}

/// Where a comment stands.
struct Comment<'a> {
    /// What it says after the mark, without its closing: to the end of its paragraph, or to the next mark.
    body: &'a str,
    /// It says nothing before the mark.
    first: bool,
    /// Nothing else is on its lines.
    alone: bool,
    /// Offset of its end.
    end: usize,
}

fn allowance(text: &str, at: usize, index: &LineIndex<'_>, syntax: &Syntax, literals: &Literals) -> Option<Clue> {
    let comment = comment_at(text, at, syntax, literals)?;
    let Some((whole_file, rules, reason)) = parts(comment.body) else {
        let written: String = comment.body.trim().chars().take(MAX_SHOWN).collect();
        let form = if is_like_file(comment.body) { "allow-file" } else { "allow" };
        return comment.first.then(|| Clue::new(ClueKind::Allow, format!("{MALFORMED}{written}"), form));
    };
    let rules: Vec<&str> = rules.split([',', '\n']).map(str::trim).filter(|r| !r.is_empty()).collect();
    let reason = reason.trim().trim_start_matches([':', '-']).trim_start();
    let reason = match reason.strip_prefix("because") {
        Some(rest) if !rest.starts_with(char::is_alphanumeric) => rest.trim_start_matches([' ', ':']).trim(),
        _ => reason.trim(),
    };
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let covers = match whole_file {
        true => "file".to_owned(),
        false if comment.alone => {
            let first = next_code_line(text, comment.end, index);
            match statement_end(text, first, index, literals) {
                last if last > first => format!("{first}-{last}"),
                _ => first.to_string(),
            }
        }
        false => index.position(at).0.to_string(),
    };
    Some(Clue::new(ClueKind::Allow, format!("{}@{covers}", rules.join(",")), reason))
}

/// Whether the whole file is meant, the rules and the rest.
fn parts(body: &str) -> Option<(bool, &str, &str)> {
    let body = body.trim_start();
    let (whole_file, rest) = match body.strip_prefix("allow-file") {
        Some(rest) => (true, rest),
        None => (false, body.strip_prefix("allow")?),
    };
    let (rules, reason) = rest.trim_start().strip_prefix('(')?.split_once(')')?;
    Some((whole_file, rules, reason))
}

/// Of a comment that cannot be read: does its first word speak of a file?
fn is_like_file(body: &str) -> bool {
    let word = body.trim_start().split(|c: char| c == '(' || c.is_whitespace()).next().unwrap_or_default();
    word.to_ascii_lowercase().contains("file")
}

fn comment_at<'a>(text: &'a str, at: usize, syntax: &Syntax, literals: &Literals) -> Option<Comment<'a>> {
    let line_start = at - line_before(text, at).len();
    let line_end = text[at..].find('\n').map_or(text.len(), |i| at + i);
    let before = &text[line_start..at];
    let after = &text[at + MARK.len()..line_end];
    for (open, close) in syntax.block {
        let Some(opened) = text[..at].rmatch_indices(open).map(|(i, _)| i).find(|i| !literals.in_string(*i)) else {
            continue;
        };
        if text[opened..at].contains(close) {
            continue;
        }
        let closed = text[at..].find(close).map_or(text.len(), |i| at + i);
        let end = (closed + close.len()).min(text.len());
        let inner = &text[at + MARK.len()..closed.max(at + MARK.len())];
        let next = marks(inner.as_bytes()).next().unwrap_or(inner.len());
        let body = &inner[..paragraph_end(&inner[..next])];
        let opening_line = text[..opened].rfind('\n').map_or(0, |i| i + 1);
        let rest = text[end..].split('\n').next().unwrap_or_default();
        let alone = text[opening_line..opened].trim().is_empty() && rest.trim().is_empty();
        let first = text[opened + open.len()..at].trim().is_empty();
        return Some(Comment { body, first, alone, end });
    }
    let lower = before.to_ascii_lowercase();
    let opens = |i: usize, open: &str| {
        let at = line_start + i;
        !literals.in_string(at) && opens_comment(open, text, at)
    };
    let last =
        |open: &'static str| lower.rmatch_indices(open).map(|(i, _)| i).find(|i| opens(*i, open)).map(|i| (i, open));
    let opener = syntax.line.iter().filter_map(|open| last(open)).max()?;
    let first = before[opener.0 + opener.1.len()..].trim().is_empty();
    Some(Comment { body: after, first, alone: before[..opener.0].trim().is_empty(), end: line_end })
}

/// Where a text reaches its first empty line.
fn paragraph_end(text: &str) -> usize {
    let mut end = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if number > 0 && line.trim().is_empty() {
            break;
        }
        end += line.len();
    }
    end
}

/// Whether a comment can stand on a line of its own that begins at an offset: not inside of a string or another comment,
/// and not between the lines of one statement.
pub fn takes_comment(kind: Kind, text: &str, line_start: usize) -> bool {
    let Some(syntax) = syntax_of(kind) else { return false };
    let literals = Literals::of(kind, text, &syntax);
    let above = text[..line_start].strip_suffix('\n').map_or("", |above| line_before(text, above.len()));
    let continued: &[char] = match kind {
        Kind::Batch => &['^'],
        Kind::PowerShell => &['`'],
        Kind::VbScript | Kind::Asp | Kind::Wsf => &['_'],
        Kind::Nsis | Kind::Reg | Kind::Inf | Kind::Inno => &['\\'],
        _ => &[],
    };
    !literals.in_string(line_start) && !literals.in_comment(line_start) && !above.trim_end().ends_with(continued)
}

/// The line after a comment that holds code: blank lines and further allowances are passed over.
fn next_code_line(text: &str, end: usize, index: &LineIndex<'_>) -> u32 {
    let last = index.position(end.saturating_sub(1)).0;
    let rest = text[end..].split_once('\n').map_or("", |(_, rest)| rest);
    let skipped = rest.lines().take_while(|l| l.trim().is_empty() || marks(l.as_bytes()).next().is_some()).count();
    last + 1 + skipped as u32
}

/// The last line of what begins on a line: an XML tag, or a command that is continued or has a text of several lines.
fn statement_end(text: &str, first: u32, index: &LineIndex<'_>, literals: &Literals) -> u32 {
    let line = index.line(first);
    let mut last = first;
    if line.trim_start().starts_with('<') {
        let end = index.offset(first).and_then(|at| Some(at + text.get(at..)?.find('>')?));
        return end.map_or(first, |at| index.position(at).0);
    }
    let goes_on = |line: u32| {
        let within = |next: usize| literals.in_string(next.saturating_sub(1)) && literals.in_string(next);
        let ends_in_text = index.offset(line + 1).is_some_and(within);
        ends_in_text || index.line(line).trim_end().ends_with(['^', '`', '\\', '_'])
    };
    while last - first < MAX_CONTINUED && goes_on(last) {
        last += 1;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(kind: Kind, text: &str) -> Vec<(String, String)> {
        let mut reading = Reading::default();
        find(kind, text.as_bytes(), &mut reading);
        reading.facts.iter().filter_map(|f| f.as_clue()).map(|c| (c.key.clone(), c.value.clone())).collect()
    }

    fn one(kind: Kind, text: &str) -> (String, String) {
        let all = allow(kind, text);
        assert_eq!(all.len(), 1, "{text}");
        all.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn a_statement_is_covered_with_its_texts() {
        let body = "wipeproof: allow(WP201) because x\n";
        for (kind, text) in [
            (Kind::PowerShell, format!("# {body}iex @'\na\nb\n'@\nc")),
            (Kind::Dockerfile, format!("# {body}RUN a && \\\n  b && \\\n  c && \\\n  d\nRUN e")),
            (Kind::Hcl, format!("# {body}x = <<EOF\na\nb\nEOF\n")),
        ] {
            assert_eq!(one(kind, &text).0, "WP201@2-5", "{text}");
        }
    }

    #[test]
    fn every_syntax_is_understood() {
        let reason = "it is re-created";
        let cases = [
            (Kind::Xml, "<a>\n  <!-- wipeproof: allow(WP201) because it is re-created -->\n  <b/>\n</a>"),
            (Kind::Json, "{\n// wipeproof: allow(WP201) because it is re-created\n\"a\": 1}"),
            (Kind::Batch, "@echo off\nREM wipeproof: allow(WP201) because it is re-created\nreg add x"),
            (Kind::PowerShell, "<#\nwipeproof: allow(WP201) it is re-created\n#>\nSet-Content x"),
            (Kind::VbScript, "\n' wipeproof: allow(WP201): it is re-created\n\nx = 1"),
            (Kind::Reg, "REGEDIT4\n; wipeproof: allow(WP201) - it is re-created\n[HKEY]"),
            (Kind::JScript, "\n/* wipeproof: allow(WP201) because it is re-created */\nx()"),
            (Kind::Inno, "[Files]\n; wipeproof: allow(WP201) because it is re-created\nSource: x"),
        ];
        for (kind, text) in cases {
            let (key, value) = one(kind, text);
            let line = text.lines().skip(2).position(|l| !l.trim().is_empty() && l != "#>").map_or(0, |i| i + 3);
            assert_eq!((key, value.as_str()), (format!("WP201@{line}"), reason), "{text}");
        }
    }

    #[test]
    fn beside_code_it_covers_its_own_line() {
        assert_eq!(one(Kind::Batch, "x\nreg add y & rem wipeproof: allow(WP201,WP101) z").0, "WP201,WP101@2");
        assert_eq!(one(Kind::Xml, "<a>\n<!-- wipeproof: allow(WP401) z --><b/></a>").0, "WP401@2");
        assert_eq!(one(Kind::Yaml, "# wipeproof: allow-file(WP201) all of it\na: 1").0, "WP201@file");
    }

    #[test]
    fn what_runs_over_several_lines_is_covered_whole() {
        let xml = "<a>\n<!-- wipeproof: allow(WP1) z -->\n<b\n  c='d'\n  />\n</a>";
        assert_eq!(one(Kind::Xml, xml).0, "WP1@3-5");
        assert_eq!(one(Kind::Batch, "rem wipeproof: allow(WP1) z\nreg add ^\n  x\ny").0, "WP1@2-3");
    }

    #[test]
    fn allowances_stack_above_one_line() {
        let text = "# wipeproof: allow(WP101) a\n# wipeproof: allow(WP201) b\nx\n";
        let keys: Vec<String> = allow(Kind::PowerShell, text).into_iter().map(|(k, _)| k).collect();
        assert_eq!(keys, ["WP101@3", "WP201@3"]);
    }

    #[test]
    fn what_is_meant_for_us_and_cannot_be_read_is_told() {
        for (written, form) in [
            ("allow(WP201", "allow"),
            ("allow WP201", "allow"),
            ("alow(WP201) x", "allow"),
            ("Allow-File WP201", "allow-file"),
            ("", "allow"),
        ] {
            for mark in ["wipeproof:", "WipeProof:"] {
                let told = one(Kind::Batch, &format!("rem {mark} {written}\nx"));
                assert_eq!(told, (format!("!{written}"), form.to_owned()));
            }
        }
        assert_eq!(one(Kind::Batch, "rem Wipeproof: allow(WP201) x\ny").0, "WP201@2");
    }

    #[test]
    fn strings_do_not_count() {
        for (kind, text) in [
            (Kind::PowerShell, "Set-Content x \"# wipeproof: allow(WP1) y\""),
            (Kind::PowerShell, "Set-Content x @'\n# wipeproof: allow-file(WP1) y\n'@\n"),
            (Kind::PowerShell, "x \"a $(b \"# wipeproof: allow(WP1) y\") c\""),
            (Kind::PowerShell, "x 'it''s # wipeproof: allow(WP1) y'"),
            (Kind::Json, "{\"a\":\"https://x // wipeproof: allow-file(WP7) y\"}"),
            (Kind::Json, "{\"a\":\"\\\" /* wipeproof: allow-file(WP7) y */\"}"),
            (Kind::Xml, "<a><![CDATA[<!-- wipeproof: allow(WP1) y -->]]></a>"),
            (Kind::Yaml, "a: |\n  # wipeproof: allow-file(WP1) y\nb: 1"),
            (Kind::Yaml, "a: 'x # wipeproof: allow(WP1) y'"),
            (Kind::Toml, "a = \"\"\"\n# wipeproof: allow-file(WP1) y\n\"\"\""),
            (Kind::Hcl, "a = <<EOF\n# wipeproof: allow-file(WP1) y\nEOF\n"),
            (Kind::Batch, "echo rem wipeproof: allow-file(WP1) y"),
            (Kind::Batch, "reg add x /d \"& rem wipeproof: allow(WP1) y\""),
            (Kind::VbScript, "x = \"' wipeproof: allow(WP1) y\""),
            (Kind::JScript, "x = '// wipeproof: allow(WP1) y'"),
            (Kind::Nsis, "Name \"$\\\" ; wipeproof: allow(WP1) y\""),
        ] {
            assert!(allow(kind, text).is_empty(), "{text}");
        }
        // Behind strings, and with their quotes inside of comments, they do.
        for (kind, text) in [
            (Kind::PowerShell, "Set-Content 'a # b' \"c\" # wipeproof: allow(WP1) don't"),
            (Kind::PowerShell, "# it's\n# wipeproof: allow(WP1) y\nx"),
            (Kind::Json, "{\"a\": \"//\", // wipeproof: allow(WP1) y\n}"),
            (Kind::Yaml, "a: don't # wipeproof: allow(WP1) y\nb: it's"),
            (Kind::Yaml, "a: |\n  x\n# wipeproof: allow(WP1) y\nb: 1"),
            (Kind::VbScript, "x = \"a\" ' wipeproof: allow(WP1) \"y\""),
        ] {
            assert!(one(kind, text).0.starts_with("WP1@"), "{text}");
        }
    }

    #[test]
    fn a_reason_may_go_on_in_the_next_line_of_a_comment() {
        let text = "<!--\n  wipeproof: allow(WP401)\n  because it\n  is so\n\n  more -->\n<b/>";
        assert_eq!(one(Kind::Xml, text), ("WP401@7".to_owned(), "it is so".to_owned()));
        let two = allow(Kind::JScript, "/* wipeproof: allow(WP1) a\n wipeproof: allow(WP2) b */\nx");
        assert_eq!(two.iter().map(|(_, reason)| reason.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_comment_is_not_put_into_a_string_or_a_statement() {
        let takes = |kind, text: &str, part: &str| takes_comment(kind, text, text.find(part).unwrap_or_default());
        assert!(!takes(Kind::PowerShell, "x @\"\nabc\n\"@\ny", "abc"));
        assert!(takes(Kind::PowerShell, "x @\"\nabc\n\"@\ny", "y"));
        assert!(!takes(Kind::PowerShell, "x `\n y", " y"));
        assert!(!takes(Kind::VbScript, "s = 1 & _\r\n y", " y"));
        assert!(!takes(Kind::Xml, "<!--\n y -->", " y"));
        assert!(takes(Kind::VbScript, "s = 1\n y", " y"));
    }

    #[test]
    fn only_comments_count() {
        assert!(allow(Kind::Json, "{\"a\": \"wipeproof: allow(WP201) x\"}").is_empty());
        assert!(allow(Kind::Xml, "<!-- x --><a b='wipeproof: allow(WP201)'/>").is_empty());
        assert!(allow(Kind::Batch, "rem see wipeproof: it allows").is_empty());
        assert_eq!(one(Kind::Batch, "rem wipeproof: allow() ").0, "@2");
        assert_eq!(one(Kind::Batch, "rem wipeproof: allow(WP201) because").1, "");
        let wide: Vec<u8> = "rem wipeproof: allow(WP201) x\r\ny".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut reading = Reading::default();
        find(Kind::Batch, &wide, &mut reading);
        assert_eq!(reading.facts.len(), 1);
    }
}
