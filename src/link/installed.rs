//! What installers put on a machine that is not among the files: what it does was not seen.

use crate::discover::Application;
use crate::facts::{ClueKind, NoteKind, Owner, Reading, file_name, is_binary};
use std::collections::{BTreeSet, HashSet};

/// How sources of installers say that they ship a file. What a package holds is told when it is opened.
const SOURCES: [&str; 3] = ["inno", "nsis", "wix"];
/// Endings of what runs.
const PROGRAMS: [&str; 5] = ["exe", "dll", "ocx", "sys", "jar"];

/// Adds a note to each source of an installer of whose programs the greater part is not there. Beside more that was looked
/// into, what is missing is mostly the run-time library of somebody else.
pub(super) fn tell(readings: &mut [Reading], app: &Application) {
    let is_program = |name: &str| name.rsplit_once('.').is_some_and(|(_, ending)| PROGRAMS.contains(&ending));
    let all: HashSet<String> = app.artifacts.iter().map(|file| file.file_name().to_lowercase()).collect();
    let has_code = readings.iter().any(|r| r.owner == Owner::Application && is_binary(&r.format));
    for reading in readings.iter_mut().filter(|reading| SOURCES.contains(&reading.format.as_str())) {
        let clues = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_clue());
        let shipped = clues.filter(|clue| clue.kind == ClueKind::Ships && SOURCES.contains(&clue.key.as_str()));
        let (mut there, mut missing, mut first) = (BTreeSet::new(), BTreeSet::new(), None);
        for clue in shipped {
            let name = file_name(&clue.value.replace('\\', "/")).to_lowercase();
            let is_open = name.contains(['*', '?', '{']);
            if !(is_program(&name) || ["*", "*.*"].contains(&name.as_str())) {
                continue;
            }
            // Which files a pattern stands for is known only where they are.
            let is_there = if is_open { has_code } else { all.contains(&name) };
            if is_there {
                there.insert(name);
            } else if missing.insert(name) {
                first = first.or(Some(clue.value.clone()));
            }
        }
        let Some(first) = first.filter(|_| missing.len() > there.len()) else { continue };
        let text = match missing.len() {
            1 => format!("{first}, which it installs, is not among the files: what it does is not known"),
            many => format!(
                "{many} programs that it installs are not among the files, first {first}: what they do is not known"
            ),
        };
        reading.note(NoteKind::Missing, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Artifact;
    use crate::facts::listing;

    fn told(shipped: &[&str], read: &str) -> Vec<String> {
        let app = Application::new(vec![Artifact::at("desk.wxs"), Artifact::at("bin/Desk.exe")], Vec::new());
        let ships = |name: &&str| format!("clue ships key=wix value=..\\bin\\{name} location={{AppDir}}\\a\n");
        let clues: String = shipped.iter().map(ships).collect();
        let mut readings = listing::parse(&format!("artifact desk.wxs format=wix\n{clues}{read}")).unwrap();
        tell(&mut readings, &app);
        readings[0].notes.iter().map(|note| note.text.clone()).collect()
    }

    #[test]
    fn what_is_installed_and_not_there_is_said() {
        let one = "..\\bin\\Shop.exe, which it installs, is not among the files: what it does is not known";
        assert_eq!(told(&["Shop.exe", "readme.txt"], ""), [one]);
        let many =
            "2 programs that it installs are not among the files, first ..\\bin\\Shop.exe: what they do is not known";
        assert_eq!(told(&["Shop.exe", "Desk.exe", "shop.dll"], ""), [many]);
        assert!(told(&["desk.exe", "runtime.dll"], "").is_empty(), "one of two");
        assert_eq!(told(&["*"], "").len(), 1);
        assert!(told(&["*"], "artifact bin/Desk.exe format=pe-x64\n").is_empty());
        assert!(told(&["*.config"], "").is_empty());
    }
}
