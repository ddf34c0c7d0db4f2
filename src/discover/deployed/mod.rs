//! What of a tree is deployed: every sign by which a file is told to be none of the application's own. This is the one
//! place that knows them; who reads, joins or judges asks here.
//!
//! | sign | what it says | where |
//! |---|---|---|
//! | `packages/ID.VERSION/`, `node_modules/`, `site-packages/`, `.nuget/` | a package manager put it there | [`Aside::Packages`] |
//! | `obj/` beside a project | the build makes it on the way | [`Aside::Intermediate`] |
//! | `bin/`, `csx/`, `pkg/` beside the project of a cloud service or Service Fabric application | packing makes it | [`Aside::Intermediate`] |
//! | `bin/Release/x.cmd` as long as `x.cmd` beside the project | the build copies it to its output | [`Aside::Intermediate`] |
//! | an `.inf` with a signed catalogue and a `.sys` in the folder | part of a driver | [`Aside::Driver`] |
//! | folders of tests, `Orders.Tests.dll` | tests | [`Aside::Tests`] |
//! | folders of samples | shows how something is used | [`Aside::Samples`] |
//! | a program in a folder of tools, beside projects | builds the application | [`Aside::Tools`] |
//! | a binary that no project here builds | was checked in | [`Aside::Unbuilt`] |
//! | `Build-Packages.ps1`, `ci/`, `Uninstall.cmd` | for those who make the application | [`phase_by_name`] |
//! | `DeskSetup.exe`, "Desk Installer" in its version | sets up another program | [`names_setup`] |
//! | `web.config.example`, `.vs/`, `backup/` | stands for another file | [`not_in_force`] |
//!
//! A tree that was unpacked has no projects, and most signs say nothing of it. Who ships the file by another name, or a
//! team that knows better, is not overruled: `[third-party] include` judges everything.

mod folders;
mod projects;
mod scripts;

pub use scripts::{names_setup, phase_by_name};

use super::Artifact;
use crate::facts::is_binary;
use folders::{Purpose, names_tests, purpose, tools};
use projects::{Builds, Built};
use std::collections::{HashMap, HashSet};

/// Why a file is no part of what is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    /// Put there by a package manager.
    Packages,
    /// Made by the build on the way to its output.
    Intermediate,
    /// Part of a driver.
    Driver,
    /// Of tests.
    Tests,
    /// A sample.
    Samples,
    /// Builds the application.
    Tools,
    /// No project of the tree builds it.
    Unbuilt,
}

/// What the files of a tree tell together.
#[derive(Clone, Debug, Default)]
pub struct Deployed {
    /// It holds projects that programs are built of: a program that lies among its tools is none of them.
    has_projects: bool,
    /// Folders with a project, in lower case.
    projects: HashSet<String>,
    /// Those with a project that packs what others build.
    packing: HashSet<String>,
    /// Folders with the description of a package, in lower case. What lies in `tools` below one is what the package installs
    /// (Chocolatey documentation, "Create packages").
    packages: HashSet<String>,
    /// Folders with the description of a driver, its signature and its module, in lower case (MS documentation, "Catalog Files and
    /// Digital Signatures").
    drivers: HashSet<String>,
    /// What the projects build.
    built: Option<Built>,
    /// Files that the build copied to its output, in lower case.
    copied: HashSet<String>,
    /// It holds the definition of a cloud service.
    has_roles: bool,
}

/// Endings of projects that pack what other projects build: cloud services, and applications of Service Fabric.
const PACKING: [&str; 2] = ["ccproj", "sfproj"];
/// Where they put the package, and on the way to it the definition, the configuration and the roles for the emulator.
const PACKED: [&str; 5] = ["bin", "csx", "ecf", "pkg", "rcf"];
/// Endings of what lists several projects.
const SOLUTIONS: [&str; 2] = ["sln", "slnx"];

impl Deployed {
    /// Looks at the names of all files, and into the projects among them.
    pub(super) fn of(artifacts: &[Artifact]) -> Self {
        let mut tree = Deployed { built: Built::new(artifacts), ..Deployed::default() };
        let (mut described, mut signed, mut modules) = (HashSet::new(), HashSet::new(), HashSet::new());
        for artifact in artifacts {
            let (ending, folder) = (artifact.extension(), above(&artifact.name).to_lowercase());
            let builds = projects::builds(&ending);
            let is_program =
                builds.is_some_and(|builds| builds != Builds::Installers) || SOLUTIONS.contains(&ending.as_str());
            tree.has_projects |= is_program && tools(&artifact.name).is_none();
            match ending.as_str() {
                "nuspec" => tree.packages.insert(folder),
                "inf" => described.insert(folder),
                "cat" => signed.insert(folder),
                "sys" => modules.insert(folder),
                ending if PACKING.contains(&ending) => tree.packing.insert(folder),
                "csdef" => {
                    tree.has_roles = true;
                    false
                }
                _ if builds.is_some() => tree.projects.insert(folder),
                _ => false,
            };
        }
        tree.copied = copied(artifacts, &tree.projects);
        tree.drivers = described.intersection(&signed).filter(|folder| modules.contains(*folder)).cloned().collect();
        tree
    }

