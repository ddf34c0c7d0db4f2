//! The loop: messages in, scans in the background, diagnostics out.

use super::actions::{Asked, actions};
use super::diagnostics::{ByFile, View, by_file, of_settings};
use super::document::{Document, Encoding};
use super::hover::hover;
use super::workspace::{Overlay, Scan};
use crate::settings::FILE_NAME;
use crossbeam_channel::{Receiver, Sender, at, never, select, unbounded};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification as notify;
use lsp_types::notification::Notification as _;
use lsp_types::request as ask;
use lsp_types::request::Request as _;
use lsp_types::{
    CodeActionParams, DidChangeTextDocumentParams, DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, DocumentDiagnosticParams, FullDocumentDiagnosticReport, HoverParams, InitializeParams,
    PublishDiagnosticsParams, RelatedFullDocumentDiagnosticReport, Url,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Quiet time after an edit before it is judged.
const EDIT_DELAY: Duration = Duration::from_millis(60);
/// Quiet time after a build wrote files before the folder is scanned again.
const FILES_DELAY: Duration = Duration::from_millis(400);

/// Serves one client until it says good-bye (true) or goes away without (false).
pub fn serve(connection: &Connection) -> bool {
    let Ok((id, params)) = connection.initialize_start() else { return false };
    let params: InitializeParams = serde_json::from_value(params).unwrap_or_default();
    let client = Client::of(&params);
    if connection.initialize_finish(id, capabilities(&client)).is_err() {
        return false;
    }
    let (scans, scanned) = unbounded();
    let mut server = Server {
        connection,
        client,
        documents: HashMap::new(),
        folders: Vec::new(),
        loose: HashMap::new(),
        scans,
        stale: HashSet::new(),
        shown: ByFile::new(),
        published: HashSet::new(),
        judge_at: None,
        scan_at: None,
        requests: 0,
    };
    server.start(&params);
    server.run(&scanned)
}

/// What the client can do.
struct Client {
    encoding: Encoding,
    pulls: bool,
    refreshes: bool,
    watches: bool,
    progress: bool,
    creates: bool,
}

impl Client {
    fn of(params: &InitializeParams) -> Self {
        let capabilities = serde_json::to_value(&params.capabilities).unwrap_or_default();
        let has = |pointer: &str| match capabilities.pointer(pointer) {
            Some(Value::Bool(yes)) => *yes,
            other => other.is_some_and(|v| !v.is_null()),
        };
        let encodings = params.capabilities.general.as_ref().and_then(|g| g.position_encodings.as_deref());
        let operations = capabilities.pointer("/workspace/workspaceEdit/resourceOperations").and_then(Value::as_array);
        Client {
            encoding: Encoding::choose(encodings),
            pulls: has("/textDocument/diagnostic"),
            refreshes: has("/workspace/diagnostics/refreshSupport") || has("/workspace/diagnostic/refreshSupport"),
            watches: has("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            progress: has("/window/workDoneProgress"),
            creates: operations.is_some_and(|o| o.iter().any(|v| v == "create")),
        }
    }
}

fn capabilities(client: &Client) -> Value {
    json!({
        "capabilities": {
            "positionEncoding": client.encoding.kind(),
            "textDocumentSync": { "openClose": true, "change": 2, "save": { "includeText": false } },
            "hoverProvider": true,
            "codeActionProvider": { "codeActionKinds": ["quickfix"] },
            "diagnosticProvider": {
                "identifier": "wipeproof", "interFileDependencies": true, "workspaceDiagnostics": false,
            },
            "workspace": { "workspaceFolders": { "supported": true, "changeNotifications": true } },
        },
        "serverInfo": { "name": "wipeproof", "version": env!("CARGO_PKG_VERSION") },
    })
}

struct Folder {
    root: PathBuf,
    scan: Option<Scan>,
    /// Only the newest scan counts.
    generation: u64,
}

/// A finished scan: folder, generation, result.
type Scanned = (PathBuf, u64, Option<Scan>);

struct Open {
    document: Document,
    /// What the readers saw, until the text changes.
    overlay: Option<Overlay>,
}

struct Server<'a> {
    connection: &'a Connection,
    client: Client,
    documents: HashMap<PathBuf, Open>,
    folders: Vec<Folder>,
    /// Files outside all folders.
    loose: HashMap<PathBuf, Scan>,
    scans: Sender<Scanned>,
    /// Files whose text changed since they were last read.
    stale: HashSet<PathBuf>,
    shown: ByFile,
    /// Files that the client shows diagnostics for.
    published: HashSet<Url>,
    judge_at: Option<Instant>,
    scan_at: Option<Instant>,
    requests: i32,
}

impl Server<'_> {
    fn start(&mut self, params: &InitializeParams) {
        #[expect(deprecated, reason = "what clients without workspace folders send")]
        let single = params.root_uri.clone();
        let roots: Vec<Url> = match &params.workspace_folders {
            Some(folders) if !folders.is_empty() => folders.iter().map(|f| f.uri.clone()).collect(),
            _ => single.into_iter().collect(),
        };
        for root in roots {
            self.add_folder(&root);
        }
        if self.client.watches {
            let options = json!({ "registrations": [{ "id": "files", "method": "workspace/didChangeWatchedFiles",
                "registerOptions": { "watchers": [{ "globPattern": "**/*" }] } }] });
            self.request("client/registerCapability", &options);
        }
    }

    fn run(&mut self, scanned: &Receiver<Scanned>) -> bool {
        let mut queue = VecDeque::new();
        loop {
            let timer = [self.judge_at, self.scan_at].into_iter().flatten().min().map_or_else(never, at);
            select! {
                recv(self.connection.receiver) -> message => match message {
                    Ok(message) => queue.push_back(message),
                    Err(_) => return false,
                },
                recv(scanned) -> result => if let Ok(result) = result { self.install(result) },
                recv(timer) -> _ => {}
            }
            queue.extend(self.connection.receiver.try_iter());
            let cancelled = cancelled(&queue);
            while let Some(message) = queue.pop_front() {
                match message {
                    Message::Request(request) => {
                        if request.method == ask::Shutdown::METHOD {
                            self.reply(Response::new_ok(request.id, ()));
                            return self.wait_for_exit(queue);
                        }
                        self.answer(request, &cancelled);
                    }
                    Message::Notification(n) if n.method == notify::Exit::METHOD => return false,
                    Message::Notification(notification) => self.hear(notification),
                    Message::Response(_) => {}
                }
            }
            self.on_time();
        }
    }

    fn wait_for_exit(&self, mut queue: VecDeque<Message>) -> bool {
        const PATIENCE: Duration = Duration::from_secs(30);
        let next = || queue.pop_front().or_else(|| self.connection.receiver.recv_timeout(PATIENCE).ok());
        for message in std::iter::from_fn(next) {
            match message {
                Message::Notification(n) if n.method == notify::Exit::METHOD => return true,
                Message::Request(r) => {
                    let why = "the session is shutting down".to_owned();
                    self.reply(Response::new_err(r.id, ErrorCode::InvalidRequest as i32, why));
                }
                _ => {}
            }
        }
        false
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        if self.scan_at.is_some_and(|at| at <= now) {
            self.scan_at = None;
            for root in self.folders.iter().map(|f| f.root.clone()).collect::<Vec<_>>() {
                self.scan(&root);
            }
            self.loose.clear();
            self.judge_at = Some(now);
        }
        if self.judge_at.is_some_and(|at| at <= now) {
            self.judge();
        }
    }

    fn add_folder(&mut self, url: &Url) {
        let Ok(root) = url.to_file_path() else { return };
        if !self.folders.iter().any(|f| f.root == root) {
            self.folders.push(Folder { root: root.clone(), scan: None, generation: 0 });
            self.scan(&root);
        }
    }

    /// Scans a folder in the background; a newer scan makes an older one void.
    fn scan(&mut self, root: &Path) {
        let Some(folder) = self.folders.iter_mut().find(|f| f.root == root) else { return };
        folder.generation += 1;
        let (root, generation, scans) = (folder.root.clone(), folder.generation, self.scans.clone());
        if self.client.progress {
            let token = token(&root, generation);
            self.request("window/workDoneProgress/create", &json!({ "token": token }));
            let begin = json!({ "kind": "begin", "title": "wipeproof", "message": root.display().to_string() });
            self.notify("$/progress", &json!({ "token": token, "value": begin }));
        }
        std::thread::spawn(move || {
            let scan = Scan::of_folder(&root);
            let _ = scans.send((root, generation, scan));
        });
    }

    fn install(&mut self, (root, generation, scan): Scanned) {
        if self.client.progress {
            self.notify("$/progress", &json!({ "token": token(&root, generation), "value": { "kind": "end" } }));
        }
        let Some(folder) = self.folders.iter_mut().find(|f| f.root == root && f.generation == generation) else {
            return;
        };
        folder.scan = scan;
        if let Some(problem) = folder.scan.as_ref().and_then(|s| s.decisions.problem.clone()) {
            self.notify(notify::ShowMessage::METHOD, &json!({ "type": 2, "message": problem }));
        }
        self.stale.extend(self.documents.keys().cloned());
        self.judge();
        if self.client.pulls && self.client.refreshes {
            self.request("workspace/diagnostic/refresh", &Value::Null);
        }
    }

    /// Reads what changed, joins, judges and publishes.
    fn judge(&mut self) {
        self.judge_at = None;
        for path in std::mem::take(&mut self.stale) {
            self.read_again(&path);
        }
        let texts: HashMap<PathBuf, &str> =
            self.documents.iter().map(|(path, open)| (path.clone(), open.document.text.as_str())).collect();
        let mut shown = ByFile::new();
        let in_folders = self.folders.iter().filter_map(|f| Some((f.root.as_path(), f.scan.as_ref()?)));
        let of_loose = self.loose.iter().map(|(path, scan)| (path.as_path(), scan));
        for (root, scan) in in_folders.chain(of_loose) {
            let overlays = self.documents.iter().filter(|(path, _)| path.starts_with(root));
            let Some(report) = scan.report(overlays.filter_map(|(_, open)| open.overlay.as_ref())) else { continue };
            let view = View { root, scan, texts: &texts, encoding: self.client.encoding };
            for (url, of_file) in by_file(&report, &view) {
                shown.entry(url).or_default().extend(of_file);
            }
        }
        self.shown = shown;
        self.publish();
    }

    fn read_again(&mut self, path: &Path) {
        if self.folder_of(path).is_none() && !self.loose.contains_key(path) {
            self.loose.extend(Scan::of_loose_file(path).map(|scan| (path.to_path_buf(), scan)));
        }
        let overlay = match (self.scan_of(path), self.documents.get(path)) {
            (Some(scan), Some(open)) => scan.overlay(path, &open.document.text),
            _ => None,
        };
        if let Some(open) = self.documents.get_mut(path) {
            open.overlay = overlay;
        }
    }

    fn folder_of(&self, path: &Path) -> Option<&Folder> {
        self.folders.iter().filter(|f| path.starts_with(&f.root)).max_by_key(|f| f.root.as_os_str().len())
    }

    fn scan_of(&self, path: &Path) -> Option<&Scan> {
        match self.folder_of(path) {
            Some(folder) => folder.scan.as_ref(),
            None => self.loose.get(path),
        }
    }

    /// Sends the diagnostics of every file that has or had some. A client that asks for them gets those of its open
    /// files on request only.
    fn publish(&mut self) {
        let mut all: BTreeMap<Url, Vec<lsp_types::Diagnostic>> =
            self.published.drain().map(|url| (url, Vec::new())).collect();
        for (url, shown) in &self.shown {
            all.insert(url.clone(), shown.iter().map(|s| s.diagnostic.clone()).collect());
        }
        for (path, open) in self.settings_documents() {
            if let Ok(url) = Url::from_file_path(path) {
                let wrong = of_settings(&open.document.text, self.client.encoding);
                all.entry(url).or_default().extend(wrong);
            }
        }
        for (uri, diagnostics) in all {
            let open = uri.to_file_path().ok().and_then(|path| self.documents.get(&path));
            if self.client.pulls && open.is_some() {
                continue;
            }
            if !diagnostics.is_empty() {
                self.published.insert(uri.clone());
            }
            let version = open.map(|o| o.document.version);
            self.notify(notify::PublishDiagnostics::METHOD, &PublishDiagnosticsParams { uri, diagnostics, version });
        }
    }

    fn settings_documents(&self) -> impl Iterator<Item = (&PathBuf, &Open)> {
        self.documents.iter().filter(|(path, _)| path.file_name().is_some_and(|n| n == FILE_NAME))
    }

    fn hear(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match method.as_str() {
            notify::DidOpenTextDocument::METHOD => self.with(params, |server, p: DidOpenTextDocumentParams| {
                let document = Document { text: p.text_document.text, version: p.text_document.version };
                if let Ok(path) = p.text_document.uri.to_file_path() {
                    server.documents.insert(path.clone(), Open { document, overlay: None });
                    server.stale.insert(path);
                    server.judge_at = Some(Instant::now());
                }
            }),
            notify::DidChangeTextDocument::METHOD => self.with(params, |server, p: DidChangeTextDocumentParams| {
                let encoding = server.client.encoding;
                let Ok(path) = p.text_document.uri.to_file_path() else { return };
                if let Some(open) = server.documents.get_mut(&path) {
                    open.document.apply(p.content_changes, p.text_document.version, encoding);
                    server.stale.insert(path);
                    server.judge_at = Some(Instant::now() + EDIT_DELAY);
                }
            }),
            notify::DidCloseTextDocument::METHOD => self.with(params, |server, p: DidCloseTextDocumentParams| {
                if let Ok(path) = p.text_document.uri.to_file_path() {
                    server.documents.remove(&path);
                    server.loose.remove(&path);
                    server.judge_at = Some(Instant::now());
                }
            }),
            notify::DidSaveTextDocument::METHOD | notify::DidChangeWatchedFiles::METHOD => {
                self.scan_at = Some(Instant::now() + FILES_DELAY);
            }
            notify::DidChangeWorkspaceFolders::METHOD => {
                self.with(params, |server, p: DidChangeWorkspaceFoldersParams| {
                    for gone in p.event.removed.iter().filter_map(|f| f.uri.to_file_path().ok()) {
                        server.folders.retain(|f| f.root != gone);
                    }
                    p.event.added.iter().for_each(|f| server.add_folder(&f.uri));
                    server.judge_at = Some(Instant::now());
                });
            }
            _ => {}
        }
    }

    /// Runs a handler on well-formed parameters; others say nothing, and a notification cannot be answered.
    fn with<P: serde::de::DeserializeOwned>(&mut self, params: Value, handle: impl FnOnce(&mut Self, P)) {
        if let Ok(params) = serde_json::from_value(params) {
            handle(self, params);
        }
    }

    fn answer(&mut self, request: Request, cancelled: &HashSet<RequestId>) {
        if cancelled.contains(&request.id) {
            let why = "cancelled by the client".to_owned();
            return self.reply(Response::new_err(request.id, ErrorCode::RequestCanceled as i32, why));
        }
        if self.judge_at.is_some() {
            self.judge();
        }
        let Request { id, method, params } = request;
        let result = match method.as_str() {
            ask::HoverRequest::METHOD => parsed(params).map(|p| self.hover(&p)),
            ask::CodeActionRequest::METHOD => parsed(params).map(|p| self.code_actions(&p)),
            ask::DocumentDiagnosticRequest::METHOD => parsed(params).map(|p| self.pulled(&p)),
            _ => Err((ErrorCode::MethodNotFound, format!("there is no method {method}"))),
        };
        self.reply(match result {
            Ok(value) => Response::new_ok(id, value),
            Err((code, message)) => Response::new_err(id, code as i32, message),
        });
    }

    fn hover(&self, params: &HoverParams) -> Value {
        let at = &params.text_document_position_params;
        let shown = self.shown.get(&at.text_document.uri).map_or(&[][..], Vec::as_slice);
        let scan = at.text_document.uri.to_file_path().ok().and_then(|path| self.scan_of(&path));
        let hover = scan.and_then(|scan| hover(shown, at.position, scan.decisions.rules()));
        serde_json::to_value(hover).unwrap_or_default()
    }

    fn code_actions(&self, params: &CodeActionParams) -> Value {
        let url = &params.text_document.uri;
        let actions = || {
            let path = url.to_file_path().ok()?;
            let (open, scan) = (self.documents.get(&path)?, self.scan_of(&path)?);
            let root = self.folder_of(&path).map_or(path.parent()?, |f| f.root.as_path());
            let asked = Asked {
                url,
                range: params.range,
                text: &open.document.text,
                kind: open.overlay.as_ref().map(Overlay::kind),
                encoding: self.client.encoding,
                settings: &scan.settings_file(root),
                can_create: self.client.creates,
                name_of: &|artifact| scan.name_of(artifact).to_owned(),
            };
            Some(actions(self.shown.get(url)?, &asked))
        };
        serde_json::to_value(actions().unwrap_or_default()).unwrap_or_default()
    }

    fn pulled(&self, params: &DocumentDiagnosticParams) -> Value {
        let shown = self.shown.get(&params.text_document.uri).map_or(&[][..], Vec::as_slice);
        let mut items: Vec<_> = shown.iter().map(|s| s.diagnostic.clone()).collect();
        let path = params.text_document.uri.to_file_path().ok();
        if let Some((_, open)) = self.settings_documents().find(|(p, _)| Some(*p) == path.as_ref()) {
            items.extend(of_settings(&open.document.text, self.client.encoding));
        }
        let report = RelatedFullDocumentDiagnosticReport {
            related_documents: None,
            full_document_diagnostic_report: FullDocumentDiagnosticReport { result_id: None, items },
        };
        let mut value = serde_json::to_value(report).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            object.insert("kind".to_owned(), json!("full"));
        }
        value
    }

    fn reply(&self, response: Response) {
        let _ = self.connection.sender.send(response.into());
    }

    fn notify(&self, method: &str, params: &impl Serialize) {
        let notification = Notification::new(method.to_owned(), params);
        let _ = self.connection.sender.send(notification.into());
    }

    fn request(&mut self, method: &str, params: &Value) {
        self.requests += 1;
        let request = Request::new(RequestId::from(self.requests), method.to_owned(), params);
        let _ = self.connection.sender.send(request.into());
    }
}

fn token(root: &Path, generation: u64) -> String {
    format!("wipeproof:{}:{generation}", root.display())
}

fn parsed<P: serde::de::DeserializeOwned>(params: Value) -> Result<P, (ErrorCode, String)> {
    serde_json::from_value(params).map_err(|e| (ErrorCode::InvalidParams, e.to_string()))
}

/// Requests that the client took back before they were looked at.
fn cancelled(queue: &VecDeque<Message>) -> HashSet<RequestId> {
    let of = |message: &Message| match message {
        Message::Notification(n) if n.method == notify::Cancel::METHOD => {
            serde_json::from_value(n.params.get("id")?.clone()).ok()
        }
        _ => None,
    };
    queue.iter().filter_map(of).collect()
}
