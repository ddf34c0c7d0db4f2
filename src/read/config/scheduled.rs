//! What Windows starts by itself, as XML describes it: tasks of the Task Scheduler, and services of WinSW.

use super::command::{Launch, run};
use super::document::Document;
use super::tree::{NodeId, ROOT, Tree};
use crate::facts::{Folder, Reading, Text};

/// Reads `Task` (MS documentation, "Task Scheduler Schema": `Exec` runs a command in `System32`, if it is told of no
/// other folder).
pub(crate) fn task(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    let Some(actions) = document.tree.child(root, "Actions") else { return };
    reading.format = "task".to_owned();
    if document.tree.at(root, &["Settings", "Enabled"]).is_some_and(|at| document.tree.value(at).trim() == "false") {
        return;
    }
    let at_start = starts_with_machine(&document.tree, root);
    for exec in document.tree.children_named(actions, "Exec").collect::<Vec<_>>() {
        let Some(command) = document.tree.child(exec, "Command") else { continue };
        let line = line(&document.tree, command, document.tree.child(exec, "Arguments"));
        let folder = document.tree.child(exec, "WorkingDirectory").map(|at| document.tree.value(at).trim().to_owned());
        let here = folder.as_ref().map_or_else(|| Text::folder(Folder::System), Text::lit);
        let how = if at_start { "task-at-start" } else { "scheduled-task" };
        let launch = Launch::new(how, "an action of the scheduled task", here);
        run(document, reading, command, &Text::lit(line), &launch);
        if folder.is_some() {
            document.given(reading, command, "cwd", &launch.here);
        }
    }
}

/// Does the start of the machine, or the logon of a user, start it, once each time, and nothing else?
fn starts_with_machine(tree: &Tree, root: NodeId) -> bool {
    let Some(triggers) = tree.child(root, "Triggers") else { return false };
    let is_start = |at: &NodeId| {
        ["BootTrigger", "LogonTrigger"].contains(&tree.name(*at)) && tree.child(*at, "Repetition").is_none()
    };
    let triggers: Vec<NodeId> = tree.children(triggers).collect();
    !triggers.is_empty() && triggers.iter().all(is_start)
}

/// Is it a configuration of WinSW under the other name that its samples give the root? The wrapper looks at the elements.
pub(crate) fn is_wrapper(tree: &Tree, root: NodeId) -> bool {
    ["id", "executable"].iter().all(|name| tree.child(root, name).is_some())
}

/// Reads `service` of WinSW (its documentation, "XML config file": `%BASE%` is the folder of the wrapper).
pub(crate) fn service(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    let Some(executable) = document.tree.child(root, "executable") else { return };
    reading.format = "winsw".to_owned();
    let line = line(&document.tree, executable, document.tree.child(root, "arguments"));
    let mut launch = Launch::new("service", "the service that WinSW runs", Text::folder(Folder::AppDir));
    launch.variables.push(("BASE".to_owned(), Text::folder(Folder::AppDir)));
    let tree = &document.tree;
    let given: Vec<(NodeId, String, Text)> = tree
        .children_named(root, "env")
        .filter_map(|env| Some((env, tree.get(env, "name")?, tree.get(env, "value")?)))
        .map(|(env, name, value)| (env, name.to_owned(), Text::lit(value.replace("%BASE%", "."))))
        .collect();
    launch.variables.extend(given.iter().map(|(_, name, value)| (name.clone(), value.clone())));
    run(document, reading, executable, &Text::lit(line), &launch);
    for (at, name, value) in &given {
        document.given(reading, *at, &format!("env/{name}"), value);
    }
    // Below, relative paths are those of the wrapper.
    for node in document.tree.descendants(root) {
        let value = document.tree.value(node).replace("%BASE%", ".");
        document.tree.node_mut(node).value = value;
    }
    document.apply_rows(reading, "winsw", ROOT);
}

/// A program, in quotes where it has blanks, and its arguments.
fn line(tree: &Tree, program: NodeId, arguments: Option<NodeId>) -> String {
    let program = tree.value(program).trim().trim_matches('"');
    let program = if program.contains(' ') { format!("\"{program}\"") } else { program.to_owned() };
    match arguments {
        Some(arguments) => format!("{program} {}", tree.value(arguments).trim()),
        None => program,
    }
}
