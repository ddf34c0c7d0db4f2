//! What a self-signed certificate is made for: one for remote management serves whoever sets the machine up, and one that is
//! given out as a file serves elsewhere.

use crate::facts::{Body, Effect, Folder, Hole, Location, Operation, Part, Phase, Place, Reading, Step, Store, Trait};

/// Where the listeners of remote management are configured (MS documentation, "WSMan provider").
const LISTENER: &str = "wsman:\\localhost\\listener";
/// What gives a certificate out together with its key; `Export-Certificate` leaves the key behind (MS documentation, "PKI").
const EXPORT: &str = "export-pfxcertificate";

/// Marks the certificates that one artifact makes for either.
pub(super) fn mark(readings: &mut [Reading]) {
    for reading in readings {
        let effects = || super::steps::counted(&reading.facts).filter_map(|fact| fact.as_effect());
        let made = effects().filter(|effect| makes_certificate(effect)).count();
        if made == 0 {
            continue;
        }
        // Of several nobody knows which one the listener uses.
        let listens =
            made == 1 && effects().any(|e| e.store == Store::Network && e.location.key().starts_with(LISTENER));
        let exports = effects()
            .any(|e| e.operation == Operation::Create && e.via.eq_ignore_ascii_case(EXPORT) && leaves(&e.location));
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            if !makes_certificate(effect) {
                continue;
            }
            if listens {
                effect.mark(Trait::Recomputable);
                effect
                    .evidence
                    .push(Step::new("made for remote management, which is set up with another one just as well"));
            } else if exports && effect.phase == Phase::Unknown {
                effect.mark(Trait::Staged);
                effect.evidence.push(Step::new("given out as a file by the same script"));
            }
        }
    }
}

fn makes_certificate(effect: &Effect) -> bool {
    effect.store == Store::Certificate && matches!(effect.operation, Operation::Generate | Operation::Create)
}

/// Is a file put where whoever calls the script finds it, or on another host?
fn leaves(location: &Location) -> bool {
    let is_here = |part: &Part| matches!(part, Part::Hole(Hole::Folder(Folder::Cwd | Folder::AppDir)));
    location.text().parts().first().is_some_and(is_here) || location.file_place() == Place::UncShare
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    #[test]
    fn what_a_certificate_is_for() {
        let make = |phase: &str| format!("effect generate certificate cert:\\LocalMachine\\My phase={phase} via=x\n");
        let marked = |rest: &str, phase: &str| {
            let mut readings = listing::parse(&format!("{}{rest}", make(phase))).unwrap();
            mark(&mut readings);
            readings[0].facts[0].as_effect().unwrap().traits.clone()
        };
        let listener = "effect configure network WSMan:\\LocalHost\\Listener via=New-Item\n";
        let export = "effect create file {Cwd}\\root.pfx via=Export-PfxCertificate\n";
        assert_eq!(marked(listener, "build"), [Trait::Recomputable]);
        assert_eq!(marked(export, "unknown"), [Trait::Staged]);
        assert_eq!(marked(export, "startup"), []);
        assert_eq!(marked("", "build"), []);
        assert_eq!(marked(&export.replace("Pfx", ""), "unknown"), [], "without its key");
        assert_eq!(marked(&export.replace("{Cwd}", "C:\\certs"), "unknown"), [], "on this machine");
        assert_eq!(marked(&format!("{listener}{}", make("build")), "build"), [], "one of two");
    }
}
