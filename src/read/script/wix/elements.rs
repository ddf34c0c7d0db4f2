//! What one element of a WiX source installs.

use super::Wix;
use crate::catalog::commands::{self, Shell};
use crate::facts::{Clue, ClueKind, Location, Operation, Origin, Phase, Site, Store, Text, Trait, join_paths};
use crate::read::script::access;
use crate::read::script::autostart;
use crate::read::script::batch;
use crate::read::script::bind::Bound;
use crate::read::script::call::{self, Caller};
use crate::read::script::sink::{Sink, origin_of};
use roxmltree::Node;

/// Attributes that let whoever is named write.
const WRITE_RIGHTS: &[&str] =
    &["GenericAll", "GenericWrite", "Write", "WriteData", "CreateFile", "Append", "AppendData", "CreateChild"];
/// Why what is removed with the package does not count.
pub(in crate::read::script) const UNINSTALL: &str = "done by the uninstaller";
/// Where variables of the machine and of the user are kept.
pub(in crate::read::script) const MACHINE_ENVIRONMENT: &str =
    "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment";
pub(in crate::read::script) const USER_ENVIRONMENT: &str = "HKCU\\Environment";

/// Elements that make something only within a component.
const REFERENCES: &[&str] = &["User", "Group", "SqlDatabase"];

/// An element, and the folder of the component it is in.
pub(super) struct Element<'a, 'x> {
    pub(super) wix: &'a Wix<'a>,
    pub(super) node: Node<'x, 'x>,
    pub(super) folder: &'a Text,
}

impl Element<'_, '_> {
    /// What the element does.
    pub(super) fn read(&self, name: &str, sink: &mut Sink<'_>) {
        match name {
            "File" => self.file(sink),
            "Files" => self.emit(Operation::Create, Store::File, Location::file(self.folder), Origin::Packaged, sink),
            "RegistryKey" => {
                let bare = !self.node.children().any(|c| c.is_element());
                let forced = ["ForceCreateOnInstall", "Action"].iter().any(|a| self.node.attribute(*a).is_some());
                if bare || forced {
                    self.emit(Operation::Create, Store::Registry, self.key(), Origin::Constant, sink);
                }
            }
            "RegistryValue" | "Registry" => {
                let value = self.attribute("Name").unwrap_or_default();
                // A list gives its values as elements of their own.
                let origin = origin_of(&self.attribute("Value").unwrap_or_default());
                let location = Location::registry_value(&self.key(), &value);
                let marks: &[Trait] = if self.is_only_key_path() { &[Trait::KeyPath] } else { &[] };
                self.emit_with(Operation::SetValue, Store::Registry, location, origin, marks, sink);
            }
            "RemoveRegistryKey" | "RemoveRegistryValue" => self.removal(name, sink),
            "IniFile" => {
                let file = self.attribute("Name").unwrap_or_else(Text::unknown);
                let origin = origin_of(&self.attribute("Value").unwrap_or_default());
                let operation = match self.node.attribute("Action") {
                    Some("removeLine" | "removeTag") => Operation::DeleteValue,
                    _ => Operation::SetValue,
                };
                // Without a folder it is one of the Windows folder (MS documentation "IniFile Table").
                let folder = match self.node.attribute("Directory").or(self.node.attribute("DirProperty")) {
                    Some(id) => self.wix.values.directory(id),
                    None => Text::folder(crate::facts::Folder::Windows),
                };
                let part = |name: &str| self.attribute(name).unwrap_or_default();
                let file = Location::file(&join_paths(&folder, &file));
                self.emit(
                    operation,
                    Store::Ini,
                    Location::ini_value(&file, &part("Section"), &part("Key")),
                    origin,
                    sink,
                );
            }
            "CreateFolder" => {
                self.emit(Operation::Create, Store::Directory, Location::file(&self.base()), Origin::Constant, sink);
            }
            "RemoveFile" | "RemoveFolder" | "RemoveFolderEx" => {
                let when = self.node.attribute("On").unwrap_or("uninstall").to_lowercase();
                // A folder goes when it is empty, unless it is one of `RemoveFolderEx`.
                let is_away = when == "uninstall";
                if !is_away || name != "RemoveFolder" {
                    sink.in_phase(is_away.then_some((Phase::NotShipped, UNINSTALL)));
                    let path = self.attribute("Name").map_or_else(|| self.base(), |n| join_paths(&self.base(), &n));
                    let store = if name == "RemoveFile" { Store::File } else { Store::Directory };
                    self.emit(Operation::Delete, store, Location::file(&path), Origin::Unknown, sink);
                    sink.in_phase(None);
                }
            }
            "CopyFile" => self.copy(sink),
            "Permission" | "PermissionEx" => self.permission(sink),
            "ServiceInstall" => self.service(sink),
            "Environment" => {
                let machine = self.node.attribute("System").is_some_and(is_yes);
                let key = Location::registry(&Text::lit(if machine { MACHINE_ENVIRONMENT } else { USER_ENVIRONMENT }));
                let location = Location::registry_value(&key, &self.attribute("Name").unwrap_or_else(Text::unknown));
                let origin = origin_of(&self.attribute("Value").unwrap_or_default());
                let removed = self.node.attribute("Action").is_some_and(|a| a == "remove");
                let operation = if removed { Operation::DeleteValue } else { Operation::SetValue };
                let value = self.attribute("Value").unwrap_or_default();
                if let Some(clue) = autostart::variable(&location, &value).filter(|_| !removed) {
                    sink.clue(&self.site(), clue);
                }
                self.emit(operation, Store::Environment, location, origin, sink);
            }
            "Shortcut" | "InternetShortcut" => {
                let suffix = if self.node.attribute("Type").is_some_and(|t| t == "url") { ".url" } else { ".lnk" };
                let file = self.attribute("Name").unwrap_or_else(Text::unknown).concat(&Text::lit(suffix));
                let location = Location::file(&join_paths(&self.base(), &file));
                self.emit(Operation::Create, Store::Shortcut, location, Origin::Constant, sink);
            }
            "CustomAction" => self.action(sink),
            "SetProperty" | "Property" => {
                if let (Some(property), Some(line)) = (self.node.attribute("Id"), self.attribute("Value")) {
                    self.quiet(property, "", &line, sink);
                }
            }
            _ => self.by_catalogue(name, sink),
        }
    }

