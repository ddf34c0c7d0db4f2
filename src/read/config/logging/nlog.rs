//! NLog: targets that a rule writes to, in XML and in the JSON form, and NLog's own internal log.

use super::output_effects;
use crate::facts::Reading;
use crate::read::config::document::Document;
use crate::read::config::tree::{NodeId, ROOT, Role, Tree};
use crate::read::config::xml;
use crate::read::text::decode;
use std::collections::{HashMap, HashSet};

/// Largest included file that is read.
const MAX_INCLUDE: u64 = 4 << 20;
/// Most files that one configuration takes in.
const MAX_INCLUDES: usize = 32;
/// Files that include others, by the names under which NLog looks for its configuration.
const INCLUDERS: &[&str] = &["nlog.config", "web.config", "app.config"];
/// The number that marks nodes of other files.
const INCLUDED: u8 = 1;

/// Reads an `nlog` element, or the `NLog` section of a JSON document.
pub(crate) fn nlog(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    include(document, root);
    let tree = &document.tree;
    let variables = variables(tree, root);
    let lookup = |name: &str| variables.get(&name.to_lowercase()).cloned();
    let used = used_targets(tree, root);
    let mut databases = Vec::new();
    for target in targets(tree, root) {
        let in_use = names_above(tree, target).iter().any(|name| used.contains(&name.to_lowercase()));
        output_effects(document, reading, "nlog", target, in_use, &lookup, &|e| e);
        output_effects(document, reading, "nlog-archive", target, in_use, &lookup, &|e| e);
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

/// Takes in the files that this one includes, and the rules of the one that includes it: whether a target is in use
/// may be said in another file than the target.
fn include(document: &mut Document<'_>, root: NodeId) {
    let mut seen = HashSet::from([document.input.artifact.file_name().to_lowercase()]);
    let mut wanted = included(&document.tree, root);
    while let Some(file) = wanted.pop() {
        if seen.len() > MAX_INCLUDES || !seen.insert(file.to_lowercase()) {
            continue;
        }
        let Some((tree, from)) = load(document, &file) else { continue };
        wanted.extend(included(&tree, from));
        graft(document, root, &tree, from, &["targets", "rules", "variable"]);
    }
    let own = document.input.artifact.file_name().to_owned();
    for file in INCLUDERS.iter().filter(|file| !seen.contains(**file)) {
        let Some((tree, from)) = load(document, file) else { continue };
        if included(&tree, from).iter().any(|name| name.eq_ignore_ascii_case(&own)) {
            graft(document, root, &tree, from, &["rules", "variable"]);
            return;
        }
    }
}

/// Names of the files that `<include file="${basedir}/targets.config"/>` elements mean, without their folder: they
/// lie beside the file that names them.
fn included(tree: &Tree, root: NodeId) -> Vec<String> {
    let files = tree.children_named(root, "include").filter_map(|include| tree.get(include, "file"));
    files.map(|file| file.rsplit(['/', '\\', '}']).next().unwrap_or(file).to_owned()).collect()
}

fn load(document: &Document<'_>, file: &str) -> Option<(Tree, NodeId)> {
    let input = document.input;
    let bytes = input.app.sibling(input.artifact, file)?.read(MAX_INCLUDE).ok()?;
    let (tree, _) = xml::parse(&decode(&bytes, &mut Reading::default()));
    let root = tree.child(ROOT, "nlog").or_else(|| tree.at(ROOT, &["configuration", "nlog"]))?;
    Some((tree, root))
}

fn graft(document: &mut Document<'_>, root: NodeId, from: &Tree, of: NodeId, names: &[&str]) {
    for child in from.elements(of).filter(|&c| names.iter().any(|name| from.name(c).eq_ignore_ascii_case(name))) {
        // What the other file says is reported there.
        document.tree.graft(root, from, child, INCLUDED);
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
