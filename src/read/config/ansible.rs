//! Playbooks of Ansible and lists of its tasks: the scripts that run on machines of Windows (documentation of the collection
//! `ansible.windows`). Whether they make an image or set up an instance, whoever starts the playbook says.

use super::command::{Launch, run};
use super::document::Document;
use super::tree::{NodeId, ROOT, Tree};
use crate::facts::{Clue, ClueKind, Folder, Location, Reading, Text};
use crate::read::text::filled_in_later;

/// Modules that run a text, and whether that is PowerShell.
const SHELLS: [(&str, bool); 3] = [("win_shell", true), ("win_powershell", true), ("win_command", false)];
/// Members that hold the text, where a module has members.
const TEXTS: [&str; 3] = ["cmd", "_raw_params", "script"];
/// The module that copies a script to the machine and runs it there.
const SCRIPT: &str = "script";
/// How what a task runs is started.
const HOW: &str = "provision";

/// Reads the tasks, if there are any for Windows.
pub(crate) fn read(document: &mut Document<'_>, reading: &mut Reading) -> bool {
    let tree = &document.tree;
    let nodes = tree.descendants(ROOT);
    let shells: Vec<(NodeId, bool)> = nodes
        .iter()
        .filter_map(|&node| {
            let name = module(tree, node);
            SHELLS.iter().find(|(shell, _)| *shell == name).map(|(_, powershell)| (node, *powershell))
        })
        .collect();
    let roles = roles(tree);
    if shells.is_empty() && roles.is_empty() {
        return false;
    }
    let scripts: Vec<(NodeId, String)> = nodes
        .iter()
        .filter(|&&node| module(tree, node) == SCRIPT && tree.elements(node).next().is_none())
        .filter(|&&node| !SHELLS.iter().any(|(shell, _)| *shell == module(tree, tree.node(node).parent)))
        .filter_map(|&node| Some((node, tree.value(node).split_whitespace().next()?.to_owned())))
        .filter(|(_, script)| !script.contains("{{"))
        .collect();
    reading.format = "ansible".to_owned();
    for (node, powershell) in shells {
        let tree = &document.tree;
        let at = TEXTS.iter().find_map(|name| tree.child(node, name)).unwrap_or(node);
        let runs_cmd = tree.at(tree.node(node).parent, &["args", "executable"]).or(tree.child(node, "executable"));
        let runs_cmd = runs_cmd.is_some_and(|shell| tree.value(shell).to_lowercase().contains("cmd"));
        let line = filled_in_later(tree.value(at));
        let mut launch = Launch::new(HOW, "a task of a playbook", Text::folder(Folder::Cwd));
        launch.powershell = powershell && !runs_cmd;
        run(document, reading, at, &line, &launch);
    }
    for (node, role) in roles {
        let tasks = Text::lit(format!("\\roles\\{role}\\tasks\\main.yml"));
        let location = Location::file(&Text::folder(Folder::Cwd).concat(&tasks));
        document.clue(reading, node, Clue::new(ClueKind::Starts, HOW, role).at(location));
    }
    for (node, script) in scripts {
        let location = Location::file(&Text::folder(Folder::Cwd).concat(&Text::lit(format!("\\{script}"))));
        document.clue(reading, node, Clue::new(ClueKind::Starts, HOW, script).at(location));
    }
    true
}

/// The roles of the plays (Ansible documentation, "Roles"): lists of tasks in `roles/NAME/tasks/main.yml`.
fn roles(tree: &Tree) -> Vec<(NodeId, String)> {
    let plays = tree.elements(ROOT).filter(|&play| tree.child(play, "hosts").is_some());
    let lists = plays.filter_map(|play| tree.child(play, "roles"));
    let roles = lists.flat_map(|list| tree.elements(list).collect::<Vec<_>>());
    let named = |role: NodeId| ["role", "name"].iter().find_map(|name| tree.child(role, name)).unwrap_or(role);
    roles
        .map(named)
        .map(|role| (role, tree.value(role).trim().to_owned()))
        .filter(|(_, name)| !name.is_empty() && !name.contains(['/', '\\', '{', '.']))
        .collect()
}

/// The name of a module without its collection: `ansible.windows.win_shell`.
fn module(tree: &Tree, node: NodeId) -> &str {
    let name = tree.name(node);
    name.rsplit('.').next().unwrap_or(name)
}