    fn attribute(&self, name: &str) -> Option<Text> {
        self.node.attribute(name).map(|raw| self.wix.values.formatted(raw))
    }

    fn site(&self) -> Site {
        self.wix.index.site(self.node.range().start)
    }

    /// The start tag.
    fn source(&self) -> &str {
        let range = self.node.range();
        let source = self.wix.text.get(range.start..range.end).unwrap_or_default();
        source.split('>').next().unwrap_or_default()
    }

    /// An element that is data: its attributes are the options of a command.
    fn by_catalogue(&self, name: &str, sink: &mut Sink<'_>) {
        let Some(command) = commands::find(Shell::Wix, &name.to_lowercase()) else { return };
        // Outside of a component they only name what others refer to (WiX reference, "User", "Group", "SqlDatabase").
        let is_part = self.node.ancestors().any(|node| node.tag_name().name() == "Component");
        if !is_part && REFERENCES.contains(&name) {
            return;
        }
        let options =
            self.node.attributes().map(|a| (a.name().to_lowercase(), Some(self.wix.values.formatted(a.value()))));
        let mut bound = Bound { options: options.collect(), ..Bound::default() };
        // What is configured inside of a service is that service.
        if let Some(service) = self.node.parent_element().filter(|p| p.tag_name().name() == "ServiceInstall")
            && self.node.attribute("ServiceName").is_none()
        {
            let name = service.attribute("Name").map(|raw| self.wix.values.formatted(raw));
            bound.options.push(("servicename".to_owned(), name));
        }
        bound.options.extend(self.database_options());
        let site = self.site();
        // Sources are named below the project, what is installed by its folder.
        let here = Text::new();
        let caller = Caller { shell: Shell::Wix, here: &here, site: &site, source: self.source(), trail: &[] };
        call::apply(command, &Text::lit(name), &bound, caller, sink);
    }

    /// Server and database of what a `SqlString` or a `SqlScript` runs on: of the element around it, or of the one that it
    /// names, wherever that stands (WiX reference, "SqlString", "SqlScript").
    fn database_options(&self) -> Vec<(String, Option<Text>)> {
        if !matches!(self.node.tag_name().name(), "SqlString" | "SqlScript") {
            return Vec::new();
        }
        let around = self.node.parent_element().filter(|parent| parent.tag_name().name() == "SqlDatabase");
        let named = || self.node.attribute("SqlDb").and_then(|id| self.wix.databases.get(id)).copied();
        let Some(database) = named().or(around) else { return Vec::new() };
        let option = |name: &str| {
            let value = database.attribute(name).map(|raw| self.wix.values.formatted(raw))?;
            Some((name.to_lowercase(), Some(value)))
        };
        ["Server", "Database"].into_iter().filter_map(option).collect()
    }

