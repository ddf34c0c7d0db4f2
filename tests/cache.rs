//! A scan with a memory says what a scan without one says, whatever happened to the files or to the memory since.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod scratch;

use scratch::Folder;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use wipeproof::discover::{WalkOptions, walk};
use wipeproof::read::{Memory, Options, Readings, read_all, read_all_with};

/// A folder with an empty application in it.
fn with_application(name: &str) -> Folder {
    let folder = Folder::new(name);
    fs::create_dir_all(folder.0.join("app")).expect("a folder");
    folder
}

impl Folder {
    fn app(&self) -> PathBuf {
        self.0.join("app")
    }

    /// Writes a file that looks as if it had been there for a while, as far as that can be done.
    fn old(&self, name: &str, text: &str) {
        self.new_file(name, text);
        let file = fs::File::options().write(true).open(self.app().join(name)).expect("the file");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)).expect("a time");
    }

    fn new_file(&self, name: &str, text: &str) {
        fs::write(self.app().join(name), text).expect("a file");
    }
}

/// A memory that counts what it could give.
#[derive(Default)]
struct Counting {
    kept: Mutex<std::collections::HashMap<String, Vec<u8>>>,
    given: Mutex<usize>,
}

impl Memory for Counting {
    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        let found = self.kept.lock().unwrap().get(key).cloned();
        *self.given.lock().unwrap() += usize::from(found.is_some());
        found
    }

    fn keep(&self, key: &str, bytes: &[u8]) {
        self.kept.lock().unwrap().insert(key.to_owned(), bytes.to_vec());
    }
}

/// Scans with the memory and without, and expects the same. Tells how many files were opened.
fn opened(folder: &Path, memory: &Counting) -> usize {
    let app = walk(&[folder.to_path_buf()], &WalkOptions::default()).expect("the folder");
    let progress = wipeproof::read::Progress::default();
    let with = read_all_with(&app, Options { memory: Some(memory), progress: Some(&progress), ..Options::default() });
    let without = read_all(&app);
    assert_eq!(told(&with), told(&without));
    progress.done.into_inner()
}

fn told(all: &Readings) -> String {
    format!("{:?}{:?}{}{:?}", all.readings, all.skipped, all.input, all.members)
}

const WRITES: &str = "reg add HKLM\\Software\\Contoso /v LastRun /d 1\n";

#[test]
fn unchanged_files_are_not_opened_and_changed_ones_are_seen() {
    let folder = with_application("seen");
    let memory = Counting::default();
    folder.old("a.cmd", WRITES);
    folder.old("b.txt", "not read");
    assert_eq!(opened(&folder.app(), &memory), 2);
    assert_eq!(opened(&folder.app(), &memory), 0, "nothing changed");
    // The same bytes with other times, as after a fresh checkout: nothing is read, though all is hashed.
    fs::remove_file(folder.app().join("a.cmd")).expect("it goes");
    folder.old("a.cmd", WRITES);
    assert_eq!(opened(&folder.app(), &memory), 0, "only its times have changed");
    // The same size and the same time: the change time tells, and where there is none, that it was written just now.
    folder.old("a.cmd", &WRITES.replace("LastRun", "LastRan"));
    assert_eq!(opened(&folder.app(), &memory), 2);
    assert_eq!(opened(&folder.app(), &memory), 0);
    folder.new_file("a.cmd", &WRITES.replace("LastRun", "NextRun"));
    folder.new_file("a.cmd", &WRITES.replace("LastRun", "NextRan"));
    assert_eq!(opened(&folder.app(), &memory), 2, "written twice within one tick of a clock");
    folder.old("c.reg", "Windows Registry Editor Version 5.00\n");
    assert_eq!(opened(&folder.app(), &memory), 3, "one more");
    fs::remove_file(folder.app().join("c.reg")).expect("it goes");
    assert_eq!(opened(&folder.app(), &memory), 0, "as before");
    fs::rename(folder.app().join("a.cmd"), folder.app().join("d.cmd")).expect("it moves");
    assert_eq!(opened(&folder.app(), &memory), 2, "another name");
}

#[test]
fn a_damaged_memory_is_no_memory() {
    let folder = with_application("damage");
    let memory = Counting::default();
    folder.old("a.cmd", WRITES);
    opened(&folder.app(), &memory);
    assert_eq!(memory.kept.lock().unwrap().len(), 1, "the application and nothing else");
    let (key, whole) = memory.kept.lock().unwrap().iter().next().map(|(k, v)| (k.clone(), v.clone())).unwrap();
    // Checksums keep damage from getting here; what gets here all the same must not be taken for readings.
    for cut in (0..whole.len()).step_by(7) {
        memory.keep(&key, &whole[..cut]);
        assert_eq!(opened(&folder.app(), &memory), 1, "cut at {cut}");
    }
    for at in 0..8 {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x80;
        memory.keep(&key, &flipped);
        assert_eq!(opened(&folder.app(), &memory), 1, "flipped at {at}");
    }
}

