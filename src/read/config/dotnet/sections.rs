//! Sections of a .NET configuration: what is included, moved or encrypted, and the values that code asks for by name.

use crate::facts::{
    Certainty, Clue, ClueKind, Effect, Folder, Location, NoteKind, Operation, Origin, Reading, Step, Store, Text,
};
use crate::read::config::document::{Document, MAX_CLUES};
use crate::read::config::tree::{NodeId, Role, Tree};
use crate::read::config::xml;
use crate::read::connection::database;
use crate::read::text::decode;

/// Largest included file that is read.
const MAX_INCLUDE: u64 = 4 << 20;
/// Most files that one configuration includes.
const MAX_INCLUDES: usize = 32;

/// `<location>` elements apply their sections to a path; what they contain counts like the rest.
pub(crate) fn lift_locations(document: &mut Document<'_>, root: NodeId) {
    let tree = &mut document.tree;
    let locations: Vec<NodeId> = tree.children_named(root, "location").collect();
    let lifted: Vec<NodeId> = locations.iter().flat_map(|&l| tree.elements(l).collect::<Vec<_>>()).collect();
    tree.node_mut(root).children.extend(lifted);
}

/// Sections in cipher text: what is in them is not known, and who can read them depends on a key of some machine.
pub(crate) fn note_encrypted(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    for id in document.tree.descendants(root) {
        let Some(provider) = document.tree.get(id, "configProtectionProvider").map(str::to_owned) else { continue };
        let path = document.tree.path(id);
        reading.note(NoteKind::Opaque, format!("{path} is encrypted by {provider}; its values are not known"));
        // Providers that keep the key elsewhere are custom; the two of the framework use a key of this machine.
        let machine_key = provider.contains("Rsa") || provider.contains("DataProtection") || provider.contains("Dpapi");
        if machine_key {
            let file = document.input.artifact.file_name().to_owned();
            let location = Location::file(&Text::lit(file)).based_on(Folder::AppDir);
            let effect = Effect::new(
                Operation::Protect,
                Store::Ciphertext,
                location,
                Certainty::Likely,
                "configProtectionProvider",
            )
            .of_origin(Origin::Secret)
            .because(Step::new(format!(
                "{path} can be read only with the key that {provider} has on the machine that encrypted it"
            )));
            document.effect(reading, id, effect);
        }
    }
}

/// Values that IIS encrypted one by one: `[enc:PROVIDER:...:enc]` (MS documentation, "IIS configuration: encryption").
pub(crate) fn note_encrypted_values(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    for id in document.tree.descendants(root) {
        let Some(sealed) = document.tree.value(id).strip_prefix("[enc:") else { continue };
        if !sealed.ends_with(":enc]") {
            continue;
        }
        let provider = sealed.split(':').next().unwrap_or_default().to_owned();
        let file = document.input.artifact.file_name().to_owned();
        let location = Location::file(&Text::lit(file)).based_on(Folder::AppDir);
        let path = document.tree.path(id);
        let why =
            format!("{path} can be read only with the key container of {provider} on the machine that encrypted it");
        let effect = Effect::new(Operation::Protect, Store::Ciphertext, location, Certainty::Likely, "[enc:...]")
            .of_origin(Origin::Secret)
            .because(Step::new(why));
        document.effect(reading, id, effect);
    }
}

/// Which account the code runs as, and whether it has a profile: where the folders of the user lie depends on both.
pub(crate) fn note_accounts(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    let mut found = Vec::new();
    for web in tree.children_named(root, "system.web") {
        for identity in tree.children_named(web, "identity").filter(|&i| tree.is(i, "impersonate", "true")) {
            found.push((identity, "impersonation", tree.get(identity, "userName").unwrap_or_default().to_owned()));
        }
    }
    for pools in
        tree.children_named(root, "system.applicationHost").flat_map(|h| tree.children_named(h, "applicationPools"))
    {
        for model in tree.elements(pools).flat_map(|pool| tree.children_named(pool, "processModel")) {
            let off = |name: &str| tree.is(model, name, "false");
            if off("loadUserProfile") || off("setProfileEnvironment") {
                let pool = tree.get(tree.node(model).parent, "name").unwrap_or_default().to_owned();
                found.push((model, "pool-without-profile", pool));
            }
        }
    }
    for (at, key, value) in found {
        document.clue(reading, at, Clue::new(ClueKind::Role, key, value));
    }
}

/// Takes in the sections that are kept in other files, so that what is absent here and what is elsewhere differ.
pub(crate) fn include(document: &mut Document<'_>, root: NodeId) {
    let mut wanted = Vec::new();
    for id in document.tree.descendants(root) {
        let tree = &document.tree;
        if let Some(file) = tree.get(id, "configSource") {
            wanted.push((id, file.to_owned()));
        } else if tree.name(id) == "appSettings"
            && let Some(file) = tree.get(id, "file")
        {
            wanted.push((id, file.to_owned()));
        }
    }
    for (id, file) in wanted.into_iter().take(MAX_INCLUDES) {
        let input = document.input;
        let Some(artifact) = input.app.sibling(input.artifact, &file) else { continue };
        let Ok(bytes) = artifact.read(MAX_INCLUDE) else { continue };
        // What is broken in it is said when it is read itself.
        let text = decode(&bytes, &mut Reading::default()).into_owned();
        let (tree, _) = xml::parse(&text);
        graft_section(&mut document.tree, id, &tree);
    }
}

fn graft_section(tree: &mut Tree, section: NodeId, from: &Tree) {
    use crate::read::config::tree::ROOT;
    let Some(root) = from.elements(ROOT).next() else { return };
    for child in from.children(root).collect::<Vec<_>>() {
        tree.graft(section, from, child, 1);
    }
}

