//! Who starts whom: phases, inherited along startup tasks, services, image builds and scripts that call scripts.

mod building;
mod helpers;
mod once;

use super::Context;
use super::index::Index;
use crate::discover::{names_setup, phase_by_name};
use crate::facts::{
    Body, Clue, ClueKind, NEVER_ENDS, Phase, Reading, SELF_EXTRACTING, STAYS, Site, Trait, file_name, is_binary,
    is_script,
};
use building::{build_starts, is_part_of_build, is_spent, sealed};
use globset::{GlobSet, GlobSetBuilder};
use helpers::{helper_phase, helpers};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// MS documentation, "Add a custom script to Windows Setup": `%WINDIR%\\Setup\\Scripts\\SetupComplete.cmd`.
const SETUP_COMPLETE: &str = "SetupComplete.cmd";

/// What is known of a whole artifact.
#[derive(Clone, PartialEq)]
struct Known {
    phase: Phase,
    because: String,
    /// Started by what makes the image of a container.
    container: bool,
    /// Prepares the container and then starts what serves.
    serves: bool,
    /// Started by a task at the start of the machine.
    by_task: bool,
}

impl Known {
    fn new(phase: Phase, because: impl Into<String>) -> Self {
        Known { phase, because: because.into(), container: false, serves: false, by_task: false }
    }
}

/// It describes the image of a container.
fn makes_container(reading: &Reading) -> bool {
    reading.format == "dockerfile"
}

/// What kind of artifact a format is, for its default phase.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    Program,
    Configuration,
    Script,
    Installer,
}

fn class(format: &str) -> Class {
    match format {
        "reg" | "inf" | "nsis" | "inno" | "wix" | "msi" => Class::Installer,
        // What a playbook runs is no configuration of the application.
        f if is_script(f) || f == "ansible" => Class::Script,
        f if is_binary(f) || f == "asp" => Class::Program,
        _ => Class::Configuration,
    }
}

/// Gives every effect without local evidence the phase of its artifact: declared, inherited, or the default of its
/// kind. Standalone scripts stay unknown: the same file may build an image or start an instance.
pub(super) fn inherit(readings: &mut [Reading], context: &Context<'_>) {
    let declared = declarations(context);
    let mut known: Vec<Option<Known>> = readings.iter().map(|r| declared_phase(r, &declared, context)).collect();
    let fixed: Vec<bool> = known.iter().map(Option::is_some).collect();
    let helpers = helpers(readings);
    spread(readings, &mut known, &fixed);
    for ((reading, known), fixed) in readings.iter_mut().zip(known).zip(fixed) {
        let class = class(&reading.format);
        let by_symbol = symbol_phases(reading);
        let named = || phase_by_name(context.app.name_of(&reading.artifact), class == Class::Script);
        let by_name = matches!(class, Class::Script | Class::Installer).then(named).flatten();
        let by_name = by_name.map(|(phase, why)| Known::new(phase, why));
        let by_name = by_name.or_else(|| (class == Class::Program && sets_up(reading)).then(setup_phase));
        let is_helper = || helpers.contains(&file_name(&reading.artifact).to_lowercase());
        let by_name = by_name.or_else(|| (class == Class::Program && is_helper()).then(helper_phase));
        let default = by_name.or_else(|| default_phase(class));
        if known.is_none() && !fixed {
            building::when_registered(reading);
        }
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let site = &fact.site;
            let Body::Effect(effect) = &mut fact.body else { continue };
            if fixed {
                // What the team declares overrides what the code seems to say, except what is not shipped at all.
                if let (Some(k), true) = (&known, effect.phase != Phase::NotShipped) {
                    (effect.phase, effect.phase_evidence) = (k.phase, k.because.clone());
                }
                continue;
            }
            if let Some(k) = known.as_ref().filter(|k| is_part_of_build(effect.phase, Some(k))) {
                (effect.phase, effect.phase_evidence) = (k.phase, k.because.clone());
            }
            if effect.phase != Phase::Unknown {
                continue;
            }
            let of_symbol = of_site(site, &by_symbol);
            let chosen = of_symbol.or(known.as_ref()).or(default.as_ref());
            if let Some(k) = chosen {
                (effect.phase, effect.phase_evidence) = (k.phase, k.because.clone());
            }
        }
        if makes_container(reading) || known.is_some_and(|k| k.container) {
            mark_layers(reading);
        }
    }
}

/// What is done while the image of a container is built stays in the image as it is: nothing generalises it.
fn mark_layers(reading: &mut Reading) {
    for fact in super::steps::counted_mut(&mut reading.facts) {
        if let Body::Effect(effect) = &mut fact.body
            && effect.phase == Phase::Build
        {
            effect.mark(Trait::ContainerImage);
        }
    }
}

