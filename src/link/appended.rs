//! A file that is made where there is none and then appended to, emptied, and put away under another name when it is long:
//! one state, of which several rules would speak. What the image holds of it is only its beginning.

use crate::facts::{
    Body, Certainty, Extent, Hole, Location, Operation, Origin, Part, Phase, Reading, Site, Source, Step, Store, Trait,
};
use std::collections::HashMap;

/// What stands between a name and what is added to it.
const SEPARATORS: [char; 8] = ['.', '_', '-', ' ', '(', '{', '~', '+'];

/// Most files of one method that a copy is compared with.
const MAX_COMPARED: usize = 256;

/// Marks what only makes or empties the file that the same artifact appends to at the same time, and the copies of it that
/// the same method puts away. What is put into it with a request is another matter.
pub(super) fn mark(readings: &mut [Reading]) {
    for reading in readings {
        let mut appended: HashMap<(String, Phase), Site> = HashMap::new();
        let mut of_method: HashMap<String, Vec<(String, Phase, Site)>> = HashMap::new();
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            let is_kept = effect.certainty >= Certainty::Likely && effect.location.extent() == Extent::Full;
            if effect.operation == Operation::Append && is_file(effect.store) && is_kept {
                // Nobody goes on from what it holds.
                if !effect.has(Trait::ReadBack) && !effect.has(Trait::ReadModifyWrite) {
                    effect.unmark(Trait::Baked);
                }
                let (key, phase) = (effect.location.key(), effect.phase);
                if let Some(method) = &fact.site.method {
                    let all = of_method.entry(method.clone()).or_default();
                    if all.len() < MAX_COMPARED {
                        all.push((key.clone(), phase, fact.site.clone()));
                    }
                }
                appended.entry((key, phase)).or_insert_with(|| fact.site.clone());
            }
        }
        if appended.is_empty() {
            continue;
        }
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            let has_own =
                matches!(effect.origin, Origin::Input | Origin::Secret | Origin::Generated | Origin::Previous);
            if has_own || !is_file(effect.store) {
                continue;
            }
            let site = match effect.operation {
                Operation::Write if effect.has(Trait::ReadBack) => None,
                Operation::Create | Operation::Write => appended.get(&(effect.location.key(), effect.phase)),
                Operation::Copy | Operation::Rename => {
                    let sources: Vec<String> =
                        effect.evidence.iter().filter_map(Step::taken_from).map(|from| from.key()).collect();
                    let put_away = |(key, phase, _): &&(String, Phase, Site)| {
                        *phase == effect.phase
                            && (sources.is_empty() || sources.contains(key))
                            && is_put_away(key, &effect.location)
                    };
                    let all = fact.site.method.as_ref().and_then(|method| of_method.get(method));
                    all.and_then(|all| all.iter().find(put_away)).map(|(.., site)| site)
                }
                _ => None,
            };
            if let Some(site) = site {
                let step = Step::at("one loss: it is told with what is appended to it", site.clone());
                effect.mark(Trait::Repeated);
                effect.evidence.push(step);
            }
        }
    }
}

/// Is a file the one that is appended to with more in its name: the time, or a number? It has the same ending, or more stands
/// behind the whole name, and nothing in it was given by somebody.
fn is_put_away(appended: &str, other: &Location) -> bool {
    let is_counted = |part: &Part| match part {
        Part::Hole(Hole::From(source, _)) => *source == Source::Generated,
        Part::Hole(Hole::Unknown) | Part::Lit(_) => true,
        Part::Hole(Hole::Folder(_)) => false,
    };
    let parts = other.text().parts();
    let open = parts.iter().position(|part| matches!(part, Part::Hole(hole) if !matches!(hole, Hole::Folder(_))));
    if !open.is_some_and(|open| parts.iter().skip(open).all(is_counted)) {
        return false;
    }
    let (stem, ending) = match appended.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('\\') => (stem, &appended[stem.len()..]),
        _ => (appended, ""),
    };
    let other = other.key();
    let added = |more: &str| more.starts_with(SEPARATORS) && more.contains('{') && !more.contains('\\');
    let is_within = other.strip_prefix(stem).and_then(|more| more.strip_suffix(ending)).is_some_and(added);
    !stem.ends_with('\\') && (is_within || other.strip_prefix(appended).is_some_and(added))
}

