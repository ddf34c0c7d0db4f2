//! Puts what the code says into the reading: one fact for each place with a known location, one for each API whose
//! locations stay unknown.

use super::code::gap::Gap;
use super::code::report::Event;
use super::image::Image;
use super::imports::{Import, Linkage};
use super::phases::Phases;
use super::program::Program;
use super::{effects, lines, resolve, surface};
use crate::catalog::native;
use crate::facts::{Body, Certainty, Effect, Extent, Fact, NoteKind, Operation, Reading, Site, Step};
use crate::read::Input;
use std::collections::{BTreeMap, BTreeSet};

/// Most effects with a location that are kept of one image.
const MAX_FACTS: usize = 4_000;

/// Analyses the code of an image.
pub(crate) fn read_code<'a>(input: &Input<'a>, image: Image<'a>, linkage: Linkage<'a>, reading: &mut Reading) {
    let program = Program::new(image, linkage, input.artifact.file_name());
    let (events, capped) = resolve::events(&program);
    let mut explained: BTreeSet<String> = events.iter().map(|e| e.via.clone()).collect();
    explained.append(&mut program.replaced.borrow_mut());
    let phases = Phases::of(&program, &events);
    let kept = Kept::of(&program, &events, phases.as_ref());
    let more = kept.more;
    reading.facts.extend(kept.into_facts(&program.image));
    surface::capabilities(&program.image, &program.linkage, &mut explained.into_iter(), reading);
    if more > 0 {
        reading.note(NoteKind::Capped, format!("{more} more effects than are kept"));
    }
    if program.references.capped {
        reading.note(NoteKind::Capped, "more calls in the code than are kept: some callers were not looked into");
    }
    if program.strays > 0 {
        let calls = program.strays;
        reading
            .note(NoteKind::Capped, format!("calls in code whose function is not known were not followed ({calls})"));
    }
    if program.exhausted.get() {
        reading.note(NoteKind::Capped, "the code is larger than the budget of one file: part of it was not analysed");
    } else if capped {
        reading.note(NoteKind::Capped, "a function or its callers were too large to be analysed whole");
    }
    lines::add(input, &program.image, reading);
}

/// Calls whose location is wholly unknown, and that say the same of it.
struct Unknown {
    /// The first of them.
    fact: Fact,
    /// Where they are, and why their places are not known: of several callers, what is the first to mend.
    sites: BTreeMap<u32, Gap>,
    /// Why it is not known whether they write.
    modes: BTreeMap<u32, Gap>,
}

/// The facts of all calls: those with a location, and one for each API whose locations stay unknown.
#[derive(Default)]
struct Kept {
    located: Vec<Fact>,
    /// By API, and by whether the call is known to only read.
    unknown: BTreeMap<String, Unknown>,
    /// Facts with a location beyond those that are kept.
    more: usize,
}

impl Kept {
    fn of(program: &Program<'_>, events: &[Event], phases: Option<&Phases>) -> Self {
        let mut kept = Kept::default();
        let mut seen = BTreeSet::new();
        for event in events {
            let Some(event) = &settled(program, event) else { continue };
            let phase = phases.and_then(|phases| phases.of_call(program, event));
            for mut fact in effects::facts(&program.image, event) {
                if let (Body::Effect(effect), Some((phase, because))) = (&mut fact.body, &phase) {
                    (effect.phase, effect.phase_evidence) = (*phase, because.clone());
                }
                if let Some(key) = unlocated(&fact) {
                    let new = || Unknown { fact: without_reason(fact), sites: BTreeMap::new(), modes: BTreeMap::new() };
                    let open = kept.unknown.entry(key).or_insert_with(new);
                    let place = open.sites.entry(event.site).or_default();
                    *place = effects::event_gap(event).max(*place);
                    let mode = open.modes.entry(event.site).or_default();
                    *mode = effects::mode_gap(event).max(*mode);
                } else if !seen.insert(fact_key(&fact)) {
                } else if kept.located.len() < MAX_FACTS {
                    kept.located.push(fact);
                } else {
                    kept.more += 1;
                }
            }
        }
        kept
    }

