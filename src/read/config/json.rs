//! JSON with comments into a [`Tree`], as far as it goes.
//!
//! Built from the scanner's tokens with a stack of its own: nesting costs no call depth, and a document that breaks
//! keeps what stands before the break.

use super::tree::{MAX_DEPTH, NodeId, ROOT, Role, Tree};
use super::xml::Break;
use jsonc_parser::Scanner;
use jsonc_parser::ScannerOptions;
use jsonc_parser::tokens::Token;

/// An object or a list that is open.
struct Open {
    /// Its node.
    node: NodeId,
    /// Items so far, if it is a list.
    items: Option<usize>,
    /// The member name that was read and its offset, if a value is to come.
    key: Option<(String, usize)>,
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> (Tree, Option<Break>) {
    let options = ScannerOptions::default();
    let mut scanner = Scanner::new(text, &options);
    let mut tree = Tree::new();
    let mut open: Vec<Open> = Vec::new();
    let mut skipped = 0usize;
    let mut broken = None;
    loop {
        let token = match scanner.scan() {
            Ok(Some(token)) => token,
            Ok(None) => break,
            Err(error) => {
                broken.get_or_insert(Break::new(scanner.token_start(), error.kind().to_string()));
                break;
            }
        };
        let at = scanner.token_start();
        match token {
            Token::CommentLine(_) | Token::CommentBlock(_) | Token::Comma | Token::Colon => {}
            Token::OpenBrace | Token::OpenBracket => {
                if skipped > 0 || open.len() >= MAX_DEPTH {
                    broken.get_or_insert(Break::new(at, "nested deeper than the cap"));
                    skipped += 1;
                    continue;
                }
                let Some(node) = place(&mut tree, &mut open, at) else { break };
                let items = matches!(token, Token::OpenBracket).then_some(0);
                open.push(Open { node, items, key: None });
            }
            Token::CloseBrace | Token::CloseBracket => {
                if skipped > 0 {
                    skipped -= 1;
                } else if open.pop().is_none() {
                    broken.get_or_insert(Break::new(at, "closes nothing"));
                }
            }
            _ if skipped > 0 => {}
            scalar => match open.last_mut() {
                Some(Open { items: None, key: key @ None, .. }) => *key = Some((scalar.as_str().to_owned(), at)),
                _ => {
                    let Some(node) = place(&mut tree, &mut open, at) else { break };
                    if scalar != Token::Null {
                        tree.append_value(node, scalar.as_str());
                    }
                }
            },
        }
    }
    if broken.is_none() && !open.is_empty() {
        broken = Some(Break::new(text.len(), "the text ends inside an object or list"));
    }
    (tree, broken)
}

/// The node that the next value belongs to.
fn place(tree: &mut Tree, open: &mut [Open], at: usize) -> Option<NodeId> {
    match open.last_mut() {
        None => Some(ROOT),
        Some(Open { node, items: Some(count), .. }) => {
            let name = count.to_string();
            *count += 1;
            tree.add(*node, Role::Member, &name, at)
        }
        Some(Open { node, key, .. }) => {
            let (name, key_at) = key.take().unwrap_or_default();
            tree.add(*node, Role::Member, &name, key_at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_lists_and_breaks() {
        let (tree, broken) = parse("{ // c\n \"A\": [1, {\"B\": true}], \"C\": null }");
        assert!(broken.is_none());
        let b = tree.at(ROOT, &["A", "1", "B"]).unwrap_or(ROOT);
        assert_eq!((tree.value(b), tree.path(b)), ("true", "A:1:B".to_owned()));
        assert_eq!(tree.get(ROOT, "C"), Some(""));
        let (tree, broken) = parse("{\"A\": {\"B\": \"x\", \"C\": \"unclosed");
        assert_eq!(tree.at(ROOT, &["A", "B"]).map(|b| tree.value(b)), Some("x"));
        assert!(broken.is_some());
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let (tree, broken) = parse(&"[".repeat(1_000_000));
        assert!(broken.is_some());
        assert!(tree.descendants(ROOT).len() <= MAX_DEPTH);
        let (tree, _) = parse(&format!("[{}", "1,".repeat(1_000_000)));
        assert!(tree.capped);
    }
}
