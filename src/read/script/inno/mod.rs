//! Sources of Inno Setup installers: sections of `Name: value; Name: value` entries. What stands in braces is the
//! business of [`constants`].

mod constants;
mod plugins;

use super::Input;
use super::batch;
use super::call::{self, Caller};
use super::sink::{Sink, origin_of};
use super::words;
use crate::catalog::commands::Shell;
use crate::facts::{
    Clue, ClueKind, Folder, Location, Operation, Origin, Phase, Reading, Site, Store, Text, Trait, join_paths,
};
use constants::Script;
use plugins::PlugIns;
use std::borrow::Cow;
use std::collections::HashMap;

/// Why the uninstaller does not count.
const UNINSTALL: &str = "done by the uninstaller";

/// Reads an Inno Setup script.
pub(super) fn read(text: &str, input: &Input<'_>, reading: &mut Reading) {
    let script = Script::new(text, input);
    let mut sink = Sink::new(reading);
    let mut section = String::new();
    let mut plugins = PlugIns::default();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let mut line = Cow::Borrowed(line.trim_start_matches('\u{feff}').trim());
        // The preprocessor joins lines at a blank and a backslash.
        while line.ends_with(" \\") && section != "code" {
            let next = lines.next().map(|(_, next)| next.trim()).unwrap_or_default();
            line = Cow::Owned(format!("{}{next}", line.trim_end_matches('\\')));
        }
        let line = line.as_ref();
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
        if entry.is_for_users() {
            continue;
        }
        match section.as_str() {
            "files" => {
                plugins.see(&entry);
                entry.file(&mut sink);
            }
            "registry" => entry.registry(&mut sink),
            "ini" => entry.ini(&mut sink),
            "icons" => entry.icon(&mut sink),
            "dirs" => entry.folder(&mut sink),
            "run" | "uninstallrun" => entry.run(&mut sink),
            "installdelete" => entry.delete("[InstallDelete]", &mut sink),
            "uninstalldelete" => entry.delete("[UninstallDelete]", &mut sink),
            _ => {}
        }
    }
    sink.in_phase(None);
    let code = code_section(text);
    plugins.tell(code.as_ref().map_or("", |code| code.0), &mut sink);
    if let Some(code) = code {
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

    /// Only where the setup runs without the rights of an administrator, which nobody does who builds an image
    /// (Inno Setup documentation: "Check parameters", `IsAdmin`).
    fn is_for_users(&self) -> bool {
        let check = self.fields.get("check").map(|check| check.trim().to_lowercase()).unwrap_or_default();
        check.strip_prefix("not ").is_some_and(|name| name.trim_start().starts_with("isadmin"))
            && !self.script.is_per_user()
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
            "HKA" if self.script.is_per_user() => "HKCU",
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
        if let Some(granted) = self.fields.get("permissions") {
            self.emit(Operation::Grant, Store::Acl, key.clone(), "Permissions", Origin::Constant, sink);
            self.foretells_writes(granted, key.clone(), sink);
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
        let part = |name: &str| self.field(name).unwrap_or_default();
        let location = Location::ini_value(&Location::file(&file), &part("section"), &part("key"));
        self.emit(Operation::SetValue, Store::Ini, location, "[INI]", origin, sink);
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
        self.foretells_writes(granted, location, sink);
    }

    fn foretells_writes(&self, granted: &str, location: Location, sink: &mut Sink<'_>) {
        let wide = granted.to_lowercase();
        if wide.contains("-modify") || wide.contains("-full") {
            sink.clue(self.site, Clue::new(ClueKind::GrantsAccess, "permissions", granted).at(location));
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

    fn delete(&self, via: &str, sink: &mut Sink<'_>) {
        let Some(name) = self.field("name") else { return };
        let kind = self.fields.get("type").map(|kind| kind.to_lowercase()).unwrap_or_default();
        let is_folder = kind.starts_with("dir") || kind.starts_with("filesandordirs");
        let store = if is_folder { Store::Directory } else { Store::File };
        let via = if kind == "dirifempty" { format!("{via} {kind}") } else { via.to_owned() };
        self.emit(Operation::Delete, store, Location::file(&name), &via, Origin::Unknown, sink);
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
