//! How long an editor waits: from an edit in a file of 1,000 lines to the diagnostics, in folders of several sizes.
//!
//! `cargo bench --bench editor`. The aim is less than 50 ms.

#![allow(clippy::expect_used, missing_docs, reason = "a bench stops where it cannot go on")]

use lsp_server::{Connection, Message, Notification, Request};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

fn main() {
    divan::main();
}

/// A session with a folder of scripts that write to the registry, one of them long and open.
struct Session {
    connection: Connection,
    folder: PathBuf,
    uri: String,
    version: i32,
}

const LINE: &str = "reg add HKLM\\Software\\Contoso\\Part%d /v LastRun /d 1 /f\n";

impl Session {
    fn start(files: usize) -> Self {
        let folder = std::env::temp_dir().join(format!("wipeproof-bench-{}-{files}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        for n in 0..files {
            let text: String = (0..10).map(|line| LINE.replace("%d", &format!("{n}-{line}"))).collect();
            fs::write(folder.join(format!("{n}.cmd")), text).expect("a file");
        }
        let long = Self::text(0);
        fs::write(folder.join("long.cmd"), &long).expect("a file");
        let (connection, theirs) = Connection::memory();
        std::thread::spawn(move || wipeproof::lsp::serve(&theirs));
        let uri = |path: &PathBuf| lsp_types::Url::from_file_path(path).expect("absolute").to_string();
        let root = uri(&folder);
        let session = Session { connection, uri: uri(&folder.join("long.cmd")), folder, version: 1 };
        let params = json!({ "processId": null, "rootUri": root, "capabilities": {} });
        session.send(Request::new(1.into(), "initialize".to_owned(), params));
        session.notify("initialized", &json!({}));
        session.wait(&Value::Null);
        let document = json!({ "uri": session.uri, "languageId": "bat", "version": 1, "text": long });
        session.notify("textDocument/didOpen", &json!({ "textDocument": document }));
        session.wait(&1.into());
        session
    }

    fn text(n: i32) -> String {
        let line = |i: i32| LINE.replace("%d", &format!("Long{}", i % 20));
        (0..1000).map(|i| if i == 500 { LINE.replace("%d", &format!("Edited{n}")) } else { line(i) }).collect()
    }

    fn send(&self, message: impl Into<Message>) {
        self.connection.sender.send(message.into()).expect("the server listens");
    }

    fn notify(&self, method: &str, params: &Value) {
        self.send(Notification::new(method.to_owned(), params));
    }

    /// Waits for the diagnostics of a version of the long file.
    fn wait(&self, version: &Value) {
        for message in &self.connection.receiver {
            let Message::Notification(n) = message else { continue };
            let of_long = n.params["uri"] == self.uri.as_str();
            if of_long && n.params.get("version").unwrap_or(&Value::Null) == version {
                return;
            }
        }
    }

    fn edit(&mut self) {
        self.version += 1;
        let document = json!({ "uri": self.uri, "version": self.version });
        let changes = json!([{ "text": Self::text(self.version) }]);
        self.notify("textDocument/didChange", &json!({ "textDocument": document, "contentChanges": changes }));
        self.wait(&self.version.into());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[divan::bench(args = [1, 100, 400], sample_count = 50, sample_size = 1)]
fn an_edit_in_a_thousand_lines(bencher: divan::Bencher<'_, '_>, files: usize) {
    let mut session = Session::start(files);
    bencher.bench_local(|| session.edit());
}
