//! What a script that is called leaves in the variables of its caller (`call env.cmd`).

use super::env::{Env, Value};
use super::parse;
use super::run::{Machine, World};
use super::syntax::Script;
use crate::facts::{Location, NoteKind, Reading, Site, Text};
use crate::read::script::handed;
use crate::read::script::sink::Sink;
use crate::read::text::decode_oem;

/// Largest script that is read for the variables that it sets.
const MAX_FILE: u64 = 64 << 10;
/// Deepest script that is called inside another.
const MAX_LEVELS: usize = 2;
/// Most scripts that one calls.
const MAX_CALLED: usize = 32;

impl Machine<'_, '_, '_> {
    /// Takes over what the script sets: it runs in the environment of its caller. What it does is told where it is read by
    /// itself. Was the whole of it followed?
    pub(super) fn take_over(&mut self, script_at: &Location, arguments: Vec<Text>, at: usize, env: &mut Env) -> bool {
        let Some(input) = self.world.input else { return false };
        let Some(path) = handed::beside(script_at) else { return false };
        let Some(artifact) = input.app.sibling(input.artifact, &path) else { return false };
        if !matches!(artifact.extension().as_str(), "cmd" | "bat") {
            return false;
        }
        if self.world.level >= MAX_LEVELS || self.called >= MAX_CALLED || artifact.path == input.artifact.path {
            self.sink.note(NoteKind::Info, handed::NOT_FOLLOWED);
            return false;
        }
        self.called += 1;
        let Ok(bytes) = artifact.read(MAX_FILE) else { return false };
        let mut aside = Reading::default();
        let text = decode_oem(&bytes, &mut aside);
        let lower = text.to_ascii_lowercase();
        // What is set behind it ends with the script.
        if !lower.contains("set") || lower.contains("setlocal") {
            return !lower.contains("set") && !lower.contains("call");
        }
        let (script, _) = parse::parse(&text, 0, self.delayed);
        let folder = path.rsplit_once(['\\', '/']).map_or(String::new(), |(folder, _)| format!("{folder}\\"));
        let own_folder = self.world.own_folder.clone().concat(&Text::lit(folder));
        let world = World {
            own_path: own_folder.clone().concat(&Text::lit(artifact.file_name())),
            own_folder,
            index: None,
            source: &text,
            fixed: Some(Site::default()),
            input: Some(input),
            level: self.world.level + 1,
        };
        let mut sink = Sink::new(&mut aside);
        let mut machine = Machine::new(&world, &mut sink, self.delayed);
        let after = machine.subroutine(&script, arguments, env.clone());
        self.steps += machine.steps;
        if aside.notes.iter().any(|note| note.text == handed::NOT_FOLLOWED) {
            self.sink.note(NoteKind::Info, handed::NOT_FOLLOWED);
        }
        for (name, values) in after.iter().flat_map(|after| after.set_since(env)).collect::<Vec<_>>() {
            // Where it was set is another file; here it is known since the call.
            let values = values.into_iter().map(|value| Value { at: Some(at), ..value }).collect();
            env.set(name, values);
        }
        after.is_some_and(|after| !after.is_open)
    }

    /// Runs a whole script as its caller does. Gives what holds when it returns.
    fn subroutine(&mut self, script: &Script, arguments: Vec<Text>, start: Env) -> Option<Env> {
        let labels = Self::labels(script);
        self.frame(script, &labels, 0, Some(arguments), start)
    }
}
