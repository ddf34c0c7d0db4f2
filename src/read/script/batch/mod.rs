//! cmd and batch scripts, read as cmd runs them.

mod branches;
mod builtin;
mod called;
mod compared;
mod control;
mod env;
mod expand;
mod guard;
mod hybrid;
mod parse;
mod references;
mod run;
mod syntax;
mod value;

use super::call::{self, Caller, Nested};
use super::sink::Sink;
use super::{CommandContext, powershell, words};
use crate::catalog::commands::Shell;
use crate::facts::{Folder, Hole, NoteKind, Reading, Site, Text, expand_env};
use crate::read::Input;
use crate::read::text::LineIndex;
use env::{Env, Value};
pub(super) use hybrid::Hybrid;
use run::{Machine, World};
use std::borrow::Cow;

/// Longest script that is walked; a longer one carries data.
const MAX_SCRIPT: usize = 4 << 20;

/// Reads a script file. Gives the other language in it.
pub(super) fn read(text: &str, input: &Input<'_>, reading: &mut Reading) -> Option<Hybrid> {
    let name = input.artifact.file_name();
    let (code, other) = script_part(text, reading);
    // `<` of a comment that opens the file is no redirection.
    // The line that opens a comment of JScript is no command of cmd.
    let opened = (other == Some(Hybrid::JScript)).then(|| hybrid::without_opening(code));
    let code = opened.as_deref().unwrap_or(code);
    let code = match code.strip_prefix("<#").or_else(|| code.strip_prefix("<!")) {
        Some(rest) => Cow::Owned(format!("  {rest}")),
        None => Cow::Borrowed(code),
    };
    let code = code.as_ref();
    let index = LineIndex::new(text);
    let lower = code.to_ascii_lowercase();
    let delayed = lower.contains("enabledelayedexpansion") || lower.contains("/v:on");
    let (script, broken) = parse::parse(code, 0, delayed);
    if broken {
        reading.note(NoteKind::Malformed, "parentheses that do not close, or nesting too deep: read as far as it goes");
    }
    let world = World {
        own_folder: Text::folder(Folder::AppDir).concat(&Text::lit("\\")),
        own_path: Text::folder(Folder::AppDir).concat(&Text::lit(format!("\\{name}"))),
        index: Some(&index),
        source: code,
        fixed: None,
        input: Some(input),
        level: 0,
    };
    let mut sink = Sink::new(reading);
    let mut machine = Machine::new(&world, &mut sink, delayed);
    machine.script(&script, Env::new(Text::folder(Folder::Cwd)));
    let guards = std::mem::take(&mut machine.guards);
    guards.emit(&index, reading);
    other
}

/// Reads a command line with holes in it.
pub(super) fn text(line: &Text, here: &Text, own_folder: &Text, site: &Site, sink: &mut Sink<'_>) {
    let (text, holes) = run::with_marks(line);
    inner(&text, holes, Env::new(here.clone()), own_folder, site, sink);
}

/// Reads what a command of another language runs.
pub(super) fn nested(nested: &Nested, here: &Text, own_folder: &Text, site: &Site, sink: &mut Sink<'_>) {
    if nested.shell == Shell::Powershell {
        return powershell::inline(&nested.line, here, own_folder, site, sink);
    }
    if nested.by_shell {
        return text(&nested.line, here, own_folder, site, sink);
    }
    // A new process gets its line as it is: `>` in it is an argument (MS documentation: `CreateProcess`).
    let line = expand_env(&nested.line);
    let split = words::split(&line);
    let Some((program, arguments)) = split.split_first() else { return };
    let source = line.to_string();
    let caller = Caller { shell: Shell::Batch, here, site, source: &source, trail: &[] };
    for inner in call::run(&program.text, arguments, caller, sink) {
        self::nested(&inner, here, own_folder, site, sink);
    }
}

/// Reads one command line of another artifact; everything is seen at its site.
pub(super) fn given(line: &Text, context: &CommandContext<'_>, sink: &mut Sink<'_>) {
    let own = context.here.clone().concat(&Text::lit("\\"));
    let mut env = Env::new(context.here.clone());
    for (name, value) in context.variables {
        env.set(name.to_uppercase(), vec![Value { text: value.clone(), at: None }]);
    }
    let (text, holes) = run::with_marks(line);
    inner(&text, holes, env, &own, &context.site, sink);
}

fn inner(line: &str, holes: Vec<Hole>, env: Env, own_folder: &Text, site: &Site, sink: &mut Sink<'_>) {
    let line = line.get(..MAX_SCRIPT).unwrap_or(line);
    let (script, _) = parse::parse(line, holes.len(), false);
    let world = World {
        own_folder: own_folder.clone(),
        own_path: own_folder.clone(),
        index: None,
        source: line,
        fixed: Some(site.clone()),
        input: None,
        level: 0,
    };
    let mut machine = Machine::new(&world, sink, false);
    machine.holes.push(holes);
    machine.script(&script, env);
}

/// The part that cmd reads: a script may carry another language behind its end.
fn script_part<'t>(text: &'t str, reading: &mut Reading) -> (&'t str, Option<Hybrid>) {
    let mut text = text;
    if text.len() > MAX_SCRIPT {
        let cut = (0..=MAX_SCRIPT).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        text = &text[..cut];
        reading.note(NoteKind::Capped, "only the first 4 MiB are read");
    }
    let other = hybrid::of(text);
    if let Some(Hybrid::Other(language)) = &other {
        reading.note(NoteKind::Info, format!("also a program in {language}, which is not read"));
    }
    (text, other)
}
