//! `web.config`, `app.config`, `machine.config` and the sections that they include.

mod aspnet;
mod sections;

use super::document::Document;
use super::logging;
use super::tree::{NodeId, ROOT, Role};
use crate::facts::Reading;

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
    sections::lift_locations(document, root);
    sections::note_encrypted(document, root, reading);
    sections::include(document, root);
    sections::custom_sections(document, root, reading);
    read_sections(document, root, reading);
    if name == "web.config" {
        aspnet::defaults(document, root, reading);
    }
    aspnet::providers(document, root, reading);
}

/// Reads a section that stands alone. Its place inside the configuration is told by its name.
pub(crate) fn read_fragment(document: &mut Document<'_>, reading: &mut Reading) {
    reading.format = "config-section".to_owned();
    let Some(section) = document.tree.elements(ROOT).next() else { return };
    let parent = match document.tree.name(section) {
        "machineKey" | "membership" | "profile" | "roleManager" | "sessionState" => Some("system.web"),
        "mailSettings" => Some("system.net"),
        _ => None,
    };
    // The tree gets the element that the file leaves out, so that one set of rows serves both.
    if let Some(parent) = parent
        && let Some(group) = document.tree.add(ROOT, Role::Element, parent, 0)
    {
        document.tree.node_mut(group).children.push(section);
    }
    read_sections(document, ROOT, reading);
}

fn read_sections(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    sections::app_settings(document, root, reading);
    sections::connection_strings(document, root, reading);
    sections::settings_classes(document, root, reading);
    aspnet::session_database(document, root, reading);
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
