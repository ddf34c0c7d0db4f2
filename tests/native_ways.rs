//! What the reader of native code says where a function does something for one caller and not for another, and where what
//! looks like a change is none.

mod native_listing;

use native_listing::{golden, shown};
use wipeproof::facts::{Certainty, Reading};

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

fn written(reading: &Reading) -> Vec<String> {
    let mut lines: Vec<String> =
        shown(reading).map(|e| format!("{} {}", <&str>::from(e.operation), e.location)).collect();
    lines.sort();
    lines
}

#[test]
fn a_way_that_the_caller_does_not_go() {
    for reading in golden("fixtures/native", "chosen", &BUILDS, "exe") {
        let expected = [
            "create C:\\Contoso\\alarm.log",
            "create HKCU\\SOFTWARE\\Contoso\\Written",
            "set-value C:\\Contoso\\desk.ini\\Desk\\Language",
            "set-value HKCU\\SOFTWARE\\Contoso\\Written\\Limit",
            "set-value {Windows}\\win.ini\\Desk\\Printer",
            "set-value {arg:1}\\Desk\\Folder",
        ];
        let (services, others): (Vec<String>, Vec<String>) =
            written(&reading).into_iter().partition(|line| line.contains(" HKLM\\"));
        assert_eq!(others, expected, "{}", reading.artifact);
        // Below the key that the helper puts together, where that is seen; never below its format.
        let known = |key: &str| services == [format!("create {key}"), format!("set-value {key}\\MaxSize")];
        assert!(
            known("HKLM\\SYSTEM\\CurrentControlSet\\Services\\Contoso\\{arg:2}") || known("HKLM\\{?}"),
            "{}: {services:?}",
            reading.artifact
        );
        let effects = || reading.facts.iter().filter_map(|f| f.as_effect());
        assert!(!effects().any(|e| e.location.to_string().contains('%')), "{}", reading.artifact);
        // Where nothing is known of the name that is given, the other way stays possible.
        let other = effects().find(|e| e.location.to_string() == "{Windows}\\win.ini\\Desk\\Folder");
        assert!(other.is_none_or(|e| e.certainty == Certainty::Possible), "{}", reading.artifact);
    }
}

#[test]
fn what_changes_nothing_that_is_kept() {
    for reading in golden("fixtures/native", "idle", &BUILDS, "exe") {
        let expected = ["append C:\\Contoso\\logs\\desk.log", "generate Contoso.Desk", "write C:\\Contoso\\orders.dat"];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}
