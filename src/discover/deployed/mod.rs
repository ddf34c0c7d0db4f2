//! What of a tree is deployed: every sign by which a file is told to be none of the application's own. This is the one
//! place that knows them; who reads, joins or judges asks here.
//!
//! | sign | what it says | where |
//! |---|---|---|
//! | `packages/ID.VERSION/`, `node_modules/`, `site-packages/`, `.nuget/` | a package manager put it there | [`Aside::Packages`] |
//! | `obj/` beside a project | the build makes it on the way | [`Aside::Intermediate`] |
//! | `bin/`, `csx/`, `pkg/` beside the project of a cloud service or Service Fabric application, with files of these names elsewhere | packing makes it | [`Aside::Intermediate`] |
//! | `bin/Release/x.cmd` with the bytes of `x.cmd` beside the project | the build copies it to its output | [`Aside::Intermediate`] |
//! | an `.inf` with a signed catalogue and a `.sys` in the folder | part of a driver | [`Aside::Driver`] |
//! | folders of tests, `Orders.Tests.dll` | tests | [`Aside::Tests`] |
//! | folders of samples | shows how something is used | [`Aside::Samples`] |
//! | a program in a folder of tools, beside projects | builds the application | [`Aside::Tools`] |
//! | a binary that no project here builds | was checked in | [`Aside::Unbuilt`] |
//! | `Build-Packages.ps1`, `ci/`, `Uninstall.cmd` | for those who make the application | [`phase_by_name`] |
//! | `DeskSetup.exe`, "Desk Installer" in its version | sets up another program | [`names_setup`] |
//! | `web.config.example`, `.vs/`, `backup/web.config` below a `web.config` | stands for another file | [`not_in_force`] |
//!
//! A tree that was unpacked has no projects, and most signs say nothing of it. Who ships the file by another name, or a
//! team that knows better, is not overruled: `[third-party] include` judges everything.

mod folders;
mod images;
mod projects;
mod scripts;

pub use images::is_windows_image;
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
    /// Files that the build copied to its output, or that packing did, in lower case.
    copied: HashSet<String>,
    /// Documents in folders of backups that stand outside of them as well, in lower case.
    replaced: HashSet<String>,
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
        if !tree.packing.is_empty() {
            tree.copied.extend(packed(artifacts, &tree.packing));
        }
        tree.replaced = tree.replaced(artifacts);
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

    /// Documents in folders of backups whose original is there: at the same place beside the folder, or of the same name in a
    /// folder above. A folder with a project is part of the application, whatever it is called.
    fn replaced(&self, artifacts: &[Artifact]) -> HashSet<String> {
        let backup = |name: &str| -> Option<usize> {
            let mut folders = name.match_indices('/').map(|(end, _)| end);
            folders.find(|end| name[..*end].rsplit('/').next().is_some_and(|last| BACKUPS.contains(&last)))
        };
        let kept: Vec<String> =
            artifacts.iter().map(|a| a.name.to_lowercase()).filter(|name| backup(name).is_some()).collect();
        if kept.is_empty() {
            return HashSet::new();
        }
        let names: HashSet<String> = artifacts.iter().map(|a| a.name.to_lowercase()).collect();
        let is_replaced = |name: &String| {
            let Some(end) = backup(name) else { return false };
            let mut inside = name.match_indices('/').map(|(at, _)| at).filter(|at| *at >= end);
            if inside.any(|at| self.projects.contains(&name[..at]) || self.packing.contains(&name[..at])) {
                return false;
            }
            let file = name.rsplit('/').next().unwrap_or(name);
            let place = |folder: &str, file: &str| match folder {
                "" => file.to_owned(),
                folder => format!("{folder}/{file}"),
            };
            let beside = above(&name[..end]);
            let folders = std::iter::successors(Some(beside), |f| (!f.is_empty()).then(|| above(f)));
            names.contains(&place(beside, &name[end + 1..]))
                || folders.take(MAX_ABOVE).any(|folder| names.contains(&place(folder, file)))
        };
        kept.into_iter().filter(is_replaced).collect()
    }

    /// In `obj` beside a project (MS documentation, "Common MSBuild project properties": `BaseIntermediateOutputPath`).
    fn is_intermediate(&self, name: &str) -> bool {
        name.match_indices('/').map(|(end, _)| &name[..end]).any(|folder| {
            let last = folder.rsplit('/').next().unwrap_or_default().to_lowercase();
            let is_in = |projects: &HashSet<String>| projects.contains(&above(folder).to_lowercase());
            last == "obj" && (is_in(&self.projects) || is_in(&self.packing))
        })
    }
}

/// Most folders above a backup that its original is looked for in.
const MAX_ABOVE: usize = 16;
/// Largest file of an output that is compared with what it may be a copy of, in bytes.
const MAX_COMPARED: u64 = 1 << 20;

