//! How much a finding weighs, given what becomes of it.
//!
//! The rule states the weight of a loss at run time; what follows here applies to every rule alike, in this order:
//! phases that bake or heal, harmless outcomes, then traits and unknowns one level up or down.

use super::outcome::{Fate, heals};
use crate::facts::{Effect, Folder, Hole, Operation, Part, Phase, Store, Trait};
use crate::rules::{Outcome, Rule, Severity, Theme};

/// The severity of one effect under one rule on one target.
pub fn severity(effect: &Effect, rule: &Rule, fate: &Fate) -> Severity {
    let weight = weight(effect, rule, fate);
    // Whoever calls a tool says what it does; what it could do besides is told and weighs nothing.
    if effect.has(Trait::Tool) { Severity::Note.min(weight) } else { weight }
}

fn weight(effect: &Effect, rule: &Rule, fate: &Fate) -> Severity {
    if rule.severity == Severity::Off || effect.has(Trait::Implied) {
        return Severity::Off;
    }
    if let Some(exception) = rule.phases.get(&effect.phase) {
        // What is taken away is not there to be wrong in that phase.
        // What is put back whenever it is missing, or stays without harm, is no worse than anything else that is baked.
        // Where nothing is known of what becomes of it, it does not stay.
        let stays = exception.outcome.is_some() && fate.is_always(Outcome::Survives);
        // Preferences of the one who builds are no loss; what some program of the application looks for is.
        let unwanted = exception.outcome == Some(Outcome::Misplaced) && is_unread(effect);
        let small = effect.operation.removes() || effect.has(Trait::Recomputable) || stays || unwanted;
        return if small { Severity::Note.min(exception.severity) } else { exception.severity };
    }
    // What is not on the instance is not there to be wrong.
    if rule.always && effect.phase != Phase::NotShipped {
        return rule.severity;
    }
    let base = match effect.phase {
        Phase::NotShipped => return Severity::Off,
        // Baked: in the report with its phase, because a careful reader wants to see it; nothing is lost.
        // On a disk that is no part of the image it is missing from the first start on, which is no harm where it has
        // served the build.
        Phase::Build if fate.harms().next().is_some() && !serves_the_build(effect) => {
            return rule.severity.min(Severity::Warning);
        }
        Phase::Build => return Severity::Note,
        Phase::FirstBoot | Phase::Startup if is_startup_log(effect) => return Severity::Note,
        // Made again at every start, unless a marker outlives it.
        Phase::FirstBoot | Phase::Startup if heals(effect) && fate.harms().next().is_none() => {
            return Severity::Note;
        }
        Phase::FirstBoot | Phase::Startup if heals(effect) => Severity::Warning,
        // A script that may build the image as well as start the instance: one level below a certain loss.
        Phase::Unknown => rule.severity.lowered(),
        Phase::FirstBoot | Phase::Startup | Phase::Run | Phase::Shutdown => rule.severity,
    };
    let harm = fate.outcomes.iter().any(|(_, o)| o.is_harm());
    if !harm && !fate.is_unknown() {
        // Durable, or a device that keeps nothing.
        return Severity::Off;
    }
    let mut severity = base;
    // A script that may well build the image itself is not raised by what the image holds.
    if raises(effect, rule) && effect.phase != Phase::Unknown {
        severity = severity.raised();
    }
    if lowers(effect) || is_chosen(effect) {
        severity = Severity::Note.min(severity);
    }
    let lost = fate.harms().next().is_some();
    let drifts_today = effect.has(Trait::Replicated) && fate.outcomes.iter().any(|(_, o)| *o == Outcome::Diverges);
    if !lost && !drifts_today {
        // Nothing is promised, or copies would drift apart once there are two: weaker than a loss.
        severity = severity.lowered();
    }
    if effect.operation == Operation::Create && effect.store == Store::Registry {
        // An empty key holds nothing; CreateSubKey is also a common way to open one for reading.
        severity = Severity::Note.min(severity);
    }
    if effect.has(Trait::Guessed) {
        // Whether it is this place is not certain.
        severity = Severity::Warning.min(severity);
    }
    if effect.operation.removes() {
        // A deletion loses no data; at worst the image brings the deleted thing back.
        severity = Severity::Note.min(severity);
    }
    severity
}

/// Endings of what is fetched to be installed or unpacked.
const INSTALLERS: &[&str] =
    &["7z", "appx", "cab", "exe", "gz", "iso", "msi", "msix", "msu", "nupkg", "ps1", "tar", "tgz", "zip"];

/// Installers, logs of the build and empty folders: nothing that the application would look for.
fn serves_the_build(effect: &Effect) -> bool {
    let ending = effect.location.extension().unwrap_or_default();
    INSTALLERS.contains(&ending.as_str())
        || matches!(effect.store, Store::Log | Store::TempFile | Store::Directory | Store::Acl)
}

