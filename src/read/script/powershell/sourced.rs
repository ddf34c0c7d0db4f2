//! What a script that is dot-sourced leaves in the variables of the one that reads it (`. .\\vars.ps1`).

use super::run::Machine;
use super::value::Scope;
use super::{MAX_INLINE_PROGRESS, parse};
use crate::facts::{Location, NoteKind, Reading, Site};
use crate::read::script::call::parent;
use crate::read::script::handed;
use crate::read::script::sink::Sink;
use crate::read::text::decode;
use tree_sitter::Node;

/// Largest script that is read for the variables that it sets.
const MAX_FILE: u64 = 64 << 10;
/// Deepest script that is read inside another.
const MAX_LEVELS: usize = 2;
/// Most scripts that one reads.
const MAX_SOURCED: usize = 16;

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
        if self.level >= MAX_LEVELS || self.sourced >= MAX_SOURCED || artifact.path == input.artifact.path {
            return self.sink.note(NoteKind::Info, handed::NOT_FOLLOWED);
        }
        self.sourced += 1;
        let Ok(bytes) = artifact.read(MAX_FILE) else { return };
        let mut aside = Reading::default();
        let text = decode(&bytes, &mut aside).into_owned();
        let Some(tree) = parse(&text, MAX_INLINE_PROGRESS) else { return };
        let mut sink = Sink::new(&mut aside);
        let mut machine = Machine::new(&text, parent(script_at.text()), &mut sink);
        machine.fixed = Some(Site::default());
        machine.input = Some(input);
        machine.level = self.level + 1;
        let mut after = scope.clone();
        machine.script(tree.root_node(), &mut after);
        scope.take_over(&after, node.start_byte());
        if aside.notes.iter().any(|note| note.text == handed::NOT_FOLLOWED) {
            self.sink.note(NoteKind::Info, handed::NOT_FOLLOWED);
        }
    }
}
