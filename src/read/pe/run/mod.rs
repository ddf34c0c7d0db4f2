//! Runs ways through the code with exact memory, for places that the analysis of whole functions leaves open.
//!
//! The analysis knows every way at once, and so little of loops over characters, of texts that are put together in place,
//! and of which values belong together. Here one way at a time is executed, with real bytes: from the function in which an
//! open call is, or from those that call it, until the call is reached. Functions of the image are run, imported ones are
//! done by the models that the analysis uses ([`bridge`]), and what is not known as characters stands in memory as a mark
//! ([`texts`]). Where a condition is not known the way forks, within bounds. What is found this way is something that the
//! program does on that way; where a choice was made before, it is marked as a guess.

mod arithmetic;
mod bridge;
mod containers;
mod execute;
mod lengths;
mod library;
mod machine;
mod memory;
mod numbered;
mod objects;
mod path;
mod repeated;
mod strings;
mod taken;
mod texts;
mod vector;
mod word;

use super::code::gap::Gap;
use super::code::report::{Arg, Event, Number};
use super::program::Program;
use super::{effects, modes, surface};
use crate::facts::{Body, Extent, Hole, Part, Source, Text};
use numbered::is_number_of;
use path::{Found, Goal, Run};

/// Most calls of one image whose places are looked for.
const MAX_SOUGHT: usize = 200;
/// Most instructions that are run for all calls of one image, and for one of them.
const MAX_STEPS: u64 = 200_000;
const MAX_STEPS_FOR_ONE: u64 = 40_000;
/// Most levels of callers from which a call is looked for, beyond those that the analysis has found.
const MAX_LEVELS: usize = 2;
/// Most callers of one function.
const MAX_CALLERS: usize = 3;
/// Most different places of one call.
const MAX_PLACES: usize = 8;

/// Nothing of where an event changes something is open.
const WHOLE: u8 = 2;

/// How much is known of where an event changes something: none of its places, some of it, all. `None`: it changes nothing.
fn known(program: &Program<'_>, event: &Event) -> Option<u8> {
    // Which of several roots belongs to which of several keys is not known.
    let crossed = event.args.iter().filter_map(|arg| arg.handle.as_ref()).any(|handle| handle.crossed)
        || event.args.iter().filter(|arg| is_several(arg)).count() > 1;
    // A service is no effect; what it is called is known as a place is.
    let nameless = |name: &Text| !name.is_full() || name.is_empty();
    if let Some(open) = surface::services_of(event).map(nameless).reduce(|a, b| a || b) {
        return Some(if open { 0 } else { WHOLE });
    }
    let facts = effects::facts(&program.image, event);
    let of = |fact: &crate::facts::Fact| match &fact.body {
        Body::Effect(effect) => Some(match effect.location.extent() {
            Extent::None => 0,
            _ if crossed || has_gap(effect.location.text()) => 1,
            _ => WHOLE,
        }),
        Body::Clue(_) => None,
    };
    facts.iter().filter_map(of).min()
}

/// Something of it is not known, be it within a name of what it comes from.
fn has_gap(text: &Text) -> bool {
    let within = |part: &Part| matches!(part, Part::Hole(Hole::From(_, name)) if name.contains("(?)"));
    text.has_unknown() || text.parts().iter().any(within)
}

