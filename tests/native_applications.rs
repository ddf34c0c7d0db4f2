//! What the reader of native code says about C++ programs that are written as applications are: with objects that close
//! what they hold, strings of the library, and helpers that find a place for others.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native_applications` writes the listings anew; read the difference line by line.

mod native_listing;

use native_listing::{golden, guessed, shown};
use wipeproof::facts::{Certainty, Effect, Fact, Operation, Phase, Reading, Trait};

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

/// What a reader of the source would say is changed: operation, store, place and what is special about it. Whether something is
/// a guess depends on the build.
fn said(reading: &Reading) -> Vec<String> {
    let line = |e: &Effect| {
        let traits: Vec<&str> = e.traits.iter().filter(|t| **t != Trait::Guessed).map(<&str>::from).collect();
        let line =
            format!("{} {} {} {}", <&str>::from(e.operation), <&str>::from(e.store), e.location, traits.join(" "));
        line.trim_end().to_owned()
    };
    let mut lines: Vec<String> = shown(reading).map(line).collect();
    lines.sort();
    lines
}

/// Nothing is a guess, and of nothing that changes something the place is open: the source says all of it.
fn is_certain(reading: &Reading) {
    assert_eq!(guessed(reading), [""; 0], "{}", reading.artifact);
    let effects = reading.facts.iter().filter_map(|f| f.as_effect()).filter(|e| e.operation != Operation::Read);
    for effect in effects {
        let is_proven = effect.certainty == Certainty::Proven && !effect.location.text().has_unknown();
        assert!(is_proven, "{}: {} is not proven", reading.artifact, effect.location);
    }
}

const APPLICATIONS: &str = "fixtures/native/applications";

/// All builds say the same, and exactly what a reader of the source expects. Gives what was read of each.
fn says(program: &str, builds: &[&str], suffix: &str, expected: &[&str]) -> Vec<Reading> {
    let readings = golden(APPLICATIONS, program, builds, suffix);
    for reading in &readings {
        assert_eq!(said(reading), expected, "{}", reading.artifact);
    }
    readings
}

