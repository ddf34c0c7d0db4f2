//! PowerShell scripts, by a grammar and a walk over its tree.

mod arguments;
mod branches;
mod command;
mod compute;
mod defaults;
mod due;
mod expression;
mod forms;
mod functions;
mod interest;
mod markers;
mod mask;
mod run;
mod seven;
mod sourced;
mod strings;
mod triggers;
mod trivia;
mod uncalled;
mod value;

use super::CommandContext;
use super::chocolatey;
use super::queries;
use super::sink::Sink;
use crate::facts::{Clue, ClueKind, Folder, NoteKind, Part, Phase, Reading, Site, Text};
use crate::read::Input;
use crate::read::text::LineIndex;
use interest::Interest;
use run::Machine;
use std::borrow::Cow;
use std::ops::ControlFlow;
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
    let text = if text.len() > MAX_SCRIPT {
        reading.note(NoteKind::Capped, "only the first 2 MiB are read");
        let cut = (0..=MAX_SCRIPT).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        &text[..cut]
    } else {
        text
    };
    let text = &*with_plain_quotes(text);
    let interest = Interest::find(text);
    if interest.is_empty() {
        return;
    }
    let Some(tree) = parse(text, MAX_PROGRESS) else {
        reading.note(NoteKind::Capped, "parsing takes too many steps: not read");
        return;
    };
    let index = LineIndex::new(text);
    let name = input.artifact.file_name();
    let phase = test_phase(name).or_else(|| chocolatey::updater(text)).or_else(|| chocolatey::phase(input));
    let own = Reading::new(&reading.artifact, &reading.format);
    let source = Source { input, text, tree: &tree, index: &index, interest: &interest, phase };
    let mut walked = source.walk(false, own.clone());
    if tree.root_node().has_error() {
        reading.note(NoteKind::Info, "parts are not understood by the grammar; the rest is read");
    }
    if let Some((phase, _)) = phase {
        // Also for the scripts that it starts.
        reading.clue(Site::default(), Clue::new(ClueKind::RunsIn, "", <&str>::from(phase)));
    }
    reading.facts.append(&mut walked.facts);
    reading.notes.append(&mut walked.notes);
    if defaults::has_defaults(reading) {
        defaults::open(reading, &source.walk(true, own));
    }
}

/// Quotes and dashes of typesetters are those of the language (about_Quoting_Rules); the grammar knows none but those of
/// ASCII, of which each takes the place of one. They open a text outside of another and close one that they have opened; a
/// dash counts where it begins a word.
fn with_plain_quotes(text: &str) -> Cow<'_, str> {
    const DOUBLE: [char; 3] = ['\u{201c}', '\u{201d}', '\u{201e}'];
    const SINGLE: [char; 4] = ['\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
    const DASHES: [char; 3] = ['\u{2013}', '\u{2014}', '\u{2015}'];
    let plain = |c: char| match c {
        c if DOUBLE.contains(&c) => '"',
        c if SINGLE.contains(&c) => '\'',
        c => c,
    };
    if text.is_ascii() || !text.contains(|c| plain(c) != c || DASHES.contains(&c)) {
        return Cow::Borrowed(text);
    }
    // The quote that the text at hand was opened with, and the remark that it may be in.
    let (mut open, mut is_remark, mut before) = (None::<char>, false, '\n');
    let replaced = text.chars().map(|c| {
        let last = std::mem::replace(&mut before, c);
        let is_typeset = plain(c) != c;
        match open {
            _ if is_remark => is_remark = c != '\n',
            Some(quote) if c == quote || (is_typeset && plain(quote) != quote && plain(c) == plain(quote)) => {
                open = None;
                return plain(c);
            }
            Some(_) => {}
            None if matches!(c, '"' | '\'') || is_typeset => {
                open = Some(c);
                return plain(c);
            }
            None if c == '#' && last.is_whitespace() => is_remark = true,
            None if DASHES.contains(&c) && last.is_whitespace() => return '-',
            None => {}
        }
        c
    });
    Cow::Owned(replaced.collect())
}

/// A script that was parsed.
struct Source<'s> {
    input: &'s Input<'s>,
    text: &'s str,
    tree: &'s Tree,
    index: &'s LineIndex<'s>,
    interest: &'s Interest,
    phase: Option<(Phase, &'static str)>,
}

