//! What a starter gives to what it starts, and that to what it starts in turn: arguments, variables and the current
//! folder.

mod gifts;

use super::index::Index;
use crate::facts::{
    Body, Certainty, Clue, ClueKind, Effect, Extent, Fact, Folder, Hole, Location, NoteKind, Part, Reading, Source,
    Step, Store, Text, join_paths,
};
use gifts::{Gifts, MAX_CALLS};
use std::collections::HashMap;

/// Puts what is given into the locations of what is started, and of nothing else. Where starters give different things,
/// each makes alternatives of its own.
pub(super) fn hand_down(readings: &mut [Reading]) {
    let index = Index::new(readings);
    let received = gifts::received(readings, &index);
    for (reading, received) in readings.iter_mut().zip(&received).filter(|(_, received)| !received.calls.is_empty()) {
        let defaults = defaults(reading);
        let facts = std::mem::take(&mut reading.facts);
        let calls: Vec<Vec<Fact>> =
            received.calls.iter().map(|gifts| with_gifts(facts.clone(), gifts, &defaults)).collect();
        reading.facts = alternatives(&facts, &calls);
        if received.is_more {
            let said =
                format!("started in more than {MAX_CALLS} different ways: what differs between them is left open");
            reading.note(NoteKind::Capped, said);
        }
    }
}

/// What a script is told when nobody gives it, by the parameter.
type Defaults = HashMap<String, Text>;

fn defaults(reading: &Reading) -> Defaults {
    let takes = super::steps::counted(&reading.facts).filter_map(|fact| {
        let clue = fact.as_clue().filter(|clue| clue.kind == ClueKind::Takes)?;
        Some((clue.value.to_lowercase(), clue.location.as_ref()?.text().clone()))
    });
    takes.collect()
}

/// The facts as each of the calls makes them, without doubles.
fn alternatives(facts: &[Fact], calls: &[Vec<Fact>]) -> Vec<Fact> {
    let mut all = Vec::with_capacity(facts.len());
    for (number, fact) in facts.iter().enumerate() {
        let first = all.len();
        // One that nobody fills says less than one that somebody does; a default is as good as what is given.
        let is_filled = |made: &&Fact| fact.open.is_some() || place_of(made) != place_of(fact);
        let made = || calls.iter().filter_map(|call| call.get(number));
        let filled = made().any(|made| is_filled(&made));
        for made in made().filter(|made| !filled || is_filled(made)) {
            if !all[first..].iter().any(|known: &Fact| place_of(known) == place_of(made)) {
                all.push(made.clone());
            }
        }
    }
    all
}

fn place_of(fact: &Fact) -> (Option<&Location>, &str) {
    match &fact.body {
        Body::Effect(effect) => (Some(&effect.location), ""),
        Body::Clue(clue) => (clue.location.as_ref(), &clue.value),
    }
}

/// The facts of one call.
fn with_gifts(mut facts: Vec<Fact>, gifts: &Gifts, defaults: &Defaults) -> Vec<Fact> {
    // Guards name effects by what they do to what, which changes with the location.
    let mut renamed: HashMap<String, String> = HashMap::new();
    for fact in super::steps::counted_mut(&mut facts) {
        let instead = fact.open.as_ref().and_then(|open| instead_of_default(open, gifts, defaults));
        match &mut fact.body {
            Body::Effect(effect) => {
                let before = effect.headline();
                let changed = match instead {
                    Some(instead) => replace(effect, instead),
                    None => place(effect, gifts),
                };
                if changed {
                    renamed.insert(before, effect.headline());
                }
            }
            Body::Clue(clue) => match (clue.kind, instead) {
                (ClueKind::Starts | ClueKind::Guard | ClueKind::GrantsAccess, Some(instead)) => {
                    clue.location = Some(instead.place.unwrap_or_else(Location::unknown));
                }
                _ => lead_on(clue, gifts),
            },
        }
    }
    if renamed.is_empty() {
        return facts;
    }
    for fact in super::steps::counted_mut(&mut facts) {
        if let Body::Clue(clue) = &mut fact.body
            && clue.kind == ClueKind::Guard
            && let Some(name) = renamed.get(&clue.value)
        {
            clue.value.clone_from(name);
        }
    }
    facts
}

/// A place that a default decides, with what is given instead.
struct Instead {
    /// None where it depends on the parameter in a way that was not followed.
    place: Option<Location>,
    steps: Vec<Step>,
}

/// None when no parameter is given that the place rests on.
fn instead_of_default(open: &Location, gifts: &Gifts, defaults: &Defaults) -> Option<Instead> {
    if open.text().is_unknown() {
        let is_given = |(name, _): &(&String, &Text)| gifts.contains_key(&format!("arg/{name}"));
        let (name, _) = defaults.iter().find(is_given)?;
        let step =
            Step::new(format!("it depends on the parameter {name}, which is given, in a way that was not followed"));
        return Some(Instead { place: None, steps: vec![step] });
    }
    let (text, steps) = filled(open.text(), gifts, defaults)?;
    let place = match crate::facts::registry::split_root(text.leading_lit()) {
        Some(_) => Location::registry(&text),
        None => Location::file(&text),
    };
    Some(Instead { place: Some(place), steps })
}

