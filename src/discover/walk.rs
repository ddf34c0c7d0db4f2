//! Walking inputs, for a check before an upload.
//!
//! Build output is usually ignored by git and is exactly what gets uploaded, so `.gitignore` is not honoured unless
//! asked for; `.wipeproofignore` and the `exclude` patterns are. Symbolic links are not followed.

use super::{Application, Artifact, Skipped};
use globset::GlobSet;
use ignore::{DirEntry, WalkBuilder, WalkState};
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
}

/// Name of the ignore file.
const IGNORE_FILE: &str = ".wipeproofignore";

/// Finds the files of an application. An input that does not exist is an error for the caller to report; anything
/// that fails below an input is counted as skipped.
///
/// # Errors
/// The first input that cannot be opened at all.
pub fn walk(inputs: &[PathBuf], options: &WalkOptions) -> Result<Application, WalkError> {
    let found = Mutex::new((Vec::new(), Vec::new()));
    for input in inputs {
        let meta = std::fs::metadata(input).map_err(|source| WalkError { path: input.clone(), source })?;
        if meta.is_file() {
            let name = input.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            lock(&found).0.push(Artifact {
                path: display(input),
                name,
                file: input.clone(),
                size: meta.len(),
                part: None,
            });
        } else {
            walk_folder(input, options, &found);
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

fn walk_folder(input: &Path, options: &WalkOptions, found: &Found) {
    let git = options.respect_gitignore;
    let exclude = options.exclude.clone();
    let root = input.to_path_buf();
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
        .filter_entry(|e| !(e.file_type().is_some_and(|t| t.is_dir()) && e.file_name() == ".git"));
    builder.build_parallel().run(|| {
        Box::new(|entry| {
            match entry {
                Ok(entry) => visit(&entry, &root, &exclude, found),
                Err(error) => {
                    lock(found)
                        .1
                        .push(Skipped { artifact: display(&root), reason: format!("cannot be walked: {error}") });
                }
            }
            WalkState::Continue
        })
    });
}

fn visit(entry: &DirEntry, root: &Path, exclude: &GlobSet, found: &Found) {
    let Some(file_type) = entry.file_type() else { return };
    if file_type.is_dir() {
        return;
    }
    let path = display(entry.path());
    let skip = |reason: &str| lock(found).1.push(Skipped { artifact: path.clone(), reason: reason.to_owned() });
    if file_type.is_symlink() {
        return skip("symbolic link, not followed");
    }
    if !file_type.is_file() {
        return skip("not a regular file");
    }
    let name = display(entry.path().strip_prefix(root).unwrap_or(entry.path()));
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

/// A path as reports show it: `/` between components, no leading `./`, invalid UTF-8 replaced.
fn display(path: &Path) -> String {
    // Below the current folder: relative to it, which is what code-scanning services need.
    let below = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    let path = below.as_deref().filter(|p| !p.as_os_str().is_empty()).unwrap_or(path);
    let text = path.to_string_lossy();
    let text = if std::path::MAIN_SEPARATOR == '\\' { text.replace('\\', "/") } else { text.into_owned() };
    text.strip_prefix("./").map(str::to_owned).unwrap_or(text)
}
