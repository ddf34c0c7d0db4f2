//! Keys and what they encrypt: ciphertext that outlives its key cannot be read by the next instance.

use super::nearest::Nearest;
use crate::facts::{Body, ClueKind, Effect, Location, Operation, Reading, Site, Step, Store, Trait};
use std::collections::HashMap;

/// How locations of the machine key of ASP.NET begin.
const MACHINE_KEY: &str = "machine-key://";

/// Marks ciphertext whose key is lost while the ciphertext is not, and ciphertext whose key every instance has.
pub(super) fn part(readings: &mut [Reading]) {
    readings.iter_mut().for_each(kept_elsewhere);
    machine_keys(readings);
}

/// What one method encrypts with a key of this machine and writes to a share, a mounted volume or another host.
fn kept_elsewhere(reading: &mut Reading) {
    let mut durable: HashMap<String, (Location, Site)> = HashMap::new();
    for fact in super::steps::counted(&reading.facts) {
        let Some(effect) = fact.as_effect().filter(|e| outlives(e)) else { continue };
        if let Some(code) = code_of(&fact.site) {
            durable.entry(code.to_owned()).or_insert_with(|| (effect.location.clone(), fact.site.clone()));
        }
    }
    for fact in super::steps::counted_mut(&mut reading.facts) {
        let Body::Effect(effect) = &mut fact.body else { continue };
        if effect.store != Store::Ciphertext || effect.operation != Operation::Protect {
            continue;
        }
        if let Some((location, site)) = code_of(&fact.site).and_then(|code| durable.get(code)) {
            effect.mark(Trait::KeyApart);
            effect.evidence.push(Step::at(format!("written to {location}, which outlives the key"), site.clone()));
        }
    }
}

fn code_of(site: &Site) -> Option<&str> {
    site.method.as_deref().or(site.symbol.as_deref())
}

fn outlives(effect: &Effect) -> bool {
    let writes = matches!(
        effect.operation,
        Operation::Create | Operation::Write | Operation::Append | Operation::Copy | Operation::SetValue
    );
    let far = effect.has(Trait::Remote)
        || effect.has(Trait::Durable)
        || effect.location.file_place() == crate::facts::Place::UncShare;
    writes && effect.store.is_path() && far
}

/// `MachineKey.Protect` uses the keys of the configuration: generated on each machine, or given and the same on all.
fn machine_keys(readings: &mut [Reading]) {
    let mut nearest = Nearest::default();
    let mut configured: Vec<(bool, Step)> = Vec::new();
    for reading in readings.iter() {
        let Some((given, step)) = machine_key(reading) else { continue };
        nearest.insert(&reading.artifact, configured.len(), |_| true);
        configured.push((given, step.in_artifact(reading.artifact.clone())));
    }
    if configured.is_empty() {
        return;
    }
    for reading in readings.iter_mut() {
        let Some((given, step)) = nearest.find(&reading.artifact, |_, _| true).and_then(|n| configured.get(n)) else {
            continue;
        };
        for effect in super::effects_mut(std::slice::from_mut(reading)) {
            let protects = effect.store == Store::Ciphertext && effect.operation == Operation::Protect;
            if protects && effect.location.text().leading_lit().starts_with(MACHINE_KEY) {
                effect.mark(if *given { Trait::Durable } else { Trait::KeyApart });
                effect.evidence.push(step.clone());
            }
        }
    }
}

/// Whether a configuration gives the machine key or leaves it to each machine.
fn machine_key(reading: &Reading) -> Option<(bool, Step)> {
    super::steps::counted(&reading.facts).find_map(|fact| match &fact.body {
        Body::Clue(clue) if clue.kind == ClueKind::Role && clue.key == "machine-key" => {
            Some((true, Step::at("the machine key is configured, the same for every instance", fact.site.clone())))
        }
        Body::Effect(effect)
            if effect.store == Store::Key && effect.location.text().leading_lit().starts_with(MACHINE_KEY) =>
        {
            Some((false, Step::at("each machine generates its own machine key", fact.site.clone())))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn traits(text: &str) -> Vec<Trait> {
        let mut readings = listing::parse(text).unwrap();
        part(&mut readings);
        readings[0].facts[0].as_effect().unwrap().traits.clone()
    }

    #[test]
    fn on_a_share_the_ciphertext_outlives_its_key() {
        let protect = "effect protect ciphertext dpapi://user at=method:A.Save\n";
        let share = "effect create file \\\\files\\orders\\token.bin at=method:A.Save\n";
        assert_eq!(traits(&format!("{protect}{share}")), [Trait::KeyApart]);
        assert_eq!(traits(&format!("{protect}{}", share.replace("A.Save", "A.Other"))), []);
        assert_eq!(traits(&format!("{protect}effect create file C:\\a at=method:A.Save\n")), []);
    }

    #[test]
    fn the_configuration_tells_whose_machine_key_it_is() {
        let protect = "artifact bin/a.dll\neffect protect ciphertext machine-key://{?}\n";
        let generated = "artifact Web.config\neffect generate key machine-key://AutoGenerate\n";
        let given = "artifact Web.config\nclue role key=machine-key value=configured\n";
        assert_eq!(traits(&format!("{protect}{generated}")), [Trait::KeyApart]);
        assert_eq!(traits(&format!("{protect}{given}")), [Trait::Durable]);
        assert_eq!(traits(protect), []);
    }
}
