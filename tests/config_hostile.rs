//! Hostile configuration: every fixture truncated, flipped and spliced, and documents made to cost time or memory.
//! Nothing may panic (a reader that does leaves a `failed` note), and each document is done in bounded time.

#![allow(clippy::expect_used, reason = "a fixture that is missing fails the test")]

use std::path::Path;
use std::time::{Duration, Instant};
use wipeproof::discover::{Application, Artifact, Kind, WalkOptions, sniff, walk};
use wipeproof::facts::{NoteKind, Reading};
use wipeproof::read::read_bytes;

/// Generous for a build without optimisation on a busy machine; what is unbounded takes far longer.
const LIMIT: Duration = Duration::from_secs(20);

fn inputs() -> Vec<Artifact> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config");
    let found = walk(&[folder], &WalkOptions::default()).expect("the fixtures are there");
    found.artifacts.into_iter().filter(|a| a.extension() != "facts").collect()
}

fn read(artifact: &Artifact, kind: Kind, bytes: &[u8]) -> Reading {
    let reading = read_bytes(&Application::default(), artifact, kind, bytes);
    let failed = reading.notes.iter().find(|n| n.kind == NoteKind::Failed);
    assert!(failed.is_none(), "{}: {failed:?}", artifact.name);
    reading
}

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

#[test]
fn mutated_fixtures_are_read_without_a_failure() {
    let mut dice = Dice(0x5eed);
    let all: Vec<(Artifact, Kind, Vec<u8>)> = inputs()
        .into_iter()
        .filter_map(|artifact| {
            let bytes = artifact.read(1 << 20).expect("a fixture can be read");
            let kind = sniff(&bytes, artifact.file_name())?;
            Some((artifact, kind, bytes))
        })
        .collect();
    assert!(all.len() > 20);
    for (artifact, kind, bytes) in &all {
        for _ in 0..60 {
            let mut mutant = bytes.clone();
            match dice.roll(4) {
                0 => mutant.truncate(dice.roll(bytes.len())),
                1 => {
                    for _ in 0..=dice.roll(8) {
                        let at = dice.roll(mutant.len());
                        mutant[at] ^= 1 << dice.roll(8);
                    }
                }
                2 => {
                    let other = &all[dice.roll(all.len())].2;
                    let (from, len) = (dice.roll(other.len()), dice.roll(200));
                    let at = dice.roll(mutant.len());
                    let piece = other[from..other.len().min(from + len)].to_vec();
                    mutant.splice(at..at, piece);
                }
                _ => {
                    let at = dice.roll(mutant.len());
                    let end = mutant.len().min(at + dice.roll(40));
                    mutant.drain(at..end);
                }
            }
            read(artifact, *kind, &mutant);
        }
    }
}

fn artifact(name: &str) -> Artifact {
    Artifact { path: name.to_owned(), name: name.to_owned(), file: name.into(), ..Artifact::default() }
}

/// Reads a document that was made to be expensive.
fn timed(name: &str, kind: Kind, text: &str) -> Reading {
    let start = Instant::now();
    let reading = read(&artifact(name), kind, text.as_bytes());
    assert!(start.elapsed() < LIMIT, "{name} took {:?}", start.elapsed());
    reading
}

#[test]
fn a_single_line_of_a_hundred_megabytes_is_capped_and_its_start_counts() {
    let mut text = "{\"ConnectionStrings\":{\"Shop\":\"Data Source=shop.sdf\"},\"Items\":[".to_owned();
    let item = "{\"Name\":\"C:\\\\data\\\\x.log\",\"Count\":1},";
    text.push_str(&item.repeat((100 << 20) / item.len()));
    let reading = timed("appsettings.json", Kind::Json, &text);
    assert!(reading.notes.iter().any(|n| n.kind == NoteKind::Capped));
    assert!(reading.facts.iter().any(|f| f.as_effect().is_some()));
    assert!(reading.facts.len() < 10_000);
}

#[test]
fn bombs_are_bounded() {
    let many = |unit: &str| unit.repeat(100_000);
    timed("web.config", Kind::Xml, &format!("<configuration>{}", many("<a>")));
    timed("web.config", Kind::Xml, &format!("<configuration>{}</configuration>", many("<location path='x'/>")));
    timed("web.config", Kind::Xml, &format!("<configuration {}/>", many("a='b' ")));
    timed("web.config", Kind::Xml, &format!("<configuration><appSettings>{}", many("<add key='k' value='v'/>")));
    timed("web.config", Kind::Xml, &format!("<configuration><log4net>{}", many("<appender name='a'/>")));
    timed("appsettings.json", Kind::Json, &many("{\"a\":"));
    timed("appsettings.json", Kind::Json, &format!("{{\"Serilog\":{}", many("[{\"Name\":\"File\"},")));
    timed("docker-compose.yml", Kind::Yaml, &format!("services: {}", many("[")));
    timed("docker-compose.yml", Kind::Yaml, &format!("services:\n{}", many("- ")));
    timed("docker-compose.yml", Kind::Yaml, &format!("services:\n{}", many("a: b\n")));
    timed("config.toml", Kind::Toml, &format!("a = {}", many("[")));
    timed("nginx.conf", Kind::ServerConf, &many("http {\n"));
    timed("desk.ini", Kind::Ini, &many("[a]\nb=c\n"));
    timed("log4j.properties", Kind::Properties, &many("a\\\n"));
    timed("Dockerfile", Kind::Dockerfile, &many("RUN a \\\n"));
    timed(
        "NLog.config",
        Kind::Xml,
        &format!("<nlog><targets><target name='a' type='File' fileName='{}'/>", many("${")),
    );
}

#[test]
fn an_include_of_itself_ends() {
    let folder = std::env::temp_dir().join(format!("wipeproof-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let path = folder.join("web.config");
    std::fs::write(
        &path,
        "<configuration><appSettings file=\"web.config\"/><a configSource=\"web.config\"/></configuration>",
    )
    .expect("a file for the test");
    let app = walk(std::slice::from_ref(&folder), &WalkOptions::default()).expect("the folder can be walked");
    let readings = wipeproof::read::read_all(&app).readings;
    std::fs::remove_dir_all(&folder).expect("the folder of the test");
    assert_eq!(readings.len(), 1);
    assert!(readings[0].notes.iter().all(|n| n.kind != NoteKind::Failed));
}
