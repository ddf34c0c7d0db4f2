//! How long reading a native image takes beside merely decoding, once, the functions that are analysed for it.
//!
//! `cargo bench --bench native [-- FOLDER...]` reads the images below each folder, by default the fixtures, and prints for
//! each folder the least processor time of both and their ratio, and how many instructions are decoded and executed. Both
//! are measured in the same run, in turns.
#![allow(clippy::expect_used, clippy::print_stdout, reason = "a bench may fail loudly, and prints what it found")]

use iced_x86::{Decoder, DecoderOptions, Instruction};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wipeproof::discover::{Application, Artifact, Kind, SNIFF_LEN, WalkOptions, sniff, walk};
use wipeproof::read::pe::{Analysed, Code, analysed};
use wipeproof::read::read_bytes;

/// Times that each is measured; the least counts.
const ROUNDS: usize = 7;
/// How often decoding is repeated for one measurement: it takes less than the system's clock of processor time ticks.
const REPEATS: u32 = 200;

fn main() {
    let folders: Vec<PathBuf> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).map(PathBuf::from).collect();
    let folders = if folders.is_empty() { vec![PathBuf::from("fixtures/native")] } else { folders };
    println!(
        "{:>8} {:>9} {:>9} {:>9} {:>6} {:>8} {:>9} {:>9}  folder",
        "images", "MB", "read ms", "decode ms", "ratio", "MB/s", "decoded", "executed"
    );
    for folder in &folders {
        measure(folder);
    }
}

fn measure(folder: &Path) {
    let app = walk(&[folder.to_path_buf()], &WalkOptions::default()).expect("a folder");
    let images: Vec<(&Artifact, Vec<u8>)> = app
        .artifacts
        .iter()
        .filter_map(|artifact| {
            let bytes = artifact.read(1 << 30).ok()?;
            let kind = sniff(&bytes[..bytes.len().min(SNIFF_LEN)], artifact.file_name());
            (kind == Some(Kind::Pe)).then_some((artifact, bytes))
        })
        .collect();
    let looked_into: Vec<Analysed> =
        images.iter().map(|(artifact, bytes)| analysed(artifact.file_name(), bytes)).collect();
    let executed: u64 = looked_into.iter().map(|analysed| analysed.executed).sum();
    let code: Vec<Code> = looked_into.into_iter().flat_map(|analysed| analysed.code).collect();
    let once: usize = code.iter().map(decoded).sum();
    let (mut read, mut decode) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        decode = decode.min(timed(|| (0..REPEATS).flat_map(|_| &code).map(decoded).sum()) / REPEATS);
        read = read.min(timed(|| images.iter().map(|(artifact, bytes)| facts(&app, artifact, bytes)).sum()));
    }
    let bytes: usize = images.iter().map(|(_, bytes)| bytes.len()).sum();
    let (megabytes, read, decode) = (bytes as f64 / 1e6, read.as_secs_f64() * 1e3, decode.as_secs_f64() * 1e3);
    println!(
        "{:>8} {megabytes:>9.2} {read:>9.2} {decode:>9.2} {:>6.1} {:>8.0} {once:>9} {executed:>9}  {}",
        images.len(),
        read / decode,
        megabytes / read * 1e3,
        folder.display()
    );
}

fn timed(work: impl FnOnce() -> usize) -> Duration {
    let (started, busy) = (Instant::now(), processor_time());
    black_box(work());
    match (busy, processor_time()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => started.elapsed(),
    }
}

/// Time that this thread has run so far, where the system tells (Linux): others who use the machine are no part of it.
fn processor_time() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn facts(app: &Application, artifact: &Artifact, bytes: &[u8]) -> usize {
    read_bytes(app, artifact, Kind::Pe, bytes).facts.len()
}

/// The number of instructions, each decoded.
fn decoded(code: &Code) -> usize {
    let mut decoder = Decoder::with_ip(code.bitness, &code.bytes, code.address, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    let mut count = 0;
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        count += usize::from(black_box(&instruction).len() > 0);
    }
    count
}
