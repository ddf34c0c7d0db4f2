//! Sources of NSIS installers: one instruction per line, sections and functions, constants and defines.
//!
//! What an instruction does is data; here are folders, defines, the output path and which parts belong to the
//! uninstaller (`un.` functions and sections, and the section named `Uninstall`).

use super::batch;
use super::bind;
use super::call::{self, Caller};
use super::sink::Sink;
use super::words::{self, Word};
use crate::catalog::commands::{self, Shell};
use crate::facts::{Clue, ClueKind, Folder, Hole, Operation, Origin, Phase, Reading, Site, Source, Step, Store, Text};
use std::cell::Cell;
use std::collections::HashMap;

/// Most references that one string leads to: defines may hold others, and themselves.
const MAX_REFERENCES: u32 = 1_000;
/// Most runs of a text: values that are made of themselves would grow without end.
const MAX_PARTS: usize = 48;
/// Why the uninstaller does not count.
const UNINSTALL: &str = "part of the uninstaller";

/// Reads an NSIS script.
pub(super) fn read(text: &str, reading: &mut Reading) {
    let mut script = Script {
        defines: HashMap::new(),
        variables: HashMap::new(),
        out: Text::new(),
        shared: false,
        budget: Cell::new(0),
    };
    script.directives(text);
    script.out = script.install_folder();
    let mut sink = Sink::new(reading);
    let mut comment = false;
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let mut whole = line.trim_start_matches('\u{feff}').trim_end().to_owned();
        // A backslash at the end of a line joins the next one.
        while whole.ends_with('\\') {
            whole.pop();
            match lines.next() {
                Some((_, next)) => whole.push_str(next.trim()),
                None => break,
            }
        }
        if comment {
            comment = !whole.contains("*/");
            continue;
        }
        if whole.trim_start().starts_with("/*") {
            comment = !whole.contains("*/");
            continue;
        }
        let column = whole.len() - whole.trim_start().len() + 1;
        script.instruction(&whole, &Site::text(number as u32 + 1, column as u32), &mut sink);
    }
}

struct Script {
    defines: HashMap<String, String>,
    variables: HashMap<String, Text>,
    /// `$OUTDIR`
    out: Text,
    /// `SetShellVarContext all`
    shared: bool,
    /// References that may still be followed in the current string.
    budget: Cell<u32>,
}

impl Script {
    /// Collects what holds for the whole file: defines and the installation folder.
    fn directives(&mut self, text: &str) {
        for line in text.lines() {
            let words = tokens(line);
            let lower = words.first().map(|w| w.to_lowercase()).unwrap_or_default();
            match (lower.as_str(), words.get(1), words.get(2)) {
                ("!define", Some(name), value) if !name.starts_with('/') => {
                    self.defines.entry(name.to_lowercase()).or_insert_with(|| value.cloned().unwrap_or_default());
                }
                ("installdir", Some(folder), _) => {
                    self.variables.insert("instdir".into(), Text::lit(folder.as_str()));
                }
                _ => {}
            }
        }
        if let Some(raw) = self.variables.remove("instdir") {
            let folder = self.text(raw.as_lit().unwrap_or_default());
            self.variables.insert("instdir".into(), folder);
        }
    }

    fn install_folder(&self) -> Text {
        self.variables.get("instdir").cloned().unwrap_or_else(|| Text::from_source(Source::Property, "INSTDIR"))
    }

