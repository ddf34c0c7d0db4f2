//! Which of several definitions holds for a program: the one that lies nearest to it in the folder tree.
//!
//! Distances are steps up from the program's folder and down to the definition's. Each definition is entered under
//! every folder above it, so that a question walks up one path instead of asking every definition.

use crate::facts::folders;
use std::collections::HashMap;

/// Definitions of one name, by where they lie. A definition is known by its number.
#[derive(Default)]
pub(super) struct Nearest {
    by_folder: HashMap<String, Slot>,
    /// Configuration files that are named after a program: nearest of all.
    by_file: HashMap<String, usize>,
}

/// The definitions with the fewest steps below a folder.
struct Slot {
    steps: usize,
    first: usize,
    /// All of them say the same.
    agreed: bool,
}

impl Nearest {
    /// Enters a definition; `same` compares it with an earlier one.
    pub(super) fn insert(&mut self, artifact: &str, number: usize, same: impl Fn(usize) -> bool) {
        let artifact = artifact.to_lowercase();
        for (steps, folder) in counted(&artifact).enumerate() {
            match self.by_folder.get_mut(folder) {
                Some(slot) if slot.steps < steps => {}
                Some(slot) if slot.steps == steps => slot.agreed &= same(slot.first),
                _ => {
                    self.by_folder.insert(folder.to_owned(), Slot { steps, first: number, agreed: true });
                }
            }
        }
        self.by_file.entry(artifact).or_insert(number);
    }

    /// The definition that holds for a program; none where the nearest ones contradict one another.
    pub(super) fn find(&self, program: &str, same: impl Fn(usize, usize) -> bool) -> Option<usize> {
        let program = program.to_lowercase();
        if let Some(own) = self.by_file.get(&format!("{program}.config")) {
            return Some(*own);
        }
        let mut best: Option<(usize, usize, bool)> = None;
        for (up, folder) in counted(&program).enumerate() {
            let Some(slot) = self.by_folder.get(folder) else { continue };
            let distance = up + slot.steps;
            best = match best {
                Some((least, ..)) if least < distance => best,
                Some((least, first, agreed)) if least == distance => {
                    Some((least, first, agreed && slot.agreed && same(first, slot.first)))
                }
                _ => Some((distance, slot.first, slot.agreed)),
            };
        }
        best.filter(|(.., agreed)| *agreed).map(|(_, first, _)| first)
    }
}

/// The folders above a path, each of which is a step.
fn counted(path: &str) -> impl Iterator<Item = &str> {
    folders(path).inspect(|_| super::steps::step())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(definitions: &[(&str, &str)], program: &str) -> Option<usize> {
        let mut nearest = Nearest::default();
        for (number, (artifact, value)) in definitions.iter().enumerate() {
            nearest.insert(artifact, number, |other| definitions[other].1 == *value);
        }
        nearest.find(program, |a, b| definitions[a].1 == definitions[b].1)
    }

    #[test]
    fn fewest_steps_in_the_tree() {
        let definitions = [("web.config", "a"), ("x/y/z/web.config", "b"), ("bin/a.exe.config", "c")];
        assert_eq!(find(&definitions, "bin/a.exe"), Some(2));
        assert_eq!(find(&definitions, "bin/b.dll"), Some(2));
        assert_eq!(find(&definitions, "lib/b.dll"), Some(0));
        assert_eq!(find(&definitions, "x/y/b.dll"), Some(1));
    }

    #[test]
    fn contradictions_at_one_distance_decide_nothing() {
        assert_eq!(find(&[("a/web.config", "a"), ("b/web.config", "b")], "bin/a.dll"), None);
        assert_eq!(find(&[("a/web.config", "a"), ("b/web.config", "a")], "bin/a.dll"), Some(0));
        assert_eq!(find(&[("web.config", "a"), ("bin/x/web.config", "b")], "bin/a.dll"), None);
    }
}
