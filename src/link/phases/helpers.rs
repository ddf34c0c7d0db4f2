//! Libraries that installers have with them for their own use.

use super::Known;
use crate::facts::{Clue, ClueKind, Phase, Place, Reading, file_name};
use std::collections::HashSet;

/// Sources of installers that say to which folder each file goes.
const INSTALLERS: [&str; 2] = ["inno", "nsis"];

/// Libraries, by their names in lower case, that an installer only unpacks for itself, into its folder of temporary files. What
/// it installs as well, by name or by a pattern, and what a program imports is the application's.
pub(super) fn helpers(readings: &[Reading]) -> HashSet<String> {
    let clues = |of: ClueKind| {
        let facts = readings.iter().flat_map(|r| crate::link::steps::counted(&r.facts));
        facts.filter_map(|fact| fact.as_clue()).filter(move |clue| clue.kind == of)
    };
    let ships = clues(ClueKind::Ships).filter(|clue| INSTALLERS.contains(&clue.key.as_str()));
    let named = |clue: &Clue| file_name(&clue.value.replace('\\', "/")).to_lowercase();
    let is_unpacked =
        |clue: &&Clue| clue.location.as_ref().is_some_and(|location| location.file_place() == Place::Temp);
    let (unpacked, installed): (Vec<&Clue>, Vec<&Clue>) = ships.partition(is_unpacked);
    let mut found: HashSet<String> = unpacked.into_iter().map(named).filter(|name| name.ends_with(".dll")).collect();
    // A pattern and a folder may hold any of them.
    let holds_others = |clue: &&Clue| !named(clue).contains('.') || clue.value.contains(['*', '?', '{', '$']);
    if found.is_empty() || installed.iter().any(holds_others) {
        return HashSet::new();
    }
    // Whoever else ships a file of that name, and whoever has another one, may run it.
    let others = clues(ClueKind::Ships).filter(|clue| !INSTALLERS.contains(&clue.key.as_str()));
    for clue in installed.into_iter().chain(others) {
        found.remove(&named(clue));
    }
    let mut met = HashSet::new();
    for name in readings.iter().map(|reading| file_name(&reading.artifact).to_lowercase()) {
        if found.contains(&name) && !met.insert(name.clone()) {
            found.remove(&name);
        }
    }
    for clue in clues(ClueKind::Import) {
        let module = clue.key.split('!').next().unwrap_or_default().to_lowercase();
        found.remove(&format!("{module}.dll"));
        found.remove(&module);
    }
    found
}

/// When such a library runs.
pub(super) fn helper_phase() -> Known {
    Known::new(Phase::Build, "assumed: an installer unpacks it for itself only, and runs before the image is captured")
}

#[cfg(test)]
mod tests {
    use super::super::inherit;
    use crate::facts::{Phase, listing};
    use crate::link::Context;
    use crate::settings::Settings;

    #[test]
    fn what_an_installer_unpacks_for_itself_runs_with_it() {
        let phase = |more: &str| {
            let unpacked = "artifact a.nsi format=nsis\nclue ships key=nsis value=bin\\help.dll location={Temp}\\plugins\\help.dll\n";
            let library = "artifact bin/Help.dll format=pe-x64\neffect set-value registry HKLM\\A\n";
            let mut readings = listing::parse(&format!("{library}{unpacked}{more}")).unwrap();
            inherit(&mut readings, &Context { settings: &Settings::default(), app: &Default::default() });
            readings[0].facts[0].as_effect().unwrap().phase
        };
        let ships = |what: &str| format!("clue ships key=nsis value=bin\\{what} location={{ProgramFiles}}\\Desk\n");
        assert_eq!(phase(&ships("desk.exe")), Phase::Build);
        assert_eq!(phase(&ships("help.dll")), Phase::Run, "installed as well");
        assert_eq!(phase(&ships("*")), Phase::Run, "perhaps installed as well");
        assert_eq!(phase(&ships("lib")), Phase::Run, "a whole folder");
        let package =
            "artifact p.wxs format=wix\nclue ships key=wix value=bin\\help.dll location={ProgramFiles}\\Desk\n";
        assert_eq!(phase(package), Phase::Run, "another package ships it");
        assert_eq!(phase("artifact app/help.dll format=pe-x64\n"), Phase::Run, "another file of that name");
        let imports = "artifact desk.exe format=pe-x64\nclue import key=help.dll!Save\n";
        assert_eq!(phase(imports), Phase::Run);
    }
}
