//! Setup information files: `AddReg`, `DelReg`, `CopyFiles`, `UpdateInis`, services and their directory ids.
//!
//! Grammar: MS documentation "INF Sections and Directives". An install section names other sections; what no install
//! section names says nothing. Sections whose name speaks of removal belong to the uninstaller.

use super::batch;
use super::call::Caller;
use super::sink::{Sink, origin_of};
use super::words;
use crate::catalog::commands::Shell;
use crate::facts::{
    Clue, ClueKind, Folder, Location, Operation, Origin, Phase, Reading, Site, Store, Text, join_paths,
};
use std::collections::HashMap;

/// Reads a setup information file.
pub(super) fn read(text: &str, reading: &mut Reading) {
    let file = Inf::parse(text);
    let mut sink = Sink::new(reading);
    let services = file.services();
    for (name, lines) in &file.sections {
        let relative = services.get(name).cloned().unwrap_or_else(Text::unknown);
        for line in lines {
            let Some((directive, value)) = line.text.split_once('=') else { continue };
            let removal = ["uninst", "remove", ".del"].iter().any(|w| name.contains(w));
            sink.in_phase(removal.then_some((Phase::NotShipped, "a section for removal")));
            let directive = directive.trim().to_lowercase();
            match directive.as_str() {
                "addservice" => file.service(value, line, &mut sink),
                "delservice" => {
                    let location = Location::named(file.text(first(value)));
                    emit(
                        &mut sink,
                        line,
                        Operation::Unregister,
                        Store::Service,
                        location,
                        "DelService",
                        Origin::Unknown,
                    );
                }
                "copyinf" | "updateautobat" => {}
                "addreg"
                | "bitreg"
                | "delreg"
                | "copyfiles"
                | "delfiles"
                | "renfiles"
                | "updateinis"
                | "updateinifields"
                | "ini2reg"
                | "registerdlls"
                | "registerocxs"
                | "profileitems"
                | "runpresetupcommands"
                | "runpostsetupcommands" => {
                    for section in value.split(',').map(str::trim).filter(|s| !s.is_empty()) {
                        file.section(&directive, section, &relative, line, &mut sink);
                    }
                }
                _ => {}
            }
        }
    }
    sink.in_phase(None);
}

struct Line<'t> {
    text: &'t str,
    site: Site,
}

struct Inf<'t> {
    /// In the order of the file.
    sections: Vec<(String, Vec<Line<'t>>)>,
    strings: HashMap<String, String>,
}

impl<'t> Inf<'t> {
    fn parse(text: &'t str) -> Self {
        let mut file = Inf { sections: Vec::new(), strings: HashMap::new() };
        for (number, raw) in text.lines().enumerate() {
            let line = without_comment(raw.trim_start_matches('\u{feff}')).trim();
            if line.is_empty() {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.split(']').next()) {
                file.sections.push((name.trim().to_lowercase(), Vec::new()));
                continue;
            }
            let Some((section, lines)) = file.sections.last_mut() else { continue };
            if section == "strings" || section.starts_with("strings.") {
                if let Some((name, value)) = line.split_once('=') {
                    let value = value.trim().trim_matches('"').to_owned();
                    file.strings.entry(name.trim().to_lowercase()).or_insert(value);
                }
                continue;
            }
            let column = raw.len() - raw.trim_start().len() + 1;
            lines.push(Line { text: line, site: Site::text(number as u32 + 1, column as u32) });
        }
        file
    }

