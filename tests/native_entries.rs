//! When native code runs: what the registration of a component, an installer or a service's main function leads to.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native_entries` writes the listings anew; read the difference line by line.

mod native_listing;

use native_listing::{golden, shown};
use wipeproof::facts::Reading;

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

/// Location, phase and its evidence, one line per effect.
fn phased(reading: &Reading) -> Vec<String> {
    let mut lines: Vec<String> = shown(reading)
        .map(|e| {
            let because = if e.phase_evidence.contains("the function at") { "" } else { e.phase_evidence.as_str() };
            format!("{} {} {because}", <&str>::from(e.phase), e.location).trim_end().to_owned()
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

fn says(program: &str, suffix: &str, expected: &[&str]) {
    for reading in golden("fixtures/native/entries", program, &BUILDS, suffix) {
        assert_eq!(phased(&reading), expected, "{}", reading.artifact);
    }
}

#[test]
fn registration_of_a_component() {
    says(
        "server",
        "dll",
        &[
            "build HKLM\\SOFTWARE\\Classes\\CLSID\\{6B29FC40-CA47-1067-B31D-00DD010662DA} only reached from DllInstall and DllRegisterServer, which register the component",
            "build HKLM\\SOFTWARE\\Classes\\CLSID\\{6B29FC40-CA47-1067-B31D-00DD010662DA}\\(default) only reached from DllInstall and DllRegisterServer, which register the component",
            "not-shipped HKLM\\SOFTWARE\\Classes\\Contoso.Order only reached from DllUnregisterServer, which takes the component away",
            "unknown C:\\data\\order.dat",
            // The registration and the component's work lead here.
            "unknown HKCU\\Software\\Contoso\\Order",
            "unknown HKCU\\Software\\Contoso\\Order\\Seen",
        ],
    );
}

#[test]
fn custom_actions_of_an_installer() {
    says(
        "action",
        "dll",
        &[
            "build C:\\Contoso\\contoso.ini\\Server\\Folder only reached from WriteSettings, a custom action of an installer",
            "not-shipped C:\\Contoso\\contoso.ini only reached from UninstallCleanup, which takes the component away",
        ],
    );
}

#[test]
fn main_function_of_a_service() {
    says(
        "service",
        "exe",
        &["run C:\\data\\service.dat", "unknown C:\\data\\both.dat", "unknown C:\\data\\console.dat"],
    );
}

#[test]
fn functions_that_are_called_back() {
    says(
        "callbacks",
        "exe",
        &[
            "run C:\\data\\control.dat",
            "run C:\\data\\first.dat",
            "run C:\\data\\second.dat",
            "run C:\\data\\thread.dat",
            "run C:\\data\\work.dat",
            "shutdown C:\\data\\console-closed.dat",
            // Also started outside the service.
            "unknown C:\\data\\shared.dat",
        ],
    );
}

/// Timers, windows and items of work run when whoever hands them over does.
#[test]
fn functions_that_a_class_hands_over() {
    says(
        "watcher",
        "exe",
        &[
            "run C:\\data\\blink.dat",
            "run C:\\data\\service.dat",
            "run C:\\data\\session.dat",
            "run C:\\data\\tick.dat",
            "run C:\\data\\work.dat",
            "shutdown C:\\data\\console.dat",
            "shutdown C:\\data\\exit.dat",
            "unknown C:\\data\\outside.dat",
        ],
    );
}

/// The name stands in an array of the frame, beside a variable that a call fills.
#[test]
fn the_name_of_a_service_in_an_array() {
    for reading in golden("fixtures/native/entries", "watcher", &BUILDS, "exe") {
        let services = reading.facts.iter().filter_map(|fact| fact.as_clue()).filter(|clue| clue.key == "service");
        let named: Vec<String> =
            services.map(|clue| clue.location.as_ref().map(ToString::to_string).unwrap_or_default()).collect();
        assert_eq!(named, ["ContosoWatcher"], "{}", reading.artifact);
    }
}
