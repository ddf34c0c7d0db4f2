//! Wrong settings, baselines, earlier reports and rule files: each is refused with the file, the place, what is wrong and
//! the next step. `fixtures/errors` has one file per mistake and what is said of it; `UPDATE_GOLDEN=1` writes that anew.

#![allow(clippy::expect_used, reason = "a test stops where it cannot go on")]

mod scratch;

use scratch::Folder;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FOLDER: &str = "fixtures/errors";

/// The mistakes; what is said of each stands beside it.
fn mistakes() -> Vec<PathBuf> {
    let entries = fs::read_dir(FOLDER).expect("the mistakes").flatten().map(|e| e.path());
    let mut files: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|x| x != "expected")).collect();
    files.sort();
    files
}

/// Gives the exit status, and what is said on standard error.
fn said(file: &Path) -> (Option<i32>, String) {
    let name = file.file_name().and_then(|n| n.to_str()).expect("a name");
    let (kind, _) = name.split_once('-').expect("a kind of file");
    let folder = Folder::new(name);
    fs::create_dir(folder.0.join("rules")).expect("a folder");
    fs::write(folder.0.join("a.cmd"), "exit\n").expect("a file");
    let (place, args) = match kind {
        "settings" => (name.to_owned(), ["--config", name]),
        "baseline" => (name.to_owned(), ["--baseline", name]),
        "since" => (name.to_owned(), ["--since", name]),
        "rule" => (format!("rules/{name}"), ["--rules", "rules"]),
        other => panic!("what is {other}?"),
    };
    fs::copy(file, folder.0.join(place)).expect("the mistake");
    let output = Command::new(env!("CARGO_BIN_EXE_wipeproof"))
        .current_dir(&folder.0)
        .args(["check", "a.cmd", "--no-cache"])
        .args(args)
        .env("NO_COLOR", "1")
        .env_remove("NO_GRAPHICS")
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    assert!(output.stdout.is_empty(), "{name}: a report all the same");
    // What the system calls it differs.
    let text = String::from_utf8(output.stderr).expect("text").replace('\\', "/");
    let text = text
        .replace("The system cannot find the file specified. (os error 2)", "No such file or directory (os error 2)");
    (output.status.code(), text)
}

#[test]
fn every_mistake_is_told_where_it_stands() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    let files = mistakes();
    assert!(files.len() > 35);
    for file in &files {
        let name = file.display();
        let (status, text) = said(file);
        if status != Some(2) {
            wrong.push(format!("{name}: status {status:?}"));
        }
        let expected = PathBuf::from(format!("{name}.expected"));
        if update {
            fs::write(&expected, &text).expect("it can be written");
        }
        if fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{name} is told otherwise:\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
