//! From artifacts to facts: one folder per format family, each behind the same two types.
//!
//! A reader is a function from an [`Input`] to a [`Reading`]. It never fails whole: what it cannot see becomes a note,
//! and the rest still counts. Here its bytes are loaded under a cap, its format is told, and a panic in it costs one
//! file. Assemblies are the exception to one-file-at-a-time: [`clr`] reads all of an application together, because
//! values flow between them.

mod allowances;
mod aside;
pub mod clr;
pub mod config;
pub mod connection;
mod debug;
mod host;
mod literals;
mod memory;
mod packages;
pub mod pe;
pub mod script;
mod snapshot;
pub mod text;

pub use allowances::{MALFORMED, comment_syntax, takes_comment};
pub use memory::Memory;
pub use script::Hosting;
pub use snapshot::{Known, State};

use crate::discover::{
    Application, Artifact, EMPTY, FOREIGN, IN_PLACE, Kind, Skipped, TOO_LARGE, UNBUILT, is_report, is_set_aside,
    is_source, sniff,
};
use crate::facts::{NoteKind, Reading};
use rayon::prelude::*;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Largest binary that is read; larger ones are skipped with a reason.
pub const MAX_BINARY: u64 = 512 << 20;
/// Largest text that is read.
pub const MAX_TEXT_FILE: u64 = 128 << 20;

/// What a reader gets. There is no time limit among it: readers bound their work by counting, so that the same input says
/// the same on a fast machine and on a busy one.
pub struct Input<'a> {
    /// The artifact.
    pub artifact: &'a Artifact,
    /// Its syntax.
    pub kind: Kind,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The other files of the application: debug information, included configuration.
    pub app: &'a Application,
    /// What all of them say of those that a web server runs.
    pub hosting: &'a Hosting,
}

/// A reader of one format family.
pub type Reader = fn(&Input<'_>, &mut Reading);

fn reader_for(kind: Kind) -> Option<Reader> {
    Some(match kind {
        Kind::Pe => pe::read,
        Kind::Xml
        | Kind::Json
        | Kind::Ini
        | Kind::Properties
        | Kind::Yaml
        | Kind::Toml
        | Kind::ServerConf
        | Kind::Python
        | Kind::Dockerfile
        | Kind::Hcl
        | Kind::UserData => config::read,
        Kind::Reg
        | Kind::Inf
        | Kind::Batch
        | Kind::PowerShell
        | Kind::VbScript
        | Kind::JScript
        | Kind::Wsf
        | Kind::Asp
        | Kind::Php
        | Kind::Nsis
        | Kind::Inno
        | Kind::Msi => script::read,
        Kind::Assembly | Kind::DebugInfo => return None,
    })
}

/// All that was read, in the order of the artifacts.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// One per artifact that was read.
    pub readings: Vec<Reading>,
    /// What was not read, and why.
    pub skipped: Vec<Skipped>,
    /// Identifies the input: hexadecimal, over the names in the application and the contents of what was read.
    pub input: String,
    /// Members of packages that were found on the way.
    pub members: Vec<Artifact>,
}

enum Outcome {
    Read(Reading),
    Host(Box<host::Host>),
    Assembly,
    Skip(&'static str),
    Silent,
}

/// How to read.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Remembers what was read of the same files, and of the same binaries; texts are read faster than remembered.
    pub memory: Option<&'a dyn Memory>,
    /// Also reads frameworks from the inside.
    pub insides: bool,
    /// Counts what is done.
    pub progress: Option<&'a Progress>,
}

/// How far reading has got, for somebody who waits.
#[derive(Debug, Default)]
pub struct Progress {
    /// Artifacts found so far, members of packages among them.
    pub found: AtomicUsize,
    /// Those that are read, or set aside.
    pub done: AtomicUsize,
    /// Assemblies that were set aside and are now read together, because a call leads from one into another.
    pub together: AtomicUsize,
}

/// Reads everything, in parallel.
pub fn read_all(app: &Application) -> Readings {
    read_all_with(app, Options::default())
}

