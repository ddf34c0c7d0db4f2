//! Programs of which the application holds several copies: each does the same, and is told of once.

use crate::facts::{Body, NoteKind, Owner, Reading, Trait};
use std::collections::HashMap;

/// Leaves the first copy, which says where the others are; of those only that they are there is known. A copy that is
/// started otherwise than the first is no copy.
pub(super) fn fold(readings: &mut [Reading]) {
    let mut by_name: HashMap<(String, usize), Vec<usize>> = HashMap::new();
    for (number, reading) in readings.iter().enumerate() {
        if is_program(reading) && reading.owner == Owner::Application && !reading.facts.is_empty() {
            let name = reading.artifact.rsplit('/').next().unwrap_or_default().to_lowercase();
            by_name.entry((name, reading.facts.len())).or_default().push(number);
        }
    }
    let mut groups: Vec<Vec<usize>> = by_name.into_values().filter(|numbers| numbers.len() > 1).collect();
    groups.sort();
    for numbers in groups {
        // The first of each kind, and how many there are besides.
        let mut kinds: Vec<(usize, Vec<usize>)> = Vec::new();
        for number in numbers {
            super::steps::step();
            let same = kinds.iter().position(|(first, _)| readings[*first].facts == readings[number].facts);
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

/// Most programs of one name that are not the same.
const MAX_KINDS: usize = 16;

fn is_program(reading: &Reading) -> bool {
    reading.format.starts_with("pe") || reading.format.starts_with("assembly")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

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
        fold(&mut readings);
        let told: Vec<bool> = readings.iter().map(|r| !r.facts[0].as_effect().unwrap().has(Trait::Implied)).collect();
        assert_eq!(told, [true, false, true, true, false]);
        assert_eq!(readings[0].notes[0].text, "2 copies of it, first b/tool.exe: what it does is told once");
    }
}
