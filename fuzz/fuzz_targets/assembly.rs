#![no_main]
//! Assemblies are read from files, all of an application together, so the bytes become one.
use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;
use wipeproof::discover::{Application, Artifact, Kind};
use wipeproof::read::read_bytes;

fuzz_target!(|bytes: &[u8]| {
    let file: PathBuf = std::env::temp_dir().join(format!("wipeproof-fuzz-{}.dll", std::process::id()));
    std::fs::write(&file, bytes).expect("the temporary folder takes a file");
    let artifact = Artifact { path: "a.dll".into(), name: "a.dll".into(), file, size: bytes.len() as u64, part: None };
    read_bytes(&Application::default(), &artifact, Kind::Assembly, bytes);
});
