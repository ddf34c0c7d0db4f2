//! What the reader of native code says about small C++ programs: objects that hold handles, paths and other objects,
//! static functions that are called back with one, handlers of exceptions.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native_classes` writes the listings anew; read the difference line by line.

mod native_listing;

use native_listing::{golden, shown};
use wipeproof::facts::Reading;

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

/// What is written, one line per effect, without the addresses.
fn written(reading: &Reading) -> Vec<String> {
    let line = |e: &wipeproof::facts::Effect| format!("{} {}", <&str>::from(e.operation), e.location);
    let mut lines: Vec<String> = shown(reading).map(line).collect();
    lines.sort();
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

#[test]
fn a_service_that_is_a_class() {
    says(
        "hosted",
        "exe",
        &[
            "create C:\\Contoso\\console.dat",
            "create C:\\Contoso\\started.dat",
            "create C:\\Contoso\\worker.dat",
            "delete C:\\Contoso\\running.lock",
        ],
    );
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
