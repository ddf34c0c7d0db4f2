//! When native code runs: what the registration of a component, an installer or a service's main function leads to.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native_entries` writes the listings anew; read the difference line by line.

#![allow(clippy::expect_used)]

use std::path::{Path, PathBuf};
use wipeproof::discover::walk;
use wipeproof::facts::{Certainty, Operation, Reading, listing};
use wipeproof::read::read_all;

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

/// Location, phase and its evidence, one line per effect.
fn phased(reading: &Reading) -> Vec<String> {
    let effects = reading.facts.iter().filter_map(|f| f.as_effect());
    let shown = effects.filter(|e| e.operation != Operation::Read && e.certainty > Certainty::Possible);
    let mut lines: Vec<String> = shown
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
    let folder = Path::new("fixtures/native/entries");
    let inputs: Vec<PathBuf> = BUILDS.iter().map(|b| folder.join(format!("{program}-{b}.{suffix}"))).collect();
    let readings = read_all(&walk(&inputs, &Default::default()).expect("fixtures can be walked")).readings;
    let file = folder.join(format!("{program}.facts"));
    let found = listing::print(&readings);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &found).expect("the listing can be written");
    }
    assert_eq!(found, std::fs::read_to_string(&file).unwrap_or_default(), "{} differs", file.display());
    assert_eq!(readings.len(), BUILDS.len());
    for reading in readings {
        assert_eq!(phased(&reading), expected, "{}", reading.artifact);
    }
}

#[test]
fn registration_of_a_component() {
    says(
        "server",
        "dll",
        &[
            "build HKLM\\SOFTWARE\\Classes\\CLSID\\{6B29FC40-CA47-1067-B31D-00DD010662DA} only reached from DllInstall, which registers the component",
            "build HKLM\\SOFTWARE\\Classes\\CLSID\\{6B29FC40-CA47-1067-B31D-00DD010662DA}\\(default) only reached from DllInstall, which registers the component",
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
