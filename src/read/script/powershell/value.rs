//! What PowerShell expressions may evaluate to, as far as it matters for paths and values.

use crate::catalog::commands::Provider;
use crate::facts::{Hole, Part, Text, env_hole};
use crate::read::script::{call, items};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

/// Most texts of one value.
const MAX_TEXTS: usize = 12;
/// Most variables of a script.
const MAX_VARIABLES: usize = 2_000;
/// Most runs of a text: values that are made of themselves would grow without end.
const MAX_PARTS: usize = 48;

/// In the place of an offset: what was set before the script began.
pub(super) const OUTSIDE: usize = usize::MAX;

/// A value. Copies are cheap: most values are handed on as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Texts: the elements of a list, or what one text may be.
    Texts(Arc<[Text]>),
    /// Paths that a cmdlet found; a pipe hands them on as paths.
    Paths(Arc<[Text]>),
    /// A hash table, with lower-case keys.
    Table(Arc<Vec<(String, Value)>>),
    /// A type, or an object made from it.
    Object(Arc<str>, Made),
    /// Nothing.
    Null,
}

/// What an object stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// The type itself.
    Type,
    /// Something constructed.
    Instance,
}

impl Value {
    pub(super) fn text(text: Text) -> Self {
        Value::Texts(Arc::from([text]))
    }

    pub(super) fn lit(s: &str) -> Self {
        Value::text(Text::lit(s))
    }

    pub(super) fn unknown() -> Self {
        Value::Texts(unknown())
    }

    /// As texts; what is no text is unknown.
    pub(super) fn texts(&self) -> Arc<[Text]> {
        match self {
            Value::Texts(texts) | Value::Paths(texts) => texts.clone(),
            Value::Null => Arc::default(),
            Value::Table(_) | Value::Object(..) => unknown(),
        }
    }

    /// The first of its texts.
    pub(super) fn first(&self) -> Option<Text> {
        self.texts().first().cloned()
    }

    /// The same value, without looking into it: what was never touched since.
    fn is_same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Texts(a), Value::Texts(b)) | (Value::Paths(a), Value::Paths(b)) => Arc::ptr_eq(a, b),
            (Value::Table(a), Value::Table(b)) => Arc::ptr_eq(a, b),
            (Value::Object(a, _), Value::Object(b, _)) => Arc::ptr_eq(a, b),
            (Value::Null, Value::Null) => true,
            _ => false,
        }
    }

    /// Both together, without doubles.
    pub(super) fn and(self, other: Value) -> Value {
        match (self, other) {
            (Value::Null, v) | (v, Value::Null) => v,
            (a, b) if a.is_same(&b) => a,
            (Value::Paths(a), Value::Paths(b)) => Value::Paths(distinct(a.iter().chain(b.iter()).cloned())),
            (a, b) if a == b => a,
            (a @ (Value::Table(_) | Value::Object(..)), _) => a,
            (a, b) => Value::Texts(distinct(a.texts().iter().chain(b.texts().iter()).cloned())),
        }
    }

    /// One or the other, where only one of both is given; of two tables nothing can be told.
    pub(super) fn or(self, other: Value) -> Value {
        let is_text = |value: &Value| !matches!(value, Value::Table(_) | Value::Object(..));
        match (self, other) {
            (Value::Null, value) | (value, Value::Null) => value,
            (a, b) if a == b || (is_text(&a) && is_text(&b)) => a.and(b),
            _ => Value::unknown(),
        }
    }

    /// Applies to every text.
    pub(super) fn map(&self, f: impl Fn(&Text) -> Text) -> Value {
        Value::Texts(distinct(self.texts().iter().map(f)))
    }

    /// As parts of other texts, and for methods, which know no patterns. Where paths were found, a pattern stands for one
    /// of them whose name is not known.
    pub(super) fn as_parts(&self) -> Arc<[Text]> {
        match self {
            Value::Paths(texts) => texts.iter().map(without_pattern).collect(),
            _ => self.texts(),
        }
    }

    /// Every combination of both.
    pub(super) fn with(&self, other: &Value, f: impl Fn(&Text, &Text) -> Text) -> Value {
        let (a, b) = (self.as_parts(), other.as_parts());
        if a.len() * b.len() > MAX_TEXTS {
            return Value::unknown();
        }
        let f = &f;
        Value::Texts(distinct(a.iter().flat_map(|x| b.iter().map(move |y| f(x, y)))))
    }
}