/// Primary data, or a loss that nobody notices. What configures the machine is looked up before it is set, which does
/// not make it data.
fn raises(effect: &Effect, rule: &Rule) -> bool {
    let state = matches!(effect.store, Store::File | Store::Ini | Store::Settings | Store::Registry)
        && !matches!(rule.theme, Theme::Machine | Theme::Logs);
    // An old log that comes back is no worse than none, and that a program stops is said when it does.
    let told = [Trait::Baked, Trait::OnlyAtShutdown].iter().any(|t| effect.has(*t)) && rule.theme != Theme::Logs;
    told || (state && [Trait::ReadBack, Trait::ReadModifyWrite].iter().any(|t| effect.has(*t)))
}

/// It is something whose readers are looked for, and none was found.
fn is_unread(effect: &Effect) -> bool {
    let visible = effect.store == Store::Registry || effect.store.is_path();
    visible && !effect.has(Trait::ReadBack)
}

/// Meant to be thrown away, kept elsewhere, told elsewhere, or not the application's own.
fn lowers(effect: &Effect) -> bool {
    use Trait as T;
    [T::DeleteOnClose, T::Recomputable, T::Repeated, T::Runtime, T::Shipped, T::Staged, T::Volatile]
        .iter()
        .any(|t| effect.has(*t))
}

/// Whoever chooses a place in a dialog has the file there, and no server has dialogs.
fn is_chosen(effect: &Effect) -> bool {
    matches!(effect.location.text().parts().first(), Some(Part::Hole(Hole::Folder(Folder::UserChosen))))
}

/// The output of a startup script explains that start and nothing else.
fn is_startup_log(effect: &Effect) -> bool {
    matches!(effect.store, Store::Log | Store::TempFile)
}

/// The outcome to name first: the worst that is not mere drifting apart.
pub fn worst(fate: &Fate) -> Option<Outcome> {
    fate.harms().map(|(_, o)| o).max().or_else(|| fate.outcomes.iter().map(|(_, o)| *o).max())
}

#[cfg(test)]
mod tests {
    use super::severity;
    use crate::facts::listing;
    use crate::judge::outcome::{Fate, fate};
    use crate::rules::{RuleSet, Severity};

    fn weigh(listing_text: &str) -> Severity {
        let rules = RuleSet::embedded().unwrap();
        let readings = listing::parse(listing_text).unwrap();
        let effect = readings[0].facts[0].as_effect().unwrap();
        let place = rules.platform().place_of(effect);
        let rule = rules.rule_for(effect, place).unwrap();
        let fate = fate(effect, place, Some(rule), rules.target("vm-role").unwrap(), rules.platform());
        severity(effect, rule, &fate)
    }

    #[test]
    fn what_is_lost_for_good_weighs_most() {
        let database = weigh(r#"effect write database "{DataDirectory}\shop.mdf" phase=run via=connectionString"#);
        let reverts = weigh(r"effect set-value registry HKLM\Software\A\Next phase=run traits=baked via=x");
        let read_back = weigh(r"effect write file {ProgramData}\A\state.dat phase=run traits=read-back via=x");
        let log = weigh(r"effect append log {ProgramData}\A\app.log phase=run traits=baked via=x");
        let library = weigh("effect append event-log OpenSSL phase=run traits=runtime via=advapi32!ReportEventA");
        let cache = weigh("effect keep-in-memory cache memory-cache://Default phase=run via=x");
        assert_eq!([database, reverts, read_back], [Severity::Error; 3]);
        let guess = weigh(r"effect write file {ProgramData}\A\state.dat phase=run traits=guessed,read-back via=x");
        assert_eq!(guess, Severity::Warning);
        assert_eq!((log, library, cache), (Severity::Warning, Severity::Note, Severity::Note));
    }

    #[test]
    fn a_constant_written_again_at_every_start_is_harmless() {
        let at = |rest: &str| weigh(&format!(r"effect set-value registry HKLM\Software\A\Url via=x {rest}"));
        assert_eq!(at("phase=startup origin=constant"), Severity::Note);
        assert_eq!(at("phase=run origin=constant traits=unchanged"), Severity::Off);
        assert_eq!(at("phase=run origin=constant"), Severity::Warning);
    }

    #[test]
    fn what_somebody_chooses_is_theirs() {
        let saved = |at: &str| weigh(&format!("effect create file {at} phase=run origin=input via=x"));
        assert_eq!((saved(r"{UserChosen}\{?}"), saved(r"{AppDir}\{?}")), (Severity::Note, Severity::Error));
    }

    #[test]
    fn what_nothing_is_known_of_does_not_stay() {
        let rules = RuleSet::embedded().unwrap();
        let made = r"effect generate certificate cert:\LocalMachine\My phase=build via=x";
        let readings = listing::parse(made).unwrap();
        let effect = readings[0].facts[0].as_effect().unwrap();
        let rule = rules.rule_for(effect, rules.platform().place_of(effect)).unwrap();
        let exception = &rule.phases[&effect.phase];
        assert!(exception.outcome.is_some() && exception.severity > Severity::Note);
        let fate = Fate { volume: String::new(), outcomes: Vec::new() };
        assert_eq!(severity(effect, rule, &fate), exception.severity);
    }

    #[test]
    fn looking_up_an_autostart_entry_does_not_make_it_data() {
        let run = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run\A";
        assert_eq!(
            weigh(&format!("effect set-value registry {run} phase=run traits=read-back via=x")),
            Severity::Warning
        );
    }
}
