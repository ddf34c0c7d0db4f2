//! What is remembered of a whole application whose files are as they were: none of them is opened again.
//!
//! Files are known by path, size and times. A file that was written so shortly before the scan that a later write could
//! have left its times as they were is known by its contents as well (the "racy" entries of git's index have the same
//! cause); so is nothing kept that a defect or a lock on a file has cut short. Files whose times alone have changed, as
//! after a fresh checkout, are known by the contents of all of them. Anything that is new, gone or different makes the
//! whole snapshot void, and then each artifact is remembered by its contents ([`super::memory`]).
//!
//! Two things are remembered so: the readings, and what was made of them by one set of decisions (an answer).

use super::debug::is_named_as_one;
use super::{Memory, Options, Readings, hash_file, read_anew};
use crate::discover::{Application, Artifact, Skipped};
use crate::facts::{NoteKind, Reading};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, Metadata};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Coarsest time of a file system that is in use (FAT): a write within it need not change a file's times.
const COARSE: Duration = Duration::from_secs(2);
/// Most bytes in files that no reader reads, and that are hashed only to know the application by its contents.
const MAX_UNREAD: u64 = 64 << 20;
/// Readings that are packed together; packs are unpacked in parallel.
const PACK: usize = 64;

/// An application, the state of its files, and a memory that may know it.
pub struct Known<'a> {
    memory: &'a dyn Memory,
    app: &'a Application,
    names: [u8; 32],
    state: State,
    /// Artifacts whose times may not tell the next change.
    racy: Vec<usize>,
    /// Nothing but the artifacts was looked at.
    alone: bool,
    /// Hashes of all artifacts as they are now, once somebody had to know.
    now: OnceLock<Option<Vec<[u8; 32]>>>,
}

/// The state of all files.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    stamps: [u8; 32],
    /// Contents of the artifacts whose times did not tell the next change when they were read.
    racy: Vec<(usize, [u8; 32])>,
    /// Sizes of the artifacts: other sizes are other contents.
    sizes: [u8; 32],
    /// Contents of all artifacts, if they are all that was looked at and not too much.
    contents: Option<[u8; 32]>,
}

/// What is kept besides the readings.
#[derive(Serialize, Deserialize)]
struct Kept {
    skipped: Vec<Skipped>,
    input: String,
    members: Vec<Artifact>,
    /// Lengths of the packs of readings that follow.
    packs: Vec<usize>,
}

impl<'a> Known<'a> {
    /// Looks at all files. `None` when there is no memory, or when one of them cannot be looked at.
    pub fn new(app: &'a Application, options: &Options<'a>) -> Option<Self> {
        let memory = options.memory?;
        let now = SystemTime::now();
        let [mut names, mut stamps, mut sizes] = [(); 3].map(|()| blake3::Hasher::new());
        names.update(b"application\0").update(&[u8::from(options.insides)]);
        // Which layers of configuration hold is decided when they are read.
        names.update(app.environment.as_deref().unwrap_or_default().as_bytes()).update(b"\0");
        let mut racy = Vec::new();
        for (index, artifact) in app.artifacts.iter().enumerate() {
            for part in [artifact.path.as_bytes(), artifact.file.as_os_str().as_encoded_bytes()] {
                names.update(&part.len().to_le_bytes()).update(part);
            }
            let meta = fs::metadata(&artifact.file).ok()?;
            sizes.update(&meta.len().to_le_bytes());
            let times = stamp(&meta, &mut stamps)?;
            if times.iter().any(|time| *time + COARSE > now) {
                racy.push(index);
            }
        }
        // What was passed over is part of an answer.
        for part in app.skipped.iter().flat_map(|s| [&s.artifact, &s.reason]) {
            names.update(&part.len().to_le_bytes()).update(part.as_bytes());
        }
        // The same names mean other files in another folder.
        names.update(std::env::current_dir().ok()?.as_os_str().as_encoded_bytes());
        let alone = !unlisted(app, now, &mut stamps)?;
        let (stamps, sizes) = (stamps.finalize().into(), sizes.finalize().into());
        let state = State { stamps, racy: Vec::new(), sizes, contents: None };
        Some(Known { memory, app, names: names.finalize().into(), state, racy, alone, now: OnceLock::new() })
    }

    /// Reads the application, or recalls what was read of the same files. Gives the state that was read, if what was
    /// read may be remembered.
    pub(super) fn read(&self, options: Options<'_>) -> (Readings, Option<State>) {
        let key = self.key(&[]);
        if let Some((bytes, state)) = self.recall(&key)
            && let Some(all) = unpack(self.app, &bytes)
        {
            let refreshed = self.refreshed(&state);
            if let Some(state) = &refreshed {
                self.keep(&key, state, &bytes);
            }
            return (all, Some(refreshed.unwrap_or(state)));
        }
        let (all, hashes) = read_anew(self.app, options);
        let state = self.state_of(&all, &hashes);
        if let (Some(state), Some(bytes)) = (&state, pack(self.app, &all)) {
            self.keep(&key, state, &bytes);
        }
        (all, state)
    }

    /// What was made of the same files by decisions with this identity.
    pub fn recall_answer(&self, decisions: &[u8]) -> Option<Vec<u8>> {
        let key = self.key(decisions);
        let (bytes, state) = self.recall(&key)?;
        if let Some(state) = self.refreshed(&state) {
            self.keep(&key, &state, &bytes);
        }
        Some(bytes)
    }

