//! What no message tells: that the client is gone, and, when the client does not watch files, that some changed.

use super::server::Server;
use super::state::Look;
use crate::discover::{Stamp, WalkOptions, stamps};
use crate::settings::FILE_NAME;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(2);
/// Looking takes at most one part in so many of the time.
const SHARE: u32 = 20;

impl Server<'_> {
    /// Is there anything to look at?
    pub(super) fn looks(&self) -> bool {
        self.parent.is_known() || !self.client.watches
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
