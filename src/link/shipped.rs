//! Files that are shipped with the application and written by it: after a reimage the shipped content is back.

use crate::discover::Application;
use crate::facts::{Body, Effect, Folder, Hole, Operation, Part, Phase, Reading, Step, Trait};

/// Marks effects on files that the package contains.
pub(super) fn mark(readings: &mut [Reading], app: &Application) {
    for reading in readings {
        for fact in &mut reading.facts {
            let Body::Effect(effect) = &mut fact.body else { continue };
            let writes = matches!(
                effect.operation,
                Operation::Create | Operation::Write | Operation::Append | Operation::SetValue | Operation::Rename
            );
            let runs = !matches!(effect.phase, Phase::Build | Phase::NotShipped);
            if !writes || !runs || effect.has(Trait::Baked) {
                continue;
            }
            if let Some(shipped) = shipped_file(effect, &reading.artifact, app) {
                effect.mark(Trait::Baked);
                effect.evidence.push(Step::new("shipped with the application").in_artifact(shipped));
            }
        }
    }
}

/// The packaged file at a location relative to the program: beside it, or beside the `bin` folder of a web
/// application.
fn shipped_file(effect: &Effect, artifact: &str, app: &Application) -> Option<String> {
    let [Part::Hole(Hole::Folder(folder)), Part::Lit(rest)] = effect.location.text().parts() else { return None };
    let rest = rest.trim_start_matches('\\').replace('\\', "/");
    let beside = artifact.rsplit_once('/').map_or("", |(folder, _)| folder);
    let above = match beside.rsplit_once('/') {
        Some((above, last)) if last.eq_ignore_ascii_case("bin") => above,
        None if beside.eq_ignore_ascii_case("bin") => "",
        _ => beside,
    };
    let candidates: Vec<String> = match folder {
        Folder::AppDir | Folder::Cwd => vec![format!("{beside}/{rest}"), format!("{above}/{rest}")],
        Folder::WebRoot => vec![format!("{above}/{rest}")],
        Folder::DataDirectory => vec![format!("{above}/App_Data/{rest}"), format!("{beside}/{rest}")],
        _ => return None,
    };
    candidates.iter().find_map(|path| app.find(path.trim_start_matches('/'))).map(|found| found.path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Artifact;
    use crate::facts::listing;

    #[test]
    fn a_shipped_counter_reverts() {
        let file = |path: &str| Artifact { path: path.into(), name: path.into(), file: path.into(), size: 0 };
        let app = Application::new(vec![file("site/App_Data/Counter.txt")], Vec::new());
        let mut readings = listing::parse(
            "artifact site/bin/a.dll\neffect write file {AppDir}\\App_Data\\counter.txt\n\
             effect write file {DataDirectory}\\counter.txt\neffect write file {AppDir}\\other.txt\n\
             effect read file {AppDir}\\App_Data\\counter.txt\n",
        )
        .unwrap();
        mark(&mut readings, &app);
        let baked: Vec<bool> =
            readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::Baked)).collect();
        assert_eq!(baked, [true, true, false, false]);
    }
}
