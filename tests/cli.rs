//! The command line, by cases that are data: `tests/cli/*.toml` say which files there are, what is run, and what must
//! come of it.

#![allow(clippy::expect_used, reason = "a test that cannot prepare its case has to stop")]

mod scratch;

use scratch::Folder;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    case: Vec<Case>,
}

/// One run, or several in one folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Files in the folder it runs in.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Files that are copied from the repository.
    #[serde(default)]
    copies: BTreeMap<String, String>,
    run: Vec<Run>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    args: Vec<String>,
    status: i32,
    /// Lines of standard output, in order, each a part of a line; `=` in front wants the whole line.
    #[serde(default)]
    stdout: Vec<String>,
    /// The same for standard error.
    #[serde(default)]
    stderr: Vec<String>,
    /// What neither may contain.
    #[serde(default)]
    not: Vec<String>,
    /// What standard error contains exactly once.
    #[serde(default)]
    once: Vec<String>,
    /// Pairs of files that are the same, byte by byte.
    #[serde(default)]
    same: Vec<(String, String)>,
    /// Standard output and standard error are empty.
    #[serde(default)]
    silent: bool,
}

fn wipeproof(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wipeproof"));
    command.current_dir(folder).env("NO_COLOR", "1").env_remove("WIPEPROOF_CACHE_DIR").env("HOME", folder);
    command.env_remove("XDG_CACHE_HOME").env_remove("LOCALAPPDATA").env("NO_GRAPHICS", "1");
    command
}

fn in_order(wanted: &[String], text: &str) -> Option<String> {
    let mut lines = text.lines();
    let missing = wanted.iter().find(|want| {
        !lines.any(|line| match want.strip_prefix('=') {
            Some(whole) => line == whole,
            None => line.contains(want.as_str()),
        })
    });
    missing.map(|m| format!("no line with {m:?} (in this order) in:\n{text}"))
}

fn problems(case: &Case) -> Vec<String> {
    let folder = Folder::new(&case.name);
    for (name, text) in &case.files {
        let path = folder.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    for (name, from) in &case.copies {
        let path = folder.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::copy(from, path).expect("a file of the repository");
    }
    let mut wrong = Vec::new();
    for run in &case.run {
        let output = wipeproof(&folder.0).args(&run.args).stdin(Stdio::null()).output().expect("it runs");
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let mut say = |what: String| wrong.push(format!("{}: {:?}: {what}", case.name, run.args));
        if output.status.code() != Some(run.status) {
            say(format!("status {:?}, not {}\n{stdout}\n{stderr}", output.status.code(), run.status));
        }
        in_order(&run.stdout, &stdout).into_iter().for_each(|m| say(format!("stdout: {m}")));
        in_order(&run.stderr, &stderr).into_iter().for_each(|m| say(format!("stderr: {m}")));
        for not in &run.not {
            if stdout.contains(not) || stderr.contains(not) {
                say(format!("contains {not:?}:\n{stdout}\n{stderr}"));
            }
        }
        for once in &run.once {
            if stderr.matches(once.as_str()).count() != 1 {
                say(format!("does not contain {once:?} once:\n{stderr}"));
            }
        }
        for (one, two) in &run.same {
            let read = |name: &str| fs::read(folder.0.join(name)).expect("it was written");
            if read(one) != read(two) {
                say(format!("{one} and {two} differ"));
            }
        }
        if run.silent && !(stdout.is_empty() && stderr.is_empty()) {
            say(format!("not silent:\n{stdout}\n{stderr}"));
        }
    }
    wrong
}

#[test]
fn every_case_comes_out_as_written() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir("tests/cli").expect("the cases") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("readable");
        let suite: Suite = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for case in &suite.case {
            count += 1;
            wrong.extend(problems(case));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(count > 10);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = Folder::new("pipe");
    let mut child = wipeproof(&folder.0)
        .args(["rules", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{:?}", output.status);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
