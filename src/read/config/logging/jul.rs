//! java.util.logging and the variant of Tomcat: which of the handlers that a file describes are in use.

use crate::facts::{Body, Certainty, Reading, Step};
use crate::read::config::document::Document;
use crate::read::config::tree::ROOT;
use std::collections::HashSet;

/// Makes what a handler writes that no list names a possibility only.
///
/// Java documentation, `LogManager`: `handlers` lists those of the root logger, `NAME.handlers` those of another one.
pub(crate) fn unlisted_handlers(document: &Document<'_>, reading: &mut Reading, first: usize) {
    let tree = &document.tree;
    let listed: HashSet<&str> = tree
        .elements(ROOT)
        .filter(|&node| tree.name(node) == "handlers" || tree.name(node).ends_with(".handlers"))
        .flat_map(|node| tree.value(node).split([',', ' ']).map(str::trim))
        .collect();
    // Without a list, the program itself adds its handlers.
    if listed.is_empty() {
        return;
    }
    let unlisted: HashSet<_> = tree
        .elements(ROOT)
        .filter(|&node| tree.name(node).rsplit_once('.').is_some_and(|(handler, _)| !listed.contains(handler)))
        .map(|node| document.site(node))
        .collect();
    for fact in reading.facts.iter_mut().skip(first) {
        if let Body::Effect(effect) = &mut fact.body
            && effect.via.starts_with("FileHandler.")
            && unlisted.contains(&fact.site)
        {
            effect.certainty = Certainty::Possible;
            effect.evidence.push(Step::new("no logger lists this handler: it is described but not in use"));
        }
    }
}
