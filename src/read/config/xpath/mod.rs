//! The part of XPath 1.0 that transforms of configuration use in their locators: steps, predicates, comparisons and a
//! few functions. An expression outside that part is not evaluated at all.

mod parse;

use super::tree::{NodeId, ROOT, Role, Tree};

/// Nodes that the expressions of one document may look at.
pub(crate) const MAX_STEPS: usize = 2_000_000;

/// An expression, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct XPath(Expr);

#[derive(Debug)]
enum Expr {
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Compare(Box<Expr>, Comparison, Box<Expr>),
    Text(String),
    Number(f64),
    Call(Function, Vec<Expr>),
    Path(Path),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug)]
enum Function {
    Not,
    Contains,
    StartsWith,
    Position,
    Last,
    Count,
    Name,
    NormalizeSpace,
    True,
    False,
}

#[derive(Debug)]
struct Path {
    absolute: bool,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    axis: Axis,
    /// `None` for any name.
    name: Option<String>,
    predicates: Vec<Expr>,
}

#[derive(Clone, Copy, Debug)]
enum Axis {
    Child,
    Attribute,
    Itself,
    Parent,
    Below,
}

enum Value {
    Nodes(Vec<NodeId>),
    Text(String),
    Number(f64),
    Truth(bool),
}

/// The node that an expression is asked about, and its place among its like.
#[derive(Clone, Copy)]
struct Context {
    node: NodeId,
    position: usize,
    size: usize,
}

impl XPath {
    /// Reads an expression; `None` where it is not of the part that is understood.
    pub(crate) fn parse(text: &str) -> Option<XPath> {
        parse::parse(text).map(XPath)
    }

    /// The nodes that it selects, seen from a node.
    /// Nodes that are looked at are added to `steps`; beyond [`MAX_STEPS`] nothing more is found.
    pub(crate) fn select(&self, tree: &Tree, from: NodeId, steps: &mut usize) -> Vec<NodeId> {
        let mut evaluation = Evaluation { tree, steps: *steps };
        let found = evaluation.value(&self.0, Context { node: from, position: 1, size: 1 });
        *steps = evaluation.steps;
        match found {
            Value::Nodes(nodes) => nodes,
            _ => Vec::new(),
        }
    }

    /// Those of some nodes for which it holds as a predicate.
    pub(crate) fn filter(&self, tree: &Tree, nodes: Vec<NodeId>, steps: &mut usize) -> Vec<NodeId> {
        let mut evaluation = Evaluation { tree, steps: *steps };
        let kept = evaluation.filtered(nodes, &self.0);
        *steps = evaluation.steps;
        kept
    }
}

struct Evaluation<'a> {
    tree: &'a Tree,
    steps: usize,
}

