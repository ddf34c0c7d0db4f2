//! Cloud service definition (`.csdef`) and configuration (`.cscfg`): roles, instances, local resources, startup tasks.

use super::command::{Launch, run};
use super::document::Document;
use super::tree::{NodeId, Tree};
use crate::facts::{
    Certainty, Clue, ClueKind, Effect, Folder, Location, Operation, Reading, Source, Step, Store, Text,
};

/// Elements that define a role, and what the role is called in a clue.
const ROLES: &[(&str, &str)] =
    &[("WebRole", "web-role"), ("WorkerRole", "worker-role"), ("VirtualMachineRole", "vm-role")];

/// Key of the clue that a project builds a role.
pub(crate) const ROLE_PROJECT: &str = "role-project";

/// Evidence of the phase of a startup task.
const STARTUP: &str = "startup task of the service definition, run at every start of the role";

/// Reads a service definition.
pub(crate) fn definition(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    reading.format = "csdef".to_owned();
    let roles: Vec<(NodeId, &str)> = document
        .tree
        .elements(root)
        .filter_map(|node| ROLES.iter().find(|r| r.0 == document.tree.name(node)).map(|r| (node, r.1)))
        .collect();
    for (role, kind) in roles {
        let name = document.tree.get(role, "name").unwrap_or_default().to_owned();
        document.clue(reading, role, Clue::new(ClueKind::Role, kind, &name));
        let folder = if kind == "web-role" { "\\approot\\bin" } else { "\\approot" };
        parts(document, reading, role, &Text::folder(Folder::RoleRoot).concat(&Text::lit(folder)));
    }
}

/// Reads the project of a cloud service (`.ccproj`): which project builds which role. What the tasks of a role start lies
/// in the folder of that project until it is packed.
pub(crate) fn project(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    for node in document.tree.descendants(root) {
        let tree = &document.tree;
        if tree.name(node) != "ProjectReference" || tree.child(node, "RoleType").is_none() {
            continue;
        }
        reading.format = "cloud-project".to_owned();
        let name = ["RoleName", "Name"].iter().find_map(|name| Some(tree.value(tree.child(node, name)?).to_owned()));
        let Some((name, project)) = name.zip(tree.get(node, "Include")) else { continue };
        let above =
            project.replace('/', "\\").rsplit_once('\\').map_or(String::new(), |(above, _)| format!("\\{above}"));
        let folder = Location::file(&Text::folder(Folder::AppDir).concat(&Text::lit(above)));
        document.clue(reading, node, Clue::new(ClueKind::Role, ROLE_PROJECT, name).at(folder));
    }
}

/// Reads `RoleModule` (`.csplugin`): what an `Import` adds to a role, with startup tasks of its own in its own folder.
pub(crate) fn module(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    reading.format = "csplugin".to_owned();
    parts(document, reading, root, &Text::folder(Folder::AppDir));
}

/// What a role consists of. Its tasks run in `folder`.
fn parts(document: &mut Document<'_>, reading: &mut Reading, role: NodeId, folder: &Text) {
    for node in document.tree.descendants(role) {
        match document.tree.name(node) {
            "LocalStorage" => local_storage(document, node, reading),
            "Task" => startup_task(document, node, folder, reading),
            "ProgramEntryPoint" => entry_point(document, node, reading),
            "Import" => import(document, node, reading),
            "Certificate" => certificate(document, node, reading),
            "Runtime" => runtime_variables(document, node, reading),
            "Setting" => {
                let setting = document.tree.get(node, "name").unwrap_or_default().to_owned();
                if document.tree.child(node, "value").is_some() {
                    document.value_clue(reading, node, &format!("ConfigurationSettings/{setting}"));
                }
            }
            _ => {}
        }
    }
}

/// A named folder on the local disk; emptied at every start of the role unless it says otherwise (schema default of
/// `cleanOnRoleRecycle` is true).
fn local_storage(document: &mut Document<'_>, node: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    let name = tree.get(node, "name").unwrap_or_default().to_owned();
    let value = if tree.is(node, "cleanOnRoleRecycle", "false") { "keep" } else { "clean" };
    let location = Location::named(Text::from_source(Source::LocalResource, &name));
    document.clue(reading, node, Clue::new(ClueKind::LocalResource, name, value).at(location));
}

fn entry_point(document: &mut Document<'_>, node: NodeId, reading: &mut Reading) {
    let Some(command) = document.tree.child(node, "commandLine") else { return };
    let value = document.tree.value(command).to_owned();
    let mut launch = Launch::new("entrypoint", "the entry point of the role", Text::folder(Folder::AppDir));
    let runtime = document.tree.node(document.tree.node(node).parent).parent;
    launch.variables = environment_of(document, runtime);
    run(document, reading, command, &Text::lit(value), &launch);
}

/// Variables that every process of the role sees.
fn runtime_variables(document: &mut Document<'_>, runtime: NodeId, reading: &mut Reading) {
    for (node, name, value) in variables_of(document, runtime) {
        let key = format!("env/{name}");
        match value.as_lit() {
            Some(text) => document.named_value_clue(reading, node, &key, text),
            // What the instance says of itself is a place or another value, not a text.
            None if !value.is_unknown() => {
                let clue = Clue::new(ClueKind::ConfigValue, key, value.to_string());
                document.clue(reading, node, clue.at(Location::named(value)));
            }
            None => {}
        }
    }
}

/// Modules that the fabric adds to a role.
fn import(document: &mut Document<'_>, node: NodeId, reading: &mut Reading) {
    let module = document.tree.get(node, "moduleName").unwrap_or_default().to_owned();
    if module.eq_ignore_ascii_case("Diagnostics") {
        document.clue(reading, node, Clue::new(ClueKind::LogTransfer, "Import Diagnostics", "capability"));
    } else if module.eq_ignore_ascii_case("RemoteAccess") {
        document.clue(
            reading,
            node,
            Clue::new(ClueKind::Role, "remote-access", "changes by hand end with the instance"),
        );
    }
}

