//! Programs and libraries that only the setup uses itself, and does not install.

use super::Entry;
use crate::facts::{Clue, ClueKind, Folder, Location, PLUG_IN, Site, Text, join_paths};
use crate::read::script::sink::Sink;
use crate::read::script::words;
use std::collections::HashSet;

/// Folders above a file that are looked at; a path of Windows has no more (MAX_PATH), and of what lies deeper nothing is said.
const MAX_DEPTH: usize = 130;

/// Files of the setup alone (Inno Setup documentation, "Files section": `dontcopy`), and those that it installs.
#[derive(Default)]
pub(super) struct PlugIns {
    kept: Vec<(Site, Text)>,
    /// Names of what is installed, and folders of which anything may be.
    names: HashSet<String>,
    folders: HashSet<String>,
    /// Anything at all may be installed.
    is_open: bool,
}

/// Functions of the code section that put a file somewhere (Inno Setup documentation, "Pascal Scripting: Support Functions
/// Reference"), in lower case.
const COPYING: [&str; 3] = ["filecopy", "copyfile", "renamefile"];

impl PlugIns {
    /// Takes note of an entry of `[Files]`.
    pub(super) fn see(&mut self, entry: &Entry<'_>) {
        let Some(source) = entry.field("source") else { return };
        match entry.flag("dontcopy") {
            true => self.kept.push((entry.site.clone(), source)),
            false => self.installs(&source.to_string().to_lowercase()),
        }
    }

    fn installs(&mut self, source: &str) {
        match source.find(['*', '?', '{']).map(|at| source[..at].rsplit_once('\\')) {
            Some(Some((folder, _))) => _ = self.folders.insert(folder.to_owned()),
            Some(None) => self.is_open = true,
            None => _ = self.names.insert(words::base_name(&Text::lit(source)).to_owned()),
        }
    }

    /// May another entry install this file, by its name or with a folder that it lies in?
    fn brings(&self, path: &str) -> bool {
        let mut folders = path.match_indices('\\').map(|(at, _)| &path[..at]);
        self.is_open
            || self.names.contains(words::base_name(&Text::lit(path)))
            || folders.by_ref().take(MAX_DEPTH).any(|folder| self.folders.contains(folder))
            || folders.next().is_some()
    }

    /// Says that the setup starts what only it uses: it runs when the setup does.
    pub(super) fn tell(&self, code: &str, sink: &mut Sink<'_>) {
        let code = code.to_lowercase();
        // What the code unpacks it may put beside the program, too.
        if self.kept.is_empty() || COPYING.iter().any(|name| code.contains(name)) {
            return;
        }
        for (site, source) in &self.kept {
            let path = source.to_string().to_lowercase();
            let is_program = [".dll", ".exe"].iter().any(|ending| path.ends_with(ending));
            if !is_program || self.brings(&path) {
                continue;
            }
            let location = Location::file(&join_paths(&Text::folder(Folder::AppDir), source));
            sink.clue(site, Clue::new(ClueKind::Starts, PLUG_IN, source.to_string()).at(location));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_entries_bring_by_name_or_with_a_folder() {
        let brings = |installed: &str, path: &str| {
            let mut plug_ins = PlugIns::default();
            plug_ins.installs(installed);
            plug_ins.brings(path)
        };
        assert!(brings("bin\\help.dll", "setup\\help.dll"));
        assert!(!brings("bin\\nohelp.dll", "bin\\help.dll"));
        assert!(brings("bin\\*", "bin\\x64\\help.dll"));
        assert!(!brings("bin\\*", "binary\\help.dll"));
        assert!(brings("*", "bin\\help.dll"));
        assert!(brings("..\\a*.dll", "..\\x\\help.dll"));
        assert!(brings("a\\*", &"b\\".repeat(MAX_DEPTH + 2)), "too deep to say");
    }
}
