//! What a self-signed certificate is made for: one for remote management serves whoever sets the machine up, and one that is
//! given out as a file serves elsewhere.

use crate::facts::{
    Body, ClueKind, Effect, Fact, Folder, Hole, Location, Operation, Origin, Part, Phase, Place, Reading, Step, Store,
    Trait,
};
use std::collections::HashSet;

/// Where the listeners of remote management are configured (MS documentation, "WSMan provider").
const LISTENER: &str = "wsman:\\localhost\\listener";
/// What gives a certificate out together with its key; `Export-Certificate` leaves the key behind (MS documentation, "PKI").
const EXPORT: &str = "export-pfxcertificate";

/// Blocks of PowerShell that run as often as they have something to run with.
const LOOPS: [&str; 2] = ["foreach", "for"];
/// Those that run as often as they are called.
const FUNCTIONS: [&str; 2] = ["function", "filter"];
/// Most exports of one script that are looked at.
const MAX_EXPORTS: usize = 16;

/// What imports a certificate with its key from a file.
const IMPORTS: [&str; 2] = ["import-pfxcertificate", "certutil -importpfx"];

/// A certificate that every start imports from a file which the image holds is there again after each.
fn mark_shipped(readings: &mut [Reading]) {
    let shipped = |fact: &Fact| {
        let clue = fact.as_clue().filter(|clue| clue.kind == ClueKind::Ships)?;
        let place = clue.location.as_ref()?.key();
        file_of(&place).contains('.').then(|| without_drive(&place).to_owned())
    };
    let files: HashSet<String> = readings.iter().flat_map(|reading| reading.facts.iter().filter_map(shipped)).collect();
    if files.is_empty() {
        return;
    }
    let makes = |fact: &Fact| {
        let effect = fact.as_effect().filter(|e| e.store.is_path() && !e.operation.removes())?;
        Some(file_of(&effect.location.key()).to_owned()).filter(|_| effect.operation != Operation::Read)
    };
    let made: HashSet<String> = readings.iter().flat_map(|reading| reading.facts.iter().filter_map(makes)).collect();
    let names: HashSet<&str> = files.iter().map(|file| file_of(file)).filter(|name| !made.contains(*name)).collect();
    // Where the whole path is written it is that file, otherwise one of the name; none that something here makes.
    let is_of_image = |word: &str| {
        let is_whole = word.get(1..3) == Some(":\\");
        names.contains(file_of(word)) && (!is_whole || files.contains(without_drive(word)))
    };
    for effect in super::effects_mut(readings) {
        let imports =
            effect.store == Store::Certificate && IMPORTS.iter().any(|via| effect.via.eq_ignore_ascii_case(via));
        if !imports || effect.origin != Origin::Unknown {
            continue;
        }
        let lines = effect.evidence.iter().map(|step| step.text.to_lowercase().replace('/', "\\"));
        let is_shipped = lines.into_iter().any(|line| line.split([' ', '"', '\'']).any(is_of_image));
        if is_shipped {
            effect.origin = Origin::Packaged;
            effect.evidence.push(Step::new("the image holds the file that it is imported from, with the private key"));
        }
    }
}

/// The name of the file at the key of a place.
fn file_of(place: &str) -> &str {
    place.rsplit('\\').next().unwrap_or(place)
}

fn without_drive(place: &str) -> &str {
    place.split_once(':').map_or(place, |(_, rest)| rest)
}

/// Marks the certificates that one artifact makes for either, and those that are imported from the image.
pub(super) fn mark(readings: &mut [Reading]) {
    mark_shipped(readings);
    for reading in readings {
        let effects = || super::steps::counted(&reading.facts).filter_map(|fact| fact.as_effect());
        let made = effects().filter(|effect| makes_certificate(effect)).count();
        if made == 0 {
            continue;
        }
        let is_one = made == 1 && !effects().any(|effect| makes_certificate(effect) && has_head(effect, &LOOPS));
        // Of several nobody knows which one the listener uses, and a site that uses it loses its own.
        let serves = effects().any(|e| ["sslbindings", "sslcert"].iter().any(|what| e.location.key().contains(what)));
        let listens =
            is_one && !serves && effects().any(|e| e.store == Store::Network && e.location.key().starts_with(LISTENER));
        let is_export =
            |e: &&Effect| e.operation == Operation::Create && e.via.eq_ignore_ascii_case(EXPORT) && leaves(&e.location);
        let exports: Vec<Effect> = effects().filter(is_export).filter(|_| !serves).take(MAX_EXPORTS).cloned().collect();
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
            } else if effect.phase == Phase::Unknown
                && exports.iter().any(|export| is_given_out(effect, fact.site.line, is_one, export))
            {
                effect.mark(Trait::Staged);
                effect.evidence.push(Step::new("given out as a file by the same script"));
            }
        }
    }
}

/// Is the certificate that is made at this line the one that is exported? Either the export says that it got that one, or
/// there is no other.
fn is_given_out(made: &Effect, line: Option<u32>, is_one: bool, export: &Effect) -> bool {
    let is_got = export.evidence.iter().any(|step| step.site.as_ref().is_some_and(|site| site.line == line));
    if is_got {
        return !has_head(made, &LOOPS) || has_head(export, &LOOPS);
    }
    is_one && !has_head(made, &FUNCTIONS)
}

/// Was what the command got given by a block with such a head, which may run more than once?
fn has_head(effect: &Effect, words: &[&str]) -> bool {
    let head = |step: &Step| step.text.trim_start().split([' ', '(']).next().unwrap_or_default().to_ascii_lowercase();
    effect.evidence.iter().any(|step| words.contains(&head(step).as_str()))
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
    fn a_certificate_of_the_image_is_imported_again() {
        let origin = |shipped: &str| {
            let text = format!(
                "artifact Dockerfile\nclue ships key=docker-copy value={shipped} location=\\{shipped}\n\
                 artifact start.cmd\neffect write certificate My via=\"certutil -importpfx\" phase=startup\n  \
                 step \"certutil -p x -importPFX c:\\desk.pfx\"\n"
            );
            let mut readings = listing::parse(&text).unwrap();
            mark(&mut readings);
            readings[1].facts[0].as_effect().unwrap().origin
        };
        assert_eq!((origin("desk.pfx"), origin("other.pfx")), (Origin::Packaged, Origin::Unknown));
        assert_eq!(origin("tests\\desk.pfx"), Origin::Unknown, "another file of the name");
    }

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
        let made_by = |head: &str| {
            let text = format!(
                "{}  step \"{head}\"\n  step \"New-SelfSignedCertificate $n\"\n{export}{listener}",
                make("unknown")
            );
            let mut readings = listing::parse(&text).unwrap();
            mark(&mut readings);
            readings[0].facts[0].as_effect().unwrap().traits.clone()
        };
        assert_eq!(made_by("foreach ($n in $names) {"), [], "one for each name");
        assert_eq!(made_by("$n = 'x'"), [Trait::Recomputable]);
        let given = |export: &str| {
            let text = format!(
                "artifact a\neffect generate certificate My phase=unknown via=x at=line:1;column:2\n  \
                 step \"function New-Root($n) {{\"\n{export}"
            );
            let mut readings = listing::parse(&text).unwrap();
            mark(&mut readings);
            readings[0].facts[0].as_effect().unwrap().traits.clone()
        };
        assert_eq!(given(export), [], "one of those that the function makes");
        assert_eq!(given(&format!("{export}  step \"$c = x\" at=line:1;column:2\n")), [Trait::Staged]);
    }
}
