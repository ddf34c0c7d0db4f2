//! `NAME.dll.config` beside a library of .NET Framework: the program that loads the library reads its own configuration (MS
//! documentation, "Configuring Apps by using Configuration Files"), and the build copies this one without anybody asking.

use crate::discover::Application;
use crate::facts::{Body, Certainty, ClueKind, Reading, Step, folder_of};
use std::collections::HashSet;

/// How loggers, which may be told where their configuration is, begin in one.
const LOGGERS: [&str; 2] = ["configuration/log4net", "configuration/nlog"];

/// What such a file configures is a possibility. A program beside it may be a host that reads it, and so is that of a role.
pub(super) fn doubt(readings: &mut [Reading], app: &Application) {
    let is_framework = |reading: &&Reading| {
        reading.format == "assembly"
            && reading.artifact.to_lowercase().ends_with(".dll")
            && super::steps::counted(&reading.facts).filter_map(|fact| fact.as_clue()).any(|clue| {
                clue.kind == ClueKind::Identity && clue.key == "framework" && clue.value.starts_with(".NETFramework")
            })
    };
    let libraries: HashSet<String> =
        readings.iter().filter(is_framework).map(|reading| reading.artifact.to_lowercase()).collect();
    if libraries.is_empty() || app.deployed().has_roles() {
        return;
    }
    let programs: HashSet<String> =
        app.artifacts.iter().filter(|a| a.extension() == "exe").map(|a| folder_of(&a.path).to_lowercase()).collect();
    for reading in readings.iter_mut() {
        let path = reading.artifact.to_lowercase();
        let of_library = path.strip_suffix(".config").is_some_and(|library| libraries.contains(library));
        if !of_library || programs.contains(folder_of(&path)) {
            continue;
        }
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let of_logger =
                fact.site.key.as_deref().is_some_and(|key| LOGGERS.iter().any(|logger| key.starts_with(logger)));
            if let (Body::Effect(effect), false) = (&mut fact.body, of_logger) {
                effect.certainty = Certainty::Possible;
                effect.evidence.push(Step::new("configuration of a library: the program that loads it reads its own"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Artifact;
    use crate::facts::listing;

    #[test]
    fn a_library_reads_no_configuration_of_its_own() {
        let certainty = |library: &str, framework: &str, beside: &str| {
            let mut readings = listing::parse(&format!(
                "artifact b/{library} format=assembly\nclue identity key=framework value=\"{framework}\"\n\
                 artifact b/Desk.dll.config format=app-config\n\
                 effect write database sqlserver://localhost/Desk phase=run certainty=proven\n"
            ))
            .unwrap();
            doubt(&mut readings, &Application::new(vec![Artifact::at(beside)], Vec::new()));
            readings[1].facts[0].as_effect().unwrap().certainty
        };
        let framework = ".NETFramework,Version=v4.6.1";
        assert_eq!(certainty("Desk.dll", framework, "a/x.exe"), Certainty::Possible);
        assert_eq!(certainty("Desk.dll", framework, "b/Host.exe"), Certainty::Proven, "a host may read it");
        assert_eq!(certainty("Desk.dll", ".NETCoreApp,Version=v8.0", "a/x.exe"), Certainty::Proven);
        assert_eq!(certainty("Other.dll", framework, "a/x.exe"), Certainty::Proven, "nobody has seen whose it is");
    }
}
