//! What becomes of an effect at each event of a target.

use crate::facts::{Effect, Extent, Hole, Location, Operation, Origin, Part, Phase, Place, Store, Trait};
use crate::rules::{Event, Outcome, Platform, Rule, Target};

/// What becomes of one effect on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Volume class, by the target's name for it.
    pub volume: String,
    /// At each event that exists for the volume, in the order of the events.
    pub outcomes: Vec<(Event, Outcome)>,
}

impl Fate {
    /// The events at which something happens that a person has to act on, other than drifting apart.
    pub fn harms(&self) -> impl Iterator<Item = (Event, Outcome)> + '_ {
        self.outcomes.iter().copied().filter(|(_, o)| o.is_harm() && *o != Outcome::Diverges)
    }

    /// The same becomes of it at every event, and there is one.
    pub fn is_always(&self, outcome: Outcome) -> bool {
        !self.outcomes.is_empty() && self.outcomes.iter().all(|(_, o)| *o == outcome)
    }

    /// Nothing is promised and nothing is known to be lost.
    pub fn is_unknown(&self) -> bool {
        self.harms().next().is_none() && self.outcomes.iter().any(|(_, o)| *o == Outcome::Unknown)
    }
}

/// Judges the survival of an effect. `rule` is the rule that speaks for it, if one does.
pub fn fate(effect: &Effect, place: Place, rule: Option<&Rule>, target: &Target, platform: &Platform) -> Fate {
    let volume = target.volume_of(platform, place, drive_of(&effect.location)).to_owned();
    let mut outcomes = target.volume(platform, &volume).map(|v| v.outcomes()).unwrap_or_default();
    if !target.volumes.contains_key(&volume) {
        // A volume that all targets share knows events that this one does not have.
        let happens = |event: Event| target.volumes.values().flat_map(|v| v.outcomes()).any(|(e, _)| e == event);
        outcomes.retain(|(event, _)| *event == Event::ProcessRestart || happens(*event));
    }
    if effect.has(Trait::Unchanged) {
        // The image brings the same value back.
        replace_all(&mut outcomes, Outcome::Survives);
        outcomes.retain(|(event, _)| *event != Event::ScaleOut);
        return Fate { volume, outcomes };
    }
    if place == Place::Remote {
        return Fate { volume, outcomes };
    }
    let exception = target.exceptions.iter().find(|e| e.store.contains(&effect.store)).map(|e| e.outcome);
    let by_phase = rule.and_then(|r| r.phases.get(&effect.phase)).and_then(|p| p.outcome);
    let by_phase = by_phase.filter(|_| !effect.operation.removes()).and_then(|outcome| in_image(effect, outcome));
    if let Some(outcome) = by_phase {
        replace_all(&mut outcomes, outcome);
    } else if effect.phase == Phase::Build && !is_captured(effect, &volume, target, platform) {
        // It was never part of the image.
        for (_, outcome) in outcomes.iter_mut().filter(|(_, o)| o.is_harm() || *o == Outcome::Survives) {
            *outcome = Outcome::Lost;
        }
        outcomes.retain(|(event, _)| *event != Event::ScaleOut);
    } else if effect.phase == Phase::Build {
        // Part of the image: after every event it is there again, on every instance.
        replace_all(&mut outcomes, Outcome::Survives);
        outcomes.retain(|(event, _)| *event != Event::ScaleOut);
    } else if let Some(outcome) = exception {
        replace_all(&mut outcomes, outcome);
    } else {
        for (event, outcome) in &mut outcomes {
            *outcome = adjust(effect, *event, *outcome);
        }
        if heals(effect) {
            let marker = effect.guard.as_ref().map(|m| marker_survival(m, target, platform));
            heal(&mut outcomes, marker.as_deref());
        }
    }
    Fate { volume, outcomes }
}

