//! What is put into a profile while the image is built, and looked for in the profile of whoever runs.

use crate::facts::{Effect, Extent, Operation, Phase, Place, Reading, Step, Store, Trait};
use std::collections::HashMap;

/// Marks what the build leaves in its own profile when something that runs later looks for it in its own. What nobody
/// looks for are preferences of the one who builds.
pub(super) fn wanted(readings: &mut [Reading]) {
    let mut wanted: HashMap<String, (String, String)> = HashMap::new();
    for reading in readings.iter() {
        for effect in super::steps::counted(&reading.facts).filter_map(|f| f.as_effect()) {
            if looks(effect) && is_in_profile(effect) {
                let who = (reading.artifact.clone(), effect.via.clone());
                wanted.entry(looked_at(effect)).or_insert(who);
            }
        }
    }
    if wanted.is_empty() {
        return;
    }
    for effect in super::effects_mut(readings).filter(|e| e.phase == Phase::Build && is_in_profile(e)) {
        let key = effect.location.key();
        // The value itself, or some value of its key.
        let above = key.rsplit_once('\\').map_or("", |(above, _)| above);
        if let Some((artifact, via)) = wanted.get(&key).or_else(|| wanted.get(above)) {
            effect.mark(Trait::ReadBack);
            effect.evidence.push(Step::new(format!("looked for by {via}")).in_artifact(artifact.clone()));
        }
    }
}

/// A program that keeps something there looks for it, too; a script that sets it at a start does not.
fn looks(effect: &Effect) -> bool {
    match effect.phase {
        Phase::Run | Phase::Shutdown => true,
        Phase::FirstBoot | Phase::Startup => effect.operation == Operation::Read,
        Phase::Build | Phase::NotShipped | Phase::Unknown => false,
    }
}

fn is_in_profile(effect: &Effect) -> bool {
    match effect.store {
        Store::Registry => effect.location.registry_place() == Place::Hkcu,
        store => store.is_path() && effect.location.file_place() == Place::UserProfile,
    }
}

/// The location, or the part above its first hole but the folder that it begins with.
fn looked_at(effect: &Effect) -> String {
    let key = effect.location.key();
    if effect.location.extent() == Extent::Full {
        return key;
    }
    let from = if key.starts_with('{') { key.find('}').unwrap_or_default() } else { 0 };
    let known = key.get(from..).and_then(|rest| rest.find('{')).map_or(key.as_str(), |at| &key[..from + at]);
    known.rsplit_once('\\').map_or("", |(above, _)| above).to_owned()
}

#[cfg(test)]
mod tests {
    use crate::facts::{Trait, listing};

    #[test]
    fn what_a_program_looks_for_and_what_nobody_does() {
        let mut readings = listing::parse(
            "artifact setup.iss\neffect set-value registry HKCU\\Software\\Desk\\Server phase=build\n\
             effect set-value registry HKCU\\Software\\Desk\\Lists\\a phase=build\n\
             effect set-value registry HKCU\\Console\\QuickEdit phase=build\n\
             effect create file {AppData}\\Desk\\first.xml phase=build\n\
             effect create file {AppData}\\Desk\\read.me phase=build\n\
             artifact desk.exe\neffect read registry HKCU\\Software\\Desk\\Server phase=run via=x\n\
             effect read registry HKCU\\Software\\Desk\\Lists\\{?} phase=run via=x\n\
             effect read file {AppData}\\Desk\\first.xml phase=run via=y\n\
             artifact other.cmd\neffect read registry HKCU\\Console\\QuickEdit via=z\n\
             effect set-value registry HKCU\\Console\\QuickEdit phase=first-boot via=z\n",
        )
        .unwrap();
        super::wanted(&mut readings);
        let marked: Vec<bool> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::ReadBack)).collect();
        assert_eq!(marked, [true, true, false, true, false]);
    }
}