    fn instruction(&mut self, line: &str, site: &Site, sink: &mut Sink<'_>) {
        let tokens = tokens(line);
        let Some((name, arguments)) = tokens.split_first() else { return };
        let name = name.to_lowercase();
        match name.as_str() {
            "section" | "function" | "sectiongroup" => {
                let title =
                    arguments.iter().find(|a| !a.starts_with('/')).map(|a| a.to_lowercase()).unwrap_or_default();
                let title = title.trim_start_matches('-');
                let away = title == "uninstall" || title.starts_with("un.") || title.starts_with("!un.");
                sink.in_phase(away.then_some((Phase::NotShipped, UNINSTALL)));
                self.out = self.install_folder();
                self.shared = false;
            }
            "sectionend" | "functionend" => sink.in_phase(None),
            "setoutpath" => {
                if let Some(path) = arguments.first() {
                    self.out = self.text(path);
                }
            }
            "setshellvarcontext" => self.shared = arguments.first().is_some_and(|a| a.eq_ignore_ascii_case("all")),
            "strcpy" => {
                if let (Some(variable), Some(value)) = (arguments.first(), arguments.get(1)) {
                    let value = self.text(value);
                    self.variables.insert(variable.trim_start_matches('$').to_lowercase(), value);
                }
            }
            "file" => self.file(arguments, line, site, sink),
            _ => self.call(&name, arguments, line, site, sink),
        }
    }

    /// `File [/r] [/oname=name] spec...` unpacks into the output path.
    fn file(&self, arguments: &[String], line: &str, site: &Site, sink: &mut Sink<'_>) {
        let mut name: Option<Text> = None;
        let mut skip = false;
        for argument in arguments {
            let lower = argument.to_ascii_lowercase();
            if std::mem::take(&mut skip) {
                continue;
            }
            if let Some(given) = lower.strip_prefix("/oname=") {
                name = Some(self.text(&argument[argument.len() - given.len()..]));
            } else if lower == "/x" {
                skip = true;
            } else if !lower.starts_with('/') {
                let source = self.text(argument);
                let target = name.take().unwrap_or_else(|| Text::lit(words::base_name(&source)));
                let path = if target.to_string().contains(['*', '?']) {
                    self.out.clone()
                } else {
                    crate::facts::join_paths(&self.out, &target)
                };
                let location = call::file(&path, &self.out);
                let temporary = path.to_string().starts_with("{Temp}");
                sink.clue(site, Clue::new(ClueKind::Ships, "nsis", argument.as_str()).at(location.clone()));
                let caller = Caller { shell: Shell::Nsis, here: &self.out, site, source: line, trail: &[] };
                let mut effect =
                    caller.effect(Operation::Create, Store::File, location, "File").of_origin(Origin::Packaged);
                if temporary {
                    effect.mark(crate::facts::Trait::DeleteOnClose);
                }
                sink.effect(site, effect);
            }
        }
    }

    fn call(&self, name: &str, arguments: &[String], line: &str, site: &Site, sink: &mut Sink<'_>) {
        let Some(command) = commands::find(Shell::Nsis, name) else { return };
        let words: Vec<Word> = arguments.iter().map(|a| Word::plain(self.text(a))).collect();
        let mut bound = bind::bind(command, &words);
        for (i, word) in words.iter().enumerate() {
            bound.options.push((format!("a{}", i + 1), Some(word.text.clone())));
        }
        let trail: [Step; 0] = [];
        let caller = Caller { shell: Shell::Nsis, here: &self.out, site, source: line, trail: &trail };
        let program = Text::lit(line.split_whitespace().next().unwrap_or_default());
        for nested in call::apply(command, &program, &bound, caller, sink) {
            batch::text(&nested.line, &self.out, &self.out, site, sink);
        }
    }

    /// A string with its constants, variables and defines.
    fn text(&self, raw: &str) -> Text {
        self.budget.set(MAX_REFERENCES);
        let text = self.expand(raw, 0);
        if text.parts().len() > MAX_PARTS { Text::unknown() } else { text }
    }

