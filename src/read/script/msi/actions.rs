//! Custom actions: commands and scripts that the installer runs (MS documentation "Summary List of All Custom Action
//! Types").

use super::Package;
use super::database::{Database, Row};
use crate::facts::{Clue, ClueKind, Folder, NoteKind, Phase, Reading, Site, Step, Text, join_paths};
use crate::read::script::batch;
use crate::read::script::calls::Syntax;
use crate::read::script::sink::Sink;
use crate::read::script::wix::{QUIET_ENTRIES, QUIET_PROPERTIES};
use crate::read::script::wsh::{self, Host};
use std::collections::{HashMap, HashSet};

/// Bits of the type that say what is run; the others say when and how.
const KIND: i32 = 0x3f;
/// Runs only when the installation fails.
const ROLLBACK: i32 = 0x100;
/// Sequences of a normal installation.
const SEQUENCES: [&str; 2] = ["InstallExecuteSequence", "InstallUISequence"];
/// Most actions that a note names.
const MAX_NAMED: usize = 6;
const UNINSTALL: (Phase, &str) = (Phase::NotShipped, "an action of the uninstallation");

/// Reads the actions that a sequence or a dialog runs.
pub(super) fn read(package: &Package, database: &mut Database<'_>, reading: &mut Reading) {
    let mut conditions: HashMap<String, Option<String>> = HashMap::new();
    for sequence in SEQUENCES {
        for row in database.rows(sequence, reading).iter() {
            if let Some(action) = row.text("Action") {
                conditions.insert(action.to_owned(), row.text("Condition").map(str::to_owned));
            }
        }
    }
    for row in database.rows("ControlEvent", reading).iter() {
        if let (Some("DoAction"), Some(action)) = (row.text("Event"), row.text("Argument")) {
            conditions.entry(action.to_owned()).or_default();
        }
    }
    let mut unseen = Vec::new();
    let rows = database.rows("CustomAction", reading);
    let entry = |row: &Row| row.text("Target").is_some_and(|entry| QUIET_ENTRIES.contains(&entry));
    let quiet: HashSet<String> =
        rows.iter().filter(|row| entry(row)).filter_map(|row| row.text("Action").map(str::to_owned)).collect();
    for row in rows.iter() {
        let (Some(name), Some(kind)) = (row.text("Action"), row.number("Type")) else { continue };
        let Some(condition) = conditions.get(name) else { continue };
        if kind & ROLLBACK != 0 {
            continue;
        }
        let removes = condition.as_deref().is_some_and(at_removal);
        let phase = removes.then_some(UNINSTALL);
        match kind & KIND {
            2 | 18 | 34 | 50 => command(package, row, kind & KIND, phase, reading),
            51 if is_command_line(row.text("Source"), &quiet) => {
                let line = package.formatted(row, "Target").unwrap_or_default();
                let removes =
                    row.text("Source").and_then(|name| conditions.get(name)?.as_deref()).is_some_and(at_removal);
                line_of(&line, &Text::folder(Folder::Cwd), phase.or(removes.then_some(UNINSTALL)), row, reading);
            }
            37 | 38 => script(row, kind & KIND, phase, reading),
            1 if quiet.contains(name) => {}
            1 | 5 | 6 | 17 | 21 | 22 | 53 | 54 if !removes => unseen.push(name.to_owned()),
            _ => {}
        }
    }
    note_unseen(&unseen, reading);
}

/// Does the condition hold only when the product is there already? `REMOVE="ALL"`, `REMOVE ~= "ALL"`, plain `REMOVE`,
/// `Installed`.
pub(in crate::read::script) fn at_removal(condition: &str) -> bool {
    let plain: String = condition.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_uppercase();
    let plain = plain.trim_start_matches('(');
    (plain.starts_with("REMOVE") && !plain.starts_with("REMOVE<>")) || plain.trim_end_matches(')') == "INSTALLED"
}

fn note_unseen(unseen: &[String], reading: &mut Reading) {
    if unseen.is_empty() {
        return;
    }
    let more = match unseen.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = unseen.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    reading.clue(Site::default(), Clue::new(ClueKind::Opaque, "custom-action", names.clone()));
    reading.note(
        NoteKind::Opaque,
        format!("custom actions in libraries and scripts inside the package, whose code is not seen: {names}{more}"),
    );
}

/// A program with its arguments: of the package, of a folder, or named by a property.
fn command(package: &Package, row: &Row, kind: i32, phase: Option<(Phase, &str)>, reading: &mut Reading) {
    let source = row.text("Source").unwrap_or_default();
    let arguments = package.formatted(row, "Target").unwrap_or_default();
    let (program, here) = match kind {
        2 => (Some(Text::lit(format!("{source}.exe"))), Text::folder(Folder::Temp)),
        18 => (package.values.files.get(source).cloned(), Text::folder(Folder::Cwd)),
        34 => (None, package.values.directory(source)),
        _ => (Some(package.values.formatted(&format!("[{source}]"))), Text::folder(Folder::Cwd)),
    };
    let line = match program {
        Some(program) => Text::lit("\"").concat(&program).concat(&Text::lit("\" ")).concat(&arguments),
        None => arguments,
    };
    line_of(&line, &here, phase, row, reading);
}

/// A command line of a row.
fn line_of(line: &Text, here: &Text, phase: Option<(Phase, &str)>, row: &Row, reading: &mut Reading) {
    let mut sink = Sink::new(reading);
    sink.in_phase(phase);
    let own = join_paths(here, &Text::lit("x"));
    batch::text(line, here, &own, &row.site(), &mut sink);
}

/// Is the value of the property a command line that an action of the WiX library runs?
fn is_command_line(property: Option<&str>, quiet: &HashSet<String>) -> bool {
    property.is_some_and(|name| quiet.contains(name) || QUIET_PROPERTIES.contains(&name))
}

/// A script in the row itself: its lines are those of the text, not of the package.
fn script(row: &Row, kind: i32, phase: Option<(Phase, &str)>, reading: &mut Reading) {
    let Some(text) = row.text("Target") else { return };
    let syntax = if kind == 38 { Syntax::Basic } else { Syntax::Script };
    let mut inner = Reading::new(&reading.artifact, &reading.format);
    wsh::read(text, syntax, Host::Machine, &mut inner);
    for mut fact in inner.facts {
        let line = fact.site.line.take();
        fact.site = row.site();
        if let crate::facts::Body::Effect(effect) = &mut fact.body {
            if let (Phase::Unknown, Some((phase, why))) = (effect.phase, phase) {
                (effect.phase, effect.phase_evidence) = (phase, why.to_owned());
            }
            if let Some(line) = line {
                effect.evidence.push(Step::new(format!("line {line} of the script of this action")));
            }
        }
        reading.facts.push(fact);
    }
    reading.notes.extend(inner.notes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_of_removal() {
        for removal in ["REMOVE=\"ALL\"", "REMOVE ~= \"ALL\" AND NOT UPGRADINGPRODUCTCODE", "(REMOVE)", "Installed"] {
            assert!(at_removal(removal), "{removal}");
        }
        for other in ["NOT Installed", "Installed AND REINSTALL", "NOT REMOVE", "REMOVE<>\"ALL\"", "1"] {
            assert!(!at_removal(other), "{other}");
        }
    }
}
