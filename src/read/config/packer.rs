//! Packer templates, in HCL and in the older JSON: what their provisioners run is carried out while the image is built.
//!
//! Follows the documentation of the `powershell`, `windows-shell` and `file` provisioners (hashicorp/packer). Those
//! for other shells run on other systems, and `shell-local` on the machine that builds.

use super::command::{Launch, run_all};
use super::document::Document;
use super::tree::{NodeId, ROOT, Tree};
use crate::catalog::config::Glob;
use crate::discover::Artifact;
use crate::facts::{Clue, ClueKind, Folder, Location, Part, Reading, Text, beside, folder_of};
use crate::read::text::decode;

/// Most references to variables that are followed for one value.
const MAX_REFERENCES: usize = 16;

/// Provisioners that run Windows shells, and whether that is PowerShell.
const SHELLS: &[(&str, bool)] = &[("powershell", true), ("windows-shell", false)];

/// Reads a template.
pub(crate) fn read(document: &mut Document<'_>, reading: &mut Reading) {
    reading.format = "packer".to_owned();
    take_in_variables(document);
    for (node, kind) in provisioners(&document.tree) {
        if let Some((_, powershell)) = SHELLS.iter().find(|(name, _)| *name == kind) {
            shell(document, reading, node, *powershell);
        } else if kind == "file" {
            upload(document, reading, node);
        } else if kind.starts_with("ansible")
            && let Some(at) = document.tree.child(node, "playbook_file")
        {
            let path = document.tree.value(at).to_owned();
            starts(document, reading, at, &path);
        }
    }
    answer_files(document, reading);
}

/// Packer reads all `.pkr.hcl` of a folder as one template (its documentation, "Template files"): variables and locals of
/// the others are taken in.
fn take_in_variables(document: &mut Document<'_>) {
    let input = document.input;
    let own = &input.artifact.path;
    let is_other =
        |a: &&Artifact| a.path != *own && a.path.ends_with(".pkr.hcl") && folder_of(&a.path) == folder_of(own);
    if !own.ends_with(".pkr.hcl") {
        return;
    }
    for other in input.app.artifacts.iter().filter(is_other).take(MAX_OTHERS) {
        let Ok(bytes) = other.read(MAX_OTHER) else { continue };
        let (tree, _) = super::hcl::parse(&decode(&bytes, &mut Reading::default()));
        for node in tree.elements(ROOT).filter(|&n| matches!(tree.name(n), "variable" | "locals")) {
            document.tree.graft(ROOT, &tree, node, 1);
        }
    }
}

/// Most other files of one template, and the largest of them that is read.
const MAX_OTHERS: usize = 32;
const MAX_OTHER: u64 = 1 << 20;

/// Lists of files that a builder gives to the machine that it installs.
const MEDIA: &[&str] = &["cd_files", "floppy_files"];

/// What the machine runs that is started only to become the image (documentation of the builders `amazon-ebs` and
/// `googlecompute`).
const FIRST_START: &[&str] = &["user_data_file", "startup_script_file"];

/// Windows Setup reads the answer file that it finds on one of its media: what that starts is part of the build, and so is
/// the user data of the machine.
fn answer_files(document: &mut Document<'_>, reading: &mut Reading) {
    let tree = &document.tree;
    let named = |names: &'static [&str]| {
        tree.descendants(ROOT).into_iter().filter(move |&node| names.contains(&tree.name(node)))
    };
    let lists = named(MEDIA);
    let mut files: Vec<NodeId> = lists
        .flat_map(|list| tree.elements(list))
        .filter(|&file| {
            // Often one of several, by a variable of the template.
            let path = resolved(tree, tree.value(file));
            path.trailing_lit().to_lowercase().ends_with("unattend.xml")
        })
        .collect();
    files.extend(named(FIRST_START));
    let given: Vec<(NodeId, String)> = files.into_iter().map(|at| (at, tree.value(at).to_owned())).collect();
    let read_in = named(USER_DATA).filter_map(|at| Some((at, file_in_call(tree, tree.value(at))?)));
    let read_in: Vec<(NodeId, String)> = read_in.collect();
    for (at, path) in given.into_iter().chain(read_in) {
        starts(document, reading, at, &path);
    }
}

