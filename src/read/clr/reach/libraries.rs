//! Which assemblies are libraries of others: what lies beside it refers to them, they start nothing by themselves, and another
//! company made them. What an application is made of itself is found in more ways than can be followed (by names that are put
//! together, attributes, containers, hosts that are no assemblies); of its own libraries nothing is said to be out of reach.

use crate::discover::{Application, Aside};
use crate::facts::{ClueKind, NoteKind, Owner, Reading};
use crate::read::clr::links::Links;
use crate::read::clr::unit::{RefInfo, Unit};
use std::collections::{HashMap, HashSet};

/// Members of the class library that give all types of an assembly, or make one of a name.
const OF_TYPES: [(&str, &str); 6] = [
    ("System.Reflection.Assembly", "GetTypes"),
    ("System.Reflection.Assembly", "GetExportedTypes"),
    ("System.Reflection.Assembly", "get_DefinedTypes"),
    ("System.Reflection.Assembly", "get_ExportedTypes"),
    ("System.Reflection.Assembly", "CreateInstance"),
    ("System.Reflection.Module", "GetTypes"),
];
/// Members that give whole assemblies, for others to look through.
const OF_ASSEMBLIES: [(&str, &str); 6] = [
    ("System.Reflection.Assembly", "Load"),
    ("System.Reflection.Assembly", "LoadFrom"),
    ("System.Reflection.Assembly", "LoadFile"),
    ("System.AppDomain", "GetAssemblies"),
    ("System.Web.Compilation.BuildManager", "GetReferencedAssemblies"),
    ("System.Type", "get_Assembly"),
];

/// Does a member give all types of an assembly?
pub(super) fn gives_types(member: &RefInfo) -> bool {
    OF_TYPES.iter().any(|(ty, name)| *ty == &*member.ty && *name == &*member.name)
}

/// Does the code of an assembly look through assemblies for what it then runs, or let others do so?
pub(super) fn looks_through_assemblies(unit: &Unit) -> bool {
    let gives = |r: &RefInfo| OF_ASSEMBLIES.iter().any(|(ty, name)| *ty == &*r.ty && *name == &*r.name);
    unit.refs.iter().any(|r| gives_types(r) || gives(r))
}

/// Which of the assemblies are libraries of which it can be said what leads into them.
pub(super) fn among(app: &Application, units: &[Unit], links: &Links, readings: &[Reading]) -> Vec<bool> {
    // Names of the assemblies in each folder, and who refers to them there.
    let mut folders: HashMap<u32, Vec<u32>> = HashMap::new();
    for u in 0..units.len() as u32 {
        folders.entry(links.folder(u).unwrap_or_default()).or_default().push(u);
    }
    let mut is_library = vec![false; units.len()];
    for of_folder in folders.values().filter(|of_folder| of_folder.len() > 1) {
        for u in within(app, units, readings, of_folder) {
            if let Some(is) = is_library.get_mut(u as usize) {
                *is = true;
            }
        }
    }
    // Who refers to it from another folder and has none beside it means perhaps this one, which is then nobody's in particular.
    let names =
        |of: &[u32]| -> HashSet<String> { of.iter().filter_map(|u| Some(name(units.get(*u as usize)?))).collect() };
    let mut wanted_elsewhere: HashSet<String> = HashSet::new();
    for of_folder in folders.values() {
        let beside = names(of_folder);
        let referred = of_folder.iter().filter_map(|u| units.get(*u as usize)).flat_map(|unit| &unit.references);
        wanted_elsewhere.extend(referred.map(|name| name.to_lowercase()).filter(|name| !beside.contains(name)));
    }
    for (is, unit) in is_library.iter_mut().zip(units) {
        *is &= !wanted_elsewhere.contains(&name(unit));
    }
    is_library
}

fn name(unit: &Unit) -> String {
    unit.identity.name.to_lowercase()
}

fn is_unseen(kind: NoteKind) -> bool {
    use NoteKind as N;
    matches!(kind, N::Malformed | N::Capped | N::Opaque | N::Failed | N::Unreadable)
}

/// The libraries among the assemblies of one folder.
fn within(app: &Application, units: &[Unit], readings: &[Reading], of_folder: &[u32]) -> Vec<u32> {
    let unit = |u: &u32| units.get(*u as usize);
    let reading = |u: &u32| readings.get(*u as usize);
    let is_own = |u: &&u32| reading(u).is_some_and(|r| r.owner != Owner::Framework);
    let own: Vec<u32> = of_folder.iter().filter(is_own).copied().collect();
    let is_test = |u: &u32| {
        let Some(reading) = reading(u) else { return false };
        app.deployed().aside(app.name_of(&reading.artifact), "assembly") == Some(Aside::Tests)
    };
    let by_name: HashMap<String, u32> = own.iter().filter_map(|u| Some((name(unit(u)?), *u))).collect();
    let referred = |u: &u32| -> Vec<u32> {
        let references = unit(u).map_or(&[][..], |unit| &unit.references);
        references.iter().filter_map(|name| by_name.get(&name.to_lowercase()).copied()).filter(|to| to != u).collect()
    };
    let referrers = own.iter().filter(|u| !is_test(u));
    let named: HashSet<u32> = referrers.flat_map(&referred).collect();
    let starts = |u: &&u32| !named.contains(*u) || unit(u).is_none_or(|unit| unit.entry.is_some());
    let mut reached: HashSet<u32> = own.iter().filter(starts).copied().collect();
    // Of what was not seen whole nobody knows what it calls, of itself and of what it refers to.
    for u in own.iter().filter(|u| reading(u).is_none_or(|r| r.notes.iter().any(|note| is_unseen(note.kind)))) {
        reached.insert(*u);
        reached.extend(referred(u));
    }
    let starters = reached.clone();
    // Of those that only name one another nobody knows which is the first.
    let mut queue: Vec<u32> = reached.iter().copied().collect();
    while let Some(u) = queue.pop() {
        queue.extend(referred(&u).into_iter().filter(|to| reached.insert(*to)));
    }
    let company = |u: &u32| reading(u).map(company).unwrap_or_default();
    let makers: HashSet<String> = starters.iter().map(company).filter(|company| !company.is_empty()).collect();
    let is_of_others = |u: &&u32| {
        let company = company(u);
        !makers.is_empty() && !company.is_empty() && !makers.contains(&company)
    };
    reached.difference(&starters).filter(is_of_others).copied().collect()
}

/// The company that an assembly says made it.
fn company(reading: &Reading) -> String {
    let mut clues = reading.facts.iter().filter_map(|fact| fact.as_clue());
    let named = clues.find(|clue| clue.kind == ClueKind::Identity && clue.key == "company");
    named.map(|clue| clue.value.to_lowercase()).unwrap_or_default()
}
