//! Session state: what code puts into it is where the configuration keeps it.

use super::nearest::Nearest;
use crate::facts::{ClueKind, Fact, Reading, Site, Step, Store, Trait};

/// How locations of ASP.NET session state begin.
const SESSION: &str = "aspnet-session://";

/// What one configuration says of the session.
struct Configured {
    artifact: String,
    /// Evidence that another host keeps it; without, it is kept and reported on this one.
    remote: Option<Step>,
}

/// Code that uses the session is judged by the mode that the nearest configuration sets: remote, or already reported.
pub(super) fn place(readings: &mut [Reading]) {
    let configured: Vec<Configured> = readings.iter().filter_map(configured).collect();
    let mut nearest = Nearest::default();
    for (number, configuration) in configured.iter().enumerate() {
        nearest.insert(&configuration.artifact, number, |_| true);
    }
    for reading in readings {
        let Some(nearest) = nearest.find(&reading.artifact, |_, _| true) else { return };
        let nearest = &configured[nearest];
        for effect in super::effects_mut(std::slice::from_mut(reading)) {
            let used_by_code = effect.store == Store::Session
                && !effect.via.starts_with("sessionState")
                && effect.location.text().leading_lit().starts_with(SESSION);
            match &nearest.remote {
                _ if !used_by_code => {}
                Some(step) => {
                    effect.mark(Trait::Remote);
                    effect.evidence.push(step.clone());
                }
                None => effect.mark(Trait::Implied),
            }
        }
    }
}

fn configured(reading: &Reading) -> Option<Configured> {
    let of_session = |site: &Site| site.key.as_deref().is_some_and(|k| k.contains("sessionState"));
    let local =
        |f: &Fact| f.as_effect().is_some_and(|e| e.store == Store::Session && e.via.starts_with("sessionState"));
    let remote = |f: &Fact| {
        let clue = f.as_clue().filter(|c| c.kind == ClueKind::RemoteClient && of_session(&f.site))?;
        let step = Step::at(format!("sessions are kept by {} on another host", clue.key), f.site.clone());
        Some(step.in_artifact(reading.artifact.clone()))
    };
    let artifact = reading.artifact.clone();
    if reading.facts.iter().any(local) {
        return Some(Configured { artifact, remote: None });
    }
    let step = reading.facts.iter().find_map(remote)?;
    Some(Configured { artifact, remote: Some(step) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn traits(configuration: &str) -> Vec<Trait> {
        let code = "effect set-value session aspnet-session://Cart via=Session\n";
        let mut readings = listing::parse(&format!("{code}{configuration}\n")).unwrap();
        place(&mut readings);
        readings[0].facts[0].as_effect().unwrap().traits.clone()
    }

    #[test]
    fn the_configured_mode_decides() {
        let remote = "clue remote-client key=sqlserver value=db01 at=\"key:configuration/system.web/sessionState\"";
        assert_eq!(traits(remote), [Trait::Remote]);
        let local = "effect keep-in-memory session aspnet-session://InProc via=sessionState@mode";
        assert_eq!(traits(local), [Trait::Implied]);
        assert_eq!(traits("clue role key=aspnet"), []);
    }

    #[test]
    fn another_site_decides_nothing() {
        let mut readings = listing::parse(
            "artifact a/bin/a.dll\neffect set-value session aspnet-session://Cart via=Session\n\
             artifact a/Web.config\nclue remote-client key=redis at=\"key:configuration/system.web/sessionState\"\n\
             artifact b/Web.config\neffect keep-in-memory session aspnet-session://InProc via=sessionState@mode\n",
        )
        .unwrap();
        place(&mut readings);
        assert_eq!(readings[0].facts[0].as_effect().unwrap().traits, [Trait::Remote]);
    }
}