/// What holds the text of the user data itself.
const USER_DATA: &[&str] = &["user_data"];

/// `file("a.ps1")`, `templatefile("a.ps1", {...})`, or a local that is one: the path.
fn file_in_call(tree: &Tree, value: &str) -> Option<String> {
    let named = value.trim().strip_prefix("local.");
    let value = match named {
        Some(name) => tree.children_named(ROOT, "locals").find_map(|locals| tree.get(locals, name))?,
        None => value,
    };
    let inner = value.trim().strip_prefix("templatefile(").or_else(|| value.trim().strip_prefix("file("))?;
    let path = inner.trim_start().strip_prefix('"')?.split('"').next()?;
    Some(path.to_owned())
}

/// A file by its path from the folder of the template; each that it may be, where a variable decides.
fn starts(document: &mut Document<'_>, reading: &mut Reading, at: NodeId, path: &str) {
    let path = resolved(&document.tree, path);
    let paths = if path.has_unknown() { alternatives(document, &path) } else { Vec::new() };
    for path in if paths.is_empty() { vec![path] } else { paths } {
        let location = Location::file(&Text::folder(Folder::Cwd).concat(&Text::lit("\\")).concat(&path));
        document.clue(reading, at, Clue::new(ClueKind::Starts, "image-build", path.to_string()).at(location));
    }
}

/// Most files that one path with a variable in it may mean.
const MAX_ALTERNATIVES: usize = 32;

/// The files of the application that a path from the folder of the template may mean.
fn alternatives(document: &Document<'_>, path: &Text) -> Vec<Text> {
    let mut pattern = String::new();
    for part in path.parts() {
        match part {
            Part::Lit(lit) => pattern.push_str(&lit.replace('\\', "/")),
            Part::Hole(_) => pattern.push('*'),
        }
    }
    let pattern = pattern.strip_prefix("./").unwrap_or(&pattern);
    // Of a path that is a variable as a whole nothing is known.
    if pattern.starts_with(['*', '/']) || pattern.starts_with("..") {
        return Vec::new();
    }
    let glob = Glob::new(pattern);
    let own = &document.input.artifact.path;
    let folder = beside(own);
    let within = document.input.app.artifacts.iter().filter_map(|a| a.path.strip_prefix(folder));
    within.filter(|path| glob.matches(path)).take(MAX_ALTERNATIVES).map(Text::lit).collect()
}

/// Blocks of HCL, or items of the list of JSON, with their kind.
fn provisioners(tree: &Tree) -> Vec<(NodeId, String)> {
    let mut found = Vec::new();
    for node in tree.descendants(ROOT) {
        match tree.name(node) {
            "provisioner" => found.push((node, tree.value(node).to_owned())),
            "provisioners" => {
                let items = tree.elements(node).filter_map(|p| Some((p, tree.get(p, "type")?.to_owned())));
                found.extend(items);
            }
            _ => {}
        }
    }
    found
}

fn shell(document: &mut Document<'_>, reading: &mut Reading, node: NodeId, powershell: bool) {
    let tree = &document.tree;
    let items =
        |name: &str| -> Vec<NodeId> { tree.child(node, name).map(|l| tree.elements(l).collect()).unwrap_or_default() };
    let scripts: Vec<NodeId> = tree.child(node, "script").into_iter().chain(items("scripts")).collect();
    let lines = items("inline");
    let variables = tree.child(node, "environment_vars").map(|list| environment(tree, list)).unwrap_or_default();
    for at in scripts {
        let path = document.tree.value(at).to_owned();
        starts(document, reading, at, &path);
    }
    let why = "a provisioner of the image: carried out when the image is built";
    let mut launch = Launch::new("image-build", why, Text::folder(Folder::Cwd));
    launch.powershell = powershell;
    launch.variables = variables;
    let text = |&line: &NodeId| (line, resolved(&document.tree, document.tree.value(line)));
    let lines: Vec<(NodeId, Text)> = lines.iter().map(text).collect();
    run_all(document, reading, &lines, &launch);
}

