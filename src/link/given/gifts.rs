//! How gifts travel along starts: what each artifact is given in the end.

use super::super::phases::{Index, edge_phase, started_path};
use super::super::steps;
use super::placed;
use crate::facts::{ClueKind, Folder, Hole, Part, Reading, Site, Source, Step, Text};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Most steps of evidence of one gift: through more hands nobody follows it.
const MAX_HANDS: usize = 6;

/// One thing that an artifact gets.
#[derive(Clone)]
pub(super) struct Gift {
    pub(super) value: Text,
    pub(super) steps: Vec<Step>,
}

/// What an artifact gets, by its name in lower case. None where its starters contradict one another.
pub(super) type Gifts = BTreeMap<String, Option<Gift>>;

/// One start of another artifact.
struct Start {
    to: usize,
    /// The starter's own environment and folder go with it; a service has those of its manager.
    inherits: bool,
    /// What is given at this place.
    own: Vec<(String, Gift)>,
}

/// What every artifact is given.
pub(super) fn received(readings: &[Reading], index: &Index) -> Vec<Gifts> {
    let starts: Vec<Vec<Start>> = readings.iter().map(|reading| starts(reading, index)).collect();
    let mut received: Vec<Gifts> = vec![Gifts::new(); readings.len()];
    if starts.iter().flatten().all(|start| start.own.is_empty()) {
        return received;
    }
    let takes: Vec<Vec<String>> = readings.iter().map(parameters).collect();
    // What rests on what the starter itself is given waits until that is known; what nobody gives stays open.
    for settled in [false, true] {
        let mut queue: VecDeque<usize> = (0..readings.len()).collect();
        // A name is not known, then known, then contradicted: each edge is followed no more often than that.
        while let Some(from) = queue.pop_front() {
            for start in &starts[from] {
                steps::step();
                let given = bind(given(start, &received[from], settled), &takes[start.to]);
                if start.to != from && merge(&mut received[start.to], &given) {
                    queue.push_back(start.to);
                }
            }
        }
    }
    leave_out(&starts, &takes, &mut received);
    received
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
        gifts.entry(&fact.site).or_default().push((clue.key.to_lowercase(), Gift { value, steps: vec![step] }));
    }
    steps::counted(&reading.facts)
        .filter_map(|fact| {
            let clue = fact.as_clue().filter(|clue| clue.kind == ClueKind::Starts)?;
            let to = index.find(&reading.artifact, &started_path(clue))?;
            let own = gifts.get(&fact.site).cloned().unwrap_or_default();
            Some(Start { to, inherits: edge_phase(&clue.key).is_none(), own })
        })
        .collect()
}

/// The names of the parameters that a script takes, in their order.
fn parameters(reading: &Reading) -> Vec<String> {
    let takes = steps::counted(&reading.facts).filter_map(|f| f.as_clue()).filter(|c| c.kind == ClueKind::Takes);
    takes.map(|clue| clue.value.to_lowercase()).collect()
}

/// What one start gives, with what the starter itself was given in it.
fn given(start: &Start, known: &Gifts, settled: bool) -> Gifts {
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
        let filled = match placed(&gift.value, known) {
            Some((value, steps)) => {
                let steps = steps.into_iter().chain(gift.steps.iter().cloned()).take(MAX_HANDS).collect();
                Gift { value, steps }
            }
            None => gift.clone(),
        };
        if !settled && is_open(&filled.value) {
            given.remove(key);
            continue;
        }
        // An argument of the starter means nothing in what it starts.
        let value = filled
            .value
            .map_holes(|hole| matches!(hole, Hole::From(Source::Arg | Source::Param, _)).then(Text::unknown));
        given.insert(key.clone(), Some(Gift { value, ..filled }));
    }
    given
}

fn on(passed: &Gift, by: &Gift) -> Gift {
    let steps = passed.steps.iter().chain(&by.steps).take(MAX_HANDS).cloned().collect();
    Gift { value: passed.value.clone(), steps }
}

/// May the starter be given what is open in it?
fn is_open(value: &Text) -> bool {
    value
        .parts()
        .iter()
        .any(|part| matches!(part, Part::Hole(Hole::From(Source::Arg | Source::Env, _) | Hole::Folder(Folder::Cwd))))
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

/// What one starter gives as an argument and another leaves out is not known.
fn leave_out(starts: &[Vec<Start>], takes: &[Vec<String>], received: &mut [Gifts]) {
    for from in 0..starts.len() {
        for start in &starts[from] {
            let given = bind(given(start, &received[from], true), &takes[start.to]);
            for (key, gift) in received[start.to].iter_mut().filter(|(key, _)| key.starts_with("arg/")) {
                if start.to != from && !given.contains_key(key) {
                    *gift = None;
                }
            }
        }
    }
}

/// Adds what is given; did anything change?
fn merge(known: &mut Gifts, given: &Gifts) -> bool {
    let mut changed = false;
    for (key, gift) in given {
        match known.get_mut(key) {
            None => {
                known.insert(key.clone(), gift.clone());
                changed = true;
            }
            Some(there) => {
                let same = matches!((&there, gift), (Some(a), Some(b)) if a.value == b.value);
                if there.is_some() && !same {
                    *there = None;
                    changed = true;
                }
            }
        }
    }
    changed
}
