//! Templates of the catalogue over the arguments of one call.

use super::bind::Bound;
use super::call::parent;
use super::queries;
use super::words::{self, Word};
use crate::catalog::commands::{Piece, Selector, Template};
use crate::facts::{Hole, Part, Source, Text, join_paths};

/// What templates are evaluated over.
#[derive(Clone, Copy)]
pub(crate) struct Arguments<'a> {
    /// The arguments as the command reads them.
    pub(crate) bound: &'a Bound,
    /// How many of the positional ones are words of the form.
    pub(crate) skip: usize,
    /// The command as it was written.
    pub(crate) program: &'a Text,
    /// Current folder.
    pub(crate) here: &'a Text,
    /// Of several words their texts count, not how they are written: PowerShell puts blanks between the words behind
    /// `-Command` when their quotes are gone (about_PowerShell_exe).
    pub(crate) is_plain: bool,
}

impl Arguments<'_> {
    /// All values of a template; none when an argument that it names is absent.
    pub(crate) fn evaluate(&self, template: &Template) -> Vec<Text> {
        let mut values = vec![Text::new()];
        for piece in &template.pieces {
            let found = match piece {
                Piece::Lit(s) => vec![Text::lit(s.as_str())],
                Piece::Arg(selectors) => {
                    selectors.iter().map(|s| self.select(s)).find(|v| !v.is_empty()).unwrap_or_default()
                }
            };
            values = values.iter().flat_map(|v| found.iter().map(|f| v.clone().concat(f))).collect();
        }
        values
    }

    fn select(&self, selector: &Selector) -> Vec<Text> {
        let positional = self.bound.positional.get(self.skip..).unwrap_or_default();
        let nth = |n: usize| match n {
            0 => self.bound.positional.get(self.skip.wrapping_sub(1)),
            n => positional.get(n - 1),
        };
        let one: Option<Text> = match selector {
            Selector::Nth(n) => nth(*n).cloned(),
            Selector::Before(n) => nth(*n).map(|t| match t.leading_lit().split_once('=') {
                Some((name, _)) => Text::lit(name),
                None => t.clone(),
            }),
            Selector::Listed(n) => nth(*n).map(|text| {
                let comma = |part: &Part| matches!(part, Part::Lit(s) if s.contains(','));
                let Some(at) = text.parts().iter().position(comma) else { return text.clone() };
                let cut = text.parts()[at..].iter().take(1).filter_map(|part| match part {
                    Part::Lit(s) => s.split(',').next().map(|s| Part::Lit(s.to_owned())),
                    Part::Hole(_) => None,
                });
                Text::from_parts(text.parts()[..at].iter().cloned().chain(cut))
            }),
            Selector::Last => positional.last().cloned(),
            Selector::Each(from) => return positional.iter().skip(from.saturating_sub(1)).cloned().collect(),
            Selector::Rest(from) => {
                let words = &self.bound.words;
                let first = positional.get(from.saturating_sub(1));
                first.and_then(|first| words.iter().position(|w| w.text == *first)).map(|at| self.line(&words[at..]))
            }
            Selector::All => (!self.bound.words.is_empty()).then(|| self.line(&self.bound.words)),
            Selector::After(option) => self.after(option),
            Selector::Option(name) => self.bound.option(name).and_then(|(_, value)| value.clone()),
            Selector::Disk(name) => {
                self.bound.option(name).and_then(|(_, query)| queries::copy_on_disk(query.as_ref()?))
            }
            Selector::Beside(first, second) => self.beside(first, second),
            Selector::Into(target, source) => self.into(target, source, |_| true),
            Selector::FileInto(target, source) => self.into(target, source, |name| name.contains(['.', '*', '?'])),
            Selector::Program => Some(self.program.clone()),
            Selector::Here => Some(self.here.clone()),
            Selector::Unknown => Some(Text::unknown()),
            Selector::Empty => Some(Text::new()),
        };
        one.into_iter().collect()
    }

    /// The command line behind `/c`, as written.
    fn after(&self, option: &str) -> Option<Text> {
        let prefix = option.strip_suffix('*');
        let at = self.bound.words.iter().position(|w| {
            let lead = w.text.leading_lit().to_lowercase();
            let name = lead.trim_start_matches(['/', '-']);
            name.len() < lead.len() && (name == option || prefix.is_some_and(|p| name.starts_with(p)))
        })?;
        let rest = self.bound.words.get(at + 1..)?;
        (!rest.is_empty()).then(|| self.line(rest))
    }

    /// Words as one line.
    fn line(&self, words: &[Word]) -> Text {
        if self.is_plain { join(words.iter().map(|w| &w.text)) } else { words::join_raw(words) }
    }

    /// `ren a\b c` makes `a\c`.
    fn beside(&self, first: &Selector, second: &Selector) -> Option<Text> {
        let name = self.select(second).pop()?;
        let folder = parent(&self.select(first).pop()?);
        Some(if folder.is_empty() { name } else { join_paths(&folder, &name) })
    }

    /// `copy a\b .` makes `b`.
    fn into(&self, target: &Selector, source: &Selector, is_file: impl Fn(&str) -> bool) -> Option<Text> {
        let target = self.select(target).pop()?;
        let is_named = matches!(target.as_hole(), Some(Hole::Folder(_)));
        let is_folder = is_named || target == *self.here || target.trailing_lit().ends_with(['\\', '/']) || {
            let written = target.as_lit().unwrap_or_default();
            matches!(written.rsplit(['\\', '/']).next(), Some("." | ".."))
        };
        if !is_folder {
            return Some(target);
        }
        let source = self.select(source).pop()?;
        let mut name = words::base_name(&words::trim(&source)).to_owned();
        if let Some((_, path)) = source.leading_lit().split_once("://") {
            // What git takes from an address (its manual, "git clone": the humanish part), and others too.
            let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
            name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".git").to_owned();
        }
        // The name of several files that are put together, and one that is not known as a whole.
        let is_whole = source.as_lit().is_some() || source.trailing_lit().contains(['\\', '/']);
        let is_name = is_whole && !name.is_empty() && !name.contains(['+', ':']) && !name.trim_matches('.').is_empty();
        Some(if is_name && is_file(&name) { join_paths(&target, &Text::lit(name)) } else { target })
    }
}

/// A text in which a word that stands for something else is a hole.
pub(crate) fn with_hole(text: &Text, word: &str) -> Text {
    let mut out = Text::new();
    for part in text.parts() {
        let Part::Lit(literal) = part else {
            out.push(part.clone());
            continue;
        };
        for (i, piece) in literal.split(word).enumerate() {
            if i > 0 {
                out.push_text(&Text::from_source(Source::Output, word.trim_start_matches('@')));
            }
            out.push_lit(piece);
        }
    }
    out
}

fn join<'t>(texts: impl Iterator<Item = &'t Text>) -> Text {
    let mut out = Text::new();
    for (i, text) in texts.enumerate() {
        if i > 0 {
            out.push_lit(" ");
        }
        out.push_text(text);
    }
    out
}
