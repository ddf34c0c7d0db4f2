//! Calls in the `[Code]` section of Inno Setup scripts, by a lexer. Constants and assignments of texts are followed in
//! the order of the source.

use super::batch;
use super::call;
use super::calls::{self, Event, Found};
use super::interpreter::{Interpreter, Language};
use super::procedures::Procedures;
use super::sink::Sink;
use crate::catalog::commands::{self, Shell};
use crate::facts::{Body, ClueKind, Folder, Location, Operation, Phase, Source, Text};

/// Functions that the uninstaller calls (Inno Setup help, "Pascal Scripting: Event Functions").
const OF_UNINSTALLER: &[&str] = &[
    "initializeuninstall",
    "initializeuninstallprogressform",
    "deinitializeuninstall",
    "curuninstallstepchanged",
    "uninstallneedrestart",
];

/// The lines on which procedures begin, and whether only the uninstaller calls them.
fn procedures(code: &str) -> Vec<(u32, bool)> {
    let begins = |(number, line): (usize, &str)| {
        let line = line.trim_start().to_ascii_lowercase();
        let rest = line.strip_prefix("procedure").or_else(|| line.strip_prefix("function"))?;
        let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        Some((number as u32 + 1, OF_UNINSTALLER.contains(&name)))
    };
    code.lines().enumerate().filter_map(begins).collect()
}

/// Reads Pascal code that starts at a line of the script; `constants` expands `{app}` and the like.
pub(super) fn read(code: &str, first_line: u32, constants: &dyn Fn(&str) -> Text, sink: &mut Sink<'_>) {
    calls::note_cut(code, sink);
    let events: [Vec<Event<'_>>; 1] = [calls::scan(code, calls::Syntax::Pascal)];
    let language = Pascal { constants, procedures: procedures(code), asked: Vec::new() };
    let mut script = Interpreter::new(language, Text::folder(Folder::Cwd), Procedures::of(&events, 0));
    script.first_line = first_line;
    script.run(&events[0], sink);
    sink.in_phase(None);
    script.variables.note_capped(sink);
}

struct Pascal<'a> {
    constants: &'a dyn Fn(&str) -> Text,
    /// The lines on which procedures begin, and whether only the uninstaller calls them. Their events are not told apart:
    /// all of them run in the order of the source.
    procedures: Vec<(u32, bool)>,
    /// What was asked for, whether it is there, and on which line.
    asked: Vec<(u32, Text)>,
}

/// Questions whether something is there (Inno Setup help, "Support Functions Reference").
const QUESTIONS: &[&str] = &["direxists", "fileexists", "fileordirexists"];
/// What moves something from its first argument.
const MOVES: &[&str] = &["renamefile", "filecopy", "copyfile"];
/// Most questions that are remembered.
const MAX_ASKED: usize = 256;

impl Language for Interpreter<'_, '_, Pascal<'_>> {
    const SHELL: Shell = Shell::Pascal;

    /// Braces are expanded by `ExpandConstant` alone, which most scripts call on the way here.
    fn literal(&self, text: &str) -> Text {
        (self.language.constants)(text)
    }

    fn named(&self, name: &str) -> Text {
        let upper = name.to_uppercase();
        match upper.as_str() {
            "HKEY_AUTO" | "HKA" => Text::lit("HKLM"),
            "TRUE" | "FALSE" => Text::lit(upper),
            _ if upper.starts_with("HK") => {
                Text::lit(upper.trim_end_matches("_64").trim_end_matches("64").trim_end_matches("32"))
            }
            _ => Text::unknown(),
        }
    }

    /// Functions that only compute (Inno Setup help, "Support Functions Reference").
    fn computed(&self, call: &Found<'_>) -> Text {
        let argument = |n: usize| self.argument(call, n).unwrap_or_default();
        match call.name.to_lowercase().as_str() {
            "addbackslash" => {
                let path = argument(0);
                if path.trailing_lit().ends_with('\\') { path } else { path.concat(&Text::lit("\\")) }
            }
            "expandconstant"
            | "removebackslash"
            | "removebackslashunlessroot"
            | "lowercase"
            | "uppercase"
            | "trim"
            | "expandfilename"
            | "addquotes"
            | "removequotes" => argument(0),
            "extractfilepath" | "extractfiledir" => call::parent(&argument(0)),
            "wizarddirvalue" => (self.language.constants)("{app}"),
            "getenv" => match argument(0).as_lit() {
                Some(name) => Text::hole(crate::facts::env_hole(name)),
                None => Text::unknown(),
            },
            "gettempdir" => Text::folder(Folder::Temp),
            "getwindir" => Text::folder(Folder::Windows),
            "getsystemdir" => Text::folder(Folder::System),
            "paramstr" => Text::from_source(Source::Arg, argument(0).to_string()),
            "getcomputernamestring" | "getusernamestring" => Text::from_source(Source::Identity, "COMPUTERNAME"),
            name if name.starts_with("getdatetime") => Text::from_source(Source::Generated, "time"),
            _ => Text::unknown(),
        }
    }

    fn own_procedure<'n>(&self, _: &'n str) -> Option<&'n str> {
        None
    }

    fn carry_out(&mut self, found: &Found<'_>, sink: &mut Sink<'_>) {
        let name = found.name.to_lowercase();
        if let Some(value) = &found.assigned {
            if found.arguments.is_empty() {
                self.assign(name, value);
            }
            return;
        }
        if QUESTIONS.contains(&name.as_str()) && self.language.asked.len() < MAX_ASKED {
            let path = self.argument(found, 0).unwrap_or_default();
            self.language.asked.push((found.line, path));
            return;
        }
        let Some(command) = commands::find(Shell::Pascal, &name) else { return };
        let procedures = &self.language.procedures;
        let around = procedures.partition_point(|(line, _)| *line <= found.line).checked_sub(1);
        let is_away = around.is_some_and(|at| procedures[at].1);
        let begins = around.map_or(0, |at| procedures[at].0);
        let is_migration = MOVES.contains(&name.as_str()) && self.migrates(found, begins, sink);
        let first = sink.reading.facts.len();
        sink.in_phase(is_away.then_some((Phase::NotShipped, "done by the uninstaller")));
        self.each(sink, |sink| {
            let site = self.site(found);
            let caller = self.caller(found, &site);
            for nested in call::apply(command, &Text::lit(found.name.as_str()), &self.bound(found), caller, sink) {
                batch::nested(&nested, &self.here, &self.here, &site, sink);
            }
        });
        if is_migration {
            sink.doubt(first);
        }
    }
}

impl Interpreter<'_, '_, Pascal<'_>> {
    /// Does the call move what the same procedure has asked for, and what this installer puts nowhere? That is left of an
    /// earlier one, and on a new machine there is none.
    fn migrates(&self, call: &Found<'_>, begins: u32, sink: &Sink<'_>) -> bool {
        let Some(source) = self.argument(call, 0).filter(|source| !source.is_unknown()) else { return false };
        let is_asked = self.language.asked.iter().any(|(line, path)| *line >= begins && *path == source);
        let place = call::file(&source, &self.here).key();
        let is_there = |location: &Location| {
            let key = location.key();
            key == place || key.strip_prefix(&place).is_some_and(|below| below.starts_with('\\'))
        };
        let mut facts = sink.reading.facts.iter();
        is_asked
            && !facts.any(|fact| match &fact.body {
                Body::Effect(effect) => effect.operation != Operation::Read && is_there(&effect.location),
                Body::Clue(clue) => clue.kind == ClueKind::Ships && clue.location.as_ref().is_some_and(is_there),
            })
    }
}
