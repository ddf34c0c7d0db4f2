//! One state is lost once, however many files of the application name it: a server of the machine, a file, the session of a
//! site. It is told with its weight where most of it is, and beside the others as a note.

use super::decisions::{Decided, Decisions};
use crate::discover::Application;
use crate::facts::{
    Body, Certainty, Effect, Extent, Folder, Hole, Operation, Owner, Part, Phase, Reading, Site, Step, Store, Trait,
    folder_of, folders, state_name,
};
use crate::rules::RuleSet;
use std::collections::{BTreeMap, HashMap, HashSet};

/// How variables of a session of classic ASP are written, and those of the application.
const KEPT_BY_SITE: [(Store, &str); 2] = [(Store::Session, "session:"), (Store::Memory, "application:")];
/// Where an application of classic ASP begins (MS documentation, "Global.asa Reference").
const ROOT: &str = "global.asa";
/// Endings of what lies in a site and nowhere else.
const PAGES: [&str; 3] = [".asp", ".aspx", "web.config"];

/// Marks what another artifact does to the same state, if the same rule speaks of both and the same was decided.
pub(super) fn mark(readings: &mut [Reading], decisions: &Decisions<'_>, app: &Application, rules: &RuleSet) {
    let machines = Machines::new(app, readings);
    let decided: Vec<Decided> = readings.iter().map(|reading| decisions.of(reading)).collect();
    // By state: the artifacts that use it, each with what it keeps there.
    let mut users: BTreeMap<Kept<'_>, BTreeMap<usize, Use>> = BTreeMap::new();
    let states = states(readings, &machines, rules);
    for (&(number, at), state) in &states {
        let fact = &readings[number].facts[at];
        let Some(effect) = fact.as_effect() else { continue };
        let found = users.entry((state.clone(), &decided[number])).or_default().entry(number).or_default();
        found.weight = found.weight.max(Some(weight(effect)));
        found.kept.entry(effect.location.key()).or_insert_with(|| (effect.location.to_string(), fact.site.clone()));
    }
    let mut leads: BTreeMap<Kept<'_>, (usize, Vec<Step>)> = BTreeMap::new();
    for (state, artifacts) in users.into_iter().filter(|(_, artifacts)| artifacts.len() > 1) {
        let most = artifacts
            .iter()
            .max_by_key(|(number, found)| (found.weight, found.kept.len(), std::cmp::Reverse(**number)));
        if let Some((lead, found)) = most {
            let others = artifacts.iter().filter(|(number, _)| *number != lead);
            leads.insert(state, (*lead, told_with(found, others, readings)));
        }
    }
    let names: Vec<String> = readings.iter().map(|reading| reading.artifact.clone()).collect();
    let mut told = HashSet::new();
    for ((number, at), state) in states {
        let Some((state, (lead, others))) = leads.get_key_value(&(state, &decided[number])) else { continue };
        let Body::Effect(effect) = &mut readings[number].facts[at].body else { continue };
        if *lead == number {
            let is_first = told.insert((state, effect.location.key()));
            effect.evidence.extend(others.iter().filter(|_| is_first).cloned());
        } else {
            effect.mark(Trait::Repeated);
            effect.evidence.push(Step::new("one loss: it is told here").in_artifact(names[*lead].clone()));
        }
    }
}

/// The states of all effects of the application that name one, by the numbers of the artifact and the fact. Which rule speaks of
/// an effect is asked only where another artifact keeps something at the same place.
fn states(readings: &[Reading], machines: &Machines<'_>, rules: &RuleSet) -> BTreeMap<(usize, usize), String> {
    let mut places: BTreeMap<(usize, usize), String> = BTreeMap::new();
    // By place, an artifact that keeps something there; `None`: several do.
    let mut keepers: HashMap<String, Option<usize>> = HashMap::new();
    for (number, reading) in readings.iter().enumerate().filter(|(_, reading)| reading.owner == Owner::Application) {
        for (at, fact) in super::steps::counted(&reading.facts).enumerate() {
            let Some(effect) = fact.as_effect().filter(|effect| is_kept(effect)) else { continue };
            if let Some(place) = machine_wide(effect, &reading.artifact, machines) {
                let keeper = keepers.entry(place.clone()).or_insert(Some(number));
                *keeper = keeper.filter(|keeper| *keeper == number);
                places.insert((number, at), place);
            }
        }
    }
    let shared = places.into_iter().filter(|(_, place)| keepers.get(place) == Some(&None));
    let state = |(at, place): ((usize, usize), String)| {
        let effect = readings[at.0].facts[at.1].as_effect()?;
        Some((at, state_of(effect, place, rules)?))
    };
    shared.filter_map(state).collect()
}

