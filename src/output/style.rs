//! How to write for a terminal: width, colour, and text from artifacts that must not control it.

/// How to write for a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Colours and bold.
    pub color: bool,
    /// Links that a terminal makes clickable (OSC 8).
    pub hyperlinks: bool,
    /// Columns.
    pub width: usize,
    /// Show notes and everything that is cut by default.
    pub verbose: bool,
}

impl Default for Style {
    /// For a file: no colour, 80 columns.
    fn default() -> Self {
        Style { color: false, hyperlinks: false, width: 80, verbose: false }
    }
}

/// Text from an artifact on one line of a terminal: control characters, escapes and bidirectional overrides become
/// visible, so that a hostile file name cannot move the cursor or change what is read.
pub fn one_line(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.chars().any(hostile) {
        return text.to_owned();
    }
    text.chars().map(|c| if hostile(c) { format!("\\u{{{:x}}}", c as u32) } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn escapes_are_shown_not_obeyed() {
        assert_eq!(super::one_line("a\u{1b}[31m\u{202e}b\n"), "a\\u{1b}[31m\\u{202e}b\\u{a}");
    }
}