/// What packing put into its folders: files whose names others outside of those have. What is there alone was built elsewhere,
/// and nothing else tells of it. `ServiceConfiguration.Cloud.cscfg` loses the name of its environment.
fn packed(artifacts: &[Artifact], packing: &HashSet<String>) -> HashSet<String> {
    let is_packed = |name: &str| {
        let mut folders = name.match_indices('/').map(|(end, _)| &name[..end]);
        folders.any(|folder| {
            PACKED.contains(&folder.rsplit('/').next().unwrap_or_default()) && packing.contains(above(folder))
        })
    };
    let file = |name: &str| {
        let file = name.rsplit('/').next().unwrap_or(name);
        match file.split_once('.') {
            Some((stem, _)) if file.ends_with(".cscfg") => format!("{stem}.cscfg"),
            _ => file.to_owned(),
        }
    };
    let (inside, outside): (Vec<String>, Vec<String>) =
        artifacts.iter().map(|a| a.name.to_lowercase()).partition(|name| is_packed(name));
    let outside: HashSet<String> = outside.iter().map(|name| file(name)).collect();
    inside.into_iter().filter(|name| outside.contains(&file(name))).collect()
}

/// What stands in the output of a project as it stands beside the project, byte for byte: it is judged where it is
/// written (MS documentation, "Common MSBuild project items": `CopyToOutputDirectory`). `App.config` is called after the
/// output there.
fn copied(artifacts: &[Artifact], projects: &HashSet<String>) -> HashSet<String> {
    let files: HashMap<String, &Artifact> = artifacts.iter().map(|a| (a.name.to_lowercase(), a)).collect();
    let is_copy = |name: &str, copy: &Artifact| {
        name.match_indices("/bin/").filter(|(at, _)| projects.contains(&name[..*at])).any(|(at, bin)| {
            let project = &name[..at];
            let inside = std::iter::successors(Some(&name[at + bin.len()..]), |rest| Some(rest.split_once('/')?.1));
            let is_there =
                |file: &str| files.get(&format!("{project}/{file}")).is_some_and(|there| are_equal(there, copy));
            inside.take(MAX_OUTPUT_DEPTH).any(|file| {
                let is_of_program =
                    !file.contains('/') && (file.ends_with(".exe.config") || file.ends_with(".dll.config"));
                is_there(file) || (is_of_program && is_there("app.config"))
            })
        })
    };
    files.iter().filter(|(name, copy)| is_copy(name, copy)).map(|(name, _)| name.clone()).collect()
}

/// Are both of one length, no longer than what is compared, and the same?
fn are_equal(a: &Artifact, b: &Artifact) -> bool {
    let read = |artifact: &Artifact| artifact.read(MAX_COMPARED).ok();
    a.size == b.size && a.size <= MAX_COMPARED && read(a).is_some_and(|bytes| read(b) == Some(bytes))
}

/// Configuration, framework and runtime make folders of an output, and one that holds them all.
const MAX_OUTPUT_DEPTH: usize = 4;

/// Why a document does not count where the application runs, by where it lies and what it is called.
pub fn not_in_force(artifact: &Artifact, tree: &Deployed) -> Option<&'static str> {
    if purpose(&artifact.name) == Some(Purpose::Tests) {
        return Some("in a folder of tests");
    }
    let folders = || artifact.name.split('/').rev().skip(1);
    if folders().any(|folder| UPGRADES.iter().any(|known| folder.eq_ignore_ascii_case(known)))
        || (folders().any(|folder| BACKUPS.iter().any(|known| folder.eq_ignore_ascii_case(known)))
            && tree.replaced.contains(&artifact.name.to_lowercase()))
    {
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

/// Folders that keep what something replaced, by custom: an application may call a part of its own so.
const BACKUPS: &[&str] = &["backup", "backups", "bak"];
/// Those of the upgrades of Visual Studio, and of Umbraco's.
const UPGRADES: &[&str] = &["nugetbackup", "_upgradereport_files"];
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
    #[test]
    fn what_the_build_makes_on_the_way_and_what_belongs_to_a_driver() {
        let names = [
            "src/Shop/Shop.wixproj",
            "svc/Svc.ccproj",
            "svc/ServiceConfiguration.Cloud.cscfg",
            "svc/bin/Release/ServiceConfiguration.cscfg",
            "svc/bin/worker.exe",
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
            ("svc/bin/worker.exe", "pe-x64", None),
            ("drv/a.dll", "pe-x64", Some(Aside::Driver)),
            ("drv/a.inf", "inf", None),
            ("cd/desk.exe", "pe-x64", None),
            ("net/b.dll", "pe-x64", None),
        ] {
            assert_eq!(tree.aside(name, format), aside, "{name}");
        }
    }

    #[test]
    fn a_backup_stands_for_what_is_there() {
        let names = [
            "site/web.config",
            "site/backup/web.config",
            "site/backup/2020/web.config",
            "site/admin/Web.config",
            "site/Bak/admin/web.config",
            "api/backup/web.config",
            "svc/appsettings.json",
            "svc/Backup/Backup.csproj",
            "svc/Backup/appsettings.json",
            "api/nugetBackup/web.config",
        ];
        let artifacts = names.map(Artifact::at);
        let tree = Deployed::of(&artifacts);
        let told: Vec<&str> =
            artifacts.iter().filter(|a| not_in_force(a, &tree).is_some()).map(|a| a.name.as_str()).collect();
        assert_eq!(
            told,
            [
                "site/backup/web.config",
                "site/backup/2020/web.config",
                "site/Bak/admin/web.config",
                "api/nugetBackup/web.config"
            ]
        );
    }
}
