//! Listings of native programs, compared with golden files.

#![allow(clippy::expect_used, reason = "a test stops where it cannot go on")]

use std::path::{Path, PathBuf};
use wipeproof::discover::walk;
use wipeproof::facts::{Certainty, Effect, Operation, Origin, Reading, Trait, listing};
use wipeproof::read::read_all;

/// Reads all builds of a program, `PROGRAM-BUILD.SUFFIX`, and compares what is listed with `PROGRAM.facts`.
pub(crate) fn golden(folder: &str, program: &str, builds: &[&str], suffix: &str) -> Vec<Reading> {
    let folder = Path::new(folder);
    let inputs: Vec<PathBuf> = builds.iter().map(|b| folder.join(format!("{program}-{b}.{suffix}"))).collect();
    let readings = read_all(&walk(&inputs, &Default::default()).expect("fixtures can be walked")).readings;
    assert_eq!(readings.len(), builds.len());
    let file = folder.join(format!("{program}.facts"));
    let found = listing::print(&readings);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &found).expect("the listing can be written");
    }
    assert_eq!(found, std::fs::read_to_string(&file).unwrap_or_default(), "{} differs", file.display());
    readings
}

/// The effects that change something and are shown by default.
pub(crate) fn shown(reading: &Reading) -> impl Iterator<Item = &Effect> {
    let effects = reading.facts.iter().filter_map(|f| f.as_effect());
    effects.filter(|e| e.operation != Operation::Read && e.certainty > Certainty::Possible)
}

/// What they do, one line per effect, without addresses, in order.
#[allow(dead_code, reason = "not each test binary asks for them")]
pub(crate) fn written(reading: &Reading) -> Vec<String> {
    let mut lines: Vec<String> =
        shown(reading).map(|e| format!("{} {}", <&str>::from(e.operation), e.location)).collect();
    lines.sort();
    lines
}

/// The places of those of them that are only guesses.
#[allow(dead_code, reason = "not each test binary asks for them")]
pub(crate) fn guessed(reading: &Reading) -> Vec<String> {
    shown(reading).filter(|e| e.has(Trait::Guessed)).map(|e| e.location.to_string()).collect()
}

/// The numbers that values are set to, in the order of the listing; every value is set to a constant.
#[allow(dead_code, reason = "not each test binary asks for them")]
pub(crate) fn numbers(reading: &Reading) -> Vec<&str> {
    let values = || shown(reading).filter(|e| e.operation == Operation::SetValue);
    assert!(values().all(|e| e.origin == Origin::Constant), "{}", reading.artifact);
    let steps = values().flat_map(|effect| &effect.evidence);
    steps.filter_map(|step| step.text.strip_prefix("value ")).collect()
}
