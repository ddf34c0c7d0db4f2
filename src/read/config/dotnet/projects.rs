//! What the project beside a configuration says of it: of tests, it is never in service; of a plug-in or a library, another
//! one is in force.

use crate::discover::Artifact;
use crate::facts::{beside as folder_beside, folder_of};
use crate::read::Input;

/// Largest project file that is looked at.
const MAX_PROJECT: u64 = 1 << 20;
/// Most projects that are looked at for references.
const MAX_PROJECTS: usize = 500;
/// Most files below a folder that are looked at.
const MAX_FILES: usize = 20_000;

/// Frameworks of tests, by what a project that uses them says, in lower case.
const FRAMEWORKS: &[(&str, &str)] = &[
    ("microsoft.net.test.sdk", "Microsoft.NET.Test.Sdk"),
    ("nunit.framework", "NUnit"),
    ("\"nunit\"", "NUnit"),
    ("mbunit.framework", "MbUnit"),
    ("xunit.core", "xUnit"),
    ("\"xunit\"", "xUnit"),
    ("mstest.testframework", "MSTest"),
    ("microsoft.visualstudio.qualitytools.unittestframework", "MSTest"),
    ("microsoft.visualstudio.testtools.unittesting", "MSTest"),
];

/// The framework that the project of an `app.config` is tested with, if it is a project of tests.
pub(super) fn test_framework(input: &Input<'_>) -> Option<&'static str> {
    if !input.artifact.file_name().eq_ignore_ascii_case("app.config") {
        return None;
    }
    let is_listed = |name: &str| name.eq_ignore_ascii_case("packages.config") || is_project(name);
    beside(input, is_listed)
        .into_iter()
        .find_map(|text| FRAMEWORKS.iter().find(|(said, _)| text.contains(said)).map(|(_, name)| *name))
}

/// Is it the configuration of a project that is built into the folder of another application, as a plug-in is? The
/// application has a configuration of its own, in which the sections of the whole are. One configuration of a build that leads
/// out, as for a server that builds, says nothing; nor does any of what has a `Global.asax`.
pub(super) fn is_plugin(input: &Input<'_>) -> bool {
    let leads_out = |text: &String| {
        let mut paths = text.split("<outputpath>").skip(1).filter_map(|rest| rest.split('<').next()).peekable();
        paths.peek().is_some() && paths.all(|path| path.starts_with("..") || path.starts_with("$(solutiondir)"))
    };
    let folder = folder_of(&input.artifact.path);
    let is_start = |name: &str, path: &str| name.eq_ignore_ascii_case("global.asax") && folder_of(path) == folder;
    !input.app.artifacts.iter().any(|a| is_start(a.file_name(), &a.path))
        && beside(input, is_project).iter().any(leads_out)
}

/// Is it the `app.config` of a class library that another project refers to, in a tree with the configurations of programs? What
/// loads the library reads the one of the program (MS documentation, "Configuring Apps by using Configuration Files"). A library
/// that nobody refers to may be loaded by a host that reads its own; add-ins of Office have theirs.
pub(super) fn is_of_class_library(input: &Input<'_>) -> bool {
    let is_config = |name: &str| ["app.config", "web.config"].iter().any(|known| name.eq_ignore_ascii_case(known));
    if !input.artifact.file_name().eq_ignore_ascii_case("app.config") {
        return false;
    }
    let is_library = |text: &String| text.contains("<outputtype>library<") && !text.contains(OFFICE);
    let projects = beside(input, is_project);
    let folder = folder_of(&input.artifact.path);
    !projects.is_empty()
        && projects.iter().all(is_library)
        && input.app.artifacts.iter().any(|a| is_config(a.file_name()) && folder_of(&a.path) != folder)
        && is_referred_to(input, folder)
}

/// Does a project elsewhere in the tree refer to one in this folder?
fn is_referred_to(input: &Input<'_>, folder: &str) -> bool {
    let projects = || input.app.artifacts.iter().filter(|a| is_project(a.file_name()));
    let name = |a: &Artifact| format!("\\{}\"", a.file_name().to_lowercase());
    let own: Vec<String> = projects().filter(|a| folder_of(&a.path) == folder).map(name).collect();
    let others = projects().filter(|a| folder_of(&a.path) != folder).take(MAX_PROJECTS);
    let texts = others.filter_map(|a| a.read(MAX_PROJECT).ok());
    texts
        .map(|text| String::from_utf8_lossy(&text).to_lowercase().replace('/', "\\"))
        .any(|text| text.contains("<projectreference") && own.iter().any(|name| text.contains(name)))
}

/// The kind of project of add-ins, in lower case (Visual Studio Tools for Office).
const OFFICE: &str = "baa0c2d2-18e2-41b9-852f-f413020caa33";

fn is_project(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with(".csproj") || name.ends_with(".vbproj")
}

/// The texts, in lower case, of the files in the folder of a configuration whose names are of interest.
fn beside(input: &Input<'_>, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = folder_beside(&input.artifact.path);
    let at = input.app.artifacts.partition_point(|a| *a.path < *folder);
    let within = input.app.artifacts[at..].iter().take_while(|a| a.path.starts_with(folder)).take(MAX_FILES);
    within
        .filter(|a| !a.path[folder.len()..].contains('/') && is_wanted(a.file_name()))
        .filter_map(|a| Some(String::from_utf8_lossy(&a.read(MAX_PROJECT).ok()?).to_lowercase()))
        .collect()
}
