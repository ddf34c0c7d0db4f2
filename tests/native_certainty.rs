//! What is called proven of places in native code is true: programs whose texts are cut, filled and changed in ways that
//! are not all followed. A place may be missed, or known in part; it is never another one.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native_certainty` writes the listings anew; read the difference line by line.

mod native_listing;

use native_listing::{golden, shown};
use std::collections::BTreeSet;
use wipeproof::facts::{Certainty, Reading, Trait};

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

/// The places that a build calls proven.
fn proven(reading: &Reading) -> BTreeSet<String> {
    shown(reading).filter(|e| e.certainty == Certainty::Proven).map(|e| e.location.to_string()).collect()
}

/// Each build calls these places proven, and no others. `{build}` stands for the name of the build.
fn proves(program: &str, expected: &[&str]) {
    for (reading, build) in golden("fixtures/native", program, &BUILDS, "exe").iter().zip(BUILDS) {
        let expected: BTreeSet<String> = expected.iter().map(|place| place.replace("{build}", build)).collect();
        assert_eq!(proven(reading), expected, "{}", reading.artifact);
    }
}

/// Who reads a text says how wide its characters are.
#[test]
fn texts_of_either_width() {
    proves(
        "widths",
        &[
            r"C:\Contoso\ended.dat",
            r"C:\Contoso\narrow.dat",
            r"C:\Contoso\wide.dat",
            r"C:\c\d",
            r"C:\fields\a\b.dat",
            r"C:\given\q\back.dat",
            r"C:\given\r\back.dat",
            r"C:\h8\x",
            r"C:\narrow\v\wide.dat",
            r"C:\t\appended.dat",
            r"C:\u\appended.dat",
            r"C:\variable\s\held.dat",
            r"C:\wide\j\narrow.dat",
            r"C:\wide\k\wide.dat",
            r"C:\wide\l\narrow.dat",
            r"C:\wide\w\wide.dat",
            r"C:\y\z",
            r"D:\Contoso\drive.dat",
            r"E:\Contoso\drive.dat",
        ],
    );
}

/// Helpers that cut, counts that nobody knows, loops that store: what is left of a text, or a hole.
#[test]
fn texts_that_are_altered() {
    proves(
        "altered",
        &[
            r"C:\Cut\3.dat",
            r"C:\Cut\4.dat",
            r"C:\Cut\five.ini",
            r"C:\Cut\found.dat",
            r"C:\Cut\one.ini",
            r"C:\Cut\six.ini",
            r"C:\Cut\two.dat",
            r"C:\Make",
            r"C:\Make\four",
            r"C:\Make\one",
            r"C:\Make\three",
            r"C:\Make\two",
            r"C:\Middle\new.dat",
            r"C:\Replace\a_b_c.dat",
            r"C:\Replace\slashes.dat",
            r"C:\Replace\with_blanks.dat",
            r"{AppDir}\altered-{build}.log",
            r"{AppDir}\seven.ini",
        ],
    );
}

/// Texts that others may write because they got the address, places of the frame that are used again, and functions
/// that call themselves: only what is still there is proven.
#[test]
fn texts_that_are_kept_elsewhere() {
    proves("lent", &[r"C:\Kept\again.dat", r"C:\Kept\read.dat", r"C:\Reused\first.dat", r"C:\Reused\last.dat"]);
}

/// What is stored on some ways only does not take the place of what was there before.
#[test]
fn texts_that_are_stored_sometimes() {
    proves(
        "sometimes",
        &[
            r"C:\Some\default.dat",
            r"C:\Some\early.dat",
            r"C:\Some\empty.dat",
            r"C:\Some\field.log",
            r"C:\Some\field.out",
            r"C:\Some\filled.dat",
            r"C:\Some\found.dat",
            r"C:\Some\given.dat",
            r"C:\Some\late.dat",
            r"C:\Some\not_found.dat",
            r"C:\Some\once\name.dat",
            r"C:\Some\parsed.log",
            r"HKCU\Software\Once\Variable",
            r"HKCU\Software\Some\Field",
            r"{Temp}\once\folder.dat",
        ],
    );
}

