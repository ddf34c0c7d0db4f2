//! What an uninstaller takes away though its installer has not put it there: whoever wrote both knows that the
//! application leaves it while it runs.

use crate::catalog::config::{WordRole, is_word};
use crate::facts::{Effect, Folder, Hole, Location, Operation, Part, Phase, Reading, Site, Store, Text};
use std::collections::{BTreeSet, HashSet};

/// How readers of installers end the evidence of what is done when the application is removed.
const UNINSTALLER: &str = "the uninstaller";
/// Folders that applications have for what they keep: whatever is in one of their own was put there by them.
const KEPT_APART: &[Folder] = &[Folder::ProgramData, Folder::AppData, Folder::LocalAppData];
/// Most of one installer.
const MAX_TOLD: usize = 16;

/// A place that is taken away, and where that is written.
pub(super) struct Leftover {
    pub(super) site: Site,
    pub(super) via: String,
    pub(super) location: Location,
}

/// Those of one installer.
pub(super) fn of(reading: &Reading) -> Vec<Leftover> {
    if !is_installer(&reading.format) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut met = HashSet::new();
    let mut installed: Option<BTreeSet<String>> = None;
    for fact in super::steps::counted(&reading.facts) {
        let Some(effect) = fact.as_effect().filter(|effect| is_taken_away(effect)) else { continue };
        let Some(location) = left_by_program(effect) else { continue };
        let installed = installed.get_or_insert_with(|| installed_by(reading));
        if found.len() < MAX_TOLD && !is_installed(effect, installed) && met.insert(location.key()) {
            found.push(Leftover { site: fact.site.clone(), via: effect.via.clone(), location });
        }
    }
    found
}

fn is_installer(format: &str) -> bool {
    matches!(format, "nsis" | "inno" | "wix" | "msi")
}

fn is_taken_away(effect: &Effect) -> bool {
    // A folder that must be empty holds nothing.
    let is_empty = matches!(effect.via.as_str(), "RMDir" | "[UninstallDelete] dirifempty");
    effect.operation == Operation::Delete
        && !is_empty
        && effect.phase == Phase::NotShipped
        && effect.phase_evidence.ends_with(UNINSTALLER)
        && matches!(effect.store, Store::File | Store::Directory | Store::Log | Store::Database | Store::Ini)
}

/// What the installer puts on the machine, files and folders that it makes included.
fn installed_by(reading: &Reading) -> BTreeSet<String> {
    let effects = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_effect());
    let puts = |e: &&Effect| {
        e.phase != Phase::NotShipped
            && e.store.is_path()
            && e.store != Store::Acl
            && !matches!(e.operation, Operation::Read | Operation::Delete | Operation::Grant)
            && !(e.operation == Operation::Create && e.store == Store::Directory)
    };
    effects.filter(puts).map(|effect| effect.location.key()).collect()
}

/// The place where the program leaves something, where the name of what is taken away says that it is none of its own
/// files.
fn left_by_program(effect: &Effect) -> Option<Location> {
    let [Part::Hole(first), Part::Lit(below)] = effect.location.text().parts() else { return None };
    let below = below.trim_matches('\\').to_lowercase();
    let (folder, name) = below.rsplit_once('\\').unwrap_or(("", &below));
    let is_apart = matches!(first, Hole::Folder(folder) if KEPT_APART.contains(folder));
    // What a package manager puts there is not the program's doing.
    let is_package = below.split('\\').any(|part| part == "node_modules");
    if is_package || folder.contains(['*', '?']) || name.is_empty() {
        return None;
    }
    if effect.store == Store::Directory {
        let is_kept = is_apart || is_word(name, WordRole::KeptFolder);
        return (is_kept && !name.contains(['*', '?'])).then(|| effect.location.child(&Text::unknown()));
    }
    let is_written = |extension: &str| {
        is_word(extension, WordRole::KeptFile)
            || (is_apart && !folder.is_empty() && is_word(extension, WordRole::SettingsFile))
    };
    let above = || Location::named(Text::from_parts(parent(effect.location.text())));
    let extension = effect.location.extension().unwrap_or_default();
    match name.split_once('*') {
        None => (is_written(&extension) && !name.contains('?')).then(|| effect.location.clone()),
        Some((before, after)) if is_written(after.trim_start_matches('.')) => {
            Some(above().child(&Text::lit(before).concat(&Text::unknown()).concat(&Text::lit(after))))
        }
        // Everything in a folder.
        Some(("", "" | ".*")) => {
            let is_kept = (is_apart && !folder.is_empty())
                || folder.rsplit('\\').next().is_some_and(|f| is_word(f, WordRole::KeptFolder));
            is_kept.then(|| above().child(&Text::unknown()))
        }
        Some(_) => None,
    }
}

fn parent(text: &Text) -> Vec<Part> {
    let mut parts = text.parts().to_vec();
    if let Some(Part::Lit(last)) = parts.last_mut() {
        last.truncate(last.rfind('\\').unwrap_or(0));
    }
    parts
}

/// Folders that builds make beside a program for what it is made of.
const OF_PROGRAMS: [&str; 8] = ["bin", "lib", "libs", "locales", "plugins", "resources", "runtimes", "themes"];

