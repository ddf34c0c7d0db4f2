//! One tree for every configuration syntax, so that a catalogue row need not know whether a key was written in XML,
//! JSON, YAML, TOML or INI.
//!
//! Elements, attributes, object members, sections and keys are all nodes with a name, a value and the offset where
//! they were written. Items of a list are named by their index, as the .NET configuration system names them.

/// Largest number of nodes of one document; real configuration has a few thousand.
pub(crate) const MAX_NODES: usize = 200_000;
/// Deepest nesting that is followed.
pub(crate) const MAX_DEPTH: usize = 128;
/// Longest value that is kept. Embedded certificates and scripts are longer, and no path is.
pub(crate) const MAX_VALUE: usize = 16 << 10;

/// Index of a node in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

/// The node above everything in the document.
pub(crate) const ROOT: NodeId = NodeId(0);

/// How a node was written, which decides how its path is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// An XML element.
    Element,
    /// An XML attribute: `@name` in a path.
    Attribute,
    /// A member of an object, an item of a list, a key of a section: `:name` in a path.
    Member,
}

/// One element, attribute or member.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Its name, without an XML prefix except in `xdt:` attributes.
    pub(crate) name: String,
    /// Its text.
    pub(crate) value: String,
    /// Attributes first, then children, in document order.
    pub(crate) children: Vec<NodeId>,
    /// The node it was written in.
    pub(crate) parent: NodeId,
    /// Byte offset in its file.
    pub(crate) offset: usize,
    /// How it was written.
    pub(crate) role: Role,
    /// 0 for the document itself, otherwise the number of the file it was taken from.
    pub(crate) source: u8,
}

/// A document.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// The cap on nodes was met: what follows is missing.
    pub(crate) capped: bool,
}

impl Tree {
    /// An empty document.
    pub(crate) fn new() -> Self {
        let root = Node {
            name: String::new(),
            value: String::new(),
            children: Vec::new(),
            parent: ROOT,
            offset: 0,
            role: Role::Element,
            source: 0,
        };
        Tree { nodes: vec![root], capped: false }
    }

    /// Number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Adds a node below `parent`; `None` when the document has too many.
    pub(crate) fn add(&mut self, parent: NodeId, role: Role, name: &str, offset: usize) -> Option<NodeId> {
        if self.nodes.len() >= MAX_NODES {
            self.capped = true;
            return None;
        }
        let id = NodeId(self.nodes.len() as u32);
        let source = self.node(parent).source;
        self.nodes.push(Node {
            name: name.to_owned(),
            value: String::new(),
            children: Vec::new(),
            parent,
            offset,
            role,
            source,
        });
        self.node_mut(parent).children.push(id);
        Some(id)
    }

    /// Adds a node with a value.
    pub(crate) fn add_value(&mut self, parent: NodeId, role: Role, name: &str, value: &str, offset: usize) {
        if let Some(id) = self.add(parent, role, name, offset) {
            self.append_value(id, value);
        }
    }

    /// Adds to the text of a node, up to [`MAX_VALUE`].
    pub(crate) fn append_value(&mut self, id: NodeId, text: &str) {
        let value = &mut self.node_mut(id).value;
        let room = MAX_VALUE.saturating_sub(value.len());
        let end = text.char_indices().map(|(i, c)| i + c.len_utf8()).take_while(|&end| end <= room).last();
        value.push_str(if text.len() <= room { text } else { text.get(..end.unwrap_or(0)).unwrap_or_default() });
    }

    /// A node.
    /// Where the first of the nodes behind one begins that begin behind it.
    pub(crate) fn next_offset(&self, id: NodeId) -> Option<usize> {
        let from = self.node(id).offset;
        self.nodes.iter().skip(id.0 as usize + 1).map(|node| node.offset).find(|offset| *offset > from)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        // Ids are only made by `add`, and nodes are never removed from the vector.
        &self.nodes[id.0 as usize]
    }

    /// A node to change.
    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    /// Name of a node.
    pub(crate) fn name(&self, id: NodeId) -> &str {
        &self.node(id).name
    }

    /// Text of a node.
    pub(crate) fn value(&self, id: NodeId) -> &str {
        &self.node(id).value
    }