/// A certificate that the fabric installs on every instance, also on those that replace others.
fn certificate(document: &mut Document<'_>, node: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    let Some(name) = tree.get(node, "name").map(str::to_owned) else { return };
    let place = |attribute: &str| tree.get(node, attribute).unwrap_or_default().to_owned();
    let store = Location::named(Text::lit(format!("Cert:\\{}\\{}", place("storeLocation"), place("storeName"))));
    document.clue(reading, node, Clue::new(ClueKind::Role, "fabric-certificate", name).at(store));
}

/// A command that runs at every start. Its current directory is the role's `approot`, `approot\\bin` in a web role.
fn startup_task(document: &mut Document<'_>, node: NodeId, folder: &Text, reading: &mut Reading) {
    let Some(at) = document.tree.child(node, "commandLine") else { return };
    let command = document.tree.value(at).to_owned();
    let mut launch = Launch::new("startup-task", STARTUP, folder.clone());
    launch.variables = environment_of(document, node);
    run(document, reading, at, &Text::lit(&command), &launch);
    document.given(reading, at, "cwd", &launch.here);
    for (name, value) in &launch.variables {
        document.given(reading, at, &format!("env/{name}"), value);
    }
}

/// The variables of the nearest `Environment`, and those of the role's runtime. A value that the role instance gives
/// is known to the deployment only, except the path of a local resource.
fn environment_of(document: &Document<'_>, node: NodeId) -> Vec<(String, Text)> {
    variables_of(document, node).into_iter().map(|(_, name, value)| (name, value)).collect()
}

fn variables_of(document: &Document<'_>, node: NodeId) -> Vec<(NodeId, String, Text)> {
    let tree = &document.tree;
    let list = tree.children_named(node, "Environment");
    list.flat_map(|environment| tree.children_named(environment, "Variable").collect::<Vec<_>>())
        .filter_map(|variable| {
            let name = tree.get(variable, "name")?.to_owned();
            let instance = || tree.at(variable, &["RoleInstanceValue", "xpath"]).map(|x| instance_value(tree.value(x)));
            let value = tree.get(variable, "value").map(Text::lit).or_else(instance)?;
            Some((variable, name, value))
        })
        .collect()
}

/// MS documentation, "xPath values in Azure": what a role instance can be asked for.
fn instance_value(xpath: &str) -> Text {
    let named = |before: &str| xpath.split_once(before)?.1.split(['\'', '"']).next();
    if let Some(name) = named("LocalResource[@name='").or_else(|| named("LocalResource[@name=\"")) {
        Text::from_source(Source::LocalResource, name)
    } else if let Some(name) = named("ConfigurationSetting[@name='").or_else(|| named("ConfigurationSetting[@name=\""))
    {
        Text::from_source(Source::Config, format!("ConfigurationSettings/{name}"))
    } else if xpath.contains("/CurrentInstance/@id") {
        Text::from_source(Source::Identity, "instance")
    } else if xpath.ends_with("/Deployment/@emulated") {
        Text::lit("false")
    } else {
        Text::unknown()
    }
}

/// Reads a service configuration.
pub(crate) fn configuration(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    reading.format = "cscfg".to_owned();
    if let Some(environment) = environment(document.input.artifact.file_name()) {
        document.is_for(&environment, reading);
    }
    let roles: Vec<NodeId> = document.tree.children_named(root, "Role").collect();
    for role in roles {
        let name = document.tree.get(role, "name").unwrap_or_default().to_owned();
        if let Some(count) = document.tree.at(role, &["Instances", "count"]) {
            instances(document, count, &name, reading);
        }
        settings(document, role, reading);
        if let Some(image) = document.tree.child(role, "OsImage") {
            document.clue(reading, image, Clue::new(ClueKind::Role, "vm-role", &name));
        }
    }
}

/// `ServiceConfiguration.Local.cscfg` is for the emulator only.
fn environment(file: &str) -> Option<String> {
    let stem = file.rsplit_once('.').map_or(file, |s| s.0);
    stem.rsplit_once('.').map(|(_, environment)| environment.to_owned())
}

fn instances(document: &mut Document<'_>, count: NodeId, role: &str, reading: &mut Reading) {
    let value = document.tree.value(count).trim().to_owned();
    document.clue(reading, count, Clue::new(ClueKind::Instances, document.keyed(role), &value));
    if value.parse::<u32>().is_ok_and(|n| n == 1) {
        let effect = Effect::new(
            Operation::Configure,
            Store::Topology,
            Location::named(Text::lit(format!("role://{role}"))),
            Certainty::Proven,
            "Instances@count",
        )
        .in_phase(document.phase.0, &document.phase.1)
        .because(Step::at("one instance: each restart, update or failure stops the service", document.site(count)));
        document.effect(reading, count, effect);
    }
}

fn settings(document: &mut Document<'_>, role: NodeId, reading: &mut Reading) {
    for node in named_settings(&document.tree, role) {
        let name = document.tree.get(node, "name").unwrap_or_default().to_owned();
        let Some(value) = document.tree.child(node, "value") else { continue };
        document.value_clue(reading, value, &format!("ConfigurationSettings/{name}"));
        if document.tree.value(value).contains('=') {
            document.connection(reading, value, &name, "", "ConfigurationSettings/Setting@value");
        }
    }
}

fn named_settings(tree: &Tree, role: NodeId) -> Vec<NodeId> {
    tree.children_named(role, "ConfigurationSettings")
        .flat_map(|s| tree.children_named(s, "Setting").collect::<Vec<_>>())
        .collect()
}
