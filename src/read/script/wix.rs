//! WiX sources: components with their files, registry values, services and folders; custom actions.
//!
//! Element and attribute names: WiX schema reference (v3 and v4, which differ in the namespace and in `Package`).
//! `Directory` elements give paths; the well-known directory properties are those of Windows Installer.

use super::batch;
use super::call::Caller;
use super::sink::{Sink, origin_of};
use crate::catalog::commands::Shell;
use crate::facts::{
    Clue, ClueKind, Folder, Location, NoteKind, Operation, Origin, Phase, Reading, Site, Source, Store, Text,
    join_paths,
};
use crate::read::text::LineIndex;
use roxmltree::{Document, Node};
use std::collections::HashMap;

/// Deepest nesting of elements that is followed.
const MAX_DEPTH: usize = 100;

/// Reads a WiX source.
pub fn read(text: &str, reading: &mut Reading) {
    let document = match Document::parse(text.trim_start_matches('\u{feff}')) {
        Ok(document) => document,
        Err(error) => {
            let at = error.pos();
            reading.note(NoteKind::Malformed, format!("not well-formed XML at {}:{}: not read", at.row, at.col));
            return;
        }
    };
    reading.format = "wix".to_owned();
    let document = &document;
    let index = LineIndex::new(text);
    let mut sink = Sink::new(reading);
    let mut wix = Wix { index: &index, text, defines: HashMap::new(), folders: HashMap::new() };
    wix.collect(document);
    wix.walk(document.root_element(), &Text::unknown(), 0, &mut sink);
}

struct Wix<'t> {
    index: &'t LineIndex<'t>,
    text: &'t str,
    defines: HashMap<String, String>,
    folders: HashMap<String, Text>,
}

impl Wix<'_> {
    /// Collects variables and the folder tree, which components refer to from anywhere.
    fn collect(&mut self, document: &Document<'_>) {
        for node in document.descendants() {
            if let Some(pi) = node.pi()
                && pi.target == "define"
                && let Some((name, value)) = pi.value.unwrap_or_default().split_once('=')
            {
                let value = value.trim().trim_matches(['"', '\'']).to_owned();
                self.defines.insert(name.trim().trim_start_matches("var.").to_owned(), value);
            }
        }
        for node in document.descendants().filter(|n| n.is_element()) {
            if matches!(node.tag_name().name(), "Directory" | "StandardDirectory")
                && let Some(id) = node.attribute("Id")
            {
                let path = self.folder(node, id);
                self.folders.insert(id.to_owned(), path);
            }
        }
    }

    /// The path of a `Directory` element; its parents come first in document order.
    fn folder(&self, node: Node<'_, '_>, id: &str) -> Text {
        if let Some(known) = standard(id) {
            return known;
        }
        let parent = node.parent_element().and_then(|p| match p.tag_name().name() {
            "Directory" | "DirectoryRef" | "StandardDirectory" => p.attribute("Id"),
            _ => None,
        });
        let base = parent.and_then(|p| self.folders.get(p).cloned().or_else(|| standard(p)));
        let name = node.attribute("Name").map(|n| self.formatted(n.split('|').next_back().unwrap_or(n)));
        match (base, name) {
            (Some(base), Some(name)) => join_paths(&base, &name),
            (Some(base), None) => base,
            (None, _) => Text::from_source(Source::Property, id),
        }
    }

    fn directory(&self, id: &str) -> Text {
        self.folders
            .get(id)
            .cloned()
            .or_else(|| standard(id))
            .unwrap_or_else(|| Text::from_source(Source::Property, id))
    }

    /// `$(var.X)`, `[PROPERTY]`, `[#file]`
    fn formatted(&self, raw: &str) -> Text {
        let mut raw = raw.to_owned();
        for _ in 0..8 {
            let Some(start) = raw.find("$(") else { break };
            let Some(length) = raw[start..].find(')') else { break };
            let name = raw[start + 2..start + length].trim_start_matches("var.");
            let value = match name.strip_prefix("env.") {
                Some(variable) => format!("{{env:{variable}}}"),
                None => self.defines.get(name).cloned().unwrap_or_else(|| "{?}".to_owned()),
            };
            raw.replace_range(start..=start + length, &value);
        }
        let mut out = Text::new();
        let mut rest = raw.as_str();
        while let Some((before, tail)) = rest.split_once('[') {
            out.push_text(&Text::parse(before));
            let Some((name, after)) = tail.split_once(']') else {
                out.push_lit("[");
                rest = tail;
                continue;
            };
            match name.chars().next() {
                Some('#' | '!' | '$') => out.push_text(&Text::unknown()),
                Some('%') => out.push_text(&Text::hole(crate::facts::env_hole(&name[1..]))),
                Some('\\') => out.push_lit(&name[1..]),
                _ => {
                    out.push_text(&self.directory(name));
                    // Directory properties end with a separator.
                    if matches!(out.parts().last(), Some(crate::facts::Part::Hole(crate::facts::Hole::Folder(_))))
                        || self.folders.contains_key(name)
                    {
                        out.push_lit("\\");
                    }
                }
            }
            rest = after;
        }
        out.push_text(&Text::parse(rest));
        out
    }

    fn walk(&self, node: Node<'_, '_>, folder: &Text, depth: usize, sink: &mut Sink<'_>) {
        if depth > MAX_DEPTH {
            sink.note(NoteKind::Capped, "elements nested too deep: not followed");
            return;
        }
        let mut folder = folder.clone();
        let name = node.tag_name().name();
        match name {
            "Directory" | "DirectoryRef" | "StandardDirectory" => {
                folder = node.attribute("Id").map_or(folder, |id| self.directory(id));
            }
            "Component" | "ComponentGroup" | "CustomAction" if node.attribute("Directory").is_some() => {
                folder = node.attribute("Directory").map_or(folder, |id| self.directory(id));
            }
            _ => {}
        }
        Element { wix: self, node, folder: &folder }.read(name, sink);
        for child in node.children().filter(Node::is_element) {
            self.walk(child, &folder, depth + 1, sink);
        }
    }
}

