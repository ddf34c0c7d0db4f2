//! Configuration and deployment descriptions.
//!
//! Every syntax becomes one [`tree::Tree`]; what the tree means is told by its dialect. Keys whose meaning needs no
//! code are rows of `rules/catalog/config/`, which [`document::Document::apply_rows`] applies.

mod arm;
mod cloud;
pub(crate) mod command;
mod containers;
mod diagnostics;
mod docker;
mod document;
mod dotnet;
mod entities;
mod fabric;
mod hcl;
mod json;
mod keyed;
mod layers;
mod lines;
mod logging;
mod options;
mod packer;
mod quartz;
mod relevance;
mod scheduled;
mod select;
mod service;
pub(crate) mod syntax;
mod toml;
mod tree;
mod unattend;
mod userdata;
mod xml;
mod xpath;
mod yaml;

use super::Input;
use super::text::decode;
use crate::catalog::config::documents;
use crate::discover::Kind;
use crate::facts::{Clue, ClueKind, Reading};
use document::Document;
pub(crate) use document::is_secret;
use select::select_one;
use tree::{NodeId, ROOT, Tree};
use xml::Break;

/// Reads a configuration file.
pub fn read(input: &Input<'_>, reading: &mut Reading) {
    let text = decode(input.bytes, reading);
    // Sources of installers are XML too; what they say is the script readers' business.
    if input.kind == Kind::Xml && matches!(input.artifact.extension().as_str(), "wxs" | "wxi") {
        return super::script::wix::read(&text, input, reading);
    }
    if !relevance::is_relevant(input, &text) {
        return;
    }
    let parse: fn(&str) -> (Tree, Option<Break>) = match input.kind {
        Kind::Xml if quartz::is_properties(input.artifact.file_name(), &text) => quartz::parse,
        Kind::Xml => xml::parse,
        Kind::Json => json::parse,
        Kind::Toml => toml::parse,
        Kind::Ini => lines::ini,
        Kind::Properties => lines::properties,
        Kind::ServerConf => lines::server,
        Kind::Dockerfile => docker::parse,
        Kind::Hcl => hcl::parse,
        Kind::Yaml => return read_yaml(input, &text, reading),
        _ => return,
    };
    let mut document = Document::new(input, &text, parse(&text), reading);
    match input.kind {
        Kind::Xml => read_xml(&mut document, reading),
        Kind::Json => read_json(&mut document, reading),
        Kind::Dockerfile => docker::read(&mut document, reading),
        Kind::Hcl if input.artifact.extension() == "tf" => cloud::terraform(&mut document, reading),
        Kind::Hcl => packer::read(&mut document, reading),
        _ => read_keyed(&mut document, reading),
    }
}

/// A file may hold several documents; most manifests do.
fn read_yaml(input: &Input<'_>, text: &str, reading: &mut Reading) {
    let (trees, mut broken) = yaml::parse(text);
    for tree in trees {
        let mut document = Document::new(input, text, (tree, broken.take()), reading);
        if dialect(&document) == Some("cloudformation") {
            cloud::formation(&mut document, reading);
        } else if !containers::read(&mut document, reading) {
            read_keyed(&mut document, reading);
        }
    }
}

fn read_keyed(document: &mut Document<'_>, reading: &mut Reading) {
    let dialect = dialect(document);
    if let Some(dialect) = dialect {
        keyed::mark_server(document, dialect, reading);
    }
    keyed::read(document, dialect, reading);
}

/// The dialect of a document that is known by its name or by what it holds.
fn dialect(document: &Document<'_>) -> Option<&'static str> {
    let file = document.input.artifact.file_name();
    documents()
        .iter()
        .find(|known| {
            (known.names.is_empty() || known.names.iter().any(|name| name.matches(file)))
                && known.has.as_ref().is_none_or(|has| select_one(&document.tree, ROOT, has).is_some())
        })
        .map(|known| known.dialect.as_str())
}

/// Most JSON is no configuration of a program, and says nothing.
fn read_json(document: &mut Document<'_>, reading: &mut Reading) {
    match dialect(document) {
        Some("options") => options::read(document, reading),
        Some("arm") => arm::read(document, reading),
        Some("packer") => packer::read(document, reading),
        Some("cloudformation") => cloud::formation(document, reading),
        Some("settings") => {
            reading.format = "settings".to_owned();
            options::values(document, reading);
        }
        Some(rows) => {
            reading.format = rows.to_owned();
            document.apply_rows(reading, rows, ROOT);
        }
        None => {}
    }
}

/// Roots that [`read_xml`] knows.
pub(crate) fn is_known_root(name: &str) -> bool {
    const ROOTS: &[&str] = &[
        "configuration",
        "log4net",
        "nlog",
        "Configuration",
        "Server",
        "Context",
        "ServiceDefinition",
        "ServiceConfiguration",
        "ServiceManifest",
        "ApplicationManifest",
        "Application",
        "Settings",
        "DiagnosticMonitorConfiguration",
        "DiagnosticsConfiguration",
        "PublicConfig",
        "unattend",
        "packages",
        "Task",
        "service",
    ];
    ROOTS.contains(&name) || dotnet::is_section(name)
}

/// `packages.config`: the libraries that the application is built with.
fn packages(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    reading.format = "packages".to_owned();
    for package in document.tree.children_named(root, "package").collect::<Vec<_>>() {
        if let Some(id) = document.tree.get(package, "id").map(str::to_owned) {
            document.clue(reading, package, Clue::new(ClueKind::Identity, "package", id));
        }
    }
}

/// Decides by the root element.
fn read_xml(document: &mut Document<'_>, reading: &mut Reading) {
    let tree = &document.tree;
    let Some(root) = tree.elements(ROOT).next() else { return };
    match tree.name(root) {
        "configuration" if tree.child(root, "appender").is_some() => {
            reading.format = "logback".to_owned();
            logging::logback(document, root, reading);
        }
        "configuration" => dotnet::read(document, root, reading),
        "log4net" => {
            reading.format = "log4net".to_owned();
            logging::log4net(document, root, reading);
        }
        "nlog" => {
            reading.format = "nlog".to_owned();
            logging::nlog(document, root, reading);
        }
        "Configuration" if tree.child(root, "Appenders").is_some() => {
            reading.format = "log4j2".to_owned();
            logging::log4j2(document, root, reading);
        }
        "Server" | "Context" => {
            reading.format = "tomcat".to_owned();
            document.apply_rows(reading, "tomcat", ROOT);
        }
        "ServiceDefinition" => service::definition(document, root, reading),
        "ServiceConfiguration" => service::configuration(document, root, reading),
        "ServiceManifest" | "ApplicationManifest" | "Settings" => fabric::read(document, root, reading),
        "Application" => fabric::parameters(document, root, reading),
        "packages" => packages(document, root, reading),
        "quartz" => {
            reading.format = "quartz".to_owned();
            document.apply_rows(reading, "dotnet", ROOT);
        }
        "DiagnosticMonitorConfiguration" | "DiagnosticsConfiguration" | "PublicConfig" => {
            diagnostics::read(document, root, reading);
        }
        "unattend" => unattend::read(document, root, reading),
        "Task" => scheduled::task(document, root, reading),
        "service" => scheduled::service(document, root, reading),
        name if dotnet::is_section(name) => dotnet::read_fragment(document, reading),
        _ => {}
    }
}
