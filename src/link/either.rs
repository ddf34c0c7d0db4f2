//! One call of a page that opens one of several databases, by where the page runs: it is one loss, whichever it is.

use crate::facts::{Body, Certainty, Effect, Operation, Reading, Site, Step, Store, Trait};
use std::collections::HashMap;

/// Marks all places but the first of a database that one call of a page may open.
pub(super) fn mark(readings: &mut [Reading]) {
    for reading in readings.iter_mut().filter(|reading| reading.format == PAGE) {
        let mut calls: HashMap<(Site, Operation, String), Vec<usize>> = HashMap::new();
        for (number, fact) in reading.facts.iter().enumerate() {
            super::steps::step();
            let Some(effect) = fact.as_effect().filter(|effect| opens(effect)) else {
                continue;
            };
            calls.entry((fact.site.clone(), effect.operation, effect.via.clone())).or_default().push(number);
        }
        for numbers in calls.into_values().filter(|numbers| numbers.len() > 1) {
            let shown = |number: &usize| reading.facts[*number].as_effect().map(|effect| effect.location.to_string());
            let places: Vec<String> = numbers.iter().filter_map(shown).collect();
            for (at, number) in numbers.iter().enumerate() {
                let Body::Effect(effect) = &mut reading.facts[*number].body else { continue };
                let Some(first) = places.first() else { continue };
                if at == 0 {
                    let is_other = |place: &&String| *place != first && name_of(place) == name_of(first);
                    let others = places[1..].iter().filter(is_other);
                    effect.evidence.extend(others.map(|place| Step::new(format!("or, by the same call, {place}"))));
                } else if effect.location.to_string() != *first
                    && name_of(&effect.location.to_string()) == name_of(first)
                {
                    effect.mark(Trait::Repeated);
                    effect
                        .evidence
                        .push(Step::new(format!("one loss: it is told with {first}, which the same call opens")));
                }
            }
        }
    }
}

fn opens(effect: &Effect) -> bool {
    effect.store == Store::Database && !effect.operation.removes() && effect.certainty >= Certainty::Likely
}

/// What a database is called, wherever it lies: two of different names are two, of which each is lost.
fn name_of(place: &str) -> String {
    place.rsplit(['\\', '/']).next().unwrap_or(place).to_lowercase()
}

/// The format of pages of classic ASP.
const PAGE: &str = "asp";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn told(format: &str, lines: &[&str]) -> Vec<bool> {
        let opened = |line: &&str| format!("effect write database {line} via=ADODB\n");
        let text = format!("artifact a format={format}\n{}", lines.iter().map(opened).collect::<String>());
        let mut readings = listing::parse(&text).unwrap();
        mark(&mut readings);
        readings[0].facts.iter().map(|f| !f.as_effect().unwrap().has(Trait::Repeated)).collect()
    }

    #[test]
    fn one_call_opens_one_database() {
        let (here, there) = (r"C:\Desk\a.mdb at=line:3;column:1", r"D:\Desk\a.mdb at=line:3;column:1");
        assert_eq!(told("asp", &[here, there]), [true, false]);
        assert_eq!(told("asp", &[here, &there.replace("line:3", "line:4")]), [true, true], "another call");
        let other = r"C:\Desk\b.mdb at=line:3;column:1";
        assert_eq!(
            told("asp", &[here, other]),
            [true, true],
            "two databases, also of a procedure that is called for each"
        );
        assert_eq!(told("asp", &[here, here]), [true, true], "the same, which is one finding already");
        assert_eq!(told("power-shell", &[here, there]), [true, true], "a script may go through a list");
    }
}
