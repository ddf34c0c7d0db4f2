//! The expressions of a deployment template: `[concat(parameters('folder'), '\setup.cmd')]`.
//!
//! Follows MS documentation, "Syntax and expressions in ARM templates" and "ARM template functions". What only a
//! deployment knows (ids, keys, names of resource groups) is unknown here and stays visible as a hole.

use crate::facts::{Source, Text};
use crate::read::config::tree::{NodeId, ROOT, Tree};

/// Most functions that the expressions of one value may call, through parameters and variables too.
const MAX_CALLS: usize = 500;
/// Deepest nesting of calls and of variables that lead to variables.
const MAX_DEPTH: usize = 24;
/// Longest text that is put together.
const MAX_TEXT: usize = 16 << 10;

/// A template, and the values that a parameter file beside it gives.
pub(super) struct Template<'a> {
    pub(super) tree: &'a Tree,
    pub(super) given: Option<&'a Tree>,
}

/// What an expression is: a text, or a part of one of the two documents.
enum Value<'a> {
    Text(Text),
    Node(&'a Tree, NodeId),
}

impl<'a> Template<'a> {
    /// The text of a node, with its expressions replaced by what the template says of them.
    pub(super) fn text(&self, id: NodeId) -> Text {
        let mut calls = 0;
        self.evaluate(self.tree.value(id), &mut calls, 0)
    }

    /// A value that is an expression where it stands in brackets; `[[` begins a text with one bracket.
    fn evaluate(&self, value: &str, calls: &mut usize, depth: usize) -> Text {
        let trimmed = value.trim();
        if let Some(escaped) = trimmed.strip_prefix("[[") {
            return Text::lit(format!("[{escaped}"));
        }
        let Some(source) = trimmed.strip_prefix('[').and_then(|v| v.strip_suffix(']')) else {
            return Text::lit(value);
        };
        let mut parser = Parser { template: self, rest: source, calls, depth };
        match parser.value() {
            Some(value) if parser.rest.trim().is_empty() => self.as_text(value, calls, depth),
            _ => Text::unknown(),
        }
    }

    fn as_text(&self, value: Value<'a>, calls: &mut usize, depth: usize) -> Text {
        match value {
            Value::Text(text) => text,
            // The values of a parameter file are no expressions, but those of the template may be.
            Value::Node(tree, id) if tree.elements(id).next().is_none() && depth < MAX_DEPTH => {
                self.evaluate(tree.value(id), calls, depth + 1)
            }
            Value::Node(..) => Text::unknown(),
        }
    }

    fn parameter(&self, name: &str) -> Value<'a> {
        let given = self.given.and_then(|tree| Some((tree, tree.at(ROOT, &["parameters", name, "value"])?)));
        let default = || Some((self.tree, self.tree.at(ROOT, &["parameters", name, "defaultValue"])?));
        match given.or_else(default) {
            Some((tree, id)) => Value::Node(tree, id),
            None => Value::Text(Text::from_source(Source::Arg, name)),
        }
    }

    fn variable(&self, name: &str) -> Value<'a> {
        match self.tree.at(ROOT, &["variables", name]) {
            Some(id) => Value::Node(self.tree, id),
            None => Value::Text(Text::unknown()),
        }
    }
}

struct Parser<'p, 'a> {
    template: &'p Template<'a>,
    rest: &'p str,
    calls: &'p mut usize,
    depth: usize,
}

impl<'a> Parser<'_, 'a> {
    /// A literal, or a call and the members that are taken of its result. None where it is not understood.
    fn value(&mut self) -> Option<Value<'a>> {
        self.rest = self.rest.trim_start();
        if let Some(rest) = self.rest.strip_prefix('\'') {
            self.rest = rest;
            return Some(Value::Text(Text::lit(self.quoted()?)));
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if word.is_empty() {
            return None;
        }
        self.rest = rest.trim_start();
        let Some(rest) = self.rest.strip_prefix('(') else {
            return Some(Value::Text(Text::lit(word)));
        };
        self.rest = rest;
        *self.calls += 1;
        if *self.calls > MAX_CALLS || self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let arguments = self.arguments();
        self.depth -= 1;
        let called = self.call(&word.to_ascii_lowercase(), arguments?);
        Some(self.members(called))
    }

    /// What stands between the quotes; two quotes are one.
    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let (before, rest) = self.rest.split_once('\'')?;
            text.push_str(before);
            match rest.strip_prefix('\'') {
                Some(rest) => {
                    text.push('\'');
                    self.rest = rest;
                }
                None => {
                    self.rest = rest;
                    return Some(text);
                }
            }
        }
    }

    fn arguments(&mut self) -> Option<Vec<Value<'a>>> {
        let mut found = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix(')') {
                self.rest = rest;
                return Some(found);
            }
            if !found.is_empty() {
                self.rest = self.rest.strip_prefix(',')?;
            }
            found.push(self.value()?);
        }
    }

    /// `.name` and `[index]` behind a call.
    fn members(&mut self, mut value: Value<'a>) -> Value<'a> {
        loop {
            self.rest = self.rest.trim_start();
            let name = if let Some(rest) = self.rest.strip_prefix('.') {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                self.rest = &rest[end..];
                rest[..end].to_owned()
            } else if let Some((index, rest)) = self.rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
                self.rest = rest;
                index.trim().trim_matches('\'').to_owned()
            } else {
                return value;
            };
            value = match value {
                Value::Node(tree, id) => {
                    tree.child(id, &name).map_or(Value::Text(Text::unknown()), |c| Value::Node(tree, c))
                }
                Value::Text(_) => Value::Text(Text::unknown()),
            };
        }
    }

    fn call(&mut self, function: &str, arguments: Vec<Value<'a>>) -> Value<'a> {
        let depth = self.depth;
        let template = self.template;
        let mut texts = Vec::new();
        for argument in arguments {
            if matches!(function, "coalesce") && !matches!(&argument, Value::Text(text) if text.is_empty()) {
                return argument;
            }
            texts.push(template.as_text(argument, self.calls, depth));
        }
        let first = || texts.first().cloned().unwrap_or_else(Text::unknown);
        let name = || texts.first().and_then(Text::as_lit);
        let cased = |change: fn(&str) -> String| name().map_or_else(Text::unknown, |lit| Text::lit(change(lit)));
        Value::Text(match function {
            "parameters" => match name() {
                Some(name) => return template.parameter(name),
                None => Text::unknown(),
            },
            "variables" => match name() {
                Some(name) => return template.variable(name),
                None => Text::unknown(),
            },
            "concat" | "uri" => joined(&texts),
            "format" => format(&texts),
            "string" | "int" | "trim" => first(),
            "tolower" => cased(str::to_lowercase),
            "toupper" => cased(str::to_uppercase),
            _ => Text::unknown(),
        })
    }
}

