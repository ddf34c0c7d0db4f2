//! Answers about symbolic values: what a value is known to be, and keeping alternatives few.

use super::trace::Trace;
use super::value::Id;
use crate::facts::Text;

/// Alternatives of one value.
pub(super) const MAX_VALUES: usize = 8;

/// The same of the elements of a collection that have keys, of which a question wants the one with its key.
const MAX_KEYED: usize = 64;

/// Steps of the way of one value that are kept.
const MAX_STEPS: usize = 6;

/// A resolved value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Value {
    /// As a string.
    pub(super) text: Text,
    /// As an integer.
    pub(super) int: Option<i64>,
    /// It may be null, and nothing else is known of it.
    pub(super) null: bool,
    /// The 32-bit view of the registry.
    pub(super) view32: bool,
    /// A key of the registry that was opened for reading only.
    pub(super) read_only: bool,
    /// A key of the registry that is gone after a restart, with all that is below it.
    pub(super) volatile: bool,
    /// On another host.
    pub(super) remote: bool,
    /// The method that a delegate calls, as a token of its unit.
    pub(super) function: Option<(u32, u32)>,
    /// The constructor call that made the object: its unit and expression.
    pub(super) made: Option<(u32, Id)>,
    /// Properties that were set on the object, by name; the last one of a name counts.
    pub(super) properties: Vec<(Box<str>, Text)>,
    /// The key that it has as an element of a collection.
    pub(super) key: Option<Box<str>>,
    /// It may be another object that has this value, or a later one may have taken its place.
    pub(super) is_guess: bool,
    /// How it came here.
    pub(super) steps: Vec<Trace>,
}

impl Value {
    pub(super) fn text(text: Text) -> Self {
        Value { text, ..Value::default() }
    }

    pub(super) fn unknown() -> Self {
        Value::text(Text::unknown())
    }

    pub(super) fn int(value: i64) -> Self {
        Value { text: Text::lit(value.to_string()), int: Some(value), ..Value::default() }
    }

    /// The same with another text.
    pub(super) fn with(&self, text: Text) -> Self {
        Value { text, int: None, null: false, function: None, made: None, properties: Vec::new(), ..self.clone() }
    }

    /// A property that was set on the object.
    pub(super) fn property(&self, name: &str) -> Option<&Text> {
        self.properties.iter().rev().find(|(n, _)| &**n == name).map(|(_, text)| text)
    }

    /// The same but for the way it came here.
    pub(super) fn same(&self, other: &Value) -> bool {
        let what = |v: &Value| (v.int, v.null, v.function, v.made, v.read_only, v.volatile);
        what(self) == what(other)
            && self.text == other.text
            && self.properties == other.properties
            && self.key == other.key
    }

    /// The same, but not for certain.
    pub(super) fn guessed(self) -> Self {
        Value { is_guess: true, ..self }
    }

    pub(super) fn step(mut self, step: Trace) -> Self {
        self.came(&[step]);
        self
    }

    /// It came by these steps too.
    pub(super) fn came(&mut self, steps: &[Trace]) {
        for step in steps {
            if self.steps.len() < MAX_STEPS && !self.steps.contains(step) {
                self.steps.push(*step);
            }
        }
    }
}

/// Drops repetitions and needless nulls, and keeps the number small.
pub(super) fn tidy(values: &mut Vec<Value>) {
    if values.len() < 2 {
        return;
    }
    if values.iter().any(|v| !v.null) {
        values.retain(|v| !v.null);
    }
    let mut kept: Vec<Value> = Vec::new();
    for value in values.drain(..) {
        match kept.iter_mut().find(|k| k.same(&value)) {
            Some(known) => known.is_guess &= value.is_guess,
            None => kept.push(value),
        }
    }
    if kept.iter().any(|v| v.key.is_some()) && kept.len() <= MAX_KEYED {
        *values = kept;
        return;
    }
    // `EnsureTrailingSeparator` and the like give a path with and without one; either is meant.
    let ends = |v: &Value| v.text.trailing_lit().ends_with(['\\', '/']);
    if kept.len() > 1 && kept.iter().any(ends) {
        let full: Vec<String> = kept.iter().filter(|v| ends(v)).map(|v| bare(&v.text)).collect();
        let mut seen: Vec<String> = Vec::new();
        kept.retain(|v| {
            let name = bare(&v.text);
            let first = !seen.contains(&name);
            let keep = if ends(v) { first } else { !full.contains(&name) };
            if keep {
                seen.push(name);
            }
            keep
        });
    }
    if kept.len() > MAX_VALUES {
        // `path == "" ? root : Combine(root, path)`: of a folder and what is below it, the latter says more.
        let texts: Vec<String> = kept.iter().map(|v| v.text.to_string()).collect();
        let holds_another = |v: &Value| {
            let folder = bare(&v.text);
            !folder.is_empty()
                && texts
                    .iter()
                    .any(|t| t.strip_prefix(&*folder).is_some_and(|rest| rest.len() > 1 && rest.starts_with('\\')))
        };
        kept.retain(|v| v.made.is_some() || v.function.is_some() || !holds_another(v));
    }
    if kept.len() > MAX_VALUES {
        kept.sort_by_key(|v| v.text.is_unknown() && v.function.is_none() && v.made.is_none());
        kept.truncate(MAX_VALUES - 1);
        kept.push(Value::unknown());
    }
    *values = kept;
}

/// Values of which only the texts count: which object it is makes no difference.
pub(super) fn only_texts(values: &mut Vec<Value>) {
    if values.iter().any(|v| v.made.is_some() || v.function.is_some()) {
        values.iter_mut().for_each(|v| (v.made, v.function) = (None, None));
        tidy(values);
    }
}

/// A path without the separator at its end.
fn bare(text: &Text) -> String {
    text.to_string().trim_end_matches(['\\', '/']).to_owned()
}
