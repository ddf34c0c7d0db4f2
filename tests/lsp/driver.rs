//! An editor that talks to the server over an in-memory connection.

use lsp_server::{Connection, Message, Notification, Request, Response};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for a message.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Editor {
    pub(crate) connection: Connection,
    server: Option<JoinHandle<bool>>,
    pub(crate) root: PathBuf,
    next: i32,
    /// What the server last said of each file.
    shown: RefCell<HashMap<String, Vec<Value>>>,
    /// The folder was made for the test.
    made: bool,
    pub(crate) capabilities: Value,
}

impl Editor {
    pub(crate) fn start(name: &str, files: &[(&str, &str)], capabilities: &Value) -> Self {
        let root = std::env::temp_dir().join(format!("wipeproof-lsp-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for (file, text) in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let mut editor = Self::at(&root, capabilities);
        editor.made = true;
        editor
    }

    /// A session with a folder that is there.
    pub(crate) fn at(root: &Path, capabilities: &Value) -> Self {
        Self::of_process(root, capabilities, None)
    }

    /// The same, started by a process.
    pub(crate) fn of_process(root: &Path, capabilities: &Value, process: Option<u32>) -> Self {
        let (connection, theirs) = Connection::memory();
        let server = std::thread::spawn(move || wipeproof::lsp::serve(&theirs));
        let root = std::path::absolute(root).expect("a path");
        let mut editor = Editor {
            connection,
            server: Some(server),
            root,
            next: 0,
            shown: RefCell::default(),
            made: false,
            capabilities: Value::Null,
        };
        let folder = json!({ "uri": editor.uri(""), "name": "folder" });
        let result = editor.request(
            "initialize",
            &json!({ "processId": process, "rootUri": null, "capabilities": capabilities,
            "workspaceFolders": [folder] }),
        );
        assert_eq!(result["serverInfo"]["name"], "wipeproof");
        editor.capabilities = result["capabilities"].clone();
        editor.notify("initialized", &json!({}));
        editor
    }

    /// Waits until the server has done what it was told, and returns what it shows of a file.
    pub(crate) fn settled(&mut self, file: &str) -> Vec<Value> {
        let uri = self.uri(file);
        self.request(
            "textDocument/hover",
            &json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 0 } }),
        );
        self.shown.borrow().get(&uri).cloned().unwrap_or_default()
    }

    /// All files that something is shown of, by address.
    pub(crate) fn all_shown(&self) -> Vec<(String, Vec<Value>)> {
        let mut all: Vec<_> = self.shown.borrow().iter().map(|(uri, d)| (uri.clone(), d.clone())).collect();
        all.retain(|(_, diagnostics)| !diagnostics.is_empty());
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// The actions for a diagnostic.
    pub(crate) fn actions(&mut self, uri: &str, shown: &Value) -> Vec<Value> {
        let params =
            json!({ "textDocument": { "uri": uri }, "range": shown["range"], "context": { "diagnostics": [shown] } });
        self.request("textDocument/codeAction", &params).as_array().cloned().unwrap_or_default()
    }

    /// Ends the session from the side of the server: whether it was in order.
    pub(crate) fn ended(mut self) -> bool {
        self.server.take().is_some_and(|server| server.join().expect("no panic"))
    }

    pub(crate) fn uri(&self, file: &str) -> String {
        let path = if file.is_empty() { self.root.clone() } else { self.root.join(file) };
        lsp_types::Url::from_file_path(path).expect("absolute").to_string()
    }

    pub(crate) fn notify(&self, method: &str, params: &Value) {
        self.connection.sender.send(Notification::new(method.to_owned(), params).into()).expect("the server listens");
    }

    pub(crate) fn send(&mut self, method: &str, params: &Value) -> i32 {
        self.next += 1;
        let request = Request::new(self.next.into(), method.to_owned(), params);
        self.connection.sender.send(request.into()).expect("the server listens");
        self.next
    }

    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        let response = self.response(id);
        response.response_result.unwrap_or_else(|e| panic!("{method}: {e:?}"))
    }

    pub(crate) fn response(&self, id: i32) -> Response {
        self.wait(|m| match m {
            Message::Response(r) if r.id == id.into() => Some(r.clone()),
            _ => None,
        })
    }

    pub(crate) fn wait<T>(&self, mut of: impl FnMut(&Message) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        let mut passed = Vec::new();
        loop {
            let Ok(message) = self.connection.receiver.recv_deadline(until) else {
                panic!("no such message in time, but {passed:#?}");
            };
            passed.push(format!("{message:?}"));
            self.note(&message);
            if let Some(found) = of(&message) {
                return found;
            }
        }
    }

    fn note(&self, message: &Message) {
        if let Message::Notification(n) = message
            && n.method.ends_with("publishDiagnostics")
        {
            let uri = n.params["uri"].as_str().unwrap_or_default().to_owned();
            let diagnostics = n.params["diagnostics"].as_array().cloned().unwrap_or_default();
            self.shown.borrow_mut().insert(uri, diagnostics);
        }
    }

    /// The codes that a file has once `wanted` says so.
    pub(crate) fn diagnostics(&self, file: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let uri = self.uri(file);
        self.wait(|m| match m {
            Message::Notification(n) if n.method.ends_with("publishDiagnostics") && n.params["uri"] == uri.as_str() => {
                let all = n.params["diagnostics"].as_array().cloned().unwrap_or_default();
                wanted(&all).then_some(all)
            }
            _ => None,
        })
    }

    /// The same for a file of which something is shown sooner or later: that may have come with an answer to a request.
    pub(crate) fn comes_to_show(&self, file: &str) -> Vec<Value> {
        let shown = self.shown.borrow().get(&self.uri(file)).cloned().filter(|all| !all.is_empty());
        shown.unwrap_or_else(|| self.diagnostics(file, |all| !all.is_empty()))
    }

    pub(crate) fn open(&self, file: &str, text: &str) {
        self.notify(
            "textDocument/didOpen",
            &json!({ "textDocument": {
            "uri": self.uri(file), "languageId": "x", "version": 1, "text": text } }),
        );
    }

    pub(crate) fn change(&self, file: &str, version: i32, changes: &Value) {
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
        if self.made {
            let _ = fs::remove_dir_all(&self.root);
        }
    }
}

