//! Constants and variables in the strings of NSIS (NSIS documentation, 4.2 "Variables" and 4.2.3 "Constants").

use super::source::{Line, UNKNOWN};
use crate::facts::{Folder, Hole, Source, Text};
use crate::read::script::ways;
use std::collections::HashMap;

/// Most runs of a text: values that are made of themselves would grow without end.
const MAX_PARTS: usize = 48;

/// What runs first in the installer and in the uninstaller.
const INIT: [&str; 2] = [".onInit", "un.onInit"];

/// `$PLUGINSDIR`: a folder of its own below the temporary one.
pub(super) fn plugins() -> Text {
    Text::folder(Folder::Temp).concat(&Text::lit("\\plugins"))
}

/// What names stand for at a point of the script.
pub(super) struct Variables {
    pub(super) values: ways::Variables,
    /// `LangString`s and the settings that `$(^Name)` asks for.
    strings: HashMap<String, String>,
    /// `SetShellVarContext all`
    pub(super) shared: bool,
    /// The same as `.onInit` and `un.onInit` leave it: they run before anything else.
    shared_at_start: [bool; 2],
}

/// What LogicLib compares: its statements give no variable a value, but for the counter of a loop.
const COMPARING: &[&str] = &[
    "if",
    "ifnot",
    "unless",
    "elseif",
    "elseifnot",
    "elseunless",
    "else",
    "andif",
    "andifnot",
    "andunless",
    "orif",
    "orifnot",
    "orunless",
    "select",
    "switch",
    "case",
    "case2",
    "case3",
    "case4",
    "case5",
    "while",
    "do",
    "dowhile",
    "dountil",
    "loop",
    "loopwhile",
    "loopuntil",
];

/// The variables that a macro which is not known here gives a value. Those of the headers that come with NSIS name them at
/// the end (NSIS documentation, appendix E: "FileFunc", "WordFunc"), those of StrFunc at the beginning.
pub(super) fn given_by_macro<'a>(name: &str, arguments: &'a [String]) -> impl Iterator<Item = &'a String> {
    let word = name.strip_prefix(UNKNOWN.0).and_then(|word| word.strip_suffix(UNKNOWN.1)).unwrap_or_default();
    let word = word.strip_prefix("un.").unwrap_or(word).replace('_', "");
    let gives = !word.is_empty() && !COMPARING.contains(&word.as_str());
    let asks = word.starts_with("get") && arguments.len() > 1;
    let first = usize::from(gives && word.starts_with("str"));
    let is_given = move |(n, raw): &(usize, &String)| {
        let bare = raw.strip_prefix('$').filter(|name| !name.is_empty() && name.bytes().all(is_of_name));
        // A folder that a macro is called for is given to it.
        bare.is_some_and(|name| !is_folder(name) || (asks && n + 1 == arguments.len()))
    };
    let last = arguments.iter().enumerate().rev().take_while(is_given).map(|(_, raw)| raw);
    let last = last.take(if gives { arguments.len() } else { 0 });
    arguments.iter().enumerate().take(first).filter(is_given).map(|(_, raw)| raw).chain(last)
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_folder(name: &str) -> bool {
    ["instdir", "outdir"].contains(&name.to_lowercase().as_str())
}

impl Variables {
    /// Collects what holds for the whole script: the installation folder, names and translated strings.
    pub(super) fn new(lines: &[Line]) -> Self {
        let mut variables = Variables {
            values: ways::Variables::default(),
            strings: HashMap::new(),
            shared: false,
            shared_at_start: [false; 2],
        };
        let mut folder = None;
        let mut contexts: [Vec<bool>; 2] = Default::default();
        // What `.onInit` sets holds before any section runs, wherever it stands; of several values none is certain.
        let mut at_start: Vec<String> = Vec::new();
        let mut starting = false;
        let mut inside: Option<usize> = None;
        for line in lines {
            let word = |n: usize| line.words.get(n).cloned().unwrap_or_default();
            match word(0).to_lowercase().as_str() {
                "function" => {
                    starting = word(1).eq_ignore_ascii_case(".onInit");
                    inside = INIT.iter().position(|name| word(1).eq_ignore_ascii_case(name));
                }
                "functionend" => (starting, inside) = (false, None),
                "setshellvarcontext" => {
                    let all = word(1).eq_ignore_ascii_case("all");
                    inside.into_iter().for_each(|of| contexts[of].push(all));
                }
                "strcpy" if starting && line.words.len() == 3 && word(1).eq_ignore_ascii_case("$INSTDIR") => {
                    at_start.push(word(2));
                }
                "installdir" => folder = Some(word(1)),
                "name" => {
                    variables.strings.entry("^name".into()).or_insert_with(|| word(1));
                }
                "langstring" => {
                    variables.strings.entry(word(1).to_lowercase()).or_insert_with(|| word(3));
                }
                _ => {}
            }
        }
        // Which of two holds is not known.
        variables.shared_at_start = contexts.map(|given| !given.is_empty() && given.iter().all(|all| *all));
        at_start.dedup();
        if let [only] = at_start.as_slice() {
            folder = Some(only.clone());
        }
        if let Some(raw) = folder {
            let folder = variables.text(&raw);
            variables.set("$INSTDIR", vec![folder]);
        }
        variables
    }

