//! Programs of others that the application has with it as tools: of each the calls say what it does, and when.

use super::effects;
use super::index::Index;
use crate::facts::{
    Body, Clue, ClueKind, Effect, Extent, Operation, Owner, Reading, Site, Step, Store, TOOL, Trait, file_name,
    folder_of, is_binary,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Who calls a tool.
pub(super) struct Call {
    /// The tool.
    pub(super) tool: usize,
    /// The artifact that calls it, the first of several.
    pub(super) from: usize,
    /// Where.
    pub(super) site: Site,
}

/// The programs that are started, and started as tools only: never by a service, a task, a shortcut, an entry or a call of
/// which the catalogue does not know what it does.
pub(super) fn calls(readings: &[Reading], index: &Index) -> Vec<Call> {
    let mut found: BTreeMap<usize, Call> = BTreeMap::new();
    if !any(readings) {
        return Vec::new();
    }
    let mut others: HashSet<usize> = HashSet::new();
    for (from, site, clue, to) in starts(readings, index) {
        if clue.key != TOOL {
            others.insert(to);
        } else if is_binary(&readings[to].format) {
            found.entry(to).or_insert_with(|| Call { tool: to, from, site: site.clone() });
        }
    }
    found.into_values().filter(|call| !others.contains(&call.tool)).collect()
}

/// Somebody calls a tool.
fn any(readings: &[Reading]) -> bool {
    let mut clues = readings.iter().flat_map(|r| super::steps::counted(&r.facts)).filter_map(|fact| fact.as_clue());
    clues.any(|clue| clue.kind == ClueKind::Starts && clue.key == TOOL)
}

/// Who starts whom: the starter, where, by which clue, and what is started. What starts itself again is not started by that.
fn starts<'r>(readings: &'r [Reading], index: &Index) -> impl Iterator<Item = (usize, &'r Site, &'r Clue, usize)> {
    readings.iter().enumerate().flat_map(move |(from, reading)| {
        let clues = super::steps::counted(&reading.facts).filter_map(|fact| Some((&fact.site, fact.as_clue()?)));
        let clues = clues.filter(|(_, clue)| clue.kind == ClueKind::Starts);
        clues.filter_map(move |(site, clue)| {
            let to = index.started(reading, clue).filter(|to| *to != from)?;
            Some((from, site, clue, to))
        })
    })
}

/// Marks what tools do, and what programs do that belong to one and are started by nobody. What the caller of a tool is said
/// to do already is left out where the tool says no more than that.
pub(super) fn mark(readings: &mut [Reading]) {
    if !any(readings) {
        return;
    }
    let index = Index::new(readings);
    let calls = calls(readings, &index);
    if calls.is_empty() {
        return;
    }
    let started: HashSet<usize> = starts(readings, &index).map(|(.., to)| to).collect();
    let mut products: HashMap<(String, String), usize> = HashMap::new();
    for call in &calls {
        if let Some(product) = product(&readings[call.tool]) {
            products.insert(product, call.tool);
        }
    }
    let shortcuts: Vec<String> = shortcuts(readings);
    let alone = |number: usize, reading: &Reading| {
        let name = file_name(&reading.artifact).to_lowercase();
        !started.contains(&number) && !shortcuts.iter().any(|said| said.contains(&name))
    };
    let unused: Vec<(usize, usize)> = readings
        .iter()
        .enumerate()
        .filter(|(_, reading)| reading.owner == Owner::Application)
        .filter_map(|(number, reading)| Some((number, reading, *products.get(&product(reading)?)?)))
        .filter(|(number, reading, _)| alone(*number, reading))
        .map(|(number, _, tool)| (number, tool))
        .collect();
    for call in calls {
        let by = readings[call.from].artifact.clone();
        let told: HashSet<Store> = effects(&readings[call.from]).map(|effect| effect.store).collect();
        let step = Step::at("a tool: this call says what it does", call.site).in_artifact(by);
        each(&mut readings[call.tool], |effect| {
            if effect.location.extent() == Extent::None && told.contains(&effect.store) {
                effect.mark(Trait::Implied);
            }
            effect.evidence.push(step.clone());
        });
    }
    for (number, tool) in unused {
        let of = readings[tool].artifact.clone();
        let step = Step::new("nothing starts it, and it belongs to a tool").in_artifact(of);
        each(&mut readings[number], |effect| effect.evidence.push(step.clone()));
    }
}

/// Marks all that a program does to state.
fn each(reading: &mut Reading, mut with: impl FnMut(&mut Effect)) {
    for fact in super::steps::counted_mut(&mut reading.facts) {
        let Body::Effect(effect) = &mut fact.body else { continue };
        if effect.operation != Operation::Read {
            effect.mark(Trait::Tool);
            with(effect);
        }
    }
}

/// The folder of a program and the product that its version information names.
fn product(reading: &Reading) -> Option<(String, String)> {
    let mut clues = super::steps::counted(&reading.facts).filter_map(|fact| fact.as_clue());
    let name = clues.find(|clue| clue.kind == ClueKind::Identity && clue.key == "ProductName")?;
    Some((folder_of(&reading.artifact).to_lowercase(), name.value.to_lowercase()))
}

/// What is said of shortcuts, in lower case.
fn shortcuts(readings: &[Reading]) -> Vec<String> {
    let of = readings.iter().flat_map(effects).filter(|effect| effect.store == Store::Shortcut);
    of.flat_map(|effect| effect.evidence.iter().map(|step| step.text.to_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn marked(text: &str) -> Vec<(bool, bool)> {
        let mut readings = listing::parse(text).unwrap();
        mark(&mut readings);
        let of = |reading: &Reading| {
            effects(reading).last().map(|effect| (effect.has(Trait::Tool), effect.has(Trait::Implied)))
        };
        readings.iter().filter(|reading| is_binary(&reading.format)).filter_map(of).collect()
    }

    #[test]
    fn the_call_of_a_tool_says_what_it_does() {
        let keep = "artifact t/keep.exe format=pe-x64\nclue identity key=ProductName value=Keep\n\
                    effect register service {?} via=x\n";
        let shows = "artifact t/show.exe format=pe-x64\nclue identity key=ProductName value=Keep\n\
                     effect set-value registry HKCU\\Software\\Keep\\Mode via=x\n";
        let call = "artifact set.cmd format=batch\nclue starts key=tool value=x location={AppDir}\\t\\keep.exe\n\
                    effect register service Orders via=x\n";
        assert_eq!(marked(&format!("{call}{keep}{shows}")), [(true, true), (true, false)]);
        assert_eq!(marked(&format!("{keep}{shows}")), [(false, false); 2], "nothing calls it");
        let service = "artifact b.cmd format=batch\nclue starts key=service value=x location={AppDir}\\t\\keep.exe\n";
        assert_eq!(marked(&format!("{call}{service}{keep}{shows}")), [(false, false); 2], "a service runs it");
        let link = "artifact c.iss format=inno\neffect create shortcut {Desktop}\\Keep.lnk via=x\n  step t\\show.exe\n";
        assert_eq!(marked(&format!("{call}{link}{keep}{shows}")), [(true, true), (false, false)]);
    }
}