fn joined(texts: &[Text]) -> Text {
    let mut out = Text::new();
    let mut length = 0;
    for text in texts {
        length += text.to_string().len();
        if length > MAX_TEXT {
            out.push_text(&Text::unknown());
            break;
        }
        out.push_text(text);
    }
    out
}

/// `format('{0}-setup', x)`, the form into which Bicep compiles its strings.
fn format(texts: &[Text]) -> Text {
    let Some((pattern, values)) = texts.split_first() else { return Text::unknown() };
    let Some(pattern) = pattern.as_lit() else { return Text::unknown() };
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        if let Some(doubled) = after.strip_prefix('{') {
            pieces.push(Text::lit(format!("{before}{{")));
            rest = doubled;
            continue;
        }
        pieces.push(Text::lit(before.replace("}}", "}")));
        let Some((number, after)) = after.split_once('}') else { return Text::unknown() };
        let index = number.split([':', ',']).next().unwrap_or(number);
        pieces.push(index.parse().ok().and_then(|n: usize| values.get(n)).cloned().unwrap_or_else(Text::unknown));
        rest = after;
    }
    pieces.push(Text::lit(rest.replace("}}", "}")));
    joined(&pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::config::json;

    const TEMPLATE: &str = r#"{
        "parameters": {
            "count": { "type": "int", "defaultValue": 2 },
            "sizes": { "defaultValue": { "front": { "count": "[parameters('count')]" }, "list": ["a", "b"] } },
            "site": { "type": "string" }
        },
        "variables": {
            "name": "[toLower(concat(parameters('site'), '-VM'))]",
            "literal": "[toLower('ABC')]",
            "loop": "[variables('loop')]",
            "twice": "[concat(variables('twice'), variables('twice'))]"
        }
    }"#;

    fn shown(expression: &str, given: Option<&str>) -> String {
        let (tree, _) = json::parse(TEMPLATE);
        let given = given.map(|text| json::parse(text).0);
        let template = Template { tree: &tree, given: given.as_ref() };
        template.evaluate(expression, &mut 0, 0).to_string()
    }

    #[test]
    fn functions_parameters_and_variables() {
        for (expression, expected) in [
            ("plain", "plain"),
            ("[[not one]", "[not one]"),
            ("[parameters('count')]", "2"),
            ("[parameters('SITE')]", "{arg:SITE}"),
            ("[concat('it''s ', parameters('count'), ' of ', 3)]", "it's 2 of 3"),
            ("[parameters('sizes').front.count]", "2"),
            ("[parameters('sizes').list[1]]", "b"),
            ("[parameters('sizes')]", "{?}"),
            ("[variables('name')]", "{?}"),
            ("[variables('literal')]", "abc"),
            ("[format('{0}\\setup-{{{1}}}.cmd', 'C:', parameters('count'))]", "C:\\setup-{2}.cmd"),
            ("[if(equals(1, 2), 'a', 'b')]", "{?}"),
            ("[concat('a', resourceGroup().location)]", "a{?}"),
            ("[coalesce('a', 'b')]", "a"),
            ("[concat('a'", "[concat('a'"),
            ("[concat('a']", "{?}"),
            ("[variables('loop')]", "{?}"),
        ] {
            assert_eq!(shown(expression, None), expected, "{expression}");
        }
    }

    #[test]
    fn a_parameter_file_wins_over_defaults() {
        let given = r#"{ "parameters": { "count": { "value": 5 }, "site": { "value": "Shop" } } }"#;
        assert_eq!(shown("[parameters('count')]", Some(given)), "5");
        assert_eq!(shown("[variables('name')]", Some(given)), "shop-vm");
    }

    #[test]
    fn expressions_are_bounded() {
        assert!(shown("[variables('twice')]", None).contains("{?}"));
        let deep = format!("[{}'a'{}]", "concat(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(shown(&deep, None), "{?}");
        let long = format!("[concat({})]", "'aaaaaaaaaa',".repeat(100_000));
        assert!(shown(&long, None).len() < 2 * MAX_TEXT);
    }
}
