//! What the server knows of the world around it: folders, its client's process, files as they were last looked at.

use super::workspace::Scan;
use crate::discover::Stamp;
use lsp_types::InitializeParams;
use std::path::PathBuf;
use std::time::Duration;

/// A folder of the workspace.
pub(super) struct Folder {
    pub(super) root: PathBuf,
    pub(super) scan: Option<Scan>,
    /// Only the newest scan counts.
    pub(super) generation: u64,
    /// A scan is under way.
    pub(super) scanning: bool,
    /// Files changed while it was: another follows it.
    pub(super) again: bool,
    /// Its files when they were last looked at, if the client does not watch them.
    pub(super) seen: Option<Vec<Stamp>>,
}

/// A finished scan: folder, generation, result.
pub(super) type Scanned = (PathBuf, u64, Option<Scan>);

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

    /// Can it be seen?
    pub(super) fn is_known(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.0.as_ref().is_some_and(|path| !path.exists())
    }
}

/// What a look at a folder saw, and how long it took.
pub(super) struct Look {
    pub(super) root: PathBuf,
    pub(super) seen: Vec<Stamp>,
    pub(super) took: Duration,
}