/// Neither how long a text is that is not known nor which characters it has decides a way; a word that a program compares with
/// is no file, letters of separate tests are no word, and a structure is no list of values.
#[test]
fn what_is_not_known_decides_nothing() {
    proves(
        "decides",
        &[
            r"C:\Counter\long.dat",
            r"C:\Counter\short.dat",
            r"C:\Data\(null).dat",
            r"C:\Entry\31.log",
            r"C:\Folder\Made",
            r"C:\Folder\There\ab",
            r"C:\Index\long.dat",
            r"C:\Index\short.dat",
            r"C:\Inlined\long.dat",
            r"C:\Inlined\short.dat",
            r"C:\Least\long.dat",
            r"C:\Less\long.dat",
            r"C:\Less\short.dat",
            r"C:\Letter\name.dat",
            r"C:\Letter\option.dat",
            r"C:\Letters\file.dat",
            r"C:\Output\file.dat",
            r"C:\Output\other.dat",
            r"C:\Output\wide.dat",
            r"C:\Pointers\long.dat",
            r"C:\Pointers\short.dat",
            r"C:\Second\drive.dat",
            r"C:\Second\relative.dat",
            r"C:\Wide\long.dat",
            r"C:\Wide\short.dat",
            r"HKCU\Software\Decides\Written",
        ],
    );
    for reading in golden("fixtures/native", "decides", &BUILDS, "exe") {
        let has = |place: &str| shown(&reading).any(|effect| effect.location.to_string() == place);
        // The word that stands for the output is no file, wherever it is compared.
        let mut effects = reading.facts.iter().filter_map(|fact| fact.as_effect());
        assert!(effects.all(|effect| !effect.location.text().is_unknown()), "{}", reading.artifact);
        // What a function does for callers that ask for it is not done for the others.
        assert!(!has(r"C:\Folder\There") && !has(r"HKLM\Software\Decides\Read"), "{}", reading.artifact);
        assert!(has(r"C:\Folder\There\ab") && !has(r"{Cwd}\-") && !has(r"C:\Entry\7.log"), "{}", reading.artifact);
    }
}

/// What is measured and searched from its second character on, and by instructions that repeat themselves.
#[test]
fn lengths_that_are_not_known_decide_nothing() {
    proves(
        "measures",
        &[
            r"C:\Bytes\name.dat",
            r"C:\Bytes\option.dat",
            r"C:\Compared\name.dat",
            r"C:\Compared\option.dat",
            r"C:\Rest\long.dat",
            r"C:\Rest\short.dat",
            r"C:\Scanned\long.dat",
            r"C:\Scanned\short.dat",
            r"C:\Sought\drive.dat",
            r"C:\Sought\relative.dat",
        ],
    );
}

/// The only name that stands beside a call of whose place nothing is known, and that nothing else is given, is told of as a
/// possibility.
#[test]
fn names_beside_calls_of_unknown_places() {
    for reading in golden("fixtures/native", "nearby", &BUILDS, "exe") {
        let effects = reading.facts.iter().filter_map(|fact| fact.as_effect());
        let guessed: Vec<_> = effects.filter(|effect| effect.has(Trait::Guessed)).collect();
        assert!(guessed.iter().all(|effect| effect.certainty == Certainty::Possible), "{}", reading.artifact);
        let places: BTreeSet<String> = guessed.iter().map(|effect| effect.location.to_string()).collect();
        let expected = [r"C:\Contoso\orders.dat", r"{?}\Software\Contoso\Desk\Runs"].map(String::from);
        assert_eq!(places, BTreeSet::from(expected), "{}", reading.artifact);
        assert!(shown(&reading).all(|effect| !effect.has(Trait::Guessed)), "{}", reading.artifact);
    }
}
