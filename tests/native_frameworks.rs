//! What native programs do through frameworks and language runtimes, whose functions are imported by number.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native_frameworks` writes the listings anew; read the difference line by line.

mod native_listing;

use native_listing::{golden, shown};
use wipeproof::facts::{Effect, Reading};

fn written(reading: &Reading) -> Vec<String> {
    let line = |e: &Effect| format!("{} {} {}", <&str>::from(e.operation), <&str>::from(e.store), e.location);
    let mut lines: Vec<String> = shown(reading).map(line).collect();
    lines.sort();
    lines
}

/// All builds say the same, and exactly what a reader of the source expects.
fn says(program: &str, builds: &[&str], expected: &[&str]) {
    for reading in golden("fixtures/native/frameworks", program, builds, "exe") {
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
