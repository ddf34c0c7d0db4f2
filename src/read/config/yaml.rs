//! YAML into one [`Tree`] per document, as far as it goes.
//!
//! Built from parser events: an alias becomes a copy of what it names, under the cap on nodes, so that aliases of
//! aliases cannot multiply without bound.

use super::tree::{MAX_DEPTH, NodeId, ROOT, Role, Tree};
use super::xml::Break;
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::HashMap;

/// Most documents of one file that are read.
const MAX_DOCUMENTS: usize = 256;

/// An open mapping or sequence.
struct Open {
    node: NodeId,
    /// Items so far, if it is a sequence.
    items: Option<usize>,
    /// The key that was read, if a value is to come.
    key: Option<(String, usize)>,
}

/// Turns the parser's character positions into byte offsets. Events come in the order of the text, so the cursor
/// hardly ever walks far.
struct Cursor<'a> {
    text: &'a str,
    characters: usize,
    bytes: usize,
}

impl Cursor<'_> {
    fn offset(&mut self, character: usize) -> usize {
        if self.characters <= character {
            let rest = self.text.get(self.bytes..).unwrap_or_default();
            let mut walked = 0;
            for c in rest.chars().take(character - self.characters) {
                self.bytes += c.len_utf8();
                walked += 1;
            }
            self.characters += walked;
        } else {
            let before = self.text.get(..self.bytes).unwrap_or_default();
            for c in before.chars().rev().take(self.characters - character) {
                self.bytes -= c.len_utf8();
                self.characters -= 1;
            }
        }
        self.bytes
    }
}

struct Builder {
    tree: Tree,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
    /// Collections below the deepest level that is kept.
    too_deep: usize,
    broken: Option<Break>,
}

/// Reads all documents of a file.
pub(crate) fn parse(text: &str) -> (Vec<Tree>, Option<Break>) {
    let mut cursor = Cursor { text, characters: 0, bytes: 0 };
    let mut trees = Vec::new();
    let mut builder = Builder::new();
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::DocumentEnd, _)) => {
                let done = std::mem::replace(&mut builder, Builder::new());
                builder.broken = done.broken;
                trees.push(done.tree);
                if trees.len() >= MAX_DOCUMENTS {
                    builder.note(text.len(), "more documents than the cap");
                    break;
                }
            }
            Ok((event, span)) => {
                let at = cursor.offset(span.start.index());
                if !builder.event(event, at) {
                    break;
                }
            }
            Err(error) => {
                let at = cursor.offset(error.marker().index());
                builder.note(at, error.info());
                break;
            }
        }
    }
    let broken = builder.broken.take();
    if builder.tree.elements(ROOT).next().is_some() {
        trees.push(builder.tree);
    }
    (trees, broken)
}

impl Builder {
    fn new() -> Self {
        let (open, anchors) = (Vec::new(), HashMap::new());
        Builder { tree: Tree::new(), open, anchors, too_deep: 0, broken: None }
    }

    fn note(&mut self, offset: usize, reason: &str) {
        self.broken.get_or_insert(Break::new(offset, reason));
    }

    /// `false` when the document is full.
    fn event(&mut self, event: Event<'_>, at: usize) -> bool {
        match event {
            Event::MappingStart(anchor, _) => self.start(anchor, None, at),
            Event::SequenceStart(anchor, _) => self.start(anchor, Some(0), at),
            Event::MappingEnd | Event::SequenceEnd => {
                if self.too_deep > 0 {
                    self.too_deep -= 1;
                } else {
                    self.open.pop();
                }
                true
            }
            Event::Scalar(text, style, anchor, _) => self.scalar(&text, style, anchor, at),
            Event::Alias(anchor) => self.alias(anchor, at),
            _ => true,
        }
    }

    fn start(&mut self, anchor: usize, items: Option<usize>, at: usize) -> bool {
        if self.too_deep > 0 || self.open.len() >= MAX_DEPTH {
            self.note(at, "nested deeper than the cap");
            self.too_deep += 1;
            return true;
        }
        let Some(node) = self.place(at) else { return false };
        self.anchors.insert(anchor, node);
        self.open.push(Open { node, items, key: None });
        true
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, at: usize) -> bool {
        if self.too_deep > 0 {
            return true;
        }
        if let Some(Open { items: None, key: key @ None, .. }) = self.open.last_mut() {
            *key = Some((text.to_owned(), at));
            return true;
        }
        let Some(node) = self.place(at) else { return false };
        self.anchors.insert(anchor, node);
        let null = style == ScalarStyle::Plain && matches!(text, "~" | "null" | "");
        if !null {
            self.tree.append_value(node, text);
        }
        true
    }

    /// `*name`: what the anchor named, or, under `<<`, its members.
    fn alias(&mut self, anchor: usize, at: usize) -> bool {
        if self.too_deep > 0 {
            return true;
        }
        let merge = matches!(self.open.last(), Some(Open { items: None, key: Some((key, _)), .. }) if key == "<<");
        let target = if merge {
            self.open.last_mut().map(|o| {
                o.key = None;
                o.node
            })
        } else {
            self.place(at)
        };
        let (Some(target), Some(&from)) = (target, self.anchors.get(&anchor)) else { return target.is_some() };
        let from_value = self.tree.value(from).to_owned();
        self.tree.append_value(target, &from_value);
        self.tree.copy_children(target, from);
        true
    }

    /// The node that the next value belongs to.
    fn place(&mut self, at: usize) -> Option<NodeId> {
        match self.open.last_mut() {
            None => Some(ROOT),
            Some(Open { node, items: Some(count), .. }) => {
                let name = count.to_string();
                *count += 1;
                self.tree.add(*node, Role::Member, &name, at)
            }
            Some(Open { node, key, .. }) => {
                let (name, key_at) = key.take().unwrap_or_default();
                self.tree.add(*node, Role::Member, &name, key_at)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_lists_and_aliases() {
        let (trees, broken) = parse("a: &x\n  b: 1\nc:\n  - *x\n  - {d: ~}\ne:\n  <<: *x\n---\nf: g\n");
        assert!(broken.is_none());
        assert_eq!(trees.len(), 2);
        let get = |path: &[&str]| trees[0].at(ROOT, path).map(|n| trees[0].value(n).to_owned());
        assert_eq!(get(&["a", "b"]), Some("1".to_owned()));
        assert_eq!(get(&["c", "0", "b"]), Some("1".to_owned()));
        assert_eq!(get(&["c", "1", "d"]), Some(String::new()));
        assert_eq!(get(&["e", "b"]), Some("1".to_owned()));
    }

    #[test]
    fn a_bomb_of_aliases_is_capped() {
        let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for i in 1..12 {
            let items = vec![format!("*a{}", i - 1); 10].join(",");
            text.push_str(&format!("a{i}: &a{i} [{items}]\n"));
        }
        let (trees, _) = parse(&text);
        assert!(trees[0].capped);
    }

    #[test]
    fn a_break_keeps_what_stands_before_it() {
        let (trees, broken) = parse("a: 1\nb: [1, 2\nc: : :\n");
        assert!(broken.is_some());
        assert_eq!(trees[0].get(ROOT, "a"), Some("1"));
        let (_, broken) = parse(&"[".repeat(100_000));
        assert!(broken.is_some());
        let (_, broken) = parse(&"- ".repeat(20_000));
        assert!(broken.is_some());
    }
}
