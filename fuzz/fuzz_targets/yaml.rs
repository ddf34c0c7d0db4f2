#![no_main]
use libfuzzer_sys::fuzz_target;
use wipeproof::discover::Kind;

const NAMES: &[(Kind, &str)] = &[
    (Kind::Yaml, "deployment.yaml"),
    (Kind::Yaml, "stack.yaml"),
    (Kind::Yaml, "filebeat.yml"),
    (Kind::Yaml, "application.yml"),
    (Kind::Yaml, "appspec.yml"),
];

fuzz_target!(|bytes: &[u8]| wipeproof_fuzz::read_as_one_of(NAMES, bytes));
