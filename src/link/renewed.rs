//! What one script does at one place, in order: what it makes anew it does not collect, and what it reads first it keeps.

use crate::facts::{
    Certainty, ClueKind, Effect, Hole, Operation, Origin, Part, Phase, Reading, Site, Source, Step, Store, Trait,
    is_script,
};
use std::collections::{HashMap, HashSet};

/// Marks what a script adds to a file that it made a few lines above, and what it writes to a place that it reads.
pub(super) fn mark(readings: &mut [Reading]) {
    for reading in readings.iter_mut().filter(|reading| is_script(&reading.format)) {
        // In the order of the lines: by place, whether it was made there.
        let mut made: HashMap<String, String> = HashMap::new();
        let missing = made_where_missing(reading);
        let read = read_first(reading, &missing);
        for effect in super::effects_mut(std::slice::from_mut(reading)) {
            let known = effect.store.is_path() && effect.location.text().parts().iter().all(is_the_same);
            let key = effect.location.key();
            match effect.operation {
                Operation::Create | Operation::Copy
                    if known && is_sure(effect) && !missing.contains(&(effect.headline(), key.clone())) =>
                {
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

/// What is made only where it is missing, by what makes it and the place: it may be there, and is added to then.
fn made_where_missing(reading: &Reading) -> HashSet<(String, String)> {
    let clues = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_clue());
    let guards = clues.filter(|clue| clue.kind == ClueKind::Guard);
    guards.filter_map(|clue| Some((clue.value.clone(), clue.location.as_ref()?.key()))).collect()
}

/// Places that a run reads before it makes them, so that it finds what the run before it left. What it makes anew for
/// itself is scratch, whoever reads it further down.
fn read_first(reading: &Reading, missing: &HashSet<(String, String)>) -> HashSet<String> {
    let facts = || super::steps::counted(&reading.facts);
    let mut first: HashMap<String, (&Site, bool)> = HashMap::new();
    for fact in facts() {
        let Some(effect) = fact.as_effect().filter(|effect| effect.store.is_path()) else { continue };
        let reads = effect.operation == Operation::Read;
        let makes = matches!(effect.operation, Operation::Create | Operation::Copy)
            && effect.certainty >= Certainty::Likely
            && !missing.contains(&(effect.headline(), effect.location.key()));
        if reads || makes {
            let place = first.entry(effect.location.key()).or_insert((&fact.site, reads));
            if fact.site < *place.0 {
                *place = (&fact.site, reads);
            }
        }
    }
    // Values of the registry have no order that the lines would tell.
    let values = facts().filter_map(|fact| fact.as_effect()).filter(|e| e.operation == Operation::Read);
    let values = values.filter(|effect| !effect.store.is_path()).map(|effect| effect.location.key());
    let files = first.into_iter().filter(|(_, (_, reads))| *reads).map(|(place, _)| place);
    values.collect::<HashSet<_>>().into_iter().chain(files).collect()
}

/// Does a part of a place mean the same all through one run?
fn is_the_same(part: &Part) -> bool {
    !matches!(part, Part::Hole(Hole::Unknown | Hole::From(Source::Generated | Source::Output, _)))
}

/// Nothing keeps it from being made, also not that it is there.
fn is_sure(effect: &Effect) -> bool {
    effect.certainty >= Certainty::Likely && effect.guard.is_none() && !effect.evidence.iter().any(Step::says_missing)
}

/// A value that may be made of the one before. Variables of the environment are extended, which is no state.
fn is_asked_for(effect: &Effect) -> bool {
    // Once for each instance nobody has been there before.
    let starts = effect.phase == Phase::Startup;
    let state = matches!(effect.store, Store::File | Store::Ini | Store::Registry | Store::Settings);
    starts && state && matches!(effect.origin, Origin::Unknown | Origin::Moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    #[test]
    fn what_is_made_anew_does_not_grow() {
        let text = "artifact a.cmd format=batch\neffect append file C:\\a certainty=proven via=>>\n\
                    effect create file C:\\b certainty=proven via=>\neffect append file C:\\b certainty=proven via=>>\n\
                    effect delete file C:\\d certainty=proven via=del\neffect append file C:\\d certainty=proven via=>>\n\
                    effect create file C:\\c certainty=possible via=>\neffect append file C:\\c certainty=proven via=>>\n";
        let missing = "effect create file C:\\e certainty=proven via=>\n  step \"only where it is missing\" at=line:1\n\
                       effect append file C:\\e certainty=proven via=>>\n";
        let mut readings = listing::parse(&format!("{text}{missing}")).unwrap();
        mark(&mut readings);
        let renewed: Vec<bool> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::Renewed)).collect();
        // What takes it away may stand under a condition that the facts do not tell.
        assert_eq!(renewed, [false, false, true, false, false, false, false, false, false]);
    }

    #[test]
    fn a_counter_of_starts_is_read_first() {
        let text = "artifact a.cmd format=batch\neffect read file C:\\n\n\
                    effect create file C:\\n certainty=proven phase=startup via=>\n\
                    effect create file C:\\m certainty=proven phase=startup via=>\n\
                    effect create file C:\\o certainty=proven phase=startup at=line:5\n\
                    effect read file C:\\o at=line:7\n\
                    clue guard key=\"if exist\" value=\"create file C:\\p\" location=C:\\p at=line:8\n\
                    effect create file C:\\p certainty=proven phase=startup at=line:9\neffect read file C:\\p at=line:10\n\
                    effect create file C:\\p certainty=proven phase=startup at=line:11\n";
        let mut readings = listing::parse(text).unwrap();
        mark(&mut readings);
        let kept: Vec<bool> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::ReadBack)).collect();
        assert_eq!(kept, [false, true, false, false, false, true, false, true]);
    }
}
