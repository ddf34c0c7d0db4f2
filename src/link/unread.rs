//! What is started and was not read: what it does is not known, and that is said.

use super::index::Index;
use super::phases::started_path;
use crate::discover::Application;
use crate::facts::{ClueKind, Folder, Hole, NoteKind, Part, Reading};
use std::collections::HashSet;

/// Most starts that are told of one artifact.
const MAX_TOLD: usize = 8;

/// Extensions of what a command line starts as a file of the package. Programs are often on the path, or made later by
/// a build, and are only told when a folder is named.
const SCRIPTS: &[&str] =
    &["cmd", "bat", "ps1", "vbs", "vbe", "js", "jse", "wsf", "hta", "jar", "py", "pl", "rb", "php"];
/// Of these one that is somewhere else is another file: it would have been read.
const READ: &[&str] = &["cmd", "bat", "ps1", "vbs", "js", "wsf"];
const PROGRAMS: &[&str] = &["exe", "com", "dll", "msi", "reg"];

/// Adds notes to the artifacts that start what is in the package and not understood, or not in the package at all.
pub(super) fn tell(readings: &mut [Reading], app: &Application) {
    let index = Index::new(readings);
    let is_there =
        |starter: &str, path: &str| app.find(starter).is_some_and(|starter| app.sibling(starter, path).is_some());
    let names: HashSet<String> = app.artifacts.iter().map(|a| a.file_name().to_lowercase()).collect();
    let mut notes: Vec<(usize, NoteKind, String)> = Vec::new();
    for (number, reading) in readings.iter().enumerate() {
        let mut told: HashSet<String> = HashSet::new();
        for fact in super::steps::counted(&reading.facts) {
            let Some(clue) = fact.as_clue().filter(|c| c.kind == ClueKind::Starts && c.key != "uninstall") else {
                continue;
            };
            let path = started_path(clue);
            let Some((text, name)) = clue.location.as_ref().map(|l| l.text()).zip(path.rsplit(['\\', '/']).next())
            else {
                continue;
            };
            if !is_of_package(text.parts()) || index.find(&reading.artifact, &path).is_some() {
                continue;
            }
            if name.contains(['*', '?']) {
                continue;
            }
            let extension = name.rsplit_once('.').map(|(_, e)| e.to_lowercase()).unwrap_or_default();
            let in_folder = path.contains(['\\', '/']);
            let is_script = SCRIPTS.contains(&extension.as_str());
            if !(is_script || in_folder && PROGRAMS.contains(&extension.as_str())) || !told.insert(path.to_lowercase())
            {
                continue;
            }
            let place = fact.site.short();
            let (kind, text) = if is_there(&reading.artifact, &path)
                || (!READ.contains(&extension.as_str()) && names.contains(&name.to_lowercase()))
            {
                (
                    NoteKind::Unsupported,
                    format!("{path} is started at {place} and was not read: what it does is not known"),
                )
            } else {
                (
                    NoteKind::Info,
                    format!("{path} is started at {place} and is not among the files: what it does is not known"),
                )
            };
            if told.len() <= MAX_TOLD {
                notes.push((number, kind, text));
            }
        }
        if told.len() > MAX_TOLD {
            let text = format!("{} more files are started that were not read", told.len() - MAX_TOLD);
            notes.push((number, NoteKind::Info, text));
        }
    }
    for (number, kind, text) in notes {
        readings[number].note(kind, text);
    }
}

/// Beside the starter, as far as the text goes.
fn is_of_package(parts: &[Part]) -> bool {
    matches!(parts, [Part::Hole(Hole::Folder(Folder::AppDir | Folder::Cwd | Folder::RoleRoot)), Part::Lit(_)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Artifact;
    use crate::facts::listing;

    #[test]
    fn what_is_not_read_is_told_and_what_is_on_the_path_is_not() {
        let app = Application::new(["a.cmd", "b.cmd", "ui.hta"].map(Artifact::at).to_vec(), Vec::new());
        let start = |path: &str| format!("clue starts key=call value=x location={{Cwd}}\\{path} at=line:2\n");
        let text = ["b.cmd", "ui.hta", "gone.cmd", "git.exe", "bin\\x.exe", "npm"].map(start).concat();
        let mut readings = listing::parse(&format!("artifact a.cmd\n{text}artifact b.cmd\n")).unwrap();
        tell(&mut readings, &app);
        let notes: Vec<_> = readings[0].notes.iter().map(|n| (n.kind, n.text.split(' ').next().unwrap())).collect();
        assert_eq!(
            notes,
            [(NoteKind::Unsupported, "ui.hta"), (NoteKind::Info, "gone.cmd"), (NoteKind::Info, "bin\\x.exe")]
        );
    }
}
