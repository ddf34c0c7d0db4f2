//! What the reader of native code says about small C++ programs: objects that hold handles, paths and other objects,
//! static functions that are called back with one, handlers of exceptions.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native_classes` writes the listings anew; read the difference line by line.

mod native_listing;

use native_listing::{golden, shown};
use wipeproof::facts::{Certainty, Reading};

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

/// What is written, one line per effect, without the addresses; what is written twice is told once.
fn written(reading: &Reading) -> Vec<String> {
    let mut lines = native_listing::written(reading);
    lines.dedup();
    lines
}

/// All builds say the same, and exactly what a reader of the source expects.
fn says(program: &str, suffix: &str, expected: &[&str]) {
    for reading in golden("fixtures/native/classes", program, &BUILDS, suffix) {
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

#[test]
fn handlers_of_exceptions() {
    says(
        "caught",
        "exe",
        &[
            "create C:\\Contoso\\anything.dat",
            "create C:\\Contoso\\numbered.dat",
            "create C:\\Contoso\\recovered.dat",
            "create C:\\Contoso\\worked.dat",
            "delete C:\\Contoso\\lock",
            "delete C:\\Contoso\\refused.tmp",
            "rename C:\\Contoso\\state.bad",
        ],
    );
}

/// Each line of the source once, also where a compiler put a method in place of its call; and what Windows calls the
/// service for, through virtual functions and in a thread, is done by the service.
#[test]
fn a_service_that_is_a_class() {
    for reading in golden("fixtures/native/classes", "hosted", &BUILDS, "exe") {
        let line = |e: &wipeproof::facts::Effect| {
            format!("{} {} {}", <&str>::from(e.operation), e.location, <&str>::from(e.phase))
        };
        let mut lines: Vec<String> = shown(&reading).map(line).collect();
        lines.sort();
        let expected = [
            "create C:\\Contoso\\console.dat unknown",
            "create C:\\Contoso\\started.dat run",
            "create C:\\Contoso\\worker.dat run",
            "delete C:\\Contoso\\running.lock run",
        ];
        assert_eq!(lines, expected, "{}", reading.artifact);
        // What it is called is kept in the object.
        let clues =
            reading.facts.iter().filter_map(|fact| fact.as_clue()).filter(|clue| clue.value.contains("Dispatcher"));
        let names: Vec<String> = clues.filter_map(|clue| Some(clue.location.as_ref()?.to_string())).collect();
        assert_eq!(names, ["ContosoOrders"], "{}", reading.artifact);
    }
}

#[test]
fn a_component_that_registers_itself_by_a_class_for_keys() {
    let class = "HKCR\\CLSID\\{3C374A40-BAE4-11CF-BF7D-00AA006946EE}";
    let expected = [
        format!("create {class}"),
        format!("create {class}\\InprocServer32"),
        "create HKCU\\Software\\Contoso\\Orders".to_owned(),
        format!("delete {class}"),
        format!("set-value {class}\\(default)"),
        format!("set-value {class}\\InprocServer32\\ThreadingModel"),
        "set-value HKCU\\Software\\Contoso\\Orders\\Last".to_owned(),
    ];
    says("component", "dll", &expected.each_ref().map(String::as_str));
    for reading in golden("fixtures/native/classes", "component", &BUILDS, "dll") {
        let phases = |phase: &str| {
            let mut places: Vec<String> =
                shown(&reading).filter(|e| <&str>::from(e.phase) == phase).map(|e| e.location.to_string()).collect();
            places.sort();
            places
        };
        let server = format!("{class}\\InprocServer32");
        let built = [class.to_owned(), format!("{class}\\(default)"), server.clone(), server + "\\ThreadingModel"];
        assert_eq!(phases("build"), built, "{}", reading.artifact);
        assert_eq!(phases("not-shipped"), [class], "{}", reading.artifact);
    }
}

/// In a local variable, in a member that one method makes and another uses, by a method that returns it.
#[test]
fn objects_of_com_in_objects_of_the_program() {
    says(
        "desktop",
        "exe",
        &[
            "unregister Contoso nightly",
            "write C:\\Users\\Public\\Desktop\\Order desk.lnk",
            "write {Startup}\\Order desk.lnk",
        ],
    );
}

/// The names of the command line; where the script behind the image writes is nowhere in it.
#[test]
fn arguments_and_a_script_in_objects() {
    says("argued", "exe", &["create {arg:1}", "delete {arg:2}"]);
}

/// A pipe is no state, and what a `std::function` keeps is followed to whoever calls it.
#[test]
fn services_pipes_and_functions_that_are_kept() {
    for reading in golden("fixtures/native/classes", "kinds", &BUILDS, "exe") {
        let expected = ["create C:\\Contoso\\queue", "delete C:\\Contoso\\stale.lock", "register ContosoOrders"];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

#[test]
fn databases_behind_classes() {
    says(
        "stores",
        "exe",
        &[
            "create C:\\Contoso\\orders.sqlite",
            "create C:\\Contoso\\prices.sqlite",
            "create D:\\Archive\\archive.sqlite",
            "write C:\\Contoso\\index",
        ],
    );
    for reading in golden("fixtures/native/classes", "stores", &BUILDS, "exe") {
        let guessed: Vec<_> = shown(&reading).filter(|e| e.certainty < Certainty::Proven).collect();
        assert_eq!(guessed, Vec::<&wipeproof::facts::Effect>::new(), "{}", reading.artifact);
    }
}

/// Which number a name has is not known.
#[test]
fn strings_that_are_joined() {
    says(
        "joined",
        "exe",
        &[
            "create C:\\Contoso\\added.dat",
            "create C:\\Contoso\\appended-by-text.dat",
            "create C:\\Contoso\\first.dat",
            "create C:\\Contoso\\report.bak",
            "create C:\\Contoso\\second.dat",
            "create C:\\Contoso\\spool-{?}.dat",
            "create C:\\Contoso\\third.dat",
            "create D:\\Contoso\\other.dat",
            "create {Temp}\\contoso\\wide.dat",
            "delete C:\\Contoso\\lock\\orders.lock",
        ],
    );
    for reading in golden("fixtures/native/classes", "joined", &BUILDS, "exe") {
        let open: Vec<String> =
            shown(&reading).filter(|e| e.certainty < Certainty::Proven).map(|e| e.location.to_string()).collect();
        assert_eq!(open, ["C:\\Contoso\\spool-{?}.dat"], "{}", reading.artifact);
    }
}

#[test]
fn methods_that_call_what_is_loaded_late() {
    let expected = [
        "create C:\\Contoso\\late.dat",
        "delete C:\\Contoso\\at-once.tmp",
        "set-value HKCU\\Software\\Contoso\\Late\\Runs",
    ];
    for reading in golden("fixtures/native/msvc", "delayed", &BUILDS, "exe") {
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

/// `__except` on x64: with a handler, two around each other, and what is done in any case.
#[test]
fn handlers_of_structured_exceptions() {
    let expected = [
        "create C:\\Contoso\\between.dat",
        "create C:\\Contoso\\failed.dat",
        "create C:\\Contoso\\inner.dat",
        "create C:\\Contoso\\outer.dat",
        "delete C:\\Contoso\\guard.lock",
    ];
    for reading in golden("fixtures/native/msvc", "guarded", &BUILDS[..2], "exe") {
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}
