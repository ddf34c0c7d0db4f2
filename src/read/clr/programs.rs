//! Which assemblies make up one program: those in one folder, and those that name each other. What one of them is (a web
//! application, a service) says nothing of a program that only lies in the same tree.

use super::unit::Unit;
use crate::discover::Artifact;
use std::collections::{BTreeSet, HashMap};

/// What the program has that each assembly belongs to, from what each of its assemblies has.
pub(super) fn of_program<'c>(
    assemblies: &[&Artifact],
    units: &[Unit],
    own: impl Fn(usize) -> Vec<&'c str>,
) -> Vec<BTreeSet<&'c str>> {
    let mut programs = Programs((0..units.len()).collect());
    let mut by_folder: HashMap<&str, usize> = HashMap::new();
    let mut by_name: HashMap<String, Option<usize>> = HashMap::new();
    for (unit, artifact) in assemblies.iter().enumerate() {
        let folder = artifact.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        programs.join(unit, *by_folder.entry(folder).or_insert(unit));
        // Of several of one name nobody knows which is meant; one beside whoever names it is joined already.
        by_name.entry(stem(artifact)).and_modify(|known| *known = None).or_insert(Some(unit));
    }
    for (unit, referring) in units.iter().enumerate() {
        for name in &referring.references {
            if let Some(Some(to)) = by_name.get(&name.to_lowercase()) {
                programs.join(unit, *to);
            }
        }
    }
    let mut has: HashMap<usize, BTreeSet<&str>> = HashMap::new();
    for unit in 0..units.len() {
        has.entry(programs.of(unit)).or_default().extend(own(unit));
    }
    (0..units.len()).map(|unit| has.get(&programs.of(unit)).cloned().unwrap_or_default()).collect()
}

fn stem(artifact: &Artifact) -> String {
    let name = artifact.file_name().to_lowercase();
    name.rsplit_once('.').map_or(name.clone(), |(stem, _)| stem.to_owned())
}

/// Sets of assemblies, each known by one of them.
struct Programs(Vec<usize>);

impl Programs {
    fn of(&mut self, mut unit: usize) -> usize {
        while self.0[unit] != unit {
            // Halves the way for whoever asks next.
            self.0[unit] = self.0[self.0[unit]];
            unit = self.0[unit];
        }
        unit
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.of(one), self.of(other));
        self.0[one] = other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_elsewhere_and_is_not_named_is_another_program() {
        let files = ["a/tool.exe", "a/engine.dll", "b/web.dll", "c/host.exe", "c/web.client.dll"].map(Artifact::at);
        let mut units: Vec<Unit> = (0..files.len()).map(|_| Unit::default()).collect();
        units[3].references = vec!["Web".into()];
        let has = of_program(&files.each_ref(), &units, |unit| if unit == 2 { vec!["aspnet"] } else { Vec::new() });
        let serves: Vec<bool> = has.iter().map(|has| has.contains("aspnet")).collect();
        assert_eq!(serves, [false, false, true, true, true]);
    }
}
