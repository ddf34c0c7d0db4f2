//! Answer files of Windows Setup: commands that run once, and what they make of the machine.

use super::command::{Launch, run};
use super::document::Document;
use super::tree::NodeId;
use crate::facts::{Clue, ClueKind, Folder, Reading, Text};

/// Lists of commands and the element that holds the command.
const COMMANDS: &[(&str, &str)] = &[
    ("RunSynchronousCommand", "Path"),
    ("RunAsynchronousCommand", "Path"),
    ("SynchronousCommand", "CommandLine"),
    ("AsynchronousCommand", "CommandLine"),
];

/// Reads `unattend`.
pub(crate) fn read(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    reading.format = "unattend".to_owned();
    for settings in document.tree.children_named(root, "settings").collect::<Vec<_>>() {
        let pass = document.tree.get(settings, "pass").unwrap_or_default().to_owned();
        let how = kind_of(&pass);
        for node in document.tree.descendants(settings) {
            if document.tree.name(node) == "ComputerName" && document.tree.value(node).trim() == "*" {
                document.clue(reading, node, Clue::new(ClueKind::Role, "generated-computer-name", &pass));
            }
            let Some((_, element)) = COMMANDS.iter().find(|c| c.0 == document.tree.name(node)) else { continue };
            let Some(at) = document.tree.child(node, element) else { continue };
            let command = document.tree.value(at).to_owned();
            let launch =
                Launch::new(how, format!("a command of the answer file, pass {pass}"), Text::folder(Folder::System));
            run(document, reading, at, &Text::lit(command), &launch);
        }
    }
}

/// MS documentation, "Windows Setup Configuration Passes": what comes before generalising is in the image; the later
/// passes run once on each machine that is made from it.
fn kind_of(pass: &str) -> &'static str {
    match pass {
        "windowsPE" | "offlineServicing" | "generalize" | "auditSystem" | "auditUser" => "image-build",
        _ => "first-boot",
    }
}
