//! Trace listeners of `System.Diagnostics` and of the Enterprise Library, which share their shape: a list of
//! listeners, and sources that refer to them.

use super::output_effects;
use crate::facts::{Certainty, Clue, ClueKind, Effect, Reading, Step, folder_of};
use crate::read::Input;
use crate::read::config::document::Document;
use crate::read::config::tree::{NodeId, Tree};
use memchr::memmem;
use std::cell::OnceCell;
use std::collections::HashSet;

/// Most files beside a configuration that are looked through for sources of traces.
const MAX_BESIDE: usize = 256;
/// Longest beginning of an assembly that is looked through.
const MAX_ASSEMBLY: u64 = 16 << 20;
/// The source that `My.Application.Log` writes to.
const DEFAULT_SOURCE: &str = "DefaultSource";

/// Reads `system.diagnostics`.
pub(crate) fn system_diagnostics(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    let mut active = Vec::new();
    // By all, and by others than the source of the template.
    let (mut referred, mut by_others) = (HashSet::new(), HashSet::new());
    for (list, is_default) in listener_lists(tree, root) {
        for add in kept(tree, list) {
            if tree.child(add, "type").is_some() {
                active.push(add);
            }
            let name = tree.get(add, "name").unwrap_or_default().to_owned();
            if !is_default {
                by_others.insert(name.clone());
            }
            referred.insert(name);
        }
    }
    let mut all: Vec<(NodeId, bool)> = active.into_iter().map(|add| (add, true)).collect();
    for shared in tree.children_named(root, "sharedListeners") {
        all.extend(
            tree.children_named(shared, "add")
                .map(|add| (add, referred.contains(tree.get(add, "name").unwrap_or_default()))),
        );
    }
    all.sort_unstable();
    let only_there = |effect: Effect| {
        let why = "as every project of Visual Basic has it: My.Application.Log writes to it once it is called";
        Effect { certainty: Certainty::Possible, ..effect.because(Step::new(why)) }
    };
    let written = OnceCell::new();
    for (add, in_use) in all {
        let tree = &document.tree;
        let by_others = by_others.contains(tree.get(add, "name").unwrap_or_default());
        let is_template = in_use && !by_others && is_of_template(tree, add);
        let is_template = is_template && !*written.get_or_init(|| has_own_source(document.input));
        let change = |effect| if is_template { only_there(effect) } else { effect };
        output_effects(document, reading, "listener", add, in_use, &|_| None, &change);
        let tree = &document.tree;
        let kind = tree.get(add, "type").unwrap_or_default();
        if in_use && kind.contains("DiagnosticMonitorTraceListener") {
            document.clue(reading, add, Clue::new(ClueKind::LogTransfer, "DiagnosticMonitorTraceListener", "trace"));
        }
    }
}

/// Is it the listener that every project of Visual Basic has, as it was made? It writes once somebody calls
/// `My.Application.Log`, which is told where that is done (MS documentation, "Walkthrough: Determining Where
/// My.Application.Log Writes Information").
fn is_of_template(tree: &Tree, add: NodeId) -> bool {
    tree.get(add, "type").is_some_and(|kind| kind.contains("FileLogTraceListener"))
        && tree.is(add, "initializeData", "FileLogWriter")
        && ["location", "customlocation", "basefilename"].iter().all(|key| tree.get(add, key).is_none())
}

/// May an assembly beside write to the source by itself? One that names `TraceSource` does: the program that the configuration
/// is of, or another where the name of the source stands in any (MS documentation, "TraceSource Class").
fn has_own_source(input: &Input<'_>) -> bool {
    let folder = folder_of(&input.artifact.path);
    let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let program = input.artifact.path.strip_suffix(".config").unwrap_or_default();
    let at = input.app.artifacts.partition_point(|artifact| artifact.path < start);
    let beside = input.app.artifacts[at..].iter().take_while(|artifact| artifact.path.starts_with(&start));
    // A literal is in UTF-16 (ECMA-335, II.24.2.4), a name in UTF-8 with a zero behind it (II.24.2.3).
    let literal: Vec<u8> = DEFAULT_SOURCE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (mut makes, mut names) = (false, false);
    for artifact in beside.take(MAX_BESIDE).filter(|a| matches!(a.extension().as_str(), "exe" | "dll")) {
        let Ok(bytes) = artifact.read(MAX_ASSEMBLY) else { continue };
        let has_type = memmem::find(&bytes, b"TraceSource\0").is_some();
        if has_type && artifact.path == program {
            return true;
        }
        makes |= has_type;
        names |= memmem::find(&bytes, &literal).is_some();
    }
    makes && names
}

/// What a list holds in the end: `remove` takes a listener out by its name, `clear` takes all (MS documentation,
/// "`<listeners>` element for `<trace>`").
fn kept(tree: &Tree, list: NodeId) -> Vec<NodeId> {
    let mut kept: Vec<NodeId> = Vec::new();
    for node in tree.elements(list) {
        let name = tree.get(node, "name").unwrap_or_default();
        match tree.name(node) {
            "add" => kept.push(node),
            "remove" => kept.retain(|&add| tree.get(add, "name").unwrap_or_default() != name),
            "clear" => kept.clear(),
            _ => {}
        }
    }
    kept
}

/// The `listeners` of `trace` and of every source that is not switched off, and whether that is the source that
/// `My.Application.Log` writes to.
fn listener_lists(tree: &Tree, root: NodeId) -> Vec<(NodeId, bool)> {
    let of_trace = tree.children_named(root, "trace").flat_map(|t| tree.children_named(t, "listeners"));
    let mut lists: Vec<(NodeId, bool)> = of_trace.map(|list| (list, false)).collect();
    for sources in tree.children_named(root, "sources") {
        for source in tree.children_named(sources, "source").filter(|&s| !tree.is(s, "switchValue", "Off")) {
            let is_default = tree.is(source, "name", DEFAULT_SOURCE);
            lists.extend(tree.children_named(source, "listeners").map(|list| (list, is_default)));
        }
    }
    lists
}

/// Reads `loggingConfiguration` of the Enterprise Library.
pub(crate) fn enterprise_library(document: &Document<'_>, root: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    if tree.is(root, "tracingEnabled", "false") && tree.child(root, "categorySources").is_none() {
        return;
    }
    let mut referred = HashSet::new();
    for sources in ["categorySources", "specialSources"].into_iter().filter_map(|name| tree.child(root, name)) {
        for source in tree.elements(sources).filter(|&s| !tree.is(s, "switchValue", "Off")) {
            for list in tree.children_named(source, "listeners") {
                referred
                    .extend(tree.children_named(list, "add").filter_map(|a| tree.get(a, "name")).map(str::to_owned));
            }
        }
    }
    for list in tree.children_named(root, "listeners") {
        for add in tree.children_named(list, "add") {
            let in_use = referred.contains(tree.get(add, "name").unwrap_or_default());
            output_effects(document, reading, "listener", add, in_use, &|_| None, &|e| e);
        }
    }
}
