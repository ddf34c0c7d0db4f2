//! One call that sets a value below a root that is chosen when it runs: it is one of them, and the call is told once.

use crate::facts::{Body, Operation, Reading, Site, Step, Store, Trait, is_binary, registry};
use std::collections::HashMap;

/// Fewer roots may be what the program means to set, such as for all users and for its own.
const LEAST: usize = 3;

/// Leaves the root that comes first and says the others beside it.
pub(super) fn fold(readings: &mut [Reading]) {
    // A script may go through a list of roots, and sets them all.
    for reading in readings.iter_mut().filter(|reading| is_binary(&reading.format)) {
        let mut calls: HashMap<(Site, Operation, String), Vec<(String, usize)>> = HashMap::new();
        for (number, fact) in reading.facts.iter().enumerate() {
            super::steps::step();
            let Some(effect) = fact.as_effect().filter(|effect| effect.store == Store::Registry) else { continue };
            let shown = effect.location.to_string();
            let Some((root, rest)) = registry::split_root(&shown) else { continue };
            let call = (fact.site.clone(), effect.operation, format!("{} {}", effect.via, rest.to_lowercase()));
            calls.entry(call).or_default().push((root.to_owned(), number));
        }
        for mut roots in calls.into_values().filter(|roots| roots.len() >= LEAST) {
            roots.sort_by_key(|(root, number)| (ORDER.iter().position(|known| known == root), *number));
            let others: Vec<&str> = roots.iter().skip(1).map(|(root, _)| root.as_str()).collect();
            if others.iter().any(|root| *root == roots[0].0) {
                continue;
            }
            let said = format!("or, by the same call, below {}", others.join(", "));
            for (at, (_, number)) in roots.iter().enumerate() {
                let Some(Body::Effect(effect)) = reading.facts.get_mut(*number).map(|fact| &mut fact.body) else {
                    continue;
                };
                match at {
                    0 => effect.evidence.push(Step::new(&*said)),
                    _ => effect.mark(Trait::Implied),
                }
            }
        }
    }
}

/// Roots by what is usually kept below them.
const ORDER: [&str; 5] = ["HKLM", "HKCU", "HKU", "HKCR", "HKCC"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn told(lines: &[&str]) -> Vec<bool> {
        let set = |line: &&str| format!("effect set-value registry {line}\n");
        let program = "artifact a.exe format=pe-x64\n".to_owned();
        let mut readings = listing::parse(&lines.iter().fold(program, |text, line| text + &set(line))).unwrap();
        fold(&mut readings);
        readings[0].facts.iter().map(|f| !f.as_effect().unwrap().has(Trait::Implied)).collect()
    }

    #[test]
    fn a_root_that_is_chosen_is_one_of_several() {
        let set = |root: &str, line: u32| format!(r"{root}\{{?}}\Desk via=SetValue at=line:{line}");
        let all = ["HKCU", "HKCC", "HKLM"].map(|root| set(root, 1));
        assert_eq!(told(&all.each_ref().map(String::as_str)), [false, false, true]);
        assert_eq!(told(&[&set("HKCU", 1), &set("HKLM", 1)]), [true, true]);
        assert_eq!(told(&[&set("HKCU", 1), &set("HKLM", 2), &set("HKCC", 3)]), [true; 3], "calls of their own");
    }
}
