//! WiX sources: components with their files, registry values, services and folders; custom actions.
//!
//! Element and attribute names: WiX schema reference (v3 and v4, which differ in the namespace and in `Package`).
//! `Directory` elements give paths; those that another source of the application defines are resolved when artifacts
//! are joined. [`elements`] says what an element does; those whose attributes say all are data.

mod actions;
mod elements;
pub(in crate::read::script) mod values;

pub(in crate::read::script) use actions::{QUIET_ENTRIES, QUIET_PROPERTIES};
pub(in crate::read::script) use elements::{MACHINE_ENVIRONMENT, UNINSTALL, USER_ENVIRONMENT};

use super::sink::Sink;
use crate::facts::{Clue, ClueKind, NoteKind, Reading, Source, Text, join_paths};
use crate::read::Input;
use crate::read::text::LineIndex;
use actions::Actions;
use elements::Element;
use roxmltree::{Document, Node};
use std::collections::HashMap;
use values::{Values, standard};

/// Deepest nesting of elements that is followed.
const MAX_DEPTH: usize = 100;
/// Most included files of one source.
const MAX_INCLUDES: usize = 32;
/// Largest included file.
const MAX_INCLUDE: u64 = 1 << 20;

/// Reads a WiX source.
pub fn read(text: &str, input: &Input<'_>, reading: &mut Reading) {
    let text = text.trim_start_matches('\u{feff}');
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let at = error.pos();
            reading.note(NoteKind::Malformed, format!("not well-formed XML at {}:{}: not read", at.row, at.col));
            return;
        }
    };
    reading.format = "wix".to_owned();
    let index = LineIndex::new(text);
    let databases = document.descendants().filter(|node| node.tag_name().name() == "SqlDatabase");
    let databases = databases.filter_map(|node| Some((node.attribute("Id")?, node))).collect();
    let actions = Actions::of(&document, input);
    let mut wix = Wix { index: &index, text, values: Values::default(), actions, databases };
    wix.includes(&document, input);
    wix.defines(&document);
    wix.properties(&document);
    let mut sink = Sink::new(reading);
    wix.folders(&document, &mut sink);
    wix.walk(document.root_element(), &Text::unknown(), 0, &mut sink);
}

struct Wix<'t> {
    index: &'t LineIndex<'t>,
    text: &'t str,
    values: Values,
    actions: Actions,
    /// The `SqlDatabase` elements by their identifiers.
    databases: HashMap<&'t str, Node<'t, 't>>,
}

