//! Configuration of one environment (`appsettings.Staging.json`, `ServiceConfiguration.Cloud.cscfg`, `Web.Release.config`)
//! counts when that environment is judged. A team that names none has all of them judged but a developer's own.

use crate::facts::{Body, ClueKind, NoteKind, Phase, Reading};
use std::collections::BTreeSet;

/// Leaves out what other environments configure, and counts what the judged one does.
pub(super) fn choose(readings: &mut [Reading], wanted: Option<&str>) {
    let Some(wanted) = wanted else { return };
    for reading in readings {
        let Some(of) = environment(reading).map(str::to_owned) else { continue };
        if !of.eq_ignore_ascii_case(wanted) {
            reading.facts.retain(|fact| matches!(fact.body, Body::Clue(_)));
            reading.note(NoteKind::Info, format!("counts in the environment {of} only, and {wanted} is judged"));
            continue;
        }
        for effect in super::effects_mut(std::slice::from_mut(reading)).filter(|e| e.phase == Phase::NotShipped) {
            effect.phase = Phase::Run;
            effect.phase_evidence = format!("counts in the environment {of}, which is judged");
        }
    }
}

/// The environments that documents of the application are for.
pub fn known(readings: &[Reading]) -> BTreeSet<&str> {
    readings.iter().filter_map(environment).collect()
}

/// The environment that a document is for: its keys carry it.
fn environment(reading: &Reading) -> Option<&str> {
    let of_keys =
        reading.facts.iter().filter_map(|f| f.as_clue()).filter(|clue| {
            matches!(clue.kind, ClueKind::ConfigValue | ClueKind::ConnectionString | ClueKind::Instances)
        });
    let mut found = of_keys.map(|clue| clue.key.rsplit_once('@').map(|(_, of)| of).filter(|of| !of.is_empty()));
    let first = found.next()??;
    found.all(|other| other == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn phases(wanted: Option<&str>) -> Vec<Phase> {
        let text = "artifact a.json\nclue config-value key=x value=1\neffect write file {AppDir}\\a phase=run\n\
                    artifact a.Development.json\nclue config-value key=x@Development value=1\n\
                    effect write file {AppDir}\\b phase=not-shipped\n\
                    artifact a.Staging.json\nclue connection-string key=x@Staging value=1\n\
                    effect write file {AppDir}\\c phase=run\n";
        let mut readings = listing::parse(text).unwrap();
        choose(&mut readings, wanted);
        readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect()).map(|e| e.phase).collect()
    }

    #[test]
    fn the_judged_environment_counts() {
        use Phase::{NotShipped, Run};
        assert_eq!(phases(None), [Run, NotShipped, Run]);
        assert_eq!(phases(Some("Production")), [Run]);
        assert_eq!(phases(Some("development")), [Run, Run]);
        assert_eq!(phases(Some("Staging")), [Run, Run]);
    }
}
