//! Command lines in configuration: which file each of them really starts.
//!
//! `cmd /c x.cmd`, `powershell -File x.ps1` and `msiexec /i x.msi` start `x`; the link between artifacts needs that
//! name, not the name of the interpreter.

use super::document::Document;
use super::tree::NodeId;
use crate::facts::{Body, Clue, ClueKind, Folder, Hole, Location, NoteKind, Part, Phase, Reading, Step, Text};
use crate::read::script::{CommandContext, command_line, quote};

/// Most commands of one command line.
const MAX_COMMANDS: usize = 64;

/// Most command lines of one document that are read.
const MAX_LINES: usize = 1_000;

/// How a command line comes to run.
#[derive(Clone)]
pub(crate) struct Launch {
    /// The kind of start that the phase of what it starts follows from.
    pub(crate) how: &'static str,
    /// Evidence of the phase.
    pub(crate) why: String,
    /// Its current folder.
    pub(crate) here: Text,
    /// Environment variables that the description gives it.
    pub(crate) variables: Vec<(String, Text)>,
    /// PowerShell reads it, not cmd.
    pub(crate) powershell: bool,
}

impl Launch {
    /// A line for cmd, or one that a program gets as it is.
    pub(crate) fn new(how: &'static str, why: impl Into<String>, here: Text) -> Self {
        Launch { how, why: why.into(), here, variables: Vec::new(), powershell: false }
    }

    fn phase(&self) -> Phase {
        match self.how {
            "image-build" => Phase::Build,
            "first-boot" => Phase::FirstBoot,
            "startup-task" | "entrypoint-setup" => Phase::Startup,
            _ => Phase::Run,
        }
    }
}

/// Kinds of start that say more than how the line itself was started: what they name runs later, by itself.
const REGISTRATIONS: &[&str] = &["service", "scheduled-task", "run-key", "run-once", "uninstall"];

/// Reads a command line as its shell would: what it does, and what it starts.
pub(crate) fn run(document: &mut Document<'_>, reading: &mut Reading, at: NodeId, line: &Text, launch: &Launch) {
    if !document.is_own(at) || line.is_empty() {
        return;
    }
    document.lines += 1;
    if document.lines > MAX_LINES {
        if document.lines == MAX_LINES + 1 {
            reading.note(NoteKind::Capped, "more command lines than the cap for one document; the rest was not read");
        }
        return;
    }
    let site = document.site(at);
    let context = CommandContext {
        site: site.clone(),
        here: launch.here.clone(),
        phase: Some((launch.phase(), &launch.why)),
        variables: &launch.variables,
        powershell: launch.powershell,
    };
    let mut found = Reading::default();
    command_line(line, &context, &mut found);
    let text = line.to_string();
    // Of a whole script each statement is evidence of its own.
    let is_script = text.trim_end().contains('\n');
    let quoted = quote(&text);
    let mut known = false;
    for fact in found.facts {
        match fact.body {
            Body::Effect(mut effect) => {
                known = true;
                if !is_script {
                    // What the shell reads may be only a part of the line, with its variables replaced.
                    effect.evidence.retain(|step| step.text != quoted);
                    effect.evidence.insert(0, Step::at(quoted.clone(), site.clone()));
                }
                reading.effect(fact.site, effect);
            }
            Body::Clue(mut clue) => {
                if clue.kind == ClueKind::Starts {
                    known = true;
                    if !REGISTRATIONS.contains(&clue.key.as_str()) {
                        launch.how.clone_into(&mut clue.key);
                    }
                    clue.location = clue.location.map(package_path);
                }
                document.clue(reading, at, clue);
            }
        }
    }
    reading.notes.extend(found.notes);
    // A program by a bare name: no reader of scripts takes it for more than a word.
    if !known && !is_script {
        starts(document, reading, at, line, launch);
    }
}

/// Says only what a command line starts, by the words in it.
pub(crate) fn starts(document: &mut Document<'_>, reading: &mut Reading, at: NodeId, line: &Text, launch: &Launch) {
    for program in line.as_lit().map(started).unwrap_or_default().into_iter().map(|started| started.program) {
        let location = Location::file(&crate::facts::join_paths(&launch.here, &Text::lit(&program)));
        document.clue(reading, at, Clue::new(ClueKind::Starts, launch.how, &program).at(package_path(location)));
    }
}

/// What stands in the folder of a deployed role stands in the package beside the description.
fn package_path(location: Location) -> Location {
    match location.text().parts() {
        [Part::Hole(Hole::Folder(Folder::RoleRoot)), Part::Lit(rest)] => {
            let rest = rest.strip_prefix("\\approot").unwrap_or(rest);
            let rest = rest.strip_prefix("\\bin").unwrap_or(rest);
            Location::file(&Text::folder(Folder::AppDir).concat(&Text::lit(rest)))
        }
        _ => location,
    }
}

