//! What a wrapper writes, where whoever calls it says it.
//!
//! `void place(int left) { WriteProfileInt(L"Window", L"Left", left); }` names the place itself, so it is one effect however
//! many call it. What is written is a constant only where all of its calls are known and give the same.

use super::{calls_of, filled};
use crate::read::pe::code::report::{Arg, Event, InternalCall};
use crate::read::pe::program::Program;
use crate::read::pe::{Map, Set, effects};

/// Most functions whose callers are asked what is written, per level of callers.
const MAX_FUNCTIONS: usize = 64;
/// Most levels of callers that are asked.
const MAX_LEVELS: usize = 2;

/// A call that writes what the function is given.
struct Asked {
    /// Which of the events it is.
    number: usize,
    event: Event,
    /// The function whose parameter it is.
    function: u32,
    /// That one, and those that it was handed on to.
    functions: Vec<u32>,
}

/// Fills in what is written, of events whose places are known without a caller.
pub(super) fn give(program: &Program<'_>, events: &mut [Event]) {
    let ask = |(number, event): (usize, &Event)| {
        let function = program.functions.function_of(event.done_at()).filter(|_| asks(event))?;
        Some(Asked { number, event: event.clone(), function, functions: vec![function] })
    };
    let mut open: Vec<Asked> = events.iter().enumerate().filter_map(ask).collect();
    let mut given = Vec::new();
    for _ in 0..MAX_LEVELS {
        let mut functions: Vec<u32> = open.iter().map(|asked| asked.function).collect();
        functions.sort_unstable();
        functions.dedup();
        functions.truncate(MAX_FUNCTIONS);
        if functions.is_empty() {
            break;
        }
        // That callers are left out is no loss here: nothing is said then.
        let calls = calls_of(program, &functions.into_iter().collect(), &mut false);
        let (said, further): (Vec<Asked>, Vec<Asked>) = open
            .into_iter()
            .filter_map(|asked| one_level_up(program, asked, &calls))
            .partition(|next| !asks(&next.event));
        given.extend(said);
        open = further;
    }
    if given.is_empty() {
        return;
    }
    // Whoever finds a function in a table, or is given its address, may give it something else.
    let entered = program.entered();
    for said in given.into_iter().filter(|said| !said.functions.iter().any(|function| entered.contains(function))) {
        if let Some(event) = events.get_mut(said.number) {
            event.args = said.event.args;
        }
    }
}

/// What it writes is not known here, but where the function is called it may be.
fn asks(event: &Event) -> bool {
    effects::constants(event).is_empty()
        && effects::written_arguments(event).filter_map(|n| event.args.get(n)).any(Arg::has_parameters)
}

/// The same with what all calls of the function give; `None`: they are not all known, or do not give the same.
fn one_level_up(program: &Program<'_>, asked: Asked, calls: &Map<u32, Vec<(u32, InternalCall)>>) -> Option<Asked> {
    let calls = calls.get(&asked.function)?;
    let known = program.references.calls_to(asked.function).count();
    let sites: Set<u32> = calls.iter().map(|(_, call)| call.site).collect();
    if known != sites.len() {
        return None;
    }
    let mut next: Option<(u32, Event)> = None;
    for (caller, call) in calls {
        let event = with_values(&asked.event, call);
        match &next {
            None => next = Some((*caller, event)),
            // A parameter of another caller is another one.
            Some((by, before)) => {
                if before.args != event.args && !says_same(before, &event) || asks(&event) && by != caller {
                    return None;
                }
            }
        }
    }
    let (caller, event) = next?;
    let functions = asked.functions.into_iter().chain([caller].into_iter().filter(|_| asks(&event))).collect();
    let is_said = asks(&event) || !effects::constants(&event).is_empty();
    is_said.then_some(Asked { event, function: caller, functions, number: asked.number })
}

fn says_same(one: &Event, other: &Event) -> bool {
    let said = effects::constants(one);
    !said.is_empty() && said == effects::constants(other)
}

/// The event with what a call gives for what is written, and nothing else of it.
fn with_values(event: &Event, call: &InternalCall) -> Event {
    let with = filled(event, call);
    let mut event = event.clone();
    for n in effects::written_arguments(&with) {
        if let (Some(arg), Some(of_call)) = (event.args.get_mut(n), with.args.get(n)) {
            arg.clone_from(of_call);
        }
    }
    event
}
