//! What of a tree is deployed: every sign by which a file is told to be none of the application's own. This is the one
//! place that knows them; who reads, joins or judges asks here.
//!
//! | sign | what it says | where |
//! |---|---|---|
//! | `packages/ID.VERSION/`, `node_modules/`, `site-packages/`, `.nuget/`, a folder with `.nupkg.metadata` | a package manager put it there | [`Aside::Packages`] |
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

mod backups;
mod copies;
mod folders;
mod images;
mod outputs;
mod packages;
mod projects;
mod scripts;

pub use backups::not_in_force;
pub use images::is_windows_image;
pub use outputs::{Output, is_of_build, program_name, source_name};
pub use scripts::{names_setup, phase_by_name};

use self::folders::{Purpose, names_tests, purpose, tools};
use super::Artifact;
use crate::facts::{self, file_name, folder_of, is_binary};
use packages::Unpacked;
use projects::{Builds, Built};
use std::collections::HashSet;

/// A file of the tree, with its name in lower case: Windows makes no difference.
struct File<'a> {
    name: String,
    artifact: &'a Artifact,
}

impl<'a> File<'a> {
    fn new(artifact: &'a Artifact) -> Self {
        File { name: artifact.name.to_lowercase(), artifact }
    }

    /// Its extension; empty if there is none.
    fn ending(&self) -> &str {
        file_name(&self.name).rsplit_once('.').map_or("", |(stem, ending)| if stem.is_empty() { "" } else { ending })
    }
}

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
    /// Packages that a package manager unpacked.
    unpacked: Unpacked,
    /// What the projects build.
    built: Option<Built>,
    /// Files that the build copied to its output, or that packing did, in lower case.
    copied: HashSet<String>,
    /// Documents in folders of backups that stand outside of them as well, in lower case.
    replaced: HashSet<String>,
    /// It holds the definition of a cloud service.
    has_roles: bool,
    /// Folders with the configuration of a web site, in lower case.
    sites: HashSet<String>,
    /// Folders, in lower case, of web sites that were compiled before they were deployed (MS documentation, "ASP.NET Precompilation Overview").
    precompiled: HashSet<String>,
}

/// Endings of projects that pack what other projects build: cloud services, and applications of Service Fabric.
const PACKING: [&str; 2] = ["ccproj", "sfproj"];
/// Endings of what lists several projects.
const SOLUTIONS: [&str; 2] = ["sln", "slnx"];

impl Deployed {
    /// Looks at the names of all files, and into the projects among them.
    pub(super) fn of(artifacts: &[Artifact]) -> Self {
        let files: Vec<File<'_>> = artifacts.iter().map(File::new).collect();
        let mut tree = Deployed { built: Built::new(&files), unpacked: Unpacked::of(&files), ..Deployed::default() };
        let (mut described, mut signed, mut modules) = (HashSet::new(), HashSet::new(), HashSet::new());
        for file in &files {
            let (ending, folder) = (file.ending(), || folder_of(&file.name).to_owned());
            // Those of Visual Basic 6 say nothing of what lies around them.
            let builds = projects::builds(ending).filter(|builds| *builds != Builds::Basic);
            let is_program = builds.is_some_and(|builds| builds != Builds::Installers) || SOLUTIONS.contains(&ending);
            tree.has_projects |= is_program && tools(&file.name).is_none();
            tree.has_roles |= ending == "csdef";
            if file_name(&file.name) == "web.config" {
                tree.sites.insert(folder());
            }
            if file_name(&file.name) == "precompiledapp.config" {
                tree.precompiled.insert(folder());
            }
            match ending {
                "nuspec" => tree.packages.insert(folder()),
                "inf" => described.insert(folder()),
                "cat" => signed.insert(folder()),
                "sys" => modules.insert(folder()),
                ending if PACKING.contains(&ending) => tree.packing.insert(folder()),
                _ if builds.is_some() => tree.projects.insert(folder()),
                _ => false,
            };
        }
        tree.copied = copies::of(&files, &tree.projects, &tree.packing);
        tree.replaced =
            backups::replaced(&files, |folder| tree.projects.contains(folder) || tree.packing.contains(folder));
        tree.drivers = described.intersection(&signed).filter(|folder| modules.contains(*folder)).cloned().collect();
        tree
    }

    /// Why a file is no part of what is deployed, by its name inside the application and its format.
    pub fn aside(&self, name: &str, format: &str) -> Option<Aside> {
        if self.unpacked.holds(name) {
            return Some(Aside::Packages);
        }
        if self.is_intermediate(name) || self.copied.contains(&name.to_lowercase()) {
            return Some(Aside::Intermediate);
        }
        if is_binary(format) {
            let file = file_name(name);
            if self.drivers.contains(&folder_of(name).to_lowercase()) {
                return Some(Aside::Driver);
            }
            if names_tests(file.rsplit_once('.').map_or(file, |(stem, _)| stem)) {
                return Some(Aside::Tests);
            }
        }
        let is_foreign =
            || !self.is_of_site(name) && self.built.as_ref().is_some_and(|built| built.is_foreign(name, format));
        match purpose(name) {
            Some(Purpose::Tests) => Some(Aside::Tests),
            _ if is_foreign() => Some(Aside::Unbuilt),
            Some(Purpose::Samples) => Some(Aside::Samples),
            Some(Purpose::Tools) => {
                let is_installed =
                    || tools(name).is_some_and(|at| self.packages.contains(&folder_of(at).to_lowercase()));
                (self.has_projects && is_binary(format) && !is_installed()).then_some(Aside::Tools)
            }
            None => None,
        }
    }

    /// What a build put where a file lies, and of which source.
    pub fn output(&self, name: &str) -> Option<Output> {
        outputs::of(name, &self.projects)
    }

    /// In `bin` of a web site that no project makes: it is what the site consists of, whatever projects there are beside it (MS
    /// documentation, "ASP.NET Web Site Project Folders").
    fn is_of_site(&self, name: &str) -> bool {
        let folder = folder_of(name).to_lowercase();
        let site = folder_of(&folder);
        file_name(&folder) == "bin" && self.sites.contains(site) && !self.projects.contains(site)
    }

    /// Does a source, by its name inside the application, run where it lies? ASP.NET compiles what is in `App_Code` when it is
    /// asked for (MS documentation, "Shared Code Folders in ASP.NET Web Site Projects"), unless it was done before.
    pub fn is_compiled_in_place(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let mut above = facts::folders(&name);
        above.any(|folder| file_name(folder) == "app_code" && !self.precompiled.contains(folder_of(folder)))
    }

    /// Does a source, by its name inside the application, belong to a project of which nothing that it builds is there? Tests,
    /// samples and tools do not count.
    pub fn is_unbuilt_source(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        purpose(&name).is_none() && self.built.as_ref().is_some_and(|built| built.is_unbuilt(&name, &self.projects))
    }

    /// Is part of it a cloud service?
    pub fn has_roles(&self) -> bool {
        self.has_roles
    }

    /// In `obj` beside a project (MS documentation, "Common MSBuild project properties": `BaseIntermediateOutputPath`).
    fn is_intermediate(&self, name: &str) -> bool {
        name.match_indices('/').map(|(end, _)| &name[..end]).any(|folder| {
            let last = file_name(folder).to_lowercase();
            let is_in = |projects: &HashSet<String>| projects.contains(&folder_of(folder).to_lowercase());
            last == "obj" && (is_in(&self.projects) || is_in(&self.packing))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
