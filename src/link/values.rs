//! Configuration values into the locations that name them: `{config:appSettings/LogPath}\app.log` meets `C:\Logs`.

use crate::facts::{Body, ClueKind, Fact, Folder, Hole, Location, Reading, Source, Step, Store, Text, Trait};
use std::collections::BTreeMap;

/// One definition of a configuration value.
struct Definition {
    value: String,
    environment: Option<String>,
    artifact: String,
    step: Step,
}

type Definitions = BTreeMap<(Source, String), Vec<Definition>>;

/// How often a resolved value may lead to another before it is taken for a cycle.
const MAX_DEPTH: usize = 4;

/// Replaces symbolic holes that configuration defines. With an `environment`, its values win over the general ones;
/// values of other environments are left out.
pub(super) fn resolve(readings: &mut [Reading], environment: Option<&str>) {
    let definitions = collect(readings, environment);
    if definitions.is_empty() {
        return;
    }
    for reading in readings {
        let artifact = reading.artifact.clone();
        for fact in &mut reading.facts {
            resolve_fact(fact, &artifact, &definitions);
        }
    }
}

fn collect(readings: &[Reading], environment: Option<&str>) -> Definitions {
    let mut definitions = Definitions::new();
    for reading in readings {
        for fact in &reading.facts {
            let Some(clue) = fact.as_clue() else { continue };
            let source = match clue.kind {
                ClueKind::ConfigValue => None,
                ClueKind::ConnectionString => Some(Source::Connection),
                _ => continue,
            };
            let (key, of) = match clue.key.rsplit_once('@') {
                Some((key, of)) => (key, Some(of.to_owned())),
                None => (clue.key.as_str(), None),
            };
            if let (Some(wanted), Some(of)) = (environment, &of)
                && !wanted.eq_ignore_ascii_case(of)
            {
                continue;
            }
            let step = Step::at(format!("{key} is \"{}\"", clue.value), fact.site.clone())
                .in_artifact(reading.artifact.clone());
            let (key, sources) = match (source, key.strip_prefix("property:")) {
                (Some(source), _) => (key, vec![source]),
                // A folder of an installer that another of its sources names.
                (None, Some(property)) => (property, vec![Source::Property]),
                // Code asks for one value by any of these names: `appSettings/X`, `Section:X`, `app.ini/Section/X`.
                (None, None) => (key, vec![Source::Config, Source::Option, Source::Ini]),
            };
            for source in sources {
                definitions.entry((source, key.to_lowercase())).or_default().push(Definition {
                    value: clue.value.clone(),
                    environment: of.clone(),
                    artifact: reading.artifact.clone(),
                    step: step.clone(),
                });
            }
        }
    }
    definitions
}

fn resolve_fact(fact: &mut Fact, artifact: &str, definitions: &Definitions) {
    let Body::Effect(effect) = &mut fact.body else { return };
    for _ in 0..MAX_DEPTH {
        let mut steps = Vec::new();
        let resolved = effect.location.text().map_holes(|hole| {
            let definition = define(hole, artifact, definitions)?;
            steps.push(definition.step.clone());
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
        effect.evidence.extend(steps);
    }
}

/// A value as a text; of a connection string only what it says about the place of the data.
fn value_text(hole: &Hole, definition: &Definition) -> Text {
    match hole {
        Hole::From(Source::Connection, _) => connection_location(&definition.value),
        Hole::From(Source::Property, _) => Text::parse(&definition.value),
        _ => Text::lit(&definition.value),
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

/// The definition that holds for an artifact: the only value there is, or the one in the nearest folder. Values that
/// contradict one another at the same distance leave the hole as it is.
fn define<'a>(hole: &Hole, artifact: &str, definitions: &'a Definitions) -> Option<&'a Definition> {
    let Hole::From(source, name) = hole else { return None };
    let candidates = definitions.get(&(*source, name.to_lowercase()))?;
    let specific: Vec<&Definition> = candidates.iter().filter(|d| d.environment.is_some()).collect();
    let general: Vec<&Definition> = candidates.iter().filter(|d| d.environment.is_none()).collect();
    let pool = if general.is_empty() { specific } else { general };
    let nearest = pool.iter().map(|d| distance(artifact, &d.artifact)).min()?;
    let mut nearest = pool.into_iter().filter(|d| distance(artifact, &d.artifact) == nearest);
    let first = nearest.next()?;
    nearest.all(|d| d.value == first.value).then_some(first)
}

/// Steps in the folder tree between two artifacts; the configuration named after the program is nearest of all.
pub(super) fn distance(program: &str, configuration: &str) -> usize {
    if configuration.to_lowercase() == format!("{}.config", program.to_lowercase()) {
        return 0;
    }
    let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(f, _)| f.to_lowercase());
    let (a, b) = (folder(program), folder(configuration));
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split('/').collect(), b.split('/').collect());
    let shared = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    1 + (a.len() - shared) + (b.len() - shared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn resolved(listing_text: &str, environment: Option<&str>) -> Vec<String> {
        let mut readings = listing::parse(listing_text).unwrap();
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
            "{CODE}artifact Web.config\nclue config-value key=appSettings/LogPath@Release value=C:\\R\n\
             clue config-value key=appSettings/LogPath@Debug value=C:\\D\n"
        );
        assert_eq!(resolved(&text, Some("release")), ["C:\\R\\a.log"]);
    }

    #[test]
    fn connections_give_their_file() {
        let text = "effect write database {connection:Orders}\n\
                    clue connection-string key=Orders value=\"Data Source=|DataDirectory|o.sdf;Persist=1\"\n";
        assert_eq!(resolved(text, None), ["{DataDirectory}\\o.sdf"]);
    }
}
