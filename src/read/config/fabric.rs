//! Service Fabric manifests: services and their instances, what is set up and started, and stateful services.

use super::command::{Launch, run};
use super::document::Document;
use super::tree::{NodeId, Tree};
use crate::facts::{Clue, ClueKind, Folder, Reading, Text};
use std::collections::HashMap;

/// Reads `ServiceManifest`, `ApplicationManifest` or `Settings`.
pub(crate) fn read(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    reading.format = "service-fabric".to_owned();
    let defaults = parameter_defaults(&document.tree, root);
    for node in document.tree.descendants(root) {
        match document.tree.name(node) {
            "SetupEntryPoint" => host(document, reading, node, "entrypoint-setup"),
            "EntryPoint" => host(document, reading, node, "entrypoint"),
            "StatelessServiceType" => role(document, reading, node, "stateless-service"),
            "StatefulServiceType" => role(document, reading, node, "stateful-service"),
            "StatelessService" => instances(document, reading, node, "InstanceCount", &defaults),
            "StatefulService" => instances(document, reading, node, "TargetReplicaSetSize", &defaults),
            "EnvironmentVariable" => named(document, reading, node, "env", "Name", "Value"),
            "Parameter" if document.tree.child(node, "DefaultValue").is_some() => {
                named(document, reading, node, "parameter", "Name", "DefaultValue");
            }
            "Parameter" => {
                let section = document.tree.node(node).parent;
                let section = document.tree.get(section, "Name").unwrap_or_default().to_owned();
                named(document, reading, node, &section, "Name", "Value");
            }
            _ => {}
        }
    }
}

fn host(document: &mut Document<'_>, reading: &mut Reading, node: NodeId, how: &'static str) {
    let tree = &document.tree;
    let Some(program) = tree.descendants(node).into_iter().find(|&n| tree.name(n) == "Program") else { return };
    let parent = tree.node(program).parent;
    let arguments = tree.get(parent, "Arguments").unwrap_or_default();
    let command = format!("\"{}\" {arguments}", tree.value(program));
    let why =
        if how == "entrypoint" { "the entry point of the service" } else { "set up before each start of the service" };
    run(document, reading, program, &Text::lit(command), &Launch::new(how, why, Text::folder(Folder::AppDir)));
}

fn role(document: &mut Document<'_>, reading: &mut Reading, node: NodeId, kind: &str) {
    let name = document.tree.get(node, "ServiceTypeName").unwrap_or_default().to_owned();
    document.clue(reading, node, Clue::new(ClueKind::Role, kind, name));
}

/// A number, or a parameter in brackets whose default the manifest gives.
fn instances(
    document: &mut Document<'_>,
    reading: &mut Reading,
    node: NodeId,
    attribute: &str,
    defaults: &HashMap<String, String>,
) {
    let tree = &document.tree;
    let Some(at) = tree.child(node, attribute) else { return };
    let written = tree.value(at);
    let value = match written.strip_prefix('[').and_then(|w| w.strip_suffix(']')) {
        Some(parameter) => defaults.get(parameter).cloned().unwrap_or_else(|| written.to_owned()),
        None => written.to_owned(),
    };
    let name = tree.get(node, "ServiceTypeName").unwrap_or_default().to_owned();
    document.clue(reading, at, Clue::new(ClueKind::Instances, name, value));
}

fn parameter_defaults(tree: &Tree, root: NodeId) -> HashMap<String, String> {
    let parameters = tree.child(root, "Parameters").into_iter().flat_map(|p| tree.elements(p));
    parameters
        .filter_map(|p| Some((tree.get(p, "Name")?.to_owned(), tree.get(p, "DefaultValue")?.to_owned())))
        .collect()
}

fn named(document: &mut Document<'_>, reading: &mut Reading, node: NodeId, group: &str, name: &str, value: &str) {
    let name = document.tree.get(node, name).unwrap_or_default().to_owned();
    if let Some(value) = document.tree.child(node, value) {
        document.value_clue(reading, value, &format!("{group}/{name}"));
    }
}
