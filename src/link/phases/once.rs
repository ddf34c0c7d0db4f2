//! Tasks that take themselves away: what goes on with the set-up of a machine after it was started anew.

use super::{Index, Known, edge_phase, lateness};
use crate::facts::{Certainty, Clue, ClueKind, Effect, Location, Phase, Reading, Site, Store};
use crate::link::effects;
use std::collections::BTreeSet;

/// Most scripts of a chain that are looked at.
const MAX_CHAIN: usize = 64;

/// Is the task that is started here taken away, by the same name, in what it starts itself? Then it is there once. What
/// registers it anew at each start, or takes it away only to register it again, does not end it.
pub(super) fn is_one_shot(
    readings: &[Reading],
    index: &Index,
    (from, site, clue): (usize, &Site, &Clue),
    starter: Option<&Known>,
    to: usize,
) -> bool {
    let registers_often = starter.is_some_and(|known| lateness(known.phase) > lateness(Phase::FirstBoot));
    if !super::is_task(&clue.key) || registers_often {
        return false;
    }
    let names = registered(&readings[from], site);
    if names.is_empty() {
        return false;
    }
    let chain = reached(readings, index, to);
    names.iter().all(|name| {
        let makes = |e: &&Effect| !e.operation.removes() && is_task(e, name);
        chain.iter().any(|number| {
            let reading = &readings[*number];
            effects(reading).any(|e| takes_away(e, name)) && !effects(reading).any(|e| makes(&e))
        })
    })
}

/// The names of the tasks that a script registers, unless it lets more than one thing be started: of one registration the
/// name and the command may stand in several lines.
fn registered(reading: &Reading, site: &Site) -> BTreeSet<String> {
    let tasks = |clue: &Clue| clue.kind == ClueKind::Starts && edge_phase(&clue.key) == Some(Phase::Run);
    let others = super::super::steps::counted(&reading.facts)
        .any(|fact| fact.as_clue().is_some_and(tasks) && fact.site != *site);
    if others {
        return BTreeSet::new();
    }
    effects(reading)
        .filter(|e| e.store == Store::Task && !e.operation.removes())
        .filter(|e| e.location.text().as_lit().is_some())
        .map(|e| named(&e.location))
        .collect()
}

/// Is the task of that name taken away, whatever holds? What is done under a condition, or by a function that nobody calls, is
/// less certain than that.
pub(super) fn takes_away(effect: &Effect, name: &str) -> bool {
    effect.operation.removes()
        && effect.guard.is_none()
        && effect.certainty == Certainty::Proven
        && effect.location.text().as_lit().is_some()
        && is_task(effect, name)
}

fn is_task(effect: &Effect, name: &str) -> bool {
    effect.store == Store::Task && named(&effect.location) == name
}

/// The name of a task, which may be given with the root of the folders of tasks.
pub(super) fn named(task: &Location) -> String {
    task.key().trim_start_matches('\\').to_owned()
}

/// What an artifact starts, itself included, without what is only there to take the application away.
fn reached(readings: &[Reading], index: &Index, first: usize) -> Vec<usize> {
    let mut chain = vec![first];
    let mut at = 0;
    while let Some(from) = chain.get(at).copied().filter(|_| chain.len() < MAX_CHAIN) {
        at += 1;
        for fact in super::super::steps::counted(&readings[from].facts) {
            let starts = fact.as_clue().filter(|c| c.kind == ClueKind::Starts);
            let kept = starts.filter(|c| edge_phase(&c.key) != Some(Phase::NotShipped));
            if let Some(to) = kept.and_then(|clue| index.started(&readings[from], clue))
                && !chain.contains(&to)
            {
                chain.push(to);
            }
        }
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::super::inherit;
    use crate::facts::{Phase, listing};
    use crate::link::Context;
    use crate::settings::Settings;

    fn of_work(text: &str) -> Phase {
        let mut readings = listing::parse(text).unwrap();
        inherit(&mut readings, &Context { settings: &Settings::default(), app: &Default::default() });
        let effects = readings.iter().filter(|r| r.artifact == "b.ps1").flat_map(|r| &r.facts);
        effects.filter_map(|f| f.as_effect()).map(|e| e.phase).next().unwrap()
    }

    const CHAIN: &str = "artifact a.ps1 format=power-shell\nclue starts key=task-at-start value=b.ps1 at=line:1\n\
         effect register task Deploy at=line:2\n\
         artifact b.ps1 format=power-shell\neffect set-value registry HKLM\\A\n\
         clue starts key=script value=c.ps1 at=line:2\nclue starts key=script value=a.ps1 at=line:3\n\
         artifact c.ps1 format=power-shell\neffect unregister task deploy at=line:1\n";

    #[test]
    fn a_task_that_its_own_scripts_take_away_is_of_the_first_start() {
        assert_eq!(of_work(CHAIN), Phase::FirstBoot);
    }

    #[test]
    fn a_task_that_is_taken_away_under_a_condition_goes_on() {
        assert_eq!(of_work(&CHAIN.replace("deploy at", "deploy certainty=likely at")), Phase::Startup);
    }

    #[test]
    fn another_task_is_not_ended_and_one_that_is_registered_again_goes_on() {
        assert_eq!(of_work(&CHAIN.replace("task deploy ", "task other ")), Phase::Startup);
        assert_eq!(of_work(&CHAIN.replace("c.ps1 at", "d.ps1 at")), Phase::Startup);
        assert_eq!(of_work(&format!("{CHAIN}effect register task Deploy at=line:2\n")), Phase::Startup);
        let often = "artifact S.csdef format=csdef\nclue starts key=startup-task value=a.ps1 at=line:6\n";
        assert_eq!(of_work(&format!("{often}{CHAIN}")), Phase::Startup);
    }
}
