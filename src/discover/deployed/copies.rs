//! Copies that a build or packing left in the tree, of files that stand there as well.
//!
//! A copy here is a file that is known to be made of another, so that only the other is judged: byte for byte the same as
//! what the build takes it from, or by its name what packing makes of it. Files that are not known to be one, and only *do*
//! the same, are joined where what they do is known: `link::copies`.

use super::File;
use super::outputs::{source_name, without_environment};
use crate::facts::{file_name, folder_of, folders};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// Where packing puts the package, and on the way to it the definition, the configuration and the roles for the emulator.
const PACKED: [&str; 5] = ["bin", "csx", "ecf", "pkg", "rcf"];
/// Largest file of an output that is compared with what it may be a copy of, in bytes.
const MAX_COMPARED: u64 = 1 << 20;
/// Configuration, framework and runtime make folders of an output, and one that holds them all.
const MAX_OUTPUT_DEPTH: usize = 4;

/// The names of all copies, in lower case, by the folders of projects that build and that pack.
pub(super) fn of(files: &[File<'_>], projects: &HashSet<String>, packing: &HashSet<String>) -> HashSet<String> {
    let mut copies = built(files, projects);
    if !packing.is_empty() {
        copies.extend(packed(files, packing));
    }
    copies
}

/// What packing put into its folders: files whose names others outside of those have. What is there alone was built elsewhere,
/// and nothing else tells of it.
fn packed(files: &[File<'_>], packing: &HashSet<String>) -> HashSet<String> {
    let is_packed = |name: &str| {
        folders(name).any(|folder| PACKED.contains(&file_name(folder)) && packing.contains(folder_of(folder)))
    };
    let source = |name: &str| without_environment(file_name(name));
    let (inside, outside): (Vec<&str>, Vec<&str>) =
        files.iter().map(|file| &*file.name).partition(|name| is_packed(name));
    let outside: HashSet<String> = outside.into_iter().map(source).collect();
    inside.into_iter().filter(|name| outside.contains(&source(name))).map(str::to_owned).collect()
}

/// What stands in the output of a project as it stands beside the project, byte for byte (MS documentation, "Common MSBuild
/// project items": `CopyToOutputDirectory`). `App.config` is called after the output there.
fn built(files: &[File<'_>], projects: &HashSet<String>) -> HashSet<String> {
    let contents = Contents::new(files);
    let is_copy = |name: &str| {
        name.match_indices("/bin/").filter(|(at, _)| projects.contains(&name[..*at])).any(|(at, bin)| {
            let project = &name[..at];
            let inside = std::iter::successors(Some(&name[at + bin.len()..]), |rest| Some(rest.split_once('/')?.1));
            let is_there = |file: &str| contents.are_equal(&format!("{project}/{file}"), name);
            inside.take(MAX_OUTPUT_DEPTH).any(|file| {
                let source = source_name(file);
                is_there(file) || (!file.contains('/') && source != file && is_there(&source))
            })
        })
    };
    files.iter().map(|file| &*file.name).filter(|name| is_copy(name)).map(str::to_owned).collect()
}

/// Contents of files, each of which is read once.
struct Contents<'a> {
    files: HashMap<&'a str, &'a File<'a>>,
    hashes: RefCell<HashMap<&'a str, Option<blake3::Hash>>>,
}

impl<'a> Contents<'a> {
    fn new(files: &'a [File<'a>]) -> Self {
        let files = files.iter().map(|file| (&*file.name, file)).collect();
        Contents { files, hashes: RefCell::default() }
    }

    /// Are both there, of one length, no longer than what is compared, and the same?
    fn are_equal(&self, a: &str, b: &str) -> bool {
        let (Some(a), Some(b)) = (self.files.get(a), self.files.get(b)) else { return false };
        let (of_a, of_b) = (a.artifact.size, b.artifact.size);
        of_a == of_b && of_a <= MAX_COMPARED && self.hash(a).is_some_and(|hash| self.hash(b) == Some(hash))
    }

    fn hash(&self, file: &'a File<'a>) -> Option<blake3::Hash> {
        let read = || file.artifact.read(MAX_COMPARED).ok().map(|bytes| blake3::hash(&bytes));
        *self.hashes.borrow_mut().entry(&file.name).or_insert_with(read)
    }
}

#[cfg(test)]
mod tests {
    use crate::discover::{Artifact, Deployed};

    #[test]
    fn what_the_build_copies_to_its_output() {
        let texts = [
            ("a/Desk.csproj", "project"),
            ("a/App.config", "local"),
            ("a/scripts/go.cmd", "go"),
            ("a/bin/Release/Desk.exe.config", "local"),
            ("a/bin/Debug/Desk.exe.config", "other"),
            ("a/bin/Release/net8.0/scripts/go.cmd", "go"),
            ("a/bin/Debug/scripts/go.cmd", "gone"),
            ("b/go.cmd", "go"),
            ("b/bin/go.cmd", "go"),
        ];
        let folder = std::env::temp_dir().join(format!("wipeproof-copied-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let artifacts = texts.map(|(name, text)| {
            let file = folder.join(name.replace('/', "-"));
            std::fs::write(&file, text).unwrap();
            Artifact { size: text.len() as u64, file, ..Artifact::at(name) }
        });
        let tree = Deployed::of(&artifacts);
        let copies: Vec<&str> =
            texts.iter().map(|(name, _)| *name).filter(|name| tree.aside(name, "batch").is_some()).collect();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(copies, ["a/bin/Release/Desk.exe.config", "a/bin/Release/net8.0/scripts/go.cmd"]);
    }
}