/// Reads everything, in parallel, with a memory of earlier scans.
pub fn read_all_with(app: &Application, options: Options<'_>) -> Readings {
    read_known(app, options, Known::new(app, &options).as_ref()).0
}

/// Reads everything that is not remembered. Gives the state of the files that was read, if it may be remembered.
pub fn read_known(app: &Application, options: Options<'_>, known: Option<&Known<'_>>) -> (Readings, Option<State>) {
    match known {
        Some(known) => known.read(options),
        None => (read_anew(app, options).0, None),
    }
}

/// Opens every file. Gives the hashes of the artifacts' contents too.
fn read_anew(app: &Application, options: Options<'_>) -> (Readings, Vec<Option<blake3::Hash>>) {
    let mut all = Readings { skipped: app.skipped.clone(), ..Readings::default() };
    let mut assemblies = Assemblies::default();
    let hosting = Hosting::default();
    let files = Files { app, hosting: &hosting };
    let (members, contents) = read_each(files, &app.artifacts, options, &mut all, &mut assemblies);
    all.input = input_hash(app, contents.iter().map(Option::as_ref));
    // A package in a package is not opened.
    read_each(files, &members, options, &mut all, &mut assemblies);
    let Assemblies { artifacts, hashes } = assemblies;
    if let Some(progress) = options.progress {
        progress.together.store(artifacts.len(), Ordering::Relaxed);
    }
    all.readings.extend(memory::remembered(
        options.memory.filter(|_| !artifacts.is_empty()),
        || memory::group_key(app, &artifacts, &hashes, options.insides),
        || clr::read_application(app, &artifacts, options.insides),
    ));
    packages::mark(app, &members, &mut all.readings);
    all.readings.sort_by(|a, b| a.artifact.cmp(&b.artifact));
    all.skipped.sort();
    all.members = members;
    (all, contents)
}

/// The files of an application, and what readers work out of all of them once.
#[derive(Clone, Copy)]
struct Files<'a> {
    app: &'a Application,
    hosting: &'a Hosting,
}

/// Assemblies that are read together when all are known, with the hashes of their contents.
#[derive(Default)]
struct Assemblies<'a> {
    artifacts: Vec<&'a Artifact>,
    hashes: Vec<Option<blake3::Hash>>,
}

/// Reads artifacts one by one, in parallel, and sets assemblies aside. Gives the members of the packages among them, and
/// the hash of each.
fn read_each<'a>(
    files: Files<'_>,
    artifacts: &'a [Artifact],
    options: Options<'_>,
    all: &mut Readings,
    assemblies: &mut Assemblies<'a>,
) -> (Vec<Artifact>, Vec<Option<blake3::Hash>>) {
    if let Some(progress) = options.progress {
        progress.found.fetch_add(artifacts.len(), Ordering::Relaxed);
    }
    let outcomes = largest_first(artifacts, |artifact| {
        let outcome = read_one(files, artifact, options);
        if let Some(progress) = options.progress {
            progress.done.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    });
    let (mut members, mut hashes) = (Vec::new(), Vec::new());
    for ((outcome, hash), artifact) in outcomes.into_iter().zip(artifacts) {
        hashes.push(hash);
        match outcome {
            Outcome::Read(reading) => all.readings.push(reading),
            Outcome::Host(host) => {
                all.readings.push(host.reading);
                members.extend(host.members);
            }
            Outcome::Assembly => {
                assemblies.artifacts.push(artifact);
                assemblies.hashes.push(hash);
            }
            Outcome::Skip(reason) => {
                all.skipped.push(Skipped { artifact: artifact.path.clone(), reason: reason.to_owned() });
            }
            Outcome::Silent => {}
        }
    }
    (members, hashes)
}

/// Does something with each artifact, in parallel, and gives the results in the order of the artifacts. The largest is
/// begun first: begun last, it would keep one thread busy when the others have nothing left to do.
fn largest_first<'a, T: Send>(artifacts: &'a [Artifact], read: impl Fn(&'a Artifact) -> T + Sync) -> Vec<T> {
    let mut order: Vec<(usize, &Artifact)> = artifacts.iter().enumerate().collect();
    order.sort_by_key(|(_, artifact)| std::cmp::Reverse(artifact.size));
    // Which part of the list a thread works on is for the library to say; what comes next is not.
    let next = AtomicUsize::new(0);
    let take = |_| order.get(next.fetch_add(1, Ordering::Relaxed)).map(|(i, artifact)| (*i, read(artifact)));
    let mut all: Vec<(usize, T)> = (0..order.len()).into_par_iter().with_max_len(1).filter_map(take).collect();
    all.sort_by_key(|(i, _)| *i);
    all.into_iter().map(|(_, result)| result).collect()
}

/// Names and contents in the order of the artifacts. What was passed over counts by its name: that it is there can
/// decide what becomes of others.
fn input_hash<'a>(app: &Application, contents: impl Iterator<Item = Option<&'a blake3::Hash>>) -> String {
    let mut parts: Vec<_> = app.artifacts.iter().map(|a| a.name.as_str()).zip(contents).collect();
    parts.sort_by_key(|(name, hash)| (*name, hash.map(|h| *h.as_bytes())));
    let mut hasher = blake3::Hasher::new();
    for (name, hash) in parts {
        hasher.update(name.as_bytes()).update(&[0, u8::from(hash.is_some())]);
        hasher.update(hash.map_or(&[][..], |h| h.as_bytes()));
    }
    hasher.finalize().to_hex().to_string()
}

