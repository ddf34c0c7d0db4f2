//! Every row of the catalogues of configuration and of commands is hit by a fixture: what the row says of its key or
//! command stands in a golden listing. A row that nobody has seen work is a guess.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
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
            if !effects.iter().any(|effect| effect.via == text(&row, "via")) {
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

/// A line of a script that has facts, with the lines that may continue it.
struct Line {
    extension: String,
    text: String,
    facts: Vec<Fact>,
}

/// How many lines a command is written on, at most.
const STATEMENT: usize = 8;

fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for (path, readings) in listings("fixtures/script") {
        let extension = path.extension().unwrap().to_str().unwrap().to_lowercase();
        let bytes = std::fs::read(&path).unwrap();
        let script =
            String::from_utf8_lossy(&bytes).to_lowercase().replace("[system.", "[").replace("system.io.", "io.");
        let script: Vec<&str> = script.lines().collect();
        let facts: Vec<Fact> = readings.into_iter().flat_map(|reading| reading.facts).collect();
        let numbers: BTreeSet<u32> = facts.iter().filter_map(|fact| fact.site.line).collect();
        for number in numbers {
            let from = number as usize - 1;
            let text = script.get(from..(from + STATEMENT).min(script.len())).unwrap_or_default().join("\n");
            let facts = facts.iter().filter(|fact| fact.site.line == Some(number)).cloned().collect();
            lines.push(Line { extension: extension.clone(), text, facts });
        }
    }
    lines
}

/// Forms of commands that no fixture recovers, and why.
const NOT_EXERCISED: &[(&str, &str)] = &[];

#[test]
fn every_form_of_every_command_is_recovered() {
    let lines = lines();
    let mut missing = Vec::new();
    for path in entries("rules/catalog/commands") {
        let table: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let shell = table.get("shell").and_then(|shell| shell.as_str()).unwrap_or("any");
        for command in rows(&table, "command") {
            let names = texts(&command, "names");
            let here: Vec<&Line> = lines
                .iter()
                .filter(|line| is_language(shell, &line.extension) && names.iter().any(|n| mentions(&line.text, n)))
                .collect();
            for form in rows(&command, "form") {
                let called: Vec<&&Line> = here.iter().filter(|line| is_called(&form, &line.text)).collect();
                let described = |what: &str| {
                    let form = ["words", "any", "all"].map(|key| texts(&form, key).join(" ")).join(" ");
                    format!("{} {}: {what}", names[0], form.trim())
                };
                for outcome in rows(&form, "effects") {
                    let is = |fact: &Fact| {
                        fact.as_effect().is_some_and(|effect| {
                            does(effect, &outcome, "does")
                                && names.iter().any(|n| effect.via.to_lowercase().contains(n))
                        })
                    };
                    if !called.iter().any(|line| line.facts.iter().any(is)) {
                        missing.push(described(&format!("{} {}", text(&outcome, "does"), text(&outcome, "store"))));
                    }
                }
                // What is started leaves a clue, or effects of the command line that is run in place.
                if !rows(&form, "starts").is_empty() && called.is_empty() {
                    missing.push(described("starts"));
                }
            }
        }
    }
    missing.retain(|form| !NOT_EXERCISED.iter().any(|(name, _)| form == name));
    missing.sort();
    assert!(missing.is_empty(), "{} outcomes that no fixture has:\n{}", missing.len(), missing.join("\n"));
}

/// Does a text call a command in this form, as far as its words tell?
fn is_called(form: &toml::Table, text: &str) -> bool {
    let says = |words: &str| {
        words.contains('*') || words.split('|').any(|word| mentions(text, word) || text.contains(&format!("-{word}")))
    };
    let option = |name: &&str| {
        let name = name.trim_start_matches('-');
        ["-", "/", ""].iter().any(|mark| text.contains(&format!("{mark}{name}")))
    };
    let any = texts(form, "any");
    texts(form, "words").into_iter().all(says)
        && (any.is_empty() || any.iter().any(option))
        && texts(form, "all").iter().all(option)
}

/// Do scripts with this extension use the names of this shell?
fn is_language(shell: &str, extension: &str) -> bool {
    let extensions: &[&str] = match shell {
        "batch" => &["cmd"],
        "powershell" => &["ps1"],
        "nsis" => &["nsi"],
        "pascal" => &["iss"],
        "wsh" => &["vbs", "wsf", "asp"],
        "wix" => &["wxs"],
        _ => &["cmd", "ps1"],
    };
    extensions.contains(&extension)
}

/// Is the name a word of the text? Types are written behind `New-Object`, resources without their prefix.
fn mentions(text: &str, name: &str) -> bool {
    let name = name.strip_prefix("new ").or_else(|| name.strip_prefix("dsc:")).unwrap_or(name);
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let first = name.chars().next();
        let begins = !part(first) || !part(before);
        let ends = !part(text[at + name.len()..].chars().next());
        begins && ends
    })
}
