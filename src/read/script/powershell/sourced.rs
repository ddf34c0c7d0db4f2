//! What a script that is dot-sourced leaves to the one that reads it: variables and functions (`. .\\vars.ps1`).

use super::arguments::{Argument, Handed};
use super::command::bound;
use super::functions::MAX_CALLS;
use super::run::{Machine, child_of_kind, children};
use super::value::{Scope, Value};
use super::{MAX_INLINE_PROGRESS, parse};
use crate::discover::Artifact;
use crate::facts::{Folder, Hole, Location, NoteKind, Part, Reading, Site, Text, folder_of, join_paths};
use crate::read::Input;
use crate::read::script::call::{self, parent};
use crate::read::script::handed;
use crate::read::script::sink::Sink;
use crate::read::text::decode;
use std::ops::Range;
use std::sync::Arc;
use tree_sitter::{Node, Tree};

/// Largest script that is read for the variables that it sets.
const MAX_FILE: u64 = 64 << 10;
/// Deepest script that is read inside another.
const MAX_LEVELS: usize = 2;
/// Most functions of one script.
const MAX_FUNCTIONS: usize = 200;
/// Most scripts that one pattern stands for.
const MAX_LISTED: usize = 128;
/// Most times that a script, or one that it reads, reads another.
const MAX_SOURCED: usize = 48;

/// The text of a script, and how it is understood.
pub(super) type Script = Arc<(String, Tree)>;

/// A function of a script that was read.
#[derive(Clone)]
pub(super) struct Foreign {
    script: Script,
    place: Range<usize>,
}

impl Foreign {
    /// Its definition.
    fn node(&self) -> Option<Node<'_>> {
        let (_, tree) = &*self.script;
        let found = tree.root_node().descendant_for_byte_range(self.place.start, self.place.end)?;
        std::iter::successors(Some(found), Node::parent)
            .find(|node| node.kind() == "function_statement" && node.byte_range() == self.place)
    }
}

impl<'s> Machine<'s, '_, '_> {
    /// Takes over what the script sets (about_Scripts, "Script scope and dot sourcing"). What it does is told where it is
    /// read by itself.
    pub(super) fn take_over(&mut self, script_at: &Location, node: Node<'s>, scope: &mut Scope) {
        let Some(input) = self.input else { return };
        let Some(artifact) = handed::beside(script_at).and_then(|path| input.app.sibling(input.artifact, &path)) else {
            return;
        };
        if artifact.extension() != "ps1" {
            return;
        }
        // What libraries of a library set is known already; what a function of this script reads, others may not know.
        let before = self.sourced.iter().find(|(path, _)| *path == artifact.path).map(|(_, script)| script.clone());
        if self.level > 0 && before.is_some() {
            return;
        }
        if self.level >= MAX_LEVELS || self.sourced.len() >= MAX_SOURCED || artifact.path == input.artifact.path {
            return self.sink.note(NoteKind::Info, handed::NOT_FOLLOWED);
        }
        let mut aside = Reading::default();
        let script = before.unwrap_or_else(|| understood(artifact, &mut aside));
        self.sourced.push((artifact.path.clone(), script.clone()));
        let Some(script) = script else { return };
        let (text, tree) = &*script;
        let mut sink = Sink::new(&mut aside);
        let mut machine = Machine::new(text, parent(script_at.text()), &mut sink);
        machine.fixed = Some(Site::default());
        machine.input = Some(input);
        machine.level = self.level + 1;
        machine.sourced = std::mem::take(&mut self.sourced);
        machine.foreign = std::mem::take(&mut self.foreign);
        let mut after = scope.clone();
        machine.statements(tree.root_node(), &mut after);
        (self.sourced, self.foreign) = (std::mem::take(&mut machine.sourced), std::mem::take(&mut machine.foreign));
        self.foreign.extend(functions(&script));
        self.sink.queries.add(&sink.queries);
        scope.take_over(&after, node.start_byte());
        if aside.notes.iter().any(|note| note.text == handed::NOT_FOLLOWED) {
            self.sink.note(NoteKind::Info, handed::NOT_FOLLOWED);
        }
    }

