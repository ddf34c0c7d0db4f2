//! What a scan remembers of earlier ones: readings of binaries, by their contents.
//!
//! Texts are read faster than remembered. A native image is known by its own bytes and those of the debug information
//! beside it; assemblies, between which values flow, are known all together.

use crate::discover::{Application, Artifact};
use crate::facts::{NoteKind, Reading};

/// A store of bytes. What they are worth is decided by the key, which is made of contents, or by what they begin with.
pub trait Memory: Sync {
    /// What was last kept under a key, whole, or nothing.
    fn recall(&self, key: &str) -> Option<Vec<u8>>;
    /// Keeps bytes, if that is possible.
    fn keep(&self, key: &str, bytes: &[u8]);
}

/// Recalls readings, or reads and keeps them. What was cut short by a defect is not kept: another version may see more.
pub(super) fn remembered(
    memory: Option<&dyn Memory>,
    key: impl FnOnce() -> Option<String>,
    read: impl FnOnce() -> Vec<Reading>,
) -> Vec<Reading> {
    let Some((memory, key)) = memory.and_then(|m| Some((m, key()?))) else { return read() };
    if let Some(readings) = memory.recall(&key).and_then(|bytes| rmp_serde::from_slice(&bytes).ok()) {
        return readings;
    }
    let readings = read();
    let failed = readings.iter().flat_map(|r| &r.notes).any(|n| n.kind == NoteKind::Failed);
    if !failed && let Ok(bytes) = rmp_serde::to_vec_named(&readings) {
        memory.keep(&key, &bytes);
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

/// Key of all assemblies of an application, whose contents have these hashes. Debug information names source files, which
/// are looked for among all files, and what libraries are used for is looked for in texts.
pub(super) fn group_key(
    app: &Application,
    assemblies: &[&Artifact],
    hashes: &[Option<blake3::Hash>],
    insides: bool,
) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"assemblies\0").update(&[u8::from(insides)]);
    for artifact in &app.artifacts {
        hasher.update(artifact.path.as_bytes()).update(b"\0");
    }
    for (artifact, hash) in assemblies.iter().zip(hashes) {
        hasher.update(artifact.path.as_bytes());
        hasher.update((*hash)?.as_bytes());
        match super::clr::database(app, artifact) {
            Some(database) => hasher.update_reader(std::fs::File::open(database).ok()?).ok()?,
            None => hasher.update(b"-"),
        };
    }
    for text in super::clr::texts_that_name(app).filter(|_| assemblies.len() > 1) {
        hasher.update(&text);
    }
    Some(hasher.finalize().to_hex().to_string())
}
