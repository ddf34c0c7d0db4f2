//! What services of AWS run on each machine that an application is put on: hooks of CodeDeploy (`appspec.yml`) and the
//! commands of Elastic Beanstalk (`.ebextensions/*.config`); and on the one that becomes the image, components of EC2 Image
//! Builder.
//!
//! The former are carried out on every machine that an auto scaling group starts, before it gets requests.

use super::command::{Launch, run, run_all};
use super::document::Document;
use super::tree::{NodeId, ROOT};
use crate::facts::{
    Certainty, Clue, ClueKind, Effect, Folder, Location, Operation, Origin, Phase, Reading, Step, Store, Text,
};

/// Reads a document of one of the services; false for others.
pub(crate) fn read(document: &mut Document<'_>, dialect: &str, reading: &mut Reading) -> bool {
    match dialect {
        "codedeploy" => code_deploy(document, reading),
        "beanstalk" => beanstalk(document, reading),
        "image-component" => component(document, reading),
        _ => return false,
    }
    reading.format = dialect.to_owned();
    true
}

/// AWS documentation, "AppSpec file reference": `os: windows`, `files` that are copied, `hooks` with scripts below the
/// folder of the file.
fn code_deploy(document: &mut Document<'_>, reading: &mut Reading) {
    let tree = &document.tree;
    if !tree.is(ROOT, "os", "windows") {
        return;
    }
    let items =
        |node: Option<NodeId>| -> Vec<NodeId> { node.map(|node| tree.elements(node).collect()).unwrap_or_default() };
    let copied: Vec<(NodeId, String, String)> = items(tree.child(ROOT, "files"))
        .into_iter()
        .filter_map(|file| {
            let target = tree.child(file, "destination")?;
            Some((target, tree.get(file, "source").unwrap_or_default().to_owned(), tree.value(target).to_owned()))
        })
        .collect();
    let scripts: Vec<(NodeId, String)> = items(tree.child(ROOT, "hooks"))
        .into_iter()
        .flat_map(|hook| tree.elements(hook).map(|script| (hook, script)).collect::<Vec<_>>())
        .filter_map(|(hook, script)| Some((tree.child(script, "location")?, tree.name(hook).to_owned())))
        .collect();
    for (at, source, target) in copied {
        let clue = Clue::new(ClueKind::Ships, "codedeploy-file", source);
        document.clue(reading, at, clue.at(Location::file(&Text::lit(target))));
    }
    for (at, hook) in scripts {
        let line = document.tree.value(at).replace('/', "\\");
        let line = line.trim_start_matches('\\').to_owned();
        let why = format!("the hook {hook} of the deployment, run on every machine that joins the group");
        run(document, reading, at, &Text::lit(line), &Launch::new("startup-task", why, Text::folder(Folder::AppDir)));
    }
}

/// AWS documentation, "Customizing software on Windows servers": `commands` and `container_commands` by their names,
/// `files` by their paths.
fn beanstalk(document: &mut Document<'_>, reading: &mut Reading) {
    for list in ["commands", "container_commands"] {
        let tree = &document.tree;
        let commands: Vec<NodeId> = tree.child(ROOT, list).map(|n| tree.elements(n).collect()).unwrap_or_default();
        for command in commands {
            let tree = &document.tree;
            let Some(at) = tree.child(command, "command") else { continue };
            let line = tree.value(at).to_owned();
            let folder = tree.get(command, "cwd").map(Text::lit);
            let why = format!("{list} of the environment, run on every machine that it starts");
            let mut launch = Launch::new("startup-task", why, folder.unwrap_or_else(|| Text::folder(Folder::AppDir)));
            if let Some(variables) = tree.child(command, "env") {
                launch.variables = tree
                    .elements(variables)
                    .map(|variable| (tree.name(variable).to_owned(), Text::lit(tree.value(variable))))
                    .collect();
            }
            run(document, reading, at, &Text::lit(line), &launch);
        }
    }
    let tree = &document.tree;
    let files: Vec<NodeId> = tree.child(ROOT, "files").map(|n| tree.elements(n).collect()).unwrap_or_default();
    for at in files {
        let path = Text::lit(document.tree.name(at));
        let why = "files of the environment are written to every machine that it starts";
        let effect = Effect::new(Operation::Create, Store::File, Location::file(&path), Certainty::Proven, "files")
            .of_origin(Origin::Constant)
            .in_phase(Phase::Startup, why)
            .because(Step::at("the content is written in this file", document.site(at)));
        document.effect(reading, at, effect);
    }
}

/// AWS documentation, "How Image Builder uses the AWS Task Orchestrator and Executor application": the phases `build` and
/// `validate` run on the machine that becomes the image, `test` on one that is made of it.
const PHASES: &[&str] = &["build", "validate"];
/// Actions that run Windows shells (the same, "Action modules"), and whether that is PowerShell.
const SHELLS: &[(&str, bool)] = &[("ExecutePowerShell", true), ("ExecuteBatch", false)];

/// A component of EC2 Image Builder: phases with steps, each of one action with its inputs.
fn component(document: &mut Document<'_>, reading: &mut Reading) {
    let tree = &document.tree;
    let list = |node: NodeId, name: &str| -> Vec<NodeId> {
        tree.child(node, name).map(|list| tree.elements(list).collect()).unwrap_or_default()
    };
    let phases = list(ROOT, "phases").into_iter().filter(|&p| PHASES.iter().any(|name| tree.is(p, "name", name)));
    let steps: Vec<NodeId> = phases.flat_map(|phase| list(phase, "steps")).collect();
    for step in steps {
        let tree = &document.tree;
        let action = tree.get(step, "action").unwrap_or_default();
        let Some(inputs) = tree.child(step, "inputs") else { continue };
        if let Some((_, powershell)) = SHELLS.iter().find(|(name, _)| *name == action) {
            let commands = tree.child(inputs, "commands").into_iter().flat_map(|list| tree.elements(list));
            let commands: Vec<(NodeId, Text)> = commands.map(|at| (at, Text::lit(tree.value(at)))).collect();
            let mut launch = Launch::new("image-build", IMAGE, Text::folder(Folder::Cwd));
            launch.powershell = *powershell;
            run_all(document, reading, &commands, &launch);
        } else if action == "SetRegistry" {
            tree.elements(inputs)
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|value| set_registry(document, reading, value));
        }
    }
}

/// Evidence of the phase of a component.
const IMAGE: &str = "a step of the image: carried out when the image is built";

fn set_registry(document: &mut Document<'_>, reading: &mut Reading, value: NodeId) {
    let tree = &document.tree;
    let (Some(at), Some(name)) = (tree.child(value, "path"), tree.get(value, "name")) else { return };
    let location = Location::registry(&Text::lit(format!("{}\\{name}", tree.value(at))));
    let effect = Effect::new(Operation::SetValue, Store::Registry, location, Certainty::Proven, "SetRegistry")
        .of_origin(Origin::Constant)
        .in_phase(Phase::Build, IMAGE);
    document.effect(reading, at, effect);
}
