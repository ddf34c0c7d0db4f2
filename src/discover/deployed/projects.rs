//! Which binaries of a source tree its own projects build. What none of them builds was put there: a tool of the build, a
//! library that was checked in, a reference that the build copied beside its output.
//!
//! MS documentation, "Common MSBuild project properties": `AssemblyName` (of C++: `TargetName`) is the name of the output,
//! and that of the project file where it is not written. Visual Basic 6 writes `ExeName32` (MSDN, "Visual Basic Specific
//! Project File Formats").

use super::File;
use crate::discover::Artifact;
use crate::facts::{file_name, folder_of, folders};
use std::collections::HashSet;

/// What a project file builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builds {
    Assemblies,
    MachineCode,
    /// Programs of Visual Basic 6: what lies beside them is mostly a control that they use, so that nothing is foreign.
    Basic,
    /// Programs of Delphi: what they are called is not read.
    Unnamed,
    Installers,
}

/// The ending of projects of Visual Basic 6.
const BASIC: &str = "vbp";
/// Endings of project files.
const PROJECTS: &[(&str, Builds)] = &[
    ("csproj", Builds::Assemblies),
    ("vbproj", Builds::Assemblies),
    ("fsproj", Builds::Assemblies),
    ("vcxproj", Builds::MachineCode),
    ("vcproj", Builds::MachineCode),
    (BASIC, Builds::Basic),
    ("dproj", Builds::Unnamed),
    ("wixproj", Builds::Installers),
];

/// What a file with this ending builds, if it is a project.
pub(super) fn builds(ending: &str) -> Option<Builds> {
    PROJECTS.iter().find(|(known, _)| *known == ending).map(|(_, builds)| *builds)
}
/// Sources that other build systems make machine code of, so that no project file needs to name it.
const NATIVE_SOURCES: &[&str] = &["c", "cc", "cpp", "cxx", "pas", "dpr", "frm", "bas", "rs", "go", "asm", "d", "nim"];
/// What assemblies are made of.
const MANAGED_SOURCES: [&str; 3] = ["cs", "vb", "fs"];
/// Endings of what is built.
const PROGRAMS: [&str; 3] = ["dll", "exe", "ocx"];
/// Properties that name the output.
const NAMES: &[&str] = &["AssemblyName", "TargetName"];
/// Folders that a program is built into, or is given away in.
const OUTPUTS: &[&str] = &["bin", "debug", "release", "dist", "publish", "out", "output"];
/// Most project files that are read, and the largest.
const MAX_PROJECTS: usize = 2_000;
const MAX_PROJECT: u64 = 1 << 20;

/// What the projects of an application build.
#[derive(Clone, Debug)]
pub(super) struct Built {
    /// Names without extension, in lower case.
    names: HashSet<String>,
    /// Some project builds assemblies.
    assemblies: bool,
    /// All machine code that is built here is that of projects.
    native: bool,
    /// Folders of projects, in lower case, of which nothing that they build is there.
    unbuilt: HashSet<String>,
    /// Folders of projects of Visual Basic 6, in lower case.
    basic: HashSet<String>,
}

