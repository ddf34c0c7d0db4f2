//! Keys and what they encrypt: ciphertext that outlives its key cannot be read by the next instance.

use super::nearest::Nearest;
use crate::facts::{
    Body, Certainty, Clue, ClueKind, Effect, Location, Operation, Origin, Reading, Site, Step, Store, Trait,
};
use std::collections::{HashMap, HashSet};

/// How locations of the machine key of ASP.NET begin.
const MACHINE_KEY: &str = "machine-key://";

/// How locations begin of what is protected with a ring of keys.
const KEY_RING: &str = "data-protection://";
/// In the names of the types that set up the ring of keys of ASP.NET Core.
const DATA_PROTECTION: &str = "DataProtection";
/// In the names of the methods that only encrypt that ring, wherever it is kept.
const ENCRYPTS: &str = "ProtectKeysWith";

/// Marks ciphertext whose key is lost while the ciphertext is not, and ciphertext whose key every instance has.
pub(super) fn part(readings: &mut [Reading]) {
    readings.iter_mut().for_each(kept_elsewhere);
    machine_keys(readings);
    key_rings(readings);
}

/// Remote services that take what a program hands them and give it back to another instance.
const KEEPERS: &[&str] = &["blob", "table", "queue", "bus", "cache", "share"];

/// What one method encrypts with a key of this machine and writes to a share, a mounted volume, a database or a store on
/// another host. What is written there and cannot be the ciphertext is none of it; where the method writes elsewhere too,
/// nobody knows which of them gets it.
fn kept_elsewhere(reading: &mut Reading) {
    let mut durable: HashMap<String, (Location, Site)> = HashMap::new();
    let mut local: HashSet<String> = HashSet::new();
    for fact in super::steps::counted(&reading.facts) {
        let Some(code) = code_of(&reading.format, &fact.site) else { continue };
        let effect = match &fact.body {
            Body::Effect(effect) if may_take(effect) => effect,
            Body::Clue(clue) => {
                if let Some(location) = clue.location.as_ref().filter(|location| keeps(clue, location)) {
                    durable.entry(code.to_owned()).or_insert_with(|| (location.clone(), fact.site.clone()));
                }
                continue;
            }
            Body::Effect(_) => continue,
        };
        if is_far(effect) {
            durable.entry(code.to_owned()).or_insert_with(|| (effect.location.clone(), fact.site.clone()));
        } else {
            local.insert(code.to_owned());
        }
    }
    let format = reading.format.clone();
    for fact in super::steps::counted_mut(&mut reading.facts) {
        let Body::Effect(effect) = &mut fact.body else { continue };
        if effect.store != Store::Ciphertext || effect.operation != Operation::Protect {
            continue;
        }
        let code = code_of(&format, &fact.site).filter(|code| !local.contains(*code));
        if let Some((location, site)) = code.and_then(|code| durable.get(code)) {
            effect.mark(Trait::KeyApart);
            // That the same bytes are written there is not followed.
            effect.certainty = effect.certainty.min(Certainty::Likely);
            let said = format!("the same code writes to {location}, which outlives the key");
            effect.evidence.push(Step::at(said, site.clone()));
        }
    }
}

/// A method, or all of a script, whose lines hand on what they make in variables, or of a program whose functions have
/// no names.
fn code_of<'a>(format: &'a str, site: &'a Site) -> Option<&'a str> {
    let whole = (format == "power-shell" || format.starts_with("pe-")).then_some(format);
    site.method.as_deref().or(site.symbol.as_deref()).or(whole)
}

/// Is it a database or a store on another host, by its name?
fn keeps(clue: &Clue, location: &Location) -> bool {
    let scheme = location.text().leading_lit().split_once("://").map(|(scheme, _)| scheme.to_owned());
    let is_store = |scheme: &str| KEEPERS.contains(&scheme) || clue.key.ends_with("sql") || clue.key == "sqlserver";
    clue.kind == ClueKind::RemoteClient && scheme.as_deref().is_some_and(is_store)
}

/// May what is written be what was encrypted just before?
fn may_take(effect: &Effect) -> bool {
    let writes = matches!(
        effect.operation,
        Operation::Create | Operation::Write | Operation::Append | Operation::Copy | Operation::SetValue
    );
    let other = matches!(
        effect.origin,
        Origin::Constant | Origin::Packaged | Origin::Configuration | Origin::Input | Origin::Moment
    );
    writes && !other && (effect.store.is_path() || effect.store == Store::Registry)
}

