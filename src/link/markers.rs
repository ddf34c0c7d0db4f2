//! Markers: which effects a test such as `if exist X goto done` keeps from being made again.

use crate::facts::{Body, Clue, ClueKind, Effect, Location, Place, Reading, Site, Step};
use std::collections::{HashMap, HashSet};

/// Puts the marker of each guard clue on the effect that it names, in the same artifact.
pub(super) fn guard(readings: &mut [Reading]) {
    for reading in readings {
        let mut guards: HashMap<String, (Location, Site)> = HashMap::new();
        for fact in super::steps::counted(&reading.facts) {
            let Some(clue) = fact.as_clue().filter(|c| c.kind == ClueKind::Guard) else { continue };
            // Of a marker in a place that is not known nobody can say that it outlives what it guards.
            if let Some(marker) = clue.location.as_ref().filter(|m| m.file_place() != Place::Unknown) {
                guards.entry(clue.value.clone()).or_insert_with(|| (marker.clone(), fact.site.clone()));
            }
        }
        if guards.is_empty() {
            continue;
        }
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            let headline = effect.headline();
            if let Some((marker, site)) = guards.get(&headline)
                && *marker != effect.location
            {
                if shares_fate(effect, marker) {
                    let said = format!("not done again while {marker} exists, which goes when what is installed goes");
                    effect.evidence.push(Step::at(said, site.clone()));
                    continue;
                }
                effect.evidence.push(Step::marker(marker, site.clone()));
                effect.guard = Some(marker.clone());
            }
        }
    }
}

/// The places of an artifact's copies that are made only where what they make is missing, in lower case: somebody else goes
/// on with them.
pub(super) fn seeds(reading: &Reading) -> HashSet<String> {
    let clues = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_clue());
    let is_own = |clue: &&Clue| {
        let place = clue.location.as_ref().map(Location::to_string).unwrap_or_default();
        // What kind of file it is, other joins know better by now.
        let copied = clue.value.strip_prefix("copy ").and_then(|rest| rest.split_once(' '));
        clue.kind == ClueKind::Guard && copied.is_some_and(|(_, copied)| copied == place)
    };
    clues.filter(is_own).filter_map(|clue| clue.location.as_ref()).map(Location::key).collect()
}

/// Of a setup program nothing tells where it installs to; one whose marker lies on the volume from which it runs is
/// taken to install there. Scratch folders hold installers, not what they install.
fn shares_fate(effect: &Effect, marker: &Location) -> bool {
    let place = effect.location.file_place();
    effect.via == "setup program" && place == marker.file_place() && !matches!(place, Place::Unknown | Place::Temp)
}

#[cfg(test)]
mod tests {
    use crate::facts::listing;

    #[test]
    fn the_marker_meets_its_effect_only() {
        let mut readings = listing::parse(
            "effect install package x.msi\neffect set-value registry HKLM\\A\n\
             clue guard key=\"if exist\" value=\"install package x.msi\" location={Temp}\\done.txt at=line:2\n",
        )
        .unwrap();
        super::guard(&mut readings);
        let guards: Vec<_> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.guard.is_some()).collect();
        assert_eq!(guards, [true, false]);
    }

    #[test]
    fn a_marker_beside_a_setup_program_goes_with_it() {
        let guarded = |setup: &str, marker: &str| {
            let text = format!(
                "effect install package {setup} via=\"setup program\"\n\
                 clue guard key=\"if exist\" value=\"install package {setup}\" location={marker} at=line:2\n"
            );
            let mut readings = listing::parse(&text).unwrap();
            super::guard(&mut readings);
            readings[0].facts[0].as_effect().unwrap().guard.is_some()
        };
        assert!(!guarded("{local-resource:App}\\setup.exe", "{local-resource:App}\\done.txt"));
        assert!(!guarded("{AppDir}\\setup.exe", "{RoleRoot}\\done.txt"));
        assert!(guarded("{AppDir}\\setup.exe", "{Temp}\\done.txt"));
        assert!(guarded("{Temp}\\setup.exe", "{Temp}\\done.txt"));
    }

    #[test]
    fn a_marker_in_an_unknown_place_guards_nothing() {
        let mut readings = listing::parse(
            "effect install package x.msi\n\
             clue guard key=\"if exist\" value=\"install package x.msi\" location={env:ROOT}\\done.txt at=line:2\n",
        )
        .unwrap();
        super::guard(&mut readings);
        assert!(readings[0].facts.iter().filter_map(|f| f.as_effect()).all(|e| e.guard.is_none()));
    }
}
