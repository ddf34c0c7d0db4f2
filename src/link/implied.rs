//! Keys and folders that are made only to hold something that is reported by itself.

use crate::facts::{Effect, Extent, Operation, Phase, Reading, Store, Trait};
use std::collections::HashSet;

/// Marks the creation of a key or folder when the same artifact writes below it in the same phase.
pub(super) fn mark(readings: &mut [Reading]) {
    let has_container = |r: &Reading| r.facts.iter().filter_map(|f| f.as_effect()).any(makes_container);
    for reading in readings.iter_mut().filter(|r| has_container(r)) {
        let held: HashSet<(Phase, String)> = reading
            .facts
            .iter()
            .filter_map(|f| f.as_effect())
            .filter(|e| writes_content(e))
            .flat_map(|e| ancestors(&e.location.key()).map(|a| (e.phase, a)).collect::<Vec<_>>())
            .collect();
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let crate::facts::Body::Effect(effect) = &mut fact.body else { continue };
            if makes_container(effect) && held.contains(&(effect.phase, effect.location.key())) {
                effect.mark(Trait::Implied);
            }
        }
    }
}

fn makes_container(effect: &Effect) -> bool {
    effect.operation == Operation::Create && matches!(effect.store, Store::Registry | Store::Directory)
}

fn writes_content(effect: &Effect) -> bool {
    let content = match effect.store {
        Store::Registry => effect.operation == Operation::SetValue,
        Store::File | Store::Database | Store::Log | Store::Ini | Store::Settings => {
            effect.operation != Operation::Read
        }
        _ => false,
    };
    content && effect.location.extent() != Extent::None
}

fn ancestors(key: &str) -> impl Iterator<Item = String> + '_ {
    key.match_indices('\\').map(|(at, _)| key[..at].to_owned())
}

#[cfg(test)]
mod tests {
    use crate::facts::{Trait, listing};

    #[test]
    fn a_key_with_its_value_is_one_thing() {
        let mut readings = listing::parse(
            "effect create registry HKLM\\Software\\A phase=run\neffect set-value registry HKLM\\SOFTWARE\\A\\x phase=run\n\
             effect create registry HKLM\\Software\\B phase=run\neffect create directory {AppData}\\C phase=build\n\
             effect create file {AppData}\\C\\f phase=run\n",
        )
        .unwrap();
        super::mark(&mut readings);
        let implied: Vec<bool> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::Implied)).collect();
        assert_eq!(implied, [true, false, false, false, false]);
    }
}
