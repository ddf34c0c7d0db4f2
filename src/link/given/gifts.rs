//! How gifts travel along starts: what each artifact is given in the end.

use super::super::index::Index;
use super::super::phases::edge_phase;
use super::super::steps;
use super::{Defaults, defaults, filled, placed};
use crate::facts::{ClueKind, Hole, Location, Reading, Site, Source, Step, Text};
use std::collections::{BTreeMap, HashMap};

/// Most steps of evidence of one gift: through more hands nobody follows it.
const MAX_HANDS: usize = 6;
/// Most different ways in which one artifact is started that are kept apart.
pub(super) const MAX_CALLS: usize = 4;

/// Most things that one artifact gets: a chain of starters in which each adds some would hand on ever more.
const MAX_GIFTS: usize = 256;

/// One thing that an artifact gets.
#[derive(Clone)]
pub(super) struct Gift {
    pub(super) value: Text,
    pub(super) steps: Vec<Step>,
    /// The same with the starter's own parameters left open.
    open: Option<Location>,
}

/// What an artifact gets in one start, by its name in lower case. None where it gets something that is not known.
pub(super) type Gifts = BTreeMap<String, Option<Gift>>;

/// What an artifact gets.
#[derive(Default)]
pub(super) struct Received {
    /// The different ways in which it is started.
    pub(super) calls: Vec<Gifts>,
    /// They are more than are kept apart.
    pub(super) is_more: bool,
}

/// One start of another artifact.
struct Start {
    to: usize,
    /// The starter's own environment and folder go with it; a service has those of its manager.
    inherits: bool,
    /// What is given at this place.
    own: Vec<(String, Gift)>,
}

/// What every artifact is given.
pub(super) fn received(readings: &[Reading], index: &Index) -> Vec<Received> {
    let starts: Vec<Vec<Start>> = readings.iter().map(|reading| starts(reading, index)).collect();
    let mut received: Vec<Received> = readings.iter().map(|_| Received::default()).collect();
    if starts.iter().flatten().all(|start| start.own.is_empty()) {
        return received;
    }
    let takes: Vec<Vec<String>> = readings.iter().map(parameters).collect();
    let order = order(&starts);
    let mut done = vec![false; readings.len()];
    for from in order {
        done[from] = true;
        share(&mut received[from].calls);
        let defaults = if starts[from].is_empty() { Defaults::new() } else { defaults(&readings[from]) };
        let known = std::mem::take(&mut received[from].calls);
        let nothing = [Gifts::new()];
        // What starts itself in the end is started from outside as well, and that is how it is known.
        for start in starts[from].iter().filter(|start| !done[start.to]) {
            for known in if known.is_empty() { &nothing[..] } else { &known[..] } {
                steps::step();
                received[start.to].add(bind(given(start, known, &defaults), &takes[start.to]));
            }
        }
        received[from].calls = known;
    }
    // Whoever is given nothing in all starts is as good as not started.
    for received in received.iter_mut().filter(|r| r.calls.iter().all(Gifts::is_empty)) {
        received.calls.clear();
    }
    received
}

/// The artifacts, each behind those that start it: the reverse of the order in which a walk along the starts leaves them.
/// Within a circle the walk decides.
fn order(starts: &[Vec<Start>]) -> Vec<usize> {
    let mut is_started = vec![false; starts.len()];
    starts.iter().flatten().for_each(|start| is_started[start.to] = true);
    let (roots, others): (Vec<usize>, Vec<usize>) = (0..starts.len()).partition(|&n| !is_started[n]);
    let mut seen = vec![false; starts.len()];
    let mut left = Vec::with_capacity(starts.len());
    // The walk from what nobody starts comes first in the result, so it is done last.
    for root in others.into_iter().chain(roots).rev() {
        let mut path: Vec<(usize, usize)> = Vec::new();
        if !std::mem::replace(&mut seen[root], true) {
            path.push((root, 0));
        }
        while let Some((at, next)) = path.last_mut() {
            match starts[*at].get(*next) {
                Some(start) => {
                    *next += 1;
                    if !std::mem::replace(&mut seen[start.to], true) {
                        path.push((start.to, 0));
                    }
                }
                None => {
                    left.push(*at);
                    path.pop();
                }
            }
        }
    }
    left.reverse();
    left
}

