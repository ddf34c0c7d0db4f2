//! The direction of dependencies: a module uses only the ones below it.
#![allow(clippy::expect_used, reason = "a test may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom up. A module may use those before it.
const LAYERS: &[&str] = &[
    "escape", "facts", "document", "catalog", "discover", "read", "rules", "settings", "link", "judge", "report",
    "cache", "output", "lsp", "cli",
];

/// The readers below `read`, and which other readers each may use. None of these ways leads back.
const READERS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("debug", &[]),
    ("aside", &[]),
    ("host", &[]),
    ("connection", &[]),
    ("literals", &[]),
    ("allowances", &["literals", "text"]),
    ("script", &["connection", "text"]),
    ("config", &["connection", "script", "text"]),
    ("pe", &["connection", "debug", "script"]),
    ("clr", &["config", "connection", "debug", "pe", "script"]),
    ("memory", &["clr", "pe"]),
    ("packages", &["clr"]),
    ("snapshot", &["debug"]),
];

/// Longest source file; beyond it a file has more than one reason to change.
const MAX_LINES: usize = 500;

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(dir).expect("a source folder").map(|e| e.expect("an entry").path());
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    sources(Path::new("src"), &mut found);
    found.sort();
    found.into_iter().map(|p| (p.clone(), fs::read_to_string(&p).expect("readable"))).collect()
}

/// The top-level module of a source file.
fn module_of(path: &Path) -> String {
    let first = path.components().nth(1).expect("a file below src").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Top-level modules named after `crate::` in code, comments left out.
fn uses(text: &str) -> Vec<String> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in code {
        for rest in line.split("crate::").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if LAYERS.contains(&name.as_str()) {
                found.push(name);
            } else if rest.starts_with('{') {
                found.extend(LAYERS.iter().filter(|l| rest.contains(&format!("{l}::"))).map(|l| (*l).to_owned()));
            }
        }
    }
    found
}

#[test]
fn modules_depend_downwards_only() {
    let rank = |name: &str| LAYERS.iter().position(|l| *l == name);
    let mut wrong = Vec::new();
    for (path, text) in all_sources() {
        let module = module_of(&path);
        let Some(own) = rank(&module) else { continue };
        for used in uses(&text) {
            if rank(&used).is_some_and(|r| r > own) {
                wrong.push(format!("{} uses crate::{used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The readers that a file below `src/read` names, as `crate::read::x` or by way of `super`.
fn readers_used(path: &Path, text: &str) -> Vec<String> {
    const UP: &str = "super::";
    let file = path.strip_prefix("src/read").expect("a reader").with_extension("");
    let depth = file.components().count() - usize::from(file.ends_with("mod"));
    let mut found = Vec::new();
    for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
        found.extend(line.split("crate::read::").skip(1));
        let mut rest = line;
        while let Some(at) = rest.find(UP) {
            let name = rest[at..].trim_start_matches(UP);
            if rest.len() - at - name.len() == depth * UP.len() {
                found.push(name);
            }
            rest = name;
        }
    }
    let first = |name: &str| name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let names = found.into_iter().flat_map(|text| match text.strip_prefix('{') {
        Some(list) => list.split(',').map(first).collect(),
        None => vec![first(text)],
    });
    names.filter(|name| READERS.iter().any(|(known, _)| known == name)).collect()
}

#[test]
fn readers_use_others_one_way_only() {
    for (reader, allowed) in READERS {
        let own = READERS.iter().position(|(r, _)| r == reader);
        let before = |used: &&str| READERS.iter().position(|(r, _)| r == used) < own;
        assert!(allowed.iter().all(before), "{reader} is below what it may use");
    }
    let mut wrong = Vec::new();
    for (path, text) in all_sources() {
        let Ok(below) = path.strip_prefix("src/read") else { continue };
        let reader = below.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
        let reader = reader.trim_end_matches(".rs");
        if reader == "mod" {
            continue;
        }
        let Some((_, allowed)) = READERS.iter().find(|(r, _)| *r == reader) else {
            wrong.push(format!("{reader} is not among the readers"));
            continue;
        };
        for used in readers_used(&path, &text) {
            if used != reader && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{} uses read::{used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_reader_uses_is_seen() {
    let seen = |path: &str, text: &str| readers_used(Path::new(path), text);
    assert_eq!(seen("src/read/script/mod.rs", "use super::config::x;\nuse super::text;"), ["config", "text"]);
    assert_eq!(seen("src/read/script/a.rs", "use super::config;\nuse super::super::config::y;"), ["config"]);
    assert_eq!(seen("src/read/script/wix/mod.rs", "use crate::read::{pe, text::Line};"), ["pe", "text"]);
    assert!(seen("src/read/script/a.rs", "// crate::read::config\nuse super::config;").is_empty());
}

#[test]
fn every_module_is_in_the_order() {
    for (path, _) in all_sources() {
        let module = module_of(&path);
        assert!(
            matches!(module.as_str(), "lib" | "main") || LAYERS.contains(&module.as_str()),
            "{module} has no layer"
        );
    }
}

#[test]
fn source_files_stay_short() {
    let long: Vec<String> = all_sources()
        .into_iter()
        .filter(|(_, text)| text.lines().count() > MAX_LINES)
        .map(|(path, text)| format!("{}: {} lines", path.display(), text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn source_files_say_what_they_are_for() {
    for (path, text) in all_sources() {
        assert!(text.starts_with("//! "), "{} has no module documentation", path.display());
    }
}
