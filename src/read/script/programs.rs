//! Programs that the catalogue does not know: what starting one says by its name, its ending and its arguments.

use super::call::{Caller, file};
use super::handed;
use super::installer::{self, Purpose};
use super::origins::origin_of_source;
use super::sink::{self, Sink};
use super::words::{self, Word};
use crate::catalog::commands::Shell;
use crate::facts::{Certainty, Clue, ClueKind, Operation, Store, TOOL, Text};

/// Names the starting of a program that sets up another.
pub(crate) const SETUP_PROGRAM: &str = "setup program";

/// A program that the catalogue does not know.
pub(super) fn start(program: &Text, arguments: &[Word], caller: Caller<'_>, sink: &mut Sink<'_>) {
    let name = words::base_name(program).trim_matches('"').to_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, e)| e);
    let location = file(program, caller.here);
    let start = |how: &str| Clue::new(ClueKind::Starts, how, sink::quote(caller.source)).at(location.clone());
    let purpose = match extension {
        "msi" | "msu" | "msp" | "exe" => installer::purpose(&name, extension, &location, arguments),
        _ => Purpose::Runs,
    };
    match (purpose, extension) {
        (Purpose::Asks, _) => {}
        (Purpose::Removes, _) => sink.clue(caller.site, start("uninstall")),
        (Purpose::Installs { by_name }, _) => {
            let store = if extension == "msi" || extension == "exe" { Store::Package } else { Store::Patch };
            let via = if extension == "exe" { SETUP_PROGRAM } else { "msiexec" };
            // What the package brings or a setting names is installed again by the same step.
            let mut effect = caller.effect(Operation::Install, store, location.clone(), via);
            if !by_name {
                effect.certainty = effect.certainty.min(Certainty::Likely);
            }
            sink.effect(caller.site, effect.of_origin(origin_of_source(program)));
            installer::set_up(&name, arguments, caller, sink);
            sink.clue(caller.site, start(if extension == "msi" { "msiexec" } else { "run" }));
        }
        (_, "reg") => sink.clue(caller.site, start("reg import")),
        (_, "cmd" | "bat") => {
            sink.clue(caller.site, start("call"));
            handed::arguments(&location, arguments, caller, sink);
        }
        (_, "vbs" | "js" | "wsf" | "ps1" | "jar" | "py" | "hta") => {
            sink.clue(caller.site, start("script"));
            handed::arguments(&location, arguments, caller, sink);
        }
        (_, "exe" | "com" | "dll" | "application") => sink.clue(caller.site, start("run")),
        // cmd tries the extensions of programs and scripts for a name without one.
        _ if !name.contains('.') && (program.to_string().contains('\\') || is_bare(&name, caller.shell)) => {
            sink.clue(caller.site, start("run"));
            handed::arguments(&location, arguments, caller, sink);
        }
        _ => {}
    }
}

/// A program that the catalogue knows and that an application brings along.
pub(super) fn tool(program: &Text, caller: Caller<'_>, sink: &mut Sink<'_>) {
    // A variable that holds it may lead anywhere.
    if program.trailing_lit().is_empty() {
        return;
    }
    let mut path = program.clone();
    if !words::base_name(program).contains('.') {
        path.push_lit(".exe");
    }
    sink.clue(caller.site, Clue::new(ClueKind::Starts, TOOL, sink::quote(caller.source)).at(file(&path, caller.here)));
}

/// A name that cmd looks for in the current folder before it searches the path.
fn is_bare(name: &str, shell: Shell) -> bool {
    shell == Shell::Batch && !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}