/// Looks for the places of the events that have none.
pub(super) fn locate(program: &Program<'_>, events: &mut Vec<Event>) {
    if program.go.is_some() {
        return;
    }
    let mut left = Left { calls: MAX_SOUGHT, steps: MAX_STEPS };
    let with_strings = program.linkage.imports.iter().any(|import| import.name.starts_with("_ZNSt"));
    for sought in [Sought::Open, Sought::Mode, Sought::Several, Sought::Guessed] {
        let mut all = Vec::new();
        // Calls of which all places are proven.
        let mut proven: Vec<(u32, String, Vec<u32>)> = Vec::new();
        for event in std::mem::take(events) {
            let open = match (sought, known(program, &event)) {
                (Sought::Open, Some(known)) if known < WHOLE => {
                    let hopeless = is_hopeless(effects::event_gap(&event), with_strings);
                    (!hopeless || !taken::starts(program, &event).is_empty()).then_some(known)
                }
                (Sought::Mode, Some(WHOLE)) if is_undecided(&event) => Some(1),
                (Sought::Several, Some(WHOLE)) if event.args.iter().any(is_several) || has_default(&event) => Some(1),
                (Sought::Guessed, Some(WHOLE)) if event.ran_from.is_none() && is_guessed(&event) => Some(1),
                _ => None,
            };
            let Some(open) = open.filter(|_| left.calls > 0 && left.steps > 0 && !program.is_out_of_budget()) else {
                all.push(event);
                continue;
            };
            let call = (event.site, event.via.clone(), event.through.clone());
            if proven.contains(&call) {
                continue;
            }
            left.calls -= 1;
            let found = match sought {
                Sought::Mode => decide(program, &event, open, &mut left),
                _ => look(program, &event, open, MAX_LEVELS, &mut left),
            };
            let is_better = match sought {
                Sought::Open | Sought::Mode => true,
                // Of alternatives only fewer are better.
                Sought::Several => found.complete && found.events.len() < alternatives_of(&event),
                Sought::Guessed => found.complete && !found.events.iter().any(is_guessed),
            };
            if found.events.is_empty() || !is_better {
                // Where a value is not there, what stands for it is one place more.
                let is_asked = sought == Sought::Several && has_default(&event);
                let is_more = |other: &Event| is_asked && !is_guessed(other) && names_another(other, &event);
                let more: Vec<Event> = found.events.into_iter().filter(is_more).collect();
                all.extend(std::iter::once(event).chain(more));
            } else {
                all.extend(found.events);
                proven.extend((sought == Sought::Guessed).then_some(call));
            }
        }
        *events = all;
    }
}

/// What is looked for: first what is open, then whether a call writes, then what is one of several, of which the ways that are
/// taken may be fewer, and last what the analysis guesses, which they may prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sought {
    Open,
    Mode,
    Several,
    Guessed,
}

/// Something of it is a guess.
fn is_guessed(event: &Event) -> bool {
    event.args.iter().any(|arg| arg.weak)
}

/// It opens something, and whether it writes is not known.
fn is_undecided(event: &Event) -> bool {
    modes::mode(event).is_some_and(|mode| mode.operation.is_none() || mode.ambiguous)
}

/// It names something by a value of an INI file, in whose place a default may stand.
fn has_default(event: &Event) -> bool {
    let is_value = |part: &Part| matches!(part, Part::Hole(Hole::From(Source::Ini, _)));
    event.args.iter().flat_map(|arg| &arg.texts).any(|text| text.parts().iter().any(is_value))
}

/// It names something that another event does not.
fn names_another(event: &Event, than: &Event) -> bool {
    let mut args = event.args.iter().zip(&than.args);
    args.any(|(arg, other)| arg.texts.iter().any(|text| !other.texts.contains(text)))
}

/// How many places an event may have, as far as its arguments say.
fn alternatives_of(event: &Event) -> usize {
    event.args.iter().map(|arg| arg.texts.len().max(arg.number.all().len())).max().unwrap_or(0)
}

/// How much may still be looked for in an image.
struct Left {
    calls: usize,
    steps: u64,
}

/// One of several texts or numbers.
fn is_several(arg: &Arg) -> bool {
    arg.texts.len() > 1 || arg.number.all().len() > 1
}

/// No way through the image says what is missing: only what calls it, what it reads, or a library knows. Of strings of C++,
/// which a library gives too, it is known what they hold.
fn is_hopeless(gap: Gap, with_strings: bool) -> bool {
    match gap {
        Gap::Outside | Gap::Appended => true,
        Gap::Library => !with_strings,
        _ => false,
    }
}

/// What was found of an event, and whether all ways were followed.
#[derive(Default)]
struct Answer {
    events: Vec<Event>,
    complete: bool,
    /// Some of the ways are those of what a caller may give.
    supposed: bool,
}

