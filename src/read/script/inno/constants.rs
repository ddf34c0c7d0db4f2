//! Constants and defines of Inno Setup (help topics "Constants", "CustomMessages", and the preprocessor's
//! `#define`).

use crate::facts::{Folder, Location, Source, Text, env_hole, join_paths};
use crate::read::Input;
use std::cell::Cell;
use std::collections::HashMap;

/// Most constants that one value leads to: defines may hold others, and themselves.
const MAX_REFERENCES: u32 = 1_000;
/// Most included files of one script.
const MAX_INCLUDES: usize = 32;
/// Largest included file.
const MAX_INCLUDE: u64 = 1 << 20;

/// What holds for the whole script.
pub(super) struct Script {
    pub(super) setup: HashMap<String, String>,
    defines: HashMap<String, String>,
    messages: HashMap<String, String>,
    /// Constants that may still be followed in the current value.
    budget: Cell<u32>,
}

impl Script {
    /// Collects settings, defines and messages, also of included files beside the script.
    pub(super) fn new(text: &str, input: &Input<'_>) -> Self {
        let mut script =
            Script { setup: HashMap::new(), defines: HashMap::new(), messages: HashMap::new(), budget: Cell::new(0) };
        let include = |line: &&str| line.get(..8).is_some_and(|head| head.eq_ignore_ascii_case("#include"));
        for line in text.lines().map(str::trim).filter(include).take(MAX_INCLUDES) {
            let path = line[8..].trim().trim_matches(['"', '<', '>']);
            let Some(artifact) = input.app.sibling(input.artifact, path) else { continue };
            let Ok(bytes) = artifact.read(MAX_INCLUDE) else { continue };
            script.settings(&crate::read::text::decode(&bytes, &mut crate::facts::Reading::default()));
        }
        script.settings(text);
        script
    }

    fn settings(&mut self, text: &str) {
        let mut section = String::new();
        for line in text.lines().map(|l| l.trim_start_matches('\u{feff}').trim()) {
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                section = name.to_lowercase();
            } else if let Some(rest) = line.strip_prefix("#define ") {
                let (name, value) = rest.trim().split_once([' ', '\t']).unwrap_or((rest.trim(), ""));
                let value = self.expression(value.trim().trim_start_matches("= "));
                self.defines.insert(name.to_lowercase(), value);
            } else if let Some((name, value)) = line.split_once('=') {
                let (name, value) = (name.trim().to_lowercase(), value.trim().to_owned());
                match section.as_str() {
                    "setup" => {
                        self.setup.insert(name, value);
                    }
                    "custommessages" => {
                        // `en.Name`: the first language stands for all.
                        let name = name.rsplit('.').next().unwrap_or(&name).to_owned();
                        self.messages.entry(name).or_insert(value);
                    }
                    _ => {}
                }
            }
        }
    }

    /// A value of the preprocessor: texts and names joined by `+`.
    fn expression(&self, raw: &str) -> String {
        let mut out = String::new();
        let mut quoted = false;
        for operand in raw.split(|c| {
            quoted ^= c == '"';
            c == '+' && !quoted
        }) {
            let operand = operand.trim();
            match operand.strip_prefix('"').and_then(|o| o.strip_suffix('"')) {
                Some(text) => out.push_str(text),
                None if operand.is_empty() || operand.bytes().all(|b| b.is_ascii_digit()) => out.push_str(operand),
                None => match self.defines.get(&operand.to_lowercase()) {
                    Some(value) => out.push_str(value),
                    None => out.push_str("{?}"),
                },
            }
        }
        out
    }

    /// Installed for one user, without administrator's rights.
    pub(super) fn is_per_user(&self) -> bool {
        self.setup.get("privilegesrequired").is_some_and(|p| p.eq_ignore_ascii_case("lowest"))
    }

    /// A value with its constants.
    pub(super) fn text(&self, raw: &str) -> Text {
        self.budget.set(MAX_REFERENCES);
        self.expand(raw, 0)
    }

    fn expand(&self, raw: &str, depth: usize) -> Text {
        let mut out = Text::new();
        let mut rest = raw;
        while let Some(at) = rest.find('{') {
            out.push_lit(&rest[..at]);
            let tail = &rest[at + 1..];
            if let Some(after) = tail.strip_prefix('{') {
                out.push_lit("{");
                rest = after;
                continue;
            }
            let Some(end) = closing(tail) else {
                out.push_lit("{");
                rest = tail;
                continue;
            };
            out.push_text(&self.constant(&tail[..end], depth));
            rest = &tail[end + 1..];
        }
        out.push_lit(rest);
        out
    }

    fn constant(&self, name: &str, depth: usize) -> Text {
        self.budget.set(self.budget.get().saturating_sub(1));
        if depth > 8 || self.budget.get() == 0 {
            return Text::unknown();
        }
        if let Some(define) = name.strip_prefix('#') {
            return self.expand(&self.expression(define.trim()), depth + 1);
        }
        let lower = name.to_lowercase();
        let (kind, _) = lower.split_once(':').unwrap_or((&lower, ""));
        let argument = name.get(kind.len() + 1..).unwrap_or_default();
        let (argument, default) = argument.split_once('|').unwrap_or((argument, ""));
        match kind.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "app" => match self.setup.get("defaultdirname") {
                Some(folder) => self.expand(folder, depth + 1),
                None => Text::from_source(Source::Property, "app"),
            },
            "group" => {
                let base = Text::folder(if self.is_per_user() { Folder::Programs } else { Folder::CommonPrograms });
                match self.setup.get("defaultgroupname").or_else(|| self.setup.get("appname")) {
                    Some(name) => join_paths(&base, &self.expand(name, depth + 1)),
                    None => base,
                }
            }
            "computername" | "username" => Text::from_source(Source::Identity, lower.to_uppercase()),
            "param" => Text::from_source(Source::Arg, argument),
            "userinfoname" | "userinfoorg" | "userinfoserial" => Text::from_source(Source::Input, lower),
            "language" => Text::from_source(Source::Property, name),
            "cm" => {
                let message = argument.split(',').next().unwrap_or_default();
                match self.messages.get(&message.to_lowercase()) {
                    Some(value) => self.expand(value, depth + 1),
                    None => Text::from_source(Source::Property, format!("cm:{message}")),
                }
            }
            // What stands behind the bar is an argument, not a default.
            "code" => Text::unknown(),
            "reg" => registry(argument),
            "ini" => Text::from_source(Source::Ini, argument.replace(',', "/")),
            "drive" => {
                let path = self.expand(argument, depth + 1);
                let drive = path.leading_lit().get(..2).filter(|d| d.ends_with(':'));
                drive.map_or_else(|| Text::folder(Folder::SystemDrive), Text::lit)
            }
            "cmd" => Text::parse("{System}\\cmd.exe"),
            _ => match (known(kind, self.is_per_user()), lower.strip_prefix('%')) {
                (Some(folder), _) => Text::parse(folder),
                (None, Some(variable)) => Text::hole(env_hole(variable.split('|').next().unwrap_or_default())),
                (None, None) if !default.is_empty() => self.expand(default, depth + 1),
                (None, None) => Text::unknown(),
            },
        }
    }
}

