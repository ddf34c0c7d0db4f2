//! One server of the machine, or the session of one site, is lost once, however many files of the application name it: it
//! is told with its weight where most of it is, and beside the others as a note.

use super::decisions::{Decided, Decisions};
use crate::discover::Application;
use crate::facts::{
    Body, Certainty, Effect, Extent, Fact, Hole, Operation, Owner, Part, Phase, Reading, Step, Store, Trait, folder_of,
    folders,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// How variables of a session of classic ASP are written.
const CLASSIC_SESSION: &str = "session:";
/// Where the session of an application of classic ASP begins (MS documentation, "Global.asa Reference").
const ROOT: &str = "global.asa";

/// Marks what another artifact does to the same store, if the same was decided of both.
pub(super) fn mark(readings: &mut [Reading], decisions: &Decisions<'_>, app: &Application) {
    let machines = Machines::new(app);
    let decided: Vec<Decided> = readings.iter().map(|reading| decisions.of(reading)).collect();
    // By store: the artifacts that use it, each with what it keeps there.
    let mut users: BTreeMap<Kept<'_>, BTreeMap<usize, BTreeSet<String>>> = BTreeMap::new();
    for (number, reading) in readings.iter().enumerate().filter(|(_, reading)| reading.owner == Owner::Application) {
        for effect in super::steps::counted(&reading.facts).filter_map(Fact::as_effect) {
            if let Some(store) = machine_wide(effect, &reading.artifact, &machines) {
                let kept = users.entry((effect.store, store, &decided[number])).or_default().entry(number).or_default();
                kept.insert(effect.location.key());
            }
        }
    }
    let mut leads: BTreeMap<Kept<'_>, (usize, usize)> = BTreeMap::new();
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
            let store = machine_wide(effect, &artifact, &machines).map(|store| (effect.store, store, &decided[number]));
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

/// A store at run time, and what was decided of those who use it.
type Kept<'d> = (Store, String, &'d Decided);

/// What names the store of an effect at run time, where that does not depend on the file that names it.
fn machine_wide(effect: &Effect, artifact: &str, machines: &Machines<'_>) -> Option<String> {
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
            site_of(artifact, machines.app).map(|site| format!("{CLASSIC_SESSION}{site}"))
        }
        // Each role has its own machines.
        Store::Database | Store::Queue | Store::Mail if machines.has_roles => None,
        Store::Database | Store::Queue | Store::Mail => {
            let is_here = |part: &Part| matches!(part, Part::Hole(Hole::Folder(_)));
            let is_named = effect.location.extent() == Extent::Full && key.contains("://");
            let is_whole = is_named && !effect.location.text().parts().iter().any(is_here);
            is_whole.then(|| format!("{} {key}", machines.of(artifact)))
        }
        _ => None,
    }
}

/// What is known of the machines, or containers, that the parts of an application run on.
struct Machines<'a> {
    app: &'a Application,
    /// A definition says that parts of it run on machines of their own.
    has_roles: bool,
    /// Folders, in lower case, with what an image of its own is made of.
    images: HashSet<String>,
}

/// Ends of names of definitions of roles: cloud services and Service Fabric.
const ROLES: &[&str] = &[".csdef", "servicemanifest.xml", "applicationmanifest.xml"];
/// Beginnings of names of those of containers that run together.
const COMPOSED: &[&str] = &["docker-compose", "compose."];

impl<'a> Machines<'a> {
    fn new(app: &'a Application) -> Self {
        let mut machines = Machines { app, has_roles: false, images: HashSet::new() };
        for artifact in &app.artifacts {
            let name = artifact.file_name().to_lowercase();
            machines.has_roles |= ROLES.iter().any(|end| name.ends_with(end));
            machines.has_roles |= COMPOSED.iter().any(|start| name.starts_with(start));
            if name.starts_with("dockerfile") || name.contains(".pkr.") {
                machines.images.insert(folder_of(&artifact.path).to_lowercase());
            }
        }
        machines
    }

    /// Names the machine that a file runs on: by the innermost folder around it that an image is made in. What is in no such
    /// folder is taken to share one.
    fn of(&self, artifact: &str) -> String {
        let artifact = artifact.to_lowercase();
        let is_image = |folder: &&str| self.images.contains(*folder);
        folders(&artifact).find(is_image).unwrap_or_default().to_owned()
    }
}

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
        mark(&mut readings, &Decisions::new(&settings, &app), &app);
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
        assert_eq!(told(&text, &["a/Dockerfile", "b/Dockerfile"]), [true; 3], "each image has its own");
        assert_eq!(told(&text, &["Dockerfile"]), [true, false, true], "one image holds both");
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
