//! Keys and folders that are made only to hold something that is reported by itself, and what a call does at a place that is
//! not known beside what the same call does at one that is.

use crate::facts::{
    Body, Certainty, Effect, Extent, Hole, Operation, Part, Phase, Reading, Site, Step, Store, Text, Trait,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Marks the creation of a key or folder when the same artifact writes below it in the same phase.
pub(super) fn mark(readings: &mut [Reading]) {
    readings.iter_mut().for_each(unknown_ways);
    readings.iter_mut().for_each(computed_names);
    let has_container = |r: &Reading| r.facts.iter().filter_map(|f| f.as_effect()).any(makes_container);
    for reading in readings.iter_mut().filter(|r| has_container(r)) {
        let held: HashSet<(Phase, String)> = reading
            .facts
            .iter()
            .filter_map(|f| f.as_effect())
            .filter(|e| writes_content(e))
            .flat_map(|e| ancestors(&e.location.key()).map(|a| (e.phase, a)).collect::<Vec<_>>())
            .collect();
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let crate::facts::Body::Effect(effect) = &mut fact.body else { continue };
            if makes_container(effect) && held.contains(&(effect.phase, effect.location.key())) {
                effect.mark(Trait::Implied);
            }
        }
    }
}

/// One call whose place is known on one way to it, and on another is not, is told once.
fn unknown_ways(reading: &mut Reading) {
    let is_unknown = |effect: &Effect| effect.location.extent() == Extent::None;
    let effects = || reading.facts.iter().filter_map(|f| Some((&f.site, f.as_effect()?)));
    if !effects().any(|(_, effect)| is_unknown(effect)) {
        return;
    }
    let mut known: HashMap<(Site, Store, bool), Certainty> = HashMap::new();
    for (site, effect) in effects().filter(|(site, effect)| !is_unknown(effect) && **site != Site::default()) {
        let call = (site.clone(), effect.store, effect.operation == Operation::Read);
        let certainty = known.entry(call).or_insert(effect.certainty);
        *certainty = effect.certainty.max(*certainty);
    }
    for fact in super::steps::counted_mut(&mut reading.facts) {
        let site = fact.site.clone();
        if let Body::Effect(effect) = &mut fact.body
            && is_unknown(effect)
            && known
                .get(&(site, effect.store, effect.operation == Operation::Read))
                .is_some_and(|certainty| *certainty >= effect.certainty)
        {
            effect.mark(Trait::Implied);
        }
    }
}

/// A form with a hole for what another form of the same call names, which says more.
fn is_form_of(open: &Effect, named: &Effect) -> bool {
    let (text, key) = (open.location.text(), named.location.key());
    let (begins, ends) = (beginning(text), text.trailing_lit().to_lowercase());
    begins.len() > 1
        && named.location.extent() == Extent::Full
        && named.certainty >= open.certainty
        && (open.operation, open.store, &open.via) == (named.operation, named.store, &named.via)
        && key.len() >= begins.len() + ends.len()
        && key.starts_with(&begins)
        && key.ends_with(&ends)
        && !key[begins.len()..].contains('\\')
}

/// Facts of one call stand together.
const MAX_NEAR: usize = 16;
/// Most forms of a computed name that are listed beside the one that is told.
const MAX_FORMS: usize = 4;

/// A call that computes a name behind one beginning, on several ways, is told once, with the plainest form of it. Names that
/// end with one that is known are places of their own.
fn computed_names(reading: &mut Reading) {
    let mut forms: BTreeMap<(Site, Operation, Store, String, String), Vec<usize>> = BTreeMap::new();
    for (number, fact) in reading.facts.iter().enumerate() {
        let Some(effect) = fact.as_effect().filter(|e| e.location.extent() == Extent::Partial) else { continue };
        let text = effect.location.text();
        if fact.site == Site::default() || effect.has(Trait::Implied) || names_the_end(text) {
            continue;
        }
        // `NAME.out.log` and `NAME.err.log` are two files.
        let ending = text.trailing_lit().to_lowercase();
        let ending = if effect.store.is_path() { ending.find('.').map_or("", |at| &ending[at..]) } else { "" };
        let begins = beginning(text);
        // Two texts of which nothing is known in front may be any two places.
        if begins.is_empty() {
            continue;
        }
        let name = format!("{begins}\0{ending}");
        let key = (fact.site.clone(), effect.operation, effect.store, effect.via.clone(), name);
        forms.entry(key).or_default().push(number);
    }
    // Those that one of the same call names in full.
    let mut told: Vec<(usize, usize)> = Vec::new();
    for number in forms.values().flatten() {
        let (site, Some(open)) = (&reading.facts[*number].site, reading.facts[*number].as_effect()) else { continue };
        let mut near = number.saturating_sub(MAX_NEAR)..reading.facts.len().min(number + MAX_NEAR);
        let named = near.find(|other| {
            let fact = &reading.facts[*other];
            fact.site == *site && fact.as_effect().is_some_and(|named| is_form_of(open, named))
        });
        told.extend(named.map(|named| (*number, named)));
    }
    for (open, named) in told {
        super::steps::step();
        let shown = reading.facts[open].as_effect().map(|e| e.location.to_string()).unwrap_or_default();
        if let Body::Effect(effect) = &mut reading.facts[open].body {
            effect.mark(Trait::Implied);
        }
        if let Body::Effect(effect) = &mut reading.facts[named].body {
            effect.evidence.push(Step::new(format!("or, by the same call: {shown}")));
        }
    }
    let is_open = |number: &usize| reading.facts[*number].as_effect().is_some_and(|e| !e.has(Trait::Implied));
    forms.values_mut().for_each(|numbers| numbers.retain(is_open));
    for mut numbers in forms.into_values().filter(|numbers| numbers.len() > 1) {
        super::steps::step();
        let shown = |number: &usize| reading.facts[*number].as_effect().map(|e| e.location.to_string());
        let length = |number: &usize| shown(number).map_or(0, |text| text.len());
        let certainty = |number: &usize| reading.facts[*number].as_effect().map(|e| e.certainty);
        numbers.sort_by_key(|number| (Reverse(certainty(number)), length(number), *number));
        let others: Vec<String> = numbers.iter().skip(1).take(MAX_FORMS).filter_map(shown).collect();
        for (place, number) in numbers.iter().enumerate() {
            let Some(Body::Effect(effect)) = reading.facts.get_mut(*number).map(|fact| &mut fact.body) else {
                continue;
            };
            if place > 0 {
                effect.mark(Trait::Implied);
            } else if !others.is_empty() {
                effect.evidence.push(Step::new(format!("or, by the same call: {}", others.join(", "))));
            }
        }
    }
}