    /// Why a file is no part of what is deployed, by its name inside the application and its format.
    pub fn aside(&self, name: &str, format: &str) -> Option<Aside> {
        if is_of_packages(name) {
            return Some(Aside::Packages);
        }
        if self.is_intermediate(name) || self.copied.contains(&name.to_lowercase()) {
            return Some(Aside::Intermediate);
        }
        if is_binary(format) {
            let file = name.rsplit('/').next().unwrap_or(name);
            if self.drivers.contains(&above(name).to_lowercase()) {
                return Some(Aside::Driver);
            }
            if names_tests(file.rsplit_once('.').map_or(file, |(stem, _)| stem)) {
                return Some(Aside::Tests);
            }
        }
        let is_foreign = || self.built.as_ref().is_some_and(|built| built.is_foreign(name, format));
        match purpose(name) {
            Some(Purpose::Tests) => Some(Aside::Tests),
            _ if is_foreign() => Some(Aside::Unbuilt),
            Some(Purpose::Samples) => Some(Aside::Samples),
            Some(Purpose::Tools) => {
                let is_installed = || tools(name).is_some_and(|at| self.packages.contains(&above(at).to_lowercase()));
                (self.has_projects && is_binary(format) && !is_installed()).then_some(Aside::Tools)
            }
            None => None,
        }
    }

    /// Is part of it a cloud service?
    pub fn has_roles(&self) -> bool {
        self.has_roles
    }

    /// The folder of the project whose build puts a file where it lies: below `bin` beside the project (MS documentation, "Common
    /// MSBuild project properties": `OutputPath`).
    pub fn output_of<'n>(&self, name: &'n str) -> Option<&'n str> {
        let folders = name.match_indices('/').map(|(end, _)| &name[..end]);
        let bins =
            folders.filter(|folder| folder.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case("bin")));
        bins.map(above).find(|project| self.projects.contains(&project.to_lowercase()))
    }

    /// In `obj` beside a project (MS documentation, "Common MSBuild project properties": `BaseIntermediateOutputPath`), or
    /// where packing leaves copies.
    fn is_intermediate(&self, name: &str) -> bool {
        name.match_indices('/').map(|(end, _)| &name[..end]).any(|folder| {
            let last = folder.rsplit('/').next().unwrap_or_default().to_lowercase();
            let is_in = |projects: &HashSet<String>| projects.contains(&above(folder).to_lowercase());
            (last == "obj" && (is_in(&self.projects) || is_in(&self.packing)))
                || (PACKED.contains(&&*last) && is_in(&self.packing))
        })
    }
}

/// What stands in the output of a project as it stands beside the project, by name and length: it is judged where it is
/// written (MS documentation, "Common MSBuild project items": `CopyToOutputDirectory`). `App.config` is called after the
/// output there.
fn copied(artifacts: &[Artifact], projects: &HashSet<String>) -> HashSet<String> {
    let sizes: HashMap<String, u64> = artifacts.iter().map(|a| (a.name.to_lowercase(), a.size)).collect();
    let is_copy = |name: &str, size: u64| {
        name.match_indices("/bin/").filter(|(at, _)| projects.contains(&name[..*at])).any(|(at, bin)| {
            let project = &name[..at];
            let inside = std::iter::successors(Some(&name[at + bin.len()..]), |rest| Some(rest.split_once('/')?.1));
            let is_there = |file: &str| sizes.get(&format!("{project}/{file}")) == Some(&size);
            inside.take(MAX_OUTPUT_DEPTH).any(|file| {
                let is_of_program =
                    !file.contains('/') && (file.ends_with(".exe.config") || file.ends_with(".dll.config"));
                is_there(file) || (is_of_program && is_there("app.config"))
            })
        })
    };
    sizes.iter().filter(|(name, size)| is_copy(name, **size)).map(|(name, _)| name.clone()).collect()
}

/// Configuration, framework and runtime make folders of an output, and one that holds them all.
const MAX_OUTPUT_DEPTH: usize = 4;

/// Why a document does not count where the application runs, by where it lies and what it is called.
pub fn not_in_force(artifact: &Artifact) -> Option<&'static str> {
    if purpose(&artifact.name) == Some(Purpose::Tests) {
        return Some("in a folder of tests");
    }
    let folders = || artifact.name.split('/').rev().skip(1);
    if folders().any(|folder| BACKUPS.iter().any(|known| folder.eq_ignore_ascii_case(known))) {
        return Some("in a folder of backups");
    }
    let file = &*artifact.file_name().to_lowercase();
    // `example.web.config`, but not `template.json` or `example.com.conf`.
    let before = file.split_once('.').filter(|(mark, of)| SAMPLES.contains(mark) && of.contains("config"));
    if before.is_some() || file.rsplit_once('.').is_some_and(|(_, mark)| SAMPLES.contains(&mark)) {
        return Some("a sample by its name: it counts where somebody makes a copy of it");
    }
    artifact.path.split('/').any(|folder| folder == ".vs").then_some(EDITING)
}

