//! Where package managers keep what they were asked for, by names of folders and by what they leave beside a package.
//!
//! NuGet documentation, "Managing the global packages, cache, and temp folders": packages of `packages.config` lie in
//! `packages/ID.VERSION`, those of `PackageReference` in `ID/VERSION` below the global folder, which may have any name; each
//! with `.nupkg.metadata` or the package itself. "NuGet.exe" and its targets lie in `.nuget` (NuGet 2.x, "Package restore").
//! npm documentation, "folders": `node_modules`. Python documentation, "site": `site-packages`.

use super::projects::builds;
use super::{File, SOLUTIONS};
use crate::facts::{file_name, folder_of};
use std::collections::HashSet;

/// Folders of packages that have kept what they were unpacked from, in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Unpacked {
    folders: HashSet<String>,
}

/// What NuGet leaves in the folder of a package that it has unpacked, besides the package itself: where it came from, and
/// its signature (NuGet documentation, "Signed packages").
const LEFT: [&str; 2] = [".nupkg.metadata", ".signature.p7s"];

impl Unpacked {
    pub(super) fn of(files: &[File<'_>]) -> Self {
        let is_left = |file: &&File<'_>| {
            let (folder, name) = (folder_of(&file.name), file_name(&file.name));
            let package = name.strip_suffix(".sha512").unwrap_or(name);
            let named = package.strip_suffix(".nupkg");
            // Elsewhere a package is what somebody publishes.
            named.is_some_and(|named| folder.replace('/', ".").ends_with(named) && has_version(file_name(folder)))
                || LEFT.contains(&name) && has_version(file_name(folder))
        };
        let folders: HashSet<String> =
            files.iter().filter(is_left).map(|file| folder_of(&file.name).to_owned()).collect();
        let unpacked = Unpacked { folders };
        // An application that is deployed as a package is unpacked with what says so, too: then nothing lies beside it.
        let mut others = files.iter().filter(|file| !unpacked.is_around(&file.name));
        // So is one that lies among scripts that deploy it: a package manager is asked for packages in a file of its own, or in
        // that of a project.
        let is_asked = others.any(|file| {
            ASKS.contains(&file_name(&file.name))
                || builds(file.ending()).is_some()
                || SOLUTIONS.contains(&file.ending())
        });
        if is_asked { unpacked } else { Unpacked::default() }
    }

    /// Does a path inside the application lie where a package manager keeps what it was asked for?
    pub(super) fn holds(&self, name: &str) -> bool {
        is_of_packages(name) || (!self.folders.is_empty() && self.is_around(&name.to_lowercase()))
    }

    /// One of the folders is around a path in lower case.
    fn is_around(&self, lower: &str) -> bool {
        lower.match_indices('/').any(|(end, _)| self.folders.contains(&lower[..end]))
    }
}

/// Files in which a package manager is told what to fetch (NuGet and Paket documentation).
const ASKS: [&str; 8] = [
    "packages.config",
    "nuget.config",
    "packages.lock.json",
    "project.json",
    "project.assets.json",
    "directory.packages.props",
    "paket.dependencies",
    "paket.lock",
];

/// Ends with a number of at least two parts: `2.0.8`, `Log.2.0.8-beta`.
fn has_version(folder: &str) -> bool {
    let mut numbers = folder.split('.').filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    numbers.nth(1).is_some()
}

