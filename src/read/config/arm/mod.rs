//! Azure Resource Manager templates: ephemeral disks, capacity, extensions, application settings, mounted shares.

mod expression;
mod image;

use super::command::{Launch, run};
use super::document::Document;
use super::json;
use super::tree::{NodeId, ROOT, Tree};
use crate::facts::{Clue, ClueKind, Folder, Location, Reading, Text};
use crate::read::Input;
use crate::read::text::decode;
use expression::Template;
use std::collections::HashSet;

/// Largest parameter file that is read for its template.
const MAX_PARAMETERS: u64 = 1 << 20;

/// What parameter files of a template are called, behind the template's own name or alone.
const PARAMETER_FILES: &[&str] = &["{}.parameters.json", "{}.param.json", "parameters.json"];

/// Reads a deployment template.
pub(crate) fn read(document: &mut Document<'_>, reading: &mut Reading) {
    reading.format = "arm-template".to_owned();
    let given = parameters(document.input);
    let given = given.as_ref();
    for node in document.tree.descendants(ROOT) {
        let Some(kind) = document.tree.get(node, "type").map(str::to_lowercase) else { continue };
        match kind.as_str() {
            "microsoft.compute/virtualmachinescalesets" | "microsoft.web/serverfarms" => {
                capacity(document, reading, node, given);
            }
            "microsoft.containerservice/managedclusters" | "microsoft.containerservice/managedclusters/agentpools" => {
                node_pools(document, reading, node, given);
            }
            "microsoft.compute/cloudservices" => roles(document, reading, node, given),
            "microsoft.virtualmachineimages/imagetemplates" => image::template(document, reading, node, given),
            "microsoft.web/sites" => site(document, reading, node, given),
            "microsoft.web/sites/config" | "config" => site_config(document, reading, node, given),
            "microsoft.insights/datacollectionrules" => collection(document, reading, node),
            "microsoft.containerinstance/containergroups" => container_group(document, reading, node, given),
            _ => {}
        }
        if kind.starts_with("microsoft.compute/virtualmachine") {
            ephemeral_disk(document, reading, node, given);
            extensions(document, reading, node, given);
        }
    }
}

/// The values that are deployed, if the file with them lies beside the template.
fn parameters(input: &Input<'_>) -> Option<Tree> {
    let file = input.artifact.file_name();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let artifact =
        PARAMETER_FILES.iter().find_map(|name| input.app.sibling(input.artifact, &name.replace("{}", stem)))?;
    let bytes = artifact.read(MAX_PARAMETERS).ok()?;
    Some(json::parse(&decode(&bytes, &mut Reading::default())).0)
}

/// The text of a node as it is deployed.
fn resolved(document: &Document<'_>, id: NodeId, given: Option<&Tree>) -> Text {
    Template { tree: &document.tree, given }.text(id)
}

fn name_of(document: &Document<'_>, node: NodeId, given: Option<&Tree>) -> String {
    document.tree.child(node, "name").map_or_else(String::new, |name| resolved(document, name, given).to_string())
}

/// The name of a resource as a reader finds it in the template: of one that is computed, what it is computed from first.
fn shown_name(document: &Document<'_>, node: NodeId, given: Option<&Tree>) -> String {
    let Some(name) = document.tree.child(node, "name") else { return String::new() };
    let known = resolved(document, name, given);
    let from = document.tree.value(name).split('\'').nth(1);
    match from.filter(|from| known.has_unknown() && !from.is_empty()) {
        Some(from) => from.to_owned(),
        None => known.to_string(),
    }
}

/// `sku.capacity` of a resource, or of a role of one.
fn capacity(document: &mut Document<'_>, reading: &mut Reading, of: NodeId, given: Option<&Tree>) {
    if let Some(at) = document.tree.at(of, &["sku", "capacity"]) {
        let name = shown_name(document, of, given);
        let count = resolved(document, at, given).to_string();
        document.clue(reading, at, Clue::new(ClueKind::Instances, name, count));
    }
}

/// The roles of a cloud service (extended support).
fn roles(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId, given: Option<&Tree>) {
    let tree = &document.tree;
    let list = tree.at(resource, &["properties", "roleProfile", "roles"]);
    let roles: Vec<NodeId> = list.map(|list| tree.elements(list).collect()).unwrap_or_default();
    for role in roles {
        capacity(document, reading, role, given);
    }
}

/// `diffDiskSettings.option = Local`: the system disk is the machine's own.
fn ephemeral_disk(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId, given: Option<&Tree>) {
    for node in below(document, resource) {
        if document.tree.name(node) == "diffDiskSettings" && document.tree.is(node, "option", "Local") {
            let name = name_of(document, resource, given);
            document.clue(reading, node, Clue::new(ClueKind::Disk, "ephemeral-os-disk", name));
        }
    }
}

