//! Text as files hold it: byte order marks, UTF-16 without one, single-byte code pages; offsets to lines.

use crate::facts::{Body, Fact, Hole, Location, NoteKind, Reading, Site, Text};
use std::borrow::Cow;

/// Columns beyond this many bytes are counted in bytes.
const MAX_COLUMN: usize = 64 << 10;

/// Decodes a text file and notes what had to be guessed. Never fails: undecodable bytes are replaced.
pub fn decode<'a>(bytes: &'a [u8], reading: &mut Reading) -> Cow<'a, str> {
    if let Some((encoding, bom)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, broken) = encoding.decode_without_bom_handling(&bytes[bom..]);
        if broken {
            reading
                .note(NoteKind::Malformed, format!("not valid {}: broken characters were replaced", encoding.name()));
        }
        return text;
    }
    if let Some(encoding) = utf16_without_bom(bytes) {
        return encoding.decode_without_bom_handling(bytes).0;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0
}

/// The same for a script of cmd, which reads it in the code page of the console: where the bytes are letters of the OEM
/// code pages 437 and 850, which agree on them, and the script does not choose another.
pub fn decode_oem<'a>(bytes: &'a [u8], reading: &mut Reading) -> Cow<'a, str> {
    if is_oem(bytes) { yore::code_pages::CP850.decode(bytes) } else { decode(bytes, reading) }
}

fn is_single_byte(bytes: &[u8]) -> bool {
    encoding_rs::Encoding::for_bom(bytes).is_none()
        && utf16_without_bom(bytes).is_none()
        && std::str::from_utf8(bytes).is_err()
}

fn is_oem(bytes: &[u8]) -> bool {
    if !is_single_byte(bytes) {
        return false;
    }
    // Letters with marks are 80 to A5 in the OEM code pages, and C0 to FF in those of Windows.
    let count = |range: std::ops::RangeInclusive<u8>| bytes.iter().filter(|b| range.contains(b)).count();
    let chosen = memchr::memmem::find_iter(bytes, b"chcp ").any(|at| bytes[at + 5..].starts_with(b"1252"));
    !chosen && count(0x80..=0xa5) >= count(0xc0..=0xff)
}

/// Says which code page was taken when it matters: a location has characters that another one reads differently.
pub fn note_code_page(bytes: &[u8], may_be_oem: bool, reading: &mut Reading) {
    let is_beyond = |location: &Location| !location.to_string().is_ascii();
    let matters = |fact: &Fact| match &fact.body {
        Body::Effect(effect) => is_beyond(&effect.location),
        Body::Clue(clue) => clue.location.as_ref().is_some_and(is_beyond),
    };
    if reading.facts.iter().any(matters) && is_single_byte(bytes) {
        let page = if may_be_oem && is_oem(bytes) { "850, that of a console" } else { "1252" };
        let text = format!("bytes beyond ASCII are read in code page {page}, and a location has some: it may differ");
        reading.note(NoteKind::Info, text);
    }
}

/// Mostly-ASCII UTF-16 has a NUL in every other byte.
fn utf16_without_bom(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = &bytes[..bytes.len().min(1024) & !1];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    let half = head.len() / 2;
    if half >= 2 && zeros(1) * 4 > half * 3 {
        Some(encoding_rs::UTF_16LE)
    } else if half >= 2 && zeros(0) * 4 > half * 3 {
        Some(encoding_rs::UTF_16BE)
    } else {
        None
    }
}

/// Turns byte offsets of a text into lines and columns.
#[derive(Debug, Clone)]
pub struct LineIndex<'a> {
    text: &'a str,
    starts: Vec<u32>,
}

impl<'a> LineIndex<'a> {
    /// Indexes a text; a line ends at `\n`.
    pub fn new(text: &'a str) -> Self {
        let newlines = memchr::memchr_iter(b'\n', text.as_bytes()).map(|i| i as u32 + 1);
        LineIndex { text, starts: std::iter::once(0).chain(newlines).collect() }
    }