    fn emit(&self, operation: Operation, store: Store, location: Location, origin: Origin, sink: &mut Sink<'_>) {
        self.emit_with(operation, store, location, origin, &[], sink);
    }

    fn emit_with(
        &self,
        operation: Operation,
        store: Store,
        location: Location,
        origin: Origin,
        marks: &[Trait],
        sink: &mut Sink<'_>,
    ) {
        let site = self.site();
        let caller = Caller { shell: Shell::Wix, here: self.folder, site: &site, source: self.source(), trail: &[] };
        let mut effect = caller.effect(operation, store, location, self.node.tag_name().name()).of_origin(origin);
        marks.iter().for_each(|mark| effect.mark(*mark));
        sink.effect(&site, effect);
    }

    /// A shortcut or a folder of one user needs a value of the user's hive as the key path of its component (MS
    /// documentation, "ICE38", "ICE43"); Windows Installer puts it back when it is missing, and nothing else reads it. A
    /// folder may be there for what the value says, unless that is nothing or a mere number.
    fn is_only_key_path(&self) -> bool {
        let mut component = self.node.ancestors().filter(|n| n.tag_name().name() == "Component");
        let value = self.node.attribute("Value").unwrap_or_default();
        let is_number = self.node.attribute("Type") == Some("integer") || value.bytes().all(|b| b.is_ascii_digit());
        let is_reason = |name: &str| match name {
            "Shortcut" => true,
            "CreateFolder" | "RemoveFolder" => is_number,
            _ => false,
        };
        self.node.attribute("KeyPath").is_some_and(is_yes)
            && component.next().is_some_and(|c| c.descendants().any(|n| is_reason(n.tag_name().name())))
    }

    /// The folder that `Directory` names, or the one of the component.
    fn base(&self) -> Text {
        self.node.attribute("Directory").map_or_else(|| self.folder.clone(), |id| self.wix.values.directory(id))
    }

    /// Where a `File` element lies when it is installed.
    fn installed(&self) -> Location {
        let given = ["Name", "Source", "src"].iter().find_map(|a| self.attribute(a)).unwrap_or_default();
        let file = file_name(&given);
        let file = if file.is_empty() { Text::unknown() } else { file };
        Location::file(&join_paths(self.folder, &file))
    }

    fn file(&self, sink: &mut Sink<'_>) {
        let location = self.installed();
        let given = ["Source", "src", "Name"].iter().find_map(|a| self.attribute(a)).unwrap_or_default();
        sink.clue(&self.site(), Clue::new(ClueKind::Ships, "wix", given.to_string()).at(location.clone()));
        let global = self.node.attribute("Assembly").is_some_and(|a| a != "no")
            && self.node.attribute("AssemblyApplication").is_none();
        if global {
            self.emit(Operation::Install, Store::Com, location.clone(), Origin::Packaged, sink);
        }
        self.emit(Operation::Create, Store::File, location, Origin::Packaged, sink);
    }

    /// Another copy of an installed file, or a move of one that is there.
    fn copy(&self, sink: &mut Sink<'_>) {
        let folder = self.node.attribute("DestinationDirectory").or(self.node.attribute("DestinationProperty"));
        let Some(folder) = folder.map(|id| self.wix.values.directory(id)) else { return };
        let own = self.node.parent_element().filter(|p| p.tag_name().name() == "File").map(|file| {
            let name = Element { wix: self.wix, node: file, folder: self.folder }.installed();
            name.file_name().map_or_else(Text::unknown, Text::lit)
        });
        let name = self.attribute("DestinationName").or(own);
        let path = name.map_or_else(|| folder.clone(), |n| join_paths(&folder, &n));
        self.emit(Operation::Copy, Store::File, Location::file(&path), Origin::Packaged, sink);
    }

    fn removal(&self, name: &str, sink: &mut Sink<'_>) {
        if self.node.attribute("Action").is_some_and(|a| a == "removeOnUninstall") {
            return;
        }
        let (operation, location) = if name.ends_with("Key") {
            (Operation::Delete, self.key())
        } else {
            let value = self.attribute("Name").unwrap_or_default();
            (Operation::DeleteValue, Location::registry_value(&self.key(), &value))
        };
        self.emit(operation, Store::Registry, location, Origin::Unknown, sink);
    }

