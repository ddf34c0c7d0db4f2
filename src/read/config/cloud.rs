//! CloudFormation templates and Terraform modules: how many instances there are, what becomes of their disks, and the
//! scripts that they are given.

use super::arm;
use super::command::{Launch, run};
use super::document::Document;
use super::tree::{NodeId, ROOT, Tree};
use super::userdata;
use crate::facts::{Clue, ClueKind, Folder, Location, Reading, Text};

/// Kinds of resources that keep a number of instances, and where the number is written; the first that is there counts.
const GROUPS: &[(&str, &[&str])] = &[
    ("AWS::AutoScaling::AutoScalingGroup", &["DesiredCapacity", "MinSize"]),
    ("AWS::ECS::Service", &["DesiredCount"]),
    ("aws_autoscaling_group", &["desired_capacity", "min_size"]),
    ("aws_ecs_service", &["desired_count"]),
    ("azurerm_windows_virtual_machine_scale_set", &["instances"]),
    ("azurerm_service_plan", &["worker_count"]),
    ("azurerm_kubernetes_cluster_node_pool", &["node_count"]),
    ("google_compute_instance_group_manager", &["target_size"]),
    ("google_compute_region_instance_group_manager", &["target_size"]),
];

/// Longest user data that is put together from its parts.
const MAX_USER_DATA: usize = 64 << 10;

/// Reads a CloudFormation template.
pub(crate) fn formation(document: &mut Document<'_>, reading: &mut Reading) {
    reading.format = "cloudformation".to_owned();
    let Some(resources) = document.tree.child(ROOT, "Resources") else { return };
    for resource in document.tree.elements(resources).collect::<Vec<_>>() {
        let name = document.tree.name(resource).to_owned();
        let kind = document.tree.get(resource, "Type").unwrap_or_default().to_owned();
        let Some(properties) = document.tree.child(resource, "Properties") else { continue };
        instances(document, reading, &kind, &name, properties);
        for node in document.tree.descendants(properties) {
            match document.tree.name(node) {
                "UserData" => user_data(document, reading, node),
                "DeleteOnTermination" => kept_disk(document, reading, node, &name),
                _ => {}
            }
        }
        if let Some(init) = document.tree.at(resource, &["Metadata", "AWS::CloudFormation::Init"]) {
            init_commands(document, reading, init);
        }
    }
}

/// Reads a Terraform module.
pub(crate) fn terraform(document: &mut Document<'_>, reading: &mut Reading) {
    reading.format = "terraform".to_owned();
    for resource in document.tree.children_named(ROOT, "resource").collect::<Vec<_>>() {
        let labels = document.tree.value(resource).to_owned();
        let (kind, name) = labels.split_once(' ').unwrap_or((&labels, ""));
        instances(document, reading, kind, name, resource);
        for node in document.tree.descendants(resource) {
            let tree = &document.tree;
            match tree.name(node) {
                "user_data" | "user_data_base64" => {
                    user_data(document, reading, node);
                    given_files(document, reading, node, "first-boot");
                }
                name if FIRST_STARTS.contains(&name) => given_files(document, reading, node, "first-boot"),
                name if EACH_START.contains(&name) => given_files(document, reading, node, "startup-task"),
                "delete_on_termination" => kept_disk(document, reading, node, name),
                "diff_disk_settings" if tree.is(node, "option", "Local") => {
                    document.clue(reading, node, Clue::new(ClueKind::Disk, "ephemeral-os-disk", name));
                }
                "app_settings" if kind.ends_with("_app") || kind.ends_with("_app_slot") => {
                    app_settings(document, reading, node);
                }
                "storage_account" if kind.ends_with("_app") || kind.ends_with("_app_slot") => {
                    mounted_share(document, reading, node);
                }
                "settings" | "protected_settings" if is_of_extension(tree, kind, node) => {
                    extension(document, reading, node);
                }
                _ => {}
            }
        }
    }
}

/// Are these the settings of an extension, a resource of its own or a block of the scale set that has it?
fn is_of_extension(tree: &Tree, kind: &str, settings: NodeId) -> bool {
    let publisher = tree.get(tree.node(settings).parent, "publisher").unwrap_or_default();
    if arm::is_for_linux(publisher) {
        return false;
    }
    kind.ends_with("_extension") || tree.name(tree.node(settings).parent) == "extension"
}

