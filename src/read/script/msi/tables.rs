//! What a row of each table installs.

use super::database::Row;
use super::{Package, long_name};
use crate::catalog::commands::Shell;
use crate::facts::{
    Clue, ClueKind, Effect, Folder, Location, Operation, Origin, Phase, Store, Text, Trait, join_paths,
};
use crate::read::script::autostart;
use crate::read::script::call::Caller;
use crate::read::script::sink::{Sink, origin_of};
use crate::read::script::wix::{MACHINE_ENVIRONMENT, UNINSTALL, USER_ENVIRONMENT};

/// Rights by which whoever has them changes what is there: GENERIC_ALL, GENERIC_WRITE, and the first specific ones
/// (FILE_WRITE_DATA, FILE_APPEND_DATA, KEY_SET_VALUE, KEY_CREATE_SUB_KEY; MS documentation "ACCESS_MASK").
const WRITE_RIGHTS: u32 = 0x1000_0000 | 0x4000_0000 | 0x2 | 0x4;

type Read = fn(&Package, &Row, &mut Sink<'_>);

/// Tables in the order in which the installer executes them (MS documentation "Suggested InstallExecuteSequence").
pub(super) const READERS: &[(&str, Read)] = &[
    ("RemoveRegistry", remove_registry),
    ("RemoveIniFile", remove_ini),
    ("RemoveFile", remove_file),
    ("CreateFolder", create_folder),
    ("MoveFile", move_file),
    ("File", file),
    ("DuplicateFile", duplicate_file),
    ("MsiAssembly", assembly),
    ("Shortcut", shortcut),
    ("Class", |p, row, sink| named(p, row, sink, "CLSID", Store::Com)),
    ("Extension", extension),
    ("ProgId", |p, row, sink| named(p, row, sink, "ProgId", Store::Com)),
    ("TypeLib", |p, row, sink| named(p, row, sink, "LibID", Store::Com)),
    ("AppId", |p, row, sink| named(p, row, sink, "AppId", Store::Com)),
    ("Registry", registry),
    ("IniFile", ini_file),
    ("Environment", environment),
    ("ODBCDataSource", odbc_source),
    ("ServiceInstall", service),
    ("LockPermissions", permission),
    ("MsiLockPermissionsEx", permission),
    // Of the extensions of WiX, whose custom actions read these tables.
    ("SecureObjects", permission),
    ("FileShare", |p, row, sink| named(p, row, sink, "ShareName", Store::Share)),
    ("User", |p, row, sink| named(p, row, sink, "Name", Store::Account)),
    ("IIsWebSite", |p, row, sink| named(p, row, sink, "Description", Store::IisConfig)),
    ("IIsAppPool", |p, row, sink| named(p, row, sink, "Name", Store::IisConfig)),
    ("IIsWebApplication", |p, row, sink| named(p, row, sink, "Name", Store::IisConfig)),
    ("IIsWebVirtualDir", |p, row, sink| named(p, row, sink, "Alias", Store::IisConfig)),
    ("WixFirewallException", |p, row, sink| named(p, row, sink, "Name", Store::Network)),
    ("MessageQueue", |p, row, sink| named(p, row, sink, "PathName", Store::Queue)),
    ("PerformanceCategory", |p, row, sink| named(p, row, sink, "Name", Store::PerformanceCounter)),
];

fn emit(row: &Row, operation: Operation, store: Store, location: Location, origin: Origin, sink: &mut Sink<'_>) {
    sink.effect(&row.site(), effect(row, operation, store, location).of_origin(origin));
}

fn effect(row: &Row, operation: Operation, store: Store, location: Location) -> Effect {
    let (site, source, here) = (row.site(), row.quoted(), Text::new());
    let caller = Caller { shell: Shell::Wix, here: &here, site: &site, source: &source, trail: &[] };
    let via = site.table.clone().unwrap_or_default();
    caller.effect(operation, store, location, &via)
}

/// A row that registers something by its name.
fn named(package: &Package, row: &Row, sink: &mut Sink<'_>, column: &str, store: Store) {
    let Some(name) = package.formatted(row, column) else { return };
    let operation = match store {
        Store::Com | Store::PerformanceCounter => Operation::Register,
        Store::IisConfig | Store::Network => Operation::Configure,
        _ => Operation::Create,
    };
    emit(row, operation, store, Location::named(name), Origin::Constant, sink);
}

fn file(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let location = Location::file(&package.in_component(row, "FileName"));
    let name = row.text("FileName").map(long_name).unwrap_or_default();
    sink.clue(&row.site(), Clue::new(ClueKind::Ships, "msi", name).at(location.clone()));
    emit(row, Operation::Create, Store::File, location, Origin::Packaged, sink);
}

fn duplicate_file(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let own = || row.text("File_").and_then(|key| package.values.files.get(key)).and_then(file_name_of);
    let name = row.text("DestName").map(|name| Text::lit(long_name(name))).or_else(own).unwrap_or_else(Text::unknown);
    let folder = row.text("DestFolder").map_or_else(|| package.folder_of(row), |id| package.values.directory(id));
    emit(row, Operation::Copy, Store::File, Location::file(&join_paths(&folder, &name)), Origin::Packaged, sink);
}

fn file_name_of(path: &Text) -> Option<Text> {
    Location::file(path).file_name().map(Text::lit)
}

/// A file that is on the machine already is moved or copied.
fn move_file(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let Some(folder) = row.text("DestFolder") else { return };
    let name = row.text("DestName").or(row.text("SourceName")).map(long_name).unwrap_or("*");
    let path = join_paths(&package.values.directory(folder), &Text::lit(name));
    emit(row, Operation::Rename, Store::File, Location::file(&path), Origin::Unknown, sink);
}

/// `InstallMode`: 1 at installation, 2 at removal, 3 at both.
fn remove_file(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let is_away = row.number("InstallMode").is_none_or(|mode| mode & 1 == 0);
    // A folder goes when it is empty.
    if is_away && row.text("FileName").is_none() {
        return;
    }
    let folder = package.values.directory(row.text("DirProperty").unwrap_or_default());
    let (store, path) = match row.text("FileName") {
        Some(name) => (Store::File, join_paths(&folder, &Text::lit(long_name(name)))),
        None => (Store::Directory, folder),
    };
    let removal = effect(row, Operation::Delete, store, Location::file(&path));
    let removal = if is_away { removal.in_phase(Phase::NotShipped, UNINSTALL) } else { removal };
    sink.effect(&row.site(), removal);
}

fn create_folder(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let path = package.values.directory(row.text("Directory_").unwrap_or_default());
    emit(row, Operation::Create, Store::Directory, Location::file(&path), Origin::Constant, sink);
}

/// An assembly that belongs to no application is installed for all (MS documentation "MsiAssembly Table").
fn assembly(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    if row.text("File_Application").is_some() {
        return;
    }
    let file = row.text("File_Manifest").and_then(|key| package.values.files.get(key));
    let location = file.map_or_else(|| Location::named(Text::unknown()), Location::file);
    emit(row, Operation::Install, Store::Com, location, Origin::Packaged, sink);
}

fn shortcut(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let folder = package.values.directory(row.text("Directory_").unwrap_or_default());
    let name = package.file_name(row, "Name").concat(&Text::lit(".lnk"));
    let location = Location::file(&join_paths(&folder, &name));
    emit(row, Operation::Create, Store::Shortcut, location, Origin::Constant, sink);
}

fn extension(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let Some(name) = package.formatted(row, "Extension") else { return };
    let location = Location::named(Text::lit(".").concat(&name));
    emit(row, Operation::Register, Store::Com, location, Origin::Constant, sink);
}

/// Root and key of a row of the tables Registry and RemoveRegistry. A root of -1 is the machine in an installation for
/// all users.
pub(super) fn registry_key(package: &Package, row: &Row) -> Location {
    let root = match row.number("Root") {
        Some(0) => "HKCR",
        Some(1) => "HKCU",
        Some(3) => "HKU",
        _ => "HKLM",
    };
    let mut path = Text::lit(root);
    path.push_lit("\\");
    path.push_text(&package.formatted(row, "Key").unwrap_or_else(Text::unknown));
    Location::registry(&path)
}

/// A name of `+` makes the key, `-` removes it with the product, `*` does both; `#`, `#x` and `#%` before a value are
/// its type.
fn registry(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let key = registry_key(package, row);
    let value = row.text("Value");
    match (row.text("Name"), value) {
        (Some("-"), None) => {}
        (Some("+" | "*"), None) => emit(row, Operation::Create, Store::Registry, key, Origin::Constant, sink),
        (name, value) => {
            let name = name.map_or_else(Text::new, |name| package.values.formatted(name));
            let value = value.unwrap_or_default();
            let data = ["#%", "#x", "#"].iter().find_map(|kind| value.strip_prefix(kind)).unwrap_or(value);
            let origin = origin_of(&package.values.formatted(data));
            let location = Location::registry_value(&key, &name);
            let mut set = effect(row, Operation::SetValue, Store::Registry, location).of_origin(origin);
            if is_only_key_path(package, row, value) {
                set.mark(Trait::KeyPath);
            }
            sink.effect(&row.site(), set);
        }
    }
}

/// A number that is the key path of a component with a shortcut or a folder (MS documentation, "ICE38", "ICE43").
fn is_only_key_path(package: &Package, row: &Row, value: &str) -> bool {
    let Some(name) = row.text("Component_") else { return false };
    let key = package.components.get(name).and_then(|(_, key)| key.as_deref());
    row.number("Root") == Some(1)
        && value.starts_with('#')
        && key.is_some_and(|key| row.text("Registry") == Some(key))
        && package.without_file.contains(name)
}

/// Values, or with a name of `-` whole keys, that are removed at installation.
fn remove_registry(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let key = registry_key(package, row);
    let (operation, location) = match row.text("Name") {
        Some("-") => (Operation::Delete, key),
        name => {
            let name = name.map_or_else(Text::new, |name| package.values.formatted(name));
            (Operation::DeleteValue, Location::registry_value(&key, &name))
        }
    };
    emit(row, operation, Store::Registry, location, Origin::Unknown, sink);
}

/// Without a folder it is one of the Windows folder.
fn ini_location(package: &Package, row: &Row) -> Location {
    let folder =
        row.text("DirProperty").map_or_else(|| Text::folder(Folder::Windows), |id| package.values.directory(id));
    let file = Location::file(&join_paths(&folder, &package.file_name(row, "FileName")));
    let part = |name: &str| package.formatted(row, name).unwrap_or_default();
    Location::ini_value(&file, &part("Section"), &part("Key"))
}

fn ini_file(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let origin = origin_of(&package.formatted(row, "Value").unwrap_or_default());
    emit(row, Operation::SetValue, Store::Ini, ini_location(package, row), origin, sink);
}

fn remove_ini(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    emit(row, Operation::DeleteValue, Store::Ini, ini_location(package, row), Origin::Unknown, sink);
}

/// The name begins with what is to be done: `*` is a variable of the machine, `!` removes at installation.
fn environment(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let Some(name) = row.text("Name") else { return };
    let plain = name.trim_start_matches(['=', '+', '-', '!', '*']);
    let how = &name[..name.len() - plain.len()];
    let key = if how.contains('*') { MACHINE_ENVIRONMENT } else { USER_ENVIRONMENT };
    let operation = if how.contains('!') { Operation::DeleteValue } else { Operation::SetValue };
    let location = Location::registry_value(&Location::registry(&Text::lit(key)), &Text::lit(plain));
    let value = package.formatted(row, "Value").unwrap_or_default();
    if let Some(clue) = autostart::variable(&location, &value).filter(|_| operation == Operation::SetValue) {
        sink.clue(&row.site(), clue);
    }
    emit(row, operation, Store::Environment, location, origin_of(&value), sink);
}

fn odbc_source(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    // `Registration`: 0 for the machine, 1 for the user.
    let root = if row.number("Registration") == Some(1) { "HKCU" } else { "HKLM" };
    let mut key = Text::lit(format!("{root}\\SOFTWARE\\ODBC\\ODBC.INI\\"));
    key.push_text(&package.formatted(row, "Description").unwrap_or_else(Text::unknown));
    emit(row, Operation::Register, Store::Registry, Location::registry(&key), Origin::Constant, sink);
}

/// A service runs the file that stands for its component.
fn service(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let name = package.formatted(row, "Name").unwrap_or_else(Text::unknown);
    let component = row.text("Component_").and_then(|component| package.components.get(component));
    let program = component.and_then(|(_, file)| package.values.files.get(file.as_ref()?));
    if let Some(program) = program {
        let clue = Clue::new(ClueKind::Starts, "service", name.to_string()).at(Location::file(program));
        sink.clue(&row.site(), clue);
    }
    emit(row, Operation::Register, Store::Service, Location::named(name), Origin::Packaged, sink);
}

/// Write access for users foretells state there at run time.
fn permission(package: &Package, row: &Row, sink: &mut Sink<'_>) {
    let Some(object) = row.text("LockObject").or_else(|| row.text("SecureObject")) else { return };
    let location = match row.text("Table") {
        Some("File") => package.values.files.get(object).map(Location::file),
        Some("CreateFolder" | "Directory") => Some(Location::file(&package.values.directory(object))),
        Some("Registry") => package.keys.get(object).cloned(),
        Some("ServiceInstall") => {
            package.services.get(object).map(|name| Location::named(package.values.formatted(name)))
        }
        _ => None,
    };
    let Some(location) = location else { return };
    emit(row, Operation::Grant, Store::Acl, location.clone(), Origin::Constant, sink);
    // A security descriptor is taken as one that lets somebody write: nobody writes one for reading.
    let rights = row.number("Permission").map_or(u32::MAX, i32::cast_unsigned);
    if rights & WRITE_RIGHTS != 0 {
        let user = package.formatted(row, "User").unwrap_or_default();
        sink.clue(&row.site(), Clue::new(ClueKind::GrantsAccess, "permission", user.to_string()).at(location));
    }
}