/// Below folders that Windows names, the program's own, those of the environment, an INI file and the registry. What is
/// written where the folder could not be had is a place too.
#[test]
fn paths_that_are_put_together() {
    says(
        "placed",
        &BUILDS,
        "exe",
        &[
            "copy file {Documents}\\Contoso\\orders.csv.bak",
            "create file \\Contoso\\cart.dat",
            "create file \\archive.db",
            "create file \\orders.db",
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
    let readings = says(
        "keyed",
        &BUILDS,
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
    for reading in readings {
        let says_value = |step: &str| shown(&reading).any(|e| e.evidence.iter().any(|s| s.text == step));
        assert!(["value 40", "value 30", "value 7"].into_iter().all(says_value), "{}", reading.artifact);
    }
}

/// Every kind of mode; devices, consoles and pipes are no state.
#[test]
fn files_in_objects() {
    says(
        "held",
        &BUILDS,
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

#[test]
fn databases_inside_the_program() {
    says(
        "embedded",
        &BUILDS,
        "exe",
        &[
            "create database C:\\Contoso\\mail.edb",
            "write database C:\\Contoso\\mail.edb",
            "write database C:\\Contoso\\stock.mdb",
            "write database C:\\Contoso\\store\\events",
            "write database C:\\Contoso\\store\\orders",
        ],
    );
}

/// The library of C++ is compiled in, and nothing names its functions.
#[test]
fn a_library_that_is_linked_in() {
    let readings = says(
        "whole",
        &BUILDS,
        "exe",
        &[
            "append file C:\\Contoso\\journal.log",
            "create file C:\\Contoso\\orders\\4711.order",
            "write file C:\\Contoso\\state.dat",
        ],
    );
    // What the library can do besides is called by nobody.
    for reading in readings {
        let mut changes = reading.facts.iter().filter_map(|f| f.as_effect()).filter(|e| e.operation != Operation::Read);
        assert!(changes.all(|e| !e.location.text().has_unknown()), "{}", reading.artifact);
    }
}

/// Objects that one function makes, and another uses: what an instance is called says the class that it is made of, and in
/// which namespace it is put, the constructor of another class.
#[test]
fn objects_of_com() {
    says(
        "administered",
        &BUILDS,
        "exe",
        &[
            "configure wmi root\\contoso:Contoso_Order",
            "delete wmi root\\contoso:Contoso_Order.Id=1",
            "register task Contoso export",
            "unregister task Contoso nightly",
            "write database C:\\Contoso\\orders.mdb",
        ],
    )
    .iter()
    .for_each(is_certain);
}

/// Functions of Windows that are looked up by name. What a field keeps is followed where the compiler puts the methods into
/// their caller.
#[test]
fn functions_that_are_looked_up() {
    let expected = [
        "create file C:\\Contoso\\looked.new",
        "delete file C:\\Contoso\\looked.old",
        "rename file C:\\Contoso\\looked.dat",
        "set-value registry HKLM\\SOFTWARE\\Contoso\\Looked\\Port",
    ];
    for reading in golden(APPLICATIONS, "looked", &BUILDS, "exe") {
        is_certain(&reading);
        // On x86 the view of 32 bits is one of what is said.
        let said: Vec<String> = said(&reading).iter().map(|line| line.trim_end_matches(" view32").to_owned()).collect();
        assert_eq!(said, expected, "{}", reading.artifact);
        let says_port = |e: &Effect| e.evidence.iter().any(|step| step.text == "value 8080");
        assert!(shown(&reading).any(says_port), "{}", reading.artifact);
    }
}

/// Lists and maps are followed with what they hold, and an object that another one owns into its thread.
#[test]
fn places_in_lists_and_threads() {
    says(
        "listed",
        &BUILDS,
        "exe",
        &[
            "create directory C:\\Contoso\\export",
            "create directory C:\\Contoso\\queue",
            "create file C:\\Contoso\\orders.csv",
            "create file C:\\Contoso\\prices.csv",
            "create file C:\\Contoso\\worker.dat",
            "delete file C:\\Contoso\\old.tmp",
            "delete file C:\\Contoso\\older.tmp",
        ],
    )
    .iter()
    .for_each(is_certain);
}

/// Trees, tables with hashed keys, lists and vectors: what is looked up in them, and what they are walked through for.
#[test]
fn places_that_are_looked_up_in_containers() {
    says(
        "mapped",
        &BUILDS,
        "exe",
        &[
            "configure file C:\\Contoso\\one.old",
            "configure file C:\\Contoso\\two.old",
            "copy file D:\\Backup\\state.xml",
            "create directory C:\\Contoso\\first",
            "create directory C:\\Contoso\\second",
            "create file C:\\Contoso\\prices.dat",
            "delete file C:\\Contoso\\eleven.tmp",
            "delete file C:\\Contoso\\hashed.lock",
            "delete file C:\\Contoso\\seven.tmp",
            "delete file {Temp}\\contoso.bak",
            "delete file {Temp}\\contoso.tmp",
        ],
    )
    .iter()
    .for_each(is_certain);
}

/// Threads and functions as values run when the service does, with what they are given.
#[test]
fn threads_and_functions_that_are_kept() {
    let readings = says(
        "deferred",
        &BUILDS,
        "exe",
        &[
            "configure file C:\\Contoso\\twice.a",
            "configure file C:\\Contoso\\twice.b",
            "create directory C:\\Contoso\\kept",
            "create directory C:\\Contoso\\step-1",
            "create directory C:\\Contoso\\step-2",
            "create file C:\\Contoso\\clicked.dat",
            "create file C:\\Contoso\\journal.dat",
            "create file C:\\Contoso\\queue\\drained.dat",
            "delete file C:\\Contoso\\removed.tmp",
            "delete file C:\\Contoso\\stale.tmp",
        ],
    );
    for mut reading in readings {
        assert!(shown(&reading).all(|effect| effect.phase == Phase::Run), "{}", reading.artifact);
        if reading.artifact.contains("-O2") {
            // The function of a closure that is compiled into where it is called stays, and nothing calls it.
            let is_open = |fact: &Fact| fact.as_effect().is_some_and(|e| e.location.to_string() == "{?}");
            let before = reading.facts.len();
            reading.facts.retain(|fact| !is_open(fact));
            assert_eq!(before - reading.facts.len(), 1, "{}", reading.artifact);
        }
        is_certain(&reading);
    }
}

/// What an installer and the registration of a component do is done when the image is built.
#[test]
fn what_an_installer_calls() {
    let class = "HKLM\\SOFTWARE\\Classes\\CLSID\\{E1D7B1D0-52A7-4B2C-9D7B-3C1F0F7A6E55}";
    let expected = [
        format!("build create {class}"),
        format!("build create {class}\\InprocServer32"),
        "build create HKCU\\Software\\Contoso\\Orders".to_owned(),
        "build create HKLM\\SOFTWARE\\Contoso".to_owned(),
        format!("not-shipped delete {class}"),
        "build set-value C:\\Contoso\\contoso.ini\\Server\\Folder".to_owned(),
        "build set-value HKCU\\Software\\Contoso\\Orders\\Installed".to_owned(),
        format!("build set-value {class}\\(default)"),
        format!("build set-value {class}\\InprocServer32\\ThreadingModel"),
        "build set-value HKLM\\SOFTWARE\\Contoso\\Folder".to_owned(),
        "not-shipped delete C:\\Contoso\\contoso.ini".to_owned(),
    ];
    for reading in golden(APPLICATIONS, "packaged", &BUILDS, "dll") {
        let line = |e: &Effect| format!("{} {} {}", <&str>::from(e.phase), <&str>::from(e.operation), e.location);
        let mut said: Vec<String> = shown(&reading).map(line).collect();
        said.sort();
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(said, expected, "{}", reading.artifact);
    }
}

/// Strings and streams of Microsoft's library, which are compiled into the program, and the universal C runtime.
#[test]
fn strings_of_microsofts_library() {
    let expected = [
        "append file C:\\Contoso\\desk.log",
        "create file C:\\Contoso\\orders.dat",
        "create file C:\\Contoso\\prices.db.new",
        "create file C:\\Contoso\\report-7.txt",
        "create file C:\\ProgramData\\Contoso\\shared.dat",
        "create file {ProgramData}\\Contoso\\shared.dat",
        "delete file C:\\d.lock",
        "rename file C:\\Contoso\\prices.db",
    ];
    for reading in golden("fixtures/native/msvc", "texts", &BUILDS, "exe") {
        assert_eq!(said(&reading), expected, "{}", reading.artifact);
        // Behind all that a caller did before the way is too long, without optimisation.
        let is_behind = |place: &String| place == "C:\\Contoso\\desk.log" && reading.artifact.contains("-O0");
        let others: Vec<String> = guessed(&reading).into_iter().filter(|place| !is_behind(place)).collect();
        assert!(others.is_empty(), "{}: {others:?}", reading.artifact);
    }
}