/// A text with what is given, or else the default, in the place of each parameter; nothing when none is given.
fn filled(open: &Text, gifts: &Gifts, defaults: &Defaults) -> Option<(Text, Vec<Step>)> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_given = false;
    let mut text = Text::new();
    for part in open.parts() {
        let Part::Hole(Hole::From(Source::Arg, name)) = part else {
            text.push(part.clone());
            continue;
        };
        let name = name.to_lowercase();
        let value = match gifts.get(&format!("arg/{name}")) {
            Some(gift) => {
                is_given = true;
                steps.extend(gift.iter().flat_map(|gift| gift.steps.iter().cloned()));
                gift.as_ref().map(|gift| gift.value.clone())
            }
            None => defaults.get(&name).cloned(),
        };
        let value = value.unwrap_or_else(|| Text::hole(Hole::From(Source::Arg, name)));
        // A whole path that is given takes no folder before it.
        if text.trailing_lit().ends_with('\\') && !Location::file(&value).is_relative() {
            text = Text::new();
        }
        text.push_text(&value);
    }
    is_given.then_some((text, steps))
}

/// Puts what is given in the place of a default.
fn replace(effect: &mut Effect, instead: Instead) -> bool {
    effect.evidence.extend(instead.steps);
    let Some(place) = instead.place else {
        effect.certainty = Certainty::Possible;
        return false;
    };
    effect.certainty = effect.certainty.min(by_extent(&place));
    effect.location = place;
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
    use crate::facts::{Certainty, listing};

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
    fn starters_that_differ_make_alternatives() {
        let text = format!(
            "{TASK}clue starts key=startup-task value=s.cmd at=line:5\n\
             clue given key=env/Home value=D:\\X location=D:\\X at=line:5\n\
             artifact s.cmd\neffect create file {{env:HOME}}\\a.log\n"
        );
        assert_eq!(locations(&text), ["C:\\NR\\a.log", "D:\\X\\a.log"]);
    }

    #[test]
    fn too_many_ways_to_start_it_leave_open_what_differs() {
        let text: String = (1..=6)
            .map(|n| {
                format!(
                    "artifact a{n}.cmd\nclue starts key=call value=b.cmd at=line:{n}\n\
                     clue given key=arg/1 value=C:\\D{n} location=C:\\D{n} at=line:{n}\n\
                     clue given key=arg/2 value=x location=x at=line:{n}\n"
                )
            })
            .collect();
        let text = format!("{text}artifact b.cmd\neffect create file {{arg:1}}\\{{arg:2}}.txt\n");
        assert_eq!(locations(&text), ["{arg:1}\\x.txt"]);
        let mut readings = listing::parse(&text).unwrap();
        super::hand_down(&mut readings);
        assert_eq!(readings[6].notes.len(), 1);
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
    fn what_is_given_takes_the_place_of_the_default() {
        let text = "artifact a.cmd\nclue starts key=powershell value=b.ps1 at=line:1\n\
                    clue given key=arg/folder value=D:\\Data location=D:\\Data at=line:1\n\
                    artifact b.ps1\nclue takes key=1 value=Folder location=C:\\Data at=line:1;column:7\n\
                    clue takes key=2 value=Name location=a at=line:1;column:20\n\
                    effect create file C:\\Data\\a.txt open={arg:Folder}\\{arg:Name}.txt at=line:2\n\
                    effect create file {Cwd}\\logs\\a.txt open={Cwd}\\{arg:Folder}\\a.txt at=line:3\n\
                    effect create file C:\\Data\\b.txt at=line:4\n\
                    clue starts key=script value=c.ps1 at=line:5\n\
                    clue given key=arg/p value=C:\\Data location=C:\\Data open={arg:Folder} at=line:5\n\
                    artifact c.ps1\nclue takes key=1 value=P\neffect create file {arg:P}\\c.txt\n";
        assert_eq!(locations(text), ["D:\\Data\\a.txt", "D:\\Data\\a.txt", "C:\\Data\\b.txt", "D:\\Data\\c.txt"]);
        let nobody = text.replace("key=powershell value=b.ps1", "key=powershell value=z.ps1");
        assert_eq!(locations(&nobody)[0], "C:\\Data\\a.txt");
    }

    #[test]
    fn a_default_that_was_not_followed_is_in_doubt_when_something_else_is_given() {
        let text = "artifact a.cmd\nclue starts key=powershell value=b.ps1 at=line:1\n\
                    clue given key=arg/folder value=D:\\Data location=D:\\Data at=line:1\n\
                    artifact b.ps1\nclue takes key=1 value=Folder location=C:\\Data\n\
                    effect create file C:\\Data\\a.txt open={?}\n";
        let mut readings = listing::parse(text).unwrap();
        super::hand_down(&mut readings);
        assert_eq!(readings[1].facts[1].as_effect().unwrap().certainty, Certainty::Possible);
    }

    #[test]
    fn an_argument_that_another_starter_leaves_out_is_told_by_the_one_that_gives_it() {
        let text = "artifact a.cmd\nclue starts key=call value=b.cmd at=line:1\n\
                    clue given key=arg/1 value=C:\\Data location=C:\\Data at=line:1\n\
                    clue starts key=call value=b.cmd at=line:9\n\
                    artifact b.cmd\neffect create file {arg:1}\\b.txt\n";
        assert_eq!(locations(text), ["C:\\Data\\b.txt"]);
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
