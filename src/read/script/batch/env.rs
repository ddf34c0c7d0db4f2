//! What cmd's variables may hold at a point of a script: for each, a few possible values.

use crate::facts::{Hole, Part, Source, Text, env_hole, expand_env};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most values of a variable; more become what they share.
const MAX_VALUES: usize = 6;
/// Most variables of a script.
const MAX_VARIABLES: usize = 2_000;

/// A possible value and where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: Text,
    /// Offset of the assignment, if the script made it.
    pub(super) at: Option<usize>,
}

/// Variables and the current folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Env {
    vars: Arc<BTreeMap<String, Vec<Value>>>,
    pub(super) here: Text,
    pub(super) folders: Vec<Text>,
    /// The script may have set any variable before.
    is_lost: bool,
    /// What was not followed may have set any variable: a script that is called and not read, another round of a loop.
    pub(super) is_open: bool,
}

impl Env {
    pub(super) fn new(here: Text) -> Self {
        Env { vars: Arc::default(), here, folders: Vec::new(), is_lost: false, is_open: false }
    }

    /// Somewhere in a script: its own variables are not known, those of the machine are.
    pub(super) fn lost() -> Self {
        Env { is_lost: true, ..Env::new(Text::unknown()) }
    }

    /// Possible values of a variable, by its upper-case name. What the script never set comes from outside.
    pub(super) fn get(&self, name: &str) -> Vec<Value> {
        if let Some(values) = self.vars.get(name) {
            return values.clone();
        }
        vec![Value { text: self.outside(name), at: None }]
    }

    /// A variable that only the machine sets.
    fn outside(&self, name: &str) -> Text {
        match name {
            "CD" => self.here.clone(),
            "RANDOM" => Text::from_source(Source::Generated, "random"),
            "DATE" | "TIME" => Text::from_source(Source::Generated, "time"),
            "COMPUTERNAME" | "USERNAME" | "USERDOMAIN" => Text::from_source(Source::Identity, name),
            "ERRORLEVEL" | "CMDCMDLINE" => Text::from_source(Source::Output, name.to_lowercase()),
            // Always the same path, and needed to tell which program runs.
            "COMSPEC" => expand_env(&Text::lit("%SystemRoot%\\System32\\cmd.exe")),
            _ => match env_hole(name) {
                Hole::From(..) if self.is_lost => Text::unknown(),
                hole => Text::hole(hole),
            },
        }
    }

    pub(super) fn set(&mut self, name: String, values: Vec<Value>) {
        if self.vars.len() < MAX_VARIABLES || self.vars.contains_key(&name) {
            Arc::make_mut(&mut self.vars).insert(name, capped(values));
        }
    }

    /// The variables that the script has set to one value.
    pub(super) fn assigned(&self) -> impl Iterator<Item = (String, Text)> {
        self.vars.iter().filter_map(|(name, values)| match values.as_slice() {
            [Value { text, at: Some(_) }] => Some((name.clone(), text.clone())),
            _ => None,
        })
    }

    /// What was set, or set to something else, since another time.
    pub(super) fn set_since(&self, before: &Env) -> Vec<(String, Vec<Value>)> {
        let is_new = |(name, values): &(&String, &Vec<Value>)| before.vars.get(*name) != Some(values);
        self.vars.iter().filter(is_new).map(|(name, values)| (name.clone(), values.clone())).collect()
    }

    /// Names the script has set.
    pub(super) fn size(&self) -> usize {
        self.vars.len()
    }

    /// What holds after either of two ways.
    pub(super) fn join(&mut self, other: &Env) {
        self.is_open |= other.is_open;
        if !Arc::ptr_eq(&self.vars, &other.vars) && self.vars != other.vars {
            let mut joined = (*self.vars).clone();
            for (name, theirs) in other.vars.iter() {
                let mut values = self.get(name);
                values.extend(theirs.iter().cloned());
                joined.insert(name.clone(), capped(values));
            }
            for (name, ours) in self.vars.iter().filter(|(name, _)| !other.vars.contains_key(*name)) {
                let mut values = ours.clone();
                values.extend(other.get(name));
                joined.insert(name.clone(), capped(values));
            }
            self.vars = Arc::new(joined);
        }
        if self.here != other.here {
            self.here = Text::unknown();
        }
        if self.folders != other.folders {
            self.folders.clear();
        }
    }
}

/// Without doubles; too many become one with a hole.
fn capped(values: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for value in values {
        if !kept.iter().any(|k| k.text == value.text) {
            kept.push(value);
        }
    }
    if kept.len() > MAX_VALUES {
        let at = kept.first().and_then(|v| v.at);
        let text = kept.iter().map(|v| v.text.clone()).reduce(|a, b| a.merge(&b)).unwrap_or_default();
        // A merge that keeps growing would never settle: what is still long becomes unknown.
        let text = if text.parts().len() > 8 || text.is_unknown() { Text::unknown() } else { text };
        return vec![Value { text, at }];
    }
    kept
}

/// Only unknown parts: nothing to name a command by.
pub(super) fn is_dark(text: &Text) -> bool {
    text.parts().iter().all(|p| matches!(p, Part::Hole(Hole::Unknown | Hole::From(Source::Output | Source::Arg, _))))
}
