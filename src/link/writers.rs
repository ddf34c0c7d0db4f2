//! All writers and readers of one location: baked and written, written only or read back.

use crate::facts::{Effect, Extent, Operation, Origin, Phase, Reading, Step, Store, Trait};
use std::collections::HashMap;

/// What the application as a whole does at one location.
#[derive(Default)]
struct Uses {
    /// Who reads it: artifact and API of the first reader.
    reader: Option<(String, String)>,
    /// Who bakes it into the image.
    baker: Option<(String, String)>,
    /// By which words that is done, if the value stands in them.
    baked: Option<String>,
    at_run: bool,
    at_shutdown: bool,
    /// Who puts a copy there whenever it is missing.
    seeder: Option<(String, String)>,
}

/// Marks effects whose location is also read, also baked, or only written at shutdown.
pub(super) fn compare(readings: &mut [Reading]) {
    let mut uses: Vec<Uses> = Vec::new();
    let mut by_key: HashMap<String, usize> = HashMap::new();
    // The place of each effect that is compared, in their order.
    let mut places: Vec<Option<usize>> = Vec::new();
    // Copies that are only the beginning, of all that are compared, in their order.
    let mut seeds: Vec<bool> = Vec::new();
    for reading in readings.iter() {
        let seeded = super::markers::seeds(reading);
        for effect in super::steps::counted(&reading.facts).filter_map(|f| f.as_effect()) {
            let place = join_key(effect).map(|key| *by_key.entry(key).or_insert(uses.len()));
            if place == Some(uses.len()) {
                uses.push(Uses::default());
            }
            let is_copy = effect.operation == Operation::Copy && !seeded.is_empty();
            let is_seed = is_copy && seeded.contains(&effect.location.key());
            if let Some(found) = place.and_then(|place| uses.get_mut(place)) {
                match is_seed && effect.phase != Phase::Build {
                    true => found.seeder = Some((reading.artifact.clone(), effect.via.clone())),
                    false => note(found, effect, &reading.artifact),
                }
            }
            seeds.push(is_seed);
            places.push(place);
        }
    }
    for ((effect, place), is_seed) in super::effects_mut(readings).zip(places).zip(seeds) {
        let Some(found) = place.and_then(|place| uses.get(place)) else { continue };
        // Who goes on with a copy is told; the copy alone is made again.
        match is_seed && found.at_run {
            true => effect.mark(Trait::Implied),
            false => mark(effect, found),
        }
    }
}

fn note(uses: &mut Uses, effect: &Effect, artifact: &str) {
    let who = || Some((artifact.to_owned(), effect.via.clone()));
    match (effect.operation, effect.phase) {
        (Operation::Read, _) if uses.reader.is_none() => uses.reader = who(),
        (Operation::Read | Operation::Delete | Operation::DeleteValue, _) => {}
        (_, Phase::Build) if uses.baker.is_none() => {
            uses.baker = who();
            uses.baked = constant(effect);
        }
        (_, Phase::Build | Phase::NotShipped) => {}
        (_, Phase::Shutdown) => uses.at_shutdown = true,
        _ => uses.at_run = true,
    }
}

/// The words that write a value which stands in them.
fn constant(effect: &Effect) -> Option<String> {
    let words = effect.evidence.iter().rev().find(|step| step.artifact.is_none())?;
    (effect.origin == Origin::Constant).then(|| words.text.to_lowercase())
}

fn mark(effect: &mut Effect, uses: &Uses) {
    let runs = !matches!(effect.phase, Phase::Build | Phase::NotShipped | Phase::Startup | Phase::FirstBoot);
    if effect.operation == Operation::Read || !runs {
        return;
    }
    if let (Some((artifact, via)), false) = (&uses.reader, effect.has(Trait::ReadBack)) {
        effect.mark(Trait::ReadBack);
        effect.evidence.push(Step::new(format!("read back by {via}")).in_artifact(artifact.clone()));
    }
    let is_same = uses.baked.is_some() && uses.baked == constant(effect);
    if let (Some((artifact, _)), true) = (&uses.baker, is_same) {
        effect.mark(Trait::Unchanged);
        effect.evidence.push(Step::new("the image holds the same value already").in_artifact(artifact.clone()));
    } else if let (Some((artifact, via)), false) = (&uses.baker, effect.has(Trait::Baked)) {
        effect.mark(Trait::Baked);
        effect.evidence.push(Step::new(format!("also written into the image by {via}")).in_artifact(artifact.clone()));
    }
    if let (Some((artifact, via)), false) = (&uses.seeder, effect.has(Trait::Baked)) {
        effect.mark(Trait::Baked);
        let said = format!("{via} puts the shipped one there wherever it is missing: each machine begins with that");
        effect.evidence.push(Step::new(said).in_artifact(artifact.clone()));
    }
    // That a program stops is said when it does.
    let is_log = matches!(effect.store, Store::Log | Store::Trace | Store::EventLog);
    if uses.at_shutdown && !uses.at_run && uses.baker.is_none() && !is_log {
        effect.mark(Trait::OnlyAtShutdown);
    }
}

