//! Projects of tests: their configuration is in force while they run, and never in service.

use crate::read::Input;

/// Largest project file that is looked at.
const MAX_PROJECT: u64 = 1 << 20;
/// Most files of a folder that are looked at.
const MAX_FILES: usize = 200;

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
    let folder = input.artifact.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let at = input.app.artifacts.partition_point(|a| a.path < folder);
    let beside = input.app.artifacts[at..].iter().take_while(|a| a.path.starts_with(&folder)).take(MAX_FILES);
    let project = |name: &str| {
        let name = name.to_lowercase();
        name == "packages.config" || name.ends_with(".csproj") || name.ends_with(".vbproj")
    };
    beside.filter(|a| !a.path[folder.len()..].contains('/') && project(a.file_name())).find_map(|a| {
        let text = String::from_utf8_lossy(&a.read(MAX_PROJECT).ok()?).to_lowercase();
        FRAMEWORKS.iter().find(|(said, _)| text.contains(said)).map(|(_, name)| *name)
    })
}