/// The event as runs find it that decide whether it writes: from the nearest of its callers on that say it.
fn decide(program: &Program<'_>, event: &Event, open: u8, left: &mut Left) -> Answer {
    let places = |event: &Event| -> Vec<String> {
        let facts = effects::facts(&program.image, event);
        facts.iter().filter_map(|fact| Some(fact.as_effect()?.location.key())).collect()
    };
    let (place, through) = (places(event), event.through.len());
    for near in (0..=through).filter_map(|n| event.through.get(..n)) {
        let from = Event { through: near.to_vec(), ..event.clone() };
        let found = look(program, &from, open, 0, left);
        if !found.events.is_empty() && found.events.iter().all(|event| places(event) == place) {
            return found;
        }
    }
    Answer::default()
}

/// The event as runs find it, where they know more of it; from its callers at most so many levels on.
fn look(program: &Program<'_>, event: &Event, open: u8, levels: usize, left: &mut Left) -> Answer {
    let mut steps: Vec<(u32, u32)> = Vec::new();
    for site in event.through.iter().rev().chain([&event.site]) {
        let Some(function) = program.functions.function_of(*site) else {
            return Answer::default();
        };
        steps.push((function, *site));
    }
    let mut level = vec![steps];
    let mut search = Search { open, undecided: is_undecided(event) && known(program, event) == Some(WHOLE), spent: 0 };
    let mut best = Answer { complete: true, ..Answer::default() };
    let mut knows = open;
    for _ in 0..=levels {
        match search.run(program, event, &level, left) {
            Some((least, found)) => {
                best.complete = found.complete;
                if least > knows {
                    (knows, best.events, best.supposed) = (least, found.events, found.supposed);
                }
            }
            None => return Answer { complete: false, ..best },
        }
        let above: Vec<Vec<(u32, u32)>> = level.iter().flat_map(|steps| callers(program, steps)).collect();
        if knows == WHOLE {
            if best.supposed && !above.is_empty() {
                search.confirm(program, event, &above, left, &mut best.events);
            }
            return best;
        }
        level = above;
    }
    // Nothing calls it by its address: whoever takes that may lead there.
    if levels > 0 && best.events.is_empty() {
        level = taken::starts(program, event);
        for _ in 0..taken::MAX_ABOVE {
            match search.run(program, event, &level, left) {
                Some((least, found)) if least > knows => return found,
                Some(_) => level = taken::above(program, &level),
                None => break,
            }
        }
    }
    best
}

/// A search for more of an event of which so much is known.
struct Search {
    open: u8,
    /// Its place is known, and not whether it writes.
    undecided: bool,
    spent: u64,
}

