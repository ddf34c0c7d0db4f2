//! Configuration values into the locations that name them: `{config:appSettings/LogPath}\app.log` meets `C:\Logs`.

use super::ini;
use super::nearest::Nearest;
use crate::facts::{
    Body, Certainty, Clue, ClueKind, Fact, Folder, Hole, Location, Reading, Source, Step, Store, Text, Trait,
    is_deployed_by_default, is_out_of_service,
};
use std::collections::HashMap;

/// How a value comes to a program; a later one wins over an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rank {
    /// In an environment that is not known to be the one that is deployed.
    Elsewhere,
    /// In every environment.
    General,
    /// In the environment that is judged.
    Environment,
    /// In a variable of the process, which the .NET options system reads last
    /// (MS documentation: "Configuration in ASP.NET Core", default order of sources).
    Variable,
}

/// One definition of a configuration value.
struct Definition {
    value: String,
    /// Here it is taken back.
    gone: bool,
    /// The value as a text; with holes where the definition itself names something else.
    text: Text,
    step: Step,
}

/// All definitions of one name.
#[derive(Default)]
struct Candidates {
    /// By rank.
    nearest: [Nearest; 4],
    all: Vec<Definition>,
    /// They are in different files.
    apart: bool,
}

struct Definitions {
    by_name: HashMap<(Source, String), Candidates>,
    /// What a placeholder of one artifact, or of any, stands for where nothing sets it, by artifact and name.
    defaults: HashMap<(String, String), Definition>,
}

/// How often a resolved value may lead to another before it is taken for a cycle.
const MAX_DEPTH: usize = 4;

/// Replaces symbolic holes that configuration defines. Values of the `environment` win over general ones, and
/// variables of the process over both; without an environment, the usual name of the deployed one is meant. Values of
/// other environments only count where there is no better one.
pub(super) fn resolve(readings: &mut [Reading], environment: Option<&str>) {
    let definitions = collect(readings, environment);
    let placed = ini::Placed::new(readings);
    for reading in readings {
        let artifact = reading.artifact.clone();
        for fact in super::steps::counted_mut(&mut reading.facts) {
            resolve_fact(fact, &artifact, &definitions, &placed);
        }
    }
}

/// Data folders of servers, which the scripts that start them set to this (Apache Karaf, "Directory structure";
/// Apache ActiveMQ, `ACTIVEMQ_DATA`).
const USUAL: &[(&str, &str)] =
    &[("karaf.data", "{AppDir}\\data"), ("karaf.log", "{config:karaf.data}\\log"), ("activemq.data", "{AppDir}\\data")];

fn usual((name, value): &(&str, &str)) -> ((String, String), Definition) {
    let step = Step::new(format!("nothing sets {name}, which is {value} then"));
    let definition = Definition { value: (*value).to_owned(), gone: false, text: Text::parse(value), step };
    ((String::new(), (*name).to_owned()), definition)
}

