//! What builds the image, and what of that is gone before the image is captured.

use super::{Index, Known, edge_phase, is_task, makes_container, once};
use crate::facts::{
    Body, Clue, ClueKind, Effect, Operation, PLUG_IN, Phase, Place, Reading, SELF_REGISTERING, Site, Store, file_name,
    folder_of,
};

/// How a script ends that makes an image: `sysprep /generalize` (MS documentation, "Sysprep (Generalize) a Windows
/// installation").
const GENERALISES: &str = "generalise";

/// Whoever generalises the machine makes an image of it, and so does the answer file that starts them: no later phase
/// is theirs. The artifacts whose phase is settled.
pub(super) fn sealed(readings: &[Reading], known: &mut [Option<Known>], fixed: &[bool], index: &Index) -> Vec<bool> {
    let mut settled = fixed.to_vec();
    let starts = |reading: &Reading| -> Vec<(Site, Clue)> {
        let facts = crate::link::steps::counted(&reading.facts);
        facts
            .filter_map(|f| Some((f.site.clone(), f.as_clue().filter(|c| c.kind == ClueKind::Starts)?.clone())))
            .collect()
    };
    let settle = |settled: &mut [bool], known: &mut [Option<Known>], number: usize, because: String| {
        if !settled[number] {
            settled[number] = true;
            known[number] = Some(Known::new(Phase::Build, because));
        }
    };
    for (number, reading) in readings.iter().enumerate() {
        if let Some((site, _)) = starts(reading).iter().find(|(_, clue)| clue.key == GENERALISES) {
            settle(
                &mut settled,
                known,
                number,
                format!("it generalises the machine at {}, which makes an image of it", site.short()),
            );
        }
    }
    let generalised = settled.clone();
    for (number, reading) in readings.iter().enumerate() {
        for (site, clue) in starts(reading).iter().filter(|(_, clue)| edge_phase(&clue.key) == Some(Phase::FirstBoot)) {
            let to = index.started(reading, clue).filter(|to| generalised[*to] && !fixed[*to]);
            if let Some(to) = to {
                let to = &readings[to].artifact;
                settle(
                    &mut settled,
                    known,
                    number,
                    format!("it starts {to} at {}, which generalises the machine", site.short()),
                );
            }
        }
    }
    settled
}

/// The first start of a machine that is only made to be captured belongs to the build of the image.
pub(super) fn is_part_of_build(phase: Phase, starter: Option<&Known>) -> bool {
    phase == Phase::FirstBoot && starter.is_some_and(|known| known.phase == Phase::Build)
}

/// A task that the build of the image registers and that takes itself away is gone before the image is captured. What takes
/// away another one stays; while the image of a container is built no task runs.
pub(super) fn is_spent(start: (&Reading, &Clue, &Site), starter: Option<&Known>, started: &Reading) -> bool {
    let (from, clue, site) = start;
    if !is_task(&clue.key) || starter.is_none_or(|known| known.phase != Phase::Build || known.container) {
        return false;
    }
    let is_registered = |effect: &Effect| effect.store == Store::Task && effect.operation == Operation::Register;
    let registered = |at: Option<&Site>| -> Vec<String> {
        let facts = crate::link::steps::counted(&from.facts).filter(|fact| at.is_none_or(|at| fact.site == *at));
        facts
            .filter_map(|fact| fact.as_effect())
            .filter(|e| is_registered(e))
            .map(|e| once::named(&e.location))
            .collect()
    };
    let here = registered(Some(site));
    let names = if here.is_empty() { registered(None) } else { here };
    let [name] = names.as_slice() else { return false };
    crate::link::steps::counted(&started.facts)
        .filter_map(|fact| fact.as_effect())
        .any(|effect| once::takes_away(effect, name))
}

/// What an installer brings along for itself alone runs when the installer does.
pub(super) fn plug_ins(readings: &[Reading], known: &mut [Option<Known>], index: &Index) {
    for (from, reading) in readings.iter().enumerate() {
        for fact in crate::link::steps::counted(&reading.facts) {
            let clue = fact.as_clue().filter(|clue| clue.kind == ClueKind::Starts && clue.key == PLUG_IN);
            let Some(to) = clue.and_then(|clue| index.started(reading, clue)).filter(|to| known[*to].is_none()) else {
                continue;
            };
            let of_setup = known[from].clone().or_else(|| super::default_phase(super::class(&reading.format)));
            known[to] = of_setup.map(|setup| {
                let by = format!("used by {} alone, which does not install it, {}", reading.artifact, setup.because);
                Known::new(setup.phase, by)
            });
        }
    }
}

