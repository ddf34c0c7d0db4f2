//! Configuration that is only keys and values: INI, properties, YAML, TOML, and the files of web servers, run-times
//! and databases. What their keys mean is data; here they get names.

use super::document::Document;
use super::dotenv;
use super::logging;
use super::places;
use super::spring;
use super::syntax::References;
use super::tree::{NodeId, ROOT, Role};
use crate::catalog::config::transfers;
use crate::discover::Kind;
use crate::facts::{Body, Clue, ClueKind, Folder, Hole, Location, Part, Reading, Step, Text, join_paths};
use crate::read::connection::{Reach, database};
use crate::read::script::sql_answers;

/// Reads a document of a dialect that rows describe, or of none.
pub(crate) fn read(document: &mut Document<'_>, dialect: Option<&str>, reading: &mut Reading) {
    flatten(document);
    if let Some(dialect) = dialect {
        reading.format = dialect.to_owned();
        let first = reading.facts.len();
        match dialect {
            "apache" => replace_definitions(document),
            "dotenv" => dotenv::set_phase(document),
            "java" | "karaf" => spring::fill_in(document, reading),
            _ => {}
        }
        document.apply_rows(reading, dialect, ROOT);
        match dialect {
            "apache" => below_server_root(document, reading, first),
            "mysql" => below_data_folder(document, reading, first),
            _ => {}
        }
        if dialect == "java" {
            logging::unlisted_handlers(document, reading, first);
        }
        logging::log4j_properties(document, reading);
    }
    if document.input.kind == Kind::Ini && dialect.is_none() {
        sql_setup(document, reading);
    }
    let is_application = !dialect.is_some_and(is_agent) && (dialect.is_some() || document.input.kind == Kind::Ini);
    if is_application {
        let first = reading.facts.len();
        values(document, reading);
        if document.input.kind == Kind::Ini && dialect.is_none() {
            places::tell(document, reading, first, Folder::AppDir);
        }
    }
}

/// The section of the answers that the setup of SQL Server is given.
const SQL_ANSWERS: &str = "OPTIONS";

/// What SQL Server is set up with, told at the line that says which of its features.
fn sql_setup(document: &Document<'_>, reading: &mut Reading) {
    let tree = &document.tree;
    let section = tree.elements(ROOT).find(|&section| tree.name(section).eq_ignore_ascii_case(SQL_ANSWERS));
    let answers: Vec<NodeId> = section.map(|section| tree.elements(section).collect()).unwrap_or_default();
    let Some(at) = answers.iter().find(|&&at| tree.name(at).eq_ignore_ascii_case("FEATURES")) else { return };
    let answer = |&at: &NodeId| (tree.name(at).to_owned(), tree.value(at).trim().trim_matches('"').to_owned());
    let options: Vec<(String, String)> = answers.iter().map(answer).collect();
    sql_answers(&options, &document.site(*at), reading);
}

/// What an agent is told is no value that the application asks for.
pub(crate) fn is_agent(dialect: &str) -> bool {
    transfers(dialect).next().is_some()
}

/// Apache HTTP Server documentation, "Define": `Define NAME value` gives the text of `${NAME}` in what follows. A name
/// that nothing defines is a variable of the environment.
fn replace_definitions(document: &mut Document<'_>) {
    let tree = &mut document.tree;
    let mut defined = References::new();
    for node in tree.descendants(ROOT) {
        if tree.value(node).contains("${") {
            let value = defined.fill_in(tree.value(node), |name| format!("${{{name}}}"));
            tree.node_mut(node).value = value;
        }
        if tree.name(node).eq_ignore_ascii_case("Define")
            && let Some((name, text)) = tree.value(node).trim().split_once(char::is_whitespace)
        {
            defined.define(name, text.trim().trim_matches('"'));
        }
    }
}

/// Apache HTTP Server documentation, "ServerRoot": relative paths in other directives begin there.
fn below_server_root(document: &Document<'_>, reading: &mut Reading, first: usize) {
    let tree = &document.tree;
    let Some(node) = tree.child(ROOT, "ServerRoot") else { return };
    let root = tree.value(node).trim().trim_matches('"');
    let root = Location::file(&Text::lit(root));
    if root.is_relative() || root.text().leading_lit().contains("${") {
        return;
    }
    let step = Step::at(format!("ServerRoot is {root}"), document.site(node));
    move_below(&root, &step, reading, first);
}