fn collect(readings: &[Reading], environment: Option<&str>) -> Definitions {
    let mut definitions = Definitions { by_name: HashMap::new(), defaults: USUAL.iter().map(usual).collect() };
    for reading in readings {
        for fact in super::steps::counted(&reading.facts) {
            let Some(clue) = fact.as_clue() else { continue };
            let (key, of) = match clue.key.rsplit_once('@') {
                Some((key, of)) => (key, Some(of)),
                None => (clue.key.as_str(), None),
            };
            // A folder below takes back what one above defines.
            let (key, gone) = match key.strip_prefix("removed:") {
                Some(key) => (key, true),
                None => (key, false),
            };
            let of_judged = environment.map(|_| reading.environment.as_deref() == of);
            let Some(rank) = rank(key, of, of_judged) else { continue };
            let said = match of {
                _ if rank == Rank::Variable => {
                    format!("the variable {} is \"{}\"", key.trim_start_matches("env/"), clue.value)
                }
                Some(of) => format!("{key} is \"{}\" in {of}", clue.value),
                None => format!("{key} is \"{}\"", clue.value),
            };
            let step = Step::at(said, fact.site.clone()).in_artifact(reading.artifact.clone());
            let text = defined_text(clue);
            if let Some(name) = key.strip_prefix("default/") {
                let said = format!("nothing sets {name}, whose default is \"{}\"", clue.value);
                let step = Step::at(said, fact.site.clone());
                let default = Definition { value: clue.value.clone(), gone: false, text, step };
                definitions.defaults.entry((reading.artifact.clone(), name.to_lowercase())).or_insert(default);
                continue;
            }
            for name in names(clue, key) {
                let Candidates { nearest, all, apart } = definitions.by_name.entry(name).or_default();
                let number = all.len();
                let value = clue.value.clone();
                *apart |= all.last().is_some_and(|last| last.step.artifact != step.artifact);
                all.push(Definition { value, gone, text: text.clone(), step: step.clone() });
                nearest[rank as usize].insert(&reading.artifact, number, |other| {
                    all[other].value == clue.value && all[other].gone == gone
                });
            }
        }
    }
    definitions
}

/// A value that names a place of its own kind (the path of a local resource) says so beside its text.
fn defined_text(clue: &Clue) -> Text {
    let place = clue.location.as_ref().filter(|_| clue.kind == ClueKind::ConfigValue);
    place.map_or_else(|| Text::lit(&clue.value), |location| location.text().clone())
}

/// None for a value that is not of the environment which is judged, or that is of none which is ever deployed.
fn rank(key: &str, of: Option<&str>, of_judged: Option<bool>) -> Option<Rank> {
    match (of, of_judged) {
        (None, _) if key.starts_with("env/") => Some(Rank::Variable),
        (None, _) => Some(Rank::General),
        (Some(_), Some(of_judged)) => of_judged.then_some(Rank::Environment),
        (Some(of), None) if is_deployed_by_default(of) => Some(Rank::Environment),
        // On a developer's machine and under test only: no value of what is deployed.
        (Some(of), None) if is_out_of_service(of) => None,
        (Some(_), None) => Some(Rank::Elsewhere),
    }
}

/// The names by which code, scripts or installers ask for a value, in lower case.
fn names(clue: &Clue, key: &str) -> Vec<(Source, String)> {
    let key = key.to_lowercase();
    match clue.kind {
        ClueKind::ConnectionString => vec![(Source::Connection, key)],
        ClueKind::ConfigValue => {
            if let Some(variable) = key.strip_prefix("env/") {
                // Two underscores stand for the colon, which a variable cannot have in its name everywhere.
                let option = variable.replace("__", ":");
                let connection = option.strip_prefix("connectionstrings:").map(|c| (Source::Connection, c.to_owned()));
                let names = [(Source::Env, variable.to_owned()), (Source::Option, option.clone())];
                return names.into_iter().chain(connection).collect();
            }
            if let Some(property) = key.strip_prefix("property:") {
                // A folder of an installer that another of its sources names.
                return vec![(Source::Property, property.to_owned())];
            }
            // Code asks for one value by any of these names: `appSettings/X`, `Section:X`, `app.ini/Section/X`.
            [Source::Config, Source::Option, Source::Ini].map(|source| (source, key.clone())).to_vec()
        }
        _ => Vec::new(),
    }
}