/// Where the brace that opened before `text` closes; constants may hold others.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// `{reg:HKLM\key,name|default}`
fn registry(argument: &str) -> Text {
    let (key, value) = argument.split_once(',').unwrap_or((argument, ""));
    let location = Location::registry_value(&Location::registry(&Text::lit(key)), &Text::lit(value));
    match location.text().as_lit() {
        Some(path) => Text::from_source(Source::Registry, path),
        None => Text::unknown(),
    }
}

/// Folders by the names of their constants; a number behind the name tells the bitness.
fn known(kind: &str, per_user: bool) -> Option<&'static str> {
    let name = kind.trim_end_matches(|c: char| c.is_ascii_digit());
    Some(match name {
        "pf" | "commonpf" if kind.ends_with("32") => "{ProgramFilesX86}",
        "autopf" if per_user => "{LocalAppData}\\Programs",
        "pf" | "commonpf" | "autopf" => "{ProgramFiles}",
        "userpf" => "{LocalAppData}\\Programs",
        "usercf" => "{LocalAppData}\\Programs\\Common",
        "cf" | "commoncf" | "autocf" => "{CommonFiles}",
        "win" => "{Windows}",
        "sys" | "sysnative" | "syswow" => "{System}",
        "tmp" => "{Temp}",
        "sd" => "{SystemDrive}",
        "src" => "{Cwd}",
        "fonts" | "commonfonts" | "autofonts" => "{Fonts}",
        "userfonts" => "{LocalAppData}\\Microsoft\\Windows\\Fonts",
        "dao" => "{CommonFiles}\\Microsoft Shared\\DAO",
        "dotnet" | "dotnetframework" => "{Windows}\\Microsoft.NET\\Framework",
        "userappdata" => "{AppData}",
        "autoappdata" if per_user => "{AppData}",
        "localappdata" => "{LocalAppData}",
        "commonappdata" | "autoappdata" => "{ProgramData}",
        "autodocs" if per_user => "{Documents}",
        "userdocs" => "{Documents}",
        "commondocs" | "autodocs" => "{CommonDocuments}",
        "autodesktop" if per_user => "{Desktop}",
        "userdesktop" => "{Desktop}",
        "commondesktop" | "autodesktop" => "{CommonDesktop}",
        "autoprograms" if per_user => "{Programs}",
        "userprograms" => "{Programs}",
        "commonprograms" | "autoprograms" => "{CommonPrograms}",
        "autostartmenu" if per_user => "{StartMenu}",
        "userstartmenu" => "{StartMenu}",
        "commonstartmenu" | "autostartmenu" => "{CommonStartMenu}",
        "autostartup" if per_user => "{Startup}",
        "userstartup" => "{Startup}",
        "commonstartup" | "autostartup" => "{CommonStartup}",
        "sendto" | "usersendto" => "{SendTo}",
        "userfavorites" => "{Favorites}",
        "usertemplates" | "commontemplates" => "{Templates}",
        _ => return None,
    })
}
