//! Every row of the catalogue of configuration is hit by a fixture: what the row says of its key stands in a golden
//! listing. A row that nobody has seen work is a guess. The catalogue of commands has a test beside its reader.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use wipeproof::catalog::config::Glob;
use wipeproof::facts::{Effect, Fact, Reading, listing};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn entries(folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// The golden listings of a folder of fixtures; other tests keep them true.
fn listings(folder: &str) -> Vec<(PathBuf, Vec<Reading>)> {
    entries(folder)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "facts"))
        .map(|path| (path.with_extension(""), listing::parse(&std::fs::read_to_string(&path).unwrap()).unwrap()))
        .collect()
}

fn rows(table: &toml::Table, kind: &str) -> Vec<toml::Table> {
    let list = table.get(kind).and_then(|list| list.as_array()).cloned().unwrap_or_default();
    list.into_iter().map(|row| row.as_table().unwrap().clone()).collect()
}

fn text<'a>(row: &'a toml::Table, key: &str) -> &'a str {
    row.get(key).and_then(|value| value.as_str()).unwrap_or_default()
}

fn texts<'a>(row: &'a toml::Table, key: &str) -> Vec<&'a str> {
    let list = row.get(key).and_then(|value| value.as_array());
    list.into_iter().flatten().map(|value| value.as_str().unwrap()).collect()
}

fn does(effect: &Effect, row: &toml::Table, does: &str) -> bool {
    <&str>::from(effect.operation) == text(row, does) && <&str>::from(effect.store) == text(row, "store")
}

/// Settings files whose keys no row names: one file name stands for all.
const ALIKE: &[&str] = &["settings"];

#[test]
fn every_row_of_the_configuration_catalogue_is_hit() {
    let readings: Vec<Reading> = listings("fixtures/config").into_iter().flat_map(|(_, readings)| readings).collect();
    let facts: Vec<&Fact> = readings.iter().flat_map(|reading| &reading.facts).collect();
    let effects: Vec<&Effect> = facts.iter().filter_map(|fact| fact.as_effect()).collect();
    let mut missing = Vec::new();
    for path in entries("rules/catalog/config") {
        let table: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        for row in rows(&table, "effect") {
            let hit = effects.iter().any(|effect| {
                effect.via == text(&row, "via")
                    && does(effect, &row, "operation")
                    && effect.evidence.iter().any(|step| step.text == text(&row, "because"))
            });
            if !hit {
                missing.push(format!("effect {} {}", text(&row, "dialect"), text(&row, "select")));
            }
        }
        for row in rows(&table, "connection") {
            // The engine may stand behind it.
            let is_via = |effect: &&Effect| effect.via.split(" (").next() == Some(text(&row, "via"));
            if !effects.iter().any(is_via) {
                missing.push(format!("connection {}", text(&row, "select")));
            }
        }
        for row in rows(&table, "transfer") {
            let mut clues = facts.iter().filter_map(|fact| fact.as_clue());
            if !clues.any(|clue| clue.key == text(&row, "via")) {
                missing.push(format!("transfer {} {}", text(&row, "dialect"), text(&row, "select")));
            }
        }
        for row in rows(&table, "document") {
            let dialect = text(&row, "dialect");
            let names = texts(&row, "names");
            for name in if ALIKE.contains(&dialect) { &names[..1] } else { &names } {
                let glob = Glob::new(name);
                let is_read = |reading: &Reading| {
                    let file = reading.artifact.rsplit('/').next().unwrap_or_default();
                    glob.matches(file) && !(reading.format.is_empty() && reading.facts.is_empty())
                };
                if !readings.iter().any(is_read) {
                    missing.push(format!("document {dialect} {name}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "no fixture hits:\n{}", missing.join("\n"));
}
