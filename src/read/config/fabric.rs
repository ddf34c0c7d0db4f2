//! Service Fabric manifests: services and their instances, what is set up and started, stateful services, volumes of
//! containers, and the parameters of each environment.

use super::command::{Launch, run};
use super::document::Document;
use super::tree::{NodeId, ROOT, Tree};
use super::xml;
use crate::facts::{Certainty, Clue, ClueKind, Effect, Folder, Location, Operation, Reading, Step, Store, Text, Trait};
use crate::read::Input;
use crate::read::text::decode;
use std::collections::HashMap;

/// Largest parameter file that is read for the manifest that it belongs to.
const MAX_PARAMETERS: u64 = 1 << 20;

/// Where a project keeps the parameters of the environment that is deployed, seen from its application manifest.
const DEPLOYED: &[&str] = &[
    "../ApplicationParameters/Cloud.xml",
    "../ApplicationParameters/Production.xml",
    "../ApplicationParameters/Prod.xml",
    "ApplicationParameters/Cloud.xml",
];

/// Reads `ServiceManifest`, `ApplicationManifest` or `Settings`.
pub(crate) fn read(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    reading.format = "service-fabric".to_owned();
    let mut values = pairs(&document.tree, root, "DefaultValue");
    values.extend(deployed(document.input));
    for node in document.tree.descendants(root) {
        match document.tree.name(node) {
            "SetupEntryPoint" => host(document, reading, node, "entrypoint-setup"),
            "EntryPoint" => host(document, reading, node, "entrypoint"),
            "ConsoleRedirection" => console(document, reading, node),
            "StatelessServiceType" => role(document, reading, node, "stateless-service"),
            "StatefulServiceType" => role(document, reading, node, "stateful-service"),
            "StatelessService" => instances(document, reading, node, "InstanceCount", &values),
            "StatefulService" => instances(document, reading, node, "TargetReplicaSetSize", &values),
            "EnvironmentVariable" => named(document, reading, node, "env", "Value", &values),
            "Volume" => volume(document, reading, node, &values),
            "Parameter" if document.tree.child(node, "DefaultValue").is_some() => {
                named(document, reading, node, "parameter", "DefaultValue", &HashMap::new());
            }
            "Parameter" => {
                let section = document.tree.node(node).parent;
                let section = document.tree.get(section, "Name").unwrap_or_default().to_owned();
                named(document, reading, node, &section, "Value", &values);
            }
            _ => {}
        }
    }
}

/// Reads `Application`: the parameters of one environment, which is the name of the file.
pub(crate) fn parameters(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    if document.tree.child(root, "Parameters").is_none() {
        return;
    }
    reading.format = "service-fabric".to_owned();
    let file = document.input.artifact.file_name();
    document.is_for(file.split('.').next().unwrap_or(file), reading);
    for node in document.tree.descendants(root) {
        if document.tree.name(node) == "Parameter" {
            named(document, reading, node, "parameter", "Value", &HashMap::new());
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

/// MS documentation, "Describe an application in Service Fabric": what an executable prints goes to files in the folder
/// `log` of the application on the node; the runtime keeps the last few of them.
fn console(document: &Document<'_>, reading: &mut Reading, node: NodeId) {
    let folder = Location::file(&Text::unknown().concat(&Text::lit("\\log")));
    let mut effect = Effect::new(Operation::Append, Store::Log, folder, Certainty::Likely, "ConsoleRedirection")
        .in_phase(document.phase.0, &document.phase.1)
        .because(Step::at("the output of the program is kept on the node", document.site(node)));
    effect.mark(Trait::Runtime);
    document.effect(reading, node, effect);
}

fn role(document: &mut Document<'_>, reading: &mut Reading, node: NodeId, kind: &str) {
    let name = document.tree.get(node, "ServiceTypeName").unwrap_or_default().to_owned();
    document.clue(reading, node, Clue::new(ClueKind::Role, kind, name));
}

/// A folder of the host that a container sees, or a share that a driver brings to it.
fn volume(document: &mut Document<'_>, reading: &mut Reading, node: NodeId, values: &HashMap<String, String>) {
    let tree = &document.tree;
    let (Some(source), Some(target)) = (tree.get(node, "Source"), tree.child(node, "Destination")) else { return };
    let location = Location::file(&Text::lit(resolved(tree.value(target), values)));
    // MS documentation, "Azure Files volume driver for Service Fabric": any driver brings a volume from elsewhere.
    let clue = match tree.get(node, "Driver") {
        Some(driver) => Clue::new(ClueKind::DurableMount, driver, source),
        None => Clue::new(ClueKind::Disk, "container-volume", source),
    };
    let clue = clue.at(location);
    document.clue(reading, target, clue);
}

fn instances(
    document: &mut Document<'_>,
    reading: &mut Reading,
    node: NodeId,
    attribute: &str,
    values: &HashMap<String, String>,
) {
    let tree = &document.tree;
    let Some(at) = tree.child(node, attribute) else { return };
    let value = resolved(tree.value(at), values);
    let name = tree.get(node, "ServiceTypeName").unwrap_or_default().to_owned();
    document.clue(reading, at, Clue::new(ClueKind::Instances, name, value));
}

/// A value, or a parameter in brackets whose value is known.
fn resolved(written: &str, values: &HashMap<String, String>) -> String {
    let parameter = written.strip_prefix('[').and_then(|w| w.strip_suffix(']'));
    parameter.and_then(|name| values.get(name)).cloned().unwrap_or_else(|| written.to_owned())
}

/// The parameters below `Parameters`, by name.
fn pairs(tree: &Tree, root: NodeId, value: &str) -> HashMap<String, String> {
    let parameters = tree.child(root, "Parameters").into_iter().flat_map(|p| tree.elements(p));
    parameters.filter_map(|p| Some((tree.get(p, "Name")?.to_owned(), tree.get(p, value)?.to_owned()))).collect()
}

/// What the deployed environment sets instead of the defaults.
fn deployed(input: &Input<'_>) -> HashMap<String, String> {
    let artifact = DEPLOYED.iter().find_map(|path| input.app.sibling(input.artifact, path));
    let Some(bytes) = artifact.and_then(|artifact| artifact.read(MAX_PARAMETERS).ok()) else { return HashMap::new() };
    let (tree, _) = xml::parse(&decode(&bytes, &mut Reading::default()));
    tree.child(ROOT, "Application").map(|root| pairs(&tree, root, "Value")).unwrap_or_default()
}

fn named(
    document: &mut Document<'_>,
    reading: &mut Reading,
    node: NodeId,
    group: &str,
    value: &str,
    values: &HashMap<String, String>,
) {
    let name = document.tree.get(node, "Name").unwrap_or_default().to_owned();
    if let Some(at) = document.tree.child(node, value) {
        let value = resolved(document.tree.value(at), values);
        document.named_value_clue(reading, at, &format!("{group}/{name}"), &value);
    }
}
