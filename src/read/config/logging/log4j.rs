//! log4j: version 2 in XML, version 1 as properties.

use super::output_effects;
use crate::catalog::config::Syntax;
use crate::facts::{Certainty, Effect, Folder, Location, Operation, Reading, Step, Store};
use crate::read::config::document::Document;
use crate::read::config::syntax::expand;
use crate::read::config::tree::{NodeId, ROOT};
use std::collections::{HashMap, HashSet};

/// Reads a `Configuration` element of log4j 2.
pub(crate) fn log4j2(document: &Document<'_>, root: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    let mut variables = HashMap::new();
    for properties in tree.children_named(root, "Properties") {
        for property in tree.children_named(properties, "Property") {
            let value = tree.get(property, "value").unwrap_or_else(|| tree.value(property));
            variables.insert(tree.get(property, "name").unwrap_or_default().to_owned(), value.to_owned());
        }
    }
    let lookup = |name: &str| variables.get(name).cloned();
    let referred: HashSet<&str> = tree
        .descendants(root)
        .into_iter()
        .filter(|&n| tree.name(n).eq_ignore_ascii_case("AppenderRef"))
        .filter_map(|n| tree.get(n, "ref"))
        .collect();
    for list in tree.children_named(root, "Appenders") {
        for appender in tree.elements(list) {
            let in_use = tree.get(appender, "name").is_some_and(|name| referred.contains(name));
            output_effects(document, reading, "log4j2", appender, in_use, &lookup, &|e| e);
        }
    }
}

/// `log4j.appender.NAME.File`, where a logger lists `NAME`; in version 2 `appender.ID.fileName`, where a logger refers
/// to `appender.ID.name`.
pub(crate) fn log4j_properties(document: &Document<'_>, reading: &mut Reading) {
    let tree = &document.tree;
    // OPS4J Pax Logging puts the version before the keys.
    let name_of = |node: NodeId| tree.name(node).strip_prefix("log4j2.").unwrap_or(tree.name(node));
    let keys: HashMap<&str, NodeId> = tree.elements(ROOT).map(|n| (name_of(n), n)).collect();
    let used: HashSet<String> = keys
        .iter()
        .filter(|(key, _)| {
            key.starts_with("log4j.rootLogger")
                || key.starts_with("log4j.rootCategory")
                || key.starts_with("log4j.logger.")
        })
        .flat_map(|(_, n)| tree.value(*n).split(',').skip(1).map(|name| name.trim().to_owned()).collect::<Vec<_>>())
        .collect();
    let referred: HashSet<&str> = keys
        .iter()
        .filter(|(key, _)| key.contains(".appenderRef.") && key.ends_with(".ref"))
        .map(|(_, n)| tree.value(*n).trim())
        .collect();
    let value = |name: &str| keys.get(name).map(|n| tree.value(*n).to_owned());
    let lookup = |name: &str| value(name).or_else(|| value(&format!("property.{name}")));
    for key in tree.elements(ROOT) {
        let name = name_of(key);
        let (is_used, via) = if let Some(name) = between(name, "log4j.appender.", ".File") {
            (used.contains(name), "log4j.appender.File")
        } else if let Some(id) = between(name, "appender.", ".fileName") {
            let name = value(&format!("appender.{id}.name")).unwrap_or_default();
            (referred.contains(name.trim()), "appender.fileName")
        } else {
            continue;
        };
        let location = Location::file(&expand(Syntax::Java, tree.value(key), &lookup)).based_on(Folder::Cwd);
        let (certainty, why) = match is_used {
            true => (Certainty::Proven, "a file appender"),
            false => (Certainty::Possible, "a file appender that no logger lists"),
        };
        let effect = Effect::new(Operation::Append, Store::Log, location, certainty, via)
            .in_phase(document.phase.0, &document.phase.1)
            .because(Step::new(why));
        document.effect(reading, key, effect);
    }
}

fn between<'a>(name: &'a str, start: &str, end: &str) -> Option<&'a str> {
    name.strip_prefix(start)?.strip_suffix(end)
}
