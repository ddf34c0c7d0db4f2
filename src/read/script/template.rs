//! Templates of the catalogue over the arguments of one call.

use super::bind::Bound;
use super::call::parent;
use super::words;
use crate::catalog::commands::{Piece, Selector, Template};
use crate::facts::{Part, Source, Text, join_paths};

/// What templates are evaluated over.
pub(crate) struct Arguments<'a> {
    /// The arguments as the command reads them.
    pub(crate) bound: &'a Bound,
    /// How many of the positional ones are words of the form.
    pub(crate) skip: usize,
    /// The command as it was written.
    pub(crate) program: &'a Text,
    /// Current folder.
    pub(crate) here: &'a Text,
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
                let rest = positional.get(from.saturating_sub(1)..).unwrap_or_default();
                (!rest.is_empty()).then(|| join(rest))
            }
            Selector::All => (!self.bound.words.is_empty()).then(|| words::join_raw(&self.bound.words)),
            Selector::After(option) => self.after(option),
            Selector::Option(name) => self.bound.option(name).and_then(|(_, value)| value.clone()),
            Selector::Beside(first, second) => self.beside(first, second),
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
        (!rest.is_empty()).then(|| words::join_raw(rest))
    }

    /// `ren a\b c` makes `a\c`.
    fn beside(&self, first: &str, second: &str) -> Option<Text> {
        let value =
            |name: &str| self.select(&name.parse().map_or(Selector::Option(name.to_owned()), Selector::Nth)).pop();
        let name = value(second)?;
        let folder = parent(&value(first)?);
        Some(if folder.is_empty() { name } else { join_paths(&folder, &name) })
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

fn join(texts: &[Text]) -> Text {
    let mut out = Text::new();
    for (i, text) in texts.iter().enumerate() {
        if i > 0 {
            out.push_lit(" ");
        }
        out.push_text(text);
    }
    out
}
