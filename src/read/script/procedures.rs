//! The procedures of a script of the script host, and which of them run.

use super::calls::Event;
use std::collections::{BTreeMap, HashSet};

/// Deepest call inside another.
const MAX_DEPTH: usize = 6;
/// Most calls that are followed: what is called again and again does nothing new.
const MAX_CALLS: usize = 400;

/// A procedure.
#[derive(Clone, Copy)]
pub(super) struct Procedure<'e, 's> {
    pub(super) parameters: &'e [String],
    pub(super) body: &'e [Event<'s>],
    /// It stands in another file, which tells by itself what it does.
    pub(super) is_foreign: bool,
}

/// All of them by their names in lower case.
pub(super) struct Procedures<'e, 's> {
    known: BTreeMap<&'e str, (usize, Procedure<'e, 's>)>,
    called: HashSet<&'e str>,
    /// Those that another part of the script calls.
    mentioned: HashSet<&'e str>,
    /// Those that run, innermost last.
    pub(super) current: Vec<String>,
    calls: usize,
}

impl<'e, 's> Procedures<'e, 's> {
    /// Those of some texts, the first ones of which are from other files.
    pub(super) fn of(sources: &'e [Vec<Event<'s>>], foreign: usize) -> Self {
        let mut known = BTreeMap::new();
        for (number, events) in sources.iter().enumerate() {
            let is_foreign = number < foreign;
            let mut open: Vec<(usize, &str, &[String])> = Vec::new();
            for (at, event) in events.iter().enumerate() {
                match event {
                    Event::Procedure(name, parameters) => open.push((at, name, parameters)),
                    Event::End => {
                        if let Some((from, name, parameters)) = open.pop() {
                            let body = events.get(from + 1..at).unwrap_or_default();
                            known.insert(name, (known.len(), Procedure { parameters, body, is_foreign }));
                        }
                    }
                    _ => {}
                }
            }
            // A procedure that is not closed goes on to the end.
            for (from, name, parameters) in open {
                let body = events.get(from + 1..).unwrap_or_default();
                known.insert(name, (known.len(), Procedure { parameters, body, is_foreign }));
            }
        }
        let mut mentioned = HashSet::new();
        for events in sources {
            let mut inside: Vec<&str> = Vec::new();
            for event in events {
                match event {
                    Event::Procedure(name, _) => inside.push(name),
                    Event::End => drop(inside.pop()),
                    Event::Does(found) => {
                        let name = found.name.to_lowercase();
                        let name = name.rsplit('.').next().unwrap_or_default();
                        let known = known.get_key_value(name).map(|(name, _)| *name);
                        mentioned.extend(known.filter(|name| inside.last() != Some(name)));
                    }
                    _ => {}
                }
            }
        }
        Procedures { known, called: HashSet::new(), mentioned, current: Vec::new(), calls: 0 }
    }

    /// The procedure of a name, when its call is to be followed; it runs until [`Procedures::leave`].
    pub(super) fn enter(&mut self, name: &str) -> Option<Procedure<'e, 's>> {
        let (name, (_, procedure)) = self.known.get_key_value(name)?;
        if self.current.len() >= MAX_DEPTH || self.calls >= MAX_CALLS || self.current.iter().any(|c| c == name) {
            return None;
        }
        self.calls += 1;
        self.called.insert(name);
        self.current.push((*name).to_owned());
        Some(*procedure)
    }

    /// The procedure that runs is done.
    pub(super) fn leave(&mut self) {
        self.current.pop();
    }

    /// The next in the order of the source that nobody calls, first of those that none of the others mentions; it counts
    /// as called from then on.
    pub(super) fn next_uncalled(&mut self) -> Option<(String, Procedure<'e, 's>)> {
        let is_own = |procedure: &Procedure<'_, '_>| !procedure.is_foreign;
        let waiting = self.known.iter().filter(|(name, (_, p))| is_own(p) && !self.called.contains(*name));
        let (name, (_, procedure)) =
            waiting.min_by_key(|(name, (order, _))| (self.mentioned.contains(*name), *order))?;
        self.called.insert(name);
        Some(((*name).to_owned(), *procedure))
    }
}
