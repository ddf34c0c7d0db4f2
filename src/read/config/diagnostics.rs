//! Azure Diagnostics configuration (`.wadcfg`, `.wadcfgx`): which folders and logs are shipped off the machine.

use super::document::Document;
use super::tree::NodeId;
use crate::facts::{Clue, ClueKind, Location, Reading, Source, Text};

/// Data sources of the schema, and what they ship.
const SOURCES: &[(&str, &str)] =
    &[("WindowsEventLog", "event-log"), ("Logs", "trace"), ("IISLogs", "iis-logs"), ("CrashDumps", "dumps")];

/// Reads the configuration. A source without a transfer period is collected but not shipped.
pub(crate) fn read(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    reading.format = "azure-diagnostics".to_owned();
    for node in document.tree.descendants(root) {
        let name = document.tree.name(node).to_owned();
        if name == "DirectoryConfiguration" {
            directory(document, reading, node);
        } else if let Some((_, what)) = SOURCES.iter().find(|s| s.0 == name)
            && (is_transferred(document, node) || name == "IISLogs")
        {
            document.clue(reading, node, Clue::new(ClueKind::LogTransfer, &name, *what));
        }
    }
}

fn is_transferred(document: &Document<'_>, node: NodeId) -> bool {
    document.tree.get(node, "scheduledTransferPeriod").is_some_and(|period| period != "PT0M" && period != "PT0S")
}

/// A folder: by path, or inside a local resource.
fn directory(document: &mut Document<'_>, reading: &mut Reading, node: NodeId) {
    let tree = &document.tree;
    let list = tree.node(node).parent;
    let directories = tree.node(list).parent;
    if !is_transferred(document, list) && !is_transferred(document, directories) {
        return;
    }
    let container =
        tree.get(node, "container").or_else(|| tree.get(node, "containerName")).unwrap_or_default().to_owned();
    let location = if let Some(absolute) = tree.child(node, "Absolute") {
        Location::file(&Text::lit(tree.get(absolute, "path").unwrap_or_default()))
    } else if let Some(resource) = tree.child(node, "LocalResource") {
        let mut text = Text::from_source(Source::LocalResource, tree.get(resource, "name").unwrap_or_default());
        let relative = tree.get(resource, "relativePath").unwrap_or_default().trim_start_matches(['.', '\\']);
        if !relative.is_empty() {
            text.push_lit("\\");
            text.push_lit(relative);
        }
        Location::file(&text)
    } else {
        return;
    };
    document.clue(reading, node, Clue::new(ClueKind::LogTransfer, "DirectoryConfiguration", container).at(location));
}
