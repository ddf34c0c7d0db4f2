//! The readings of a whole application whose files are as they were: none of them is opened again.
//!
//! Files are known by path, size and times. A file that was written so shortly before the scan that a later write could
//! have left its times as they were is known by its contents as well (the "racy" entries of git's index have the same
//! cause); so is nothing kept that a defect or a lock on a file has cut short. Anything that is new, gone or different
//! makes the whole snapshot void, and then each artifact is remembered by its contents ([`super::memory`]).

use super::{Memory, Readings, hash_file};
use crate::discover::{Application, Artifact, Skipped};
use crate::facts::{NoteKind, Reading};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Coarsest time of a file system that is in use (FAT): a write within it need not change a file's times.
const COARSE: Duration = Duration::from_secs(2);
/// Readings that are packed together; packs are unpacked in parallel.
const PACK: usize = 64;

/// The state of all files of an application.
pub(super) struct Snapshot {
    key: String,
    stamps: [u8; 32],
    /// Artifacts whose times may not tell the next change.
    racy: Vec<usize>,
}

/// What is kept besides the readings.
#[derive(Serialize, Deserialize)]
struct Kept {
    stamps: [u8; 32],
    racy: Vec<(usize, [u8; 32])>,
    skipped: Vec<Skipped>,
    input: String,
    members: Vec<Artifact>,
    /// Lengths of the packs of readings that follow.
    packs: Vec<usize>,
}

impl Snapshot {
    /// Looks at all files. `None` when one of them cannot be looked at. `insides` is how they are read.
    pub(super) fn of(app: &Application, insides: bool) -> Option<Self> {
        let now = SystemTime::now();
        let (mut names, mut stamps) = (blake3::Hasher::new(), blake3::Hasher::new());
        names.update(b"application\0").update(&[u8::from(insides)]);
        let mut racy = Vec::new();
        for (index, artifact) in app.artifacts.iter().enumerate() {
            for part in [artifact.path.as_bytes(), artifact.file.as_os_str().as_encoded_bytes()] {
                names.update(&part.len().to_le_bytes()).update(part);
            }
            let times = stamp(&fs::metadata(&artifact.file).ok()?, &mut stamps)?;
            if times.iter().any(|time| *time + COARSE > now) {
                racy.push(index);
            }
        }
        // The same names mean other files in another folder.
        names.update(std::env::current_dir().ok()?.as_os_str().as_encoded_bytes());
        unlisted(app, now, &mut stamps)?;
        Some(Snapshot { key: names.finalize().to_hex().to_string(), stamps: stamps.finalize().into(), racy })
    }

