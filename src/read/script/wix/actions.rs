//! Which custom actions of WiX sources run, and when: what sequences, controls and references of all sources say.

use crate::read::Input;
use crate::read::script::msi::at_removal;
use roxmltree::{Document, Node};
use std::collections::{HashMap, HashSet};

/// Most other sources that are looked at.
const MAX_SOURCES: usize = 32;
/// Largest of them.
const MAX_SOURCE: u64 = 1 << 20;

/// Entry points of the WiX library that run a command line without a window (WiX documentation, "Quiet Execution Custom
/// Action"). A deferred action takes it from the property of its own name.
pub(in crate::read::script) const QUIET_ENTRIES: &[&str] =
    &["CAQuietExec", "CAQuietExec64", "WixQuietExec", "WixQuietExec64", "WixSilentExec", "WixSilentExec64"];

/// Properties from which actions that are not deferred take it.
pub(in crate::read::script) const QUIET_PROPERTIES: &[&str] = &[
    "QtExecCmdLine",
    "QtExec64CmdLine",
    "WixQuietExecCmdLine",
    "WixQuietExec64CmdLine",
    "WixSilentExecCmdLine",
    "WixSilentExec64CmdLine",
];

/// What the sources of a package say of its custom actions.
#[derive(Default)]
pub(super) struct Actions {
    /// Those that something runs, and whether that is only at a removal. `None` when other sources, which may run some,
    /// are not known.
    scheduled: Option<HashMap<String, bool>>,
    /// Those that only undo an installation that failed.
    rollback: HashSet<String>,
    /// Those that run the command line in the property of their name.
    quiet: HashSet<String>,
}

impl Actions {
    /// Of a source and the others beside it.
    pub(super) fn of(document: &Document<'_>, input: &Input<'_>) -> Self {
        let mut actions = Actions::default();
        if !document.descendants().any(|n| n.tag_name().name() == "CustomAction") {
            return actions;
        }
        let mut scheduled = HashMap::new();
        let mut has_package = actions.add(document, &mut scheduled);
        let own = &input.artifact.path;
        let others = || input.app.artifacts.iter().filter(|a| a.extension() == "wxs" && a.path != *own);
        let mut is_whole = others().nth(MAX_SOURCES).is_none();
        for other in others().take(MAX_SOURCES) {
            let Ok(bytes) = other.read(MAX_SOURCE) else {
                is_whole = false;
                continue;
            };
            let text = crate::read::text::decode(&bytes, &mut crate::facts::Reading::default()).into_owned();
            match Document::parse(text.trim_start_matches('\u{feff}')) {
                Ok(other) => has_package |= actions.add(&other, &mut scheduled),
                Err(_) => is_whole = false,
            }
        }
        // Fragments alone are parts of a package whose sequences are elsewhere.
        actions.scheduled = (is_whole && has_package).then_some(scheduled);
        actions
    }

    /// Adds what one source says. Does it describe a package, and not only parts of one?
    fn add(&mut self, document: &Document<'_>, scheduled: &mut HashMap<String, bool>) -> bool {
        let mut is_package = false;
        for node in document.descendants().filter(Node::is_element) {
            let mut runs = |id: Option<&str>, removes: bool| {
                let Some(id) = id else { return };
                let known = scheduled.entry(id.to_owned()).or_insert(removes);
                *known &= removes;
            };
            match node.tag_name().name() {
                "Product" | "Package" | "Module" => is_package = true,
                "Custom" => {
                    let condition = node.attribute("Condition").or_else(|| node.text());
                    runs(node.attribute("Action"), condition.is_some_and(at_removal));
                }
                "Publish" => runs(node.attribute("Value").or_else(|| node.text()), false),
                "CustomActionRef" => runs(node.attribute("Id"), false),
                "CustomAction" => {
                    let Some(id) = node.attribute("Id") else { continue };
                    if node.attribute("Execute") == Some("rollback") {
                        self.rollback.insert(id.to_owned());
                    }
                    let entry = node.attribute("DllEntry").unwrap_or_default();
                    if QUIET_ENTRIES.iter().any(|known| entry.starts_with(known)) {
                        self.quiet.insert(id.to_owned());
                    }
                }
                _ => {}
            }
        }
        is_package
    }

    /// Why an action does nothing when the package is installed.
    pub(super) fn idle(&self, id: &str) -> Option<&'static str> {
        let scheduled = self.scheduled.as_ref().map(|scheduled| scheduled.get(id));
        match scheduled {
            _ if self.rollback.contains(id) => Some("an action that undoes an installation that failed"),
            _ if id.to_lowercase().contains("uninst") => Some("an action of the uninstallation"),
            Some(Some(true)) => Some("an action of the uninstallation"),
            Some(None) => Some("no sequence runs this action"),
            _ => None,
        }
    }

    /// Is the value of the property a command line that is run?
    pub(super) fn is_command_line(&self, property: &str) -> bool {
        self.quiet.contains(property) || QUIET_PROPERTIES.contains(&property)
    }

    /// The action that runs the command line in a property, where the property tells.
    pub(super) fn runner<'a>(&self, property: &'a str) -> Option<&'a str> {
        Some(property).filter(|property| self.quiet.contains(*property))
    }
}
