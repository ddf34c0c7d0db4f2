//! Markers: `if exist X goto done` keeps what follows from being done twice.

use super::syntax::{If, Link, Node, Piece, Script, Simple, Statement};
use crate::facts::{Body, Clue, ClueKind, Location, Operation, Reading, Text};
use crate::read::script::call;
use crate::read::text::LineIndex;

/// Most guarded effects that one marker names.
const MAX_GUARDED: usize = 16;

/// The tests for files that were seen.
#[derive(Default)]
pub(super) struct Guards {
    seen: Vec<Guard>,
}

struct Guard {
    at: usize,
    from: usize,
    to: usize,
    negated: bool,
    marker: Location,
}

impl Guards {
    /// Records a test when it keeps something from being done.
    pub(super) fn add(&mut self, condition: &If, path: &Text, here: &Text, script: &Script) {
        let Some((from, to)) = guarded(condition, script) else { return };
        let marker = call::file(path, here);
        if !self.seen.iter().any(|g| g.at == condition.at && g.marker == marker) {
            self.seen.push(Guard { at: condition.at, from, to, negated: condition.negated, marker });
        }
    }

    /// Emits one clue for each effect that a marker keeps from being repeated.
    pub(super) fn emit(&self, index: &LineIndex<'_>, reading: &mut Reading) {
        for guard in &self.seen {
            let (from, to) = (index.position(guard.from), index.position(guard.to));
            let kept: Vec<String> = reading
                .facts
                .iter()
                .filter(|fact| {
                    let at = (fact.site.line.unwrap_or(0), fact.site.column.unwrap_or(0));
                    at >= from && at < to
                })
                .filter_map(|fact| describe(&fact.body, &guard.marker))
                .take(MAX_GUARDED)
                .collect();
            let key = if guard.negated { "if not exist" } else { "if exist" };
            for value in kept {
                let site = index.site(guard.at);
                reading.clue(site, Clue::new(ClueKind::Guard, key, value).at(guard.marker.clone()));
            }
        }
    }
}

/// The part of the script that runs only when the marker is absent.
fn guarded(condition: &If, script: &Script) -> Option<(usize, usize)> {
    if condition.negated {
        return Some((condition.then.at, condition.then_end));
    }
    if let Some(target) = leaves(&condition.then) {
        let from = condition.end;
        let label = script.statements.iter().find(|s| {
            s.at > from && matches!(s.links.as_slice(), [Link { node: Node::Label(name), .. }] if *name == target)
        });
        let end = || script.statements.iter().find(|s| s.at > from && leaves(s).is_some()).map(|s| s.at);
        return Some((from, label.map(|s| s.at).or_else(end).unwrap_or(usize::MAX)));
    }
    condition.other.as_ref().map(|other| (other.at, condition.end))
}

/// Where a line jumps to: a label, or nothing for the end of the script.
fn leaves(statement: &Statement) -> Option<String> {
    match &statement.links.last()?.node {
        Node::Simple(simple) => jump(simple),
        Node::Block(body, _) => leaves(body.last()?),
        _ => None,
    }
}

fn jump(simple: &Simple) -> Option<String> {
    let Some(Piece::Lit(text)) = simple.text.first() else { return None };
    let lower = text.trim().to_lowercase();
    if lower == "exit" || lower.starts_with("exit ") {
        return Some(String::new());
    }
    let label = lower.strip_prefix("goto")?.trim_start_matches([' ', '\t', ':']);
    Some(if label == "eof" { String::new() } else { label.to_owned() })
}

/// What a marker is there to protect: lasting deeds, not what is read, logged or removed.
fn describe(body: &Body, marker: &Location) -> Option<String> {
    match body {
        Body::Effect(effect) => {
            let lasting = matches!(
                effect.operation,
                Operation::Install
                    | Operation::Register
                    | Operation::Configure
                    | Operation::Copy
                    | Operation::Rename
                    | Operation::SetValue
                    | Operation::Create
                    | Operation::Grant
                    | Operation::Generate
                    | Operation::Mount
            ) && !effect.via.ends_with('>');
            let (operation, store): (&str, &str) = (effect.operation.into(), effect.store.into());
            (lasting && effect.location != *marker).then(|| format!("{operation} {store} {}", effect.location))
        }
        Body::Clue(clue) if clue.kind == ClueKind::Starts => {
            Some(format!("{} {}", clue.key, clue.location.as_ref().map(Location::to_string).unwrap_or_default()))
        }
        Body::Clue(_) => None,
    }
}