/// A version and nothing else: `2.0.8`.
fn is_version(folder: &str) -> bool {
    let starts = folder.split('.').take(3).map(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    starts.filter(|is_number| *is_number).count() == 3
}

/// Folders of a package that only those who build with it look into (NuGet documentation, "Creating a package").
const PARTS: [&str; 8] =
    ["analyzers", "build", "buildmultitargeting", "buildtransitive", "contentfiles", "lib", "ref", "runtimes"];

/// `packages`, or a copy that somebody put away: `packages_old`, `packages_2014`.
fn is_packages(folder: &str) -> bool {
    const AWAY: [&str; 5] = ["backup", "bak", "bkp", "old", "orig"];
    let Some(rest) = folder.get(.."packages".len()).filter(|head| head.eq_ignore_ascii_case("packages")) else {
        return false;
    };
    let rest = folder[rest.len()..].to_lowercase();
    let word = rest.trim_start_matches(['_', '-', '.', ' ']);
    rest.is_empty() || word.len() < rest.len() && (AWAY.contains(&word) || word.bytes().all(|b| b.is_ascii_digit()))
}

fn is_of_packages(name: &str) -> bool {
    let folders: Vec<&str> = name.split('/').collect();
    let kept =
        |folder: &&str| folder.eq_ignore_ascii_case(".nuget") || ["node_modules", "site-packages"].contains(folder);
    let in_version = |below: &[&str]| {
        let mut numbers = below[1].split('.').skip(1).filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
        is_packages(below[0]) && numbers.nth(1).is_some()
    };
    let in_id = |below: &[&str]| {
        let is_part = PARTS.iter().any(|part| below[3].eq_ignore_ascii_case(part));
        is_packages(below[0]) && is_version(below[2]) && is_part
    };
    folders.iter().rev().skip(1).any(kept)
        || folders.windows(3).any(in_version)
        || folders[..folders.len() - 1].windows(4).any(in_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Artifact;

    #[test]
    fn what_a_package_manager_put_there() {
        for name in [
            ".nuget/NuGet.exe",
            "src/.nuget/NuGet.exe",
            "packages/Tool.1.2.0/tools/tool.exe",
            "packages/Log.2.0.8/content/web.config",
            "old/Packages_2014/Log.2.0.8/Templates/log.config",
            "src/packages/Log/2.0.8/lib/net48/Log.dll",
            "site/node_modules/notifier/vendor/notify.exe",
            "venv/Lib/site-packages/setuptools/gui.exe",
        ] {
            assert!(is_of_packages(name), "{name}");
        }
        for name in [
            "nuget.exe",
            "packages/setup.exe",
            "packages/desk/setup.exe",
            "packages/setup.v2.exe",
            "packagesold/Log.2.0.8/log.config",
            "packages/desk/1.2.0/tools/install.ps1",
            "packages/desk/1.2.0/lib",
            "packages/desk/lib/net48/desk.dll",
            "a.nuget/b.exe",
        ] {
            assert!(!is_of_packages(name), "{name}");
        }
    }

    #[test]
    fn what_a_package_was_unpacked_from_lies_beside_it() {
        let names = [
            "libs/log/2.0.8/.nupkg.metadata",
            "libs/mail/1.0.0/mail.1.0.0.nupkg.sha512",
            "put-away/Desk.4.0.4.4000/.signature.p7s",
            "dist/Own.1.0.0.nupkg",
            "own/bin/Own.1.0.0.nupkg",
            "own/Own.csproj",
        ]
        .map(Artifact::at);
        let files: Vec<File<'_>> = names.iter().map(File::new).collect();
        let unpacked = Unpacked::of(&files);
        for name in ["libs/Log/2.0.8/tools/log.exe", "libs/mail/1.0.0/x.dll", "put-away/Desk.4.0.4.4000/a.cfg.xml"] {
            assert!(unpacked.holds(name), "{name}");
        }
        for name in ["libs/log/readme.exe", "dist/own.exe", "own/bin/own.exe", "put-away/a.cfg.xml"] {
            assert!(!unpacked.holds(name), "{name}");
        }
    }

    #[test]
    fn packages_that_nothing_asks_for_are_what_is_deployed() {
        let holds = |beside: &str| {
            let names = ["Site.1.0.0/.signature.p7s", "Service.1.0.0/.signature.p7s", beside].map(Artifact::at);
            let files: Vec<File<'_>> = names.iter().map(File::new).collect();
            Unpacked::of(&files).holds("Site.1.0.0/web.config")
        };
        assert!(!holds("deploy.cmd"));
        assert!(holds("packages.config") && holds("Desk.sln"));
    }
}
