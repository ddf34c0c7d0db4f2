//! What a scan remembers of earlier ones: readings of binaries, by their contents.
//!
//! Texts are read faster than remembered. A native image is known by its own bytes and those of the debug information
//! beside it; assemblies, between which values flow, are known all together.

use super::{MAX_BINARY, MAX_TIME};
use crate::discover::{Application, Artifact};
use crate::facts::{NoteKind, Reading};
use std::time::Instant;

/// A store of readings. Keys are made of contents, so a memory can be wrong only by being empty.
pub trait Memory: Sync {
    /// What was kept under a key.
    fn recall(&self, key: &str) -> Option<Vec<Reading>>;
    /// Keeps what was read.
    fn keep(&self, key: &str, readings: &[Reading]);
}

/// Recalls readings, or reads and keeps them. What was cut short by the clock or a defect is not kept: another run may
/// see more.
pub(super) fn remembered(
    memory: Option<&dyn Memory>,
    key: impl FnOnce() -> Option<String>,
    read: impl FnOnce() -> Vec<Reading>,
) -> Vec<Reading> {
    let Some((memory, key)) = memory.and_then(|m| Some((m, key()?))) else { return read() };
    if let Some(readings) = memory.recall(&key) {
        return readings;
    }
    let begin = Instant::now();
    let readings = read();
    let failed = readings.iter().flat_map(|r| &r.notes).any(|n| n.kind == NoteKind::Failed);
    if !failed && begin.elapsed() < MAX_TIME {
        memory.keep(&key, &readings);
    }
    readings
}

/// Key of a native image.
pub(super) fn image_key(app: &Application, artifact: &Artifact, bytes: &[u8]) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"image\0");
    hasher.update(artifact.path.as_bytes());
    hasher.update(blake3::hash(bytes).as_bytes());
    if let Some(database) = super::pe::database(app, artifact, bytes) {
        hasher.update_reader(std::fs::File::open(database).ok()?).ok()?;
    }
    Some(hasher.finalize().to_hex().to_string())
}

/// Key of all assemblies of an application, whose contents have these hashes.
pub(super) fn group_key(
    app: &Application,
    assemblies: &[&Artifact],
    hashes: &[Option<blake3::Hash>],
) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"assemblies\0");
    for (artifact, hash) in assemblies.iter().zip(hashes) {
        hasher.update(artifact.path.as_bytes());
        hasher.update((*hash)?.as_bytes());
        debug_information(app, artifact, &mut hasher)?;
    }
    Some(hasher.finalize().to_hex().to_string())
}

fn debug_information(app: &Application, artifact: &Artifact, hasher: &mut blake3::Hasher) -> Option<()> {
    let name = artifact.file_name();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    for beside in [format!("{stem}.pdb"), format!("{name}.mdb")] {
        match app.sibling(artifact, &beside) {
            Some(found) => hasher.update(blake3::hash(&found.read(MAX_BINARY).ok()?).as_bytes()),
            None => hasher.update(b"-"),
        };
    }
    Some(())
}