fn default_phase(class: Class) -> Option<Known> {
    let (phase, because) = match class {
        Class::Program => (Phase::Run, "assumed: nothing says that this program runs in another phase"),
        Class::Configuration => (Phase::Run, "configuration is in force while the application runs"),
        Class::Installer => {
            (Phase::Build, "assumed: an installer runs before the image is captured; nothing starts it later")
        }
        Class::Script => return None,
    };
    Some(Known::new(phase, because))
}

/// A program that sets up another, by its name, by what its version information says of it, or by what it is made of.
pub(crate) fn sets_up(reading: &Reading) -> bool {
    let file = file_name(&reading.artifact).to_lowercase();
    let described = || {
        let clues = super::steps::counted(&reading.facts).filter_map(|f| f.as_clue());
        let mut said = clues.filter(|c| c.kind == ClueKind::Identity && c.key.eq_ignore_ascii_case("FileDescription"));
        said.any(|clue| names_setup(&clue.value))
    };
    let name = file_name(&reading.artifact);
    file.ends_with(".exe")
        && (names_setup(&name[..name.len().saturating_sub(4)]) || described() || has_role(reading, SELF_EXTRACTING))
}

fn setup_phase() -> Known {
    Known::new(Phase::Build, "assumed: a set-up program runs before the image is captured; nothing starts it later")
}

fn declarations(context: &Context<'_>) -> BTreeMap<Phase, GlobSet> {
    let sets = context.settings.phases.iter().map(|(phase, globs)| {
        let mut builder = GlobSetBuilder::new();
        for glob in globs.iter().filter_map(|g| crate::settings::glob(g).ok()) {
            builder.add(glob);
        }
        (*phase, builder.build().unwrap_or_default())
    });
    sets.collect()
}

fn declared_phase(reading: &Reading, declared: &BTreeMap<Phase, GlobSet>, context: &Context<'_>) -> Option<Known> {
    let name = context.app.name_of(&reading.artifact);
    let (phase, _) = declared.iter().find(|(_, globs)| globs.is_match(name))?;
    Some(Known::new(*phase, format!("declared {} in wipeproof.toml", <&str>::from(*phase))))
}

/// `RunsIn` clues about one function or method.
fn symbol_phases(reading: &Reading) -> HashMap<String, Known> {
    let clues = super::steps::counted(&reading.facts).filter_map(|f| f.as_clue());
    clues
        .filter(|c| c.kind == ClueKind::RunsIn && !c.key.is_empty())
        .filter_map(|c| {
            let phase = c.value.parse().ok()?;
            Some((c.key.clone(), Known::new(phase, format!("{} runs at {}", c.key, c.value))))
        })
        .collect()
}

/// Follows `Starts` clues breadth first from the artifacts whose phase is known.
fn spread(readings: &[Reading], known: &mut [Option<Known>], fixed: &[bool]) {
    let index = Index::new(readings);
    for (i, reading) in readings.iter().enumerate() {
        for fact in super::steps::counted(&reading.facts) {
            let clue = fact.as_clue().filter(|c| c.kind == ClueKind::RunsIn && c.key.is_empty());
            if let (None, Some(clue)) = (&known[i], clue) {
                known[i] = of_whole(reading, clue, &fact.site);
            }
        }
    }
    for (reading, known) in readings.iter().zip(known.iter_mut()) {
        if known.is_none() && file_name(&reading.artifact).eq_ignore_ascii_case(SETUP_COMPLETE) {
            *known = Some(Known::new(Phase::FirstBoot, "Windows Setup runs it once, at its end"));
        }
    }
    let fixed = &sealed(readings, known, fixed, &index);
    build_starts(readings, known, fixed, &index);
    let by_symbol: Vec<HashMap<String, Known>> = readings.iter().map(symbol_phases).collect();
    let starts = Starts { kept: super::removal::started_to_keep(readings, &index), index };
    follow(readings, known, fixed, &starts, |from, site, known| of_site(site, &by_symbol[from]).or(known).cloned());
    // What a program starts runs when the program does, also where that is only assumed; it overrides nothing.
    let told: Vec<bool> = known.iter().zip(fixed).map(|(known, fixed)| *fixed || known.is_some()).collect();
    follow(readings, known, &told, &starts, |from, _, known| {
        let assumed = || default_phase(class(&readings[from].format)).filter(|_| is_program(&readings[from]));
        known.cloned().or_else(assumed)
    });
    untimed_starts(readings, known, &starts.index);
    called(readings, known, &starts.index);
    building::plug_ins(readings, known, &starts.index);
}

