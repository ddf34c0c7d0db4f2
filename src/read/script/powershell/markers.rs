//! Tests for a marker: what a branch on `Test-Path` keeps from being done again.

use super::compute;
use super::run::{MAX_DEPTH, Machine, child_of_kind, children};
use super::value::Scope;
use crate::catalog::commands::Provider;
use crate::facts::{Extent, Location};
use crate::read::script::call;
use tree_sitter::Node;

impl<'s> Machine<'s, '_, '_> {
    /// `if (Test-Path X) { return }` and `if (-not (Test-Path X)) { ... }`.
    pub(super) fn marker(&mut self, node: Node<'s>, condition: Node<'s>, scope: &mut Scope) {
        let text = self.slice(condition).to_ascii_lowercase();
        if !text.contains("test-path") || text.contains("-or") {
            return;
        }
        let Some(test) = self.command_in(condition, "test-path", 0) else { return };
        let before = text.get(..test.start_byte() - condition.start_byte()).unwrap_or_default();
        let head = before.trim_end_matches(['(', ' ', '\t']);
        let negated = head.ends_with("-not") || head.ends_with('!');
        let arguments = self.arguments(test, scope);
        let Some(value) = compute::values(&arguments, &["path", "literalpath"]).into_iter().next() else { return };
        let Some(block) = child_of_kind(node, "statement_block") else { return };
        let leaves = {
            let body = self.slice(block).trim_matches(['{', '}']).trim_end_matches([';', '\n', '\r', ' ', '\t', '}']);
            let last = body.lines().last().unwrap_or_default().trim().to_lowercase();
            last.split([' ', ';', '(']).any(|w| matches!(w, "return" | "exit"))
        };
        let (from, to) = match (negated, leaves) {
            (true, _) => (block.start_byte(), block.end_byte()),
            (false, true) => (node.end_byte(), usize::MAX),
            _ => return,
        };
        for path in value.texts().iter() {
            let marker = match call::provider_of(path) {
                Provider::File => call::file(path, &scope.here),
                Provider::Registry => Location::registry(path),
                _ => continue,
            };
            if marker.extent() == Extent::None {
                continue;
            }
            let key = if negated { "if not exist" } else { "if exist" };
            self.guards.add(node.start_byte(), from, to, key, marker);
        }
    }

    /// The first command of this name in an expression.
    fn command_in(&self, node: Node<'s>, name: &str, depth: usize) -> Option<Node<'s>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let called = node.child_by_field_name("command_name").filter(|_| node.kind() == "command");
        if called.is_some_and(|called| self.slice(called).eq_ignore_ascii_case(name)) {
            return Some(node);
        }
        children(node).into_iter().find_map(|child| self.command_in(child, name, depth + 1))
    }
}
