//! Turns texts with references into the few texts they may be.

use super::env::{Env, Value};
use super::run::{Frame, Machine};
use super::syntax::{For, Items, Piece};
use super::value;
use crate::facts::{Hole, Part, Source, Text};
use crate::read::script::words;
use std::collections::HashMap;

/// Most runs of a text: values that are made of themselves would grow without end.
const MAX_PARTS: usize = 48;
/// Most ways to expand one command.
const MAX_WAYS: usize = 32;

impl Machine<'_, '_, '_> {
    /// What a loop variable may hold.
    pub(super) fn loop_values(&mut self, over: &For, env: &Env, frame: &mut Frame<'_>) -> Vec<Text> {
        let output = || vec![Text::from_source(Source::Output, "for")];
        let sets = self.expand(&over.set, env, frame);
        match over.items {
            Items::Numbers => output(),
            Items::Words | Items::Found => {
                let mut values: Vec<Text> = Vec::new();
                for (set, _) in sets {
                    for word in words::split(&split_at_commas(&set)) {
                        // Both keep the quotes of the set.
                        if !values.contains(&word.raw) {
                            values.push(word.raw);
                        }
                    }
                }
                if over.items == Items::Found {
                    let wild = |t: &Text| !t.to_string().contains(['*', '?']);
                    values.retain(wild);
                }
                if values.is_empty() || values.len() > MAX_WAYS { output() } else { values }
            }
            Items::Lines => {
                let options =
                    self.expand(&over.options, env, frame).pop().map(|(t, _)| t.to_string()).unwrap_or_default();
                // Which quotes mean a command, and which a string (`for /?`); what has neither is files.
                let (mark, string) =
                    if options.to_lowercase().contains("usebackq") { ('`', '\'') } else { ('\'', '"') };
                let mut values = Vec::new();
                for (set, _) in sets {
                    let set = words::trim(&set);
                    if set.leading_lit().starts_with(mark) {
                        let line = strip_mark(&set, mark);
                        self.line(&line, over.at, env, frame);
                    } else if !set.leading_lit().starts_with(string) {
                        values.extend(
                            words::split(&set)
                                .iter()
                                .take(MAX_WAYS)
                                .map(|word| self.read_file(&word.text, over.at, env, "for /f")),
                        );
                    }
                }
                if values.is_empty() || values.len() > MAX_WAYS { output() } else { values }
            }
        }
    }

    /// All ways a text may read, each with the assignments it rests on.
    pub(super) fn expand(&self, pieces: &[Piece], env: &Env, frame: &Frame<'_>) -> Vec<(Text, Vec<(String, usize)>)> {
        // One choice per name: the same variable has the same value all over a command.
        let mut choices: Vec<(String, Vec<Value>)> = Vec::new();
        for piece in pieces {
            let (name, values) = match piece {
                Piece::Variable { name, delayed, .. } => {
                    (name.clone(), if *delayed { env.get(name) } else { frame.line_env.get(name) })
                }
                Piece::Loop { variable, .. } => {
                    let found = self.loops.iter().rev().find(|(v, _)| v == variable);
                    let texts =
                        found.map(|(_, t)| t.clone()).unwrap_or_else(|| vec![Text::from_source(Source::Output, "for")]);
                    (format!("%{variable}"), texts.into_iter().map(|text| Value { text, at: None }).collect())
                }
                _ => continue,
            };
            if !choices.iter().any(|(n, _)| *n == name) {
                choices.push((name, values));
            }
        }
        while choices.iter().map(|(_, v)| v.len()).product::<usize>() > MAX_WAYS {
            let Some((_, values)) = choices.iter_mut().max_by_key(|(_, v)| v.len()) else { break };
            *values = vec![Value { text: Text::unknown(), at: None }];
        }
        let ways = choices.iter().map(|(_, v)| v.len()).product::<usize>();
        (0..ways)
            .map(|mut way| {
                let mut picked: HashMap<&str, &Value> = HashMap::new();
                for (name, values) in &choices {
                    if let Some(value) = values.get(way % values.len()) {
                        picked.insert(name, value);
                    }
                    way /= values.len();
                }
                let text = self.assemble(pieces, &picked, env, frame);
                let mut used: Vec<(String, usize)> =
                    picked.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.at?))).collect();
                used.sort();
                (text, used)
            })
            .collect()
    }

    fn assemble(&self, pieces: &[Piece], picked: &HashMap<&str, &Value>, env: &Env, frame: &Frame<'_>) -> Text {
        let mut out = Text::new();
        for piece in pieces {
            if out.parts().len() > MAX_PARTS {
                out.push_hole(Hole::Unknown);
                break;
            }
            match piece {
                Piece::Lit(s) => out.push_lit(s),
                Piece::Hole(n) => match self.holes.last().and_then(|holes| holes.get(*n)) {
                    Some(hole) => out.push_hole(hole.clone()),
                    None => out.push_hole(Hole::Unknown),
                },
                Piece::Variable { name, change, .. } => {
                    if let Some(value) = picked.get(name.as_str()) {
                        match change {
                            Some(change) => out.push_text(&value::change(&value.text, change)),
                            None => out.push_text(&value.text),
                        }
                    }
                }
                Piece::Loop { variable, modifiers } => {
                    if let Some(value) = picked.get(format!("%{variable}").as_str()) {
                        out.push_text(&value::path_parts(&value.text, modifiers, &env.here));
                    }
                }
                Piece::Argument { index, modifiers } => {
                    out.push_text(&self.argument(*index, modifiers, env, frame));
                }
            }
        }
        out
    }

    fn argument(&self, index: Option<usize>, modifiers: &str, env: &Env, frame: &Frame<'_>) -> Text {
        match (index, &frame.args) {
            (Some(0), _) => match modifiers {
                "~dp" | "~p" => self.world.own_folder.clone(),
                _ => value::path_parts(&self.world.own_path, modifiers, &env.here),
            },
            (Some(n), Some(args)) => {
                args.get(n - 1).map_or_else(Text::new, |a| value::path_parts(a, modifiers, &env.here))
            }
            (None, Some(args)) => {
                let mut all = Text::new();
                for (i, arg) in args.iter().enumerate() {
                    if i > 0 {
                        all.push_lit(" ");
                    }
                    all.push_text(arg);
                }
                all
            }
            (Some(n), None) => {
                // Whole, whether with quotes or without; of its parts nothing is known before it is.
                let argument = Text::from_source(Source::Arg, n.to_string());
                match modifiers {
                    "" | "~" | "~f" => argument,
                    _ => value::path_parts(&argument, modifiers, &env.here),
                }
            }
            (None, None) => Text::from_source(Source::Arg, "*"),
        }
    }
}

/// In a set, commas and semicolons divide like blanks.
fn split_at_commas(set: &Text) -> Text {
    let mut quoted = false;
    Text::from_parts(set.parts().iter().map(|part| {
        match part {
            Part::Lit(s) => Part::Lit(
                s.chars()
                    .map(|c| {
                        quoted ^= c == '"';
                        if !quoted && (c == ',' || c == ';') { ' ' } else { c }
                    })
                    .collect(),
            ),
            hole => hole.clone(),
        }
    }))
}

/// The command of `for /f` without the marks around it.
fn strip_mark(set: &Text, mark: char) -> Text {
    let last = set.parts().len().saturating_sub(1);
    Text::from_parts(set.parts().iter().enumerate().map(|(i, part)| match part {
        Part::Lit(s) => {
            let s = if i == 0 { s.strip_prefix(mark).unwrap_or(s) } else { s };
            Part::Lit(if i == last { s.strip_suffix(mark).unwrap_or(s) } else { s }.to_owned())
        }
        hole => hole.clone(),
    }))
}
