//! Programs and scripts of which the application holds several copies, as a package does of each of its versions: each
//! does the same, and is told of once. So is what a build puts into several folders of its output.

use crate::discover::Application;
use crate::facts::{Body, Certainty, Effect, Fact, NoteKind, Owner, Reading, Trait, is_binary, is_script};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Leaves the first copy, which says where the others are; of those only that they are there is known. A copy that is
/// started otherwise than the first is no copy.
pub(super) fn fold(readings: &mut [Reading]) {
    let mut by_name: HashMap<(String, u64), Vec<usize>> = HashMap::new();
    for (number, reading) in readings.iter().enumerate() {
        if is_code(reading) && reading.owner == Owner::Application && !reading.facts.is_empty() {
            let name = reading.artifact.rsplit('/').next().unwrap_or_default().to_lowercase();
            by_name.entry((name, digest(reading))).or_default().push(number);
        }
    }
    let mut groups: Vec<Vec<usize>> = by_name.into_values().filter(|numbers| numbers.len() > 1).collect();
    groups.sort();
    for numbers in groups {
        // The first of each kind, and how many there are besides.
        let mut kinds: Vec<(usize, Vec<usize>)> = Vec::new();
        for number in numbers {
            super::steps::step();
            let same = kinds.iter().position(|(first, _)| are_same(&readings[*first], &readings[number]));
            match same {
                Some(kind) => kinds[kind].1.push(number),
                None if kinds.len() < MAX_KINDS => kinds.push((number, Vec::new())),
                None => {}
            }
        }
        for (first, copies) in kinds {
            let Some(next) = copies.first() else { continue };
            let others = match copies.len() {
                1 => format!("{} is a copy of it", readings[*next].artifact),
                n => format!("{n} copies of it, first {}", readings[*next].artifact),
            };
            readings[first].note(NoteKind::Info, format!("{others}: what it does is told once"));
            for copy in copies {
                for fact in super::steps::counted_mut(&mut readings[copy].facts) {
                    if let Body::Effect(effect) = &mut fact.body {
                        effect.mark(Trait::Implied);
                    }
                }
            }
        }
    }
}

/// What the output folders of one project have in common, with each other and with the files that the build copies there, is
/// told where it stands first; and so is what the folders of several versions hold, and what several builds of one program do.
pub(super) fn fold_outputs(readings: &mut [Reading], app: &Application) {
    let mut groups: HashMap<(String, String), Vec<(bool, usize)>> = HashMap::new();
    let mut outputs: HashMap<usize, String> = HashMap::new();
    let own = readings.iter().enumerate().filter(|(_, reading)| reading.owner == Owner::Application);
    for (number, reading) in own {
        let name = app.name_of(&reading.artifact);
        let output = app.deployed().output_of(name);
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let group = match output {
            // For another processor, or of another version.
            None if is_binary(&reading.format) => (String::new(), program_name(file)),
            None if folder.contains('.') => (without_versions(folder), file.to_lowercase()),
            _ => (output.map_or(folder.to_lowercase(), |project| source_folder(project, folder)), source_name(file)),
        };
        if let Some(project) = output {
            outputs.insert(number, source_folder(project, folder));
        }
        groups.entry(group).or_default().push((output.is_some(), number));
    }
    let mut groups: Vec<Vec<(bool, usize)>> = groups.into_values().filter(|files| files.len() > 1).collect();
    groups.sort_unstable();
    for mut files in groups {
        files.sort_unstable();
        let folder = |number: usize| readings[number].artifact.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        let first_folder = folder(files[0].1);
        // Two files of one folder are two files of one version.
        let foldable: Vec<bool> = files
            .iter()
            .map(|(is_output, number)| {
                *is_output || is_binary(&readings[*number].format) || folder(*number) != first_folder
            })
            .collect();
        // Who told it first, and how certainly.
        let mut told: HashMap<String, (usize, Certainty)> = HashMap::new();
        let mut folded: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for ((_, number), may_fold) in files.iter().zip(foldable) {
            let artifact = app.name_of(&readings[*number].artifact).to_owned();
            for fact in super::steps::counted_mut(&mut readings[*number].facts) {
                let Body::Effect(effect) = &mut fact.body else { continue };
                let Effect { operation, store, location, via, phase, .. } = &*effect;
                let location = location.key();
                // The same words are another place below another folder.
                let below = match is_relative(&location) {
                    true => place_of(&artifact, outputs.get(number)),
                    false => String::new(),
                };
                let key = format!("{operation:?} {store:?} {location} {below} {via} {phase:?}");
                let (first, certainty) = *told.entry(key).or_insert((*number, effect.certainty));
                if may_fold && first != *number && certainty >= effect.certainty {
                    effect.mark(Trait::Implied);
                    let others = folded.entry(first).or_default();
                    if others.last() != Some(number) {
                        others.push(*number);
                    }
                }
            }
        }
        for (first, others) in folded {
            let next = readings[others[0]].artifact.clone();
            let text = match others.len() {
                1 => format!("what {next} does as well is told once"),
                n => format!("what {n} other files of this name do as well is told once, first {next}"),
            };
            readings[first].note(NoteKind::Info, text);
        }
    }
}