struct Element<'a, 'x> {
    wix: &'a Wix<'a>,
    node: Node<'x, 'x>,
    folder: &'a Text,
}

impl Element<'_, '_> {
    fn attribute(&self, name: &str) -> Option<Text> {
        self.node.attribute(name).map(|raw| self.wix.formatted(raw))
    }

    fn site(&self) -> Site {
        self.wix.index.site(self.node.range().start)
    }

    fn emit(&self, operation: Operation, store: Store, location: Location, origin: Origin, sink: &mut Sink<'_>) {
        let site = self.site();
        let here = Text::folder(Folder::Cwd);
        let range = self.node.range();
        let source = self.wix.text.get(range.start..range.end).unwrap_or_default();
        let source = source.split('>').next().unwrap_or_default();
        let caller = Caller { shell: Shell::Any, here: &here, site: &site, source, trail: &[] };
        sink.effect(&site, caller.effect(operation, store, location, self.node.tag_name().name()).of_origin(origin));
    }

    /// The folder that `Directory` names, or the one of the component.
    fn base(&self) -> Text {
        self.node.attribute("Directory").map_or_else(|| self.folder.clone(), |id| self.wix.directory(id))
    }

    fn read(&self, name: &str, sink: &mut Sink<'_>) {
        match name {
            "File" => {
                let given =
                    self.attribute("Name").or_else(|| self.attribute("Source")).or_else(|| self.attribute("src"));
                let given = given.unwrap_or_default();
                let base = super::words::base_name(&given).to_owned();
                let file = if base.is_empty() { Text::unknown() } else { Text::lit(base) };
                let location = Location::file(&join_paths(self.folder, &file));
                sink.clue(&self.site(), Clue::new(ClueKind::Ships, "wix", given.to_string()).at(location.clone()));
                self.emit(Operation::Create, Store::File, location, Origin::Packaged, sink);
            }
            "RegistryKey" => {
                let bare = !self.node.children().any(|c| c.is_element());
                let forced = ["ForceCreateOnInstall", "Action"].iter().any(|a| self.node.attribute(*a).is_some());
                if bare || forced {
                    self.emit(Operation::Create, Store::Registry, self.key(), Origin::Constant, sink);
                }
            }
            "RegistryValue" | "Registry" => {
                let value = self.attribute("Name").unwrap_or_default();
                let origin = origin_of(&self.attribute("Value").unwrap_or_default());
                let location = Location::registry_value(&self.key(), &value);
                self.emit(Operation::SetValue, Store::Registry, location, origin, sink);
            }
            "RemoveRegistryKey" | "RemoveRegistryValue" => {
                let away = self.node.attribute("Action").is_some_and(|a| a == "removeOnUninstall");
                if !away {
                    let (operation, location) = if name.ends_with("Key") {
                        (Operation::Delete, self.key())
                    } else {
                        let value = self.attribute("Name").unwrap_or_default();
                        (Operation::DeleteValue, Location::registry_value(&self.key(), &value))
                    };
                    self.emit(operation, Store::Registry, location, Origin::Unknown, sink);
                }
            }
            "IniFile" => {
                let file = self.attribute("Name").unwrap_or_else(Text::unknown);
                let origin = origin_of(&self.attribute("Value").unwrap_or_default());
                self.emit(
                    Operation::SetValue,
                    Store::Ini,
                    Location::file(&join_paths(&self.base(), &file)),
                    origin,
                    sink,
                );
            }
            "CreateFolder" => {
                self.emit(Operation::Create, Store::Directory, Location::file(&self.base()), Origin::Constant, sink);
            }
            "RemoveFile" | "RemoveFolder" => {
                let when = self.node.attribute("On").unwrap_or("uninstall").to_lowercase();
                if when != "uninstall" {
                    let path = self.attribute("Name").map_or_else(|| self.base(), |n| join_paths(&self.base(), &n));
                    self.emit(Operation::Delete, Store::File, Location::file(&path), Origin::Unknown, sink);
                }
            }
            "CopyFile" => {
                if let Some(id) =
                    self.node.attribute("DestinationDirectory").or(self.node.attribute("DestinationProperty"))
                {
                    let folder = self.wix.directory(id);
                    let path =
                        self.attribute("DestinationName").map_or_else(|| folder.clone(), |n| join_paths(&folder, &n));
                    self.emit(Operation::Copy, Store::File, Location::file(&path), Origin::Packaged, sink);
                }
            }
            "Permission" | "PermissionEx" => self.permission(sink),
            "ServiceInstall" => {
                let service = self.attribute("Name").unwrap_or_else(Text::unknown);
                self.emit(Operation::Register, Store::Service, Location::named(service), Origin::Packaged, sink);
            }
            "ServiceConfig" => {
                let service = self.attribute("ServiceName").unwrap_or_else(Text::unknown);
                self.emit(Operation::Configure, Store::Service, Location::named(service), Origin::Constant, sink);
            }
            "Environment" => {
                let machine = self.node.attribute("System").is_some_and(|s| s == "yes");
                let key = if machine {
                    "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
                } else {
                    "HKCU\\Environment"
                };
                let key = Location::registry(&Text::lit(key));
                let location = Location::registry_value(&key, &self.attribute("Name").unwrap_or_else(Text::unknown));
                let origin = origin_of(&self.attribute("Value").unwrap_or_default());
                self.emit(Operation::SetValue, Store::Environment, location, origin, sink);
            }
            "Shortcut" => {
                let file = self.attribute("Name").unwrap_or_else(Text::unknown).concat(&Text::lit(".lnk"));
                self.emit(
                    Operation::Create,
                    Store::Shortcut,
                    Location::file(&join_paths(&self.base(), &file)),
                    Origin::Constant,
                    sink,
                );
            }
            "CustomAction" => self.action(sink),
            "EventSource" => {
                let log = self.attribute("Log").unwrap_or_else(Text::unknown);
                let location = log.concat(&Text::lit("\\")).concat(&self.attribute("Name").unwrap_or_default());
                self.emit(Operation::Register, Store::EventLog, Location::named(location), Origin::Constant, sink);
            }
            "User" | "Group" if self.node.attribute("CreateUser").or(self.node.attribute("Password")).is_some() => {
                self.named(Operation::Create, Store::Account, sink);
            }
            "FileShare" => self.named(Operation::Create, Store::Share, sink),
            "FirewallException" => self.named(Operation::Configure, Store::Network, sink),
            "WebSite" | "WebAppPool" | "WebVirtualDir" | "WebApplication" => {
                self.named(Operation::Configure, Store::IisConfig, sink);
            }
            "Certificate" => self.named(Operation::Create, Store::Certificate, sink),
            "MessageQueue" => self.named(Operation::Create, Store::Queue, sink),
            "SqlDatabase" => {
                let server = self.attribute("Server").unwrap_or_else(Text::unknown);
                let location = server.concat(&Text::lit("\\")).concat(&self.attribute("Database").unwrap_or_default());
                self.emit(Operation::Create, Store::Database, Location::named(location), Origin::Constant, sink);
            }
            "XmlFile" | "XmlConfig" => {
                let file = self.attribute("File").unwrap_or_else(Text::unknown);
                let origin = origin_of(&self.attribute("Value").unwrap_or_default());
                self.emit(Operation::Write, Store::File, Location::file(&file), origin, sink);
            }
            "PerformanceCategory" => self.named(Operation::Register, Store::PerformanceCounter, sink),
            "ExePackage" | "MsiPackage" | "MsuPackage" => {
                let path = self.attribute("SourceFile").or_else(|| self.attribute("Name")).unwrap_or_default();
                let location = Location::file(&path);
                sink.clue(&self.site(), Clue::new(ClueKind::Starts, "bundle", path.to_string()).at(location.clone()));
                self.emit(Operation::Install, Store::Package, location, Origin::Packaged, sink);
            }
            _ => {}
        }
    }