impl Wix<'_> {
    /// `<?include common.wxi ?>`: the variables of a file beside this one.
    fn includes(&mut self, document: &Document<'_>, input: &Input<'_>) {
        let included = document.descendants().filter_map(|n| n.pi()).filter(|pi| pi.target == "include");
        for pi in included.take(MAX_INCLUDES) {
            let path = self.values.preprocessed(pi.value.unwrap_or_default().trim().trim_matches(['"', '\'']));
            let Some(artifact) = input.app.sibling(input.artifact, path.trim_start_matches("{?}")) else { continue };
            let Ok(bytes) = artifact.read(MAX_INCLUDE) else { continue };
            let text = crate::read::text::decode(&bytes, &mut Reading::default()).into_owned();
            if let Ok(document) = Document::parse(text.trim_start_matches('\u{feff}')) {
                self.defines(&document);
            }
        }
    }

    /// `<?define X = "value" ?>`; of several, the first.
    fn defines(&mut self, document: &Document<'_>) {
        for pi in document.descendants().filter_map(|n| n.pi()).filter(|pi| pi.target == "define") {
            let Some((name, value)) = pi.value.unwrap_or_default().split_once('=') else { continue };
            let value = self.values.preprocessed(value.trim().trim_matches(['"', '\'']));
            let name = name.trim().trim_start_matches("var.").to_owned();
            self.values.defines.entry(name).or_insert(value);
        }
    }

    /// The elements of another that its `<?ifdef ?>` and `<?if ?>` let through. Conditions that are not known here
    /// let both branches through.
    fn active<'x>(&self, node: Node<'x, 'x>) -> Vec<Node<'x, 'x>> {
        // Of each open condition: whether it may hold, and whether an earlier branch certainly did.
        let mut open: Vec<(bool, bool)> = Vec::new();
        let mut found = Vec::new();
        for child in node.children() {
            if child.is_element() && open.iter().all(|(may, _)| *may) {
                found.push(child);
            }
            let Some(pi) = child.pi() else { continue };
            let condition = pi.value.unwrap_or_default().trim();
            let defined = || self.values.is_defined(condition);
            let holds = match pi.target {
                "ifdef" | "elseifdef" => Some(defined()),
                "ifndef" | "elseifndef" => Some(!defined()),
                "if" | "elseif" => self.values.holds(condition),
                "else" => Some(true),
                _ => None,
            };
            match pi.target {
                "ifdef" | "ifndef" | "if" => open.push((holds != Some(false), holds == Some(true))),
                "elseifdef" | "elseifndef" | "elseif" | "else" => {
                    if let Some((may, done)) = open.last_mut() {
                        *may = !*done && holds != Some(false);
                        *done |= holds == Some(true);
                    }
                }
                "endif" => {
                    open.pop();
                }
                _ => {}
            }
        }
        found
    }

    /// Properties with a value, and those that the package itself gives.
    fn properties(&mut self, document: &Document<'_>) {
        let mut shared = false;
        for node in document.descendants().filter(Node::is_element) {
            let mut set = |name: &str, value: Option<&str>| {
                if let Some(value) = value {
                    let value = self.values.preprocessed(value);
                    self.values.properties.entry(name.to_owned()).or_insert(value);
                }
            };
            match node.tag_name().name() {
                "Product" | "Package" | "Bundle" => {
                    let scope = node.attribute("InstallScope").or_else(|| node.attribute("Scope"));
                    shared |= scope.is_some_and(|scope| scope == "perMachine");
                    set("ProductName", node.attribute("Name"));
                    set("Manufacturer", node.attribute("Manufacturer"));
                    set("ProductVersion", node.attribute("Version"));
                }
                "Property" => set(node.attribute("Id").unwrap_or_default(), node.attribute("Value")),
                _ => {}
            }
        }
        self.values.shared = shared || self.values.properties.get("ALLUSERS").is_some_and(|value| value == "1");
    }

    /// The folder tree, which components refer to from anywhere, also from other sources.
    fn folders(&mut self, document: &Document<'_>, sink: &mut Sink<'_>) {
        for node in document.descendants().filter(Node::is_element) {
            if !matches!(node.tag_name().name(), "Directory" | "StandardDirectory") {
                continue;
            }
            let Some(id) = node.attribute("Id").map(|id| self.values.preprocessed(id)) else { continue };
            let path = self.folder(node, &id);
            if standard(&id, self.values.shared).is_none() && node.attribute("Name").is_some() {
                let clue = Clue::new(ClueKind::ConfigValue, format!("property:{id}"), path.to_string());
                sink.clue(&self.index.site(node.range().start), clue);
            }
            self.values.folders.insert(id, path);
        }
    }

    /// The path of a `Directory` element; its parents come first in document order.
    fn folder(&self, node: Node<'_, '_>, id: &str) -> Text {
        if let Some(known) = standard(id, self.values.shared) {
            return known;
        }
        let parent = node.parent_element().and_then(|p| match p.tag_name().name() {
            "Directory" | "DirectoryRef" | "StandardDirectory" => p.attribute("Id"),
            _ => None,
        });
        let base = parent.map(|p| self.values.directory(p));
        let name = node.attribute("Name").map(|n| self.values.formatted(n.split('|').next_back().unwrap_or(n)));
        match (base, name) {
            (Some(base), Some(name)) => join_paths(&base, &name),
            (Some(base), None) => base,
            (None, _) => Text::from_source(Source::Property, id),
        }
    }

    fn walk(&self, node: Node<'_, '_>, folder: &Text, depth: usize, sink: &mut Sink<'_>) {
        if depth > MAX_DEPTH {
            sink.note(NoteKind::Capped, "elements nested too deep: not followed");
            return;
        }
        let mut folder = folder.clone();
        let name = node.tag_name().name();
        match name {
            "Directory" | "DirectoryRef" | "StandardDirectory" => {
                folder = node.attribute("Id").map_or(folder, |id| self.values.directory(id));
            }
            "Component" | "ComponentGroup" | "CustomAction" | "Files" => {
                folder = node.attribute("Directory").map_or(folder, |id| self.values.directory(id));
                if let Some(below) = node.attribute("Subdirectory") {
                    folder = join_paths(&folder, &self.values.formatted(below));
                }
            }
            _ => {}
        }
        Element { wix: self, node, folder: &folder }.read(name, sink);
        for child in self.active(node) {
            self.walk(child, &folder, depth + 1, sink);
        }
    }
}
