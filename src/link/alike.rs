//! One call that puts files at several places in a folder of which nothing is known, and which differ in nothing but their names,
//! is one thing to look into. Anywhere else each name is a state of its own: it can be accepted, and be new.

use crate::facts::{Body, Certainty, Effect, Extent, Hole, Operation, Part, Reading, Site, Step, Store, Trait};
use crate::rules::RuleSet;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Most other places that are listed beside the one that is told.
const MAX_LISTED: usize = 4;

/// Tells of one place of each such call, with the others beside it: the one of which most is known. What is read back or shipped
/// is marked so by then, and told by itself.
pub(super) fn fold(readings: &mut [Reading], rules: &RuleSet) {
    for reading in readings {
        let mut calls: BTreeMap<(&Site, String), Vec<usize>> = BTreeMap::new();
        for (number, fact) in super::steps::counted(&reading.facts).enumerate() {
            let is_code = fact.site.il_offset.is_some() || fact.site.rva.is_some();
            if let Some(same) = fact.as_effect().filter(|_| is_code).and_then(|effect| alike(effect, rules)) {
                calls.entry((&fact.site, same)).or_default().push(number);
            }
        }
        let calls: Vec<Vec<usize>> = calls.into_values().filter(|numbers| numbers.len() > 1).collect();
        for mut numbers in calls {
            super::steps::step();
            let of = |number: &usize| reading.facts[*number].as_effect();
            numbers.sort_by_key(|number| {
                let known = of(number).map(|effect| {
                    let named = effect.location.text().parts().iter().map(|part| match part {
                        Part::Lit(known) => known.len(),
                        Part::Hole(_) => 0,
                    });
                    (effect.certainty, named.sum::<usize>())
                });
                (Reverse(known), *number)
            });
            let others: Vec<String> =
                numbers.iter().skip(1).filter_map(|number| Some(of(number)?.location.to_string())).collect();
            let more = match others.len().saturating_sub(MAX_LISTED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let listed = others.iter().take(MAX_LISTED).cloned().collect::<Vec<_>>().join(", ");
            for (place, number) in numbers.iter().enumerate() {
                let Some(Body::Effect(effect)) = reading.facts.get_mut(*number).map(|fact| &mut fact.body) else {
                    continue;
                };
                match place {
                    0 => effect.evidence.push(Step::new(format!("also, by the same call: {listed}{more}"))),
                    _ => effect.mark(Trait::Implied),
                }
            }
        }
    }
}

/// What has to be the same of two effects of one call: the rule that speaks of them and what becomes of what they leave.
fn alike(effect: &Effect, rules: &RuleSet) -> Option<String> {
    let is_told = effect.operation != Operation::Read
        && effect.certainty > Certainty::Possible
        && matches!(effect.store, Store::File | Store::Directory)
        && effect.location.extent() == Extent::Partial
        && matches!(effect.location.text().parts().first(), Some(Part::Hole(hole)) if !matches!(hole, Hole::Folder(_)))
        && !effect.has(Trait::Implied);
    if !is_told {
        return None;
    }
    let place = rules.platform().place_of(effect);
    let rule = &rules.rule_for(effect, place)?.id;
    let key = effect.location.key();
    let root = key.split(['\\', '/']).next().unwrap_or_default();
    let Effect { store, operation, via, phase, origin, traits, .. } = effect;
    Some(format!("{rule} {place:?} {root} {store:?} {operation:?} {via} {phase:?} {origin:?} {traits:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn told(text: &str) -> Vec<bool> {
        let mut readings = listing::parse(text).unwrap();
        fold(&mut readings, &RuleSet::embedded().unwrap());
        let effects = readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect());
        effects.map(|effect| !effect.has(Trait::Implied)).collect()
    }

    #[test]
    fn one_call_is_told_once() {
        let write = |place: &str, rest: &str| {
            format!("effect create file {place} phase=run via=File.Create at=method:A.B;il:0x10 {rest}\n")
                .replace("at=method:A.B;il:0x10 ", "")
                .replace('\n', " at=method:A.B;il:0x10\n")
        };
        let of = |lines: &[String]| told(&lines.concat());
        let (one, two) = (write("{?}\\D\\a.x", ""), write("{?}\\D\\b.x", ""));
        assert_eq!(of(&[one.clone(), two.clone()]), [true, false]);
        let full = [write("{AppData}\\D\\a.dat", ""), write("{AppData}\\D\\b.dat", "")];
        assert_eq!(of(&full), [true, true], "two files");
        let named = [write("{?}\\D\\{?}", ""), write("{?}\\D\\{?}\\a.xml", "")];
        assert_eq!(of(&named), [false, true], "what says more is told");
        assert_eq!(of(&[one.clone(), two.replace("0x10", "0x20")]), [true, true], "another call");
        assert_eq!(of(&[one.clone(), write("{AppData}\\D\\{?}.b", "")]), [true, true], "another folder");
        assert_eq!(of(&[one.clone(), write("{?}\\D\\b.x", "traits=read-back")]), [true, true], "it is needed");
        assert_eq!(of(&[one.clone(), write("{?}\\D\\b.x", "origin=input")]), [true, true], "another rule");
        let lines = |text: &str| text.replace("method:A.B;il:0x10", "line:7");
        assert_eq!(told(&lines(&[one, two].concat())), [true, true], "a line may have several calls");
    }
}
