#![no_main]
use libfuzzer_sys::fuzz_target;
use wipeproof::discover::Kind;

fuzz_target!(|bytes: &[u8]| wipeproof_fuzz::read(Kind::Msi, "setup.msi", bytes));
