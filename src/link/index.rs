//! Which artifact a command names.

use crate::facts::{Clue, ClueKind, Reading, file_name, folder_of};
use std::collections::HashMap;

/// What cmd puts behind a name that has no extension, in this order, beside the starter (MS documentation: "cmd", the
/// default of `PATHEXT`).
const PATHEXT: &[&str] = &[".com", ".exe", ".bat", ".cmd", ".vbs", ".js", ".wsf", ".ps1"];

/// Most artifacts of one name that are compared.
const MAX_SAME: usize = 64;
/// Most ends of a path that are looked for.
const MAX_TAILS: usize = 16;

/// Artifacts by lower-case path and by the ends of it.
pub(super) struct Index {
    by_path: HashMap<String, usize>,
    /// Paths backwards, in order: those with one ending are neighbours.
    backwards: Vec<(String, usize)>,
}

impl Index {
    pub(super) fn new(readings: &[Reading]) -> Self {
        let paths = || readings.iter().enumerate().map(|(i, reading)| (reading.artifact.to_lowercase(), i));
        let mut backwards: Vec<_> = paths().map(|(path, i)| (format!("/{path}").chars().rev().collect(), i)).collect();
        backwards.sort_unstable();
        Index { by_path: paths().collect(), backwards }
    }

    /// Is there an artifact of this path?
    pub(super) fn has(&self, path: &str) -> bool {
        self.by_path.contains_key(&path.to_lowercase())
    }

    /// The artifact that a clue of a reading starts. What an image was given by this name comes from where the image takes it.
    pub(super) fn started(&self, starter: &Reading, clue: &Clue) -> Option<usize> {
        let path = super::started_path(clue);
        if starter.format != "dockerfile" {
            return self.find(&starter.artifact, &path);
        }
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let copies = super::steps::counted(&starter.facts).filter_map(|fact| fact.as_clue());
        let mut copies = copies.filter(|c| c.kind == ClueKind::Ships);
        let source = copies.find(|c| !name.is_empty() && file_name(&c.value).eq_ignore_ascii_case(name));
        let of_source = source.and_then(|copy| self.find(&starter.artifact, &copy.value));
        of_source.or_else(|| self.find(&starter.artifact, &path))
    }

    /// The artifact that a command names: beside the starter, or the only one of that name.
    pub(super) fn find(&self, starter: &str, command: &str) -> Option<usize> {
        let command = command.to_lowercase().replace('\\', "/");
        let starter = starter.to_lowercase();
        let folder = folder_of(&starter);
        let command = command.trim_start_matches("./").to_owned();
        let beside = below(folder, &command);
        if let Some(i) = self.by_path.get(&beside) {
            return Some(*i);
        }
        let name = file_name(&command);
        if !name.contains('.') {
            return PATHEXT.iter().find_map(|extension| self.by_path.get(&format!("{beside}{extension}")).copied());
        }
        // Several of one name: the longest end of the path that only one has, the one in the starter's own folder, or the
        // one that is nearest to it.
        let tails = || {
            std::iter::successors(Some(command.as_str()), |path| path.split_once('/').map(|(_, below)| below))
                .take(MAX_TAILS)
        };
        let only = tails().find_map(|tail| self.only(tail));
        only.or_else(|| self.by_path.get(&below(folder, name)).copied())
            .or_else(|| tails().find_map(|tail| self.nearest(folder, tail)))
    }

    /// The only artifact whose path ends so below the innermost folder around the starter that has any.
    fn nearest(&self, folder: &str, ending: &str) -> Option<usize> {
        let ending: String = format!("/{ending}").chars().rev().collect();
        let from = self.backwards.partition_point(|(path, _)| *path < ending);
        let found = self.backwards.iter().skip(from).take_while(|(path, _)| path.starts_with(&ending));
        let found = found.take(MAX_SAME).inspect(|_| super::steps::step());
        let folder: Vec<&str> = folder.split('/').collect();
        let common = |path: &str| {
            let forwards: String = path.chars().rev().collect();
            folder.iter().zip(forwards.split('/').skip(1)).take_while(|(a, b)| **a == *b).count()
        };
        let mut best: (usize, Option<usize>) = (0, None);
        for (path, artifact) in found {
            let near = common(path);
            best = match near.cmp(&best.0) {
                std::cmp::Ordering::Greater => (near, Some(*artifact)),
                std::cmp::Ordering::Equal => (near, None),
                std::cmp::Ordering::Less => best,
            };
        }
        best.1
    }

    /// The only artifact whose path ends so.
    fn only(&self, ending: &str) -> Option<usize> {
        let ending: String = format!("/{ending}").chars().rev().collect();
        let from = self.backwards.partition_point(|(path, _)| *path < ending);
        let mut found = self.backwards.iter().skip(from).take_while(|(path, _)| path.starts_with(&ending));
        let first = found.by_ref().inspect(|_| super::steps::step()).next()?;
        found.next().is_none().then_some(first.1)
    }
}

/// A path as written from a folder.
pub(super) fn below(folder: &str, path: &str) -> String {
    let (mut folder, mut path) = (folder, path);
    while let Some(rest) = path.strip_prefix("../").filter(|_| !folder.is_empty()) {
        folder = folder_of(folder);
        path = rest;
    }
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}
