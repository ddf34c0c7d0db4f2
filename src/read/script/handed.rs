//! What a script hands to another that it starts: arguments, the variables that it has set, its current folder.
//!
//! Only what scripts are given is told: programs have their own ways to read a command line.

use super::call::Caller;
use super::sink::Sink;
use super::words::{self, Word};
use crate::facts::{Body, Clue, ClueKind, Folder, Hole, Location, Part, Source, Text};
use crate::read::connection::is_secret;

/// Most arguments of one start, and most variables.
const MAX_GIFTS: usize = 24;
/// Longest value that may be a path or a part of one.
const MAX_VALUE: usize = 512;

/// Extensions of what reads its arguments as a script does, and whether it has named parameters.
const SCRIPTS: &[(&str, bool)] =
    &[("cmd", false), ("bat", false), ("ps1", true), ("vbs", false), ("js", false), ("wsf", false), ("", false)];

/// Kinds of start that are registrations: what runs later has the surroundings of who starts it then.
const LATER: &[&str] = &["service", "scheduled-task", "task-at-start", "run-key", "run-once", "uninstall"];

/// Does the script with this extension take arguments, and by name?
fn script(extension: &str) -> Option<bool> {
    SCRIPTS.iter().find(|(e, _)| *e == extension).map(|(_, named)| *named)
}

/// Scripts that call one another go on only so far.
pub(super) const NOT_FOLLOWED: &str =
    "scripts call one another in a circle, too deeply or too often: what the rest of them set is not followed";

/// The path, from the folder of a script, of another that it names from there or from the current folder.
pub(super) fn beside(script_at: &Location) -> Option<String> {
    match script_at.text().parts() {
        [Part::Hole(Hole::Folder(Folder::AppDir | Folder::Cwd)), Part::Lit(below)] => {
            Some(below.trim_start_matches('\\').to_owned())
        }
        _ => None,
    }
}

/// The arguments of a script that is started.
pub(super) fn arguments(script_at: &Location, words: &[Word], caller: Caller<'_>, sink: &mut Sink<'_>) {
    for clue in of_words(script_at, words) {
        sink.clue(caller.site, clue);
    }
}

/// What the words behind the name of a script are to it.
pub(super) fn of_words(script_at: &Location, arguments: &[Word]) -> Vec<Clue> {
    let mut gifts = Vec::new();
    let Some(named) = script(&script_at.extension().unwrap_or_default()) else { return gifts };
    let mut number = 0;
    let mut pending: Option<String> = None;
    for word in arguments.iter().take(MAX_GIFTS) {
        let lead = word.raw.leading_lit();
        if matches!(word.text.as_hole(), Some(Hole::From(Source::Arg, name)) if name == "*") {
            // How many they are is the starter's secret: nothing behind them has a number.
            gifts.extend(gift("arg/*", &word.text));
            return gifts;
        }
        if named && lead.starts_with('-') && lead[1..].starts_with(char::is_alphabetic) {
            let name = lead[1..].split(':').next().unwrap_or_default().to_lowercase();
            let value = words::drop_front(&word.text, name.len() + 2);
            if value.is_empty() {
                pending = Some(name);
            } else {
                gifts.extend(gift(&format!("arg/{name}"), &value));
            }
            continue;
        }
        if let Some(name) = pending.take() {
            gifts.extend(gift(&format!("arg/{name}"), &word.text));
            continue;
        }
        number += 1;
        gifts.extend(gift(&format!("arg/{number}"), &word.text));
        // `WScript.Arguments.Named`
        if !named
            && lead.starts_with('/')
            && let Some((name, _)) = lead[1..].split_once(':')
        {
            let value = words::drop_front(&word.text, name.len() + 2);
            gifts.extend(gift(&format!("arg/{}", name.to_lowercase()), &value));
        }
    }
    gifts
}

/// The variables and the folder that a script has set, for the scripts that it has started since its `first` fact.
pub(super) fn surroundings(
    first: usize,
    variables: impl Iterator<Item = (String, Text)>,
    caller: Caller<'_>,
    sink: &mut Sink<'_>,
) {
    let starts_script = |body: &Body| match body {
        Body::Clue(clue) => {
            clue.kind == ClueKind::Starts
                && !LATER.contains(&clue.key.as_str())
                && clue.location.as_ref().is_some_and(|l| script(&l.extension().unwrap_or_default()).is_some())
        }
        Body::Effect(_) => false,
    };
    if !sink.reading.facts.iter().skip(first).any(|fact| starts_script(&fact.body)) {
        return;
    }
    for (name, value) in variables.filter(|(_, value)| !value.is_empty()).take(MAX_GIFTS) {
        give(&format!("env/{name}"), &value, caller, sink);
    }
    // Where the script itself was started, what it starts is too.
    let moved = !matches!(caller.here.parts(), [Part::Hole(Hole::Folder(Folder::Cwd))]);
    if moved && !caller.here.is_unknown() {
        give("cwd", caller.here, caller, sink);
    }
}

fn give(key: &str, value: &Text, caller: Caller<'_>, sink: &mut Sink<'_>) {
    if let Some(clue) = gift(key, value) {
        sink.clue(caller.site, clue);
    }
}

fn gift(key: &str, value: &Text) -> Option<Clue> {
    let shown = value.to_string();
    let known = shown.len() <= MAX_VALUE && !value.is_unknown() && !is_secret(key);
    known.then(|| Clue::new(ClueKind::Given, key, shown).at(Location::named(value.clone())))
}
