//! What a script keeps for the window that it opens to the person in front of the machine: on an instance nobody sits.

use crate::facts::{Body, Operation, Reading, Step, Store, Trait, is_script};
use std::collections::HashSet;

/// Marks credentials that the same script keeps for a window on another machine.
pub(super) fn mark(readings: &mut [Reading]) {
    for reading in readings.iter_mut().filter(|reading| is_script(&reading.format)) {
        let effects = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_effect());
        let credentials = effects.filter(|effect| effect.store == Store::Credential);
        let asked: HashSet<String> = credentials
            .filter(|effect| effect.operation == Operation::Read)
            .map(|effect| without_port(&effect.location.key()).to_owned())
            .collect();
        if asked.is_empty() {
            continue;
        }
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            let is_kept = effect.store == Store::Credential && effect.operation == Operation::Create;
            if is_kept && asked.contains(without_port(&effect.location.key())) {
                effect.mark(Trait::Recomputable);
                effect
                    .evidence
                    .push(Step::new("for the window that the same script opens: somebody runs it at a desktop"));
            }
        }
    }
}

/// A machine without the port that is asked for.
fn without_port(machine: &str) -> &str {
    let machine = machine.strip_prefix("termsrv/").unwrap_or(machine);
    machine
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(machine, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    #[test]
    fn a_credential_for_a_window() {
        let text = "artifact a.cmd format=batch\neffect create credential box via=cmdkey\n\
                    effect create credential other via=cmdkey\neffect read credential box:3389 via=mstsc\n";
        let mut readings = listing::parse(text).unwrap();
        mark(&mut readings);
        let marked: Vec<bool> = readings[0]
            .facts
            .iter()
            .filter_map(|fact| fact.as_effect())
            .map(|effect| effect.has(Trait::Recomputable))
            .collect();
        assert_eq!(marked, [true, false, false]);
    }
}