impl Source<'_> {
    /// Runs the script, with marks behind the defaults of its parameters or without, for an empty reading.
    fn walk(&self, marks: bool, mut reading: Reading) -> Reading {
        let mut sink = Sink::new(&mut reading);
        sink.in_phase(self.phase);
        let mut machine = Machine::new(self.text, Text::folder(Folder::AppDir), &mut sink);
        machine.index = Some(self.index);
        machine.interest = Some(self.interest);
        machine.input = Some(self.input);
        machine.marks = marks;
        machine.script(self.tree.root_node(), &mut Scope::new(Text::folder(Folder::Cwd)));
        let guards = std::mem::take(&mut machine.guards);
        let closes = || [".close()", ".dispose()"].iter().any(|end| self.text.to_ascii_lowercase().contains(end));
        // What is opened and closed here, and asked nothing in between, is looked at too.
        let only_asks = sink.queries.only_ask() || sink.queries.are_none() && closes();
        guards.emit(self.index, &mut reading);
        if only_asks {
            queries::looked_at(&mut reading, |via| {
                via.strip_prefix("new ").is_some_and(|class| class.contains("connection"))
            });
        }
        if reading.facts.iter().any(triggers::starts_task) && triggers::are_of_start(self.text) {
            reading.facts.iter_mut().for_each(triggers::at_start);
        }
        reading
    }
}

/// A script without texts and comments, line by line.
pub(super) fn code(text: &str) -> String {
    let mut code = seven::code(text);
    for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'\n' | b'\r')) {
        code[at] = byte;
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// Reads a command line for PowerShell that another script gives.
pub(super) fn inline(line: &Text, here: &Text, own_folder: &Text, site: &Site, sink: &mut Sink<'_>) {
    in_scope(line, Scope::new(here.clone()), own_folder, site, sink);
}

/// Reads a command line of another artifact, with the environment that it is given.
pub(super) fn given(line: &Text, context: &CommandContext<'_>, sink: &mut Sink<'_>) {
    let mut scope = Scope::new(context.here.clone());
    for (name, value) in context.variables {
        scope.set(&format!("env:{}", name.to_lowercase()), value::Value::text(value.clone()), value::OUTSIDE);
    }
    in_scope(line, scope, &context.here, &context.site, sink);
}

fn in_scope(line: &Text, mut scope: Scope, own_folder: &Text, site: &Site, sink: &mut Sink<'_>) {
    // Holes become variables that the scope knows.
    let mut source = String::new();
    let mut given = Vec::new();
    for (i, part) in line.parts().iter().enumerate() {
        match part {
            Part::Lit(s) => source.push_str(s),
            hole => {
                let name = hole_name(i);
                // The grammar does not read braces in every word; where the name ends by itself it needs none. Between
                // single quotes only those with braces are told from what is written there.
                let ends = |next: &Part| matches!(next, Part::Lit(s) if s.starts_with(ENDS));
                let quoted = source.matches('\'').count() % 2 == 1;
                let alone = !quoted && line.parts().get(i + 1).is_none_or(ends);
                let mark = if alone { format!("${name}") } else { format!("${{{name}}}") };
                let value = Text::from_parts([hole.clone()]);
                source.push_str(&mark);
                given.push((mark, value.to_string()));
                scope.set(&name, value::Value::text(value), 0);
            }
        }
    }
    let Some(tree) = parse(&source, MAX_INLINE_PROGRESS) else { return };
    let first = sink.reading.facts.len();
    let mut machine = Machine::new(&source, own_folder.clone(), sink);
    machine.fixed = Some(site.clone());
    machine.given = given;
    machine.script(tree.root_node(), &mut scope);
    let guards = std::mem::take(&mut machine.guards);
    guards.emit_at(site, sink.reading);
    let mut own = sink.reading.facts.iter_mut().skip(first).peekable();
    if own.peek().is_some() && triggers::are_of_start(&source) {
        own.for_each(triggers::at_start);
    }
}

/// What ends the name of a variable and is no operator on it.
const ENDS: &[char] = &[' ', '\t', '\n', ';', ',', ')', '|', '&', '>'];

/// Begins the name of the variable that stands for a hole of a given line; its number follows.
const HOLE: &str = "hole";

/// The variable that stands for the n-th hole of a given line.
fn hole_name(index: usize) -> String {
    format!("{HOLE}{index}")
}

/// Pester runs the files that are named so (its documentation, "File placement and naming convention").
fn test_phase(file_name: &str) -> Option<(Phase, &'static str)> {
    file_name
        .to_ascii_lowercase()
        .ends_with(".tests.ps1")
        .then_some((Phase::NotShipped, "a file of tests, by its name"))
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
    let text = trivia::without_comments(text);
    let text = trivia::without_using(&text);
    let text = seven::as_lists(&text);
    let text = forms::as_known(&text);
    let text = mask::masked(&text);
    let bytes = text.as_bytes();
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
}
