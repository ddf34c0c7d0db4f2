//! The text of an open file, kept in step by incremental edits.

use lsp_types::{Position, PositionEncodingKind, Range, TextDocumentContentChangeEvent};

/// What a column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Bytes.
    Utf8,
    /// What the protocol falls back to.
    Utf16,
}

impl Encoding {
    /// The best of what a client offers.
    pub(super) fn choose(offered: Option<&[PositionEncodingKind]>) -> Self {
        match offered {
            Some(kinds) if kinds.contains(&PositionEncodingKind::UTF8) => Encoding::Utf8,
            _ => Encoding::Utf16,
        }
    }

    /// As the protocol names it.
    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    fn width(self, c: char) -> usize {
        match self {
            Encoding::Utf8 => c.len_utf8(),
            Encoding::Utf16 => c.len_utf16(),
        }
    }
}

/// An open file.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) text: String,
    pub(super) version: i32,
}

impl Document {
    /// Applies the edits of one change notification, in order.
    pub(super) fn apply(&mut self, changes: Vec<TextDocumentContentChangeEvent>, version: i32, encoding: Encoding) {
        for change in changes {
            match change.range {
                None => self.text = change.text,
                Some(range) => {
                    let start = offset(&self.text, range.start, encoding);
                    let end = offset(&self.text, range.end, encoding).max(start);
                    self.text.replace_range(start..end, &change.text);
                }
            }
        }
        self.version = version;
    }
}

/// Byte offset of a position; beyond the end of a line or of the text it is that end, as the protocol wants.
pub(super) fn offset(text: &str, position: Position, encoding: Encoding) -> usize {
    let start = match position.line {
        0 => 0,
        n => match memchr::memchr_iter(b'\n', text.as_bytes()).nth(n as usize - 1) {
            Some(newline) => newline + 1,
            None => return text.len(),
        },
    };
    let mut left = position.character as usize;
    for (at, c) in text[start..].char_indices() {
        if left == 0 || c == '\n' || (c == '\r' && text[start + at..].starts_with("\r\n")) {
            return start + at;
        }
        left = left.saturating_sub(encoding.width(c));
    }
    text.len()
}

/// Position of a byte offset.
pub(super) fn position(text: &str, at: usize, encoding: Encoding) -> Position {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = memchr::memchr_iter(b'\n', before.as_bytes()).count();
    let character: usize = before[start..].chars().map(|c| encoding.width(c)).sum();
    Position::new(line as u32, character as u32)
}

/// The range of a line and column, both from 1 and in characters, up to the end of the line, whose content is given if it
/// is known.
pub(super) fn site_range(content: Option<&str>, line: u32, column: u32, encoding: Encoding) -> Range {
    let zero = line.saturating_sub(1);
    // The protocol takes a character beyond the line for its end.
    const LINE_END: u32 = 10_000;
    let Some(content) = content else {
        return Range::new(Position::new(zero, column.saturating_sub(1)), Position::new(zero, LINE_END));
    };
    let units = |chars: usize| content.chars().take(chars).map(|c| encoding.width(c)).sum::<usize>() as u32;
    let end = content.trim_end().chars().count();
    let start = (column.saturating_sub(1) as usize).min(end);
    Range::new(Position::new(zero, units(start)), Position::new(zero, units(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_in_either_encoding() {
        for (encoding, character) in [(Encoding::Utf16, 3), (Encoding::Utf8, 5)] {
            let mut d = Document { text: "a\nb\u{1f600}c\r\n".into(), version: 1 };
            let range = Range::new(Position::new(1, character), Position::new(1, 99));
            let change =
                TextDocumentContentChangeEvent { range: Some(range), range_length: None, text: "X".to_owned() };
            d.apply(vec![change], 2, encoding);
            assert_eq!(d.text, "a\nb\u{1f600}X\r\n");
            assert_eq!(position(&d.text, 7, encoding), Position::new(1, character));
        }
    }

    #[test]
    fn positions_outside_are_clamped() {
        assert_eq!(offset("a\nb", Position::new(9, 9), Encoding::Utf16), 3);
        assert_eq!(offset("a\nb", Position::new(0, 9), Encoding::Utf16), 1);
        assert_eq!(
            site_range(Some("ab  "), 1, 2, Encoding::Utf16),
            Range::new(Position::new(0, 1), Position::new(0, 2))
        );
        assert_eq!(site_range(None, 0, 0, Encoding::Utf16).start, Position::new(0, 0));
    }
}
