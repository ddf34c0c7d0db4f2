//! Values that can only mean a store of this machine, under whatever name and in whatever format they stand: the path of a
//! queue of MSMQ, the emulator of Azure storage.

use super::document::Document;
use super::token;
use crate::facts::{
    Certainty, ClueKind, Effect, Fact, Location, Operation, Part, Reading, Site, Step, Store, Text, Trait,
};
use std::collections::HashSet;

/// Settings of plug-ins of Azure cloud services, which are replaced when a package is published (MS documentation, "Set up
/// diagnostics for Azure Cloud Services").
const PLUGINS: &str = "microsoft.windowsazure.plugins.";
/// How the emulator is written (MS documentation, "Configure Azure Storage connection strings").
const EMULATOR: &str = "usedevelopmentstorage=true";
/// What stands before a private queue of this machine (MS documentation, "Path Names", "Direct Format Names").
const QUEUES: [&str; 3] = [".\\private$\\", "localhost\\private$\\", "127.0.0.1\\private$\\"];
/// What may stand before that.
const DIRECT: [&str; 2] = ["formatname:", "direct=os:"];
/// Longest value that is looked at.
const MAX_VALUE: usize = 400;

/// Adds what the values say that a document gave from its `first` fact on, except of those that are told already.
pub(super) fn tell(document: &Document<'_>, reading: &mut Reading, first: usize) {
    let told: HashSet<Site> =
        reading.facts[first..].iter().filter(|f| f.as_effect().is_some()).map(|f| f.site.clone()).collect();
    // Values of a file that no program looks for by itself are those of its name.
    let is_aside = document.environment.is_some() && reading.environment.is_none();
    let mut found: Vec<Fact> = Vec::new();
    for fact in &reading.facts[first..] {
        let is_value = |kind| matches!(kind, ClueKind::ConfigValue | ClueKind::ConnectionString | ClueKind::Given);
        let Some(clue) = fact.as_clue().filter(|clue| is_value(clue.kind)) else { continue };
        // Either has one of these, and most values have none.
        if clue.value.len() > MAX_VALUE || !clue.value.contains(['$', '=']) || told.contains(&fact.site) {
            continue;
        }
        let Some(effect) = queue(&clue.value).or_else(|| emulator(&clue.key, &clue.value)) else { continue };
        let certainty = if is_aside { Certainty::Possible } else { Certainty::Likely };
        let said = format!("the value of {} is {}", clue.key, clue.value.trim());
        let effect = Effect { certainty, ..effect }
            .in_phase(document.phase.0, &document.phase.1)
            .with(Trait::Named)
            .because(Step::new(said));
        if found.last().is_none_or(|last| last.site != fact.site) {
            found.push(Fact::effect(fact.site.clone(), effect));
        }
    }
    reading.facts.extend(found);
}

/// A queue of this machine; who puts into it is not seen.
fn queue(value: &str) -> Option<Effect> {
    let value = value.trim();
    let lower = value.to_lowercase();
    let path = DIRECT.iter().fold(lower.as_str(), |rest, head| rest.strip_prefix(head).unwrap_or(rest));
    let head = QUEUES.iter().find(|head| path.starts_with(**head))?;
    let name = value.get(value.len() - (path.len() - head.len())..)?;
    // What a deployment or the program puts in there is a part of the name.
    let name = token::open(&Text::lit(name));
    let is_literal = |part: &Part| matches!(part, Part::Lit(lit) if lit.contains(['\n', '\\', '{', '*']));
    let is_name = !name.is_empty() && !name.parts().iter().any(is_literal);
    let location = Location::named(Text::lit("msmq://.\\private$\\").concat(&name));
    is_name.then(|| Effect::new(Operation::Create, Store::Queue, location, Certainty::Likely, "MSMQ"))
}

/// The emulator is a server of the machine that develops, and keeps its data there.
fn emulator(key: &str, value: &str) -> Option<Effect> {
    let lower = value.trim().to_lowercase();
    if !lower.trim_end_matches(';').starts_with(EMULATOR) || key.to_lowercase().contains(PLUGINS) {
        return None;
    }
    let location = Location::named(Text::lit("azure-storage://localhost"));
    Some(Effect::new(Operation::Write, Store::Database, location, Certainty::Likely, "UseDevelopmentStorage"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_of_this_machine() {
        let at = |value: &str| queue(value).map(|effect| effect.location.to_string());
        for value in [
            r".\private$\Orders",
            r"FormatName:DIRECT=OS:.\Private$\Orders",
            r" localhost\private$\Orders ",
            r"DIRECT=OS:localhost\private$\Orders",
        ] {
            assert_eq!(at(value).as_deref(), Some(r"msmq://.\private$\Orders"), "{value}");
        }
        for value in [r"desk1\private$\orders", r".\private$\", r"see .\private$\orders", r".\private$\{a}", "orders"] {
            assert_eq!(at(value), None, "{value}");
        }
        assert_eq!(at(r".\private$\#{Stage}.orders").as_deref(), Some(r"msmq://.\private$\{config:Stage}.orders"));
        assert_eq!(at(r".\private$\{0}").as_deref(), Some(r"msmq://.\private$\{?}"));
    }

    #[test]
    fn the_emulator_is_on_this_machine() {
        assert!(emulator("DataConnectionString", "UseDevelopmentStorage=true;").is_some());
        assert!(emulator("DataConnectionString", "UseDevelopmentStorage=false").is_none());
        let plugin = "ConfigurationSettings/Microsoft.WindowsAzure.Plugins.Diagnostics.ConnectionString";
        assert!(emulator(plugin, "UseDevelopmentStorage=true").is_none());
    }
}
