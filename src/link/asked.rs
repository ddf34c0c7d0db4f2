//! Settings whose names say what is kept at a place: where code or a script asks for one, that says what becomes of it, and
//! the name says nothing more.

use crate::facts::{Body, ClueKind, Fact, Hole, Part, Reading, Site, Source, Trait};
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
        let is_asked = |site: &Site| keys.get(site).is_some_and(|key| asked.contains(key));
        reading.facts.retain(|fact| !(is_named(fact) && is_asked(&fact.site)));
    }
}

/// The names that places of effects are made with, in lower case.
fn asked(readings: &[Reading]) -> HashSet<String> {
    let mut asked = HashSet::new();
    for fact in readings.iter().flat_map(|reading| super::steps::counted(&reading.facts)) {
        let Body::Effect(effect) = &fact.body else { continue };
        for part in effect.location.text().parts() {
            match part {
                Part::Hole(Hole::From(Source::Config | Source::Option, name)) => asked.insert(name.to_lowercase()),
                Part::Hole(Hole::From(Source::Ini, name)) => {
                    asked.insert(super::ini::key(&name.to_lowercase()).to_owned())
                }
                _ => continue,
            };
        }
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    #[test]
    fn code_that_asks_says_more_than_a_name() {
        let setting = "artifact Web.config\n\
             clue config-value key=appSettings/UploadFolder value=C:\\up at=line:3\n\
             effect write file C:\\up\\{?} certainty=likely via=x traits=named at=line:3\n";
        let count = |text: &str| {
            let mut readings = listing::parse(text).unwrap();
            leave_out(&mut readings);
            readings.iter().flat_map(|r| &r.facts).filter(|fact| fact.as_effect().is_some()).count()
        };
        assert_eq!(count(setting), 1);
        let code = "artifact bin/a.dll\neffect read file {config:appSettings/uploadfolder}\\a.txt\n";
        assert_eq!(count(&format!("{setting}{code}")), 1, "what the code does, and nothing else");
    }
}
