//! `appsettings.json` and its like: the .NET configuration system, layered by environment.

use super::document::{Document, weigh_against};
use super::layers;
use super::logging;
use super::places;
use super::tree::{NodeId, ROOT, Role};
use crate::facts::{Folder, Reading};
use crate::read::connection::{Reach, database};

/// Reads a JSON document of the configuration system.
pub(crate) fn read(document: &mut Document<'_>, reading: &mut Reading) {
    reading.format = "app-settings".to_owned();
    let file = document.input.artifact.file_name().to_owned();
    if let Some(environment) = environment(&file) {
        document.is_for(&environment, reading);
        // What is not written here is as in the file for all environments; that file says it.
        if let Some((below, _)) = layers::load(document.input, "appsettings.json") {
            document.tree = layers::overlay(below, &document.tree, true);
        }
        return whole(document, reading);
    }
    let first = reading.facts.len();
    let over = (file.eq_ignore_ascii_case("appsettings.json"))
        .then(|| layers::over(document.input))
        .flatten()
        .map(|(over, name)| (layers::overlay(document.tree.clone(), &over, false), name));
    whole(document, reading);
    if let Some((over, name)) = over {
        let mut deployed = Reading::default();
        document.tree = over;
        document.everything = true;
        whole(document, &mut deployed);
        let why = format!("{name} says otherwise for what is deployed");
        weigh_against(reading, first, &deployed, &why);
    }
}

/// Values, rows and loggers of the document as it stands.
fn whole(document: &mut Document<'_>, reading: &mut Reading) {
    let first = reading.facts.len();
    values(document, reading);
    document.apply_rows(reading, "options", ROOT);
    if let Some(nlog) = document.tree.child(ROOT, "NLog") {
        logging::nlog(document, nlog, reading);
    } else if document.tree.child(ROOT, "targets").is_some() && document.tree.child(ROOT, "rules").is_some() {
        logging::nlog(document, ROOT, reading);
    }
    places::tell(document, reading, first, Folder::AppDir);
}

/// `appsettings.Production.json` is for `Production`.
fn environment(file: &str) -> Option<String> {
    let rest = file.get("appsettings.".len()..).filter(|_| file.to_lowercase().starts_with("appsettings."))?;
    let (environment, _) = rest.rsplit_once('.')?;
    Some(environment.to_owned())
}

/// Every value under its name; those that are connection strings as such.
pub(crate) fn values(document: &mut Document<'_>, reading: &mut Reading) {
    let leaves: Vec<NodeId> = document
        .tree
        .descendants(ROOT)
        .into_iter()
        .filter(|&id| {
            let node = document.tree.node(id);
            node.role == Role::Member && node.children.is_empty() && !node.value.is_empty()
        })
        .collect();
    for leaf in leaves {
        let key = document.tree.path(leaf);
        if let Some(name) = strip_section(&key, "ConnectionStrings:") {
            let name = name.to_owned();
            document.connection(reading, leaf, &name, "", "ConnectionStrings");
        } else if is_connection(document, leaf) && !document.is_told(reading, leaf) {
            document.connection(reading, leaf, &key, "", &key);
        } else {
            document.value_clue(reading, leaf, &key);
        }
    }
}

fn strip_section<'a>(key: &'a str, section: &str) -> Option<&'a str> {
    key.get(..section.len()).filter(|head| head.eq_ignore_ascii_case(section))?;
    key.get(section.len()..)
}

/// A value outside `ConnectionStrings` that leads to a database, under a key that says so.
fn is_connection(document: &Document<'_>, leaf: NodeId) -> bool {
    let name = document.tree.name(leaf).to_lowercase();
    let said =
        ["connection", "connstr", "connectionstring", "database", "databaseurl"].iter().any(|w| name.contains(w));
    said && database(&crate::facts::Text::lit(document.tree.value(leaf)), "")
        .is_some_and(|found| found.reach != Reach::Unknown)
}
