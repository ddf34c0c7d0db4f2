//! Session state: what code puts into it is where the configuration keeps it.

use crate::facts::{ClueKind, Reading, Step, Store, Trait};

/// How locations of ASP.NET session state begin.
const SESSION: &str = "aspnet-session://";

/// Code that uses the session is judged by the mode that is configured: remote, or already reported as in-process.
pub(super) fn place(readings: &mut [Reading]) {
    let mut remote = None;
    let mut in_process = false;
    for reading in readings.iter() {
        for fact in &reading.facts {
            let of_session = fact.site.key.as_deref().is_some_and(|k| k.contains("sessionState"));
            if let Some(clue) = fact.as_clue().filter(|c| c.kind == ClueKind::RemoteClient)
                && of_session
            {
                let step = Step::at(format!("sessions are kept by {} on another host", clue.key), fact.site.clone());
                remote = Some(step.in_artifact(reading.artifact.clone()));
            }
            in_process |=
                fact.as_effect().is_some_and(|e| e.store == Store::Session && e.via.starts_with("sessionState"));
        }
    }
    for effect in super::effects_mut(readings) {
        let by_code = effect.store == Store::Session
            && !effect.via.starts_with("sessionState")
            && effect.location.text().leading_lit().starts_with(SESSION);
        match &remote {
            Some(step) if by_code && !in_process => {
                effect.mark(Trait::Remote);
                effect.evidence.push(step.clone());
            }
            _ if by_code && in_process => effect.mark(Trait::Implied),
            _ => {}
        }
    }
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
}
