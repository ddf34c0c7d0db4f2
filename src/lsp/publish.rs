//! From the server to the client: diagnostics, replies, requests.

use super::diagnostics::of_settings;
use super::server::{Open, Server};
use crate::rules::RuleSet;
use crate::settings::FILE_NAME;
use lsp_server::{Notification, Request, RequestId, Response};
use lsp_types::notification as notify;
use lsp_types::notification::Notification as _;
use lsp_types::{Diagnostic, Url};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Server<'_> {
    /// Sends the diagnostics of every file for which they changed. A client that asks for them gets those of its open
    /// files on request only.
    pub(super) fn publish(&mut self) {
        let mut all: BTreeMap<Url, Vec<Arc<Diagnostic>>> = self
            .shown
            .iter()
            .map(|(url, shown)| (url.clone(), shown.iter().map(|s| Arc::clone(&s.diagnostic)).collect()))
            .collect();
        for (path, open) in self.settings_documents() {
            if let Ok(url) = Url::from_file_path(path) {
                let wrong = of_settings(&open.document.text, self.rules_of(path), self.client.encoding);
                all.entry(url).or_default().extend(wrong.into_iter().map(Arc::new));
            }
        }
        all.retain(|_, diagnostics| !diagnostics.is_empty());
        let gone: Vec<_> =
            self.published.keys().filter(|url| !all.contains_key(url)).map(|url| (url.clone(), Vec::new())).collect();
        for (uri, mut diagnostics) in gone.into_iter().chain(all) {
            let open = uri.to_file_path().ok().and_then(|path| self.documents.get(&path));
            // What was published before the file was opened stays with the client, so it is taken back once.
            if self.client.pulls && open.is_some() {
                diagnostics.clear();
            }
            // An edit may have moved what the client shows, so what is said of another version is said again.
            let version = open.map(|o| o.document.version);
            let now = (version, diagnostics);
            let known = match self.published.get(&uri) {
                None => now.1.is_empty(),
                Some(before) => *before == now,
            };
            if known {
                continue;
            }
            let told: Vec<&Diagnostic> = now.1.iter().map(AsRef::as_ref).collect();
            let mut params = json!({ "uri": uri, "diagnostics": told });
            if let Some(version) = version {
                params["version"] = version.into();
            }
            self.notify(notify::PublishDiagnostics::METHOD, params);
            match now.1.is_empty() {
                true => self.published.remove(&uri),
                false => self.published.insert(uri, now),
            };
        }
    }

    pub(super) fn settings_documents(&self) -> impl Iterator<Item = (&PathBuf, &Open)> {
        self.documents.iter().filter(|(path, _)| path.file_name().is_some_and(|n| n == FILE_NAME))
    }

    /// The rules in force for a file.
    pub(super) fn rules_of(&self, path: &Path) -> Option<&RuleSet> {
        self.scan_of(path).map(|scan| scan.decisions.rules())
    }

    pub(super) fn reply(&self, response: Response) {
        let _ = self.connection.sender.send(response.into());
    }

    pub(super) fn notify(&self, method: &str, params: Value) {
        let notification = Notification { method: method.to_owned(), params };
        let _ = self.connection.sender.send(notification.into());
    }

    pub(super) fn request(&mut self, method: &str, params: Value) {
        self.requests += 1;
        let request = Request { id: RequestId::from(self.requests), method: method.to_owned(), params };
        let _ = self.connection.sender.send(request.into());
    }
}
