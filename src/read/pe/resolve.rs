//! From the calls inside each function to calls with everything that callers pass filled in.

mod values;
mod ways;

use super::code::compared::without;
use super::code::filled::is_split as is_split_texts;
use super::code::gap::Gap;
use super::code::report::{Arg, Event, InternalCall, Number, Object};
use super::code::slot::Slot;
use super::code::state::PARAM_ECX;
use super::program::Program;
use super::{Map, Set, decided, effects, modes, run, told};
use crate::catalog::native::{self, Model};
use crate::facts::{Folder, Operation, Text, join_paths};
use std::collections::BTreeSet;
use std::rc::Rc;
use ways::{Way, is_entered_otherwise, way};

/// Most levels of callers that are asked for arguments.
const MAX_ROUNDS: usize = 6;
/// Most functions whose callers' arguments are asked for, per round.
const MAX_TARGETS: usize = 400;
/// Most functions whose callers are asked after a level of callers that had nothing to say.
const MAX_HOPELESS: usize = 64;
/// Most functions that are read again because more is known of what they are given.
const MAX_AGAIN: usize = 256;
/// Most callers of one function that are looked into.
const MAX_CALLERS: usize = 48;
/// Longest function, in bytes, that is asked what it passes: larger ones are state machines that compilers unroll, cost
/// as much as all others together, and say nothing.
const MAX_CALLER_LENGTH: u32 = 0x1_0000;
/// Most calls that are kept.
const MAX_EVENTS: usize = 20_000;

/// A call whose arguments are parameters of the function it is in.
pub(super) struct Pending {
    pub(super) event: Event,
    pub(super) function: u32,
    /// The same, seen from the function that this one called.
    pub(super) below: Option<Rc<Pending>>,
}

/// All calls of the image that matter; `true`: some were left out.
pub(crate) fn events(program: &Program<'_>) -> (Vec<Event>, bool) {
    let mut done = Vec::new();
    let mut pending = Vec::new();
    let mut capped = false;
    let mut functions = program.sinks().to_vec();
    // What calls them are asked for first.
    program.wanted.replace(Rc::new(functions.iter().copied().collect()));
    let mut seen: Set<u32> = functions.iter().copied().collect();
    // What was read before something was known that it is given: calls that were told of are not told of again.
    let mut told: Set<u32> = Set::default();
    let mut again = 0;
    let mut gave: Map<u32, usize> = Map::default();
    // What a delay-loaded function is called with says whoever calls it through its slot, not what loads it then.
    functions.retain(|function| !program.linkage.loaders.contains(function));
    seen.extend(&program.linkage.loaders);
    while let Some(function) = functions.pop() {
        let Some(report) = program.report(function, 0) else {
            capped = true;
            continue;
        };
        capped |= report.capped;
        let mut read_with_more = |other: u32, functions: &mut Vec<u32>| {
            let new = seen.insert(other);
            again += usize::from(!new);
            if new || again < MAX_AGAIN {
                program.forget(other);
                functions.push(other);
            }
        };
        // Whoever calls what makes an object of COM, or looks a function up, uses it.
        let gives = report.summary.gives_objects();
        if gives > gave.insert(function, gives).unwrap_or_default() {
            let callers: BTreeSet<u32> = program.callers(&Set::from_iter([function])).into_values().flatten().collect();
            callers.into_iter().for_each(|caller| read_with_more(caller, &mut functions));
        }
        for (target, slot, object) in &report.objects_handed {
            if program.hand_object(*target, *slot, *object) {
                read_with_more(*target, &mut functions);
            }
        }
        for (target, looked) in &report.functions_handed {
            if program.hand_function(*target, looked) {
                read_with_more(*target, &mut functions);
            }
        }
        // What several give is told of together: it is read behind all of them.
        for (target, settings) in &report.settings_handed {
            if program.hand_settings(*target, settings, function) {
                read_with_more(*target, &mut functions);
                functions.rotate_right(1);
            }
        }
        let new: Vec<&Event> = report.events.iter().filter(|event| !told.contains(&event.site)).collect();
        told.extend(new.iter().map(|event| event.site));
        for event in new {
            sort(program, event.clone(), function, None, &mut done, &mut pending);
        }
        // Whoever calls a function that was looked up by name goes through the variable that holds it.
        for (va, arg) in &report.summary.globals {
            if arg.function.is_some() || arg.com.is_some() {
                functions.extend(program.readers(*va).into_iter().filter(|reader| seen.insert(*reader)));
            }
        }
    }
    let mut said = true;
    for _ in 0..MAX_ROUNDS {
        // A function that everything else opens its files with is called by ever more that only hand on what they are
        // given: once they say nothing, asking all of theirs costs most of the time and gives no place.
        if pending.is_empty() || (!said && functions_of(&pending).len() > MAX_HOPELESS) {
            break;
        }
        (pending, said) = round(program, pending, &mut done, &mut capped);
    }
    done.extend(pending.into_iter().map(|p| p.event));
    if done.len() > MAX_EVENTS {
        capped = true;
        done.truncate(MAX_EVENTS);
    }
    values::give(program, &mut done);
    for event in &mut done {
        event.args.iter_mut().for_each(Arg::settle);
    }
    if done.iter().any(|event| reads_itself(program, event)) {
        done.iter_mut().flat_map(|event| &mut event.args).for_each(|arg| arg.gap = arg.gap.in_reader_of_itself());
    }
    run::locate(program, &mut done);
    told::tell(program, &mut done);
    done.sort_by(|a, b| (a.site, &a.through).cmp(&(b.site, &b.through)));
    (done, capped)
}

