//! Tests for a marker: what a branch on `Test-Path` keeps from being done again.

use super::run::{Machine, child_of_kind};
use super::value::Scope;
use crate::catalog::commands::Provider;
use crate::facts::Location;
use crate::read::script::call;
use tree_sitter::Node;

impl<'s> Machine<'s, '_, '_> {
    /// `if (Test-Path X) { return }` and `if (-not (Test-Path X)) { ... }`.
    pub(super) fn marker(&mut self, node: Node<'s>, condition: Node<'s>, scope: &mut Scope) {
        let text = self.slice(condition).to_ascii_lowercase();
        let Some(at) = text.find("test-path") else { return };
        let head = text[..at].trim_end_matches(['(', ' ', '\t']);
        let negated = head.ends_with("-not") || head.ends_with('!');
        if text.contains("-or") {
            return;
        }
        let raw = &self.slice(condition)[at + "test-path".len()..];
        let argument = raw.trim_start().trim_start_matches("-Path").trim_start_matches("-LiteralPath").trim();
        let value = self.bare(argument.trim_end_matches([')', ' ']), scope);
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
        for path in value.texts().iter().filter(|p| !p.to_string().contains(['(', ')'])) {
            let marker = match call::provider_of(path) {
                Provider::File => call::file(path, &scope.here),
                Provider::Registry => Location::registry(path),
                _ => continue,
            };
            let key = if negated { "if not exist" } else { "if exist" };
            self.guards.add(node.start_byte(), from, to, key, marker);
        }
    }
}
