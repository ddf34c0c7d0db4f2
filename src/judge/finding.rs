//! Findings: rule, effect and fate in words, one per rule, artifact and location.

use super::group::{Several, Tree, group_key, within};
use super::outcome::{Fate, fate};
use super::severity::severity;
use super::words::{help, noun};
use crate::facts::{
    Certainty, Effect, Extent, Hole, Operation, Origin, Owner, Part, Phase, Reading, Site, Source, Step, Store, Text,
};
use crate::rules::{Event, Outcome, Rule, RuleSet, Severity, Target, Theme};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What becomes of a finding's state at one event of one target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OutcomeAt {
    /// Target id.
    pub target: String,
    /// Event.
    pub event: Event,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// One thing to fix: a rule, an artifact and a location, with every site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Rule id.
    pub rule: String,
    /// Rule name.
    pub name: String,
    /// Part of the application.
    pub theme: Theme,
    /// Highest severity over the targets.
    pub severity: Severity,
    /// Severity on each target, in the order they were given.
    pub severities: Vec<(String, Severity)>,
    /// Certainty, the highest of the effects.
    pub confidence: Certainty,
    /// A sentence.
    pub message: String,
    /// Artifact path.
    pub artifact: String,
    /// All sites, sorted.
    pub sites: Vec<Site>,
    /// The effect that represents the group: its most certain one.
    pub effect: Effect,
    /// The locations that the one of the effect stands for, when it stands for several.
    pub locations: Vec<String>,
    /// What becomes of it.
    pub outcomes: Vec<OutcomeAt>,
    /// Evidence chain of the representing effect.
    pub evidence: Vec<Step>,
    /// What to do.
    pub help: String,
    /// See [`fingerprint`].
    pub fingerprint: String,
}

/// An effect with its fate on each target, whether or not a rule speaks for it; the inventory lists these.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    /// The artifact's reading.
    pub reading: &'a Reading,
    /// Where.
    pub site: &'a Site,
    /// What.
    pub effect: &'a Effect,
    /// The rule that speaks for it.
    pub rule: Option<&'a Rule>,
    /// Fate and severity per target, in the order the targets were given.
    pub fates: Fates,
}

/// Fate and severity on each target.
pub type Fates = Vec<(Fate, Severity)>;

/// Judges every effect of the application's own artifacts on every target.
pub fn judge<'a>(readings: &'a [Reading], rules: &'a RuleSet, targets: &[&Target]) -> Vec<Judged<'a>> {
    let own = readings.iter().filter(|r| r.owner == Owner::Application);
    let effects = own.flat_map(|r| r.facts.iter().filter_map(move |f| Some((r, &f.site, f.as_effect()?))));
    effects
        .filter_map(|(reading, site, effect)| {
            let (rule, fates) = judge_effect(effect, rules, targets)?;
            Some(Judged { reading, site, effect, rule, fates })
        })
        .collect()
}

/// Judges one effect on every target: the rule that speaks for it, and its fates. A read is not judged.
pub fn judge_effect<'a>(effect: &Effect, rules: &'a RuleSet, targets: &[&Target]) -> Option<(Option<&'a Rule>, Fates)> {
    if effect.operation == Operation::Read {
        return None;
    }
    let place = rules.platform().place_of(effect);
    let rule = rules.rule_for(effect, place);
    let on = |target: &&Target| {
        let fate = fate(effect, place, rule, target, rules.platform());
        let severity = rule.map_or(Severity::Off, |rule| severity(effect, rule, &fate));
        (fate, severity)
    };
    Some((rule, targets.iter().map(on).collect()))
}