impl Search {
    /// Runs all ways that begin so, and what the least known event of those that are found knows; `None`: it has cost enough.
    fn run(
        &mut self,
        program: &Program<'_>,
        event: &Event,
        level: &[Vec<(u32, u32)>],
        left: &mut Left,
    ) -> Option<(u8, Answer)> {
        let mut found: Vec<Event> = Vec::new();
        let (mut endless, mut complete, mut supposed) = (false, true, false);
        for steps in level {
            if left.steps == 0 || self.spent > MAX_STEPS_FOR_ONE {
                return None;
            }
            let follow = |spares: bool, follows_formats: bool, hurries: bool| {
                let mut run = Run::new(program, Goal { steps: steps.clone() }, event.site)?;
                (run.spares, run.follows_formats, run.hurries) = (spares, follows_formats, hurries);
                run.all();
                Some(run)
            };
            let Some(mut run) = follow(false, false, false) else { continue };
            let mut cost = run.steps;
            // It did not come as far as that: what lies beside the way may have cost too much.
            if run.capped
                && run.lingered
                && !run.found.iter().any(|found| found.event.through.starts_with(&event.through))
                && let Some(again) = follow(false, false, true)
            {
                cost += again.steps;
                run = again;
            }
            // What seems to format may be found to do so. What all ways say, of which there are more than are followed: often it
            // is only what lies beside them that forks.
            let formats = run.formatted && run.found.iter().any(|found| found.doubted);
            if (formats || run.capped && agrees(&run))
                && let Some(again) = follow(run.capped, formats, false)
            {
                cost += again.steps;
                let is_whole = !again.capped && !again.found.iter().any(|found| found.doubted);
                if is_whole && (agrees(&again) || formats && !again.found.is_empty()) {
                    run = again;
                }
            }
            self.spent += cost;
            left.steps = left.steps.saturating_sub(cost);
            complete &= !run.capped && !run.found.is_empty() && run.found.iter().all(|found| !found.doubted);
            endless |= run.endless;
            supposed |= run.found.iter().any(|found| found.supposed);
            for other in certain(run, event) {
                match found.iter_mut().find(|known| same(known, &other)) {
                    Some(known) => known.args.iter_mut().zip(other.args).for_each(|(known, other)| known.meet(&other)),
                    None => found.push(other),
                }
            }
        }
        // What is known of the least known of them: of some callers more may be known than of others.
        let knows = |event: &Event| known(program, event).filter(|_| !self.undecided || !is_undecided(event));
        // Of ways without end some say no more than what they share.
        if endless && self.open > 0 && found.len() > 1 {
            found.clear();
        }
        let all = found.len();
        found.retain(|event| knows(event).is_some_and(|known| known > self.open) && says_something(event));
        complete &= found.len() == all && all <= MAX_PLACES;
        let least = found.iter().filter_map(knows).min().unwrap_or(0);
        found.truncate(MAX_PLACES);
        Some((least, Answer { events: found, complete, supposed }))
    }

    /// What one caller may give another need not: what is not found from those who call is a guess.
    fn confirm(
        &mut self,
        program: &Program<'_>,
        event: &Event,
        above: &[Vec<(u32, u32)>],
        left: &mut Left,
        events: &mut [Event],
    ) {
        let (_, found) = self.run(program, event, above, left).unwrap_or_default();
        let is_found = |event: &Event| found.events.iter().any(|other| same(other, event));
        let doubted = events.iter_mut().filter(|event| !is_found(event));
        doubted.flat_map(|event| &mut event.args).for_each(|arg| arg.weak = true);
    }
}

/// All ways of a run say the same, as far as they were followed.
fn agrees(run: &Run<'_, '_>) -> bool {
    let Some(first) = run.found.first() else { return false };
    run.found.iter().all(|found| !found.doubted && same(&found.event, &first.event))
}

/// What a run found of an event. Something is a guess where not all ways were followed that may lead there, or where they say
/// different things of the same call: some of them may be ways that the program never takes.
fn certain(run: Run<'_, '_>, event: &Event) -> Vec<Event> {
    let from = run.goal.steps.first().map(|(function, _)| *function);
    let image = run.image();
    let found: Vec<Found> = run
        .found
        .into_iter()
        .filter(|found| {
            found.event.site == event.site
                && found.event.via == event.via
                && found.event.through.starts_with(&event.through)
                && !is_emptied(&found.event, event)
        })
        .collect();
    let found = if run.endless { numbered::one_of(image, found) } else { found };
    let differs = |of: &Found| {
        found.iter().any(|other| other.event.through == of.event.through && !same(&other.event, &of.event))
    };
    let guessed: Vec<bool> = found.iter().map(|of| of.doubted || of.chose && (run.capped || differs(of))).collect();
    let settled = |(found, guessed): (Found, bool)| {
        let mut event = Event { ran_from: from, ..found.event };
        for arg in &mut event.args {
            arg.weak |= guessed;
            arg.settle();
            arg.texts.iter_mut().filter(|text| texts::says_null(image, text)).for_each(|text| *text = Text::unknown());
        }
        event
    };
    // A way that lost sight of the end of a text says nothing that another did not say. One on which the text goes on with
    // something that is not known is another place.
    let covered = |of: &Found| {
        of.lost
            && found.iter().any(|other| other.event.through == of.event.through && says_more(&other.event, &of.event))
    };
    let covered: Vec<bool> = found.iter().map(covered).collect();
    let told = found.into_iter().zip(guessed).zip(covered).filter(|(_, covered)| !covered);
    told.map(|(found, _)| settled(found)).collect()
}