/// What one artifact keeps in a state: by its key, how it is written and where. And what speaks for telling of it there.
#[derive(Default)]
struct Use {
    weight: Option<Weight>,
    kept: BTreeMap<String, (String, Site)>,
}

/// Whether it is told at all, what makes the loss heavier, and how certain it is.
type Weight = (bool, usize, Certainty);

fn weight(effect: &Effect) -> Weight {
    let heavier = HEAVIER.iter().filter(|heavier| effect.has(**heavier)).count();
    (!effect.has(Trait::Repeated), heavier, effect.certainty)
}

/// Properties of one use of a state, not of the state.
const HEAVIER: [Trait; 3] = [Trait::Baked, Trait::ReadBack, Trait::ReadModifyWrite];

/// Most places of a state that are listed where it is told.
const MAX_TOLD: usize = 16;

/// Says beside the lead who else uses it, and what of it the lead does not keep.
fn told_with<'u>(lead: &Use, others: impl Iterator<Item = (&'u usize, &'u Use)>, readings: &[Reading]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut count = 0;
    for (number, found) in others {
        count += 1;
        let artifact = &readings[*number].artifact;
        let more =
            found.kept.iter().filter(|(key, _)| !lead.kept.contains_key(*key)).map(|(_, (shown, site))| {
                Step::at(format!("{shown} as well"), site.clone()).in_artifact(artifact.clone())
            });
        steps.extend(more);
    }
    steps.truncate(MAX_TOLD);
    let files = if count == 1 { "file uses" } else { "files use" };
    steps.insert(0, Step::new(format!("{count} other {files} it too")));
    steps
}

/// A state at run time, and what was decided of those who use it.
type Kept<'d> = (String, &'d Decided);

/// Something is kept by it while the application runs.
fn is_kept(effect: &Effect) -> bool {
    effect.operation != Operation::Read
        && !effect.operation.removes()
        && !matches!(effect.phase, Phase::Build | Phase::NotShipped)
        && !effect.has(Trait::Implied)
        && effect.certainty >= Certainty::Likely
}

/// What names the state of an effect at a place, and what is to be said of it.
fn state_of(effect: &Effect, at: String, rules: &RuleSet) -> Option<String> {
    let store = effect.store;
    let rule = &rules.rule_for(effect, rules.platform().place_of(effect))?.id;
    // What becomes of it depends on these, and on the place.
    let mut traits: Vec<Trait> =
        effect.traits.iter().copied().filter(|found| !HEAVIER.contains(found) && *found != Trait::Repeated).collect();
    traits.sort_unstable();
    let time = match effect.phase {
        Phase::Unknown => "unknown",
        // What a start makes again is lost otherwise than what is written later; a server keeps all it is given.
        Phase::FirstBoot | Phase::Startup if store.is_path() && !at.contains("://") => "start",
        _ => "run",
    };
    Some(format!("{rule} {store:?} {time} {traits:?} {at}"))
}