/// Groups judged effects into findings. `names` gives the name inside the application of an artifact path.
pub fn findings(
    judged: &[Judged<'_>],
    targets: &[&Target],
    rules: &RuleSet,
    names: impl Fn(&str) -> String,
) -> Vec<Finding> {
    let mut groups: BTreeMap<(String, String, String), Vec<&Judged<'_>>> = BTreeMap::new();
    for j in judged {
        let Some(rule) = j.rule else { continue };
        if j.fates.iter().any(|(_, s)| *s != Severity::Off) {
            let key = (j.reading.artifact.clone(), rule.id.clone(), group_key(j.effect));
            groups.entry(key).or_default().push(j);
        }
    }
    groups.into_values().filter_map(|group| of_group(&group, targets, rules, &names)).collect()
}

/// The finding of all sites of one artifact with one rule and location.
pub fn of_group(
    group: &[&Judged<'_>],
    targets: &[&Target],
    rules: &RuleSet,
    names: &impl Fn(&str) -> String,
) -> Option<Finding> {
    let lead = group.iter().max_by_key(|j| {
        let severity = j.fates.iter().map(|(_, s)| *s).max();
        (severity, j.effect.certainty, std::cmp::Reverse(j.site))
    })?;
    let rule = lead.rule?;
    let mut sites: Vec<Site> = group.iter().map(|j| j.site.clone()).collect();
    sites.sort();
    sites.dedup();
    let severities: Vec<(String, Severity)> =
        targets.iter().zip(&lead.fates).map(|(t, (_, s))| (t.id.clone(), *s)).collect();
    let outcomes = targets.iter().zip(&lead.fates).flat_map(|(target, (fate, _))| {
        fate.outcomes.iter().map(|(event, outcome)| OutcomeAt {
            target: target.id.clone(),
            event: *event,
            outcome: *outcome,
        })
    });
    let several = Several::of(group, lead.effect);
    let (effect, names_of_values, locations) = match several {
        Some(several) => (several.effect, Some(several.said), several.locations),
        None => (lead.effect.clone(), None, Vec::new()),
    };
    // The tree stays when members come and go, and so does whoever is the first of them.
    let (lasting, site) = match Tree::of(lead.effect).filter(|tree| tree.is_lasting || !locations.is_empty()) {
        Some(tree) => (Effect { location: within(effect.store, &tree.holder), ..effect.clone() }, &Site::default()),
        None => (effect.clone(), lead.site),
    };
    Some(Finding {
        rule: rule.id.clone(),
        name: rule.name.clone(),
        theme: rule.theme,
        severity: severities.iter().map(|(_, s)| *s).max().unwrap_or(Severity::Off),
        confidence: lead.effect.certainty,
        message: message(rule, lead, &effect, names_of_values.as_deref(), targets, rules),
        artifact: lead.reading.artifact.clone(),
        sites,
        outcomes: outcomes.collect(),
        evidence: lead.effect.evidence.clone(),
        help: worst(lead).map_or_else(|| rule.now.trim().to_owned(), |(fate, s)| help(rule, lead.effect, fate, *s)),
        fingerprint: fingerprint(rule, &names(&lead.reading.artifact), &lasting, site),
        severities,
        effect,
        locations,
    })
}

/// The fate on the target where it weighs most, the first of several.
fn worst<'a>(judged: &'a Judged<'_>) -> Option<&'a (Fate, Severity)> {
    judged.fates.iter().rev().max_by_key(|(_, severity)| *severity)
}

/// `registry value written at run time: HKCU\Software\Contoso\LastRun; lost at power loss, reimage, move`.
fn message(
    rule: &Rule,
    lead: &Judged<'_>,
    effect: &Effect,
    values: Option<&str>,
    targets: &[&Target],
    rules: &RuleSet,
) -> String {
    let location = match effect.location.extent() {
        Extent::None if values.is_none() => unnamed(effect.store, &effect.via, effect.location.text()),
        _ => effect.location.to_string(),
    };
    let location = values.map_or(location.clone(), |values| format!("{location} ({values})"));
    let worst = lead.fates.iter().rev().zip(targets.iter().rev()).max_by_key(|((_, s), _)| *s);
    let words = worst.map(|((fate, _), _)| {
        let words = describe(&fate.outcomes, rules);
        let alike = lead.fates.iter().zip(targets).filter(|((fate, _), _)| describe(&fate.outcomes, rules) == words);
        let names: Vec<&str> = alike.map(|(_, target)| target.id.as_str()).collect();
        if names.len() == targets.len() { words } else { format!("{words} on {}", names.join(", ")) }
    });
    let heading = worst.map_or(rule.title.clone(), |((fate, _), _)| heading(rule, lead.effect, fate));
    match words.filter(|w| !w.is_empty()) {
        Some(words) => format!("{heading}: {location}; {words}"),
        None => format!("{heading}: {location}"),
    }
}

/// A place that is not known, by what names it.
pub fn unnamed(store: Store, via: &str, location: &Text) -> String {
    let given = |part: &Part| {
        let Part::Hole(Hole::From(source, _)) = part else { return false };
        !matches!(source, Source::Output | Source::Generated | Source::Identity)
    };
    match store {
        // There is only one of it, so nothing names it.
        Store::Clock | Store::EventLog | Store::Identity => format!("by {via}"),
        _ if location.parts().iter().any(given) => format!("a place that {via} names at run time"),
        // The hole may be only the reader's.
        _ => format!("by {via}, at a place that could not be recovered"),
    }
}

/// A rule's title names a loss. What the image holds, or what every start makes again, is named as that instead.
fn heading(rule: &Rule, effect: &Effect, fate: &Fate) -> String {
    let mut store = noun(effect);
    let all = |outcome| !rule.always && fate.is_always(outcome);
    let kept = all(Outcome::Survives);
    if kept && effect.store == Store::Directory && !effect.operation.removes() {
        store.push_str(", not what is put into it,");
    }
    match effect.phase {
        _ if kept && effect.operation.removes() => {
            format!("{store} removed before the application runs")
        }
        Phase::Unknown if !rule.always => {
            let done = match effect.operation {
                operation if operation.removes() => "removed",
                Operation::Generate => "made",
                _ => "changed",
            };
            format!("{store} {done} at a time that is not known")
        }
        Phase::Build if all(Outcome::Cloned) && effect.origin == Origin::Generated => {
            "value made on the spot baked into the image".to_owned()
        }
        Phase::Build if kept || all(Outcome::Cloned) => format!("{store} baked into the image"),
        // Not on an instance, which the titles of these rules say.
        Phase::Build if matches!(effect.store, Store::Certificate | Store::Key | Store::Ciphertext) => {
            format!("{store} put into the image")
        }
        Phase::Startup if kept => format!("{store} made again at every start"),
        Phase::FirstBoot if kept => format!("{store} made again at the first start of each instance"),
        _ => rule.title.clone(),
    }
}

/// A fate in words, grouped by outcome, the worst first: `lost at power loss, reimage, move`, `lost at every event`.
pub fn describe(outcomes: &[(Event, Outcome)], rules: &RuleSet) -> String {
    let name = |event: &Event| rules.platform().events.get(event).map_or("?", |info| info.name.as_str());
    let mut by_outcome: BTreeMap<Outcome, Vec<&str>> = BTreeMap::new();
    for (event, outcome) in outcomes {
        by_outcome.entry(*outcome).or_default().push(name(event));
    }
    let harm = by_outcome.keys().any(|o| o.is_harm());
    // A second instance is no event that takes something away.
    let happening = outcomes.iter().filter(|(event, _)| *event != Event::ScaleOut).count();
    let phrases: Vec<String> = by_outcome
        .iter()
        .rev()
        .filter(|(outcome, _)| if harm { outcome.is_harm() } else { **outcome == Outcome::Unknown })
        .filter(|(outcome, _)| **outcome != Outcome::Diverges || by_outcome.keys().filter(|o| o.is_harm()).count() == 1)
        .map(|(outcome, events)| match events.len() {
            n if n > 1 && n == happening && *outcome == Outcome::Unknown => phrase(*outcome, "any event"),
            n if n > 1 && n == happening => phrase(*outcome, "every event"),
            _ => phrase(*outcome, &events.join(", ")),
        })
        .collect();
    match phrases.is_empty() {
        true if !outcomes.is_empty() => "survives every event".to_owned(),
        _ => phrases.join("; "),
    }
}

fn phrase(outcome: Outcome, events: &str) -> String {
    match outcome {
        Outcome::Survives => format!("survives {events}"),
        Outcome::Unknown => format!("nothing is promised at {events}"),
        Outcome::Diverges => "each instance has a copy of its own".to_owned(),
        Outcome::Cloned => "every instance gets the same one".to_owned(),
        Outcome::Misplaced => "in the profile of whoever built the image, which no other account sees".to_owned(),
        Outcome::Stripped => "removed when the image is generalised".to_owned(),
        Outcome::SilentlyDropped => "the platform drops it silently".to_owned(),
        Outcome::Forbidden => "the platform refuses the write".to_owned(),
        Outcome::Unreadable => format!("unreadable after {events}, because the key is gone"),
        Outcome::Lost => format!("lost at {events}"),
        Outcome::Reverts => format!("back to the value of the image at {events}"),
    }
}

/// Identifies a finding across rebuilds and checkouts: rule, artifact name inside the application, normalised
/// location, and the method or API where the location is not known. No line, offset, absolute path or version.
fn fingerprint(rule: &Rule, artifact_name: &str, effect: &Effect, site: &Site) -> String {
    let mut hasher = blake3::Hasher::new();
    let symbol = match effect.location.extent() {
        Extent::Full => "",
        _ => site.method.as_deref().or(site.key.as_deref()).unwrap_or_default(),
    };
    let via = if effect.location.extent() == Extent::None { effect.via.as_str() } else { "" };
    for part in [rule.id.as_str(), &artifact_name.to_lowercase(), &effect.location.key(), symbol, via] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
