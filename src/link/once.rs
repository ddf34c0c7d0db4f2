//! One server of the machine, or the session of one site, is lost once, however many files of the application name it: it
//! is told with its weight where most of it is, and beside the others as a note.

use crate::discover::Application;
use crate::facts::{
    Body, Certainty, Effect, Extent, Fact, Hole, Operation, Owner, Part, Phase, Reading, Step, Store, Trait,
};
use std::collections::{BTreeMap, BTreeSet};

/// How variables of a session of classic ASP are written.
const CLASSIC_SESSION: &str = "session:";
/// Where the session of an application of classic ASP begins (MS documentation, "Global.asa Reference").
const ROOT: &str = "global.asa";

/// Marks what another artifact does to the same store.
pub(super) fn mark(readings: &mut [Reading], app: &Application) {
    // By store: the artifacts that use it, each with what it keeps there.
    let mut users: BTreeMap<(Store, String), BTreeMap<usize, BTreeSet<String>>> = BTreeMap::new();
    for (number, reading) in readings.iter().enumerate().filter(|(_, reading)| reading.owner == Owner::Application) {
        for effect in super::steps::counted(&reading.facts).filter_map(Fact::as_effect) {
            if let Some(store) = machine_wide(effect, &reading.artifact, app) {
                let kept = users.entry((effect.store, store)).or_default().entry(number).or_default();
                kept.insert(effect.location.key());
            }
        }
    }
    let mut leads: BTreeMap<(Store, String), (usize, usize)> = BTreeMap::new();
    for (store, artifacts) in users.into_iter().filter(|(_, artifacts)| artifacts.len() > 1) {
        let most = artifacts.iter().max_by_key(|(number, kept)| (kept.len(), std::cmp::Reverse(**number)));
        if let Some((lead, _)) = most {
            leads.insert(store, (*lead, artifacts.len() - 1));
        }
    }
    let names: Vec<String> = readings.iter().map(|reading| reading.artifact.clone()).collect();
    for (number, reading) in readings.iter_mut().enumerate().filter(|(_, r)| r.owner == Owner::Application) {
        let artifact = reading.artifact.clone();
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            let store = machine_wide(effect, &artifact, app).map(|store| (effect.store, store));
            match store.and_then(|store| leads.get(&store)) {
                Some((lead, others)) if *lead == number => {
                    let files = if *others == 1 { "file uses" } else { "files use" };
                    effect.evidence.push(Step::new(format!("{others} other {files} it too")));
                }
                Some((lead, _)) => {
                    effect.mark(Trait::Repeated);
                    effect.evidence.push(Step::new("one loss: it is told here").in_artifact(names[*lead].clone()));
                }
                None => {}
            }
        }
    }
}

/// What names the store of an effect at run time, where that does not depend on the file that names it.
fn machine_wide(effect: &Effect, artifact: &str, app: &Application) -> Option<String> {
    if effect.operation == Operation::Read
        || effect.operation.removes()
        || matches!(effect.phase, Phase::Build | Phase::NotShipped | Phase::Unknown)
        || effect.has(Trait::Implied)
        || effect.certainty < Certainty::Likely
    {
        return None;
    }
    let key = effect.location.key();
    match effect.store {
        Store::Session if key.starts_with(CLASSIC_SESSION) => {
            Some(format!("{CLASSIC_SESSION}{}", site_of(artifact, app)))
        }
        Store::Database | Store::Queue | Store::Mail => {
            let is_here = |part: &Part| matches!(part, Part::Hole(Hole::Folder(_)));
            let is_named = effect.location.extent() == Extent::Full && key.contains("://");
            (is_named && !effect.location.text().parts().iter().any(is_here)).then_some(key)
        }
        _ => None,
    }
}

/// The folder of the site that a page belongs to.
fn site_of(artifact: &str, app: &Application) -> String {
    let page = app.find(artifact);
    let above = (0..artifact.matches('/').count()).map(|up| format!("{}{ROOT}", "../".repeat(up)));
    let root = page.and_then(|page| above.take(MAX_ABOVE).find_map(|path| app.sibling(page, &path)));
    root.map(|root| root.name.to_lowercase()).unwrap_or_default()
}

/// Most folders above a page that are looked into.
const MAX_ABOVE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Artifact;
    use crate::facts::listing;

    fn told(text: &str, files: &[&str]) -> Vec<bool> {
        let app = Application::new(files.iter().map(|name| Artifact::at(name)).collect(), Vec::new());
        let mut readings = listing::parse(text).unwrap();
        mark(&mut readings, &app);
        readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Repeated)).collect()
    }

    #[test]
    fn one_server_that_three_services_use() {
        let service = |name: &str, server: &str| {
            format!("artifact {name}/App.config\neffect write database sqlserver://{server}/Shop phase=run\n")
        };
        let text = [service("a", "localhost"), service("b", "localhost"), service("c", "localhost,1")].concat();
        assert_eq!(told(&text, &[]), [true, false, true]);
    }

    #[test]
    fn the_session_of_each_site() {
        let page = |name: &str, variables: &[&str]| {
            let effects = variables.iter().map(|v| format!("effect keep-in-memory session Session:{v} phase=run\n"));
            format!("artifact {name} format=asp\n{}", effects.collect::<String>())
        };
        let text = [page("a/x.asp", &["A"]), page("a/b/y.asp", &["A", "B"]), page("c/z.asp", &["A"])].concat();
        let files = ["a/global.asa", "a/x.asp", "a/b/y.asp", "c/Global.asa", "c/z.asp"];
        assert_eq!(told(&text, &files), [false, true, true]);
    }
}
