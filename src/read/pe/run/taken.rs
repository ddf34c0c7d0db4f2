//! Functions that nothing calls by its address: threads, closures, virtual functions. Whoever takes the address of such a
//! function, or makes the object whose table has it, or calls those, may lead to a call of it through memory, which only
//! a way knows. Such a way is not led: it goes wherever the code goes.

use super::super::Set;
use super::super::code::report::Event;
use super::super::program::Program;
use std::collections::BTreeSet;

/// No place in the code: a function is run for whatever it comes to.
const NOWHERE: u32 = u32::MAX;
/// Most levels of callers from a call up to a function that nothing calls.
const MAX_LEVELS: usize = 8;
/// Most levels of callers from which ways begin, above those who take an address.
pub(super) const MAX_ABOVE: usize = 6;
/// Most functions of one level.
const MAX_FUNCTIONS: usize = 4;

/// Where ways to an event begin that is in a function which others take the address of; none: nobody does.
pub(super) fn starts(program: &Program<'_>, event: &Event) -> Vec<Vec<(u32, u32)>> {
    let Some(function) = program.functions.function_of(event.done_at()) else { return Vec::new() };
    let mut seen = Set::from_iter([function]);
    let mut level = vec![function];
    let mut takers = BTreeSet::new();
    for _ in 0..MAX_LEVELS {
        let mut next = BTreeSet::new();
        for function in level {
            let callers = callers(program, function);
            if callers.is_empty() {
                takers.extend(program.takers(function));
            }
            next.extend(callers.into_iter().filter(|caller| seen.insert(*caller)));
        }
        level = next.into_iter().take(MAX_FUNCTIONS).collect();
    }
    begin(takers)
}

/// The same from those who call the functions with which ways began.
pub(super) fn above(program: &Program<'_>, level: &[Vec<(u32, u32)>]) -> Vec<Vec<(u32, u32)>> {
    let first = level.iter().filter_map(|steps| steps.first());
    let begun: BTreeSet<u32> = first.map(|(function, _)| *function).collect();
    let next: BTreeSet<u32> = begun.iter().flat_map(|function| callers(program, *function)).collect();
    begin(&next - &begun)
}

fn begin(functions: BTreeSet<u32>) -> Vec<Vec<(u32, u32)>> {
    functions.into_iter().take(MAX_FUNCTIONS).map(|function| vec![(function, NOWHERE)]).collect()
}

fn callers(program: &Program<'_>, function: u32) -> BTreeSet<u32> {
    program.callers(&Set::from_iter([function])).into_values().flatten().collect()
}
