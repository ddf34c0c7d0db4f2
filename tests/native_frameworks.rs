//! What native programs do through frameworks and language runtimes, whose functions are imported by number.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native_frameworks` writes the listings anew; read the difference line by line.

mod native_listing;

use native_listing::{golden, shown};
use wipeproof::facts::{Effect, Reading};

fn written(reading: &Reading) -> Vec<String> {
    let line = |e: &Effect| format!("{} {} {}", <&str>::from(e.operation), <&str>::from(e.store), e.location);
    let mut lines: Vec<String> = shown(reading).map(line).collect();
    lines.sort();
    lines
}

/// All builds say the same, and exactly what a reader of the source expects.
fn says(program: &str, builds: &[&str], expected: &[&str]) {
    for reading in golden("fixtures/native/frameworks", program, builds, "exe") {
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

const ALL: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

#[test]
fn profiles_and_files_of_mfc() {
    says(
        "mfc",
        &ALL,
        &[
            "create file C:\\data\\orders.dat",
            "set-value registry HKCU\\Software\\Contoso\\{?}\\Session\\LastOrder",
            "set-value registry HKCU\\Software\\Contoso\\{?}\\Window\\Left",
        ],
    );
}

#[test]
fn without_a_registry_key_the_profile_of_mfc_is_a_file() {
    says(
        "profile",
        &ALL,
        &[
            "create file C:\\data\\orders.dat",
            "set-value ini {Windows}\\{?}.ini\\Session\\LastOrder",
            "set-value ini {Windows}\\{?}.ini\\Window\\Left",
        ],
    );
}

/// The same from C++.
#[test]
fn an_application_of_mfc_that_keeps_a_file() {
    says(
        "kept",
        &ALL,
        &[
            "create file C:\\data\\desk.log",
            "create file C:\\data\\orders.new",
            "delete file C:\\data\\stale.tmp",
            "rename file C:\\data\\orders.dat",
            "set-value ini {Windows}\\{?}.ini\\Session\\LastOrder",
            "set-value ini {Windows}\\{?}.ini\\Window\\Left",
            "set-value ini {Windows}\\{?}.ini\\Window\\Top",
        ],
    );
}

/// Below the key that is set, from C++, through objects that keep the application.
#[test]
fn an_application_of_mfc() {
    says(
        "desk",
        &ALL,
        &[
            "create file C:\\data\\desk.log",
            "create file C:\\data\\orders.new",
            "delete file C:\\data\\stale.tmp",
            "rename file C:\\data\\orders.dat",
            "set-value registry HKCU\\Software\\Contoso\\{?}\\Session\\LastOrder",
            "set-value registry HKCU\\Software\\Contoso\\{?}\\Window\\Left",
            "set-value registry HKCU\\Software\\Contoso\\{?}\\Window\\Top",
        ],
    );
}

const QT: [&str; 18] = [
    "append file C:\\Contoso\\service.log",
    "copy file C:\\Contoso\\b.dat",
    "create directory C:\\Contoso\\queue",
    "create file C:\\Contoso\\atomic.dat",
    // By a literal that lies in the program with its header.
    "create file C:\\Contoso\\orders-static.dat",
    "create file C:\\Contoso\\orders.dat",
    "create file {AppData}\\Contoso\\Desk\\cart.json",
    "create file {Temp}\\scratch.bin",
    "delete file C:\\Contoso\\old.dat",
    "delete-value registry HKCU\\Software\\Contoso\\OrderDesk\\obsolete",
    "set-value ini C:\\Contoso\\desk.ini\\Export\\Folder",
    "set-value ini {AppData}\\Contoso\\Profile.ini\\Paths\\Data",
    "set-value registry HKCU\\Software\\Contoso\\Desk\\Language",
    "set-value registry HKCU\\Software\\Contoso\\Native\\Theme",
    "set-value registry HKCU\\Software\\Contoso\\OrderDesk\\Session\\LastOrder",
    "set-value registry HKCU\\Software\\Contoso\\OrderDesk\\window\\left",
    "set-value registry HKLM\\Software\\Contoso\\License\\Key",
    "write database C:\\Contoso\\orders.sqlite",
];

#[test]
fn files_settings_and_databases_of_qt() {
    for compiler in ["mingw", "msvc"] {
        says_in("fixtures/native/qt", compiler, &QT);
    }
}

/// Qt 6 has other names: modes of a class of their own, texts that are given as views. Of a view of any text nothing is known.
#[test]
fn files_and_settings_of_qt_6() {
    for compiler in ["six-mingw", "six-msvc"] {
        says_in(
            "fixtures/native/qt",
            compiler,
            &[
                "append file C:\\Contoso\\journal.log",
                "copy file C:\\Contoso\\b.dat",
                "create directory C:\\Contoso\\queue",
                "create file C:\\Contoso\\atomic.dat",
                "create file C:\\Contoso\\cart.dat",
                "create file C:\\Contoso\\orders.dat",
                "delete file C:\\Contoso\\old.dat",
                "delete-value registry HKCU\\Software\\Contoso\\Session\\{?}",
                "set-value registry HKCU\\Software\\Contoso\\OrderDesk\\{?}",
                "set-value registry HKCU\\Software\\Contoso\\Window\\{?}\\{?}",
                "write file C:\\Contoso\\stock.dat",
            ],
        );
    }
}

#[test]
fn files_and_settings_of_wxwidgets() {
    for compiler in ["msvc", "mingw"] {
        says_in(
            "fixtures/native/wx",
            compiler,
            &[
                "append file C:\\Contoso\\desk.log",
                "copy file C:\\Contoso\\b.dat",
                "create directory C:\\Contoso\\queue",
                "create file C:\\Contoso\\created.dat",
                "create file C:\\Contoso\\orders.dat",
                "delete file C:\\Contoso\\old.dat",
                "rename file C:\\Contoso\\named.dat",
                "set-value ini {AppData}\\orderdesk.ini\\Session\\LastOrder",
                "set-value registry HKCU\\Software\\Contoso\\OrderDesk\\Window\\Left",
                "write file C:\\Contoso\\stream.dat",
            ],
        );
    }
}

/// All builds say the same of what is changed, and where.
fn says_in(folder: &str, program: &str, expected: &[&str]) {
    for reading in golden(folder, program, &ALL, "exe") {
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

#[test]
fn objects_of_com() {
    says_in(
        "fixtures/native/com",
        "com",
        &[
            "configure wmi root\\contoso:{?}",
            "delete wmi root\\contoso:Contoso_Order.Id=1",
            "register task Contoso export",
            "unregister task Contoso nightly",
            "unregister task Contoso weekly",
            "write database C:\\Contoso\\orders.mdb",
            "write shortcut C:\\Contoso\\handed.lnk",
            "write shortcut {Startup}\\Order desk.lnk",
        ],
    );
}

#[test]
fn databases_inside_the_program() {
    says_in(
        "fixtures/native/com",
        "engines",
        &[
            "create database C:\\Contoso\\mail.edb",
            "create database C:\\Contoso\\orders.sqlite",
            "create database C:\\Contoso\\wide.sqlite",
            "create database {Temp}\\scratch.sqlite",
            "write database C:\\Contoso\\index.edb",
            "write database C:\\Contoso\\level",
            "write database C:\\Contoso\\lightning",
            "write database C:\\Contoso\\rocks",
            "write database C:\\Contoso\\stock.mdb",
        ],
    );
}

#[test]
fn settings_of_visual_basic() {
    says(
        "vb",
        &["x86-O0", "x86-O2"],
        &[
            "append file C:\\Contoso\\journal.log",
            "configure file C:\\Contoso\\hidden.dat",
            "copy file C:\\Contoso\\orders.bak",
            "create directory C:\\Contoso\\queue",
            "create file C:\\Contoso\\output.txt",
            "delete directory C:\\Contoso\\old",
            "set-value registry HKCU\\Software\\VB and VBA Program Settings\\OrderDesk\\Window\\Left",
            "write file C:\\Contoso\\orders.dat",
            "write file C:\\Contoso\\picture.bin",
        ],
    );
}
