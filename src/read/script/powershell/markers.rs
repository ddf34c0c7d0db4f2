//! Tests for a marker: what a branch on `Test-Path` keeps from being done again.

use super::compute;
use super::run::{MAX_DEPTH, Machine, child_of_kind, children};
use super::value::{Scope, Value};
use crate::catalog::commands::Provider;
use crate::facts::{Extent, Location};
use crate::read::script::{call, items};
use tree_sitter::Node;

/// What asks for a file without `Test-Path`.
const EXISTS: [&str; 2] = ["io.file]::exists(", "io.directory]::exists("];

/// A test for markers in the condition of a branch.
pub(super) struct Test {
    markers: Vec<Location>,
    /// The branch is taken when they are absent.
    negated: bool,
    /// The branch leaves the script.
    leaves: bool,
    /// Facts before the branch.
    first: usize,
}

impl<'s> Machine<'s, '_, '_> {
    /// `if (Test-Path X) { return }` and `if (-not (Test-Path X)) { ... }`, before the branch is taken.
    pub(super) fn marker(&mut self, node: Node<'s>, condition: Node<'s>, scope: &mut Scope) -> Option<Test> {
        let text = self.slice(condition).to_ascii_lowercase();
        let asks = text.contains("test-path") || EXISTS.iter().any(|ask| text.contains(ask));
        if !asks || text.contains("-or") {
            return None;
        }
        let (at, value) = self.tested(condition, scope)?;
        let before = text.get(..at - condition.start_byte()).unwrap_or_default();
        let head = before.trim_end_matches(['(', ' ', '\t']);
        let negated = head.ends_with("-not") || head.ends_with('!');
        let block = child_of_kind(node, "statement_block")?;
        let leaves = {
            let body = self.slice(block).trim_matches(['{', '}']).trim_end_matches([';', '\n', '\r', ' ', '\t', '}']);
            let last = body.lines().last().unwrap_or_default().trim().to_lowercase();
            last.split([' ', ';', '(']).any(|w| matches!(w, "return" | "exit"))
        };
        let texts = value.texts();
        let markers = texts.iter().filter_map(|path| match items::provider_at(path, scope.location()) {
            Provider::File => Some(call::file(path, &scope.here)),
            Provider::Registry => Some(Location::registry(&items::key(path, scope.location()))),
            _ => None,
        });
        let markers = markers.filter(|marker| marker.extent() != Extent::None).collect();
        Some(Test { markers, negated, leaves, first: self.sink.reading.facts.len() })
    }

    /// Tells what the test guards, when the branch was taken.
    pub(super) fn guarded(&mut self, node: Node<'s>, test: Test) {
        let Some(block) = child_of_kind(node, "statement_block") else { return };
        // Of a line of another artifact all facts are at one place: they are told by their numbers.
        let now = self.sink.reading.facts.len();
        let (inside, behind) = match self.fixed {
            Some(_) => ((test.first, now), (now, usize::MAX)),
            None => ((block.start_byte(), block.end_byte()), (node.end_byte(), usize::MAX)),
        };
        let (from, to) = match (test.negated, test.leaves) {
            (true, _) => inside,
            (false, true) => behind,
            _ => return,
        };
        let key = if test.negated { "if not exist" } else { "if exist" };
        for marker in test.markers {
            self.guards.add(node.start_byte(), from, to, key, marker);
        }
    }

    /// Where the first test of a condition stands, and what it asks for.
    fn tested(&mut self, condition: Node<'s>, scope: &mut Scope) -> Option<(usize, Value)> {
        if let Some(test) = self.find(condition, 0, &|machine, node| {
            let called = node.child_by_field_name("command_name").filter(|_| node.kind() == "command");
            called.is_some_and(|called| machine.slice(called).eq_ignore_ascii_case("test-path"))
        }) {
            let arguments = self.arguments(test, scope);
            let value = compute::values(&arguments, &["path", "literalpath"]).into_iter().next()?;
            return Some((test.start_byte(), value));
        }
        let test = self.find(condition, 0, &|machine, node| {
            let text = machine.slice(node).to_ascii_lowercase();
            node.kind() == "invokation_expression" && EXISTS.iter().any(|ask| text.contains(ask))
        })?;
        let list =
            child_of_kind(test, "argument_list").and_then(|list| child_of_kind(list, "argument_expression_list"));
        let argument = children(list?).into_iter().next()?;
        Some((test.start_byte(), self.eval(argument, scope)))
    }

    /// The first node of an expression of which something is true.
    fn find(&self, node: Node<'s>, depth: usize, is: &dyn Fn(&Self, Node<'s>) -> bool) -> Option<Node<'s>> {
        if depth > MAX_DEPTH {
            return None;
        }
        if is(self, node) {
            return Some(node);
        }
        children(node).into_iter().find_map(|child| self.find(child, depth + 1, is))
    }
}
