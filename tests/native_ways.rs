//! What the reader of native code says where a function does something for one caller and not for another, and where what
//! looks like a change is none.

mod native_listing;

use native_listing::{golden, shown, written};
use wipeproof::facts::{Certainty, Trait};

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

#[test]
fn a_way_that_the_caller_does_not_go() {
    for reading in golden("fixtures/native", "chosen", &BUILDS, "exe") {
        let expected = [
            "create C:\\Contoso\\alarm.log",
            "create HKCU\\SOFTWARE\\Contoso\\Written",
            "create HKLM\\SYSTEM\\CurrentControlSet\\Services\\Contoso\\{arg:2}",
            "set-value C:\\Contoso\\desk.ini\\Desk\\Language",
            "set-value HKCU\\SOFTWARE\\Contoso\\Written\\Limit",
            "set-value HKLM\\SYSTEM\\CurrentControlSet\\Services\\Contoso\\{arg:2}\\MaxSize",
            "set-value {Windows}\\win.ini\\Desk\\Printer",
            "set-value {arg:1}\\Desk\\Folder",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
        assert!(shown(&reading).all(|effect| !effect.has(Trait::Guessed)), "{}", reading.artifact);
        let effects = || reading.facts.iter().filter_map(|f| f.as_effect());
        assert!(!effects().any(|e| e.location.to_string().contains('%')), "{}", reading.artifact);
        // What no caller leads to is not even possible; what a missing argument leads to is.
        let places: Vec<String> = effects().map(|e| format!("{} {}", <&str>::from(e.operation), e.location)).collect();
        let says = |line: &str| places.iter().any(|place| place == line);
        assert!(!says("create HKLM\\SOFTWARE\\Contoso\\Looked"), "{}", reading.artifact);
        assert!(!says("set-value {Windows}\\win.ini\\Desk\\Language"), "{}", reading.artifact);
        assert!(says("set-value {Windows}\\win.ini\\Desk\\Folder"), "{}", reading.artifact);
        // Where nothing is known of the name that is given, the other way stays possible.
        let other = effects().find(|e| e.location.to_string() == "{Windows}\\win.ini\\Desk\\Folder");
        assert!(other.is_none_or(|e| e.certainty == Certainty::Possible), "{}", reading.artifact);
    }
}

/// Helpers that make room for a text, and hand on what follows its format.
#[test]
fn texts_for_which_a_helper_makes_room() {
    for reading in golden("fixtures/native", "composed", &BUILDS, "exe") {
        let expected = [
            "create C:\\Appended\\fifth.dat.bak",
            "create C:\\Composed\\first-1.dat",
            "create C:\\Composed\\second.dat",
            "create C:\\Given\\third\\fourth.dat",
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
        assert!(shown(&reading).all(|effect| effect.certainty == Certainty::Proven), "{}", reading.artifact);
    }
}

#[test]
fn what_changes_nothing_that_is_kept() {
    for reading in golden("fixtures/native", "idle", &BUILDS, "exe") {
        let expected = ["append C:\\Contoso\\logs\\desk.log", "generate Contoso.Desk", "write C:\\Contoso\\orders.dat"];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

/// A text that something was given which may write there names no file; one that stands where nobody writes does.
#[test]
fn texts_that_others_may_have_written() {
    for reading in golden("fixtures/native", "touched", &BUILDS, "exe") {
        let mut places: Vec<String> = shown(&reading).map(|effect| effect.location.to_string()).collect();
        places.sort();
        let expected = ["beside", "handed", "literal", "looked"].map(|name| format!("C:\\Touched\\{name}.dat"));
        assert_eq!(places, expected, "{}", reading.artifact);
        assert!(shown(&reading).all(|effect| effect.certainty == Certainty::Proven), "{}", reading.artifact);
    }
}
