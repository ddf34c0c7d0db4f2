//! Settings of Django: a module of Python whose names in capitals are the settings.
//!
//! Only assignments that stand at the margin are read, and of their values only what needs no execution: strings,
//! numbers, lists, dictionaries, other settings, and paths that are put together with `/`, `+`, `os.path.join` and
//! `Path` (Python language reference 6, "Expressions"). Everything else is unknown. A text in the tree is in the form
//! of [`Text`], so that what is unknown in it stays visible.

mod expression;
mod paths;

use super::tree::{MAX_DEPTH, NodeId, ROOT, Role, Tree};
use super::xml::Break;
use crate::facts::Text;
use expression::Parser;
use std::collections::HashMap;

/// Most text of values in one module: one that never ends is looked at again from each line that may begin another.
const MAX_TEXT: usize = 1 << 20;
/// Longest value of a setting that is read to its end.
const MAX_EXPRESSION: usize = 64 << 10;

/// A value that is known without running anything.
#[derive(Clone, Debug)]
enum Value {
    Text(Text),
    List(Vec<Entry>),
    Dict(Vec<(String, Entry)>),
    Unknown,
}

/// A value and where it is written.
#[derive(Clone, Debug)]
struct Entry {
    offset: usize,
    value: Value,
}

/// Reads the settings of a module; the last assignment of a name counts.
pub(crate) fn parse(text: &str) -> (Tree, Option<Break>) {
    let mut names: Vec<String> = Vec::new();
    let mut known: HashMap<String, Entry> = HashMap::new();
    let mut left = MAX_TEXT;
    for (offset, name, at) in assignments(text) {
        let end = (at..=text.len().min(at + MAX_EXPRESSION)).rev().find(|&end| text.is_char_boundary(end));
        let text = text.get(..end.unwrap_or(at)).unwrap_or_default();
        let mut parser = Parser::new(text, at, &known);
        let value = parser.expression();
        // A value that goes on in a way which is not understood is unknown.
        let value = if parser.at_end() { value } else { Value::Unknown };
        left = left.saturating_sub(parser.position() - at);
        if known.insert(name.to_owned(), Entry { offset, value }).is_none() {
            names.push(name.to_owned());
        }
        if left == 0 {
            break;
        }
    }
    let mut tree = Tree::new();
    for name in names {
        if let Some(entry) = known.get(&name) {
            add(&mut tree, ROOT, &name, entry, 0);
        }
    }
    (tree, None)
}

fn add(tree: &mut Tree, parent: NodeId, name: &str, entry: &Entry, depth: usize) {
    let Some(node) = tree.add(parent, Role::Member, name, entry.offset) else { return };
    if depth >= MAX_DEPTH {
        return;
    }
    match &entry.value {
        Value::Text(text) => tree.append_value(node, &text.to_string()),
        Value::Dict(members) => members.iter().for_each(|(name, entry)| add(tree, node, name, entry, depth + 1)),
        Value::List(items) => {
            for (index, entry) in items.iter().enumerate() {
                add(tree, node, &index.to_string(), entry, depth + 1);
            }
        }
        Value::Unknown => tree.append_value(node, "{?}"),
    }
}

/// `NAME = ` at the margin: where the line begins, the name, and where the value begins.
fn assignments(text: &str) -> Vec<(usize, &str, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        if !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) {
            let after = rest.trim_start();
            // `NAME: Type = value`
            let after = match after.strip_prefix(':') {
                Some(typed) => typed.split_once('=').map_or("", |(kind, _)| &typed[kind.len()..]),
                None => after,
            };
            if after.starts_with('=') && !after.starts_with("==") {
                found.push((start, name, start + line.len() - after.len() + 1));
            }
        }
        start += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, path: &[&str]) -> Option<String> {
        let (tree, _) = parse(text);
        tree.at(ROOT, path).map(|node| tree.value(node).to_owned())
    }

    #[test]
    fn paths_of_the_project() {
        for base in [
            "BASE_DIR = Path(__file__).resolve().parent.parent\n",
            "BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))\n",
        ] {
            let read = |line: &str| value(&format!("{base}X = {line}\n"), &["X"]);
            assert_eq!(read("BASE_DIR / 'db.sqlite3'").as_deref(), Some("{AppDir}\\db.sqlite3"));
            assert_eq!(read("os.path.join(BASE_DIR, 'a', \"b\")  # c").as_deref(), Some("{AppDir}\\a\\b"));
            assert_eq!(read("f'{BASE_DIR}/media/{other}'").as_deref(), Some("{AppDir}/media/{?}"));
            assert_eq!(read("str(BASE_DIR.joinpath('m'))").as_deref(), Some("{AppDir}\\m"));
            assert_eq!(read("r'D:\\media' '\\x'").as_deref(), Some("D:\\media\\x"));
            assert_eq!(read("something(1)").as_deref(), Some("{?}"));
            assert_eq!(read("'a' if DEBUG else 'b'").as_deref(), Some("{?}"));
        }
    }

    #[test]
    fn dictionaries_and_what_is_not_understood_in_them() {
        let text = "D = {\n  # c\n  'default': {'ENGINE': 'x.sqlite3', 'OPTIONS': {**more, 'a': lambda x: x},\n 'NAME': \
                    os.environ.get('DB', 'y'), },\n}\nE = [1, ('a',), ('b')]\nD['late'] = 1\n    INDENTED = 1\n";
        assert_eq!(value(text, &["D", "default", "ENGINE"]).as_deref(), Some("x.sqlite3"));
        assert_eq!(value(text, &["D", "default", "NAME"]).as_deref(), Some("{env:DB}"));
        assert_eq!(value(text, &["E", "2"]).as_deref(), Some("b"));
        assert_eq!(value(text, &["INDENTED"]), None);
        for broken in ["A = {", "A = {'a': [", "A = 'x", "A = f(", "A = ((((", "A =", "A = {'a' 'b'", "A = [,,"] {
            parse(broken);
        }
    }
}
