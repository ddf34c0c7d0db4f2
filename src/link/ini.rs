//! INI files by the paths that programs name them by: `C:\\Desk\\desk.ini` is the `desk.ini` that the installer puts there.

use crate::facts::{ClueKind, Hole, Operation, Origin, Reading, Source, Step};
use std::collections::HashSet;

/// A file that is named without a folder, in the current one or in that of the program lies where the program does.
const BESIDE: &[&str] = &[".\\", "./", "(appdir)\\", "(cwd)\\", "(webroot)\\"];

/// `folder\file/section/key` without the folder; all in lower case.
pub(super) fn key(name: &str) -> &str {
    let file = name.split('/').next().unwrap_or_default();
    // A leading `./` has the separator of the parts.
    let start = name.strip_prefix("./").map_or(0, |_| 2).max(file.rfind('\\').map_or(0, |at| at + 1));
    &name[start..]
}

/// Where installers put files.
pub(super) struct Placed {
    paths: HashSet<String>,
}

impl Placed {
    pub(super) fn new(readings: &[Reading]) -> Self {
        let mut paths = HashSet::new();
        for fact in readings.iter().flat_map(|r| super::steps::counted(&r.facts)) {
            let location = match (fact.as_clue(), fact.as_effect()) {
                (Some(clue), _) if clue.kind == ClueKind::Ships => clue.location.as_ref(),
                (_, Some(effect)) => {
                    let puts = matches!(effect.operation, Operation::Create | Operation::Copy);
                    (puts && effect.origin == Origin::Packaged).then_some(&effect.location)
                }
                _ => None,
            };
            paths.extend(location.map(|l| super::writers::on_drive(l.key())).filter(|key| key.ends_with(".ini")));
        }
        Placed { paths }
    }

    /// Why a value may be that of another file: only the names are the same.
    pub(super) fn doubt(&self, hole: &Hole) -> Option<Step> {
        let Hole::From(Source::Ini, name) = hole else { return None };
        let name = name.to_lowercase();
        let file = name.split('/').next().unwrap_or_default();
        let beside = !file.contains('\\') || BESIDE.iter().any(|start| name.starts_with(start));
        let path = file.replace('(', "{").replace(')', "}");
        (!beside && !self.paths.contains(file) && !self.paths.contains(&path))
            .then(|| Step::new(format!("{file} is taken for the only file of this name that is here")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_no_part_of_the_key() {
        assert_eq!(key("c:\\desk\\svc.ini/paths/data"), "svc.ini/paths/data");
        assert_eq!(key("(appdir)\\svc.ini/paths/data"), "svc.ini/paths/data");
        assert_eq!(key(".\\svc.ini/paths/data"), "svc.ini/paths/data");
        assert_eq!(key("svc.ini/paths/a\\b"), "svc.ini/paths/a\\b");
    }
}