/// What names the place of an effect, where that does not depend on the file that names it.
fn machine_wide(effect: &Effect, artifact: &str, machines: &Machines<'_>) -> Option<String> {
    let key = effect.location.key();
    if let Some((_, kept)) = KEPT_BY_SITE.iter().find(|(store, kept)| *store == effect.store && key.starts_with(kept)) {
        return machines.site_of(artifact).map(|site| format!("{kept}{site}"));
    }
    let is_kept = matches!(
        effect.store,
        Store::Database | Store::Queue | Store::Mail | Store::File | Store::Ini | Store::Log | Store::Trace
    );
    if !is_kept || effect.location.extent() != Extent::Full {
        return None;
    }
    let name = state_name(effect.store, &effect.location);
    // Each role has its own machines.
    let on_machine = || Some(format!("{} {name}", machines.of(artifact).filter(|_| !machines.has_roles)?));
    let folder = |part: &Part| match part {
        Part::Hole(Hole::Folder(folder)) => Some(*folder),
        _ => None,
    };
    if name.contains("://") {
        let is_whole = effect.location.text().parts().iter().all(|part| folder(part).is_none());
        return is_whole.then(on_machine).flatten();
    }
    let first = effect.location.text().parts().first();
    match first.and_then(folder) {
        Some(Folder::WebRoot) => machines.site_of(artifact).map(|site| format!("{site} {name}")),
        // What a program is in, or was started in, is one folder for all that lie in it.
        Some(Folder::AppDir | Folder::Cwd | Folder::DataDirectory) => {
            Some(format!("{} {name}", folder_of(artifact).to_lowercase()))
        }
        Some(Folder::ProgramData | Folder::Public | Folder::Windows | Folder::System) => on_machine(),
        Some(_) => None,
        None => is_on_drive(&name).then(on_machine).flatten(),
    }
}

/// A path that begins with the letter of a drive.
fn is_on_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'\\', ..] if letter.is_ascii_alphabetic())
}

/// What is known of the machines, or containers, that the parts of an application run on.
struct Machines<'a> {
    app: &'a Application,
    /// A definition says that parts of it run on machines of their own.
    has_roles: bool,
    /// Folders, in lower case, with what an image of its own is made of, and of how many.
    images: BTreeMap<String, usize>,
    /// Folders, in lower case, with pages or the settings of a site.
    pages: HashSet<String>,
}

/// Ends of names of definitions of roles: cloud services and Service Fabric.
const ROLES: &[&str] = &[".csdef", "servicemanifest.xml", "applicationmanifest.xml"];
/// The format of manifests of containers, and that of templates of machines.
const WORKLOADS: &str = "kubernetes";
const TEMPLATE: &str = "arm-template";
/// Beginnings of names of those of containers that run together.
const COMPOSED: &[&str] = &["docker-compose", "compose."];

impl<'a> Machines<'a> {
    fn new(app: &'a Application, readings: &[Reading]) -> Self {
        let mut machines = Machines { app, has_roles: false, images: BTreeMap::new(), pages: HashSet::new() };
        for artifact in &app.artifacts {
            let name = artifact.file_name().to_lowercase();
            machines.has_roles |= ROLES.iter().any(|end| name.ends_with(end));
            machines.has_roles |= name.contains("deployment") && (name.ends_with(".yml") || name.ends_with(".yaml"));
            machines.has_roles |= COMPOSED.iter().any(|start| name.starts_with(start));
            if name.starts_with("dockerfile") || name.contains(".pkr.") {
                *machines.images.entry(folder_of(&artifact.path).to_lowercase()).or_default() += 1;
            }
            if PAGES.iter().any(|end| name.ends_with(end)) {
                machines.pages.insert(folder_of(&artifact.path).to_lowercase());
            }
        }
        for reading in readings {
            match reading.format.as_str() {
                // Each of the workloads runs in containers of its own.
                WORKLOADS => machines.has_roles = true,
                // The templates of one folder describe one deployment.
                TEMPLATE => {
                    machines.images.entry(folder_of(&reading.artifact).to_lowercase()).or_insert(1);
                }
                _ => {}
            }
        }
        machines
    }

    /// Names the machine that a file runs on: by the innermost folder around it that one image is made in. Where there are
    /// several images, and none of them is made around it, nobody knows which one holds it.
    fn of(&self, artifact: &str) -> Option<String> {
        let artifact = artifact.to_lowercase();
        let image = folders(&artifact).find_map(|folder| Some((folder, *self.images.get(folder)?)));
        match image {
            Some((folder, 1)) => Some(folder.to_owned()),
            Some(_) => None,
            None => (self.images.values().sum::<usize>() < 2).then(String::new),
        }
    }

