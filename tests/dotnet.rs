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
fn registry_and_settings() {
    program("registry");
}

#[test]
fn a_service_with_its_library() {
    golden("service", &["fixtures/dotnet/paths.dll".into(), "fixtures/dotnet/service.exe".into()]);
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
