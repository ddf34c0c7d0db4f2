//! Every format of the command line over one hostile folder: names and contents that would like to be commands, markup,
//! formulas or escapes. And what holds for each: the exit status, a reader that goes away, the same bytes again.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod scratch;

use scratch::Folder;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read as _;
use std::process::{Command, Output, Stdio};
use strum::IntoEnumIterator as _;
use wipeproof::output::Format;

/// A folder with an empty application in it.
fn with_application(name: &str) -> Folder {
    let folder = Folder::new(name);
    fs::create_dir_all(folder.0.join("app")).expect("a folder");
    folder
}

/// A script with findings whose texts are hostile.
const SCRIPT: &str = "@echo off\r\n\
    reg add \"HKLM\\Software\\::error file=x::gone\" /v \"##vso[task.complete result=Succeeded;]\" /d \"%TIME%\" /f\r\n\
    reg add \"HKLM\\Software\\<script>alert(1)</script>\u{202e}\u{1b}[31m\" /v \"=cmd|'/c calc'!A1\" /d \"%TIME%\" /f\r\n\
    echo %TIME% > \"C:\\ProgramData\\`|](javascript:x)\u{7}\u{9b}.log\"\r\n\
    rem wipeproof: allow(WP201) ]]>&<!-- \u{2066}::warning::x ##vso[x]\r\n\
    exit\r\n";

fn names() -> Vec<OsString> {
    let mut names: Vec<OsString> = if cfg!(windows) {
        vec!["plain;x=y.cmd".into(), "]##vso[task.x]y.cmd".into()]
    } else {
        [
            "a\n::error::x.cmd",
            "b]##vso[task.setvariable variable=x]y.cmd",
            "c;type=error,d=e.cmd",
            "d\u{202e}dmc.cmd",
            "e\u{1b}[2J.cmd",
            "=1+1.cmd",
            "<img src=x onerror=alert(1)>.cmd",
            "`|](x) %0A%25 \" '.cmd",
            "\r\n##[error]x.cmd",
        ]
        .map(OsString::from)
        .to_vec()
    };
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        names.push(OsStr::from_bytes(b"bad\xff\xfe.cmd").to_owned());
    }
    names.push("plain.cmd".into());
    names
}

fn hostile(name: &str) -> Folder {
    let folder = with_application(name);
    for name in names() {
        // A file system may refuse a name; the others are still a test.
        let _ = fs::write(folder.0.join("app").join(name), SCRIPT);
    }
    folder
}

fn command(folder: &Folder, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wipeproof"));
    command.current_dir(&folder.0).args(["check", "app", "--no-config", "--no-cache"]).args(args);
    command
}

fn check(folder: &Folder, args: &[&str]) -> Output {
    command(folder, args).output().expect("it runs")
}

fn formats() -> impl Iterator<Item = &'static str> {
    Format::iter().map(<&str>::from)
}

/// Characters that move the cursor, end a line or reorder what is read.
fn is_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[test]
fn hostile_names_and_contents_stay_text_in_every_format() {
    let folder = hostile("hostile");
    let files = fs::read_dir(folder.0.join("app")).expect("the folder").count();
    for format in formats() {
        let output = check(&folder, &["-o", format, "--color", "never"]);
        let text = String::from_utf8(output.stdout).unwrap_or_else(|e| panic!("{format} is no UTF-8: {e}"));
        assert_eq!(output.status.code(), Some(1), "{format}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(text.lines().count() > 0, "{format}");
        let wrong = text.chars().find(|c| is_escape(*c) && !matches!(c, '\n' | '\r'));
        assert_eq!(wrong, None, "{format}");
        match format {
            "json" | "sarif" | "gitlab" => {
                let value: serde_json::Value = serde_json::from_str(&text).expect(format);
                assert!(value.to_string().contains("plain"), "{format}");
            }
            "jsonl" => assert!(text.lines().all(|l| serde_json::from_str::<serde_json::Value>(l).is_ok())),
            "junit" => {
                let document = roxmltree::Document::parse(&text).expect("well-formed XML");
                let suites = document.root_element().children().filter(roxmltree::Node::is_element).count();
                assert_eq!(suites, files, "a suite per file");
                let command = |l: &&str| l.contains("##") || l.trim_start().starts_with("::");
                assert_eq!(text.lines().find(command), None, "a log would obey it");
            }
            "github" => {
                let commands = ["::error ", "::warning ", "::notice "];
                assert!(text.lines().all(|l| commands.iter().any(|c| l.starts_with(c))), "{text}");
            }
            "azure" => {
                let foreign = |l: &&str| l.contains("##") && !l.starts_with("##vso[task.logissue type=");
                assert_eq!(text.lines().find(foreign), None);
                assert!(text.lines().all(|l| l.matches("##").count() <= 1), "{text}");
            }
            "csv" => {
                let begins = |l: &&str| l.trim_start_matches('"').starts_with(['=', '+', '@', '|']);
                assert_eq!(text.lines().find(begins), None);
                assert!(!text.contains("\"=cmd"));
            }
            "markdown" => {
                for bad in ["<script", "<img", "](javascript", "](x)"] {
                    assert!(!text.contains(bad), "{bad} in\n{text}");
                }
            }
            "html" => assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "markup in the page"),
            _ => {}
        }
    }
}

