//! log4net, log4j 1 and logback, which share their shape: appenders that a logger refers to, directly or through a
//! forwarding appender.

use super::output_effects;
use crate::facts::{Effect, Hole, Location, Operation, Reading, Source, Store};
use crate::read::config::document::Document;
use crate::read::config::tree::{NodeId, Tree};
use std::collections::{HashMap, HashSet};

/// Reads a `log4net` element, nested or alone.
pub(crate) fn log4net(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    appenders(document, root, "log4net", reading);
}

/// Reads the `configuration` element of logback or log4j 1.
pub(crate) fn logback(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    appenders(document, root, "logback", reading);
}

fn appenders(document: &mut Document<'_>, root: NodeId, dialect: &str, reading: &mut Reading) {
    let tree = &document.tree;
    let variables: HashMap<String, String> = tree
        .children_named(root, "property")
        .chain(tree.children_named(root, "variable"))
        .filter_map(|p| Some((tree.get(p, "name")?.to_owned(), tree.get(p, "value")?.to_owned())))
        .collect();
    let lookup = |name: &str| variables.get(name).cloned();
    let used = used_appenders(tree, root);
    let appenders: Vec<NodeId> = tree.children_named(root, "appender").collect();
    for appender in appenders {
        let tree = &document.tree;
        let name = tree.get(appender, "name").unwrap_or_default().to_owned();
        let in_use = used.contains(&name) && !is_off(tree, appender, "threshold");
        let adjust = |effect: Effect| file_details(&document.tree, appender, effect);
        output_effects(document, reading, dialect, appender, in_use, &lookup, &adjust);
        if in_use {
            database_appender(document, appender, reading);
        }
    }
}

/// Names of the appenders that loggers reach. A logger whose level is OFF logs nothing of its own.
fn used_appenders(tree: &Tree, root: NodeId) -> HashSet<String> {
    let mut used = HashSet::new();
    if tree.is(root, "threshold", "OFF") {
        return used;
    }
    let mut work: Vec<String> = Vec::new();
    for logger in tree.elements(root).filter(|&n| ["root", "logger", "category"].contains(&tree.name(n))) {
        if !is_off(tree, logger, "level") && !is_off(tree, logger, "priority") {
            work.extend(references(tree, logger));
        }
    }
    let mut appenders: HashMap<&str, Vec<NodeId>> = HashMap::new();
    for appender in tree.children_named(root, "appender") {
        appenders.entry(tree.get(appender, "name").unwrap_or_default()).or_default().push(appender);
    }
    while let Some(name) = work.pop() {
        // Taken out, because each appender needs one visit only.
        for appender in appenders.remove(name.as_str()).into_iter().flatten() {
            work.extend(references(tree, appender));
        }
        used.insert(name);
    }
    used
}

fn references(tree: &Tree, of: NodeId) -> Vec<String> {
    tree.children_named(of, "appender-ref").filter_map(|r| tree.get(r, "ref")).map(str::to_owned).collect()
}

/// `<level value="OFF"/>`, or logback's `level="OFF"`.
fn is_off(tree: &Tree, of: NodeId, name: &str) -> bool {
    tree.is(of, name, "OFF") || tree.child(of, name).is_some_and(|level| tree.is(level, "value", "OFF"))
}

/// Whether the file is truncated, and the part of the name that rolling adds.
fn file_details(tree: &Tree, appender: NodeId, mut effect: Effect) -> Effect {
    let option = |name: &str| {
        tree.child(appender, name).and_then(|n| tree.get(n, "value")).or_else(|| {
            let param = tree.children_named(appender, "param").find(|&p| tree.is(p, "name", name))?;
            tree.get(param, "value")
        })
    };
    if effect.store != Store::Log {
        return effect;
    }
    if option("appendToFile").is_some_and(|v| v.eq_ignore_ascii_case("false")) {
        effect.operation = Operation::Create;
    }
    // RollingFileAppender: without a static name the date is part of the name, and a path that ends with a
    // separator is only the folder.
    if option("staticLogFileName").is_some_and(|v| v.eq_ignore_ascii_case("false")) && option("datePattern").is_some() {
        let folder_only =
            tree.child(appender, "file").and_then(|f| tree.get(f, "value")).is_some_and(|v| v.ends_with(['\\', '/']));
        let mut text = effect.location.text().clone();
        if folder_only {
            text.push_lit("\\");
        }
        text.push_hole(Hole::From(Source::Generated, "time".to_owned()));
        effect.location = Location::named(text);
    }
    effect
}

/// `AdoNetAppender`: its connection string is a store like any other.
fn database_appender(document: &mut Document<'_>, appender: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    let value_of = |name: &str| tree.child(appender, name).and_then(|n| tree.child(n, "value"));
    let Some(connection) = value_of("connectionString") else { return };
    let provider = value_of("connectionType").map(|t| tree.value(t).to_owned()).unwrap_or_default();
    let name = format!("log4net/{}", tree.get(appender, "name").unwrap_or_default());
    document.connection(reading, connection, &name, &provider, "AdoNetAppender/connectionString");
}
