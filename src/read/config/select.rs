//! Finds the nodes that a catalogue row selects.

use super::tree::{NodeId, Role, Tree};
use crate::catalog::config::{Condition, Name, Selector, Step, Test};
use crate::read::connection::is_loopback;

/// The nodes below `from` that a selector leads to, in document order, each once.
pub(crate) fn select(tree: &Tree, from: NodeId, selector: &Selector) -> Vec<NodeId> {
    let mut nodes = vec![from];
    for step in &selector.steps {
        let mut next = Vec::new();
        for &node in &nodes {
            advance(tree, node, step, &mut next);
        }
        if step.name == Name::Deep {
            next.sort_unstable();
            next.dedup();
        }
        nodes = next;
        if nodes.is_empty() {
            break;
        }
    }
    nodes
}

/// The first of them.
pub(crate) fn select_one(tree: &Tree, from: NodeId, selector: &Selector) -> Option<NodeId> {
    select(tree, from, selector).into_iter().next()
}

/// Does a node satisfy the last step of a selector? For rows that describe one kind of node wherever it stands.
pub(crate) fn is_selected(tree: &Tree, node: NodeId, selector: &Selector) -> bool {
    selector.steps.last().is_some_and(|step| {
        let named = match &step.name {
            Name::Is(name) => tree.name(node).eq_ignore_ascii_case(name),
            Name::Like(glob) => glob.matches(tree.name(node)),
            Name::Any | Name::Deep => true,
        };
        named && step.conditions.iter().all(|c| condition(tree, node, c))
    })
}

fn advance(tree: &Tree, node: NodeId, step: &Step, out: &mut Vec<NodeId>) {
    let holds = |id: &NodeId| step.conditions.iter().all(|c| condition(tree, *id, c));
    match &step.name {
        Name::Any => out.extend(tree.children(node).filter(holds)),
        Name::Is(name) => out.extend(tree.children_named(node, name).filter(holds)),
        Name::Like(glob) => out.extend(tree.children(node).filter(|&c| glob.matches(tree.name(c))).filter(holds)),
        Name::Deep => out.extend(tree.descendants(node).into_iter().filter(holds)),
    }
}

fn condition(tree: &Tree, node: NodeId, condition: &Condition) -> bool {
    let found = condition.path.iter().try_fold(node, |at, name| tree.child(at, name));
    let text = found.map(|id| tree.value(id).trim());
    match &condition.test {
        Test::Present => found.is_some(),
        Test::Absent => found.is_none(),
        Test::Is(globs) => text.is_some_and(|t| globs.iter().any(|g| g.matches(t))),
        Test::IsNot(globs) => text.is_some_and(|t| !globs.iter().any(|g| g.matches(t))),
        Test::IsNowhere(globs) => text.is_none_or(|t| !globs.iter().any(|g| g.matches(t))),
        Test::Besides(globs) => {
            let mut attributes = found.into_iter().flat_map(|id| tree.children(id));
            let is_other = |id: NodeId| !globs.iter().any(|g| g.matches(tree.name(id)));
            attributes.any(|id| tree.node(id).role == Role::Attribute && is_other(id))
        }
        Test::Loopback => text.is_some_and(is_loopback),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::config::tree::ROOT;
    use crate::read::config::xml;

    #[test]
    fn steps_and_conditions() {
        let (tree, _) = xml::parse("<a><b x='1'><c/></b><b x='22' y=''/><d><b x='2'/></d></a>");
        let count = |s: &str| Selector::parse(s).map(|s| select(&tree, ROOT, &s).len());
        assert_eq!(count("a/b"), Ok(2));
        assert_eq!(count("a/b[x=2*]"), Ok(1));
        assert_eq!(count("a/b[!y]"), Ok(1));
        assert_eq!(count("a/**/b"), Ok(3));
        assert_eq!(count("**/b[x!=1]/x"), Ok(2));
        assert_eq!(count("a/b[y?!=z]"), Ok(2));
        assert_eq!(count("a/b[x?!=1]"), Ok(1));
        assert_eq!(count("a/*[c]"), Ok(1));
        let (tree, _) = xml::parse("<a><b.x/><c.x/><x.b/></a>");
        assert_eq!(Selector::parse("a/*.x").map(|s| select(&tree, ROOT, &s).len()), Ok(2));
    }
}
