//! Files that are shipped with the application and written by it: after a reimage the shipped content is back.

use crate::discover::Application;
use crate::facts::{Body, Effect, Folder, Hole, Operation, Part, Phase, Reading, Step, Trait};

/// Marks effects on files that the package contains.
pub(super) fn mark(readings: &mut [Reading], app: &Application) {
    for reading in readings {
        for fact in super::steps::counted_mut(&mut reading.facts) {
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
    let program = app.find(artifact)?;
    let folders = artifact.rsplit('/').skip(1);
    let above = if folders.take(1).any(|f| f.eq_ignore_ascii_case("bin")) { "../" } else { "" };
    let candidates = match folder {
        Folder::AppDir | Folder::Cwd => vec![rest.clone(), format!("{above}{rest}")],
        Folder::WebRoot => vec![format!("{above}{rest}")],
        Folder::DataDirectory => vec![format!("{above}App_Data{rest}"), rest.clone()],
        _ => return None,
    };
    candidates.iter().find_map(|path| app.sibling(program, path)).map(|found| found.path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Artifact;
    use crate::facts::listing;

    #[test]
    fn a_shipped_counter_reverts() {
        let file =
            |path: &str| Artifact { path: path.into(), name: path.into(), file: path.into(), ..Artifact::default() };
        // The second input is absolute, as a check of a folder elsewhere gives it.
        for root in ["site", "/srv/site"] {
            let files = vec![file(&format!("{root}/App_Data/Counter.txt")), file(&format!("{root}/bin/a.dll"))];
            let app = Application::new(files, Vec::new());
            let mut readings = listing::parse(&format!("artifact {root}/bin/a.dll\n{EFFECTS}")).unwrap();
            mark(&mut readings, &app);
            let baked: Vec<bool> =
                readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::Baked)).collect();
            assert_eq!(baked, [true, true, false, false], "{root}");
        }
    }

    const EFFECTS: &str = "effect write file {AppDir}\\App_Data\\counter.txt\n\
             effect write file {DataDirectory}\\counter.txt\neffect write file {AppDir}\\other.txt\n\
             effect read file {AppDir}\\App_Data\\counter.txt\n";
}