/// It opens the program's own file to read it. Stubs of installers and launchers do: their script is behind the image.
fn reads_itself(program: &Program<'_>, event: &Event) -> bool {
    let own = || join_paths(&Text::folder(Folder::AppDir), &Text::lit(program.file_name.clone()));
    !program.image.is_dll
        && modes::mode(event).is_some_and(|mode| mode.operation == Some(Operation::Read))
        && effects::argument(event, event.api.row.args.first().copied()).is_some_and(|path| path.texts.contains(&own()))
}

fn sort(
    program: &Program<'_>,
    event: Event,
    function: u32,
    below: Option<&Rc<Pending>>,
    done: &mut Vec<Event>,
    pending: &mut Vec<Pending>,
) {
    // What a library does is told of whoever calls it.
    if program.names.is_told(function, modes::mode(&event).is_some()) {
        program.replaced.borrow_mut().insert(event.via);
        return;
    }
    let Some(mut event) = runtime_open(program, event, function) else { return };
    // What is opened for a caller of the runtime is told of the call with its mode string.
    if program.openers.contains(&function) && opens_for_caller(&event) {
        program.replaced.borrow_mut().insert(event.via);
        return;
    }
    if is_undecided(&event) {
        decided::ask(program, &mut event, function, below);
    }
    if asks_callers(&event) {
        pending.push(Pending { event, function, below: below.cloned() });
    } else {
        done.push(event);
    }
}

/// It opens what the caller of the function names.
fn opens_for_caller(event: &Event) -> bool {
    let path = effects::argument(event, event.api.row.args.first().copied());
    modes::mode(event).is_some() && path.is_some_and(Arg::has_parameters)
}

/// What a runtime that is linked into the image opens is what its callers ask it to: `_open` with their flags. `None`:
/// the call of the function that opens for them is reported itself.
fn runtime_open(program: &Program<'_>, mut event: Event, function: u32) -> Option<Event> {
    match event.api.row.model {
        Some(Model::CreateFile) if program.decoders.contains(&function) => {
            let path = event.args.first().cloned().unwrap_or_default();
            // It tries again with less access; the first try says the same.
            let flags = program.runtime_flags(function, event.site)?;
            let number = flags.map_or(Number::Unknown, Number::Param);
            let name = if event.api.wide { "_wopen" } else { "_open" };
            event.api = native::find_by_name(name)?;
            program.replaced.borrow_mut().insert(event.via);
            event.via = format!("crt!{name}");
            event.args = vec![path, Arg { number, gap: Gap::Computed, ..Arg::default() }];
        }
        Some(Model::Oflag) if program.openers.contains(&function) && event.via.starts_with("crt!") => return None,
        _ => {}
    }
    Some(event)
}

