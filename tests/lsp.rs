//! The language server, driven by messages over an in-memory connection.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it cannot go on")]

use lsp_server::{Connection, Message, Notification, Request, Response};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for a message.
const PATIENCE: Duration = Duration::from_secs(20);

struct Editor {
    connection: Connection,
    server: Option<JoinHandle<bool>>,
    root: PathBuf,
    next: i32,
}

impl Editor {
    fn start(name: &str, files: &[(&str, &str)], capabilities: &Value) -> Self {
        let root = std::env::temp_dir().join(format!("wipeproof-lsp-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for (file, text) in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let (connection, theirs) = Connection::memory();
        let server = std::thread::spawn(move || wipeproof::lsp::serve(&theirs));
        let mut editor = Editor { connection, server: Some(server), root, next: 0 };
        let folder = json!({ "uri": editor.uri(""), "name": name });
        let result = editor.request(
            "initialize",
            &json!({ "processId": null, "rootUri": null, "capabilities": capabilities,
            "workspaceFolders": [folder] }),
        );
        assert_eq!(result["serverInfo"]["name"], "wipeproof");
        editor.notify("initialized", &json!({}));
        editor
    }

    fn uri(&self, file: &str) -> String {
        let path = if file.is_empty() { self.root.clone() } else { self.root.join(file) };
        lsp_types::Url::from_file_path(path).expect("absolute").to_string()
    }

    fn notify(&self, method: &str, params: &Value) {
        self.connection.sender.send(Notification::new(method.to_owned(), params).into()).expect("the server listens");
    }

    fn send(&mut self, method: &str, params: &Value) -> i32 {
        self.next += 1;
        let request = Request::new(self.next.into(), method.to_owned(), params);
        self.connection.sender.send(request.into()).expect("the server listens");
        self.next
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        let response = self.response(id);
        response.response_result.unwrap_or_else(|e| panic!("{method}: {e:?}"))
    }

    fn response(&self, id: i32) -> Response {
        self.wait(|m| match m {
            Message::Response(r) if r.id == id.into() => Some(r.clone()),
            _ => None,
        })
    }

    fn wait<T>(&self, mut of: impl FnMut(&Message) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let message = self.connection.receiver.recv_deadline(until).expect("a message in time");
            if let Some(found) = of(&message) {
                return found;
            }
        }
    }

    /// The codes that a file has once `wanted` says so.
    fn diagnostics(&self, file: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let uri = self.uri(file);
        self.wait(|m| match m {
            Message::Notification(n) if n.method.ends_with("publishDiagnostics") && n.params["uri"] == uri.as_str() => {
                let all = n.params["diagnostics"].as_array().cloned().unwrap_or_default();
                wanted(&all).then_some(all)
            }
            _ => None,
        })
    }

    fn open(&self, file: &str, text: &str) {
        self.notify(
            "textDocument/didOpen",
            &json!({ "textDocument": {
            "uri": self.uri(file), "languageId": "x", "version": 1, "text": text } }),
        );
    }

    fn change(&self, file: &str, version: i32, changes: &Value) {
        self.notify(
            "textDocument/didChange",
            &json!({
            "textDocument": { "uri": self.uri(file), "version": version }, "contentChanges": changes }),
        );
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let id = self.send("shutdown", &Value::Null);
            if !std::thread::panicking() {
                self.response(id);
            }
            self.notify("exit", &Value::Null);
            let orderly = server.join().unwrap_or(false);
            assert!(orderly || std::thread::panicking(), "the server did not end in order");
        }
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn codes(all: &[Value]) -> Vec<&str> {
    all.iter().filter_map(|d| d["code"].as_str()).collect()
}

/// A comment about nothing is a finding whatever the readers know.
const UNUSED: &str = "@echo off\nrem wipeproof: allow(WP201) because of that\necho hello\n";

#[test]
fn a_folder_is_scanned_and_an_edit_is_judged() {
    let editor = Editor::start("edit", &[("run.cmd", UNUSED)], &json!({}));
    let on_disk = editor.diagnostics("run.cmd", |d| !d.is_empty());
    assert_eq!(codes(&on_disk), ["WP001"]);
    assert_eq!(on_disk[0]["range"]["start"], json!({ "line": 1, "character": 4 }));
    editor.open("run.cmd", UNUSED);
    editor.diagnostics("run.cmd", |d| !d.is_empty());
    let range = json!({ "start": { "line": 1, "character": 0 }, "end": { "line": 2, "character": 0 } });
    editor.change("run.cmd", 2, &json!([{ "range": range, "text": "" }]));
    editor.diagnostics("run.cmd", <[Value]>::is_empty);
    editor.change("run.cmd", 3, &json!([{ "text": UNUSED.replace("WP201", "WP9999") }]));
    assert_eq!(codes(&editor.diagnostics("run.cmd", |d| !d.is_empty())), ["WP004"]);
}

#[test]
fn a_thousand_lines_are_judged_as_they_are_typed() {
    let long = UNUSED.to_owned() + &"echo hello\n".repeat(1000);
    let editor = Editor::start("long", &[("run.cmd", &long)], &json!({}));
    editor.diagnostics("run.cmd", |d| !d.is_empty());
    editor.open("run.cmd", &long);
    editor.diagnostics("run.cmd", |d| !d.is_empty());
    editor.change("run.cmd", 2, &json!([{ "text": long.replace("allow", "disallow") }]));
    let begin = Instant::now();
    editor.diagnostics("run.cmd", <[Value]>::is_empty);
    // The pause after an edit is part of it; a debug build on a busy machine gets a wide margin.
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[test]
fn hover_says_why_and_actions_accept() {
    let source = "<#\n#>\nNew-Item -Path HKLM:\\Software\\Contoso\n# wipeproof: allow(WP201) because of that\n";
    let client = json!({ "workspace": { "workspaceEdit": { "resourceOperations": ["create"] } } });
    let mut editor = Editor::start("hover", &[("run.ps1", source)], &client);
    editor.open("run.ps1", source);
    let all = editor.diagnostics("run.ps1", |d| codes(d).contains(&"WP001"));
    let shown = all.iter().find(|d| d["code"] == "WP001").unwrap();
    let document = json!({ "uri": editor.uri("run.ps1") });
    let hover =
        editor.request("textDocument/hover", &json!({ "textDocument": document, "position": shown["range"]["start"] }));
    assert!(hover["contents"]["value"].as_str().unwrap().contains("Remove the allowance."), "{hover}");
    let actions = editor.request(
        "textDocument/codeAction",
        &json!({
        "textDocument": document, "range": shown["range"], "context": { "diagnostics": [shown] } }),
    );
    let titles: Vec<&str> = actions.as_array().unwrap().iter().filter_map(|a| a["title"].as_str()).collect();
    assert_eq!(titles, ["Accept WP001 here, with a reason", "Accept WP001 in wipeproof.toml"]);
    let comment = &actions[0]["edit"]["changes"][editor.uri("run.ps1")][0]["newText"];
    assert_eq!(comment, "# wipeproof: allow(WP001) because (say why)\n");
    let created = &actions[1]["edit"]["documentChanges"];
    assert_eq!(created[0]["kind"], "create");
    assert!(created[1]["edits"][0]["newText"].as_str().unwrap().contains("rule = \"WP001\""));
}

#[test]
fn a_client_that_asks_gets_diagnostics_on_request() {
    let client = json!({ "textDocument": { "diagnostic": {} } });
    let mut editor = Editor::start("pull", &[("run.cmd", UNUSED)], &client);
    editor.diagnostics("run.cmd", |d| !d.is_empty());
    editor.open("run.cmd", UNUSED);
    let document = json!({ "textDocument": { "uri": editor.uri("run.cmd") } });
    let report = editor.request("textDocument/diagnostic", &document);
    assert_eq!(report["kind"], "full");
    assert_eq!(codes(report["items"].as_array().unwrap()), ["WP001"]);
}

#[test]
fn what_it_does_not_understand_it_refuses_and_goes_on() {
    let mut editor = Editor::start("odd", &[("run.cmd", UNUSED)], &json!({}));
    editor.notify("textDocument/didOpen", &json!({ "nonsense": true }));
    editor.notify("textDocument/didChange", &json!([1, 2]));
    let id = editor.send("textDocument/hover", &json!(7));
    assert!(editor.response(id).response_result.is_err());
    let id = editor.send("textDocument/unheardOf", &json!({}));
    assert!(editor.response(id).response_result.is_err());
    let outside = json!({ "textDocument": { "uri": "untitled:one" }, "position": { "line": 9, "character": 9 } });
    assert_eq!(editor.request("textDocument/hover", &outside), Value::Null);
    editor.notify("workspace/didChangeWatchedFiles", &json!({ "changes": [] }));
    editor.diagnostics("run.cmd", |d| !d.is_empty());
}

#[test]
fn a_client_that_dies_ends_the_session() {
    let (client, server) = Connection::memory();
    let thread = std::thread::spawn(move || wipeproof::lsp::serve(&server));
    drop(client);
    assert!(!thread.join().expect("no panic"));
}
