//! How to write for a terminal: width, colour, and text from artifacts that must not control it.

use crate::escape::controls;

/// How to write for a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Colours and bold.
    pub color: bool,
    /// Links that a terminal makes clickable (OSC 8).
    pub hyperlinks: bool,
    /// No drawing characters and no layout: sentences, for a screen reader.
    pub narrated: bool,
    /// Columns.
    pub width: usize,
    /// Lines that make up a screen.
    pub height: usize,
    /// Show notes and everything that is cut by default.
    pub verbose: bool,
}

impl Default for Style {
    /// For a file: no colour, 80 columns.
    fn default() -> Self {
        Style { color: false, hyperlinks: false, narrated: false, width: 80, height: 50, verbose: false }
    }
}

/// What a colour stands for. Nothing is said by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Error,
    Warning,
    Note,
    Good,
    Strong,
    Faint,
}

impl Style {
    /// Text in a colour, if there are colours. The text must be harmless already.
    pub(super) fn ink(self, ink: Ink, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Error => "1;31",
            Ink::Warning => "1;33",
            Ink::Note => "36",
            Ink::Good => "1;32",
            Ink::Strong => "1",
            Ink::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Text from an artifact on one line of a terminal: control characters, escapes and bidirectional overrides become
/// visible, so that a hostile file name cannot move the cursor or change what is read.
pub fn one_line(text: &str) -> String {
    if !text.chars().any(controls) {
        return text.to_owned();
    }
    text.chars().map(|c| if controls(c) { format!("\\u{{{:x}}}", c as u32) } else { c.to_string() }).collect()
}

/// Cut to a number of characters; what is left out is told by an ellipsis.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(most.saturating_sub(1)).collect();
    shown.push('…');
    shown
}

/// A place cut at its beginning, because its end tells most.
pub(super) fn cut_start(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    std::iter::once('…').chain(text.chars().skip(count - most.saturating_sub(1))).collect()
}

/// A path cut in its middle, because both its root and its name say where it is.
pub(super) fn cut_middle(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most || most < 5 {
        return cut(text, most);
    }
    let tail = (most - 1) * 2 / 3;
    let head = most - 1 - tail;
    let mut shown: String = text.chars().take(head).collect();
    shown.push('…');
    shown.extend(text.chars().skip(count - tail));
    shown
}

#[cfg(test)]
mod tests {
    use super::{cut, cut_middle, cut_start, one_line};

    #[test]
    fn escapes_are_shown_not_obeyed() {
        assert_eq!(one_line("a\u{1b}[31m\u{202e}b\n"), "a\\u{1b}[31m\\u{202e}b\\u{a}");
    }

    #[test]
    fn cuts_by_characters() {
        assert_eq!(cut("añb", 3), "añb");
        assert_eq!(cut("añbc", 3), "añ…");
        assert_eq!(cut_start("añbc", 3), "…bc");
        assert_eq!(cut_middle("0123456789", 7), "01…6789");
        assert_eq!(cut_middle("0123456789", 10), "0123456789");
        assert_eq!(cut_middle("0123456789", 1), "…");
    }
}