    /// Attributes, then elements or members.
    pub(crate) fn children(&self, id: NodeId) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.node(id).children.iter().copied()
    }

    /// Children that are not attributes.
    pub(crate) fn elements(&self, id: NodeId) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.children(id).filter(|&c| self.node(c).role != Role::Attribute)
    }

    /// The first child of this name, in any case: attributes come first.
    pub(crate) fn child(&self, id: NodeId, name: &str) -> Option<NodeId> {
        self.children(id).find(|&c| self.name(c).eq_ignore_ascii_case(name))
    }

    /// Children of this name, in any case.
    pub(crate) fn children_named<'a>(&'a self, id: NodeId, name: &'a str) -> impl Iterator<Item = NodeId> + 'a {
        self.children(id).filter(move |&c| self.name(c).eq_ignore_ascii_case(name))
    }

    /// Text of the first child of this name.
    pub(crate) fn get(&self, id: NodeId, name: &str) -> Option<&str> {
        self.child(id, name).map(|c| self.value(c))
    }

    /// Has a child of this name with this text, both in any case.
    pub(crate) fn is(&self, id: NodeId, name: &str, value: &str) -> bool {
        self.get(id, name).is_some_and(|v| v.trim().eq_ignore_ascii_case(value))
    }

    /// The node that a chain of names leads to: the first of each name.
    pub(crate) fn at(&self, from: NodeId, path: &[&str]) -> Option<NodeId> {
        path.iter().try_fold(from, |node, name| self.child(node, name))
    }

    /// The node and everything below it, in document order. Bounded by the number of nodes.
    pub(crate) fn descendants(&self, from: NodeId) -> Vec<NodeId> {
        let mut out = Vec::new();
        let mut stack = vec![from];
        while let Some(id) = stack.pop() {
            out.push(id);
            if out.len() > self.nodes.len() {
                break;
            }
            stack.extend(self.children(id).rev());
        }
        out
    }

    /// The path as it is written in a finding: `configuration/system.web/sessionState@mode`, `Serilog:WriteTo:0:Name`.
    pub(crate) fn path(&self, id: NodeId) -> String {
        let mut parts = Vec::new();
        let mut at = id;
        while at != ROOT && parts.len() <= MAX_DEPTH {
            parts.push(at);
            at = self.node(at).parent;
        }
        let mut out = String::new();
        for &part in parts.iter().rev() {
            let node = self.node(part);
            if node.role == Role::Attribute {
                out.push('@');
            } else if !out.is_empty() {
                out.push(if node.role == Role::Member { ':' } else { '/' });
            }
            out.push_str(&node.name);
        }
        out
    }

    /// Copies what is below `from` to below `to`, in the same tree. What the copy itself adds is not copied again.
    pub(crate) fn copy_children(&mut self, to: NodeId, from: NodeId) {
        let last = self.nodes.len();
        let mut work: Vec<(NodeId, NodeId)> = self.children(from).rev().map(|c| (to, c)).collect();
        while let Some((parent, child)) = work.pop() {
            if child.0 as usize >= last {
                continue;
            }
            let node = self.node(child);
            let (name, value, role, offset) = (node.name.clone(), node.value.clone(), node.role, node.offset);
            let Some(copy) = self.add(parent, role, &name, offset) else { return };
            self.node_mut(copy).value = value;
            work.extend(self.children(child).rev().map(|c| (copy, c)));
        }
    }

    /// Copies a node and what is below it from another tree, marking it as taken from file `source`.
    pub(crate) fn graft(&mut self, parent: NodeId, from: &Tree, id: NodeId, source: u8) -> Option<NodeId> {
        let node = from.node(id);
        let new = self.add(parent, node.role, &node.name, node.offset)?;
        self.node_mut(new).value.clone_from(&node.value);
        self.node_mut(new).source = source;
        let mut work: Vec<(NodeId, NodeId)> = from.children(id).rev().map(|c| (new, c)).collect();
        while let Some((to, child)) = work.pop() {
            let node = from.node(child);
            let copy = self.add(to, node.role, &node.name, node.offset)?;
            self.node_mut(copy).value.clone_from(&node.value);
            self.node_mut(copy).source = source;
            work.extend(from.children(child).rev().map(|c| (copy, c)));
        }
        Some(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_how_a_node_was_written() {
        let mut tree = Tree::new();
        let a = tree.add(ROOT, Role::Element, "configuration", 0).unwrap_or(ROOT);
        let b = tree.add(a, Role::Element, "sessionState", 5).unwrap_or(ROOT);
        tree.add_value(b, Role::Attribute, "mode", "InProc", 9);
        let mode = tree.at(a, &["SESSIONSTATE", "mode"]).unwrap_or(ROOT);
        assert_eq!(tree.path(mode), "configuration/sessionState@mode");
        assert!(tree.is(b, "Mode", "inproc"));
    }

    #[test]
    fn values_and_nodes_are_capped_at_character_borders() {
        let mut tree = Tree::new();
        tree.append_value(ROOT, &"é".repeat(MAX_VALUE));
        assert_eq!(tree.value(ROOT).len(), MAX_VALUE);
        for _ in 0..MAX_NODES {
            tree.add(ROOT, Role::Member, "x", 0);
        }
        assert!(tree.capped);
    }
}
