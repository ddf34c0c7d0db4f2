//! Where a source of PHP lies, and whether its application runs on Windows: most of PHP does not, and what is said of drives
//! and temporary folders would be wrong there.

use super::outside;
use crate::facts::{Folder, Hole, Location, Part, Text, beside, join_paths};
use crate::read::Input;

/// Folders of what a package manager or the product itself puts there.
const PACKAGES: &[&str] = &["vendor", "node_modules", "wp-admin", "wp-includes"];

/// A file, below the folder that its application begins in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// A site; otherwise the application of a service or a container.
    is_site: bool,
    /// Folders from there to the file.
    folders: Vec<String>,
    name: String,
}

impl Place {
    /// The folder of the file.
    pub(super) fn folder(&self) -> Text {
        let below: String = self.folders.iter().map(|folder| format!("\\{folder}")).collect();
        self.root().concat(&Text::lit(below))
    }

    /// The file itself.
    pub(super) fn file(&self) -> Text {
        self.folder().concat(&Text::lit(format!("\\{}", self.name)))
    }

    /// The folder that the application begins in.
    pub(super) fn root(&self) -> Text {
        Text::folder(if self.is_site { Folder::WebRoot } else { Folder::AppDir })
    }

    /// A path that the file names, where it is below the folder of the application.
    pub(super) fn named(&self, path: &Text) -> Option<Place> {
        let location = Location::file(path);
        let location = match location.is_relative() {
            true => Location::file(&join_paths(&self.folder(), location.text())),
            false => location,
        };
        let [Part::Hole(Hole::Folder(Folder::WebRoot | Folder::AppDir)), Part::Lit(below)] = location.text().parts()
        else {
            return None;
        };
        let mut folders: Vec<String> = below.split('\\').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let name = folders.pop().filter(|name| !name.contains(['*', '?', '{']))?;
        Some(Place { is_site: self.is_site, folders, name })
    }

    /// The path from the folder of this file to another.
    pub(super) fn towards(&self, other: &Place) -> String {
        let shared = self.folders.iter().zip(&other.folders).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
        let down = other.folders.get(shared..).unwrap_or_default().iter().chain([&other.name]);
        let down: Vec<&str> = down.map(String::as_str).collect();
        format!("{}{}", "../".repeat(self.folders.len() - shared), down.join("/"))
    }
}

/// Where a file lies, if its application runs on Windows: beside a configuration of its web server or of a cloud service, or
/// alone, as somebody names it.
pub(super) fn place(input: &Input<'_>) -> Option<Place> {
    let path = input.artifact.path.as_str();
    let of = |is_site: bool, root: &str| {
        let below = path.get(root.len()..).unwrap_or_default();
        let mut folders: Vec<String> = below.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let name = folders.pop().unwrap_or_default();
        Place { is_site, folders, name }
    };
    if input.app.artifacts.len() <= 1 {
        return Some(of(true, beside(path)));
    }
    if input.hosting.is_elsewhere(input.app, path) {
        return None;
    }
    match input.hosting.site(input.app, path) {
        Some(root) if input.hosting.is_of_others(input.app, root) => None,
        Some(root) => Some(of(true, root)),
        None => match input.hosting.taken_in(input.app, path) {
            Some(root) => {
                let mut folders = outside::folders_to(&root, path);
                let name = folders.pop()?;
                Some(Place { is_site: true, folders, name })
            }
            None => input.app.deployed().has_roles().then(|| of(false, beside(path))),
        },
    }
}

/// Is a file part of what others have written?
pub(super) fn is_package(path: &str) -> bool {
    path.split(['/', '\\']).any(|part| PACKAGES.iter().any(|name| part.eq_ignore_ascii_case(name)))
}
