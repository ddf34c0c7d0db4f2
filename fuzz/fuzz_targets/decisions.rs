#![no_main]
//! What a team writes: settings, baselines and fact listings, each of them refused or understood.
use libfuzzer_sys::fuzz_target;
use wipeproof::facts::listing;
use wipeproof::report::Baseline;
use wipeproof::settings::Settings;

fuzz_target!(|text: &str| {
    let _ = Settings::parse("wipeproof.toml", text);
    let _ = Baseline::parse("baseline.json", text);
    if let Ok(readings) = listing::parse(text) {
        let printed = listing::print(&readings);
        let again = listing::parse(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
        assert_eq!(listing::print(&again), printed, "a listing says the same when it is read and printed again");
    }
});