/// An argument that says where or how is a parameter of the function.
fn asks_callers(event: &Event) -> bool {
    let row = event.api.row;
    // The name in the structure of a native call stands behind its arguments.
    let named =
        matches!(row.model, Some(Model::NtCreateFile | Model::NtOpenFile)).then(|| event.args.len().wrapping_sub(1));
    let asks = |(n, arg): (usize, &Arg)| (row.judges(n) || named == Some(n)) && arg.has_parameters();
    event.args.iter().enumerate().any(asks) || event.args.iter().any(Arg::is_made) && is_undecided(event)
}

/// It opens something, and whether it writes is not known.
pub(super) fn is_undecided(event: &Event) -> bool {
    modes::mode(event).is_some_and(|mode| mode.operation.is_none() || mode.ambiguous)
}

/// It writes, and which of several modes it has may be what the caller says.
fn is_vague(event: &Event) -> bool {
    modes::mode(event).is_some_and(|mode| mode.vague)
}

fn functions_of(pending: &[Pending]) -> Vec<u32> {
    let mut functions: Vec<u32> = pending.iter().map(|p| p.function).collect();
    functions.sort_unstable();
    functions.dedup();
    functions
}

/// One level of callers; `true`: one of them says what was not known.
fn round(
    program: &Program<'_>,
    pending: Vec<Pending>,
    done: &mut Vec<Event>,
    capped: &mut bool,
) -> (Vec<Pending>, bool) {
    let mut targets = functions_of(&pending);
    *capped |= targets.len() > MAX_TARGETS;
    targets.truncate(MAX_TARGETS);
    let targets: Set<u32> = targets.into_iter().collect();
    let calls = calls_of(program, &targets, capped);
    let mut next = Vec::new();
    let mut said = false;
    for pending in pending {
        let pending = Rc::new(pending);
        match calls.get(&pending.function) {
            Some(calls) if !calls.is_empty() && done.len() + next.len() < MAX_EVENTS => {
                let mut barred = 0;
                for (caller, call) in calls {
                    let way = way(program, &pending, call);
                    if way == Way::Barred {
                        barred += 1;
                        continue;
                    }
                    // A method of the language's libraries is told of by its name.
                    if program.keepers.is_told(call.site) {
                        program.replaced.borrow_mut().insert(pending.event.via.clone());
                        continue;
                    }
                    let mut event = called(program, &pending, call);
                    event.unlikely |= way == Way::Unlikely;
                    said |= says_more(&pending.event, &event);
                    sort(program, event, *caller, Some(&pending), done, &mut next);
                }
                if barred == calls.len() && is_entered_otherwise(program, pending.function) {
                    done.push(from_outside(pending.event.clone()));
                }
            }
            _ => done.extend(of_objects(program, from_outside(pending.event.clone()), pending.function)),
        }
    }
    (next, said)
}

/// A caller gave a name, or some of it.
fn says_more(before: &Event, after: &Event) -> bool {
    let known = |arg: &Arg| arg.texts.iter().any(|text| !text.is_unknown() && !text.is_empty());
    let pairs = before.args.iter().zip(&after.args);
    pairs.into_iter().any(|(before, after)| before.has_parameters() && !after.has_parameters() && known(after))
}

