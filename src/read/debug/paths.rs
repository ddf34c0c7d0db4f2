//! From the paths of the machine that compiled to paths that a developer can open: those of the application's own
//! source files, when they are among what is scanned.

use super::SourceLine;
use crate::discover::{Application, Artifact};
use crate::facts::Site;
use std::collections::HashMap;
use std::path::Path;

/// Source files as one artifact's debug information names them.
pub(crate) struct Sources<'a> {
    app: &'a Application,
    artifact: &'a Artifact,
    known: HashMap<String, String>,
}

impl<'a> Sources<'a> {
    /// For the debug information of an artifact.
    pub(crate) fn new(app: &'a Application, artifact: &'a Artifact) -> Self {
        Sources { app, artifact, known: HashMap::new() }
    }

    /// Puts a line into a site.
    pub(crate) fn place(&mut self, site: &mut Site, line: &SourceLine) {
        site.source_file = Some(self.shown(&line.file));
        site.source_line = Some(line.line);
    }

    /// The path that reports show.
    pub(crate) fn shown(&mut self, path: &str) -> String {
        if let Some(shown) = self.known.get(path) {
            return shown.clone();
        }
        let plain = normal(path);
        let shown = self.among_scanned(&plain).or_else(|| self.below_root(&plain)).unwrap_or(plain);
        self.known.insert(path.to_owned(), shown.clone());
        shown
    }

    /// The scanned file whose path ends like this one. A relative path is looked for from the folder of the binary
    /// upwards; of an absolute one at least the last folder has to agree, and only one file may.
    fn among_scanned(&self, path: &str) -> Option<String> {
        if !is_absolute(path) {
            let upwards = (0..8).map(|n| "../".repeat(n) + path);
            if let Some(found) = upwards.into_iter().find_map(|p| self.app.sibling(self.artifact, &p)) {
                return Some(found.path.clone());
            }
        }
        let mut best: Option<(usize, &Artifact)> = None;
        let mut ambiguous = false;
        for artifact in &self.app.artifacts {
            let common = common_suffix(&artifact.name, path);
            match best {
                _ if common < 2 => {}
                Some((most, _)) if common < most => {}
                Some((most, _)) if common == most => ambiguous = true,
                _ => {
                    best = Some((common, artifact));
                    ambiguous = false;
                }
            }
        }
        best.filter(|_| !ambiguous).map(|(_, artifact)| artifact.path.clone())
    }

    /// Below the folder that is scanned, on this very machine.
    fn below_root(&self, path: &str) -> Option<String> {
        let file = std::path::absolute(&self.artifact.file).ok()?;
        let file = normal(&file.to_string_lossy());
        let root = file.strip_suffix(&self.artifact.name)?;
        let shown_root = self.artifact.path.strip_suffix(&self.artifact.name)?;
        let rest = path.strip_prefix(root).filter(|_| Path::new(path).is_absolute() && root.len() > 1)?;
        Some(format!("{shown_root}{rest}"))
    }
}

/// Forward slashes, without `.` and what `..` takes back.
fn normal(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts.last().is_some_and(|p| !p.is_empty() && *p != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.get(1..2) == Some(":")
}

/// Number of last components that two paths share, in any case.
fn common_suffix(a: &str, b: &str) -> usize {
    a.rsplit('/').zip(b.rsplit('/')).take_while(|(x, y)| x.eq_ignore_ascii_case(y)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn artifact(name: &str) -> Artifact {
        Artifact {
            path: format!("app/{name}"),
            name: name.to_owned(),
            file: PathBuf::from(format!("/src/app/{name}")),
            ..Artifact::default()
        }
    }

    #[test]
    fn sources_are_found_among_what_is_scanned() {
        let names = ["bin/desk.exe", "src/orders/save.cpp", "src/orders/load.cpp", "tests/orders/load.cpp", "main.c"];
        let app = Application::new(names.iter().map(|n| artifact(n)).collect(), Vec::new());
        let of = artifact("bin/desk.exe");
        let mut sources = Sources::new(&app, &of);
        let cases = [
            (r"D:\a\1\s\src\orders\save.cpp", "app/src/orders/save.cpp"),
            (r"D:\a\1\s\src\orders\..\orders\LOAD.cpp", "app/src/orders/load.cpp"),
            // Two files end like this.
            (r"D:\a\orders\load.cpp", "D:/a/orders/load.cpp"),
            // Only the name agrees.
            (r"D:\other\main.c", "D:/other/main.c"),
            ("main.c", "app/main.c"),
            ("./src/orders/save.cpp", "app/src/orders/save.cpp"),
            ("/src/app/generated/x.c", "app/generated/x.c"),
            ("/usr/include/stdio.h", "/usr/include/stdio.h"),
        ];
        for (compiled, shown) in cases {
            assert_eq!(sources.shown(compiled), shown);
        }
    }
}