    /// The site that a page belongs to: what begins where its `global.asa` is, or else the outermost folder around it in
    /// which pages lie.
    fn site_of(&self, artifact: &str) -> Option<String> {
        let page = self.app.find(artifact);
        let above = (0..artifact.matches('/').count()).map(|up| format!("{}{ROOT}", "../".repeat(up)));
        let root = page.and_then(|page| above.take(MAX_ABOVE).find_map(|path| self.app.sibling(page, &path)));
        if let Some(root) = root {
            return Some(folder_of(&root.path).to_lowercase());
        }
        let artifact = artifact.to_lowercase();
        folders(&artifact).filter(|folder| self.pages.contains(*folder)).last().map(str::to_owned)
    }
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
        mark(&mut readings, &Decisions::new(&settings, &app), &app, &RuleSet::embedded().unwrap());
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
        let beside = |other: &str| told(&format!("{text}{other}"), &[])[..3].to_vec();
        let of = |name: &str, format: &str| format!("artifact {name} format={format}\neffect read file C:\\x\n");
        assert_eq!(beside(&of("x/web.yaml", "kubernetes")), [true; 3], "each workload has its containers");
        let template = |name: &str| of(name, "arm-template");
        assert_eq!(beside(&template("infra/main.json")), [true, false, true], "one deployment");
        assert_eq!(beside(&[template("a/main.json"), template("b/main.json")].concat()), [true; 3], "one for each");
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

    #[test]
    fn one_file_that_several_pages_write_to() {
        let page = |name: &str, effect: &str| format!("artifact {name} format=asp\neffect {effect} phase=run\n");
        let mdb = r"write database {WebRoot}\App_Data\desk.mdb";
        let text = [page("s/a.asp", mdb), page("s/sub/b.asp", mdb), page("t/c.asp", mdb)].concat();
        let files = ["s/a.asp", "s/sub/b.asp", "t/c.asp"];
        assert_eq!(told(&text, &files), [true, false, true], "each site has its folder");
        let read_back = format!("{mdb} traits=read-back");
        let text = [page("s/a.asp", mdb), page("s/b.asp", &read_back)].concat();
        assert_eq!(told(&text, &["s/a.asp", "s/b.asp"]), [false, true], "where it weighs most");
        let log = |name: &str, rest: &str| page(name, &format!(r"append log C:\Desk\a.log {rest}"));
        assert_eq!(told(&[log("a.asp", ""), log("b.exe", "")].concat(), &[]), [true, false]);
        assert_eq!(told(&[log("a.asp", ""), log("b.exe", "traits=durable")].concat(), &[]), [true, true]);
        let other = page("b.asp", r"write file C:\Desk\a.log origin=input");
        assert_eq!(told(&[log("a.asp", ""), other].concat(), &[]), [true, true], "another rule speaks of it");
        let open = r"write file {WebRoot}\Desk\{?}";
        assert_eq!(told(&[page("a.asp", open), page("b.asp", open)].concat(), &[]), [true, true]);
        let own = r"append log {AppDir}\a.log";
        assert_eq!(told(&[page("a/a.exe", own), page("b/b.exe", own)].concat(), &[]), [true, true]);
        let counter = |name: &str, key: &str| page(name, &format!("keep-in-memory memory Application:{key}"));
        let text = [counter("a.asp", "visitors"), counter("b.asp", "{?}")].concat();
        assert_eq!(told(&text, &["a.asp", "b.asp"]), [true, false]);
    }

    #[test]
    fn where_it_is_told_all_are_named() {
        let page = |name: &str, key: &str| {
            format!("artifact {name} format=asp\neffect keep-in-memory session Session:{key} phase=run at=line:7\n")
        };
        let app = Application::new(["a.asp", "b.asp"].map(Artifact::at).into(), Vec::new());
        let mut readings = listing::parse(&[page("a.asp", "A"), page("b.asp", "B")].concat()).unwrap();
        let settings = Settings::default();
        mark(&mut readings, &Decisions::new(&settings, &app), &app, &RuleSet::embedded().unwrap());
        let steps = &readings[0].facts[0].as_effect().unwrap().evidence;
        let said: Vec<&str> = steps.iter().map(|step| step.text.as_str()).collect();
        assert_eq!(said, ["1 other file uses it too", "Session:B as well"]);
        assert_eq!(steps[1].artifact.as_deref(), Some("b.asp"));
    }
}
