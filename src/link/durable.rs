//! Durable mounts and declared places: what outlives the instance, and what may be lost.

use crate::facts::{
    Body, ClueKind, Effect, Fact, Hole, Location, Operation, Part, Phase, Reading, Source, Step, Store, Text, Trait,
};
use crate::settings::Settings;
use std::collections::{BTreeMap, HashMap};

/// Marks effects below durable or disposable places. A drive letter alone never makes a place durable: somebody has
/// to mount it or to declare it.
pub(super) fn mark(readings: &mut [Reading], settings: &Settings) {
    mark_cleaned_resources(readings);
    let mut places: Vec<(Location, Trait, Step)> = Vec::new();
    let ends: Vec<Ends> = readings.iter().map(|reading| unmapped(&reading.facts)).collect();
    for (list, mark, word) in
        [(&settings.durable, Trait::Durable, "durable"), (&settings.disposable, Trait::Recomputable, "disposable")]
    {
        for decision in list {
            let location = parse_place(&decision.path);
            let why = if decision.reason.is_empty() { String::new() } else { format!(": {}", decision.reason) };
            places.push((location, mark, Step::new(format!("{} is declared {word}{why}", decision.path))));
        }
    }
    for reading in readings.iter() {
        for fact in super::steps::counted(&reading.facts) {
            if let Some(drive) = fact.as_effect().and_then(mapped_drive) {
                let said = fact.as_effect().and_then(|e| e.evidence.last()).map_or(String::new(), |s| s.text.clone());
                let step = Step::at(format!("{drive} is mapped to another host: {said}"), fact.site.clone());
                places.push((drive, Trait::Durable, step.in_artifact(reading.artifact.clone())));
            }
            let Some(clue) = fact.as_clue() else { continue };
            let mark = match clue.kind {
                ClueKind::DurableMount => Trait::Durable,
                ClueKind::HostMount => Trait::OnHost,
                ClueKind::LogTransfer => Trait::Shipped,
                _ => continue,
            };
            if let Some(location) = &clue.location {
                let step = Step::at(format!("{location} is covered by {}", clue.key), fact.site.clone());
                places.push((location.clone(), mark, step.in_artifact(reading.artifact.clone())));
            }
        }
    }
    mark_mounted_drives(readings);
    if places.is_empty() {
        return;
    }
    let places = by_place(places);
    for (reading, ends) in readings.iter_mut().zip(ends) {
        for (number, fact) in super::steps::counted_mut(&mut reading.facts).enumerate() {
            let Body::Effect(effect) = &mut fact.body else { continue };
            let mut key = effect.location.key();
            if effect.store == Store::EventLog && !key.contains("://") {
                key.insert_str(0, "event-log://");
            }
            for (mark, step) in super::at_or_above(&key).flat_map(|key| places.get(key)).flatten() {
                let is_off = key.get(..1).and_then(|drive| ends.get(drive)).is_some_and(|end| *end < number);
                if !(effect.has(*mark) || *mark == Trait::Durable && is_off) {
                    effect.mark(*mark);
                    effect.evidence.push(step.clone());
                }
            }
        }
    }
}

/// Drives, by their letters in lower case, and the numbers of the facts from which on they are mapped no more.
type Ends = HashMap<String, usize>;

/// What a script has mapped and taken off again: it says nothing of what the script does behind that.
fn unmapped(facts: &[Fact]) -> Ends {
    let mut ends = Ends::new();
    let mut mapped: Vec<String> = Vec::new();
    for (number, fact) in super::steps::counted(facts).enumerate() {
        let Some(effect) = fact.as_effect().filter(|e| e.store == Store::NetworkMap) else { continue };
        let drive = effect.location.key().trim_end_matches([':', '\\']).to_owned();
        match effect.operation {
            Operation::Mount => {
                ends.remove(&drive);
                mapped.push(drive);
            }
            // `net use * /delete`
            Operation::Unregister if drive == "*" => ends.extend(mapped.drain(..).map(|drive| (drive, number))),
            Operation::Unregister if mapped.contains(&drive) => {
                mapped.retain(|known| *known != drive);
                ends.insert(drive, number);
            }
            _ => {}
        }
    }
    ends
}

