//! Sources of NSIS installers: one instruction per line, sections and functions.
//!
//! What an instruction does is data; here are the output path and which parts belong to the uninstaller (`un.`
//! functions and sections, and the section named `Uninstall`). [`source`] is the preprocessor, [`strings`] says what
//! constants and variables mean.

mod flow;
mod source;
mod strings;

use super::Input;
use super::batch;
use super::bind;
use super::call::{self, Caller};
use super::sink::Sink;
use super::words::{self, Word};
use crate::catalog::commands::{self, Shell};
use crate::facts::{
    Body, Certainty, Clue, ClueKind, Hole, Location, NoteKind, Operation, Origin, Part, Phase, Reading, Source, Step,
    Store, Text, Trait, env_hole, expand_env, join_paths,
};
use flow::Flow;
use source::Line;
use strings::Variables;

/// Why the uninstaller does not count.
const UNINSTALL: &str = "part of the uninstaller";
/// Roots that are a view or a choice of other roots; `SHCTX` goes by `SetShellVarContext`.
const CONTEXT_ROOTS: &[&str] = &["SHCTX", "SHELL_CONTEXT"];

/// Reads an NSIS script.
pub(super) fn read(text: &str, input: &Input<'_>, reading: &mut Reading) {
    let source = source::read(text, input.artifact, input.app);
    let mut sink = Sink::new(reading);
    if source.capped {
        sink.note(
            NoteKind::Capped,
            "macros or headers nested or repeated too much: not everything in them was followed",
        );
    }
    let mut script = Script { variables: Variables::new(&source.lines), uninstallers: Vec::new(), of_installer: None };
    script.set_out(Variables::install_folder);
    let mut flow = Flow::default();
    for line in &source.lines {
        if !flow.follow(&line.words, &mut script.variables.values) {
            script.instruction(line, &mut sink);
        }
    }
    script.variables.values.note_capped(&mut sink);
    forget_plugins(reading);
}

/// The plug-in folder is removed when the installer ends (NSIS documentation, 4.2.3).
fn forget_plugins(reading: &mut Reading) {
    let folder = Location::file(&strings::plugins());
    for fact in &mut reading.facts {
        if let Body::Effect(effect) = &mut fact.body
            && effect.store.is_path()
            && effect.location.is_within(&folder)
        {
            effect.mark(Trait::DeleteOnClose);
            effect.certainty = Certainty::Possible;
        }
    }
}

struct Script {
    variables: Variables,
    /// Folders that uninstallers were written to so far.
    uninstallers: Vec<Text>,
    /// What `$INSTDIR` holds in the installer, while the uninstaller is read.
    of_installer: Option<Vec<Text>>,
}

impl Script {
    fn text(&self, raw: &str) -> Text {
        self.variables.text(raw)
    }

    fn set_out(&mut self, folder: impl Fn(&Variables) -> Text) {
        let folders = self.variables.values.each(|| folder(&self.variables));
        self.variables.set("$OUTDIR", folders);
    }

    fn instruction(&mut self, line: &Line, sink: &mut Sink<'_>) {
        let Some((name, arguments)) = line.words.split_first() else { return };
        let name = name.to_lowercase();
        let first = arguments.first().map(String::as_str).unwrap_or_default();
        match name.as_str() {
            "section" | "function" | "sectiongroup" => {
                let title =
                    arguments.iter().find(|a| !a.starts_with('/')).map(|a| a.to_lowercase()).unwrap_or_default();
                let title = title.trim_start_matches(['-', '!']);
                let away = title == "uninstall" || title.starts_with("un.");
                sink.in_phase(away.then_some((Phase::NotShipped, UNINSTALL)));
                self.turn(away);
                self.set_out(Variables::install_folder);
                self.variables.enter(away);
            }
            "sectionend" | "functionend" => sink.in_phase(None),
            "setoutpath" => self.set_out(|variables| variables.text(first)),
            "setshellvarcontext" => self.variables.shared = first.eq_ignore_ascii_case("all"),
            "file" => {
                self.variables.values.each(|| self.file(arguments, line, sink));
            }
            _ => {
                // A macro of a header that is not there has the name of the instruction that it writes a log of.
                if name.trim_start_matches("!insertmacro ") == "writeuninstaller" {
                    self.uninstaller(first);
                }
                for variable in strings::given_by_macro(&name, arguments) {
                    self.variables.set(variable, vec![Text::unknown()]);
                }
                self.assign(&name, arguments);
                self.variables.values.each(|| self.call(&name, arguments, line, sink));
            }
        }
    }

    /// In the uninstaller `$INSTDIR` is the folder that the uninstaller lies in (NSIS documentation, 4.2.3 "Constants"); it
    /// runs on its own, so that the installer goes on with its own value.
    fn turn(&mut self, away: bool) {
        if !away {
            if let Some(values) = self.of_installer.take() {
                self.variables.set("$INSTDIR", values);
            }
        } else if self.of_installer.is_none() && !self.uninstallers.is_empty() {
            self.of_installer = Some(self.variables.values.each(|| self.variables.install_folder()));
            self.variables.set("$INSTDIR", self.uninstallers.clone());
        }
    }