/// What only ever is called as a tool runs when its caller does, and not on its own.
fn called(readings: &[Reading], known: &mut [Option<Known>], index: &Index) {
    for call in super::tools::calls(readings, index) {
        if known[call.tool].is_some() {
            continue;
        }
        let from = call.from;
        let of_caller = known[from].clone().or_else(|| default_phase(class(&readings[from].format)));
        let phase = of_caller.as_ref().map_or(Phase::Unknown, |known| known.phase);
        let rest =
            of_caller.map_or(", and nothing says when that runs".to_owned(), |known| format!(", {}", known.because));
        let because = format!("called by {} at {}{rest}", readings[from].artifact, call.site.short());
        known[call.tool] = Some(Known::new(phase, because));
    }
}

/// What a clue says of all that an artifact does. What is called from outside of an instance says so of the script that calls
/// it: a build of an image, or a program, has its own phase.
fn of_whole(reading: &Reading, clue: &Clue, site: &Site) -> Option<Known> {
    let phase = clue.value.parse().ok()?;
    let because = match &clue.location {
        Some(_) if class(&reading.format) != Class::Script => return None,
        Some(command) => format!("it calls `{command}` at {}, which is done from outside of an instance", site.short()),
        None => format!("it runs at {}", clue.value),
    };
    Some(Known::new(phase, because))
}

/// An installer that is started at a time that is not known is not one that nothing starts: what is assumed of those says
/// nothing of it.
fn untimed_starts(readings: &[Reading], known: &mut [Option<Known>], index: &Index) {
    let is_untimed = |reading: &Reading, known: Option<&Known>| match known {
        Some(known) => known.phase == Phase::Unknown,
        None => class(&reading.format) == Class::Script,
    };
    let mut queue: VecDeque<usize> = (0..readings.len()).filter(|i| known[*i].is_none()).collect();
    while let Some(from) = queue.pop_front() {
        if !is_untimed(&readings[from], known[from].as_ref()) {
            continue;
        }
        for fact in super::steps::counted(&readings[from].facts) {
            let Some(clue) = fact.as_clue().filter(|c| c.kind == ClueKind::Starts) else { continue };
            let Some(to) = index.started(&readings[from], clue) else { continue };
            if to == from || known[to].is_some() || class(&readings[to].format) != Class::Installer {
                continue;
            }
            let by = format!("{} ({}) at {}", readings[from].artifact, clue.key, fact.site.short());
            known[to] = Some(Known::new(Phase::Unknown, format!("started by {by}, and nothing says when that runs")));
            queue.push_back(to);
        }
    }
}

fn is_program(reading: &Reading) -> bool {
    class(&reading.format) == Class::Program
}

/// The phase of the function or method in which something is.
fn of_site<'a>(site: &Site, by_symbol: &'a HashMap<String, Known>) -> Option<&'a Known> {
    site.method.as_ref().or(site.symbol.as_ref()).and_then(|symbol| by_symbol.get(symbol))
}

/// Who is started by name, and by whom.
struct Starts {
    index: Index,
    /// By artifact, whether something starts it that does not only take the application away.
    kept: Vec<bool>,
}

