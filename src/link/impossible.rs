//! Places that a call is said to write to, and never does: the image that is running, and a name that is nothing but an ending.

use crate::facts::{Body, Effect, Extent, Fact, Folder, Hole, Operation, Part, Reading, Site, file_name, is_binary};
use std::collections::HashSet;

/// Leaves out what cannot be.
pub(super) fn leave_out(readings: &mut [Reading]) {
    for reading in readings {
        let own = file_name(&reading.artifact).to_lowercase();
        let is_image = is_binary(&reading.format);
        // Calls whose file has a name before its ending, with that ending.
        let named: HashSet<(Site, String)> = super::steps::counted(&reading.facts)
            .filter_map(|fact| {
                let ending = ending_behind_hole(written(fact)?)?;
                Some((fact.site.clone(), ending))
            })
            .collect();
        // What was moved out of the way can be put there anew.
        let moves = |effect: &Effect| {
            matches!(effect.operation, Operation::Rename | Operation::Delete) && effect.location.key().contains(&own)
        };
        let may_write_itself = !is_image || super::effects(reading).any(moves);
        reading.facts.retain(|fact| {
            let Some(effect) = written(fact) else { return true };
            let only_ends = || ending_alone(effect).is_some_and(|ending| named.contains(&(fact.site.clone(), ending)));
            (may_write_itself || !is_in_own_folder(effect, &own)) && (named.is_empty() || !only_ends())
        });
    }
}

/// An effect that puts something into a file.
fn written(fact: &Fact) -> Option<&Effect> {
    let Body::Effect(effect) = &fact.body else { return None };
    let writes = matches!(effect.operation, Operation::Create | Operation::Write | Operation::Append);
    (writes && effect.store.is_path()).then_some(effect)
}

/// Is it the file itself? What runs cannot be opened for writing (MS documentation, "CreateFileW": the loader shares it for
/// reading only), though it can be renamed.
fn is_in_own_folder(effect: &Effect, own: &str) -> bool {
    match effect.location.text().parts() {
        [Part::Hole(Hole::Folder(Folder::AppDir)), Part::Lit(name)] => {
            name.strip_prefix('\\').is_some_and(|name| name.to_lowercase() == own)
        }
        _ => false,
    }
}

/// The ending of a name that begins with something that is not known: `{arg:1}.pmx`.
fn ending_behind_hole(effect: &Effect) -> Option<String> {
    let [.., Part::Hole(hole), Part::Lit(ending)] = effect.location.text().parts() else { return None };
    let is_folder = matches!(hole, Hole::Folder(_));
    (!is_folder && ending.starts_with('.') && !ending.contains('\\')).then(|| ending.to_lowercase())
}

/// The name of a file that is an ending and no more: what stands before it was empty where nobody gave it.
fn ending_alone(effect: &Effect) -> Option<String> {
    let name = effect.location.file_name().filter(|_| effect.location.extent() == Extent::Full)?;
    (name.starts_with('.') && name.matches('.').count() == 1).then(|| name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use crate::facts::listing;

    fn left(text: &str) -> Vec<String> {
        let mut readings = listing::parse(text).unwrap();
        super::leave_out(&mut readings);
        let effects = readings.iter().flat_map(|r| &r.facts).filter_map(|f| f.as_effect());
        effects.map(|effect| effect.location.to_string()).collect()
    }

    #[test]
    fn an_ending_without_a_name_where_the_same_call_has_one() {
        let write = |place: &str, at: u32| format!("effect create file {place} via=CreateFileA at=line:{at}\n");
        let text = format!("{}{}", write("{Cwd}\\.pmx", 1), write("{arg:1}.pmx", 1));
        assert_eq!(left(&text), ["{arg:1}.pmx"]);
        let text = format!("{}{}", write("{Cwd}\\.pmx", 1), write("{arg:1}.pmx", 2));
        assert_eq!(left(&text).len(), 2, "another call");
        let text = format!("{}{}", write("{UserProfile}\\.settings", 1), write("{arg:1}.ini", 1));
        assert_eq!(left(&text).len(), 2, "another ending");
        assert_eq!(left(&write("{UserProfile}\\.settings", 1)).len(), 1);
    }

    #[test]
    fn no_program_writes_into_itself() {
        let of = |artifact: &str, format: &str, what: &str| {
            left(&format!("artifact {artifact} format={format}\neffect {what} file {{AppDir}}\\Desk.exe\n")).len()
        };
        assert_eq!(of("bin/desk.exe", "pe-x64", "create"), 0);
        assert_eq!(of("bin/desk.exe", "pe-x64", "rename"), 1);
        assert_eq!(of("bin/setup.exe", "pe-x64", "create"), 1);
        assert_eq!(of("bin/desk.exe", "batch", "create"), 1);
    }
}
