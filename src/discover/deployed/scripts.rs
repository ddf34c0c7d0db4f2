//! Scripts that are for those who make the application, told from their names: what they write stays on the machine of a
//! developer or of a build.

use crate::facts::{Phase, is_out_of_service};

/// Words of names that a build has: of its own scripts, and of the tools Invoke-Build, psake and Sampler by their
/// documentation.
const BUILDS: &[&str] = &["psake", "psakefile"];

/// What is built that an instance is made from: that is a matter of the application.
const IMAGES: &[&str] =
    &["image", "images", "vm", "ami", "vhd", "wim", "container", "docker", "template", "box", "server", "machine"];

/// Folders of what runs on a server that builds.
const FOLDERS: &[&str] = &["ci", ".github", ".azure-pipelines", ".circleci", ".teamcity"];

/// What a script, or the source of an installer, is there for that nothing starts: the phase, and how that is known. Nothing is
/// said of one that may be for an instance.
pub fn phase_by_name(path: &str, is_script: bool) -> Option<(Phase, &'static str)> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let words = words(stem);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let begins = words.first().is_some_and(|word| word == "build");
    let ends = stem.to_ascii_lowercase().ends_with(".build");
    // Behind a hyphen or a point "test" may be the environment that something is for: `deploy-test`.
    let is_divided = stem.to_ascii_lowercase().ends_with("test")
        && stem.len() > 4
        && stem.get(..stem.len() - 4).is_some_and(|before| before.ends_with(['-', '_', '.', ' ']));
    let is_test = words.len() > 1 && !is_divided && words.last().is_some_and(|word| word == "test" || word == "tests");
    let why = if is_test {
        "a test, by its name"
    } else if !is_script {
        return None;
    } else if words.iter().any(|word| word.starts_with("uninst")) || (has(&["un"]) && has(&["install"])) {
        "a script of the uninstallation, by its name"
    } else if (begins || ends || has(BUILDS)) && !has(IMAGES) {
        "a script that builds the application, by its name"
    } else if folders.split('/').any(|folder| FOLDERS.contains(&folder) || is_out_of_service(folder)) {
        "a script for developers, by its folder"
    } else {
        return None;
    };
    Some((Phase::NotShipped, why))
}

/// Is this the name of a program that sets up another, or how such a program describes itself?
pub fn names_setup(name: &str) -> bool {
    words(name).last().is_some_and(|word| word == "setup" || word == "installer")
}

/// The words of a name, in lower case: at signs, and where a capital letter follows a small one.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (was_small && c.is_uppercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_what_is_not_on_an_instance() {
        for path in [
            "build.ps1",
            "tools/Build-Packages.ps1",
            "BuildAll.cmd",
            "desk.build.ps1",
            "Build.PSake.ps1",
            "desk/Uninstall.bat",
            "UnInstallService.cmd",
            "dev/create-cert.ps1",
            "ci/publish.ps1",
        ] {
            assert!(phase_by_name(path, true).is_some(), "{path}");
        }
        for path in
            ["install.cmd", "build-image.ps1", "BuildServer.ps1", "builders.cmd", "device/start.ps1", "rebuild.cmd"]
        {
            assert_eq!(phase_by_name(path, true), None, "{path}");
        }
        assert!(names_setup("desk_installer") && names_setup("DeskSetup") && !names_setup("Setup Center"));
        assert!(phase_by_name("src/KeyEditorTest.reg", false).is_some());
        for path in ["test.reg", "build.nsi", "Latest.reg", "tests/desk.iss"] {
            assert_eq!(phase_by_name(path, false), None, "{path}");
        }
    }
}
