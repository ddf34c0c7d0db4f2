//! Programs and libraries that only the setup uses itself, and does not install.

use super::Entry;
use crate::facts::{Clue, ClueKind, Folder, Location, PLUG_IN, Site, Text, join_paths};
use crate::read::script::sink::Sink;
use crate::read::script::words;

/// Files of the setup alone (Inno Setup documentation, "[Files] section": `dontcopy`), and those that it installs.
#[derive(Default)]
pub(super) struct PlugIns {
    kept: Vec<(Site, Text)>,
    installed: Vec<String>,
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
            false => self.installed.push(source.to_string().to_lowercase()),
        }
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
            if !is_program || self.installed.iter().any(|installed| brings(installed, &path)) {
                continue;
            }
            let location = Location::file(&join_paths(&Text::folder(Folder::AppDir), source));
            sink.clue(site, Clue::new(ClueKind::Starts, PLUG_IN, source.to_string()).at(location));
        }
    }
}

/// May the source of another entry be the same file, or hold it?
fn brings(installed: &str, path: &str) -> bool {
    let name = words::base_name(&Text::lit(path)).to_owned();
    match installed.find(['*', '?', '{']) {
        Some(at) => installed[..at].rsplit_once('\\').is_none_or(|(folder, _)| path.starts_with(folder)),
        None => installed.ends_with(&name),
    }
}