    /// The state to keep instead of one that was recalled: when only the times have changed, or by now tell the next
    /// change.
    fn refreshed(&self, recalled: &State) -> Option<State> {
        let settled = self.racy.is_empty() && !recalled.racy.is_empty();
        if recalled.stamps == self.state.stamps && !settled {
            return None;
        }
        let racy: Option<Vec<_>> = match self.racy.is_empty() {
            true => Some(Vec::new()),
            false => self.hashes().and_then(|all| self.racy.iter().map(|at| Some((*at, *all.get(*at)?))).collect()),
        };
        Some(State { racy: racy?, contents: recalled.contents, ..self.state.clone() })
    }

    /// Keeps what decisions made of the files in the state in which they were read.
    pub fn keep_answer(&self, decisions: &[u8], state: &State, answer: &[u8]) {
        self.keep(&self.key(decisions), state, answer);
    }

    fn key(&self, decisions: &[u8]) -> String {
        blake3::Hasher::new().update(&self.names).update(decisions).finalize().to_hex().to_string()
    }

    fn recall(&self, key: &str) -> Option<(Vec<u8>, State)> {
        let mut bytes = self.memory.recall(key)?;
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let state: State = rmp_serde::from_slice(rest.get(..length)?).ok()?;
        let unchanged = |(index, hash): &(usize, [u8; 32])| {
            let artifact = self.app.artifacts.get(*index);
            artifact.and_then(|a| hash_file(a).ok()).is_some_and(|now| now.as_bytes() == hash)
        };
        let is_same = match state.stamps == self.state.stamps {
            // Threads are not started to look at nothing.
            true => state.racy.is_empty() || state.racy.par_iter().all(unchanged),
            false => {
                let comparable = self.alone && state.contents.is_some() && state.sizes == self.state.sizes;
                comparable && self.hashes().map(digest) == state.contents
            }
        };
        if !is_same {
            return None;
        }
        bytes.drain(..8 + length);
        Some((bytes, state))
    }

    /// The contents of all artifacts as they are now.
    fn hashes(&self) -> Option<&[[u8; 32]]> {
        let hash = |artifact: &Artifact| hash_file(artifact).ok().map(<[u8; 32]>::from);
        self.now.get_or_init(|| self.app.artifacts.par_iter().map(hash).collect()).as_deref()
    }

    fn keep(&self, key: &str, state: &State, payload: &[u8]) {
        let Ok(head) = rmp_serde::to_vec(state) else { return };
        let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
        bytes.extend(head);
        bytes.extend(payload);
        self.memory.keep(key, &bytes);
    }

    /// The state that was read, with the hashes of the artifacts' contents where they are known; nothing if another run
    /// may see more.
    fn state_of(&self, all: &Readings, hashes: &[Option<blake3::Hash>]) -> Option<State> {
        let another_run_may_see_more = |kind| matches!(kind, NoteKind::Failed | NoteKind::Unreadable);
        if all.readings.iter().flat_map(|r| &r.notes).any(|note| another_run_may_see_more(note.kind)) {
            return None;
        }
        let hash = |index: &usize| {
            let artifact = self.app.artifacts.get(*index)?;
            let hash = hashes.get(*index).copied().flatten().or_else(|| hash_file(artifact).ok())?;
            Some((*index, hash.into()))
        };
        let racy: Option<Vec<_>> = self.racy.par_iter().map(hash).collect();
        Some(State { racy: racy?, contents: self.contents(hashes), ..self.state.clone() })
    }

    /// Identifies the contents of all artifacts; `hashes` are those of the ones that were read.
    fn contents(&self, hashes: &[Option<blake3::Hash>]) -> Option<[u8; 32]> {
        let known = |index: usize| hashes.get(index).copied().flatten();
        let artifacts = self.app.artifacts.iter().enumerate();
        let unread: u64 = artifacts.filter(|(index, _)| known(*index).is_none()).map(|(_, a)| a.size).sum();
        if unread > MAX_UNREAD || !self.alone {
            return None;
        }
        let hash = |(index, artifact): (usize, &Artifact)| {
            known(index).or_else(|| hash_file(artifact).ok()).map(<[u8; 32]>::from)
        };
        let all: Option<Vec<[u8; 32]>> = self.app.artifacts.par_iter().enumerate().map(hash).collect();
        Some(digest(&all?))
    }
}

fn digest(hashes: &[[u8; 32]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for hash in hashes {
        hasher.update(hash);
    }
    hasher.finalize().into()
}

fn pack(app: &Application, all: &Readings) -> Option<Vec<u8>> {
    let packs: Option<Vec<Vec<u8>>> =
        all.readings.par_chunks(PACK).map(|readings| rmp_serde::to_vec_named(readings).ok()).collect();
    let packs = packs?;
    let walked: BTreeSet<&Skipped> = app.skipped.iter().collect();
    let head = rmp_serde::to_vec_named(&Kept {
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

fn unpack(app: &Application, bytes: &[u8]) -> Option<Readings> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (head, mut rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let kept: Kept = rmp_serde::from_slice(head).ok()?;
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

/// Debug information beside inputs that are files themselves: it is taken from there.
fn unlisted(app: &Application, now: SystemTime, stamps: &mut blake3::Hasher) -> Option<bool> {
    let mut found = false;
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
            let is_meant = entry.file_name().to_str().is_some_and(is_named_as_one) && meta.is_file();
            if !is_meant || listed.contains(folder.join(entry.file_name()).as_path()) {
                continue;
            }
            // Its contents are not among those of the artifacts.
            found = true;
            stamps.update(entry.file_name().as_encoded_bytes());
            if stamp(&meta, stamps)?.iter().any(|time| *time + COARSE > now) {
                return None;
            }
        }
    }
    Some(found)
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