/// The event with what a call gives. Where that does not say whether it writes, the function is looked at again with the
/// numbers of the call: flags are computed from them, or the way to the opening call depends on them.
fn called(program: &Program<'_>, pending: &Pending, call: &InternalCall) -> Event {
    let event = filled(&pending.event, call);
    if is_undecided(&event) || is_vague(&event) {
        let decided = |addresses: bool| {
            let again = given(program, pending, call, addresses).map(|again| filled(&again, call));
            again.filter(|again| !is_undecided(again))
        };
        let by_numbers = decided(false).unwrap_or(event);
        // Letters of a text that is given may decide: where it stands they are known.
        let looks = is_vague(&by_numbers) || is_undecided(&by_numbers);
        let by_letters = (looks && ways::looks_into_literals(program, pending.function, call)).then(|| decided(true));
        return by_letters.flatten().unwrap_or(by_numbers);
    }
    if is_split(&pending.event) || is_several(&event) {
        let again = given(program, pending, call, true).map(|again| filled(&again, call));
        return again.filter(|again| places(again) < places(&event)).unwrap_or(event);
    }
    // What stands for nothing is often replaced, or not used at all.
    if becomes_null(&pending.event, &event) {
        let again = given(program, pending, call, false).map(|again| filled(&again, call));
        return again.unwrap_or_else(|| guessed(event));
    }
    event
}

/// Whether nothing is given on in this way, or something else in its place, was not looked at.
fn guessed(mut event: Event) -> Event {
    event.args.iter_mut().filter(|arg| arg.is_null()).for_each(|arg| arg.weak = true);
    event
}

/// It is about one of several places.
fn is_several(event: &Event) -> bool {
    event.args.iter().enumerate().any(|(n, arg)| event.api.row.judges(n) && arg.texts.len() > 1)
}

/// The caller gives nothing where the function names something. No flags name nothing, but say how something is opened.
fn becomes_null(before: &Event, after: &Event) -> bool {
    let row = after.api.row;
    let opens = modes::mode(after).is_some();
    let names = |n: usize| row.judges(n) && !(opens && row.args.iter().skip(1).any(|how| usize::from(*how) == n));
    let mut pairs = before.args.iter().zip(&after.args).enumerate();
    pairs.any(|(n, (before, after))| names(n) && before.has_parameters() && after.is_null())
}

/// One of its places is made of a parameter and another is not: which one may depend on whether the parameter is null.
fn is_split(event: &Event) -> bool {
    let split = |arg: &Arg| is_split_texts(&arg.texts) || arg.handle.as_ref().is_some_and(|h| is_split_texts(&h.texts));
    event.args.iter().any(split)
}

/// How many places the arguments of an event may name.
fn places(event: &Event) -> usize {
    let of = |arg: &Arg| arg.texts.len() + arg.handle.as_ref().map_or(0, |handle| handle.texts.len());
    event.args.iter().map(of).sum()
}

/// The event as the function makes it when it is called with the numbers of this call. An address says nothing about
/// modes, but it is not null.
pub(super) fn given(program: &Program<'_>, pending: &Pending, call: &InternalCall, addresses: bool) -> Option<Event> {
    let image = &program.image;
    let numbers = call.args.iter().filter_map(|(n, arg)| Some((*n, arg.number.only()?)));
    let numbers: Vec<(u8, u64)> = numbers.filter(|(_, number)| addresses || image.rva_of(*number).is_none()).collect();
    let bytes = if addresses { &[] } else { call.bytes.as_slice() };
    if numbers.is_empty() && bytes.is_empty() {
        return None;
    }
    let below = pending.below.as_ref().map(|below| below.function);
    let report = program.report_given_behind(pending.function, (&numbers, bytes), below, 0)?;
    let Some(below) = &pending.below else {
        let same = |event: &&Event| event.site == pending.event.site && event.via == pending.event.via;
        return report.events.iter().find(same).cloned();
    };
    let site = pending.event.through.last()?;
    let inner = report.calls.iter().find(|inner| inner.site == *site && inner.target == below.function)?;
    let event = given(program, below, inner, addresses).unwrap_or_else(|| below.event.clone());
    Some(filled(&event, inner))
}

/// No call of the function is known: whatever depends on a parameter comes from elsewhere.
fn from_outside(mut event: Event) -> Event {
    for arg in event.args.iter_mut().filter(|arg| arg.has_parameters() || arg.is_made()) {
        arg.gap = Gap::Outside;
    }
    event
}