impl Received {
    /// One more way to start it.
    fn add(&mut self, mut gifts: Gifts) {
        if gifts.len() > MAX_GIFTS {
            gifts = gifts.into_iter().take(MAX_GIFTS).collect();
        }
        if self.is_more {
            let one = self.calls.pop().unwrap_or_default();
            self.calls = vec![common(one, &gifts)];
        } else if !self.calls.iter().any(|known| is_same(known, &gifts)) {
            self.calls.push(gifts);
            if self.calls.len() > MAX_CALLS {
                self.is_more = true;
                let all = std::mem::take(&mut self.calls).into_iter();
                self.calls.extend(all.reduce(|one, other| common(one, &other)));
            }
        }
    }
}

fn is_same(one: &Gifts, other: &Gifts) -> bool {
    let value = |gift: &Option<Gift>| gift.as_ref().map(|gift| gift.value.clone());
    one.len() == other.len() && one.iter().zip(other).all(|((a, x), (b, y))| a == b && value(x) == value(y))
}

/// What two starts have in common; what only one gives, or each gives in its own way, is not known.
fn common(mut one: Gifts, other: &Gifts) -> Gifts {
    for (key, gift) in other {
        let known = one.entry(key.clone()).or_insert(None);
        if known.as_ref().map(|g| &g.value) != gift.as_ref().map(|g| &g.value) {
            *known = None;
        }
    }
    for (_, gift) in one.iter_mut().filter(|(key, _)| !other.contains_key(*key)) {
        *gift = None;
    }
    one
}

/// A variable that only some starters set, and all of them in the same way, is taken to be set for all: the others leave
/// it to what is around.
fn share(calls: &mut [Gifts]) {
    let mut shared = Gifts::new();
    for (key, gift) in calls.iter().flatten().filter(|(key, _)| !key.starts_with("arg/")) {
        let known = shared.entry(key.clone()).or_insert_with(|| gift.clone());
        if known.as_ref().map(|g| &g.value) != gift.as_ref().map(|g| &g.value) {
            *known = None;
        }
    }
    for call in calls {
        for (key, gift) in shared.iter().filter(|(_, gift)| gift.is_some()) {
            call.entry(key.clone()).or_insert_with(|| gift.clone());
        }
    }
}

/// What an artifact starts, with what is given at the same places.
fn starts(reading: &Reading, index: &Index) -> Vec<Start> {
    let mut gifts: HashMap<&Site, Vec<(String, Gift)>> = HashMap::new();
    for fact in steps::counted(&reading.facts) {
        let Some(clue) = fact.as_clue().filter(|clue| clue.kind == ClueKind::Given) else { continue };
        let Some(value) = clue.location.as_ref().map(|l| l.text().clone()) else { continue };
        let said = match clue.key.split_once('/') {
            Some(("env", name)) => format!("it is started with {name} = \"{}\"", clue.value),
            Some((_, name)) => format!("it is started with \"{}\" as its argument {name}", clue.value),
            None => format!("it is started in {}", clue.value),
        };
        let step = Step::at(said, fact.site.clone()).in_artifact(reading.artifact.clone());
        let gift = Gift { value, steps: vec![step], open: fact.open.clone() };
        gifts.entry(&fact.site).or_default().push((clue.key.to_lowercase(), gift));
    }
    let gifts: HashMap<&Site, Vec<Vec<(String, Gift)>>> =
        gifts.into_iter().map(|(at, all)| (at, rounds(all))).collect();
    let mut found = Vec::new();
    for fact in steps::counted(&reading.facts) {
        let Some(clue) = fact.as_clue().filter(|clue| clue.kind == ClueKind::Starts) else { continue };
        let Some(to) = index.started(reading, clue) else { continue };
        let inherits = edge_phase(&clue.key).is_none();
        match gifts.get(&fact.site) {
            Some(rounds) => found.extend(rounds.iter().map(|own| Start { to, inherits, own: own.clone() })),
            None => found.push(Start { to, inherits, own: Vec::new() }),
        }
    }
    found
}

