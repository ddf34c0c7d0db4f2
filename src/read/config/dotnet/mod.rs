//! `web.config`, `app.config`, `machine.config` and the sections that they include.

mod aspnet;
mod inherit;
mod projects;
mod sections;
mod session;
mod sources;
mod transform;

use super::document::{Document, weigh_against};
use super::logging;
use super::places;
use super::tree::{NodeId, ROOT, Role};
use crate::discover::Artifact;
use crate::facts::{Body, Certainty, Folder, NoteKind, Owner, Phase, Reading, Step, file_name, folder_of};
use crate::read::Input;

/// Sections that are commonly kept in a file of their own (`configSource`), by their root element.
pub(crate) fn is_section(name: &str) -> bool {
    const SECTIONS: &[&str] = &[
        "appSettings",
        "connectionStrings",
        "elmah",
        "loggingConfiguration",
        "machineKey",
        "mailSettings",
        "membership",
        "profile",
        "quartz",
        "roleManager",
        "sessionState",
        "smtp",
        "system.diagnostics",
        "cachingConfiguration",
        "hibernate-configuration",
        "outputCache",
    ];
    SECTIONS.contains(&name)
}

/// Reads a whole configuration.
pub(crate) fn read(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    let name = document.input.artifact.file_name().to_lowercase();
    reading.format = match name.as_str() {
        "web.config" => "web-config",
        "machine.config" => "machine-config",
        "applicationhost.config" => "application-host",
        _ => "app-config",
    }
    .to_owned();
    if name == "machine.config" {
        reading.owner = Owner::Framework;
    }
    if transform::is_transform(&document.tree) {
        return read_transform(document, reading);
    }
    if let Some(environment) = variant_of(&name) {
        document.is_for(&environment, reading);
    }
    let by_itself = is_read_by_itself(&name)
        && !is_of_library(document.input)
        && (document.input.app.deployed().has_roles() || !projects::is_of_class_library(document.input));
    if !by_itself {
        // Its values are those of no program until one is told of it.
        document.environment = Some(name.trim_end_matches(".config").to_owned());
    }
    if let Some(framework) = projects::test_framework(document.input) {
        document.phase = (Phase::NotShipped, format!("configuration of tests: the project beside it uses {framework}"));
    }
    let first = reading.facts.len();
    // Reading moves sections about; a publish changes the file as it is written.
    let published = transform::published(document.input, &document.tree);
    read_whole(document, root, reading);
    if let Some((published, name)) = published {
        document.tree = published;
        weigh_published(document, &name, reading, first);
    }
    if !by_itself {
        set_aside(reading, first);
    }
}

/// Names of configurations that the runtime, the web server or a build looks for.
fn is_read_by_itself(name: &str) -> bool {
    const NAMES: &[&str] = &["web.config", "app.config", "machine.config", "applicationhost.config", "aspnet.config"];
    NAMES.contains(&name)
        || name.ends_with(".exe.config")
        || name.ends_with(".dll.config")
        || variant_of(name).is_some()
}

/// `NAME.dll.config` where the program that loads the library has a configuration: that one holds for both (MS
/// documentation, "Configuring Apps by using Configuration Files"). Hosts of roles and of tests look for such a name, where
/// there is no other.
fn is_of_library(input: &Input<'_>) -> bool {
    let path = input.artifact.path.to_lowercase();
    let (folder, name) = (folder_of(&path), file_name(&path));
    if !name.ends_with(".dll.config") {
        return false;
    }
    // The host of a role of a cloud service reads what is named after its library.
    if input.app.deployed().has_roles() {
        return false;
    }
    let start = input.artifact.path.len().saturating_sub(name.len());
    let Some(prefix) = input.artifact.path.get(..start) else { return false };
    let at = input.app.artifacts.partition_point(|a| a.path.as_str() < prefix);
    let mut beside = input.app.artifacts[at..].iter().take_while(|a| a.path.starts_with(prefix)).take(MAX_BESIDE);
    let of_program = |a: &Artifact| {
        a.path.get(start..).is_some_and(|name| !name.contains('/') && name.to_lowercase().ends_with(".exe.config"))
    };
    let in_site =
        folder.rsplit('/').next() == Some("bin") && input.app.sibling(input.artifact, "../web.config").is_some();
    in_site || beside.any(of_program)
}

/// Most files beside a configuration that are looked at.
const MAX_BESIDE: usize = 4_096;

/// `web.staging.config` that is no transform takes the place of `web.config` in its environment.
fn variant_of(name: &str) -> Option<String> {
    let rest = name.strip_prefix("web.").or_else(|| name.strip_prefix("app."))?;
    let environment = rest.strip_suffix(".config")?;
    (!environment.is_empty() && !environment.contains('.')).then(|| environment.to_owned())
}