fn is_file(store: Store) -> bool {
    matches!(store, Store::File | Store::Log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn told(text: &str) -> Vec<bool> {
        let mut readings = listing::parse(text).unwrap();
        mark(&mut readings);
        readings.iter().flat_map(|r| &r.facts).map(|f| !f.as_effect().unwrap().has(Trait::Repeated)).collect()
    }

    #[test]
    fn making_a_file_is_told_with_what_is_appended() {
        let made = r"effect create file C:\Desk\a.txt phase=run via=File.Create";
        let log = r"effect append log C:\desk\A.txt phase=run via=StreamWriter";
        assert_eq!(told(&format!("{made}\n{log}\n")), [false, true]);
        assert_eq!(told(&format!("{made} origin=input\n{log}\n")), [true, true]);
        assert_eq!(told(&format!("{made}\n{}\n", log.replace("A.txt", "b.txt"))), [true, true]);
        assert_eq!(told(&format!("{made}\n{}\n", log.replace("run", "startup"))), [true, true]);
        let emptied = made.replace("create", "write");
        assert_eq!(told(&format!("{emptied}\n{log}\n")), [false, true]);
        assert_eq!(told(&format!("{emptied} traits=read-back\n{log}\n")), [true, true]);
        assert_eq!(told(&format!("artifact a.exe\n{made}\nartifact b.exe\n{log}\n")), [true, true]);
        let open = |line: &str| line.replace("desk", "{?}").replace("Desk", "{?}");
        assert_eq!(told(&format!("{}\n{}\n", open(made), open(log))), [true, true], "perhaps another file");
    }

    #[test]
    fn what_is_put_away_is_told_with_what_is_appended() {
        let log = r"effect append log C:\Desk\a.txt phase=run via=StreamWriter at=method:Log.Write";
        let copy = r"effect copy file C:\Desk\a_{generated:time}.txt phase=run via=File.Copy at=method:Log.Write";
        assert_eq!(told(&format!("{log}\n{copy}\n")), [true, false]);
        assert_eq!(told(&format!("{log}\n{}\n", copy.replace("a_{", "b_{"))), [true, true]);
        assert_eq!(told(&format!("{log}\n{}\n", copy.replace("Log.Write", "Desk.Save"))), [true, true]);
        assert_eq!(told(&format!("{log}\n{}\n", copy.replace("a_{generated:time}", "a_old"))), [true, true]);
        assert_eq!(told(&format!("{log}\n{}\n", copy.replace("generated:time", "env:STATE"))), [true, true]);
        assert_eq!(told(&format!("{log}\n{}\n", copy.replace("}.txt", "}.pdf"))), [true, true]);
        assert_eq!(told(&format!("{log}\n{}\n", copy.replace("a_{", "ab_{"))), [true, true]);
        assert_eq!(told(&format!("{log}\n{}\n", copy.replace("a_{generated:time}.txt", "a.txt.{?}"))), [true, false]);
        let from = |place: &str| format!("{log}\n{copy}\n  step \"copied from {place}\"\n");
        assert_eq!(told(&from(r"C:\Desk\a.txt")), [true, false]);
        assert_eq!(told(&from(r"C:\in\invoice.txt")), [true, true]);
    }

    #[test]
    fn what_is_only_appended_to_does_not_come_back() {
        let baked = |text: &str| {
            let mut readings = listing::parse(text).unwrap();
            mark(&mut readings);
            readings[0].facts[0].as_effect().unwrap().has(Trait::Baked)
        };
        let journal = r"effect append file C:\Desk\journal.dat phase=run";
        assert!(!baked(&format!("{journal} traits=baked\n")));
        assert!(baked(&format!("{journal} traits=baked,read-back\n")));
        assert!(baked(&format!("{} traits=baked\n", journal.replace("append", "write"))));
    }
}
