//! What PowerShell expressions may evaluate to, as far as it matters for paths and values.

use crate::facts::{Hole, Text, env_hole};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most texts of one value.
const MAX_TEXTS: usize = 12;
/// Most variables of a script.
const MAX_VARIABLES: usize = 2_000;
/// Most runs of a text: values that are made of themselves would grow without end.
const MAX_PARTS: usize = 48;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Texts: the elements of a list, or what one text may be.
    Texts(Vec<Text>),
    /// Paths that a cmdlet found; a pipe hands them on as paths.
    Paths(Vec<Text>),
    /// A hash table, with lower-case keys.
    Table(Vec<(String, Value)>),
    /// An object made from a type, with the arguments of its construction.
    Object(String, Vec<Text>),
    /// Nothing.
    Null,
}

impl Value {
    pub(super) fn text(text: Text) -> Self {
        Value::Texts(vec![text])
    }

    pub(super) fn lit(s: &str) -> Self {
        Value::text(Text::lit(s))
    }

    pub(super) fn unknown() -> Self {
        Value::text(Text::unknown())
    }

    /// As texts; what is no text is unknown.
    pub(super) fn texts(&self) -> Vec<Text> {
        match self {
            Value::Texts(texts) | Value::Paths(texts) => texts.clone(),
            Value::Null => Vec::new(),
            Value::Table(_) | Value::Object(..) => vec![Text::unknown()],
        }
    }

    /// Both together, without doubles.
    pub(super) fn and(self, other: Value) -> Value {
        match (self, other) {
            (Value::Null, v) | (v, Value::Null) => v,
            (Value::Paths(a), Value::Paths(b)) => Value::Paths(distinct(a.into_iter().chain(b))),
            (a, b) if a == b => a,
            (a @ (Value::Table(_) | Value::Object(..)), _) => a,
            (a, b) => Value::Texts(distinct(a.texts().into_iter().chain(b.texts()))),
        }
    }

    /// Applies to every text.
    pub(super) fn map(&self, f: impl Fn(&Text) -> Text) -> Value {
        Value::Texts(distinct(self.texts().iter().map(f)))
    }

    /// Every combination of both.
    pub(super) fn with(&self, other: &Value, f: impl Fn(&Text, &Text) -> Text) -> Value {
        let (a, b) = (self.texts(), other.texts());
        if a.len() * b.len() > MAX_TEXTS {
            return Value::unknown();
        }
        Value::Texts(distinct(a.iter().flat_map(|x| b.iter().map(|y| f(x, y)).collect::<Vec<_>>())))
    }
}

fn distinct(texts: impl Iterator<Item = Text>) -> Vec<Text> {
    let mut out: Vec<Text> = Vec::new();
    for text in texts {
        let text = if text.parts().len() > MAX_PARTS { Text::unknown() } else { text };
        if !out.contains(&text) {
            out.push(text);
        }
        if out.len() > MAX_TEXTS {
            return vec![Text::unknown()];
        }
    }
    out
}

/// Variables at a point of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    vars: Arc<BTreeMap<String, (Value, usize)>>,
    pub(super) here: Text,
}

impl Scope {
    pub(super) fn new(here: Text) -> Self {
        Scope { vars: Arc::default(), here }
    }

    /// A variable's value and the offset where it was set.
    pub(super) fn get(&self, name: &str) -> Option<&(Value, usize)> {
        self.vars.get(name)
    }

    pub(super) fn set(&mut self, name: String, value: Value, at: usize) {
        if self.vars.len() < MAX_VARIABLES || self.vars.contains_key(&name) {
            Arc::make_mut(&mut self.vars).insert(name, (value, at));
        }
    }

    pub(super) fn size(&self) -> usize {
        self.vars.len()
    }

    /// What holds after either of two ways.
    pub(super) fn join(&mut self, other: &Scope) {
        if !Arc::ptr_eq(&self.vars, &other.vars) && self.vars != other.vars {
            let mut joined = (*self.vars).clone();
            for (name, (theirs, at)) in other.vars.iter() {
                let both = match joined.get(name) {
                    Some((ours, _)) => ours.clone().and(theirs.clone()),
                    None => theirs.clone(),
                };
                joined.insert(name.clone(), (both, *at));
            }
            self.vars = Arc::new(joined);
        }
        if self.here != other.here {
            self.here = Text::unknown();
        }
    }
}

/// `$env:NAME`
pub(super) fn environment(name: &str) -> Text {
    Text::hole(match name.to_ascii_uppercase().as_str() {
        "COMPUTERNAME" | "USERNAME" => Hole::From(crate::facts::Source::Identity, name.to_ascii_uppercase()),
        _ => env_hole(name),
    })
}