/// What names of programs end with that say for which machine or framework they are built.
const BUILDS: &[&str] = &[".net2", ".net4", "x64", "x86", "win64", "win32", "amd64", "64", "32"];

/// Folders of the artifact itself that places begin with, in lower case.
const RELATIVE: [&str; 5] = ["{appdir}", "{cwd}", "{webroot}", "{datadirectory}", "{roleroot}"];
/// Folders that a build makes below `bin`, one in another: configurations, and what ends it.
const CONFIGURATIONS: [&str; 5] = ["debug", "release", "publish", "app.publish", "anycpu"];
/// What the folders of frameworks and runtimes begin with (.NET documentation, "Target frameworks" and "RID Catalog").
const FRAMEWORKS: [&str; 4] = ["netcoreapp", "netstandard", "net", "win"];

/// Is a place below a folder of the artifact that says it? The key of the place is in lower case.
fn is_relative(key: &str) -> bool {
    RELATIVE.iter().any(|folder| key.starts_with(folder))
}

/// Where an artifact runs: the folder in its source for what a build put into its output; of the folders of builds for several
/// processors, the one that has them.
fn place_of(artifact: &str, output: Option<&String>) -> String {
    let folder = artifact.rsplit_once('/').map_or("", |(folder, _)| folder).to_lowercase();
    output.cloned().unwrap_or_else(|| {
        let kept: Vec<&str> = folder.split('/').filter(|part| !BUILDS.contains(part)).collect();
        kept.join("/")
    })
}

/// The folder that a folder of the output of a project is made of: `host/bin/Release/net8.0/services` of `host/services`.
fn source_folder(project: &str, output: &str) -> String {
    let project = project.to_lowercase();
    let output = output.to_lowercase();
    let inside = output.strip_prefix(&project).unwrap_or_default().trim_start_matches('/');
    let is_of_build = |part: &&str| {
        let of_framework = FRAMEWORKS.iter().find_map(|known| part.strip_prefix(known));
        CONFIGURATIONS.contains(part)
            || BUILDS.contains(part)
            || of_framework.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
    };
    // The first is `bin`.
    let kept = inside.split('/').skip(1).skip_while(is_of_build);
    kept.fold(project, |folder, part| if folder.is_empty() { part.to_owned() } else { format!("{folder}/{part}") })
}

/// The name of a program without what tells its builds apart: `tool.exe` and `tool-x64.exe` are one.
fn program_name(file: &str) -> String {
    let file = file.to_lowercase();
    let Some((stem, ending)) = file.rsplit_once('.') else { return file };
    let of_build = BUILDS.iter().find_map(|build| stem.strip_suffix(build));
    let plain = of_build.map_or(stem, |plain| plain.trim_end_matches(['-', '_', '.']));
    if plain.is_empty() { file } else { format!("{plain}.{ending}") }
}

