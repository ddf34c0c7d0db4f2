//! What is read from the tables of a Windows Installer package. The package is built here, so that its rows stand
//! beside what is expected of them.
//!
//! `UPDATE_GOLDEN=1` rewrites the listing; read the difference line by line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use msi::{Column, Insert, Package, PackageType, Value};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use wipeproof::discover::{Application, Artifact, sniff};
use wipeproof::facts::{NoteKind, Reading, listing};
use wipeproof::read::read_bytes;

/// Tables: name, columns (`#` before a number), and rows with `|` between the columns; `-` is null.
const TABLES: &[(&str, &str, &[&str])] = &[
    ("Property", "Property Value", &["ProductName|Desk", "PORT|8080"]),
    (
        "Directory",
        "Directory Directory_Parent DefaultDir",
        &[
            "TARGETDIR|-|SourceDir",
            "ProgramFilesFolder|TARGETDIR|.",
            "INSTALLDIR|ProgramFilesFolder|DESK~1!Contoso Desk:src",
            "CommonAppDataFolder|TARGETDIR|.",
            "DATADIR|CommonAppDataFolder|Contoso",
            "ProgramMenuFolder.5F2A|TARGETDIR|.",
            "LOOPA|LOOPB|a",
            "LOOPB|LOOPA|b",
        ],
    ),
    (
        "Component",
        "Component Directory_ KeyPath",
        &["Program|INSTALLDIR|exe", "Data|DATADIR|-", "Menu|ProgramMenuFolder.5F2A|menuKey", "Loop|LOOPA|-"],
    ),
    (
        "File",
        "File Component_ FileName",
        &["exe|Program|DESKSV~1.EXE!desk-service.exe", "data|Data|orders.db", "round|Loop|round.txt"],
    ),
    (
        "Registry",
        "Registry #Root Key Name Value Component_",
        &[
            "port|2|Software\\Contoso\\[ProductName]|Port|#8080|Program",
            "program|2|Software\\Contoso\\[ProductName]|Program|#%[#exe]|Program",
            "class|0|Contoso.Desk|-|Desk file|Program",
            "menuKey|1|Software\\Contoso|menu|#1|Menu",
            "made|-1|Software\\Contoso\\Cache|+|-|Program",
            "goesLater|2|Software\\Contoso\\Gone|-minus-|-|Program",
        ],
    ),
    (
        "RemoveRegistry",
        "RemoveRegistry #Root Key Name Component_",
        &["old|2|Software\\OldDesk|-minus-|Program", "old2|2|Software\\Contoso|Stale|Program"],
    ),
    (
        "RemoveFile",
        "FileKey Component_ FileName DirProperty #InstallMode",
        &["now|Program|old.ini|INSTALLDIR|1", "later|Program|*.log|INSTALLDIR|2", "empty|Data|-|DATADIR|3"],
    ),
    (
        "IniFile",
        "IniFile FileName DirProperty Section Key Value #Action Component_",
        &["ini|desk.ini|INSTALLDIR|server|port|[PORT]|0|Program", "win|win.ini|-|desk|port|1|0|Program"],
    ),
    ("Media", "#DiskId #LastSequence Cabinet", &["1|3|#desk.cab"]),
    ("CreateFolder", "Directory_ Component_", &["DATADIR|Data"]),
    (
        "MoveFile",
        "FileKey Component_ SourceName DestName SourceFolder DestFolder #Options",
        &["backup|Data|orders.db|ORDERS~1.BAK!orders.db.bak|DATADIR|DATADIR|1"],
    ),
    ("DuplicateFile", "FileKey Component_ File_ DestName DestFolder", &["copy|Program|exe|-|DATADIR"]),
    (
        "Shortcut",
        "Shortcut Directory_ Name Component_ Target",
        &["menu|ProgramMenuFolder.5F2A|DESK!Desk orders|Menu|[#exe]"],
    ),
    (
        "Environment",
        "Environment Name Value Component_",
        &["home|=-*DESK_HOME|[INSTALLDIR]|Program", "user|=DESK_USER|x|Program", "away|!*DESK_OLD|-|Program"],
    ),
    ("ServiceInstall", "ServiceInstall Name Component_ StartName", &["svc|DeskService|Program|LocalSystem"]),
    (
        "LockPermissions",
        "LockObject Table Domain User #Permission",
        &["DATADIR|CreateFolder|-|Users|268435456", "port|Registry|-|Users|1"],
    ),
    ("Class", "CLSID Context Component_", &["{22222222-3333-4444-5555-666666666666}|InprocServer32|Program"]),
    ("MsiAssembly", "Component_ Feature_ File_Manifest File_Application", &["Program|All|exe|-"]),
    ("FileShare", "FileShare ShareName Component_", &["share|orders|Data"]),
    (
        "CustomAction",
        "Action #Type Source Target",
        &[
            "Prepare|3106|INSTALLDIR|cmd /c echo ready > ready.txt",
            "Clean|3106|INSTALLDIR|cmd /c del orders.db",
            "Unused|3106|INSTALLDIR|cmd /c echo never > never.txt",
            "RunService|3090|exe|/install",
            "Remember|3110|-|CreateObject(\"WScript.Shell\").RegWrite \"HKLM\\Software\\Contoso\\Installed\", \"yes\"",
            "Undo|3362|INSTALLDIR|cmd /c del ready.txt",
            "Library|3073|helper|DoMore",
            "SetQuiet|51|Quiet|cmd /c echo quiet > C:\\Desk\\quiet.txt",
            "Quiet|3073|WixCA|CAQuietExec",
            "SetNow|51|WixQuietExecCmdLine|cmd /c echo gone > C:\\Desk\\gone.txt",
            "SetOther|51|OTHER|cmd /c echo other > C:\\Desk\\other.txt",
        ],
    ),
    (
        "InstallExecuteSequence",
        "Action Condition #Sequence",
        &[
            "Prepare|NOT Installed|4100",
            "Clean|REMOVE=\"ALL\"|4101",
            "RunService|-|4102",
            "Remember|-|4103",
            "Undo|-|4104",
            "Library|NOT Installed|4105",
            "SetQuiet|-|4106",
            "Quiet|-|4107",
            "SetNow|REMOVE|4108",
            "SetOther|-|4109",
        ],
    ),
];

