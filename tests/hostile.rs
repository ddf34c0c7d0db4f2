//! Hostile input: broken copies of every fixture, and folders that fight back. Nothing may panic, hang or vanish.
#![allow(clippy::expect_used, reason = "a test may fail loudly")]

mod random;
mod scratch;

use random::Random;
use rayon::prelude::*;
use scratch::Folder;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wipeproof::discover::{Application, Artifact, SNIFF_LEN, sniff, walk};
use wipeproof::facts::NoteKind;
use wipeproof::read::{read_all, read_bytes};

/// Broken copies per fixture of each kind of damage.
const VARIANTS: u64 = 6;
/// A program is there in four builds, of each of which fewer copies are broken.
const VARIANTS_OF_BUILDS: u64 = 2;
/// Bytes from which an image is mostly a runtime that is linked in, the same in many.
const LARGE: usize = 150_000;
const VARIANTS_OF_LARGE: u64 = 1;
/// One broken copy may take this long, also on a slow and busy machine in a debug build.
const PATIENCE: Duration = Duration::from_secs(120);

fn fixtures() -> Vec<PathBuf> {
    let app = walk(&["fixtures".into()], &Default::default()).expect("the fixtures folder");
    app.artifacts.into_iter().map(|a| a.file).collect()
}

fn read(folder: &Folder) -> wipeproof::read::Readings {
    read_all(&walk(std::slice::from_ref(&folder.0), &Default::default()).expect("the scratch folder"))
}

fn truncated(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    bytes[..random.below(bytes.len())].to_vec()
}

fn flipped(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    for _ in 0..=random.below(16) {
        let at = random.below(copy.len());
        if let Some(byte) = copy.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    }
    copy
}

fn spliced(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let (from, to) = (random.below(bytes.len()), random.below(bytes.len()));
    let length = random.below(bytes.len().min(512));
    let piece: Vec<u8> = bytes.iter().skip(from).take(length).copied().collect();
    let mut copy = bytes.to_vec();
    copy.splice(to..to, piece);
    copy
}

/// On all cores, the largest first: a broken program is read as a whole one is, and in a build that is not optimised the few
/// with a runtime linked in take most of the time.
#[test]
fn broken_copies_cost_only_themselves() {
    let mut fixtures: Vec<(u64, PathBuf)> =
        fixtures().into_iter().map(|file| (fs::metadata(&file).map_or(0, |data| data.len()), file)).collect();
    fixtures.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    let next = AtomicUsize::new(0);
    (0..fixtures.len()).into_par_iter().with_max_len(1).for_each(|_| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if let Some((_, file)) = fixtures.get(number) {
            break_copies(file, number);
        }
    });
}

fn break_copies(file: &Path, number: usize) {
    let bytes = fs::read(file).expect("a fixture");
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    if sniff(&bytes[..bytes.len().min(SNIFF_LEN)], &name).is_none() {
        return;
    }
    let variants = match bytes.len() {
        LARGE.. => VARIANTS_OF_LARGE,
        _ if bytes.starts_with(b"MZ") => VARIANTS_OF_BUILDS,
        _ => VARIANTS,
    };
    let scratch = Folder::new(&format!("broken-{number}"));
    // By its name, so that a fixture is damaged in the same way whatever others there are.
    let mut random =
        Random(name.bytes().fold(0x9e37_79b9, |seed, b| (seed ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)));
    for damage in [truncated, flipped, spliced] {
        for _ in 0..variants {
            check_copy(&damage(&bytes, &mut random), &name, &scratch);
        }
    }
}

fn check_copy(copy: &[u8], name: &str, scratch: &Folder) {
    let Some(kind) = sniff(&copy[..copy.len().min(SNIFF_LEN)], name) else { return };
    let file = scratch.0.join(name);
    // Assemblies are read from their files; the rest from memory.
    fs::write(&file, copy).expect("a broken copy");
    let artifact = Artifact { path: name.into(), name: name.into(), file, size: copy.len() as u64, part: None };
    let app = Application::new(vec![artifact.clone()], Vec::new());
    let started = Instant::now();
    let reading = read_bytes(&app, &artifact, kind, copy);
    assert!(started.elapsed() < PATIENCE, "{name}: took {:?}", started.elapsed());
    for note in &reading.notes {
        if note.kind == NoteKind::Failed {
            let kept = std::env::temp_dir().join(format!("wipeproof-failed-{name}"));
            fs::write(&kept, copy).expect("a kept copy");
            panic!("{name}: {} (kept as {})", note.text, kept.display());
        }
    }
}

#[test]
fn random_bytes_under_every_name() {
    let scratch = Folder::new("random");
    let mut random = Random(42);
    for name in
        ["a.exe", "Web.config", "a.json", "a.ini", "a.reg", "a.cmd", "a.ps1", "a.vbs", "a.nsi", "a.iss", "a.csdef"]
    {
        for head in [&b""[..], b"MZ", b"<?xml version=\"1.0\"?>", b"\xff\xfe", b"{"] {
            let mut bytes = head.to_vec();
            bytes.extend((0..2000).map(|_| (random.below(255) + 1) as u8));
            check_copy(&bytes, name, &scratch);
        }
    }
}

#[test]
fn nothing_vanishes_silently() {
    let scratch = Folder::new("vanish");
    fs::write(scratch.0.join("picture.png"), b"\x89PNG\r\n\x1a\n\0\0\0").expect("a file");
    fs::write(scratch.0.join("broken.config"), "<configuration><appSettings>").expect("a file");
    fs::write(scratch.0.join("fine.ini"), "[a]\nb=c\n").expect("a file");
    let all = read(&scratch);
    assert_eq!(all.readings.len() + all.skipped.len(), 3, "{all:?}");
    let broken = all.readings.iter().find(|r| r.artifact.ends_with("broken.config")).expect("the broken file");
    assert!(broken.notes.iter().any(|n| n.kind == NoteKind::Malformed), "{broken:?}");
}

#[cfg(unix)]
#[test]
fn links_pipes_and_foreign_names() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    let scratch = Folder::new("links");
    symlink(&scratch.0, scratch.0.join("loop")).expect("a link");
    symlink("nowhere", scratch.0.join("dangling.config")).expect("a link");
    let foreign = Path::new(std::ffi::OsStr::from_bytes(b"caf\xe9.ini"));
    fs::write(scratch.0.join(foreign), "[a]\nb=c\n").expect("a file");
    let all = read(&scratch);
    assert_eq!(all.readings.len(), 1, "{all:?}");
    assert_eq!(all.skipped.iter().filter(|s| s.reason.contains("symbolic link")).count(), 2);
}
