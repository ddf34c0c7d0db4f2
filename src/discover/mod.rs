//! From the paths a user gives to the artifacts of an application.
//!
//! Nothing is opened here: [`Application`] is a sorted list of files, found by walking, that readers can also look
//! one another up in. What a file *is* gets decided from its first bytes when it is read ([`sniff()`]).

mod deployed;
mod part;
pub mod sniff;
mod stamp;
mod walk;

pub use deployed::{
    Aside, Deployed, Output, is_of_build, is_windows_image, names_setup, not_in_force, phase_by_name, program_name,
    source_name,
};
pub use part::{Packing, Part};

pub use sniff::{Kind, SNIFF_LEN, is_report, is_set_aside, sniff};
pub use stamp::{Stamp, stamps};
pub use walk::{CACHE_TAG, CACHE_TAG_TEXT, SETTINGS_FILE, WalkError, WalkOptions, display_path, walk};

use crate::facts::{file_name, folder_of};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::OnceLock;

/// One file of the application, or a member of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Artifact {
    /// Path as reports show it: as given on the command line, with `/` between the components.
    pub path: String,
    /// Path inside the application: relative to the input it was found under. Stable when the checkout moves.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// Its size in bytes when it was found.
    pub size: u64,
    /// Where it lies in the file, when it is a member of a package.
    pub part: Option<Part>,
}

/// Between the path of a package and the path of a member in it: `app.exe!/Contoso.dll`.
pub const MEMBER: &str = "!/";

impl Artifact {
    /// A file of which only its path matters.
    #[cfg(test)]
    pub(crate) fn at(path: &str) -> Self {
        Artifact { path: path.into(), name: path.into(), file: path.into(), ..Artifact::default() }
    }

    /// The last component of the name: `Web.config`.
    pub fn file_name(&self) -> &str {
        file_name(&self.name)
    }

    /// Lower-case extension without the dot; empty if there is none.
    pub fn extension(&self) -> String {
        match self.file_name().rsplit_once('.') {
            Some((stem, ext)) if !stem.is_empty() => ext.to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    /// Reads at most `limit` bytes.
    ///
    /// # Errors
    /// What the file system says; a member that cannot be unpacked, or not within the limit, is invalid data.
    pub fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        if let Some(part) = &self.part {
            return part.read(&self.file, limit);
        }
        let mut bytes = Vec::with_capacity(self.size.min(limit) as usize);
        File::open(&self.file)?.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Why something was not read: no reader knows its format.
pub const FOREIGN: &str = "not a format that is read";
/// It holds nothing.
pub const EMPTY: &str = "empty";
/// A source that a server compiles where it lies.
pub const IN_PLACE: &str = "source that runs where it lies, which is not read";
/// A source of a project of which nothing that it builds is among the files.
pub const UNBUILT: &str = "source of what is not built here";
/// A reader knows its format, and it is too large for it.
pub const TOO_LARGE: &str = "larger than the size cap of its format";
/// How the reason begins where a folder cannot be listed.
pub const UNLISTED: &str = "cannot be walked";

/// Endings of sources of programs: what is built of them is read, they are not. Pages count with them.
const SOURCES: [&str; 22] = [
    "cs", "vb", "fs", "java", "kt", "scala", "go", "rs", "c", "cc", "cpp", "cxx", "pas", "dpr", "frm", "bas", "cls",
    "ctl", "aspx", "ascx", "ashx", "cshtml",
];

/// Is it the ending, in lower case, of sources of programs?
pub fn is_source(ending: &str) -> bool {
    SOURCES.contains(&ending)
}

/// Something that was not read, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Skipped {
    /// Path as reports show it.
    pub artifact: String,
    /// Reason, in words that group: "not a format that is read", "excluded by exclude".
    pub reason: String,
}

/// All files of one scan, sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Application {
    /// The files.
    pub artifacts: Vec<Artifact>,
    /// What the walk passed over.
    pub skipped: Vec<Skipped>,
    /// The environment for which layers of configuration are laid over one another; the usual one if there is none.
    pub environment: Option<String>,
    by_path: HashMap<String, usize>,
    /// What of it is deployed, once somebody has asked.
    deployed: OnceLock<Deployed>,
    /// How many artifacts have each name without versions.
    stable: HashMap<String, usize>,
}

impl Application {
    /// Sorts the artifacts and drops files found twice.
    pub fn new(mut artifacts: Vec<Artifact>, mut skipped: Vec<Skipped>) -> Self {
        artifacts.sort_by(|a, b| a.path.cmp(&b.path));
        artifacts.dedup_by(|a, b| a.file == b.file);
        skipped.sort();
        let (by_path, stable) = (by_path(&artifacts), stable_names(&artifacts));
        Application { artifacts, skipped, environment: None, by_path, deployed: OnceLock::new(), stable }
    }