fn unknown() -> Arc<[Text]> {
    static UNKNOWN: OnceLock<Arc<[Text]>> = OnceLock::new();
    UNKNOWN.get_or_init(|| Arc::from([Text::unknown()])).clone()
}

/// `{?}.log` for `*.log`
fn without_pattern(text: &Text) -> Text {
    let mut out = Text::new();
    for part in text.parts() {
        let Part::Lit(literal) = part else {
            out.push(part.clone());
            continue;
        };
        for (i, piece) in literal.split(['*', '?']).enumerate() {
            if i > 0 && !matches!(out.parts().last(), Some(Part::Hole(Hole::Unknown))) {
                out.push_hole(Hole::Unknown);
            }
            out.push_lit(piece);
        }
    }
    out
}

fn distinct(texts: impl Iterator<Item = Text>) -> Arc<[Text]> {
    let mut out: Vec<Text> = Vec::new();
    for text in texts {
        let text = if text.parts().len() > MAX_PARTS { Text::unknown() } else { text };
        if !out.contains(&text) {
            out.push(text);
        }
        if out.len() > MAX_TEXTS {
            return unknown();
        }
    }
    out.into()
}

/// Variables at a point of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    vars: Arc<BTreeMap<Arc<str>, (Value, usize)>>,
    /// The current folder.
    pub(super) here: Text,
    /// Where cmdlets are on a drive that has no folders (about_Locations).
    drive: Option<Text>,
    /// Where they were before `Push-Location`.
    left: Vec<(Text, Option<Text>)>,
}

/// Most locations that are remembered.
const MAX_LEFT: usize = 16;

impl Scope {
    pub(super) fn new(here: Text) -> Self {
        Scope { vars: Arc::default(), here, drive: None, left: Vec::new() }
    }

    /// Where cmdlets are: a folder, or a key of the registry.
    pub(super) fn location(&self) -> &Text {
        self.drive.as_ref().unwrap_or(&self.here)
    }

    /// `Set-Location`
    pub(super) fn enter(&mut self, path: &Text) {
        match items::provider_at(path, self.location()) {
            Provider::File => (self.here, self.drive) = (call::file(path, &self.here).text().clone(), None),
            _ => self.drive = Some(items::item(path, self.location())),
        }
    }

    /// `Push-Location`
    pub(super) fn remember_location(&mut self) {
        self.left.push((self.here.clone(), self.drive.clone()));
        self.left.truncate(MAX_LEFT);
    }

    /// `Pop-Location`
    pub(super) fn return_to_location(&mut self) {
        if let Some(before) = self.left.pop() {
            (self.here, self.drive) = before;
        }
    }

    /// A variable's value and the offset where it was set.
    pub(super) fn get(&self, name: &str) -> Option<&(Value, usize)> {
        self.vars.get(name)
    }

    pub(super) fn set(&mut self, name: &str, value: Value, at: usize) {
        match self.vars.get(name) {
            Some((known, since)) if *since == at && known.is_same(&value) => {}
            Some(_) => {
                if let Some(known) = Arc::make_mut(&mut self.vars).get_mut(name) {
                    *known = (value, at);
                }
            }
            None if self.vars.len() < MAX_VARIABLES => {
                Arc::make_mut(&mut self.vars).insert(name.into(), (value, at));
            }
            None => {}
        }
    }

    /// Another object has none of the properties that the one before was given.
    pub(super) fn forget_members(&mut self, variable: &str) {
        let prefix = super::run::member_name(variable, "");
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let names = self.vars.range::<str, _>(from).map(|(name, _)| name.clone());
        let names: Vec<Arc<str>> = names.take_while(|name| name.starts_with(&prefix)).collect();
        if !names.is_empty() {
            Arc::make_mut(&mut self.vars).retain(|name, _| !names.contains(name));
        }
    }

