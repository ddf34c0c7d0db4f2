//! The loop: messages in, scans in the background, diagnostics out.

use super::client::{Client, capabilities};
use super::diagnostics::ByFile;
use super::document::Document;
use super::state::{Folder, Look, Parent, Scanned};
use super::workspace::{Overlay, Scan};
use crate::settings::FILE_NAME;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, at, never, select, unbounded};
use lsp_server::{Connection, ErrorCode, Message, Notification, RequestId, Response};
use lsp_types::notification as notify;
use lsp_types::notification::Notification as _;
use lsp_types::request as ask;
use lsp_types::request::Request as _;
use lsp_types::{
    Diagnostic, DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams, InitializeParams, Url,
};
use serde_json::Value;
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Quiet time after a build wrote files before the folder is scanned again.
const FILES_DELAY: Duration = Duration::from_millis(400);

/// Serves one client until it says good-bye (true) or goes away without (false).
pub fn serve(connection: &Connection) -> bool {
    let Ok((id, params)) = connection.initialize_start() else { return false };
    let sent = params;
    let params: InitializeParams = serde_json::from_value(sent.clone()).unwrap_or_default();
    let client = Client::of(&params, &sent);
    let mut parent = Parent::of(&params);
    if !introduced(connection, Response::new_ok(id, capabilities(&client)), &mut parent) {
        return false;
    }
    let (scans, scanned) = unbounded();
    let (looks, looked) = unbounded();
    let mut server = Server {
        connection,
        client,
        documents: HashMap::new(),
        folders: Vec::new(),
        loose: HashMap::new(),
        scans,
        stale: HashSet::new(),
        shown: ByFile::new(),
        published: HashMap::new(),
        judge_at: None,
        pace: Duration::ZERO,
        generation: 0,
        parent,
        looks,
        look_at: None,
        is_looking: false,
        looking: Duration::ZERO,
        scan_at: None,
        changed: HashSet::new(),
        requests: 0,
    };
    server.start(&params);
    if server.looks() {
        server.look();
    }
    server.run(&scanned, &looked)
}

/// Answers the client's first request and waits for its `initialized`, for as long as the client lives.
fn introduced(connection: &Connection, answer: Response, parent: &mut Parent) -> bool {
    const LOOK_AFTER: Duration = Duration::from_secs(1);
    if connection.sender.send(answer.into()).is_err() {
        return false;
    }
    loop {
        match connection.receiver.recv_timeout(LOOK_AFTER) {
            Ok(Message::Notification(n)) if n.method == notify::Initialized::METHOD => return true,
            // Anything else is out of order, which ends the session, as lsp-server has it.
            Ok(_) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) if parent.is_gone() => return false,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// An open file.
pub(super) struct Open {
    pub(super) document: Document,
    /// What the readers saw, until the text changes.
    pub(super) overlay: Option<Overlay>,
}

/// The state of a session.
pub(super) struct Server<'a> {
    pub(super) connection: &'a Connection,
    pub(super) client: Client,
    pub(super) documents: HashMap<PathBuf, Open>,
    pub(super) folders: Vec<Folder>,
    /// Files outside all folders.
    pub(super) loose: HashMap<PathBuf, Scan>,
    pub(super) scans: Sender<Scanned>,
    /// Files whose text changed since they were last read.
    pub(super) stale: HashSet<PathBuf>,
    pub(super) shown: ByFile,
    /// What the client shows, and of which version of a file.
    pub(super) published: HashMap<Url, (Option<i32>, Vec<Arc<Diagnostic>>)>,
    pub(super) judge_at: Option<Instant>,
    /// How long the last judgement took. An edit waits as long for the next one: judging never takes more than half of
    /// the time in which somebody types, and in small folders nobody waits.
    pub(super) pace: Duration,
    pub(super) parent: Parent,
    pub(super) looks: Sender<Vec<Look>>,
    pub(super) look_at: Option<Instant>,
    pub(super) is_looking: bool,
    /// How long the last look took.
    pub(super) looking: Duration,
    /// Number of the last scan of any folder.
    pub(super) generation: u64,
    scan_at: Option<Instant>,
    /// Folders that are to be scanned then.
    changed: HashSet<PathBuf>,
    pub(super) requests: i32,
}

impl Server<'_> {
    fn run(&mut self, scanned: &Receiver<Scanned>, looked: &Receiver<Vec<Look>>) -> bool {
        let mut queue = VecDeque::new();
        loop {
            let timer = [self.judge_at, self.scan_at, self.look_at].into_iter().flatten().min().map_or_else(never, at);
            select! {
                recv(self.connection.receiver) -> message => match message {
                    Ok(message) => queue.push_back(message),
                    Err(_) => return false,
                },
                recv(scanned) -> result => if let Ok(result) = result { self.install(result) },
                recv(looked) -> looks => if let Ok(looks) = looks { self.looked(looks) },
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
            if self.parent.is_gone() {
                return false;
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
            for root in std::mem::take(&mut self.changed) {
                self.scan(&root);
            }
            self.loose.clear();
            self.judge_at = Some(now);
        }
        if self.judge_at.is_some_and(|at| at <= now) {
            self.judge();
        }
        if self.look_at.is_some_and(|at| at <= now) {
            self.look();
        }
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
                    server.judge_at = Some(Instant::now() + server.pace);
                }
            }),
            notify::DidCloseTextDocument::METHOD => self.with(params, |server, p: DidCloseTextDocumentParams| {
                if let Ok(path) = p.text_document.uri.to_file_path() {
                    server.documents.remove(&path);
                    server.loose.remove(&path);
                    server.judge_at = Some(Instant::now());
                }
            }),
            notify::DidSaveTextDocument::METHOD => self.with(params, |server, p: DidSaveTextDocumentParams| {
                server.file_changed(&p.text_document.uri);
            }),
            notify::DidChangeWatchedFiles::METHOD => self.with(params, |server, p: DidChangeWatchedFilesParams| {
                p.changes.iter().for_each(|change| server.file_changed(&change.uri));
            }),
            notify::DidChangeWorkspaceFolders::METHOD => {
                self.with(params, |server, p: DidChangeWorkspaceFoldersParams| {
                    for gone in p.event.removed.iter().filter_map(|f| f.uri.to_file_path().ok()) {
                        server.folders.retain(|f| f.root != gone);
                    }
                    p.event.added.iter().for_each(|f| server.add_folder(&f.uri));
                    // An open file may belong to another folder now, or to none.
                    server.loose.clear();
                    server.stale.extend(server.documents.keys().cloned());
                    server.judge_at = Some(Instant::now());
                });
            }
            _ => {}
        }
    }

    /// A file on the disk changed: its folder is scanned again when it is quiet.
    fn file_changed(&mut self, url: &Url) {
        let Ok(path) = url.to_file_path() else { return };
        // Git's own files change all the time and belong to no application.
        if path.components().any(|part| part.as_os_str() == ".git") {
            return;
        }
        let above_or_in = |f: &&Folder| path.starts_with(&f.root) || path.file_name().is_some_and(|n| n == FILE_NAME);
        self.changed.extend(self.folders.iter().filter(above_or_in).map(|f| f.root.clone()));
        self.scan_at = Some(Instant::now() + FILES_DELAY);
    }

    /// Runs a handler on well-formed parameters; others say nothing, and a notification cannot be answered.
    fn with<P: serde::de::DeserializeOwned>(&mut self, params: Value, handle: impl FnOnce(&mut Self, P)) {
        if let Ok(params) = serde_json::from_value(params) {
            handle(self, params);
        }
    }
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