#[test]
fn the_exit_status_does_not_depend_on_the_format() {
    let folder = hostile("status");
    let clean = with_application("clean");
    fs::write(clean.0.join("app/a.cmd"), "exit\r\n").expect("a file");
    let empty = with_application("empty");
    fs::write(empty.0.join("app/a.txt"), "text").expect("a file");
    let broken = with_application("broken");
    fs::write(broken.0.join("app/a.config"), "<configuration><appSettings></configuration>").expect("a file");
    for format in formats() {
        let status = |folder: &Folder, args: &[&str]| {
            let mut all = vec!["-o", format];
            all.extend(args);
            check(folder, &all).status.code()
        };
        let seen = [
            status(&clean, &[]),
            status(&folder, &[]),
            status(&folder, &["--fail-on", "never"]),
            status(&folder, &["--baseline", "nowhere.json"]),
            status(&folder, &["--target", "nowhere"]),
            status(&empty, &[]),
            status(&broken, &["--fail-on", "never"]),
            status(&broken, &["--fail-on", "never", "--strict"]),
        ];
        assert_eq!(seen, [0, 1, 0, 2, 2, 3, 0, 4].map(Some), "{format}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error_in_any_format() {
    let folder = hostile("pipe");
    for format in formats() {
        for bytes in [0, 1] {
            let mut child = command(&folder, &["-o", format])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("it runs");
            let mut stdout = child.stdout.take().expect("a pipe");
            stdout.read_exact(&mut vec![0; bytes]).expect("as many bytes");
            drop(stdout);
            let output = child.wait_with_output().expect("it ends");
            assert_eq!(output.status.code(), Some(1), "{format}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_takes_neither_files_nor_the_status_along() {
    let folder = hostile("files");
    let mut child = command(&folder, &["-o", "json", "-o", "html=page.html"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    let page = fs::read_to_string(folder.0.join("page.html")).expect("the page was written");
    assert!(page.trim_end().ends_with("</html>"));
}

#[test]
fn a_reader_that_goes_away_is_no_error_in_any_command() {
    let folder = hostile("commands");
    let run = |args: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wipeproof"))
            .current_dir(&folder.0)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // What is written is written, heard or not; and what says nothing keeps its status too.
    let all: [(&str, i32); 13] = [
        ("baseline write app --no-config --no-cache --file b.json", 0),
        ("baseline show b.json", 0),
        ("baseline write nothing --no-config --no-cache", 3),
        ("baseline show app", 2),
        ("rules", 0),
        ("targets", 0),
        ("explain --all", 0),
        ("facts app", 0),
        ("config show app --no-config", 0),
        ("config schema", 0),
        ("cache show --cache-dir none", 0),
        ("completions bash", 0),
        ("man", 0),
    ];
    fs::create_dir(folder.0.join("nothing")).expect("a folder");
    for (line, status) in all {
        let args: Vec<&str> = line.split(' ').collect();
        let (code, said) = run(&args);
        assert_eq!(code, Some(status), "{line}: {said}");
        assert_eq!(said.is_empty(), status != 2, "{line}: {said}");
    }
    assert!(folder.0.join("b.json").is_file());
}

#[test]
fn closed_standard_error_is_no_panic() {
    let folder = hostile("unheard");
    fs::write(folder.0.join("app/a.config"), "<configuration><appSettings></configuration>").expect("a file");
    let status = |args: &[&str]| {
        let mut child = command(&folder, args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
        drop(child.stderr.take());
        child.wait().expect("it ends").code()
    };
    assert_eq!(status(&["--target", "nowhere"]), Some(2));
    assert_eq!(status(&["--fail-on", "never", "--strict"]), Some(4));
    assert_eq!(status(&["-o", "json=base.json"]), Some(1));
    assert_eq!(status(&["--baseline", "base.json"]), Some(0));
}

#[test]
fn two_scans_are_the_same_bytes() {
    let folder = hostile("same");
    fs::copy("fixtures/apps/orderdesk-service/bin/orderdesk.exe", folder.0.join("app/a.exe")).expect("the fixture");
    fs::copy("fixtures/apps/orders-site/bin/Contoso.Orders.dll", folder.0.join("app/b.dll")).expect("the fixture");
    for format in formats() {
        let with = |threads: &str| {
            let run = command(&folder, &["-o", format]).env("RAYON_NUM_THREADS", threads).output().expect("it runs");
            run.stdout
        };
        assert!(with("1") == with("4"), "{format}");
    }
}