    /// The variables of the environment that the script has set to one value.
    pub(super) fn environment(&self) -> impl Iterator<Item = (String, Text)> {
        self.vars.iter().filter(|(_, (_, at))| *at != OUTSIDE).filter_map(|(name, (value, _))| {
            let name = name.strip_prefix("env:")?;
            let texts = value.texts();
            (texts.len() == 1).then(|| texts.first().map(|text| (name.to_owned(), text.clone())))?
        })
    }

    pub(super) fn size(&self) -> usize {
        self.vars.len()
    }

    /// Takes over what was set in another scope that began as a copy of this one; here it is known since this offset.
    pub(super) fn take_over(&mut self, other: &Scope, at: usize) {
        for (name, (value, _)) in self.changed_in(other) {
            self.set(&name, value, at);
        }
    }

    /// The variables of another scope that are not the very same here. Most are in both, by the same name, in the same order.
    fn changed_in(&self, other: &Scope) -> Vec<(Arc<str>, (Value, usize))> {
        let mut changed = Vec::new();
        let mut own = self.vars.iter().peekable();
        for (name, (theirs, at)) in other.vars.iter() {
            while own.next_if(|(known, _)| !Arc::ptr_eq(known, name) && *known < name).is_some() {}
            let ours = own.next_if(|(known, _)| Arc::ptr_eq(known, name) || *known == name).map(|(_, ours)| ours);
            if ours.is_none_or(|(ours, since)| since != at || !ours.is_same(theirs)) {
                changed.push((name.clone(), (theirs.clone(), *at)));
            }
        }
        changed
    }

    /// What holds after either of two ways.
    pub(super) fn join(&mut self, other: &Scope) {
        if !Arc::ptr_eq(&self.vars, &other.vars) {
            let changed = self.changed_in(other);
            if !changed.is_empty() {
                let joined = Arc::make_mut(&mut self.vars);
                for (name, (theirs, at)) in changed {
                    let both = match joined.get(&name) {
                        Some((ours, _)) if is_mark(&theirs) => ours.clone(),
                        Some((ours, _)) if is_mark(ours) => theirs,
                        Some((ours, _)) => ours.clone().and(theirs),
                        None => theirs,
                    };
                    joined.insert(name, (both, at));
                }
            }
        }
        if self.location() != other.location() {
            (self.here, self.drive) = (Text::unknown(), None);
        }
        if self.left != other.left {
            self.left.clear();
        }
    }
}

/// `<auto>`: stands for a value that the script chooses where it finds it.
fn is_mark(value: &Value) -> bool {
    let texts = value.texts();
    let [text] = &*texts else { return false };
    let name = text.as_lit().and_then(|text| text.strip_prefix('<')?.strip_suffix('>'));
    name.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_'))
}

/// `$env:NAME`
pub(super) fn environment(name: &str) -> Text {
    Text::hole(match name.to_ascii_uppercase().as_str() {
        "COMPUTERNAME" | "USERNAME" => Hole::From(crate::facts::Source::Identity, name.to_ascii_uppercase()),
        _ => env_hole(name),
    })
}

/// What a number becomes in a text: that of `2MB` is 2097152, that of `0x10` is 16 (about_Numeric_Literals).
pub(super) fn number(written: &str) -> Option<String> {
    let lower = written.to_ascii_lowercase();
    if let Some(digits) = lower.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(|number| number.to_string());
    }
    let unit = UNITS.iter().find_map(|(unit, bits)| Some((lower.strip_suffix(unit)?, *bits)));
    let Some((digits, bits)) = unit else { return Some(written.to_owned()) };
    match digits.parse::<u64>() {
        Ok(number) => number.checked_mul(1 << bits).map(|number| number.to_string()),
        Err(_) => digits.parse::<f64>().ok().map(|number| (number * (1u64 << bits) as f64).to_string()),
    }
}

/// Units of numbers, with how many bits they move them (about_Numeric_Literals).
pub(super) const UNITS: [(&str, u32); 5] = [("kb", 10), ("mb", 20), ("gb", 30), ("tb", 40), ("pb", 50)];

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_as_texts() {
        for (written, text) in
            [("7", "7"), ("1KB", "1024"), ("2mb", "2097152"), ("1.5KB", "1536"), ("0xFF", "255"), ("1.50", "1.50")]
        {
            assert_eq!(number(written).as_deref(), Some(text));
        }
        assert_eq!(number("99999999999999PB"), None);
    }
}