/// Follows the starts of all artifacts; `starter` says what is known of the place where something is started.
fn follow(
    readings: &[Reading],
    known: &mut [Option<Known>],
    fixed: &[bool],
    starts: &Starts,
    starter: impl Fn(usize, &Site, Option<&Known>) -> Option<Known>,
) {
    let mut queue: VecDeque<usize> = (0..readings.len()).collect();
    let Starts { index, kept } = starts;
    // What both builds the image and starts the instance is judged by the later of the two, where more can be lost. A
    // phase only ever becomes a later one, so that each edge is followed no more often than there are phases.
    while let Some(from) = queue.pop_front() {
        for fact in super::steps::counted(&readings[from].facts) {
            let Some(clue) = fact.as_clue().filter(|c| c.kind == ClueKind::Starts) else { continue };
            let Some(to) = index.started(&readings[from], clue) else { continue };
            // Many an installer and its uninstaller start one script, with another word.
            if edge_phase(&clue.key) == Some(Phase::NotShipped) && kept[to] {
                continue;
            }
            let inherited = starter(from, &fact.site, known[from].as_ref());
            let Some(phase) = edge_phase(&clue.key).or(inherited.as_ref().map(|k| k.phase)) else { continue };
            let phase = if is_part_of_build(phase, inherited.as_ref()) { Phase::Build } else { phase };
            // A developer starts the application as well; only the scripts of a script are of its kind.
            if phase == Phase::NotShipped
                && edge_phase(&clue.key).is_none()
                && class(&readings[to].format) != Class::Script
            {
                continue;
            }
            // The script at the entry of a container runs at each of its starts, and what it starts goes on to serve; so it is
            // with a script of a task that the start of the machine starts.
            let at_start = ["entrypoint", "task-at-start"].contains(&clue.key.as_str());
            let serves = at_start || inherited.as_ref().is_some_and(|k| k.serves);
            // One that stays goes on to do it itself.
            let by_task = clue.key == "task-at-start" || inherited.as_ref().is_some_and(|k| k.by_task);
            let is_early = at_start || phase == Phase::Startup;
            let phase = match class(&readings[to].format) {
                _ if is_spent((&readings[from], clue, &fact.site), inherited.as_ref(), &readings[to]) => Phase::Build,
                _ if once::is_one_shot(readings, index, (from, &fact.site, clue), inherited.as_ref(), to) => {
                    Phase::FirstBoot
                }
                Class::Script if by_task && is_early && has_role(&readings[to], STAYS) => Phase::Run,
                Class::Script if phase == Phase::FirstBoot && never_ends(&readings[to]) => Phase::Run,
                Class::Script if at_start => Phase::Startup,
                Class::Program if serves && phase == Phase::Startup => Phase::Run,
                _ => phase,
            };
            let rest = inherited.as_ref().map_or(String::new(), |k| format!(", {}", k.because));
            if to == from || fixed[to] || known[to].as_ref().is_some_and(|k| lateness(k.phase) >= lateness(phase)) {
                continue;
            }
            let because =
                format!("started by {} ({}) at {}{rest}", readings[from].artifact, clue.key, fact.site.short());
            let container = makes_container(&readings[from]) || inherited.is_some_and(|k| k.container);
            known[to] = Some(Known { phase, because, container, serves, by_task });
            queue.push_back(to);
        }
    }
}

/// Is it said to be of this kind?
pub(super) fn has_role(reading: &Reading, role: &str) -> bool {
    roles(reading, role).next().is_some()
}

fn roles<'r>(reading: &'r Reading, role: &'r str) -> impl Iterator<Item = &'r Clue> {
    let clues = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_clue());
    clues.filter(move |clue| clue.kind == ClueKind::Role && clue.key == role)
}

/// What sets a machine up ends; what does not is there to serve.
fn never_ends(reading: &Reading) -> bool {
    roles(reading, STAYS).any(|clue| clue.value == NEVER_ENDS)
}

/// Does a clue with this key say what a scheduled task starts?
fn is_task(key: &str) -> bool {
    ["scheduled-task", "task-at-start"].contains(&key)
}

/// How late in the life of an image a phase is.
fn lateness(phase: Phase) -> u8 {
    match phase {
        Phase::Unknown | Phase::NotShipped => 0,
        Phase::Build => 1,
        Phase::FirstBoot => 2,
        Phase::Startup => 3,
        Phase::Run | Phase::Shutdown => 4,
    }
}

/// What is started, as a path below the starter: the resolved location without its folder, or the words of the command.
pub(crate) fn started_path(clue: &Clue) -> String {
    let tail = clue.location.as_ref().map(|l| l.text().trailing_lit().trim_start_matches('\\')).unwrap_or_default();
    if tail.is_empty() { clue.value.clone() } else { tail.to_owned() }
}

