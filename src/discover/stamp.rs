//! Names, sizes and times of files: what changes when a file changes.

use super::{WalkOptions, walk};
use std::path::PathBuf;
use std::time::SystemTime;

/// A file as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub size: u64,
    /// When it was last written.
    pub written: Option<SystemTime>,
}

impl Stamp {
    /// Of one file; one that is not there has no size and no time.
    pub fn of(file: PathBuf) -> Self {
        let meta = std::fs::metadata(&file).ok();
        let size = meta.as_ref().map_or(0, std::fs::Metadata::len);
        Stamp { file, size, written: meta.and_then(|m| m.modified().ok()) }
    }
}

/// The files below some inputs.
pub fn stamps(inputs: &[PathBuf], options: &WalkOptions) -> Vec<Stamp> {
    let app = walk(inputs, options).unwrap_or_default();
    app.artifacts.into_iter().map(|artifact| Stamp::of(artifact.file)).collect()
}
