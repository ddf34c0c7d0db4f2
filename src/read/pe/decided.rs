//! Modes that a parameter decides by the way that is taken: a function that tests its flags and opens with one access or
//! another. Which parameter that is shows when the function is looked at with a number in its place.

use super::code::report::{Arg, Event, InternalCall, Number};
use super::code::slot::Slot;
use super::code::state::{PARAM_EAX, PARAM_ECX, PARAM_EDX};
use super::program::Program;
use super::resolve::{Pending, given, is_undecided};
use std::rc::Rc;

/// Most functions of one image that are tried.
const MAX_TRIED: usize = 24;
/// Most parameters of one function.
const MAX_PARAMETERS: u8 = 6;
/// Numbers that are tried: one alone may lead a way that says little of the others.
const TRIED: [u64; 3] = [0, 1, 2];

/// Whether an event writes is left to the callers, where a number for one of the parameters is all that is missing.
pub(super) fn ask(program: &Program<'_>, event: &mut Event, function: u32, below: Option<&Rc<Pending>>) {
    let positions = event.api.row.args.iter().skip(1).take(2).map(|n| usize::from(*n));
    let is_open = |arg: &Arg| arg.number.all().is_empty() && arg.texts.iter().all(|text| !text.is_full());
    let open: Vec<usize> = positions.filter(|n| event.args.get(*n).is_some_and(is_open)).collect();
    let unsaid = open.iter().filter_map(|n| event.args.get(*n)).all(|arg| arg.number == Number::Unknown);
    if open.is_empty() || !unsaid || !program.may_try(MAX_TRIED) {
        return;
    }
    // GCC passes arguments of functions that nobody else calls in registers too (x86).
    let fast: &[u8] = if program.image.is_64() { &[] } else { &[PARAM_ECX, PARAM_EAX, PARAM_EDX] };
    let pending = Pending { event: event.clone(), function, below: below.cloned() };
    let with = |parameter: u8, number: u64| {
        let args = vec![(parameter, Arg { number: Number::Known(vec![number]), ..Arg::default() })];
        let (bytes, frame) = (Vec::new(), Vec::new());
        let call = InternalCall { target: function, site: event.site, args, bytes, frame, compared: None };
        given(program, &pending, &call, false)
    };
    // A number that leads past the call says nothing against it.
    let decides = |parameter: &u8| {
        let found = TRIED.map(|number| with(*parameter, number).map(|event| !is_undecided(&event)));
        found.contains(&Some(true)) && !found.contains(&Some(false))
    };
    if let Some(parameter) = (0..MAX_PARAMETERS).chain(fast.iter().copied()).find(decides) {
        for n in open {
            if let Some(arg) = event.args.get_mut(n) {
                arg.number = Number::Made(Slot::of(parameter));
            }
        }
    }
}