/// A file that a command line starts, and the words behind its name.
pub(crate) struct Started {
    pub(crate) program: String,
    pub(crate) arguments: Vec<String>,
}

/// What a command line starts, in order.
pub(crate) fn started(line: &str) -> Vec<Started> {
    commands(line).iter().take(MAX_COMMANDS).filter_map(|words| of_words(words)).collect()
}

/// The words of each command: `&`, `&&`, `||`, `|` and `;` separate commands, redirections are left out.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word = String::new();
    let mut quoted = false;
    let mut skip = false;
    let end = |word: &mut String, skip: &mut bool, commands: &mut Vec<Vec<String>>| {
        if !word.is_empty() {
            let word = std::mem::take(word);
            if !std::mem::take(skip)
                && let Some(last) = commands.last_mut()
            {
                last.push(word);
            }
        }
    };
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            // `2>&1` joins two handles.
            '&' if !quoted && skip && word.is_empty() => {}
            '&' | '|' | ';' if !quoted => {
                end(&mut word, &mut skip, &mut commands);
                skip = false;
                commands.push(Vec::new());
            }
            // What follows is a file, and `2` before it a handle.
            '>' | '<' if !quoted => {
                if word.chars().all(|c| c.is_ascii_digit()) {
                    word.clear();
                }
                end(&mut word, &mut skip, &mut commands);
                skip = true;
            }
            c if c.is_whitespace() && !quoted => end(&mut word, &mut skip, &mut commands),
            c => word.push(c),
        }
    }
    end(&mut word, &mut skip, &mut commands);
    commands
}

/// What one command starts.
fn of_words(words: &[String]) -> Option<Started> {
    let (first, rest) = words.split_first()?;
    let name = first.rsplit(['\\', '/']).next().unwrap_or(first).to_lowercase();
    let after = |switches: &[&str]| {
        let at = rest.iter().position(|w| switches.iter().any(|s| w.eq_ignore_ascii_case(s)))?;
        (at + 1 < rest.len()).then_some(at + 1)
    };
    let plain = || rest.iter().position(|w| !w.starts_with(['/', '-']));
    let inner = match name.trim_end_matches(".exe") {
        "cmd" => {
            return match rest.get(after(&["/c", "/k"])?..)? {
                // A quoted command is one word here.
                [line] => of_words(commands(line).first()?),
                words => of_words(words),
            };
        }
        "call" | "start" => return of_words(rest),
        "powershell" | "pwsh" => {
            after(&["-file", "-f"]).or_else(|| rest.iter().position(|w| w.to_lowercase().ends_with(".ps1")))
        }
        "cscript" | "wscript" | "mshta" | "rundll32" => plain(),
        "msiexec" => after(&["/i", "/package", "-i"]),
        "regedit" | "regedt32" => plain(),
        "dotnet" | "java" | "python" | "node" | "php" => plain(),
        _ => None,
    };
    let (program, arguments) = match inner {
        Some(at) => (rest.get(at)?, rest.get(at + 1..).unwrap_or_default()),
        None => (first, rest),
    };
    Some(Started { program: program.trim_matches('\'').to_owned(), arguments: without_apostrophes(arguments) })
}

/// Words as PowerShell divides them, which holds them together with apostrophes too.
fn without_apostrophes(words: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open = false;
    for word in words {
        match out.last_mut().filter(|_| open) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => out.push(word.clone()),
        }
        open = out.last().is_some_and(|w| w.starts_with('\'') && (w.len() == 1 || !w.ends_with('\'')));
    }
    let whole = |w: String| match w.strip_prefix('\'').and_then(|w| w.strip_suffix('\'')) {
        Some(inner) => inner.to_owned(),
        None => w,
    };
    out.into_iter().map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_are_looked_through() {
        for (line, expected) in [
            ("setup.cmd > log.txt 2>&1", &["setup.cmd"][..]),
            ("\"my setup.cmd\" /q", &["my setup.cmd"]),
            ("cmd.exe /c start\\a.cmd arg", &["start\\a.cmd"]),
            ("cmd /c \"call b.cmd\"", &["b.cmd"]),
            ("powershell -ExecutionPolicy Unrestricted -File .\\c.ps1 -X 1", &[".\\c.ps1"]),
            ("powershell -Command \"& '.\\d.ps1'\"", &["powershell"]),
            ("msiexec /quiet /i e.msi", &["e.msi"]),
            ("mkdir x && g.exe", &["mkdir", "g.exe"]),
            ("dotnet Desk.dll --urls x", &["Desk.dll"]),
            ("", &[]),
        ] {
            let programs: Vec<String> = started(line).into_iter().map(|started| started.program).collect();
            assert_eq!(programs, expected, "{line}");
        }
    }
}
