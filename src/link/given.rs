//! What a starter gives to what it starts, and that to what it starts in turn: arguments, variables and the current
//! folder.

mod gifts;

use super::phases::Index;
use crate::facts::{
    Body, Certainty, Clue, ClueKind, Effect, Extent, Folder, Hole, Location, Part, Reading, Step, Store,
};
use crate::facts::{Site, Source, Text, join_paths};
use gifts::Gifts;
use std::collections::HashMap;

/// Puts what is given into the locations of what is started, and of nothing else.
pub(super) fn hand_down(readings: &mut [Reading]) {
    let index = Index::new(readings);
    let received = gifts::received(readings, &index);
    for (reading, gifts) in readings.iter_mut().zip(&received).filter(|(_, gifts)| !gifts.is_empty()) {
        let defaults = defaults(reading);
        // Guards name effects by what they do to what, which changes with the location.
        let mut renamed: HashMap<String, String> = HashMap::new();
        for fact in super::steps::counted_mut(&mut reading.facts) {
            match &mut fact.body {
                Body::Effect(effect) => {
                    let before = effect.headline();
                    let replaced = defaults.iter().any(|default| replace(effect, default, gifts));
                    if place(effect, gifts) || replaced {
                        renamed.insert(before, effect.headline());
                    }
                }
                Body::Clue(clue) => lead_on(clue, gifts),
            }
        }
        if renamed.is_empty() {
            continue;
        }
        for fact in super::steps::counted_mut(&mut reading.facts) {
            if let Body::Clue(clue) = &mut fact.body
                && clue.kind == ClueKind::Guard
                && let Some(name) = renamed.get(&clue.value)
            {
                clue.value.clone_from(name);
            }
        }
    }
}

/// A parameter of a script that has a value when nobody gives it one.
struct Parameter {
    /// `arg/NAME`
    key: String,
    site: Site,
    value: Location,
}

fn defaults(reading: &Reading) -> Vec<Parameter> {
    let takes = super::steps::counted(&reading.facts).filter_map(|fact| {
        let clue = fact.as_clue().filter(|clue| clue.kind == ClueKind::Takes)?;
        let value = Location::file(clue.location.as_ref()?.text());
        Some(Parameter { key: format!("arg/{}", clue.value.to_lowercase()), site: fact.site.clone(), value })
    });
    takes.collect()
}

/// Puts what is given in the place of the default that a location begins with, as its evidence says.
fn replace(effect: &mut Effect, default: &Parameter, gifts: &Gifts) -> bool {
    let Some(Some(gift)) = gifts.get(&default.key) else { return false };
    if !effect.store.is_path() || !effect.evidence.iter().any(|step| step.site.as_ref() == Some(&default.site)) {
        return false;
    }
    let (whole, start) = (effect.location.to_string(), default.value.to_string());
    let Some(below) = whole.strip_prefix(&start).filter(|rest| rest.is_empty() || rest.starts_with('\\')) else {
        return false;
    };
    effect.location = Location::file(&gift.value.clone().concat(&Text::parse(below)));
    effect.evidence.extend(gift.steps.iter().cloned());
    true
}

/// Puts what is given into the location of an effect; was there anything to put?
fn place(effect: &mut Effect, gifts: &Gifts) -> bool {
    if !(effect.store.is_path() || effect.store == Store::Registry) {
        return false;
    }
    let Some((text, steps)) = placed(effect.location.text(), gifts) else { return false };
    let was = by_extent(&effect.location);
    effect.location = if effect.store == Store::Registry { Location::registry(&text) } else { Location::file(&text) };
    // What was in doubt only because of the name is not in doubt when the name is known.
    if effect.certainty <= was {
        effect.certainty = effect.certainty.max(by_extent(&effect.location));
    }
    effect.evidence.extend(steps);
    true
}

fn by_extent(location: &Location) -> Certainty {
    match location.extent() {
        Extent::Full => Certainty::Proven,
        Extent::Partial => Certainty::Likely,
        Extent::None => Certainty::Possible,
    }
}

/// What is started by a name that was given, and a marker in a place that was given.
fn lead_on(clue: &mut Clue, gifts: &Gifts) {
    let Some(location) = &clue.location else { return };
    let filled = match clue.kind {
        // What is started is looked for beside the starter, wherever that is.
        ClueKind::Starts => fill(location.text(), gifts),
        ClueKind::Guard | ClueKind::GrantsAccess => placed(location.text(), gifts),
        _ => None,
    };
    if let Some((text, _)) = filled {
        clue.location = Some(Location::file(&text));
    }
}

/// A path with what is given in the place of its holes, below the current folder that is given.
fn placed(text: &Text, gifts: &Gifts) -> Option<(Text, Vec<Step>)> {
    let filled = fill(text, gifts);
    let known = filled.as_ref().map_or(text, |(text, _)| text);
    if let [Part::Hole(Hole::Folder(Folder::Cwd)), below @ ..] = known.parts()
        && let Some(Some(folder)) = gifts.get("cwd")
    {
        let below = Text::from_parts(below.iter().cloned());
        let path = if below.is_empty() { folder.value.clone() } else { join_paths(&folder.value, &below) };
        let steps = filled.map(|(_, steps)| steps).unwrap_or_default().into_iter().chain(folder.steps.iter().cloned());
        return Some((path, steps.collect()));
    }
    filled
}