    /// The text between two offsets, or from one on.
    pub(crate) fn rest(&self, from: usize, to: Option<usize>) -> &'a str {
        self.text.get(from..to.unwrap_or(self.text.len())).unwrap_or_default()
    }

    /// Line and column of a byte offset, both from 1, the column in characters.
    pub fn position(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|&s| s as usize <= offset).max(1);
        let start = self.starts[line - 1] as usize;
        // Counting characters of a line of a hundred megabytes for every fact in it would take minutes.
        let column = match self.text.get(start..offset) {
            Some(before) if before.len() <= MAX_COLUMN => before.chars().count(),
            _ => offset - start,
        };
        (line as u32, column as u32 + 1)
    }

    /// The site of a byte offset.
    pub fn site(&self, offset: usize) -> Site {
        let (line, column) = self.position(offset);
        Site::text(line, column)
    }

    /// Byte offset at which a line begins, from 1.
    pub fn offset(&self, line: u32) -> Option<usize> {
        self.starts.get((line as usize).checked_sub(1)?).map(|start| *start as usize)
    }

    /// A line without its terminator, from 1.
    pub fn line(&self, line: u32) -> &'a str {
        let Some(&start) = self.starts.get((line as usize).wrapping_sub(1)) else { return "" };
        let rest = &self.text[start as usize..];
        rest.split('\n').next().unwrap_or(rest).trim_end_matches('\r')
    }
}

/// What stands between these in a template is filled in later: Jinja, Mustache and Go; Embedded Ruby.
const FIELDS: [(&str, &str); 2] = [("{{", "}}"), ("<%=", "%>")];

/// Many Dockerfiles and registry scripts are made from others: what stands in double braces is not known before.
pub(crate) fn filled_in_later(value: &str) -> Text {
    let mut text = Text::new();
    let mut rest = value;
    let field = |rest: &str| {
        let found = FIELDS.iter().filter_map(|(open, close)| {
            let start = rest.find(open)?;
            let end = rest[start..].find(close)? + start + close.len();
            Some((start, end))
        });
        found.min()
    };
    while let Some((start, end)) = field(rest) {
        text.push_lit(&rest[..start]);
        text.push_hole(Hole::Unknown);
        rest = &rest[end..];
    }
    text.push_lit(rest);
    text
}

/// How statements and comments of templates begin and end, which leave nothing in the text: Jinja, Embedded Ruby, Go.
const STATEMENTS: [(&str, &str); 4] = [("{%", "%}"), ("{#", "#}"), ("<%", "%>"), ("{{", "}}")];

/// Does a line of a template begin with a statement of the template? Then what ends it.
pub(crate) fn template_statement(line: &str) -> Option<&'static str> {
    let (_, close) = STATEMENTS.iter().find(|(open, _)| line.starts_with(open))?;
    Some(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        let mut r = Reading::default();
        assert_eq!(decode(b"\xff\xfea\0b\0", &mut r), "ab");
        assert_eq!(decode(b"a\0b\0c\0d\0", &mut r), "abcd");
        assert_eq!(decode(b"caf\xe9", &mut r), "caf\u{e9}");
        assert_eq!(decode("é".as_bytes(), &mut r), "é");
        assert!(r.notes.is_empty());
    }

    #[test]
    fn scripts_of_the_console_are_in_its_code_page() {
        let mut r = Reading::default();
        assert_eq!(decode_oem(b"md C:\\Donn\x82es", &mut r), "md C:\\Donn\u{e9}es");
        assert_eq!(decode_oem(b"md C:\\Donn\xe9es", &mut r), "md C:\\Donn\u{e9}es", "an editor of Windows");
        assert_eq!(decode_oem(b"chcp 1252\nmd \x8cuvres", &mut r), "chcp 1252\nmd \u{152}uvres");
        assert_eq!(decode_oem("é".as_bytes(), &mut r), "é");
    }

    #[test]
    fn positions() {
        let index = LineIndex::new("ab\r\nçd\n");
        assert_eq!(index.position(0), (1, 1));
        assert_eq!(index.position(6), (2, 2));
        assert_eq!(index.line(2), "çd");
        assert_eq!(index.line(9), "");
    }
}
