//! Which part of a cmd script a test for a file or for a value of the registry guards.

use super::syntax::{If, Link, Node, Piece, Script, Simple, Statement};

/// The part of the script that runs only when the marker is absent.
/// Whether its first branch is taken when there is none, the condition says.
pub(super) fn guarded(condition: &If, is_absent: bool, script: &Script) -> Option<(usize, usize)> {
    if is_absent {
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