/// A text with what is given in the place of its holes, and where that is said; nothing without such holes.
fn fill(text: &Text, gifts: &Gifts) -> Option<(Text, Vec<Step>)> {
    let mut steps = Vec::new();
    let mut take = |name: &str| {
        let gift = gifts.get(name)?.as_ref()?;
        steps.extend(gift.steps.iter().cloned());
        Some(gift.value.clone())
    };
    let filled = text.map_holes(|hole| match hole {
        Hole::From(Source::Env, name) => take(&format!("env/{}", name.to_lowercase())),
        Hole::From(Source::Arg, name) => take(&format!("arg/{}", name.to_lowercase())),
        _ => None,
    });
    (!steps.is_empty()).then_some((filled, steps))
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

    #[test]
    fn an_argument_goes_one_step_and_is_handed_on_by_name() {
        let text = "artifact a.cmd\nclue starts key=call value=b.cmd at=line:1\n\
                    clue given key=arg/1 value=C:\\Data location=C:\\Data at=line:1\n\
                    artifact b.cmd\neffect create file {arg:1}\\b.txt\nclue starts key=call value=c.cmd at=line:2\n\
                    clue given key=arg/2 value={arg:1}\\sub location={arg:1}\\sub at=line:2\n\
                    artifact c.cmd\neffect create file {arg:2}\\c.txt\neffect create file {arg:1}\\d.txt\n";
        assert_eq!(locations(text), ["C:\\Data\\b.txt", "C:\\Data\\sub\\c.txt", "{arg:1}\\d.txt"]);
    }

    #[test]
    fn parameters_are_bound_by_position_and_by_name() {
        let text = "artifact a.cmd\nclue starts key=powershell value=b.ps1 at=line:1\n\
                    clue given key=arg/1 value=C:\\Data location=C:\\Data at=line:1\n\
                    clue given key=arg/nam value=x location=x at=line:1\n\
                    artifact b.ps1\nclue takes key=1 value=Name\nclue takes key=2 value=Folder\n\
                    effect create file {arg:Folder}\\{arg:Name}.txt\n";
        assert_eq!(locations(text), ["C:\\Data\\x.txt"]);
    }

    #[test]
    fn what_is_given_replaces_the_default_that_the_evidence_names() {
        let text = "artifact a.cmd\nclue starts key=powershell value=b.ps1 at=line:1\n\
                    clue given key=arg/folder value=D:\\Data location=D:\\Data at=line:1\n\
                    artifact b.ps1\nclue takes key=1 value=Folder location=C:\\Data at=line:1;column:7\n\
                    effect create file C:\\Data\\a.txt at=line:2\n  step \"param($Folder = 'C:\\Data')\" at=line:1;column:7\n\
                    effect create file C:\\Data\\b.txt at=line:3\n";
        assert_eq!(locations(text), ["D:\\Data\\a.txt", "C:\\Data\\b.txt"]);
    }

    #[test]
    fn an_argument_that_another_starter_leaves_out_is_not_known() {
        let text = "artifact a.cmd\nclue starts key=call value=b.cmd at=line:1\n\
                    clue given key=arg/1 value=C:\\Data location=C:\\Data at=line:1\n\
                    clue starts key=call value=b.cmd at=line:9\n\
                    artifact b.cmd\neffect create file {arg:1}\\b.txt\n";
        assert_eq!(locations(text), ["{arg:1}\\b.txt"]);
    }

    #[test]
    fn all_arguments_are_handed_on() {
        let text = "artifact a.cmd\nclue starts key=call value=b.cmd at=line:1\n\
                    clue given key=arg/1 value=C:\\Data location=C:\\Data at=line:1\n\
                    artifact b.cmd\nclue starts key=call value=c.cmd at=line:1\n\
                    clue given key=arg/* value={arg:*} location={arg:*} at=line:1\n\
                    artifact c.cmd\neffect create file {arg:1}\\c.txt\n";
        assert_eq!(locations(text), ["C:\\Data\\c.txt"]);
    }

    #[test]
    fn a_guard_names_what_it_guards_also_with_what_is_given() {
        let mut readings = listing::parse(
            "artifact a.cmd\nclue starts key=call value=b.cmd at=line:1\n\
             clue given key=arg/1 value=C:\\Data location=C:\\Data at=line:1\n\
             artifact b.cmd\neffect create file {arg:1}\\b.txt\n\
             clue guard key=\"if exist\" value=\"create file {arg:1}\\b.txt\" location={arg:1}\\done\n",
        )
        .unwrap();
        super::hand_down(&mut readings);
        let clue = readings[1].facts[1].as_clue().unwrap();
        assert_eq!(clue.value, "create file C:\\Data\\b.txt");
        assert_eq!(clue.location.as_ref().unwrap().to_string(), "C:\\Data\\done");
    }
}
