//! Constants and variables in the strings of NSIS (NSIS documentation, 4.2 "Variables" and 4.2.3 "Constants").

use super::source::{Line, UNKNOWN};
use crate::facts::{Folder, Hole, Source, Text};
use crate::read::script::ways;
use std::collections::HashMap;

/// Most runs of a text: values that are made of themselves would grow without end.
const MAX_PARTS: usize = 48;

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
}

impl Variables {
    /// Collects what holds for the whole script: the installation folder, names and translated strings.
    pub(super) fn new(lines: &[Line]) -> Self {
        let mut variables = Variables { values: ways::Variables::default(), strings: HashMap::new(), shared: false };
        let mut folder = None;
        // What `.onInit` sets holds before any section runs, wherever it stands; of several values none is certain.
        let mut at_start: Vec<String> = Vec::new();
        let mut starting = false;
        for line in lines {
            let word = |n: usize| line.words.get(n).cloned().unwrap_or_default();
            match word(0).to_lowercase().as_str() {
                "function" => starting = word(1).eq_ignore_ascii_case(".onInit"),
                "functionend" => starting = false,
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
    pub(super) fn enter(&mut self) {
        self.shared = false;
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