    fn lines(&self, name: &str) -> impl Iterator<Item = &Line<'t>> {
        let name = name.to_lowercase();
        self.sections.iter().filter(move |(n, _)| *n == name).flat_map(|(_, lines)| lines)
    }

    /// A value with `%strings%` and `%directory ids%` in it.
    fn text(&self, raw: &str) -> Text {
        let raw = raw.trim();
        let raw = raw.strip_prefix('"').and_then(|r| r.strip_suffix('"')).unwrap_or(raw).replace("\"\"", "\"");
        let mut out = Text::new();
        let mut rest = raw.as_str();
        while let Some((before, tail)) = rest.split_once('%') {
            out.push_lit(before);
            let Some((name, after)) = tail.split_once('%') else {
                out.push_lit("%");
                rest = tail;
                continue;
            };
            if name.is_empty() {
                out.push_lit("%");
            } else if let Ok(id) = name.parse::<u32>() {
                out.push_text(&directory(id));
            } else if let Some(value) = self.strings.get(&name.to_lowercase()) {
                out.push_lit(value);
            } else {
                out.push_text(&Text::unknown());
            }
            rest = after;
        }
        out.push_lit(rest);
        out
    }

    /// The key that `HKR` means in what a section of a service adds (MS documentation, "INF AddService Directive"), by
    /// the name of that section.
    fn services(&self) -> HashMap<String, Text> {
        let lines = self.sections.iter().flat_map(|(_, lines)| lines);
        let added = lines.filter_map(|line| line.text.split_once('='));
        let added = added.filter(|(directive, _)| directive.trim().eq_ignore_ascii_case("AddService"));
        let mut found = HashMap::new();
        for (_, value) in added {
            if let [name, _, section, ..] = split(value).as_slice() {
                let key = Text::lit("HKLM\\SYSTEM\\CurrentControlSet\\Services\\").concat(&self.text(name));
                found.entry(section.to_lowercase()).or_insert(key);
            }
        }
        found
    }

    /// Where the files of a copy section go.
    fn destination(&self, section: &str) -> Text {
        let mut default = Text::unknown();
        for line in self.lines("destinationdirs") {
            let Some((name, value)) = line.text.split_once('=') else { continue };
            let fields = split(value);
            let id = fields.first().and_then(|f| f.trim().parse::<i64>().ok());
            let base = match id {
                Some(-1) => Text::new(),
                Some(id) => u32::try_from(id).map_or_else(|_| Text::unknown(), directory),
                None => Text::unknown(),
            };
            let folder = match fields.get(1) {
                Some(sub) => join_paths(&base, &self.text(sub)),
                None => base,
            };
            let name = name.trim();
            if name.eq_ignore_ascii_case(section) {
                return folder;
            }
            if name.eq_ignore_ascii_case("DefaultDestDir") {
                default = folder;
            }
        }
        default
    }

    /// What a directive does with the lines of a section; `relative` is the key that `HKR` means there.
    fn section(&self, directive: &str, section: &str, relative: &Text, from: &Line<'_>, sink: &mut Sink<'_>) {
        if let (Some(file), "copyfiles") = (section.strip_prefix('@'), directive) {
            let location = Location::file(&join_paths(&self.destination(""), &self.text(file)));
            emit(sink, from, Operation::Copy, Store::File, location, "CopyFiles", Origin::Packaged);
            return;
        }
        // A colon gives flags.
        let section = section.split(':').next().unwrap_or(section).trim();
        for line in self.lines(section) {
            let fields = split(line.text);
            let field = |n: usize| fields.get(n).map(|f| self.text(f)).unwrap_or_default();
            match directive {
                "addreg" | "bitreg" | "delreg" => self.registry(directive == "delreg", &fields, relative, line, sink),
                "copyfiles" | "delfiles" | "renfiles" => {
                    let location = Location::file(&join_paths(&self.destination(section), &field(0)));
                    let (operation, via, origin) = match directive {
                        "copyfiles" => (Operation::Copy, "CopyFiles", Origin::Packaged),
                        "delfiles" => (Operation::Delete, "DelFiles", Origin::Unknown),
                        _ => (Operation::Rename, "RenFiles", Origin::Unknown),
                    };
                    emit(sink, line, operation, Store::File, location, via, origin);
                }
                "updateinis" => {
                    let origin = origin_of(&field(3));
                    let (operation, entry) = match field(3) {
                        entry if entry.is_empty() => (Operation::DeleteValue, field(2)),
                        entry => (Operation::SetValue, entry),
                    };
                    let at = Location::ini_value(&ini_file(&field(0)), &field(1), &before_equals(&entry));
                    emit(sink, line, operation, Store::Ini, at, "UpdateInis", origin);
                }
                "updateinifields" => {
                    let origin = origin_of(&field(4));
                    let at = Location::ini_value(&ini_file(&field(0)), &field(1), &field(2));
                    emit(sink, line, Operation::SetValue, Store::Ini, at, "UpdateIniFields", origin);
                }
                "ini2reg" => {
                    // `file, section, key, root, subkey`: the value keeps its name.
                    let key = Location::registry(&field(3).concat(&Text::lit("\\")).concat(&field(4)));
                    let named = if field(2).is_empty() { key } else { Location::registry_value(&key, &field(2)) };
                    let origin = Origin::Configuration;
                    emit(sink, line, Operation::Read, Store::Ini, ini_file(&field(0)), "Ini2Reg", Origin::Unknown);
                    emit(sink, line, Operation::SetValue, Store::Registry, named, "Ini2Reg", origin);
                }
                "profileitems" => {
                    if let Some((key, name)) = line.text.split_once('=')
                        && key.trim().eq_ignore_ascii_case("Name")
                    {
                        let name = self.text(first(name)).concat(&Text::lit(".lnk"));
                        let location = Location::file(&join_paths(&self.menu(section), &name));
                        emit(
                            sink,
                            line,
                            Operation::Create,
                            Store::Shortcut,
                            location,
                            "ProfileItems",
                            Origin::Packaged,
                        );
                    }
                }
                "runpresetupcommands" | "runpostsetupcommands" => {
                    batch::text(&self.text(line.text), &cwd(), &cwd(), &line.site, sink);
                }
                "registerocxs" => {
                    let location = Location::file(&field(0));
                    emit(sink, line, Operation::Register, Store::Com, location, "RegisterOCXs", Origin::Packaged);
                }
                _ => {
                    let id = fields.first().and_then(|f| f.trim().parse::<u32>().ok());
                    let base = id.map_or_else(Text::unknown, directory);
                    let path = join_paths(&join_paths(&base, &field(1)), &field(2));
                    emit(
                        sink,
                        line,
                        Operation::Register,
                        Store::Com,
                        Location::file(&path),
                        "RegisterDlls",
                        Origin::Packaged,
                    );
                }
            }
        }
    }

    /// The folder of a menu item: `SubDir` of its section, in the programs of everyone.
    fn menu(&self, section: &str) -> Text {
        let base = Text::folder(Folder::CommonPrograms);
        let below = self.lines(section).find_map(|line| {
            let (key, value) = line.text.split_once('=')?;
            key.trim().eq_ignore_ascii_case("SubDir").then(|| self.text(value))
        });
        below.map_or(base.clone(), |below| join_paths(&base, &below))
    }

    /// `root, key, name, flags, data`
    fn registry(&self, delete: bool, fields: &[&str], relative: &Text, line: &Line<'_>, sink: &mut Sink<'_>) {
        let field = |n: usize| fields.get(n).map(|f| self.text(f)).unwrap_or_default();
        let mut path = match field(0).as_lit() {
            // Relative to the key of the service, device or class that is installed.
            Some(root) if root.eq_ignore_ascii_case("HKR") => relative.clone(),
            _ => field(0),
        };
        path.push_lit("\\");
        path.push_text(&field(1));
        let key = Location::registry(&path);
        let named = fields.get(2).is_some_and(|f| !f.trim().is_empty()) || fields.len() > 4;
        let (operation, location) = match (delete, named) {
            (true, true) => (Operation::DeleteValue, Location::registry_value(&key, &field(2))),
            (true, false) => (Operation::Delete, key),
            (false, true) => (Operation::SetValue, Location::registry_value(&key, &field(2))),
            (false, false) => (Operation::Create, key),
        };
        let origin = if delete { Origin::Unknown } else { origin_of(&field(4)) };
        emit(sink, line, operation, Store::Registry, location, if delete { "DelReg" } else { "AddReg" }, origin);
    }

    /// `AddService = name, flags, section`
    fn service(&self, value: &str, line: &Line<'_>, sink: &mut Sink<'_>) {
        let fields = split(value);
        let name = self.text(fields.first().copied().unwrap_or_default());
        if name.is_empty() {
            return;
        }
        emit(sink, line, Operation::Register, Store::Service, Location::named(name), "AddService", Origin::Packaged);
        for setting in self.lines(fields.get(2).copied().unwrap_or_default().trim()) {
            if let Some((key, value)) = setting.text.split_once('=')
                && key.trim().eq_ignore_ascii_case("ServiceBinary")
            {
                let path = self.text(value);
                let program = words::split(&path).into_iter().next().map(|w| w.text).unwrap_or_default();
                let clue = Clue::new(ClueKind::Starts, "service", path.to_string()).at(Location::file(&program));
                sink.clue(&setting.site, clue);
            }
        }
    }
}

