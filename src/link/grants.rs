//! Access lists: an installer that lets the application write to a folder or key foretells state there at run time, and so
//! does the command line of a service that names a folder for its data.
//!
//! So does an uninstaller that takes away what its installer has not put there.
//!
//! Where that state is seen, the grant is evidence for it; where it is not, because the writer could not be read or
//! builds the path in a way that was not followed, the grant is all there is, and it is reported instead.

use super::leftovers;
use super::options::{self, Named};
use crate::facts::{
    Certainty, ClueKind, Effect, Fact, Location, Operation, Phase, Place, Reading, Site, Step, Store, Text, Trait,
    registry,
};
use std::cell::LazyCell;
use std::collections::{BTreeMap, HashSet};

/// Files of code: a program that may be replaced keeps no state.
const CODE: &[&str] = &["dll", "exe", "ocx"];

/// Extensions that tell a file from a folder with a point in its name.
const FILES: &[&str] = &[
    "accdb",
    "bak",
    "bat",
    "cfg",
    "cmd",
    "conf",
    "config",
    "csv",
    "dat",
    "db",
    "db3",
    "dll",
    "exe",
    "htm",
    "html",
    "ini",
    "json",
    "key",
    "ldf",
    "lock",
    "log",
    "mdb",
    "mdf",
    "pem",
    "pfx",
    "properties",
    "ps1",
    "sdf",
    "sqlite",
    "sqlite3",
    "txt",
    "xml",
    "yaml",
    "yml",
];

struct Grant {
    reading: usize,
    site: Site,
    via: String,
    location: Location,
    step: Step,
    /// To whom a right is given.
    who: Option<String>,
    /// Why it is for the time when the application runs.
    reason: &'static str,
}

/// Joins grants with the writers below them.
pub(super) fn foretell(readings: &mut [Reading]) {
    let grants = collect(readings);
    if grants.is_empty() {
        return;
    }
    let mut met: HashSet<String> = HashSet::new();
    for number in 0..readings.len() {
        for effect in super::effects_mut(&mut readings[number..=number]).filter(|e| writes_at_run_time(e)) {
            let key = effect.location.key();
            let Some((place, grant)) = super::at_or_above(&key).find_map(|above| grants.get_key_value(above)) else {
                continue;
            };
            // Whoever makes a folder to open it for others is not the one that it is opened for.
            if grant.reading != number || effect.phase != Phase::Unknown {
                effect.evidence.push(grant.step.clone());
                met.insert(place.clone());
            }
        }
    }
    let is_told = |place: &String, grant: &Grant| {
        let above = super::at_or_above(place).skip(1).filter_map(|above| grants.get_key_value(above));
        let mut same = above.filter(|(_, other)| other.who.is_some() && other.who == grant.who);
        !met.contains(place) && !same.any(|(above, other)| !met.contains(above) && other.reading == grant.reading)
    };
    for (_, grant) in grants.iter().filter(|(place, grant)| is_told(place, grant)) {
        let fact = foretold(grant);
        if let Some(reading) = readings.get_mut(grant.reading) {
            reading.facts.push(fact);
        }
    }
}

/// The first grant for each place; a service or share is no place.
fn collect(readings: &[Reading]) -> BTreeMap<String, Grant> {
    let mut grants = BTreeMap::new();
    for (number, reading) in readings.iter().enumerate() {
        // From the end: a folder that is removed afterwards was only opened for that.
        let mut gone: HashSet<String> = HashSet::new();
        let mut found: Vec<(String, Grant)> = Vec::new();
        let shipped = LazyCell::new(|| shipped_code(reading));
        for fact in super::steps::counted(&reading.facts).collect::<Vec<_>>().into_iter().rev() {
            if let Some(effect) = fact.as_effect().filter(|e| e.operation == Operation::Delete) {
                gone.insert(effect.location.key().trim_end_matches('\\').to_owned());
            }
            let Some(clue) = fact.as_clue() else { continue };
            for Named { option, location } in options::data(clue) {
                let said = format!("the program is started with {option}: {}", clue.value);
                let step = Step::at(said, fact.site.clone()).in_artifact(reading.artifact.clone());
                let key = location.key().trim_end_matches('\\').to_owned();
                let (site, reason) = (fact.site.clone(), "the program is started with it");
                found.push((key, Grant { reading: number, site, via: option, location, step, who: None, reason }));
            }
            if clue.kind != ClueKind::GrantsAccess {
                continue;
            }
            let Some(location) = clue.location.clone().filter(|l| is_container(l) && l.file_place() != Place::Temp)
            else {
                continue;
            };
            let key = location.key().trim_end_matches('\\').to_owned();
            let is_shipped = || is_code(&location) && shipped.contains(&location.key());
            if super::at_or_above(&key).any(|above| gone.contains(above)) || is_shipped() {
                continue;
            }
            let who = clue.value.trim();
            let said = format!("{} lets {who} write to {location}", clue.key);
            let step = Step::at(said, fact.site.clone()).in_artifact(reading.artifact.clone());
            let (site, via) = (fact.site.clone(), clue.key.clone());
            let reason = "the right to write is there for the time when the application runs";
            let who = Some(who.to_owned());
            found.push((key, Grant { reading: number, site, via, location, step, who, reason }));
        }
        for leftovers::Leftover { site, via, location } in leftovers::of(reading) {
            let said = format!("the uninstaller takes away {location}, which the installer has not put there");
            let step = Step::at(said, site.clone()).in_artifact(reading.artifact.clone());
            let key = location.key().trim_end_matches("\\{?}").to_owned();
            let reason = "what is left when the application is removed was written while it ran";
            let location = Location::named(Text::parse(location.to_string().trim_end_matches("\\{?}")));
            found.insert(0, (key, Grant { reading: number, site, via, location, step, who: None, reason }));
        }
        for (key, grant) in found.into_iter().rev() {
            grants.entry(key).or_insert(grant);
        }
    }
    grants
}

