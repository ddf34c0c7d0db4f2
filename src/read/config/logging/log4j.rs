//! log4j: version 2 in XML, version 1 as properties.

use super::output_effects;
use crate::catalog::config::Syntax;
use crate::facts::{Certainty, Effect, Folder, Location, Operation, Reading, Step, Store};
use crate::read::config::document::Document;
use crate::read::config::syntax::expand;
use crate::read::config::tree::{NodeId, ROOT, Tree};
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
    let used = listed(tree);
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

/// Keys of version 1 that list appenders behind a level; a category is what its first versions called a logger.
const LISTS: &[&str] = &["log4j.rootLogger", "log4j.rootCategory", "log4j.logger.", "log4j.category."];

/// Names of the appenders of version 1 that a logger lists.
fn listed(tree: &Tree) -> HashSet<String> {
    let lists = tree.elements(ROOT).filter(|&key| LISTS.iter().any(|list| tree.name(key).starts_with(list)));
    lists.flat_map(|key| tree.value(key).split(',').skip(1)).map(|name| name.trim().to_owned()).collect()
}

/// What the keys of appenders of version 1 begin with.
const APPENDER: &str = "log4j.appender.";

/// The appenders of version 1 that are made: of the class that their own key names, for a logger that lists them (log4j
/// 1.2, `PropertyConfigurator`).
pub(crate) fn appenders_in_use(tree: &Tree) -> HashSet<String> {
    let listed = listed(tree);
    let named = tree.elements(ROOT).filter_map(|key| tree.name(key).strip_prefix(APPENDER));
    named.filter(|name| listed.contains(*name)).map(str::to_owned).collect()
}

/// Is a key an option of an appender that is never made?
pub(crate) fn is_of_idle_appender(name: &str, in_use: &HashSet<String>) -> bool {
    let option = name.strip_prefix(APPENDER).and_then(|rest| rest.split_once('.'));
    option.is_some_and(|(appender, _)| !in_use.contains(appender))
}

fn between<'a>(name: &'a str, start: &str, end: &str) -> Option<&'a str> {
    name.strip_prefix(start)?.strip_suffix(end)
}
