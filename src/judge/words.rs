//! Findings in the words of a reader who does not know the vocabulary of effects.

use super::outcome::Fate;
use crate::facts::{Effect, Operation, Phase, Store};
use crate::rules::{Outcome, Rule, Severity};

/// What an effect is on.
pub(super) fn noun(effect: &Effect) -> String {
    let noun = match effect.store {
        Store::Directory => "folder",
        Store::TempFile => "temporary file",
        Store::Ini => "setting of an INI file",
        Store::Database if effect.operation == Operation::Configure => "setting of a database server",
        Store::Registry if effect.operation == Operation::Create => "registry key",
        Store::Registry => "registry value",
        Store::Acl => "access list",
        Store::IisConfig => "configuration of IIS",
        Store::Com => "registration of a component",
        Store::Wmi => "WMI object",
        Store::NetworkMap => "drive mapping",
        Store::Network => "network setting",
        Store::Environment => "environment variable",
        Store::Identity => "name of the machine",
        Store::Clock => "clock or locale",
        Store::Hosts => "hosts file",
        Store::Service => "Windows service",
        Store::Feature => "Windows feature",
        Store::Task => "scheduled task",
        Store::Account => "local account or group",
        other => return <&str>::from(other).replace('-', " "),
    };
    noun.to_owned()
}

/// What to do about it. What comes back by itself needs nothing; of what is done at a time that nobody knows, the time is
/// the first question.
pub(super) fn help(rule: &Rule, effect: &Effect, fate: &Fate, severity: Severity) -> String {
    let now = rule.now.trim();
    let kept = fate.is_always(Outcome::Survives);
    match effect.phase {
        // Of a folder nothing says what is put into it.
        _ if rule.always || effect.store == Store::Directory => now.to_owned(),
        Phase::Build if kept && severity <= Severity::Note => {
            "Nothing to do: every instance is made from the image, which holds it.".to_owned()
        }
        Phase::Startup | Phase::FirstBoot if kept && severity <= Severity::Note => {
            "Nothing to do: it is made again where it is missing.".to_owned()
        }
        Phase::Unknown => {
            format!("Say under [phases] in wipeproof.toml when this runs: build, first-boot, startup or run. {now}")
        }
        _ => now.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;
    use crate::judge::judge_effect;
    use crate::rules::RuleSet;

    #[test]
    fn what_is_said_to_somebody_who_has_nothing_to_do() {
        let rules = RuleSet::embedded().unwrap();
        let said = |text: &str| {
            let readings = listing::parse(text).unwrap();
            let effect = readings[0].facts[0].as_effect().unwrap();
            let (rule, fates) = judge_effect(effect, &rules, &[rules.target("vm-role").unwrap()]).unwrap();
            let (fate, severity) = &fates[0];
            (noun(effect), help(rule.unwrap(), effect, fate, *severity))
        };
        let value = r"effect set-value registry HKLM\Software\A\B";
        let (noun, help) = said(&format!("{value} phase=build"));
        assert_eq!(noun, "registry value");
        assert!(help.starts_with("Nothing to do"), "{help}");
        assert!(!said(&format!("{value} phase=run")).1.starts_with("Nothing"));
        assert!(said(value).1.starts_with("Say under [phases]"));
        assert!(said("effect configure acl C:\\A phase=startup").0 == "access list");
    }
}
