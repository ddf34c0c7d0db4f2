//! Golden fact listings of the configuration readers: `fixtures/config/CASE/` holds the files of a small application,
//! `fixtures/config/CASE.facts` what must be said about them. `UPDATE_GOLDEN=1` rewrites the listings; read the diff.

#![allow(clippy::expect_used, reason = "a fixture that is missing fails the test")]

use std::path::{Path, PathBuf};
use wipeproof::discover::{Application, Artifact, WalkOptions, walk};
use wipeproof::facts::listing;
use wipeproof::read::read_all;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config")
}

/// The cases: every folder.
fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the fixtures are there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases
}

/// The files of a case, named as a person who stands in its folder would name them.
fn application(case: &Path) -> Application {
    let walked = walk(&[case.to_path_buf()], &WalkOptions::default()).expect("the case can be walked");
    let named = |a: Artifact| Artifact { path: a.name.clone(), ..a };
    Application::new(walked.artifacts.into_iter().map(named).collect(), walked.skipped)
}

#[test]
fn facts_are_as_listed() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    let cases = cases();
    assert!(!cases.is_empty());
    for case in cases {
        let readings = read_all(&application(&case)).readings;
        let listed = listing::print(&readings);
        assert_eq!(listing::parse(&listed).expect("a listing parses"), readings, "{}", case.display());
        let golden = case.with_extension("facts");
        if update {
            std::fs::write(&golden, &listed).expect("the listing can be written");
        } else if std::fs::read_to_string(&golden).ok().as_deref() != Some(listed.as_str()) {
            wrong.push(format!("{}:\n{listed}", golden.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_listing_has_its_case() {
    for entry in std::fs::read_dir(folder()).expect("the fixtures are there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "facts") {
            assert!(path.with_extension("").is_dir(), "{} has no case", path.display());
        }
    }
}