    /// Root and key, also from the elements around.
    fn key(&self) -> Location {
        let mut root = self.node.attribute("Root");
        let mut keys: Vec<Text> = self.attribute("Key").into_iter().collect();
        for parent in self.node.ancestors().skip(1).take_while(|n| n.tag_name().name() == "RegistryKey") {
            keys.extend(parent.attribute("Key").map(|k| self.wix.values.formatted(k)));
            root = root.or(parent.attribute("Root"));
        }
        let root = root.map(|r| self.wix.values.preprocessed(r));
        let mut path = match root.as_deref() {
            // Per machine unless the package says otherwise.
            Some("HKMU") | None => Text::lit("HKLM"),
            Some(root) => Text::parse(root),
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
            "File" => holder.installed(),
            "ServiceInstall" => Location::named(holder.attribute("Name").unwrap_or_else(Text::unknown)),
            _ => return,
        };
        self.emit(Operation::Grant, Store::Acl, location.clone(), Origin::Constant, sink);
        let yes = |name: &str| self.node.attribute(name).is_some_and(is_yes);
        let named = self.node.attribute("User").filter(|user| !access::is_owner(user));
        let user = match self.node.attribute("Sddl") {
            Some(descriptor) => access::descriptor_grants(descriptor),
            None => named.filter(|_| WRITE_RIGHTS.iter().any(|a| yes(a))).map(str::to_owned),
        };
        if let Some(user) = user {
            sink.clue(&self.site(), Clue::new(ClueKind::GrantsAccess, "permission", user).at(location));
        }
    }

    /// A service, and the file of its component that it runs.
    fn service(&self, sink: &mut Sink<'_>) {
        let service = self.attribute("Name").unwrap_or_else(Text::unknown);
        let files = || {
            let component = self.node.parent_element();
            component.into_iter().flat_map(|c| c.children()).filter(|n| n.tag_name().name() == "File")
        };
        let program = files().find(|f| f.attribute("KeyPath").is_some_and(is_yes)).or_else(|| files().next());
        if let Some(file) = program {
            let location = Element { wix: self.wix, node: file, folder: self.folder }.installed();
            sink.clue(&self.site(), Clue::new(ClueKind::Starts, "service", service.to_string()).at(location));
        }
        self.emit(Operation::Register, Store::Service, Location::named(service), Origin::Packaged, sink);
    }

    /// What a custom action runs.
    fn action(&self, sink: &mut Sink<'_>) {
        let id = self.node.attribute("Id").unwrap_or_default();
        if let (Some(property), Some(line)) = (self.node.attribute("Property"), self.attribute("Value")) {
            return self.quiet(property, id, &line, sink);
        }
        let Some(command) = self.attribute("ExeCommand") else { return };
        let file = ["FileKey", "BinaryKey", "BinaryRef", "FileRef"].iter().find_map(|a| self.node.attribute(*a));
        let line = match file {
            Some(key) => Text::lit(format!("\"{key}\" ")).concat(&command),
            None => command,
        };
        self.run(&line, self.wix.actions.idle(id), sink);
    }

    /// A property that gets a value: the command line of an action of the WiX library.
    fn quiet(&self, property: &str, setter: &str, line: &Text, sink: &mut Sink<'_>) {
        let actions = &self.wix.actions;
        if actions.is_command_line(property) {
            let idle = actions.runner(property).and_then(|id| actions.idle(id));
            self.run(line, idle.or_else(|| actions.idle(setter).filter(|_| !setter.is_empty())), sink);
        }
    }

    fn run(&self, line: &Text, idle: Option<&str>, sink: &mut Sink<'_>) {
        sink.in_phase(idle.map(|why| (Phase::NotShipped, why)));
        batch::text(line, self.folder, self.folder, &self.site(), sink);
        sink.in_phase(None);
    }
}

/// The name at the end of a path, holes included; in version 2 and 3 a name may be `SHORT|long`.
fn file_name(path: &Text) -> Text {
    let tail = path.trailing_lit();
    match tail.rfind(['\\', '/', '|']) {
        Some(at) => Text::lit(&tail[at + 1..]),
        None if path.as_lit().is_some() => path.clone(),
        None => Text::unknown().concat(&Text::lit(tail)),
    }
}

fn is_yes(value: &str) -> bool {
    value.eq_ignore_ascii_case("yes") || value.eq_ignore_ascii_case("true")
}
