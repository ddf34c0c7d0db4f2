//! Sources of Inno Setup installers: sections of `Name: value; Name: value` entries, and constants in braces.

use super::batch;
use super::call::{self, Caller};
use super::sink::{Sink, origin_of};
use super::words;
use crate::catalog::commands::Shell;
use crate::facts::{
    Clue, ClueKind, Folder, Location, Operation, Origin, Phase, Reading, Site, Source, Store, Text, Trait, join_paths,
};
use std::cell::Cell;
use std::collections::HashMap;

/// Most constants that one value leads to: defines may hold others, and themselves.
const MAX_REFERENCES: u32 = 1_000;
/// Why the uninstaller does not count.
const UNINSTALL: &str = "done by the uninstaller";

/// Reads an Inno Setup script.
pub(super) fn read(text: &str, reading: &mut Reading) {
    let mut script = Script { setup: HashMap::new(), defines: HashMap::new(), budget: Cell::new(0) };
    script.settings(text);
    let mut sink = Sink::new(reading);
    let mut section = String::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with(';') || line.starts_with("//") || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name.to_lowercase();
            let away = section.starts_with("uninstall");
            sink.in_phase(away.then_some((Phase::NotShipped, UNINSTALL)));
            continue;
        }
        let site = Site::text(number as u32 + 1, 1);
        if section == "code" {
            continue;
        }
        let entry = Entry { script: &script, fields: fields(line), line, site: &site };
        match section.as_str() {
            "files" => entry.file(&mut sink),
            "registry" => entry.registry(&mut sink),
            "ini" => entry.ini(&mut sink),
            "icons" => entry.icon(&mut sink),
            "dirs" => entry.folder(&mut sink),
            "run" | "uninstallrun" => entry.run(&mut sink),
            "installdelete" | "uninstalldelete" => entry.delete(&mut sink),
            _ => {}
        }
    }
    sink.in_phase(None);
    if let Some(code) = code_section(text) {
        super::pascal::read(code.0, code.1, &|raw| script.text(raw), &mut sink);
    }
}

/// The `[Code]` section and the number of its first line.
fn code_section(text: &str) -> Option<(&str, u32)> {
    let mut offset = 0;
    let mut start = None;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let trimmed = line.trim().to_lowercase();
        if start.is_none() && trimmed == "[code]" {
            start = Some((offset + line.len(), number as u32 + 2));
        } else if let Some((from, first)) = start
            && trimmed.starts_with('[')
            && trimmed.ends_with(']')
        {
            return Some((&text[from..offset], first));
        }
        offset += line.len();
    }
    start.map(|(from, first)| (&text[from..], first))
}

struct Script {
    setup: HashMap<String, String>,
    defines: HashMap<String, String>,
    /// Constants that may still be followed in the current value.
    budget: Cell<u32>,
}

impl Script {
    fn settings(&mut self, text: &str) {
        let mut in_setup = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                in_setup = line.eq_ignore_ascii_case("[setup]");
            } else if let Some(rest) = line.strip_prefix("#define ") {
                let (name, value) = rest.trim().split_once([' ', '\t']).unwrap_or((rest.trim(), ""));
                self.defines.insert(name.to_lowercase(), value.trim().trim_matches('"').to_owned());
            } else if in_setup && let Some((name, value)) = line.split_once('=') {
                self.setup.insert(name.trim().to_lowercase(), value.trim().to_owned());
            }
        }
    }

    /// A value with its constants.
    fn text(&self, raw: &str) -> Text {
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
            let Some(end) = tail.find('}') else {
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
            return match self.defines.get(&define.trim().to_lowercase()) {
                Some(value) => self.expand(value, depth + 1),
                None => Text::unknown(),
            };
        }
        let lower = name.to_lowercase();
        let (kind, argument) = lower.split_once(':').unwrap_or((&lower, ""));
        let user_only = self.setup.get("privilegesrequired").is_some_and(|p| p.eq_ignore_ascii_case("lowest"));
        let folder = match kind.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "app" => {
                return match self.setup.get("defaultdirname") {
                    Some(folder) => self.expand(folder, depth + 1),
                    None => Text::from_source(Source::Property, "app"),
                };
            }
            "group" => {
                let base = Text::folder(if user_only { Folder::Programs } else { Folder::CommonPrograms });
                return match self.setup.get("defaultgroupname").or_else(|| self.setup.get("appname")) {
                    Some(name) => join_paths(&base, &self.expand(name, depth + 1)),
                    None => base,
                };
            }
            "pf" if kind.ends_with("32") => Folder::ProgramFilesX86,
            "pf" | "commonpf" | "autopf" => Folder::ProgramFiles,
            "cf" | "commoncf" | "autocf" => Folder::CommonFiles,
            "win" => Folder::Windows,
            "sys" | "sysnative" | "syswow" => Folder::System,
            "tmp" => Folder::Temp,
            "sd" => Folder::SystemDrive,
            "src" => Folder::Cwd,
            "fonts" | "commonfonts" => Folder::Fonts,
            "userappdata" => Folder::AppData,
            "localappdata" => Folder::LocalAppData,
            "commonappdata" => Folder::ProgramData,
            "autoappdata" if user_only => Folder::AppData,
            "autoappdata" => Folder::ProgramData,
            "userdocs" => Folder::Documents,
            "commondocs" | "autodocs" => Folder::CommonDocuments,
            "userdesktop" => Folder::Desktop,
            "commondesktop" | "autodesktop" => Folder::CommonDesktop,
            "userprograms" => Folder::Programs,
            "commonprograms" | "autoprograms" => Folder::CommonPrograms,
            "userstartmenu" => Folder::StartMenu,
            "commonstartmenu" | "autostartmenu" => Folder::CommonStartMenu,
            "userstartup" => Folder::Startup,
            "commonstartup" | "autostartup" => Folder::CommonStartup,
            "userpf" => return Text::parse("{LocalAppData}\\Programs"),
            "computername" | "username" => return Text::from_source(Source::Identity, lower.to_uppercase()),
            "param" => return Text::from_source(Source::Arg, argument),
            "userinfoname" | "userinfoorg" | "userinfoserial" => return Text::from_source(Source::Input, lower),
            "language" | "cm" => return Text::from_source(Source::Property, name),
            "cmd" => return Text::parse("{System}\\cmd.exe"),
            _ => {
                return match lower.strip_prefix('%') {
                    Some(variable) => {
                        Text::hole(crate::facts::env_hole(variable.split('|').next().unwrap_or_default()))
                    }
                    None => Text::unknown(),
                };
            }
        };
        Text::folder(folder)
    }
}

