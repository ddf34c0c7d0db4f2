//! Dockerfiles: what is baked by `RUN`, what the container starts, and which folders are volumes.
//!
//! Follows docs.docker.com, "Dockerfile reference": the last stage is the image, with the stages that it starts from;
//! of any other stage only what `COPY --from` fetches gets into it.

mod parse;
mod stages;

use super::command::{Launch, run};
use super::document::Document;
use super::tree::{NodeId, ROOT};
use crate::facts::{Body, Clue, ClueKind, Operation, Phase, Place, Reading, Store, Text, Trait};
use crate::read::text::filled_in_later;
pub(crate) use parse::parse;
pub(crate) use stages::has_drive;
use stages::{State, is_windows, speaks_powershell, stages};

/// Says what the instructions do.
pub(crate) fn read(document: &mut Document<'_>, reading: &mut Reading) {
    reading.format = "dockerfile".to_owned();
    let windows = is_windows(&document.tree);
    let (global, stages) = stages(&document.tree);
    let mut arguments = State::new();
    arguments.powershell = windows && speaks_powershell(&document.tree);
    for at in global {
        argument(document, at, &mut arguments);
    }
    let mut states: Vec<State> = Vec::new();
    // Where the facts of each step begin, and as whom it was done.
    let mut steps: Vec<(usize, String)> = Vec::new();
    for stage in stages {
        let mut state = stage.parent.and_then(|p| states.get(p)).unwrap_or(&arguments).clone();
        if let Some(user) = stage.user {
            state.user = user.to_owned();
        }
        state.first = stage.instructions.first().copied().unwrap_or(ROOT);
        for at in stage.instructions {
            steps.push((reading.facts.len(), state.user.clone()));
            instruction(document, reading, at, &mut state, stage.ships, windows);
        }
        states.push(state);
    }
    if let Some(last) = states.last() {
        left_by_others(reading, &steps, &last.user);
        entry_point(document, reading, last, windows);
    }
}

/// Docker documentation, "USER": the account of the steps that follow, and of the container. What a step did as another one is
/// in the profile of that.
fn left_by_others(reading: &mut Reading, steps: &[(usize, String)], runs: &str) {
    let ends = steps.iter().skip(1).map(|(begin, _)| *begin).chain([reading.facts.len()]);
    let ranges: Vec<_> = steps.iter().zip(ends).filter(|((_, user), _)| user != runs).collect();
    for ((begin, _), end) in ranges {
        for fact in reading.facts.get_mut(*begin..end).unwrap_or_default() {
            let Body::Effect(effect) = &mut fact.body else { continue };
            let place = match effect.store {
                Store::Registry => effect.location.registry_place(),
                _ => effect.location.file_place(),
            };
            if effect.phase == Phase::Build && matches!(place, Place::Hkcu | Place::UserProfile) {
                effect.mark(Trait::OtherAccount);
            }
        }
    }
}

fn instruction(
    document: &mut Document<'_>,
    reading: &mut Reading,
    at: NodeId,
    state: &mut State,
    ships: bool,
    windows: bool,
) {
    let keyword = document.tree.name(at).to_owned();
    let value = document.tree.value(at).to_owned();
    match keyword.as_str() {
        "USER" => state.user = value.trim().trim_matches('"').to_lowercase(),
        "WORKDIR" => state.work_dir = state.path(&state.substitute(value.trim_matches('"'))),
        "SHELL" => {
            let shell = value.to_lowercase();
            state.powershell = shell.contains("powershell") || shell.contains("pwsh");
        }
        "ARG" => argument(document, at, state),
        "ENV" => {
            for (name, value) in pairs(&value) {
                let value = state.substitute(&value);
                if ships {
                    document.named_value_clue(reading, at, &format!("env/{name}"), &value.to_string());
                }
                state.set(&name, value);
            }
        }
        "RUN" if windows => build_step(document, reading, at, state, ships),
        "ENTRYPOINT" => {
            state.entry = Some((at, state.powershell));
            // What the image below would run is not an argument of this entry point.
            state.command = state.command.filter(|(command, _)| *command >= state.first);
        }
        "CMD" => state.command = Some((at, state.powershell)),
        "HEALTHCHECK" if ships && windows => {
            if let Some((_, command)) = value.split_once("CMD ") {
                let launch = launch(state, "health-check", "the health check of the image", command.trim());
                let first = reading.facts.len();
                run(document, reading, at, &command_line(command.trim()), &launch);
                only_asks(reading, first);
            }
        }
        "VOLUME" if ships => {
            for path in words(&value) {
                // A volume without a mount is an anonymous one: it ends with its container's host.
                let location = state.path(&state.substitute(&path));
                document.clue(reading, at, Clue::new(ClueKind::Disk, "docker-volume", "anonymous").at(location));
            }
        }
        "COPY" | "ADD" if ships => {
            let list: Vec<String> = words(&value);
            let from_context = !value.contains("--from=");
            let list: Vec<&String> = list.iter().filter(|word| !word.starts_with("--")).collect();
            let Some((target, sources)) = list.split_last() else { return };
            let location = state.path(&state.substitute(target));
            let into = target.ends_with(['/', '\\', '.']) || sources.len() > 1;
            for source in sources {
                // What another stage made is no file of the application.
                let key = if from_context { "docker-copy" } else { "docker-stage" };
                let input = document.input;
                let file = input.app.sibling(input.artifact, source).filter(|_| into && from_context);
                let at_last = file.map_or(location.clone(), |file| location.child(&Text::lit(file.file_name())));
                document.clue(reading, at, Clue::new(ClueKind::Ships, key, source.as_str()).at(at_last));
            }
        }
        _ => {}
    }
}

