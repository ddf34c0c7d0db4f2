//! Markers: which effects a test such as `if exist X goto done` keeps from being made again.

use crate::facts::{Body, ClueKind, Location, Place, Reading, Site, Step};
use std::collections::HashMap;

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
                effect.evidence.push(Step::marker(marker, site.clone()));
                effect.guard = Some(marker.clone());
            }
        }
    }
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