/// Does the image hold what was written while it was built? That of a machine is made of the disk that Windows is on, which
/// is C: there; what was written to the temporary disk of the machine that built it stayed behind (MS documentation,
/// "Create a managed image": the temporary disk is no part of it). Of another letter that a target does not know, nothing
/// is promised. Where Windows is on another letter there are no images of one's own.
fn is_captured(effect: &Effect, volume: &str, target: &Target, platform: &Platform) -> bool {
    let drive = drive_of(&effect.location).map(|letter| letter.to_ascii_uppercase());
    let is_other = drive.is_some_and(|letter| letter != 'C') && effect.store.is_path();
    let system = target.volume_of(platform, Place::DriveC, Some('C'));
    !is_other
        || effect.has(Trait::ContainerImage)
        || effect.operation.removes()
        || volume == system
        || system != target.volume_of(platform, Place::Windows, None)
}

/// An image of a container is not generalised: what that would remove stays, and a secret is the same everywhere.
fn in_image(effect: &Effect, outcome: Outcome) -> Option<Outcome> {
    match outcome {
        // Whom to trust is meant to be the same everywhere.
        Outcome::Stripped | Outcome::Cloned if effect.store == Store::Certificate && is_of_trust(&effect.location) => {
            None
        }
        // Generalising knows the stores of Windows; a file with a key in it is copied like any other.
        Outcome::Stripped if is_key_file(effect) => Some(Outcome::Cloned),
        Outcome::Stripped if effect.has(Trait::ContainerImage) => {
            matches!(effect.store, Store::Key | Store::Certificate).then_some(Outcome::Cloned)
        }
        // An account without a password, or a name in a group, is not worth stealing from a copy.
        Outcome::Cloned if effect.store == Store::Account && !effect.has(Trait::Cloned) => None,
        Outcome::Misplaced if !is_of_whoever_builds(effect) => None,
        other => Some(other),
    }
}

/// Folders in which Windows keeps the keys of its own stores (MS documentation, "Key Storage and Retrieval").
const KEY_STORES: &[&str] = &["\\microsoft\\crypto", "\\microsoft\\protect", "\\microsoft\\systemkeys"];

fn is_key_file(effect: &Effect) -> bool {
    let key = effect.location.key();
    let is_file = !key.contains("://") && effect.location.extent() != Extent::None && key.contains('\\');
    effect.store == Store::Key && is_file && !KEY_STORES.iter().any(|folder| key.contains(folder))
}

/// Stores of certificates that say whom to trust, and hold no keys of this machine (MS documentation, "System Store
/// Locations").
const TRUST: &[&str] = &["root", "authroot", "ca", "trustedpeople", "trustedpublisher", "disallowed"];

fn is_of_trust(location: &Location) -> bool {
    let key = location.key();
    key.rsplit(['\\', '/']).next().is_some_and(|store| TRUST.contains(&store))
}

/// Is it in a profile that only the account that builds has? Containers are built and run by the same account, unless their
/// description changes it; a hive of `HKEY_USERS` and a path through `C:\\Users` name the account that is meant.
fn is_of_whoever_builds(effect: &Effect) -> bool {
    let at = &effect.location;
    let names_account =
        at.registry_place() == Place::Hku || (drive_of(at).is_some() && at.file_place() == Place::UserProfile);
    !names_account && (!effect.has(Trait::ContainerImage) || effect.has(Trait::OtherAccount))
}

/// Code that runs at every start makes the same value again.
pub fn heals(effect: &Effect) -> bool {
    matches!(effect.phase, Phase::Startup | Phase::FirstBoot) && self_heals(effect)
}

