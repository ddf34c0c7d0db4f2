//! Which assemblies an application has from packages, and which are of its own projects: `NAME.deps.json`, which the
//! .NET SDK puts beside the program or into its single-file bundle ("runtime configuration files" of the host).
//!
//! The file lists libraries by name and version, each of a type (`project`, `package`, `runtimepack`, `reference`), and
//! for each target what of a library is deployed: `runtime` and `native` files beside the program, `runtimeTargets`
//! below it at the path that is written. A package is a third party's, unless its name begins as that of a project
//! does: who divides an application into packages of his own names them alike.

use super::clr::is_well_known;
use crate::discover::{Application, Artifact};
use crate::facts::{Clue, ClueKind, Owner, Reading, Site, beside};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What the name of such a file ends with.
const SUFFIX: &str = ".deps.json";
/// Largest list that is read; those of large applications have less than one MiB.
const MAX_LIST: u64 = 16 << 20;
/// Files of one list that are remembered.
const MAX_FILES: usize = 50_000;

/// Tells the assemblies and native images of packages from the application's own.
pub(super) fn mark(app: &Application, members: &[Artifact], readings: &mut [Reading]) {
    let lists: Vec<List> = app.artifacts.iter().chain(members).filter_map(List::read).collect();
    if lists.is_empty() {
        return;
    }
    for reading in readings.iter_mut().filter(|reading| is_code(reading)) {
        let Some(of) = lists.iter().find_map(|list| list.package_of(&reading.artifact)) else { continue };
        // A project of the application may have a name that libraries have; a framework is one whoever lists it.
        if reading.owner != Owner::Framework {
            reading.owner = of.owner;
        }
        if !of.is_project {
            let id = format!("{} {}", of.name, of.version);
            reading.clue(Site::default(), Clue::new(ClueKind::Identity, "package", id));
        }
    }
}

fn is_code(reading: &Reading) -> bool {
    reading.format == "assembly" || reading.format.starts_with("pe")
}

/// A library that files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
    is_project: bool,
    owner: Owner,
}

/// One list.
#[derive(Debug, Default)]
struct List {
    /// The folder of the program, in lower case, with a separator at its end.
    folder: String,
    /// What is deployed below it, in lower case.
    files: BTreeMap<String, Package>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Deployed>>,
    #[serde(default)]
    libraries: BTreeMap<String, Library>,
}

/// What is deployed of a library. Only the paths count.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Deployed {
    runtime: BTreeMap<String, Value>,
    native: BTreeMap<String, Value>,
    runtime_targets: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type", default)]
    kind: String,
}

impl List {
    fn read(artifact: &Artifact) -> Option<List> {
        if !artifact.file_name().to_ascii_lowercase().ends_with(SUFFIX) || artifact.size > MAX_LIST {
            return None;
        }
        let document: Document = serde_json::from_slice(&artifact.read(MAX_LIST).ok()?).ok()?;
        let folder = beside(&artifact.path).to_lowercase();
        Some(List { folder, files: document.files() })
    }

    fn package_of(&self, artifact: &str) -> Option<&Package> {
        self.files.get(artifact.to_lowercase().strip_prefix(&self.folder)?)
    }
}

impl Document {
    fn files(&self) -> BTreeMap<String, Package> {
        let of_kind = |wanted: &'static str| {
            let libraries = self.libraries.iter().filter(move |(_, library)| library.kind == wanted);
            libraries.map(|(id, _)| id.split('/').next().unwrap_or(id))
        };
        let own: BTreeSet<String> = of_kind("project").map(first_word).collect();
        let mut files = BTreeMap::new();
        for (id, deployed) in self.targets.values().flatten() {
            let (name, version) = id.split_once('/').unwrap_or((id, ""));
            let kind = self.libraries.get(id).map(|library| library.kind.as_str());
            let owner = match kind {
                Some("project") => Owner::Application,
                Some("package") if own.contains(&first_word(name)) && !is_well_known(name) => Owner::Application,
                Some("package") => Owner::ThirdParty,
                Some("runtimepack") => Owner::Framework,
                _ => continue,
            };
            let is_project = kind == Some("project");
            let package = Package { name: name.to_owned(), version: version.to_owned(), is_project, owner };
            let beside = deployed.runtime.keys().chain(deployed.native.keys());
            let beside = beside.map(|path| path.rsplit('/').next().unwrap_or(path));
            let below = deployed.runtime_targets.keys().map(String::as_str);
            for path in beside.chain(below) {
                if files.len() < MAX_FILES {
                    files.insert(path.to_lowercase(), package.clone());
                }
            }
        }
        files
    }
}

/// `contoso` of `Contoso.Orders.Store`.
fn first_word(name: &str) -> String {
    name.split('.').next().unwrap_or(name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"{
        "targets": {
            ".NETCoreApp,Version=v8.0": {},
            ".NETCoreApp,Version=v8.0/win-x64": {
                "Contoso.Shop/1.0.0": { "runtime": { "Contoso.Shop.dll": {} } },
                "Contoso.Store/2.1.0": { "runtime": { "lib/net8.0/Contoso.Store.dll": {} } },
                "Fabrikam.Json/13.0.3": { "runtime": { "lib/net6.0/Fabrikam.Json.dll": { "fileVersion": "13.0.3.1" } } },
                "Engine/3.0.0": {
                    "native": { "runtimes/win-x64/native/engine.dll": {} },
                    "runtimeTargets": { "runtimes/unix/lib/Engine.dll": { "rid": "unix", "assetType": "runtime" } }
                },
                "runtimepack.Microsoft.NETCore.App.Runtime.win-x64/8.0.1": { "native": { "coreclr.dll": {} } }
            }
        },
        "libraries": {
            "Contoso.Shop/1.0.0": { "type": "project", "serviceable": false },
            "Contoso.Store/2.1.0": { "type": "package" },
            "Fabrikam.Json/13.0.3": { "type": "package" },
            "Engine/3.0.0": { "type": "package" },
            "runtimepack.Microsoft.NETCore.App.Runtime.win-x64/8.0.1": { "type": "runtimepack" }
        }
    }"#;

    #[test]
    fn packages_are_told_from_projects() {
        let document: Document = serde_json::from_str(LIST).unwrap();
        let files = document.files();
        let owner = |file: &str| files.get(file).map(|package| package.owner);
        assert_eq!(owner("fabrikam.json.dll"), Some(Owner::ThirdParty));
        assert_eq!(owner("engine.dll"), Some(Owner::ThirdParty));
        assert_eq!(owner("runtimes/unix/lib/engine.dll"), Some(Owner::ThirdParty));
        assert_eq!(owner("coreclr.dll"), Some(Owner::Framework));
        // Of the same house, in a package of its own.
        assert_eq!(owner("contoso.store.dll"), Some(Owner::Application));
        assert!(files["contoso.shop.dll"].is_project);
        assert_eq!(files["fabrikam.json.dll"].version, "13.0.3");
    }

    #[test]
    fn a_list_speaks_of_its_own_folder() {
        let document: Document = serde_json::from_str(LIST).unwrap();
        let list = List { folder: "shop.exe!/".into(), files: document.files() };
        assert!(list.package_of("Shop.exe!/Fabrikam.Json.dll").is_some());
        assert!(list.package_of("other/Fabrikam.Json.dll").is_none());
        assert!(list.package_of("Shop.exe!/plugins/Fabrikam.Json.dll").is_none());
    }
}