/// More than a drive is known of its place.
fn says_something(event: &Event) -> bool {
    /// Fewest characters of which something can be told.
    const MIN_CHARACTERS: usize = 4;
    let says = |text: &Text| {
        let known = |part: &Part| match part {
            Part::Lit(literal) => literal.len(),
            Part::Hole(Hole::Unknown) => 0,
            Part::Hole(_) => MIN_CHARACTERS,
        };
        text.parts().iter().map(known).sum::<usize>() >= MIN_CHARACTERS
    };
    let texts = |arg: &Arg| arg.texts.iter().chain(arg.handle.iter().flat_map(|handle| &handle.texts)).any(says);
    event.args.iter().any(texts)
}

impl Arg {
    /// What two ways say of the same: it is certain where one is, and a number that each has another one of is not known.
    fn meet(&mut self, other: &Arg) {
        self.weak &= other.weak;
        if !is_number_of(self, other) {
            self.number = Number::Unknown;
        }
    }
}

/// They say the same of the same place.
fn same(a: &Event, b: &Event) -> bool {
    // Which number is written says nothing of the place.
    let written = usize::from(a.api.row.kind.is_some() && a.args.len() > a.api.row.arity());
    a.args.len() == b.args.len()
        && a.args.iter().zip(&b.args).take(a.args.len() - written).all(|(a, b)| {
            let handle = |arg: &Arg| arg.handle.as_ref().map(|handle| handle.texts.clone());
            a.texts == b.texts && handle(a) == handle(b) && is_number_of(a, b)
        })
}

/// A text of which the analysis knows nothing is empty on this way: it is filled where the way did not see it.
fn is_emptied(ran: &Event, event: &Event) -> bool {
    let mut args = ran.args.iter().zip(&event.args);
    args.any(|(ran, open)| ran.texts.iter().any(Text::is_empty) && open.texts.iter().any(Text::has_unknown))
}

/// It says the same as another event, but for texts of which the other knows only how they begin.
fn says_more(more: &Event, less: &Event) -> bool {
    let begins = |less: &Text, more: &Text| {
        let less = less.to_string();
        let begin = less.strip_suffix("{?}").filter(|begin| !begin.is_empty());
        begin.is_some_and(|begin| !more.has_unknown() && more.to_string().starts_with(begin))
    };
    let adds = |more: &Arg, less: &Arg| match (&*more.texts, &*less.texts) {
        ([more], [less]) => begins(less, more),
        _ => false,
    };
    let handle = |arg: &Arg| arg.handle.as_ref().map(|handle| handle.texts.clone());
    let args = || more.args.iter().zip(&less.args);
    args().any(|(more, less)| adds(more, less))
        && args().all(|(more, less)| {
            let alike = more.number == less.number && handle(more) == handle(less);
            alike && (more.texts == less.texts || adds(more, less))
        })
}

/// The steps with a caller of the first in front.
fn callers(program: &Program<'_>, steps: &[(u32, u32)]) -> Vec<Vec<(u32, u32)>> {
    let Some((first, _)) = steps.first() else { return Vec::new() };
    let calls = program.references.calls_to(*first);
    let with = |site: u32| {
        let function = program.functions.function_of(site)?;
        // The edge is the place of the call's operand in some tables: the call itself is what the body says.
        let body = program.body(function);
        let base = program.image.base;
        let call = body.instructions.iter().find(|instruction| {
            let rva = instruction.ip().wrapping_sub(base) as u32;
            (rva..rva + instruction.len() as u32).contains(&site)
        })?;
        let mut all = vec![(function, call.ip().wrapping_sub(base) as u32)];
        all.extend(steps);
        Some(all)
    };
    calls.filter_map(with).take(MAX_CALLERS).collect()
}