/// The value is the same each time it is written, or whatever it is then, and nothing was collected before it.
fn self_heals(effect: &Effect) -> bool {
    // Once for each instance, or for each marker, nothing is collected.
    let anew = effect.has(Trait::Renewed) || effect.phase == Phase::FirstBoot || effect.guard.is_some();
    let collects = effect.operation == Operation::Append && !anew;
    let adapts = adapts_configuration(effect);
    let kept = (effect.has(Trait::ReadBack) || effect.has(Trait::ReadModifyWrite)) && !adapts;
    let parts = || effect.location.text().parts().iter();
    // Each start writes to another place.
    let stamped = parts().any(|part| matches!(part, Part::Hole(hole) if hole.is_of_moment()));
    let same = match effect.origin {
        // The same words once more in a configuration say nothing new, and are no records.
        Origin::Constant | Origin::Packaged | Origin::Configuration => {
            let is_record = collects && effect.store == Store::File;
            !is_record || effect.has(Trait::Printed) || is_configuration(effect)
        }
        // The time of this start replaces that of the last, which nobody asks for.
        Origin::Moment => !collects && !kept,
        // Nobody knows what it is; the same lines make it again.
        // Where that is may differ from start to start, but there is one first start.
        Origin::Unknown => {
            let is_one_place = effect.phase == Phase::FirstBoot || is_of_one_folder(effect);
            !collects && !kept && (sets_up(effect) || adapts) && is_one_place
        }
        _ => false,
    };
    same && !stamped
}

/// Endings of files that say how a program is to run.
const CONFIGURATIONS: &[&str] = &["cfg", "conf", "config", "ini", "json", "properties", "toml", "xml", "yaml", "yml"];

fn is_configuration(effect: &Effect) -> bool {
    effect.location.extension().is_some_and(|ending| CONFIGURATIONS.contains(&ending.as_str()))
}

/// The same place at each start: it is known, or it is all that is copied into a folder that is.
fn is_of_one_folder(effect: &Effect) -> bool {
    let text = effect.location.text();
    match text.parts() {
        [above @ .., Part::Lit(folder), Part::Hole(Hole::Unknown)] if effect.operation == Operation::Copy => {
            folder.ends_with('\\') && !above.contains(&Part::Hole(Hole::Unknown))
        }
        _ => !text.has_unknown(),
    }
}

/// Puts what the environment of this start says into a configuration, as the entry of a container does: where the image is
/// back, the next start does the same to it. Only what the image is known to hold is a configuration of it: a file that is
/// there, or a `.config` of the application itself. That somebody reads a file says nothing of who ships it.
fn adapts_configuration(effect: &Effect) -> bool {
    let is_of_application = || effect.location.file_place() == Place::AppDir;
    let is_dot_config = || effect.location.extension().is_some_and(|ending| ending == "config");
    matches!(effect.store, Store::File | Store::Settings)
        && is_configuration(effect)
        && (effect.has(Trait::Baked) || (is_dot_config() && is_of_application()))
}

/// Does the effect prepare the machine for the application, replacing what was there? Data, keys and work are no
/// preparation.
fn sets_up(effect: &Effect) -> bool {
    use Store as S;
    let replaces = !matches!(effect.operation, Operation::Write | Operation::Generate | Operation::Protect);
    let prepares = matches!(
        effect.store,
        S::File
            | S::Directory
            | S::TempFile
            | S::Ini
            | S::Registry
            | S::Settings
            | S::Environment
            | S::IisConfig
            | S::Package
            | S::Feature
            | S::Patch
            | S::Driver
            | S::Service
            | S::Task
            | S::Com
            | S::Acl
            | S::Share
            | S::Network
            | S::Hosts
            | S::Clock
            | S::Identity
            | S::Shortcut
    );
    // Logins and options of a server, not what is kept in it.
    let prepares = prepares || (effect.store == S::Database && effect.operation == Operation::Configure);
    replaces && prepares
}

/// What is made again at every start survives every event, unless a marker keeps it from being made again: then it
/// is only made again where the marker went too.
fn heal(outcomes: &mut Vec<(Event, Outcome)>, marker: Option<&[(Event, Outcome)]>) {
    let marker_stays = |event: Event| marker.is_some_and(|m| m.contains(&(event, Outcome::Survives)));
    for (event, outcome) in outcomes.iter_mut() {
        if !(outcome.is_harm() && marker_stays(*event)) {
            *outcome = Outcome::Survives;
        }
    }
    outcomes.retain(|(event, _)| *event != Event::ScaleOut);
}