    /// Runs a function of a script that was read, where it is called.
    pub(super) fn foreign_function(
        &mut self,
        name: &str,
        arguments: &[Argument<'s>],
        node: Node<'s>,
        scope: &Scope,
    ) -> Option<Value> {
        let foreign = self.foreign.get(name)?.clone();
        if self.calls >= MAX_CALLS {
            return Some(Value::unknown());
        }
        let function = foreign.node()?;
        let site = self.site(node);
        let mut machine = Machine::new(&foreign.script.0, self.own_folder.clone(), &mut *self.sink);
        machine.fixed = Some(site);
        machine.foreign.clone_from(&self.foreign);
        machine.calls = self.calls;
        machine.steps = self.steps;
        machine.broken = function.has_error();
        // Blocks are nodes of this script.
        let given: Vec<Argument<'_>> =
            arguments.iter().filter(|argument| !matches!(argument, Argument::Block(_))).cloned().collect();
        machine.handed = Handed::to(&machine.parameter_names(function), &given);
        let value = machine.function(function, &bound(arguments), &mut scope.clone());
        self.steps = machine.steps;
        Some(value)
    }
}

/// The scripts of the application that a pattern for their names stands for; none unless only the name is open.
pub(super) fn matching(pattern: &Text, input: &Input<'_>) -> Vec<Text> {
    let [Part::Hole(Hole::Folder(Folder::AppDir | Folder::Cwd)), Part::Lit(below)] = pattern.parts() else {
        return Vec::new();
    };
    let below = below.to_lowercase().replace('\\', "/");
    let (folder, name) = below.rsplit_once('/').unwrap_or(("", &below));
    let Some((begin, end)) = name.split_once('*').filter(|(_, end)| !end.contains('*')) else { return Vec::new() };
    let here = format!("{}{folder}/", folder_of(&input.artifact.path).to_lowercase());
    let here = here.trim_start_matches('/');
    let is_meant = |artifact: &&Artifact| {
        let path = artifact.path.trim_start_matches('/').to_lowercase();
        path.strip_prefix(here).is_some_and(|name| {
            !name.contains('/')
                && name.len() >= begin.len() + end.len()
                && name.starts_with(begin)
                && name.ends_with(end)
        })
    };
    let found = input.app.artifacts.iter().filter(is_meant).filter(|artifact| artifact.extension() == "ps1");
    let folder = call::parent(pattern);
    found.take(MAX_LISTED).map(|artifact| join_paths(&folder, &Text::lit(artifact.file_name()))).collect()
}

/// Reads a script; `None`: it cannot be.
fn understood(artifact: &Artifact, aside: &mut Reading) -> Option<Script> {
    let bytes = artifact.read(MAX_FILE).ok()?;
    let text = decode(&bytes, aside).into_owned();
    let tree = parse(&text, MAX_INLINE_PROGRESS)?;
    Some(Arc::new((text, tree)))
}

/// Functions of a script, by their names in lower case.
fn functions(script: &Script) -> Vec<(String, Foreign)> {
    let (text, tree) = &**script;
    let named = |function: Node<'_>| {
        let name = text.get(child_of_kind(function, "function_name")?.byte_range())?;
        Some((name.to_lowercase(), Foreign { script: script.clone(), place: function.byte_range() }))
    };
    functions_of(tree).into_iter().filter_map(named).collect()
}

/// The functions that are defined outside others.
fn functions_of(tree: &Tree) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let mut stack = vec![tree.root_node()];
    while let Some(node) = stack.pop().filter(|_| found.len() < MAX_FUNCTIONS) {
        match node.kind() {
            "function_statement" => found.push(node),
            "program" | "statement_list" | "ERROR" => stack.extend(children(node).into_iter().rev()),
            _ => {}
        }
    }
    found
}
