//! Files that a script makes and removes again are scratch by intention.

use crate::facts::{Body, Extent, Operation, Phase, Reading, Store, Trait};
use std::collections::HashMap;

/// Marks what is deleted further down in the same script.
pub(super) fn mark(reading: &mut Reading) {
    let mut deleted: HashMap<String, (u32, u32)> = HashMap::new();
    for fact in &reading.facts {
        if let Body::Effect(effect) = &fact.body
            && effect.operation == Operation::Delete
            && matches!(effect.store, Store::File | Store::Directory)
            && effect.phase != Phase::NotShipped
            && effect.location.extent() != Extent::None
        {
            let at = (fact.site.line.unwrap_or(0), fact.site.column.unwrap_or(0));
            let last = deleted.entry(effect.location.key()).or_insert(at);
            *last = (*last).max(at);
        }
    }
    for fact in &mut reading.facts {
        let at = (fact.site.line.unwrap_or(0), fact.site.column.unwrap_or(0));
        if let Body::Effect(effect) = &mut fact.body
            && matches!(effect.operation, Operation::Create | Operation::Append | Operation::Write | Operation::Copy)
            && matches!(effect.store, Store::File | Store::Directory)
            && deleted.get(&effect.location.key()).is_some_and(|gone| *gone > at)
        {
            effect.mark(Trait::DeleteOnClose);
        }
    }
}
