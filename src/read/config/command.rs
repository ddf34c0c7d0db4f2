//! Command lines in configuration: which file each of them really starts.
//!
//! `cmd /c x.cmd`, `powershell -File x.ps1` and `msiexec /i x.msi` start `x`; the link between artifacts needs that
//! name, not the name of the interpreter.

use super::document::Document;
use super::tree::NodeId;
use crate::facts::{Body, Clue, ClueKind, Folder, Hole, Location, NoteKind, Part, Phase, Reading, Step, Text};
use crate::read::script::{CommandContext, SETUP_PROGRAM, command_line, quote, spread, started};

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
            "provision" => Phase::Unknown,
            _ => Phase::Run,
        }
    }
}

/// Kinds of start that say more than how the line itself was started: what they name runs later, by itself.
const REGISTRATIONS: &[&str] =
    &["service", "scheduled-task", "task-at-start", "run-key", "run-once", "uninstall", "generalise"];

/// Kinds of start of what goes on to run.
const SERVES: &[&str] = &["service", "entrypoint"];

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
    spread(document.written(at), &site, &mut found.facts);
    let text = line.to_string();
    // Of a whole script each statement is evidence of its own.
    let is_script = text.trim_end().contains('\n');
    let quoted = quote(&text);
    let mut known = false;
    for fact in found.facts {
        match fact.body {
            // What runs as the service is the program itself, whatever its name says.
            Body::Effect(effect) if SERVES.contains(&launch.how) && effect.via == SETUP_PROGRAM => known = true,
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
    if !is_script {
        handed_on(document, reading, at, line, launch);
    }
    // A program by a bare name: no reader of scripts takes it for more than a word.
    if !known && !is_script {
        starts(document, reading, at, line, launch);
    }
}

/// Reads the lines of one step. Those for PowerShell are one script: what one sets, the next one sees.
pub(crate) fn run_all(document: &mut Document<'_>, reading: &mut Reading, lines: &[(NodeId, Text)], launch: &Launch) {
    if !launch.powershell {
        return lines.iter().for_each(|(at, line)| run(document, reading, *at, line, launch));
    }
    let Some((first, _)) = lines.first() else { return };
    let mut script = Text::new();
    for (_, line) in lines {
        script.push_text(line);
        if lines.len() > 1 {
            script.push_lit("\n");
        }
    }
    run(document, reading, *first, &script, launch);
}

/// Scripts that a script gets as arguments, to start them: `bin\ps.cmd Prepare.ps1`.
fn handed_on(document: &mut Document<'_>, reading: &mut Reading, at: NodeId, line: &Text, launch: &Launch) {
    let is_script = |word: &str| {
        let word = word.trim_matches(['"', '\'']).to_lowercase();
        [".cmd", ".bat", ".ps1", ".vbs"].iter().any(|ending| word.ends_with(ending))
    };
    for started in line.as_lit().map(started).unwrap_or_default() {
        for script in started.arguments.iter().filter(|word| is_script(&started.program) && is_script(word)) {
            let location =
                Location::file(&crate::facts::join_paths(&launch.here, &Text::lit(script.trim_matches('"'))));
            let clue = Clue::new(ClueKind::Starts, launch.how, script).at(package_path(location));
            document.clue(reading, at, clue);
        }
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