fn is_far(effect: &Effect) -> bool {
    let is_path = effect.store.is_path() || effect.store == Store::Key;
    let share = is_path && effect.location.file_place() == crate::facts::Place::UncShare;
    effect.has(Trait::Remote) || effect.has(Trait::Durable) || share
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

/// What ASP.NET Core protects is read with a ring of keys: lost with the machine where the ring is kept on it, the same for
/// all where it is kept elsewhere. Where no ring is seen nobody knows.
fn key_rings(readings: &mut [Reading]) {
    let mut nearest = Nearest::default();
    let mut rings: Vec<(bool, Step)> = Vec::new();
    for reading in readings.iter() {
        let Some((is_far, step)) = key_ring(reading) else { continue };
        nearest.insert(&reading.artifact, rings.len(), |_| true);
        rings.push((is_far, step.in_artifact(reading.artifact.clone())));
    }
    if rings.is_empty() {
        return;
    }
    for reading in readings.iter_mut() {
        let Some((is_far, step)) = nearest.find(&reading.artifact, |_, _| true).and_then(|n| rings.get(n)) else {
            continue;
        };
        for effect in super::effects_mut(std::slice::from_mut(reading)) {
            let protects = effect.store == Store::Ciphertext && effect.operation == Operation::Protect;
            if protects && effect.location.text().leading_lit().starts_with(KEY_RING) {
                effect.mark(if *is_far { Trait::Durable } else { Trait::KeyApart });
                effect.evidence.push(step.clone());
            }
        }
    }
}

/// Whether a program keeps its ring of keys on another host, or on this machine or nowhere.
fn key_ring(reading: &Reading) -> Option<(bool, Step)> {
    let facts = || super::steps::counted(&reading.facts);
    let far = facts().find_map(|fact| {
        let said = match &fact.body {
            Body::Clue(clue)
                if clue.kind == ClueKind::RemoteClient
                    && clue.value.contains(DATA_PROTECTION)
                    && !clue.value.contains(ENCRYPTS) =>
            {
                &clue.value
            }
            Body::Effect(effect) if is_ring(effect) && is_far(effect) => &effect.via,
            _ => return None,
        };
        Some((true, Step::at(format!("the ring of keys is kept elsewhere: {said}"), fact.site.clone())))
    });
    let near = || {
        facts().find_map(|fact| {
            let effect = fact.as_effect().filter(|effect| is_ring(effect))?;
            let said = format!("the ring of keys is kept on this machine: {}", effect.location);
            Some((false, Step::at(said, fact.site.clone())))
        })
    };
    far.or_else(near)
}

fn is_ring(effect: &Effect) -> bool {
    effect.store == Store::Key && effect.via.contains(DATA_PROTECTION)
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
        let local = "effect create file C:\\a at=method:A.Save\n";
        assert_eq!(traits(&format!("{protect}{local}")), []);
        assert_eq!(traits(&format!("{protect}{share}{local}")), []);
        let constant = share.replace(" at=", " origin=constant at=");
        assert_eq!(traits(&format!("{protect}{constant}")), []);
    }

    #[test]
    fn a_script_is_one_piece_of_code() {
        let script = "artifact a.ps1 format=power-shell\neffect protect ciphertext dpapi://user at=line:1\n\
                      effect create file \\\\files\\token.txt at=line:2\n";
        assert_eq!(traits(script), [Trait::KeyApart]);
        assert_eq!(traits(&script.replace("power-shell", "batch")), []);
    }

    #[test]
    fn a_store_on_another_host_outlives_the_key() {
        let protect = "effect protect ciphertext dpapi://user at=method:A.Save\n";
        let server = "clue remote-client key=sqlserver value=\"\" location=sqlserver://db01/Orders at=method:A.Save\n";
        assert_eq!(traits(&format!("{protect}{server}")), [Trait::KeyApart]);
        assert_eq!(traits(&format!("{protect}{}", server.replace("A.Save", "A.Other"))), []);
        let vault = "clue remote-client key=secrets value=x location=secrets://vault.example at=method:A.Save\n";
        assert_eq!(traits(&format!("{protect}{vault}")), []);
        let local = "effect create file C:\\a at=method:A.Save\n";
        assert_eq!(traits(&format!("{protect}{server}{local}")), []);
    }

    #[test]
    fn functions_without_names_are_one_piece_of_code() {
        let program = "artifact a.exe format=pe-x64\neffect protect ciphertext dpapi://user at=section:.text;rva:0x10\n\
                       effect create file \\\\files\\token.bin at=section:.text;rva:0x20\n";
        assert_eq!(traits(program), [Trait::KeyApart]);
        let local = "effect create file C:\\a.bin at=section:.text;rva:0x30\n";
        assert_eq!(traits(&format!("{program}{local}")), []);
        assert_eq!(
            traits(&program.replace(" at=section:.text;rva:0x20", " origin=constant at=section:.text;rva:0x20")),
            []
        );
    }

    #[test]
    fn the_ring_of_keys_tells_whether_ciphertext_outlives_it() {
        let protect =
            "artifact bin/a.dll\neffect protect ciphertext data-protection://{?} via=IDataProtector::Protect\n";
        let ring =
            |at: &str| format!("artifact bin/b.dll\neffect create key {at} via=DataProtectionBuilderExtensions::X\n");
        assert_eq!(traits(&format!("{protect}{}", ring("C:\\keys"))), [Trait::KeyApart]);
        assert_eq!(traits(&format!("{protect}{}", ring("\\\\files\\keys"))), [Trait::Durable]);
        let blob = "artifact bin/b.dll\nclue remote-client key=blob value=AzureDataProtectionBuilderExtensions::Y\n";
        assert_eq!(
            traits(&format!("{protect}{blob}{}", ring("C:\\keys").replace("artifact bin/b.dll\n", ""))),
            [Trait::Durable]
        );
        let vault = blob.replace("::Y", "::ProtectKeysWithAzureKeyVault");
        assert_eq!(traits(&format!("{protect}{vault}")), [], "that encrypts the ring, and keeps it nowhere");
        assert_eq!(traits(protect), []);
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
