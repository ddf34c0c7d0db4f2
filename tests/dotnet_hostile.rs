//! Assemblies that fight back: what is too much is capped and said, the rest is read, and nothing takes long.
#![allow(clippy::expect_used, reason = "a test may fail loudly")]

mod clr_image;
mod random;

use clr_image::{ASSEMBLY_REF, Assembly, MEMBER_REF, METHOD, TYPE_DEF, TYPE_REF};
use random::Random;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wipeproof::discover::{Application, Artifact, Kind};
use wipeproof::facts::{NoteKind, Reading};
use wipeproof::read::read_bytes;

/// The table of type specifications.
const TYPE_SPEC: u8 = 0x1b;
/// Also on a slow and busy machine in a debug build.
const PATIENCE: Duration = Duration::from_secs(30);

fn read(name: &str, bytes: &[u8]) -> Reading {
    let file: PathBuf = std::env::temp_dir().join(format!("wipeproof-clr-{}-{name}", std::process::id()));
    std::fs::write(&file, bytes).expect("a file");
    let artifact = Artifact { path: name.into(), name: name.into(), file, size: bytes.len() as u64, part: None };
    let app = Application::new(vec![artifact.clone()], Vec::new());
    let started = Instant::now();
    let reading = read_bytes(&app, &artifact, Kind::Assembly, bytes);
    let took = started.elapsed();
    let _ = std::fs::remove_file(&artifact.file);
    assert!(took < PATIENCE, "{name}: took {took:?}");
    assert!(reading.notes.iter().all(|n| n.kind != NoteKind::Failed), "{name}: {:?}", reading.notes);
    reading
}

fn written(reading: &Reading) -> Vec<String> {
    reading.facts.iter().filter_map(|f| f.as_effect()).map(|e| e.location.to_string()).collect()
}

fn has(reading: &Reading, kind: NoteKind, words: &str) -> bool {
    reading.notes.iter().any(|note| note.kind == kind && note.text.contains(words))
}

fn with_writer() -> (Assembly, u32) {
    let mut assembly = Assembly::new();
    let call = assembly.write_all_text();
    (assembly, call)
}

#[test]
fn a_small_assembly_is_read() {
    let (mut assembly, call) = with_writer();
    let mut il = assembly.write(call, "C:\\data\\one.txt");
    il.push(0x2a);
    assembly.method("Save", &il);
    let reading = read("small.dll", &assembly.image());
    assert_eq!(written(&reading), ["C:\\data\\one.txt"], "{:?}", reading.notes);
    assert!(reading.notes.is_empty(), "{:?}", reading.notes);
}

#[test]
fn what_is_cut_off_is_said() {
    let whole = std::fs::read("fixtures/dotnet/files.exe").expect("a fixture");
    assert!(read("whole.exe", &whole).notes.is_empty());
    let reading = read("cut.exe", whole.get(..2000).expect("it is longer"));
    assert!(has(&reading, NoteKind::Malformed, "past its end"), "{:?}", reading.notes);
    assert!(has(&reading, NoteKind::Malformed, "are not there"), "{:?}", reading.notes);
}

#[test]
fn a_method_of_a_million_instructions_costs_only_itself() {
    let (mut assembly, call) = with_writer();
    let mut long = vec![0; 1_100_000];
    long.extend(assembly.write(call, "C:\\data\\long.txt"));
    long.push(0x2a);
    assembly.method("Long", &long);
    let mut short = assembly.write(call, "C:\\data\\short.txt");
    short.push(0x2a);
    assembly.method("Short", &short);
    let reading = read("long.dll", &assembly.image());
    assert_eq!(written(&reading), ["C:\\data\\short.txt"]);
    assert!(has(&reading, NoteKind::Capped, "too long"), "{:?}", reading.notes);
}

#[test]
fn many_jumps_and_many_values_stay_few() {
    let (mut assembly, call) = with_writer();
    // A hundred thousand `br.s 0`, each a join, and half as many writes of a joined value.
    let mut il = Vec::new();
    for _ in 0..100_000 {
        il.extend([0x2b, 0x00]);
    }
    il.extend(assembly.write(call, "C:\\data\\joined.txt"));
    il.push(0x2a);
    assembly.method("Jumps", &il);
    // Every literal another place.
    let mut many = Vec::new();
    for n in 0..2000 {
        many.extend(assembly.write(call, &format!("C:\\data\\{n}")));
    }
    many.push(0x2a);
    assembly.method("Many", &many);
    let reading = read("jumps.dll", &assembly.image());
    assert_eq!(written(&reading).len(), 2001);
}

#[test]
fn absurd_row_counts() {
    for table in [TYPE_REF, TYPE_DEF, METHOD, MEMBER_REF, ASSEMBLY_REF] {
        for count in [0, 2, 1000, 1 << 20, (1 << 24) - 1, u32::MAX] {
            let (mut assembly, call) = with_writer();
            let il = [assembly.write(call, "C:\\x"), vec![0x2a]].concat();
            assembly.method("Save", &il);
            assembly.counts = vec![(table, count)];
            read("counts.dll", &assembly.image());
        }
    }
}