fn resolve_fact(fact: &mut Fact, artifact: &str, definitions: &Definitions, placed: &ini::Placed) {
    let Body::Effect(effect) = &mut fact.body else { return };
    for _ in 0..MAX_DEPTH {
        let mut steps = Vec::new();
        let mut doubted = false;
        let resolved = effect.location.text().map_holes(|hole| {
            let definition = define(hole, artifact, definitions)?;
            let doubt = placed.doubt(hole);
            if doubt.is_some() && !is_only(hole, definitions) {
                return None;
            }
            steps.push(definition.step.clone());
            if let Some(step) = doubt {
                steps.push(step);
                doubted = true;
            }
            Some(value_text(hole, definition))
        });
        if steps.is_empty() {
            return;
        }
        let on_the_net = resolved.leading_lit().contains("://");
        effect.location = match effect.store {
            Store::Registry => Location::registry(&resolved),
            store if store.is_path() && !on_the_net => Location::file(&resolved).based_on(Folder::AppDir),
            _ => Location::named(resolved),
        };
        if effect.store.is_path() && on_the_net {
            effect.mark(Trait::Remote);
        }
        if doubted {
            effect.certainty = effect.certainty.min(Certainty::Likely);
        }
        effect.evidence.extend(steps);
    }
}

/// A value as a text; of a connection string only what it says about the place of the data.
fn value_text(hole: &Hole, definition: &Definition) -> Text {
    match hole {
        Hole::From(Source::Connection, _) => connection_location(&definition.value),
        Hole::From(Source::Property, _) => Text::parse(&definition.value),
        _ => definition.text.clone(),
    }
}

fn connection_location(connection: &str) -> Text {
    const FILE_KEYS: &[&str] = &["attachdbfilename", "data source", "datasource", "filename", "dbq", "server"];
    let mut pairs = connection.split(';').filter_map(|pair| pair.split_once('='));
    let found = FILE_KEYS.iter().find_map(|key| {
        pairs.clone().find(|(k, _)| k.trim().eq_ignore_ascii_case(key)).map(|(_, v)| v.trim().to_owned())
    });
    let fallback = pairs.next().map(|(_, v)| v.trim().to_owned());
    Text::lit(found.or(fallback).unwrap_or_default())
}

/// Is there one file that defines the value?
fn is_only(hole: &Hole, definitions: &Definitions) -> bool {
    let Hole::From(source, name) = hole else { return false };
    let name = name.to_lowercase();
    definitions.by_name.get(&(*source, ini::key(&name).to_owned())).is_none_or(|candidates| !candidates.apart)
}

