//! Where a source of PHP lies, and whether its application runs on Windows: most of PHP does not, and what is said of drives
//! and temporary folders would be wrong there.

use crate::discover::Artifact;
use crate::discover::is_windows_image;
use crate::facts::{Folder, Hole, Location, Part, Text, join_paths};
use crate::read::Input;

/// Largest file of settings that is looked through.
const MAX_SETTINGS: u64 = 256 << 10;
/// Most Dockerfiles that are looked through for one file.
const MAX_DOCKERFILES: usize = 8;
/// Settings of the web server of Windows, and of PHP for a folder of it.
const SETTINGS: &[&str] = &["web.config", ".user.ini", "applicationhost.config"];
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
    let path = input.artifact.path.replace('\\', "/");
    let parts = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let of = |is_site: bool, root: &str| {
        let mut folders = parts(path.get(root.len()..).unwrap_or_default());
        let name = folders.pop().unwrap_or_default();
        Place { is_site, folders, name }
    };
    if input.app.artifacts.len() <= 1 {
        return Some(of(true, path.get(..path.rfind('/').map_or(0, |at| at + 1)).unwrap_or_default()));
    }
    if is_in_container_of_others(input, &path) {
        return None;
    }
    let mut is_hosted = false;
    let mut root: Option<&str> = None;
    for artifact in &input.app.artifacts {
        let name = artifact.file_name();
        let is_settings = SETTINGS.iter().any(|settings| name.eq_ignore_ascii_case(settings));
        if !is_settings && !is_definition(name) {
            continue;
        }
        is_hosted |= !is_settings;
        // The outermost one above the file is that of its site.
        let folder = artifact.path.get(..artifact.path.len().saturating_sub(name.len())).unwrap_or_default();
        if is_settings && path.starts_with(folder) && root.is_none_or(|root| folder.len() < root.len()) {
            root = Some(folder);
        }
    }
    match root {
        Some(root) => Some(of(true, root)),
        None => is_hosted.then(|| {
            let folder = path.get(..path.rfind('/').map_or(0, |at| at + 1)).unwrap_or_default();
            of(false, folder)
        }),
    }
}

/// Does a Dockerfile beside the file or above it start from images that are none of Windows?
fn is_in_container_of_others(input: &Input<'_>, path: &str) -> bool {
    let is_above = |artifact: &&Artifact| {
        let name = artifact.file_name();
        let folder = artifact.path.get(..artifact.path.len().saturating_sub(name.len())).unwrap_or_default();
        name.to_ascii_lowercase().starts_with("dockerfile") && path.starts_with(folder)
    };
    let files = input.app.artifacts.iter().filter(is_above).take(MAX_DOCKERFILES);
    files.filter_map(|artifact| artifact.read(MAX_SETTINGS).ok()).any(|bytes| {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let mut images = text.lines().filter_map(|line| line.trim_start().strip_prefix("from ")).peekable();
        images.peek().is_some() && !images.any(is_windows_image)
    })
}

/// Is a file part of what others have written?
pub(super) fn is_package(path: &str) -> bool {
    path.split(['/', '\\']).any(|part| PACKAGES.iter().any(|name| part.eq_ignore_ascii_case(name)))
}

/// Do settings of PHP among the files say where sessions are kept? Then they are told there.
pub(super) fn configures_sessions(input: &Input<'_>) -> bool {
    let is_settings = |name: &str| name == ".user.ini" || (name.starts_with("php") && name.ends_with(".ini"));
    let settings = input.app.artifacts.iter().filter(|a| is_settings(&a.file_name().to_ascii_lowercase()));
    settings.filter_map(|a| a.read(MAX_SETTINGS).ok()).any(|bytes| {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        text.lines().any(|line| {
            ["session.save_path", "session.save_handler"].iter().any(|key| line.trim_start().starts_with(key))
        })
    })
}

/// Is it the definition of a cloud service, by its name?
fn is_definition(name: &str) -> bool {
    name.len().checked_sub(6).and_then(|at| name.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(".csdef"))
}
