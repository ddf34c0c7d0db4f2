#![no_main]
use libfuzzer_sys::fuzz_target;
use wipeproof::discover::Kind;

const NAMES: &[(Kind, &str)] = &[
    (Kind::Json, "appsettings.json"),
    (Kind::Json, "appsettings.Production.json"),
    (Kind::Json, "template.json"),
    (Kind::Json, "ecosystem.json"),
    (Kind::Json, "amazon-cloudwatch-agent.json"),
];

fuzz_target!(|bytes: &[u8]| wipeproof_fuzz::read_as_one_of(NAMES, bytes));
