//! `sessionState` whose mode keeps the session elsewhere than in the worker process. MS documentation, "sessionState
//! Element (ASP.NET Settings Schema)".

use super::aspnet::web_sections;
use crate::facts::{Clue, ClueKind, Location, Reading, Text, Trait};
use crate::read::config::document::Document;
use crate::read::config::tree::{NodeId, Tree};
use crate::read::connection::{Database, database, is_loopback};

/// Parts of the names of providers whose store is a service that many hosts share.
const SHARED: &[&str] = &[
    "redis",
    "cosmosdb",
    "documentdb",
    "distributedcache",
    "datacache",
    "memcache",
    "ncache",
    "couchbase",
    "mongo",
    "dynamo",
    "hazelcast",
    "scaleout",
    "ravendb",
    "azuretable",
    "tablestorage",
];
/// Attributes by which a provider names its host, or the connection string with it.
const HOSTS: &[&str] = &["host", "server", "servers", "connectionString"];

/// Says where the session of each section is kept: an effect if on this machine, a clue if not.
pub(super) fn elsewhere(document: &mut Document<'_>, root: NodeId, reading: &mut Reading) {
    let sections: Vec<NodeId> = web_sections(&document.tree, root, "sessionState").collect();
    for section in sections {
        let mode = document.tree.get(section, "mode").unwrap_or_default().to_lowercase();
        match mode.as_str() {
            "sqlserver" => in_database(document, section, reading),
            "stateserver" => {
                let address = document.tree.get(section, "stateConnectionString").filter(|a| !is_loopback(a));
                if let Some(address) = address.map(str::to_owned) {
                    let at = Location::named(Text::lit(format!("aspnet-state://{address}")));
                    document.clue(
                        reading,
                        section,
                        Clue::new(ClueKind::RemoteClient, "a state server", address).at(at),
                    );
                }
            }
            "custom" => by_provider(document, root, section, reading),
            "off" => document.clue(reading, section, Clue::new(ClueKind::Role, "session-state", "off")),
            _ => {}
        }
    }
}

/// `mode="SQLServer"`: state in a database, which may be on this machine. Without a connection string the default is
/// a local server (`SessionStateModule`).
fn in_database(document: &mut Document<'_>, section: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    let written = tree.child(section, "sqlConnectionString");
    let text = written.map_or("data source=localhost;Integrated Security=SSPI", |w| tree.value(w));
    let found = database(&Text::lit(text), "System.Data.SqlClient");
    give(document, (section, written), found, "sessionState@sqlConnectionString", reading);
}

fn give(
    document: &mut Document<'_>,
    (section, written): (NodeId, Option<NodeId>),
    found: Option<Database>,
    via: &str,
    reading: &mut Reading,
) {
    if let Some(mut effect) = found.as_ref().and_then(|d| d.effect(via)) {
        if written.is_none() {
            effect.mark(Trait::ByDefault);
        }
        document.effect(reading, written.unwrap_or(section), effect);
    }
    if let Some(remote) = found.and_then(|d| d.remote()) {
        document.clue(reading, section, remote);
    }
}

/// `mode="Custom"`: the provider that `customProvider` names. What its type does not tell is where it keeps anything:
/// that is said, too.
fn by_provider(document: &mut Document<'_>, root: NodeId, section: NodeId, reading: &mut Reading) {
    let tree = &document.tree;
    let chosen = tree.get(section, "customProvider");
    let lists: Vec<NodeId> = tree.children_named(section, "providers").collect();
    let mut adds = lists.iter().flat_map(|&list| tree.children_named(list, "add"));
    let add = adds.find(|&a| chosen.is_none_or(|c| tree.is(a, "name", c)));
    drop(adds);
    let Some(add) = add else { return };
    let provider = tree.get(add, "type").unwrap_or_default().split(',').next().unwrap_or_default().trim().to_owned();
    let lower = provider.to_lowercase();
    if let Some(named) = tree.get(add, "connectionStringName").and_then(|name| connection(tree, root, name)) {
        let found = database(&Text::lit(tree.value(named)), "System.Data.SqlClient");
        if found.as_ref().is_some_and(|d| d.remote().is_some() || d.effect("").is_some()) {
            return give(document, (add, Some(add)), found, "sessionState/providers/add@connectionStringName", reading);
        }
    }
    let here = HOSTS.iter().filter_map(|name| tree.get(add, name)).any(is_loopback);
    let clue = match SHARED.iter().any(|part| lower.contains(part)) {
        // A row says so.
        true if here => return,
        true => Clue::new(ClueKind::RemoteClient, &provider, ""),
        false => Clue::new(ClueKind::Role, "session-provider", &provider),
    };
    document.clue(reading, add, clue);
}

/// The connection string of a name, where this file has it.
fn connection(tree: &Tree, root: NodeId, name: &str) -> Option<NodeId> {
    let sections = tree.children_named(root, "connectionStrings");
    let found = sections.flat_map(|s| tree.children_named(s, "add")).find(|&a| tree.is(a, "name", name));
    found.and_then(|a| tree.child(a, "connectionString"))
}
