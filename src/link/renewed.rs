//! What one script does at one place, in order: what it makes anew it does not collect, and what it reads first it keeps.

use crate::facts::{Certainty, Effect, Hole, Operation, Origin, Part, Phase, Reading, Source, Step, Store, Trait};
use std::collections::{HashMap, HashSet};

/// Marks what a script adds to a file that it made a few lines above, and what it writes to a place that it reads.
pub(super) fn mark(readings: &mut [Reading]) {
    for reading in readings.iter_mut().filter(|reading| is_script(&reading.format)) {
        // In the order of the lines: by place, whether it was made there.
        let mut made: HashMap<String, String> = HashMap::new();
        let mut read: HashSet<String> = HashSet::new();
        for effect in super::steps::counted(&reading.facts).filter_map(|fact| fact.as_effect()) {
            if effect.operation == Operation::Read {
                read.insert(effect.location.key());
            }
        }
        for effect in super::effects_mut(std::slice::from_mut(reading)) {
            let known = effect.store.is_path() && effect.location.text().parts().iter().all(is_the_same);
            let key = effect.location.key();
            match effect.operation {
                Operation::Create | Operation::Copy if known && is_sure(effect) => {
                    made.entry(key.clone()).or_insert_with(|| effect.via.clone());
                }
                Operation::Append => {
                    if let Some(via) = made.get(&key) {
                        effect.mark(Trait::Renewed);
                        effect.evidence.push(Step::new(format!("made anew by {via} before")));
                    }
                }
                _ => {}
            }
            if is_asked_for(effect) && read.contains(&key) {
                effect.mark(Trait::ReadBack);
                effect.evidence.push(Step::new("read by the same script"));
            }
        }
    }
}

/// Does a part of a place mean the same all through one run?
fn is_the_same(part: &Part) -> bool {
    !matches!(part, Part::Hole(Hole::Unknown | Hole::From(Source::Generated | Source::Output, _)))
}

/// Nothing keeps it from being made.
fn is_sure(effect: &Effect) -> bool {
    effect.certainty >= Certainty::Likely && effect.guard.is_none()
}

/// A value that may be made of the one before. Variables of the environment are extended, which is no state.
fn is_asked_for(effect: &Effect) -> bool {
    let starts = matches!(effect.phase, Phase::Startup | Phase::FirstBoot);
    let state = matches!(effect.store, Store::File | Store::Ini | Store::Registry | Store::Settings);
    starts && state && matches!(effect.origin, Origin::Unknown | Origin::Moment)
}

fn is_script(format: &str) -> bool {
    matches!(format, "batch" | "power-shell" | "vb-script" | "j-script" | "wsf")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    #[test]
    fn what_is_made_anew_does_not_grow() {
        let text = "artifact a.cmd format=batch\neffect append file C:\\a certainty=proven via=>>\n\
                    effect create file C:\\b certainty=proven via=>\neffect append file C:\\b certainty=proven via=>>\n\
                    effect create file C:\\c certainty=possible via=>\neffect append file C:\\c certainty=proven via=>>\n";
        let mut readings = listing::parse(text).unwrap();
        mark(&mut readings);
        let renewed: Vec<bool> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::Renewed)).collect();
        assert_eq!(renewed, [false, false, true, false, false]);
    }

    #[test]
    fn a_counter_of_starts_is_read_first() {
        let text = "artifact a.cmd format=batch\neffect read file C:\\n\n\
                    effect create file C:\\n certainty=proven phase=startup via=>\n\
                    effect create file C:\\m certainty=proven phase=startup via=>\n";
        let mut readings = listing::parse(text).unwrap();
        mark(&mut readings);
        let kept: Vec<bool> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::ReadBack)).collect();
        assert_eq!(kept, [false, true, false]);
    }
}