impl Built {
    /// Nothing is known without a project, or when the name of an output is made up by the build.
    pub(super) fn new(files: &[File<'_>]) -> Option<Built> {
        let project = |file: &File<'_>| match builds(file.ending())? {
            Builds::Assemblies => Some(true),
            Builds::MachineCode | Builds::Basic => Some(false),
            Builds::Unnamed | Builds::Installers => None,
        };
        let mut built = Built {
            names: HashSet::new(),
            assemblies: false,
            native: false,
            unbuilt: HashSet::new(),
            basic: HashSet::new(),
        };
        let present: HashSet<String> =
            files.iter().filter(|file| PROGRAMS.contains(&file.ending())).map(|file| stem(&file.name)).collect();
        let is_basic = |file: &File<'_>| file.ending() == BASIC;
        let mut seen = HashSet::new();
        let sources = source_folders(files);
        // They may lie beside the folder of the project.
        let has_sources =
            |file: &File<'_>, assemblies: bool| sources.contains(&(folder_of(folder_of(&file.name)), assemblies));
        let projects = files
            .iter()
            .filter_map(|file| Some((file, project(file)?)))
            .filter(|(file, assemblies)| has_sources(file, *assemblies))
            .take(MAX_PROJECTS + 1);
        for (number, (file, assemblies)) in projects.enumerate() {
            let File { artifact, name, .. } = file;
            let text = artifact.read(MAX_PROJECT).ok().filter(|_| number < MAX_PROJECTS)?;
            let names = outputs(artifact, &String::from_utf8_lossy(&text))?;
            let folder = folder_of(name).to_owned();
            match names.iter().any(|name| present.contains(name)) {
                true => seen.insert(folder),
                false => built.unbuilt.insert(folder),
            };
            built.names.extend(names);
            built.assemblies |= assemblies;
            built.native |= !is_basic(file);
            built.basic.extend(is_basic(file).then(|| folder_of(name).to_owned()));
        }
        if seen.is_empty() && built.unbuilt.is_empty() {
            return None;
        }
        built.unbuilt.retain(|folder| !seen.contains(folder));
        let is_source = |file: &File<'_>| NATIVE_SOURCES.contains(&file.ending());
        let by_projects = files.iter().any(|file| project(file) == Some(false) && !is_basic(file));
        built.native &= by_projects || !files.iter().any(is_source);
        Some(built)
    }

    /// Does the source at `name`, in lower case, belong to a project of which nothing is built?
    pub(super) fn is_unbuilt(&self, name: &str, projects: &HashSet<String>) -> bool {
        let mut above = folders(name);
        let is_project = |folder: &&str| projects.contains(*folder) || self.basic.contains(*folder);
        above.find(is_project).is_some_and(|folder| self.unbuilt.contains(folder))
    }

    /// Is a binary of this format none that they build?
    pub(super) fn is_foreign(&self, name: &str, format: &str) -> bool {
        let is_told = match format {
            "assembly" => self.assemblies,
            format => format.starts_with("pe") && self.native,
        };
        let mut path = name.rsplit('/');
        let file = path.next().unwrap_or_default().to_lowercase();
        let stem = stem(&file);
        // A program in a folder of output may be built by something else than a project.
        let is_output = file.ends_with(".exe") && path.any(|f| OUTPUTS.contains(&f.to_lowercase().as_str()));
        is_told && !is_output && !self.names.contains(stem.trim_end_matches(".resources"))
    }
}

/// The name of a file without folders and ending.
fn stem(name: &str) -> String {
    let file = file_name(name);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_owned()
}

/// Folders with sources somewhere below, in lower case, and whether they are sources of assemblies. A project without any
/// builds nothing here: it is a template that somebody else's package holds.
fn source_folders<'a>(files: &'a [File<'_>]) -> HashSet<(&'a str, bool)> {
    let mut known = HashSet::new();
    for file in files {
        let kinds = [(&MANAGED_SOURCES[..], true), (NATIVE_SOURCES, false)];
        for (_, assemblies) in kinds.iter().filter(|(endings, _)| endings.contains(&file.ending())) {
            // Where one is known, those above it are too.
            for folder in folders(&file.name) {
                if !known.insert((folder, *assemblies)) {
                    break;
                }
            }
        }
    }
    known
}

