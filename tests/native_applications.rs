//! What the reader of native code says about C++ programs that are written as applications are: with objects that close
//! what they hold, strings of the library, and helpers that find a place for others.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native_applications` writes the listings anew; read the difference line by line.

mod native_listing;

use native_listing::{golden, shown};
use wipeproof::facts::{Effect, Reading, Trait};

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

/// What a reader of the source would say is changed: operation, store, place and what is special about it. Whether something is
/// a guess depends on the build.
fn said(reading: &Reading) -> Vec<String> {
    let line = |e: &Effect| {
        let traits: Vec<&str> = e.traits.iter().filter(|t| **t != Trait::Guessed).map(<&str>::from).collect();
        let line = format!("{} {} {} {}", <&str>::from(e.operation), <&str>::from(e.store), e.location, traits.join(" "));
        line.trim_end().to_owned()
    };
    let mut lines: Vec<String> = shown(reading).map(line).collect();
    lines.sort();
    lines
}

/// All builds say the same, and exactly what a reader of the source expects.
fn says(folder: &str, program: &str, suffix: &str, expected: &[&str]) {
    for reading in golden(folder, program, &BUILDS, suffix) {
        assert_eq!(said(&reading), expected, "{}", reading.artifact);
    }
}

const APPLICATIONS: &str = "fixtures/native/applications";

/// Below folders that Windows names, the program's own, those of the environment, an INI file and the registry. What is
/// written where the folder could not be had is a place too.
#[test]
fn paths_that_are_put_together() {
    says(
        APPLICATIONS,
        "placed",
        "exe",
        &[
            "copy file {Documents}\\Contoso\\orders.csv.bak",
            "create file \\Contoso\\cart.dat",
            "create file \\archive.db",
            "create file {AppData}\\Contoso\\cart.dat",
            "create file {AppDir}\\license.dat",
            "create file {Documents}\\Contoso\\month-11.csv",
            "create file {Documents}\\Contoso\\orders.csv",
            "create file {LocalAppData}\\Contoso\\cache.dat",
            "create file {ProgramData}\\Contoso\\queue.dat",
            "create file {ini:C:\\Contoso\\desk.ini/Paths/Data}\\orders.db",
            "create file {registry:HKCU\\Software\\Contoso\\Shared}\\prices.db",
            "create file {registry:HKLM\\SOFTWARE\\Contoso\\Desk\\Archive}\\archive.db",
        ],
    );
}

/// Keys that are opened from each other, volatile ones, and the views of programs of 32 and 64 bits.
#[test]
fn keys_in_objects() {
    says(
        APPLICATIONS,
        "keyed",
        "exe",
        &[
            "create registry HKCU\\Software\\Contoso",
            "create registry HKCU\\Software\\Contoso\\Desk",
            "create registry HKCU\\Software\\Contoso\\Desk\\Session volatile",
            "create registry HKCU\\Software\\Contoso\\Desk\\Window",
            "create registry HKLM\\SOFTWARE\\Contoso view32",
            "delete-value registry HKCU\\Software\\Contoso\\Desk\\Obsolete",
            "set-value registry HKCU\\Software\\Contoso\\Desk\\Language",
            "set-value registry HKCU\\Software\\Contoso\\Desk\\Session\\Process volatile",
            "set-value registry HKCU\\Software\\Contoso\\Desk\\Window\\Left",
            "set-value registry HKCU\\Software\\Contoso\\Desk\\Window\\Top",
            "set-value registry HKLM\\SOFTWARE\\Contoso\\Station",
            "set-value registry HKLM\\SOFTWARE\\Contoso\\Version view32",
        ],
    );
}

/// Every kind of mode; devices, consoles and pipes are no state.
#[test]
fn files_in_objects() {
    says(
        APPLICATIONS,
        "held",
        "exe",
        &[
            "append file C:\\Contoso\\audit.bin",
            "append file C:\\Contoso\\errors.log",
            "append file C:\\Contoso\\journal.log",
            "append file C:\\Contoso\\shared.log",
            "append file C:\\Contoso\\trace.log",
            "create file C:\\Contoso\\fresh.dat",
            "create file C:\\Contoso\\held.lock delete-on-close",
            "create file C:\\Contoso\\orders.bin",
            "create file C:\\Contoso\\report.txt",
            "create file C:\\Contoso\\short.tmp delete-on-close",
            "create file C:\\Contoso\\wide.txt",
            "delete file C:\\Contoso\\desk.old",
            "rename file C:\\Contoso\\desk.exe",
            "write file C:\\Contoso\\both.dat",
            "write file C:\\Contoso\\index.dat",
            "write file C:\\Contoso\\state.bin",
        ],
    );
}
