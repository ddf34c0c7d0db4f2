//! One server of the machine, or the session of one site, is lost once, however many files of the application name it: it
//! is told with its weight where most of it is, and beside the others as a note.

use super::Context;
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
pub(super) fn mark(readings: &mut [Reading], context: &Context<'_>) {
    // What is allowed for one file would take the losses of the others with it.
    if !context.settings.allow.is_empty() {
        return;
    }
    let app = context.app;
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
            site_of(artifact, app).map(|site| format!("{CLASSIC_SESSION}{site}"))
        }
        // Each role has its own machines.
        Store::Database | Store::Queue | Store::Mail if has_roles(app) => None,
        Store::Database | Store::Queue | Store::Mail => {
            let is_here = |part: &Part| matches!(part, Part::Hole(Hole::Folder(_)));
            let is_named = effect.location.extent() == Extent::Full && key.contains("://");
            (is_named && !effect.location.text().parts().iter().any(is_here)).then_some(key)
        }
        _ => None,
    }
}

/// Does a definition say that parts of the application run on machines, or in containers, of their own?
fn has_roles(app: &Application) -> bool {
    app.artifacts.iter().any(|artifact| {
        let name = artifact.file_name().to_lowercase();
        ROLES.iter().any(|end| name.ends_with(end))
            || name.starts_with("docker-compose")
            || name.starts_with("compose.")
    })
}

/// Ends of names of such definitions: cloud services and Service Fabric.
const ROLES: &[&str] = &[".csdef", "servicemanifest.xml", "applicationmanifest.xml"];

/// The site that a page belongs to, where that is known.
fn site_of(artifact: &str, app: &Application) -> Option<String> {
    let page = app.find(artifact);
    let above = (0..artifact.matches('/').count()).map(|up| format!("{}{ROOT}", "../".repeat(up)));
    let root = page.and_then(|page| above.take(MAX_ABOVE).find_map(|path| app.sibling(page, &path)));
    root.map(|root| root.name.to_lowercase())
}

/// Most folders above a page that are looked into.
const MAX_ABOVE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Artifact;
    use crate::facts::listing;
    use crate::settings::Settings;

    fn told(text: &str, files: &[&str]) -> Vec<bool> {
        told_with(text, files, "")
    }

    fn told_with(text: &str, files: &[&str], settings: &str) -> Vec<bool> {
        let settings = Settings::parse("w", settings).unwrap();
        let app = Application::new(files.iter().map(|name| Artifact::at(name)).collect(), Vec::new());
        let mut readings = listing::parse(text).unwrap();
        mark(&mut readings, &Context { settings: &settings, app: &app });
        readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Repeated)).collect()
    }

    #[test]
    fn one_server_that_three_services_use() {
        let service = |name: &str, server: &str| {
            format!("artifact {name}/App.config\neffect write database sqlserver://{server}/Shop phase=run\n")
        };
        let text = [service("a", "localhost"), service("b", "localhost"), service("c", "localhost,1")].concat();
        assert_eq!(told(&text, &[]), [true, false, true]);
        assert_eq!(told(&text, &["a/x.csdef"]), [true; 3], "each role has its machines");
        let allow = "[[allow]]\nrule = 'sql-server-on-instance'\npath = 'a/**'\nreason = 'a cache'\n";
        assert_eq!(told_with(&text, &[], allow), [true; 3], "what is allowed there is not allowed here");
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
        let text = [page("s1/a.asp", &["A"]), page("s2/b.asp", &["A"])].concat();
        assert_eq!(told(&text, &["s1/a.asp", "s2/b.asp"]), [true, true], "nobody knows whether it is one site");
    }
}
