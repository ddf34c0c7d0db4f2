//! What a build puts into several folders of its output, and what there are several versions or builds of: files that are not
//! the same, and do the same in part. What they have in common is told where it stands first.

use super::decisions::{Decided, Decisions};
use crate::discover::{Application, is_of_build, program_name, source_name};
use crate::facts::{Body, Certainty, Effect, NoteKind, Owner, Reading, Trait, file_name, folder_of, is_binary};
use std::collections::{BTreeMap, HashMap};

/// What the output folders of one project have in common, with each other and with the files that the build copies there, is
/// told where it stands first; and so is what the folders of several versions hold, and what several builds of one program do.
pub(super) fn fold(readings: &mut [Reading], decisions: &Decisions<'_>, app: &Application) {
    let mut groups: HashMap<(String, String, Decided), Vec<(bool, usize)>> = HashMap::new();
    let mut sources: HashMap<usize, String> = HashMap::new();
    let own = readings.iter().enumerate().filter(|(_, reading)| reading.owner == Owner::Application);
    for (number, reading) in own {
        let name = app.name_of(&reading.artifact);
        let output = app.deployed().output(name);
        if let Some(source) = &output {
            sources.insert(number, source.folder.clone());
        }
        let is_output = output.is_some();
        let (folder, file) = (folder_of(name), file_name(name));
        let (folder, file) = match output {
            Some(source) => (source.folder, source.file),
            // For another processor, or of another version.
            None if is_binary(&reading.format) => (String::new(), program_name(file)),
            None if folder.contains('.') => (without_versions(folder), file.to_lowercase()),
            None => (folder.to_lowercase(), source_name(&file.to_lowercase())),
        };
        groups.entry((folder, file, decisions.of(reading))).or_default().push((is_output, number));
    }
    let mut groups: Vec<Vec<(bool, usize)>> = groups.into_values().filter(|files| files.len() > 1).collect();
    groups.sort_unstable();
    for mut files in groups {
        files.sort_unstable();
        let folder = |number: usize| folder_of(&readings[number].artifact).to_owned();
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
                    true => place_of(&artifact, sources.get(number)),
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

/// Folders of the artifact itself that places begin with, in lower case.
const RELATIVE: [&str; 5] = ["{appdir}", "{cwd}", "{webroot}", "{datadirectory}", "{roleroot}"];
/// Is a place below a folder of the artifact that says it? The key of the place is in lower case.
fn is_relative(key: &str) -> bool {
    RELATIVE.iter().any(|folder| key.starts_with(folder))
}

/// Where an artifact runs: the folder in its source for what a build put into its output; of the folders of builds for several
/// processors, the one that has them.
fn place_of(artifact: &str, source: Option<&String>) -> String {
    let folder = folder_of(artifact).to_lowercase();
    source.cloned().unwrap_or_else(|| {
        let kept: Vec<&str> = folder.split('/').filter(|part| !is_of_build(part)).collect();
        kept.join("/")
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;
    use crate::link::decisions::tests::none;

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
        fold(&mut readings, &none(), &app);
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
        fold(&mut readings, &none(), &Application::default());
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
        fold(&mut readings, &none(), &Application::default());
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
        fold(&mut readings, &none(), &app);
        let told: Vec<bool> = readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Implied)).collect();
        assert_eq!(told, [true, true, false, true, true, true, true, false]);
    }
}