/// A configuration by a name that no program looks for: a copy, or the choice of an installer. Its log files are
/// another matter, because loggers are told where their configuration is.
fn set_aside(reading: &mut Reading, first: usize) {
    const LOGGERS: &[&str] = &["configuration/log4net", "configuration/nlog"];
    for fact in reading.facts.iter_mut().skip(first) {
        let key = fact.site.key.as_deref().unwrap_or_default();
        let of_logger = LOGGERS.iter().any(|logger| key.starts_with(logger));
        if let (Body::Effect(effect), false) = (&mut fact.body, of_logger) {
            effect.certainty = Certainty::Possible;
            effect.evidence.push(Step::new("no program looks for a configuration of this name by itself"));
        }
    }
}

fn read_whole(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    let first = reading.facts.len();
    let name = document.input.artifact.file_name().to_lowercase();
    sections::lift_locations(document, root);
    sections::note_encrypted(document, root, reading);
    sections::note_encrypted_values(document, root, reading);
    sections::note_accounts(document, root, reading);
    sections::include(document, root);
    sections::custom_sections(document, root, reading);
    read_sections(document, root, reading);
    if name == "web.config" {
        sections::taken_away(document, root, reading);
        aspnet::defaults(document, root, reading);
    }
    aspnet::providers(document, root, reading);
    aspnet::hosted(document, root, reading);
    places::tell(document, reading, first, base_of(document));
}

/// A transform says what it makes of its base, for its own environment.
fn read_transform(document: &mut Document<'_>, reading: &mut Reading) {
    let first = reading.facts.len();
    reading.format = "config-transform".to_owned();
    let Some((base, environment)) = transform::base_of(document.input) else {
        reading.note(NoteKind::Info, "a transform whose base is not here; it was not applied");
        return;
    };
    let transformed = transform::apply(base, &document.tree);
    document.tree = transformed.tree;
    for (offset, what) in transformed.unknown {
        let (line, column) = document.index.position(offset);
        reading.note(NoteKind::Info, format!("{line}:{column}: {what}; this change was not applied"));
    }
    document.own = transform::TRANSFORM;
    document.is_for(&environment, reading);
    let Some(root) = document.tree.elements(ROOT).next() else { return };
    sections::lift_locations(document, root);
    sections::note_encrypted(document, root, reading);
    sections::custom_sections(document, root, reading);
    read_sections(document, root, reading);
    places::tell(document, reading, first, base_of(document));
}

/// Where relative paths begin.
fn base_of(document: &Document<'_>) -> Folder {
    let is_site = document.input.artifact.file_name().to_lowercase().starts_with("web.");
    if is_site { Folder::WebRoot } else { Folder::AppDir }
}

/// A publish applies a transform: an effect that is gone afterwards is a possibility only.
fn weigh_published(document: &mut Document<'_>, name: &str, reading: &mut Reading, first: usize) {
    let mut published = Reading::default();
    // Both what the base wrote and what the transform wrote is in effect now.
    document.everything = true;
    let root = document.tree.elements(ROOT).next();
    if let Some(root) = root {
        read_whole(document, root, &mut published);
    }
    let why = format!("{name} takes it away when the application is published");
    weigh_against(reading, first, &published, &why);
}

/// Reads a section that stands alone. Its place inside the configuration is told by its name.
pub(crate) fn read_fragment(document: &mut Document<'_>, reading: &mut Reading) {
    let first = reading.facts.len();
    reading.format = "config-section".to_owned();
    let Some(section) = document.tree.elements(ROOT).next() else { return };
    let parent = match document.tree.name(section) {
        "machineKey" | "membership" | "profile" | "roleManager" | "sessionState" => Some("system.web"),
        "mailSettings" => Some("system.net"),
        _ => None,
    };
    sections::note_encrypted(document, ROOT, reading);
    // The tree gets the element that the file leaves out, so that one set of rows serves both.
    if let Some(parent) = parent
        && let Some(group) = document.tree.add(ROOT, Role::Element, parent, 0)
    {
        document.tree.node_mut(group).children.push(section);
    }
    read_sections(document, ROOT, reading);
    places::tell(document, reading, first, base_of(document));
}

fn read_sections(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    sections::app_settings(document, root, reading);
    sections::connection_strings(document, root, reading);
    sections::settings_classes(document, root, reading);
    session::elsewhere(document, root, reading);
    document.apply_rows(reading, "dotnet", root);
    let named = |document: &Document<'_>, name: &str| document.tree.children_named(root, name).collect::<Vec<_>>();
    for node in named(document, "log4net") {
        logging::log4net(document, node, reading);
    }
    for node in named(document, "nlog") {
        logging::nlog(document, node, reading);
    }
    for node in named(document, "system.diagnostics") {
        logging::system_diagnostics(document, node, reading);
    }
    for node in named(document, "loggingConfiguration") {
        logging::enterprise_library(document, node, reading);
    }
}
