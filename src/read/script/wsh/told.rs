//! What a library of pages does whoever calls it. Most pages call nothing of it that leaves a trace, and it is run as a whole
//! only for those that do.

use crate::facts::Effect;
use std::cell::LazyCell;
use std::collections::HashSet;
use std::rc::Rc;

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
