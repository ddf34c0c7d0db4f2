#![no_main]
use libfuzzer_sys::fuzz_target;
use wipeproof::discover::Kind;

const NAMES: &[(Kind, &str)] = &[(Kind::Hcl, "windows.pkr.hcl"), (Kind::Hcl, "main.tf")];

fuzz_target!(|bytes: &[u8]| wipeproof_fuzz::read_as_one_of(NAMES, bytes));
