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
                let who = || (reading.artifact.clone(), effect.via.clone());
                if let Some(place) = looked_at(effect) {
                    wanted.entry(place).or_insert_with(who);
                }
            }
        }
    }
    if wanted.is_empty() {
        return;
    }
    for effect in super::effects_mut(readings).filter(|e| e.phase == Phase::Build && is_in_profile(e)) {
        let key = effect.location.key();
        let (above, name) = key.rsplit_once('\\').unwrap_or_default();
        // The value itself, or some value of its key; the files of a folder by their ending, or all of them.
        let some = match effect.store {
            Store::Registry => above.to_owned(),
            _ => name.rsplit_once('.').map_or(String::new(), |(_, ending)| files(above, ending)),
        };
        let all = || wanted.get(&all_files(above)).filter(|_| effect.store.is_path() && is_own(above));
        if let Some((artifact, via)) = wanted.get(&key).or_else(|| wanted.get(&some)).or_else(all) {
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

/// The location; of a value whose name is not known its key, which is the part above the first hole but the folder that the
/// location begins with; of such a file its folder and its ending. A file of which nothing is known but its folder may be any
/// of a folder that is the application's own; of one that all applications share it is the folder that is looked at.
fn looked_at(effect: &Effect) -> Option<String> {
    let key = effect.location.key();
    if effect.location.extent() == Extent::Full {
        return Some(key);
    }
    let from = if key.starts_with('{') { key.find('}').unwrap_or_default() } else { 0 };
    let known = key.get(from..).and_then(|rest| rest.find('{')).map_or(key.as_str(), |at| &key[..from + at]);
    let above = known.rsplit_once('\\').map_or("", |(above, _)| above);
    if effect.store == Store::Registry {
        return Some(above.to_owned());
    }
    let tail = effect.location.text().trailing_lit().to_lowercase();
    // Behind the hole there may be another folder.
    let is_name = key.get(above.len() + 1..).is_some_and(|rest| !rest.contains('\\'));
    match tail.rsplit_once('.') {
        Some((_, ending)) => is_name.then(|| files(above, ending)),
        None if is_own(above) && effect.operation == Operation::Read => is_name.then(|| all_files(above)),
        None => is_name.then(|| above.to_owned()),
    }
}

/// The files of a folder that end so.
fn files(folder: &str, ending: &str) -> String {
    format!("{folder}\\*.{ending}")
}

/// All the files of a folder.
fn all_files(folder: &str) -> String {
    format!("{folder}\\*")
}

/// Is the folder one below that of the profile, not that itself?
fn is_own(folder: &str) -> bool {
    folder.contains('\\')
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
             effect create file {AppData}\\Desk\\list.dat phase=build\n\
             effect create file {AppData}\\shared.ini phase=build\n\
             effect create file {AppData}\\Drawn\\a.ini phase=build\n\
             effect create file {AppData}\\Read\\a.ini phase=build\n\
             artifact desk.exe\neffect read registry HKCU\\Software\\Desk\\Server phase=run via=x\n\
             effect read registry HKCU\\Software\\Desk\\Lists\\{?} phase=run via=x\n\
             effect read file {AppData}\\Desk\\first.xml phase=run via=y\n\
             effect read file {AppData}\\{?} phase=run via=y\n\
             effect write file {AppData}\\Drawn\\{?} phase=run via=y\n\
             effect read file {AppData}\\Read\\{?} phase=run via=y\n\
             effect read file {AppData}\\Desk\\{?}.dat phase=run via=y\n\
             artifact other.cmd\neffect read registry HKCU\\Console\\QuickEdit via=z\n\
             effect set-value registry HKCU\\Console\\QuickEdit phase=first-boot via=z\n",
        )
        .unwrap();
        super::wanted(&mut readings);
        let marked: Vec<bool> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::ReadBack)).collect();
        assert_eq!(marked, [true, true, false, true, false, true, false, false, true]);
    }
}