/// The names of what a project builds, in lower case; none where they are not written as they are.
fn outputs(project: &Artifact, text: &str) -> Option<Vec<String>> {
    let stem = project.file_name().rsplit_once('.').map_or("", |(stem, _)| stem);
    let mut names = vec![stem.to_lowercase()];
    if project.extension() == BASIC {
        let written = text.lines().filter_map(|line| line.trim().strip_prefix("ExeName32="));
        names.extend(written.map(|name| self::stem(&name.trim_matches('"').to_lowercase())));
        return Some(names);
    }
    for property in NAMES {
        for rest in text.split(&format!("<{property}")).skip(1) {
            let Some((_, value)) = rest.split_once('>') else { continue };
            let value = value.split('<').next().unwrap_or_default().trim();
            let value =
                ["$(MSBuildProjectName)", "$(ProjectName)"].iter().fold(value.to_owned(), |v, p| v.replace(p, stem));
            if value.contains("$(") {
                return None;
            }
            names.push(value.to_lowercase());
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_output() {
        let project = Artifact { name: "src/Shop.csproj".into(), ..Artifact::default() };
        let names = |text: &str| outputs(&project, text);
        assert_eq!(names("<Project />").unwrap(), ["shop"]);
        let written = "<AssemblyName Condition=\"x\">Contoso.$(MSBuildProjectName)</AssemblyName>";
        assert_eq!(names(written).unwrap(), ["shop", "contoso.shop"]);
        assert_eq!(names("<TargetName>$(Prefix)Shop</TargetName>"), None);
        let basic = Artifact::at("src/Till.vbp");
        assert_eq!(outputs(&basic, "Type=Exe\r\nExeName32=\"Checkout.exe\"\r\n").unwrap(), ["till", "checkout"]);
    }

    #[test]
    fn a_project_without_sources_is_a_template() {
        let artifacts = ["a/src/main.cpp", "b/Program.cs"].map(Artifact::at);
        let files: Vec<File<'_>> = artifacts.iter().map(File::new).collect();
        let with = source_folders(&files);
        let is_in = |folder: &'static str, assemblies| with.contains(&(folder, assemblies));
        assert!(is_in("a", false) && is_in("a/src", false) && is_in("", false) && is_in("b", true));
        assert!(!is_in("a", true) && !is_in("c", false));
    }

    #[test]
    fn what_no_project_builds() {
        let foreign = |built: &Built, name: &str, format: &str| built.is_foreign(name, format);
        let built = |native| Built {
            names: ["shop".to_owned()].into(),
            assemblies: true,
            native,
            unbuilt: HashSet::new(),
            basic: HashSet::new(),
        };
        assert!(!foreign(&built(true), "bin/Shop.dll", "assembly"));
        assert!(foreign(&built(true), "bin/Json.dll", "assembly"));
        assert!(foreign(&built(true), "tools/pack.exe", "pe-x64"));
        assert!(!foreign(&built(true), "bin/Release/desk.exe", "pe-x64"), "a program that is given away");
        assert!(!foreign(&built(false), "tools/pack.exe", "pe-x64"), "there are sources of machine code");
    }

    #[test]
    fn sources_of_what_is_not_built() {
        let folder = std::env::temp_dir().join(format!("unbuilt-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let [named, plain] = ["named.csproj", "plain.csproj"].map(|name| folder.join(name));
        std::fs::write(&named, "<Project><AssemblyName>Contoso.Shop</AssemblyName></Project>").unwrap();
        std::fs::write(&plain, "<Project></Project>").unwrap();
        let till = folder.join("till.vbp");
        std::fs::write(&till, "Type=Exe\nExeName32=\"Checkout.exe\"\n").unwrap();
        let names = [
            ("till/Till.vbp", &till),
            ("till/Main.frm", &plain),
            ("Shop/Shop.csproj", &named),
            ("Shop/Cart.cs", &plain),
            ("Shop/bin/Contoso.Shop.dll", &plain),
            ("Desk/Desk.csproj", &plain),
            ("Desk/ui/Form.cs", &plain),
            ("a.cs", &plain),
        ];
        let artifacts = names.map(|(name, file)| Artifact { file: file.clone(), ..Artifact::at(name) });
        let files: Vec<File<'_>> = artifacts.iter().map(File::new).collect();
        let built = Built::new(&files).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let projects: HashSet<String> = ["shop", "desk"].map(str::to_owned).into();
        assert!(built.is_unbuilt("till/main.frm", &projects));
        assert!(!built.is_foreign("tools/pack.exe", "pe-x64"), "it may be what a project of Visual Basic 6 uses");
        assert!(built.is_unbuilt("desk/ui/form.cs", &projects));
        assert!(!built.is_unbuilt("shop/cart.cs", &projects), "by the name that the project gives");
        assert!(!built.is_unbuilt("a.cs", &projects), "of no project");
    }
}
