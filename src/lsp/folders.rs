//! Workspace folders: scanned in the background, judged with the open files over them.

use super::diagnostics::{ByFile, View, by_file};
use super::server::Server;
use super::state::{Folder, Scanned};
use super::workspace::Scan;
use lsp_types::notification as notify;
use lsp_types::notification::Notification as _;
use lsp_types::{InitializeParams, Url};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest pause after an edit before it is judged.
const LONGEST_PAUSE: Duration = Duration::from_millis(60);

impl Server<'_> {
    pub(super) fn start(&mut self, params: &InitializeParams) {
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
            self.request("client/registerCapability", options);
        }
    }

    pub(super) fn add_folder(&mut self, url: &Url) {
        let Ok(root) = url.to_file_path() else { return };
        if !self.folders.iter().any(|f| f.root == root) {
            self.folders.push(Folder {
                root: root.clone(),
                scan: None,
                generation: 0,
                scanning: false,
                again: false,
                seen: None,
            });
            self.scan(&root);
        }
    }

    /// Scans a folder in the background, one scan at a time.
    pub(super) fn scan(&mut self, root: &Path) {
        let Some(folder) = self.folders.iter_mut().find(|f| f.root == root) else { return };
        if folder.scanning {
            folder.again = true;
            return;
        }
        folder.scanning = true;
        self.generation += 1;
        folder.generation = self.generation;
        let (root, generation, scans) = (folder.root.clone(), folder.generation, self.scans.clone());
        if self.client.progress {
            let token = token(&root, generation);
            self.request("window/workDoneProgress/create", json!({ "token": token }));
            let begin = json!({ "kind": "begin", "title": "wipeproof", "message": root.display().to_string() });
            self.notify("$/progress", json!({ "token": token, "value": begin }));
        }
        std::thread::spawn(move || {
            let scan = Scan::of_folder(&root);
            let _ = scans.send((root, generation, scan));
        });
    }

    pub(super) fn install(&mut self, (root, generation, scan): Scanned) {
        if self.client.progress {
            self.notify("$/progress", json!({ "token": token(&root, generation), "value": { "kind": "end" } }));
        }
        let Some(folder) = self.folders.iter_mut().find(|f| f.root == root && f.generation == generation) else {
            return;
        };
        folder.scan = scan;
        folder.scanning = false;
        let again = std::mem::take(&mut folder.again);
        if let Some(problem) = folder.scan.as_ref().and_then(|s| s.decisions.problem.clone()) {
            self.notify(notify::ShowMessage::METHOD, json!({ "type": 2, "message": problem }));
        }
        self.stale.extend(self.documents.keys().cloned());
        self.judge();
        if again {
            self.scan(&root);
        }
        if self.client.pulls {
            self.request("workspace/diagnostic/refresh", Value::Null);
        }
    }

    /// Reads what changed, joins, judges and publishes.
    pub(super) fn judge(&mut self) {
        self.judge_at = None;
        let begin = Instant::now();
        for path in std::mem::take(&mut self.stale) {
            self.read_again(&path);
        }
        let texts: HashMap<PathBuf, Vec<&str>> =
            self.documents.iter().map(|(path, open)| (path.clone(), open.document.text.lines().collect())).collect();
        let mut shown = ByFile::new();
        let roots: Vec<PathBuf> = self.folders.iter().map(|f| f.root.clone()).collect();
        let in_folders = self.folders.iter_mut().filter_map(|f| Some((f.root.as_path(), f.scan.as_mut()?)));
        let of_loose = self.loose.iter_mut().map(|(path, scan)| (path.as_path(), scan));
        for (root, scan) in in_folders.chain(of_loose) {
            let overlays = self.documents.iter().filter(|(path, _)| path.starts_with(root));
            scan.judge(overlays.filter_map(|(_, open)| open.overlay.as_ref()).collect());
            let Some(findings) = scan.findings() else { continue };
            let view = View::new(root, scan, &texts, self.client.encoding);
            // In a folder within a folder, the inner one tells of its files.
            let deeper = |url: &Url| {
                let path = url.to_file_path().ok();
                path.is_some_and(|p| roots.iter().any(|r| r.starts_with(root) && r != root && p.starts_with(r)))
            };
            for (url, of_file) in by_file(findings, &view).into_iter().filter(|(url, _)| !deeper(url)) {
                shown.entry(url).or_default().extend(of_file);
            }
        }
        self.shown = shown;
        self.publish();
        self.pace = begin.elapsed().min(LONGEST_PAUSE);
    }

    pub(super) fn read_again(&mut self, path: &Path) {
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

    pub(super) fn folder_of(&self, path: &Path) -> Option<&Folder> {
        self.folders.iter().filter(|f| path.starts_with(&f.root)).max_by_key(|f| f.root.as_os_str().len())
    }

    pub(super) fn scan_of(&self, path: &Path) -> Option<&Scan> {
        match self.folder_of(path) {
            Some(folder) => folder.scan.as_ref(),
            None => self.loose.get(path),
        }
    }
}

fn token(root: &Path, generation: u64) -> String {
    format!("wipeproof:{}:{generation}", root.display())
}
