//! Debug information: from addresses of code, or offsets in methods, to lines of source files.
//!
//! Only asked about the few places that facts have. What is beside the binary was not necessarily built with it, and
//! may be as hostile as the binary: identities are compared, work is counted, and a panic of a parser costs the lines
//! and nothing else.

mod codeview;
mod dwarf;
mod inlined;
mod paths;
mod pdb;

pub(crate) use codeview::CodeView;
pub(crate) use dwarf::lines as dwarf_lines;
pub(crate) use paths::Sources;
pub(crate) use pdb::Pdb;

use crate::discover::{Application, Artifact};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// A line of a source file, as the compiler was given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceLine {
    /// Path in the words of the machine that compiled it.
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: u32,
}

/// Why debug information says nothing, in words for a note.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// It was made by another build.
    #[error("belongs to another build of this program")]
    OtherBuild,
    /// A table refers to more than is read.
    #[error("is larger than is read")]
    TooLarge,
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Malformed(String),
}

/// The file `name` beside an artifact: in the application, or in the folder of an input that is a single file.
pub(crate) fn beside(app: &Application, artifact: &Artifact, name: &str) -> Option<PathBuf> {
    if let Some(found) = app.sibling(artifact, name) {
        return Some(found.file.clone());
    }
    // Only a name: debug information names the folder of the machine it was made on.
    let is_name = is_named_as_one(name) && !name.contains(['/', '\\', ':']);
    let file = artifact.file.with_file_name(name);
    (is_name && artifact.name == artifact.file_name() && file.is_file()).then_some(file)
}

/// Is a file named as debug information is? Nothing else that an artifact names is opened outside of the application.
pub(crate) fn is_named_as_one(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["pdb", "mdb", "dbg", "debug"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The program database beside an artifact: by the name that the linker wrote down, or that of the binary.
pub(crate) fn database(app: &Application, artifact: &Artifact, linked: Option<&CodeView>) -> Option<PathBuf> {
    let name = artifact.file_name();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let own = format!("{stem}.pdb");
    linked.map(CodeView::file_name).into_iter().chain([own.as_str()]).find_map(|n| beside(app, artifact, n))
}

/// Runs a parser of debug information; its panic is a problem like another.
pub(crate) fn contained<T>(parse: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(parse))
        .unwrap_or_else(|_| Err(Problem::Malformed("its tables contradict".to_owned())))
}
