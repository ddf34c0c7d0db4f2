//! Where the files of a role lie before a cloud service is packed: the definition names them as they are in the package,
//! in the role's own folder; among the sources they lie with the project that builds the role.

use super::index::{Index, below};
use crate::facts::{Body, Clue, ClueKind, Folder, Hole, Location, Part, Reading, Text, folder_of};
use crate::read::config::ROLE_PROJECT;
use std::collections::HashMap;

/// Leads what the roles of a definition start to the folders of their projects, where the file is there.
pub(super) fn place(readings: &mut [Reading]) {
    let projects = projects(readings);
    let is_definition = |reading: &Reading| reading.format == "csdef";
    if !readings.iter().any(is_definition) {
        return;
    }
    let index = Index::new(readings);
    for reading in readings.iter_mut().filter(|reading| is_definition(reading)) {
        let folder = folder_of(&reading.artifact).to_owned();
        let mut candidates: Vec<String> = Vec::new();
        for fact in super::steps::counted_mut(&mut reading.facts) {
            let Body::Clue(clue) = &mut fact.body else { continue };
            if clue.kind == ClueKind::Role && ROLES.contains(&clue.key.as_str()) {
                let role = clue.value.to_lowercase();
                // As Visual Studio lays them out: a role is called after its project, and that after its folder.
                candidates = projects.get(&(folder.to_lowercase(), role)).into_iter().cloned().collect();
                candidates.extend([clue.value.clone(), format!("..\\{}", clue.value)]);
            }
            if clue.kind == ClueKind::Starts {
                lead(clue, &folder, &candidates, &index);
            }
        }
    }
}

/// Roles whose tasks run in a folder of their own.
const ROLES: [&str; 2] = ["web-role", "worker-role"];

/// The folder of each role's project, by the folder of the cloud project and the role, both in lower case.
fn projects(readings: &[Reading]) -> HashMap<(String, String), String> {
    let clues = readings.iter().flat_map(|r| super::steps::counted(&r.facts).map(|fact| (&r.artifact, fact)));
    clues
        .filter_map(|(artifact, fact)| {
            let clue = fact.as_clue().filter(|c| c.kind == ClueKind::Role && c.key == ROLE_PROJECT)?;
            let project = inside(clue.location.as_ref()?)?;
            Some(((folder_of(artifact).to_lowercase(), clue.value.to_lowercase()), project.to_owned()))
        })
        .collect()
}

fn lead(clue: &mut Clue, folder: &str, candidates: &[String], index: &Index) {
    let Some(file) = clue.location.as_ref().and_then(inside) else { return };
    let found = candidates.iter().map(|project| format!("{project}\\{file}")).find(|path| {
        let path = path.replace('\\', "/");
        index.has(&below(folder, path.trim_start_matches("./")))
    });
    if let Some(path) = found {
        clue.location = Some(Location::file(&Text::folder(Folder::AppDir).concat(&Text::lit(format!("\\{path}")))));
    }
}

/// The rest of a path inside the application.
fn inside(location: &Location) -> Option<&str> {
    match location.text().parts() {
        [Part::Hole(Hole::Folder(Folder::AppDir)), Part::Lit(rest)] => Some(rest.trim_start_matches('\\')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::listing;
    use crate::link::started_path;

    fn started(extra: &str) -> Vec<String> {
        let definition = "artifact svc/ServiceDefinition.csdef format=csdef\n\
             clue role key=web-role value=Front at=line:1\n\
             clue starts key=startup-task value=go.cmd location={AppDir}\\go.cmd at=line:2\n\
             clue role key=worker-role value=Back at=line:3\n\
             clue starts key=startup-task value=go.cmd location={AppDir}\\go.cmd at=line:4\n";
        let mut readings = listing::parse(&format!("{definition}{extra}")).unwrap();
        place(&mut readings);
        let clues = readings[0].facts.iter().filter_map(|f| f.as_clue());
        clues.filter(|c| c.kind == ClueKind::Starts).map(started_path).collect()
    }

    #[test]
    fn each_role_starts_what_lies_with_its_project() {
        let files = "artifact Front/go.cmd format=batch\nartifact Work/go.cmd format=batch\n";
        let project = "artifact svc/svc.ccproj format=cloud-project\n\
             clue role key=role-project value=Back location={AppDir}\\..\\Work at=line:1\n";
        assert_eq!(started(&format!("{files}{project}")), ["..\\Front\\go.cmd", "..\\Work\\go.cmd"]);
        assert_eq!(started(files), ["..\\Front\\go.cmd", "go.cmd"]);
        assert_eq!(started("artifact svc/Back/go.cmd format=batch\n"), ["go.cmd", "Back\\go.cmd"]);
    }
}