/// The keys of files of code that an installer brings along.
fn shipped_code(reading: &Reading) -> HashSet<String> {
    let clues = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_clue());
    let shipped = clues.filter(|clue| clue.kind == ClueKind::Ships).filter_map(|clue| clue.location.as_ref());
    shipped.filter(|location| is_code(location)).map(Location::key).collect()
}

fn is_code(location: &Location) -> bool {
    location.extension().is_some_and(|ending| CODE.contains(&ending.as_str()))
}

fn is_container(location: &Location) -> bool {
    is_key(location) || location.text().to_string().contains('\\')
}

fn is_key(location: &Location) -> bool {
    registry::split_root(location.text().leading_lit()).is_some()
}

fn writes_at_run_time(effect: &Effect) -> bool {
    let runs = !matches!(effect.phase, Phase::Build | Phase::FirstBoot | Phase::NotShipped);
    let writes = !matches!(effect.operation, Operation::Read | Operation::Grant | Operation::Delete);
    runs && writes && (effect.store.is_path() || effect.store == Store::Registry) && effect.store != Store::Acl
}

fn foretold(grant: &Grant) -> Fact {
    let (operation, store) = match is_key(&grant.location) {
        true => (Operation::SetValue, Store::Registry),
        false => (Operation::Write, Store::File),
    };
    // What the right is for is in a folder, and in a file it is the file.
    let is_file = store == Store::File && grant.location.extension().is_some_and(|e| FILES.contains(&e.as_str()));
    let location = if is_file { grant.location.clone() } else { grant.location.child(&Text::unknown()) };
    let effect = Effect::new(operation, store, location, Certainty::Likely, &*grant.via)
        .in_phase(Phase::Run, grant.reason)
        .because(Step::new(grant.step.text.clone()))
        .with(Trait::Foretold);
    Fact::effect(grant.site.clone(), effect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    const GRANT: &str = "artifact install.cmd\nclue grants-access key=icacls value=Users:M location={ProgramData}\\A\n";

    fn effects(text: &str) -> Vec<Effect> {
        let mut readings = listing::parse(text).unwrap();
        foretell(&mut readings);
        readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect().cloned()).collect()
    }

    #[test]
    fn a_writer_below_it_is_explained_by_the_grant() {
        let found =
            effects(&format!("{GRANT}artifact a.exe\neffect write file {{ProgramData}}\\A\\B\\c.dat phase=run\n"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].evidence[0].text, "icacls lets Users:M write to {ProgramData}\\A");
    }

    #[test]
    fn without_a_writer_the_grant_is_what_is_known() {
        let found = effects(GRANT);
        assert_eq!((found.len(), found[0].location.to_string().as_str()), (1, "{ProgramData}\\A\\{?}"));
        assert!(found[0].has(Trait::Foretold));
        let file = effects(&GRANT.replace("{ProgramData}\\A", "{AppDir}\\robots.txt"));
        assert_eq!(file[0].location.to_string(), "{AppDir}\\robots.txt");
        let folder = effects(&GRANT.replace("{ProgramData}\\A", "{AppDir}\\desk.example"));
        assert_eq!(folder[0].location.to_string(), "{AppDir}\\desk.example\\{?}");
        let own =
            "effect create directory {ProgramData}\\A via=mkdir\neffect create file {ProgramData}\\A\\a via=copy\n";
        assert!(effects(&format!("{GRANT}{own}")).iter().any(|e| e.has(Trait::Foretold)), "it makes what it opens");
        let below = "clue grants-access key=icacls value=Users:M location={ProgramData}\\A\\B\n";
        assert_eq!(effects(&format!("{GRANT}{below}")).len(), 1, "the folder above is told");
        assert_eq!(effects(&format!("{GRANT}{}", below.replace("Users:M", "Svc:M"))).len(), 2);
        assert!(effects("clue grants-access key=sc value=Users location=OrderService\n").is_empty());
    }

    #[test]
    fn a_program_that_is_shipped_keeps_nothing() {
        let place = "location={AppDir}\\a.exe\n";
        let grant = GRANT.replace("location={ProgramData}\\A\n", place);
        let shipped = format!("{grant}clue ships key=inno value=a.exe {place}");
        assert!(effects(&shipped).is_empty());
        assert_eq!(effects(&grant).len(), 1, "whoever makes it is not known");
        assert_eq!(effects(&shipped.replace("a.exe", "a.ini")).len(), 1, "settings");
    }

    #[test]
    fn a_folder_that_is_removed_afterwards_was_opened_for_that() {
        let gone = "effect delete directory {ProgramData}\\A via=rmdir\n";
        assert_eq!(effects(&format!("{GRANT}{gone}")).len(), 1, "the deletion alone");
        let before = GRANT.replace("clue", &format!("{gone}clue"));
        assert_eq!(effects(&before).len(), 2);
    }
}
