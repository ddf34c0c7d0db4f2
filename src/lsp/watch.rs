//! What no message tells: that the client is gone, and, when the client does not watch files, that some changed.

use super::server::Server;
use crate::discover::{Stamp, WalkOptions, stamps};
use crate::settings::FILE_NAME;
use lsp_types::InitializeParams;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(2);
/// Looking takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// The process that started the server, where its life can be seen without asking it.
///
/// A client that dies closes the input, which ends the session; but a process it started may hold the input open.
pub(super) struct Parent(Option<PathBuf>);

impl Parent {
    /// As the client names it. One that cannot be seen from the beginning, as out of a container, says nothing.
    pub(super) fn of(params: &InitializeParams) -> Self {
        let path = params.process_id.map(|id| PathBuf::from(format!("/proc/{id}")));
        Parent(path.filter(|p| p.exists()))
    }

    pub(super) fn is_gone(&self) -> bool {
        self.0.as_ref().is_some_and(|path| !path.exists())
    }
}

/// What a look at a folder saw, and how long it took.
pub(super) struct Look {
    root: PathBuf,
    seen: Vec<Stamp>,
    took: Duration,
}

impl Server<'_> {
    /// Is there anything to look at?
    pub(super) fn looks(&self) -> bool {
        self.parent.0.is_some() || !self.client.watches
    }

    /// Looks for changed files in the background, if the client does not.
    pub(super) fn look(&mut self) {
        self.look_at = Some(Instant::now() + INTERVAL.max(self.looking * SHARE));
        if self.client.watches || std::mem::replace(&mut self.is_looking, true) {
            return;
        }
        let roots: Vec<PathBuf> = self.folders.iter().map(|f| f.root.clone()).collect();
        let looks = self.looks.clone();
        std::thread::spawn(move || {
            let look = |root: PathBuf| {
                let begin = Instant::now();
                let mut seen = stamps(std::slice::from_ref(&root), &WalkOptions::default());
                seen.push(Stamp::of(root.join(FILE_NAME)));
                Look { root, seen, took: begin.elapsed() }
            };
            let _ = looks.send(roots.into_iter().map(look).collect());
        });
    }

    /// Compares a look with the one before; a folder that changed is scanned again.
    pub(super) fn looked(&mut self, looks: Vec<Look>) {
        self.is_looking = false;
        self.looking = looks.iter().map(|look| look.took).sum();
        for Look { root, seen, .. } in looks {
            let Some(folder) = self.folders.iter_mut().find(|f| f.root == root) else { continue };
            let before = folder.seen.replace(seen);
            if before.is_some() && before != folder.seen {
                self.scan(&root);
            }
        }
    }
}