/// Is a file that the installer puts there among what is taken away? Of a pattern or a folder, any one is.
fn is_installed(effect: &Effect, installed: &BTreeSet<String>) -> bool {
    let key = effect.location.key();
    // An installer that fills a folder with whatever another holds brings the folders of the program in that along as well.
    if let Some((folder, name)) = key.rsplit_once('\\').filter(|_| effect.store == Store::Directory)
        && (name.starts_with('_') || OF_PROGRAMS.contains(&name))
        && installed.contains(folder)
    {
        return true;
    }
    let (from, ends) = match key.split_once('*') {
        Some((before, after)) => (before.to_owned(), after.trim_start_matches(".*").to_owned()),
        None if effect.store == Store::Directory => (format!("{}\\", key.trim_end_matches('\\')), String::new()),
        // An installer that fills a folder with whatever it holds may bring settings and texts along as well.
        None => {
            let is_kept = effect.location.extension().is_some_and(|ending| is_word(&ending, WordRole::KeptFile));
            let is_brought = || key.rsplit_once('\\').is_some_and(|(folder, _)| installed.contains(folder));
            return installed.contains(&key) || (!is_kept && is_brought());
        }
    };
    installed.contains(from.trim_end_matches('\\'))
        || installed.range(from.clone()..).take_while(|put| put.starts_with(&from)).any(|put| put.ends_with(&ends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn left(lines: &str) -> Vec<String> {
        let readings = listing::parse(&format!("artifact setup.nsi format=nsis\n{lines}")).unwrap();
        of(&readings[0]).into_iter().map(|left| left.location.to_string()).collect()
    }

    fn delete(store: &str, at: &str) -> String {
        format!("effect delete {store} {at} via=x phase=not-shipped because=\"part of the uninstaller\"\n")
    }

    #[test]
    fn what_no_installer_put_there_is_left_by_the_program() {
        assert_eq!(left(&delete("directory", "{ProgramData}\\Desk")), ["{ProgramData}\\Desk\\{?}"]);
        assert_eq!(left(&delete("directory", "{ProgramFiles}\\Desk\\logs")), ["{ProgramFiles}\\Desk\\logs\\{?}"]);
        assert_eq!(left(&delete("file", "{ProgramFiles}\\Desk\\*.log")), ["{ProgramFiles}\\Desk\\{?}.log"]);
        assert_eq!(left(&delete("file", "{ProgramFiles}\\Desk\\state.db")), ["{ProgramFiles}\\Desk\\state.db"]);
        assert_eq!(left(&delete("file", "{AppData}\\Desk\\*.*")), ["{AppData}\\Desk\\{?}"]);
        assert_eq!(left(&delete("file", "{AppData}\\Desk\\desk.json")), ["{AppData}\\Desk\\desk.json"]);
        assert_eq!(left(&delete("file", "{AppData}\\Desk\\*.xml")), ["{AppData}\\Desk\\{?}.xml"]);
    }

    #[test]
    fn what_fills_a_folder_brings_folders_along() {
        let filled = "effect create file {LocalAppData}\\Desk via=File\n";
        let deleted = |name: &str| delete("directory", &format!("{{LocalAppData}}\\Desk\\{name}"));
        assert_eq!(left(&format!("{filled}{}", deleted("_internal"))), [""; 0]);
        assert_eq!(left(&format!("{filled}{}", deleted("logs"))), ["{LocalAppData}\\Desk\\logs\\{?}"]);
        assert_eq!(left(&deleted("_internal")), ["{LocalAppData}\\Desk\\_internal\\{?}"]);
    }

    #[test]
    fn its_own_files_and_those_of_the_installer_are_none() {
        for at in [
            "{ProgramFiles}\\Desk",
            "{ProgramFiles}\\Desk\\node_modules",
            "{CommonPrograms}\\Desk",
            "{ProgramData}",
            "{Temp}\\Desk",
        ] {
            assert_eq!(left(&delete("directory", at)), [""; 0], "{at}");
        }
        for at in [
            "{ProgramFiles}\\Desk\\desk.json",
            "{AppData}\\desk.json",
            "{ProgramFiles}\\Desk\\old.dll",
            "{ProgramFiles}\\Desk\\*.*",
            "{ProgramFiles}\\Desk\\*",
        ] {
            assert_eq!(left(&delete("file", at)), [""; 0], "{at}");
        }
        let put = "effect create file {ProgramData}\\Desk\\desk.ini via=File phase=build because=x\n";
        assert_eq!(left(&format!("{put}{}", delete("file", "{ProgramData}\\Desk\\desk.ini"))), [""; 0]);
        assert_eq!(left(&format!("{put}{}", delete("directory", "{ProgramData}\\Desk"))), [""; 0]);
        assert_eq!(left(&format!("{put}{}", delete("file", "{ProgramData}\\Desk\\*.ini"))), [""; 0]);
        let fills = "effect create file {ProgramData}\\Desk via=[Files] phase=build because=x\n";
        assert_eq!(left(&format!("{fills}{}", delete("file", "{ProgramData}\\Desk\\readme.txt"))), [""; 0]);
        let kept = delete("file", "{ProgramData}\\Desk\\state.db");
        assert_eq!(left(&format!("{fills}{kept}")), ["{ProgramData}\\Desk\\state.db"], "no installer brings it");
    }
}
