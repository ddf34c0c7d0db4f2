#![no_main]
use libfuzzer_sys::fuzz_target;
use wipeproof::discover::Kind;

const NAMES: &[(Kind, &str)] = &[
    (Kind::VbScript, "a.vbs"),
    (Kind::JScript, "a.js"),
    (Kind::Wsf, "a.wsf"),
    (Kind::Asp, "default.asp"),
    (Kind::Php, "index.php"),
];

fuzz_target!(|bytes: &[u8]| wipeproof_fuzz::read_as_one_of(NAMES, bytes));