    fn into_facts(mut self, image: &Image<'_>) -> Vec<Fact> {
        // A call in a function with several callers may be located for some of them only.
        let open: BTreeSet<u32> = self.unknown.values().flat_map(|u| u.sites.keys().copied()).collect();
        let mut located = BTreeSet::new();
        for fact in &mut self.located {
            if let (Some(rva), Body::Effect(effect)) = (fact.site.rva, &mut fact.body)
                && located.insert(rva)
                && open.contains(&rva)
            {
                effect.evidence.push(Step::new("for other callers the location is not known"));
            }
        }
        for Unknown { mut fact, sites, modes } in self.unknown.into_values() {
            let (first, located) = (fact.site.rva, &located);
            let open = move |site: &u32| !located.contains(site) || first == Some(*site);
            let others = sites.keys().filter(|site| open(site)).count().saturating_sub(1);
            if let Body::Effect(effect) = &mut fact.body {
                if others > 0 {
                    effect.evidence.push(Step::new(format!("and {others} further calls whose location is not known")));
                }
                effect.evidence.extend(reasons(image, effects::NOT_KNOWN, &sites, open));
                if effects::is_doubtful(effect) {
                    effect.evidence.extend(reasons(image, effects::MODE_NOT_KNOWN, &modes, open));
                }
            }
            self.located.push(fact);
        }
        self.located
    }
}

/// The reason is said once, for all calls of the same API.
fn without_reason(mut fact: Fact) -> Fact {
    if let Body::Effect(effect) = &mut fact.body {
        let reasons = [effects::NOT_KNOWN, effects::MODE_NOT_KNOWN];
        effect.evidence.retain(|step| !reasons.iter().any(|reason| step.text.starts_with(reason)));
    }
    fact
}

/// Each reason, how many calls have it, and where the first of them is.
fn reasons(image: &Image<'_>, what: &str, sites: &BTreeMap<u32, Gap>, open: impl Fn(&u32) -> bool) -> Vec<Step> {
    let mut counts: BTreeMap<Gap, (usize, u32)> = BTreeMap::new();
    for (site, gap) in sites.iter().filter(|(site, gap)| **gap > Gap::None && open(site)) {
        counts.entry(*gap).or_insert((0, *site)).0 += 1;
    }
    let calls = |n: usize| if n > 1 { format!(" ({n} calls)") } else { String::new() };
    let step = |(gap, (n, first))| {
        Step::at(format!("{what}: {gap}{}", calls(n)), Site::code(image.section_name(first), first))
    };
    counts.into_iter().map(step).collect()
}

/// What a function does may depend on what else the program uses; `None` when without that it leaves nothing.
fn settled(program: &Program<'_>, event: &Event) -> Option<Event> {
    let mut event = event.clone();
    let row = event.api.row;
    let imports = |needed: &String| {
        let begins = |i: &Import<'_>| surface::name_of(i).is_some_and(|name| name.starts_with(needed.as_str()));
        program.linkage.imports.iter().any(begins)
    };
    if !row.needs.is_empty() && !row.needs.iter().any(imports) {
        event.api = native::find_by_name(row.otherwise.as_deref()?)?;
    }
    Some(event)
}

/// Under what an effect whose location is wholly unknown is counted.
fn unlocated(fact: &Fact) -> Option<String> {
    let effect: &Effect = fact.as_effect()?;
    (effect.location.extent() == Extent::None).then(|| {
        let rank = if effect.certainty > Certainty::Possible { "!" } else { "" };
        let reads = if effect.operation == Operation::Read { " reads" } else { "" };
        let doubt = if effects::is_doubtful(effect) { " perhaps" } else { "" };
        format!("{rank}{}{reads}{doubt}", effect.via)
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
