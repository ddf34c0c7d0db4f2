//! What reading assemblies costs beside decoding all of their IL once with cildec, in the same run and on one thread.
//!
//! `cargo bench --bench dotnet` measures the fixtures, and each of the folders that `WIPEPROOF_ASSEMBLIES` names, written
//! as the search path of the system is. Each figure is the least of several runs, in turns. The aim is twice the time of
//! decoding and 10 ms for each assembly.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints, and stops where it cannot go on"
)]

use cildec::tables::MethodDefRow;
use cildec::{MethodBody, PeImage};
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use wipeproof::discover::{Application, Kind, SNIFF_LEN, WalkOptions, sniff, walk};
use wipeproof::read::read_all;

/// Runs of each sort.
const RUNS: usize = 7;
/// What each assembly may cost besides twice its decoding.
const EACH: Duration = Duration::from_millis(10);

/// The assemblies below a folder, as an application.
fn assemblies(folder: PathBuf) -> Application {
    let mut app = walk(&[folder], &WalkOptions::default()).expect("a folder");
    app.artifacts.retain(|artifact| {
        let bytes = fs::read(&artifact.file).unwrap_or_default();
        sniff(&bytes[..bytes.len().min(SNIFF_LEN)], artifact.file_name()) == Some(Kind::Assembly)
    });
    app
}

/// Decodes every instruction of an assembly and counts them.
fn decode(bytes: &[u8]) -> usize {
    let Ok(image) = PeImage::parse(bytes) else { return 0 };
    let Ok(metadata) = image.metadata() else { return 0 };
    let rows = metadata.tables().iter_indirect::<MethodDefRow>().filter_map(|(_, row)| row.ok());
    let bodies = rows.filter_map(|row| MethodBody::from_image(&image, &row).ok().flatten());
    bodies.map(|body| body.instructions().map_while(Result::ok).map(black_box).count()).sum()
}

fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = run();
    (start.elapsed(), result)
}

fn measure(folder: PathBuf) {
    let name = folder.display().to_string();
    let app = assemblies(folder);
    let (mut decoding, mut reading, mut counted, mut facts) = (Duration::MAX, Duration::MAX, 0, 0);
    for _ in 0..RUNS {
        let (time, count) = timed(|| {
            let bytes = |file| fs::read(file).unwrap_or_default();
            app.artifacts.iter().map(|artifact| decode(&bytes(&artifact.file))).sum::<usize>()
        });
        (decoding, counted) = (decoding.min(time), count);
        let (time, found) = timed(|| read_all(&app));
        (reading, facts) = (reading.min(time), found.readings.iter().map(|reading| reading.facts.len()).sum());
    }
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let aim = decoding * 2 + EACH * u32::try_from(app.artifacts.len()).expect("a number of files");
    println!(
        "{name}: {} assemblies, {counted} instructions, {facts} facts: decoded in {:.1} ms, read in {:.1} ms ({:.1} times; aim {:.1} ms: {})",
        app.artifacts.len(),
        ms(decoding),
        ms(reading),
        reading.as_secs_f64() / decoding.as_secs_f64(),
        ms(aim),
        if reading <= aim { "reached" } else { "missed" },
    );
}

fn main() {
    let named = std::env::var_os("WIPEPROOF_ASSEMBLIES").unwrap_or_default();
    let folders: Vec<PathBuf> =
        std::iter::once("fixtures/dotnet".into()).chain(std::env::split_paths(&named)).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    pool.install(|| folders.into_iter().filter(|folder| !folder.as_os_str().is_empty()).for_each(measure));
}
