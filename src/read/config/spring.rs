//! Placeholders of Spring and their defaults.
//!
//! Spring Framework reference, "Placeholder resolution": `${name:default}` is the variable or property `name`, or what
//! stands behind the colon where nothing sets it. Other keys of the same file are such properties.

use super::document::Document;
use super::syntax::{closing_brace, expand};
use super::tree::{NodeId, ROOT};
use crate::catalog::config::Syntax;
use crate::facts::{Clue, ClueKind, Location, Reading, Text};
use std::collections::HashMap;

/// Deepest nesting of placeholders that is followed.
const MAX_NESTING: usize = 4;
/// Longest value that is filled in.
const MAX_VALUE: usize = 4096;

/// Fills in what the file itself says, and tells the defaults of what it does not: the value keeps the mere name, which
/// whatever sets it resolves.
pub(super) fn fill_in(document: &mut Document<'_>, reading: &mut Reading) {
    let tree = &document.tree;
    let own: HashMap<String, String> = (tree.elements(ROOT))
        .filter(|&id| tree.node(id).children.is_empty())
        .map(|id| (tree.name(id).to_owned(), tree.value(id).to_owned()))
        .collect();
    let with_placeholder: Vec<NodeId> = tree
        .descendants(ROOT)
        .into_iter()
        .filter(|&id| tree.value(id).contains("${") && tree.value(id).len() <= MAX_VALUE)
        .collect();
    for id in with_placeholder {
        let mut defaults = Vec::new();
        let value = filled(document.tree.value(id), &own, &mut defaults, 0);
        document.tree.node_mut(id).value = value;
        for (name, default) in defaults {
            let text = expand(Syntax::Java, &default, &|_| None);
            let mut clue = Clue::new(ClueKind::ConfigValue, format!("default/{name}"), &default);
            if text != Text::lit(&default) {
                clue = clue.at(Location::named(text));
            }
            document.clue(reading, id, clue);
        }
    }
}

/// The value with what the file says in its places.
fn filled(value: &str, own: &HashMap<String, String>, defaults: &mut Vec<(String, String)>, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, tail)) = rest.split_once("${") {
        out.push_str(before);
        let Some(end) = closing_brace(tail) else {
            out.push_str("${");
            rest = tail;
            break;
        };
        let inner = &tail[..end];
        // `:-` is the sign of other languages, and `env:` a lookup of theirs.
        let (name, default) = match inner.split_once(':') {
            Some((name, default)) if !default.starts_with('-') && name != "env" && name != "sys" => {
                (name, Some(default))
            }
            _ => (inner, None),
        };
        let said = own.get(name).filter(|said| depth < MAX_NESTING && out.len() + said.len() <= MAX_VALUE);
        match (said, default) {
            (Some(said), _) => out.push_str(&filled(said, own, defaults, depth + 1)),
            (None, Some(default)) if depth < MAX_NESTING => {
                let default = filled(default, own, defaults, depth + 1);
                out.push_str(&format!("${{{name}}}"));
                defaults.push((name.to_owned(), default));
            }
            _ => out.push_str(&format!("${{{inner}}}")),
        }
        rest = &tail[end + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_itself_comes_before_the_default() {
        let own =
            HashMap::from([("base".to_owned(), "C:/data".to_owned()), ("loop".to_owned(), "${loop}x".to_owned())]);
        let mut defaults = Vec::new();
        assert_eq!(filled("${base}/a", &own, &mut defaults, 0), "C:/data/a");
        assert_eq!(filled("${base:D:/x}/a", &own, &mut defaults, 0), "C:/data/a");
        assert_eq!(defaults, []);
        assert_eq!(filled("${LOGS:${base}/logs}/a", &own, &mut defaults, 0), "${LOGS}/a");
        assert_eq!(defaults, [("LOGS".to_owned(), "C:/data/logs".to_owned())]);
        assert_eq!(filled("${LOGS:-x} ${open", &own, &mut defaults, 0), "${LOGS:-x} ${open");
        assert!(filled("${loop}", &own, &mut defaults, 0).len() < 64);
    }
}
