//! Configuration of one environment (`appsettings.Staging.json`, `ServiceConfiguration.Cloud.cscfg`, `Web.Release.config`)
//! counts when that environment is judged. A team that names none has all of them judged but a developer's own.

use crate::facts::{NoteKind, Phase, Reading, file_name, folder_of, is_deployed_by_default, is_out_of_service};
use std::collections::{BTreeSet, HashSet};

/// Leaves out what other environments configure, and counts what the judged one does.
pub(super) fn choose(readings: &mut [Reading], wanted: Option<&str>) {
    let Some(wanted) = wanted else { return };
    let is_wanted = |of: &str| of.eq_ignore_ascii_case(wanted);
    let configured = readings.iter().filter(|r| r.environment.as_deref().is_some_and(is_wanted));
    let configured: HashSet<String> = configured.filter_map(base).collect();
    for reading in readings {
        let Some(of) = reading.environment.clone() else { continue };
        let alone = || base(reading).is_some_and(|base| !configured.contains(&base));
        if !(is_wanted(&of) || stands_in(&of, wanted, &reading.format) && alone()) {
            reading.facts.clear();
            reading.note(NoteKind::Info, format!("counts in the environment {of} only, and {wanted} is judged"));
            continue;
        }
        for effect in super::effects_mut(std::slice::from_mut(reading)).filter(|e| e.phase == Phase::NotShipped) {
            effect.phase = Phase::Run;
            effect.phase_evidence = format!("counts in the environment {of}, which is judged");
        }
    }
}

/// Does the file of one environment count in another that has none? What is deployed goes by several names, and whatever
/// is published was built for `Release`.
fn stands_in(of: &str, wanted: &str, format: &str) -> bool {
    let published = format == "config-transform" && of.eq_ignore_ascii_case("release") && !is_out_of_service(wanted);
    published || (is_deployed_by_default(of) && is_deployed_by_default(wanted))
}

/// The file without its environment, which those for other environments share: `web.config` of `web.release.config`.
fn base(reading: &Reading) -> Option<String> {
    let of = reading.environment.as_deref()?.to_lowercase();
    let path = reading.artifact.to_lowercase();
    let (folder, file) = (folder_of(&path), file_name(&path));
    let file = match file.strip_prefix(&of) {
        Some(rest) => rest.to_owned(),
        None => file.replacen(&format!(".{of}."), ".", 1),
    };
    Some(format!("{folder}/{file}"))
}

/// The environments that documents of the application are for.
pub fn known(readings: &[Reading]) -> BTreeSet<&str> {
    readings.iter().filter_map(|reading| reading.environment.as_deref()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn phases(text: &str, wanted: Option<&str>) -> Vec<Phase> {
        let mut readings = listing::parse(text).unwrap();
        choose(&mut readings, wanted);
        readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect()).map(|e| e.phase).collect()
    }

    #[test]
    fn the_judged_environment_counts() {
        use Phase::{NotShipped, Run, Startup};
        let text = "artifact a.json\nclue config-value key=x value=1\neffect write file {AppDir}\\a phase=run\n\
                    artifact a.Development.json environment=Development\n\
                    effect write file {AppDir}\\b phase=not-shipped\n\
                    artifact a.Staging.json environment=Staging\neffect write file {AppDir}\\c phase=startup\n";
        assert_eq!(phases(text, None), [Run, NotShipped, Startup]);
        assert_eq!(phases(text, Some("Production")), [Run]);
        assert_eq!(phases(text, Some("development")), [Run, Run]);
        assert_eq!(phases(text, Some("Staging")), [Run, Startup]);
    }

    #[test]
    fn what_is_deployed_goes_by_several_names() {
        use Phase::{Run, Startup};
        let transform = "artifact web.Release.config format=config-transform environment=Release\n\
                         effect write file {AppDir}\\a phase=run\n";
        assert_eq!(phases(transform, Some("Production")), [Run]);
        assert_eq!(phases(transform, Some("Staging")), [Run], "it was built for Release");
        assert_eq!(phases(transform, Some("Debug")), []);
        let two = format!(
            "{transform}artifact web.Staging.config format=config-transform environment=Staging\n\
             effect write file {{AppDir}}\\b phase=startup\n"
        );
        assert_eq!(phases(&two, Some("Staging")), [Startup]);
        let settings = "artifact appsettings.Production.json environment=Production\neffect write file a phase=run\n";
        assert_eq!(phases(settings, Some("Staging")), []);
        assert_eq!(phases(settings, Some("Release")), [Run]);
    }
}
