//! Azure Resource Manager templates: ephemeral disks, capacity, extensions, application settings.

use super::command::{Launch, run};
use super::document::Document;
use super::tree::{NodeId, ROOT};
use crate::facts::{Clue, ClueKind, Folder, Location, Reading, Text};

/// Reads a deployment template.
pub(crate) fn read(document: &mut Document<'_>, reading: &mut Reading) {
    reading.format = "arm-template".to_owned();
    for node in document.tree.descendants(ROOT) {
        let Some(kind) = document.tree.get(node, "type").map(str::to_lowercase) else { continue };
        match kind.as_str() {
            "microsoft.compute/virtualmachinescalesets" | "microsoft.web/serverfarms" => {
                capacity(document, reading, node)
            }
            "microsoft.web/sites" => site(document, reading, node),
            _ => {}
        }
        if kind.starts_with("microsoft.compute/virtualmachine") {
            ephemeral_disk(document, reading, node);
            extensions(document, reading, node);
        }
    }
}

/// A value with `[parameters('x')]` replaced by the default of that parameter.
fn resolved(document: &Document<'_>, id: NodeId) -> String {
    let tree = &document.tree;
    let value = tree.value(id);
    let parameter = value.strip_prefix("[parameters('").and_then(|r| r.strip_suffix("')]"));
    parameter
        .and_then(|name| tree.at(ROOT, &["parameters", name, "defaultValue"]))
        .map_or_else(|| value.to_owned(), |d| tree.value(d).to_owned())
}

fn capacity(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId) {
    if let Some(at) = document.tree.at(resource, &["sku", "capacity"]) {
        let name = document.tree.get(resource, "name").unwrap_or_default().to_owned();
        let count = resolved(document, at);
        document.clue(reading, at, Clue::new(ClueKind::Instances, name, count));
    }
}

/// `diffDiskSettings.option = Local`: the system disk is the machine's own.
fn ephemeral_disk(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId) {
    for node in below(document, resource) {
        if document.tree.name(node) == "diffDiskSettings" && document.tree.is(node, "option", "Local") {
            let name = document.tree.get(resource, "name").unwrap_or_default().to_owned();
            document.clue(reading, node, Clue::new(ClueKind::Disk, "ephemeral-os-disk", name));
        }
    }
}

/// What the custom script extension runs.
fn extensions(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId) {
    let own = document.tree.is(resource, "type", "Microsoft.Compute/virtualMachines/extensions")
        || document.tree.is(resource, "type", "Microsoft.Compute/virtualMachineScaleSets/extensions")
        || document.tree.get(resource, "type").is_some_and(|t| !t.contains("/extensions"));
    if !own {
        return;
    }
    for node in below(document, resource) {
        if document.tree.name(node) == "commandToExecute" {
            let command = resolved(document, node);
            let why = "the custom script extension runs it on every machine that replaces this one";
            let launch = Launch::new("startup-task", why, Text::folder(Folder::Cwd));
            run(document, reading, node, &Text::lit(command), &launch);
        }
    }
}

/// The nodes of a resource that are not nodes of a resource inside it.
fn below(document: &Document<'_>, resource: NodeId) -> Vec<NodeId> {
    let tree = &document.tree;
    let mut found = Vec::new();
    let mut stack: Vec<NodeId> = tree.elements(resource).collect();
    while let Some(node) = stack.pop() {
        found.push(node);
        stack.extend(tree.elements(node).filter(|&n| !tree.name(n).eq_ignore_ascii_case("resources")));
    }
    found.sort_unstable();
    found
}

/// Application settings of a web application, by name.
fn site(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId) {
    let tree = &document.tree;
    let mut settings = Vec::new();
    if let Some(list) = tree.at(resource, &["properties", "siteConfig", "appSettings"]) {
        for setting in tree.elements(list) {
            if let (Some(name), Some(value)) = (tree.get(setting, "name"), tree.child(setting, "value")) {
                settings.push((value, name.to_owned()));
            }
        }
    }
    for (at, name) in settings {
        document.value_clue(reading, at, &format!("appSettings/{name}"));
        if name == "WEBSITE_LOCAL_CACHE_OPTION" && document.tree.value(at).eq_ignore_ascii_case("Always") {
            let location = Location::named(Text::folder(Folder::Home).concat(&Text::lit("\\site")));
            document.clue(reading, at, Clue::new(ClueKind::Disk, "local-cache", "").at(location));
        }
    }
}
