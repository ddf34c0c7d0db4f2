//! What a library of pages does whoever calls it. Most pages call nothing of it that leaves a trace, and it is run as a whole
//! only for those that do.

use crate::facts::{Body, Effect, Operation, Reading, Store};
use std::cell::LazyCell;
use std::collections::HashSet;
use std::rc::Rc;

/// A connection that a script made is no change where all that it asks is known to leave everything as it is.
pub(super) fn looked_at(reading: &mut Reading) {
    for fact in &mut reading.facts {
        if let Body::Effect(effect) = &mut fact.body
            && effect.store == Store::Database
            && effect.operation == Operation::Write
            && effect.via.starts_with("ADODB")
        {
            effect.operation = Operation::Read;
        }
    }
}

/// The headlines of its effects.
type Headlines = LazyCell<HashSet<String>, Box<dyn FnOnce() -> HashSet<String>>>;

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Told(Option<Rc<Headlines>>);

impl Told {
    /// What a run says, which is made when somebody asks.
    pub(super) fn when_asked(run: impl FnOnce() -> HashSet<String> + 'static) -> Self {
        Told(Some(Rc::new(LazyCell::new(Box::new(run)))))
    }

    /// The library does this by itself.
    pub(super) fn has(&self, effect: &Effect) -> bool {
        self.0.as_ref().is_some_and(|headlines| headlines.contains(&effect.headline()))
    }
}
