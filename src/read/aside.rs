//! Copies of settings that were set aside: nobody reads them, unless a file of the application says that it does.

use crate::discover::{Application, Artifact};
use memchr::memmem;

/// Most files that are asked.
const MAX_FILES: usize = 256;
/// Longest beginning of one.
const MAX_LENGTH: u64 = 256 << 10;
/// What describes how programs are started, and names what they are given.
const DESCRIPTIONS: [&str; 3] = ["yml", "yaml", "json"];
/// What starts programs; it names copies also to make them.
const SCRIPTS: [&str; 4] = ["cmd", "bat", "ps1", "sh"];
/// How a program is told of a file (Docker documentation, "docker run", `--env-file`; Node.js, "--env-file").
const GIVES: [&str; 2] = ["--env-file ", "--env-file="];

/// Does a file of the application give the copy to a program?
pub(super) fn is_in_use(app: &Application, copy: &Artifact) -> bool {
    let name = copy.file_name();
    let asked = app.artifacts.iter().filter_map(|artifact| {
        let extension = artifact.extension();
        let is_script = SCRIPTS.contains(&extension.as_str());
        (is_script || DESCRIPTIONS.contains(&extension.as_str())).then_some((artifact, is_script))
    });
    asked.take(MAX_FILES).any(|(artifact, is_script)| {
        let Ok(bytes) = artifact.read(MAX_LENGTH) else { return false };
        let mut found = memmem::find_iter(&bytes, name.as_bytes());
        found.any(|at| {
            // The line before the name.
            let before = bytes[..at].rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            !is_script || GIVES.iter().any(|gives| memmem::find(before, gives.as_bytes()).is_some())
        })
    })
}