/// A reference to a member of a generic type whose specification is this blob.
fn with_spec(blob: &[u8]) -> Vec<u8> {
    let (mut assembly, call) = with_writer();
    let (name, spec) = (assembly.string("Get"), assembly.blob(blob));
    assembly.row(TYPE_SPEC, &[&spec]);
    let signature = assembly.blob(&[0x20, 0, 0x0e]);
    // MemberRefParent: TypeSpec has tag 4.
    assembly.row(MEMBER_REF, &[&[1 << 3 | 4, 0], &name, &signature]);
    let il = [assembly.write(call, "C:\\data\\spec.txt"), vec![0x2a]].concat();
    assembly.method("Save", &il);
    assembly.image()
}

#[test]
fn cyclic_and_deep_signatures() {
    // GENERICINST CLASS (TypeSpec 1: TypeDefOrRef tag 2) of itself; CLASS of itself.
    let itself = [0x15, 0x12, 1 << 2 | 2, 1, 0x12, 1 << 2 | 2];
    let class = [0x12, 1 << 2 | 2];
    let arrays = [vec![0x1d; 10_000], vec![0x0e]].concat();
    let pointers = [vec![0x0f; 10_000], vec![0x01]].concat();
    let mut generic = Vec::new();
    for _ in 0..2000 {
        generic.extend([0x15, 0x12, 2 << 2 | 1, 1]);
    }
    generic.push(0x0e);
    let wide = [vec![0x15, 0x12, 2 << 2 | 1, 0xdf, 0xff, 0xff, 0xff], vec![0x0e; 100]].concat();
    let modifiers = [[0x20, 2 << 2 | 1].repeat(5000), vec![0x0e]].concat();
    for (name, blob) in [
        ("itself", &itself[..]),
        ("class", &class[..]),
        ("arrays", &arrays[..]),
        ("pointers", &pointers[..]),
        ("generic", &generic[..]),
        ("wide", &wide[..]),
        ("modifiers", &modifiers[..]),
        ("empty", &[][..]),
    ] {
        let reading = read(&format!("{name}.dll"), &with_spec(blob));
        assert_eq!(written(&reading), ["C:\\data\\spec.txt"], "{name}");
    }
}

#[test]
fn types_within_one_another_and_bases_in_a_circle() {
    let (mut assembly, call) = with_writer();
    let il = [assembly.write(call, "C:\\data\\circle.txt"), vec![0x2a]].concat();
    assembly.method("Save", &il);
    let (a, b) = (assembly.string("A"), assembly.string("B"));
    // TypeDefOrRef: TypeDef has tag 0. Row 3 extends row 4 extends row 3; each is nested in the other.
    assembly.row(TYPE_DEF, &[&[0; 4], &a, &[0, 0], &[4 << 2, 0], &[1, 0], &[2, 0]]);
    assembly.row(TYPE_DEF, &[&[0; 4], &b, &[0, 0], &[3 << 2, 0], &[1, 0], &[2, 0]]);
    const NESTED: u8 = 0x29;
    assembly.row(NESTED, &[&[3, 0], &[4, 0]]);
    assembly.row(NESTED, &[&[4, 0], &[3, 0]]);
    let reading = read("circle.dll", &assembly.image());
    assert_eq!(written(&reading), ["C:\\data\\circle.txt"]);
}

#[test]
fn calls_in_circles_end() {
    let (mut assembly, call) = with_writer();
    // A hundred methods that each call two of the others, in a circle.
    let mut il = Vec::new();
    for n in 0..100_u32 {
        il.clear();
        for target in [(n + 1) % 100, (n + 7) % 100] {
            il.push(0x28);
            il.extend((0x0600_0001 + target).to_le_bytes());
        }
        il.extend(assembly.write(call, &format!("C:\\circle\\{n}")));
        il.push(0x2a);
        assembly.method(&format!("M{n}"), &il);
    }
    assert_eq!(written(&read("calls.dll", &assembly.image())).len(), 100);
}

/// Flips bits in the metadata, where they hurt, of every fixture; tests/hostile.rs damages the files as a whole.
#[test]
fn damaged_metadata() {
    let folders = [Path::new("fixtures/dotnet"), Path::new("fixtures/dotnet/debug")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("the fixtures"));
    let mut files: Vec<PathBuf> = files.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    for (i, file) in files.iter().enumerate() {
        let bytes = std::fs::read(file).unwrap_or_default();
        let Some(start) = bytes.windows(4).position(|w| w == b"BSJB") else { continue };
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let mut random = Random(0x5851_f42d + i as u64);
        for round in 0..24 {
            let mut copy = bytes.clone();
            // The root with the row counts at first, then anywhere behind.
            let reach = if round % 2 == 0 { 600 } else { copy.len() - start };
            for _ in 0..=random.below(12) {
                let at = start + random.below(reach.min(copy.len() - start));
                copy[at] = random.below(256) as u8;
            }
            read(&format!("{round}-{name}"), &copy);
        }
    }
}
