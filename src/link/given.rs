//! What a starter gives to what it starts, and that to what it starts in turn: variables and the current folder.

use super::phases::{Index, edge_phase, started_path};
use crate::facts::{
    Body, Clue, ClueKind, Folder, Hole, Location, Part, Reading, Source, Step, Store, Text, join_paths,
};
use std::collections::{BTreeMap, VecDeque};

/// One thing that an artifact gets.
#[derive(Clone)]
struct Gift {
    value: Text,
    step: Step,
}

/// What an artifact gets, by its name in lower case. None where its starters contradict one another.
type Gifts = BTreeMap<String, Option<Gift>>;

/// Puts what is given into the locations of what is started, and of nothing else.
pub(super) fn hand_down(readings: &mut [Reading]) {
    let own: Vec<Vec<(usize, String, Gift)>> = readings.iter().map(gifts_of).collect();
    if own.iter().all(Vec::is_empty) {
        return;
    }
    let received = received(readings, &own);
    for (reading, gifts) in readings.iter_mut().zip(&received).filter(|(_, gifts)| !gifts.is_empty()) {
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            if !(effect.store.is_path() || effect.store == Store::Registry) {
                continue;
            }
            let mut steps = Vec::new();
            let mut text = effect.location.text().map_holes(|hole| {
                let Hole::From(Source::Env, name) = hole else { return None };
                take(gifts, &format!("env/{}", name.to_lowercase()), &mut steps)
            });
            if let [Part::Hole(Hole::Folder(Folder::Cwd)), below @ ..] = text.parts()
                && let Some(folder) = take(gifts, "cwd", &mut steps)
            {
                let below = Text::from_parts(below.iter().cloned());
                text = if below.is_empty() { folder } else { join_paths(&folder, &below) };
            }
            if steps.is_empty() {
                continue;
            }
            effect.location =
                if effect.store == Store::Registry { Location::registry(&text) } else { Location::file(&text) };
            effect.evidence.extend(steps);
        }
    }
}

fn take(gifts: &Gifts, name: &str, steps: &mut Vec<Step>) -> Option<Text> {
    let gift = gifts.get(name)?.as_ref()?;
    steps.push(gift.step.clone());
    Some(gift.value.clone())
}

/// What an artifact gives, with the number of the fact that says so.
fn gifts_of(reading: &Reading) -> Vec<(usize, String, Gift)> {
    let facts = super::steps::counted(&reading.facts).enumerate();
    facts
        .filter_map(|(i, fact)| {
            let clue = fact.as_clue().filter(|clue| clue.kind == ClueKind::Given)?;
            let said = match clue.key.strip_prefix("env/") {
                Some(name) => format!("it is started with {name} = \"{}\"", clue.value),
                None => format!("it is started in {}", clue.value),
            };
            let step = Step::at(said, fact.site.clone()).in_artifact(reading.artifact.clone());
            let value = clue.location.as_ref()?.text().clone();
            Some((i, clue.key.to_lowercase(), Gift { value, step }))
        })
        .collect()
}

fn received(readings: &[Reading], own: &[Vec<(usize, String, Gift)>]) -> Vec<Gifts> {
    let index = Index::new(readings);
    let mut received: Vec<Gifts> = vec![Gifts::new(); readings.len()];
    let mut queue = VecDeque::new();
    for (from, gifts) in own.iter().enumerate().filter(|(_, gifts)| !gifts.is_empty()) {
        for (site, to) in starts(&readings[from], &index, |_| true) {
            let of_site = gifts.iter().filter(|(i, ..)| readings[from].facts[*i].site == *site);
            let given: Gifts = of_site.map(|(_, key, gift)| (key.clone(), Some(gift.clone()))).collect();
            if merge(&mut received[to], &given) {
                queue.push_back(to);
            }
        }
    }
    // A name is not known, then known, then contradicted: each edge is followed no more often than that.
    while let Some(from) = queue.pop_front() {
        let given = received[from].clone();
        for (_, to) in starts(&readings[from], &index, |clue| edge_phase(&clue.key).is_none()) {
            if to != from && merge(&mut received[to], &given) {
                queue.push_back(to);
            }
        }
    }
    received
}

/// What an artifact starts, and where it says so.
fn starts<'a>(
    reading: &'a Reading,
    index: &Index,
    wanted: impl Fn(&Clue) -> bool,
) -> Vec<(&'a crate::facts::Site, usize)> {
    super::steps::counted(&reading.facts)
        .filter_map(|fact| {
            let clue = fact.as_clue().filter(|clue| clue.kind == ClueKind::Starts && wanted(clue))?;
            Some((&fact.site, index.find(&reading.artifact, &started_path(clue))?))
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use crate::facts::listing;

    fn locations(text: &str) -> Vec<String> {
        let mut readings = listing::parse(text).unwrap();
        super::hand_down(&mut readings);
        readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect().map(|e| e.location.to_string())).collect()
    }

    const TASK: &str = "artifact a.csdef\nclue starts key=startup-task value=s.cmd at=line:3\n\
                        clue given key=env/Home value=C:\\NR location=C:\\NR at=line:3\n";

    #[test]
    fn what_a_task_gives_reaches_what_it_starts_and_nothing_else() {
        let text = format!(
            "{TASK}clue starts key=startup-task value=other.cmd at=line:5\n\
             artifact s.cmd\neffect create file {{env:HOME}}\\a.log\nclue starts key=call value=t.cmd at=line:2\n\
             artifact t.cmd\neffect create file {{env:HOME}}\\b.log\n\
             artifact other.cmd\neffect create file {{env:HOME}}\\c.log\n"
        );
        assert_eq!(locations(&text), ["C:\\NR\\a.log", "C:\\NR\\b.log", "{env:HOME}\\c.log"]);
    }

    #[test]
    fn starters_that_contradict_one_another_decide_nothing() {
        let text = format!(
            "{TASK}clue starts key=startup-task value=s.cmd at=line:5\n\
             clue given key=env/Home value=D:\\X location=D:\\X at=line:5\n\
             artifact s.cmd\neffect create file {{env:HOME}}\\a.log\n"
        );
        assert_eq!(locations(&text), ["{env:HOME}\\a.log"]);
    }

    #[test]
    fn a_current_folder_is_where_relative_paths_begin() {
        let text = "artifact Dockerfile\nclue starts key=entrypoint value=run.cmd location=C:\\app\\run.cmd at=line:6\n\
                    clue given key=cwd value=C:\\app location=C:\\app at=line:6\n\
                    artifact run.cmd\neffect append file {Cwd}\\rel.log\neffect append file {Temp}\\x.log\n";
        assert_eq!(locations(text), ["C:\\app\\rel.log", "{Temp}\\x.log"]);
    }
}