/// What a library that registers itself writes of its classes it writes when it is registered, where no other way to it was
/// followed (MS documentation, "DllRegisterServer"). A program may register something at any time.
pub(super) fn when_registered(reading: &mut Reading) {
    if !super::has_role(reading, SELF_REGISTERING) || reading.artifact.to_lowercase().ends_with(".exe") {
        return;
    }
    let is_of_class = |effect: &Effect| {
        effect.store == Store::Com || effect.store == Store::Registry && effect.location.registry_place() == Place::Hkcr
    };
    for fact in crate::link::steps::counted_mut(&mut reading.facts) {
        let is_plain = fact.site.symbol.is_none();
        if let Body::Effect(effect) = &mut fact.body
            && is_plain
            && effect.phase == Phase::Unknown
            && is_of_class(effect)
        {
            effect.phase = Phase::Build;
            "assumed: the library is registered while the image is built".clone_into(&mut effect.phase_evidence);
        }
    }
}

/// What Windows Setup reads from the medium that it starts from, and from nowhere else (MS documentation, "Windows Setup
/// automation overview": the implicit answer file search order).
const OF_SETUP: &str = "autounattend.xml";

/// Answer files for other editions, beside the folder of the one that the build takes, are for the same build.
fn namesakes(readings: &[Reading], known: &mut [Option<Known>], of: usize) {
    let folder = |reading: &Reading| folder_of(folder_of(&reading.artifact)).to_lowercase();
    let is_of_setup = |reading: &Reading| file_name(&reading.artifact).eq_ignore_ascii_case(OF_SETUP);
    if !is_of_setup(&readings[of]) || known[of].as_ref().is_none_or(|known| known.phase != Phase::Build) {
        return;
    }
    let beside = folder(&readings[of]);
    for (number, reading) in readings.iter().enumerate() {
        if known[number].is_none() && is_of_setup(reading) && folder(reading) == beside {
            let because = format!("another edition of {}, which the image is built with", readings[of].artifact);
            known[number] = Some(Known::new(Phase::Build, because));
        }
    }
}

/// What the build of an image starts is known first, because it decides what the first start of a machine means.
pub(super) fn build_starts(readings: &[Reading], known: &mut [Option<Known>], fixed: &[bool], index: &Index) {
    let mut built = Vec::new();
    for reading in readings {
        for fact in crate::link::steps::counted(&reading.facts) {
            let Some(clue) = fact.as_clue().filter(|c| c.kind == ClueKind::Starts && c.key == "image-build") else {
                continue;
            };
            let Some(to) = index.started(reading, clue) else { continue };
            if known[to].is_none() && !fixed[to] {
                let because = format!("started by {} ({}) at {}", reading.artifact, clue.key, fact.site.short());
                let container = makes_container(reading);
                known[to] = Some(Known { container, ..Known::new(Phase::Build, because) });
                built.push(to);
            }
        }
    }
    built.into_iter().for_each(|to| namesakes(readings, known, to));
}

#[cfg(test)]
mod tests {
    use super::super::inherit;
    use crate::facts::{Phase, listing};
    use crate::link::Context;
    use crate::settings::Settings;

    #[test]
    fn a_library_that_registers_itself_writes_its_classes_then() {
        let phases = |artifact: &str| -> Vec<Phase> {
            let text = format!(
                "artifact {artifact} format=pe-x86\nclue role key=self-registering value=DllRegisterServer\n\
                 effect set-value registry HKCR\\CLSID\\A\neffect set-value registry HKLM\\Software\\A\n"
            );
            let mut readings = listing::parse(&text).unwrap();
            inherit(&mut readings, &Context { settings: &Settings::default(), app: &Default::default() });
            readings[0].facts.iter().filter_map(|fact| fact.as_effect()).map(|effect| effect.phase).collect()
        };
        assert_eq!(phases("a.dll"), [Phase::Build, Phase::Run]);
        assert_eq!(phases("a.exe"), [Phase::Run, Phase::Run]);
    }
}
