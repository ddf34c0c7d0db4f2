//! What native programs do through frameworks and language runtimes, whose functions are imported by number.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native_frameworks` writes the listings anew; read the difference line by line.

#![allow(clippy::expect_used)]

use std::path::{Path, PathBuf};
use wipeproof::discover::walk;
use wipeproof::facts::{Certainty, Operation, Reading, listing};
use wipeproof::read::read_all;

fn written(reading: &Reading) -> Vec<String> {
    let effects = reading.facts.iter().filter_map(|f| f.as_effect());
    let shown = effects.filter(|e| e.operation != Operation::Read && e.certainty > Certainty::Possible);
    let line = |e: &wipeproof::facts::Effect| {
        format!("{} {} {}", <&str>::from(e.operation), <&str>::from(e.store), e.location)
    };
    let mut lines: Vec<String> = shown.map(line).collect();
    lines.sort();
    lines
}

/// All builds say the same, and exactly what a reader of the source expects.
fn says(program: &str, builds: &[&str], expected: &[&str]) {
    let folder = Path::new("fixtures/native/frameworks");
    let inputs: Vec<PathBuf> = builds.iter().map(|b| folder.join(format!("{program}-{b}.exe"))).collect();
    let readings = read_all(&walk(&inputs, &Default::default()).expect("fixtures can be walked")).readings;
    let file = folder.join(format!("{program}.facts"));
    let found = listing::print(&readings);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &found).expect("the listing can be written");
    }
    assert_eq!(found, std::fs::read_to_string(&file).unwrap_or_default(), "{} differs", file.display());
    assert_eq!(readings.len(), builds.len());
    for reading in readings {
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

const ALL: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

#[test]
fn profiles_and_files_of_mfc() {
    says(
        "mfc",
        &ALL,
        &[
            "create file C:\\data\\orders.dat",
            "set-value registry HKCU\\Software\\{?}\\{?}\\Session\\LastOrder",
            "set-value registry HKCU\\Software\\{?}\\{?}\\Window\\Left",
        ],
    );
}

#[test]
fn without_a_registry_key_the_profile_of_mfc_is_a_file() {
    says(
        "profile",
        &ALL,
        &[
            "create file C:\\data\\orders.dat",
            "set-value ini {Windows}\\{?}.ini\\Session\\LastOrder",
            "set-value ini {Windows}\\{?}.ini\\Window\\Left",
        ],
    );
}

#[test]
fn settings_of_visual_basic() {
    says(
        "vb",
        &["x86-O0", "x86-O2"],
        &["set-value registry HKCU\\Software\\VB and VBA Program Settings\\OrderDesk\\Window\\Left"],
    );
}
