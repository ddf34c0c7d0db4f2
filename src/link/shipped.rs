//! Files that are shipped with the application and written by it: after a reimage the shipped content is back.

use crate::discover::Application;
use crate::facts::{Body, ClueKind, Effect, Folder, Hole, Operation, Part, Phase, Reading, Step, Trait, beside};
use std::collections::HashMap;

/// Marks effects on files that the package contains.
pub(super) fn mark(readings: &mut [Reading], app: &Application) {
    let copies = copies(readings);
    // By place in a site: the folders from which it was found, and the file.
    let mut found: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for reading in readings.iter_mut() {
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            if !changes(effect) {
                continue;
            }
            let shipped = shipped_file(effect, &reading.artifact, app).or_else(|| copied_file(effect, &copies, app));
            if let Some(shipped) = shipped {
                if is_in_site(effect) {
                    let folder = beside(&reading.artifact);
                    let folders = found.entry(effect.location.key()).or_default();
                    if folders.len() < MAX_FOLDERS && folders.iter().all(|(known, _)| known != folder) {
                        folders.push((folder.to_owned(), shipped.clone()));
                    }
                }
                effect.mark(Trait::Baked);
                effect.evidence.push(Step::new("shipped with the application").in_artifact(shipped));
            }
        }
    }
    // A page in a folder of the site names the same file.
    for reading in readings.iter_mut().filter(|_| !found.is_empty()) {
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Effect(effect) = &mut fact.body else { continue };
            if !changes(effect) || !is_in_site(effect) {
                continue;
            }
            let folders = found.get(&effect.location.key()).map(Vec::as_slice).unwrap_or_default();
            if let Some((_, shipped)) = folders.iter().find(|(folder, _)| reading.artifact.starts_with(folder.as_str()))
            {
                effect.mark(Trait::Baked);
                effect.evidence.push(Step::new("shipped with the application").in_artifact(shipped.clone()));
            }
        }
    }
}

/// Most folders from which one file is found.
const MAX_FOLDERS: usize = 16;

/// Does it change a file while the application runs, and is nothing of that known yet?
fn changes(effect: &Effect) -> bool {
    let writes = matches!(
        effect.operation,
        Operation::Create | Operation::Write | Operation::Append | Operation::SetValue | Operation::Rename
    );
    writes && !matches!(effect.phase, Phase::Build | Phase::NotShipped) && !effect.has(Trait::Baked)
}

/// A place that is the same for all files of a site.
fn is_in_site(effect: &Effect) -> bool {
    matches!(
        effect.location.text().parts().first(),
        Some(Part::Hole(Hole::Folder(Folder::WebRoot | Folder::DataDirectory)))
    )
}

/// What `COPY` puts into an image: by its place there, the source and the file that says so.
type Copies = HashMap<String, (String, String)>;

fn copies(readings: &[Reading]) -> Copies {
    let mut copies = Copies::new();
    for reading in readings {
        for clue in super::steps::counted(&reading.facts).filter_map(|f| f.as_clue()) {
            if clue.kind == ClueKind::Ships
                && clue.key == "docker-copy"
                && let Some(at) = &clue.location
            {
                copies.insert(at.key(), (clue.value.clone(), reading.artifact.clone()));
            }
        }
    }
    copies
}

/// The file of the application at a place of the image.
fn copied_file(effect: &Effect, copies: &Copies, app: &Application) -> Option<String> {
    if copies.is_empty() {
        return None;
    }
    let key = effect.location.key();
    super::at_or_above(&key).find_map(|above| {
        let (source, image) = copies.get(above)?;
        let path = format!("{source}\\{}", &key[above.len()..]);
        app.sibling(app.find(image)?, &path).map(|found| found.path.clone())
    })
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
        // The second input is absolute, as a check of a folder elsewhere gives it.
        for root in ["site", "/srv/site"] {
            let files =
                vec![Artifact::at(&format!("{root}/App_Data/Counter.txt")), Artifact::at(&format!("{root}/bin/a.dll"))];
            let app = Application::new(files, Vec::new());
            let mut readings = listing::parse(&format!("artifact {root}/bin/a.dll\n{EFFECTS}")).unwrap();
            mark(&mut readings, &app);
            let baked: Vec<bool> =
                readings[0].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::Baked)).collect();
            assert_eq!(baked, [true, true, false, false], "{root}");
        }
    }

    #[test]
    fn a_page_in_a_folder_of_the_site() {
        let names = ["site/db/shop.mdb", "site/a.asp", "site/staff/b.asp", "other/b.asp"];
        let app = Application::new(names.map(Artifact::at).to_vec(), Vec::new());
        let page = |name: &str| {
            format!("artifact {name} format=asp\neffect write database {{WebRoot}}\\db\\shop.mdb phase=run\n")
        };
        let text = [page("site/staff/b.asp"), page("site/a.asp"), page("other/b.asp")].concat();
        let mut readings = listing::parse(&text).unwrap();
        mark(&mut readings, &app);
        let baked: Vec<bool> = readings.iter().map(|r| r.facts[0].as_effect().unwrap().has(Trait::Baked)).collect();
        assert_eq!(baked, [true, true, false]);
    }

    #[test]
    fn what_an_image_copies_reverts() {
        let app =
            Application::new(["x/Dockerfile", "x/conf.json", "x/d/e.json"].map(Artifact::at).to_vec(), Vec::new());
        let mut readings = listing::parse(
            "artifact x/Dockerfile\nclue ships key=docker-copy value=conf.json location=C:\\app\\conf.json\n\
             clue ships key=docker-copy value=. location=C:\\all\nartifact x/run.ps1\n\
             effect write file C:\\app\\conf.json\neffect write file C:\\all\\d\\e.json\neffect write file C:\\all\\f\n",
        )
        .unwrap();
        mark(&mut readings, &app);
        let baked: Vec<bool> =
            readings[1].facts.iter().filter_map(|f| f.as_effect()).map(|e| e.has(Trait::Baked)).collect();
        assert_eq!(baked, [true, true, false]);
    }

    const EFFECTS: &str = "effect write file {AppDir}\\App_Data\\counter.txt\n\
             effect write file {DataDirectory}\\counter.txt\neffect write file {AppDir}\\other.txt\n\
             effect read file {AppDir}\\App_Data\\counter.txt\n";
}
