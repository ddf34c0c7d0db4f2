//! Files that a script makes and removes again are scratch by intention.

use crate::facts::{Body, Certainty, Extent, Operation, Phase, Reading, Store, Trait};
use std::collections::HashMap;

/// Most lines that a scratch file lives: further away, the deletion may belong to another run.
const MAX_LIFE: u32 = 40;

/// Marks what is deleted further down in the same script. What lives for a few lines only, on one way through the
/// script, is no state at all and stays a possibility.
pub(super) fn mark(text: &str, reading: &mut Reading) {
    let mut deleted: HashMap<String, Vec<(u32, u32)>> = HashMap::new();
    for fact in &reading.facts {
        if let Body::Effect(effect) = &fact.body
            && effect.operation == Operation::Delete
            && matches!(effect.store, Store::File | Store::Directory)
            && effect.phase != Phase::NotShipped
            && effect.location.extent() != Extent::None
        {
            let at = (fact.site.line.unwrap_or(0), fact.site.column.unwrap_or(0));
            deleted.entry(effect.location.key()).or_default().push(at);
        }
    }
    if deleted.is_empty() {
        return;
    }
    let lines: Vec<&str> = text.lines().collect();
    for fact in &mut reading.facts {
        let at = (fact.site.line.unwrap_or(0), fact.site.column.unwrap_or(0));
        let Body::Effect(effect) = &mut fact.body else { continue };
        if !matches!(effect.operation, Operation::Create | Operation::Append | Operation::Write | Operation::Copy)
            || !matches!(effect.store, Store::File | Store::Directory)
        {
            continue;
        }
        let gone = deleted.get(&effect.location.key()).map(Vec::as_slice).unwrap_or_default();
        let Some(next) = gone.iter().filter(|gone| **gone > at).min() else { continue };
        effect.mark(Trait::DeleteOnClose);
        let between = lines.get(at.0 as usize..next.0 as usize).unwrap_or_default();
        if next.0 - at.0 <= MAX_LIFE && !between.iter().any(|line| leaves(line)) {
            effect.certainty = Certainty::Possible;
        }
    }
}

/// A label, a new function or section, or a way out: what follows is another way through the script.
fn leaves(line: &str) -> bool {
    let line = line.trim_start();
    let word: String = line.chars().take_while(|c| c.is_ascii_alphabetic()).collect();
    (line.starts_with(':') && !line.starts_with("::"))
        || matches!(
            word.to_ascii_lowercase().as_str(),
            "function" | "filter" | "sub" | "section" | "exit" | "goto" | "return" | "procedure"
        )
}
