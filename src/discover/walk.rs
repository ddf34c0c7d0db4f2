//! Walking inputs, for a check before an upload.
//!
//! Build output is usually ignored by git and is exactly what gets uploaded, so `.gitignore` is not honoured unless
//! asked for; `.wipeproofignore` and the `exclude` patterns are. Symbolic links are not followed. What belongs to the tool
//! (its settings, a baseline, reports, the cache) is no part of the application, and is passed over without a word: a scan
//! that wrote its report into the folder would otherwise say something else the next time.

use super::{Application, Artifact, Skipped, UNLISTED};
use globset::GlobSet;
use ignore::{DirEntry, WalkBuilder, WalkState};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// How to walk.
#[derive(Clone, Debug, Default)]
pub struct WalkOptions {
    /// Paths inside the application that are not to be read.
    pub exclude: GlobSet,
    /// Honour `.gitignore` and git's other ignore files.
    pub respect_gitignore: bool,
    /// Threads; 0 lets the walker choose.
    pub threads: usize,
    /// Files and folders of the tool itself.
    pub own: Vec<PathBuf>,
}

/// Tells backup programs, and this walk, that a folder is a cache (<https://bford.info/cachedir/>).
pub const CACHE_TAG: &str = "CACHEDIR.TAG";
/// What the tag of our cache says.
pub const CACHE_TAG_TEXT: &str =
    "Signature: 8a477f597d28d172789f06886806bc55\n# The cache of wipeproof. It may be removed.\n";
/// Name of the settings file, which is never part of an application.
pub const SETTINGS_FILE: &str = "wipeproof.toml";

/// Entries that are walked before threads are asked to help.
const FEW: usize = 256;
/// Name of the ignore file.
const IGNORE_FILE: &str = ".wipeproofignore";

/// Finds the files of an application. An input that does not exist is an error for the caller to report; anything
/// that fails below an input is counted as skipped.
///
/// # Errors
/// The first input that cannot be opened at all.
pub fn walk(inputs: &[PathBuf], options: &WalkOptions) -> Result<Application, WalkError> {
    let found = Mutex::new((Vec::new(), Vec::new()));
    let here = std::env::current_dir().ok();
    let here = here.as_deref();
    for input in inputs {
        let meta = std::fs::metadata(input).map_err(|source| WalkError { path: input.clone(), source })?;
        if meta.is_file() {
            let name = input.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            lock(&found).0.push(Artifact {
                path: display(input, here),
                name,
                file: input.clone(),
                size: meta.len(),
                part: None,
            });
        } else {
            walk_folder(input, here, options, &found);
        }
    }
    let (artifacts, skipped) = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Application::new(artifacts, skipped))
}

/// An input that is not there.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct WalkError {
    /// The input.
    pub path: PathBuf,
    /// What the system says.
    pub source: std::io::Error,
}

type Found = Mutex<(Vec<Artifact>, Vec<Skipped>)>;

fn lock(found: &Found) -> std::sync::MutexGuard<'_, (Vec<Artifact>, Vec<Skipped>)> {
    found.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn walk_folder(input: &Path, here: Option<&Path>, options: &WalkOptions, found: &Found) {
    let git = options.respect_gitignore;
    let (own, root) = (own_below(input, &options.own), input.to_path_buf());
    let passed_over = {
        let (own, root) = (own.clone(), root.clone());
        move |e: &DirEntry| {
            let below = || e.path().strip_prefix(&root).is_ok_and(|name| own.contains(name));
            match e.file_type().is_some_and(|t| t.is_dir()) {
                true => e.file_name() == ".git" || (e.depth() > 0 && (below() || is_cache(e.path()))),
                false => e.file_name() == SETTINGS_FILE || e.file_name() == IGNORE_FILE || below(),
            }
        }
    };
    let base = Base { root: &root, here, exclude: &options.exclude };
    let mut builder = WalkBuilder::new(input);
    builder
        .standard_filters(false)
        .git_ignore(git)
        .git_global(git)
        .git_exclude(git)
        .require_git(false)
        .parents(git)
        .add_custom_ignore_filename(IGNORE_FILE)
        .threads(options.threads)
        .filter_entry(move |e| !passed_over(e));
    let see = |entry: Result<DirEntry, ignore::Error>| match entry {
        Ok(entry) => visit(&entry, base, found),
        Err(error) => {
            let (artifact, reason) = (display(base.root, here), format!("{UNLISTED}: {error}"));
            lock(found).1.push(Skipped { artifact, reason });
        }
    };
    // A small folder is walked in less time than threads take to start.
    let first: Vec<_> = builder.build().take(FEW + 1).collect();
    if first.len() <= FEW {
        first.into_iter().for_each(see);
        return;
    }
    builder.build_parallel().run(|| {
        Box::new(|entry| {
            see(entry);
            WalkState::Continue
        })
    });
}

/// The tool's own files below a folder, relative to it.
fn own_below(folder: &Path, own: &[PathBuf]) -> HashSet<PathBuf> {
    let Ok(folder) = std::path::absolute(folder) else { return HashSet::new() };
    let below = |file: &PathBuf| Some(std::path::absolute(file).ok()?.strip_prefix(&folder).ok()?.to_path_buf());
    own.iter().filter_map(below).filter(|name| !name.as_os_str().is_empty()).collect()
}

/// Is a folder a cache of ours?
fn is_cache(folder: &Path) -> bool {
    std::fs::read(folder.join(CACHE_TAG)).is_ok_and(|tag| tag == CACHE_TAG_TEXT.as_bytes())
}

/// What names are relative to, and what is excluded.
#[derive(Clone, Copy)]
struct Base<'a> {
    root: &'a Path,
    here: Option<&'a Path>,
    exclude: &'a GlobSet,
}

fn visit(entry: &DirEntry, base: Base<'_>, found: &Found) {
    let Base { root, here, exclude } = base;
    let Some(file_type) = entry.file_type() else { return };
    if file_type.is_dir() {
        return;
    }
    let path = display(entry.path(), here);
    let skip = |reason: &str| lock(found).1.push(Skipped { artifact: path.clone(), reason: reason.to_owned() });
    if file_type.is_symlink() {
        return skip("symbolic link, not followed");
    }
    if !file_type.is_file() {
        return skip("not a regular file");
    }
    let name = display(entry.path().strip_prefix(root).unwrap_or(entry.path()), here);
    if exclude.is_match(&name) {
        return skip("excluded by configuration");
    }
    match entry.metadata() {
        Ok(meta) => {
            lock(found).0.push(Artifact { path, name, file: entry.path().to_path_buf(), size: meta.len(), part: None });
        }
        Err(error) => skip(&format!("cannot be opened: {error}")),
    }
}

/// A path as reports show it: below the current folder from there.
pub fn display_path(path: &Path) -> String {
    display(path, std::env::current_dir().ok().as_deref())
}

/// A path as reports show it: `/` between components, no leading `./`, invalid UTF-8 replaced.
fn display(path: &Path, here: Option<&Path>) -> String {
    // Below the current folder: relative to it, which is what code-scanning services need.
    let below = here.and_then(|here| path.strip_prefix(here).ok());
    let path = below.filter(|p| !p.as_os_str().is_empty()).unwrap_or(path);
    let text = path.to_string_lossy();
    let text = if std::path::MAIN_SEPARATOR == '\\' { text.replace('\\', "/") } else { text.into_owned() };
    text.strip_prefix("./").map(str::to_owned).unwrap_or(text)
}
