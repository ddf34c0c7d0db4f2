//! TOML into a [`Tree`], as far as it goes.

use super::tree::{MAX_DEPTH, NodeId, ROOT, Role, Tree};
use super::xml::Break;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads a document. The parser recovers from errors; the first of them is told.
pub(crate) fn parse(text: &str) -> (Tree, Option<Break>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut tree = Tree::new();
    add_table(&mut tree, ROOT, table.get_ref(), 0);
    let broken = errors.first().map(|error| Break::new(error.span().map_or(0, |span| span.start), error.message()));
    (tree, broken)
}

/// The parser itself limits how deep a document nests.
fn add_table(tree: &mut Tree, parent: NodeId, table: &DeTable<'_>, depth: usize) {
    for (key, value) in table.iter() {
        let offset = key.span().start;
        let Some(node) = tree.add(parent, Role::Member, key.get_ref(), offset) else { return };
        add_value(tree, node, value, depth);
    }
}

fn add_value(tree: &mut Tree, node: NodeId, value: &Spanned<DeValue<'_>>, depth: usize) {
    if depth >= MAX_DEPTH {
        return;
    }
    match value.get_ref() {
        DeValue::String(text) => tree.append_value(node, text),
        DeValue::Integer(number) => tree.append_value(node, number.as_str()),
        DeValue::Float(number) => tree.append_value(node, number.as_str()),
        DeValue::Boolean(yes) => tree.append_value(node, if *yes { "true" } else { "false" }),
        DeValue::Datetime(time) => tree.append_value(node, &time.to_string()),
        DeValue::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                let Some(child) = tree.add(node, Role::Member, &i.to_string(), item.span().start) else { return };
                add_value(tree, child, item, depth + 1);
            }
        }
        DeValue::Table(table) => add_table(tree, node, table, depth + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_places_and_breaks_are_told() {
        let text = "[store]\npath = 'C:\\data'\nports = [1, {x = 2}]\n";
        let (tree, broken) = parse(text);
        assert!(broken.is_none());
        let path = tree.at(ROOT, &["store", "path"]).unwrap_or(ROOT);
        assert_eq!((tree.value(path), tree.node(path).offset), ("C:\\data", 8));
        assert!(tree.at(ROOT, &["store", "ports", "1", "x"]).is_some());
        let (tree, broken) = parse("a = 1\nb = \n");
        assert!(broken.is_some());
        assert_eq!(tree.get(ROOT, "a"), Some("1"));
        let (_, broken) = parse(&format!("a = {}", "[".repeat(100_000)));
        assert!(broken.is_some());
    }
}
