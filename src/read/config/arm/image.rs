//! Templates of Azure Image Builder: what their steps do is in the image.
//!
//! MS documentation, "Create an Azure Image Builder Bicep or ARM template", property `customize`. Steps of type `Shell` run
//! on other systems, and what `validate` runs leaves no trace in the image.

use super::resolved;
use crate::facts::{Clue, ClueKind, Folder, Location, Reading, Text};
use crate::read::config::command::{Launch, run_all};
use crate::read::config::document::Document;
use crate::read::config::tree::{NodeId, Tree};

/// Reads the steps of a template.
pub(super) fn template(document: &mut Document<'_>, reading: &mut Reading, resource: NodeId, given: Option<&Tree>) {
    let tree = &document.tree;
    let steps = tree.at(resource, &["properties", "customize"]);
    let steps: Vec<NodeId> = steps.map(|list| tree.elements(list).collect()).unwrap_or_default();
    for step in steps {
        if document.tree.is(step, "type", "PowerShell") {
            powershell(document, reading, step, given);
        } else if document.tree.is(step, "type", "File") {
            file(document, reading, step, given);
        }
    }
}

fn powershell(document: &mut Document<'_>, reading: &mut Reading, step: NodeId, given: Option<&Tree>) {
    let tree = &document.tree;
    let lines = tree.child(step, "inline").into_iter().flat_map(|list| tree.elements(list));
    let lines: Vec<(NodeId, Text)> = lines.map(|line| (line, resolved(document, line, given))).collect();
    let why = "a step of the image template: carried out when the image is built";
    let mut launch = Launch::new("image-build", why, Text::folder(Folder::Cwd));
    launch.powershell = true;
    run_all(document, reading, &lines, &launch);
    // The script is fetched from where it was put; here it goes by its name.
    let Some(at) = document.tree.child(step, "scriptUri") else { return };
    let uri = resolved(document, at, given).trailing_lit().to_owned();
    let file = uri.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    if !file.is_empty() {
        document.clue(reading, at, Clue::new(ClueKind::Starts, "image-build", file));
    }
}

fn file(document: &mut Document<'_>, reading: &mut Reading, step: NodeId, given: Option<&Tree>) {
    let Some(target) = document.tree.child(step, "destination") else { return };
    let source = document.tree.child(step, "sourceUri").map(|at| resolved(document, at, given).to_string());
    let location = Location::file(&resolved(document, target, given));
    let clue = Clue::new(ClueKind::Ships, "image-template-file", source.unwrap_or_default());
    document.clue(reading, target, clue.at(location));
}
