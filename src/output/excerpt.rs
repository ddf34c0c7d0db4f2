//! A few lines around a place in a text, read again from the artifact for people to look at.
//!
//! Only a terminal report needs them, so they are not part of the report. Reading is bounded, and what cannot be
//! read, or is a member of a package, simply has no excerpt.

use super::style::one_line;
use crate::facts::Reading;
use crate::read::text::decode;
use std::fs::File;
use std::io::Read as _;

/// Bytes of a file that are searched for a line.
const MAX_READ: u64 = 4 << 20;
/// Lines shown before and after the place.
const AROUND: usize = 1;

/// Where excerpts come from: the file system, or a test's memory.
pub trait Sources {
    /// The text of an artifact, or its beginning.
    fn text(&self, artifact: &str) -> Option<String>;
}

/// Reads artifacts by their path in the report.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSources;

impl Sources for FileSources {
    fn text(&self, artifact: &str) -> Option<String> {
        let mut bytes = Vec::new();
        let file = File::open(artifact).ok().filter(|f| f.metadata().is_ok_and(|m| m.is_file()))?;
        file.take(MAX_READ).read_to_end(&mut bytes).ok()?;
        Some(decode(&bytes, &mut Reading::default()).into_owned())
    }
}

/// No excerpts.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSources;

impl Sources for NoSources {
    fn text(&self, _artifact: &str) -> Option<String> {
        None
    }
}

/// Consecutive lines, harmless to a terminal, and the part of one of them that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The lines, each ended by a newline.
    pub(super) text: String,
    /// Number of the first line, from 1.
    pub(super) first_line: usize,
    /// What is meant: bytes of `text`.
    pub(super) mark: std::ops::Range<usize>,
    /// The lines are not lines of the artifact.
    pub(super) made_up: bool,
}

impl Excerpt {
    /// The lines around a place (both numbers from 1), none wider than `width`.
    pub(super) fn around(text: &str, line: u32, column: u32, width: usize) -> Option<Self> {
        let index = (line as usize).checked_sub(1)?;
        let from = index.saturating_sub(AROUND);
        let mut excerpt = Excerpt { text: String::new(), first_line: from + 1, mark: 0..0, made_up: false };
        let mut found = false;
        for (number, content) in text.lines().enumerate().skip(from).take(index - from + 1 + AROUND) {
            let start = excerpt.text.len();
            if number == index {
                let (shown, mark) = window(content, column as usize, width);
                excerpt.mark = start + mark.start..start + mark.end;
                excerpt.text.push_str(&shown);
                found = true;
            } else {
                excerpt.text.push_str(&window(content, 1, width).0);
            }
            excerpt.text.push('\n');
        }
        found.then_some(excerpt)
    }

    /// Lines made up for something that has no text, such as machine code; `mark` is in the first of them.
    pub(super) fn made_up(lines: &[String], mark: std::ops::Range<usize>) -> Self {
        let mut text = String::new();
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        let end = mark.end.min(text.len());
        Excerpt { text, first_line: 1, mark: mark.start.min(end)..end, made_up: true }
    }
}

/// The part of a line from a little before `column` that fits, and where in it the rest of the statement is.
fn window(line: &str, column: usize, width: usize) -> (String, std::ops::Range<usize>) {
    let before = width / 3;
    let total = line.chars().take(column.saturating_add(width).saturating_add(1)).count();
    let visible = width.saturating_sub(2).max(1);
    let skip = if total > visible { column.saturating_sub(1).saturating_sub(before) } else { 0 };
    let mut shown = String::new();
    if skip > 0 {
        shown.push('…');
    }
    let mut start = None;
    for (number, c) in line.chars().enumerate().skip(skip).take(visible) {
        if number + 1 == column {
            start = Some(shown.len());
        }
        match c {
            '\t' => shown.push_str("    "),
            c => shown.push_str(&one_line(c.encode_utf8(&mut [0; 4]))),
        }
    }
    let end = shown.trim_end().len();
    if line.chars().nth(skip + visible).is_some() {
        shown.push('…');
    }
    let start = start.unwrap_or(0).min(end);
    (shown, start..end)
}

#[cfg(test)]
mod tests {
    use super::{Excerpt, window};

    #[test]
    fn shows_true_lines() {
        let text = "one\ntwo\n\tthree = 3  \nfour\nfive\n";
        let e = Excerpt::around(text, 3, 2, 60).expect("line 3");
        assert_eq!(e.text, "two\n    three = 3  \nfour\n");
        assert_eq!((e.first_line, &e.text[e.mark.clone()]), (2, "three = 3"));
        assert_eq!(Excerpt::around(text, 9, 1, 60), None);
        assert_eq!(Excerpt::around(text, 0, 1, 60), None);
    }

    #[test]
    fn cuts_long_lines_around_the_place() {
        let line = format!("{}HERE{}", "a".repeat(5000), "b".repeat(5000));
        let (shown, mark) = window(&line, 5001, 40);
        assert!(shown.chars().count() <= 41, "{shown}");
        assert!(shown[mark].starts_with("HERE"), "{shown}");
    }

    #[test]
    fn a_place_at_the_end_of_a_line_that_is_cut_stays_in_sight() {
        for column in 1..=28 {
            let line: String = ('a'..='z').chain(['1', '2']).collect();
            let (shown, mark) = window(&line, column, 28);
            assert_eq!(shown[mark].chars().next(), line.chars().nth(column - 1), "{column}: {shown}");
        }
    }

    #[test]
    fn a_column_beyond_the_line_marks_nothing() {
        let (shown, mark) = window("short\u{1b}[2J", 400, 40);
        assert_eq!(shown, "short\\u{1b}[2J");
        assert!(mark.end <= shown.len());
        assert!(window("", 1, 1).1.is_empty());
    }
}