/// A health check asks a database for an answer; it keeps nothing there.
fn only_asks(reading: &mut Reading, first: usize) {
    for fact in reading.facts.iter_mut().skip(first) {
        if let Body::Effect(effect) = &mut fact.body
            && effect.store == Store::Database
        {
            effect.operation = Operation::Read;
        }
    }
}

/// A command of the build. What it does in a stage that does not become the image is left behind there.
fn build_step(document: &mut Document<'_>, reading: &mut Reading, at: NodeId, state: &State, ships: bool) {
    let value = document.tree.value(at).to_owned();
    let mut command = value.trim();
    while command.starts_with("--") {
        command = command.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim_start());
    }
    let why = "RUN: carried out when the image is built";
    let before = reading.facts.len();
    run(document, reading, at, &command_line(command), &launch(state, "image-build", why, command));
    if ships {
        return;
    }
    for fact in &mut reading.facts[before..] {
        if let Body::Effect(effect) = &mut fact.body {
            effect.phase = Phase::NotShipped;
            "a stage that does not become the image".clone_into(&mut effect.phase_evidence);
        }
    }
}

/// `ENTRYPOINT` with `CMD` as its arguments, or `CMD` alone.
fn entry_point(document: &mut Document<'_>, reading: &mut Reading, state: &State, windows: bool) {
    let Some((at, powershell)) = state.entry.or(state.command) else { return };
    let value = document.tree.value(at).to_owned();
    let mut line = command_line(&value);
    // With an entry point in the form of a shell, CMD is ignored.
    if let (true, Some((command, _))) = (state.entry.is_some() && value.starts_with('['), state.command) {
        line.push_lit(" ");
        line.push_text(&command_line(document.tree.value(command)));
    }
    let mut launch = launch(state, "entrypoint", "the entry point of the image", &value);
    launch.powershell &= powershell;
    if windows {
        run(document, reading, at, &line, &launch);
    } else {
        super::command::starts(document, reading, at, &line, &launch);
    }
    if state.work_dir.text().as_hole().is_none() {
        document.given(reading, at, "cwd", &launch.here);
    }
}

/// A list of words is started as it is; anything else is a line for the shell.
fn launch(state: &State, how: &'static str, why: &str, command: &str) -> Launch {
    let mut launch = Launch::new(how, why, state.here());
    launch.variables.clone_from(&state.variables);
    launch.powershell = state.powershell && !command.starts_with('[');
    launch
}

/// `["program", "argument"]` as a command line, or the shell form as it is.
fn command_line(value: &str) -> Text {
    if !value.starts_with('[') {
        return filled_in_later(value);
    }
    let (tree, _) = super::json::parse(value);
    let quoted = |word: &str| if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() };
    Text::lit(tree.elements(ROOT).map(|w| quoted(tree.value(w))).collect::<Vec<_>>().join(" "))
}

/// `ARG NAME=default`; without a default only the build knows the value.
fn argument(document: &Document<'_>, at: NodeId, state: &mut State) {
    for word in words(document.tree.value(at)) {
        match word.split_once('=') {
            Some((name, value)) => state.set(name, state.substitute(value.trim_matches('"'))),
            // Declared again inside a stage, it keeps what it had outside.
            None if state.variables.iter().any(|(n, _)| *n == word) => {}
            None => state.set(&word, Text::unknown()),
        }
    }
}

/// Words of the JSON form or of the shell form, switches left out.
fn words(value: &str) -> Vec<String> {
    if value.starts_with('[') {
        let (tree, _) = super::json::parse(value);
        return tree.elements(ROOT).map(|w| tree.value(w).to_owned()).collect();
    }
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in value.chars().chain([' ']) {
        match c {
            '"' | '\'' if quote.is_none() => quote = Some(c),
            c if quote == Some(c) => quote = None,
            c if c.is_whitespace() && quote.is_none() => {
                if !word.is_empty() && !word.starts_with("--") {
                    words.push(std::mem::take(&mut word));
                }
                word.clear();
            }
            c => word.push(c),
        }
    }
    words
}

/// `NAME=value NAME="value"`, or the old form `NAME value`.
fn pairs(value: &str) -> Vec<(String, String)> {
    if value.split_whitespace().next().is_some_and(|w| w.contains('=')) {
        return words(value)
            .iter()
            .filter_map(|w| w.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
    }
    value.split_once(char::is_whitespace).map(|(k, v)| (k.to_owned(), v.trim().to_owned())).into_iter().collect()
}
