//! How long each step takes, beside what the same bytes cost a plain tool in the same run.
//!
//! `cargo bench` prints both; ratios, not times, are what counts on a machine that others share.
#![allow(clippy::expect_used, reason = "a bench may fail loudly")]

use divan::Bencher;
use divan::counter::BytesCount;
use std::path::PathBuf;
use wipeproof::discover::{Application, Artifact, Kind, SNIFF_LEN, WalkOptions, sniff, walk};
use wipeproof::read::read_bytes;
use wipeproof::rules::RuleSet;
use wipeproof::settings::Settings;
use wipeproof::{Request, scan};

fn main() {
    divan::main();
}

/// All fixtures of one format.
fn fixtures(kind: Kind) -> Vec<(Artifact, Vec<u8>)> {
    let app = walk(&["fixtures".into()], &WalkOptions::default()).expect("the fixtures");
    let of_kind = app.artifacts.into_iter().filter_map(|artifact| {
        let bytes = std::fs::read(&artifact.file).ok()?;
        (sniff(&bytes[..bytes.len().min(SNIFF_LEN)], artifact.file_name()) == Some(kind)).then_some((artifact, bytes))
    });
    of_kind.collect()
}

fn total(files: &[(Artifact, Vec<u8>)]) -> BytesCount {
    BytesCount::new(files.iter().map(|(_, b)| b.len()).sum::<usize>())
}

#[divan::bench]
fn rules_loading() -> RuleSet {
    RuleSet::embedded().expect("the shipped rules")
}

#[divan::bench(args = [Kind::Xml, Kind::Json, Kind::Batch, Kind::PowerShell, Kind::Reg, Kind::Pe])]
fn reader(bencher: Bencher<'_, '_>, kind: Kind) {
    let files = fixtures(kind);
    let app = Application::default();
    bencher.counter(total(&files)).bench_local(|| {
        files.iter().map(|(artifact, bytes)| read_bytes(&app, artifact, kind, bytes).facts.len()).sum::<usize>()
    });
}

/// What ripgrep's engine needs to search the same text for as many words as the catalogue has.
#[divan::bench(args = [Kind::Xml, Kind::Json, Kind::Batch, Kind::PowerShell, Kind::Reg])]
fn baseline_text_search(bencher: Bencher<'_, '_>, kind: Kind) {
    let files = fixtures(kind);
    let words: Vec<String> = (0..300).map(|i| format!("Word{i}Of{}", i * 7)).collect();
    let search = regex::bytes::RegexBuilder::new(&words.join("|")).case_insensitive(true).build().expect("a pattern");
    bencher
        .counter(total(&files))
        .bench_local(|| files.iter().map(|(_, bytes)| search.find_iter(bytes).count()).sum::<usize>());
}

/// What listing the imports costs.
#[divan::bench]
fn baseline_pe_imports(bencher: Bencher<'_, '_>) {
    let files = fixtures(Kind::Pe);
    bencher.counter(total(&files)).bench_local(|| {
        let imports = |bytes: &[u8]| goblin::pe::PE::parse(bytes).map_or(0, |pe| pe.imports.len());
        files.iter().map(|(_, bytes)| imports(bytes)).sum::<usize>()
    });
}

#[divan::bench(args = ["fixtures/apps/orders-site", "fixtures/apps/orders-cloud-service", "fixtures/apps/orderdesk-service"])]
fn whole_application(bencher: Bencher<'_, '_>, folder: &str) {
    let rules = RuleSet::embedded().expect("the shipped rules");
    let settings = Settings::default();
    let target = rules.target("vm-role").expect("the first target");
    bencher.bench_local(|| {
        let request = Request::new(vec![PathBuf::from(folder)], &settings, &rules, vec![target]);
        scan(&request).expect("a scan").findings.len()
    });
}