/// Folders that keep what something replaced: those of custom, of the upgrades of Visual Studio, and of Umbraco's.
const BACKUPS: &[&str] = &["backup", "backups", "bak", "nugetbackup", "_upgradereport_files"];
/// What files are called that stand for others.
const SAMPLES: &[&str] = &["example", "sample", "template", "dist", "tmpl", "j2"];
/// Visual Studio keeps a server for trying out, and its own state, in the folder `.vs` of a solution.
const EDITING: &str = "in the folder of Visual Studio, which is not deployed";

/// Does a path inside the application lie where a package manager keeps what it was asked for?
///
/// NuGet documentation, "Managing the global packages, cache, and temp folders": packages of `packages.config` lie in
/// `packages/ID.VERSION`; "NuGet.exe" and its targets in `.nuget` (NuGet 2.x, "Package restore"). npm documentation,
/// "folders": `node_modules`. Python documentation, "site": `site-packages`.
fn is_of_packages(name: &str) -> bool {
    let folders: Vec<&str> = name.split('/').collect();
    let kept =
        |folder: &&str| folder.eq_ignore_ascii_case(".nuget") || ["node_modules", "site-packages"].contains(folder);
    folders.iter().rev().skip(1).any(kept)
        || folders.windows(3).any(|below| {
            let mut numbers = below[1].split('.').skip(1).filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
            below[0].eq_ignore_ascii_case("packages") && numbers.nth(1).is_some()
        })
}

fn above(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_package_manager_put_there() {
        for name in [
            ".nuget/NuGet.exe",
            "src/.nuget/NuGet.exe",
            "packages/Tool.1.2.0/tools/tool.exe",
            "packages/Log.2.0.8/content/web.config",
            "site/node_modules/notifier/vendor/notify.exe",
            "venv/Lib/site-packages/setuptools/gui.exe",
        ] {
            assert!(is_of_packages(name), "{name}");
        }
        for name in
            ["nuget.exe", "packages/setup.exe", "packages/desk/setup.exe", "packages/setup.v2.exe", "a.nuget/b.exe"]
        {
            assert!(!is_of_packages(name), "{name}");
        }
    }

    #[test]
    fn what_the_build_copies_to_its_output() {
        let sizes = [
            ("a/Desk.csproj", 9),
            ("a/App.config", 5),
            ("a/scripts/go.cmd", 7),
            ("a/bin/Release/Desk.exe.config", 5),
            ("a/bin/Release/net8.0/scripts/go.cmd", 7),
            ("a/bin/Debug/scripts/go.cmd", 8),
            ("b/go.cmd", 7),
            ("b/bin/go.cmd", 7),
        ];
        let artifacts = sizes.map(|(name, size)| Artifact { size, ..Artifact::at(name) });
        let tree = Deployed::of(&artifacts);
        let copies: Vec<&str> =
            sizes.iter().map(|(name, _)| *name).filter(|name| tree.aside(name, "batch").is_some()).collect();
        assert_eq!(copies, ["a/bin/Release/Desk.exe.config", "a/bin/Release/net8.0/scripts/go.cmd"]);
    }
    #[test]
    fn what_the_build_makes_on_the_way_and_what_belongs_to_a_driver() {
        let names = [
            "src/Shop/Shop.wixproj",
            "svc/Svc.ccproj",
            "drv/a.inf",
            "drv/A.cat",
            "drv/a.sys",
            "net/b.inf",
            "cd/autorun.inf",
            "cd/data.cat",
        ];
        let tree = Deployed::of(&names.map(Artifact::at));
        for (name, format, aside) in [
            ("src/Shop/obj/Release/PackageTmp/Web.config", "web-config", Some(Aside::Intermediate)),
            ("src/shop/Obj/x.exe", "pe-x64", Some(Aside::Intermediate)),
            ("obj/Web.config", "web-config", None),
            ("svc/bin/Release/ServiceConfiguration.cscfg", "cscfg", Some(Aside::Intermediate)),
            ("svc/ServiceConfiguration.Cloud.cscfg", "cscfg", None),
            ("drv/a.dll", "pe-x64", Some(Aside::Driver)),
            ("drv/a.inf", "inf", None),
            ("cd/desk.exe", "pe-x64", None),
            ("net/b.dll", "pe-x64", None),
        ] {
            assert_eq!(tree.aside(name, format), aside, "{name}");
        }
    }
}