    /// What was read of the same files.
    pub(super) fn recall(&self, memory: &dyn Memory, app: &Application) -> Option<Readings> {
        let bytes = memory.recall(&self.key)?;
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (head, mut rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        let kept: Kept = rmp_serde::from_slice(head).ok()?;
        let unchanged = |(index, hash): &(usize, [u8; 32])| {
            let artifact = app.artifacts.get(*index);
            artifact.and_then(|a| hash_file(a).ok()).is_some_and(|now| now.as_bytes() == hash)
        };
        if kept.stamps != self.stamps || !kept.racy.par_iter().all(unchanged) {
            return None;
        }
        let mut packs = Vec::with_capacity(kept.packs.len());
        for length in &kept.packs {
            let (pack, others) = rest.split_at_checked(*length)?;
            packs.push(pack);
            rest = others;
        }
        let unpacked: Option<Vec<Vec<Reading>>> =
            packs.into_par_iter().map(|pack| rmp_serde::from_slice(pack).ok()).collect();
        let mut skipped = app.skipped.clone();
        skipped.extend(kept.skipped);
        skipped.sort();
        let readings = unpacked?.into_iter().flatten().collect();
        Some(Readings { readings, skipped, input: kept.input, members: kept.members })
    }

    /// Keeps what was read, with the hashes of the artifacts' contents where they are known.
    pub(super) fn keep(&self, memory: &dyn Memory, app: &Application, all: &Readings, hashes: &[Option<blake3::Hash>]) {
        if let Some(bytes) = self.packed(app, all, hashes) {
            memory.keep(&self.key, &bytes);
        }
    }

    fn packed(&self, app: &Application, all: &Readings, hashes: &[Option<blake3::Hash>]) -> Option<Vec<u8>> {
        let another_run_may_see_more = |kind| matches!(kind, NoteKind::Failed | NoteKind::Unreadable);
        if all.readings.iter().flat_map(|r| &r.notes).any(|note| another_run_may_see_more(note.kind)) {
            return None;
        }
        let hash = |index: &usize| {
            let artifact = app.artifacts.get(*index)?;
            let hash = hashes.get(*index).copied().flatten().or_else(|| hash_file(artifact).ok())?;
            Some((*index, hash.into()))
        };
        let racy: Option<Vec<_>> = self.racy.par_iter().map(hash).collect();
        let packs: Option<Vec<Vec<u8>>> =
            all.readings.par_chunks(PACK).map(|readings| rmp_serde::to_vec_named(readings).ok()).collect();
        let packs = packs?;
        let walked: BTreeSet<&Skipped> = app.skipped.iter().collect();
        let head = rmp_serde::to_vec_named(&Kept {
            stamps: self.stamps,
            racy: racy?,
            skipped: all.skipped.iter().filter(|s| !walked.contains(s)).cloned().collect(),
            input: all.input.clone(),
            members: all.members.clone(),
            packs: packs.iter().map(Vec::len).collect(),
        });
        let head = head.ok()?;
        let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
        bytes.extend(head);
        bytes.extend(packs.into_iter().flatten());
        Some(bytes)
    }
}

/// Files beside inputs that are files themselves: debug information is taken from there.
fn unlisted(app: &Application, now: SystemTime, stamps: &mut blake3::Hasher) -> Option<()> {
    let of_inputs = app.artifacts.iter().filter(|a| a.name == a.file_name()).filter_map(|a| a.file.parent());
    let mut folders: Vec<&Path> = of_inputs.collect();
    folders.dedup();
    let listed: HashSet<&Path> = app.artifacts.iter().map(|a| a.file.as_path()).collect();
    for folder in folders {
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut beside: Vec<_> = fs::read_dir(here).ok()?.flatten().collect();
        beside.sort_by_key(fs::DirEntry::file_name);
        for entry in beside {
            let meta = entry.metadata().ok()?;
            if !meta.is_file() || listed.contains(folder.join(entry.file_name()).as_path()) {
                continue;
            }
            stamps.update(entry.file_name().as_encoded_bytes());
            if stamp(&meta, stamps)?.iter().any(|time| *time + COARSE > now) {
                return None;
            }
        }
    }
    Some(())
}

/// Adds what changes when a file changes, and gives the times in it.
fn stamp(meta: &Metadata, stamps: &mut blake3::Hasher) -> Option<Vec<SystemTime>> {
    let times = times(meta)?;
    stamps.update(&meta.len().to_le_bytes());
    for time in &times {
        stamps.update(&time.duration_since(UNIX_EPOCH).ok()?.as_nanos().to_le_bytes());
    }
    Some(times)
}

#[cfg(unix)]
fn times(meta: &Metadata) -> Option<Vec<SystemTime>> {
    use std::os::unix::fs::MetadataExt as _;
    // The change time cannot be set: it tells when an older file took the place of another.
    let seconds = u64::try_from(meta.ctime()).ok()?;
    let nanos = u32::try_from(meta.ctime_nsec()).ok()?;
    Some(vec![meta.modified().ok()?, UNIX_EPOCH + Duration::new(seconds, nanos)])
}

#[cfg(not(unix))]
fn times(meta: &Metadata) -> Option<Vec<SystemTime>> {
    Some(vec![meta.modified().ok()?])
}
