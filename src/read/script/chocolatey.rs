//! Scripts that Chocolatey runs by their names (Chocolatey documentation, "Create Packages").

use crate::facts::Phase;

/// When a script of a package runs, and how that is known.
pub(super) fn phase(file_name: &str) -> Option<(Phase, &'static str)> {
    match file_name.to_ascii_lowercase().as_str() {
        "chocolateyinstall.ps1" => Some((Phase::Build, "assumed: a package is installed before the image is captured")),
        "chocolateyuninstall.ps1" => Some((Phase::NotShipped, "runs when the package is removed")),
        "chocolateybeforemodify.ps1" => Some((Phase::NotShipped, "runs when the package is replaced or removed")),
        _ => None,
    }
}
