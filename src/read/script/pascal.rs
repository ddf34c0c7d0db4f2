//! Calls in the `[Code]` section of Inno Setup scripts, by a lexer. Constants and assignments of texts are followed in
//! the order of the source.

use super::batch;
use super::call::{self, Caller};
use super::calls::{self, Argument, Found, Part};
use super::sink::Sink;
use super::ways::Variables;
use crate::catalog::commands::{self, Shell};
use crate::facts::{Folder, Phase, Site, Source, Text};

/// Most runs of a text: values that are made of themselves would grow without end.
const MAX_PARTS: usize = 48;

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
    let here = Text::folder(Folder::Cwd);
    let mut values = Values { variables: Variables::default(), constants };
    calls::note_cut(code, sink);
    let procedures = procedures(code);
    for event in calls::scan(code, calls::Syntax::Pascal) {
        let Some(found) = values.variables.follow(&event) else { continue };
        let name = found.name.to_lowercase();
        if let Some(value) = &found.assigned {
            if found.arguments.is_empty() {
                let value = values.variables.each(|| values.of(value));
                values.variables.set(name, value);
            }
            continue;
        }
        let Some(command) = commands::find(Shell::Pascal, &name) else { continue };
        let around = procedures.partition_point(|(line, _)| *line <= found.line).checked_sub(1);
        let is_away = around.is_some_and(|at| procedures[at].1);
        sink.in_phase(is_away.then_some((Phase::NotShipped, "done by the uninstaller")));
        values.variables.each(|| {
            let bound = calls::bound(found, &|argument| values.of(argument));
            let site = Site::text(first_line + found.line - 1, found.column);
            let caller = Caller { shell: Shell::Pascal, here: &here, site: &site, source: found.source, trail: &[] };
            for nested in call::apply(command, &Text::lit(found.name.as_str()), &bound, caller, sink) {
                batch::nested(&nested, &here, &here, &site, sink);
            }
        });
    }
    sink.in_phase(None);
    values.variables.note_capped(sink);
}

struct Values<'a> {
    variables: Variables,
    constants: &'a dyn Fn(&str) -> Text,
}

impl Values<'_> {
    /// What an expression is worth.
    fn of(&self, argument: &Argument<'_>) -> Text {
        let mut out = Text::new();
        for part in &argument.parts {
            match part {
                // Braces are expanded by `ExpandConstant` alone, which most scripts call on the way here.
                Part::Text(s) => out.push_text(&(self.constants)(s)),
                Part::Other(name) => out.push_text(&self.name(name)),
                Part::Call(call) => out.push_text(&self.computed(call)),
                Part::Either(_) => out.push_text(&Text::unknown()),
            }
            if out.parts().len() > MAX_PARTS {
                return Text::unknown();
            }
        }
        out
    }

    fn name(&self, name: &str) -> Text {
        let upper = name.to_uppercase();
        match upper.as_str() {
            "HKEY_AUTO" | "HKA" => Text::lit("HKLM"),
            "TRUE" | "FALSE" => Text::lit(upper),
            _ if upper.starts_with("HK") => {
                Text::lit(upper.trim_end_matches("_64").trim_end_matches("64").trim_end_matches("32"))
            }
            _ => self.variables.get(&name.to_lowercase()).unwrap_or_else(Text::unknown),
        }
    }

    /// Functions that only compute (Inno Setup help, "Support Functions Reference").
    fn computed(&self, call: &Found<'_>) -> Text {
        let argument = |n: usize| call.arguments.get(n).map(|a| self.of(a)).unwrap_or_default();
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
            "wizarddirvalue" => (self.constants)("{app}"),
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
}