impl Evaluation<'_> {
    fn filtered(&mut self, nodes: Vec<NodeId>, predicate: &Expr) -> Vec<NodeId> {
        let size = nodes.len();
        let mut kept = Vec::new();
        for (i, node) in nodes.into_iter().enumerate() {
            if self.is_spent(1) {
                break;
            }
            let position = i + 1;
            let holds = match self.value(predicate, Context { node, position, size }) {
                // A number is a position.
                Value::Number(number) => number == position as f64,
                other => truth(&other),
            };
            if holds {
                kept.push(node);
            }
        }
        kept
    }

    fn is_spent(&mut self, steps: usize) -> bool {
        self.steps = self.steps.saturating_add(steps);
        self.steps > MAX_STEPS
    }

    fn value(&mut self, expr: &Expr, context: Context) -> Value {
        match expr {
            Expr::Or(parts) => Value::Truth(parts.iter().any(|p| truth(&self.value(p, context)))),
            Expr::And(parts) => Value::Truth(parts.iter().all(|p| truth(&self.value(p, context)))),
            Expr::Compare(left, how, right) => {
                let (left, right) = (self.value(left, context), self.value(right, context));
                Value::Truth(self.compare(&left, *how, &right))
            }
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Number(number) => Value::Number(*number),
            Expr::Call(function, arguments) => self.call(*function, arguments, context),
            Expr::Path(path) => Value::Nodes(self.path(path, context.node)),
        }
    }

    fn path(&mut self, path: &Path, from: NodeId) -> Vec<NodeId> {
        let tree = self.tree;
        let mut nodes = vec![if path.absolute { ROOT } else { from }];
        for step in &path.steps {
            let mut next = Vec::new();
            for node in nodes {
                let candidates: Vec<NodeId> = match step.axis {
                    Axis::Child => tree.elements(node).collect(),
                    Axis::Attribute => tree.children(node).filter(|&c| tree.node(c).role == Role::Attribute).collect(),
                    Axis::Itself => vec![node],
                    Axis::Parent => vec![tree.node(node).parent],
                    Axis::Below => {
                        let all = tree.descendants(node);
                        all.into_iter().filter(|&c| tree.node(c).role != Role::Attribute).collect()
                    }
                };
                if self.is_spent(candidates.len() + 1) {
                    return Vec::new();
                }
                let named = |&c: &NodeId| step.name.as_ref().is_none_or(|name| tree.name(c) == name);
                let mut found: Vec<NodeId> = candidates.into_iter().filter(named).collect();
                for predicate in &step.predicates {
                    found = self.filtered(found, predicate);
                }
                next.extend(found);
            }
            next.sort_unstable();
            next.dedup();
            nodes = next;
        }
        nodes
    }

    fn call(&mut self, function: Function, arguments: &[Expr], context: Context) -> Value {
        let mut values = arguments.iter().map(|a| self.value(a, context)).collect::<Vec<_>>().into_iter();
        let (first, second) = (values.next(), values.next());
        let text_of = |value: Option<Value>| match value {
            Some(value) => self.text(&value),
            None => self.tree.value(context.node).to_owned(),
        };
        match function {
            Function::Not => Value::Truth(!first.is_some_and(|v| truth(&v))),
            Function::Contains => Value::Truth(text_of(first).contains(&text_of(second))),
            Function::StartsWith => Value::Truth(text_of(first).starts_with(&text_of(second))),
            Function::Position => Value::Number(context.position as f64),
            Function::Last => Value::Number(context.size as f64),
            Function::Count => match first {
                Some(Value::Nodes(nodes)) => Value::Number(nodes.len() as f64),
                _ => Value::Number(0.0),
            },
            Function::Name => {
                let node = match first {
                    Some(Value::Nodes(nodes)) => nodes.first().copied(),
                    _ => Some(context.node),
                };
                Value::Text(node.map(|n| self.tree.name(n).to_owned()).unwrap_or_default())
            }
            Function::NormalizeSpace => Value::Text(text_of(first).split_whitespace().collect::<Vec<_>>().join(" ")),
            Function::True => Value::Truth(true),
            Function::False => Value::Truth(false),
        }
    }

    fn text(&self, value: &Value) -> String {
        match value {
            Value::Nodes(nodes) => nodes.first().map(|&n| self.tree.value(n).to_owned()).unwrap_or_default(),
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Truth(truth) => truth.to_string(),
        }
    }

    /// A set of nodes compares true if any of its nodes does (XPath 1.0, section 3.4).
    fn compare(&self, left: &Value, how: Comparison, right: &Value) -> bool {
        let texts = |value: &Value| match value {
            Value::Nodes(nodes) => nodes.iter().map(|&n| self.tree.value(n).to_owned()).collect(),
            other => vec![self.text(other)],
        };
        if let (Value::Truth(truth_value), other) | (other, Value::Truth(truth_value)) = (left, right) {
            return (truth(other) == *truth_value) == (how == Comparison::Equal);
        }
        let numeric = matches!(left, Value::Number(_)) || matches!(right, Value::Number(_));
        let rights = texts(right);
        texts(left).iter().any(|l| rights.iter().any(|r| holds(l, how, r, numeric)))
    }
}

fn holds(left: &str, how: Comparison, right: &str, numeric: bool) -> bool {
    let numbers = || Some((left.trim().parse::<f64>().ok()?, right.trim().parse::<f64>().ok()?));
    match how {
        Comparison::Equal if !numeric => left == right,
        Comparison::NotEqual if !numeric => left != right,
        Comparison::Equal => numbers().is_some_and(|(l, r)| l == r),
        Comparison::NotEqual => numbers().is_none_or(|(l, r)| l != r),
        Comparison::Less => numbers().is_some_and(|(l, r)| l < r),
        Comparison::LessOrEqual => numbers().is_some_and(|(l, r)| l <= r),
        Comparison::Greater => numbers().is_some_and(|(l, r)| l > r),
        Comparison::GreaterOrEqual => numbers().is_some_and(|(l, r)| l >= r),
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Nodes(nodes) => !nodes.is_empty(),
        Value::Text(text) => !text.is_empty(),
        Value::Number(number) => *number != 0.0,
        Value::Truth(truth) => *truth,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::config::xml;

    #[test]
    fn what_locators_use() {
        let (tree, _) = xml::parse(
            "<c><s><add name='a' v='1'/><add name='b' v='2'/><add name='ab'/></s><s path='p'><add name='a'>t</add></s></c>",
        );
        let count = |text: &str| XPath::parse(text).map(|x| x.select(&tree, ROOT, &mut 0).len());
        for (expression, expected) in [
            ("/c/s/add", 4),
            ("c/s[@path='p']/add", 1),
            ("//add[@name='a' or @v='2']", 3),
            ("//add[@name='a' and @v='1']", 1),
            ("/c/s/add[2]", 1),
            ("/c/s/add[last()]", 2),
            ("/c/s[not(@path)]/add[position() > 1]", 2),
            ("//add[contains(@name, 'b')]/@name", 2),
            ("//*[starts-with(@name,\"ab\")]/..", 1),
            ("//add[text()='t']", 1),
            ("/c/s[count(add)=3]", 1),
            ("//add[@name!='a']", 2),
            ("/c/x:s/nothing", 0),
        ] {
            assert_eq!(count(expression), Some(expected), "{expression}");
        }
        for outside in ["", "/c/", "//add[", "id('x')", "c | d", "child::c", "a b", "@name='x", "(((c)"] {
            assert!(XPath::parse(outside).is_none(), "{outside}");
        }
        assert!(XPath::parse(&"(".repeat(100_000)).is_none());
    }
}