/// What a program is given as the root of a drive that it mounted from elsewhere, by the name in the catalogue.
const MOUNTED: &[&str] = &["CloudDrive"];

fn mark_mounted_drives(readings: &mut [Reading]) {
    for effect in super::effects_mut(readings) {
        if let Some(Part::Hole(Hole::From(Source::Output, name))) = effect.location.text().parts().first()
            && MOUNTED.contains(&name.as_str())
        {
            let step = Step::new(format!("{name} mounts a drive that is kept in blob storage"));
            effect.mark(Trait::Durable);
            effect.evidence.push(step);
        }
    }
}

type Places = HashMap<String, Vec<(Trait, Step)>>;

/// What is said first of a place is enough.
fn by_place(places: Vec<(Location, Trait, Step)>) -> Places {
    let mut found = Places::new();
    for (place, mark, step) in places {
        let marks = found.entry(place.key().trim_end_matches('\\').to_owned()).or_default();
        if marks.iter().all(|(known, _)| *known != mark) {
            marks.push((mark, step));
        }
    }
    found
}

/// A drive that is mapped to a share of another host, by whatever command.
fn mapped_drive(effect: &Effect) -> Option<Location> {
    let mapped = effect.operation == Operation::Mount && effect.has(Trait::Remote) && effect.phase != Phase::NotShipped;
    let drive = effect.location.text().as_lit().filter(|_| mapped)?.trim_end_matches([':', '\\']);
    let letter = drive.chars().next().filter(|c| drive.len() == 1 && c.is_ascii_alphabetic())?;
    Some(Location::file(&Text::lit(format!("{letter}:\\"))))
}

/// Local resources that their definition lets the platform empty at every recycle of the role.
fn mark_cleaned_resources(readings: &mut [Reading]) {
    let cleaned: BTreeMap<String, Step> = readings
        .iter()
        .flat_map(|r| super::steps::counted(&r.facts).filter_map(move |f| Some((r, &f.site, f.as_clue()?))))
        .filter(|(_, _, c)| c.kind == ClueKind::LocalResource && c.value == "clean")
        .map(|(reading, site, clue)| {
            let text = format!("the local resource {} is emptied at every recycle of the role", clue.key);
            (clue.key.to_lowercase(), Step::at(text, site.clone()).in_artifact(reading.artifact.clone()))
        })
        .collect();
    if cleaned.is_empty() {
        return;
    }
    for effect in super::effects_mut(readings) {
        if let Some(Part::Hole(Hole::From(Source::LocalResource, name))) = effect.location.text().parts().first()
            && let Some(step) = cleaned.get(&name.to_lowercase())
        {
            effect.mark(Trait::CleanedOnRecycle);
            effect.evidence.push(step.clone());
        }
    }
}

/// A declared path may be a file path or a registry key.
fn parse_place(path: &str) -> Location {
    let text = Text::parse(path);
    match crate::facts::registry::split_root(path) {
        Some(_) => Location::registry(&text),
        None => Location::file(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    #[test]
    fn a_drive_that_is_taken_off_is_mapped_no_more() {
        let mut readings = listing::parse(
            "effect mount network-map Z: traits=remote\neffect create file \"Z:\\a\"\n\
             effect unregister network-map Z: traits=remote\neffect create file \"Z:\\b\"\n\
             effect mount network-map Y: traits=remote\neffect unregister network-map * traits=remote\n\
             effect mount network-map Y: traits=remote\neffect create file \"Y:\\c\"\n",
        )
        .unwrap();
        mark(&mut readings, &Settings::default());
        let files = readings[0].facts.iter().filter_map(|f| f.as_effect()).filter(|e| e.store == Store::File);
        assert_eq!(files.map(|e| e.has(Trait::Durable)).collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn below_a_mount_and_nowhere_else() {
        let mut readings = listing::parse(
            "effect create file \"F:\\data\\x\"\neffect create file \"F:\\database\\x\"\n\
             clue durable-mount key=CloudDrive location=F:\\data\n",
        )
        .unwrap();
        mark(&mut readings, &Settings::default());
        let durable: Vec<bool> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::Durable)).collect();
        assert_eq!(durable, [true, false]);
    }
}