    fn named(&self, operation: Operation, store: Store, sink: &mut Sink<'_>) {
        let name =
            ["Name", "Description", "Alias", "Id"].iter().find_map(|a| self.attribute(a)).unwrap_or_else(Text::unknown);
        self.emit(operation, store, Location::named(name), Origin::Constant, sink);
    }

    /// Root and key, also from the elements around.
    fn key(&self) -> Location {
        let mut root = self.node.attribute("Root");
        let mut keys: Vec<Text> = self.attribute("Key").into_iter().collect();
        for parent in self.node.ancestors().skip(1).take_while(|n| n.tag_name().name() == "RegistryKey") {
            keys.extend(parent.attribute("Key").map(|k| self.wix.formatted(k)));
            root = root.or(parent.attribute("Root"));
        }
        let mut path = match root {
            // Per machine unless the package says otherwise.
            Some("HKMU") | None => Text::lit("HKLM"),
            Some(root) => Text::lit(root),
        };
        for key in keys.iter().rev() {
            path.push_lit("\\");
            path.push_text(key);
        }
        Location::registry(&path)
    }

    /// Write access for the users of a folder foretells state there at run time.
    fn permission(&self, sink: &mut Sink<'_>) {
        let Some(parent) = self.node.parent_element() else { return };
        let holder = Element { wix: self.wix, node: parent, folder: self.folder };
        let location = match parent.tag_name().name() {
            "RegistryKey" | "RegistryValue" | "Registry" => holder.key(),
            "CreateFolder" => Location::file(&holder.base()),
            "File" => {
                let name = holder.attribute("Name").or_else(|| holder.attribute("Source")).unwrap_or_default();
                Location::file(&join_paths(self.folder, &Text::lit(super::words::base_name(&name))))
            }
            _ => return,
        };
        self.emit(Operation::Grant, Store::Acl, location.clone(), Origin::Constant, sink);
        let yes = |name: &str| self.node.attribute(name).is_some_and(|v| v.eq_ignore_ascii_case("yes"));
        if ["GenericAll", "GenericWrite", "Write", "WriteData", "CreateFile", "Append"].iter().any(|a| yes(a))
            || self.node.attribute("Sddl").is_some()
        {
            let user = self.node.attribute("User").unwrap_or_default();
            sink.clue(&self.site(), Clue::new(ClueKind::GrantsAccess, "permission", user).at(location));
        }
    }

