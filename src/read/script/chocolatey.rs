//! Scripts that Chocolatey runs by their names (Chocolatey documentation, "Create Packages").

use crate::facts::Phase;
use crate::read::Input;

/// Modules are imported first.
const MAX_HEAD: usize = 40;

/// A script that keeps a package up to date runs at its maintainer's, and is not part of the package (documentation of
/// the module AU).
pub(super) fn updater(text: &str) -> Option<(Phase, &'static str)> {
    let imports = text.lines().take(MAX_HEAD).filter_map(|line| {
        let (word, module) = line.trim().split_once(' ')?;
        word.eq_ignore_ascii_case("import-module").then_some(module.trim())
    });
    let module = |line: &str| line.split([' ', ';']).next().unwrap_or_default().to_ascii_lowercase();
    imports
        .into_iter()
        .any(|line| matches!(module(line).as_str(), "au" | "chocolatey-au"))
        .then_some((Phase::NotShipped, "keeps a package up to date, with the module AU"))
}

/// When a script of a package runs, and how that is known: by its name, or because it lies beside the one that installs
/// the package and so is of no use to anyone else.
pub(super) fn phase(input: &Input<'_>) -> Option<(Phase, &'static str)> {
    let own = named(input.artifact.file_name());
    own.or_else(|| input.app.sibling(input.artifact, INSTALLS).and_then(|_| named(INSTALLS)))
}

/// The script that installs a package.
const INSTALLS: &str = "chocolateyInstall.ps1";

fn named(file_name: &str) -> Option<(Phase, &'static str)> {
    match file_name.to_ascii_lowercase().as_str() {
        "chocolateyinstall.ps1" => Some((Phase::Build, "assumed: a package is installed before the image is captured")),
        "chocolateyuninstall.ps1" => Some((Phase::NotShipped, "runs when the package is removed")),
        "chocolateybeforemodify.ps1" => Some((Phase::NotShipped, "runs when the package is replaced or removed")),
        _ => None,
    }
}