/// A number that the template itself gives, perhaps as the default of a parameter or variable.
fn number(tree: &Tree, node: NodeId) -> String {
    let value = tree.value(node);
    let default = if let Some(name) = tree.get(node, "Ref") {
        tree.at(ROOT, &["Parameters", name, "Default"])
    } else if let Some(name) = value.strip_prefix("var.") {
        let declared = tree.children_named(ROOT, "variable").find(|&v| tree.value(v) == name);
        declared.and_then(|v| tree.child(v, "default"))
    } else {
        // The short form `!Ref Count` is the text that a parser without tags sees.
        tree.at(ROOT, &["Parameters", value, "Default"])
    };
    default.map_or_else(|| value.to_owned(), |id| tree.value(id).to_owned())
}

fn instances(document: &mut Document<'_>, reading: &mut Reading, kind: &str, name: &str, properties: NodeId) {
    let Some((_, keys)) = GROUPS.iter().find(|(group, _)| *group == kind) else { return };
    let Some(at) = keys.iter().find_map(|key| document.tree.child(properties, key)) else { return };
    let count = number(&document.tree, at);
    document.clue(reading, at, Clue::new(ClueKind::Instances, name, count));
}

/// Other names under which a machine is given what it runs when it is made: Azure, vSphere and Google Cloud.
const FIRST_STARTS: [&str; 5] = [
    "custom_data",
    "guestinfo.userdata",
    "sysprep-specialize-script-bat",
    "sysprep-specialize-script-cmd",
    "sysprep-specialize-script-ps1",
];
/// What runs at every start (Google Cloud documentation, "Use startup scripts on Windows VMs").
const EACH_START: [&str; 3] =
    ["windows-startup-script-bat", "windows-startup-script-cmd", "windows-startup-script-ps1"];
/// Most files that one text is made of.
const MAX_FILES: usize = 16;

/// The files whose text a machine is given, by the functions that read them and by what the module calls such a text.
fn given_files(document: &mut Document<'_>, reading: &mut Reading, node: NodeId, how: &'static str) {
    let tree = &document.tree;
    let mut text = text_below(tree, node);
    let named = text.trim().strip_prefix("data.template_file.").and_then(|rest| rest.strip_suffix(".rendered"));
    let local = text.trim().strip_prefix("local.");
    let read = match (named, local) {
        (Some(name), _) => tree
            .children_named(ROOT, "data")
            .find(|&data| tree.value(data).strip_prefix("template_file ").is_some_and(|of| of == name))
            .and_then(|data| tree.child(data, "template")),
        (_, Some(name)) => tree.children_named(ROOT, "locals").find_map(|locals| tree.child(locals, name)),
        _ => None,
    };
    if let Some(read) = read {
        text = text_below(tree, read);
    }
    for path in files_of_calls(&text).into_iter().take(MAX_FILES) {
        let location = Location::file(&Text::folder(Folder::Cwd).concat(&Text::lit(format!("\\{path}"))));
        document.clue(reading, node, Clue::new(ClueKind::Starts, how, path).at(location));
    }
}

/// The paths in `file("a.ps1")`, `filebase64(...)` and `templatefile(...)` (Terraform documentation, "Functions"), from the
/// folder of the module. In a text of several lines they are calls only within `${...}`.
fn files_of_calls(text: &str) -> Vec<&str> {
    const MODULE: [&str; 4] = ["${path.module}/", "${path.root}/", "${path.cwd}/", "./"];
    let mut found = Vec::new();
    for (at, call) in text.match_indices("(\"") {
        let before = &text[..at];
        let word = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        let is_inside = !text.contains('\n') || before.rfind("${") > before.rfind('}');
        if !["file", "filebase64", "templatefile"].contains(&word) || !is_inside {
            continue;
        }
        let path = text[at + call.len()..].split('"').next().unwrap_or_default();
        let path = MODULE.iter().find_map(|folder| path.strip_prefix(folder)).unwrap_or(path);
        if !path.is_empty() && !path.contains("${") {
            found.push(path);
        }
    }
    found
}