    /// What a custom action runs.
    fn action(&self, sink: &mut Sink<'_>) {
        let Some(command) = self.attribute("ExeCommand") else { return };
        let file = self
            .node
            .attribute("FileKey")
            .or(self.node.attribute("BinaryKey"))
            .or(self.node.attribute("BinaryRef"))
            .or(self.node.attribute("FileRef"));
        let away = self.node.attribute("Id").is_some_and(|id| id.to_lowercase().contains("uninst"));
        sink.in_phase(away.then_some((Phase::NotShipped, "an action of the uninstallation")));
        let line = match file {
            Some(key) => Text::lit(format!("\"{key}\" ")).concat(&command),
            None => command,
        };
        batch::text(&line, self.folder, self.folder, &self.site(), sink);
        sink.in_phase(None);
    }
}

/// The directory properties of Windows Installer (MS documentation "System Folder Properties").
fn standard(id: &str) -> Option<Text> {
    let folder = match id {
        "ProgramFilesFolder" | "ProgramFiles64Folder" | "ProgramFiles6432Folder" => Folder::ProgramFiles,
        "CommonFilesFolder" | "CommonFiles64Folder" | "CommonFiles6432Folder" => Folder::CommonFiles,
        "CommonAppDataFolder" => Folder::ProgramData,
        "AppDataFolder" => Folder::AppData,
        "LocalAppDataFolder" => Folder::LocalAppData,
        "PersonalFolder" => Folder::Documents,
        "WindowsFolder" => Folder::Windows,
        "SystemFolder" | "System64Folder" | "System6432Folder" => Folder::System,
        "FontsFolder" => Folder::Fonts,
        "TempFolder" => Folder::Temp,
        "DesktopFolder" => Folder::Desktop,
        "ProgramMenuFolder" => Folder::Programs,
        "StartMenuFolder" => Folder::StartMenu,
        "StartupFolder" => Folder::Startup,
        "SendToFolder" => Folder::SendTo,
        "TemplateFolder" => Folder::Templates,
        "FavoritesFolder" => Folder::Favorites,
        "WindowsVolume" => Folder::SystemDrive,
        "TARGETDIR" | "SourceDir" => return Some(Text::from_source(Source::Property, "TARGETDIR")),
        _ => return None,
    };
    Some(Text::folder(folder))
}