/// The definition that holds for an artifact: of the highest rank that has one, the one in the nearest folder. Values
/// that contradict one another at the same distance decide nothing.
fn define<'a>(hole: &Hole, artifact: &str, definitions: &'a Definitions) -> Option<&'a Definition> {
    let Hole::From(source, name) = hole else { return None };
    let name = name.to_lowercase();
    let name = if *source == Source::Ini { ini::key(&name) } else { &name };
    let Some(Candidates { nearest, all, .. }) = definitions.by_name.get(&(*source, name.to_owned())) else {
        let of = match source {
            Source::Env => artifact,
            Source::Config => "",
            _ => return None,
        };
        return definitions.defaults.get(&(of.to_owned(), name.to_owned()));
    };
    let same = |a: usize, b: usize| all[a].value == all[b].value && all[a].gone == all[b].gone;
    let found = nearest.iter().rev().find_map(|rank| rank.find(artifact, same))?;
    all.get(found).filter(|definition| !definition.gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn resolved(listing_text: &str, environment: Option<&str>) -> Vec<String> {
        let mut readings = listing::parse(listing_text).unwrap();
        crate::link::environments::choose(&mut readings, environment);
        resolve(&mut readings, environment);
        readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect().map(|e| e.location.to_string())).collect()
    }

    const CODE: &str = "artifact bin/a.dll\neffect append file \"{config:appSettings/LogPath}\\a.log\"\n";

    #[test]
    fn the_nearest_value_wins_and_is_evidence() {
        let text = format!(
            "{CODE}artifact Web.config\nclue config-value key=appSettings/LogPath value=C:\\Logs at=line:3\n\
             artifact x/y/z/Web.config\nclue config-value key=appSettings/LogPath value=D:\\Other\n"
        );
        assert_eq!(resolved(&text, None), ["C:\\Logs\\a.log"]);
        let mut readings = listing::parse(&text).unwrap();
        resolve(&mut readings, None);
        let effect = readings[0].facts[0].as_effect().unwrap();
        assert_eq!(effect.evidence[0].artifact.as_deref(), Some("Web.config"));
    }

    #[test]
    fn contradictions_and_unknown_names_stay_symbolic() {
        let text = format!(
            "{CODE}artifact a/Web.config\nclue config-value key=appSettings/LogPath value=C:\\A\n\
             artifact b/Web.config\nclue config-value key=appSettings/LogPath value=C:\\B\n"
        );
        assert_eq!(resolved(&text, None), ["{config:appSettings/LogPath}\\a.log"]);
        assert_eq!(resolved(CODE, None), ["{config:appSettings/LogPath}\\a.log"]);
    }

    #[test]
    fn environments_choose() {
        let text = format!(
            "{CODE}artifact Web.Release.config environment=Release\n\
             clue config-value key=appSettings/LogPath@Release value=C:\\R\n\
             artifact Web.Debug.config environment=Debug\nclue config-value key=appSettings/LogPath@Debug value=C:\\D\n"
        );
        assert_eq!(resolved(&text, Some("debug")), ["C:\\D\\a.log"]);
        assert_eq!(resolved(&text, None), ["C:\\R\\a.log"], "what is published, when nobody chooses");
    }

    #[test]
    fn an_environment_wins_over_the_general_value_and_a_variable_over_both() {
        let code = "effect append file {option:Storage:Root}\\a.log\neffect append file {env:LOGS}\\b.log\n";
        let general = "clue config-value key=Storage:Root value=D:\\general\n";
        let production = "clue config-value key=Storage:Root@Production value=D:\\production\n";
        let variable = "clue config-value key=env/Storage__Root value=F:\\data\n\
                        clue config-value key=env/Logs value=F:\\logs\n";
        let first = |text: String| resolved(&text, None).remove(0);
        assert_eq!(first(format!("{code}{general}")), "D:\\general\\a.log");
        assert_eq!(first(format!("{code}{general}{production}")), "D:\\production\\a.log");
        let all = format!("{code}{general}{production}{variable}");
        assert_eq!(resolved(&all, None), ["F:\\data\\a.log", "F:\\logs\\b.log"]);
    }

    #[test]
    fn a_folder_below_takes_a_value_away() {
        let text = format!(
            "artifact web.config\nclue config-value key=appSettings/LogPath value=C:\\Logs\n\
             artifact sub/web.config\nclue config-value key=removed:appSettings/LogPath\n{}",
            CODE.replace("bin/", "sub/bin/")
        );
        assert_eq!(resolved(&text, None), ["{config:appSettings/LogPath}\\a.log"]);
    }

    #[test]
    fn an_ini_file_is_known_by_its_name() {
        let code = |path: &str| format!("artifact a.exe\neffect write file \"{{ini:{path}/Paths/Data}}\\x.dat\"\n");
        let shipped = "artifact svc.ini\nclue config-value key=svc.ini/Paths/Data value=C:\\Data\n";
        for path in ["svc.ini", ".\\svc.ini", "(AppDir)\\svc.ini", "C:\\Desk\\svc.ini"] {
            assert_eq!(resolved(&format!("{}{shipped}", code(path)), None), ["C:\\Data\\x.dat"], "{path}");
        }
        let other = "artifact other/svc.ini\nclue config-value key=svc.ini/Paths/Data value=C:\\Other\n";
        let two = format!("{}{shipped}{other}", code("C:\\Desk\\svc.ini"));
        assert_eq!(resolved(&two, None), ["{ini:C:\\Desk\\svc.ini/Paths/Data}\\x.dat"]);
    }

    #[test]
    fn connections_give_their_file() {
        let text = "effect write database {connection:Orders}\n\
                    clue connection-string key=Orders value=\"Data Source=|DataDirectory|o.sdf;Persist=1\"\n";
        assert_eq!(resolved(text, None), ["{DataDirectory}\\o.sdf"]);
    }
}