    /// Adds members of packages that were found when the packages were read.
    pub fn adopt(&mut self, members: Vec<Artifact>) {
        if members.is_empty() {
            return;
        }
        self.artifacts.extend(members);
        self.artifacts.sort_by(|a, b| a.path.cmp(&b.path));
        self.by_path = by_path(&self.artifacts);
        self.stable = stable_names(&self.artifacts);
        self.deployed = OnceLock::new();
    }

    /// What of it is deployed.
    pub fn deployed(&self) -> &Deployed {
        self.deployed.get_or_init(|| Deployed::of(&self.artifacts))
    }

    /// The artifact with this path, in any case: the file system that the application will run on ignores case.
    pub fn find(&self, path: &str) -> Option<&Artifact> {
        self.by_path.get(&path.to_lowercase()).map(|&i| &self.artifacts[i])
    }

    /// The name of an artifact without the versions in it, `packages/Foo.*/Foo.dll`: an update keeps it. Where two artifacts
    /// would be one by it, each has its whole name.
    pub fn stable_name(&self, path: &str) -> String {
        let name = self.name_of(path);
        let stable = without_versions(name);
        match self.stable.get(&stable.to_lowercase()) {
            Some(count) if *count > 1 => name.to_owned(),
            _ => stable,
        }
    }

    /// The name inside the application of an artifact path; the path itself when there is no such artifact.
    pub fn name_of<'a>(&'a self, path: &'a str) -> &'a str {
        self.find(path).map_or(path, |artifact| &artifact.name)
    }

    /// The artifact at `relative` from the folder of `of`; both separators and `..` are understood.
    pub fn sibling(&self, of: &Artifact, relative: &str) -> Option<&Artifact> {
        let folder = folder_of(&of.path);
        let mut parts: Vec<&str> = folder.split('/').collect();
        if folder.is_empty() {
            parts.clear();
        }
        for part in relative.split(['/', '\\']) {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        self.find(&parts.join("/"))
    }
}

/// How many artifacts have each stable name.
fn stable_names(artifacts: &[Artifact]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for artifact in artifacts {
        *counts.entry(without_versions(&artifact.name).to_lowercase()).or_default() += 1;
    }
    counts
}

/// A name with `*` for each version in it: numbers between dots, behind a separator that follows a name.
fn without_versions(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let separates = out.ends_with(['.', '-', '_', ' ', '/']) && out.len() > 1;
        let v = usize::from(rest.starts_with(['v', 'V']));
        let digits = rest[v..].bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let numbers = rest[v..v + digits].trim_end_matches('.');
        let end = v + numbers.len();
        let ends = !rest[end..].starts_with(|c: char| c.is_alphanumeric());
        let is_version = numbers.starts_with(|c: char| c.is_ascii_digit()) && numbers.contains('.') && ends;
        if separates && is_version {
            out.push('*');
            rest = &rest[end..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

fn by_path(artifacts: &[Artifact]) -> HashMap<String, usize> {
    artifacts.iter().enumerate().map(|(i, a)| (a.path.to_lowercase(), i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_no_part_of_a_stable_name() {
        for (name, stable) in [
            ("packages/Foo.1.2.3/lib/Foo.dll", "packages/Foo.*/lib/Foo.dll"),
            ("app-1.0/app.exe", "app-*/app.exe"),
            ("app-1.0.exe", "app-*.exe"),
            ("foo/v1.2/a.dll", "foo/*/a.dll"),
            ("d3dx9_43.dll", "d3dx9_43.dll"),
            ("Sql2019.dll", "Sql2019.dll"),
            ("1.0/a.dll", "1.0/a.dll"),
            ("a-1.2x.dll", "a-1.2x.dll"),
        ] {
            assert_eq!(without_versions(name), stable);
        }
        let app = Application::new(
            vec![Artifact::at("a-1.0/x.dll"), Artifact::at("a-1.1/x.dll"), Artifact::at("b-2.0/x.dll")],
            Vec::new(),
        );
        let names: Vec<String> = app.artifacts.iter().map(|a| app.stable_name(&a.path)).collect();
        assert_eq!(names, ["a-1.0/x.dll", "a-1.1/x.dll", "b-*/x.dll"]);
    }
}
