//! NLog: targets that a rule writes to, in XML and in the JSON form, and NLog's own internal log.

use super::output_effects;
use crate::facts::Reading;
use crate::read::config::document::Document;
use crate::read::config::tree::{NodeId, Role, Tree};
use std::collections::{HashMap, HashSet};

/// Reads an `nlog` element, or the `NLog` section of a JSON document.
pub(crate) fn nlog(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    let variables = variables(tree, root);
    let lookup = |name: &str| variables.get(&name.to_lowercase()).cloned();
    let used = used_targets(tree, root);
    let mut databases = Vec::new();
    for target in targets(tree, root) {
        let in_use = names_above(tree, target).iter().any(|name| used.contains(&name.to_lowercase()));
        output_effects(document, reading, "nlog", target, in_use, &lookup, &|e| e);
        if in_use && let Some(connection) = tree.child(target, "connectionString") {
            databases.push((target, connection));
        }
    }
    if tree.get(root, "internalLogFile").is_some() && !tree.is(root, "internalLogLevel", "Off") {
        output_effects(document, reading, "nlog-internal", root, true, &lookup, &|e| e);
    }
    for (target, connection) in databases {
        let tree = &document.tree;
        let provider = tree.get(target, "dbProvider").unwrap_or_default().to_owned();
        let name = format!("nlog/{}", target_name(tree, target));
        document.connection(reading, connection, &name, &provider, "target@connectionString");
    }
}

fn variables(tree: &Tree, root: NodeId) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for variable in tree.children_named(root, "variable") {
        let value = tree.get(variable, "value").unwrap_or_else(|| tree.value(variable));
        found.insert(tree.get(variable, "name").unwrap_or_default().to_lowercase(), value.to_owned());
    }
    if let Some(members) = tree.child(root, "variables") {
        for member in tree.elements(members) {
            found.insert(tree.name(member).to_lowercase(), tree.value(member).to_owned());
        }
    }
    found
}

/// All targets, those inside wrappers too. In JSON a target is a member of `targets` and has its name from there.
fn targets(tree: &Tree, root: NodeId) -> Vec<NodeId> {
    let mut found = Vec::new();
    for list in tree.children_named(root, "targets") {
        for node in tree.descendants(list).into_iter().skip(1) {
            let is_target = match tree.node(node).role {
                Role::Element => matches!(tree.name(node), "target" | "wrapper-target" | "compound-target"),
                Role::Member => tree.child(node, "type").is_some(),
                Role::Attribute => false,
            };
            if is_target {
                found.push(node);
            }
        }
    }
    found
}

fn target_name(tree: &Tree, target: NodeId) -> String {
    match tree.get(target, "name") {
        Some(name) => name.to_owned(),
        None if tree.node(target).role == Role::Member => tree.name(target).to_owned(),
        None => String::new(),
    }
}

/// The names of a target and of the wrappers around it.
fn names_above(tree: &Tree, target: NodeId) -> Vec<String> {
    let mut names = Vec::new();
    let mut at = target;
    while !tree.name(at).eq_ignore_ascii_case("targets") && tree.node(at).parent != at {
        let name = target_name(tree, at);
        if !name.is_empty() {
            names.push(name);
        }
        at = tree.node(at).parent;
    }
    names
}

/// Names that enabled rules write to, in lower case.
fn used_targets(tree: &Tree, root: NodeId) -> HashSet<String> {
    let mut used = HashSet::new();
    for rules in tree.children_named(root, "rules") {
        for rule in tree.elements(rules) {
            let off = tree.is(rule, "enabled", "false")
                || ["level", "levels", "minlevel"].iter().any(|l| tree.is(rule, l, "Off"));
            if off {
                continue;
            }
            for list in ["writeTo", "appendTo"].iter().filter_map(|a| tree.get(rule, a)) {
                used.extend(list.split([',', ';']).map(|name| name.trim().to_lowercase()));
            }
        }
    }
    used
}
