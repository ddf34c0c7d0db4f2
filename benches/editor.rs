//! How long an editor waits: from a key typed into a file of 1,000 lines to the diagnostics, for each text format, and in
//! folders of several sizes.
//!
//! `cargo bench --bench editor` fails when an edit costs 50 ms or more. What counts is the processor time of the whole
//! process, which other programs on the machine do not change; the wall time stands beside it.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints, and stops where it cannot go on"
)]

use lsp_server::{Connection, Message, Notification, Request};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What an edit may cost.
const AIM: Duration = Duration::from_millis(50);
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Edits measured per row.
const EDITS: i32 = 30;
/// Lines of the file that is edited.
const LINES: usize = 1000;
/// The line in which somebody types.
const EDITED: usize = LINES / 2;
/// Of so many lines one writes state: a file as people have them, and one that does nothing else.
const SHARES: [usize; 2] = [10, 1];

/// A format: the name of a file, what comes before its lines, a line of each sort, what comes after. `{n}` is a number
/// that differs from line to line; the edit changes one in the middle.
struct Format {
    file: &'static str,
    head: &'static str,
    lines: &'static [&'static str],
    tail: &'static str,
    /// A line that says nothing, which most lines of a file do.
    filler: &'static str,
}

const FORMATS: &[Format] = &[
    Format {
        file: "web.config",
        head: "<?xml version=\"1.0\"?>\n<configuration>\n<appSettings>\n",
        lines: &[
            "  <add key=\"LogPath{n}\" value=\"C:\\Logs\\part{n}.log\" />\n",
            "  <!-- where the number {n} is kept -->\n",
            "  <add key=\"Feature{n}\" value=\"true\" />\n",
        ],
        tail: "</appSettings>\n<system.web><sessionState mode=\"InProc\" /></system.web>\n</configuration>\n",
        filler: "  <!-- {n} -->\n",
    },
    Format {
        file: "app.wxs",
        head: "<Wix xmlns=\"http://schemas.microsoft.com/wix/2006/wi\"><Product Id=\"*\" Name=\"P\" Version=\"1\"><Directory Id=\"TARGETDIR\" Name=\"SourceDir\">\n",
        lines: &[
            "<Component Id=\"C{n}\"><RegistryValue Root=\"HKLM\" Key=\"Software\\Contoso\\Part{n}\" Name=\"LastRun\" Type=\"string\" Value=\"1\" /></Component>\n",
            "<Component Id=\"F{n}\"><File Id=\"File{n}\" Name=\"part{n}.dat\" Source=\"part{n}.dat\" /></Component>\n",
        ],
        tail: "</Directory></Product></Wix>\n",
        filler: "<!-- {n} -->\n",
    },
    Format {
        file: "setup.cmd",
        head: "@echo off\nsetlocal\nset ROOT=%ProgramData%\\Contoso\n",
        lines: &[
            "reg add HKLM\\Software\\Contoso\\Part{n} /v LastRun /d 1 /f\n",
            "if not exist \"%ROOT%\\{n}\" mkdir \"%ROOT%\\{n}\"\n",
            "echo %DATE% > \"%ROOT%\\{n}\\stamp.txt\"\n",
            "set N={n}\n",
            "copy /y part%N%.dat \"%ROOT%\\part%N%.dat\"\n",
        ],
        tail: "",
        filler: "echo step {n}\n",
    },
    Format {
        file: "setup.ps1",
        head: "$root = Join-Path $env:ProgramData 'Contoso'\n",
        lines: &[
            "$key = \"HKLM:\\Software\\Contoso\\Part{n}\"\n",
            "if (-not (Test-Path $key)) { New-Item -Path $key -Force | Out-Null }\n",
            "Set-ItemProperty -Path $key -Name LastRun -Value (Get-Date)\n",
            "Get-Process | Out-File (Join-Path $root 'part{n}.txt')\n",
            "foreach ($n in 1..3) { [IO.File]::WriteAllText(\"$root\\{n}-$n.txt\", 'x') }\n",
        ],
        tail: "",
        filler: "Write-Host \"step {n}\"\n",
    },
    Format {
        file: "setup.vbs",
        head: "Set shell = CreateObject(\"WScript.Shell\")\nSet fso = CreateObject(\"Scripting.FileSystemObject\")\n",
        lines: &[
            "shell.RegWrite \"HKLM\\Software\\Contoso\\Part{n}\", \"1\", \"REG_SZ\"\n",
            "fso.CopyFile \"part{n}.dat\", \"C:\\Contoso\\part{n}.dat\"\n",
        ],
        tail: "",
        filler: "WScript.Echo \"step {n}\"\n",
    },
    Format {
        file: "setup.reg",
        head: "Windows Registry Editor Version 5.00\n\n",
        lines: &["[HKEY_LOCAL_MACHINE\\Software\\Contoso\\Part{n}]\n", "\"LastRun\"=\"{n}\"\n"],
        tail: "",
        filler: "; {n}\n",
    },
    Format {
        file: "setup.nsi",
        head: "Name p\nOutFile p.exe\nSection\n",
        lines: &[
            "WriteRegStr HKLM \"Software\\Contoso\\Part{n}\" LastRun 1\n",
            "SetOutPath \"$INSTDIR\\{n}\"\n",
            "File part{n}.dat\n",
        ],
        tail: "SectionEnd\n",
        filler: "DetailPrint \"step {n}\"\n",
    },
    Format {
        file: "setup.iss",
        head: "[Setup]\nAppName=P\n[Registry]\n",
        lines: &["Root: HKLM; Subkey: \"Software\\Contoso\\Part{n}\"; ValueName: LastRun; ValueData: 1\n"],
        tail: "",
        filler: "; {n}\n",
    },
    Format {
        file: "appsettings.json",
        head: "{\n",
        lines: &["  \"LogPath{n}\": \"C:\\\\Logs\\\\part{n}.log\",\n", "  \"Feature{n}\": { \"On\": true },\n"],
        tail: "  \"Last\": 1\n}\n",
        filler: "  \"Colour{n}\": \"blue\",\n",
    },
    Format {
        file: "docker-compose.yml",
        head: "services:\n",
        lines: &[
            "  part{n}:\n",
            "    image: contoso/part{n}\n",
            "    volumes:\n",
            "      - C:\\data\\part{n}:C:\\state\n",
        ],
        tail: "",
        filler: "# {n}\n",
    },
    Format {
        file: "settings.ini",
        head: "[Parts]\n",
        lines: &["LogPath{n}=C:\\Logs\\part{n}.log\n", "; where {n} is kept\n"],
        tail: "",
        filler: "; {n}\n",
    },
];

