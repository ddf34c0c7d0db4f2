//! PowerShell scripts, by a grammar and a walk over its tree.

mod arguments;
mod command;
mod compute;
mod expression;
mod functions;
mod markers;
mod run;
mod strings;
mod value;

use super::CommandContext;
use super::chocolatey;
use super::sink::Sink;
use crate::catalog::commands::{self, Shell};
use crate::facts::{Clue, ClueKind, Folder, NoteKind, Reading, Site, Text};
use crate::read::Input;
use crate::read::text::LineIndex;
use aho_corasick::AhoCorasick;
use run::Machine;
use std::ops::ControlFlow;
use std::sync::OnceLock;
use tree_sitter::{ParseOptions, ParseState, Parser, Tree};
use value::Scope;

/// Longest script that is parsed; a longer one carries data.
const MAX_SCRIPT: usize = 2 << 20;
/// Reports of progress until parsing is given up; the parser makes one every hundred operations. An ordinary script of the
/// greatest length needs 50,000.
const MAX_PROGRESS: usize = 80_000;
/// The same for a command line of another artifact.
const MAX_INLINE_PROGRESS: usize = 8_000;

/// Reads a script file.
pub(super) fn read(text: &str, input: &Input<'_>, reading: &mut Reading) {
    if !mentions_state(text) {
        return;
    }
    let text = if text.len() > MAX_SCRIPT {
        reading.note(NoteKind::Capped, "only the first 2 MiB are read");
        let cut = (0..=MAX_SCRIPT).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        &text[..cut]
    } else {
        text
    };
    let Some(tree) = parse(text, MAX_PROGRESS) else {
        reading.note(NoteKind::Capped, "parsing takes too many steps: not read");
        return;
    };
    if tree.root_node().has_error() {
        reading.note(NoteKind::Info, "parts are not understood by the grammar; the rest is read");
    }
    let index = LineIndex::new(text);
    let phase = chocolatey::phase(input.artifact.file_name());
    let mut sink = Sink::new(reading);
    sink.in_phase(phase);
    if let Some((phase, _)) = phase {
        // Also for the scripts that it starts.
        sink.clue(&Site::default(), Clue::new(ClueKind::RunsIn, "", <&str>::from(phase)));
    }
    let mut machine = Machine::new(text, Text::folder(Folder::AppDir), &mut sink);
    machine.index = Some(&index);
    machine.script(tree.root_node(), &mut Scope::new(Text::folder(Folder::Cwd)));
    let guards = std::mem::take(&mut machine.guards);
    guards.emit(&index, reading);
}

/// Reads a command line for PowerShell that another script gives.
pub(super) fn inline(line: &Text, here: &Text, own_folder: &Text, site: &Site, sink: &mut Sink<'_>) {
    in_scope(line, Scope::new(here.clone()), own_folder, site, sink);
}

/// Reads a command line of another artifact, with the environment that it is given.
pub(super) fn given(line: &Text, context: &CommandContext<'_>, sink: &mut Sink<'_>) {
    let mut scope = Scope::new(context.here.clone());
    for (name, value) in context.variables {
        scope.set(format!("env:{}", name.to_lowercase()), value::Value::text(value.clone()), 0);
    }
    in_scope(line, scope, &context.here, &context.site, sink);
}

fn in_scope(line: &Text, mut scope: Scope, own_folder: &Text, site: &Site, sink: &mut Sink<'_>) {
    // Holes become variables that the scope knows.
    let mut source = String::new();
    for (i, part) in line.parts().iter().enumerate() {
        match part {
            crate::facts::Part::Lit(s) => source.push_str(s),
            hole => {
                let name = hole_name(i);
                source.push_str(&format!("${{{name}}}"));
                scope.set(name, value::Value::text(Text::from_parts([hole.clone()])), 0);
            }
        }
    }
    let Some(tree) = parse(&source, MAX_INLINE_PROGRESS) else { return };
    let mut machine = Machine::new(&source, own_folder.clone(), sink);
    machine.fixed = Some(site.clone());
    machine.script(tree.root_node(), &mut scope);
}

/// Begins the name of the variable that stands for a hole of a given line; its number follows.
const HOLE: &str = "hole";

/// The variable that stands for the n-th hole of a given line.
fn hole_name(index: usize) -> String {
    format!("{HOLE}{index}")
}

fn parse(text: &str, most: usize) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).ok()?;
    let mut left = most;
    let mut progress = |_: &ParseState| {
        left = left.saturating_sub(1);
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut progress);
    let bytes = text.as_bytes();
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
}

/// Does any word of the catalogue, a redirection or a static call occur? Most modules only compute and are not parsed.
fn mentions_state(text: &str) -> bool {
    static WORDS: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        let mut words: Vec<&str> =
            commands::names(Shell::Powershell).filter(|n| !n.starts_with(['[', '.', 'n'])).collect();
        words.extend(commands::names(Shell::Any));
        words.extend([
            "::",
            ">",
            "new-",
            ".save(",
            ".downloadfile",
            ".regwrite",
            ".createshortcut",
            ".ps1",
            ".exe",
            ".msi",
            ".cmd",
            ".bat",
        ]);
        AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
    });
    let Some(words) = words else { return true };
    let bytes = text.as_bytes();
    let part_of_word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    words.find_iter(bytes).any(|found| {
        let lettered = bytes.get(found.start()).is_some_and(u8::is_ascii_alphabetic);
        let before = found.start().checked_sub(1).and_then(|i| bytes.get(i));
        !lettered || !(part_of_word(before) || (part_of_word(bytes.get(found.end())) && bytes[found.end() - 1] != b'-'))
    })
}