/// MySQL reference manual, "Server System Variables": the server goes into its folder of data, where relative paths begin.
/// Without `datadir` that is `data` beside its programs, or below `basedir` where that says where they are.
fn below_data_folder(document: &Document<'_>, reading: &mut Reading, first: usize) {
    let tree = &document.tree;
    let sections = tree.elements(ROOT).filter(|&section| tree.name(section).to_lowercase().starts_with("mysqld"));
    let sections: Vec<NodeId> = sections.collect();
    let said = |name: &str| {
        let node = sections.iter().find_map(|&section| tree.child(section, name))?;
        Some((node, Text::lit(tree.value(node).trim().trim_matches('"'))))
    };
    let (folder, step) = match (said("datadir"), said("basedir")) {
        (Some((node, folder)), _) => {
            let folder = Location::file(&folder);
            let step = Step::at(format!("datadir is {folder}"), document.site(node));
            (folder, step)
        }
        (None, Some((node, base))) => {
            let folder = Location::file(&join_paths(&base, &Text::lit("data")));
            let step =
                Step::at(format!("without datadir the folder of data is {folder}, below basedir"), document.site(node));
            (folder, step)
        }
        (None, None) => {
            let folder = Location::file(&Text::folder(Folder::AppDir).concat(&Text::lit("\\data")));
            (folder, Step::new("without datadir the folder of data is beside the programs of the server"))
        }
    };
    if !folder.is_relative() {
        move_below(&folder, &step, reading, first);
    }
}

/// Puts what would lie beside the program into another folder.
fn move_below(root: &Location, step: &Step, reading: &mut Reading, first: usize) {
    for fact in reading.facts.iter_mut().skip(first) {
        if let Body::Effect(effect) = &mut fact.body
            && let [Part::Hole(Hole::Folder(Folder::AppDir)), below @ ..] = effect.location.text().parts()
        {
            let below = Text::from_parts(below.iter().cloned());
            effect.location = Location::file(&join_paths(root.text(), &below));
            effect.evidence.push(step.clone());
        }
    }
}

/// Nested keys also get their dotted name at the top, because `path.data` and `path:` with `data:` below are one key
/// to the programs that read them.
fn flatten(document: &mut Document<'_>) {
    if !matches!(document.input.kind, Kind::Yaml | Kind::Toml) {
        return;
    }
    let tree = &mut document.tree;
    for leaf in tree.descendants(ROOT) {
        let node = tree.node(leaf);
        if node.children.is_empty() && node.parent != ROOT && !node.value.is_empty() {
            let (name, value, offset) = (tree.path(leaf).replace(':', "."), node.value.clone(), node.offset);
            tree.add_value(ROOT, Role::Member, &name, &value, offset);
        }
    }
}

/// Values by the name that a program asks for: `settings.ini/Paths/Log`, or the key alone where there are no sections.
fn values(document: &mut Document<'_>, reading: &mut Reading) {
    let file = document.input.artifact.file_name().to_owned();
    // No program that is read asks for the settings of one in a scripting language, and many of them are secrets.
    let says_values = document.input.kind != Kind::Python && !dotenv::is_one(&file);
    let appenders = logging::appenders_in_use(&document.tree);
    for id in document.tree.descendants(ROOT) {
        let node = document.tree.node(id);
        if id == ROOT || !node.children.is_empty() || node.value.is_empty() {
            continue;
        }
        let path = document.tree.path(id);
        if logging::is_of_idle_appender(&path, &appenders) {
            continue;
        }
        let key = match document.input.kind {
            Kind::Ini => format!("{file}/{}", path.replacen(':', "/", 1)),
            // The dotted names at the top say the same.
            Kind::Yaml | Kind::Toml if node.parent != ROOT => continue,
            _ => path,
        };
        if is_connection(document, id) && !document.is_told(reading, id) {
            document.connection(reading, id, &key, "", &key);
        } else if says_values {
            document.value_clue(reading, id, &key);
        }
    }
}

fn is_connection(document: &Document<'_>, id: NodeId) -> bool {
    let name = document.tree.name(id).to_lowercase();
    let said = ["url", "uri", "connection", "dsn", "database", "jdbc"].iter().any(|w| name.contains(w));
    said && database(&Text::lit(document.tree.value(id)), "").is_some_and(|d| d.reach != Reach::Unknown)
}

/// `php.ini` and others may be the settings of a server that ships with the application.
pub(crate) fn mark_server(document: &mut Document<'_>, dialect: &str, reading: &mut Reading) {
    if matches!(dialect, "mysql" | "rabbitmq" | "postgresql" | "redis" | "elasticsearch" | "nginx" | "apache") {
        document.clue(reading, ROOT, Clue::new(ClueKind::Role, "server", dialect));
    }
}
