//! A file that is made where there is none and then appended to: one state, of which two rules would speak.

use crate::facts::{Body, Certainty, Extent, Operation, Origin, Phase, Reading, Site, Step, Store, Trait};
use std::collections::HashMap;

/// Marks what only makes the file that the same artifact appends to at the same time. What is put into it with a request is
/// another matter.
pub(super) fn mark(readings: &mut [Reading]) {
    for reading in readings {
        let mut appended: HashMap<(String, Phase), Site> = HashMap::new();
        for fact in super::steps::counted(&reading.facts) {
            let Some(effect) = fact.as_effect() else { continue };
            let is_kept = effect.certainty >= Certainty::Likely && effect.location.extent() == Extent::Full;
            if effect.operation == Operation::Append && is_file(effect.store) && is_kept {
                appended.entry((effect.location.key(), effect.phase)).or_insert_with(|| fact.site.clone());
            }
        }
        if appended.is_empty() {
            continue;
        }
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            let is_made = effect.operation == Operation::Create && is_file(effect.store);
            let has_own =
                matches!(effect.origin, Origin::Input | Origin::Secret | Origin::Generated | Origin::Previous);
            if !is_made || has_own {
                continue;
            }
            if let Some(site) = appended.get(&(effect.location.key(), effect.phase)) {
                effect.mark(Trait::Repeated);
                effect.evidence.push(Step::at("one loss: it is told with what is appended to it", site.clone()));
            }
        }
    }
}

fn is_file(store: Store) -> bool {
    matches!(store, Store::File | Store::Log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn told(text: &str) -> Vec<bool> {
        let mut readings = listing::parse(text).unwrap();
        mark(&mut readings);
        readings.iter().flat_map(|r| &r.facts).map(|f| !f.as_effect().unwrap().has(Trait::Repeated)).collect()
    }

    #[test]
    fn making_a_file_is_told_with_what_is_appended() {
        let made = r"effect create file C:\Desk\a.txt phase=run via=File.Create";
        let log = r"effect append log C:\desk\A.txt phase=run via=StreamWriter";
        assert_eq!(told(&format!("{made}\n{log}\n")), [false, true]);
        assert_eq!(told(&format!("{made} origin=input\n{log}\n")), [true, true]);
        assert_eq!(told(&format!("{made}\n{}\n", log.replace("A.txt", "b.txt"))), [true, true]);
        assert_eq!(told(&format!("{made}\n{}\n", log.replace("run", "startup"))), [true, true]);
        assert_eq!(told(&format!("artifact a.exe\n{made}\nartifact b.exe\n{log}\n")), [true, true]);
        let open = |line: &str| line.replace("desk", "{?}").replace("Desk", "{?}");
        assert_eq!(told(&format!("{}\n{}\n", open(made), open(log))), [true, true], "perhaps another file");
    }
}