fn read_one(files: Files<'_>, artifact: &Artifact, options: Options<'_>) -> (Outcome, Option<blake3::Hash>) {
    let loaded = match load(files.app, artifact) {
        Ok(loaded) => loaded,
        Err(error) => {
            let mut reading = Reading::new(&artifact.path, "");
            reading.note(NoteKind::Unreadable, format!("cannot be opened: {error}"));
            return (Outcome::Read(reading), None);
        }
    };
    let hash = match &loaded {
        Loaded::Bytes(Kind::Assembly | Kind::DebugInfo, _) => hash_file(artifact).ok(),
        Loaded::Bytes(_, bytes) => Some(blake3::hash(bytes)),
        Loaded::Foreign | Loaded::TooLarge | Loaded::Report => None,
    };
    (read_loaded(files, artifact, loaded, options), hash)
}

/// The hash of the contents of a file that is loaded elsewhere.
fn hash_file(artifact: &Artifact) -> io::Result<blake3::Hash> {
    if artifact.part.is_some() {
        return Ok(blake3::hash(&artifact.read(MAX_BINARY)?));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(&artifact.file)?.take(MAX_BINARY))?;
    Ok(hasher.finalize())
}

fn read_loaded(files: Files<'_>, artifact: &Artifact, loaded: Loaded, options: Options<'_>) -> Outcome {
    match loaded {
        Loaded::Foreign => Outcome::Skip(not_read(files.app, artifact)),
        Loaded::TooLarge => Outcome::Skip(TOO_LARGE),
        Loaded::Report => Outcome::Skip("the report of an analysis"),
        Loaded::Bytes(Kind::Assembly, _) => Outcome::Assembly,
        Loaded::Bytes(Kind::DebugInfo, _) => Outcome::Silent,
        Loaded::Bytes(Kind::Pe, bytes) => read_image(files.app, artifact, &bytes, options),
        Loaded::Bytes(kind, bytes) => Outcome::Read(read_among(files, artifact, kind, &bytes)),
    }
}

/// Why a file of which no reader knows the format was not read.
fn not_read(app: &Application, artifact: &Artifact) -> &'static str {
    let name = app.name_of(&artifact.path);
    if artifact.size == 0 {
        EMPTY
    } else if !is_source(&artifact.extension()) {
        FOREIGN
    } else if app.deployed().is_compiled_in_place(name) {
        IN_PLACE
    } else if app.deployed().is_unbuilt_source(name) {
        UNBUILT
    } else {
        FOREIGN
    }
}

