//! Registry scripts: `Windows Registry Editor Version 5.00` and `REGEDIT4`.
//!
//! Grammar as in the MS documentation "How to add, modify, or delete registry subkeys and values by using a .reg
//! file": `[key]`, `[-key]`, `"name"=data`, `@=data`, `"name"=-`, `;` comments, hex data continued by a backslash.

use super::autostart;
use super::sink::{Sink, certainty, quote};
use crate::facts::{Effect, Folder, Location, NoteKind, Operation, Origin, Reading, Site, Step, Store, Text, Trait};
use crate::read::text::{filled_in_later, template_statement};

/// Via of all effects.
const VIA: &str = "regedit";

/// How the first line begins.
const HEADERS: [&str; 2] = ["Windows Registry Editor Version", "REGEDIT"];
const NO_HEADER: &str = "no registry script header: regedit would refuse the file";

/// Reads a registry script.
pub(super) fn read(text: &str, reading: &mut Reading) {
    let mut sink = Sink::new(reading);
    let mut key: Option<Location> = None;
    let mut view32 = false;
    // A key without values so far: its creation is all that happens.
    let mut bare: Option<(Site, Location, &str)> = None;
    let mut strange = 0usize;
    let mut lines = text.lines().enumerate();
    let mut header: Option<&str> = None;
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start_matches('\u{feff}');
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(';') || Some(trimmed) == header {
            continue;
        }
        if let Some(end) = template_statement(trimmed) {
            let mut rest = trimmed;
            while !rest.contains(end) {
                let Some((_, next)) = lines.next() else { break };
                rest = next;
            }
            continue;
        }
        if header.is_none() {
            header = Some(trimmed);
            if HEADERS.iter().any(|header| trimmed.starts_with(header)) {
                continue;
            }
            sink.note(NoteKind::Malformed, NO_HEADER);
        }
        let column = line.len() - line.trim_start().len() + 1;
        let site = Site::text(number as u32 + 1, column as u32);
        if let Some(inner) = trimmed.strip_prefix('[') {
            let inner = inner.rfind(']').map_or(inner, |end| &inner[..end]);
            let (deleted, path) = match inner.strip_prefix('-') {
                Some(path) => (true, path),
                None => (false, inner),
            };
            view32 = path.to_lowercase().contains("\\wow6432node\\");
            let location = Location::registry(&filled_in_later(path.trim()));
            bare.take().into_iter().for_each(|(site, key, line)| created(&mut sink, &site, key, line));
            if deleted {
                key = None;
                emit(&mut sink, &site, Operation::Delete, location, trimmed, view32);
            } else {
                key = Some(location.clone());
                bare = Some((site, location, trimmed));
            }
            continue;
        }
        let (Some(key), Some((name, rest))) = (&key, value_name(trimmed)) else {
            strange += usize::from(key.is_some());
            continue;
        };
        let mut data = rest.trim().to_owned();
        // Long binary data goes on in the next lines.
        while data.ends_with('\\') && !data.starts_with('"') {
            data.pop();
            let Some((_, next)) = lines.next() else { break };
            data.push_str(next.trim());
        }
        bare = None;
        let operation = if data == "-" { Operation::DeleteValue } else { Operation::SetValue };
        let location = Location::registry_value(key, &filled_in_later(&name));
        emit(&mut sink, &site, operation, location, trimmed, view32);
    }
    bare.take().into_iter().for_each(|(site, key, line)| created(&mut sink, &site, key, line));
    if header.is_none() {
        sink.note(NoteKind::Malformed, NO_HEADER);
    }
    match strange {
        0 => {}
        1 => sink.note(NoteKind::Malformed, "1 line is neither a key nor a value"),
        n => sink.note(NoteKind::Malformed, format!("{n} lines are neither keys nor values")),
    }
}

fn created(sink: &mut Sink<'_>, site: &Site, key: Location, line: &str) {
    let view32 = line.to_lowercase().contains("\\wow6432node\\");
    emit(sink, site, Operation::Create, key, line, view32);
}

fn emit(sink: &mut Sink<'_>, site: &Site, operation: Operation, location: Location, source: &str, view32: bool) {
    if operation != Operation::Delete
        && let Some(command) = value_name(source).and_then(|(_, data)| string_data(data))
    {
        for start in autostart::of_value(&location, &Text::lit(command), &Text::folder(Folder::Cwd)) {
            sink.clue(site, start);
        }
    }
    let certainty = certainty(Store::Registry, &location);
    let mut effect =
        Effect::new(operation, Store::Registry, location, certainty, VIA).because(Step::new(quote(source)));
    if matches!(operation, Operation::SetValue | Operation::Create) {
        // What a deployment fills in.
        let filled = value_name(source).is_some_and(|(_, data)| !filled_in_later(data).is_full());
        effect.origin = if filled { Origin::Configuration } else { Origin::Constant };
    }
    if view32 {
        effect.mark(Trait::View32);
    }
    sink.effect(site, effect);
}

/// `"text"` with its escapes undone.
fn string_data(data: &str) -> Option<String> {
    let inner = data.trim().strip_prefix('"')?.strip_suffix('"')?;
    Some(inner.replace("\\\\", "\u{0}").replace("\\\"", "\"").replace('\u{0}', "\\"))
}

/// The name before `=` and what is behind it. The unnamed value is `@`.
fn value_name(line: &str) -> Option<(String, &str)> {
    if let Some(rest) = line.strip_prefix('@') {
        return Some((String::new(), rest.trim_start().strip_prefix('=')?));
    }
    let body = line.strip_prefix('"')?;
    let mut name = String::new();
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            '"' => return Some((name, body[at + 1..].trim_start().strip_prefix('=')?)),
            c => name.push(c),
        }
    }
    None
}
