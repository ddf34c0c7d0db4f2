//! What the reader of native code says about small C programs, for two processors and two optimisation levels,
//! compared as text.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native` writes the listings anew; read the difference line by line.

mod native_listing;

use native_listing::{golden, shown};
use wipeproof::facts::{Certainty, Extent, Reading};

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

fn read(program: &str) -> Vec<Reading> {
    golden("fixtures/native", program, &BUILDS, "exe")
}

/// What is written, however it was compiled: one line per effect, without addresses.
fn written(reading: &Reading) -> Vec<String> {
    let mut lines: Vec<String> = shown(reading)
        .map(|e| {
            let name = e.via.rsplit('!').next().unwrap_or_default();
            format!("{} {} {name}", <&str>::from(e.operation), e.location)
        })
        .collect();
    lines.sort();
    lines
}

/// All builds say the same, and exactly what a reader of the source expects.
fn says(program: &str, expected: &[&str]) {
    for reading in read(program) {
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

#[test]
fn modes_of_files() {
    says(
        "files",
        &[
            "append C:\\logs\\trace.txt CreateFileA",
            "copy C:\\backup\\state.xml CopyFileA",
            "create C:\\data\\queue CreateDirectoryA",
            "create C:\\scratch\\work.tmp CreateFileA",
            "create \\\\server\\share\\copy.dat CreateFileA",
            "delete C:\\data\\lock DeleteFileW",
            "delete C:\\data\\old.dll MoveFileExA",
            "rename C:\\data\\state.xml MoveFileExA",
            // One function opens both, for appending or for writing.
            "write C:\\data\\snapshot.bin fopen",
            "write D:\\data\\orders.dat CreateFileW",
            "write {Cwd}\\journal.log fopen",
        ],
    );
}

#[test]
fn paths_that_are_built() {
    says(
        "paths",
        &[
            // From a default or from the environment: one of two.
            "create C:\\Contoso\\env.ini CreateFileA",
            "create {AppData}\\Contoso\\cart-7.dat CreateFileA",
            "create {AppDir}\\beside.log CreateFileA",
            "create {LocalAppData}\\Contoso\\cache.bin CreateFileW",
            "create {ProgramData}\\Contoso\\expanded.bin CreateFileA",
            "create {ProgramData}\\Contoso\\orders.db CreateFileA",
            "create {Temp}\\spool.tmp CreateFileA",
            "create {env:CONTOSO_HOME}\\env.ini CreateFileA",
            "create {ini:C:\\Contoso\\app.ini/Paths/Export}\\export.csv CreateFileA",
            "delete {AppDir}\\data\\wide.db DeleteFileW",
        ],
    );
}

#[test]
fn keys_and_values() {
    says(
        "registry",
        &[
            "create HKCU\\Software\\Contoso\\OrderDesk RegCreateKeyExA",
            "create HKCU\\Software\\Contoso\\OrderDesk\\Window RegCreateKeyExW",
            "create HKLM\\SOFTWARE\\Contoso\\License RegCreateKeyExW",
            "delete HKCU\\Software\\Contoso\\Old RegDeleteKeyA",
            "delete {registry:HKLM\\SOFTWARE\\Contoso\\Paths\\Data}\\orders.xml DeleteFileA",
            "delete-value HKCU\\Software\\Contoso\\OrderDesk\\Window\\Top RegDeleteValueW",
            "set-value HKCU\\Software\\Contoso\\OrderDesk\\LastRun RegSetValueExA",
            "set-value HKCU\\Software\\Contoso\\OrderDesk\\Window\\Left RegSetValueExW",
            "set-value HKCU\\Software\\Contoso\\Shared\\Theme RegSetValueExA",
            "set-value HKLM\\SOFTWARE\\Contoso\\License\\(default) RegSetValueExW",
            "set-value HKLM\\Software\\Contoso\\Shared\\Server RegSetValueExA",
        ],
    );
}

#[test]
fn services_logs_and_settings() {
    says(
        "system",
        &[
            "append ContosoOrders ReportEventA",
            "register ContosoOrders CreateServiceA",
            "register ContosoRemote CreateServiceA",
            "set-value C:\\app\\settings.ini\\Window\\X WritePrivateProfileStringW",
            "set-value HKCU\\Software\\Contoso\\Late\\Seen RegSetKeyValueA",
            "set-value {Windows}\\orderdesk.ini\\Session\\LastOrder WritePrivateProfileStringA",
            "set-value {Windows}\\win.ini\\OrderDesk\\Installed WriteProfileStringA",
        ],
    );
}

#[test]
fn values_that_travel() {
    says(
        "flow",
        &[
            "create C:\\Contoso\\journal.bin CreateFileA",
            // Called through a variable that holds a function which was looked up.
            "create C:\\Contoso\\late.bin CreateFileW",
            "create C:\\Contoso\\orders.db CreateFileA",
            "create C:\\Contoso\\other.db CreateFileA",
            "create C:\\Contoso\\stock.db CreateFileA",
            "create HKCU\\Software\\Contoso\\Flow RegCreateKeyExA",
            "create HKLM\\SOFTWARE\\Contoso\\Store RegCreateKeyExA",
            "create {LocalAppData}\\Contoso\\store.db CreateFileA",
            "create {ProgramData}\\Contoso\\global.dat CreateFileA",
            "create {Temp}\\contoso.cache CreateFileA",
            "delete C:\\Contoso\\lock DeleteFileA",
            "set-value HKCU\\Software\\Contoso\\Flow\\Port RegSetValueExA",
            "set-value HKCU\\Software\\Contoso\\Flow\\Server RegSetValueExA",
            "set-value HKLM\\SOFTWARE\\Contoso\\Store\\File RegSetValueExA",
        ],
    );
}

#[test]
fn objects_of_classes() {
    says(
        "objects",
        &[
            "append C:\\Contoso\\global.log CreateFileW",
            "append C:\\Contoso\\local.log CreateFileW",
            "create HKCU\\Software\\Contoso\\Objects RegCreateKeyExW",
            "create HKLM\\SOFTWARE\\Contoso\\Objects RegCreateKeyExW",
            // By a virtual function, from a field that the constructor filled.
            "create {AppData}\\Contoso\\sink.dat CreateFileA",
            "delete HKCU\\Software\\Contoso\\Sink RegDeleteKeyW",
            "set-value HKCU\\Software\\Contoso\\Objects\\Width RegSetValueExW",
            "set-value HKLM\\SOFTWARE\\Contoso\\Objects\\Runs RegSetValueExW",
        ],
    );
}

/// How much of a string is seen depends on what was compiled into the program; what is seen is right.
#[test]
fn strings_of_the_library() {
    let right = [
        "C:\\Contoso\\service.log",
        "{?}\\Contoso\\{?}",
        "{?}report.csv",
        "C:\\Contoso\\report.csv",
        "{?}.new",
        "{?}.idx",
    ];
    for reading in read("strings") {
        let written = written(&reading);
        for line in &written {
            assert!(right.iter().any(|r| line.split(' ').nth(1) == Some(r)), "{}: {line}", reading.artifact);
        }
        assert!(written.iter().any(|l| l.starts_with("append C:\\Contoso\\service.log ")), "{}", reading.artifact);
    }
}

#[test]
fn a_runtime_that_is_linked_in() {
    says("linked", &["append {Cwd}\\journal.log fopen", "create C:\\data\\linked.bin fopen"]);
}

#[test]
fn a_listing_never_calls_a_place_proven_that_is_not_known() {
    for program in ["files", "flow", "linked", "objects", "paths", "registry", "strings", "system"] {
        for reading in read(program) {
            for effect in reading.facts.iter().filter_map(|f| f.as_effect()) {
                assert!(effect.certainty < Certainty::Proven || effect.location.extent() == Extent::Full, "{effect:?}");
            }
        }
    }
}
