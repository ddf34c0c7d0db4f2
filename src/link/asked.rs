//! Settings whose names say what is kept at a place: where code or a script asks for one, that says what becomes of it, and
//! the name says nothing more.

use crate::facts::{Body, ClueKind, Fact, Hole, Operation, Part, Reading, Site, Source, Trait, beside};
use std::collections::{HashMap, HashSet};

/// Leaves out what only the name of a setting says of a place that something asks for.
pub(super) fn leave_out(readings: &mut [Reading]) {
    let is_named = |fact: &Fact| fact.as_effect().is_some_and(|effect| effect.has(Trait::Named));
    if !readings.iter().any(|reading| super::steps::counted(&reading.facts).any(is_named)) {
        return;
    }
    let asked = asked(readings);
    for reading in readings.iter_mut() {
        let keys: HashMap<Site, String> = super::steps::counted(&reading.facts)
            .filter_map(|fact| {
                let clue = fact.as_clue().filter(|clue| clue.kind == ClueKind::ConfigValue)?;
                let key = clue.key.rsplit_once('@').map_or(clue.key.as_str(), |(key, _)| key);
                Some((fact.site.clone(), key.to_lowercase()))
            })
            .collect();
        let folder = folder(&reading.artifact);
        let is_related = |other: &String| folder.starts_with(other.as_str()) || other.starts_with(&folder);
        let is_asked = |site: &Site| {
            keys.get(site).and_then(|key| asked.get(key)).is_some_and(|folders| folders.iter().any(is_related))
        };
        reading.facts.retain(|fact| !(is_named(fact) && is_asked(&fact.site)));
    }
}

/// The names that places of writes are made with, in lower case, and the folders of the files that write there.
fn asked(readings: &[Reading]) -> HashMap<String, HashSet<String>> {
    let mut asked: HashMap<String, HashSet<String>> = HashMap::new();
    for reading in readings {
        for fact in super::steps::counted(&reading.facts) {
            let Body::Effect(effect) = &fact.body else { continue };
            // Who reads or removes what is there does not say how it comes there.
            if effect.operation == Operation::Read || effect.operation.removes() {
                continue;
            }
            for part in effect.location.text().parts() {
                let key = match part {
                    Part::Hole(Hole::From(Source::Config | Source::Option, name)) => name.to_lowercase(),
                    Part::Hole(Hole::From(Source::Ini, name)) => super::ini::key(&name.to_lowercase()).to_owned(),
                    _ => continue,
                };
                asked.entry(key).or_default().insert(folder(&reading.artifact));
            }
        }
    }
    asked
}

/// The folder of a file in lower case, with its last slash: settings are those of programs beside, below or above them.
fn folder(artifact: &str) -> String {
    beside(&artifact.to_lowercase().replace('\\', "/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    #[test]
    fn code_that_asks_says_more_than_a_name() {
        let setting = "artifact web/Web.config\n\
             clue config-value key=appSettings/UploadFolder value=C:\\up at=line:3\n\
             effect write file C:\\up\\{?} certainty=likely via=x traits=named at=line:3\n";
        let count = |text: &str| {
            let mut readings = listing::parse(text).unwrap();
            leave_out(&mut readings);
            readings.iter().flat_map(|r| &r.facts).filter(|fact| fact.as_effect().is_some()).count()
        };
        assert_eq!(count(setting), 1);
        let code = "artifact web/bin/a.dll\neffect create file {config:appSettings/uploadfolder}\\a.txt\n";
        assert_eq!(count(&format!("{setting}{code}")), 1, "what the code does, and nothing else");
        let reads = code.replace("create", "read");
        assert_eq!(count(&format!("{setting}{reads}")), 2, "a read does not say how it comes there");
        let other = code.replace("web/bin", "other");
        assert_eq!(count(&format!("{setting}{other}")), 2, "another program asks its own settings");
    }
}