/// A method without direct calls may be a virtual one: the same event for each object that it may be called with.
fn of_objects(program: &Program<'_>, event: Event, function: u32) -> Vec<Event> {
    let this: &[u8] = if program.image.is_64() { &[0] } else { &[PARAM_ECX, 0] };
    for param in this {
        if !event.args.iter().any(|arg| arg.is_behind(*param)) {
            continue;
        }
        let objects = program.objects_of(function);
        if objects.is_empty() {
            continue;
        }
        let filled = |object: &Rc<Object>| {
            let passed = |n: u8| (n == *param).then(|| Arg { object: Some(object.clone()), ..Arg::default() });
            Event { args: event.args.iter().map(|arg| arg.filled(&passed)).collect(), ..event.clone() }
        };
        return objects.iter().map(filled).collect();
    }
    vec![event]
}

/// Calls of the targets, with the function each is in.
fn calls_of(program: &Program<'_>, targets: &Set<u32>, capped: &mut bool) -> Map<u32, Vec<(u32, InternalCall)>> {
    let callers = program.callers(targets);
    let mut functions: Vec<u32> = callers
        .values()
        .flat_map(|set| {
            let mut some: Vec<u32> = set.iter().copied().collect();
            some.sort_unstable();
            some.truncate(MAX_CALLERS);
            some
        })
        .collect();
    functions.sort_unstable();
    functions.dedup();
    let all = functions.len();
    let length = |start: u32| program.functions.end_of(start).map_or(0, |end| end.saturating_sub(start));
    functions.retain(|function| length(*function) <= MAX_CALLER_LENGTH);
    *capped |= functions.len() < all;
    // Those that call them are likely to be asked for next.
    program.wanted.replace(Rc::new(targets.iter().chain(&functions).copied().collect()));
    let mut calls: Map<u32, Vec<(u32, InternalCall)>> = Map::default();
    for function in functions {
        let called: Vec<u32> =
            callers.iter().filter(|(_, by)| by.contains(&function)).map(|(target, _)| *target).collect();
        let Some(report) = program.report_with_calls(function, &called) else { continue };
        for call in report.calls.iter().filter(|call| targets.contains(&call.target)) {
            calls.entry(call.target).or_default().push((function, call.clone()));
        }
    }
    let mut uncalled: Vec<u32> = targets.iter().copied().filter(|target| !calls.contains_key(target)).collect();
    uncalled.sort_unstable();
    for function in uncalled {
        let through = program.calls_through(function);
        calls.insert(function, if through.is_empty() { program.virtual_calls(function) } else { through });
    }
    calls
}

fn filled(event: &Event, call: &InternalCall) -> Event {
    /// Most words that one call is known to compare its arguments with.
    const MAX_COMPARED: usize = 128;
    let compared = event.compared.as_deref().unwrap_or_default();
    let passed = |n: u8| -> Option<Arg> {
        let arg = call.args.iter().find(|(parameter, _)| *parameter == n).map(|(_, arg)| arg.clone())?;
        let with = |text: &Text| compared.iter().any(|(slot, word)| *slot == Slot::of(n) && word == text);
        Some(without(arg, with))
    };
    let mut filled = event.clone();
    filled.compared.clone_from(&call.compared);
    // What the function compares of a parameter that its caller hands on is compared of the caller's.
    let handed = compared.iter().flat_map(|(slot, word)| {
        let arg = call.args.iter().find(|(parameter, _)| slot.is_plain() && *parameter == slot.param);
        let whole = arg.into_iter().flat_map(|(_, arg)| &arg.texts).filter_map(|text| Slot::of_whole(text.as_hole()?));
        whole.map(move |slot| (slot, word.clone()))
    });
    // Each is said once: along a chain of calls there would be more of them at each level.
    let mut all: Vec<(Slot, Text)> = call.compared.iter().flat_map(|all| all.iter().cloned()).collect();
    let own = all.len();
    for one in handed {
        if all.len() < MAX_COMPARED && !all.contains(&one) {
            all.push(one);
        }
    }
    if all.len() > own {
        filled.compared = Some(all.into());
    }
    filled.args = event.args.iter().map(|arg| arg.filled(&passed)).collect();
    filled.through.push(call.site);
    filled
}
