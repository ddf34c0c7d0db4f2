//! cmd and batch scripts, read as cmd runs them.

mod builtin;
mod control;
mod env;
mod expand;
mod guard;
mod parse;
mod references;
mod run;
mod syntax;
mod value;

use super::CommandContext;
use super::sink::Sink;

use crate::facts::{Folder, Hole, NoteKind, Reading, Site, Text};
use crate::read::text::LineIndex;
use env::{Env, Value};
use run::{Machine, World};

/// Longest script that is walked; a longer one carries data.
const MAX_SCRIPT: usize = 4 << 20;

/// Reads a script file.
pub(super) fn read(text: &str, name: &str, reading: &mut Reading) {
    let code = script_part(text, reading);
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
    };
    let mut sink = Sink::new(reading);
    let mut machine = Machine::new(&world, &mut sink, delayed);
    machine.script(&script, Env::new(Text::folder(Folder::Cwd)));
    let guards = std::mem::take(&mut machine.guards);
    guards.emit(&index, reading);
}

/// Reads a command line with holes in it.
pub(super) fn text(line: &Text, here: &Text, own_folder: &Text, site: &Site, sink: &mut Sink<'_>) {
    let (text, holes) = run::with_marks(line);
    inner(&text, holes, Env::new(here.clone()), own_folder, site, sink);
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
    };
    let mut machine = Machine::new(&world, sink, false);
    machine.holes.push(holes);
    machine.script(&script, env);
}

/// The part that cmd reads: a script may carry another language behind its end.
fn script_part<'t>(text: &'t str, reading: &mut Reading) -> &'t str {
    let mut text = text;
    if text.len() > MAX_SCRIPT {
        let cut = (0..=MAX_SCRIPT).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        text = &text[..cut];
        reading.note(NoteKind::Capped, "only the first 4 MiB are read");
    }
    let head: String = text.lines().take(12).collect::<Vec<_>>().join("\n").to_ascii_lowercase();
    if let Some(language) = hybrid(&head) {
        reading.note(NoteKind::Info, format!("also a program in {language}, which is not read"));
    }
    text
}

/// Tells the tricks by which one file is valid in two languages.
fn hybrid(head: &str) -> Option<&'static str> {
    let squeezed: String = head.chars().filter(|c| !c.is_whitespace()).collect();
    if squeezed.contains("@if(@")
        || squeezed.contains("@set@") && squeezed.contains("@end")
        || squeezed.starts_with("0</*")
    {
        Some("JScript")
    } else if squeezed.starts_with("<!--:") {
        Some("a Windows script file")
    } else if squeezed.starts_with("/*") || squeezed.starts_with("//") && squeezed.contains("csc") {
        Some("C#")
    } else if squeezed.starts_with("<#:")
        || squeezed.starts_with("@@:")
        || squeezed.contains("#>") && squeezed.contains("<#")
    {
        Some("PowerShell")
    } else if squeezed.starts_with("@rem='") || squeezed.contains("@rem=--*-perl") {
        Some("Perl")
    } else {
        None
    }
}