fn marker_survival(marker: &Location, target: &Target, platform: &Platform) -> Vec<(Event, Outcome)> {
    let volume = target.volume_of(platform, marker.file_place(), drive_of(marker));
    target.volume(platform, volume).map(|v| v.outcomes()).unwrap_or_default()
}

fn replace_all(outcomes: &mut [(Event, Outcome)], outcome: Outcome) {
    for (event, o) in outcomes {
        if *event != Event::ScaleOut || outcome == Outcome::Cloned {
            *o = outcome;
        }
    }
}

/// A volume that reverts to its image loses what the image does not hold; what it does hold comes back, also after
/// a deletion.
fn adjust(effect: &Effect, event: Event, outcome: Outcome) -> Outcome {
    let comes_back = effect.has(Trait::Baked) || matches!(effect.operation, Operation::Delete | Operation::DeleteValue);
    match (event, outcome) {
        (_, Outcome::Reverts | Outcome::Lost) if effect.has(Trait::KeyApart) => Outcome::Unreadable,
        (_, Outcome::Reverts) if !comes_back => Outcome::Lost,
        (Event::ProcessRestart, Outcome::Unknown) if effect.has(Trait::CleanedOnRecycle) => Outcome::Lost,
        (_, other) => other,
    }
}

/// The drive letter of a literal path.
fn drive_of(location: &Location) -> Option<char> {
    match location.text().parts().first() {
        Some(Part::Lit(s)) if s.get(1..2) == Some(":") => s.chars().next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;
    use crate::rules::RuleSet;

    fn outcome_at(target: &str, event: Event, listing_text: &str) -> Option<Outcome> {
        let rules = RuleSet::embedded().unwrap();
        let readings = listing::parse(listing_text).unwrap();
        let effect = readings[0].facts[0].as_effect().unwrap();
        let place = rules.platform().place_of(effect);
        let fate = fate(effect, place, None, rules.target(target).unwrap(), rules.platform());
        fate.outcomes.iter().find(|(e, _)| *e == event).map(|(_, o)| *o)
    }

    #[test]
    fn one_drive_letter_means_three_things() {
        let text = "effect create file D:\\data\\x phase=run";
        assert_eq!(outcome_at("cloud-service", Event::Reimage, text), Some(Outcome::Lost));
        assert_eq!(outcome_at("cloud-service", Event::PackageUpgrade, text), Some(Outcome::Survives));
        assert_eq!(outcome_at("azure-vm", Event::Deallocate, text), Some(Outcome::Lost));
        assert_eq!(outcome_at("vm-role", Event::Reimage, text), Some(Outcome::Unknown));
    }

    #[test]
    fn baked_values_survive_and_written_ones_do_not() {
        let at =
            |rest: &str| outcome_at("vm-role", Event::Reimage, &format!("effect set-value registry HKLM\\A\\B {rest}"));
        assert_eq!(at("phase=build"), Some(Outcome::Survives));
        assert_eq!(at("phase=run"), Some(Outcome::Lost));
        assert_eq!(at("phase=run traits=baked"), Some(Outcome::Reverts));
        assert_eq!(at("phase=startup origin=constant"), Some(Outcome::Survives));
        assert_eq!(at("phase=startup origin=generated"), Some(Outcome::Lost));
        let adapted = |rest: &str| outcome_at("vm-role", Event::Reimage, &format!("effect create file C:\\A\\{rest}"));
        assert_eq!(adapted("a.json phase=startup traits=read-back,baked"), Some(Outcome::Survives));
        assert_eq!(adapted("a.json phase=startup traits=read-back"), Some(Outcome::Lost));
        assert_eq!(adapted("a.json phase=startup traits=read-modify-write"), Some(Outcome::Lost));
        assert_eq!(adapted("node.config phase=startup traits=read-back"), Some(Outcome::Lost));
        let own = "effect create file {AppDir}\\web.config phase=startup traits=read-back";
        assert_eq!(outcome_at("vm-role", Event::Reimage, own), Some(Outcome::Survives));
        assert_eq!(adapted("a.json phase=run traits=read-back,baked"), Some(Outcome::Reverts));
        assert_eq!(adapted("{?} phase=first-boot"), Some(Outcome::Survives));
        assert_eq!(adapted("{?} phase=startup"), Some(Outcome::Lost));
        assert_eq!(adapted("count.dat phase=startup traits=read-back,baked"), Some(Outcome::Reverts));
        let copied = |rest: &str| format!("effect copy file C:\\Site\\{rest} phase=startup");
        assert_eq!(outcome_at("vm-role", Event::Reimage, &copied("{?}")), Some(Outcome::Survives));
        assert_eq!(outcome_at("vm-role", Event::Reimage, &copied("{?}.old")), Some(Outcome::Lost));
        let line = "effect append file C:\\Acme\\a.properties phase=startup origin=constant";
        assert_eq!(outcome_at("vm-role", Event::Reimage, line), Some(Outcome::Survives));
        let appended = "effect append file C:\\Acme\\orders.dat phase=startup origin=constant";
        assert_eq!(outcome_at("vm-role", Event::Reimage, appended), Some(Outcome::Lost));
    }

    #[test]
    fn what_is_built_on_another_disk_is_in_no_image() {
        let built = |rest: &str| format!("effect create file {rest} phase=build");
        let at = |target: &str, rest: &str| outcome_at(target, Event::Reboot, &built(rest));
        assert_eq!(at("azure-vm", "D:\\data\\seed.db"), Some(Outcome::Lost));
        assert_eq!(at("azure-vm", "C:\\data\\seed.db"), Some(Outcome::Survives));
        assert_eq!(at("azure-vm", "D:\\data\\seed.db traits=container-image"), Some(Outcome::Survives));
        assert_eq!(at("ec2-asg", "D:\\data\\seed.db"), Some(Outcome::Unknown), "it may be a volume that is captured");
        assert_eq!(at("cloud-service", "C:\\data\\seed.db"), Some(Outcome::Survives));
    }

    #[test]
    fn the_image_of_a_container_is_not_generalised() {
        let at = |effect: &str| {
            let rules = RuleSet::embedded().unwrap();
            let readings = listing::parse(&format!("effect {effect} phase=build traits=container-image")).unwrap();
            let effect = readings[0].facts[0].as_effect().unwrap();
            let target = rules.target("azure-vm").unwrap();
            let place = rules.platform().place_of(effect);
            let rule = rules.rule_for(effect, place);
            fate(effect, place, Some(rule.unwrap()), target, rules.platform()).outcomes[0].1
        };
        assert_eq!(at("generate certificate cert:/LocalMachine/My via=New-SelfSignedCertificate"), Outcome::Cloned);
        assert_eq!(at("generate key {ProgramData}\\ssh via=ssh-keygen"), Outcome::Cloned);
        assert_eq!(at("append event-log event-log://Application"), Outcome::Survives);
        assert_eq!(at("write certificate cert:/LocalMachine/My via=Import-PfxCertificate"), Outcome::Cloned);
        assert_eq!(at("write certificate cert:/LocalMachine/Root via=Import-PfxCertificate"), Outcome::Survives);
    }

    #[test]
    fn a_marker_that_outlives_its_effect_stops_the_healing() {
        let at = |target: &str, marker: &str| {
            let text = format!("effect install package x phase=startup origin=packaged guard={marker}");
            outcome_at(target, Event::Reimage, &text)
        };
        // The temporary folder of a role is on the resource disk, which survives the reimage that rebuilds Windows.
        assert_eq!(at("cloud-service", "{Temp}\\done.txt"), Some(Outcome::Lost));
        assert_eq!(at("cloud-service", "{ProgramFiles}\\X\\done.txt"), Some(Outcome::Survives));
        assert_eq!(at("vm-role", "{Temp}\\done.txt"), Some(Outcome::Survives));
        let appended =
            "effect append file C:\\Agent\\a.conf phase=startup origin=constant guard={ProgramFiles}\\done.txt";
        assert_eq!(outcome_at("cloud-service", Event::Reimage, appended), Some(Outcome::Survives));
    }
}
