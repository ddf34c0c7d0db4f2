//! `wipeproof check --watch` over a folder that changes.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops where it cannot go on")]

mod scratch;

use scratch::Folder;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longest wait for something that must come; a test that passes never waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

struct Watch {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

fn start(folder: &Folder, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_wipeproof"))
        .current_dir(&folder.0)
        .args(["check", "--watch", "--no-cache", "-o", "concise"])
        .args(args)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs")
}

impl Watch {
    fn new(folder: &Folder, args: &[&str]) -> Self {
        let mut child = start(folder, args);
        let out = lines(child.stdout.take().expect("a pipe"));
        let err = lines(child.stderr.take().expect("a pipe"));
        Watch { child, out, err }
    }

    /// Waits for a line with a text.
    fn sees(&self, text: &str) -> String {
        Self::wait(&self.out, text)
    }

    fn says(&self, text: &str) -> String {
        Self::wait(&self.err, text)
    }

    fn wait(lines: &Receiver<String>, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("no line with {text:?}:\n{}", seen.join("\n")),
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(folder: &Folder, name: &str, text: &str) {
    fs::write(folder.0.join(name), text).expect("a file");
}

const UNUSED: &str = "rem wipeproof: allow(WP201) because of that\nexit\n";

#[test]
fn changes_new_files_and_settings_are_seen() {
    let folder = Folder::new("changes");
    write(&folder, "a.cmd", UNUSED);
    let watch = Watch::new(&folder, &["-o", "json=report.json"]);
    watch.sees("a.cmd:1:5: warning WP001");
    // Its own report is no change.
    assert!(watch.out.recv_timeout(Duration::from_millis(1500)).is_err(), "nothing changed");
    write(&folder, "a.cmd", &format!("echo one line more\n{UNUSED}"));
    watch.sees("a.cmd:2:5: warning WP001");
    write(&folder, "b.cmd", UNUSED);
    watch.sees("b.cmd:1:5: warning WP001");
    fs::remove_file(folder.0.join("a.cmd")).expect("it goes");
    assert!(watch.sees("WP001").starts_with("b.cmd"));
    // Settings that are being edited are wrong for a while.
    write(&folder, "wipeproof.toml", "[rules]\nWP001 = \"eror\"\n");
    watch.says("unknown value `eror`");
    write(&folder, "wipeproof.toml", "[rules]\nWP001 = \"error\"\n");
    watch.sees("b.cmd:1:5: error WP001");
    // The file is written after the line.
    let written =
        || fs::read_to_string(folder.0.join("report.json")).is_ok_and(|r| r.contains("\"severity\": \"error\""));
    let looks = PATIENCE.as_millis() / 50;
    assert!(
        (0..looks).any(|_| written() || {
            std::thread::sleep(Duration::from_millis(50));
            false
        }),
        "the report too"
    );
}

#[test]
fn it_ends_when_nobody_reads() {
    let folder = Folder::new("nobody");
    write(&folder, "a.cmd", UNUSED);
    let mut child = start(&folder, &[]);
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    out.read_line(&mut String::new()).expect("a first report");
    drop(out);
    write(&folder, "b.cmd", UNUSED);
    let (send, ended) = channel();
    std::thread::spawn(move || send.send(child.wait()));
    let status = ended.recv_timeout(PATIENCE).expect("it ends").expect("a status");
    assert!(status.success(), "{status}");
}
