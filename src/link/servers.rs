//! Databases of a server that are made while an image is built: the image has them, and the running application writes to
//! them all the same.

use crate::facts::{Certainty, Effect, Fact, Location, Operation, Phase, Reading, Site, Step, Store};
use std::collections::{BTreeMap, HashSet};

/// A database that the image begins with.
struct Baked {
    reading: usize,
    site: Site,
    via: String,
    location: Location,
}

/// Adds, for each server in an image whose databases nobody is seen to write to at run time, that they are.
pub(super) fn keep_on(readings: &mut [Reading]) {
    let mut live: HashSet<String> = HashSet::new();
    let mut baked: BTreeMap<String, Baked> = BTreeMap::new();
    for (number, reading) in readings.iter().enumerate() {
        for fact in super::steps::counted(&reading.facts) {
            let Some(effect) = fact.as_effect().filter(|effect| effect.store == Store::Database) else { continue };
            let Some(engine) = engine(&effect.location) else { continue };
            match (effect.phase, effect.operation) {
                (Phase::Build, Operation::Write | Operation::Create) if effect.certainty > Certainty::Possible => {
                    let found = Baked {
                        reading: number,
                        site: fact.site.clone(),
                        via: effect.via.clone(),
                        location: effect.location.clone(),
                    };
                    baked.entry(engine).or_insert(found);
                }
                (Phase::Build | Phase::NotShipped, _) | (_, Operation::Read | Operation::Configure) => {}
                _ => {
                    live.insert(engine);
                }
            }
        }
    }
    for (_, found) in baked.into_iter().filter(|(engine, _)| !live.contains(engine)) {
        let said = format!("{} makes the database in the image, and the server goes on with it", found.via);
        let effect = Effect::new(Operation::Write, Store::Database, found.location, Certainty::Likely, &*found.via)
            .in_phase(Phase::Run, "a server in the image keeps what it is given while it runs")
            .because(Step::new(said));
        if let Some(reading) = readings.get_mut(found.reading) {
            reading.facts.push(Fact::effect(found.site, effect));
        }
    }
}

/// The engine of a server by how its location begins: `sqlserver://.`
fn engine(location: &Location) -> Option<String> {
    let (scheme, _) = location.text().leading_lit().split_once("://")?;
    Some(scheme.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;

    fn written(text: &str) -> usize {
        let mut readings = listing::parse(text).unwrap();
        keep_on(&mut readings);
        let effects = readings.iter().flat_map(|r| &r.facts).filter_map(|fact| fact.as_effect());
        effects.filter(|effect| effect.phase == Phase::Run).count()
    }

    #[test]
    fn what_is_made_in_the_image_is_written_to_while_it_runs() {
        let made = "artifact Dockerfile\neffect write database sqlserver://. phase=build via=sqlcmd\n";
        assert_eq!(written(made), 1);
        assert_eq!(written(&format!("{made}effect write database sqlserver://./Desk phase=build via=sqlcmd\n")), 1);
        let used = "artifact web.config\neffect write database sqlserver://localhost/Desk phase=run via=x\n";
        assert_eq!(written(&format!("{made}{used}")), 1, "the application's own");
        assert_eq!(written(&made.replace("write database sqlserver://.", "write database C:\\a.db")), 0);
        assert_eq!(written(&made.replace("effect write", "effect configure")), 0);
    }
}