/// A text with the edits of an action.
pub(crate) fn edited(text: &str, edits: &Value) -> String {
    let offset = |place: &Value| {
        let (line, character) = (place["line"].as_u64().unwrap_or(0), place["character"].as_u64().unwrap_or(0));
        let start: usize = text.split_inclusive('\n').take(line as usize).map(str::len).sum();
        // The protocol counts UTF-16 units unless something else is agreed.
        let units = text[start..].chars().scan(0, |at, c| {
            let here = *at;
            *at += c.len_utf16() as u64;
            Some((here, c.len_utf8()))
        });
        start + units.take_while(|(here, _)| *here < character).map(|(_, len)| len).sum::<usize>()
    };
    let mut places: Vec<_> = edits.as_array().into_iter().flatten().collect();
    places.sort_by_key(|e| std::cmp::Reverse(offset(&e["range"]["start"])));
    let mut new = text.to_owned();
    for edit in places {
        let range = offset(&edit["range"]["start"])..offset(&edit["range"]["end"]);
        new.replace_range(range, edit["newText"].as_str().unwrap_or_default());
    }
    new
}

pub(crate) fn codes(all: &[Value]) -> Vec<&str> {
    all.iter().filter_map(|d| d["code"].as_str()).collect()
}

impl Editor {
    /// Waits for the end of a scan that the server tells of.
    pub(crate) fn progress_ends(&self) {
        self.wait(|m| match m {
            Message::Notification(n) if n.method == "$/progress" && n.params["value"]["kind"] == "end" => Some(()),
            _ => None,
        });
    }
}

impl Editor {
    /// Asks until a file has what is wanted.
    pub(crate) fn eventually(&mut self, file: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let shown = self.settled(file);
            if wanted(&shown) {
                return shown;
            }
            assert!(Instant::now() < until, "{file}: {shown:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
