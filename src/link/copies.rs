//! Programs and scripts of which the application holds several, as a package does of each of its versions, that are the same as
//! far as reading goes: each does the same at the same places, and is told of once. Files that are known to be copies of
//! others by their names and bytes are not judged at all: `discover::deployed`.

use super::decisions::{Decided, Decisions};
use crate::facts::{Body, Effect, Fact, NoteKind, Owner, Reading, Trait, file_name, is_binary, is_script};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Leaves the first copy, which says where the others are; of those only that they are there is known. A copy that is
/// started otherwise than the first, or of which something else was decided, is no copy.
pub(super) fn fold(readings: &mut [Reading], decisions: &Decisions<'_>) {
    let mut by_name: HashMap<(String, u64, Decided), Vec<usize>> = HashMap::new();
    for (number, reading) in readings.iter().enumerate() {
        if is_code(reading) && reading.owner == Owner::Application && !reading.facts.is_empty() {
            let name = file_name(&reading.artifact).to_lowercase();
            by_name.entry((name, digest(reading), decisions.of(reading))).or_default().push(number);
        }
    }
    let mut groups: Vec<Vec<usize>> = by_name.into_values().filter(|numbers| numbers.len() > 1).collect();
    groups.sort();
    for numbers in groups {
        // The first of each kind, and how many there are besides.
        let mut kinds: Vec<(usize, Vec<usize>)> = Vec::new();
        for number in numbers {
            super::steps::step();
            let same = kinds.iter().position(|(first, _)| are_same(&readings[*first], &readings[number]));
            match same {
                Some(kind) => kinds[kind].1.push(number),
                None if kinds.len() < MAX_KINDS => kinds.push((number, Vec::new())),
                None => {}
            }
        }
        for (first, copies) in kinds {
            let Some(next) = copies.first() else { continue };
            let others = match copies.len() {
                1 => format!("{} is a copy of it", readings[*next].artifact),
                n => format!("{n} copies of it, first {}", readings[*next].artifact),
            };
            readings[first].note(NoteKind::Info, format!("{others}: what it does is told once"));
            for copy in copies {
                for fact in super::steps::counted_mut(&mut readings[copy].facts) {
                    if let Body::Effect(effect) = &mut fact.body {
                        effect.mark(Trait::Implied);
                    }
                }
            }
        }
    }
}

/// Most files of one name with the same places that are not the same.
const MAX_KINDS: usize = 16;

fn is_code(reading: &Reading) -> bool {
    let format = reading.format.as_str();
    is_script(format) || is_binary(format) || format == "reg"
}

/// Tells apart most that are not the same, so that few of one name are compared.
fn digest(reading: &Reading) -> u64 {
    let mut hasher = DefaultHasher::new();
    reading.facts.len().hash(&mut hasher);
    for effect in super::steps::counted(&reading.facts).filter_map(Fact::as_effect) {
        effect.location.key().hash(&mut hasher);
    }
    hasher.finish()
}

/// Do both say the same, at the same places of the text? How the rest of the application leads there may differ.
fn are_same(a: &Reading, b: &Reading) -> bool {
    let own = |effect: &Effect| Effect { phase_evidence: String::new(), evidence: Vec::new(), ..effect.clone() };
    let same = |(a, b): (&Fact, &Fact)| match (&a.body, &b.body) {
        (Body::Effect(x), Body::Effect(y)) => a.site == b.site && own(x) == own(y),
        _ => a == b,
    };
    a.format == b.format && a.facts.len() == b.facts.len() && a.facts.iter().zip(&b.facts).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;
    use crate::link::decisions::tests::none;

    #[test]
    fn the_first_of_several_copies_is_told_of() {
        let tool = |folder: &str, key: &str, phase: &str| {
            format!(
                "artifact {folder}/tool.exe format=pe-x64\neffect set-value registry HKLM\\{key} phase={phase} at=rva:0x10\n"
            )
        };
        let text = [
            tool("a", "A", "run"),
            tool("b", "A", "run"),
            tool("c", "A", "startup"),
            tool("d", "B", "run"),
            tool("e", "A", "run"),
        ];
        let mut readings = listing::parse(&text.concat()).unwrap();
        fold(&mut readings, &none());
        let told: Vec<bool> = readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Implied)).collect();
        assert_eq!(told, [true, false, true, true, false]);
        assert_eq!(readings[0].notes[0].text, "2 copies of it, first b/tool.exe: what it does is told once");
    }

    #[test]
    fn scripts_of_several_versions() {
        let script = |version: &str, url: &str| {
            format!(
                "artifact desk/{version}/install.ps1 format=power-shell\n\
                 effect set-value registry HKCU\\Desk\\Agreed phase=build at=line:3\n  step \"of {version}\"\n\
                 effect create file {{Temp}}\\{url} phase=build at=line:4\n"
            )
        };
        let text = [script("1.0", "a"), script("1.1", "a"), script("2.0", "b")];
        let mut readings = listing::parse(&text.concat()).unwrap();
        fold(&mut readings, &none());
        let told: Vec<bool> = readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Implied)).collect();
        assert_eq!(told, [true, false, true]);
    }
}