/// `appSettings`: the values that code asks for.
pub(crate) fn app_settings(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    for (key, value) in entries(&document.tree, root, "appSettings", "key", "value") {
        let name = format!("appSettings/{key}");
        let said = key.to_lowercase().contains("conn");
        if said && database(&Text::lit(document.tree.value(value)), "").is_some() {
            document.connection(reading, value, &name, "", "appSettings/add@value");
        } else {
            document.value_clue(reading, value, &name);
        }
    }
}

/// `connectionStrings`.
pub(crate) fn connection_strings(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    for (name, value) in entries(&document.tree, root, "connectionStrings", "name", "connectionString") {
        let add = document.tree.node(value).parent;
        let provider = document.tree.get(add, "providerName").unwrap_or_default().to_owned();
        document.connection(reading, value, &name, &provider, "connectionStrings/add@connectionString");
    }
}

/// `remove` and `clear` take away what folders above define: said by name, so that nobody takes their values for
/// those of this folder.
pub(crate) fn taken_away(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    const SECTIONS: &[(&str, &str, &str)] =
        &[("appSettings", "key", "value"), ("connectionStrings", "name", "connectionString")];
    let mut gone: Vec<(NodeId, ClueKind, String)> = Vec::new();
    for &(section, key, value) in SECTIONS {
        let tree = &document.tree;
        let own = entries(tree, root, section, key, value);
        let (kind, prefix) = match section {
            "connectionStrings" => (ClueKind::ConnectionString, ""),
            _ => (ClueKind::ConfigValue, "appSettings/"),
        };
        let mut take = |at: NodeId, name: &str| {
            if !name.is_empty() && !own.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) {
                gone.push((at, kind, format!("removed:{prefix}{name}")));
            }
        };
        for entry in tree.children_named(root, section).flat_map(|s| tree.elements(s)) {
            match tree.name(entry) {
                "remove" => take(entry, tree.get(entry, key).unwrap_or_default()),
                "clear" => {
                    for (above, root) in super::inherit::Settings::new(document, root).above() {
                        entries(above, root, section, key, value).iter().for_each(|(name, _)| take(entry, name));
                    }
                }
                _ => {}
            }
        }
    }
    for (at, kind, key) in gone.into_iter().take(MAX_CLUES) {
        document.clue(reading, at, Clue::new(kind, key, ""));
    }
}

/// The entries of a section in effect: `clear` and `remove` take back what stands before them.
fn entries(tree: &Tree, root: NodeId, section: &str, key: &str, value: &str) -> Vec<(String, NodeId)> {
    let mut found: Vec<(String, NodeId)> = Vec::new();
    for section in tree.children_named(root, section) {
        for entry in tree.elements(section) {
            if found.len() > MAX_CLUES {
                return found;
            }
            let name = tree.get(entry, key).unwrap_or_default();
            match tree.name(entry) {
                "clear" => found.clear(),
                "remove" => found.retain(|(n, _)| !n.eq_ignore_ascii_case(name)),
                "add" => {
                    if let Some(value) = tree.child(entry, value) {
                        // The last of several counts; those of an included file come last (`appSettings file=`).
                        found.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
                        found.push((name.to_owned(), value));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// `applicationSettings` and `userSettings`: values of generated settings classes.
pub(crate) fn settings_classes(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    for group in ["applicationSettings", "userSettings"] {
        let mut values = Vec::new();
        let tree = &document.tree;
        for group_node in tree.children_named(root, group) {
            for class in tree.elements(group_node) {
                for setting in tree.children_named(class, "setting") {
                    let name = tree.get(setting, "name").unwrap_or_default();
                    let key = format!("{group}/{}/{name}", tree.name(class));
                    if let Some(value) = tree.children_named(setting, "value").next() {
                        values.push((key, value));
                    }
                }
            }
        }
        for (key, value) in values {
            document.value_clue(reading, value, &key);
            if document.tree.value(value).contains("Data Source=") {
                document.connection(reading, value, &key, "", &format!("{group}/setting"));
            }
        }
    }
}

/// Attributes of sections that the configuration itself declares.
pub(crate) fn custom_sections(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    const KNOWN: &[&str] = &[
        "appSettings",
        "connectionStrings",
        "applicationSettings",
        "userSettings",
        "system.web",
        "system.webServer",
        "system.serviceModel",
        "system.diagnostics",
        "system.net",
        "system.data",
        "system.codedom",
        "configSections",
        "runtime",
        "startup",
        "location",
        "log4net",
        "nlog",
        "loggingConfiguration",
        "entityFramework",
        "system.applicationHost",
    ];
    let tree = &document.tree;
    let mut values = Vec::new();
    for section in tree.elements(root).filter(|&s| !KNOWN.contains(&tree.name(s))) {
        for node in tree.descendants(section) {
            let parent = tree.node(node).parent;
            // A list of pairs: the value has the name that its key gives it.
            if let (Some(key), "value") = (tree.get(parent, "key"), tree.name(node)) {
                values.push((node, format!("{}/{key}", tree.name(section))));
                continue;
            }
            if tree.name(node) == "key" && tree.child(parent, "value").is_some() {
                continue;
            }
            let is_value = match tree.node(node).role {
                Role::Attribute => !tree.name(node).starts_with("xmlns"),
                _ => tree.node(node).children.is_empty() && !tree.value(node).is_empty(),
            };
            if is_value {
                let path = tree.path(node);
                values.push((node, path.strip_prefix("configuration/").map(str::to_owned).unwrap_or(path)));
            }
        }
    }
    for (node, key) in values {
        document.value_clue(reading, node, &key);
    }
}
