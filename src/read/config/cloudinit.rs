//! Cloud-init's description of an instance, as Cloudbase-Init carries it out on Windows.
//!
//! Cloudbase-Init documentation, "Userdata": a document that begins with `#cloud-config`; `write_files`, `runcmd` and
//! `users` are carried out once, at the first start of each instance. Those of other systems say nothing here.

use super::command::{Launch, run};
use super::docker::has_drive;
use super::document::Document;
use super::tree::{NodeId, ROOT, Tree};
use crate::facts::{Certainty, Effect, Folder, Location, Operation, Origin, Phase, Reading, Step, Store, Text, Trait};

const WHY: &str = "cloud-init: carried out once, at the first start of each instance";
/// Words of command lines that only Windows understands.
const SHELLS: &[&str] = &["powershell", "cmd", "pwsh", "reg", "msiexec", "netsh", "sc"];

/// Reads a document; false for one of another system.
pub(crate) fn read(document: &mut Document<'_>, reading: &mut Reading) -> bool {
    let tree = &document.tree;
    let list = |name: &str| -> Vec<NodeId> {
        tree.child(ROOT, name).map(|list| tree.elements(list).collect()).unwrap_or_default()
    };
    let (files, commands, users) = (list("write_files"), list("runcmd"), list("users"));
    if !is_windows(tree, &files, &commands) {
        return false;
    }
    reading.format = "cloud-config".to_owned();
    for at in files {
        let tree = &document.tree;
        let Some(path) = tree.get(at, "path").map(str::to_owned) else { continue };
        let operation = if tree.is(at, "append", "true") { Operation::Append } else { Operation::Create };
        let location = Location::file(&Text::lit(path));
        let effect = Effect::new(operation, Store::File, location, Certainty::Proven, "write_files")
            .of_origin(Origin::Constant)
            .in_phase(Phase::FirstBoot, WHY)
            .because(Step::at("the content is written in this file", document.site(at)));
        document.effect(reading, at, effect);
    }
    for at in users {
        let Some(name) = document.tree.get(at, "name").map(str::to_owned) else { continue };
        let mut effect = Effect::new(
            Operation::Create,
            Store::Account,
            Location::named(Text::lit(name)),
            Certainty::Proven,
            "users",
        )
        .of_origin(Origin::Constant)
        .in_phase(Phase::FirstBoot, WHY);
        effect.mark(Trait::Cloned);
        document.effect(reading, at, effect);
    }
    for at in commands {
        let line = line(&document.tree, at);
        run(document, reading, at, &Text::lit(line), &Launch::new("first-boot", WHY, Text::folder(Folder::System)));
    }
    true
}

/// A command is a line, or the words of one.
fn line(tree: &Tree, command: NodeId) -> String {
    let words: Vec<&str> = tree.elements(command).map(|word| tree.value(word)).collect();
    if words.is_empty() { tree.value(command).to_owned() } else { words.join(" ") }
}

fn is_windows(tree: &Tree, files: &[NodeId], commands: &[NodeId]) -> bool {
    let has_shell = |line: &str| {
        let first = line.split_whitespace().next().unwrap_or_default().to_lowercase();
        SHELLS.contains(&first.trim_end_matches(".exe"))
    };
    files.iter().filter_map(|&file| tree.get(file, "path")).any(has_drive)
        || commands.iter().map(|&command| line(tree, command)).any(|line| has_shell(&line) || has_drive(&line))
}