fn wipeproof(folder: &Folder, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wipeproof"))
        .current_dir(&folder.0)
        .args(["check", "app", "--no-config", "-o", "json"])
        .args(args)
        .env("XDG_CACHE_HOME", folder.0.join("home"))
        .env("LOCALAPPDATA", folder.0.join("home"))
        .env("HOME", folder.0.join("home"))
        .env_remove("WIPEPROOF_CACHE_DIR")
        .output()
        .expect("it runs")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { all.extend(files(&entry.path())) } else { all.push(entry.path()) }
    }
    all.sort();
    all
}

#[test]
fn nothing_is_written_that_nobody_asked_for() {
    let folder = with_application("asked");
    folder.old("a.cmd", WRITES);
    let plain = wipeproof(&folder, &[]);
    assert_eq!(files(&folder.0), [folder.app().join("a.cmd")]);
    let first = wipeproof(&folder, &["--cache"]);
    assert!(!files(&folder.0.join("home")).is_empty());
    let written = files(&folder.0);
    let second = wipeproof(&folder, &[]);
    let without = wipeproof(&folder, &["--no-cache"]);
    assert_eq!(files(&folder.0), written, "a second scan finds everything");
    for other in [first, second, without] {
        assert_eq!(other.stdout, plain.stdout);
        assert_eq!(other.status.code(), plain.status.code());
    }
}

#[test]
fn damage_and_company_change_nothing() {
    let folder = with_application("company");
    for n in 0..40 {
        folder.old(&format!("{n}.cmd"), &WRITES.replace("Contoso", &format!("Contoso{n}")));
    }
    fs::copy("fixtures/apps/orderdesk-service/bin/orderdesk.exe", folder.app().join("a.exe")).expect("the fixture");
    let plain = wipeproof(&folder, &["--no-cache"]).stdout;
    let results: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| wipeproof(&folder, &["--cache-dir", "memory"]))).collect();
        runs.into_iter().map(|run| run.join().expect("it ends").stdout).collect()
    });
    assert!(results.iter().all(|r| *r == plain), "four at once");
    let entries = files(&folder.0.join("memory"));
    assert!(entries.iter().all(|e| e.extension().is_none_or(|x| x != "tmp")), "{entries:?}");
    for entry in &entries {
        let bytes = fs::read(entry).expect("an entry");
        fs::write(entry, &bytes[..bytes.len() / 2]).expect("half an entry");
    }
    assert_eq!(wipeproof(&folder, &["--cache-dir", "memory"]).stdout, plain, "after a damage");
    assert_eq!(wipeproof(&folder, &["--cache-dir", "memory"]).stdout, plain, "after the repair");
    for entry in &entries {
        fs::write(entry, b"").expect("an empty entry");
    }
    assert_eq!(wipeproof(&folder, &["--cache-dir", "memory"]).stdout, plain, "after a crash of the file system");
}