/// One line of a section.
struct Entry<'a> {
    script: &'a Script,
    fields: HashMap<String, String>,
    line: &'a str,
    site: &'a Site,
}

impl Entry<'_> {
    fn field(&self, name: &str) -> Option<Text> {
        self.fields.get(name).map(|raw| self.script.text(raw))
    }

    fn flag(&self, name: &str) -> bool {
        self.fields.get("flags").is_some_and(|f| f.to_lowercase().split_whitespace().any(|w| w == name))
    }

    fn emit(
        &self,
        operation: Operation,
        store: Store,
        location: Location,
        via: &str,
        origin: Origin,
        sink: &mut Sink<'_>,
    ) {
        let here = Text::folder(Folder::Cwd);
        let caller = Caller { shell: Shell::Any, here: &here, site: self.site, source: self.line, trail: &[] };
        sink.effect(self.site, caller.effect(operation, store, location, via).of_origin(origin));
    }

    fn file(&self, sink: &mut Sink<'_>) {
        let (Some(source), Some(folder)) = (self.field("source"), self.field("destdir")) else { return };
        if self.flag("dontcopy") {
            return;
        }
        let name = self.field("destname").unwrap_or_else(|| Text::lit(words::base_name(&source)));
        let wild = name.to_string().contains(['*', '?']) || name.is_empty();
        let path = if wild { folder } else { join_paths(&folder, &name) };
        let location = Location::file(&path);
        sink.clue(self.site, Clue::new(ClueKind::Ships, "inno", source.to_string()).at(location.clone()));
        let here = Text::folder(Folder::Cwd);
        let caller = Caller { shell: Shell::Any, here: &here, site: self.site, source: self.line, trail: &[] };
        let mut effect =
            caller.effect(Operation::Create, Store::File, location.clone(), "[Files]").of_origin(Origin::Packaged);
        if self.flag("deleteafterinstall") || path.to_string().starts_with("{Temp}") {
            effect.mark(Trait::DeleteOnClose);
        }
        sink.effect(self.site, effect);
        if self.flag("regserver") || self.flag("regtypelib") {
            self.emit(Operation::Register, Store::Com, location, "[Files] regserver", Origin::Packaged, sink);
        }
        self.permissions(&path, sink);
    }

    fn registry(&self, sink: &mut Sink<'_>) {
        let (Some(root), Some(key)) = (self.fields.get("root"), self.field("subkey")) else { return };
        let root = root.to_uppercase();
        let root = match root.trim_end_matches("64").trim_end_matches("32") {
            // By the mode of the installation; machine-wide unless the script asks for the lowest rights.
            "HKA" if self.script.setup.get("privilegesrequired").is_some_and(|p| p.eq_ignore_ascii_case("lowest")) => {
                "HKCU"
            }
            "HKA" => "HKLM",
            other => other,
        }
        .to_owned();
        let mut path = Text::lit(format!("{root}\\"));
        path.push_text(&key);
        let key = Location::registry(&path);
        let typed = self.fields.get("valuetype").is_some_and(|t| !t.eq_ignore_ascii_case("none"));
        let data = self.field("valuedata").unwrap_or_default();
        if self.flag("deletekey") {
            self.emit(Operation::Delete, Store::Registry, key.clone(), "[Registry]", Origin::Unknown, sink);
        }
        if self.flag("deletevalue") {
            let name = self.field("valuename").unwrap_or_default();
            let value = Location::registry_value(&key, &name);
            self.emit(Operation::DeleteValue, Store::Registry, value, "[Registry]", Origin::Unknown, sink);
        }
        if typed {
            let name = self.field("valuename").unwrap_or_default();
            let value = Location::registry_value(&key, &name);
            self.emit(Operation::SetValue, Store::Registry, value, "[Registry]", origin_of(&data), sink);
        } else if !self.flag("dontcreatekey") && !self.flag("deletekey") && !self.flag("deletevalue") {
            self.emit(Operation::Create, Store::Registry, key, "[Registry]", Origin::Constant, sink);
        }
    }

    fn ini(&self, sink: &mut Sink<'_>) {
        let Some(file) = self.field("filename") else { return };
        let origin = origin_of(&self.field("string").unwrap_or_default());
        self.emit(Operation::SetValue, Store::Ini, Location::file(&file), "[INI]", origin, sink);
    }

    fn icon(&self, sink: &mut Sink<'_>) {
        let Some(name) = self.field("name") else { return };
        let path = name.concat(&Text::lit(".lnk"));
        self.emit(Operation::Create, Store::Shortcut, Location::file(&path), "[Icons]", Origin::Constant, sink);
    }

    fn folder(&self, sink: &mut Sink<'_>) {
        let Some(name) = self.field("name") else { return };
        self.emit(Operation::Create, Store::Directory, Location::file(&name), "[Dirs]", Origin::Constant, sink);
        self.permissions(&name, sink);
    }

    /// `Permissions: users-modify` foretells run-time state.
    fn permissions(&self, path: &Text, sink: &mut Sink<'_>) {
        let Some(granted) = self.fields.get("permissions") else { return };
        let location = Location::file(path);
        self.emit(Operation::Grant, Store::Acl, location.clone(), "Permissions", Origin::Constant, sink);
        let wide = granted.to_lowercase();
        if wide.contains("-modify") || wide.contains("-full") {
            sink.clue(self.site, Clue::new(ClueKind::GrantsAccess, "permissions", granted.as_str()).at(location));
        }
    }

    fn run(&self, sink: &mut Sink<'_>) {
        let Some(program) = self.field("filename") else { return };
        let mut line = Text::lit("\"").concat(&program).concat(&Text::lit("\""));
        if let Some(parameters) = self.field("parameters") {
            line = line.concat(&Text::lit(" ")).concat(&parameters);
        }
        let here = self.field("workingdir").unwrap_or_else(|| call::parent(&program));
        batch::text(&line, &here, &here, self.site, sink);
    }

    fn delete(&self, sink: &mut Sink<'_>) {
        let Some(name) = self.field("name") else { return };
        let store = if self
            .fields
            .get("type")
            .is_some_and(|t| t.to_lowercase().starts_with("dir") || t.to_lowercase().starts_with("filesandordirs"))
        {
            Store::Directory
        } else {
            Store::File
        };
        self.emit(Operation::Delete, store, Location::file(&name), "[InstallDelete]", Origin::Unknown, sink);
    }
}

/// `Name: "value"; Other: value`: quotes hold semicolons, doubled quotes are one.
fn fields(line: &str) -> HashMap<String, String> {
    let mut out = HashMap::new();
    let mut rest = line;
    while let Some((name, tail)) = rest.split_once(':') {
        let tail = tail.trim_start();
        let (value, after) = match tail.strip_prefix('"') {
            Some(quoted) => {
                let mut value = String::new();
                let mut end = quoted.len();
                let mut chars = quoted.char_indices().peekable();
                while let Some((at, c)) = chars.next() {
                    if c != '"' {
                        value.push(c);
                    } else if chars.peek().is_some_and(|(_, n)| *n == '"') {
                        chars.next();
                        value.push('"');
                    } else {
                        end = at + 1;
                        break;
                    }
                }
                (value, quoted.get(end..).unwrap_or_default())
            }
            None => {
                let end = tail.find(';').unwrap_or(tail.len());
                (tail[..end].trim().to_owned(), &tail[end..])
            }
        };
        out.insert(name.trim().to_lowercase(), value);
        rest = after.trim_start().trim_start_matches(';').trim_start();
    }
    out
}