/// A folder without the numbers of versions in its path: `shop 10.1.1/infra` and `shop 9.0/infra` are one.
fn without_versions(folder: &str) -> String {
    let is_version = |word: &str| {
        let mut numbers = word.split('.');
        word.contains('.') && numbers.all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    let words = folder.split_inclusive([' ', '-', '_', '/']);
    let plain = words.map(|word| {
        let end = word.trim_end_matches([' ', '-', '_', '/']);
        let number = end.trim_start_matches(['v', 'V']);
        if is_version(number) { format!("#{}", &word[end.len()..]) } else { word.to_lowercase() }
    });
    plain.collect()
}

/// What a file is called where the build takes it from: the configuration of a program is `App.config` there (MS documentation,
/// "Configuring Apps by using Configuration Files").
fn source_name(file: &str) -> String {
    let file = file.to_lowercase();
    match file.rsplit_once('.') {
        Some((program, "config")) if program.ends_with(".exe") || program.ends_with(".dll") => "app.config".to_owned(),
        // `ServiceConfiguration.Cloud.cscfg` loses the name of its environment.
        Some((_, "cscfg")) => "serviceconfiguration.cscfg".to_owned(),
        _ => file,
    }
}

/// Most files of one name with the same places that are not the same.
const MAX_KINDS: usize = 16;

fn is_code(reading: &Reading) -> bool {
    let format = reading.format.as_str();
    is_script(format) || is_binary(format) || format == "reg"
}

/// Tells apart most that are not the same, so that few of one name are compared.
fn digest(reading: &Reading) -> u64 {
    let mut hasher = DefaultHasher::new();
    reading.facts.len().hash(&mut hasher);
    for effect in super::steps::counted(&reading.facts).filter_map(Fact::as_effect) {
        effect.location.key().hash(&mut hasher);
    }
    hasher.finish()
}

/// Do both say the same, at the same places of the text? How the rest of the application leads there may differ.
fn are_same(a: &Reading, b: &Reading) -> bool {
    let own = |effect: &Effect| Effect { phase_evidence: String::new(), evidence: Vec::new(), ..effect.clone() };
    let same = |(a, b): (&Fact, &Fact)| match (&a.body, &b.body) {
        (Body::Effect(x), Body::Effect(y)) => a.site == b.site && own(x) == own(y),
        _ => a == b,
    };
    a.format == b.format && a.facts.len() == b.facts.len() && a.facts.iter().zip(&b.facts).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    #[test]
    fn the_first_of_several_copies_is_told_of() {
        let tool = |folder: &str, key: &str, phase: &str| {
            format!(
                "artifact {folder}/tool.exe format=pe-x64\neffect set-value registry HKLM\\{key} phase={phase} at=rva:0x10\n"
            )
        };
        let text = [
            tool("a", "A", "run"),
            tool("b", "A", "run"),
            tool("c", "A", "startup"),
            tool("d", "B", "run"),
            tool("e", "A", "run"),
        ];
        let mut readings = listing::parse(&text.concat()).unwrap();
        fold(&mut readings);
        let told: Vec<bool> = readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Implied)).collect();
        assert_eq!(told, [true, false, true, true, false]);
        assert_eq!(readings[0].notes[0].text, "2 copies of it, first b/tool.exe: what it does is told once");
    }

    #[test]
    fn the_outputs_of_a_project() {
        use crate::discover::Artifact;
        let names = ["a/a.csproj", "a/App.config", "a/bin/Debug/a.exe.config", "a/bin/Release/a.exe.config"];
        let others = ["b/log.config", "b/bin/log.config"];
        let app = Application::new(names.iter().chain(&others).map(|name| Artifact::at(name)).collect(), Vec::new());
        let log = |file: &str, log: &str| {
            format!("artifact {file} format=app-config\neffect append log {{AppDir}}\\{log} phase=run\n")
        };
        let text =
            [log(names[1], "a"), log(names[2], "a"), log(names[3], "b"), log(others[0], "c"), log(others[1], "c")];
        let mut readings = listing::parse(&text.concat()).unwrap();
        fold_outputs(&mut readings, &app);
        let told: Vec<bool> = readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Implied)).collect();
        assert_eq!(told, [true, false, true, true, true], "without a project, bin is a folder like any other");
    }

    #[test]
    fn the_builds_of_a_program() {
        let write = |file: &str, key: &str| {
            format!(
                "artifact {file} format=pe-x64\neffect set-value registry HKLM\\{key} phase=run at=rva:0x{}\n",
                file.len()
            )
        };
        let text = [
            write("a/tool.exe", "A"),
            write("a/tool-x64.exe", "A"),
            write("b/tool.exe", "B"),
            write("a/tool.dll", "A"),
        ];
        let mut readings = listing::parse(&text.concat()).unwrap();
        fold_outputs(&mut readings, &Application::default());
        let told: Vec<bool> = readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Implied)).collect();
        assert_eq!(told, [true, false, true, true]);
        assert_eq!(readings[0].notes[0].text, "what a/tool-x64.exe does as well is told once");
    }

    #[test]
    fn the_folders_of_several_versions() {
        let template = |folder: &str, role: &str| {
            format!(
                "artifact {folder}/infra.json format=arm-template\neffect configure topology role://{role} phase=run\n"
            )
        };
        let text = [template("shop-9.0/xp", "a"), template("shop-10.1.1/xp", "a"), template("shop-10.1.1/xm", "a")];
        let more = [template("v1.5-x", "b"), template("v2.0-x", "b"), template("site1", "b"), template("site2", "b")];
        let mut readings = listing::parse(&[text.concat(), more.concat()].concat()).unwrap();
        fold_outputs(&mut readings, &Application::default());
        let told: Vec<bool> = readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Implied)).collect();
        assert_eq!(told, [true, false, true, true, false, true, true]);
    }

    #[test]
    fn the_same_words_below_other_folders() {
        use crate::discover::Artifact;
        let write = |file: &str| {
            format!(
                "artifact {file} format=pe-x64\neffect create file {{AppDir}}\\a.ini phase=run at=rva:0x{}\n",
                file.len()
            )
        };
        let settings = |file: &str| {
            format!("artifact {file} format=app-settings\neffect write database {{DataDirectory}}\\a.db phase=run\n")
        };
        let names = [
            "orders/service.exe",
            "billing/service.exe",
            "billing/x64/service.exe",
            "api-1.0/Web.config",
            "api-2.0/Web.config",
            "host/bin/Release/services/orders/appsettings.json",
            "host/bin/Release/services/billing/appsettings.json",
            "host/bin/Debug/net8.0/services/billing/appsettings.json",
        ];
        let text: Vec<String> =
            names.iter().map(|file| if file.ends_with(".exe") { write(file) } else { settings(file) }).collect();
        let app = Application::new(
            names.iter().chain(&["host/host.csproj"]).map(|name| Artifact::at(name)).collect(),
            Vec::new(),
        );
        let mut readings = listing::parse(&text.concat()).unwrap();
        fold_outputs(&mut readings, &app);
        let told: Vec<bool> = readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Implied)).collect();
        assert_eq!(told, [true, true, false, true, true, true, true, false]);
    }

    #[test]
    fn scripts_of_several_versions() {
        let script = |version: &str, url: &str| {
            format!(
                "artifact desk/{version}/install.ps1 format=power-shell\n\
                 effect set-value registry HKCU\\Desk\\Agreed phase=build at=line:3\n  step \"of {version}\"\n\
                 effect create file {{Temp}}\\{url} phase=build at=line:4\n"
            )
        };
        let text = [script("1.0", "a"), script("1.1", "a"), script("2.0", "b")];
        let mut readings = listing::parse(&text.concat()).unwrap();
        fold(&mut readings);
        let told: Vec<bool> = readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Implied)).collect();
        assert_eq!(told, [true, false, true]);
    }
}
