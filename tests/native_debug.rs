//! Source lines of native code: from DWARF inside the image and from a program database beside it.
#![allow(clippy::expect_used)]

mod native_listing;

use native_listing::{golden, shown};
use std::fs;
use std::path::{Path, PathBuf};
use wipeproof::discover::walk;
use wipeproof::facts::{NoteKind, Reading};
use wipeproof::read::read_all;

const FOLDER: &str = "fixtures/native/debug";
const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

fn read(input: &Path) -> Vec<Reading> {
    read_all(&walk(&[input.to_path_buf()], &Default::default()).expect("can be walked")).readings
}

/// Source, line and location of every effect.
fn places(reading: &Reading) -> Vec<String> {
    let effects = reading.facts.iter().filter_map(|f| f.as_effect().map(|e| (&f.site, e)));
    effects
        .map(|(site, e)| {
            let file = site.source_file.as_deref().unwrap_or("-");
            format!("{file}:{} {}", site.source_line.unwrap_or(0), e.location)
        })
        .collect()
}

/// A folder of its own for one test, emptied.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a scratch folder");
    folder
}

#[test]
fn listings_say_the_lines() {
    for format in ["codeview", "dwarf4", "dwarf5"] {
        golden(FOLDER, format, &BUILDS, "exe");
    }
}

#[test]
fn lines_lead_to_the_scanned_sources() {
    let readings = read(Path::new(FOLDER));
    let is_desk =
        |r: &&Reading| r.format.starts_with("pe-") && !r.artifact.contains("ledger") && !r.artifact.contains("till");
    let images: Vec<&Reading> = readings.iter().filter(is_desk).collect();
    // Three formats for two processors, without and with optimisation.
    assert_eq!(images.len(), 12);
    for reading in images {
        let expected = [
            "fixtures/native/debug/src/orders.c:9 C:\\data\\orders.dat",
            "fixtures/native/debug/src/orders.c:19 C:\\data\\orders.lock",
        ];
        assert_eq!(places(reading), expected, "{}", reading.artifact);
        assert!(reading.notes.is_empty(), "{:?}", reading.notes);
        // The caller that gave the path has its line too.
        let steps = reading.facts.iter().filter_map(|f| f.as_effect()).flat_map(|e| &e.evidence);
        let lines: Vec<u32> = steps.filter_map(|s| s.site.as_ref()?.source_line).collect();
        assert_eq!(lines.first(), Some(&9));
    }
}

/// Optimised C++: methods of a template, a lambda that was inlined, and where they were called.
#[test]
fn lines_of_methods_templates_and_lambdas() {
    for reading in golden(FOLDER, "ledger", &BUILDS, "exe") {
        let expected = ["ledger.cpp:26 C:\\data\\ledger.lock", "ledger.cpp:12 C:\\data\\ledger.dat"];
        assert_eq!(places(&reading), expected, "{}", reading.artifact);
        let steps = reading.facts.iter().filter_map(|f| f.as_effect()).flat_map(|e| &e.evidence);
        let lines: Vec<u32> = steps.filter_map(|s| s.site.as_ref()?.source_line).collect();
        assert!(lines.contains(&25), "{}: {lines:?}", reading.artifact);
    }
}

/// Methods in a header, constructors and virtual functions, optimised and not, and from a program database.
#[test]
fn lines_of_objects() {
    let with_lines = |reading: &Reading| {
        let is_known = |place: &String| place.ends_with("receipt.txt");
        let mut places: Vec<String> = places(reading).into_iter().filter(is_known).collect();
        places.sort();
        places
    };
    for reading in golden(FOLDER, "till", &BUILDS, "exe") {
        let expected = ["till.cpp:13 C:\\data\\receipt.txt", "till.hpp:16 C:\\data\\receipt.txt"];
        assert_eq!(with_lines(&reading), expected, "{}", reading.artifact);
        assert_eq!(shown(&reading).count(), expected.len(), "{}", reading.artifact);
    }
    for reading in golden(FOLDER, "till-codeview", &BUILDS, "exe") {
        let expected =
            ["D:/build/till/till.cpp:13 C:\\data\\receipt.txt", "D:/build/till/till.hpp:16 C:\\data\\receipt.txt"];
        assert_eq!(with_lines(&reading), expected, "{}", reading.artifact);
    }
}

#[test]
fn a_single_file_finds_its_database_and_shows_the_path_of_the_compiler() {
    let readings = read(&Path::new(FOLDER).join("codeview-x64-O2.exe"));
    let found = readings.first().map(places).unwrap_or_default();
    assert_eq!(found.first().map(String::as_str), Some("D:/build/desk/src/orders.c:9 C:\\data\\orders.dat"));
}

#[test]
fn another_builds_database_is_not_believed() {
    let folder = scratch("other-build");
    fs::copy(Path::new(FOLDER).join("codeview-x64-O2.exe"), folder.join("desk.exe")).expect("copied");
    let mut database = fs::read(Path::new(FOLDER).join("codeview-x64-O2.pdb")).expect("a database");
    let image = fs::read(folder.join("desk.exe")).expect("an image");
    let record = image.windows(4).position(|w| w == b"RSDS").expect("a CodeView record");
    let guid = image.get(record + 4..record + 20).expect("an identity");
    // The information stream begins with version, signature, age; the identity follows.
    let at = database.windows(16).position(|w| w == guid).expect("the identity in the database");
    database[at] ^= 1;
    fs::write(folder.join("desk.pdb"), &database).expect("written");
    let readings = read(&folder);
    let reading = readings.first().expect("read");
    assert!(places(reading).iter().all(|p| p.starts_with("-:0 ")), "{:?}", places(reading));
    let [note] = reading.notes.as_slice() else { panic!("{:?}", reading.notes) };
    assert_eq!(note.kind, NoteKind::Info);
    assert!(note.text.contains("desk.pdb belongs to another build"), "{}", note.text);
}

#[test]
fn broken_debug_information_costs_the_lines_only() {
    let folder = scratch("broken-debug");
    let image = fs::read(Path::new(FOLDER).join("codeview-x64-O2.exe")).expect("an image");
    let database = fs::read(Path::new(FOLDER).join("codeview-x64-O2.pdb")).expect("a database");
    let dwarf = fs::read(Path::new(FOLDER).join("dwarf5-x64-O2.exe")).expect("an image");
    fs::write(folder.join("codeview-x64-O2.exe"), image).expect("written");
    for i in 0..400usize {
        let mut broken = database.clone();
        let mut seed = i as u64 + 1;
        for _ in 0..12 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % broken.len();
            broken[at] = (seed >> 24) as u8;
        }
        if i % 4 == 0 {
            broken.truncate((seed >> 33) as usize % database.len());
        }
        fs::write(folder.join("codeview-x64-O2.pdb"), &broken).expect("written");
        // The part of the image behind its code: sections with debug information.
        let mut image = dwarf.clone();
        for at in (0x800 + i % 7..image.len()).step_by(97 + i) {
            image[at] ^= (seed >> (at % 48)) as u8;
        }
        fs::write(folder.join("dwarf5-x64-O2.exe"), &image).expect("written");
        for reading in read(&folder) {
            assert!(reading.notes.iter().all(|n| n.kind != NoteKind::Failed), "{:?}", reading.notes);
        }
        let readings = read(&folder.join("codeview-x64-O2.exe"));
        assert_eq!(readings.first().map(|r| places(r).len()), Some(2));
    }
}