/// The part that is known, with the folder that it begins with; empty where nothing is.
fn beginning(text: &Text) -> String {
    let known = |(at, part): &(usize, &Part)| match part {
        Part::Lit(_) => true,
        Part::Hole(Hole::Folder(_)) => *at == 0,
        Part::Hole(_) => false,
    };
    let parts = text.parts().iter().enumerate().take_while(known).map(|(_, part)| part.clone());
    Text::from_parts(parts).to_string().to_lowercase()
}

/// Is the last component without a hole?
fn names_the_end(text: &Text) -> bool {
    text.trailing_lit().rfind('\\').is_some_and(|at| at + 1 < text.trailing_lit().len())
}

fn makes_container(effect: &Effect) -> bool {
    effect.operation == Operation::Create && matches!(effect.store, Store::Registry | Store::Directory)
}

fn writes_content(effect: &Effect) -> bool {
    let content = match effect.store {
        Store::Registry => effect.operation == Operation::SetValue,
        Store::File | Store::Database | Store::Log | Store::Ini | Store::Settings => {
            effect.operation != Operation::Read
        }
        _ => false,
    };
    content && effect.location.extent() != Extent::None
}

fn ancestors(key: &str) -> impl Iterator<Item = String> + '_ {
    key.match_indices('\\').map(|(at, _)| key[..at].to_owned())
}

#[cfg(test)]
mod tests {
    use crate::facts::{Trait, listing};

    #[test]
    fn one_call_on_two_ways() {
        let mut readings = listing::parse(
            "effect register service Redis phase=run at=rva:0x10\neffect register service {?} phase=run at=rva:0x10\n\
             effect register service {?} phase=run at=rva:0x20\neffect create file {param:path} phase=run at=rva:0x10\n",
        )
        .unwrap();
        super::mark(&mut readings);
        let implied: Vec<bool> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::Implied)).collect();
        assert_eq!(implied, [false, true, false, false]);
    }

    #[test]
    fn one_name_in_several_forms() {
        let mut readings = listing::parse(
            "effect create file {WebRoot}\\in\\{?}-{?}0{?}.{?} phase=run at=line:4\n\
             effect create file {WebRoot}\\in\\{?}-{?}.{?} phase=run at=line:4\n\
             effect create file {WebRoot}\\in\\{?}\\a.log phase=run at=line:4\n\
             effect create file {WebRoot}\\in\\{?}\\b.log phase=run at=line:4\n\
             effect create file {WebRoot}\\out\\{?}.log phase=run at=line:4\n\
             effect create file {WebRoot}\\in\\{?}.{?} phase=run at=line:5\n\
             effect append log {WebRoot}\\in\\{?}.out.log phase=run at=line:6\n\
             effect append log {WebRoot}\\in\\{?}.err.log phase=run at=line:6\n\
             effect create file {Cwd}\\Desk.txt phase=run at=line:7\n\
             effect create file {Cwd}\\Desk.{?} phase=run at=line:7\n\
             effect create file {arg:1}\\{?} phase=run at=line:8\n\
             effect create file {input:prompt}\\{?} phase=run at=line:8\n",
        )
        .unwrap();
        super::mark(&mut readings);
        let effects: Vec<_> = readings[0].facts.iter().filter_map(|f| f.as_effect()).collect();
        let implied: Vec<bool> = effects.iter().map(|e| e.has(Trait::Implied)).collect();
        assert_eq!(implied, [true, false, false, false, false, false, false, false, false, true, false, false]);
        assert_eq!(effects[1].evidence[0].text, "or, by the same call: {WebRoot}\\in\\{?}-{?}0{?}.{?}");
    }

    #[test]
    fn a_key_with_its_value_is_one_thing() {
        let mut readings = listing::parse(
            "effect create registry HKLM\\Software\\A phase=run\neffect set-value registry HKLM\\SOFTWARE\\A\\x phase=run\n\
             effect create registry HKLM\\Software\\B phase=run\neffect create directory {AppData}\\C phase=build\n\
             effect create file {AppData}\\C\\f phase=run\n",
        )
        .unwrap();
        super::mark(&mut readings);
        let implied: Vec<bool> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::Implied)).collect();
        assert_eq!(implied, [true, false, false, false, false]);
    }
}
