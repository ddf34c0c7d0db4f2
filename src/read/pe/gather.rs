//! Puts what the code says into the reading: one fact for each place with a known location, one for each API whose
//! locations stay unknown.

use super::image::Image;
use super::imports::Linkage;
use super::program::Program;
use super::{effects, resolve, surface};
use crate::facts::{Body, Certainty, Effect, Extent, Fact, NoteKind, Reading, Step};
use crate::read::Input;
use std::collections::{BTreeMap, BTreeSet};

/// Most effects with a location that are kept of one image.
const MAX_FACTS: usize = 4_000;

/// Analyses the code of an image.
pub(crate) fn read_code<'a>(input: &Input<'a>, image: Image<'a>, linkage: Linkage<'a>, reading: &mut Reading) {
    let program = Program::new(image, linkage, input.artifact.file_name(), input.deadline);
    let (events, capped) = resolve::events(&program);
    let explained: BTreeSet<String> = events.iter().map(|e| e.via.clone()).collect();
    let mut seen = BTreeSet::new();
    let mut unknown: BTreeMap<String, (Fact, usize)> = BTreeMap::new();
    let mut kept = 0;
    for event in &events {
        for fact in effects::facts(&program.image, event) {
            if let Some(via) = unlocated(&fact) {
                unknown.entry(via).and_modify(|(_, count)| *count += 1).or_insert((fact, 1));
            } else if seen.insert(fact_key(&fact)) {
                kept += 1;
                if kept <= MAX_FACTS {
                    reading.facts.push(fact);
                }
            }
        }
    }
    for (mut fact, count) in unknown.into_values() {
        if let Body::Effect(effect) = &mut fact.body
            && count > 1
        {
            effect.evidence.push(Step::new(format!("and {} further calls whose location is not known", count - 1)));
        }
        reading.facts.push(fact);
    }
    surface::capabilities(&program.image, &program.linkage, &mut explained.into_iter(), reading);
    if kept > MAX_FACTS {
        reading.note(NoteKind::Capped, format!("{} more effects than are kept", kept - MAX_FACTS));
    }
    if program.references.capped {
        reading.note(NoteKind::Capped, "more calls in the code than are kept: some callers were not looked into");
    }
    if program.exhausted.get() {
        reading.note(NoteKind::Capped, "the code is larger than the budget of one file: part of it was not analysed");
    } else if capped {
        reading.note(NoteKind::Capped, "a function or its callers were too large to be analysed whole");
    }
}

/// The API of an effect whose location is wholly unknown.
fn unlocated(fact: &Fact) -> Option<String> {
    let effect: &Effect = fact.as_effect()?;
    (effect.location.extent() == Extent::None).then(|| {
        let rank = if effect.certainty > Certainty::Possible { "!" } else { "" };
        format!("{rank}{}", effect.via)
    })
}

/// Two facts with the same key say the same of the same place.
fn fact_key(fact: &Fact) -> String {
    match &fact.body {
        Body::Effect(e) => {
            format!("{:?} {:?} {:?} {} {}", fact.site.rva, e.operation, e.store, e.location.key(), e.via)
        }
        Body::Clue(c) => format!("{:?} {:?} {} {}", fact.site.rva, c.kind, c.key, c.value),
    }
}
