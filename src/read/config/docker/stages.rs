//! The stages of a Dockerfile, and what each knows while its instructions are carried out.

use crate::discover::is_windows_image;
use crate::facts::{Folder, Location, Text};
use crate::read::config::tree::{NodeId, ROOT, Tree};
use std::collections::HashMap;

/// From one `FROM` to the next.
pub(super) struct Stage {
    /// Its instructions, `FROM` left out.
    pub(super) instructions: Vec<NodeId>,
    /// The account that its image begins with, where that is known to be another than most have.
    pub(super) user: Option<&'static str>,
    /// The stage that it starts from, if that is one of this file.
    pub(super) parent: Option<usize>,
    /// It is the image that the file makes, or one that this image starts from.
    pub(super) ships: bool,
}

/// Divides a file. Instructions before the first `FROM` are arguments, which every stage sees.
pub(super) fn stages(tree: &Tree) -> (Vec<NodeId>, Vec<Stage>) {
    let mut global = Vec::new();
    let mut stages: Vec<Stage> = Vec::new();
    let mut names: HashMap<String, usize> = HashMap::new();
    for instruction in tree.elements(ROOT) {
        if tree.name(instruction) == "FROM" {
            let words: Vec<&str> =
                tree.value(instruction).split_whitespace().filter(|w| !w.starts_with("--")).collect();
            let parent = words.first().and_then(|image| names.get(&image.to_lowercase()).copied());
            if let [_, keyword, name, ..] = words.as_slice()
                && keyword.eq_ignore_ascii_case("as")
            {
                names.insert(name.to_lowercase(), stages.len());
            }
            // MS documentation, "Secure Windows containers": Nano Server begins with the account without rights.
            let is_nano = words.first().is_some_and(|image| image.to_lowercase().contains("nanoserver"));
            let user = (parent.is_none() && is_nano).then_some("containeruser");
            stages.push(Stage { instructions: Vec::new(), user, parent, ships: false });
        } else if let Some(stage) = stages.last_mut() {
            stage.instructions.push(instruction);
        } else {
            global.push(instruction);
        }
    }
    // A parent always stands before its child.
    let mut at = stages.len().checked_sub(1);
    while let Some(i) = at {
        stages[i].ships = true;
        at = stages[i].parent;
    }
    (global, stages)
}

/// Is it an image of Windows? The commands of others are not for the shells that are read here.
pub(super) fn is_windows(tree: &Tree) -> bool {
    tree.elements(ROOT).any(|instruction| {
        let value = tree.value(instruction).to_lowercase();
        match tree.name(instruction) {
            "FROM" => is_windows_image(&value),
            "SHELL" => value.contains("powershell") || value.contains("cmd"),
            // On other systems PowerShell has another name.
            "RUN" | "CMD" | "ENTRYPOINT" if is_shell_of_windows(&value) => true,
            // A shell of other systems has no such variables.
            "RUN" if value.contains("$env:") && !value.contains("pwsh") => true,
            "WORKDIR" | "VOLUME" | "COPY" | "ADD" | "ENV" | "RUN" | "ENTRYPOINT" => has_drive(&value),
            _ => false,
        }
    })
}

/// Does a line in lower case begin with a shell that only Windows has by this name?
fn is_shell_of_windows(line: &str) -> bool {
    let mut words = line.split([' ', '\t', '[', '"', ',']).filter(|word| !word.is_empty() && !word.starts_with("--"));
    let program = words.next().unwrap_or_default();
    ["powershell", "cmd"].contains(&program.strip_suffix(".exe").unwrap_or(program))
}

/// `c:\x` or `c:/x`, at the start of a word.
pub(crate) fn has_drive(value: &str) -> bool {
    let bytes = value.as_bytes();
    (0..bytes.len().saturating_sub(2)).any(|i| {
        bytes[i].is_ascii_alphabetic()
            && bytes[i + 1] == b':'
            && matches!(bytes[i + 2], b'\\' | b'/')
            && !i.checked_sub(1).is_some_and(|b| bytes[b].is_ascii_alphanumeric())
    })
}

/// Without a `SHELL` of its own, a file takes over that of its image. A command that uses variables of PowerShell is
/// written for that shell.
pub(super) fn speaks_powershell(tree: &Tree) -> bool {
    let shell = tree.elements(ROOT).any(|at| tree.name(at) == "SHELL");
    let line = |at: NodeId| {
        matches!(tree.name(at), "RUN" | "CMD" | "ENTRYPOINT")
            && !tree.value(at).trim_start().starts_with('[')
            && tree.value(at).to_lowercase().contains("$env:")
            && !tree.value(at).to_lowercase().contains("powershell")
    };
    !shell && tree.elements(ROOT).any(line)
}

/// What holds after some instructions of a stage.
#[derive(Clone)]
pub(super) struct State {
    /// The first instruction of the stage.
    pub(super) first: NodeId,
    /// The folder that relative paths and commands start from.
    pub(super) work_dir: Location,
    /// Environment variables and arguments, in order.
    pub(super) variables: Vec<(String, Text)>,
    /// The shell of commands that are no list of words is PowerShell.
    pub(super) powershell: bool,
    /// The account of `USER`, in lower case. Most images of Windows begin with this one (MS documentation, "Secure Windows
    /// containers").
    pub(super) user: String,
    /// `ENTRYPOINT` and `CMD` in effect, with the shell that they were written under.
    pub(super) entry: Option<(NodeId, bool)>,
    pub(super) command: Option<(NodeId, bool)>,
}

impl State {
    pub(super) fn new() -> Self {
        State {
            first: ROOT,
            work_dir: Location::named(Text::folder(Folder::Cwd)),
            variables: Vec::new(),
            powershell: false,
            user: "containeradministrator".to_owned(),
            entry: None,
            command: None,
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Text) {
        self.variables.retain(|(n, _)| n != name);
        self.variables.push((name.to_owned(), value));
    }

    /// Replaces `$NAME`, `${NAME}` and `${NAME:-default}` as the builder does outside `RUN`.
    pub(super) fn substitute(&self, value: &str) -> Text {
        let mut out = Text::new();
        let mut rest = value;
        while let Some(at) = rest.find('$') {
            out.push_lit(&rest[..at]);
            let tail = &rest[at + 1..];
            let (name, after) = match tail.strip_prefix('{') {
                Some(inner) => inner.split_once('}').unwrap_or((inner, "")),
                None => {
                    let end = tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(tail.len());
                    tail.split_at(end)
                }
            };
            let (name, default) = name.split_once(":-").map_or((name, None), |(n, d)| (n, Some(d)));
            match self.variables.iter().find(|(n, _)| n == name) {
                Some((_, value)) => out.push_text(value),
                None if name.is_empty() => out.push_lit("$"),
                None => out.push_text(&default.map_or_else(Text::unknown, Text::lit)),
            }
            rest = after;
        }
        out.push_lit(rest);
        out
    }

    /// The folder of a command.
    pub(super) fn here(&self) -> Text {
        match self.work_dir.text().as_hole() {
            Some(_) => Text::folder(Folder::AppDir),
            None => self.work_dir.text().clone(),
        }
    }

    /// A path from the folder in effect.
    pub(super) fn path(&self, path: &Text) -> Location {
        let location = Location::file(path);
        // `COPY . .`
        if location.text().is_empty() {
            return self.work_dir.clone();
        }
        if location.is_relative() { self.work_dir.child(location.text()) } else { location }
    }
}
