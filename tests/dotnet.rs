//! What the reader of .NET assemblies says about small programs, compared as text.
//!
//! `UPDATE_GOLDEN=1 cargo test --test dotnet` writes the listings anew; read the difference line by line.

#![allow(clippy::expect_used)]

use std::path::{Path, PathBuf};
use wipeproof::discover::walk;
use wipeproof::facts::listing;
use wipeproof::read::read_all;

fn facts_of(inputs: &[PathBuf]) -> String {
    let app = walk(inputs, &Default::default()).expect("fixtures can be walked");
    listing::print(&read_all(&app).readings)
}

fn golden(name: &str, inputs: &[PathBuf]) {
    let file = Path::new("fixtures/dotnet").join(format!("{name}.facts"));
    let found = facts_of(inputs);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &found).expect("the listing can be written");
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(found, wanted, "{} differs", file.display());
}

fn program(name: &str) {
    golden(name, &[PathBuf::from(format!("fixtures/dotnet/{name}.exe"))]);
}

#[test]
fn files() {
    program("files");
}

#[test]
fn where_values_come_from() {
    program("values");
}

#[test]
fn objects_told_apart() {
    program("objects");
}

#[test]
fn many_callers_and_many_assignments() {
    program("wrappers");
}

#[test]
fn what_becomes_of_a_file_in_its_method() {
    program("streams");
}

#[test]
fn shortcuts_through_interfaces_of_com() {
    program("shortcuts");
}

#[test]
fn code_that_the_system_calls() {
    program("phases");
}

#[test]
fn what_one_caller_asks_for() {
    program("chosen");
}

#[test]
fn pieces_of_paths_that_others_take_the_place_of() {
    program("replaced");
}

#[test]
fn registry_and_settings() {
    program("registry");
}

#[test]
fn stores_behind_the_class_library() {
    program("stores");
}

#[test]
fn stores_behind_libraries() {
    golden("libraries", &["fixtures/dotnet/libraries.dll".into()]);
}

#[test]
fn stores_on_other_hosts() {
    golden("remote", &["fixtures/dotnet/remote.dll".into()]);
}

#[test]
fn a_site() {
    golden("site", &["fixtures/dotnet/site.dll".into()]);
}

#[test]
fn before_and_after_the_host_and_what_is_not_for_windows() {
    program("program");
}

#[test]
fn renamed_types() {
    program("obfuscated");
}

#[test]
fn a_web_application() {
    golden("web", &["fixtures/dotnet/web.dll".into()]);
}

#[test]
fn a_service_with_its_library() {
    golden("service", &["fixtures/dotnet/paths.dll".into(), "fixtures/dotnet/service.exe".into()]);
}

#[test]
fn what_an_application_uses_of_a_library() {
    let files = ["kit.dll", "shipped.config", "shipped.exe"];
    golden("shipped", &files.map(|name| PathBuf::from(format!("fixtures/dotnet/{name}"))));
}

#[test]
fn the_members_of_a_single_file_application() {
    golden("bundle", &["fixtures/dotnet/bundle.exe".into()]);
}

#[test]
fn a_host_leads_to_its_assembly() {
    golden("launcher", &["fixtures/dotnet/launcher.exe".into(), "fixtures/dotnet/paths.dll".into()]);
    let alone = facts_of(&["fixtures/dotnet/launcher.exe".into()]);
    assert!(alone.contains("not among the files that were scanned"), "{alone}");
}

#[test]
fn source_lines_beside_and_within_but_not_of_another_build() {
    golden("lines", &["fixtures/dotnet/debug".into()]);
}

/// A memory that only writes down what it is asked for.
#[derive(Default)]
struct Asked(std::sync::Mutex<Vec<String>>);

impl wipeproof::read::Memory for Asked {
    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        self.0.lock().expect("no panic elsewhere").push(key.to_owned());
        None
    }

    fn keep(&self, _: &str, _: &[u8]) {}
}

#[test]
fn assemblies_are_remembered_with_their_debug_information() {
    let scratch = std::env::temp_dir().join(format!("wipeproof-remembered-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("a scratch folder");
    let key = || {
        let asked = Asked::default();
        let options = wipeproof::read::Options { memory: Some(&asked), ..Default::default() };
        let app = walk(std::slice::from_ref(&scratch), &Default::default()).expect("the scratch folder");
        wipeproof::read::read_all_with(&app, options);
        asked.0.into_inner().expect("no panic elsewhere")
    };
    let put = |from: &str, to: &str| {
        std::fs::copy(Path::new("fixtures/dotnet/debug").join(from), scratch.join(to)).expect("a copy");
    };
    put("lines.exe", "lines.exe");
    let alone = key();
    put("lines.pdb", "lines.pdb");
    let with = key();
    assert_eq!(with, key());
    std::fs::write(scratch.join("lines.pdb"), b"BSJB of another build").expect("another database");
    let other = key();
    put("lines.cs", "lines.cs");
    let with_source = key();
    std::fs::remove_dir_all(&scratch).expect("the scratch folder goes");
    assert!(alone != with && with != other && other != with_source, "{alone:?} {with:?} {other:?} {with_source:?}");
}
