//! What a folder of a source tree is there for, by its name.

use crate::facts::folder_of;

/// What a folder is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Holds tests, or what they work on.
    Tests,
    /// Shows how something is used.
    Samples,
    /// Holds programs that a build starts.
    Tools,
}

/// Names of folders with tests that are written as one word, in lower case.
const TESTS: &[&str] = &[
    "test",
    "tests",
    "testing",
    "__tests__",
    "testdata",
    "unittest",
    "unittests",
    "integrationtest",
    "integrationtests",
    "functionaltests",
    "acceptancetests",
    "specs",
    "fixture",
    "fixtures",
];
/// Names of folders with samples.
const SAMPLES: &[&str] = &["sample", "samples", "example", "examples"];
/// Names of folders with tools: those by custom, and those of Paket and NuGet ("paket.bootstrapper.exe", Paket
/// documentation, "Getting started").
const TOOLS: &[&str] = &["tools", "tool", "buildtools", "build-tools", ".paket", ".nuget", ".build"];
/// Folders of a build that hold what it uses; what it makes lies elsewhere in it.
const OF_BUILD: &[&str] = &["build", "buildsupport", ".build"];
const USED: &[&str] = &["lib", "libs", "bin", "tasks"];

/// What the folders are there for that a file lies in; tests come first, whatever they lie in.
pub(super) fn purpose(name: &str) -> Option<Purpose> {
    let folders = || folder_of(name).split('/');
    if folders().any(|folder| is_of(folder, TESTS)) {
        return Some(Purpose::Tests);
    }
    if folders().any(|folder| is_of(folder, SAMPLES)) {
        return Some(Purpose::Samples);
    }
    tools(name).map(|_| Purpose::Tools)
}

/// Is this the name of an assembly of tests: `Orders.Tests`? One test may be the business of an application, several are
/// not.
pub(super) fn names_tests(stem: &str) -> bool {
    stem.split('.').any(|part| last_word(part).eq_ignore_ascii_case("tests"))
}

/// The folder with tools that a file lies in.
pub(super) fn tools(name: &str) -> Option<&str> {
    let is = |folder: &str, names: &[&str]| names.iter().any(|known| folder.eq_ignore_ascii_case(known));
    let (mut start, mut above) = (0, "");
    for (end, _) in name.match_indices('/') {
        let folder = &name[start..end];
        if is(folder, TOOLS) || is(above, OF_BUILD) && is(folder, USED) {
            return Some(&name[..end]);
        }
        (start, above) = (end + 1, folder);
    }
    None
}

/// Is the last word of a part of the name one of these: `Orders.Tests`, `IntegrationTests`, `ad-hoc-tests`?
fn is_of(folder: &str, names: &[&str]) -> bool {
    let is = |word: &str| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    is(folder) || folder.split('.').any(|part| is(last_word(part)))
}

/// `Tests` of `IntegrationTests`, `test` of `nuget-test`.
fn last_word(part: &str) -> &str {
    let word = part.rsplit(['-', '_', ' ']).next().unwrap_or(part);
    let begins = word
        .char_indices()
        .zip(word.chars().skip(1))
        .filter(|((_, before), c)| (before.is_lowercase() || before.is_ascii_digit()) && c.is_uppercase());
    begins.last().map_or(word, |((at, before), _)| &word[at + before.len_utf8()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_by_their_names() {
        for name in [
            "tests/web.config",
            "test/functional/www/web.config",
            "IntegrationTests/web.config",
            "src/Orders.Tests/App.config",
            "src/UnitTests.Orders/App.config",
            "nuget-test/fixtures/Site.Fixture/Web.config",
            "BuildPackages/ad-hoc-tests/tools/install.ps1",
        ] {
            assert_eq!(purpose(name), Some(Purpose::Tests), "{name}");
        }
        assert_eq!(purpose("docs/CORS Blog Sample/Web.config"), Some(Purpose::Samples));
        for name in ["latest/a.exe", "contests/a.exe", "TestStand/a.exe", "Orders.Testament/a.exe", "a.exe"] {
            assert_eq!(purpose(name), None, "{name}");
        }
        assert_eq!(tools("src/Tools/exes/a.exe"), Some("src/Tools"));
        assert_eq!(tools("build/lib/a.dll"), Some("build/lib"));
        assert_eq!(tools("build/release/a.dll"), None);
        assert!(names_tests("Orders.UnitTests") && !names_tests("Orders.Test") && !names_tests("protests"));
    }
}
