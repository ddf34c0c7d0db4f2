//! What builds make, by the names that they give: which source a file of an output stands for, and which programs are builds
//! of one.

use crate::facts::{file_name, folder_of};
use std::collections::HashSet;

/// Folders that a build makes below `bin`, one in another: configurations, and what ends it.
const CONFIGURATIONS: [&str; 5] = ["debug", "release", "publish", "app.publish", "anycpu"];
/// What the folders of frameworks and runtimes begin with (.NET documentation, "Target frameworks" and "RID Catalog").
const FRAMEWORKS: [&str; 4] = ["netcoreapp", "netstandard", "net", "win"];
/// What names of programs end with that say for which machine or framework they are built.
const BUILDS: &[&str] = &[".net2", ".net4", "x64", "x86", "win64", "win32", "amd64", "64", "32"];

/// A file that a build made of a source, or copied from where it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Output {
    /// The folder of the source, in lower case.
    pub folder: String,
    /// What the source is called, in lower case.
    pub file: String,
}

/// The source of a file below `bin` beside a project (MS documentation, "Common MSBuild project properties": `OutputPath`):
/// `host/services/App.config` of `host/bin/Release/net8.0/services/host.exe.config`.
pub(super) fn of(name: &str, projects: &HashSet<String>) -> Option<Output> {
    let name = name.to_lowercase();
    let folders = name.match_indices('/').map(|(end, _)| &name[..end]);
    let mut bins = folders.filter(|folder| file_name(folder) == "bin");
    let bin = bins.find(|bin| projects.contains(folder_of(bin)))?;
    let project = folder_of(bin);
    let inside = folder_of(&name).get(bin.len()..).unwrap_or_default().trim_start_matches('/');
    let kept = inside.split('/').skip_while(|part| part.is_empty() || is_made(part));
    let folder = kept.fold(project.to_owned(), |folder, part| match folder.as_str() {
        "" => part.to_owned(),
        _ => format!("{folder}/{part}"),
    });
    Some(Output { folder, file: source_name(file_name(&name)) })
}

/// Is it the name of a folder that a build makes in its output? It is in lower case.
fn is_made(part: &str) -> bool {
    let of_framework = FRAMEWORKS.iter().find_map(|known| part.strip_prefix(known));
    CONFIGURATIONS.contains(&part)
        || is_of_build(part)
        || of_framework.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
}

/// Does a name in lower case say no more than for which machine or framework something is built?
pub fn is_of_build(part: &str) -> bool {
    BUILDS.contains(&part)
}

/// What a file in lower case is called where the build takes it from: the configuration of a program is `App.config` there (MS
/// documentation, "Configuring Apps by using Configuration Files").
pub fn source_name(file: &str) -> String {
    match file.rsplit_once('.') {
        Some((program, "config")) if program.ends_with(".exe") || program.ends_with(".dll") => "app.config".to_owned(),
        _ => without_environment(file),
    }
}

/// What a file in lower case is called in a package: `ServiceConfiguration.Cloud.cscfg` loses the name of its environment.
pub(super) fn without_environment(file: &str) -> String {
    match file.rsplit_once('.') {
        Some((stem, "cscfg")) => format!("{}.cscfg", stem.split('.').next().unwrap_or(stem)),
        _ => file.to_owned(),
    }
}

/// The name of a program, in lower case, without what tells its builds apart: `tool.exe` and `tool-x64.exe` are one.
pub fn program_name(file: &str) -> String {
    let file = file.to_lowercase();
    let Some((stem, ending)) = file.rsplit_once('.') else { return file };
    let of_build = BUILDS.iter().find_map(|build| stem.strip_suffix(build));
    let plain = of_build.map_or(stem, |plain| plain.trim_end_matches(['-', '_', '.']));
    if plain.is_empty() { file } else { format!("{plain}.{ending}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_outputs() {
        let projects = HashSet::from(["host".to_owned(), String::new()]);
        let source = |name: &str| of(name, &projects).map(|source| (source.folder, source.file));
        let is = |folder: &str, file: &str| Some((folder.to_owned(), file.to_owned()));
        assert_eq!(source("host/bin/Release/net8.0/services/a.json"), is("host/services", "a.json"));
        assert_eq!(source("host/bin/Debug/Host.exe.config"), is("host", "app.config"));
        assert_eq!(source("bin/a.json"), is("", "a.json"));
        assert_eq!(source("bin/x64/p/a.json"), is("p", "a.json"));
        assert_eq!(source("other/bin/a.json"), None);
        assert_eq!(source_name("serviceconfiguration.cloud.cscfg"), "serviceconfiguration.cscfg");
    }
}