    fn expand(&self, raw: &str, depth: usize) -> Text {
        let mut out = Text::new();
        let mut rest = raw;
        while let Some(at) = rest.find('$') {
            out.push_lit(&rest[..at]);
            let tail = &rest[at + 1..];
            self.budget.set(self.budget.get().saturating_sub(1));
            if let Some(after) = tail.strip_prefix('{') {
                let Some(end) = after.find('}') else {
                    out.push_lit("$");
                    rest = tail;
                    continue;
                };
                match self.defines.get(&after[..end].to_lowercase()) {
                    // A define may hold others; one that holds itself must end.
                    Some(value) if depth < 8 && self.budget.get() > 0 => out.push_text(&self.expand(value, depth + 1)),
                    _ => out.push_text(&Text::unknown()),
                }
                rest = &after[end + 1..];
            } else if let Some(after) = tail.strip_prefix('\\') {
                // `$\"` and `$\n` are characters.
                let c = after.chars().next();
                match c {
                    Some('n' | 'r') => out.push_lit("\n"),
                    Some('t') => out.push_lit("\t"),
                    Some(c) => out.push_lit(&c.to_string()),
                    None => {}
                }
                rest = &after[c.map_or(0, char::len_utf8)..];
            } else if let Some(after) = tail.strip_prefix('$') {
                out.push_lit("$");
                rest = after;
            } else {
                let length = tail.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                out.push_text(&self.variable(&tail[..length]));
                rest = &tail[length..];
            }
        }
        out.push_lit(rest);
        out
    }

    fn variable(&self, name: &str) -> Text {
        let lower = name.to_lowercase();
        if lower == "outdir" {
            return self.out.clone();
        }
        if let Some(value) = self.variables.get(&lower) {
            return value.clone();
        }
        let pick = |own: Folder, shared: Folder| Text::folder(if self.shared { shared } else { own });
        match lower.as_str() {
            "instdir" => self.install_folder(),
            "programfiles" | "programfiles64" => Text::folder(Folder::ProgramFiles),
            "programfiles32" => Text::folder(Folder::ProgramFilesX86),
            "commonfiles" | "commonfiles32" | "commonfiles64" => Text::folder(Folder::CommonFiles),
            "appdata" => pick(Folder::AppData, Folder::ProgramData),
            "localappdata" => pick(Folder::LocalAppData, Folder::ProgramData),
            "commonprogramdata" | "programdata" => Text::folder(Folder::ProgramData),
            "smprograms" => pick(Folder::Programs, Folder::CommonPrograms),
            "smstartup" => pick(Folder::Startup, Folder::CommonStartup),
            "startmenu" => pick(Folder::StartMenu, Folder::CommonStartMenu),
            "desktop" => pick(Folder::Desktop, Folder::CommonDesktop),
            "documents" => pick(Folder::Documents, Folder::CommonDocuments),
            "windir" => Text::folder(Folder::Windows),
            "sysdir" => Text::folder(Folder::System),
            "fonts" => Text::folder(Folder::Fonts),
            "temp" => Text::folder(Folder::Temp),
            "pluginsdir" => Text::folder(Folder::Temp).concat(&Text::lit("\\plugins")),
            "profile" => Text::folder(Folder::UserProfile),
            "exedir" => Text::folder(Folder::Cwd),
            "cmdline" | "exepath" | "exefile" => Text::from_source(Source::Arg, name),
            _ => Text::hole(Hole::Unknown),
        }
    }
}

/// Words of a line: quotes of three kinds, comments to the end.
fn tokens(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut open = false;
    let mut quote: Option<char> = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (_, '$') if chars.peek() == Some(&'\\') => {
                word.push('$');
                word.extend(chars.next());
                word.extend(chars.next());
                open = true;
            }
            (Some(_), c) => word.push(c),
            (None, '"' | '\'' | '`') if !open || word.ends_with('=') => {
                quote = Some(c);
                open = true;
            }
            (None, ';' | '#') if !open => break,
            (None, c) if c.is_whitespace() => {
                if std::mem::take(&mut open) {
                    out.push(std::mem::take(&mut word));
                }
            }
            (None, c) => {
                word.push(c);
                open = true;
            }
        }
    }
    if open {
        out.push(word);
    }
    out
}