/// Only locations that are known in full are compared: two unknown files are not the same file.
fn join_key(effect: &Effect) -> Option<String> {
    let comparable = !matches!(effect.store, Store::Directory | Store::Acl) && effect.location.extent() == Extent::Full;
    // The registry and INI files are compared by value.
    comparable.then(|| on_drive(effect.location.key()))
}

/// Images of Windows for servers and containers have it on `C:`, and so has whoever writes that letter into a program.
pub(super) fn on_drive(key: String) -> String {
    match key.strip_prefix("{systemdrive}\\") {
        Some(rest) => format!("c:\\{rest}"),
        None => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn traits(text: &str) -> Vec<Vec<Trait>> {
        let mut readings = listing::parse(text).unwrap();
        compare(&mut readings);
        readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect()).map(|e| e.traits.clone()).collect()
    }

    #[test]
    fn baked_and_written_is_marked_on_the_run_time_writer() {
        let t = traits(
            "artifact a.reg\neffect set-value registry HKLM\\Software\\C\\Seq phase=build via=reg\n\
             artifact a.exe\neffect set-value registry HKLM\\SOFTWARE\\C\\seq phase=run via=x\n",
        );
        assert_eq!(t, [vec![], vec![Trait::Baked]]);
    }

    #[test]
    fn a_copy_where_there_is_none_is_the_beginning_of_what_is_written_then() {
        let seed = "artifact start.cmd\neffect copy database C:\\D\\d.db phase=startup origin=packaged via=copy\n";
        let guard = "clue guard key=\"if exist\" value=\"copy database C:\\\\D\\\\d.db\" location=C:\\D\\d.db\n";
        let writer = "artifact a.exe\neffect write database C:\\D\\d.db phase=run via=x\n";
        let guard = guard.replace("\\\\", "\\");
        assert_eq!(traits(&format!("{seed}{guard}{writer}")), [vec![Trait::Implied], vec![Trait::Baked]]);
        assert_eq!(traits(&format!("{seed}{guard}")), [vec![]]);
        assert_eq!(traits(&format!("{seed}{writer}")), [vec![], vec![]]);
    }

    #[test]
    fn the_same_value_again_changes_nothing() {
        let write = |phase: &str, value: &str| {
            format!(
                "artifact {phase}.cmd\neffect set-value registry HKLM\\Software\\C\\Mode phase={phase} origin=constant via=reg\n  \
                 step \"reg add HKLM\\Software\\C /v Mode /d {value}\"\n"
            )
        };
        let of = |baked: &str, written: &str| traits(&format!("{}{}", write("build", baked), write("run", written)));
        assert_eq!(of("on", "on"), [vec![], vec![Trait::Unchanged]]);
        assert_eq!(of("off", "on"), [vec![], vec![Trait::Baked]]);
    }

    #[test]
    fn the_drive_of_the_system_is_the_one_that_programs_name() {
        let t = traits(
            "artifact a.iss\neffect set-value ini {SystemDrive}\\D\\d.ini\\S\\K phase=build via=[INI]\n\
             artifact a.exe\neffect set-value ini C:\\D\\d.ini\\S\\K phase=run via=x\n",
        );
        assert_eq!(t, [vec![], vec![Trait::Baked]]);
    }

    #[test]
    fn read_back_tells_state_from_logs() {
        let t = traits("effect create file {AppDir}\\s.dat phase=run\neffect read file {AppDir}\\s.dat\n");
        assert_eq!(t[0], [Trait::ReadBack]);
        assert_eq!(traits("effect create file {?}\\s.dat phase=run\neffect read file {?}\\s.dat\n")[0], []);
    }

    #[test]
    fn only_at_shutdown() {
        assert_eq!(traits("effect create file {AppDir}\\s.dat phase=shutdown\n")[0], [Trait::OnlyAtShutdown]);
        assert_eq!(traits("effect append event-log event-log://Desk phase=shutdown\n")[0], []);
        let both = "effect create file {AppDir}\\s phase=shutdown\neffect write file {AppDir}\\s phase=run\n";
        assert_eq!(traits(both)[0], []);
    }
}
