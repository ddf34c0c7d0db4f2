//! Dockerfiles: what is baked by `RUN`, what the container starts, and which folders are volumes.

use super::command::starts;
use super::document::Document;
use super::tree::{ROOT, Role, Tree};
use super::xml::Break;
use crate::facts::{Clue, ClueKind, Folder, Location, Reading, Text};

/// Most instructions that are read.
const MAX_INSTRUCTIONS: usize = 10_000;

/// Reads instructions: each is a member named by its keyword, in lines that a backslash or backtick continues.
pub(crate) fn parse(text: &str) -> (Tree, Option<Break>) {
    let mut tree = Tree::new();
    let escape = escape_character(text);
    let mut pending: Option<(usize, String)> = None;
    let mut offset = 0;
    let mut count = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let trimmed = line.trim();
        // Comments and empty lines inside a continued instruction are skipped, not part of it.
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let at = start + line.len() - line.trim_start().len();
        let (at, mut logical) = pending.take().unwrap_or((at, String::new()));
        match trimmed.strip_suffix(escape) {
            Some(head) if logical.len() < super::tree::MAX_VALUE => {
                logical.push_str(head.trim_end());
                logical.push(' ');
                pending = Some((at, logical));
            }
            _ => {
                logical.push_str(trimmed);
                instruction(&mut tree, &logical, at);
                count += 1;
                if count >= MAX_INSTRUCTIONS {
                    return (tree, Some(Break { offset: at, reason: "more instructions than the cap".to_owned() }));
                }
            }
        }
    }
    if let Some((at, logical)) = pending {
        instruction(&mut tree, &logical, at);
    }
    (tree, None)
}

/// `# escape=` in the first lines: Windows images use the backtick.
fn escape_character(text: &str) -> char {
    text.lines()
        .take_while(|line| line.trim_start().starts_with('#'))
        .find_map(|line| line.trim_start_matches(['#', ' ']).strip_prefix("escape=")?.trim().chars().next())
        .unwrap_or('\\')
}

fn instruction(tree: &mut Tree, text: &str, at: usize) {
    let (keyword, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    tree.add_value(ROOT, Role::Member, &keyword.to_uppercase(), rest.trim(), at);
}

/// Says what the instructions do.
pub(crate) fn read(document: &mut Document<'_>, reading: &mut Reading) {
    reading.format = "dockerfile".to_owned();
    let tree = &document.tree;
    let instructions: Vec<_> = tree.elements(ROOT).collect();
    // Only the last stage becomes the image; what earlier stages start is never started.
    let last_stage = instructions.iter().rposition(|&i| tree.name(i) == "FROM").unwrap_or(0);
    let last = |keyword: &str| instructions.iter().copied().rfind(|&i| tree.name(i) == keyword);
    let (entry, command) = (last("ENTRYPOINT"), last("CMD"));
    let mut work_dir = Location::named(Text::folder(Folder::Cwd));
    for (position, &at) in instructions.iter().enumerate() {
        let keyword = document.tree.name(at).to_owned();
        let value = document.tree.value(at).to_owned();
        match keyword.as_str() {
            "WORKDIR" => work_dir = Location::file(&Text::lit(value.trim_matches('"'))),
            "RUN" => start(document, reading, at, "image-build", &command_line(&value), &work_dir),
            "ENTRYPOINT" if Some(at) == entry && position >= last_stage => {
                start(document, reading, at, "entrypoint", &command_line(&value), &work_dir);
            }
            // With an entry point, CMD gives only its arguments.
            "CMD" if Some(at) == command && entry.is_none() && position >= last_stage => {
                start(document, reading, at, "entrypoint", &command_line(&value), &work_dir);
            }
            "VOLUME" => {
                for path in words(&value) {
                    let location = Location::file(&Text::lit(path));
                    // A volume without a mount is an anonymous one: it ends with its container's host.
                    document.clue(reading, at, Clue::new(ClueKind::Disk, "docker-volume", "anonymous").at(location));
                }
            }
            "ENV" => environment(document, reading, at, &value),
            "COPY" | "ADD" => {
                let target = words(&value).last().cloned().unwrap_or_default();
                let location = Location::file(&Text::lit(target));
                let location = if location.is_relative() { work_dir.child(location.text()) } else { location };
                document.clue(reading, at, Clue::new(ClueKind::Ships, "docker-copy", &value).at(location));
            }
            _ => {}
        }
    }
}

fn start(
    document: &mut Document<'_>,
    reading: &mut Reading,
    at: super::tree::NodeId,
    how: &str,
    command: &str,
    work_dir: &Location,
) {
    let base = match work_dir.text().as_hole() {
        Some(_) => Text::folder(Folder::AppDir),
        None => work_dir.text().clone(),
    };
    starts(document, reading, at, how, command, &base);
}

/// `["program", "argument"]` as a command line, or the shell form as it is.
fn command_line(value: &str) -> String {
    if !value.starts_with('[') {
        return value.to_owned();
    }
    let (tree, _) = super::json::parse(value);
    let quoted = |word: &str| if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() };
    tree.elements(ROOT).map(|w| quoted(tree.value(w))).collect::<Vec<_>>().join(" ")
}

/// Words of the JSON form or of the shell form.
fn words(value: &str) -> Vec<String> {
    if value.starts_with('[') {
        let (tree, _) = super::json::parse(value);
        return tree.elements(ROOT).map(|w| tree.value(w).to_owned()).collect();
    }
    let mut words = Vec::new();
    let mut rest = value.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        if !word.starts_with("--") {
            words.push(word.to_owned());
        }
        rest = after.trim_start();
    }
    words
}

fn environment(document: &mut Document<'_>, reading: &mut Reading, at: super::tree::NodeId, value: &str) {
    let pairs: Vec<(String, String)> = if value.split_whitespace().next().is_some_and(|w| w.contains('=')) {
        words(value)
            .iter()
            .filter_map(|w| w.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.trim_matches('"').to_owned()))
            .collect()
    } else {
        value.split_once(char::is_whitespace).map(|(k, v)| (k.to_owned(), v.trim().to_owned())).into_iter().collect()
    };
    for (key, value) in pairs {
        document.named_value_clue(reading, at, &format!("env/{key}"), &value);
    }
}
