//! Native images made by hand to mislead, to exhaust or to hide: each costs at most itself, and what was not seen is said
//! where the verdict is given.
#![allow(clippy::expect_used, reason = "a test may fail loudly")]

mod native_image;

use native_image::{CODE, DATA, ENTRY, Image, Section, import_table};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use wipeproof::discover::{Application, Artifact, Kind};
use wipeproof::facts::{Certainty, NoteKind, Operation, Reading};
use wipeproof::read::read_bytes;
use wipeproof::report::{Report, Verdict};
use wipeproof::rules::RuleSet;
use wipeproof::settings::Settings;
use wipeproof::{Request, scan};

/// One image may take this long, also on a slow and busy machine in a debug build.
const PATIENCE: Duration = Duration::from_secs(60);

fn read(bytes: &[u8]) -> Reading {
    let file = PathBuf::from("hostile.exe");
    let size = bytes.len() as u64;
    let artifact = Artifact { path: "hostile.exe".into(), name: "hostile.exe".into(), file, size, part: None };
    let app = Application::new(vec![artifact.clone()], Vec::new());
    let started = Instant::now();
    let reading = read_bytes(&app, &artifact, Kind::Pe, bytes);
    assert!(started.elapsed() < PATIENCE, "took {:?}", started.elapsed());
    assert!(!has(&reading, NoteKind::Failed, ""), "{:?}", reading.notes);
    reading
}

fn has(reading: &Reading, kind: NoteKind, words: &str) -> bool {
    reading.notes.iter().any(|n| n.kind == kind && n.text.contains(words))
}

fn writes(reading: &Reading) -> Vec<String> {
    let effects = reading.facts.iter().filter_map(|f| f.as_effect());
    let shown = effects.filter(|e| e.operation != Operation::Read && e.certainty > Certainty::Possible);
    shown.map(|e| e.location.to_string()).collect()
}