/// Everything that decides what is said of unchanged files: an answer that was given to one question is none to another.
#[test]
fn an_answer_is_for_the_question_that_was_asked() {
    let folder = with_application("question");
    folder.old("a.cmd", &format!("rem wipeproof: allow(WP201) because of that until 2020-01-31\n{WRITES}"));
    folder.old("appsettings.Staging.json", r#"{ "ConnectionStrings": { "Main": "Data Source=C:\\a.db" } }"#);
    fs::copy("fixtures/apps/orderdesk-service/bin/orderdesk.exe", folder.app().join("a.exe")).expect("the fixture");
    fs::write(folder.0.join("none.json"), r#"{ "schema": "wipeproof-baseline/1", "findings": [] }"#).expect("a file");
    fs::write(folder.0.join("levels.toml"), "[rules]\nWP101 = \"error\"\n").expect("a file");
    fs::write(folder.0.join("others.toml"), "[third-party]\npaths = [\"*.exe\"]\n").expect("a file");
    let questions: &[&[&str]] = &[
        &[],
        &["--target", "vmss"],
        &["--target", "vm-role", "--target", "windows-container"],
        &["--pedantic"],
        &["--no-suppress"],
        &["--environment", "Production"],
        &["--include-third-party"],
        &["--baseline", "none.json"],
        &["--baseline", "all.json"],
    ];
    // `--no-config` is among the arguments of every run, so settings are compared through the library's own face.
    fs::write(folder.0.join("all.json"), wipeproof(&folder, &["--no-cache"]).stdout).expect("a file");
    let plain: Vec<Output> = questions.iter().map(|q| wipeproof(&folder, &[&["--no-cache"], *q].concat())).collect();
    let distinct: std::collections::HashSet<&Vec<u8>> = plain.iter().map(|o| &o.stdout).collect();
    assert!(distinct.len() > 6, "these questions have different answers: {}", distinct.len());
    for round in ["first", "again"] {
        for (question, plain) in questions.iter().zip(&plain) {
            let kept = wipeproof(&folder, &[&["--cache-dir", "memory"], *question].concat());
            assert!(kept.stdout == plain.stdout, "{round}: {question:?}");
            assert_eq!(
                (kept.status.code(), &kept.stderr),
                (plain.status.code(), &plain.stderr),
                "{round}: {question:?}"
            );
        }
    }
    // A baseline is known by what is in it, not by its name.
    fs::write(folder.0.join("all.json"), r#"{ "schema": "wipeproof-baseline/1", "findings": [] }"#).expect("a file");
    let now = wipeproof(&folder, &["--baseline", "all.json", "--no-cache"]).stdout;
    assert!(wipeproof(&folder, &["--baseline", "all.json", "--cache-dir", "memory"]).stdout == now);
}

#[test]
fn changed_settings_and_rules_are_other_questions() {
    let folder = with_application("settings");
    folder.old("a.cmd", WRITES);
    let rule = "id = \"X001\"\nname = \"own-rule\"\nsince = \"1\"\nseverity = \"error\"\ntheme = \"settings\"\n\
                title = \"t\"\nwhy = \"w\"\nthen = \"t\"\nnow = \"n\"\nmust-match = ['effect set-value registry HKLM\\A\\B via=\"reg add\"']\n\
                must-not-match = [\"artifact a\"]\n[match]\nstore = [\"registry\"]\nvia = [\"reg add\"]\n";
    fs::create_dir(folder.0.join("rules")).expect("a folder");
    let check = |cache: &[&str], settings: &str| {
        fs::write(folder.0.join("w.toml"), settings).expect("a file");
        let run = Command::new(env!("CARGO_BIN_EXE_wipeproof"))
            .current_dir(&folder.0)
            .args(["check", "app", "--config", "w.toml", "-o", "json"])
            .args(cache)
            .env("HOME", &folder.0)
            .output()
            .expect("it runs");
        assert!(matches!(run.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&run.stderr));
        run.stdout
    };
    let settings = [
        "",
        "[rules]\nWP201 = \"error\"\n",
        "[[allow]]\nrule = \"WP201\"\nreason = \"one\"\n",
        "\n[[allow]]\nrule = \"WP201\"\nreason = \"one\"\n",
        "[[allow]]\nrule = \"WP201\"\nreason = \"one\"\nexpires = \"2020-01-31\"\n",
        "[phases]\nbuild = [\"*.cmd\"]\n",
        "[[durable]]\npath = 'HKLM\\Software\\Contoso'\n",
        "rules-folder = \"rules\"\n",
    ];
    for own_rule in ["", rule] {
        fs::write(folder.0.join("rules/X001.toml"), own_rule).expect("a file");
        if own_rule.is_empty() {
            fs::remove_file(folder.0.join("rules/X001.toml")).expect("it goes");
        }
        for text in settings {
            let plain = check(&["--no-cache"], text);
            assert!(check(&["--cache-dir", "memory"], text) == plain, "{text}");
            assert!(check(&["--cache-dir", "memory"], text) == plain, "again: {text}");
        }
    }
}

/// The contents of files that were just written are looked at until their times can be relied on.
#[test]
fn a_fresh_build_is_remembered_and_its_changes_are_seen() {
    let folder = with_application("fresh");
    folder.new_file("a.cmd", WRITES);
    let first = wipeproof(&folder, &["--cache-dir", "memory"]).stdout;
    assert!(wipeproof(&folder, &["--cache-dir", "memory"]).stdout == first);
    folder.new_file("a.cmd", &WRITES.replace("LastRun", "NextRun"));
    let changed = wipeproof(&folder, &["--cache-dir", "memory"]).stdout;
    assert!(changed != first && changed == wipeproof(&folder, &["--no-cache"]).stdout);
}

/// In a pipeline the files are checked out and built anew: their contents tell that nothing has changed. A report in the
/// folder changes nothing either.
#[test]
fn a_fresh_checkout_is_known_by_its_contents() {
    let folder = with_application("checkout");
    let copy = |name: &str| {
        let to = folder.app().join(name);
        let _ = fs::remove_file(&to);
        fs::copy("fixtures/apps/orderdesk-service/bin/orderdesk.exe", to).expect("the fixture");
    };
    copy("a.exe");
    folder.new_file("a.cmd", WRITES);
    let with = |cache: &[&str]| wipeproof(&folder, &[&["-o", "sarif=app/report.sarif"], cache].concat()).stdout;
    let check = || with(&["--cache-dir", "memory"]);
    let first = check();
    let entries = files(&folder.0.join("memory"));
    for round in 0..3 {
        copy("a.exe");
        folder.new_file("a.cmd", WRITES);
        assert!(check() == first, "{round}");
        // Neither another answer nor other readings were made.
        assert_eq!(files(&folder.0.join("memory")), entries, "{round}");
    }
    let changed = WRITES.replace("LastRun", "LastRan");
    folder.new_file("a.cmd", &changed);
    let now = check();
    assert!(now != first && now == with(&["--no-cache"]), "same size, other contents");
}
