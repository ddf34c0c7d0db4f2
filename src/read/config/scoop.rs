//! Manifests of Scoop: what a program keeps over its updates.
//!
//! ScoopInstaller/Scoop wiki, "App Manifests" and "Persistent data": what `persist` names is moved out of the folder of
//! the version and linked into it, because the program writes there while it runs.

use super::document::Document;
use super::tree::{NodeId, ROOT, Tree};
use crate::facts::{Certainty, Effect, Location, Operation, Reading, Step, Store, Text};

/// Where Scoop keeps data of programs, unless somebody has set `SCOOP`.
const PERSIST: &str = "%USERPROFILE%\\scoop\\persist";
/// What a manifest has besides.
const KEYS: &[&str] = &["version", "homepage"];
/// Where a manifest says what to fetch.
const SOURCES: &[&str] = &["url", "architecture"];

/// Is it a manifest that names what is kept?
pub(super) fn is_one(tree: &Tree) -> bool {
    let has = |name: &&str| tree.child(ROOT, name).is_some();
    has(&"persist") && KEYS.iter().all(has) && SOURCES.iter().any(has)
}

/// Says what is kept.
pub(super) fn read(document: &mut Document<'_>, reading: &mut Reading) {
    reading.format = "scoop".to_owned();
    let program = document.input.artifact.file_name();
    let program = program.rsplit_once('.').map_or(program, |(stem, _)| stem).to_owned();
    let Some(persist) = document.tree.child(ROOT, "persist") else { return };
    for (at, name) in kept(&document.tree, persist) {
        let mut location = Location::file(&Text::lit(format!("{PERSIST}\\{program}\\{name}")));
        // A name without an ending is a folder; what the program calls its files nobody says.
        if location.extension().is_none() {
            location = location.child(&Text::unknown());
        }
        // A collection of manifests says of no program that it is on the instance.
        let effect = Effect::new(Operation::Write, Store::File, location, Certainty::Possible, "persist")
            .because(Step::new("Scoop keeps it when another version of the program is installed"));
        document.effect(reading, at, effect);
    }
}

/// A name, a list of names, or pairs of a name in the folder of the program and another that it is kept under.
fn kept(tree: &Tree, persist: NodeId) -> Vec<(NodeId, String)> {
    let one = |node: NodeId| {
        let pair: Vec<NodeId> = tree.elements(node).collect();
        let named = pair.last().copied().unwrap_or(node);
        (named, tree.value(named).replace('/', "\\"))
    };
    let list: Vec<NodeId> = tree.elements(persist).collect();
    let list = if list.is_empty() { vec![persist] } else { list };
    list.into_iter().map(one).filter(|(_, name)| !name.is_empty()).collect()
}