fn emit(
    sink: &mut Sink<'_>,
    line: &Line<'_>,
    operation: Operation,
    store: Store,
    location: Location,
    via: &str,
    origin: Origin,
) {
    let here = cwd();
    let caller = Caller { shell: Shell::Any, here: &here, site: &line.site, source: line.text, trail: &[] };
    sink.effect(&line.site, caller.effect(operation, store, location, via).of_origin(origin));
}

/// A file that is named without a folder is looked for in that of Windows.
fn ini_file(name: &Text) -> Location {
    let location = Location::file(name);
    if location.is_relative() { Location::file(&join_paths(&Text::folder(Folder::Windows), name)) } else { location }
}

/// The key of an entry `key=value`; of one without it, nothing.
fn before_equals(entry: &Text) -> Text {
    entry.leading_lit().split_once('=').map_or_else(Text::new, |(key, _)| Text::lit(key.trim()))
}

fn cwd() -> Text {
    Text::folder(Folder::Cwd)
}

/// Directory identifiers (MS documentation "Using Dirids"); from 16384 on they are CSIDLs.
fn directory(id: u32) -> Text {
    Text::parse(match id {
        1 => "{Cwd}",
        10 => "{Windows}",
        11 => "{System}",
        12 => "{System}\\drivers",
        17 => "{Windows}\\INF",
        18 => "{Windows}\\Help",
        20 => "{Windows}\\Fonts",
        24 => "{SystemDrive}",
        30 => "{SystemDrive}",
        50 => "{Windows}\\System",
        51 | 52 => "{System}\\spool",
        53 => "{UserProfile}",
        55 => "{System}\\spool\\prtprocs",
        13 => "{System}\\DriverStore\\FileRepository",
        16384.. => return Folder::by_csidl(id - 16384).map_or_else(Text::unknown, Text::folder),
        _ => "{?}",
    })
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (i, b) in line.bytes().enumerate() {
        match b {
            b'"' => quoted = !quoted,
            b';' if !quoted => return &line[..i],
            _ => {}
        }
    }
    line
}

fn first(value: &str) -> &str {
    value.split(',').next().unwrap_or_default()
}

/// Fields between commas that no quotes hold.
fn split(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut quoted = false;
    let mut start = 0;
    for (i, b) in line.bytes().enumerate() {
        match b {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                out.push(line[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    out.push(line[start..].trim());
    out
}