/// `["NAME=value", ...]`.
fn environment(tree: &Tree, list: NodeId) -> Vec<(String, Text)> {
    let pairs = tree.elements(list).filter_map(|item| tree.value(item).split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), resolved(tree, value))).collect()
}

/// What the `file` provisioner puts into the image is there from the beginning.
fn upload(document: &mut Document<'_>, reading: &mut Reading, node: NodeId) {
    let tree = &document.tree;
    if tree.is(node, "direction", "download") {
        return;
    }
    let Some(target) = tree.child(node, "destination") else { return };
    let source = tree.get(node, "source").unwrap_or_default().to_owned();
    let location = Location::file(&resolved(tree, tree.value(target)));
    document.clue(reading, target, Clue::new(ClueKind::Ships, "file-provisioner", source).at(location));
}

/// `${var.name}`, `var.name` and, in JSON, `{{user `name`}}` by the default that the template gives; `${path.root}`
/// is the folder of the template.
fn resolved(tree: &Tree, value: &str) -> Text {
    if let Some(text) = reference(tree, value.trim()) {
        return text;
    }
    let mut out = Text::new();
    let mut rest = value;
    for _ in 0..MAX_REFERENCES {
        let next = [("${", "}"), ("{{", "}}")].into_iter().filter_map(|(open, close)| {
            let start = rest.find(open)?;
            let inner = &rest[start + open.len()..];
            let end = inner.find(close)?;
            Some((start, &inner[..end], start + open.len() + end + close.len()))
        });
        let Some((start, inner, end)) = next.min_by_key(|(start, ..)| *start) else { break };
        out.push_lit(&rest[..start]);
        rest = &rest[end..];
        let inner = inner.trim();
        if matches!(inner, "path.root" | "path.cwd" | "template_dir") {
            rest = rest.trim_start_matches(['/', '\\']);
        } else {
            out.push_text(&reference(tree, inner).unwrap_or_else(Text::unknown));
        }
    }
    out.push_lit(rest);
    out
}

fn reference(tree: &Tree, text: &str) -> Option<Text> {
    let of_json = || text.strip_prefix("user")?.trim().strip_prefix('`')?.strip_suffix('`');
    let plain = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if let Some(name) = text.strip_prefix("var.").filter(plain) {
        let declared = tree.children_named(ROOT, "variable").find(|&v| tree.value(v) == name)?;
        return Some(tree.get(declared, "default").map_or_else(Text::unknown, Text::lit));
    }
    if let Some(name) = text.strip_prefix("local.").filter(plain) {
        let value = tree.children_named(ROOT, "locals").find_map(|l| tree.get(l, name))?;
        // A local that is an expression of its own is not followed further.
        return Some(if value.contains("${") || value.is_empty() { Text::unknown() } else { Text::lit(value) });
    }
    let name = of_json()?;
    let Some(value) = tree.at(ROOT, &["variables", name]).map(|id| tree.value(id)) else {
        return Some(Text::unknown());
    };
    Some(filled_in(value, |inner| of_json_variable(tree, inner)))
}

/// A variable in the value of another: what it is without anything in it, which a file of variables may change.
fn of_json_variable(tree: &Tree, inner: &str) -> Text {
    let name = inner.trim().strip_prefix("user").and_then(|rest| rest.trim().strip_prefix('`')?.strip_suffix('`'));
    let value = name.and_then(|name| tree.at(ROOT, &["variables", name])).map(|id| tree.value(id));
    match value {
        Some(value) if !value.is_empty() && !value.contains("{{") => Text::lit(value),
        _ => Text::unknown(),
    }
}

/// The text with what `known` says of each `{{...}}` in it.
fn filled_in(value: &str, known: impl Fn(&str) -> Text) -> Text {
    let mut out = Text::new();
    let mut rest = value;
    for _ in 0..MAX_REFERENCES {
        let Some((before, inner, after)) =
            rest.split_once("{{").and_then(|(before, tail)| tail.split_once("}}").map(|(i, a)| (before, i, a)))
        else {
            break;
        };
        out.push_lit(before);
        out.push_text(&known(inner));
        rest = after;
    }
    out.push_lit(rest);
    out
}