/// Edges that set a phase of their own, whatever starts them.
pub(super) fn edge_phase(key: &str) -> Option<Phase> {
    match key {
        "startup-task" | "run-key" | "entrypoint-setup" => Some(Phase::Startup),
        "image-build" => Some(Phase::Build),
        "first-boot" | "run-once" => Some(Phase::FirstBoot),
        "service" | "entrypoint" | "scheduled-task" | "task-at-start" | "health-check" => Some(Phase::Run),
        "uninstall" => Some(Phase::NotShipped),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;
    use crate::settings::Settings;

    fn phases(text: &str, settings: &Settings) -> Vec<(Phase, String)> {
        let mut readings = listing::parse(text).unwrap();
        inherit(&mut readings, &Context { settings, app: &Default::default() });
        let effects = readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect());
        effects.map(|e| (e.phase, e.phase_evidence.clone())).collect()
    }

    const CHAIN: &str = "artifact ServiceDefinition.csdef format=xml\n\
         clue starts key=startup-task value=bin\\setup.cmd at=line:6\n\
         artifact bin/setup.cmd format=batch\nclue starts key=call value=other.ps1 at=line:2\n\
         artifact bin/other.ps1 format=power-shell\neffect set-value registry HKLM\\A\n\
         artifact bin/lonely.cmd format=batch\neffect set-value registry HKLM\\B\n\
         artifact bin/a.exe format=pe-x64\neffect set-value registry HKLM\\C\n";

    #[test]
    fn phases_travel_along_starts_and_say_so() {
        let p = phases(CHAIN, &Settings::default());
        assert_eq!(p[0].0, Phase::Startup);
        assert!(p[0].1.contains("bin/setup.cmd") && p[0].1.contains("ServiceDefinition.csdef"), "{}", p[0].1);
        assert_eq!(p[1].0, Phase::Unknown);
        assert_eq!(p[2].0, Phase::Run);
        assert!(p[2].1.starts_with("assumed"));
    }

    #[test]
    fn what_builds_and_starts_is_judged_as_what_starts() {
        let text = "artifact Dockerfile format=dockerfile\nclue starts key=image-build value=setup.cmd at=line:2\n\
                    clue starts key=entrypoint-setup value=setup.cmd at=line:3\n\
                    artifact setup.cmd format=batch\nclue starts key=call value=more.cmd at=line:1\n\
                    artifact more.cmd format=batch\nclue starts key=call value=setup.cmd at=line:1\n\
                    effect set-value registry HKLM\\A\n";
        let p = phases(text, &Settings::default());
        assert_eq!(p[0].0, Phase::Startup);
        assert!(p[0].1.contains("Dockerfile (entrypoint-setup) at 3:1"), "{}", p[0].1);
    }

    #[test]
    fn what_a_program_starts_runs_when_the_place_that_starts_it_does() {
        let script = "artifact w.cmd format=batch\neffect set-value registry HKLM\\A\n";
        let text = format!(
            "artifact a.dll format=assembly\nclue runs-in key=A.Stop value=shutdown\n\
             clue starts key=call value=w.cmd at=method:A.Stop\n{script}"
        );
        assert_eq!(phases(&text, &Settings::default())[0].0, Phase::Shutdown);
        let assumed = text.replace("at=method:A.Stop", "at=method:A.Other");
        let p = phases(&assumed, &Settings::default());
        assert_eq!(p[0].0, Phase::Run);
        assert!(p[0].1.contains("started by a.dll") && p[0].1.contains("assumed"), "{}", p[0].1);
        // What is only assumed does not make a later phase of a known one.
        let task = "artifact s.csdef format=csdef\nclue starts key=startup-task value=w.cmd at=line:6\n";
        assert_eq!(phases(&format!("{task}{assumed}"), &Settings::default())[0].0, Phase::Startup);
    }

    #[test]
    fn of_several_services_each_starts_its_own() {
        let service = |name: &str| {
            format!(
                "artifact {name}/ServiceDefinition.csdef format=csdef\n\
                 clue starts key=startup-task value=setup.cmd at=line:6\n\
                 artifact {name}/WebRole/bin/setup.cmd format=batch\neffect set-value registry HKLM\\A\n"
            )
        };
        let p = phases(&format!("{}{}", service("blog"), service("forum")), &Settings::default());
        assert_eq!([p[0].0, p[1].0], [Phase::Startup, Phase::Startup]);
        assert!(p[1].1.contains("forum/ServiceDefinition.csdef"), "{}", p[1].1);
    }

    #[test]
    fn what_a_container_is_built_with_is_left_in_its_image() {
        let text = "artifact Dockerfile format=dockerfile\nclue starts key=image-build value=setup.cmd at=line:2\n\
                    artifact setup.cmd format=batch\nclue starts key=call value=more.cmd at=line:1\n\
                    artifact more.cmd format=batch\neffect set-value registry HKLM\\A\n\
                    artifact i.pkr.hcl format=hcl\nclue starts key=image-build value=vm.cmd at=line:2\n\
                    artifact vm.cmd format=batch\neffect set-value registry HKLM\\B\n";
        let mut readings = listing::parse(text).unwrap();
        inherit(&mut readings, &Context { settings: &Settings::default(), app: &Default::default() });
        let effects = readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect());
        let marked: Vec<bool> = effects.map(|e| e.phase == Phase::Build && e.has(Trait::ContainerImage)).collect();
        assert_eq!(marked, [true, false]);
    }

    #[test]
    fn declarations_override() {
        let settings = Settings::parse("w", "[phases]\nbuild = ['bin/**']").unwrap();
        assert!(phases(CHAIN, &settings).iter().all(|(p, _)| *p == Phase::Build));
    }
}
