//! Configuration and deployment descriptions.
//!
//! Every syntax becomes one [`tree::Tree`]; what the tree means is told by its dialect. Keys whose meaning needs no
//! code are rows of `rules/catalog/config/`, which [`document::Document::apply_rows`] applies.

mod ansible;
mod arm;
mod cloud;
mod cloudinit;
pub(crate) mod command;
mod containers;
mod deploy;
mod diagnostics;
mod django;
mod docker;
mod document;
mod dotenv;
mod dotnet;
mod entities;
mod fabric;
mod hcl;
mod helm;
mod json;
mod keyed;
mod layers;
mod lines;
mod local;
mod logging;
mod options;
mod packer;
mod places;
mod quartz;
mod relevance;
mod scheduled;
mod scoop;
mod select;
mod service;
mod spring;
pub(crate) mod syntax;
mod token;
mod toml;
mod tree;
mod unattend;
mod userdata;
mod wrapper;
mod xml;
mod xpath;
mod yaml;

pub(crate) use service::ROLE_PROJECT;

use super::Input;
use super::text::decode;
use crate::catalog::config::{Document as Kinds, documents};
use crate::discover::sniff::CLOUD_CONFIG;
use crate::discover::{Artifact, Kind};
use crate::facts::{Clue, ClueKind, Folder, Location, Reading, Text};
use document::Document;
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
        Kind::Properties if dotenv::is_one(input.artifact.file_name()) => dotenv::parse,
        Kind::Properties => lines::properties,
        Kind::Python => django::parse,
        Kind::ServerConf if wrapper::is_one(input.artifact.file_name()) => lines::properties,
        Kind::ServerConf => lines::server,
        Kind::Dockerfile => docker::parse,
        Kind::Hcl => hcl::parse,
        Kind::Yaml => return read_yaml(input, &text, reading),
        Kind::UserData => return userdata::read_file(input, &text, reading),
        _ => return,
    };
    let first = reading.facts.len();
    let mut document = Document::new(input, &text, parse(&text), reading);
    match input.kind {
        Kind::Xml => read_xml(&mut document, reading),
        Kind::Json => read_json(&mut document, reading),
        Kind::Dockerfile => docker::read(&mut document, reading),
        Kind::Hcl if input.artifact.extension() == "tf" => cloud::terraform(&mut document, reading),
        Kind::Hcl => packer::read(&mut document, reading),
        Kind::ServerConf if wrapper::is_one(input.artifact.file_name()) => wrapper::read(&mut document, reading),
        _ => read_keyed(&mut document, reading),
    }
    local::tell(&document, reading, first);
}