    /// `WriteUninstaller path`
    fn uninstaller(&mut self, path: &str) {
        let folders = self.variables.values.each(|| {
            let path = call::file(&self.text(path), &self.variables.out()).to_string();
            path.rsplit_once('\\').map(|(folder, _)| Text::parse(folder))
        });
        for folder in folders.into_iter().flatten() {
            // Of a folder that is not known the one of the installer says more.
            if !matches!(folder.parts().first(), None | Some(Part::Hole(Hole::Unknown)))
                && !self.uninstallers.contains(&folder)
            {
                self.uninstallers.push(folder);
            }
        }
    }

    /// Instructions that give a variable a value.
    fn assign(&mut self, name: &str, arguments: &[String]) {
        let values = self.variables.values.each(|| self.assigned(name, arguments));
        if let (Some(variable), Some(values)) = (arguments.first(), values.into_iter().collect()) {
            self.variables.set(variable, values);
        }
    }

    fn assigned(&self, name: &str, arguments: &[String]) -> Option<Text> {
        let text = |n: usize| arguments.get(n).map(|raw| self.text(raw)).unwrap_or_default();
        Some(match name {
            // With a length or an offset it is a part of the text.
            "strcpy" if arguments.len() == 2 => text(1),
            "readenvstr" | "expandenvstrings" => {
                let given = text(1);
                match given.as_lit() {
                    Some(variable) if name == "readenvstr" => Text::hole(env_hole(variable)),
                    _ => expand_env(&given),
                }
            }
            "readregstr" | "readregdword" => {
                let key = Location::registry(&self.root(&text(1)).concat(&Text::lit("\\")).concat(&text(2)));
                match Location::registry_value(&key, &text(3)).text().as_lit() {
                    Some(value) => Text::from_source(Source::Registry, value),
                    None => Text::unknown(),
                }
            }
            "gettempfilename" => Text::parse("{Temp}\\{generated:random}.tmp"),
            "strcpy" | "pop" | "exch" | "readinistr" | "fileread" | "fileopen" | "getdlgitem" | "intop" | "strlen"
            | "getfullpathname" | "searchpath" | "sectiongettext" | "getcurinsttype" => Text::unknown(),
            _ => return None,
        })
    }

    /// `File [/r] [/oname=name] spec...` unpacks into the output path.
    fn file(&self, arguments: &[String], line: &Line, sink: &mut Sink<'_>) {
        let out = self.variables.out();
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
                let path = if target.is_empty() || target.to_string().contains(['*', '?']) {
                    out.clone()
                } else if matches!(target.parts().first(), Some(crate::facts::Part::Hole(_))) {
                    // `$INSTDIR\name` is a path, whatever the variable holds.
                    target.clone()
                } else {
                    join_paths(&out, &target)
                };
                let location = call::file(&path, &out);
                sink.clue(&line.site, Clue::new(ClueKind::Ships, "nsis", source.to_string()).at(location.clone()));
                let trail = trail(line);
                let caller = caller(line, &trail, &out);
                let mut effect =
                    caller.effect(Operation::Create, Store::File, location, "File").of_origin(Origin::Packaged);
                if path.to_string().starts_with("{Temp}") {
                    effect.mark(Trait::DeleteOnClose);
                }
                sink.effect(&line.site, effect);
            }
        }
    }

    /// The root key that `SHCTX` stands for now; `HKLM64` and `HKCU32` are views of one root.
    fn root(&self, word: &Text) -> Text {
        let Some(name) = word.as_lit() else { return word.clone() };
        let upper = name.to_ascii_uppercase();
        if CONTEXT_ROOTS.contains(&upper.as_str()) {
            return Text::lit(if self.variables.shared { "HKLM" } else { "HKCU" });
        }
        match upper.strip_suffix("64").or_else(|| upper.strip_suffix("32")) {
            Some(root @ ("HKLM" | "HKCU" | "HKCR")) => Text::lit(root),
            _ => word.clone(),
        }
    }

    fn call(&self, name: &str, arguments: &[String], line: &Line, sink: &mut Sink<'_>) {
        let Some(command) = commands::find(Shell::Nsis, name) else { return };
        let words: Vec<Word> = arguments.iter().map(|a| Word::plain(self.root(&self.text(a)))).collect();
        let mut bound = bind::bind(command, &words);
        for (i, word) in words.iter().enumerate() {
            bound.options.push((format!("a{}", i + 1), Some(word.text.clone())));
        }
        let (trail, out) = (trail(line), self.variables.out());
        let program = Text::lit(line.words.first().cloned().unwrap_or_default());
        for nested in call::apply(command, &program, &bound, caller(line, &trail, &out), sink) {
            batch::nested(&nested, &out, &out, &line.site, sink);
        }
    }
}

fn caller<'a>(line: &'a Line, trail: &'a [Step], here: &'a Text) -> Caller<'a> {
    Caller { shell: Shell::Nsis, here, site: &line.site, source: &line.source, trail }
}

/// Where the macro of a line is inserted.
fn trail(line: &Line) -> Vec<Step> {
    line.inserted
        .iter()
        .filter(|(_, site)| *site != line.site)
        .map(|(name, site)| Step::at(format!("!insertmacro {name}"), site.clone()))
        .collect()
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
