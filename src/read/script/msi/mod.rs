//! Windows Installer packages (`.msi`, `.msm`): what the tables of the database install.
//!
//! Tables and columns: MS documentation "Database Tables". A package says what its source says ([`super::wix`]), and
//! texts are of the same type "Formatted". Custom actions are followed where they are commands or scripts; those in
//! libraries are told.

mod actions;
mod database;
mod tables;

use super::sink::Sink;
use super::wix::values::{Values, standard};
use crate::facts::{Clue, ClueKind, Location, NoteKind, Reading, Site, Source, Text, join_paths};
pub(super) use actions::at_removal;
use database::{Database, Row};
use std::collections::{HashMap, HashSet};

/// Deepest nesting of folders.
const MAX_DEPTH: usize = 64;

/// Reads a package.
pub(super) fn read(bytes: &[u8], reading: &mut Reading) {
    let mut database = match Database::open(bytes) {
        Ok(database) => database,
        Err(error) => {
            reading.note(NoteKind::Malformed, format!("no Windows Installer database that can be read: {error}"));
            return;
        }
    };
    "msi".clone_into(&mut reading.format);
    let package = Package::of(&mut database, reading);
    let rows: Vec<_> = tables::READERS.iter().map(|(table, _)| database.rows(table, reading)).collect();
    let mut sink = Sink::new(reading);
    for (rows, (_, read)) in rows.iter().zip(tables::READERS) {
        for row in rows.iter() {
            read(&package, row, &mut sink);
        }
    }
    actions::read(&package, &mut database, reading);
    note_unopened(&package, &mut database, reading);
}

/// The code of an application that ships as a package is in its cabinets.
fn note_unopened(package: &Package, database: &mut Database<'_>, reading: &mut Reading) {
    let cabinets = database.rows("Media", reading).iter().filter(|row| row.text("Cabinet").is_some()).count();
    let files = package.values.files.len();
    if cabinets > 0 && files > 0 {
        reading.clue(Site::default(), Clue::new(ClueKind::Opaque, "cabinet", format!("{files} files")));
        reading.note(
            NoteKind::Opaque,
            format!("what the {files} files inside the package do is not seen: scan the folder that it installs too"),
        );
    }
}

/// What rows refer to.
struct Package {
    values: Values,
    /// Components: their folder, and the key of the file that stands for them.
    components: HashMap<String, (String, Option<String>)>,
    /// Rows of the table Registry, which permissions refer to: root and key.
    keys: HashMap<String, Location>,
    /// Services: their names.
    services: HashMap<String, String>,
    /// Components that are there for a shortcut or a folder, which cannot be their key path in a user's profile.
    without_file: HashSet<String>,
}

impl Package {
    fn of(database: &mut Database<'_>, reading: &mut Reading) -> Self {
        let mut package = Package {
            values: Values::default(),
            components: HashMap::new(),
            keys: HashMap::new(),
            services: HashMap::new(),
            without_file: HashSet::new(),
        };
        for row in database.rows("Property", reading).iter() {
            if let (Some(name), Some(value)) = (row.text("Property"), row.text("Value")) {
                package.values.properties.insert(name.to_owned(), value.to_owned());
            }
        }
        package.values.shared = package.values.properties.get("ALLUSERS").is_some_and(|value| value == "1");
        package.folders(&database.rows("Directory", reading), reading);
        for row in database.rows("Component", reading).iter() {
            if let (Some(name), Some(folder)) = (row.text("Component"), row.text("Directory_")) {
                let file = row.text("KeyPath").map(str::to_owned);
                package.components.insert(name.to_owned(), (folder.to_owned(), file));
            }
        }
        for row in database.rows("File", reading).iter() {
            if let Some(key) = row.text("File") {
                package.values.files.insert(key.to_owned(), package.in_component(row, "FileName"));
            }
        }
        for row in database.rows("Registry", reading).iter() {
            if let Some(id) = row.text("Registry") {
                package.keys.insert(id.to_owned(), tables::registry_key(&package, row));
            }
        }
        for table in ["Shortcut", "CreateFolder"] {
            let rows = database.rows(table, reading);
            package.without_file.extend(rows.iter().filter_map(|row| row.text("Component_").map(str::to_owned)));
        }
        for row in database.rows("ServiceInstall", reading).iter() {
            if let (Some(id), Some(name)) = (row.text("ServiceInstall"), row.text("Name")) {
                package.services.insert(id.to_owned(), name.to_owned());
            }
        }
        package
    }

    /// The folder tree. A folder that users or actions may set is told, so that other artifacts can be joined with it.
    fn folders(&mut self, rows: &[Row], reading: &mut Reading) {
        let by_id: HashMap<&str, &Row> = rows.iter().filter_map(|row| Some((row.text("Directory")?, row))).collect();
        let mut sink = Sink::new(reading);
        for row in rows {
            let Some(id) = row.text("Directory") else { continue };
            let path = folder(id, &by_id, self.values.shared, 0).unwrap_or_else(Text::unknown);
            if standard(id, self.values.shared).is_none() {
                let clue = Clue::new(ClueKind::ConfigValue, format!("property:{id}"), path.to_string());
                sink.clue(&row.site(), clue);
            }
            self.values.folders.insert(id.to_owned(), path);
        }
    }

    /// The folder of the component that a row belongs to.
    fn folder_of(&self, row: &Row) -> Text {
        let component = row.text("Component_").and_then(|name| self.components.get(name));
        component.map_or_else(Text::unknown, |(folder, _)| self.values.directory(folder))
    }

    /// A file name of a row, in the folder of its component.
    fn in_component(&self, row: &Row, column: &str) -> Text {
        join_paths(&self.folder_of(row), &self.file_name(row, column))
    }

    /// A column of type "Filename": `SHORT|long`.
    fn file_name(&self, row: &Row, column: &str) -> Text {
        row.text(column).map_or_else(Text::unknown, |name| self.values.formatted(long_name(name)))
    }

    /// A column of type "Formatted".
    fn formatted(&self, row: &Row, column: &str) -> Option<Text> {
        row.text(column).map(|text| self.values.formatted(text))
    }
}

fn long_name(name: &str) -> &str {
    name.split_once('|').map_or(name, |(_, long)| long)
}

/// The path of a row of the table Directory. `DefaultDir` is `TARGET:SOURCE`, of which the target counts; `.` is the
/// folder above; folders that lie in one another are nowhere. A merge module appends its own identifier to the names of the standard folders.
fn folder(id: &str, rows: &HashMap<&str, &Row>, shared: bool, depth: usize) -> Option<Text> {
    let plain = id.split('.').next().unwrap_or(id);
    if let Some(known) = standard(id, shared).or_else(|| standard(plain, shared)) {
        return Some(known);
    }
    if depth >= MAX_DEPTH {
        return None;
    }
    let row = rows.get(id);
    let parent = row.and_then(|row| row.text("Directory_Parent")).filter(|parent| *parent != id);
    let (Some(row), Some(parent)) = (row, parent) else { return Some(Text::from_source(Source::Property, id)) };
    let above = folder(parent, rows, shared, depth + 1)?;
    let target = row.text("DefaultDir").unwrap_or(".").split(':').next().unwrap_or(".");
    Some(match long_name(target) {
        "." | "" => above,
        name => join_paths(&above, &Text::lit(name)),
    })
}