/// The whole report on one image.
fn report(name: &str, bytes: &[u8]) -> Report {
    let folder = std::env::temp_dir().join(format!("wipeproof-native-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    std::fs::write(folder.join("app.exe"), bytes).expect("an image");
    let rules = RuleSet::embedded().expect("the shipped rules");
    let settings = Settings::default();
    let target = rules.target("vm-role").expect("the first target");
    let request = Request::new(vec![folder.clone()], &settings, &rules, vec![target]);
    let report = scan(&request).expect("a scan");
    let _ = std::fs::remove_dir_all(&folder);
    report
}

/// No clean bill of health for what was not seen.
fn is_said_not_to_be_seen(name: &str, bytes: &[u8], words: &str) {
    let report = report(name, bytes);
    assert_eq!(report.verdict, Verdict::InsufficientData, "{:?}", report.notes);
    assert!(report.notes.iter().any(|n| n.text.contains(words)), "{:?}", report.notes);
    assert!(report.targets.iter().all(|t| t.because.contains("could not be seen whole")), "{:?}", report.targets);
}

#[test]
fn the_plain_image_is_understood() {
    let reading = read(&Image::writing("C:\\data\\plain.dat").bytes());
    assert_eq!(writes(&reading), ["C:\\data\\plain.dat"], "{reading:?}");
    assert!(reading.notes.is_empty(), "{:?}", reading.notes);
}

#[test]
fn sections_that_overlap_do_not_hide_the_code() {
    let mut image = Image::writing("C:\\data\\kept.dat");
    for rva in [ENTRY, ENTRY + 4, 0x2000, 0xffff_f000, u32::MAX] {
        image.sections.push(Section { size: u32::MAX, ..Section::new("over", rva, vec![0xcc; 64], CODE) });
    }
    assert_eq!(writes(&read(&image.bytes())), ["C:\\data\\kept.dat"]);
}

#[test]
fn addresses_that_wrap_around_are_nowhere() {
    for directory in 0..16 {
        for (rva, size) in [(u32::MAX, u32::MAX), (0xffff_fff8, 64), (ENTRY, u32::MAX), (0x2000, u32::MAX)] {
            let mut image = Image::writing("C:\\data\\kept.dat");
            image.directories[directory] = (rva, size);
            let reading = read(&image.bytes());
            // Without its import table nothing is known of an image, without the others everything that counts is.
            assert!(directory == 1 || writes(&reading) == ["C:\\data\\kept.dat"], "{directory} {rva:#x}: {reading:?}");
        }
    }
}

#[test]
fn an_import_table_that_repeats_itself_is_cut_off() {
    // Two thousand modules share one table of thirty thousand functions: sixty million imports.
    let mut image = Image::writing("C:\\data\\kept.dat");
    let mut table = Vec::new();
    let thunks = 0x10_0000u32 + 2_001 * 20;
    let name = thunks + 30_001 * 8;
    for _ in 0..2_000 {
        for field in [thunks, 0, 0, name, thunks] {
            table.extend(field.to_le_bytes());
        }
    }
    table.extend([0; 20]);
    for _ in 0..30_000u32 {
        table.extend(u64::from(name).to_le_bytes());
    }
    table.extend([0; 8]);
    table.extend(b"kernel32.dll\0\0");
    image.sections.push(Section::new("idata", 0x10_0000, table, DATA));
    image.directories[1] = (0x10_0000, 2_001 * 20);
    let reading = read(&image.bytes());
    let capped = reading.notes.iter().filter(|n| n.kind == NoteKind::Capped).count();
    assert_eq!(capped, 1, "{:?}", reading.notes);
    assert!(has(&reading, NoteKind::Capped, "more imports than are read"));
}

#[test]
fn what_is_cut_off_is_said_in_the_report() {
    // Imports without end, and calls in code that no function is known for: the report says so, and is no bill of health.
    let mut image = Image::bare();
    let table: Vec<u8> =
        std::iter::repeat_n(u64::from(import_table::NAMES), 70_000).flat_map(u64::to_le_bytes).collect();
    image.imports(&["CreateFileA"]);
    image.sections.push(Section::new("long", 0x10_0000, table, DATA));
    let mut bytes = image.bytes();
    for field in [0, 16] {
        let at = image.offset_of(0x3000) + field;
        bytes[at..at + 4].copy_from_slice(&0x10_0000u32.to_le_bytes());
    }
    is_said_not_to_be_seen("imports", &bytes, "more imports than are read");
}

#[test]
fn unwind_information_that_is_chained_to_itself_ends() {
    let mut image = Image::writing("C:\\data\\kept.dat");
    // An entry whose information has UNW_FLAG_CHAININFO and continues with itself, and one that leads nowhere.
    let info = 0x7100u32;
    let mut data = Vec::new();
    for (start, end, unwind) in [(ENTRY, ENTRY + 0x40, info), (0x1100, 0x1200, 0xffff_fff0), (0x2000, 0x1000, info)] {
        for field in [start, end, unwind] {
            data.extend(u32::to_le_bytes(field));
        }
    }
    data.resize(0x100, 0);
    data.extend([0x21, 0, 0, 0]);
    for field in [ENTRY, ENTRY + 0x40, info] {
        data.extend(field.to_le_bytes());
    }
    image.sections.push(Section::new(".pdata", 0x7000, data, DATA));
    image.directories[3] = (0x7000, 36);
    assert_eq!(writes(&read(&image.bytes())), ["C:\\data\\kept.dat"]);
}

#[test]
fn delayed_imports_of_old_linkers_and_of_none() {
    // Attributes of zero: the fields hold addresses with the base of the image, which 32 bits cannot for this one.
    for attributes in [0u32, 1] {
        let mut image = Image::writing("C:\\data\\kept.dat");
        let mut table = Vec::new();
        for field in [attributes, 0x4000_3030, 0, 0x7fff_fff0, 0xffff_fff8, 0, 0, 0] {
            table.extend(field.to_le_bytes());
        }
        // Without an end.
        image.sections.push(Section::new("delay", 0x7000, table.repeat(64), DATA));
        image.directories[13] = (0x7000, 32 * 64);
        let reading = read(&image.bytes());
        assert_eq!(writes(&reading), ["C:\\data\\kept.dat"]);
        assert!(has(&reading, NoteKind::Malformed, "import directory"), "{:?}", reading.notes);
    }
}

#[test]
fn an_import_without_a_name_costs_only_itself() {
    let mut image = Image::writing("C:\\data\\kept.dat");
    image.imports(&["\u{7f}", "CreateFileA"]);
    let mut bytes = image.bytes();
    // The first entry of the lookup table now points nowhere.
    let at = image.offset_of(import_table::LOOKUP);
    bytes[at..at + 8].copy_from_slice(&0x7fff_0000u64.to_le_bytes());
    let reading = read(&bytes);
    assert!(has(&reading, NoteKind::Malformed, "name of an import"), "{:?}", reading.notes);
    assert!(reading.facts.iter().any(|f| f.as_effect().is_some_and(|e| e.via == "kernel32!CreateFileA")));
}

#[test]
fn thunks_that_jump_in_circles_end() {
    let mut image = Image::writing("C:\\data\\kept.dat");
    // jmp to the next, the last to the first.
    let count = 2_000u32;
    let mut code = Vec::new();
    for i in 0..count {
        let next = if i + 1 == count { 0i64 } else { i64::from(i) + 1 };
        code.push(0xe9);
        code.extend(((next - i64::from(i) - 1) as i32 * 5).to_le_bytes());
    }
    let start = 0x20_0000;
    image.sections.push(Section::new("ring", start, code, CODE));
    // The entry calls into the ring before it writes.
    image.call_first(start);
    assert_eq!(writes(&read(&image.bytes())), ["C:\\data\\kept.dat"]);
}

#[test]
fn a_function_of_ten_megabytes_does_not_hide_the_others() {
    let mut image = Image::writing("C:\\data\\kept.dat");
    let start = 0x20_0000u32;
    let mut code = Vec::new();
    // mov [rsp+disp], imm: each stores to another cell.
    while code.len() < 10 << 20 {
        code.extend([0xc7, 0x84, 0x24]);
        code.extend(((code.len() as u32 * 8) & 0x000f_ffff).to_le_bytes());
        code.extend(0x4141_4141u32.to_le_bytes());
    }
    // It ends with a write that is too far behind its start to be looked for.
    code.extend(image.writer_at(start + code.len() as u32));
    image.sections.push(Section::new("huge", start, code, CODE));
    image.call_first(start);
    let reading = read(&image.bytes());
    assert_eq!(writes(&reading), ["C:\\data\\kept.dat"]);
    assert!(has(&reading, NoteKind::Capped, "whose function is not known"), "{:?}", reading.notes);
}

#[test]
fn an_end_of_a_function_that_is_not_true_is_not_believed() {
    let mut image = Image::writing("C:\\data\\kept.dat");
    // The writer jumps through a register at its end; its .pdata entry says that it goes on for four gigabytes. Behind
    // it are two megabytes that are no instructions.
    let start = 0x20_0000;
    let mut code = image.writer_at(start);
    code.pop();
    code.extend([0xff, 0xe0]);
    code.extend(vec![0x06; 2 << 20]);
    image.sections.push(Section::new("long", start, code, CODE));
    image.entry = start;
    let entry = [start, 0xffff_0000, 0].map(u32::to_le_bytes).concat();
    image.sections.push(Section::new(".pdata", 0x200_0000, entry, DATA));
    image.directories[3] = (0x200_0000, 12);
    let reading = read(&image.bytes());
    assert_eq!(writes(&reading), ["C:\\data\\kept.dat"], "{:?}", reading.notes);
}

#[test]
fn a_function_that_is_cut_off_is_said_to_be() {
    let mut image = Image::bare();
    image.sections.push(Section::new(".rdata", 0x2000, b"C:\\data\\kept.dat\0".to_vec(), DATA));
    image.imports(&["CreateFileA"]);
    let start = 0x20_0000u32;
    // Twenty thousand instructions before the write: more than are decoded of one function.
    let mut code = [0x48, 0xff, 0xc0].repeat(20_000);
    code.extend(image.writer_at(start + code.len() as u32));
    image.sections.push(Section::new("long", start, code, CODE));
    image.entry = start;
    is_said_not_to_be_seen("long", &image.bytes(), "too large to be analysed whole");
}

#[test]
fn packed_code_is_not_clean() {
    for (first, second, packer) in [("UPX0", "UPX1", "UPX"), (".MPRESS1", ".MPRESS2", "MPRESS"), ("a", "b", "unknown")]
    {
        let mut image = Image::bare();
        let hollow = Section { size: 0x2_0000, ..Section::new(first, 0x10_0000, Vec::new(), CODE) };
        image.sections.insert(0, hollow);
        image.sections.push(Section::new(second, 0x20_0000, vec![0x60; 64], CODE));
        image.entry = 0x20_0000;
        image.imports(&["LoadLibraryA", "GetProcAddress", "VirtualProtect"]);
        is_said_not_to_be_seen(packer, &image.bytes(), "packed by");
    }
}

#[test]
fn what_upx_packed_is_not_clean() {
    for machine in ["x64", "x86"] {
        let bytes = std::fs::read(format!("fixtures/native/packed/files-{machine}.exe")).expect("a fixture");
        assert!(writes(&read(&bytes)).is_empty(), "{machine}");
        is_said_not_to_be_seen(&format!("upx-{machine}"), &bytes, "packed by UPX");
    }
}

#[test]
fn encrypted_code_is_not_clean() {
    let mut image = Image::bare();
    // Noise has no structure: an xorshift generator stands for it.
    let mut state = 0x9e37_79b9u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    })
    .take(0x8000)
    .collect();
    image.sections.push(Section::new(".code", 0x10_0000, noise, CODE));
    image.imports(&["LoadLibraryA", "GetProcAddress"]);
    is_said_not_to_be_seen("encrypted", &image.bytes(), "encrypted or compressed");
}

