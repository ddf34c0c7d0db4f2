//! Which facts rest on what a parameter is when nobody gives it.
//!
//! A script is walked a second time, with a mark behind each default that is one text. Where a place has the mark, it has
//! it behind the default, and there the parameter stands; a place that changes in another way depends on the parameter by
//! more than can be written down.

use crate::facts::{Body, ClueKind, Fact, Location, Reading, Site, Source, Text};
use std::collections::{HashMap, VecDeque};

/// The first mark; the number of the parameter is added. No path has characters for private use.
const FIRST_MARK: u32 = 0xE000;

/// The mark of the n-th parameter.
pub(super) fn mark(number: usize) -> char {
    u32::try_from(number).ok().and_then(|n| char::from_u32(FIRST_MARK + n)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Has a parameter a default that somebody may replace, and is there a place that may rest on it?
pub(super) fn has_defaults(reading: &Reading) -> bool {
    defaults(reading).next().is_some() && reading.facts.iter().any(|fact| location(fact).is_some())
}

fn defaults(reading: &Reading) -> impl Iterator<Item = (char, &str, &Text)> {
    let takes = reading.facts.iter().filter_map(Fact::as_clue).filter(|clue| clue.kind == ClueKind::Takes);
    takes.filter_map(|clue| Some((mark(clue.key.parse().ok()?), clue.value.as_str(), clue.location.as_ref()?.text())))
}

/// Tells of each fact which parameters its place rests on, by the facts of the second walk.
pub(super) fn open(reading: &mut Reading, marked: &Reading) {
    let parameters: Vec<Parameter> =
        defaults(reading).map(|(mark, name, value)| Parameter::new(mark, name, value)).collect();
    let mut others: HashMap<Key<'_>, VecDeque<&Fact>> = HashMap::new();
    for fact in &marked.facts {
        others.entry(key(fact)).or_default().push_back(fact);
    }
    let mut counts: HashMap<Key<'_>, usize> = HashMap::new();
    for fact in &reading.facts {
        *counts.entry(key(fact)).or_default() += 1;
    }
    let mut opened: Vec<Option<Location>> = Vec::with_capacity(reading.facts.len());
    let same_number = |key: &Key<'_>| counts.get(key).copied() == others.get(key).map(VecDeque::len);
    let alike: HashMap<Key<'_>, bool> = counts.keys().map(|key| (*key, same_number(key))).collect();
    for fact in &reading.facts {
        let key = key(fact);
        let Some(location) = location(fact) else {
            opened.push(None);
            others.get_mut(&key).and_then(VecDeque::pop_front);
            continue;
        };
        let other = others.get_mut(&key).and_then(VecDeque::pop_front).filter(|_| alike.get(&key) == Some(&true));
        opened.push(match other.and_then(self::location) {
            None => Some(Location::unknown()),
            Some(other) if other == location => None,
            Some(other) => Some(without_marks(other, &parameters).unwrap_or_else(Location::unknown)),
        });
    }
    for (fact, open) in reading.facts.iter_mut().zip(opened) {
        fact.open = open;
    }
}

/// Facts of one place in the script that do the same.
type Key<'a> = (&'a Site, &'a str, &'a str);

fn key(fact: &Fact) -> Key<'_> {
    let (what, how): (&'static str, &str) = match &fact.body {
        Body::Effect(effect) => (effect.operation.into(), &effect.via),
        Body::Clue(clue) => (clue.kind.into(), &clue.key),
    };
    (&fact.site, what, how)
}

/// The place of what a starter can decide.
fn location(fact: &Fact) -> Option<&Location> {
    match &fact.body {
        Body::Effect(effect) => Some(&effect.location),
        Body::Clue(clue) if clue.kind == ClueKind::Takes => None,
        Body::Clue(clue) => clue.location.as_ref(),
    }
}

struct Parameter {
    mark: char,
    /// The hole that stands for it.
    hole: String,
    /// How its default looks in a place.
    written: Vec<String>,
}

impl Parameter {
    fn new(mark: char, name: &str, default: &Text) -> Self {
        let written = [Location::registry(default), Location::file(default), Location::named(default.clone())];
        let mut written: Vec<String> = written.iter().map(Location::to_string).collect();
        written.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Parameter { mark, hole: Text::from_source(Source::Arg, name).to_string(), written }
    }
}

/// The place with holes where the marks stand behind the defaults.
fn without_marks(marked: &Location, parameters: &[Parameter]) -> Option<Location> {
    let mut text = marked.to_string();
    for parameter in parameters {
        while let Some(at) = text.find(parameter.mark) {
            let default = parameter.written.iter().find(|default| text[..at].ends_with(default.as_str()))?;
            text.replace_range(at - default.len()..at + parameter.mark.len_utf8(), &parameter.hole);
        }
    }
    Some(Location::named(Text::parse(&text)))
}
