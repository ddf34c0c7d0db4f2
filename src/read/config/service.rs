//! Cloud service definition (`.csdef`) and configuration (`.cscfg`): roles, instances, local resources, startup tasks.

use super::command::starts;
use super::document::Document;
use super::tree::{NodeId, Tree};
use crate::facts::{
    Certainty, Clue, ClueKind, Effect, Folder, Location, Operation, Phase, Reading, Source, Step, Store, Text,
    expand_env,
};

/// Elements that define a role, and what the role is called in a clue.
const ROLES: &[(&str, &str)] =
    &[("WebRole", "web-role"), ("WorkerRole", "worker-role"), ("VirtualMachineRole", "vm-role")];

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
        for node in document.tree.descendants(role) {
            match document.tree.name(node) {
                "LocalStorage" => local_storage(document, node, reading),
                "Task" => startup_task(document, node, kind, reading),
                "ProgramEntryPoint" => entry_point(document, node, reading),
                "Import" => import(document, node, reading),
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
    starts(document, reading, command, "entrypoint", &value, &Text::folder(Folder::AppDir));
}

/// Modules that the fabric adds to a role.
fn import(document: &mut Document<'_>, node: NodeId, reading: &mut Reading) {
    let module = document.tree.get(node, "moduleName").unwrap_or_default().to_owned();
    if module.eq_ignore_ascii_case("Diagnostics") {
        document.clue(reading, node, Clue::new(ClueKind::LogTransfer, "Import Diagnostics", "capability"));
    }
}

/// A command that runs at every start. Its current directory is the role's `approot`, `approot\bin` in a web role.
fn startup_task(document: &mut Document<'_>, node: NodeId, role: &str, reading: &mut Reading) {
    let Some(at) = document.tree.child(node, "commandLine") else { return };
    let command = document.tree.value(at).to_owned();
    starts(document, reading, at, "startup-task", &command, &Text::folder(Folder::AppDir));
    let folder = if role == "web-role" { "\\approot\\bin" } else { "\\approot" };
    let base = Text::folder(Folder::RoleRoot).concat(&Text::lit(folder));
    for (operation, target) in redirections(&command) {
        let location = Location::file(&Text::lit(&target));
        if location.file_place() == crate::facts::Place::Device {
            continue;
        }
        let location = if location.is_relative() {
            Location::file(&crate::facts::join_paths(&base, &expand_env(&Text::lit(&target))))
        } else {
            location
        };
        let effect = Effect::new(
            operation,
            Store::File,
            location,
            Certainty::Proven,
            if operation == Operation::Append { ">>" } else { ">" },
        )
        .in_phase(Phase::Startup, STARTUP)
        .because(Step::at(format!("commandLine = \"{command}\""), document.site(at)));
        document.effect(reading, at, effect);
    }
}

/// Files that the command line sends output to.
fn redirections(command: &str) -> Vec<(Operation, String)> {
    let mut found = Vec::new();
    let mut quoted = false;
    let bytes = command.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => {
                let append = bytes.get(at) == Some(&b'>');
                at += usize::from(append);
                let rest = command.get(at..).unwrap_or_default().trim_start();
                // `2>&1` joins two streams and names no file.
                if rest.starts_with('&') {
                    continue;
                }
                let target = match rest.strip_prefix('"') {
                    Some(inner) => inner.split('"').next().unwrap_or(inner),
                    None => rest.split([' ', '\t', '&', '|', '>', ')']).next().unwrap_or(rest),
                };
                if !target.is_empty() {
                    found.push((if append { Operation::Append } else { Operation::Create }, target.to_owned()));
                }
                at = command.len() - rest.len() + target.len();
            }
            _ => {}
        }
    }
    found
}

/// Reads a service configuration.
pub(crate) fn configuration(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    reading.format = "cscfg".to_owned();
    document.environment = environment(document.input.artifact.file_name());
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
    let local = document.environment.as_deref().is_some_and(|e| e.eq_ignore_ascii_case("local"));
    if value.parse::<u32>().is_ok_and(|n| n == 1) && !local {
        let effect = Effect::new(
            Operation::Configure,
            Store::Topology,
            Location::named(Text::lit(format!("role://{role}"))),
            Certainty::Proven,
            "Instances@count",
        )
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
