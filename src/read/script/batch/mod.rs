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
use std::borrow::Cow;

/// Longest script that is walked; a longer one carries data.
const MAX_SCRIPT: usize = 4 << 20;

/// Another language that the same file is valid in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hybrid {
    /// JScript behind a comment that holds the commands.
    JScript,
    /// PowerShell behind a comment that holds the commands.
    PowerShell,
    /// A Windows script file behind a comment that holds the commands.
    Wsf,
    /// A language that is not read.
    Other(&'static str),
}

/// Reads a script file. Gives the other language in it.
pub(super) fn read(text: &str, name: &str, reading: &mut Reading) -> Option<Hybrid> {
    let (code, other) = script_part(text, reading);
    // `<` of a comment that opens the file is no redirection.
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
fn script_part<'t>(text: &'t str, reading: &mut Reading) -> (&'t str, Option<Hybrid>) {
    let mut text = text;
    if text.len() > MAX_SCRIPT {
        let cut = (0..=MAX_SCRIPT).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        text = &text[..cut];
        reading.note(NoteKind::Capped, "only the first 4 MiB are read");
    }
    let head: String = text.lines().take(12).collect::<Vec<_>>().join("\n").to_ascii_lowercase();
    let other = hybrid(&head);
    if let Some(Hybrid::Other(language)) = other {
        reading.note(NoteKind::Info, format!("also a program in {language}, which is not read"));
    }
    (text, other)
}

/// Tells the tricks by which one file is valid in two languages.
fn hybrid(head: &str) -> Option<Hybrid> {
    let squeezed: String = head.chars().filter(|c| !c.is_whitespace()).collect();
    if squeezed.contains("@if(@")
        || squeezed.contains("@set@") && squeezed.contains("@end")
        || squeezed.starts_with("0</*")
    {
        Some(Hybrid::JScript)
    } else if squeezed.starts_with("<!--:") {
        Some(Hybrid::Wsf)
    } else if squeezed.starts_with("/*") || squeezed.starts_with("//") && squeezed.contains("csc") {
        Some(Hybrid::Other("C#"))
    } else if squeezed.starts_with("<#:") {
        Some(Hybrid::PowerShell)
    } else if squeezed.starts_with("@@:") || squeezed.contains("#>") && squeezed.contains("<#") {
        Some(Hybrid::Other("PowerShell"))
    } else if squeezed.starts_with("@rem='") || squeezed.contains("@rem=--*-perl") {
        Some(Hybrid::Other("Perl"))
    } else {
        None
    }
}