/// A loop gives the same argument again at the same place; what it does not change it gives as before.
fn rounds(gifts: Vec<(String, Gift)>) -> Vec<Vec<(String, Gift)>> {
    let mut rounds: Vec<Vec<(String, Gift)>> = vec![Vec::new()];
    let mut given: Vec<String> = Vec::new();
    for (key, gift) in gifts {
        let count = rounds.len();
        let Some(current) = rounds.last_mut() else { continue };
        if given.contains(&key) && count <= MAX_CALLS {
            let mut next = current.clone();
            given = vec![key.clone()];
            next.retain(|(known, _)| *known != key);
            next.push((key, gift));
            rounds.push(next);
        } else {
            given.push(key.clone());
            current.retain(|(known, _)| *known != key);
            current.push((key, gift));
        }
    }
    rounds
}

/// The names of the parameters that a script takes, in their order.
fn parameters(reading: &Reading) -> Vec<String> {
    let takes = steps::counted(&reading.facts).filter_map(|f| f.as_clue()).filter(|c| c.kind == ClueKind::Takes);
    takes.map(|clue| clue.value.to_lowercase()).collect()
}

/// What one start gives, with what the starter itself was given in it.
fn given(start: &Start, known: &Gifts, defaults: &Defaults) -> Gifts {
    let mut given = Gifts::new();
    if start.inherits {
        let kept = known.iter().filter(|(key, _)| !key.starts_with("arg/"));
        given.extend(kept.map(|(key, gift)| (key.clone(), gift.clone())));
    }
    for (key, gift) in &start.own {
        // `%*`: all that the starter was given goes on.
        if key == "arg/*" && gift.value.as_hole() == Some(&Hole::From(Source::Arg, "*".to_owned())) {
            let all = known.iter().filter(|(key, _)| key.starts_with("arg/"));
            given.extend(all.map(|(key, passed)| (key.clone(), passed.as_ref().map(|passed| on(passed, gift)))));
            continue;
        }
        let instead = gift.open.as_ref().and_then(|open| filled(open.text(), known, defaults));
        let (value, steps) = instead.or_else(|| placed(&gift.value, known)).unwrap_or((gift.value.clone(), Vec::new()));
        // An argument of the starter means nothing in what it starts.
        let value =
            value.map_holes(|hole| matches!(hole, Hole::From(Source::Arg | Source::Param, _)).then(Text::unknown));
        let steps = steps.into_iter().chain(gift.steps.iter().cloned()).take(MAX_HANDS).collect();
        given.insert(key.clone(), Some(Gift { value, steps, open: None }));
    }
    given
}

fn on(passed: &Gift, by: &Gift) -> Gift {
    let steps = passed.steps.iter().chain(&by.steps).take(MAX_HANDS).cloned().collect();
    Gift { value: passed.value.clone(), steps, open: None }
}

/// Arguments by the names of the parameters that they meet: by (shortened) name, the others in their order
/// (about_Parameters).
fn bind(mut given: Gifts, takes: &[String]) -> Gifts {
    if takes.is_empty() || !given.keys().any(|key| key.starts_with("arg/")) {
        return given;
    }
    let mut bound = Gifts::new();
    for (key, gift) in &given {
        let Some(name) = key.strip_prefix("arg/").filter(|name| name.starts_with(char::is_alphabetic)) else {
            continue;
        };
        if let Some(parameter) =
            takes.iter().find(|t| *t == name).or_else(|| takes.iter().find(|t| t.starts_with(name)))
        {
            bound.insert(format!("arg/{parameter}"), gift.clone());
        }
    }
    let free = takes.iter().map(|name| format!("arg/{name}")).filter(|key| !bound.contains_key(key));
    let free: Vec<String> = free.collect();
    for (i, key) in free.into_iter().enumerate() {
        if let Some(gift) = given.get(&format!("arg/{}", i + 1)) {
            bound.insert(key, gift.clone());
        }
    }
    given.extend(bound);
    given
}