/// A file may hold several documents; most manifests do.
fn read_yaml(input: &Input<'_>, text: &str, reading: &mut Reading) {
    let filled_in = helm::filled_in(input, text, reading);
    let text = filled_in.as_deref().unwrap_or(text);
    let (trees, mut broken) = yaml::parse(text);
    for tree in trees {
        let first = reading.facts.len();
        let mut document = Document::new(input, text, (tree, broken.take()), reading);
        let known = dialect(&document);
        if known == Some("cloudformation") {
            cloud::formation(&mut document, reading);
            continue;
        }
        let is_instance = text.trim_start().starts_with(CLOUD_CONFIG);
        if is_instance && cloudinit::read(&mut document, reading) {
            continue;
        }
        let is_read = known.is_some_and(|known| deploy::read(&mut document, known, reading))
            || containers::read(&mut document, reading)
            || ansible::read(&mut document, reading);
        if !is_read {
            read_keyed(&mut document, reading);
        }
        local::tell(&document, reading, first);
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
    let artifact = document.input.artifact;
    documents()
        .iter()
        .find(|known| {
            is_named(known, artifact)
                && known.has.as_ref().is_none_or(|has| select_one(&document.tree, ROOT, has).is_some())
        })
        .map(|known| known.dialect.as_str())
}

/// Does a file lie and have a name as documents of this kind do?
fn is_named(known: &Kinds, artifact: &Artifact) -> bool {
    let mut path = artifact.path.rsplit('/');
    let file = path.next().unwrap_or_default();
    let folder = path.next().unwrap_or_default();
    (known.names.is_empty() || known.names.iter().any(|name| name.matches(file)))
        && known.folder.as_ref().is_none_or(|name| name.matches(folder))
}

/// Most JSON is no configuration of a program, and says nothing.
fn read_json(document: &mut Document<'_>, reading: &mut Reading) {
    match dialect(document) {
        None if scoop::is_one(&document.tree) => scoop::read(document, reading),
        Some("options") => options::read(document, reading),
        Some("arm") => arm::read(document, reading),
        Some("packer") => packer::read(document, reading),
        Some("cloudformation") => cloud::formation(document, reading),
        Some(rows) => {
            reading.format = rows.to_owned();
            document.apply_rows(reading, rows, ROOT);
            if !keyed::is_agent(rows) {
                options::values(document, reading);
            }
        }
        None if places::is_beside_program(document.input) => places::of_unknown(document, reading),
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
        "Project",
        "RoleModule",
        "sitemanifest",
        "beans",
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

/// MS documentation, "Web Deploy setAcl Provider": rights on a folder of the site for the account that it runs as.
fn web_deploy(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    reading.format = "web-deploy".to_owned();
    let is_of_maker = document.input.artifact.file_name().to_lowercase().ends_with(".sourcemanifest.xml");
    let is_site = |name: &str| SITES.iter().any(|site| name.eq_ignore_ascii_case(site));
    let sites = document.tree.elements(root).filter(|&node| is_site(document.tree.name(node)));
    let sources: Vec<String> = sites.filter_map(|site| document.tree.get(site, "path").map(str::to_owned)).collect();
    for rule in document.tree.children_named(root, "setAcl").collect::<Vec<_>>() {
        let tree = &document.tree;
        let (Some(path), Some(rights)) = (tree.get(rule, "path"), tree.get(rule, "setAclAccess")) else { continue };
        if ["modify", "write", "full"].iter().any(|right| rights.to_lowercase().contains(right)) {
            let in_site = |below: &str| Text::folder(Folder::WebRoot).concat(&Text::lit(format!("\\{below}")));
            let folder = match sources.iter().find_map(|source| strip_folder(path, source)) {
                // The folder that the package was made from, on the machine that made it.
                Some(below) if path.contains(':') => in_site(below),
                None if path.contains(':') && is_of_maker => continue,
                _ if path.contains(':') => Text::lit(path),
                // The path begins with the name of the site.
                _ => in_site(path.split_once(['/', '\\']).map_or("", |(_, below)| below)),
            };
            let user = tree.get(rule, "setAclUser").unwrap_or("the account of the site").to_owned();
            let clue = Clue::new(ClueKind::GrantsAccess, "setAcl", user).at(Location::file(&folder));
            document.clue(reading, rule, clue);
        }
    }
}

/// Providers of Web Deploy that put a site.
const SITES: &[&str] = &["iisApp", "contentPath", "createApp", "dirPath"];

/// The rest of a path below a folder.
fn strip_folder<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let folder = folder.trim_end_matches(['/', '\\']);
    let (head, rest) = path.split_at_checked(folder.len())?;
    (head.eq_ignore_ascii_case(folder) && !folder.is_empty() && (rest.is_empty() || rest.starts_with(['/', '\\'])))
        .then(|| rest.trim_start_matches(['/', '\\']))
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
        "configuration" if scheduled::is_wrapper(tree, root) => {
            document.tree.node_mut(root).name = "service".to_owned();
            scheduled::service(document, root, reading);
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
        "Project" => service::project(document, root, reading),
        "RoleModule" => service::module(document, root, reading),
        // Web Deploy: what is put on the server, and the rights that the site gets there.
        "sitemanifest" => web_deploy(document, root, reading),
        // ActiveMQ is configured as beans of Spring.
        "beans" if tree.child(root, "broker").is_some() => {
            reading.format = "activemq".to_owned();
            document.apply_rows(reading, "activemq", ROOT);
        }
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
