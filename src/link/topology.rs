//! How many instances run: one alone stops with each event, two or more each have their own copy of what is not shared.

use crate::facts::{
    Certainty, ClueKind, Effect, Fact, Location, Operation, Origin, Phase, Reading, Step, Store, Text, Trait,
    is_out_of_service,
};
use std::collections::{HashMap, HashSet};

/// Most levels of folders in whose names a role is looked for.
const MAX_DEPTH: usize = 64;

/// A role that is configured to run more than once.
struct Role {
    name: String,
    step: Step,
}

/// Reports single instances, and marks what each of several instances keeps for itself.
pub(super) fn apply(readings: &mut [Reading], judged: Option<&str>) {
    readings.iter_mut().for_each(|reading| single_instances(reading, judged));
    let mut names = HashSet::new();
    let mut replicated: HashMap<String, Role> = HashMap::new();
    for reading in readings.iter() {
        for fact in super::steps::counted(&reading.facts) {
            let Some(clue) = fact.as_clue().filter(|c| c.kind == ClueKind::Instances) else { continue };
            let Some((name, count)) = count(&clue.key, &clue.value, judged) else { continue };
            names.insert(name.to_lowercase());
            if count > 1 {
                let said = format!("{count} instances of {name} are configured, and each has its own");
                let step = Step::at(said, fact.site.clone()).in_artifact(reading.artifact.clone());
                replicated.entry(name.to_lowercase()).or_insert_with(|| Role { name: name.to_owned(), step });
            }
        }
    }
    if replicated.is_empty() {
        return;
    }
    // With a single role, or when all run more than once, whatever is not in the folder of a role belongs to them too.
    let any = (names.len() == replicated.len()).then(|| replicated.values().min_by_key(|r| r.name.clone())).flatten();
    for reading in readings.iter_mut() {
        let of_folder = role_of(&reading.artifact, |folder| replicated.get(folder));
        let of_other = || role_of(&reading.artifact, |folder| names.get(folder)).is_none().then_some(any).flatten();
        let Some(role) = of_folder.or_else(of_other) else { continue };
        let step = role.step.clone();
        for effect in super::effects_mut(std::slice::from_mut(reading)).filter(|e| diverges(e)) {
            effect.mark(Trait::Replicated);
            effect.evidence.push(step.clone());
        }
    }
}

/// Name and number of instances. None where the number is an expression, and in a developer's own environment, where one
/// instance is all there is, unless that is the one which is judged: of others nothing is left then.
fn count<'a>(key: &'a str, value: &str, judged: Option<&str>) -> Option<(&'a str, u32)> {
    let (name, environment) = key.rsplit_once('@').unwrap_or((key, ""));
    let deployed = judged.is_some() || !is_out_of_service(environment);
    let count = value.trim().parse().ok().filter(|_| deployed)?;
    Some((if name.is_empty() { "the application" } else { name }, count))
}

/// The artifact's folder that is named after a role, the innermost first.
fn role_of<'a, T>(artifact: &str, find: impl Fn(&str) -> Option<&'a T>) -> Option<&'a T> {
    let artifact = artifact.to_lowercase();
    artifact.rsplit('/').skip(1).take(MAX_DEPTH).find_map(find)
}

/// Data of the application. What configures a machine is the same on all of them, and a log of each is expected.
fn diverges(effect: &Effect) -> bool {
    let state = matches!(
        effect.store,
        Store::File
            | Store::Ini
            | Store::Registry
            | Store::Settings
            | Store::IsolatedStorage
            | Store::Database
            | Store::Queue
            | Store::Mail
            | Store::Session
            | Store::Memory
            | Store::Job
            | Store::Key
    );
    let phase = matches!(effect.phase, Phase::Run | Phase::Shutdown);
    let own = !effect.has(Trait::Remote) && !effect.has(Trait::Durable) && !effect.has(Trait::Implied);
    let kept = !matches!(effect.operation, Operation::Read | Operation::Delete | Operation::DeleteValue);
    let constant = matches!(effect.origin, Origin::Constant | Origin::Packaged | Origin::Configuration);
    state && phase && own && kept && !constant
}

/// A count of one, unless the reader said so itself.
fn single_instances(reading: &mut Reading, judged: Option<&str>) {
    let said: HashSet<String> = reading
        .facts
        .iter()
        .filter_map(|f| f.as_effect())
        .filter(|e| e.store == Store::Topology)
        .map(|e| e.location.key())
        .collect();
    let mut added = Vec::new();
    for fact in super::steps::counted(&reading.facts) {
        let Some(clue) = fact.as_clue().filter(|c| c.kind == ClueKind::Instances) else { continue };
        let Some((name, 1)) = count(&clue.key, &clue.value, judged) else { continue };
        let location = Location::named(Text::lit(format!("role://{name}")));
        if said.contains(&location.key()) {
            continue;
        }
        let why = Step::new("one instance: each restart, update or failure stops the service");
        let effect = Effect::new(Operation::Configure, Store::Topology, location, Certainty::Proven, "instances")
            .in_phase(Phase::Run, "configuration is in force while the application runs")
            .because(why);
        added.push(Fact::effect(fact.site.clone(), effect));
    }
    reading.facts.extend(added);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn replicated(text: &str) -> Vec<bool> {
        let mut readings = listing::parse(text).unwrap();
        apply(&mut readings, None);
        let effects = readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect());
        effects.filter(|e| e.store != Store::Topology).map(|e| e.has(Trait::Replicated)).collect()
    }

    const WEB: &str = "artifact WebRole/bin/a.dll\neffect write file {AppDir}\\a phase=run origin=input\n";
    const WORKER: &str = "artifact Worker/b.dll\neffect write file {AppDir}\\b phase=run origin=input\n";

    #[test]
    fn by_the_folder_of_the_role() {
        let counts = "artifact s.cscfg\nclue instances key=WebRole value=3\nclue instances key=Worker value=1\n";
        assert_eq!(replicated(&format!("{WEB}{WORKER}{counts}")), [true, false]);
    }

    #[test]
    fn a_single_deployment_has_all_that_is_there() {
        assert_eq!(replicated(&format!("{WEB}artifact k.yaml\nclue instances key=orders value=2\n")), [true]);
        assert_eq!(replicated(&format!("{WEB}artifact k.yaml\nclue instances key=orders@Local value=2\n")), [false]);
        assert_eq!(replicated(&format!("{WEB}artifact k.yaml\nclue instances key=orders value=-1\n")), [false]);
    }

    #[test]
    fn one_is_reported_once() {
        let mut readings = listing::parse("artifact k.yaml\nclue instances key=orders value=1\n").unwrap();
        apply(&mut readings, None);
        apply(&mut readings, None);
        assert_eq!(readings[0].facts.len(), 2);
    }
}
