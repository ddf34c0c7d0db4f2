//! What is started and was not read: what it does is not known, and that is said.

use super::index::Index;
use super::phases::{edge_phase, started_path};
use crate::catalog::commands::{self, Shell};
use crate::discover::{Application, phase_by_name};
use crate::facts::{Clue, ClueKind, Folder, Hole, Location, NoteKind, Part, Phase, Reading, TOOL, Text, is_script};
use std::collections::{HashSet, VecDeque};

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
    let serving = serving(readings, &index);
    let mut notes: Vec<(usize, NoteKind, String)> = Vec::new();
    let shipped = readings.iter().enumerate().filter(|(_, reading)| !is_outside(reading, app));
    for (number, reading) in shipped {
        let mut told: HashSet<String> = HashSet::new();
        let last_started = serving[number].then(|| last_program(reading)).flatten();
        for fact in super::steps::counted(&reading.facts) {
            let Some(clue) =
                fact.as_clue().filter(|c| c.kind == ClueKind::Starts && !["uninstall", TOOL].contains(&c.key.as_str()))
            else {
                continue;
            };
            let path = started_path(clue);
            let Some((text, name)) = clue.location.as_ref().map(|l| l.text()).zip(path.rsplit(['\\', '/']).next())
            else {
                continue;
            };
            if name.contains(['*', '?']) || index.started(reading, clue).is_some() {
                continue;
            }
            // What a container or a service runs is the application, wherever it lies.
            let runs = match clue.key.as_str() {
                "entrypoint" => !is_of_windows(text) && (name.contains('.') || path.contains(['\\', '/'])),
                // Of what a script starts the last goes on; the others prepare it.
                _ => last_started.is_some_and(|last| std::ptr::eq(last, clue)),
            };
            // One of several of that name is there, and read.
            let is_named =
                [name.trim(), &format!("{}.exe", name.trim())].iter().any(|n| names.contains(&n.to_lowercase()));
            if runs && is_program(name) && !is_named && told.insert(path.to_lowercase()) {
                let text = format!(
                    "{} is what runs, by {}, and is not among the files: what it does is not known",
                    name.trim(),
                    fact.site.short()
                );
                if told.len() <= MAX_TOLD {
                    notes.push((number, NoteKind::Missing, text));
                }
                continue;
            }
            if !is_of_package(text.parts()) {
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
                    NoteKind::Missing,
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

/// The scripts that go on to serve: what a container or a role is entered by leads to them.
fn serving(readings: &[Reading], index: &Index) -> Vec<bool> {
    let mut serving = vec![false; readings.len()];
    let mut queue: VecDeque<usize> = (0..readings.len()).collect();
    while let Some(number) = queue.pop_front() {
        let clues = super::steps::counted(&readings[number].facts).filter_map(|fact| fact.as_clue());
        for clue in clues.filter(|clue| clue.kind == ClueKind::Starts) {
            let goes_on = clue.key == "entrypoint" || serving[number] && edge_phase(&clue.key).is_none();
            let to = index.started(&readings[number], clue).filter(|to| goes_on && !serving[*to]);
            if let Some(to) = to {
                serving[to] = true;
                queue.push_back(to);
            }
        }
    }
    serving
}

/// The program or script that a script starts last, by its ending; what it registers is started by others.
fn last_program(reading: &Reading) -> Option<&Clue> {
    let clues = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_clue());
    let ends = |clue: &&Clue| edge_phase(&clue.key).is_none() && clue.key != TOOL;
    let starts = clues.filter(|clue| clue.kind == ClueKind::Starts && ends(clue));
    let is_program = |clue: &&Clue| {
        let extension = clue.location.as_ref().and_then(Location::extension).unwrap_or_default();
        clue.location.as_ref().is_some_and(|location| !is_of_windows(location.text()))
            && (["exe", "com"].contains(&extension.as_str()) || SCRIPTS.contains(&extension.as_str()))
    };
    starts.filter(is_program).last()
}

/// Windows brings it along.
fn is_of_windows(path: &Text) -> bool {
    let lower = path.to_string().to_lowercase();
    let is_folder = matches!(path.parts(), [Part::Hole(Hole::Folder(Folder::System | Folder::Windows)), ..]);
    is_folder || lower.contains(":\\windows\\")
}

/// Is it a script that does nothing on an instance? What that starts is no part of what runs.
fn is_outside(reading: &Reading, app: &Application) -> bool {
    let mut effects = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_effect()).peekable();
    if effects.peek().is_some() {
        return effects.all(|effect| effect.phase == Phase::NotShipped);
    }
    let mut clues = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_clue());
    let says = |clue: &Clue| clue.kind == ClueKind::RunsIn && clue.key.is_empty() && clue.value == OUTSIDE;
    let named = || phase_by_name(app.name_of(&reading.artifact), true);
    is_script(&reading.format) && (clues.any(says) || named().is_some_and(|(phase, _)| phase == Phase::NotShipped))
}

/// What the clue of a script says that is called from outside of an instance.
const OUTSIDE: &str = "not-shipped";

/// Is it a program of somebody's, and none of the shells and keepers of containers that start or watch others?
fn is_program(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    let stem = name.strip_suffix(".exe").unwrap_or(&name);
    let is_keeper = ["servicemonitor", "logmonitor", "powershell", "pwsh", "cmd", "dotnet"].contains(&stem);
    !stem.is_empty() && !is_keeper && commands::find(Shell::Any, stem).is_none()
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
        let entry =
            |name: &str| format!("clue starts key=entrypoint value={name} location=C:\\app\\{name} at=line:9\n");
        let image = ["b.cmd", "store.exe", "ServiceMonitor.exe", "ping"].map(entry).concat();
        let b = "clue starts key=run value=x location=C:\\db\\serve.exe at=line:3\n\
                 clue starts key=run value=x location={System}\\w32tm.exe at=line:4\n";
        let text = format!("artifact a.cmd\n{text}artifact b.cmd\n{b}artifact Dockerfile format=dockerfile\n{image}");
        let mut readings = listing::parse(&text).unwrap();
        tell(&mut readings, &app);
        assert!(readings[1].notes[0].text.starts_with("serve.exe is what runs, by 3:1"), "{:?}", readings[1].notes);
        assert_eq!(readings[1].notes.len(), 1);
        assert_eq!(readings[2].notes.len(), 1);
        assert!(readings[2].notes[0].text.starts_with("store.exe is what runs, by 9:1"), "{:?}", readings[2].notes);
        let outside = "artifact a.cmd format=batch\nclue runs-in value=not-shipped at=line:1\n";
        let mut outside = listing::parse(&format!("{outside}{}", start("gone.cmd"))).unwrap();
        tell(&mut outside, &app);
        assert!(outside[0].notes.is_empty(), "{:?}", outside[0].notes);
        let notes: Vec<_> = readings[0].notes.iter().map(|n| (n.kind, n.text.split(' ').next().unwrap())).collect();
        assert_eq!(
            notes,
            [(NoteKind::Unsupported, "ui.hta"), (NoteKind::Missing, "gone.cmd"), (NoteKind::Missing, "bin\\x.exe")]
        );
    }
}