    pub(super) fn install_folder(&self) -> Text {
        self.values.get("instdir").unwrap_or_else(|| Text::from_source(Source::Property, "INSTDIR"))
    }

    /// The output path, `$OUTDIR`.
    pub(super) fn out(&self) -> Text {
        self.values.get("outdir").unwrap_or_default()
    }

    /// Gives `$name` its possible values.
    pub(super) fn set(&mut self, variable: &str, values: Vec<Text>) {
        self.values.set(variable.trim_start_matches('$').to_lowercase(), values);
    }

    /// A section or function begins: the registers `$0` to `$R9` hold whatever ran before left in them.
    pub(super) fn enter(&mut self, away: bool) {
        self.shared = self.shared_at_start[usize::from(away)];
        self.values.begin(|name| !name.trim_start_matches('r').bytes().all(|b| b.is_ascii_digit()));
    }

    /// A string with its constants and variables.
    pub(super) fn text(&self, raw: &str) -> Text {
        let text = self.expand(raw, 0);
        if text.parts().len() > MAX_PARTS { Text::unknown() } else { text }
    }

    fn expand(&self, raw: &str, depth: usize) -> Text {
        let mut out = Text::new();
        let mut rest = raw;
        while let Some(at) = rest.find(['$', UNKNOWN.0]) {
            out.push_lit(&rest[..at]);
            let tail = &rest[at..];
            if let Some(after) = tail.strip_prefix(UNKNOWN.0) {
                let (name, after) = after.split_once(UNKNOWN.1).unwrap_or((after, ""));
                out.push_text(&match name.strip_prefix("param:") {
                    Some(name) => Text::from_source(Source::Param, name),
                    None => Text::unknown(),
                });
                rest = after;
                continue;
            }
            let tail = &tail[1..];
            if let Some(after) = tail.strip_prefix('\\') {
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
            } else if let Some((name, after)) = tail.strip_prefix('(').and_then(|t| t.split_once(')')) {
                out.push_text(&match self.strings.get(&name.to_lowercase()) {
                    Some(value) if depth < 4 => self.expand(value, depth + 1),
                    _ => Text::from_source(Source::Property, name),
                });
                rest = after;
            } else {
                let length = tail.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
                if length == 0 {
                    out.push_lit("$");
                } else {
                    out.push_text(&self.variable(&tail[..length]));
                }
                rest = &tail[length..];
            }
        }
        out.push_lit(rest);
        out
    }

    fn variable(&self, name: &str) -> Text {
        let lower = name.to_lowercase();
        if let Some(value) = self.values.get(&lower) {
            return value;
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
            "sendto" => Text::folder(Folder::SendTo),
            "favorites" => Text::folder(Folder::Favorites),
            "templates" => Text::folder(Folder::Templates),
            "quicklaunch" => Text::parse("{AppData}\\Microsoft\\Internet Explorer\\Quick Launch"),
            "windir" => Text::folder(Folder::Windows),
            "sysdir" => Text::folder(Folder::System),
            "fonts" => Text::folder(Folder::Fonts),
            "temp" => Text::folder(Folder::Temp),
            "pluginsdir" => plugins(),
            "profile" => Text::folder(Folder::UserProfile),
            "exedir" => Text::folder(Folder::Cwd),
            "cmdline" | "exepath" | "exefile" => Text::from_source(Source::Arg, name),
            _ => Text::hole(Hole::Unknown),
        }
    }
}
