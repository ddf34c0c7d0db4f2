//! What the joins look at, counted: a join that compares everything with everything shows in the number, on any machine.

use crate::facts::Fact;
use std::cell::Cell;

thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// One fact, folder or candidate was looked at.
pub(super) fn step() {
    STEPS.with(|steps| steps.set(steps.get().wrapping_add(1)));
}

/// The number so far, which starts again at zero.
pub(super) fn take() -> usize {
    STEPS.with(|steps| steps.replace(0))
}

/// Facts, counted as they are looked at.
pub(super) fn counted(facts: &[Fact]) -> impl Iterator<Item = &Fact> {
    facts.iter().inspect(|_| step())
}

/// The same, to change them.
pub(super) fn counted_mut(facts: &mut [Fact]) -> impl Iterator<Item = &mut Fact> {
    facts.iter_mut().inspect(|_| step())
}