#[test]
fn code_of_other_processors_is_not_clean() {
    for (machine, words) in
        [(0xaa64u16, "of this processor"), (0x01c4, "of this processor"), (0x0200, "of this processor")]
    {
        let mut image = Image::bare();
        image.machine = machine;
        image.imports(&["CreateFileA", "RegSetValueExA"]);
        let reading = read(&image.bytes());
        // The import table is read as one of 64 bits, whatever the processor.
        let known: Vec<&str> = reading.facts.iter().filter_map(|f| f.as_effect()).map(|e| e.via.as_str()).collect();
        assert_eq!(known, ["kernel32!CreateFileA", "kernel32!RegSetValueExA"], "{reading:?}");
        is_said_not_to_be_seen(&format!("machine-{machine:x}"), &image.bytes(), words);
    }
}

#[test]
fn a_program_for_arm64_is_not_clean() {
    let bytes = std::fs::read("fixtures/native/arm/desk-arm64.exe").expect("a fixture");
    let reading = read(&bytes);
    assert_eq!(reading.format, "pe-arm64");
    assert!(writes(&reading).is_empty(), "{reading:?}");
    assert!(reading.facts.iter().any(|f| f.as_effect().is_some_and(|e| e.via == "kernel32!CreateFileA")));
    is_said_not_to_be_seen("arm64", &bytes, "of this processor");
}

#[test]
fn every_byte_of_the_tables_of_handlers_may_lie() {
    // Where the unwind information is on x64; the descriptions of frames and the data behind the code on x86.
    for (name, tables) in [("x64-O2", 0xc00..0xf00), ("x86-O2", 0x720..0x7e0), ("x86-O2", 0xc00..0xe60)] {
        let bytes = std::fs::read(format!("fixtures/native/classes/caught-{name}.exe")).expect("a fixture");
        for at in tables {
            let mut copy = bytes.clone();
            copy[at] ^= 0xff;
            read(&copy);
        }
    }
}

#[test]
fn every_byte_of_the_headers_may_lie() {
    for name in ["files-x64-O2", "registry-x86-O2"] {
        let bytes = std::fs::read(format!("fixtures/native/{name}.exe")).expect("a fixture");
        for at in 0..bytes.len().min(0x400) {
            for value in [0x00, 0xff] {
                if bytes[at] != value {
                    let mut copy = bytes.clone();
                    copy[at] = value;
                    read(&copy);
                }
            }
        }
    }
}