impl Format {
    /// The text with a number of its own in the middle.
    fn text(&self, share: usize, edited: i32) -> String {
        self.head.to_owned() + &(0..LINES).map(|i| self.line(share, i, edited)).collect::<String>() + self.tail
    }

    /// A line. Those that write state come in blocks, one block in so many.
    fn line(&self, share: usize, i: usize, edited: i32) -> String {
        let number = if i == EDITED { format!("9{edited}") } else { i.to_string() };
        let block = i / self.lines.len();
        let line = if block % share == EDITED / self.lines.len() % share {
            self.lines[i % self.lines.len()]
        } else {
            self.filler
        };
        line.replace("{n}", &number)
    }

    /// The edit that makes the text of one version of that of the one before: a line, as an editor sends it.
    fn edit(&self, share: usize, edited: i32) -> Value {
        let at = self.head.matches('\n').count() + EDITED;
        let line = self.line(share, EDITED, edited);
        let place = |line: usize| json!({ "line": line, "character": 0 });
        json!([{ "range": { "start": place(at), "end": place(at + 1) }, "text": line }])
    }
}

/// A session with a folder in which one long file is open.
struct Session {
    connection: Connection,
    folder: PathBuf,
    uri: String,
    version: i32,
    /// Diagnostics last seen.
    shown: usize,
}

impl Session {
    fn start(format: &Format, share: usize, others: usize) -> Self {
        let folder = std::env::temp_dir().join(format!(
            "wipeproof-bench-{}-{share}-{others}-{}",
            std::process::id(),
            format.file
        ));
        fs::create_dir_all(&folder).expect("a folder");
        for n in 0..others {
            let line = |i| format!("reg add HKLM\\Software\\Contoso\\Other{n}-{i} /v LastRun /d 1 /f\n");
            fs::write(folder.join(format!("{n}.cmd")), (0..10).map(line).collect::<String>()).expect("a file");
        }
        let text = format.text(share, 0);
        fs::write(folder.join(format.file), &text).expect("a file");
        let (connection, theirs) = Connection::memory();
        std::thread::spawn(move || wipeproof::lsp::serve(&theirs));
        let uri = |path: &PathBuf| lsp_types::Url::from_file_path(path).expect("absolute").to_string();
        let (root, uri) = (uri(&folder), uri(&folder.join(format.file)));
        let mut session = Session { connection, uri, folder, version: 1, shown: 0 };
        // A client that shows progress tells when the first scan is over.
        let capabilities = json!({ "window": { "workDoneProgress": true } });
        let params = json!({ "processId": null, "rootUri": root, "capabilities": capabilities });
        session.send(Request::new(1.into(), "initialize".to_owned(), params));
        session.notify("initialized", &json!({}));
        session.until(|n| n.params["value"]["kind"] == "end");
        let document = json!({ "uri": session.uri, "languageId": "x", "version": 1, "text": text });
        session.notify("textDocument/didOpen", &json!({ "textDocument": document }));
        // The next edit is answered at once, whatever the opening brought.
        session.edit(format, share);
        session
    }