fn read_image(app: &Application, artifact: &Artifact, bytes: &[u8], options: Options<'_>) -> Outcome {
    if artifact.part.is_none()
        && let Some(host) = host::read(app, artifact, bytes)
    {
        return Outcome::Host(Box::new(host));
    }
    let read = || {
        let mut reading = read_bytes(app, artifact, Kind::Pe, bytes);
        host::note_ahead_of_time(bytes, &mut reading);
        vec![reading]
    };
    let key = || memory::image_key(app, artifact, bytes);
    let reading = memory::remembered(options.memory, key, read).into_iter().next();
    Outcome::Read(reading.unwrap_or_else(|| Reading::new(&artifact.path, "")))
}

/// Reads bytes that are already in memory: a file, a member of a package, an editor's buffer.
pub fn read_bytes(app: &Application, artifact: &Artifact, kind: Kind, bytes: &[u8]) -> Reading {
    read_among(Files { app, hosting: &Hosting::default() }, artifact, kind, bytes)
}

fn read_among(files: Files<'_>, artifact: &Artifact, kind: Kind, bytes: &[u8]) -> Reading {
    let Files { app, hosting } = files;
    let Some(reader) = reader_for(kind) else {
        return clr::read_application(app, &[artifact], false).into_iter().next().unwrap_or_default();
    };
    let input = Input { artifact, kind, bytes, app, hosting };
    let mut reading = guarded(artifact, kind, |reading| reader(&input, reading));
    if !matches!(kind, Kind::Pe | Kind::Msi) {
        text::note_code_page(bytes, kind == Kind::Batch, &mut reading);
    }
    allowances::find(kind, bytes, &mut reading);
    reading
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// This thread is inside a reader whose panics are caught and told in the report.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// Runs a reader so that a panic in it, or in a parser it calls, costs this artifact only and is said.
pub fn guarded(artifact: &Artifact, kind: Kind, read: impl FnOnce(&mut Reading)) -> Reading {
    let mut reading = Reading::new(&artifact.path, <&str>::from(kind));
    GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(|| read(&mut reading)));
    GUARDED.set(false);
    if let Err(panic) = result {
        let what = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        reading.note(NoteKind::Failed, format!("the reader failed: {what}; what it had found before is kept"));
    }
    reading
}

enum Loaded {
    Bytes(Kind, Vec<u8>),
    Foreign,
    TooLarge,
    Report,
}

/// Opens a file once: the head decides whether the rest is read.
fn load(app: &Application, artifact: &Artifact) -> io::Result<Loaded> {
    let mut bytes = Vec::new();
    let mut file = None;
    if artifact.part.is_some() {
        // Unpacking cannot stop half-way and go on.
        bytes = artifact.read(MAX_BINARY)?;
    } else {
        bytes.reserve((artifact.size.min(MAX_TEXT_FILE) as usize).min(1 << 20));
        let file = file.insert(File::open(&artifact.file)?);
        file.by_ref().take(sniff::SNIFF_LEN as u64).read_to_end(&mut bytes)?;
    }
    let head = bytes.get(..sniff::SNIFF_LEN).unwrap_or(&bytes);
    let kind = match sniff(head, artifact.file_name()) {
        Some(kind) => kind,
        None if is_set_aside(head, artifact.file_name()) && aside::is_in_use(app, artifact) => Kind::Properties,
        None => return Ok(Loaded::Foreign),
    };
    if is_report(kind, head) {
        return Ok(Loaded::Report);
    }
    let cap = match kind {
        // Assemblies are loaded again when all are known; debug information with its binary.
        Kind::Assembly | Kind::DebugInfo => return Ok(Loaded::Bytes(kind, Vec::new())),
        Kind::Pe | Kind::Msi => MAX_BINARY,
        _ => MAX_TEXT_FILE,
    };
    if artifact.size > cap {
        return Ok(Loaded::TooLarge);
    }
    if let Some(file) = file {
        file.take(cap).read_to_end(&mut bytes)?;
    }
    Ok(Loaded::Bytes(kind, bytes))
}