/// Does a publisher make extensions for machines of Linux? Those for Windows are `Microsoft.Compute` (MS documentation,
/// "Use the Azure Custom Script Extension Version 2 with Linux virtual machines").
pub(super) fn is_for_linux(publisher: &str) -> bool {
    ["Microsoft.Azure.Extensions", "Microsoft.OSTCExtensions"].iter().any(|p| p.eq_ignore_ascii_case(publisher.trim()))
}

/// What the custom script extension and the run commands of a machine run.
fn extensions(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId, given: Option<&Tree>) {
    let tree = &document.tree;
    let kind = tree.get(resource, "type").unwrap_or_default().to_lowercase();
    let scripts = kind.ends_with("/runcommands");
    if kind.matches('/').count() > 1 && !kind.ends_with("/extensions") && !scripts {
        return;
    }
    let tree = &document.tree;
    let nodes = below(document, resource);
    // The settings are below the properties that name the publisher.
    let of_linux: HashSet<NodeId> = nodes
        .iter()
        .copied()
        .filter(|&node| tree.get(node, "publisher").is_some_and(is_for_linux))
        .flat_map(|node| below(document, node))
        .collect();
    for node in nodes.into_iter().filter(|node| !of_linux.contains(node)) {
        let (why, powershell) = match document.tree.name(node) {
            "commandToExecute" => {
                ("the custom script extension runs it on every machine that replaces this one", false)
            }
            "script" if scripts => ("a run command of the machine runs it when the machine is made", true),
            _ => continue,
        };
        let command = resolved(document, node, given);
        let mut launch = Launch::new("first-boot", why, Text::folder(Folder::Cwd));
        launch.powershell = powershell;
        run(document, reading, node, &command, &launch);
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

/// A value by name, if the template says what it is.
fn setting(document: &mut Document<'_>, reading: &mut Reading, at: NodeId, name: &str, given: Option<&Tree>) {
    if let Some(value) = resolved(document, at, given).as_lit() {
        app_setting(document, reading, at, name, value);
    }
}

/// A setting of an application of App Service.
pub(super) fn app_setting(document: &mut Document<'_>, reading: &mut Reading, at: NodeId, name: &str, value: &str) {
    // The host gives the settings of a site to its process as variables, too.
    for key in [format!("appSettings/{name}"), format!("env/{name}")] {
        document.named_value_clue(reading, at, &key, value);
    }
    if name == "WEBSITE_LOCAL_CACHE_OPTION" && value.eq_ignore_ascii_case("Always") {
        let location = Location::named(Text::folder(Folder::Home).concat(&Text::lit("\\site")));
        document.clue(reading, at, Clue::new(ClueKind::Disk, "local-cache", "").at(location));
    }
}

/// A connection string that the template itself gives.
fn connection(document: &mut Document<'_>, reading: &mut Reading, at: NodeId, name: &str, given: Option<&Tree>) {
    if resolved(document, at, given).as_lit() == Some(document.tree.value(at)) {
        document.connection(reading, at, name, "", "connectionStrings");
    }
}

/// Application settings, connection strings and mounted shares of a web application.
fn site(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId, given: Option<&Tree>) {
    let tree = &document.tree;
    let settings: Vec<(NodeId, String)> = tree
        .at(resource, &["properties", "siteConfig", "appSettings"])
        .into_iter()
        .flat_map(|list| tree.elements(list))
        .filter_map(|setting| Some((tree.child(setting, "value")?, tree.get(setting, "name")?.to_owned())))
        .collect();
    for (at, name) in settings {
        setting(document, reading, at, &name, given);
    }
    let tree = &document.tree;
    let connections: Vec<(NodeId, String)> = tree
        .at(resource, &["properties", "siteConfig", "connectionStrings"])
        .into_iter()
        .flat_map(|list| tree.elements(list))
        .filter_map(|one| Some((tree.child(one, "connectionString")?, tree.get(one, "name")?.to_owned())))
        .collect();
    for (at, name) in connections {
        connection(document, reading, at, &name, given);
    }
    if let Some(list) = document.tree.at(resource, &["properties", "siteConfig", "azureStorageAccounts"]) {
        shares(document, reading, list, given);
    }
}

/// The resources below a site that hold one kind of setting each: `appsettings`, `azurestorageaccounts`.
fn site_config(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId, given: Option<&Tree>) {
    let name = name_of(document, resource, given).to_lowercase();
    let Some(list) = document.tree.child(resource, "properties") else { return };
    match name.rsplit('/').next().unwrap_or_default() {
        "appsettings" => {
            for member in document.tree.elements(list).collect::<Vec<_>>() {
                let name = document.tree.name(member).to_owned();
                setting(document, reading, member, &name, given);
            }
        }
        "connectionstrings" => {
            for member in document.tree.elements(list).collect::<Vec<_>>() {
                let name = document.tree.name(member).to_owned();
                if let Some(at) = document.tree.child(member, "value") {
                    connection(document, reading, at, &name, given);
                }
            }
        }
        "azurestorageaccounts" => shares(document, reading, list, given),
        _ => {}
    }
}

/// MS documentation, "Mount Azure Storage as a local share in App Service": `mountPath` of each.
fn shares(document: &mut Document<'_>, reading: &mut Reading, list: NodeId, given: Option<&Tree>) {
    for share in document.tree.elements(list).collect::<Vec<_>>() {
        let Some(at) = document.tree.child(share, "mountPath") else { continue };
        let path = resolved(document, at, given);
        let name = document.tree.name(share).to_owned();
        mounted(document, reading, at, "azureStorageAccounts", &name, path);
    }
}

/// A share that an application finds at a path. On Windows such a path has no drive: `/mounts/NAME` is `C:\mounts\NAME`.
pub(super) fn mounted(
    document: &mut Document<'_>,
    reading: &mut Reading,
    at: NodeId,
    key: &str,
    name: &str,
    path: Text,
) {
    let rooted = path.leading_lit().starts_with(['\\', '/']);
    let path = if rooted { Text::lit("C:").concat(&path) } else { path };
    document.clue(reading, at, Clue::new(ClueKind::DurableMount, key, name).at(Location::file(&path)));
}

/// Pools of Windows nodes of a cluster (MS documentation, "Microsoft.ContainerService managedClusters").
fn node_pools(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId, given: Option<&Tree>) {
    let tree = &document.tree;
    let properties = tree.child(resource, "properties");
    let profiles = properties.and_then(|at| tree.child(at, "agentPoolProfiles"));
    let pools: Vec<(NodeId, String)> = match profiles {
        Some(list) => tree.elements(list).map(|pool| (pool, name_of(document, pool, given))).collect(),
        None => properties.map(|pool| (pool, name_of(document, resource, given))).into_iter().collect(),
    };
    for (pool, name) in pools.into_iter().filter(|(pool, _)| tree.is(*pool, "osType", "Windows")).collect::<Vec<_>>() {
        if let Some(at) = document.tree.child(pool, "count") {
            let count = resolved(document, at, given).to_string();
            document.clue(reading, at, Clue::new(ClueKind::Instances, &name, count));
        }
        if let Some(at) =
            document.tree.child(pool, "osDiskType").filter(|_| document.tree.is(pool, "osDiskType", "Ephemeral"))
        {
            document.clue(reading, at, Clue::new(ClueKind::Disk, "ephemeral-os-disk", &name));
        }
    }
}

/// MS documentation, "Structure of a data collection rule": what the agent of the machines sends off.
fn collection(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId) {
    let tree = &document.tree;
    let Some(sources) = tree.at(resource, &["properties", "dataSources"]) else { return };
    let below = |list: &str, key: &str| -> Vec<NodeId> {
        tree.child(sources, list)
            .into_iter()
            .flat_map(|list| tree.elements(list))
            .filter_map(|source| tree.child(source, key))
            .flat_map(|values| tree.elements(values))
            .collect()
    };
    let files = below("logFiles", "filePatterns");
    let logs = below("windowsEventLogs", "xPathQueries");
    for at in files {
        document.transfer(reading, at, "dataCollectionRules logFiles", false);
    }
    for at in logs {
        document.transfer(reading, at, "dataCollectionRules windowsEventLogs", true);
    }
}

/// A container group: which of its mounted volumes outlive it, and what it runs.
fn container_group(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId, given: Option<&Tree>) {
    let tree = &document.tree;
    let list = |node: NodeId, path: &[&str]| -> Vec<NodeId> {
        tree.at(node, path).map(|list| tree.elements(list).collect()).unwrap_or_default()
    };
    let durable: Vec<String> = list(resource, &["properties", "volumes"])
        .into_iter()
        .filter(|&volume| tree.child(volume, "azureFile").is_some())
        .map(|volume| name_of(document, volume, given))
        .collect();
    let mut mounts = Vec::new();
    for container in list(resource, &["properties", "containers"]) {
        for mount in list(container, &["properties", "volumeMounts"]) {
            let Some(at) = tree.child(mount, "mountPath") else { continue };
            let name = name_of(document, mount, given);
            let location = Location::file(&resolved(document, at, given));
            let clue = match durable.contains(&name) {
                true => Clue::new(ClueKind::DurableMount, "azureFile", name),
                false => Clue::new(ClueKind::Disk, "container-volume", name),
            };
            mounts.push((at, clue.at(location)));
        }
    }
    for (at, clue) in mounts {
        document.clue(reading, at, clue);
    }
}
