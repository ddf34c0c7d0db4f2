//! Every rule is tested by its own examples: fact listings that it must and must not speak for.

mod scratch;

use strum::IntoEnumIterator as _;
use wipeproof::facts::{Body, Certainty, Effect, Location, Operation, Phase, Place, Store, Text, listing};
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

#[test]
fn every_rule_keeps_its_examples() {
    let set = RuleSet::embedded().expect("the shipped rules are valid");
    let broken = set.rules().iter().flat_map(|rule| set.broken_examples(rule));
    let wrong: Vec<String> = broken.map(|b| format!("{}:\n  {}", b.message, b.example)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!set.rules().is_empty());
}

#[test]
fn rule_files_are_valid_and_named_after_their_rule() {
    let set = RuleSet::embedded().expect("the shipped rules are valid");
    for rule in set.rules() {
        let file = format!("{}-{}.toml", rule.id, rule.name);
        let found = std::fs::read_dir("rules")
            .expect("the rules folder")
            .filter_map(|folder| Some(folder.ok()?.path().join(&file)))
            .find(|path| path.is_file())
            .unwrap_or_else(|| panic!("no file rules/*/{file}"));
        // The program embeds a packed form; what people write is checked as their own rules are.
        let text = std::fs::read_to_string(&found).expect("a rule file");
        let written = Rule::parse(&file, &text).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(format!("{written:?}"), format!("{rule:?}"), "{file}");
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

/// Pairs that no rule has to speak for, each with its reason.
fn needs_no_rule(store: Store, operation: Operation) -> Option<&'static str> {
    match (store, operation) {
        (_, Operation::Read) => Some("a read changes nothing"),
        (Store::RemoteStore, _) => Some("on another host: listed in the inventory as good practice"),
        (Store::NetworkMap, operation) if operation != Operation::Mount => {
            Some("only a mapping that is there can be lost")
        }
        _ => None,
    }
}

/// A place on the operating-system disk where a store usually is.
fn usual_location(store: Store) -> &'static str {
    match store {
        Store::Registry => "HKLM\\Software\\Contoso\\Value",
        Store::TempFile => "{Temp}\\a.tmp",
        Store::IsolatedStorage => "{IsolatedStorage}\\a",
        Store::File | Store::Ini | Store::Log | Store::Trace | Store::Dump | Store::Settings | Store::Directory => {
            "{ProgramData}\\Contoso\\a"
        }
        _ => "contoso",
    }
}

#[test]
fn every_change_of_every_store_is_spoken_for() {
    let set = RuleSet::embedded().expect("the shipped rules are valid");
    let mut silent = Vec::new();
    for store in Store::iter() {
        for operation in Operation::iter() {
            // What becomes of a decision about findings is no state of the application; each problem with one has a
            // rule of its own, by name.
            if store == Store::Allowance || operation == Operation::Accept {
                continue;
            }
            let location = Location::named(Text::parse(usual_location(store)));
            let effect =
                Effect::new(operation, store, location, Certainty::Proven, "test").in_phase(Phase::Run, "test");
            let speaks = set.rule_for(&effect, set.platform().place_of(&effect)).is_some();
            if speaks == needs_no_rule(store, operation).is_some() {
                silent.push(format!("{} {}: spoken for: {speaks}", <&str>::from(operation), <&str>::from(store)));
            }
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

/// Words that a message, which reads `<title>: <location>; <outcome>`, needs.
#[test]
fn texts_are_complete_and_fit_their_place() {
    let set = RuleSet::embedded().expect("the shipped rules are valid");
    let mut wrong = Vec::new();
    for rule in set.rules() {
        let mut want = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("{}: {what}", rule.id));
            }
        };
        want(rule.title.chars().count() <= 80, "the title is longer than 80 characters");
        want(!rule.title.contains(':'), "the title has a colon, which separates it from the location");
        want(rule.why.split_whitespace().count() >= 25, "why is too short to be understood by a newcomer");
        want(rule.then.trim().ends_with('.') && rule.now.trim().ends_with('.'), "a remedy is not a sentence");
        want(!rule.now.trim().contains('\n'), "the remedy of today is printed on one line");
        want(!rule.references.is_empty(), "names nothing to check it with");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_particular_is_narrower_than_the_class() {
    let set = RuleSet::embedded().expect("the shipped rules are valid");
    let speaks = |example: &str| rules_that_speak(&set, example);
    // Beside the program (a class of places), but the name says what it is.
    assert_eq!(speaks("effect write file {WebRoot}\\web.config phase=run"), ["WP124"]);
    // The image holds it too: that weighs more than which key it is.
    assert_eq!(speaks("effect set-value registry HKCU\\Software\\A\\B phase=run traits=baked"), ["WP922"]);
}

/// `docs/rules.md` is generated: `wipeproof explain --all --format markdown > docs/rules.md`.
#[test]
fn the_page_of_all_rules_is_current() {
    let mut tool = std::process::Command::new(env!("CARGO_BIN_EXE_wipeproof"));
    let output = tool.args(["explain", "--all", "--format", "markdown"]).output().expect("the program runs");
    assert!(output.status.success());
    let now = String::from_utf8(output.stdout).expect("text");
    let page = std::fs::read_to_string("docs/rules.md").expect("docs/rules.md");
    assert!(page == now, "docs/rules.md is old: write it with `wipeproof explain --all --format markdown`");
}

#[test]
fn the_rule_in_the_documentation_can_be_used() {
    let page = std::fs::read_to_string("docs/ci.md").expect("the page");
    let block = page.split("```toml rules/").nth(1).and_then(|rest| rest.split("\n```").next()).expect("a rule");
    let (file, text) = block.split_once('\n').expect("a name and a text");
    let folder = scratch::Folder::new("own-rule");
    std::fs::write(folder.0.join(file), text).expect("a file");
    let set =
        RuleSet::embedded().expect("the shipped rules").with_folder(&folder.0).unwrap_or_else(|e| panic!("{e:?}"));
    assert!(file.starts_with("SHOP1-") && set.find("SHOP1").is_some());
    // An example that does not hold is refused, in the file where it stands.
    std::fs::write(folder.0.join(file), text.replace("ledger.dat']", "other.dat']")).expect("a file");
    let wrong = RuleSet::embedded().expect("the shipped rules").with_folder(&folder.0).expect_err("a broken example");
    assert!(wrong.to_string().contains("SHOP1 must match this"), "{wrong}");
}
