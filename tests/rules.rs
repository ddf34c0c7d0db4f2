//! Every rule is tested by its own examples: fact listings that it must and must not speak for.

use strum::IntoEnumIterator as _;
use wipeproof::facts::{Body, Place, listing};
use wipeproof::rules::{Rule, RuleSet};

fn rules_that_speak(set: &RuleSet, example: &str) -> Vec<String> {
    let readings = listing::parse(example).unwrap_or_else(|e| panic!("{e} in example:\n{example}"));
    let facts = readings.iter().flat_map(|r| &r.facts);
    facts
        .filter_map(|fact| match &fact.body {
            Body::Effect(effect) => set.rule_for(effect, set.platform().place_of(effect)),
            Body::Clue(_) => None,
        })
        .map(|rule| rule.id.clone())
        .collect()
}

fn check(set: &RuleSet, rule: &Rule) -> Vec<String> {
    let mut wrong = Vec::new();
    for example in &rule.must_match {
        let spoke = rules_that_speak(set, example);
        if !spoke.contains(&rule.id) {
            wrong.push(format!("{} does not match (instead: {spoke:?}):\n  {example}", rule.id));
        }
    }
    for example in &rule.must_not_match {
        if rules_that_speak(set, example).contains(&rule.id) {
            wrong.push(format!("{} matches, and must not:\n  {example}", rule.id));
        }
    }
    wrong
}

#[test]
fn every_rule_keeps_its_examples() {
    let set = RuleSet::embedded().expect("the shipped rules are valid");
    let wrong: Vec<String> = set.rules().iter().flat_map(|rule| check(&set, rule)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!set.rules().is_empty());
}

#[test]
fn rule_files_are_named_after_their_rule() {
    let set = RuleSet::embedded().expect("the shipped rules are valid");
    for rule in set.rules() {
        let file = format!("{}-{}.toml", rule.id, rule.name);
        let found = std::fs::read_dir("rules")
            .expect("the rules folder")
            .filter_map(Result::ok)
            .any(|folder| folder.path().join(&file).is_file());
        assert!(found, "no file rules/*/{file}");
    }
}

#[test]
fn every_volume_that_a_target_names_exists() {
    let set = RuleSet::embedded().expect("the shipped rules are valid");
    for target in set.targets() {
        let of_places = Place::iter().map(|place| target.volume_of(set.platform(), place, None));
        for volume in of_places.chain(target.drives.values().map(String::as_str)) {
            assert!(target.volume(set.platform(), volume).is_some(), "{}: no volume {volume:?}", target.id);
        }
    }
}