/// The text at a node, or all texts below it in their order: `Fn::Join` and `Fn::Base64` are lists of parts.
fn text_below(tree: &Tree, node: NodeId) -> String {
    let mut text = String::new();
    for part in tree.descendants(node) {
        if text.len() + tree.value(part).len() <= MAX_USER_DATA {
            text.push_str(tree.value(part));
        }
    }
    text
}

fn user_data(document: &mut Document<'_>, reading: &mut Reading, node: NodeId) {
    let text = text_below(&document.tree, node);
    if userdata::is_windows(&text) {
        userdata::read(document, reading, node, &text);
    }
}

/// A volume that stays when its instance is gone; the default for all but the first is to stay, too, so that only what
/// is written is told.
fn kept_disk(document: &mut Document<'_>, reading: &mut Reading, node: NodeId, resource: &str) {
    let kept = document.tree.value(node).eq_ignore_ascii_case("false");
    let key = if kept { "volume-kept-on-termination" } else { "volume-deleted-on-termination" };
    document.clue(reading, node, Clue::new(ClueKind::Disk, key, resource));
}

/// AWS documentation, "AWS::CloudFormation::Init": `commands` of each configuration, in the order of their names.
fn init_commands(document: &mut Document<'_>, reading: &mut Reading, init: NodeId) {
    let tree = &document.tree;
    let commands: Vec<NodeId> = tree
        .descendants(init)
        .into_iter()
        .filter(|&node| tree.name(node) == "commands")
        .flat_map(|list| tree.elements(list))
        .filter_map(|command| tree.child(command, "command"))
        .collect();
    for at in commands {
        let line = document.tree.value(at).to_owned();
        let why = "a command of cfn-init: run once, when the instance is made";
        run(document, reading, at, &Text::lit(line), &Launch::new("first-boot", why, Text::folder(Folder::System)));
    }
}

/// Settings of an application of App Service that the module itself gives.
fn app_settings(document: &mut Document<'_>, reading: &mut Reading, node: NodeId) {
    for setting in document.tree.elements(node).collect::<Vec<_>>() {
        let (name, value) = (document.tree.name(setting).to_owned(), document.tree.value(setting).to_owned());
        let is_known = !value.contains("${") && !["var.", "local.", "data."].iter().any(|of| value.starts_with(of));
        if is_known {
            arm::app_setting(document, reading, setting, name.trim_matches('"'), &value);
        }
    }
}

/// hashicorp/terraform-provider-azurerm, "storage_account" of an application: `mount_path`.
fn mounted_share(document: &mut Document<'_>, reading: &mut Reading, node: NodeId) {
    let Some(at) = document.tree.child(node, "mount_path") else { return };
    let name = document.tree.get(node, "name").unwrap_or_default().to_owned();
    let path = Text::lit(document.tree.value(at));
    arm::mounted(document, reading, at, "storage_account", &name, path);
}

/// `commandToExecute` of an extension, in an object or in the text of one.
fn extension(document: &mut Document<'_>, reading: &mut Reading, node: NodeId) {
    let command = match document.tree.get(node, "commandToExecute") {
        Some(command) => Some(command.to_owned()),
        None => {
            let (inner, _) = super::json::parse(document.tree.value(node));
            inner.get(ROOT, "commandToExecute").map(str::to_owned)
        }
    };
    if let Some(command) = command {
        let why = "the custom script extension runs it on every machine that replaces this one";
        run(document, reading, node, &Text::lit(command), &Launch::new("first-boot", why, Text::folder(Folder::Cwd)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_a_text_is_read_from() {
        let of = files_of_calls;
        assert_eq!(of(r#"file("./a.ps1")"#), ["a.ps1"]);
        assert_eq!(of(r#"templatefile("${path.module}/b/a.ps1", { name = "x" })"#), ["b/a.ps1"]);
        assert_eq!(of("<powershell>\n${file(\"a.ps1\")}\n</powershell>"), ["a.ps1"]);
        assert!(of("<powershell>\nfile(\"a.ps1\")\n${x}</powershell>").is_empty(), "a call of the script");
        assert!(of(r#"file("${var.name}.ps1")"#).is_empty());
        assert!(of(r#"profile("a.ps1")"#).is_empty());
    }
}