    fn send(&self, message: impl Into<Message>) {
        self.connection.sender.send(message.into()).expect("the server listens");
    }

    fn notify(&self, method: &str, params: &Value) {
        self.send(Notification::new(method.to_owned(), params));
    }

    fn until(&self, wanted: impl Fn(&Notification) -> bool) -> Option<Notification> {
        let next = || self.connection.receiver.recv_timeout(PATIENCE).ok();
        std::iter::from_fn(next).find_map(|message| match message {
            Message::Notification(n) if wanted(&n) => Some(n),
            _ => None,
        })
    }

    /// Types, and waits for the diagnostics of the new version.
    fn edit(&mut self, format: &Format, share: usize) {
        self.version += 1;
        let document = json!({ "uri": self.uri, "version": self.version });
        let change = json!({ "textDocument": document, "contentChanges": format.edit(share, self.version) });
        self.notify("textDocument/didChange", &change);
        // A request is answered when the edit is judged and its diagnostics are sent, if there are any.
        let place = json!({ "line": 0, "character": 0 });
        let hover = json!({ "textDocument": { "uri": self.uri }, "position": place });
        self.send(Request::new(self.version.into(), "textDocument/hover".to_owned(), hover));
        for message in std::iter::from_fn(|| self.connection.receiver.recv_timeout(PATIENCE).ok()) {
            match message {
                Message::Notification(n) if n.params["uri"] == self.uri.as_str() => {
                    self.shown = n.params["diagnostics"].as_array().map_or(0, Vec::len);
                }
                Message::Response(r) if r.id == self.version.into() => return,
                _ => {}
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Processor time of all threads so far (Linux); elsewhere the time of the clock.
fn processor_time(begin: Instant) -> Duration {
    let of_thread = |task: fs::DirEntry| -> Option<u64> {
        fs::read_to_string(task.path().join("schedstat")).ok()?.split_whitespace().next()?.parse().ok()
    };
    match fs::read_dir("/proc/self/task") {
        Ok(tasks) => Duration::from_nanos(tasks.flatten().filter_map(of_thread).sum()),
        Err(_) => begin.elapsed(),
    }
}

/// Median of processor and wall time of an edit.
fn measure(format: &Format, share: usize, others: usize) -> (Duration, Duration, usize) {
    let mut session = Session::start(format, share, others);
    let begin = Instant::now();
    let mut times: (Vec<Duration>, Vec<Duration>) = (0..EDITS)
        .map(|_| {
            let (processor, wall) = (processor_time(begin), Instant::now());
            session.edit(format, share);
            (processor_time(begin).saturating_sub(processor), wall.elapsed())
        })
        .unzip();
    times.0.sort();
    times.1.sort();
    let middle = EDITS as usize / 2;
    (times.0[middle], times.1[middle], session.shown)
}

fn main() -> ExitCode {
    let mut slow = 0;
    println!(
        "{:<20} {:>12} {:>12} {:>12} {:>14} {:>12}",
        "1,000 lines of", "one writes of", "other files", "diagnostics", "processor", "wall"
    );
    let alone = SHARES.iter().flat_map(|share| FORMATS.iter().map(|format| (format, *share, 0)));
    let in_company = [10, 100, 400].map(|others| (&FORMATS[0], SHARES[0], others));
    for (format, share, others) in alone.chain(in_company) {
        let (processor, wall, shown) = measure(format, share, others);
        let missed = if processor >= AIM { "  missed" } else { "" };
        slow += usize::from(processor >= AIM);
        println!("{:<20} {share:>12} {others:>12} {shown:>12} {processor:>14.1?} {wall:>12.1?}{missed}", format.file);
    }
    ExitCode::from(u8::from(slow > 0))
}