fn package() -> Vec<u8> {
    let mut package = Package::create(PackageType::Installer, Cursor::new(Vec::new())).unwrap();
    for (table, columns, rows) in TABLES {
        let names: Vec<&str> = columns.split(' ').collect();
        let make = |(at, name): (usize, &&str)| {
            let column = match name.strip_prefix('#') {
                Some(number) => Column::build(number).nullable(),
                None => Column::build(*name).nullable(),
            };
            let column = if at == 0 || *table == "LockPermissions" && at < 4 { column.primary_key() } else { column };
            if name.starts_with('#') { column.int32() } else { column.string(0) }
        };
        package.create_table(*table, names.iter().enumerate().map(make).collect()).unwrap();
        for row in *rows {
            let values = row.split('|').zip(&names).map(|(value, name)| match value {
                "-" => Value::Null,
                "-minus-" => Value::from("-"),
                value if name.starts_with('#') => Value::Int(value.parse().unwrap()),
                value => Value::from(value.replace('!', if *table == "Environment" { "!" } else { "|" })),
            });
            package.insert_rows(Insert::into(*table).row(values.collect())).unwrap();
        }
    }
    package.into_inner().unwrap().into_inner()
}

fn read(bytes: &[u8]) -> Reading {
    let artifact = Artifact {
        path: "setup.msi".to_owned(),
        name: "setup.msi".to_owned(),
        file: PathBuf::from("setup.msi"),
        size: bytes.len() as u64,
        part: None,
    };
    let app = Application::new(vec![artifact.clone()], Vec::new());
    let kind = sniff(&bytes[..bytes.len().min(4096)], "setup.msi").expect("a package by its first bytes");
    read_bytes(&app, &artifact, kind, bytes)
}

#[test]
fn every_table_says_what_it_installs() {
    let found = listing::print(&[read(&package())]);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/msi/package.facts");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&golden).unwrap_or_default());
}

#[test]
fn documents_are_not_packages() {
    let bytes = package();
    assert_eq!(sniff(&bytes[..4096], "letter.doc"), None);
    assert!(sniff(&bytes[..4096], "module.MSM").is_some());
}

#[test]
fn damaged_packages_say_so_or_are_read_as_far_as_they_go() {
    let whole = package();
    let facts = read(&whole).facts.len();
    for length in (8..whole.len()).step_by(whole.len() / 40) {
        let reading = read(&whole[..length]);
        assert!(reading.facts.len() <= facts);
        assert!(!reading.notes.is_empty() || reading.facts.len() == facts, "silent about {length} bytes");
    }
    // Every 97th byte is inverted, one at a time.
    for at in (8..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        assert!(read(&bytes).facts.len() <= facts + 64);
    }
    let reading = read(&whole[..600]);
    assert!(reading.notes.iter().any(|note| note.kind == NoteKind::Malformed));
}
