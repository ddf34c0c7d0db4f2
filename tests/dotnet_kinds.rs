//! Kinds of assemblies that no compiler at hand makes: older tables, machine code beside IL, what was compiled ahead of
//! time, what an obfuscator leaves. Real ones are looked at by `tests/corpus/kinds.py`.
#![allow(clippy::expect_used, reason = "a test may fail loudly")]

mod clr_image;
mod scratch;

use clr_image::{Assembly, Kind, TYPE_DEF};
use scratch::Folder;
use wipeproof::discover::walk;
use wipeproof::facts::{NoteKind, Reading};
use wipeproof::read::read_all;

/// What is read of an assembly with one method that writes a file.
fn read(of: Kind, prepare: impl FnOnce(&mut Assembly)) -> Reading {
    let mut assembly = Assembly::new();
    assembly.kind = of;
    let call = assembly.write_all_text();
    let mut il = assembly.write(call, "C:\\data\\kind.txt");
    il.push(0x2a);
    assembly.method("Save", &il);
    prepare(&mut assembly);
    let folder = Folder::new(&format!("{of:?}-{}", assembly.image().len()));
    let file = folder.0.join("kind.dll");
    std::fs::write(&file, assembly.image()).expect("a file");
    let app = walk(&[file], &Default::default()).expect("it can be walked");
    read_all(&app).readings.into_iter().next().expect("a reading")
}

fn writes(reading: &Reading) -> bool {
    let mut effects = reading.facts.iter().filter_map(|fact| fact.as_effect());
    effects.any(|effect| effect.location.to_string() == "C:\\data\\kind.txt")
}

fn has(reading: &Reading, kind: NoteKind, words: &str) -> bool {
    reading.notes.iter().any(|note| note.kind == kind && note.text.contains(words))
}

#[test]
fn the_first_framework() {
    let reading = read(Kind::Old, |_| {});
    assert!(writes(&reading) && reading.notes.is_empty(), "{reading:?}");
}

#[test]
fn machine_code_beside_il() {
    let reading = read(Kind::Mixed, |_| {});
    assert!(writes(&reading), "{reading:?}");
    assert!(has(&reading, NoteKind::Info, "managed and native code in one image"), "{:?}", reading.notes);
}

#[test]
fn compiled_ahead_of_time() {
    let reading = read(Kind::ReadyToRun, |_| {});
    assert!(writes(&reading), "{reading:?}");
    assert!(has(&reading, NoteKind::Info, "ReadyToRun"), "{:?}", reading.notes);
    assert!(!has(&reading, NoteKind::Info, "managed and native code"), "{:?}", reading.notes);
}

#[test]
fn what_an_obfuscator_signs() {
    let reading = read(Kind::Plain, |assembly| {
        let name = assembly.string("ConfusedByAttribute");
        assembly.row(TYPE_DEF, &[&[0; 4], &name, &[0, 0], &[1 << 2 | 1, 0], &[1, 0], &[2, 0]]);
    });
    assert!(has(&reading, NoteKind::Opaque, "obfuscated with ConfuserEx"), "{:?}", reading.notes);
}
