//! Documents that do not count where the application runs: what somebody kept of another, and what stands for one.

use super::folders::{Purpose, purpose};
use super::{Deployed, File};
use crate::catalog::config::{WordRole, is_word};
use crate::discover::Artifact;
use crate::facts::{file_name, folder_of, folders};
use std::collections::HashSet;

/// Most folders above a backup that its original is looked for in.
const MAX_ABOVE: usize = 16;

/// Why a document does not count where the application runs, by where it lies and what it is called.
pub fn not_in_force(artifact: &Artifact, tree: &Deployed) -> Option<&'static str> {
    if purpose(&artifact.name) == Some(Purpose::Tests) {
        return Some("in a folder of tests");
    }
    let folders = || artifact.name.split('/').rev().skip(1);
    if folders().any(|folder| UPGRADES.iter().any(|known| folder.eq_ignore_ascii_case(known)))
        || (folders().any(|folder| is_word(&folder.to_lowercase(), WordRole::BackupFolder))
            && tree.replaced.contains(&artifact.name.to_lowercase()))
    {
        return Some("in a folder of backups");
    }
    let file = &*artifact.file_name().to_lowercase();
    // `example.web.config`, but not `template.json` or `example.com.conf`.
    let before = file.split_once('.').filter(|(mark, of)| SAMPLES.contains(mark) && of.contains("config"));
    if before.is_some() || file.rsplit_once('.').is_some_and(|(_, mark)| SAMPLES.contains(&mark)) {
        return Some("a sample by its name: it counts where somebody makes a copy of it");
    }
    artifact.path.split('/').any(|folder| folder == ".vs").then_some(EDITING)
}

/// Those of the upgrades of Visual Studio, and of Umbraco's.
const UPGRADES: &[&str] = &["nugetbackup", "_upgradereport_files"];
/// What files are called that stand for others.
const SAMPLES: &[&str] = &["example", "sample", "template", "dist", "tmpl", "j2"];
/// Visual Studio keeps a server for trying out, and its own state, in the folder `.vs` of a solution.
const EDITING: &str = "in the folder of Visual Studio, which is not deployed";

/// Documents in folders of backups whose original is there, in lower case: at the same place beside the folder, or of the same
/// name in a folder above. A folder with a project is part of the application, whatever it is called.
pub(super) fn replaced(files: &[File<'_>], has_project: impl Fn(&str) -> bool) -> HashSet<String> {
    let backup = |name: &str| -> Option<usize> {
        let mut ends = name.match_indices('/').map(|(end, _)| end);
        ends.find(|end| is_word(file_name(&name[..*end]), WordRole::BackupFolder))
    };
    let kept: Vec<(&str, usize)> = files.iter().filter_map(|file| Some((&*file.name, backup(&file.name)?))).collect();
    if kept.is_empty() {
        return HashSet::new();
    }
    let names: HashSet<&str> = files.iter().map(|file| &*file.name).collect();
    let is_there = |folder: &str, file: &str| match folder {
        "" => names.contains(file),
        folder => names.contains(&*format!("{folder}/{file}")),
    };
    let is_replaced = |(name, end): &(&str, usize)| {
        let mut inside = name.match_indices('/').map(|(at, _)| at).filter(|at| at >= end);
        if inside.any(|at| has_project(&name[..at])) {
            return false;
        }
        let folder = &name[..*end];
        is_there(folder_of(folder), &name[end + 1..])
            || folders(folder).take(MAX_ABOVE).any(|above| is_there(above, file_name(name)))
    };
    kept.into_iter().filter(is_replaced).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_stands_for_what_is_there() {
        let names = [
            "site/web.config",
            "site/backup/web.config",
            "site/backup/2020/web.config",
            "site/admin/Web.config",
            "site/Bak/admin/web.config",
            "api/backup/web.config",
            "svc/appsettings.json",
            "svc/Backup/Backup.csproj",
            "svc/Backup/appsettings.json",
            "api/nugetBackup/web.config",
        ];
        let artifacts = names.map(Artifact::at);
        let tree = Deployed::of(&artifacts);
        let told: Vec<&str> =
            artifacts.iter().filter(|a| not_in_force(a, &tree).is_some()).map(|a| a.name.as_str()).collect();
        assert_eq!(
            told,
            [
                "site/backup/web.config",
                "site/backup/2020/web.config",
                "site/Bak/admin/web.config",
                "api/nugetBackup/web.config"
            ]
        );
    }
}
